#!/usr/bin/env bash
# PostgreSQL crashes (immediate stop) in the middle of a feed, again and again, for moments and for
# longer than a lease, while an agent answers: nothing is lost, nothing is doubled, nobody has to be
# restarted.
. "$(dirname "$0")/../lib/feed.sh"

pg_start
feed_stack ingest=1 classifier=1 assignment=2 responder=1

under_way() { # POSTS
  [ "$(pg_query 'SELECT count(*) FROM post' 2>/dev/null || echo 0)" -ge "$1" ]
}

has_replies() { [ "$(pg_query 'SELECT count(*) FROM reply')" -gt "$1" ]; }
has_run_out() { [ "$(date +%s)" -gt "$1" ]; } # LEASE-END
stay_away() { # at-once | lease LEASE-END
  [ "$1" = lease ] || return 0
  must_settle "every lease has run out" 60 has_run_out "$(($2 + 2))"
  # A long outage is a matter of time alone.
  [ -z "${EARSHOT_FULL:-}" ] || sleep 40
}

round() { # RUN CRASHES HOW-LONG, as stay_away
  local i player leased before=$FEED_POSTS
  feed_make "$1" 400
  feed_play "$1" &
  player=$!
  for ((i = 1; i <= $2; i++)); do
    must_settle "the feed goes on" 90 under_way $((before + i * 300 / $2 - 60))
    leased=$(pg_query "SELECT extract(epoch FROM max(until_at))::bigint FROM lease")
    pg_stop immediate
    stay_away "$3" "$leased"
    pg_launch
  done
  feed_answer 4
  wait "$player" || fail "the feed could not be played"
  feed_check
}

say "three crashes, back at once"
round crashes 3 at-once
say "away for a moment, in the middle of replies"
before_replies=$FEED_REPLIES
feed_answer 4 &
answering=$!
must_settle "a first reply" 60 has_replies "$before_replies"
pg_restart immediate
wait "$answering" || fail "not answered"
FEED_REPLIES=$((FEED_REPLIES + 4))
feed_check
say "away for longer than the links' patience and any lease"
round away 1 lease

for item in ingest.1 classifier.1 assignment.1 assignment.2 responder.1; do
  kill -0 "${stack_pid[$item]}" 2>/dev/null || fail "$item did not survive"
done
stack_stop
stack_logs_clean
