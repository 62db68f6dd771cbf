# shellcheck shell=bash
# hostile.sh: what must hold while somebody attacks.
#
#   watch_memory NAME N     from now on: forgets the most memory that the replica had so far
#   peak_mb NAME N          the most it had since, in MiB
#   memory_within MB [MOST] fails when that is over the bound of every service, 128 MiB, or MOST (a build
#                           with sanitizers takes three times as much, and is held to that)
#   no_flood NAME N LINES   fails when the replica has logged more lines than that
! declare -F watch_memory >/dev/null || return 0 # it has been read
. "$(dirname "${BASH_SOURCE[0]}")/stack.sh"

watch_memory() { echo 5 >"/proc/${stack_pid[$1.$2]}/clear_refs"; }

peak_mb() { awk '/^VmHWM/ { print int($2 / 1024) }' "/proc/${stack_pid[$1.$2]}/status"; }

memory_within() {
  local most=${2:-128}
  ! grep -q __asan_init "$EARSHOT_BIN/earshot-ingest" || most=$((3 * most))
  say "at most $1 MiB, of $most"
  [ "$1" -le "$most" ] || fail "$1 MiB of memory, $most are allowed"
}

no_flood() {
  local lines
  lines=$(wc -l <"$WORK/log/$1.$2.log")
  [ "$lines" -le "$3" ] || fail "$lines lines in the log of $1.$2, $3 are enough"
}
