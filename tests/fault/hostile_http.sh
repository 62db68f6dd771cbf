#!/usr/bin/env bash
# Hostile clients at ingest's HTTP port, and those of the other services that tell health and metrics only: those that hold
# nothing and those that hold an account's key:
# bodies without end, slow-loris, floods of headers and connections, bombs, forged and repeated
# signatures, requests that are none. Each is refused, counted and logged without a flood of lines;
# memory stays within its bound; an honest sender beside them loses nothing.
. "$(dirname "$0")/../lib/feed.sh"
. "$(dirname "$0")/../lib/hostile.sh"
need_command node jq

scale=0.1
[ -z "${EARSHOT_FULL:-}" ] || scale=1
# What a sanitizer lets go of is to be gone.
export ASAN_OPTIONS=$ASAN_OPTIONS:quarantine_size_mb=1
pg_start
feed_stack ingest=1 classifier=1 assignment=1 responder=1
watch_memory ingest 1

node "$(dirname "$0")/hostile_http.mjs" "${stack_port[ingest.1.http]}" "${stack_pid[ingest.1]}" @shop "$WORK/secrets/shop" \
  "$STACK_REPLAY_TOKEN" "$scale" >"$WORK/attacks" || fail "the attacks could not be carried out"
jq -r '"\(.attack): \(.got | tostring), at most \(.peak_mb) MiB, honest \(.honest | tostring)"' "$WORK/attacks" >&2

got() { jq -r --arg a "$1" 'select(.attack == $a).got | keys - '"$2"' | join(" ")' "$WORK/attacks"; }
only() { expect_eq "answers to $1 besides $2" "" "$(got "$1" "$2")"; }
# Whoever is still sending may find the line cut before it reads why.
only announced_100_mb '["413", "EPIPE", "ECONNRESET"]'
only sent_100_mb '["413", "EPIPE", "ECONNRESET"]'
only chunked_100_mb '["413", "EPIPE", "ECONNRESET"]'
only bodies_at_once '["401", "503", "EPIPE", "ECONNRESET"]'
only header_flood '["431", "EPIPE", "ECONNRESET"]'
only long_request_line '["414", "EPIPE", "ECONNRESET"]'
only smuggling '["400", "401", "413"]'
for attack in unknown_accounts forged_signatures old_and_future odd_timestamps wrong_tokens; do only "$attack" '["401"]'; done
only replayed '["200", "first"]'
only gzip_bomb '["415"]'
for attack in deep_json wide_json odd_json; do only "$attack" '["400"]'; done
for attack in slow_loris silent_connections; do
  [ "$(jq --arg a "$attack" 'select(.attack == $a).got.cut' "$WORK/attacks")" -ge 50 ] || fail "hardly one of $attack was cut"
done

say "the honest sender"
last=$(jq -c 'select(.attack == "none").honest' "$WORK/attacks")
expect_eq "posts of the honest sender that were not taken" '[]' "$(jq -c .lost <<<"$last")"
honest=$(jq .taken <<<"$last")
stored() { pg_query "SELECT count(*) FROM post p JOIN triage t USING (post_id) WHERE external_id LIKE '$1'"; }
honest_is_decided() { [ "$(stored 'honest-%')" = "$honest" ]; }
must_settle "each of its posts is stored and decided once" 60 honest_is_decided
expect_eq "posts of one id that came again and again with two bodies: one a body" 2 "$(stored 'replayed%')"
expect_eq "posts that were forged, or past a ceiling" 0 \
  "$(pg_query "SELECT count(*) FROM post WHERE external_id ~ '^(forged|old|odd|u|wide|line)[0-9]'")"

say "counted, logged, and no flood"
metrics=$(curl -sf "$(stack_url ingest 1)/metrics")
counted() { grep -F "$1" <<<"$metrics" | grep -qv ' 0$' || fail "not counted: $1"; }
for why in too_large malformed; do counted "earshot_http_refused_total{why=\"$why\"}"; done
counted 'earshot_http_cut_total{why="crowded"}'
for reason in account body content_type headers signature time token; do
  counted "earshot_ingest_webhooks_refused_total{reason=\"$reason\"}"
done
counted 'earshot_ingest_posts_total{lane="live",result="malformed"}'
for event in http.refused http.malformed http.cut 'ingest.webhook_refused .*reason=content_type' ingest.post_refused; do
  grep -q "event=$event " "$WORK/log/ingest.1.log" || fail "not logged: $event"
done
no_flood ingest 1 400
memory_within "$(jq -s 'map(.peak_mb // 0) | max' "$WORK/attacks")"
kill -0 "${stack_pid[ingest.1]}" || fail "ingest did not survive"

for name in classifier assignment responder; do
  say "$name"
  watch_memory "$name" 1
  node "$(dirname "$0")/hostile_http.mjs" "${stack_port[$name.1.http]}" "${stack_pid[$name.1]}" @shop "$WORK/secrets/shop" - "$scale" \
    announced_100_mb,sent_100_mb,chunked_100_mb,bodies_at_once,slow_loris,silent_connections,never_reads,header_flood,long_request_line,not_http,smuggling,leaves_in_the_middle,pipelined \
    >"$WORK/attacks" || fail "the attacks could not be carried out"
  jq -r '"\(.attack): \(.got | tostring), at most \(.peak_mb) MiB, honest \(.honest | tostring)"' "$WORK/attacks" >&2
  for attack in announced_100_mb sent_100_mb chunked_100_mb bodies_at_once; do only "$attack" '["404", "413", "EPIPE", "ECONNRESET"]'; done
  only header_flood '["431", "EPIPE", "ECONNRESET"]'
  only smuggling '["400", "404", "413"]'
  last=$(jq -c 'select(.attack == "none").honest' "$WORK/attacks")
  expect_eq "questions for its health without an answer" '[]' "$(jq -c .lost <<<"$last")"
  [ "$(jq .taken <<<"$last")" -ge 20 ] || fail "hardly anybody asked for its health"
  no_flood "$name" 1 400
  memory_within "$(jq -s 'map(.peak_mb // 0) | max' "$WORK/attacks")"
  kill -0 "${stack_pid[$name.1]}" || fail "$name did not survive"
done
stack_stop
stack_logs_clean
