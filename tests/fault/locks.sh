#!/usr/bin/env bash
# PostgreSQL has room for fewer locks than a full batch of assignment wants beside another replica (a small server's
# max_connections × max_locks_per_transaction): the batch is made in smaller parts until it fits, each post
# is decided once, and the log says what was short.
. "$(dirname "$0")/../lib/feed.sh"

posts=8000 ahead=700 # of some 600 customers wait for assignment
# Room for some 450 locks: 260, and what shared memory has to spare.
PG_SETTINGS=(-c fsync=off -c shared_buffers=64MB -c max_connections=24 -c max_locks_per_transaction=10
  -c max_wal_senders=0 -c max_worker_processes=0 -c autovacuum_max_workers=1)
pg_start
feed_stack ingest=1 classifier=1 assignment=1 responder=1
# One that is alone would lock many customers as a whole: it believes in another replica.
PGAPPNAME='earshot-assignment beside' PGPASSWORD=$(cat "$WORK/roles/earshot_assignment") \
  "$PG_BIN/psql" -X -qAt "$(pg_conninfo earshot_assignment)" -c 'SELECT pg_sleep(600)' >/dev/null 2>&1 &
at_exit "kill $! 2>/dev/null"
knows_peer() { [ "$(curl -s --max-time 2 "$(stack_url assignment 1)/readyz" | jq .alone)" = false ]; }
must_settle "assignment knows of another" 20 knows_peer
feed_make wide "$posts"

triaged() {
  curl -s --max-time 2 "$(stack_url classifier 1)/metrics" |
    awk '/^earshot_classifier_posts_total.*triaged/ { sum += $NF } END { print sum + 0 }'
}

say "$posts posts of $((posts / 4)) customers wait for an assignment that stands still, then goes on"
kill -s STOP "${stack_pid[assignment.1]}"
at_exit "kill -s CONT ${stack_pid[assignment.1]} 2>/dev/null"
ctl replay "$WORK/feed.wide.jsonl" --timeout 300s >"$WORK/feed.wide.out" 2>&1 &
player=$!
wait_until 60 eval '[ "$(triaged)" -ge "$ahead" ]' || fail "only $(triaged) posts were triaged"
kill -s CONT "${stack_pid[assignment.1]}"
wait "$player" || { tail -n 5 "$WORK/feed.wide.out" >&2; fail "the feed could not be played"; }
feed_check

short=$(grep -c 'event=batch.retry .*out of shared memory' "$WORK/log/assignment.1.log" || true)
say "$short batches found too few locks"
[ "$short" -gt 0 ] || fail "no batch found too few locks: this test asked for too little"
[ "$short" -lt 60 ] || fail "$short retries: batches are not made smaller"
