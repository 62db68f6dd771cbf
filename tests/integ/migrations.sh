#!/usr/bin/env bash
# The schema on a fresh cluster, on a second database of the same cluster (the roles exist already),
# and applied again by several at once. Then months: partitions ahead, past ones on demand, the posts
# without a time, and rows that lie on a border.
. "$(dirname "$0")/../lib/pg.sh"
need_program earshotctl

pg_start
migrate() { "$EARSHOT_BIN/earshotctl" migrate >"$WORK/migrate.out" 2>&1 || { cat "$WORK/migrate.out" >&2; return 1; }; }
schema() { "$PG_BIN/pg_dump" -d "$1" --schema-only --no-comments | sed '/^SET\|^SELECT\|restrict/d'; }

say "applied once, and again, by four at once"
migrate || fail "the first migrate"
first=$(pg_query "SELECT string_agg(version || ' ' || encode(sha256, 'hex'), ',' ORDER BY version) FROM migration")
key=$(pg_query "SELECT encode(key, 'hex') FROM id_key")
[ "${#key}" = 64 ] || fail "no id key of 32 bytes"
before=$(schema "$EAR_PG")
pids=()
for i in 1 2 3 4; do "$EARSHOT_BIN/earshotctl" migrate >"$WORK/migrate.$i" 2>&1 & pids+=($!); done
for pid in "${pids[@]}"; do wait "$pid" || fail "a concurrent migrate: $(cat "$WORK"/migrate.[1-4])"; done
expect_eq "migrations" "$first" "$(pg_query "SELECT string_agg(version || ' ' || encode(sha256, 'hex'), ',' ORDER BY version) FROM migration")"
expect_eq "the key" "$key" "$(pg_query "SELECT encode(key, 'hex') FROM id_key")"
expect_eq "the schema" "$before" "$(schema "$EAR_PG")"

say "four at once on an empty database of a cluster that has the roles"
"$PG_BIN/createdb" -h "$PG_SOCKET" -p "$PG_PORT" -U owner second
second=${EAR_PG/dbname=earshot/dbname=second}
pids=()
for i in 1 2 3 4; do EAR_PG=$second "$EARSHOT_BIN/earshotctl" migrate >"$WORK/migrate.$i" 2>&1 & pids+=($!); done
for pid in "${pids[@]}"; do wait "$pid" || fail "a concurrent first migrate: $(cat "$WORK"/migrate.[1-4])"; done
expect_eq "migrations of the second" "$first" \
  "$("$PG_BIN/psql" -X -qAt "$second" -c "SELECT string_agg(version || ' ' || encode(sha256, 'hex'), ',' ORDER BY version) FROM earshot.migration")"

say "months"
post() { # POST_ID
  pg_query "INSERT INTO post (post_id, customer_id, platform, external_id, account_id, created_at, received_at, stored_at,
      self_ref, visibility, entry, own, automated, language_hint)
    VALUES ('$1', gen_random_uuid(), 'p', 'x', '', now(), now(), now(), gen_random_uuid(), 0, 1, false, false, '')
    RETURNING tableoid::regclass" 2>&1
}
id_at() { pg_query "SELECT id_floor('$1')"; }
lies_in() { expect_eq "partition of $1" "$2" "$(post "$1")"; }

pg_query "SELECT ensure_month('2024-02-10 12:00Z'), ensure_month('2024-03-31 23:59:59.999Z'), ensure_month('2024-03-01Z')" >/dev/null
lies_in "$(id_at '2024-03-01 00:00:00Z')" post_y2024m03
lies_in "$(id_at '2024-02-29 23:59:59.999Z' | sed 's/....$/ffff/')" post_y2024m02
lies_in "$(id_at '2024-03-31 23:59:59.999Z')" post_y2024m03
lies_in 00000000-0000-8000-8000-000000000001 post_timeless
lies_in 00000000-0000-8fff-bfff-ffffffffffff post_timeless
post "$(id_at '2024-04-01 00:00:00Z')" >"$WORK/april" || true
grep -q 'no partition' "$WORK/april" || fail "April 2024 should not exist yet"
expect_eq "three tables a month" 3 "$(pg_query "SELECT count(*) FROM pg_class WHERE relname LIKE '%\\_y2024m03'")"

pids=()
for i in 1 2 3 4 5 6; do pg_query "SELECT ensure_month('2019-07-15Z')" >"$WORK/month.$i" 2>&1 & pids+=($!); done
for pid in "${pids[@]}"; do wait "$pid" || fail "two made the same month: $(cat "$WORK"/month.*)"; done
lies_in "$(id_at '2019-07-01Z')" post_y2019m07
for bad in '1999-12-31 23:59Z' '2999-01-01Z'; do
  pg_query "SELECT ensure_month('$bad')" >"$WORK/bad" 2>&1 && fail "made a month for $bad"
  grep -q 'no partition for' "$WORK/bad" || fail "unclear: $(cat "$WORK/bad")"
done
# A service that lives in another time zone means the same month.
expect_eq "time zones" 1 "$("$PG_BIN/psql" -X -qAt "$EAR_PG options='-c search_path=earshot -c timezone=Asia/Tokyo'" \
  -c "SELECT ensure_month('2021-12-31 23:30Z')" -c "SELECT count(*) FROM pg_class WHERE relname = 'post_y2021m12'" | tail -1)"

say "a month that is detached and kept under its name is no month"
# The table of that name that is attached now.
month_of() { # TABLE
  pg_query "SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = '$1'::regclass
    AND inhrelid::regclass::text ~ '^$1_y2024m03(_[0-9]+)?\$'"
}
for kept in '' _2; do
  pg_query "ALTER TABLE post DETACH PARTITION post_y2024m03$kept; SELECT ensure_month('2024-03-15Z')" >/dev/null
  expect_eq "what was not detached stays" triage_y2024m03 "$(month_of triage)"
done
lies_in "$(id_at '2024-03-15 00:00:00Z')" post_y2024m03_3
pg_query "SELECT ensure_month('2024-03-15Z')" >/dev/null
expect_eq "made once" post_y2024m03_3 "$(month_of post)"
pg_query "ALTER TABLE triage DETACH PARTITION triage_y2024m03; SELECT ensure_month('2024-03-15Z')" >/dev/null
expect_eq "posts are there, verdicts are not" triage_y2024m03_2 "$(month_of triage)"
expect_eq "rows of the one that is kept" 2 "$(pg_query 'SELECT count(*) FROM post_y2024m03')"
pg_query 'DROP TABLE post_y2024m03, post_y2024m03_2, triage_y2024m03'
lies_in "$(id_at '2024-03-15 00:00:00Z')" post_y2024m03_3

# What comes back stands behind what waits now and before what comes later, each time.
for n in $(seq 20); do
  letter=$(printf '0198dddd-0000-7000-8000-%012d' "$n")
  pg_query "INSERT INTO dead_letter (dead_letter_id, post_id, customer_id, lane, stage, reason, tries)
      VALUES ('$letter', gen_random_uuid(), gen_random_uuid(), 0, 'classify', 'test', 3)"
  expect_eq "retried" t "$(pg_query "SELECT dead_letter_retry('$letter', 'test')")"
  expect_eq "retried twice" f "$(pg_query "SELECT dead_letter_retry('$letter', 'test')")"
done
expect_eq "ids in the order of time" 20 "$(pg_query "SELECT count(*) FROM intake
  WHERE intake_id BETWEEN id_floor(now() - interval '1 hour') AND id_floor(now() + interval '1 second')
    AND substr(intake_id::text, 15, 1) = '7' AND substr(intake_id::text, 20, 1) IN ('8', '9', 'a', 'b')")"
