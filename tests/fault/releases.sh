#!/usr/bin/env bash
# An older release and this one side by side, on one database: the older one runs, the schema is migrated
# under it in the middle of a feed, then replicas of both are mixed, those who ask first and those who
# answer first, back and forth, with answers and closed cases, until all are of this one. The customers
# are the same throughout, so that a case has lines that either release wrote, and clocks that one has
# started run out under the other. Every invariant holds after each stage.
#
# The older release is what stood before migration EARSHOT_OLD_BEFORE came (0012), built from the
# history; EARSHOT_OLD names a folder with its programs instead. By tests/run --full only: it is a build.
. "$(dirname "$0")/../lib/feed.sh"
[ -n "${EARSHOT_FULL:-}${EARSHOT_OLD:-}" ] || skip "builds an older release: by tests/run --full only"

posts=1200 answers=12
FEED_RATE=3000
before=${EARSHOT_OLD_BEFORE:-0012}
this=$EARSHOT_BIN

build_old() { # sets EARSHOT_OLD
  local commit tree=$EARSHOT_BUILD/old-$before
  need_command git cmake ninja
  commit=$(git -C "$EARSHOT_SOURCE" log --diff-filter=A --format=%H -- "deploy/db/migrations/${before}_*.sql" 2>/dev/null | tail -n 1)
  [ -n "$commit" ] && git -C "$EARSHOT_SOURCE" cat-file -e "$commit^" 2>/dev/null ||
    skip "no history here to build an older release from, and EARSHOT_OLD names none"
  say "building what stood before $(git -C "$EARSHOT_SOURCE" log -1 --format='%h %s' "$commit")"
  mkdir -p "$tree/source"
  git -C "$EARSHOT_SOURCE" archive "$commit^" | tar -x -C "$tree/source"
  { cmake -S "$tree/source" -B "$tree" -G Ninja -DEARSHOT_TESTS=OFF && ninja -C "$tree"; } >"$WORK/build" 2>&1 ||
    { tail -n 40 "$WORK/build" >&2; fail "the older release cannot be built"; }
  EARSHOT_OLD=$tree/bin
}
[ -n "${EARSHOT_OLD:-}" ] || build_old

under_way() { [ "$(pg_query 'SELECT count(*) FROM post')" -ge "$1" ]; }

schema() { pg_query 'SELECT max(version) FROM migration'; }

# The same people as in every other run.
make_feed() { # RUN
  feed_make "$1" "$posts"
  sed -i "s/\"id\":\"$1-c/\"id\":\"all-c/" "$WORK/feed.$1.jsonl"
}

# Half of what was answered is closed; its customers write again in the next run.
answer_and_close() {
  local case n=0
  feed_answer "$answers"
  for case in $(pg_query "SELECT case_id FROM reply ORDER BY reply_id DESC LIMIT $answers"); do
    [ $(((n += 1) % 2)) = 0 ] || feed_command case resolve "$case" --code answered
  done
}

become() { # PROGRAMS HOW NAME N: HOW is stop or kill
  "service_$2" "$3" "$4"
  EARSHOT_BIN=$1 service_start "$3" "$4"
  service_wait_ready "$3" "$4"
}

expect_release() { # PROGRAMS NAME N
  expect_eq "program of $2.$3" "$(realpath "$1/earshot-$2")" "$(readlink "/proc/${stack_pid[$2.$3]}/exe")"
}

stage() { # RUN COMMAND…: a feed and answers, with COMMAND in the midst of both
  local run=$1 player answering stored=$FEED_POSTS
  shift
  say "$run"
  make_feed "$run"
  feed_play "$run" &
  player=$!
  answer_and_close &
  answering=$!
  must_settle "the feed has begun" 60 under_way $((stored + 60))
  "$@"
  wait "$answering" || fail "not answered"
  FEED_REPLIES=$((FEED_REPLIES + answers))
  wait "$player" || fail "the feed could not be played"
  feed_check
}

swap() { # PROGRAMS HOW N SERVICE…
  local programs=$1 how=$2 n=$3 service
  shift 3
  for service; do become "$programs" "$how" "$service" "$n"; done
}

migrate() {
  local was
  was=$(schema)
  quietly "$this/earshotctl" migrate --role-secrets "$WORK/roles"
  say "migration $was to $(schema)"
  [ "$was" -lt "$(schema)" ] || fail "the older release has the same schema: this would show nothing"
}

clocks_are_over() { [ "$(pg_query 'SELECT count(*) FROM "case" WHERE respond_by IS NOT NULL AND NOT breached')" = 0 ]; }

exchange() { # the first replicas go back while the second ones come
  local service
  for service in "${STACK_SERVICES[@]}"; do
    become "$EARSHOT_OLD" stop "$service" 1
    become "$this" stop "$service" 2
  done
}

pg_start
EARSHOT_BIN=$EARSHOT_OLD feed_stack ingest=2 classifier=2 assignment=2 responder=2
printf 'policies:\n  - { id: soon, first_response: 12s, warn_before: 6s }\n' >>"$WORK/care.yaml"
EARSHOT_BIN=$EARSHOT_OLD quietly ctl apply "$WORK/care.yaml"
for service in "${STACK_SERVICES[@]}"; do expect_release "$EARSHOT_OLD" "$service" 1; done

stage old migrate
stage asking-first swap "$this" stop 1 responder assignment classifier ingest
stage mixed true
for service in "${STACK_SERVICES[@]}"; do
  expect_release "$this" "$service" 1
  expect_release "$EARSHOT_OLD" "$service" 2
done
stage exchanged exchange
stage answering-first swap "$this" stop 1 ingest classifier assignment responder
stage killed-old swap "$EARSHOT_OLD" kill 2 assignment ingest responder classifier
stage killed-new swap "$this" kill 2 classifier responder ingest assignment
stage new true

say "$(pg_query "SELECT count(*) || ' verdicts, ' || count(model) || ' with a model by name, ' || count(model_no) || ' by number; '
  || (SELECT count(*) FROM (SELECT FROM triage WHERE case_id IS NOT NULL GROUP BY case_id HAVING count(model) > 0 AND count(model_no) > 0) c)
  || ' cases with both' FROM triage")"
say "$(pg_query "SELECT count(*) FILTER (WHERE kinds & (1 << 16) <> 0) || ' warnings, ' || count(*) FILTER (WHERE kinds & (1 << 17) <> 0) || ' breaches' FROM history")"
must_settle "every clock is answered or has run out" 60 clocks_are_over
invariant_cases
expect_none "verdicts without a model" "SELECT post_id FROM verdict WHERE model IS NULL OR received_at IS NULL"
stack_stop
stack_logs_clean
