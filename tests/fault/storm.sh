#!/usr/bin/env bash
# A storm: a shuffled feed with a tenth of it repeated, while a random service is killed with -9 every
# second, PostgreSQL is restarted twice (the second time it crashes) and an agent answers and closes
# cases. Afterwards every invariant holds, with no patience for a single post, case or reply.
#
# 2,000 posts, or 20,000 with EARSHOT_FULL. Feed and victims follow from a seed, which is printed;
# EARSHOT_SEED=N replays it.
. "$(dirname "$0")/../lib/feed.sh"

seed=${EARSHOT_SEED:-$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')}
posts=2000 answers=40 patience=240
[ -z "${EARSHOT_FULL:-}" ] || posts=20000 answers=300 patience=900
FEED_PATIENCE=300
say "seed $seed (EARSHOT_SEED=$seed replays it), $posts posts"

replicas=(ingest.1 classifier.1 classifier.2 assignment.1 assignment.2 responder.1)
mapfile -t victims < <(awk -v seed="$seed" -v n="${#replicas[@]}" \
  'BEGIN { srand(seed); for (i = 0; i < 4096; i++) print int(rand() * n) }')

stored() { pg_query 'SELECT count(*) FROM post' 2>/dev/null || echo 0; }

answered() { pg_query 'SELECT case_id FROM reply ORDER BY reply_id' >"$WORK/answered" 2>/dev/null; }

# Half of the answered cases are closed; whoever writes again reopens theirs.
answer_and_close() {
  local case n=0
  feed_answer "$answers"
  must_settle "the answered cases are read" 60 answered
  for case in $(<"$WORK/answered"); do
    [ $(((n += 1) % 2)) = 0 ] || feed_command case resolve "$case" --code answered
  done
}

strike() { # N: the Nth victim dies and is started again
  local item=${replicas[${victims[$1]}]}
  service_kill "${item%.*}" "${item#*.}"
  service_start "${item%.*}" "${item#*.}"
}

pg_start
# What a dead process held is taken over within the time of the test.
ENV_ingest=(EAR_INGEST_LEASE=5s)
ENV_responder=(EAR_RESPONDER_LEASE=5s)
feed_stack ingest=1 classifier=2 assignment=2 responder=1
feed_make storm "$posts"
feed_shuffle storm "$seed"
began=$SECONDS
feed_play storm &
player=$!
answer_and_close &
answering=$!

strikes=0 restarts=0
while kill -0 "$player" 2>/dev/null || kill -0 "$answering" 2>/dev/null; do
  [ $((SECONDS - began)) -lt "$patience" ] || fail "the feed or the answers stand still"
  strike $((strikes++ % 4096))
  sleep 1
  if [ "$restarts" -lt 2 ] && [ "$(stored)" -ge $(((restarts + 1) * posts / 3)) ]; then
    say "PostgreSQL, restart $((restarts += 1)) after $strikes kills"
    if [ "$restarts" = 1 ]; then pg_restart; else pg_restart immediate; fi
  fi
done
wait "$player" || fail "the feed could not be played"
wait "$answering" || fail "not answered"
FEED_REPLIES=$answers
expect_eq "restarts of PostgreSQL" 2 "$restarts"
say "$strikes kills in $((SECONDS - began)) s; now it must settle"
feed_check
say "settled $((SECONDS - began)) s after the first post"

for item in "${replicas[@]}"; do service_wait_ready "${item%.*}" "${item#*.}"; done
stack_stop
stack_logs_clean
