#!/usr/bin/env bash
# Every statement of a service is prepared against the migrated schema and planned as the service's
# own role: misspelt columns, wrong types and missing rights come out here, not in production.
# The statements of ingest and assignment are planned once a connection, whatever is in the tables then:
# so they must be found by key also where all tables are known to be empty.
. "$(dirname "$0")/../lib/pg.sh"
cd "$EARSHOT_SOURCE"
pg_start
pg_schema

pg_query 'SELECT ensure_month(now())' >/dev/null
pg_query 'VACUUM ANALYZE'

# These read small tables, or the whole of a queue, or from one end of an index.
WHOLE=' accounts adopt_intake backlog last_post read_heads read_outbox read_schema read_seats read_strays '

role_of() { # FILE
  case $1 in
    */migrate.sql) printf owner ;;
    services/earshotctl/*) printf earshot_operator ;;
    services/*) local rest=${1#services/}; printf 'earshot_%s' "${rest%%/*}" ;;
  esac
}

# One file a statement, "NAME.sql", out of the blocks of FILE.
split_statements() { # FILE FOLDER
  awk -v folder="$2" '/^[ \t]*-- name:/ { sub(/^[ \t]*-- name:[ \t]*/, ""); out = folder "/" $1 ".sql"; next }
                      /^[ \t]*(--.*)?$/ { next }
                      out { sub(/;[ \t]*$/, ""); print >out }' "$1"
}

# COPY has no plan: it is run, without a row.
check_copy() { # ROLE FILE
  { printf 'SET search_path = earshot; SET ROLE %s;\n' "$1"
    printf '%s;\n\\.\n' "$(sed 's/ (FORMAT binary)//' "$2")"; } >"$WORK/check.sql"
  "$PG_BIN/psql" -X -qAt -v ON_ERROR_STOP=1 "$EAR_PG" -f "$WORK/check.sql" >"$WORK/plan" 2>&1
}

# A parameter of each type, NULL: nothing is executed, but EXPLAIN checks rights as execution does.
check_statement() { # ROLE FILE
  local name
  name=$(basename "$2" .sql)
  if grep -qi '^copy' "$2"; then check_copy "$@"; return; fi
  { echo "SET search_path = earshot;"
    [ "$1" = owner ] || echo "SET ROLE $1;"
    echo "PREPARE $name AS $(cat "$2");"
    cat <<SQL
SELECT format('EXPLAIN EXECUTE $name%s', CASE WHEN cardinality(parameter_types) > 0 THEN
  '(' || array_to_string(array_fill('NULL'::text, ARRAY[cardinality(parameter_types)]), ',') || ')' END)
  FROM pg_prepared_statements WHERE name = '$name' \gexec
SQL
  } >"$WORK/check.sql"
  "$PG_BIN/psql" -X -qAt -v ON_ERROR_STOP=1 "$EAR_PG" -f "$WORK/check.sql" >"$WORK/plan" 2>&1
}

# Prints the scans of an index from end to end in the plan that a service would keep.
walks_of() { # FILE
  local name
  name=$(basename "$1" .sql)
  { echo "SET search_path = earshot; SET plan_cache_mode = force_generic_plan;"
    printf 'SET enable_%s = off;\n' seqscan bitmapscan hashjoin mergejoin
    sed -n '/^PREPARE/,$p' "$WORK/check.sql"; } | sed 's/EXPLAIN EXECUTE/EXPLAIN (COSTS OFF) EXECUTE/' >"$WORK/walk.sql"
  [[ $WHOLE != *" $name "* ]] && ! grep -qi '^copy' "$1" || return 0
  "$PG_BIN/psql" -X -qAt "$EAR_PG" -f "$WORK/walk.sql" |
    awk '/Index (Only )?Scan/ { if (scan) print scan; scan = $0; next }
         /Index Cond/ { scan = ""; next }
         /->/ { if (scan) print scan; scan = "" }
         END { if (scan) print scan }'
}

count=0 broken=0
while read -r file; do
  role=$(role_of "$file")
  folder=$WORK/statements/$(tr / . <<<"$file")
  mkdir -p "$folder"
  split_statements "$file" "$folder"
  for statement in "$folder"/*.sql; do
    # What cannot be prepared by SQL: LISTEN, SET, advisory plumbing.
    grep -qiE '^[[:space:]]*(select|insert|update|delete|with|merge|copy)' "$statement" || continue
    count=$((count + 1))
    check_statement "$role" "$statement" ||
      { echo "$file: $(basename "$statement" .sql), as $role:"; cat "$WORK/plan"; broken=$((broken + 1)); }
    case $role in earshot_ingest | earshot_assignment) walks_of "$statement" >"$WORK/walks" ;; *) : >"$WORK/walks" ;; esac
    [ ! -s "$WORK/walks" ] || { echo "$file: $(basename "$statement" .sql) reads an index from end to end:"; cat "$WORK/walks"; broken=$((broken + 1)); }
  done
done < <(git ls-files -co --exclude-standard 'services/*.sql')
[ "$count" -gt 0 ] || fail "no statements found"
[ "$broken" = 0 ] || fail "$broken of $count statements"
say "$count statements fit the schema and their roles"
