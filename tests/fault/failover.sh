#!/usr/bin/env bash
# The primary of PostgreSQL dies in the middle of a feed and of answers, and its synchronous standby is
# promoted. The services have both in their connection string, the standby first: they leave it alone
# while it is read-only, follow once it is promoted, and are never restarted. What was acknowledged is
# there; while the standby is away nothing is acknowledged. --full: then the old one is made a standby anew and the new one dies, and once more.
. "$(dirname "$0")/../lib/feed.sh"

declare -A data=() port=() pid=()

# The functions of pg.sh speak of one cluster: a or b from now on.
turn_to() { # CLUSTER
  PG_DATA=${data[$1]} PG_PORT=${port[$1]} PG_PID=${pid[$1]:-} PG_LOG=$WORK/pg/log.$1
}

# For the tests and earshotctl.
use_both() {
  EAR_PG="host=$PG_SOCKET,$PG_SOCKET port=${port[a]},${port[b]} user=owner dbname=earshot target_session_attrs=read-write"
}

pg_conninfo() { # ROLE, for the services: what is the standby at first comes first
  printf 'host=127.0.0.1,localhost port=%s,%s user=%s dbname=earshot target_session_attrs=read-write' \
    "${port[b]}" "${port[a]}" "$1"
}

is_synchronous() {
  [ "$(pg_query 'SELECT sync_state FROM pg_stat_replication' 2>/dev/null)" = sync ]
}

# A copy that every commit waits for; its own copy of the settings has nobody to wait for.
add_standby() { # PRIMARY STANDBY
  local source="host=$PG_SOCKET port=${port[$1]} user=owner"
  rm -rf "${data[$2]}"
  pg_as "$PG_BIN/pg_basebackup" -D "${data[$2]}" -R -X stream -c fast --no-sync -d "$source" \
    >"$WORK/basebackup" 2>&1 || { cat "$WORK/basebackup" >&2; fail "no copy of the primary"; }
  turn_to "$2"
  touch "$PG_LOG"
  chmod 666 "$PG_LOG"
  pg_launch
  pid[$2]=$PG_PID
  pg_query "ALTER SYSTEM SET synchronous_standby_names = '*'" >/dev/null
  pg_query 'SELECT pg_reload_conf()' >/dev/null
  must_settle "the standby is synchronous" 30 is_synchronous
}

fail_over() { # PRIMARY STANDBY
  turn_to "$1"
  pg_stop immediate
  unset "pid[$1]"
  sleep 2 # somebody, or a tool, has to notice and to decide
  turn_to "$2"
  "$PG_BIN/psql" -X -qAt "host=$PG_SOCKET port=${port[$2]} user=owner dbname=earshot" \
    -c "SELECT pg_promote()" >/dev/null || fail "not promoted"
}

has_posts() { [ "$(pg_query 'SELECT count(*) FROM post' 2>/dev/null || echo 0)" -ge "$1" ]; }

round() { # RUN PRIMARY STANDBY
  local player answering before=$FEED_POSTS began
  feed_make "$1" 400
  feed_play "$1" &
  player=$!
  feed_answer 4 &
  answering=$!
  must_settle "the feed has begun" 60 has_posts $((before + 80))
  say "$2 dies, $3 is promoted"
  began=$SECONDS
  fail_over "$2" "$3"
  ! feed_all_heard || fail "the feed was over before the primary died"
  must_settle "the services follow" 60 has_posts $((before + 200))
  say "they work on ${3}, $((SECONDS - began)) s after $2 died"
  wait "$answering" || fail "not answered"
  FEED_REPLIES=$((FEED_REPLIES + 4))
  wait "$player" || fail "the feed could not be played"
  feed_check
  for item in "${!stack_pid[@]}"; do
    kill -0 "${stack_pid[$item]}" 2>/dev/null || fail "$item did not survive"
  done
}

posts() { pg_query 'SELECT count(*) FROM post'; }

# Who waits for a standby that is away keeps nothing and says nothing; with it all goes on.
without_standby() { # PRIMARY STANDBY SECONDS
  local player before=$FEED_POSTS seen
  say "the standby is away for $3 s: nothing is acknowledged"
  feed_make away 400
  feed_play away &
  player=$!
  must_settle "the feed has begun" 60 has_posts $((before + 80))
  turn_to "$2"
  pg_stop immediate
  sleep 1 # what had its word already
  seen=$(posts)
  sleep "$3"
  expect_eq "posts stored meanwhile" "$seen" "$(posts)"
  turn_to "$2"
  pg_launch
  pid[$2]=$PG_PID
  wait "$player" || fail "the feed could not be played"
  feed_check
}

pg_start
data=([a]=$WORK/pg/data [b]=$WORK/pg/data.b)
free_port
port=([a]=$PG_PORT [b]=$PORT)
pid[a]=$PG_PID
at_exit 'for name in "${!pid[@]}"; do turn_to "$name"; pg_stop immediate; done'
use_both
add_standby a b
feed_stack ingest=1 classifier=1 assignment=2 responder=1
say "a standby that is read-only is in nobody's use"
expect_eq "connections of services to it" 0 "$("$PG_BIN/psql" -X -qAt "host=$PG_SOCKET port=${port[b]} user=owner dbname=earshot" \
  -c "SELECT count(*) FROM pg_stat_activity WHERE usename LIKE 'earshot_%'")"
away_s=4
[ -z "${EARSHOT_FULL:-}" ] || away_s=45 # longer than the services wait for an answer
without_standby a b "$away_s"
round first a b
if [ -n "${EARSHOT_FULL:-}" ]; then
  add_standby b a
  round back b a
  add_standby a b
  round again a b
fi
stack_stop
stack_logs_clean
