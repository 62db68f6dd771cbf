#!/usr/bin/env bash
# PostgreSQL crashes (immediate stop) in the middle of a feed, again and again, for moments and for
# longer than a lease, while an agent answers: nothing is lost, nothing is doubled, nobody has to be
# restarted.
. "$(dirname "$0")/../lib/common.sh"
. "$(dirname "$0")/../lib/pg.sh"
. "$(dirname "$0")/../lib/webhook.sh"
. "$(dirname "$0")/../lib/stack.sh"
. "$(dirname "$0")/../lib/feed.sh"

pg_start
feed_stack ingest=1 classifier=1 assignment=2 responder=1

under_way() { # POSTS
  [ "$(pg_query 'SELECT count(*) FROM post' 2>/dev/null || echo 0)" -ge "$1" ]
}

round() { # RUN CRASHES AWAY-SECONDS
  local i player before=$FEED_POSTS
  feed_make "$1" 400
  feed_play "$1" &
  player=$!
  for ((i = 1; i <= $2; i++)); do
    must_settle "the feed goes on" 90 under_way $((before + i * 300 / $2 - 60))
    pg_stop immediate
    sleep "$3"
    pg_launch
  done
  feed_answer 4
  wait "$player" || fail "the feed could not be played"
  feed_check
}

say "three crashes, back at once"
round crashes 3 0
say "away for a moment, in the middle of replies"
feed_answer 4 &
answering=$!
sleep 0.5
pg_restart immediate
wait "$answering" || fail "not answered"
FEED_REPLIES=$((FEED_REPLIES + 4))
feed_check
say "away for longer than the links' patience and any lease"
round away 1 "$([ -n "${EARSHOT_FULL:-}" ] && echo 60 || echo 20)"

for item in ingest.1 classifier.1 assignment.1 assignment.2 responder.1; do
  kill -0 "${stack_pid[$item]}" 2>/dev/null || fail "$item did not survive"
done
stack_stop
stack_logs_clean
