#!/usr/bin/env bash
# Rolling restarts of everything in the middle of feeds: each replica gets SIGTERM, drains, ends with 0
# and is started again; then as a release that knows a newer protocol beside the old, then as one that
# has forgotten the old. Nothing is lost or doubled, nothing even counts as a failure, and /readyz of
# every replica says yes exactly as long as it does its work.
. "$(dirname "$0")/../lib/sender.sh"

posts=400
[ -z "${EARSHOT_FULL:-}" ] || posts=6000

under_way() { # POSTS
  [ "$(pg_query 'SELECT count(*) FROM post')" -ge "$1" ]
}

now_ms() { date +%s%3N; }

# Lines "ASKED ANSWERED NAME.N CODE", in ms; 000 is nobody there, or nothing said for 10 s.
watch_ready() {
  local name n asked code
  while sleep 0.2; do
    for name in "${STACK_SERVICES[@]}"; do
      for n in 1 2; do
        asked=$(now_ms)
        code=$(curl -s -o /dev/null --max-time 10 -w '%{http_code}' "$(stack_url "$name" "$n")/readyz" || true)
        echo "$asked $(now_ms) $name.$n $code"
      done
    done
  done >"$WORK/ready"
}

versions_of() { # NAME N
  curl -s --max-time 2 "$(stack_url "$1" "$2")/readyz" | jq -c .schema
}

# When it said last that it drains: on a busy machine that is a while after its SIGTERM.
drains_since() { # NAME N
  date -d "$(sed -nE 's/^ts=([^ ]+) .*event=svc\.draining.*/\1/p' "$WORK/log/$1.$2.log" | tail -n 1)" +%s%3N
}

# Lines "NAME.N FROM DRAINS GONE TO" in $WORK/absent: when it got SIGTERM, when it drained, when it had
# ended, and when it was ready again. A second to either side is not held against it.
restart() { # NAME N
  local from gone
  from=$(now_ms)
  service_stop "$1" "$2"
  gone=$(now_ms)
  service_start "$1" "$2"
  service_wait_ready "$1" "$2"
  echo "$1.$2 $from $(drains_since "$1" "$2") $gone $(now_ms)" >>"$WORK/absent"
}

# Wrong: not ready outside of its own absence, or ready while it drains.
check_ready() {
  local wrong
  wrong=$(awk 'NR == FNR { from[$1, ++n[$1]] = $2; drain[$1, n[$1]] = $3; gone[$1, n[$1]] = $4; to[$1, n[$1]] = $5
      if ($3 - $2 > 10000) print $1, "deaf to SIGTERM", $2, $3
      next }
    { absent = drains = 0
      for (i = 1; i <= n[$3]; i++) {
        if ($2 >= from[$3, i] - 1000 && $1 <= to[$3, i] + 1000) absent = 1
        if ($1 > drain[$3, i] && $1 <= gone[$3, i]) drains = 1
      }
      if ($4 != 200 && !absent || $4 == 200 && drains) print $3, $4, $1, $2 }' "$WORK/absent" "$WORK/ready")
  say "$(wc -l <"$WORK/ready") questions to /readyz, the slowest answered after $(awk '{ if ($2 - $1 > top) top = $2 - $1 } END { print top + 0 }' "$WORK/ready") ms"
  [ -z "$wrong" ] || fail "/readyz said no, or nothing, of who was not restarted, or yes of who drained: $(head -n 5 <<<"$wrong" | paste -sd';')"
}

# Services in an order, each replica in turn, under a feed and answers.
round() { # RUN VERSIONS SERVICE…
  local run=$1 versions=$2 player answering before=$FEED_POSTS service n
  shift 2
  feed_make "$run" "$posts"
  feed_play "$run" &
  player=$!
  feed_answer 8 &
  answering=$!
  sender_start "$run" 2 # for as long as it takes
  must_settle "the feed has begun" 60 under_way $((before + 60))
  for service; do
    for n in 1 2; do
      say "$service.$n"
      restart "$service" "$n"
      expect_eq "versions that $service.$n reads" "$versions" "$(versions_of "$service" "$n")"
    done
  done
  wait "$answering" || fail "not answered"
  FEED_REPLIES=$((FEED_REPLIES + 8))
  wait "$player" || fail "the feed could not be played"
  sender_stop
  feed_check
}

pg_start
feed_stack ingest=2 classifier=2 assignment=2 responder=2
: >"$WORK/absent"
watch_ready &
watcher=$!

say "the same release"
round same '[1,1]' "${STACK_SERVICES[@]}"

say "a release that knows version 2 as well, beside one that does not"
for service in "${STACK_SERVICES[@]}"; do eval "ENV_$service=(EAR_FAULT=wire.next=fail)"; done
round next '[1,2]' "${STACK_SERVICES[@]}"

say "a release that has forgotten version 1: those who ask first, then those who answer"
for service in "${STACK_SERVICES[@]}"; do eval "ENV_$service=(EAR_FAULT=wire.after_next=fail)"; done
export EAR_FAULT=wire.after_next=fail # earshotctl asks, too
round after_next '[2,2]' responder assignment classifier ingest

kill "$watcher"
wait "$watcher" 2>/dev/null || true
check_ready
! grep -hE 'event=(ingest.lost|ingest.post_failed|classifier.batch_lost|ingest.dead_letter) ' "$WORK"/log/*.log >&2 ||
  fail "a drain counted as a failure"
! grep -h 'no common version' "$WORK"/log/*.log >&2 || fail "neighbours without a common version"
stack_stop
stack_logs_clean
