#!/usr/bin/env bash
# A listener of ingest over real leases, cursors and commits.
. "$(dirname "$0")/../lib/pg.sh"
program=$(find "$EARSHOT_BUILD" -name unit.services.ingest.hear.test_listener_live -type f -perm -u+x | head -1)
[ -n "$program" ] || fail "unit.services.ingest.hear.test_listener_live has not been built"
pg_start
pg_schema
# As the owner, since the test looks at everything.
EAR_TEST_PG="$EAR_PG options='-c search_path=earshot'" "$program" || fail "listener"
