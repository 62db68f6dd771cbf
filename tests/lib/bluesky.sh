# shellcheck shell=bash
# bluesky.sh: people on the real Bluesky network of the peers.
#
#   bluesky_start                  PLC, PDS and AppView; sets BSKY_* (BASE_URL, ALICE_DID …)
#   bluesky_care FILE SERVICE      a firm whose only account is @brand.test, reached at SERVICE, with agent ana
#   bluesky_login NAME             alice, bob or brand; keeps the token
#   bluesky_post NAME TEXT [ROOT PARENT]   mentions @brand.test where the text names it; ROOT and PARENT
#                                  are "uri cid" pairs; sets POST_URI and POST_REF ("uri cid")
#   bluesky_thread NAME URI        the thread as JSON on standard output
! declare -F bluesky_start >/dev/null || return 0 # it has been read
. "$(dirname "${BASH_SOURCE[0]}")/peers.sh"
. "$(dirname "${BASH_SOURCE[0]}")/care.sh"

declare -A bluesky_token=()

bluesky_start() {
  free_ports 20 # the script adds small numbers to the base
  "$PEERS/bsky.sh" "$WORK/bsky" full "$PORT" >"$WORK/bsky.env" 2>"$WORK/bsky.err" ||
    { cat "$WORK/bsky.err" >&2; fail "the Bluesky network did not start"; }
  at_exit 'peer_stop "$WORK/bsky/bsky.pid" "$WORK/bsky/redis.pid" "$WORK/bsky/pg.pid"'
  peer_read "$WORK/bsky.env" BSKY
}

bluesky_care() { # FILE SERVICE
  mkdir -p "$WORK/secrets"
  printf '%s' "$BSKY_BRAND_PASSWORD" >"$WORK/secrets/bluesky_password"
  care_firm 8 >"$1"
  cat >>"$1" <<YAML
accounts:
  - id: "@brand.test"
    platform: bluesky
    author_id: "$BSKY_BRAND_DID"
    team: care
    secrets: [bluesky_password]
    settings:
      service: "$2"
      identifier: "$BSKY_BRAND_HANDLE"
      poll_interval: 1s
YAML
}

bluesky_call() { # NAME METHOD [CURL-OPTION…]
  local name=$1 method=$2
  shift 2
  curl -sS --fail-with-body --max-time 30 -H "Authorization: Bearer ${bluesky_token[$name]:-}" "$@" \
    "$BSKY_BASE_URL/xrpc/$method"
}

bluesky_login() { # NAME
  bluesky_token[$1]=$(curl -sS --fail-with-body --max-time 30 -H 'Content-Type: application/json' \
    -d "{\"identifier\":\"$1.test\",\"password\":\"$1-pass-123\"}" \
    "$BSKY_BASE_URL/xrpc/com.atproto.server.createSession" | jq -r .accessJwt)
}

bluesky_post() { # NAME TEXT [ROOT PARENT]
  local name=$1 text=$2 did=BSKY_${1^^}_DID record answer
  record=$(jq -n --arg text "$text" --arg at "$(date -u +%FT%T.%3NZ)" --arg brand "$BSKY_BRAND_DID" \
    --arg root "${3:-}" --arg parent "${4:-}" '
    ($text | split("@brand.test") | if length > 1 then (.[0] | utf8bytelength) else null end) as $at_byte |
    def ref(s): s | split(" ") | {uri: .[0], cid: .[1]};
    {"$type": "app.bsky.feed.post", text: $text, createdAt: $at}
    + (if $at_byte then {facets: [{index: {byteStart: $at_byte, byteEnd: ($at_byte + 11)},
        features: [{"$type": "app.bsky.richtext.facet#mention", did: $brand}]}]} else {} end)
    + (if $root != "" then {reply: {root: ref($root), parent: ref($parent)}} else {} end)')
  answer=$(jq -n --arg repo "${!did}" --argjson record "$record" \
    '{repo: $repo, collection: "app.bsky.feed.post", record: $record}' |
    bluesky_call "$name" com.atproto.repo.createRecord -H 'Content-Type: application/json' -d @-)
  POST_URI=$(jq -r .uri <<<"$answer")
  POST_REF=$(jq -r '.uri + " " + .cid' <<<"$answer")
}

bluesky_thread() { # NAME URI
  bluesky_call "$1" app.bsky.feed.getPostThread -G --data-urlencode "uri=$2" --data-urlencode depth=20
}
