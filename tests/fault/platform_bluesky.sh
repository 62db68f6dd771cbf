#!/usr/bin/env bash
# What platform.sh does, on the real Bluesky network, which knows no ids of ours but the record's key:
# each answer stands in the thread exactly once, or is said to be unknown and why. Only by --full; lost
# answers and an outage are part of e2e/bluesky.sh always.
. "$(dirname "$0")/../lib/bluesky.sh"
[ -n "${EARSHOT_FULL:-}" ] || skip "minutes on a whole network: by tests/run --full only"
need_command jq curl
need_peer bsky faultproxy

bluesky_start
fault_proxy "127.0.0.1:${BSKY_BASE_URL##*:}"
pg_start
bluesky_care "$WORK/care.yaml" "$PROXY_URL"
stack_prepare "$WORK/care.yaml"
ENV_responder=(EAR_RESPONDER_BACKOFF=500ms EAR_RESPONDER_BACKOFF_MAX=5s)
stack_start ingest=1 classifier=1 assignment=1 responder=1
quietly ctl agent present ana --as ana
for name in alice brand; do bluesky_login "$name"; done
bluesky_post alice "@brand.test my parcel arrived broken and nobody answers the phone. I want my money back!"
asked=$POST_URI
must_settle "the case" 60 cases_are 1
only_case

# How often the brand's answer with that text stands in the thread.
shown() { # TEXT
  bluesky_thread alice "$asked" | jq --arg did "$BSKY_BRAND_DID" --arg text "$1" '[.. | objects
    | select(.author?.did? == $did and ((.record?.text? // "") | startswith($text))) | .uri] | unique | length'
}
was_shown() { [ "$(shown "$1")" -ge 1 ]; }
tries_are() { [ "$(pg_query 'SELECT count(*) FROM attempt WHERE reply_id = (SELECT max(reply_id::text)::uuid FROM reply)')" -ge "$1" ]; }

for kind in err rate reset html drop lost; do
  say "$kind, for every request"
  fault "$kind" 100
  reply "$CASE" "While the network does $kind, we are on it."
  must_settle "an attempt" 60 tries_are 1
  sleep 8 # tries, or looks, under the fault
  fault "$kind" 0
  must_settle "its outcome" 300 stack_settled
  case $(reply_state) in
    1)
      must_settle "the answer in the thread" 60 was_shown "While the network does $kind"
      expect_eq "times in the thread" 1 "$(shown "While the network does $kind")"
      ;;
    3)
      why=$(pg_query 'SELECT reason FROM reply ORDER BY reply_id DESC LIMIT 1')
      [ -n "$why" ] || fail "unknown without a reason"
      say "unknown: $why"
      [ "$(shown "While the network does $kind")" -le 1 ] || fail "it stands in the thread twice"
      ;;
    *) fail "state $(reply_state) after $kind" ;;
  esac
  say "  $(pg_query 'SELECT count(*) FROM attempt WHERE reply_id = (SELECT max(reply_id::text)::uuid FROM reply)') attempts"
done
sleep 5
for kind in err rate reset html drop lost; do
  [ "$(shown "While the network does $kind")" -le 1 ] || fail "the answer of $kind stands in the thread twice"
done
stack_stop
stack_logs_clean
