#!/usr/bin/env bash
# What real services said to one another (batches, settles, questions, answers) is recorded on its way and
# sent again: on the same connection in another order, by somebody who says the same Hello, and by one who
# says none. On all four links, under a feed and answers; without CURVE, since with it nobody could read
# or repeat a frame at all. Nothing is lost or doubled.
. "$(dirname "$0")/../lib/feed.sh"
need_program fault.hostile_relay
posts=300 answers=6
[ -z "${EARSHOT_FULL:-}" ] || posts=6000 answers=60

declare -A relay_pid=()
relay() { # NAME UPSTREAM-PORT: sets PORT
  free_port
  setpriv --pdeathsig KILL "$EARSHOT_BIN/fault.hostile_relay" "$PORT" "$2" >"$WORK/relay.$1" 2>"$WORK/relay.$1.err" &
  relay_pid[$1]=$!
}
for item in ingest.bus classifier.bus assignment.bus assignment.commands; do
  stack_ports "${item%.*}" 1 http "${item#*.}"
done
relay posts "${stack_port[ingest.1.bus]}"
ENV_classifier=(EAR_BUS_KEY_FILE= EAR_BUS_PEERS_FILE= "EAR_CLASSIFIER_INGESTS=localhost:$PORT")
relay triaged "${stack_port[classifier.1.bus]}"
ENV_assignment=(EAR_BUS_KEY_FILE= EAR_BUS_PEERS_FILE= "EAR_ASSIGNMENT_CLASSIFIERS=localhost:$PORT")
relay replies "${stack_port[assignment.1.bus]}"
ENV_responder=(EAR_BUS_KEY_FILE= EAR_BUS_PEERS_FILE= "EAR_RESPONDER_ASSIGNMENTS=localhost:$PORT")
relay commands "${stack_port[assignment.1.commands]}"
ENV_responder+=("EAR_RESPONDER_COMMANDS=localhost:$PORT")
ENV_ingest=(EAR_BUS_KEY_FILE= EAR_BUS_PEERS_FILE= EAR_INGEST_LEASE=5s)
ENV_ctl=(EAR_BUS_KEY_FILE= EAR_BUS_PEERS_FILE=)

pg_start
feed_stack ingest=1 classifier=1 assignment=1 responder=1
feed_make replayed "$posts"
feed_play replayed &
player=$!
feed_answer "$answers"
wait "$player" || fail "the feed could not be played"
feed_check
sleep 2 # once more all of it, when everything is settled
feed_check
for name in "${!relay_pid[@]}"; do
  kill "${relay_pid[$name]}"
  wait "${relay_pid[$name]}" || fail "the relay of $name: $(cat "$WORK/relay.$name.err")"
  say "$name, sent again: $(cat "$WORK/relay.$name")"
done
for name in posts triaged replies; do
  grep -qE 'batches=[1-9][0-9]* settles=[1-9]' "$WORK/relay.$name" || fail "nothing of $name was sent again"
done
grep -qE 'questions=[1-9][0-9]* answers=[1-9]' "$WORK/relay.commands" || fail "no commands were sent again"
stack_stop
stack_logs_clean
