#!/usr/bin/env bash
# Two grains of locks on real PostgreSQL: a replica that is alone locks many customers as a whole, few of
# them one by one; either way nobody who locks the other way goes on meanwhile. As soon as there is
# another replica nobody locks the whole any more.
. "$(dirname "$0")/../lib/assignment.sh"
need_command jq
pg_start
assignment_prepare 2 1
assignment_start 1

alone() { curl -s --max-time 2 "http://127.0.0.1:${http_port[1]}/readyz" | grep -q '"alone":true'; }
must_settle "it knows that it is alone" 20 alone

posts=0
feed_of() { # COUNT: so many posts, each of a customer of its own
  awk -v first="$posts" -v count="$1" 'BEGIN {
    for (n = first + 1; n <= first + count; n++) printf "%d %d 0 1 1 1 en @firm 0 %d 0\n", n, n, n }' >"$WORK/feed"
  posts=$((posts + $1))
}
decided_all() { [ "$(pg_query 'SELECT count(*) FROM triage')" = "$posts" ]; }
waits_for() { # MODE
  [ "$(pg_query "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND mode = '$1' AND NOT granted")" -ge 1 ]
}
declare -A holder=()
sleeps() { [ "$(pg_query "SELECT count(*) FROM pg_stat_activity WHERE application_name = '$1' AND wait_event = 'PgSleep'")" = 1 ]; }
hold() { # NAME SQL: until it is let go
  PGAPPNAME=$1 pg_query "BEGIN; $2; SELECT pg_sleep(120)" >/dev/null 2>&1 &
  holder[$1]=$!
  must_settle "$1 has its lock" 10 sleeps "$1"
}
let_go() { # NAME
  pg_query "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '$1'" >/dev/null
  wait "${holder[$1]}" || true
}
some="SELECT pg_advisory_xact_lock_shared(hashtext('earshot.customers'), 0)"
whole="SELECT pg_advisory_xact_lock(hashtext('earshot.customers'), 0)"
many_wait() { # at whichever replica the feed came to
  local n
  for n in "${!assignment_pid[@]}"; do
    ! curl -s --max-time 2 "http://127.0.0.1:${http_port[n]}/readyz" | jq -e '.backlog.live >= 1000' >/dev/null || return 0
  done
  return 1
}
# While nothing can be decided, what comes waits for a transaction of many.
feed_many() {
  hold table 'LOCK TABLE "case" IN ACCESS EXCLUSIVE MODE'
  feed_beside 4000
  must_settle "many wait for their turn" 30 many_wait
  let_go table
}
feed_beside() { # COUNT: in the background
  feed_of "$1"
  feed "$WORK/feed" "$CLASSIFIER_PORTS" 1 256 >"$WORK/result" &
  feeder=$!
}
feed_ended() {
  wait "$feeder" || fail "the feed did not end"
  grep -q ' returned=0 failed=0 lost=0' "$WORK/result" || fail "$(cat "$WORK/result")"
  expect_eq "decided" "$posts" "$(pg_query 'SELECT count(*) FROM triage')"
}

say "few go on beside others, many wait until nobody has any"
hold test "$some"
feed_beside 20
must_settle "few are decided" 20 decided_all
feed_ended
feed_many
must_settle "many wait for the whole" 30 waits_for ExclusiveLock
let_go test
must_settle "and are decided" 60 decided_all
feed_ended

say "who has the whole is waited for by few, too"
hold test "$whole"
feed_beside 20
must_settle "they wait" 20 waits_for ShareLock
expect_eq "decided meanwhile" $((posts - 20)) "$(pg_query 'SELECT count(*) FROM triage')"
let_go test
must_settle "and are decided" 20 decided_all
feed_ended

say "with another replica many are locked one by one"
assignment_start 2
knows_peer() { curl -s --max-time 2 "http://127.0.0.1:${http_port[1]}/readyz" | grep -q '"alone":false'; }
must_settle "the first knows of the second" 20 knows_peer
hold test "$some"
begun=$(pg_query 'SELECT now()')
feed_many
decided_beside() {
  ! waits_for ExclusiveLock || fail "somebody waits for the whole"
  decided_all
}
must_settle "many are decided beside others" 60 decided_beside
feed_ended
most=$(pg_query "SELECT max(n) FROM (SELECT count(*) AS n FROM triage WHERE decided_at > '$begun' GROUP BY decided_at) d")
[ "$most" -ge 512 ] || fail "no transaction had many: $most posts at most"
let_go test
expect_eq "a case a customer" "$posts" "$(pg_query 'SELECT count(DISTINCT customer_id) FROM "case"')"
expect_invariants
assignment_stop 1
assignment_stop 2
assignment_logs_clean
