#!/usr/bin/env bash
# A listener of ingest over real leases, cursors and commits.
. "$(dirname "$0")/../lib/pg.sh"
program=$(find "$EARSHOT_BUILD" -name unit.services.ingest.hear.test_listener_live -type f -perm -u+x | head -1)
[ -n "$program" ] || fail "unit.services.ingest.hear.test_listener_live has not been built"
pg_start
for file in "$EARSHOT_SOURCE"/deploy/db/migrations/*.sql; do
  "$PG_BIN/psql" -X -q -1 -v ON_ERROR_STOP=1 "$EAR_PG" -f "$file" >"$WORK/psql" 2>&1 ||
    { cat "$WORK/psql"; fail "$file"; }
done
# As the owner, since the test looks at everything.
EAR_TEST_PG="$EAR_PG options='-c search_path=earshot'" "$program" || fail "listener"
