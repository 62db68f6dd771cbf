# shellcheck shell=bash
# peers.sh: RabbitMQ (quorum queue) and Redis Streams (fsync always), driven by the programs of
# $EARSHOT_SHARED/bench/peers, which are built into $WORK. Source after stand.sh.
#
#   peer_build NAME                rabbit or redis; false when the server or the sources are not here
#   peer_start NAME
#   peer_flood NAME MESSAGES       one producer, one consumer, as fast as it goes: a record
#   peer_rate NAME RATE SECONDS    the same at a given rate
#
# A record has messages a second and CPU milliseconds of all processes a thousand messages.

PEER_SOURCES=$EARSHOT_SHARED/bench/peers
declare -A peer_pid=() peer_port=()

peer_build() { # NAME
  local library=rabbitmq server=/usr/lib/rabbitmq/bin/rabbitmq-server
  [ "$1" = rabbit ] || { library=hiredis server=/usr/bin/redis-server; }
  [ -f "$PEER_SOURCES/qbench.c" ] && [ -x "$server" ] || return 1
  gcc -O2 -w -o "$WORK/qbench_$1" "$PEER_SOURCES/qbench.c" "$PEER_SOURCES/be_$1.c" "-l$library" 2>"$WORK/peer-build.log"
}

peer_start() { # NAME
  free_port
  peer_port[$1]=$PORT
  mkdir -p "$WORK/$1"
  "peer_start_$1" "$PORT" "$WORK/$1" >"$WORK/$1.log" 2>&1 </dev/null
  at_exit "peer_stop_$1"
  wait_until 90 port_answers "${peer_port[$1]}" || { tail -n 5 "$WORK/$1.log" >&2; fail "$1 does not listen"; }
  sleep 3 # its start is over
}

peer_start_rabbit() { # PORT FOLDER
  local distribution names
  free_port
  distribution=$PORT
  free_port
  names=$PORT
  RABBIT_NAMES=$names
  echo '[].' >"$2/plugins"
  env HOME="$2" RABBITMQ_MNESIA_BASE="$2/mnesia" RABBITMQ_LOG_BASE="$2/log" RABBITMQ_NODENAME=bench@localhost \
    RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 RABBITMQ_NODE_PORT="$1" RABBITMQ_DIST_PORT="$distribution" \
    RABBITMQ_PID_FILE="$2/pid" RABBITMQ_ENABLED_PLUGINS_FILE="$2/plugins" RABBITMQ_CONFIG_FILE="$2/none" \
    ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT="$names" \
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1}' \
    setpriv --pdeathsig TERM /usr/lib/rabbitmq/bin/rabbitmq-server &
  peer_pid[rabbit]=$!
}

peer_start_redis() { # PORT FOLDER
  setpriv --pdeathsig KILL redis-server --port "$1" --bind 127.0.0.1 --save '' --appendonly yes \
    --appendfsync always --dir "$2" --maxmemory-policy noeviction &
  peer_pid[redis]=$!
}

peer_stop_rabbit() {
  local pids
  pids="$(descendants "${peer_pid[rabbit]}") ${peer_pid[rabbit]}"
  # shellcheck disable=SC2086
  kill -TERM $pids 2>/dev/null
  wait "${peer_pid[rabbit]}" 2>/dev/null
  env ERL_EPMD_PORT="$RABBIT_NAMES" epmd -kill >/dev/null 2>&1
}

peer_stop_redis() {
  kill "${peer_pid[redis]}" 2>/dev/null
  wait "${peer_pid[redis]}" 2>/dev/null
}

peer_run() { # KIND NAME MESSAGES PRODUCER-OPTION…
  local kind=$1 name=$2 messages=$3 before after consumer shm=$WORK/$2.shm
  local common=(--n "$3" --shm "$shm" --port "${peer_port[$2]}")
  shift 3
  [ "$name" != rabbit ] || common+=(--qtype quorum)
  rm -f "$shm".*
  before=$(cpu_tree "${peer_pid[$name]}")
  "$WORK/qbench_$name" cons "${common[@]}" --idle 15 >"$WORK/$name.cons" 2>>"$WORK/$name.log" &
  consumer=$!
  "$WORK/qbench_$name" prod "${common[@]}" "$@" >"$WORK/$name.prod" 2>>"$WORK/$name.log" || fail "producer of $name"
  wait "$consumer" || fail "consumer of $name"
  after=$(cpu_tree "${peer_pid[$name]}")
  record "$kind" "$(jq -n --arg name "$name" --argjson n "$messages" --argjson broker "$(awk "BEGIN { print $after - $before }")" \
    --slurpfile prod "$WORK/$name.prod" --slurpfile cons "$WORK/$name.cons" '
    {name: $name, messages: $n, rate: ($n * 1e9 / ($cons[0].t_last - $prod[0].t_first)),
     cpu_ms_per_1000: (($broker + ($prod[0].cpu + $cons[0].cpu) * 1000) * 1000 / $n), p50_ms: ($cons[0].p50_us / 1000)}')"
}

peer_flood() { peer_run peer "$1" "$2" --window 1000; } # NAME MESSAGES
peer_rate() { peer_run peer_rate "$1" "$(($2 * $3))" --rate "$2" --window 5000; } # NAME RATE SECONDS
