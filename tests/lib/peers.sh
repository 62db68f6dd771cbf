# shellcheck shell=bash
# peers.sh: real servers as a test uses them.
#
#   peer_read FILE PREFIX     KEY=VALUE lines of a peer as variables PREFIX_KEY
#   peer_stop PIDFILE…        ends what a peer's script started
#   node_receiver             sets RECEIVER_URL, RECEIVER_LEDGER, RECEIVER_SECRET
#   fault_proxy HOST:PORT     sets PROXY_URL (http://localhost:PORT); fault NAME PERCENT switches it
#   only_case [STATE]         sets CASE to the id of the one case there is
#   reply CASE TEXT [OPTION…] as agent ana, through earshotctl
! declare -F peer_read >/dev/null || return 0 # it has been read
. "$(dirname "${BASH_SOURCE[0]}")/stack.sh"

peer_read() {
  local key value
  while IFS='=' read -r key value; do
    [[ $key =~ ^[A-Z_]+$ ]] && printf -v "$2_$key" '%s' "$value"
  done <"$1"
}

peer_stop() {
  local file pid
  for file; do
    [ -s "$file" ] || continue
    pid=$(cat "$file")
    kill "$pid" 2>/dev/null || true
    wait_until 10 peer_gone "$pid" || kill -9 "$pid" 2>/dev/null || true
  done
}

peer_gone() { ! kill -0 "$1" 2>/dev/null; }

node_receiver() {
  free_port
  RECEIVER_PORT=$PORT RECEIVER_URL=http://localhost:$PORT/replies RECEIVER_LEDGER=$WORK/received.jsonl
  RECEIVER_SECRET=${RECEIVER_SECRET:-$(webhook_secret)}
  : >"$RECEIVER_LEDGER"
  setpriv --pdeathsig KILL node "$EARSHOT_SOURCE/tests/lib/receiver.mjs" "$RECEIVER_PORT" "$RECEIVER_SECRET" \
    "$RECEIVER_LEDGER" >"$WORK/receiver.log" 2>&1 </dev/null &
  at_exit "kill $! 2>/dev/null"
  on_failure 'echo "--- receiver:"; tail -n 5 "$WORK/receiver.log" "$RECEIVER_LEDGER"'
  wait_until 20 port_answers "$RECEIVER_PORT" || fail "the receiver does not listen"
}

received() { # distinct verified replies
  jq -r 'select(.id) | .id' "$RECEIVER_LEDGER" | sort -u | wc -l
}

received_is() { [ "$(received)" = "$1" ]; }

fault_proxy() { # HOST:PORT
  free_port
  "$PEERS/faultproxy.sh" "$WORK/proxy" "$PORT" "$1" >"$WORK/proxy.env"
  at_exit 'peer_stop "$WORK/proxy/haproxy.pid"'
  peer_read "$WORK/proxy.env" PROXY
  PROXY_URL=$PROXY_BASE_URL
}

fault() { # NAME PERCENT
  echo "experimental-mode on; set var proc.$1 int($2)" | socat - "$PROXY_ADMIN" >/dev/null
}

only_case() {
  expect_eq "number of cases" 1 "$(pg_query 'SELECT count(*) FROM "case"')"
  CASE=$(pg_query 'SELECT case_id FROM "case"')
}

cases_are() { [ "$(pg_query 'SELECT count(*) FROM "case"')" = "$1" ]; }

reply() {
  local case=$1 text=$2
  shift 2
  quietly ctl case reply "$case" "$text" --as ana "$@"
}

# State of the newest reply: 0 on its way, then as the protocol's OutcomeState.
reply_state() { pg_query 'SELECT state FROM reply ORDER BY reply_id DESC LIMIT 1'; }

reply_has_left() { [ "$(reply_state)" != 0 ]; }
