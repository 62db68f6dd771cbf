#!/usr/bin/env bash
# One replica on real PostgreSQL: what becomes of posts, commands, replies and clocks, seen in the
# rows that are committed.
. "$(dirname "$0")/../lib/assignment.sh"
pg_start
assignment_prepare
assignment_start 1

row() { pg_query "SELECT $2 FROM \"case\" WHERE customer_id = (SELECT customer_id FROM triage WHERE post_id = '${id_of[$1]}') ORDER BY case_id DESC LIMIT 1"; }
case_of() { row "$1" case_id; }
declare -A id_of=() # post's name → post_id
play() { # NAME LINE…: one post at a time
  local name=$1
  shift
  printf '%s\n' "$*" >"$WORK/feed"
  expect_eq "post $name" "done=1 returned=0 failed=0 lost=0" "$(feed "$WORK/feed")"
  id_of[$name]=$(pg_query "SELECT post_id FROM triage ORDER BY decided_at DESC LIMIT 1")
}
decision() { pg_query "SELECT decision FROM triage WHERE post_id = '${id_of[$1]}'"; }
answer() { # EXPECTED ID ACTOR KIND CASE ARGUMENT [REASON]
  local expected=$1 got
  shift
  got=$(ask "$@")
  expect_eq "command $*" "$expected" "${got%%|*}"
}
last_kinds() { pg_query "SELECT kind_names(kinds) FROM history WHERE case_id = '$1' ORDER BY seq DESC LIMIT 1"; }

say "nobody is there: the case waits in the queue"
play 1 1 1 0 1 1 1 en @firm 0 7 0
expect_eq decision 1 "$(decision 1)"
case1=$(case_of 1)
expect_eq "state, team, agent" "1|care|" "$(row 1 'state, team_id, agent_id')"
expect_eq kinds '{classified,cased,queued,clock_started}' "$(last_kinds "$case1")"
expect_eq timers 1 "$(pg_query 'SELECT count(*) FROM timer')"
play 1b 1 1 0 1 1 1 en @firm 0 7 0
expect_eq "the same again" 1 "$(pg_query 'SELECT count(*) FROM triage')"

say "an agent comes: the queue is given out"
answer ok c1 - present - ana
must_settle "the queued case is ana's" 10 eval '[ "$(row 1 agent_id)" = ana ]'
expect_eq kinds '{assigned}' "$(last_kinds "$case1")"

say "joins, needs nothing, is of the firm, is a bystander's"
play 2 2 1 5 1 1 1 en @firm 0 7 0
expect_eq joined 2 "$(decision 2)"
expect_eq "is counted in, and the case's last" "2|${id_of[2]}|${id_of[2]}|1|ana" "$(row 2 'posts, last_post_id, tail_post_id, state, agent_id')"
expect_eq "its line leads to the one before" "${id_of[1]}" "$(pg_query "SELECT before FROM triage WHERE post_id = '${id_of[2]}'")"
play 3 3 2 6 2 4 0 en @firm 0 0 0
expect_eq "praise of another" 4 "$(decision 3)"
play 4 4 9 7 0 0 0 und @firm 0 0 1
expect_eq "own, alone" 6 "$(decision 4)"
play 5 5 9 8 0 0 0 und @firm 0 7 1
expect_eq "own, in the conversation" 5 "$(decision 5)"
play 6 6 3 9 0 0 0 en @firm 5 7 0
expect_eq "a bystander in the conversation" 7 "$(decision 6)"
expect_eq "is noted there" '{classified,related}' "$(last_kinds "$case1")"
play 7 7 4 10 1 2 2 en @firm 0 0 0
expect_eq "belongs to another team" money "$(row 7 team_id)"
play 8 8 5 11 1 2 1 en - 0 0 0
expect_eq "account unknown: default team" "|care" "$(row 8 'account_id, team_id')"
expect_invariants

say "a standby was promoted that knows no number of a model, and one connection of several has found it"
next=100
by_number() { # so many posts of the firm that they go by COPY, of which nothing comes
  next=$((next + 80))
  for n in $(seq $((next - 79)) $next); do echo "$n 13 $n 0 0 0 und @firm 0 0 1"; done >"$WORK/feed"
  expect_eq "posts of the firm" "done=80 returned=0 failed=0 lost=0" "$(feed "$WORK/feed")"
  [ "$(pg_query "SELECT name FROM triage LEFT JOIN model USING (model_no) ORDER BY decided_at DESC LIMIT 1")" = test ]
}
must_settle "models have numbers" 20 by_number
pg_query "DELETE FROM model"
lost=$(pg_query "SELECT pid FROM pg_stat_activity WHERE usename = 'earshot_assignment' AND query NOT LIKE 'LISTEN%' LIMIT 1")
expect_eq "a connection is cut" t "$(pg_query "SELECT pg_terminate_backend($lost)")"
must_settle "models have numbers there" 20 by_number

say "commands, each once"
answer ok c2 ana note "$case1" "asked the warehouse"
expect_eq "one note" 1 "$(pg_query "SELECT count(*) FROM note")"
expect_eq "told to be a repeat" "ok|repeated" "$(ask c2 ana note "$case1" "asked the warehouse" | cut -d'|' -f1,2)"
expect_eq "still one note" 1 "$(pg_query "SELECT count(*) FROM note")"
answer conflict c2 ana resolve "$case1" no_reply_needed # another command under the same id
expect_eq "nothing was done" 1 "$(row 1 state)"
answer denied c3 zoe note "$case1" hm
answer denied c4 - reply "$case1" hm
answer not_found c5 ana note 00000000-0000-7000-8000-000000000001 hm
answer conflict c6 ana resolve "$case1" ''
answer ok c7 ana assign "$case1" ben handed_over
expect_eq agent ben "$(row 1 agent_id)"
answer not_found c8 ana assign "$case1" nobody
answer ok c9 ana assign-team "$case1" money
expect_eq team money "$(row 1 team_id)"
answer ok c10 ana assign "$case1" ana
expect_invariants

say "a reply stops the clock when the customer can see it"
answer ok r1 ana reply "$case1" "We are on it."
expect_eq "still open" "1|t" "$(row 1 'state, respond_by IS NOT NULL')"
expect_eq "as the responder sees it" "reply|@firm|ana|^Ana|person|We are on it." "$(respond 1 sent | sed -n 1p)"
must_settle "waits for the customer" 10 eval '[ "$(row 1 "state, respond_by IS NULL, first_responded_at IS NOT NULL")" = "2|t|t" ]'
expect_eq kinds '{reply_sent,clock_stopped}' "$(last_kinds "$case1")"
must_settle "nothing is due" 10 eval '[ "$(pg_query "SELECT count(*) FROM reply_due")" = 0 ]'
expect_eq "reply row" "1|at://sent|1" "$(pg_query 'SELECT state, external_id, attempts FROM reply')"
expect_invariants

say "an answer to our reply joins, and starts the next clock"
play 9 9 1 20 1 2 1 en @firm 0 0 0
expect_eq "joined, owed again" "2|1|2" "$(decision 9)|$(row 1 'state, clock_no')"
answer ok r2 ana reply "$case1" "Too long"
respond 1 failed >/dev/null
must_settle "the failure shows" 10 eval '[ "$(last_kinds "$case1")" = "{reply_failed}" ]'
expect_eq "the clock runs on" "1|t" "$(row 1 'state, respond_by IS NOT NULL')"
answer ok r3 rule reply "$case1" "We are closed."
expect_eq "marked as by a rule" "reply|@firm|||rule|We are closed." "$(respond 1 sent | sed -n 1p)"
must_settle "sent" 10 eval '[ "$(last_kinds "$case1")" = "{reply_sent}" ]'
expect_eq "a rule stops no clock" "1|t" "$(row 1 'state, respond_by IS NOT NULL')"

say "a reply that no responder can read: tried three times, then failed, with its reason"
answer ok u1 ana reply "$case1" "Unreadable"
respond 3 unread >/dev/null
must_settle "given up" 10 eval '[ "$(last_kinds "$case1")" = "{reply_failed}" ]'
expect_eq "its reason" "2|unreadable: no responder could take it over" "$(pg_query 'SELECT state, reason FROM reply ORDER BY reply_id DESC LIMIT 1')"
expect_eq "nothing is due" 0 "$(pg_query 'SELECT count(*) FROM reply_due')"
expect_eq "said so" 1 "$(grep -c event=reply.given_up "$WORK/log/assignment.1.log")"
pg_query "CREATE TEMP TABLE many AS SELECT r.* FROM (SELECT * FROM reply ORDER BY reply_id DESC LIMIT 1) r, generate_series(1, 80);
  UPDATE many SET reply_id = id_now(), state = 0; INSERT INTO reply SELECT * FROM many;
  INSERT INTO reply_due SELECT reply_id, customer_id, account_id FROM many"
respond 240 unread >/dev/null
must_settle "eighty at once" 20 eval '[ "$(pg_query "SELECT count(*) FROM reply_due")" = 0 ]'
expect_eq "said so" 81 "$(grep -c event=reply.given_up "$WORK/log/assignment.1.log")"

say "closing, reopening"
answer ok c20 ana resolve "$case1" ''
expect_eq closed "3|answered||ana" "$(row 1 'state, close_code, agent_id, last_agent_id')"
expect_eq "its clock is over" 0 "$(pg_query "SELECT count(*) FROM timer WHERE case_id = '$case1'")"
play 10 10 1 25 2 4 0 en @firm 0 7 0
expect_eq "thanks, to the closed case" "2|3" "$(decision 10)|$(row 1 state)"
play 11 11 1 26 1 1 1 en @firm 0 0 0
expect_eq "opened again, by the same agent" "3|1|ana" "$(decision 11)|$(row 1 'state, agent_id')"
answer ok c21 - resolve "$case1" '' "they called us"
expect_eq "words are a note" "answered|they called us" "$(row 1 close_code)|$(pg_query "SELECT body FROM note ORDER BY note_id DESC LIMIT 1")"
answer ok c22 ana reopen "$case1" -
answer conflict c23 ana reopen "$case1" -
answer ok c24 ana resolve "$case1" no_reply_needed
pg_query "UPDATE \"case\" SET closed_at = now() - interval '8 days' WHERE case_id = '$case1'"
play 12 12 1 28 1 1 1 en @firm 0 0 0
expect_eq "too long ago: a new case that follows" "1|$case1" "$(decision 12)|$(row 1 follows)"
expect_invariants

say "clocks fire once"
pg_query "UPDATE timer SET due_at = now() - interval '1 second', then_at = now() WHERE case_id = '$(case_of 12)'"
must_settle "warned and breached" 10 eval '[ "$(row 12 breached)" = t ]'
expect_eq "one warning, one breach" "1|1" "$(pg_query "SELECT count(*) FILTER (WHERE kinds & 65536 > 0), count(*) FILTER (WHERE kinds & 131072 > 0) FROM history WHERE case_id = '$(case_of 12)'")"

say "a malformed item and one that the schema refuses fail alone"
printf '%s\n' '30 30 10 1 1 1 en @firm 0 0 0' bad '31 31 11 1 1 1 en @firm 0 0 0' >"$WORK/feed"
expect_eq "malformed" "done=2 returned=0 failed=1 lost=0" "$(feed "$WORK/feed")"
{ for n in $(seq 40 47); do echo "$n $n 10 1 1 1 en @firm 0 0 0"; done
  printf '48 48 10 1 1 1 \xff\xfe @firm 0 0 0\n'; } >"$WORK/feed"
expect_eq "poison" "done=8 returned=0 failed=1 lost=0" "$(feed "$WORK/feed")"
expect_invariants

say "who left has no cases, and no case waits for a team that is gone"
pg_query "UPDATE \"case\" SET team_id = 'gone' WHERE case_id = (SELECT case_id FROM \"case\" WHERE agent_id IS NULL AND state = 1 LIMIT 1)"
[ "$(pg_query "SELECT count(*) FROM \"case\" WHERE agent_id = 'ana' AND state <> 3")" -gt 0 ] || fail "ana has no case: the test proves nothing"
pg_query "UPDATE agent SET active = false WHERE agent_id = 'ana'; NOTIFY earshot_care"
must_settle "all in a queue that is looked at" 10 eval '[ "$(pg_query "SELECT count(*) FROM \"case\" WHERE state <> 3 AND (agent_id = '"'ana'"' OR team_id = '"'gone'"')")" = 0 ]'
expect_eq "and why" "agent_left,team_gone" "$(pg_query "SELECT string_agg(DISTINCT code, ',' ORDER BY code) FROM history WHERE code IN ('agent_left', 'team_gone')")"
pg_query "UPDATE agent SET active = true WHERE agent_id = 'ana'; NOTIFY earshot_care"
must_settle "back, and given out again" 10 eval '[ "$(pg_query "SELECT open_cases FROM agent_load WHERE agent_id = '"'ana'"'")" -gt 0 ]'
expect_invariants

say "nobody passes who waits: full, then one place"
pg_query "UPDATE agent SET active = false WHERE agent_id = 'ben'; NOTIFY earshot_care"
must_settle "ana is full" 10 eval '[ "$(pg_query "SELECT open_cases FROM agent_load WHERE agent_id = '"'ana'"'")" = 3 ]'
for n in 60 61 62; do play q$n $n $n $n 1 1 1 en @firm 0 0 0; done
first=$(pg_query "SELECT case_id FROM \"case\" WHERE team_id = 'care' AND agent_id IS NULL AND state = 1 ORDER BY respond_by, case_id LIMIT 1")
answer ok c29 ana resolve "$(pg_query "SELECT case_id FROM \"case\" WHERE agent_id = 'ana' AND state <> 3 LIMIT 1")" no_reply_needed
play q63 63 63 63 1 1 1 en @firm 0 0 0
must_settle "the first in the queue has the place" 10 eval '[ "$(pg_query "SELECT agent_id FROM \"case\" WHERE case_id = '"'$first'"'")" = ana ]'
expect_eq "who came last waits" "" "$(row q63 agent_id)"
expect_invariants

answer ok c30 - away - ana
expect_eq "presence by command" f "$(pg_query "SELECT present FROM agent_presence WHERE agent_id = 'ana'")"
answer ok c31 - by-shift - ana
expect_eq "follows the shift again" 0 "$(pg_query "SELECT count(*) FROM agent_presence")"

say "care that there is no room for is not taken"
times() { grep -cE "event=care.$1" "$WORK/log/assignment.1.log" || true; }
pg_query "UPDATE agent SET sign_off = repeat('x', 70000000) WHERE agent_id = 'ben'; NOTIFY earshot_care"
must_settle "it is told" 20 eval '[ "$(times "failed err=too_large")" = 1 ]'
play q64 64 64 64 1 1 1 en @firm 0 0 0
loads=$(times loaded)
pg_query "UPDATE agent SET sign_off = '^Ben' WHERE agent_id = 'ben'; NOTIFY earshot_care"
must_settle "what fits is taken again" 20 eval '[ "$(times loaded)" -gt "$loads" ]'

for way in healthz metrics; do
  curl -sf "http://127.0.0.1:${http_port[1]}/$way" >"$WORK/$way" || fail "/$way"
done
curl -s "http://127.0.0.1:${http_port[1]}/readyz" >"$WORK/readyz" # no classifier plays now
grep -q '"lag_s":0.000,"backlog":{"live":0,"backfill":0,"replies":0},"credit":{"replies":' "$WORK/readyz" || fail "/readyz: $(cat "$WORK/readyz")"
grep -q '^earshot_assignment_posts_total{decision="opened"}' "$WORK/metrics" || fail "no metrics of posts"
assignment_stop 1
assignment_logs_clean
say "ok"
