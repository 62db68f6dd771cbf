#!/usr/bin/env bash
# Two replicas at once on real PostgreSQL: the same and different posts of the same customers come
# to both at the same time, replicas are killed with -9 in the middle, PostgreSQL is restarted. No
# customer ever has two cases for one burst, nothing is lost, nothing is counted twice.
. "$(dirname "$0")/../lib/assignment.sh"
pg_start
assignment_prepare 2 2
assignment_start 1
assignment_start 2
pg_query "INSERT INTO agent_presence SELECT agent_id, true, now(), 'test' FROM agent"

CUSTOMERS=60 BURST=12

# Bursts of all customers mixed, in batches of changing size; two classifiers offer all of it, so
# every post comes twice and to both replicas. A fifth of the posts talk in another's conversation.
burst() { # FIRST
  awk -v first="$1" -v customers="$CUSTOMERS" -v burst="$BURST" 'BEGIN {
    srand(first)
    for (b = 0; b < burst; b++)
      for (c = 1; c <= customers; c++) {
        n = first + b * customers + c
        talk = c
        if (rand() < 0.2) talk = 1 + int(rand() * customers)
        printf "%d %d %d %d 1 1 en %s 0 %d 0\n", n, c, b, talk == c ? 1 : 0, "@firm", talk
        if (rand() < 0.2) print "cut"
      }
  }'
}

expect_once() { # POSTS
  expect_eq "distinct posts" "$1" "$(pg_query 'SELECT count(*) FROM triage')"
  expect_eq "a case a customer" "$CUSTOMERS|$CUSTOMERS" \
    "$(pg_query 'SELECT count(*), count(DISTINCT customer_id) FROM "case"')"
  expect_eq "opened once each" "$CUSTOMERS" "$(pg_query 'SELECT count(*) FROM triage WHERE decision = 1')"
  expect_eq "every event of a post is one post's" 0 \
    "$(pg_query 'SELECT count(*) FROM triage t WHERE case_id IS NOT NULL AND NOT EXISTS
      (SELECT FROM history e WHERE e.case_id = t.case_id AND e.post_id = t.post_id)')"
  expect_eq "nobody has more than fits" 0 \
    "$(pg_query 'SELECT count(*) FROM agent_load JOIN agent USING (agent_id) WHERE open_cases > capacity')"
  expect_invariants
}

say "the same bursts through both"
burst 0 >"$WORK/feed"
posts=$(grep -vc cut "$WORK/feed")
result=$(feed "$WORK/feed" "$CLASSIFIER_PORTS" 2)
expect_eq "both feeds" "done=$((2 * posts)) returned=0 failed=0 lost=0" "$result"
expect_once "$posts"
for n in 1 2; do
  grep -q 'event=post.decided' "$WORK/log/assignment.$n.log" || fail "replica $n did nothing: the test proves nothing"
done
grep -q 'decision=opened' "$WORK/log/assignment.1.log" && grep -q 'decision=opened' "$WORK/log/assignment.2.log" ||
  fail "only one replica opened cases: the test proves nothing"

say "killed with -9 in the middle, again and again"
total=$posts
for round in 1 2 3; do
  burst $((round * 10000)) >"$WORK/feed"
  feed "$WORK/feed" >"$WORK/result" &
  feeder=$!
  at_exit "kill $feeder 2>/dev/null"
  half=$((total + posts / 4))
  wait_until 30 eval '[ "$(pg_query "SELECT count(*) FROM triage")" -gt "$half" ]' || fail "the feed stands still"
  assignment_kill $((1 + round % 2))
  assignment_start $((1 + round % 2))
  wait "$feeder" || fail "the feed did not end"
  total=$((total + posts))
  expect_once "$total"
done
grep -q 'lost=[1-9]' "$WORK/result" || say "note: nothing was in flight when the last one was killed"

say "killed between commit and settle"
assignment_stop 1
assignment_kill 2
assignment_start 1 EAR_FAULT=assignment.committed:2=kill # batches that wait share a transaction
printf '%s\n' '90001 1 30 1 1 1 en @firm 0 1 0' cut '90002 1 31 1 1 1 en @firm 0 1 0' cut \
  '90003 2 32 1 1 1 en @firm 0 2 0' >"$WORK/feed"
feed "$WORK/feed" "${CLASSIFIER_PORTS%%,*}" >"$WORK/result" &
feeder=$!
wait_until 20 eval '! kill -0 "${assignment_pid[1]}" 2>/dev/null' || fail "the fault point was not reached"
assignment_kill 1
assignment_start 1
wait "$feeder" || fail "the feed did not end"
# Settles of the others may still have been in the killed process.
expect_eq "offered again, done" "done=3 returned=0 failed=0 lost=some" "$(sed 's/lost=[123]$/lost=some/' "$WORK/result")"
total=$((total + 3))
expect_once "$total"

say "PostgreSQL crashes and comes back"
assignment_start 2
burst 100000 >"$WORK/feed"
feed "$WORK/feed" >"$WORK/result" &
feeder=$!
half=$((total + posts / 4))
wait_until 30 eval '[ "$(pg_query "SELECT count(*) FROM triage")" -gt "$half" ]' || fail "the feed stands still"
pg_restart immediate
wait "$feeder" || fail "the feed did not end"
expect_eq "nothing failed" "done=$((2 * posts)) returned=0 failed=0 lost=0" "$(cat "$WORK/result")"
total=$((total + posts))
expect_once "$total"

say "commands to both at once, each twice"
mapfile -t cases < <(pg_query 'SELECT case_id FROM "case" ORDER BY case_id LIMIT 12')
pids=()
for ((i = 0; i < ${#cases[@]}; i++)); do
  for replica in 1 2; do
    "$PEER" ask "127.0.0.1:${command_port[$replica]}" "n$i" ana note "${cases[i]}" "note $i" >"$WORK/ask.$i.$replica" &
    pids+=($!)
  done
done
for pid in "${pids[@]}"; do wait "$pid" || fail "a command got no answer"; done
expect_eq "each carried out once" "${#cases[@]}" "$(pg_query 'SELECT count(*) FROM note')"
expect_eq "each answered twice" "$((2 * ${#cases[@]}))" "$(cat "$WORK"/ask.* | grep -c '^ok|')"
expect_eq "one of them as a repeat" "${#cases[@]}" "$(cat "$WORK"/ask.* | grep -c '^ok|repeated')"

say "clocks fire once, whoever holds the buckets"
pg_query "UPDATE timer SET due_at = now(), then_at = CASE WHEN then_at IS NOT NULL THEN now() END"
must_settle "all breached" 20 eval '[ "$(pg_query "SELECT count(*) FROM timer")" = 0 ]'
expect_eq "one breach a running clock" 0 "$(pg_query 'SELECT count(*) FROM "case" c WHERE breached AND
  (SELECT count(*) FROM history e WHERE e.case_id = c.case_id AND e.kinds & 131072 > 0) <> 1')"
expect_eq "all breached" 0 "$(pg_query 'SELECT count(*) FROM "case" WHERE respond_by IS NOT NULL AND NOT breached')"

say "leases pass on"
holder() { pg_query "SELECT owner FROM lease WHERE name = 'reply_due' AND until_at > now()"; }
first=$(holder)
grep -q "event=svc.started.*instance=$first" "$WORK/log/assignment.1.log" && leaver=1 || leaver=2
assignment_stop $leaver
must_settle "the other took the lease" 15 eval '[ -n "$(holder)" ] && [ "$(holder)" != "$first" ]'

say "a holder that is killed is missed at once, long before its lease runs out"
assignment_start $leaver
first=$(holder)
since=$SECONDS
assignment_kill $((3 - leaver))
must_settle "the other took over" 5 eval '[ -n "$(holder)" ] && [ "$(holder)" != "$first" ]'
say "taken over within $((SECONDS - since)) s"
expect_invariants
assignment_stop $leaver
assignment_logs_clean
say "ok: $total posts"
