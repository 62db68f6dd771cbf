#!/usr/bin/env bash
# common/pg/embed_sql.awk: named statements become a table; what is ambiguous is refused.
. "$(dirname "$0")/../lib/common.sh"

embed() { printf '%s\n' "$1" >"$WORK/in.sql"; awk -v stem=store -f "$EARSHOT_SOURCE/common/pg/embed_sql.awk" "$WORK/in.sql" 2>"$WORK/why"; }
refused() { # WHY INPUT
  ! embed "$2" >"$WORK/out" || fail "accepted: $2"
  grep -q "$1" "$WORK/why" || fail "expected '$1', got: $(cat "$WORK/why")"
}

embed "-- about the file

-- name: first_one
-- a comment of its own
SELECT \"a\\b\" -- behind
  FROM t;
-- name: second
SELECT 2" >"$WORK/out"
grep -q 'STORE_FIRST_ONE,' "$WORK/out" || fail "no enum"
grep -q 'STORE_SQL_COUNT' "$WORK/out" || fail "no count"
grep -qF '"SELECT \"a\\b\" -- behind\n"' "$WORK/out" || fail "quotes: $(cat "$WORK/out")"
grep -q 'a comment of its own\|FROM t;' "$WORK/out" && fail "comment or semicolon kept"
cat >"$WORK/use.c" <<'C'
#include "store_sql.h"
int main(void) { return STORE_SQL_COUNT == 2 ? 0 : 1; }
C
cp "$WORK/out" "$WORK/store_sql.h"
${CC:-cc} -std=c17 -D_GNU_SOURCE -Wall -Wextra -Werror -I"$EARSHOT_SOURCE/common" -I"$WORK" -o "$WORK/use" "$WORK/use.c"
"$WORK/use" || fail "the table does not have two statements"

refused 'second statement in block' $'-- name: a\nSELECT 1;\nSELECT 2;'
refused 'second statement named' $'-- name: a\nSELECT 1\n-- name: a\nSELECT 2'
refused 'is empty' $'-- name: a\n-- name: b\nSELECT 1'
refused 'is empty' $'-- name: a'
refused 'SQL before' 'SELECT 1'
refused 'not a statement name' $'-- name: Bad-Name\nSELECT 1'
refused 'no statement' '-- nothing here'
