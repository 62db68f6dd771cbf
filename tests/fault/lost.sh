#!/usr/bin/env bash
# What gets lost on the way back: settles of batches that were worked on, answers of commits that were
# carried out (a proxy before PostgreSQL cuts the connection between the two), and replicas that never
# come back, with batches in their hands. Nothing is lost with them, and nothing is done twice.
. "$(dirname "$0")/../lib/feed.sh"
need_program integ.pg_cut

# KEY=VALUE settings of a service, over the short leases that every one has here.
configure() { # SERVICE [KEY=VALUE…]
  local service=$1
  shift
  case $service in ingest | responder) set -- "EAR_${service^^}_LEASE=2s" "$@" ;; esac
  eval "ENV_$service=(\"\$@\")"
}

restart() { # SERVICE N
  service_stop "$1" "$2"
  service_start "$1" "$2"
  service_wait_ready "$1" "$2"
}

play_and_answer() { # RUN POSTS ANSWERS
  local player
  feed_make "$1" "$2"
  feed_play "$1" &
  player=$!
  feed_answer "$3"
  wait "$player" || fail "the feed could not be played"
}

pg_start
for service in ingest classifier assignment responder; do configure "$service"; done
feed_stack ingest=1 classifier=1 assignment=1 responder=1

for service in ingest classifier assignment; do
  say "$service loses settles: what it offered was taken, and it never hears of it"
  configure "$service" EAR_FAULT=bus.offered:2=fail
  restart "$service" 1
  play_and_answer "settle.$service" 120 3
  grep -q "event=fault_point name=bus.offered " "$WORK/log/$service.1.log" || fail "no settle was lost"
  feed_check
  configure "$service"
  restart "$service" 1
done

say "answers of commits get lost, one in nine"
free_port
cutter=$PORT
"$EARSHOT_BIN/integ.pg_cut" "$cutter" "$PG_PORT" 9 >"$WORK/cuts" 2>"$WORK/log/cuts.log" &
at_exit "kill $! 2>/dev/null"
wait_until 10 port_answers "$cutter" || fail "the proxy does not listen"
for service in ingest assignment responder; do
  configure "$service" "EAR_PG=$(pg_conninfo "earshot_$service" | sed "s/port=$PG_PORT/port=$cutter/")"
  restart "$service" 1
done
play_and_answer commits 400 12
feed_check
cuts=$(wc -l <"$WORK/cuts")
say "$cuts answers were lost"
[ "$cuts" -ge 10 ] || fail "only $cuts answers were lost"
for service in ingest assignment responder; do
  configure "$service"
  restart "$service" 1
done
stack_stop

say "scaled down by kill -9: the second replica of everything goes for good, with batches in its hands"
stack_start ingest=2 classifier=2 assignment=2 responder=2
feed_make gone 600
feed_play_to_second() { # as a sender who gives up with its replica
  split -l 60 "$WORK/feed.gone.jsonl" "$WORK/part."
  local part
  for part in "$WORK"/part.*; do
    curl -s -o /dev/null --max-time 5 -H "Authorization: Bearer $STACK_REPLAY_TOKEN" \
      -H 'Content-Type: application/x-ndjson' --data-binary "@$part" \
      "$(stack_url ingest 2)/v1/replay?lane=live" || return 0
  done
}
before=$((FEED_POSTS - 600))
have_come() { [ "$(pg_query 'SELECT count(*) FROM post')" -ge $((before + $1)) ]; }
feed_play_to_second &
sender=$!
must_settle "the feed has begun" 60 have_come 60
for service in classifier assignment; do kill -s STOP "${stack_pid[$service.2]}"; done
must_settle "posts come while two stand still" 60 have_come 300
for service in "${STACK_SERVICES[@]}"; do service_kill "$service" 2; done
wait "$sender"
feed_answer 4 &
answering=$!
feed_play gone
wait "$answering" || fail "not answered"
FEED_REPLIES=$((FEED_REPLIES + 4))
feed_check
held=$(grep -hcE 'event=(ingest.lost|classifier.batch_lost|ingest.adopted) ' "$WORK"/log/ingest.1.log "$WORK"/log/classifier.1.log | awk "{ n += \$1 } END { print n }")
say "$held times somebody took over what the gone had in their hands"
[ "$held" -ge 1 ] || fail "they had nothing in their hands"

stack_stop
stack_logs_clean
