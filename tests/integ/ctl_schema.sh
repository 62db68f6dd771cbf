#!/usr/bin/env bash
# earshotctl migrate and keygen: once is enough, again is harmless, a newer or another database is
# refused, a dry run changes nothing, and the exit codes say what happened.
. "$(dirname "$0")/../lib/pg.sh"
need_command jq
need_program earshotctl
ctl=$EARSHOT_BIN/earshotctl

exits() { # CODE COMMAND…: what it printed is in $WORK/out and $WORK/err
  local code=$1 status=0
  shift
  "$@" >"$WORK/out" 2>"$WORK/err" || status=$?
  [ "$status" = "$code" ] || { cat "$WORK/out" "$WORK/err" >&2; fail "$*: exit code $status instead of $code"; }
}
says() { grep -qF -- "$1" "$WORK/out" "$WORK/err" || { cat "$WORK/out" "$WORK/err" >&2; fail "not said: $1"; }; }

# --- without a database
exits 2 env -u EAR_PG "$ctl" migrate
says 'EAR_PG is not set'
exits 4 env EAR_PG='host=127.0.0.1 port=1 dbname=earshot' "$ctl" migrate --timeout 500ms
exits 2 "$ctl" migrate --sideways
says 'no option --sideways'
exits 2 "$ctl" migrate now
exits 2 "$ctl" fly
exits 2 env EAR_NO_SUCH_KEY=1 "$ctl" migrate
says EAR_NO_SUCH_KEY
exits 0 "$ctl" --version
exits 0 "$ctl" --help
says 'Exit codes'
exits 0 "$ctl" --print-config
exits 0 bash -c "source <('$ctl' completion) && complete -p earshotctl"

# --- migrate
pg_start
newest=$(find "$EARSHOT_SOURCE/deploy/db/migrations" -name '*.sql' | wc -l)
exits 0 "$ctl" migrate --dry-run
says 'would apply 0001_ground'
expect_eq 'schema after a dry run' 0 "$(pg_query "SELECT count(*) FROM pg_namespace WHERE nspname = 'earshot'")"
mkdir "$WORK/roles"
for role in ingest assignment responder operator; do echo secret >"$WORK/roles/earshot_$role"; done
for what in none empty NUL; do
  for dry in --dry-run ''; do
    exits 3 "$ctl" migrate ${dry:+"$dry"} --role-secrets "$WORK/roles"
    says "$WORK/roles/earshot_report"
    expect_eq "schema, where the last role's password is wrong ($what)" 0 "$(pg_query "SELECT count(*) FROM pg_namespace WHERE nspname = 'earshot'")"
  done
  case $what in
    none) : >"$WORK/roles/earshot_report" ;;
    empty) printf 'se\0cret' >"$WORK/roles/earshot_report" ;;
  esac
done
pg_query "CREATE ROLE weak LOGIN"
"$PG_BIN/createdb" -h "$PG_SOCKET" -p "$PG_PORT" -U owner -O weak other
weak="host=$PG_SOCKET port=$PG_PORT user=weak dbname=other"
exits 1 env EAR_PG="$weak" "$ctl" migrate
says 'ALTER ROLE … CREATEROLE'
expect_eq 'schema of an owner who may not make roles' 0 "$("$PG_BIN/psql" -X -qAt "$weak" -c "SELECT count(*) FROM pg_namespace WHERE nspname = 'earshot'")"
pg_query "ALTER ROLE weak CREATEROLE"
exits 0 env EAR_PG="$weak" "$ctl" migrate
pg_query "ALTER ROLE weak NOCREATEROLE"
exits 0 env EAR_PG="$weak" "$ctl" migrate
"$PG_BIN/dropdb" -h "$PG_SOCKET" -p "$PG_PORT" -U owner other
for encoding in LATIN1 SQL_ASCII; do
  "$PG_BIN/createdb" -h "$PG_SOCKET" -p "$PG_PORT" -U owner -E $encoding -T template0 --locale=C other
  other=${EAR_PG/dbname=earshot/dbname=other}
  for dry in --dry-run ''; do
    exits 1 env EAR_PG="$other" "$ctl" migrate ${dry:+"$dry"}
    says "the database's encoding is $encoding"
  done
  expect_eq "schema in $encoding" 0 "$("$PG_BIN/psql" -X -qAt "$other" -c "SELECT count(*) FROM pg_namespace WHERE nspname = 'earshot'")"
  "$PG_BIN/dropdb" -h "$PG_SOCKET" -p "$PG_PORT" -U owner other
done
"$ctl" migrate >"$WORK/one" & one=$!
"$ctl" migrate >"$WORK/two" & two=$!
wait "$one" || fail 'one of two at once failed'
wait "$two" || fail 'the other of two at once failed'
expect_eq 'each file is applied once' "$newest" "$(cat "$WORK/one" "$WORK/two" | grep -c applying)"
expect_eq 'rows in migration' "$newest" "$(pg_query 'SELECT count(*) FROM migration')"
expect_eq 'one id key' 1 "$(pg_query 'SELECT count(*) FROM id_key')"
expect_eq 'partitions of four months' 4 "$(pg_query "SELECT count(*) FROM pg_class WHERE relname ~ '^post_y[0-9]{4}m[0-9]{2}\$'")"
key=$(pg_query "SELECT encode(key, 'hex') FROM id_key")
exits 0 "$ctl" migrate --json
expect_eq 'again' "{\"version\":$newest,\"applied\":[]}" "$(cat "$WORK/out")"
expect_eq 'the id key stays' "$key" "$(pg_query "SELECT encode(key, 'hex') FROM id_key")"

# --- passwords of roles, with everything in them that SQL could trip over
for role in ingest assignment responder operator report; do
  printf '%s\n' "it's \\ \"$role\" %s \$1 é" >"$WORK/roles/earshot_$role"
done
pg_query "ALTER SYSTEM SET log_statement = 'all'" && pg_query 'SELECT pg_reload_conf()' >/dev/null
exits 0 "$ctl" migrate --role-secrets "$WORK/roles"
expect_eq 'the server sees verifiers' 5 "$(grep -c "ALTER ROLE earshot_[a-z]* PASSWORD 'SCRAM-SHA-256" "$PG_LOG")"
! grep -q "it's\|it''s" "$PG_LOG" || fail "a password stands in the server's log"
pg_query 'ALTER SYSTEM RESET log_statement' && pg_query 'SELECT pg_reload_conf()' >/dev/null
for role in ingest assignment responder operator report; do
  who=$(PGPASSWORD=$(cat "$WORK/roles/earshot_$role") "$PG_BIN/psql" -X -qAt "$(pg_conninfo "earshot_$role")" -c 'SELECT current_user')
  expect_eq "password of $role" "earshot_$role" "$who"
done
operator() { env EAR_PG="$(pg_conninfo earshot_operator)" EAR_PG_PASSWORD_FILE="$WORK/roles/earshot_operator" "$ctl" "$@"; }
exits 0 operator case list
# What waiting does not mend ends at once, and not with the code of what may work later.
began=$SECONDS
exits 2 env EAR_PG="$(pg_conninfo earshot_operator)" EAR_PG_PASSWORD=wrong "$ctl" case list --timeout 60s
says '(see EAR_PG_PASSWORD_FILE)'
exits 2 env EAR_PG="$(pg_conninfo earshot_nobody)" EAR_PG_PASSWORD=wrong "$ctl" case list --timeout 60s
exits 2 env EAR_PG="$(pg_conninfo earshot_operator | sed 's/dbname=[^ ]*/dbname=nowhere/')" \
  EAR_PG_PASSWORD_FILE="$WORK/roles/earshot_operator" "$ctl" case list --timeout 60s
says 'database "nowhere" does not exist'
[ $((SECONDS - began)) -lt 30 ] || fail 'a refusal is waited for'
# A schema may come yet.
exits 2 env EAR_PG="$EAR_PG dbname=postgres" "$ctl" case list --timeout 500ms
says 'run earshotctl migrate'
exits 1 env EAR_PG="$(pg_conninfo earshot_ingest)" EAR_PG_PASSWORD_FILE="$WORK/roles/earshot_ingest" "$ctl" case list
says 'permission denied for table case'
says 'EAR_PG has to name the role earshot_operator'
: >"$WORK/roles/earshot_report"
exits 3 "$ctl" migrate --role-secrets "$WORK/roles"
rm "$WORK/roles/earshot_report"
exits 1 operator migrate
says 'permission denied'
says "EAR_PG has to name the database's owner"

# --- a database of another making
pg_query "UPDATE migration SET sha256 = 'other' WHERE version = 2"
exits 1 "$ctl" migrate
says 'another content'
pg_query "DELETE FROM migration WHERE version = 2; INSERT INTO migration VALUES ($((newest + 1)), 'future', '')"
exits 1 "$ctl" migrate
says 'use a newer earshotctl'

# --- keygen
exits 0 "$ctl" keygen "$WORK/keys"
expect_eq 'five keys' 5 "$(find "$WORK/keys" -name '*.key' -perm 600 -size 40c | wc -l)"
expect_eq 'five peers' 5 "$(grep -cE '^(ingest|classifier|assignment|responder|operator) .{40}$' "$WORK/keys/peers")"
cp -r "$WORK/keys" "$WORK/before"
exits 0 "$ctl" keygen "$WORK/keys" --json
expect_eq 'none made again' '[]' "$(cat "$WORK/out")"
diff -r "$WORK/before" "$WORK/keys" || fail 'keys changed'
rm "$WORK/keys/responder.key"
exits 0 "$ctl" keygen "$WORK/keys" --json
expect_eq 'only the missing one' '["responder"]' "$(cat "$WORK/out")"
expect_eq 'the others stay' 4 "$(comm -12 <(sort "$WORK/before/peers") <(sort "$WORK/keys/peers") | wc -l)"
exits 3 "$ctl" keygen /proc/nowhere
