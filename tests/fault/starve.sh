#!/usr/bin/env bash
# Want of memory. First every allocation that outsiders size fails once in each parser and in all that is
# written for others, one after the other: what comes out is right, or an error that is tried again. Then
# the services live with it: every so manieth of their allocations fails while a feed and answers pass
# through. Nothing crashes, leaks, is lost or doubled; who was turned away tries again.
. "$(dirname "$0")/../lib/common.sh"
. "$(dirname "$0")/../lib/pg.sh"
. "$(dirname "$0")/../lib/webhook.sh"
. "$(dirname "$0")/../lib/stack.sh"
. "$(dirname "$0")/../lib/feed.sh"
need_program fault.starve fault.starve_out

for program in starve starve_out; do
  "$EARSHOT_BIN/fault.$program" >"$WORK/starved" 2>"$WORK/starve.err" ||
    { cat "$WORK/starved" >&2; tail -n 20 "$WORK/starve.err" >&2; fail "an allocation that failed"; }
  say "$program: $(wc -l <"$WORK/starved") scenarios, $(awk '{ n += $2 } END { print n }' "$WORK/starved") allocations failed in turn"
done

pg_start
feed_stack ingest=1 classifier=1 assignment=1 responder=1
failures() { grep -c 'event=fault_point name=alloc ' "$WORK/log/$1.1.log" || true; }

# Of what we bound ourselves assignment may end, its book of decisions; but by its own word only, and what it
# had in hand is taken up again.
ends=0
look_after() { # SERVICE
  ! kill -0 "${stack_pid[$1.1]}" 2>/dev/null || return 0
  [ "$1" = assignment ] || fail "$1 did not survive"
  tail -n 1 "$WORK/log/$1.1.log" | grep -q 'event=check_failed .*func=ear_book' || fail "$1 ended, but not by its own word"
  ends=$((ends + 1))
  service_kill "$1" 1
  service_start "$1" 1
}

starve() { # SERVICE NTH [POSTS]
  local service=$1 run=$1.$2 player answering began=$SECONDS
  say "each ${2}th allocation of $1 fails"
  service_stop "$1" 1
  eval "ENV_$1=(EAR_FAULT='alloc:*$2=fail')"
  service_start "$1" 1
  service_wait_ready "$1" 1
  eval "ENV_$1=()"
  feed_make "$run" "${3:-100}"
  feed_play "$run" &
  player=$!
  feed_answer 3 &
  answering=$!
  while kill -0 "$player" 2>/dev/null || kill -0 "$answering" 2>/dev/null || ! feed_all_heard; do
    [ $((SECONDS - began)) -lt 300 ] || fail "the feed or the answers stand still"
    look_after "$service"
    sleep 0.2
  done
  wait "$answering" || fail "not answered"
  FEED_REPLIES=$((FEED_REPLIES + 3))
  wait "$player" || fail "the feed could not be played"
  feed_check
  look_after "$service"
  service_stop "$service" 1
  service_start "$service" 1
  service_wait_ready "$service" 1
  say "$(failures "$service") allocations failed"
  [ "$(failures "$service")" -ge 1 ] || fail "no allocation of $service failed"
}

# Rarer than a request or a batch has allocations, so that it gets through in the end.
starve ingest 1009 1000
starve classifier 101 400
starve assignment 1009 400
starve responder 199
if [ -n "${EARSHOT_FULL:-}" ]; then
  starve ingest 5003 3000
  starve classifier 31 1000
  starve assignment 211 1000
  starve responder 307
fi
say "assignment ended $ends times, by its own word"
stack_stop
stack_logs_clean
