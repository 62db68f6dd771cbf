#!/usr/bin/env bash
# Both halves of the Bluesky connector against the real network (PLC, PDS, AppView), directly and
# through a proxy that loses answers, limits, breaks and lies.
. "$(dirname "$0")/../lib/common.sh"
need_peer bsky faultproxy
ingest=$EARSHOT_BIN/unit.services.ingest.connectors.test_bluesky_live
responder=$EARSHOT_BIN/unit.services.responder.connectors.test_bluesky_live
need_program "${ingest##*/}" "${responder##*/}"

# The network takes a run of ports from the one it is given.
taken() { for above in {0..20}; do port_answers $(($1 + above)) && return 0; done; return 1; }
net=0
until [ "$net" != 0 ] && ! taken "$net"; do net=$((RANDOM % 190 * 100 + 11000)); done
at_exit "cat '$WORK'/bsky/*.pid 2>/dev/null | xargs -r kill 2>/dev/null; sleep 1"
"$PEERS/bsky.sh" "$WORK/bsky" full "$net" >"$WORK/env" || fail "the Bluesky network did not start"
peer() { sed -n "s/^$1=//p" "$WORK/env"; }
EAR_TEST_BSKY=$(peer BASE_URL)
EAR_TEST_BSKY_BRAND=$(peer BRAND_DID)
export EAR_TEST_BSKY EAR_TEST_BSKY_BRAND

free_port
at_exit "kill \$(cat '$WORK/proxy/haproxy.pid') 2>/dev/null || true"
mkdir -p "$WORK/proxy"
"$PEERS/faultproxy.sh" "$WORK/proxy" "$PORT" "127.0.0.1:${EAR_TEST_BSKY##*:}" >"$WORK/proxy.env" ||
  fail "the fault proxy did not start"
EAR_TEST_BSKY_PROXY=http://localhost:$PORT
EAR_TEST_BSKY_SWITCH=$(sed -n 's/^ADMIN=//p' "$WORK/proxy.env")
export EAR_TEST_BSKY_PROXY EAR_TEST_BSKY_SWITCH

"$ingest" || fail "ingest half"
"$responder" || fail "responder half"
say "Bluesky is heard and answered"
