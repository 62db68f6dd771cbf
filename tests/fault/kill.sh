#!/usr/bin/env bash
# kill -9 of each service in the middle of a feed, while an agent answers: after it was started
# again, nothing is lost and nothing is doubled.
. "$(dirname "$0")/../lib/feed.sh"

pg_start
feed_stack ingest=1 classifier=2 assignment=2 responder=1

# True once so many posts more than before are decided (or stored): the feed is in full swing.
under_way() { # TABLE COUNT
  [ "$(pg_query "SELECT count(*) FROM $1")" -ge "$2" ]
}

round() { # VICTIM N PAUSE
  local run=$1$2.$SECONDS before=$FEED_POSTS player
  say "kill -9 of $1.$2 in the middle of a feed"
  feed_make "$run" 400
  feed_play "$run" &
  player=$!
  must_settle "the feed has begun" 60 under_way post $((before + 80))
  service_kill "$1" "$2"
  ! feed_all_heard || fail "the feed was over before $1 was killed"
  sleep "$3"
  service_start "$1" "$2"
  feed_answer 4
  wait "$player" || fail "the feed could not be played"
  service_wait_ready "$1" "$2"
  feed_check
}

rounds=1
[ -z "${EARSHOT_FULL:-}" ] || rounds=5
for ((i = 0; i < rounds; i++)); do
  round ingest 1 1
  round classifier 1 0
  round assignment 1 0
  round responder 1 0
done

say "everything at once"
feed_make all 400
feed_play all &
player=$!
must_settle "the feed has begun" 60 under_way post $((FEED_POSTS - 350))
for item in ingest.1 classifier.1 classifier.2 assignment.1 assignment.2 responder.1; do
  service_kill "${item%.*}" "${item#*.}"
done
for item in ingest.1 classifier.1 classifier.2 assignment.1 assignment.2 responder.1; do
  service_start "${item%.*}" "${item#*.}"
done
feed_answer 4
wait "$player" || fail "the feed could not be played"
feed_check

stack_stop
stack_logs_clean
feed_check_checks
