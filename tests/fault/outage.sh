#!/usr/bin/env bash
# Webhooks keep coming while PostgreSQL is away, and while every commit takes 200 ms: who cannot be
# stored for gets 503 with Retry-After, at once; what was accepted is there; memory stays flat, all
# settles afterwards, and each log says in one line what is wrong.
. "$(dirname "$0")/../lib/sender.sh"

away_s=6 slow_s=6
[ -z "${EARSHOT_FULL:-}" ] || away_s=30 slow_s=60
# What is freed counts as used a while under the sanitizer.
export ASAN_OPTIONS=$ASAN_OPTIONS:quarantine_size_mb=4

log_lines() { wc -l <"$WORK/log/$1.1.log"; }
# What the log of a service had to say since a line of it.
said_since() { # NAME LINE
  tail -n "+$(($2 + 1))" "$WORK/log/$1.1.log" | grep -E 'level=(warn|error)' || true
}

pg_start
feed_stack ingest=1 classifier=1 assignment=1 responder=1
memory_watch
sender_start shop 6
must_settle "posts are accepted" 30 more_answers 60

say "PostgreSQL is away for $away_s s"
declare -A line=()
for service in ingest assignment responder; do line[$service]=$(log_lines "$service"); done
from=$(answers)
pg_stop immediate
sleep "$away_s"
for service in ingest assignment responder; do
  why=$(curl -s --max-time 2 "$(stack_url "$service" 1)/readyz" | jq -r .why)
  [[ $why == *PostgreSQL* ]] || fail "/readyz of $service says: $why"
done
pg_launch
for service in ingest assignment responder; do
  service_wait_ready "$service" 1
  said_since "$service" "${line[$service]}" >"$WORK/said"
  expect_eq "lines of $service that PostgreSQL is down, and why" 1 "$(grep -c 'event=pg.down .*why="[^"]' "$WORK/said")"
  [ "$(wc -l <"$WORK/said")" -le 6 ] || { cat "$WORK/said" >&2; fail "$service says more than a few lines"; }
done
answered_with 503 10 "$from" || fail "hardly anybody was told to come back"
sender_check_answers "$from" 3
from=$(answers)
must_settle "posts are accepted again" 30 answered_with 200 60 "$from"

say "every commit takes 200 ms, for $slow_s s"
pg_query "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN
    IF coalesce(current_setting('slow.done', true), '') <> 'yes' THEN
      PERFORM set_config('slow.done', 'yes', true), pg_sleep(0.2);
    END IF;
    RETURN NULL;
  END \$\$;
  SELECT format('CREATE CONSTRAINT TRIGGER slow AFTER INSERT OR UPDATE OR DELETE ON %I '
      'DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()', relname)
    FROM pg_class WHERE relnamespace = 'earshot'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition" |
  grep '^CREATE' >"$WORK/slow.sql"
pg_query "$(paste -sd';' "$WORK/slow.sql")" >/dev/null
from=$(answers)
answering=
feed_answer 3 &
answering=$!
sleep "$slow_s"
says() { grep -q "event=$2 " "$WORK/log/$1.1.log"; } # SERVICE EVENT
for service in ingest assignment; do
  must_settle "$service says that PostgreSQL is slow" 20 says "$service" pg.slow
done
sender_check_answers "$from" 5
answered_with 200 20 "$from" || fail "hardly a post is accepted"
wait "$answering" || fail "not answered"
FEED_REPLIES=$((FEED_REPLIES + 3))
pg_query "CREATE OR REPLACE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
for service in ingest assignment; do
  must_settle "$service says that it is over" 20 says "$service" pg.prompt
  expect_eq "lines of $service about it" 2 "$(grep -cE 'event=pg\.(slow|prompt) ' "$WORK/log/$service.1.log")"
done
sender_stop
say "$(sender_answers "$from" | grep -c '^200') posts accepted meanwhile, $SENDER_COUNTED in all"
feed_check
memory_check 24
stack_stop
stack_logs_clean
