#!/usr/bin/env bash
# A rolling restart of everything in the middle of a feed: each replica gets SIGTERM, drains, ends
# with 0 and is started again. Nothing is lost or doubled, and nothing even counts as a failure.
. "$(dirname "$0")/../lib/common.sh"
. "$(dirname "$0")/../lib/pg.sh"
. "$(dirname "$0")/../lib/webhook.sh"
. "$(dirname "$0")/../lib/stack.sh"
. "$(dirname "$0")/../lib/feed.sh"

pg_start
feed_stack ingest=2 classifier=2 assignment=2 responder=2
under_way() { # POSTS
  [ "$(pg_query 'SELECT count(*) FROM post')" -ge "$1" ]
}

feed_make rolling 1500
feed_play rolling &
player=$!
feed_answer 20 &
answering=$!
must_settle "the feed has begun" 60 under_way 100
for service in "${STACK_SERVICES[@]}"; do
  for n in 1 2; do
    say "$service.$n"
    service_stop "$service" "$n"
    service_start "$service" "$n"
    service_wait_ready "$service" "$n"
  done
done
! feed_all_heard || fail "the feed was over before everything was restarted"
wait "$answering" || fail "not answered"
FEED_REPLIES=$((FEED_REPLIES + 20))
wait "$player" || fail "the feed could not be played"
feed_check
! grep -hE 'event=(ingest.lost|ingest.post_failed|classifier.batch_lost|ingest.dead_letter) ' "$WORK"/log/*.log >&2 ||
  fail "a drain counted as a failure"

stack_stop
stack_logs_clean
