# shellcheck shell=bash
# postgres.sh: a PostgreSQL of the quickstart's own, over TCP on loopback with passwords. As root it
# runs as user postgres. Another PostgreSQL on this machine is not touched.

pg_bin=/usr/lib/postgresql/15/bin

as_postgres() { # COMMAND…
  if [ "$(id -u)" = 0 ]; then
    (cd / && exec setpriv --reuid=postgres --regid=postgres --init-groups "$@")
  else
    (cd / && exec "$@")
  fi
}

start_postgres() {
  local password=$STATE/postgres/owner-password
  mkdir -p "$STATE/postgres"
  chmod 700 "$STATE/postgres"
  (umask 077 && random 24 >"$STATE/roles/owner" && cp "$STATE/roles/owner" "$password")
  [ "$(id -u)" != 0 ] || chown -R postgres:postgres "$STATE/postgres"
  as_postgres "$pg_bin/initdb" -D "$STATE/postgres/data" -U owner -E UTF8 --locale=C.UTF-8 \
    --auth=scram-sha-256 --pwfile="$password" >"$STATE/log/initdb.log" 2>&1 ||
    die "initdb failed: $(tail -n 3 "$STATE/log/initdb.log")"
  rm -f "$password"
  pick_port 5433
  PG_PORT=$PORT
  local user=()
  [ "$(id -u)" != 0 ] || user=(setpriv --reuid=postgres --regid=postgres --init-groups)
  launch postgres "${user[@]}" "$pg_bin/postgres" -D "$STATE/postgres/data" -p "$PG_PORT" -h 127.0.0.1 \
    -c unix_socket_directories= -c shared_buffers=256MB -c max_connections=60 -c max_wal_size=2GB \
    -c log_min_messages=warning -c timezone=UTC
  wait_for 30 "$pg_bin/pg_isready" -q -h 127.0.0.1 -p "$PG_PORT" ||
    die "PostgreSQL did not start: $(tail -n 5 "$STATE/log/postgres.log")"
  PGPASSWORD=$(cat "$STATE/roles/owner") "$pg_bin/createdb" -h 127.0.0.1 -p "$PG_PORT" -U owner earshot
}

conninfo() { # ROLE
  printf 'host=127.0.0.1 port=%s user=%s dbname=earshot' "$PG_PORT" "$1"
}

# For people: psql without a password, as the role that may read everything and change nothing.
write_pgpass() {
  (umask 077 && printf '127.0.0.1:%s:earshot:earshot_report:%s\n' "$PG_PORT" \
    "$(cat "$STATE/roles/earshot_report")" >"$STATE/pgpass")
}

query() { # SQL, as the reporting role; bare rows
  PGPASSFILE=$STATE/pgpass "$pg_bin/psql" -X -qAt -v ON_ERROR_STOP=1 \
    "$(conninfo earshot_report) options='-c search_path=earshot'" -c "$1"
}
