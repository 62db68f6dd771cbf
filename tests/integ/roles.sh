#!/usr/bin/env bash
# Least rights: each role can do what its service does, and every forbidden read or write fails with
# "permission denied" or as a row that is not there.
. "$(dirname "$0")/../lib/pg.sh"

pg_start
pg_schema
pg_query "SELECT ensure_month(now());
  INSERT INTO id_key (key) VALUES (decode(repeat('01', 32), 'hex'));
  INSERT INTO session VALUES ('@a', 'ingest', 'token of ingest'), ('@a', 'send', 'token of the responder');
  INSERT INTO reach VALUES (gen_random_uuid(), current_date, 100000, true)" >/dev/null

as() { # ROLE SQL
  "$PG_BIN/psql" -X -qAt -v ON_ERROR_STOP=1 "${EAR_PG/user=owner/user=earshot_$1}" -c "BEGIN; $2; ROLLBACK" 2>&1
}
count=0
may() {
  local answer
  answer=$(as "$1" "$2") || fail "earshot_$1 should be allowed: $2: $answer"
  count=$((count + 1))
}
may_not() {
  local answer
  ! answer=$(as "$1" "$2") || fail "earshot_$1 should be refused: $2"
  [[ $answer == *"permission denied"* || $answer == *"must be owner"* || $answer == *"row-level security"* ]] ||
    fail "earshot_$1 was refused for another reason: $2: $answer"
  count=$((count + 1))
}

say "reach: written by ingest, read by reports, and by nobody else"
may ingest "INSERT INTO reach VALUES (gen_random_uuid(), current_date, 1, false) ON CONFLICT (customer_id, day) DO NOTHING"
may report "SELECT followers, verified FROM reach"
may_not ingest "SELECT followers FROM reach"
for role in assignment responder operator; do
  may_not "$role" "SELECT followers FROM reach"
  may_not "$role" "SELECT customer_id FROM reach"
  may_not "$role" "INSERT INTO reach VALUES (gen_random_uuid(), current_date, 1, false)"
done
may_not report "DELETE FROM reach"

say "posts and who wrote them"
may ingest "SELECT body FROM post; UPDATE post SET body = NULL; UPDATE post_revision SET body = NULL; INSERT INTO tombstone VALUES (gen_random_uuid(), 'p', now(), now())"
may assignment "SELECT body FROM post"
may_not assignment "UPDATE post SET body = NULL"
may_not assignment "SELECT handle FROM identity"
may responder "SELECT external_id, thread FROM post; SELECT author_id, handle FROM identity"
may_not responder "SELECT body FROM post"
may_not responder "UPDATE identity SET handle = 'x'"
may operator "SELECT body FROM post; SELECT handle FROM identity"
for role in assignment responder operator report; do
  may_not "$role" "DELETE FROM post"
  may_not "$role" "INSERT INTO intake VALUES (gen_random_uuid(), 0, now(), gen_random_uuid(), 1, 0, '', '{}')"
  may_not "$role" "UPDATE cursor SET position = ''"
done
may_not ingest "DELETE FROM post"

say "corrections: added by the operator, changed by nobody"
may operator "INSERT INTO label (post_id, customer_id, head, label, agent_id) VALUES (gen_random_uuid(), gen_random_uuid(), 'intent', 'praise', 'ana'); SELECT label FROM label"
may report "SELECT label FROM label"
may_not operator "UPDATE label SET label = 'praise'"
for role in ingest assignment responder; do may_not "$role" "SELECT label FROM label"; done
for role in operator report; do may_not "$role" "DELETE FROM label"; done

say "cases belong to assignment"
may assignment "SELECT * FROM \"case\"; UPDATE \"case\" SET seq = seq; SELECT * FROM triage; INSERT INTO mention VALUES (gen_random_uuid(), gen_random_uuid(), 'a')"
may assignment "DELETE FROM timer; DELETE FROM reply_due; DELETE FROM command"
for role in ingest responder operator report; do
  may_not "$role" "UPDATE \"case\" SET seq = seq"
  may_not "$role" "INSERT INTO note VALUES (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'a', now(), '')"
  may_not "$role" "DELETE FROM reply_due"
  may_not "$role" "UPDATE agent_presence SET present = true"
  may_not "$role" "INSERT INTO command VALUES (gen_random_uuid(), now(), '', '', NULL, '')"
done
may_not ingest "SELECT * FROM \"case\""
may_not responder "SELECT * FROM \"case\""
may_not ingest "SELECT * FROM reply"
may_not assignment "UPDATE event SET code = ''"
may_not assignment "DELETE FROM event"
may_not assignment "DELETE FROM triage"
may operator "SELECT * FROM \"case\"; SELECT * FROM event; SELECT * FROM history; SELECT * FROM case_events(gen_random_uuid()); SELECT * FROM reply"

say "sending belongs to the responder, and nobody rewrites its journal"
may responder "DELETE FROM sending; UPDATE attempt SET reason = reason; DELETE FROM outcome_due; SELECT * FROM account_limit; SELECT * FROM reply"
may_not responder "DELETE FROM attempt"
may_not responder "UPDATE reply SET body = ''"
may assignment "SELECT * FROM attempt"
for role in ingest assignment operator report; do
  may_not "$role" "UPDATE attempt SET state = 2"
  may_not "$role" "DELETE FROM sending"
done
may_not assignment "SELECT payload FROM sending"
may_not ingest "SELECT * FROM attempt"

say "care: declared by the operator, read by the others"
may operator "INSERT INTO team VALUES ('t', 'T'); DELETE FROM account; INSERT INTO care_version (firm, sha256, applied_by) VALUES ('f', '', 'me')"
for role in ingest assignment responder report; do
  may "$role" "SELECT * FROM account; SELECT * FROM team"
  may_not "$role" "UPDATE account SET enabled = true"
  may_not "$role" "INSERT INTO team VALUES ('x', 'X')"
done

say "secrets: the id key, and logins by half"
may ingest "SELECT key FROM id_key"
may responder "SELECT key FROM id_key"
for role in assignment operator report; do may_not "$role" "SELECT key FROM id_key"; done
for role in ingest assignment responder operator report; do may_not "$role" "UPDATE id_key SET made_at = now()"; done
for role in assignment operator report; do may_not "$role" "SELECT * FROM session"; done
expect_eq "what ingest sees" "token of ingest" "$(as ingest "SELECT state FROM session")"
expect_eq "what the responder sees" "token of the responder" "$(as responder "SELECT state FROM session")"
may_not ingest "INSERT INTO session VALUES ('@b', 'send', 'x')"
may_not responder "INSERT INTO session VALUES ('@b', 'ingest', 'x')"

say "leases, functions, and the schema itself"
for role in ingest assignment responder; do may "$role" "UPDATE lease SET until_at = now()"; done
for role in operator report; do may_not "$role" "UPDATE lease SET until_at = now()"; done
may ingest "SELECT ensure_month(now())"
may assignment "SELECT ensure_month(now())"
may_not responder "SELECT ensure_month(now())"
may_not report "SELECT ensure_month(now())"
may ingest "SELECT forget_instances()"
may_not ingest "DELETE FROM lease"
for role in assignment responder operator report; do may_not "$role" "SELECT forget_instances()"; done
may operator "SELECT dead_letter_retry(gen_random_uuid(), 'me')"
for role in ingest assignment responder report; do
  may_not "$role" "SELECT dead_letter_retry(gen_random_uuid(), 'me')"
done
for role in ingest assignment responder operator report; do
  may "$role" "SELECT version FROM migration"
  may_not "$role" "INSERT INTO migration VALUES (999, 'x', '', now())"
  may_not "$role" "CREATE TABLE earshot.mine (x int)"
  may_not "$role" "CREATE TABLE public.mine (x int)"
  may_not "$role" "DROP TABLE note"
  expect_eq "earshot_$role has no power over others" f "$(pg_query "SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls FROM pg_roles WHERE rolname = 'earshot_$role'")"
done
say "$count rights and refusals hold"
