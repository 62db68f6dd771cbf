#!/usr/bin/env bash
# Want of memory. First every allocation that outsiders size fails once in each parser and in all that is
# written for others, one after the other: what comes out is right, or an error that is tried again. Then
# ingest and responder live with it: every so manieth of their allocations fails while a feed and answers
# pass through. Nothing crashes, leaks, is lost or doubled; who was turned away tries again.
. "$(dirname "$0")/../lib/common.sh"
. "$(dirname "$0")/../lib/pg.sh"
. "$(dirname "$0")/../lib/webhook.sh"
. "$(dirname "$0")/../lib/stack.sh"
. "$(dirname "$0")/../lib/feed.sh"
need_program fault.starve fault.starve_out

for program in; do
  "$EARSHOT_BIN/fault.$program" >"$WORK/starved" 2>"$WORK/starve.err" ||
    { cat "$WORK/starved" >&2; tail -n 20 "$WORK/starve.err" >&2; fail "an allocation that failed"; }
  say "$program: $(wc -l <"$WORK/starved") scenarios, $(awk '{ n += $2 } END { print n }' "$WORK/starved") allocations failed in turn"
done

pg_start
feed_stack ingest=1 classifier=1 assignment=1 responder=1
failures() { grep -c 'event=fault_point name=alloc ' "$WORK/log/$1.1.log" || true; }

starve() { # SERVICE NTH [POSTS]
  local run=$1.$2 player
  say "each ${2}th allocation of $1 fails"
  service_stop "$1" 1
  eval "ENV_$1=(EAR_FAULT='alloc:*$2=fail')"
  service_start "$1" 1
  service_wait_ready "$1" 1
  feed_make "$run" "${3:-100}"
  feed_play "$run" &
  player=$!
  feed_answer 3
  wait "$player" || fail "the feed could not be played"
  feed_check
  kill -0 "${stack_pid[$1.1]}" 2>/dev/null || fail "$1 did not survive"
  eval "ENV_$1=()"
  service_stop "$1" 1
  service_start "$1" 1
  service_wait_ready "$1" 1
  say "$(failures "$1") allocations failed"
  [ "$(failures "$1")" -ge 1 ] || fail "no allocation of $1 failed"
}

# Rarer than a request or a batch has allocations, so that it gets through in the end.



# Of what we bound ourselves, word lists and books of decisions, a process may end; but only by its own
# word, and what it had in hand is taken up again.
starve_or_end() { # SERVICE NTH…: one allocation fails, then another one, while a feed and answers pass through
  local service=$1 run player nth ends=0
  shift
  for nth; do
    run=$service.once$nth
    service_stop "$service" 1
    eval "ENV_$service=(EAR_FAULT='alloc:$nth=fail')"
    service_start "$service" 1
    eval "ENV_$service=()"
    feed_make "$run" 200
    feed_play "$run" &
    player=$!
    must_settle "allocation $nth of $service fails" 60 has_failed "$service" "$nth"
    if ! wait_until 2 is_ready_again "$service"; then
      kill -0 "${stack_pid[$service.1]}" 2>/dev/null && fail "$service lives on and is not ready"
      ends=$((ends + 1))
      service_kill "$service" 1
      service_start "$service" 1
    fi
    feed_answer 2
    wait "$player" || fail "the feed could not be played"
    feed_check
  done
  say "$service ended $ends times of $#"
  expect_eq "ends of $service by its own word" "$ends" "$(grep -c 'level=fatal event=check_failed' "$WORK/log/$service.1.log" || true)"
}
has_failed() { grep -q "event=fault_point name=alloc nth=$2 " "$WORK/log/$1.1.log"; }
is_ready_again() { kill -0 "${stack_pid[$1.1]}" 2>/dev/null && curl -sf -o /dev/null --max-time 2 "$(stack_url "$1" 1)/readyz"; }
starve_or_end classifier 700 1500
starve_or_end assignment 400 2000
if [ -n "${EARSHOT_FULL:-}" ]; then
  starve ingest 5003 3000
  starve responder 307
  starve_or_end classifier $(seq 100 97 3000)
  starve_or_end assignment $(seq 100 97 3000)
fi
stack_stop
stack_logs_clean
