#!/usr/bin/env bash
# A post that kills whoever decides it: tried three times, alone in the end, then a dead letter with
# its reason, while others get through; brought back by command once the cause is mended.
. "$(dirname "$0")/../lib/feed.sh"

is_over() { ! kill -0 "${stack_pid[assignment.1]}" 2>/dev/null; }
letters_are() { [ "$(pg_query 'SELECT count(*) FROM dead_letter WHERE retried_at IS NULL')" = "$1" ]; }
died_or_dead() { is_over || letters_are 1; }

pg_start
feed_stack ingest=1 classifier=1 assignment=1 responder=1

say "assignment dies of each batch that it gets"
ENV_assignment=(EAR_FAULT=bus.batch:1=kill)
service_stop assignment 1
service_start assignment 1
service_wait_ready assignment 1
feed_make poison 1
feed_play poison
deaths=0
until letters_are 1; do
  must_settle "death $((deaths + 1)), or a dead letter" 60 died_or_dead
  is_over || continue
  deaths=$((deaths + 1))
  [ "$deaths" -le 5 ] || fail "the same post killed $deaths times"
  service_kill assignment 1
  service_start assignment 1
done
[ "$deaths" -ge 2 ] || fail "given up after $deaths deaths"
expect_eq "its place in the queue is free" 0 "$(pg_query 'SELECT count(*) FROM intake')"
expect_eq "tries" 3 "$(pg_query 'SELECT tries FROM dead_letter')"
[ -n "$(pg_query 'SELECT reason FROM dead_letter')" ] || fail "no reason"

say "others get through, and the dead letter comes back by command"
ENV_assignment=()
service_kill assignment 1
service_start assignment 1
feed_make others 40
feed_play others
FEED_POSTS=$((FEED_POSTS - 1))
must_settle "the others are decided" 60 feed_all_heard
FEED_POSTS=$((FEED_POSTS + 1))
quietly ctl dead-letter list
letter=$(ctl dead-letter list --json | jq -r '.[0].dead_letter_id // .[0].id')
quietly ctl dead-letter retry "$letter"
feed_check

stack_stop
stack_logs_clean
