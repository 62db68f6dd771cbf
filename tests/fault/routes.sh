#!/usr/bin/env bash
# The same post by several routes, for two accounts, in any order, at the same moment on two replicas;
# edits and deletions before what they mean; times that nobody can believe; posts of two months, and a
# month without partitions. Each post ends up stored once and decided once, or with a reason why not.
. "$(dirname "$0")/../lib/webhook.sh"
. "$(dirname "$0")/../lib/stack.sh"
. "$(dirname "$0")/../lib/invariants.sh"
need_command jq openssl

mkdir -p "$WORK/secrets"
webhook_secret >"$WORK/secrets/signing"
cat >"$WORK/care.yaml" <<YAML
firm: Northern Line Parcels
teams:
  - { id: care, name: Customer care, default: true }
  - { id: desk, name: Help desk }
accounts:
  - { id: "@shop", platform: forum, team: care, secrets: [signing] }
  - { id: "@help", platform: forum, team: desk, secrets: [signing] }
YAML

line() { # EXTERNAL-ID ACCOUNT [EXTRA-JSON]
  jq -cn --arg id "$1" --arg account "$2" --argjson extra "${3:-{\}}" \
    '{platform: "forum", external_id: $id, account: $account, author: {id: ("author of " + $id)},
      text: "My parcel arrived broken. I want my money back!", created_at: "2026-11-02T05:06:07Z"} + $extra'
}
hooks=0
by_webhook() { # INGEST ACCOUNT LINE…
  local n=$1 account=$2
  shift 2
  webhook_post "$(stack_url ingest "$n")/v1/accounts/$account/posts" "$(<"$WORK/secrets/signing")" \
    "msg-$((hooks += 1))-$BASHPID" "$*"
  expect_eq "webhook" 200 "$WEBHOOK_STATUS"
}
status_of() { jq -r .status "$WORK/webhook.answer"; }
by_replay() { printf '%s\n' "$@" | ctl replay --live >"$WORK/replay.out" 2>&1 || { cat "$WORK/replay.out" >&2; fail "replay"; }; }

# What became of one post: rows, decisions, cases of its author, mentions, and how often they are told.
facts() { # EXTERNAL-ID
  pg_query "SELECT count(*), (SELECT count(*) FROM triage t WHERE t.post_id = min(p.post_id::text)::uuid),
      (SELECT count(*) FROM \"case\" c WHERE c.customer_id = min(p.customer_id::text)::uuid),
      (SELECT string_agg(account_id, ' ' ORDER BY account_id) FROM mention m WHERE m.post_id = min(p.post_id::text)::uuid),
      (SELECT count(*) FROM history e WHERE e.post_id = min(p.post_id::text)::uuid AND (e.kinds >> 18) & 1 = 1)
    FROM post p WHERE p.external_id = '$1'"
}
facts_are() { [ "$(facts "$1")" = "$2" ]; }
expect_facts() { # WHAT EXTERNAL-ID FACTS
  wait_until 30 facts_are "$2" "$3" || fail "$1: expected '$3', got '$(facts "$2")'"
  must_settle "$1: nothing is on its way" 30 stack_settled
  expect_eq "$1, when all is settled" "$3" "$(facts "$2")"
}

pg_start
stack_prepare "$WORK/care.yaml"
ENV_ingest=(EAR_INGEST_LEASE=2s)
STACK_SERVICES=(ingest classifier assignment)

# As after weeks in which nobody was there to make them.
say "a month without partitions"
for table in $(pg_query "SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent IN ('event'::regclass,
    'post'::regclass, 'triage'::regclass) AND inhrelid::regclass::text NOT LIKE '%timeless'"); do
  pg_query "DROP TABLE $table"
done
stack_start ingest=2 classifier=1 assignment=2
by_replay "$(line n1 @shop)"
expect_facts "in a month without partitions" n1 "1|1|1||0"

say "by webhook, then by replay, again and again"
by_webhook 1 @shop "$(line r1 @shop)"
expect_facts "heard once" r1 "1|1|1||0"
for again in 1 2; do
  by_replay "$(line r1 @shop)"
  by_webhook 2 @shop "$(line r1 @shop)"
  expect_eq "said to be known" duplicate "$(status_of)"
done
expect_facts "heard five times" r1 "1|1|1||0"

say "a second account hears it later: one case, which learns of it once"
by_webhook 2 @help "$(line r1 @help)"
expect_facts "mentioned" r1 "1|1|1|@help|1"
by_replay "$(line r1 @help)" "$(line r1 @shop)" "$(line r1 @help)"
by_webhook 1 @help "$(line r1 @help)"
expect_facts "mentioned again" r1 "1|1|1|@help|1"

say "both accounts in one delivery, in either order"
by_replay "$(line r2 @help)" "$(line r2 @shop)"
expect_facts "in one delivery" r2 "1|1|1|@shop|1"

say "both accounts at the same moment, on two replicas, a hundred times"
simultaneously() {
  local i pids=()
  for i in 1 2; do
    (for n in $(seq 100); do line "s$n" "$([ "$i" = 1 ] && echo @shop || echo @help)"; done >"$WORK/same.$i"
      curl -sS -o /dev/null --max-time 30 -H "Authorization: Bearer $STACK_REPLAY_TOKEN" \
        -H 'Content-Type: application/x-ndjson' --data-binary "@$WORK/same.$i" \
        "$(stack_url ingest "$i")/v1/replay?lane=live") &
    pids+=($!)
  done
  wait "${pids[@]}"
}
simultaneously
must_settle "both are settled" 30 stack_settled
expect_none "posts of two accounts that only one of them knows" \
  "SELECT p.external_id FROM post p LEFT JOIN mention m USING (post_id) WHERE p.external_id LIKE 's%'
    GROUP BY 1, p.post_id HAVING count(m.account_id) <> 1"
expect_eq "all are there" 100 "$(pg_query "SELECT count(*) FROM post WHERE external_id LIKE 's%'")"

say "authors who claim one id, as two mails with the same Message-ID do: each has a post of its own"
claim() { # EXTERNAL-ID AUTHOR
  line "$1" @shop "$(jq -cn --arg author "$2" '{author: {id: $author}, text: ("My parcel arrived broken, says " + $author)}')"
}
by_replay "$(claim u1 ann)" "$(claim u1 bob)" "$(claim u1 ann)" "$(claim u1 cy)"
must_settle "in one delivery" 30 stack_settled
service_stop classifier 1
by_replay "$(claim u2 ann)" "$(claim u2 bob)"
by_replay "$(claim u2 cy)" "$(claim u1 dee)" "$(line u2 @help '{"author":{"id":"ann"}}')"
by_replay "$(claim u3 ann)" "$(claim u3 bob)" # which are dead letters by now
pg_query "WITH gone AS (DELETE FROM intake WHERE EXISTS (SELECT FROM post WHERE post_id = ANY (post_ids) AND external_id = 'u3'))
  INSERT INTO dead_letter (dead_letter_id, post_id, customer_id, lane, stage, reason, tries)
  SELECT gen_random_uuid(), post_id, customer_id, 0, 'downstream', 'of this test', 3 FROM post WHERE external_id = 'u3'"
service_start classifier 1
for letter in $(pg_query 'SELECT dead_letter_id FROM dead_letter'); do ctl dead-letter retry "$letter" >/dev/null; done
must_settle "behind" 30 stack_settled
expect_eq "stored and decided" "9|9|4" "$(pg_query "SELECT count(*), count(t.post_id), count(DISTINCT t.case_id)
  FROM post p LEFT JOIN triage t USING (post_id, customer_id) WHERE external_id LIKE 'u%'")"
expect_none "cases with a history that is not theirs" \
  "SELECT c.case_id FROM \"case\" c, LATERAL (SELECT count(*) FILTER (WHERE e.customer_id = c.customer_id), count(*)
     FROM case_events(c.case_id) e) n (own, all_of) WHERE own <> all_of OR all_of <> c.seq"
expect_eq "who is mentioned" ann "$(pg_query 'SELECT author_id FROM mention JOIN post USING (post_id, customer_id)
  JOIN identity USING (customer_id) WHERE external_id LIKE $$u%$$')"
case_of=$(pg_query "SELECT case_id FROM triage JOIN identity USING (customer_id) WHERE author_id = 'bob' LIMIT 1")
ctl case show "$case_of" >"$WORK/shown"
grep -q 'says bob' "$WORK/shown" || fail "the case does not show its own posts"
! grep -E 'says (ann|cy|dee)' "$WORK/shown" || fail "the case shows what others wrote"

say "an edit, and a deletion, before what they mean"
by_replay "$(line e1 @shop '{"kind":"edit","edited_at":"2026-11-02T06:00:00Z","text":"The parcel has come after all."}')"
expect_eq "the edit is kept" 1 "$(pg_query 'SELECT count(*) FROM post_revision')"
by_replay "$(line e1 @shop)"
expect_facts "edited before it came" e1 "1|1|1||0"
by_replay "$(line d1 @shop '{"kind":"delete"}')"
by_webhook 1 @shop "$(line d1 @shop)"
expect_eq "deleted before it came" tombstoned "$(status_of)"
expect_facts "deleted before it came" d1 "1|0|0||0"
expect_eq "its text" "" "$(pg_query "SELECT body FROM post WHERE external_id = 'd1'")"
by_replay "$(line r2 @shop '{"kind":"delete"}')" "$(line r2 @shop)"
expect_facts "deleted after it was decided" r2 "1|1|1|@shop|1"
expect_eq "its text" "" "$(pg_query "SELECT body FROM post WHERE external_id = 'r2'")"

say "what is removed has no text in any edit either, whenever that came"
by_replay "$(line e1 @shop '{"kind":"delete"}')" \
  "$(line e1 @shop '{"kind":"edit","edited_at":"2026-11-02T07:00:00Z","text":"And I said so."}')"
by_replay "$(line e1 @shop '{"kind":"edit","edited_at":"2026-11-02T08:00:00Z","text":"I did say so."}')"
expect_eq "edits, and their texts" "3|0" "$(pg_query 'SELECT count(*), count(body) FROM post_revision')"

say "a post, an edit and their removals, none of which sees the other, since commits take their time"
pg_query "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END'"
for table in post post_revision tombstone; do
  pg_query "CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON $table DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()"
done
unseen() { # INGEST EXTERNAL-ID EXTRA-JSON
  line "$2" @shop "$3" | curl -sS -o /dev/null --max-time 30 -H "Authorization: Bearer $STACK_REPLAY_TOKEN" \
    -H 'Content-Type: application/x-ndjson' --data-binary @- "$(stack_url ingest "$1")/v1/replay?lane=live"
}
edit='{"kind":"edit","edited_at":"2026-11-02T07:00:00Z","text":"And I said so."}'
removals=()
for args in "1 y1 {}" "2 y1 {\"kind\":\"delete\"}" "1 y2 $edit" "2 y2 {\"kind\":\"delete\"}"; do
  read -r n id extra <<<"$args"
  unseen "$n" "$id" "$extra" &
  removals+=($!)
done
wait "${removals[@]}"
for table in post post_revision tombstone; do pg_query "DROP TRIGGER slow ON $table"; done
texts() { [ "$(pg_query "SELECT (SELECT count(body) FROM post WHERE external_id = 'y1') + (SELECT count(body) FROM post_revision)")" = "$1" ]; }
texts 2 || say "not at the same moment: nothing was seen of it"
wait_until 20 texts 0 || fail "a text is there though its author removed it"

say "a post and its deletion at the same moment, on two replicas, two hundred times"
race() {
  local pids=() i
  for i in 1 2; do
    (for n in $(seq 200); do line "x$n" @shop "$([ "$i" = 1 ] && echo '{}' || echo '{"kind":"delete"}')"; done >"$WORK/race.$i"
      split -l 10 "$WORK/race.$i" "$WORK/race.$i."
      for part in "$WORK/race.$i."*; do
        curl -sS -o /dev/null --max-time 30 -H "Authorization: Bearer $STACK_REPLAY_TOKEN" \
          -H 'Content-Type: application/x-ndjson' --data-binary "@$part" "$(stack_url ingest "$i")/v1/replay?lane=live"
      done) &
    pids+=($!)
  done
  wait "${pids[@]}"
}
race
must_settle "the race is over" 30 stack_settled
expect_eq "deleted" 200 "$(pg_query "SELECT count(*) FROM tombstone t JOIN post p USING (self_ref) WHERE p.external_id LIKE 'x%'")"
expect_none "deleted posts whose text is still there" \
  "SELECT external_id FROM post WHERE external_id LIKE 'x%' AND body IS NOT NULL"

say "times that nobody can believe: stored as heard now, timeless, and known again by every route"
for at in 1970-01-01T00:00:00Z 2150-06-01T12:00:00Z 1812-06-24T00:00:00Z 9999-12-31T23:59:59Z; do
  by_webhook 1 @shop "$(line "t$at" @shop "{\"created_at\":\"$at\"}")"
  expect_eq "created at $at" stored "$(status_of)"
  by_replay "$(line "t$at" @shop "{\"created_at\":\"$at\"}")"
  expect_facts "created at $at" "t$at" "1|1|1||0"
done
expect_eq "posts without a time of their own" 4 "$(pg_query 'SELECT count(*) FROM post_timeless')"
expect_none "shown at a time that cannot be" \
  "SELECT external_id, created_at FROM post WHERE external_id LIKE 't%' AND created_at NOT BETWEEN received_at - interval '1 s' AND received_at"

say "posts on both sides of a month's end, offered again when they are long decided"
by_replay "$(line m1 @shop '{"created_at":"2026-10-31T23:59:59Z","author":{"id":"who stays up"}}')" \
  "$(line m2 @shop '{"created_at":"2026-11-01T00:00:01Z","author":{"id":"who stays up"}}')" \
  "$(line m3 @shop '{"created_at":"2024-02-29T12:00:00Z"}')"
expect_facts "of another month" m1 "1|1|1||0"
expect_facts "of this month" m2 "1|1|1||0"
expect_facts "of years ago" m3 "1|1|1||0"
say "a month that is dropped, with all that was in it, while those who had made it run"
customer=$(pg_query "SELECT customer_id FROM post WHERE external_id = 'm3'")
for table in timer link '"case"'; do pg_query "DELETE FROM $table WHERE customer_id = '$customer'"; done
pg_query "DROP TABLE post_y2024m02, triage_y2024m02, event_y2024m02"
by_webhook 1 @shop "$(line m4 @shop '{"created_at":"2024-02-29T12:00:01Z"}')"
expect_eq "of a dropped month" stored "$(status_of)"
by_replay "$(line m5 @shop '{"created_at":"2024-02-29T12:00:02Z"}')"
expect_facts "of a dropped month" m4 "1|1|1||0"
expect_facts "of a dropped month, by replay" m5 "1|1|1||0"

say "a month that is taken away as docs/retention.md says, and kept, while those who had made it run"
as_written() { # NUMBER of the block of SQL, for February of 2024
  pg_query "$(awk -v n="$1" '/^```/ { on = $0 == "```sql" && ++at == n; next } on' "$EARSHOT_SOURCE/docs/retention.md" |
    sed 's/2025-02-01/2024-03-01/g; s/2025-01-01/2024-02-01/g; s/y2025m01/y2024m02/g')"
}
expect_eq "needed still" "2|0|0|0" "$(as_written 1)"
customers=$(pg_query "SELECT string_agg(quote_literal(customer_id), ',') FROM post WHERE external_id IN ('m4', 'm5')")
for table in timer link '"case"'; do pg_query "DELETE FROM $table WHERE customer_id IN ($customers)"; done
expect_eq "needed no more" "0|0|0|0" "$(as_written 1)"
as_written 2 >/dev/null
by_webhook 1 @shop "$(line m6 @shop '{"created_at":"2024-02-29T12:00:03Z"}')"
expect_eq "of a month that is kept" stored "$(status_of)"
by_replay "$(line m7 @shop '{"created_at":"2024-02-29T12:00:04Z"}')"
expect_facts "of a month that is kept" m6 "1|1|1||0"
expect_eq "what is kept" "2|2" "$(pg_query 'SELECT (SELECT count(*) FROM post_y2024m02), (SELECT count(*) FROM triage_y2024m02)')"
as_written 3
as_written 4
expect_facts "of a month whose old tables are dropped" m7 "1|1|1||0"
by_webhook 2 @shop "$(line m6 @shop '{"created_at":"2024-02-29T12:00:03Z"}')"
expect_eq "of a month whose old tables are dropped" duplicate "$(status_of)"

say "a month that is detached without a new one, and without its verdicts"
customers=$(pg_query "SELECT string_agg(quote_literal(customer_id), ',') FROM post WHERE external_id IN ('m6', 'm7')")
for table in timer link '"case"'; do pg_query "DELETE FROM $table WHERE customer_id IN ($customers)"; done
pg_query 'ALTER TABLE post DETACH PARTITION post_y2024m02_2; ALTER TABLE triage DETACH PARTITION triage_y2024m02_2'
by_webhook 1 @shop "$(line m8 @shop '{"created_at":"2024-02-29T12:00:05Z"}')"
expect_eq "of a detached month" stored "$(status_of)"
expect_facts "of a detached month" m8 "1|1|1||0"

say "offered again"
before=$(pg_query 'SELECT count(*), sum(seq), sum(posts) FROM "case"')
pg_query "INSERT INTO intake (intake_id, lane, received_at, owner, epoch, tries, trace, post_ids)
  SELECT id_now(), 0, now(), '00000000-0000-0000-0000-000000000000', 0, 0, '', array_agg(post_id) FROM post WHERE body IS NOT NULL"
must_settle "offered again, and settled" 60 stack_settled
expect_eq "cases, events and posts of cases" "$before" "$(pg_query 'SELECT count(*), sum(seq), sum(posts) FROM "case"')"

pg_query "DELETE FROM post p WHERE body IS NULL AND NOT EXISTS (SELECT FROM triage t WHERE t.post_id = p.post_id)" # none is owed
invariant_posts
invariant_outcomes
invariant_cases
! grep -n "deadlock detected" "$PG_LOG" >&2 || fail "transactions that waited for one another in a ring"
stack_stop
stack_logs_clean
