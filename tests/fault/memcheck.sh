#!/usr/bin/env bash
# valgrind (memcheck) over every unit test and over the four services in a small feed with answers: no
# invalid or uninitialised read, no block that nobody points at any more. By tests/run --full only: it
# takes many minutes, and a build without sanitizers, in a tree of its own beside the tests' build.
. "$(dirname "$0")/../lib/feed.sh"
[ -n "${EARSHOT_FULL:-}" ] || skip "many minutes under valgrind: by tests/run --full only"
need_command valgrind cmake ninja
tree=${EARSHOT_MEMCHECK_TREE:-$EARSHOT_BUILD/plain}
check=(valgrind --quiet --error-exitcode=97 --leak-check=full --show-leak-kinds=definite
  --errors-for-leak-kinds=definite "--suppressions=$EARSHOT_SOURCE/tests/lib/memcheck.supp" --child-silent-after-fork=yes)

printf 'int main(void) { int *at = __builtin_malloc(4); return at[1]; }\n' >"$WORK/wrong.c"
cc -O0 -g "$WORK/wrong.c" -o "$WORK/wrong" 2>/dev/null
status=0
"${check[@]}" "$WORK/wrong" >"$WORK/wrong.log" 2>&1 || status=$?
expect_eq "exit code of a wrong read" 97 "$status"

if [ -z "${EARSHOT_MEMCHECK_TREE:-}" ]; then
  { cmake -S "$EARSHOT_SOURCE" -B "$tree" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DEARSHOT_FAULTS=ON &&
    ninja -C "$tree"; } >"$WORK/build" 2>&1 || { tail -n 40 "$WORK/build" >&2; fail "the build"; }
fi

broken=0 count=0
for program in "$tree"/bin/unit.*; do
  count=$((count + 1))
  status=0
  (cd "$WORK" && timeout 900 "${check[@]}" "$program") >"$WORK/unit.log" 2>&1 || status=$?
  if grep -q '^==[0-9]*== ' "$WORK/unit.log"; then
    grep -A 14 -m 1 '^==[0-9]*== ' "$WORK/unit.log" >&2
    say "FAIL: ${program##*/} (exit code $status)"
    broken=1
  elif [ "$status" != 0 ]; then
    say "${program##*/} failed by itself (exit code $status), without a report: too slow for its own clock"
  fi
done
say "$count unit tests"
[ "$broken" = 0 ] || fail "see above"

say "four services"
mkdir "$WORK/bin"
ln -s "$tree"/bin/* "$WORK/bin/"
for name in "${STACK_SERVICES[@]}"; do
  rm "$WORK/bin/earshot-$name"
  { echo '#!/bin/sh'
    printf 'exec %s --log-file=%q %q "$@"\n' "$(printf '%q ' "${check[@]}")" "$WORK/valgrind.$name.%p" "$tree/bin/earshot-$name"
  } >"$WORK/bin/earshot-$name"
  chmod +x "$WORK/bin/earshot-$name"
  declare "ENV_$name=EAR_DRAIN_TIMEOUT=120s"
done
EARSHOT_BIN=$WORK/bin
FEED_RATE=10 FEED_PATIENCE=600
# Twenty times slower than it is.
service_wait_ready() { wait_until 600 service_is_ready "$1" "$2" || fail "$1.$2 is not ready"; }
pg_start
feed_stack ingest=1 classifier=1 assignment=1 responder=1
feed_make slow 60
feed_play slow
feed_answer 3
feed_check
stack_stop
for log in "$WORK"/valgrind.*; do
  [ ! -s "$log" ] || { head -n 40 "$log" >&2; fail "${log##*/}"; }
done
