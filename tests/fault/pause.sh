#!/usr/bin/env bash
# A replica of each service stands still (SIGSTOP) in the middle of a feed, longer than any lease and
# the links' patience; the others take over what it held. Then it goes on, with all it had in hand,
# and must do no harm.
. "$(dirname "$0")/../lib/feed.sh"

pg_start
ENV_ingest=(EAR_INGEST_LEASE=2s)
ENV_responder=(EAR_RESPONDER_LEASE=2s)
feed_stack ingest=2 classifier=2 assignment=2 responder=2

under_way() { # POSTS
  [ "$(pg_query 'SELECT count(*) FROM post')" -ge "$1" ]
}

# Its neighbours have given it up.
silences() { cat "$WORK"/log/*.log | grep -c 'reason=silent' || true; }
more_silences() { [ "$(silences)" -gt "$1" ]; }
# What it held by lease is anybody's by now, or somebody's.
has_no_lease() { # INSTANCE
  [ "$(pg_query "SELECT count(*) FROM lease WHERE owner = '$1' AND until_at > now()")" = 0 ]
}
instance_of() { # NAME N
  sed -n 's/.*event=svc.started.* instance=\([0-9a-f-]*\).*/\1/p' "$WORK/log/$1.$2.log" | tail -n 1
}

round() { # SERVICE: its first replica stands still
  local player answering silent before=$FEED_POSTS pid=${stack_pid[$1.1]}
  say "$1.1 stands still"
  feed_make "pause.$1" 400
  feed_play "pause.$1" &
  player=$!
  feed_answer 4 &
  answering=$!
  must_settle "the feed has begun" 60 under_way $((before + 80))
  silent=$(silences)
  kill -s STOP "$pid"
  # Ingest's door for the feed is this very replica: what it had taken is settled by the other.
  [ "$1" = ingest ] || must_settle "the feed goes on without it" 90 under_way "$FEED_POSTS"
  must_settle "its neighbours give it up" 30 more_silences "$silent"
  must_settle "its leases run out" 30 has_no_lease "$(instance_of "$1" 1)"
  kill -s CONT "$pid"
  wait "$answering" || fail "not answered"
  FEED_REPLIES=$((FEED_REPLIES + 4))
  wait "$player" || fail "the feed could not be played"
  feed_check
  service_wait_ready "$1" 1
}

for service in "${STACK_SERVICES[@]}"; do round "$service"; done
stack_stop
stack_logs_clean
