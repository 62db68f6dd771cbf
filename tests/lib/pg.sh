#!/usr/bin/env bash
# pg.sh: a PostgreSQL 15 cluster of the test's own, thrown away at its end.
#
# Sourced:
#   pg_start            sets PG_PORT, PG_SOCKET (folder of the Unix socket), PG_PID and EAR_PG (the
#                       owner's conninfo, exported), database "earshot"
#   pg_schema           every migration as it is filed: for tests that are not about earshotctl migrate
#   pg_query SQL        as the owner, bare rows, columns separated by |
#   pg_conninfo ROLE    TCP conninfo of a role (password from its file, see stack.sh)
#   pg_stop [MODE]      fast by default; immediate is a crash
#   pg_restart          with the same port and data
# Run as a program:
#   pg.sh COMMAND…      runs COMMAND with EAR_PG, PG_PORT and PG_SOCKET set, and stops the cluster
#
# The cluster is not root's: as root it runs as user postgres. It ends with the test even when that
# is killed with -9 (parent death signal). Over the socket everybody is trusted; over TCP roles need
# their passwords, as in production.
! declare -F pg_start >/dev/null || return 0 # it has been read
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

PG_BIN=${PG_BIN:-/usr/lib/postgresql/15/bin}
PG_LISTEN=127.0.0.1 PG_ENTER=() # hosts.sh puts it on a host of its own
# What is not PostgreSQL's default; a script may set its own before pg_start.
[ -n "${PG_SETTINGS+x}" ] || PG_SETTINGS=(-c fsync=off -c max_connections=100 -c shared_buffers=64MB)

pg_as() { # COMMAND… as the user that PostgreSQL may run as, in a folder it may enter
  if [ "$(id -u)" = 0 ]; then
    (cd / && exec setpriv --reuid=postgres --regid=postgres --init-groups "$@")
  else
    "$@"
  fi
}

pg_launch() {
  local user=()
  [ "$(id -u)" = 0 ] && user=(--reuid=postgres --regid=postgres --init-groups)
  # Not in a subshell: the death signal is bound to this very process. setpriv sets it last, since a
  # change of user clears it. QUIT is PostgreSQL's immediate stop.
  "${PG_ENTER[@]}" setpriv "${user[@]}" --pdeathsig QUIT "$PG_BIN/postgres" -D "$PG_DATA" -p "$PG_PORT" \
    -h "$PG_LISTEN" -k "$PG_SOCKET" "${PG_SETTINGS[@]}" \
    -c log_min_messages=warning -c timezone=UTC >>"$PG_LOG" 2>&1 </dev/null &
  PG_PID=$!
  wait_until 30 "$PG_BIN/pg_isready" -q -U owner -d postgres -h "$PG_SOCKET" -p "$PG_PORT" ||
    { tail -20 "$PG_LOG" >&2; fail "PostgreSQL did not start"; }
}

pg_start() {
  [ -x "$PG_BIN/postgres" ] || skip "PostgreSQL 15 is not installed ($PG_BIN)"
  free_port
  PG_PORT=$PORT PG_SOCKET=$WORK/pg PG_DATA=$WORK/pg/data PG_LOG=$WORK/pg/log
  mkdir -p "$PG_SOCKET"
  : >"$PG_LOG"
  [ "$(id -u)" != 0 ] || chown -R postgres:postgres "$PG_SOCKET"
  pg_as "$PG_BIN/initdb" -D "$PG_DATA" -U owner -E UTF8 --locale=C.UTF-8 --no-sync \
    --auth-local=trust --auth-host=scram-sha-256 >"$WORK/initdb.log" 2>&1 ||
    { tail -5 "$WORK/initdb.log" >&2; fail "initdb failed"; }
  pg_launch
  at_exit pg_stop immediate
  on_failure pg_diagnose
  EAR_PG="host=$PG_SOCKET port=$PG_PORT user=owner dbname=earshot"
  export EAR_PG PG_PORT PG_SOCKET
  "$PG_BIN/createdb" -h "$PG_SOCKET" -p "$PG_PORT" -U owner earshot
}

pg_diagnose() {
  echo "--- PostgreSQL:"
  tail -n 20 "$PG_LOG"
}

pg_schema() {
  local file
  for file in "$EARSHOT_SOURCE"/deploy/db/migrations/*.sql; do
    "$PG_BIN/psql" -X -q -1 -v ON_ERROR_STOP=1 "$EAR_PG" -f "$file" >"$WORK/psql" 2>&1 ||
      { cat "$WORK/psql" >&2; fail "$file"; }
  done
}

# As the services, without compiling plans: of a function in a query that would be done at each call.
pg_query() {
  "$PG_BIN/psql" -X -qAt -v ON_ERROR_STOP=1 "$EAR_PG options='-c search_path=earshot -c jit=off'" -c "$1"
}

# Over TCP, as in production, unless PG_HOST says otherwise.
pg_conninfo() { # ROLE
  printf 'host=%s port=%s user=%s dbname=earshot' "${PG_HOST:-127.0.0.1}" "$PG_PORT" "$1"
}

pg_stop() { # [fast|immediate]
  local signal=INT
  [ "${1:-fast}" = immediate ] && signal=QUIT
  [ -n "${PG_PID:-}" ] || return 0
  kill -s "$signal" "$PG_PID" 2>/dev/null || true
  wait "$PG_PID" 2>/dev/null || true
  PG_PID=
}

pg_restart() {
  pg_stop "$@"
  pg_launch
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  pg_start
  "$@"
fi
