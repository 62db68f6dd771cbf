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

# Programs that people run, while their first, second, third … allocation fails (or only every so manieth is tried):
# they say what they say in plenty, or end with a word of their own, and without the file they were to write.
made=$WORK/made
run_tool() { # OUTPUT ERRORS COMMAND…
  local out=$1 err=$2
  shift 2
  rm -f "$made"
  status=0
  ("$@" || exit $?) >"$out" 2>"$err" || status=$?
  [ ! -e "$made" ] || sha256sum <"$made" >>"$out"
}
starve_tool() { # NAME STEP COMMAND…
  local name=$1 step=$2 nth refused=0
  shift 2
  run_tool "$WORK/plenty" "$WORK/tool.err" "$@"
  [ "$status" = 0 ] || { cat "$WORK/tool.err" >&2; fail "$name, in plenty"; }
  for ((nth = 1; ; nth += step)); do
    EAR_FAULT="alloc:$nth=fail" run_tool "$WORK/tool" "$WORK/tool.err" "$@"
    grep -q 'event=fault_point' "$WORK/tool.err" || break
    if [ "$status" = 0 ]; then
      cmp -s "$WORK/plenty" "$WORK/tool" || { head "$WORK/plenty" "$WORK/tool" >&2; fail "$name: failure $nth gave another answer"; }
    else
      refused=$((refused + 1))
      grep -qE 'event=check_failed|out of memory|no memory' "$WORK/tool.err" && ! grep -q 'ERROR: .*Sanitizer' "$WORK/tool.err" && [ ! -e "$made" ] ||
        { cat "$WORK/tool.err" >&2; fail "$name: failure $nth, exit code $status"; }
    fi
  done
  say "$name: of $((nth - 1)) allocations every ${step}th failed, $refused times it ended for that"
  [ "$refused" -ge 1 ] || fail "$name: nothing failed"
}
mkdir "$WORK/posts"
awk 'BEGIN { print "order\ttext"; for (i = 0; i < 40; i++) print (i % 2 ? "pay\tpay " : "now\tnow ") (i % 3 ? "their " : "quite ") (i % 5) }' >"$WORK/posts/posts.tsv"
cat >"$WORK/recipe" <<'END'
name order
network words=20 dims=16 filters=16 epochs=1 rate=0.01
head order kind=binary labels=now,pay network
file posts.tsv
use order column=order
END
step=7
[ -z "${EARSHOT_FULL:-}" ] || step=1
starve_tool "ingest's configuration" 1 env EAR_PG=x EAR_INGEST_REPLAY_TOKEN=x "$EARSHOT_BIN/earshot-ingest" --print-config
starve_tool train "$step" "$EARSHOT_BIN/earshotctl" train --recipe "$WORK/recipe" "$WORK/posts" -o "$made"
"$EARSHOT_BIN/earshotctl" train --recipe "$WORK/recipe" "$WORK/posts" -o "$WORK/order.model" 2>"$WORK/tool.err"
starve_tool evaluate "$step" "$EARSHOT_BIN/earshotctl" evaluate "$WORK/order.model" "$WORK/posts/posts.tsv" --heads order --json
starve_tool classify "$step" sh -c "printf 'pay now\\nnow pay\\n' | $EARSHOT_BIN/earshotctl classify --model $WORK/order.model --text"

pg_start
feed_stack ingest=1 classifier=1 assignment=1 responder=1
failures() { grep -c 'event=fault_point name=alloc ' "$WORK/log/$1.1.log" || true; }

# Of what we bound ourselves assignment may end, its book of decisions and what it keeps of a batch; but by its own
# word only, and what it had in hand is taken up again.
ends=0
look_after() { # SERVICE
  ! kill -0 "${stack_pid[$1.1]}" 2>/dev/null || return 0
  [ "$1" = assignment ] || fail "$1 did not survive"
  tail -n 1 "$WORK/log/$1.1.log" | grep -qE 'event=check_failed at=[^ ]*/(job\.c:.* func=take|.* func=ear_book)' || fail "$1 ended, but not by its own word"
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
  ! grep -E 'event=bus\.(frame|peer|link)_refused' "$WORK/log/$service.1.log" >&2 || fail "$service held want of memory against a peer"
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
