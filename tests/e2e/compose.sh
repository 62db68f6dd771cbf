#!/usr/bin/env bash
# docker-compose.yml on a real engine, every service twice: images build, everything becomes healthy,
# a feed played by `replay` in a container is decided once, an answer leaves signed, and replicas
# that are killed or added change nothing.
. "$(dirname "$0")/../lib/common.sh"
need_command jq
[ -x "$EARSHOT_SHARED/docker/up" ] || skip "no Docker Engine to test with: $EARSHOT_SHARED/docker is not there"
[ "$(id -u)" = 0 ] || skip "the Docker Engine is started by root only"
was_up=''
! docker version >/dev/null 2>&1 || was_up=1
"$EARSHOT_SHARED/docker/up" >"$WORK/docker-up.log" 2>&1 || { tail -n 5 "$WORK/docker-up.log"; skip "no Docker Engine runs here"; }
[ -n "$was_up" ] || at_exit '"$EARSHOT_SHARED/docker/down"'

project=earshot-test-$$
compose() { docker-compose -p "$project" --project-directory "$EARSHOT_SOURCE" -f "$EARSHOT_SOURCE/docker-compose.yml" "$@"; }
ctl() { compose run --rm -T ctl "$@" </dev/null; }
query() { # SQL, as the owner, inside the container
  compose exec -T postgres psql -X -qAt -U owner -d earshot -c "SET search_path = earshot" -c "$1" </dev/null | tail -n 1
}
diagnose() {
  compose ps
  compose logs --no-color --tail 15
}
at_exit 'compose down -v -t 5 >/dev/null 2>&1'
on_failure diagnose
# Docker takes the first of the range that no container has: all of them must be free.
free_port
export EARSHOT_PORTS=127.0.0.1:$PORT-$((PORT + 9)) COMPOSE_HTTP_TIMEOUT=300

say "building and starting, two of each"
# One image serves all.
compose build setup >"$WORK/build.log" 2>&1 || { tail -n 40 "$WORK/build.log"; fail "the image does not build"; }
compose up -d --scale ingest=2 --scale classifier=2 --scale assignment=2 --scale responder=2 \
  >"$WORK/up.log" 2>&1 || { tail -n 20 "$WORK/up.log"; fail "up"; }

healthy() { # SERVICE COUNT
  [ "$(compose ps -q "$1" | xargs -r docker inspect -f '{{.State.Health.Status}}' | grep -c '^healthy$')" = "$2" ]
}
for service in ingest classifier assignment responder; do
  wait_until 180 healthy "$service" 2 || fail "$service: $(compose ps "$service")"
done

say "as a plain user, with nothing to write to"
for service in ingest classifier assignment responder; do
  id=$(compose ps -q "$service" | sed -n 1p)
  expect_eq "user of $service" 10001 "$(docker exec "$id" id -u)"
  ! docker exec "$id" touch /var/lib/earshot/x 2>/dev/null || fail "the root of $service can be written"
  expect_eq "secrets of others in $service" '' "$(docker exec "$id" sh -c 'ls -d /secrets/roles /secrets/keys /secrets/owner 2>/dev/null' || true)"
done

! compose run --rm -T setup earshot-setup put receiver_secret </dev/null >"$WORK/put" 2>&1 || fail "an empty secret is taken"
grep -q 'nothing came on standard input' "$WORK/put" || { cat "$WORK/put"; fail "why an empty secret is refused"; }

say "a feed, played in a container"
ctl agent list --json >"$WORK/agents"
for agent in $(jq -r '.[].agent_id // .[].agent // .[].id' "$WORK/agents"); do ctl agent present "$agent" --as "$agent" >/dev/null; done
compose run --rm -T ctl replay --json - <"$EARSHOT_SOURCE/deploy/sample/feed.jsonl" >"$WORK/replay" 2>"$WORK/replay.err" ||
  { cat "$WORK/replay.err"; fail "replay"; }
lines=$(wc -l <"$EARSHOT_SOURCE/deploy/sample/feed.jsonl")
expect_eq "lines" "$lines" "$(tail -n 1 "$WORK/replay" | jq .lines)"

settled() {
  [ "$(query 'SELECT (SELECT count(*) FROM intake) + (SELECT count(*) FROM reply_due) + (SELECT count(*) FROM sending) + (SELECT count(*) FROM outcome_due)')" = 0 ]
}
wait_until 180 settled || fail "posts are still on their way"
posts=$(query 'SELECT count(*) FROM post')
expect_eq "every post decided once" "$posts" "$(query 'SELECT count(*) FROM triage')"
cases=$(query 'SELECT count(*) FROM "case"')
[ "$cases" -gt 0 ] || fail "no case"

say "both classifiers and both assignments had work"
for service in classifier assignment; do
  for id in $(compose ps -q "$service"); do
    docker logs "$id" 2>&1 | grep 'event=bus.link_up' >/dev/null || fail "one of $service is linked to nobody"
  done
done

say "an answer leaves and its outcome is known"
case_id=$(query "SELECT case_id FROM \"case\" c JOIN account a USING (account_id) WHERE agent_id IS NOT NULL AND state = 1
  AND a.settings->>'connector' = 'webhook' LIMIT 1")
[ -n "$case_id" ] || fail "no case to answer"
ctl case reply "$case_id" 'Thank you, I am looking into it.' --as "$(query "SELECT agent_id FROM \"case\" WHERE case_id = '$case_id'")" >/dev/null
wait_until 120 settled || fail "the reply is still on its way"
expect_eq "replies that are visible" 1 "$(query 'SELECT count(*) FROM reply WHERE visible_at IS NOT NULL')"
expect_eq "at the receiver" 1 "$(compose exec -T receiver cat /data/replies.jsonl </dev/null | wc -l)"

say "one of each killed, then the same feed again: nothing lost, nothing doubled"
for service in ingest classifier assignment responder; do
  compose ps -q "$service" | sed -n 1p | xargs docker kill >/dev/null
done
compose run --rm -T ctl replay --json - <"$EARSHOT_SOURCE/deploy/sample/feed.jsonl" >"$WORK/replay" 2>"$WORK/replay.err" ||
  { cat "$WORK/replay.err"; fail "replay"; }
wait_until 120 settled || fail "posts are still on their way"
expect_eq "posts" "$posts" "$(query 'SELECT count(*) FROM post')"
expect_eq "cases" "$cases" "$(query 'SELECT count(*) FROM "case"')"
