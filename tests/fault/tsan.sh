#!/usr/bin/env bash
# ThreadSanitizer over the unit tests of what has threads: the loop's pool (offload, resolver), the log, the
# fault points, the classifier's loading of files, the two threads of training; with EARSHOT_FULL all of
# the bus and of the loop as well, and the four services in a small feed with answers. Builds only these, in a tree
# of its own beside the tests' build.
. "$(dirname "$0")/../lib/common.sh"
need_command cmake ninja
tree=$EARSHOT_BUILD/tsan
threaded=(common.loop.test_loop common.loop.test_late common.log.test_log common.base.test_fault
  services.classifier.test_supply services.earshotctl.learn.test_solver)
[ -z "${EARSHOT_FULL:-}" ] || threaded+=(common.bus.test_reload common.bus.test_curve common.pg.test_sqlstate
  common.fetch.test_fetch common.httpd.test_httpd services.earshotctl.learn.test_recipe)

# A kernel that spreads addresses more widely than the sanitizer's map is none to run it on.
cat >"$WORK/probe.c" <<'C'
int main(void) { return 0; }
C
cc -fsanitize=thread "$WORK/probe.c" -o "$WORK/probe" 2>"$WORK/probe.err" || skip "this compiler has no ThreadSanitizer"
"$WORK/probe" 2>"$WORK/probe.err" || skip "ThreadSanitizer does not run here: $(head -n 1 "$WORK/probe.err")"
# One that finds nothing proves nothing.
cat >"$WORK/race.c" <<'C'
#include <pthread.h>
static int shared;
static void *count(void *self)
{
    for (int i = 0; i < 100000; i++) shared++;
    return self;
}
int main(void)
{
    pthread_t other;
    pthread_create(&other, 0, count, 0);
    count(0);
    pthread_join(other, 0);
    return 0;
}
C
cc -g -fsanitize=thread "$WORK/race.c" -o "$WORK/race" -lpthread
export TSAN_OPTIONS="suppressions=$EARSHOT_SOURCE/tests/lib/tsan.supp:exitcode=66:second_deadlock_stack=1"
if "$WORK/race" >"$WORK/race.log" 2>&1; then fail "a race is not noticed"; fi

cmake -S "$EARSHOT_SOURCE" -B "$tree" -G Ninja -DEARSHOT_TSAN=ON -DEARSHOT_FAULTS=ON >"$WORK/cmake" 2>&1 ||
  { cat "$WORK/cmake" >&2; fail "cmake"; }
ninja -C "$tree" "${threaded[@]/#/unit.}" >"$WORK/ninja" 2>&1 || { tail -n 40 "$WORK/ninja" >&2; fail "the build"; }
broken=0
for name in "${threaded[@]}"; do
  (cd "$WORK" && "$tree/bin/unit.$name") >"$WORK/$name.log" 2>&1 || {
    grep -A 25 -m 1 'WARNING: ThreadSanitizer' "$WORK/$name.log" >&2 || tail -n 20 "$WORK/$name.log" >&2
    say "FAIL: $name: $(grep -c 'WARNING: ThreadSanitizer' "$WORK/$name.log") reports"
    broken=1
  }
done
[ "$broken" = 0 ] || fail "see above"
say "${#threaded[@]} programs, no report"
[ -n "${EARSHOT_FULL:-}" ] || exit 0

say "four services"
. "$(dirname "$0")/../lib/pg.sh"
. "$(dirname "$0")/../lib/webhook.sh"
. "$(dirname "$0")/../lib/stack.sh"
. "$(dirname "$0")/../lib/feed.sh"
ninja -C "$tree" "${STACK_SERVICES[@]/#/earshot-}" earshotctl earshot-receiver integ.care_model >"$WORK/ninja" 2>&1 ||
  { tail -n 40 "$WORK/ninja" >&2; fail "the build"; }
EARSHOT_BIN=$tree/bin FEED_RATE=20 FEED_PATIENCE=300
export TSAN_OPTIONS=$TSAN_OPTIONS:log_path=$WORK/report
no_report() {
  local report
  for report in "$WORK"/report.*; do
    [ ! -s "$report" ] || { head -n 40 "$report" >&2; fail "${report##*/}"; }
  done
}
pg_start
feed_stack ingest=1 classifier=1 assignment=1 responder=1
feed_make small 60
feed_play small
feed_answer 3
feed_check
no_report # who has one does not end with 0
stack_stop
no_report
say "60 posts and 3 answers, no report"
