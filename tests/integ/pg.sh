#!/usr/bin/env bash
# common/pg against a real PostgreSQL that crashes and comes back when a test program asks.
. "$(dirname "$0")/../lib/pg.sh"

pg_start
pg_query "CREATE ROLE walker LOGIN SUPERUSER PASSWORD 'walk'" 2>/dev/null
mkfifo "$WORK/ask" "$WORK/told"
# Both held open, so that no reader meets an end between two questions.
exec 3<>"$WORK/ask" 4<>"$WORK/told"

drive() { # PROGRAM: answers its questions until it ends
  local program client word
  program=$(find "$EARSHOT_BUILD" -name "integ.$1" -type f -perm -u+x | head -1)
  [ -n "$program" ] || fail "integ.$1 has not been built"
  EAR_TEST_PG="$EAR_PG" EAR_TEST_PG_PORT=$PG_PORT EAR_TEST_PG_PASSWORD=walk \
    EAR_TEST_ASK=$WORK/ask EAR_TEST_TOLD=$WORK/told "$program" &
  client=$!
  at_exit kill "$client" '2>/dev/null'
  while kill -0 "$client" 2>/dev/null; do
    word=
    read -r -t 1 word <&3 || continue
    case $word in
      crash) pg_stop immediate ;;
      start) pg_launch ;;
      *) fail "unknown question '$word'" ;;
    esac
    echo "done" >&4
  done
  wait "$client" || fail "integ.$1 ended with $?"
}

for subject in batches copy lost servers; do drive "pg_$subject"; done
