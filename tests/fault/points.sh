#!/usr/bin/env bash
# Every named fault point of every service: the process kills itself there, in the middle of a shuffled
# feed with repeats and of answers, and is started again. The points are read from the sources, so a new
# one is tested from its first day; one that is never reached fails the test, and so does one that nobody
# attacks: those that no feed can reach (a post by its words, an allocation) must be armed by a test of
# their own.
. "$(dirname "$0")/../lib/feed.sh"

source_points() {
  grep -rhoE --include='*.c' 'ear_fault(_on)?\("[a-z_.]+"' "$EARSHOT_SOURCE/services" "$EARSHOT_SOURCE/common" | cut -d'"' -f2 | sort -u
}

points() { # as "SERVICE POINT"
  local point
  source_points | while read -r point; do
    case $point in
      bus.offered) printf '%s\n' "ingest $point" "classifier $point" "assignment $point" ;;
      bus.*) printf '%s\n' "classifier $point" "assignment $point" "responder $point" ;;
      classifier.text | alloc) ;;
      ingest.* | classifier.* | assignment.* | responder.*) echo "${point%%.*} $point" ;;
    esac
  done
}

# Every point is tried below, or armed by another test; every name is a literal that can be found.
attacked_elsewhere() { # POINT
  grep -rlE "EAR_FAULT.*\b$1\b|\"$1[:=@]" "$EARSHOT_SOURCE/tests" | grep -qv points.sh
}
expect_all_attacked() {
  local point calls named
  for point in $(source_points); do
    grep -qE " $point\$" "$WORK/points" || attacked_elsewhere "$point" || fail "nobody attacks $point"
  done
  calls=$(grep -rhE --include='*.c' --exclude=fault.c '\bear_fault(_on)?\(' "$EARSHOT_SOURCE/services" "$EARSHOT_SOURCE/common" | grep -cvE '^(bool|static)')
  named=$(grep -rhoE --include='*.c' 'ear_fault(_on)?\("[a-z_.]+"' "$EARSHOT_SOURCE/services" "$EARSHOT_SOURCE/common" | wc -l)
  expect_eq "calls of fault points whose names are in the sources" "$calls" "$named"
}

is_over() { ! kill -0 "${stack_pid[$1.1]}" 2>/dev/null; }

# Short leases: what a dead process held is taken over soon.
configure() { # SERVICE [KEY=VALUE]
  local lease=
  case $1 in ingest | responder) lease=EAR_${1^^}_LEASE=2s ;; esac
  eval "ENV_$1=(${lease:+"$lease"} ${2:+"$2"})"
}

arm() { # SERVICE POINT NTH
  configure "$1" "EAR_FAULT=$2:$3=kill"
  service_stop "$1" 1
  service_start "$1" 1
  service_wait_ready "$1" 1
}

mend() { # SERVICE
  configure "$1"
  service_kill "$1" 1
  service_start "$1" 1
}

try() { # SERVICE POINT NTH: at its nth passing
  local run=$2.$1.$3 player answering
  say "$2 in $1, passing $3"
  arm "$1" "$2" "$3"
  feed_make "$run" "$posts"
  feed_shuffle "$run" "$3"
  feed_play "$run" &
  player=$!
  feed_answer 3 &
  answering=$!
  must_settle "$1 reaches $2" 60 is_over "$1"
  grep -q "event=fault_point name=$2 " "$WORK/log/$1.1.log" || fail "$1 ended, but not at $2"
  mend "$1"
  wait "$answering" || fail "not answered"
  FEED_REPLIES=$((FEED_REPLIES + 3))
  wait "$player" || fail "the feed could not be played"
  feed_check
}

pg_start
configure ingest
configure responder
feed_stack ingest=1 classifier=1 assignment=1 responder=1
points >"$WORK/points"
[ "$(wc -l <"$WORK/points")" -ge 28 ] || fail "only $(wc -l <"$WORK/points") points found"
expect_all_attacked
passings=2 posts=80
[ -z "${EARSHOT_FULL:-}" ] || passings="1 2 3" posts=400
while read -r service point <&3; do
  for nth in $passings; do try "$service" "$point" "$nth"; done
done 3<"$WORK/points"

for service in "${STACK_SERVICES[@]}"; do service_wait_ready "$service" 1; done
stack_stop
stack_logs_clean
