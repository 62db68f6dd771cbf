#!/usr/bin/env bash
# A stranger in the network, who has none of the keys. First he sits on every link between the services,
# which is CURVE: he plays recorded sessions again, whole or turn by turn, puts parts in twice, cuts
# connections and answers whoever comes next with a recording; he knocks with a key of his own and with
# listed keys whose secret he lacks, and poses as an ingest. Then he takes every descriptor that the
# services may have, by connections that say nothing, and lets go. Feeds and answers go through both, with
# all invariants; nobody dies, everybody is ready again; it is counted, and logged in few lines.
. "$(dirname "$0")/../lib/feed.sh"
. "$(dirname "$0")/../lib/hostile.sh"
need_command node jq
need_program fault.hostile_bus
seconds=5 posts=200 every_ms=300 # twice in four he cuts a link: not so often that no batch gets through three times
[ -z "${EARSHOT_FULL:-}" ] || seconds=60 posts=6000 every_ms=1000

here=$(cd "$(dirname "$0")" && pwd)
programs=$EARSHOT_BIN
mkdir "$WORK/bin"
ln -s "$programs"/earshot* "$WORK/bin/"
for name in "${STACK_SERVICES[@]}"; do # few descriptors, for the crowd
  rm "$WORK/bin/earshot-$name"
  printf '#!/bin/sh\nulimit -n 200\nexec %q "$@"\n' "$programs/earshot-$name" >"$WORK/bin/earshot-$name"
  chmod +x "$WORK/bin/earshot-$name"
done
EARSHOT_BIN=$WORK/bin

declare -A tape_pid=()
tape() { # NAME UPSTREAM-PORT: sets PORT
  free_port
  setpriv --pdeathsig KILL node "$here/hostile_tape.mjs" "$PORT" "$2" "$every_ms" >"$WORK/tape.$1" 2>"$WORK/tape.$1.err" &
  tape_pid[$1]=$!
}
for item in ingest.bus classifier.bus assignment.bus assignment.commands false-ingest.bus; do
  stack_ports "${item%.*}" 1 http "${item#*.}"
done
tape posts "${stack_port[ingest.1.bus]}"
ENV_classifier=("EAR_CLASSIFIER_INGESTS=localhost:$PORT,localhost:${stack_port[false-ingest.1.bus]}")
tape triaged "${stack_port[classifier.1.bus]}"
ENV_assignment=("EAR_ASSIGNMENT_CLASSIFIERS=localhost:$PORT")
tape replies "${stack_port[assignment.1.bus]}"
ENV_responder=("EAR_RESPONDER_ASSIGNMENTS=localhost:$PORT")
tape commands "${stack_port[assignment.1.commands]}"
ENV_responder+=("EAR_RESPONDER_COMMANDS=localhost:$PORT")
ENV_ingest=(EAR_INGEST_LEASE=5s)

attackers=()
attack() { # MODE PORT ARGUMENT…
  local mode=$1 port=$2
  shift 2
  "$programs/fault.hostile_bus" "$mode" "$port" "$seconds" "$@" >>"$WORK/attacks" 2>&1 &
  attackers+=($!)
}
counted() { # NAME SERIES
  curl -sf "$(stack_url "$1" 1)/metrics" | grep -F "$2" | grep -qv ' 0$' || fail "$1 has not counted $2"
}
doors=(ingest.bus classifier.bus assignment.bus assignment.commands)
door() { echo "${stack_port[${1%.*}.1.${1#*.}]}"; }

# A feed and answers while the attackers are at it.
round() { # RUN
  local player answering pid
  feed_make "$1" "$posts"
  feed_play "$1" &
  player=$!
  feed_answer 4 &
  answering=$!
  for pid in "${attackers[@]}"; do wait "$pid" || fail "an attacker ended by itself: $(tail -n 3 "$WORK/attacks")"; done
  attackers=()
  kill -s USR1 "${tape_pid[@]}" # from now on they only pass on
  wait "$answering" || fail "not answered"
  FEED_REPLIES=$((FEED_REPLIES + 4))
  wait "$player" || fail "the feed could not be played"
  for name in "${STACK_SERVICES[@]}"; do service_wait_ready "$name" 1; done
  feed_check
}

pg_start
feed_stack ingest=1 classifier=1 assignment=1 responder=1
declare -A first_pid=()
for name in "${STACK_SERVICES[@]}"; do first_pid[$name]=${stack_pid[$name.1]}; done

say "on every link, for $seconds s"
for at in "${doors[@]}"; do attack stranger "$(door "$at")" "$WORK/keys" "${at%.*}"; done
attack borrowed "$(door ingest.bus)" "$WORK/keys" ingest classifier
attack borrowed "$(door classifier.bus)" "$WORK/keys" classifier assignment
attack borrowed "$(door assignment.bus)" "$WORK/keys" assignment responder
attack borrowed "$(door assignment.commands)" "$WORK/keys" assignment operator
attack up "$(door false-ingest.bus)" "$WORK/keys"
round taped
grep -q '^up at [0-9]*: 0$' "$WORK/attacks" || fail "who poses as ingest was heard: $(grep '^up' "$WORK/attacks")"
for name in "${!tape_pid[@]}"; do
  say "$name: $(cat "$WORK/tape.$name")"
  expect_eq "kinds of replays of $name that were not tried" '' \
    "$(jq -r 'to_entries[] | select(.value == 0).key' "$WORK/tape.$name")"
done
for name in ingest classifier assignment; do
  counted "$name" 'earshot_bus_refused_peers_total{reason="handshake"}'
  counted "$name" 'earshot_bus_refused_peers_total{reason="key"}'
done

seconds=$((seconds + 4)) # on a slow machine it takes some until all are taken
say "all descriptors, for $seconds s"
for at in "${doors[@]}"; do attack crowd "$(door "$at")"; done
is_full() { curl -s -o /dev/null --max-time 1 "$(stack_url ingest 1)/readyz" || true; grep -q 'event=http.full ' "$WORK/log/ingest.1.log"; }
must_settle "ingest has none left, and says so" $((seconds + 5)) is_full
round crowded

for name in "${STACK_SERVICES[@]}"; do
  [ "${first_pid[$name]}" = "${stack_pid[$name.1]}" ] && kill -0 "${first_pid[$name]}" || fail "$name did not survive"
  say "$name: $(grep -c 'level=warn' "$WORK/log/$name.1.log") warnings, $(wc -l <"$WORK/log/$name.1.log") lines"
  no_flood "$name" 1 $((2100 + 2 * posts))
done
stack_stop
stack_logs_clean
