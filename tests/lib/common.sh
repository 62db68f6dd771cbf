# shellcheck shell=bash
# common.sh: what every test script begins with. A script sources what it uses of this folder; each
# of the files reads what it stands on itself, and all of them stand on this one:
#
#   . "$(dirname "$0")/../lib/common.sh"
#
# It sets strict mode, the places (EARSHOT_SOURCE, EARSHOT_BUILD, EARSHOT_BIN, EARSHOT_SHARED) and
# WORK, a folder of the run's own that is removed at the end (kept with EARSHOT_KEEP=1). What was
# registered by at_exit runs in reverse order however the script ends.
! declare -F say >/dev/null || return 0 # it has been read

set -Eeuo pipefail

EARSHOT_SOURCE=${EARSHOT_SOURCE:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
EARSHOT_BUILD=${EARSHOT_BUILD:-$EARSHOT_SOURCE/build-test}
EARSHOT_BIN=${EARSHOT_BIN:-$EARSHOT_BUILD/bin}
EARSHOT_SHARED=${EARSHOT_SHARED:-$EARSHOT_SOURCE/../shared}
export EARSHOT_SOURCE EARSHOT_BUILD EARSHOT_BIN EARSHOT_SHARED
# Settings of services that the caller's shell has, of a quickstart for example, are not the test's.
unset -v "${!EAR_@}"
# Letters are what they are in every shell.
export LC_ALL=C.UTF-8
# A clone of somebody else's is read all the same.
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'
export ASAN_OPTIONS=${ASAN_OPTIONS:-abort_on_error=0:exitcode=99:detect_leaks=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

# Ends the test as failed, with the reason as the last line.
fail() {
  say "FAIL: $*"
  exit 1
}

# Ends the test as skipped; ctest shows it and tests/run repeats the reason at its end.
skip() {
  printf 'SKIP: %s: %s\n' "${0##*/}" "$*"
  exit 77
}

need_command() { # NAME…
  local name
  for name; do command -v "$name" >/dev/null || skip "$name is not installed"; done
}

need_program() { # NAME… of this project
  local name
  for name; do [ -x "$EARSHOT_BIN/$name" ] || fail "$EARSHOT_BIN/$name has not been built"; done
}

# Sets PEERS to the folder of real servers, installs what they need, or skips.
need_peer() { # NAME… as of peers/install
  PEERS=$EARSHOT_SHARED/peers
  [ -x "$PEERS/install" ] || skip "no servers to test against: $PEERS is not there"
  [ "$(id -u)" = 0 ] || skip "the servers of $PEERS are started by root only"
  # One at a time: two installs would fight for the package database.
  flock "${TMPDIR:-/tmp}/earshot-peers.lock" "$PEERS/install" "$@" >"$WORK/peers-install.log" 2>&1 ||
    { tail -5 "$WORK/peers-install.log" >&2; skip "peers/install $* did not work here"; }
}

# wait_until SECONDS COMMAND…: until it succeeds; fails (1) when the time is up.
wait_until() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.1
  done
}

# must_settle WHAT SECONDS COMMAND…: wait_until, or the test has failed.
must_settle() {
  local what=$1
  shift
  wait_until "$@" || fail "not within $1 s: $what"
}

expect_eq() { # WHAT EXPECTED ACTUAL
  [ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"
}

port_answers() { # PORT
  (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

port_folder() { echo "${TMPDIR:-/tmp}/earshot-ports-$(id -u)"; }

# False where somebody listens, or another test script of this user that runs has it.
take_port() { # PORT
  local file owner
  file=$(port_folder)/$1
  grep -qi ":$(printf '%04X' "$1") " /proc/net/tcp /proc/net/tcp6 2>/dev/null && return 1
  (set -o noclobber; echo $$ >"$file") 2>/dev/null && return 0
  owner=$(cat "$file" 2>/dev/null || true)
  [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null && rm -f "$file"
  return 1
}

# Sets PORT to the first of so many TCP ports in a row, below the ephemeral range, which are this
# script's until it ends.
free_ports() { # COUNT
  local tries=0 n
  mkdir -p "$(port_folder)"
  while [ $((tries += 1)) -le 500 ]; do
    PORT=$((10000 + RANDOM % 20000))
    for ((n = 0; n < $1; n++)); do take_port $((PORT + n)) || break; done
    [ "$n" -lt "$1" ] || return 0
    while [ $((n -= 1)) -ge 0 ]; do rm -f "$(port_folder)/$((PORT + n))"; done
  done
  fail "no free port"
}
free_port() { free_ports 1; }

release_ports() {
  grep -lsx "$$" "$(port_folder)"/* 2>/dev/null | xargs -r rm -f || true
}

at_exit_commands=()
at_exit() { at_exit_commands=("$*" "${at_exit_commands[@]}"); }

# What shows why a test failed; stack.sh and others add to it.
on_failure_commands=()
on_failure() { on_failure_commands+=("$*"); }

# Every process below PID: what a background function of the test has started lives on when the test ends.
descendants() { # PID
  local child
  for child in $(pgrep -P "$1"); do
    descendants "$child"
    echo "$child"
  done
}

# What a sanitizer has found is said first: a service that fails at its very end looks well else.
sanitizer_reports() {
  grep -rhE -m 1 -A 40 'ERROR: .*Sanitizer|WARNING: ThreadSanitizer|runtime error:' "$WORK"/log 2>/dev/null | head -n 80
}

finish() {
  local status=$? command left
  trap - EXIT INT TERM ERR
  set +e
  if [ "$status" != 0 ] && [ "$status" != 77 ]; then
    sanitizer_reports >&2
    for command in "${on_failure_commands[@]}"; do eval "$command" >&2; done
  fi
  for command in "${at_exit_commands[@]}"; do eval "$command"; done
  left=$(descendants $$)
  disown -a
  [ -z "$left" ] || kill -KILL $left 2>/dev/null
  release_ports
  if [ -n "${EARSHOT_KEEP:-}" ]; then say "kept: $WORK"; else rm -rf "$WORK"; fi
  exit "$status"
}

WORK=$(mktemp -d "${TMPDIR:-/tmp}/earshot.XXXXXX")
chmod 711 "$WORK" # PostgreSQL's user passes through
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'say "line $LINENO: \"$BASH_COMMAND\" gave $?"' ERR
