# shellcheck shell=bash
# stack.sh: Earshot's services as processes, on free ports, over a cluster of pg.sh.
#
#   stack_prepare [CARE.yaml]        keys, role passwords, secrets, migrate, apply
#   stack_start ingest=2 classifier=1 assignment=1 responder=1     replicas, all ready at the end
#   service_start NAME N | service_stop NAME N | service_kill NAME N [SIGNAL] | service_wait_ready …
#   stack_stop                       SIGTERM to all; every one must drain and exit with 0
#   ctl ARGUMENT…                    earshotctl with the operator's environment
#   stack_url NAME N                 http://127.0.0.1:PORT
#   stack_settled                    true when nothing is on its way any more
#
# Ports of a replica are fixed for the run, so that a restarted one is found again. Logs are
# $WORK/log/NAME.N.log; settings for one service come from arrays ENV_ingest=(KEY=value …), for earshotctl from ENV_ctl.
# Every process dies with the test, also when that is killed with -9.
! declare -F stack_prepare >/dev/null || return 0 # it has been read
. "$(dirname "${BASH_SOURCE[0]}")/pg.sh"

STACK_SERVICES=(ingest classifier assignment responder)
STACK_ROLES=(earshot_ingest earshot_assignment earshot_responder earshot_operator earshot_report)
declare -A stack_pid=() stack_port=()
declare -A stack_count=([ingest]=1 [classifier]=1 [assignment]=1 [responder]=1)
STACK_REPLAY_TOKEN=replay-token-of-the-tests

stack_prepare() { # [CARE.yaml]
  need_program earshotctl earshot-ingest earshot-classifier earshot-assignment earshot-responder
  local role
  mkdir -p "$WORK/log" "$WORK/keys" "$WORK/secrets" "$WORK/roles"
  for role in "${STACK_ROLES[@]}"; do
    [ -f "$WORK/roles/$role" ] || head -c 24 /dev/urandom | base64 >"$WORK/roles/$role"
  done
  printf '%s' "$STACK_REPLAY_TOKEN" >"$WORK/secrets/replay-token"
  # stderr of the tool is shown only when it failed
  quietly "$EARSHOT_BIN/earshotctl" keygen "$WORK/keys"
  quietly "$EARSHOT_BIN/earshotctl" migrate --role-secrets "$WORK/roles"
  [ $# = 0 ] || quietly ctl apply "$1"
  on_failure stack_diagnose
  at_exit stack_kill_all
}

quietly() {
  "$@" >"$WORK/last.out" 2>&1 || { cat "$WORK/last.out" >&2; fail "$* gave an error"; }
}

# Sets stack_port[NAME.N.KIND] once.
stack_ports() { # NAME N KIND…
  local name=$1 n=$2 kind
  shift 2
  for kind; do
    [ -n "${stack_port[$name.$n.$kind]:-}" ] && continue
    free_port
    stack_port[$name.$n.$kind]=$PORT
  done
}

stack_reserve() { # NAME N
  case $1 in
    ingest | classifier) stack_ports "$1" "$2" http bus ;;
    assignment) stack_ports "$1" "$2" http bus commands ;;
    responder) stack_ports "$1" "$2" http ;;
  esac
}

# "localhost:p1,localhost:p2": every replica of a service, as its downstream is told.
stack_peers() { # NAME KIND
  local n list=
  for ((n = 1; n <= ${stack_count[$1]}; n++)); do
    list+=${list:+,}localhost:${stack_port[$1.$n.$2]}
  done
  printf '%s' "$list"
}

stack_environment() { # NAME N, as KEY=value lines
  local name=$1 n=$2 key=EAR_${1^^}
  printf '%s\n' "EAR_HTTP=127.0.0.1:${stack_port[$name.$n.http]}" \
    "EAR_BUS_KEY_FILE=$WORK/keys/$name.key" "EAR_BUS_PEERS_FILE=$WORK/keys/peers"
  [ "$name" = responder ] || printf '%s\n' "${key}_BUS=127.0.0.1:${stack_port[$name.$n.bus]}"
  [ "$name" = classifier ] || printf '%s\n' "EAR_PG=$(pg_conninfo "earshot_$name")" \
    "EAR_PG_PASSWORD_FILE=$WORK/roles/earshot_$name"
  case $name in
    ingest) printf '%s\n' "EAR_SECRETS_DIR=$WORK/secrets" \
      "EAR_INGEST_REPLAY_TOKEN_FILE=$WORK/secrets/replay-token" ;;
    classifier) printf '%s\n' "EAR_CLASSIFIER_INGESTS=$(stack_peers ingest bus)" ;;
    assignment) printf '%s\n' "EAR_ASSIGNMENT_CLASSIFIERS=$(stack_peers classifier bus)" \
      "EAR_ASSIGNMENT_COMMANDS=127.0.0.1:${stack_port[$name.$n.commands]}" ;;
    responder) printf '%s\n' "EAR_RESPONDER_ASSIGNMENTS=$(stack_peers assignment bus)" \
      "EAR_RESPONDER_COMMANDS=$(stack_peers assignment commands)" "EAR_SECRETS_DIR=$WORK/secrets" ;;
  esac
}

service_start() { # NAME N
  local name=$1 n=$2 settings=() extra="ENV_$1[@]"
  mapfile -t settings < <(stack_environment "$name" "$n")
  [ -z "${!extra+x}" ] || settings+=("${!extra}")
  env -u EAR_PG "${settings[@]}" setpriv --pdeathsig KILL "$EARSHOT_BIN/earshot-$name" \
    >>"$WORK/log/$name.$n.log" 2>&1 </dev/null &
  stack_pid[$name.$n]=$!
}

stack_url() { # NAME N
  printf 'http://127.0.0.1:%s' "${stack_port[$1.$2.http]}"
}

service_is_ready() { # NAME N
  kill -0 "${stack_pid[$1.$2]}" 2>/dev/null || fail "$1.$2 ended by itself"
  curl -sf -o /dev/null --max-time 2 "$(stack_url "$1" "$2")/readyz"
}

service_wait_ready() { # NAME N
  wait_until 60 service_is_ready "$1" "$2" || fail "$1.$2 is not ready: $(curl -s "$(stack_url "$1" "$2")/readyz")"
}

service_kill() { # NAME N [SIGNAL]: reaped at the end, whatever its exit code
  kill -s "${3:-KILL}" "${stack_pid[$1.$2]}" 2>/dev/null || true
  wait "${stack_pid[$1.$2]}" 2>/dev/null || true
  unset "stack_pid[$1.$2]"
}

service_stop() { # NAME N: drains; anything but 0 is a failure
  local pid=${stack_pid[$1.$2]} status=0
  unset "stack_pid[$1.$2]"
  kill -s TERM "$pid" 2>/dev/null || fail "$1.$2 was gone before it was stopped"
  wait "$pid" || status=$?
  expect_eq "exit code of $1.$2" 0 "$status"
}

stack_start() { # [NAME=COUNT…]
  local item name n
  for item; do stack_count[${item%%=*}]=${item##*=}; done
  for name in "${STACK_SERVICES[@]}"; do
    for ((n = 1; n <= ${stack_count[$name]}; n++)); do stack_reserve "$name" "$n"; done
  done
  for name in "${STACK_SERVICES[@]}"; do
    for ((n = 1; n <= ${stack_count[$name]}; n++)); do service_start "$name" "$n"; done
  done
  for name in "${STACK_SERVICES[@]}"; do
    for ((n = 1; n <= ${stack_count[$name]}; n++)); do service_wait_ready "$name" "$n"; done
  done
}

stack_stop() {
  local name n
  for name in "${STACK_SERVICES[@]}"; do
    for ((n = 1; n <= ${stack_count[$name]}; n++)); do
      [ -z "${stack_pid[$name.$n]:-}" ] || service_stop "$name" "$n"
    done
  done
}

stack_kill_all() {
  local key
  for key in "${!stack_pid[@]}"; do
    kill -s KILL "${stack_pid[$key]}" 2>/dev/null
    wait "${stack_pid[$key]}" 2>/dev/null
  done
  stack_pid=()
}

ctl() {
  local status="" name n
  for name in "${STACK_SERVICES[@]}"; do
    for ((n = 1; n <= ${stack_count[$name]}; n++)); do
      [ -z "${stack_port[$name.$n.http]:-}" ] || status+=${status:+,}$name=localhost:${stack_port[$name.$n.http]}
    done
  done
  local settings=("EAR_PG=$(pg_conninfo earshot_operator)"
    "EAR_PG_PASSWORD_FILE=$WORK/roles/earshot_operator"
    "EAR_BUS_KEY_FILE=$WORK/keys/operator.key" "EAR_BUS_PEERS_FILE=$WORK/keys/peers"
    "EAR_INGEST_REPLAY_TOKEN_FILE=$WORK/secrets/replay-token")
  [ -z "$status" ] || settings+=("EAR_CTL_STATUS=$status" "EAR_CTL_INGEST=$(stack_url ingest 1)"
    "EAR_CTL_COMMANDS=$(stack_peers assignment commands)")
  [ -z "${ENV_ctl+x}" ] || settings+=("${ENV_ctl[@]}")
  env "${settings[@]}" "$EARSHOT_BIN/earshotctl" "$@"
}

# Posts, replies and outcomes that are on their way between two stages.
stack_pending() {
  pg_query 'SELECT (SELECT count(*) FROM intake) + (SELECT count(*) FROM reply_due)
                 + (SELECT count(*) FROM sending) + (SELECT count(*) FROM outcome_due)'
}

stack_settled() {
  [ "$(stack_pending 2>/dev/null)" = 0 ]
}

stack_diagnose() {
  local log
  for log in "$WORK"/log/*.log; do
    [ -s "$log" ] || continue
    echo "--- ${log##*/} (warnings, then the end):"
    grep -E 'level=(warn|error)|Sanitizer|runtime error' "$log" | tail -n 8 || true
    tail -n 8 "$log"
  done
  echo "--- on its way: intake, reply_due, sending, outcome_due, dead letters:"
  pg_query 'SELECT (SELECT count(*) FROM intake), (SELECT count(*) FROM reply_due),
    (SELECT count(*) FROM sending), (SELECT count(*) FROM outcome_due), (SELECT count(*) FROM dead_letter)'
}

# No line of a sanitizer in any log: for the end of every test.
stack_logs_clean() {
  ! grep -nE 'ERROR: (Address|Leak)Sanitizer|runtime error:' "$WORK"/log/*.log >&2 ||
    fail "a sanitizer reported an error"
}
