#!/usr/bin/env bash
# Hostile peers at every port of the bus, below and above every service: bytes that are no ZeroMQ, no
# key, unlisted keys, and services that were taken over and send whatever a peer could: noise, frames
# that are cut off, of another version, of other people's names, settles of what was never offered,
# batches past their credit, garbage for commands. All is refused, counted, and logged without a
# flood; memory stays within its bound; a feed and its answers go through meanwhile.
. "$(dirname "$0")/../lib/feed.sh"
. "$(dirname "$0")/../lib/hostile.sh"
need_program fault.hostile_bus

seconds=6
[ -z "${EARSHOT_FULL:-}" ] || seconds=60
patience=60 # more, until everybody has met every attack
export ASAN_OPTIONS=$ASAN_OPTIONS:quarantine_size_mb=1
export LSAN_OPTIONS=${LSAN_OPTIONS:+$LSAN_OPTIONS:}suppressions=$EARSHOT_SOURCE/tests/lib/lsan.supp:print_suppressions=0
pg_start
# A false replica above each service, beside the true one.
for name in ingest classifier assignment; do stack_ports "false-$name" 1 bus; done
for name in ingest classifier assignment; do stack_reserve "$name" 1; done
upstreams() { printf 'localhost:%s,localhost:%s' "${stack_port[$1.1.bus]}" "${stack_port[false-$1.1.bus]}"; }
ENV_classifier=(EAR_CLASSIFIER_INGESTS="$(upstreams ingest)")
ENV_assignment=(EAR_ASSIGNMENT_CLASSIFIERS="$(upstreams classifier)")
ENV_responder=(EAR_RESPONDER_ASSIGNMENTS="$(upstreams assignment)")
feed_stack ingest=1 classifier=1 assignment=1 responder=1
for service in "${STACK_SERVICES[@]}"; do watch_memory "$service" 1; done

attackers=()
attack() { # MODE PORT ARGUMENT…
  local mode=$1 port=$2
  shift 2
  "$EARSHOT_BIN/fault.hostile_bus" "$mode" "$port" 3600 "$@" >>"$WORK/attacks" 2>&1 &
  attackers+=($!)
}
counted() { # NAME SERIES
  grep -F "$2" "$WORK/metrics.$1" | grep -qv ' 0$' || missing+=" $1:$2"
}
logged() { # NAME EVENT
  grep -q "event=$2 " "$WORK/log/$1.1.log" || missing+=" $1:$2"
}
# Everybody has counted and logged every attack; `missing` says what lacks.
noticed() {
  local name reason event peers=earshot_bus_refused_peers_total
  missing=
  for name in "${STACK_SERVICES[@]}"; do
    curl -sf --max-time 2 "$(stack_url "$name" 1)/metrics" >"$WORK/metrics.$name" || return 1
  done
  for name in ingest classifier assignment; do
    for reason in key handshake hello; do counted "$name" "$peers{reason=\"$reason\"}"; done
    counted "$name" 'earshot_bus_refused_frames_total{reason="malformed"}'
    for event in key_refused handshake_failed frame_refused peer_refused; do logged "$name" "bus.$event"; done
  done
  counted assignment "$peers{reason=\"call\"}"
  for name in classifier assignment responder; do
    counted "$name" "$peers{reason=\"protocol\"}"
    logged "$name" bus.link_refused
  done
  [ -z "$missing" ]
}

say "for $seconds s at least"
begun=$SECONDS
for at in ingest.bus classifier.bus assignment.bus assignment.commands; do
  port=${stack_port[${at%.*}.1.${at#*.}]}
  attack tcp "$port"
  attack plain "$port"
  attack stranger "$port" "$WORK/keys" "${at%.*}"
done
attack down "${stack_port[ingest.1.bus]}" "$WORK/keys" classifier ingest
attack down "${stack_port[ingest.1.bus]}" "$WORK/keys" responder ingest
attack down "${stack_port[classifier.1.bus]}" "$WORK/keys" assignment classifier
attack down "${stack_port[assignment.1.bus]}" "$WORK/keys" responder assignment
for service in operator responder classifier; do
  attack calls "${stack_port[assignment.1.commands]}" "$WORK/keys" "$service" assignment
done
for name in ingest classifier assignment; do
  attack up "${stack_port[false-$name.1.bus]}" "$WORK/keys" "$name"
done

feed_make beside 200
feed_play beside
feed_answer 4
sleep $((begun + seconds > SECONDS ? begun + seconds - SECONDS : 0))
wait_until $patience noticed || fail "neither counted nor logged in $((SECONDS - begun)) s:$missing"
for pid in "${attackers[@]}"; do
  kill -s TERM "$pid" 2>/dev/null || fail "an attacker ended by itself: $(tail -n 3 "$WORK/attacks")"
done
for pid in "${attackers[@]}"; do wait "$pid" || fail "an attacker failed: $(tail -n 3 "$WORK/attacks")"; done
cat "$WORK/attacks" >&2
! grep -E ': 0$' "$WORK/attacks" || fail "an attacker said nothing"
feed_check

say "no flood, nothing done"
expect_eq "commands of people who are none" 0 "$(pg_query "SELECT count(*) FROM command WHERE actor LIKE 'nobody%'")"
for name in "${STACK_SERVICES[@]}"; do
  kill -0 "${stack_pid[$name.1]}" 2>/dev/null || fail "$name did not survive"
  say "$name: $(wc -l <"$WORK/log/$name.1.log") lines"
  no_flood "$name" 1 2500
  memory_within "$(peak_mb "$name" 1)"
done
stack_stop
stack_logs_clean
