#!/usr/bin/env bash
# PostgreSQL comes back as an older copy of itself, from a backup, while everything runs: what was stored
# since is gone, and the services still have it in memory and in mind (authors that are known, models by
# number, rows on their way). Nothing is restarted; what was said since is heard again from the platform,
# here by a second replay, and then every invariant holds, as if nothing had been.
. "$(dirname "$0")/../lib/feed.sh"
posts=300
[ -z "${EARSHOT_FULL:-}" ] || posts=20000
FEED_RATE=2000

pg_start
ENV_ingest=(EAR_INGEST_LEASE=5s)
feed_stack ingest=1 classifier=1 assignment=2 responder=1
feed_make before "$posts"
feed_play before
feed_answer 3
feed_check

say "a copy of the database is put aside"
pg_stop fast
cp -a "$PG_DATA" "$WORK/pg/copy"
pg_launch

feed_make since "$posts"
feed_play since
must_settle "what was said since is decided" 60 feed_all_heard
feed_make flying "$posts"
feed_play flying &
player=$!
under_way() { [ "$(pg_query 'SELECT count(*) FROM post')" -gt $((2 * posts + 20)) ]; }
must_settle "a feed is under way" 30 under_way

say "the copy takes its place"
pg_stop immediate
rm -rf "$PG_DATA"
mv "$WORK/pg/copy" "$PG_DATA"
pg_launch
wait "$player" || fail "the feed could not be played"
for name in "${STACK_SERVICES[@]}"; do service_wait_ready "$name" 1; done
expect_eq "posts said since that the copy has" 0 "$(pg_query "SELECT count(*) FROM post WHERE external_id LIKE 'since-%'")"
feed_play since
feed_play flying
feed_answer 3
feed_check
stack_stop
stack_logs_clean
