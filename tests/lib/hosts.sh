# shellcheck shell=bash
# hosts.sh: Earshot on several hosts: PostgreSQL and each replica in a network namespace of its own, on
# one bridge, with the test. Needs root and iproute2, and skips loudly otherwise.
#
#   hosts_begin "$@"            first of all: the script starts itself again in a network of its own
#   hosts_start NAME=COUNT…     feed_stack, with a host for PostgreSQL ("postgres") and one for each
#                               replica ("NAME.N")
#   host_run HOST COMMAND…      runs it there; HOSTS has their names, host_address[HOST] their addresses
#   sever HOST HOST | heal HOST HOST   packets between the two are dropped without a word
#   pull HOST | plug HOST              its cable
# The test itself is the host "outside": senders, the platform and earshotctl.
! declare -F hosts_begin >/dev/null || return 0 # it has been read
. "$(dirname "${BASH_SOURCE[0]}")/feed.sh"

HOSTS=()
declare -A host_address=() host_pid=()
HOSTS_NET=10.77.0

hosts_begin() {
  [ "$(id -u)" = 0 ] || skip "networks are made by root only"
  need_command ip iptables unshare nsenter
  [ -z "${EARSHOT_IN_NETWORK:-}" ] || { hosts_bridge; return 0; }
  unshare -n true 2>/dev/null || skip "no network namespace can be made here"
  # The folder of this run goes with this process, which waits for the other.
  EARSHOT_IN_NETWORK=1 setpriv --pdeathsig TERM unshare -n "$0" "$@" && exit 0
  exit $?
}

hosts_bridge() {
  ip link set lo up
  ip link add earshot0 type bridge 2>/dev/null || skip "no bridge can be made here"
  ip address add "$HOSTS_NET.1/24" dev earshot0
  ip link set earshot0 up
  host_address[outside]=$HOSTS_NET.1
}

host_add() { # HOST
  local number=$((${#HOSTS[@]} + 2)) pid
  setpriv --pdeathsig KILL unshare -n sleep infinity &
  pid=$!
  disown "$pid"
  at_exit "kill -KILL $pid 2>/dev/null"
  wait_until 10 host_is_apart "$pid"
  HOSTS+=("$1")
  host_pid[$1]=$pid host_address[$1]=$HOSTS_NET.$number
  ip link add "ear$number" type veth peer name eth0 netns "$pid" || skip "no cable can be made here"
  ip link set "ear$number" master earshot0 up
  host_run "$1" ip link set lo up
  host_run "$1" ip address add "$HOSTS_NET.$number/24" dev eth0
  host_run "$1" ip link set eth0 up
}

host_is_apart() { # PID: it has left our network
  [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]
}

host_run() { # HOST COMMAND…
  nsenter -t "${host_pid[$1]}" -n -- "${@:2}"
}

host_filter() { # -A|-D HOST OTHER
  host_run "$2" iptables -w "$1" INPUT -s "${host_address[$3]}" -j DROP
  host_run "$2" iptables -w "$1" OUTPUT -d "${host_address[$3]}" -j DROP
}
sever() { host_filter -A "$1" "$2"; }
heal() { host_filter -D "$1" "$2"; }
pull() { host_run "$1" ip link set eth0 down; }
plug() { host_run "$1" ip link set eth0 up; }

hosts_start() { # NAME=COUNT…
  local item n
  host_add postgres
  for item; do
    for ((n = 1; n <= ${item##*=}; n++)); do host_add "${item%%=*}.$n"; done
  done
  PG_LISTEN=${host_address[postgres]} PG_ENTER=(nsenter -t "${host_pid[postgres]}" -n --)
  FEED_HOST=${host_address[outside]}
  pg_start
  echo "host all all $HOSTS_NET.0/24 scram-sha-256" >>"$PG_DATA/pg_hba.conf"
  pg_query 'SELECT pg_reload_conf()' >/dev/null
  feed_stack "$@"
}

# --- in the place of what pg.sh and stack.sh do on one host ---

pg_conninfo() { # ROLE
  printf 'host=%s port=%s user=%s dbname=earshot' "${host_address[postgres]}" "$PG_PORT" "$1"
}

stack_url() { # NAME N
  printf 'http://%s:%s' "${host_address[$1.$2]}" "${stack_port[$1.$2.http]}"
}

stack_peers() { # NAME KIND
  local n list=
  for ((n = 1; n <= ${stack_count[$1]}; n++)); do
    list+=${list:+,}${host_address[$1.$n]}:${stack_port[$1.$n.$2]}
  done
  printf '%s' "$list"
}

service_start() { # NAME N
  local name=$1 n=$2 settings=() extra="ENV_$1[@]"
  mapfile -t settings < <(stack_environment "$name" "$n" | sed 's/=127\.0\.0\.1:/=*:/')
  [ -z "${!extra+x}" ] || settings+=("${!extra}")
  # nsenter becomes the service: its process id is the one that is killed and waited for.
  env -u EAR_PG "${settings[@]}" setpriv --pdeathsig KILL nsenter -t "${host_pid[$name.$n]}" -n -- \
    "$EARSHOT_BIN/earshot-$name" >>"$WORK/log/$name.$n.log" 2>&1 </dev/null &
  stack_pid[$name.$n]=$!
}
