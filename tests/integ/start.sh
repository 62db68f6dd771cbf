#!/usr/bin/env bash
# What a stranger meets at the first start: no PostgreSQL, no schema, another schema, a role without
# rights, a misspelt name, an address that is taken, a file that is not there. Each says what to do,
# in the log and in /readyz, and SIGTERM ends at once whatever was never under way.
. "$(dirname "$0")/../lib/pg.sh"
need_command jq curl
need_program earshot-ingest earshot-classifier earshot-assignment earshot-responder earshotctl
mkdir -p "$WORK/log"
show_logs() { tail -n 20 "$WORK"/log/*; }
on_failure show_logs

start() { # NAME KEY=VALUE…: sets PID, HTTP and LOG
  local name=$1 bus commands
  shift
  free_port && HTTP=$PORT
  free_port && bus=$PORT
  free_port && commands=$PORT
  LOG=$WORK/log/$name.$HTTP
  local keys=("EAR_HTTP=127.0.0.1:$HTTP")
  case $name in
    ingest) keys+=("EAR_INGEST_BUS=127.0.0.1:$bus") ;;
    classifier) keys+=("EAR_CLASSIFIER_BUS=127.0.0.1:$bus") ;;
    assignment) keys+=("EAR_ASSIGNMENT_BUS=127.0.0.1:$bus" "EAR_ASSIGNMENT_COMMANDS=127.0.0.1:$commands") ;;
  esac
  env -u EAR_PG "${keys[@]}" "$@" setpriv --pdeathsig KILL "$EARSHOT_BIN/earshot-$name" >"$LOG" 2>&1 </dev/null &
  PID=$!
}
why() { curl -s --max-time 2 "http://127.0.0.1:$HTTP/readyz" | jq -r '.why // "none"'; }
why_says() { why 2>/dev/null | grep -qF -- "$1"; }
log_says() { grep -qF -- "$1" "$LOG"; }
alive() { curl -sf -o /dev/null --max-time 2 "http://127.0.0.1:$HTTP/healthz"; }
ends() { # NAME: on SIGTERM, at once, with 0
  local began=$SECONDS status=0
  kill -TERM "$PID"
  wait "$PID" || status=$?
  expect_eq "exit code of $1" 0 "$status"
  [ $((SECONDS - began)) -lt 8 ] || fail "$1 took $((SECONDS - began)) s to end"
}
refuses() { # CODE TEXT NAME KEY=VALUE…: does not start
  local code=$1 text=$2 status=0
  shift 2
  start "$@"
  wait "$PID" || status=$?
  expect_eq "exit code of $1" "$code" "$status"
  log_says "$text" || fail "$1 does not say: $text"
}
databases=(ingest assignment responder)

say "PostgreSQL was never there"
for name in "${databases[@]}"; do
  start "$name" EAR_PG="host=127.0.0.1 port=1 dbname=earshot user=earshot_$name"
  must_settle "$name says that PostgreSQL is away" 20 why_says PostgreSQL
  ends "$name"
done

say "what is printed has arrived, or it is said"
for option in --help --version --print-config --print-config-docs; do
  status=0
  "$EARSHOT_BIN/earshot-classifier" "$option" >/dev/full 2>"$WORK/out" || status=$?
  expect_eq "$option on a full disk" 1 "$status"
  grep -qF 'standard output cannot be written' "$WORK/out" || fail "$option on a full disk: $(cat "$WORK/out")"
done
status=0
"$EARSHOT_BIN/earshot-classifier" --help me >"$WORK/out" 2>&1 || status=$?
expect_eq '--help me' '2 earshot-classifier: "me" is more than it takes; see --help' "$status $(cat "$WORK/out")"

say "keys are named"
free_port
taken=$PORT
start classifier "EAR_HTTP=127.0.0.1:$taken"
HTTP=$taken
must_settle 'a classifier' 20 alive
first=$PID
refuses 1 'EAR_HTTP: cannot listen on' ingest EAR_HTTP="127.0.0.1:$taken" EAR_PG=host=/nope
refuses 1 'EAR_INGEST_BUS: ' ingest EAR_INGEST_BUS="127.0.0.1:$taken" EAR_PG=host=/nope
refuses 1 'EAR_CLASSIFIER_BUS: ' classifier EAR_CLASSIFIER_BUS="127.0.0.1:$taken"
refuses 1 'EAR_ASSIGNMENT_BUS: ' assignment EAR_ASSIGNMENT_BUS="127.0.0.1:$taken" EAR_PG=host=/nope
refuses 1 'EAR_ASSIGNMENT_COMMANDS: ' assignment EAR_ASSIGNMENT_COMMANDS="127.0.0.1:$taken" EAR_PG=host=/nope
refuses 1 'EAR_BUS_KEY_FILE: cannot open /nope' classifier EAR_BUS_KEY_FILE=/nope EAR_BUS_PEERS_FILE=/nope
head -c 40 /dev/zero | tr '\0' a >"$WORK/key"
refuses 1 'EAR_BUS_PEERS_FILE: cannot open /nope' classifier EAR_BUS_KEY_FILE="$WORK/key" EAR_BUS_PEERS_FILE=/nope
PID=$first
ends classifier

say "standard input, output and error are closed: nothing else takes their numbers"
free_port
env EAR_HTTP="127.0.0.1:$PORT" EAR_CLASSIFIER_BUS=127.0.0.1:0 setpriv --pdeathsig KILL \
  "$EARSHOT_BIN/earshot-classifier" <&- >&- 2>&- &
PID=$! HTTP=$PORT
must_settle 'it answers' 20 alive
expect_eq 'what 0, 1 and 2 are' '/dev/null /dev/null /dev/null' "$(readlink "/proc/$PID/fd/0" "/proc/$PID/fd/1" "/proc/$PID/fd/2" | paste -sd' ')"
ends classifier

say "a name that stands for nothing"
start classifier EAR_CLASSIFIER_INGESTS=typo.invalid:5701
must_settle 'the log names it' 20 log_says 'event=bus.name_unknown'
log_says 'name=typo.invalid' || fail 'the name is not in the log'
must_settle '/readyz names it' 20 why_says typo.invalid
expect_eq 'it is said once' 1 "$(grep -c bus.name_unknown "$LOG")"
ends classifier

say "no schema"
pg_start
# A role that exists, on a database that was never migrated.
for name in "${databases[@]}"; do
  start "$name" EAR_PG="$EAR_PG"
  must_settle "$name says migrate" 20 why_says 'the database has no schema: run earshotctl migrate'
  must_settle "$name logs it" 20 log_says 'run earshotctl migrate'
  ends "$name"
done
"$EARSHOT_BIN/earshotctl" case list >"$WORK/out" 2>&1 && fail 'earshotctl lists cases of no schema'
grep -qF 'run earshotctl migrate' "$WORK/out" || { cat "$WORK/out" >&2; fail 'earshotctl does not say migrate'; }
expect_eq 'earshotctl says it once' 1 "$(wc -l <"$WORK/out")"

say "another role, another schema"
"$EARSHOT_BIN/earshotctl" migrate >"$WORK/out" 2>&1 || { cat "$WORK/out" >&2; fail migrate; }
for name in "${databases[@]}"; do
  start "$name" EAR_PG="host=$PG_SOCKET port=$PG_PORT dbname=earshot user=earshot_report"
  must_settle "$name names the role" 20 why_says "role \"earshot_report\" lacks the rights of earshot_$name"
  must_settle "$name logs it" 20 log_says 'lacks the rights'
  expect_eq "lines about it" 1 "$(grep -c 'lacks the rights\|permission denied' "$LOG")"
  ends "$name"
done
pg_query 'CREATE TABLE kept AS SELECT * FROM earshot.migration; DELETE FROM earshot.migration WHERE version > 2' >/dev/null
for name in "${databases[@]}"; do
  start "$name" EAR_PG="host=$PG_SOCKET port=$PG_PORT dbname=earshot user=earshot_$name"
  must_settle "$name says which schema it takes" 20 why_says 'the schema is at migration 2, this version takes'
  ends "$name"
done
pg_query 'INSERT INTO earshot.migration SELECT * FROM kept WHERE version > 2' >/dev/null
start ingest EAR_PG="host=$PG_SOCKET port=$PG_PORT dbname=earshot user=earshot_ingest"
must_settle 'ingest is ready' 30 why_says none
ends ingest
