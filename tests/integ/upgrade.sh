#!/usr/bin/env bash
# A database that release 0010 has filled: migrated, then written on as the release before this one does
# and as this one does. The history of a case, and what was decided about a post, read the same whoever
# wrote them. 20 cases of 5 posts each: 1 and 2 by the first, 3 by the second, 4 and 5 by this one.
. "$(dirname "$0")/../lib/pg.sh"
need_program earshotctl

pg_start

script() { # SQL on stdin, in one transaction
  "$PG_BIN/psql" -X -qAt -1 -v ON_ERROR_STOP=1 "$EAR_PG options='-c search_path=earshot,past -c client_min_messages=warning'" \
    >"$WORK/script.out" 2>&1 || fail "$(cat "$WORK/script.out")"
}

say "as of migration 0010, with rows in the tables that changed since"
for file in "$EARSHOT_SOURCE"/deploy/db/migrations/00{01..10}_*.sql; do
  name=$(basename "$file" .sql)
  script <"$file"
  script <<<"INSERT INTO migration (version, name, sha256)
    VALUES ('${name%%_*}', '$name', decode('$(sha256sum "$file" | cut -d' ' -f1)', 'hex'))"
done

script <<'SQL'
SELECT ensure_month(now());
CREATE SCHEMA past;
CREATE FUNCTION past.id(kind text, c int, n int) RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT (left(id_floor(now())::text, 15) || '000-8000-' || substr(md5(kind || c || '/' || n), 1, 12))::uuid
$$;
CREATE TABLE past.said AS
    SELECT c, n, past.id('post', c, n) AS post_id, md5('customer' || c)::uuid AS customer_id, past.id('case', c, 0) AS case_id,
           date_trunc('second', now()) + n * interval '1 second' AS at
      FROM generate_series(1, 20) c, generate_series(1, 5) n;
INSERT INTO post (post_id, customer_id, platform, external_id, account_id, created_at, received_at, stored_at, self_ref,
                  visibility, entry, own, automated, language_hint, body)
SELECT post_id, customer_id, 'p', c || '/' || n, '@firm', at, at + interval '10 ms', at + interval '20 ms', gen_random_uuid(),
       1, 1, false, false, '', 'text' FROM said;
INSERT INTO triage (post_id, customer_id, case_id, decision, language, answer, intent, sentiment, topic, urgency, severity,
                    certainty, unsure, model, why, received_at, stored_at, triaged_at, decided_at)
SELECT post_id, customer_id, case_id, n, 'en', 1, 1, 1, 1, 1, 1, 0.9, 0, 'm-1', '{first reason,second}',
       at + interval '10 ms', at + interval '20 ms', at + interval '30 ms', at + interval '40 ms' FROM said WHERE n <= 2;
INSERT INTO "case" (case_id, customer_id, account_id, platform, team_id, agent_id, state, direct, language, intent, topic, urgency,
                    severity, seq, posts, last_post_id, last_post_at, opened_at, heard_at, changed_at, clock_no, respond_by)
SELECT case_id, customer_id, '@firm', 'p', 'care', 'ann', 1, false, 'en', 1, 1, 1, 1, 2, 2, post_id, at, at, at, at, 1,
       now() + interval '1 day' FROM said WHERE n = 2;
INSERT INTO event (case_id, seq, customer_id, at, kinds, actor, post_id, detail)
SELECT case_id, n, customer_id, at + interval '40 ms', CASE n WHEN 1 THEN 16395 ELSE 5 END, '', post_id,
       CASE n WHEN 1 THEN '{"team": "care", "agent": "ann", "clock_no": 1}'::jsonb END FROM said WHERE n <= 2;
INSERT INTO timer (bucket, due_at, case_id, customer_id, kind, clock_no)
SELECT 0, now() + k * interval '1 day', case_id, customer_id, k, 1 FROM said, generate_series(1, 2) k WHERE n = 1;
SQL
lines="SELECT count(*), md5(string_agg(concat_ws('|', case_id, seq, customer_id, at, kinds, actor, post_id, reply_id, code, detail), ',' ORDER BY case_id, seq))"
before=$(pg_query "$lines FROM event")

say "migrated"
"$EARSHOT_BIN/earshotctl" migrate >"$WORK/migrate.out" 2>&1 || fail "migrate: $(cat "$WORK/migrate.out")"
expect_eq "the history" "$before" "$(pg_query "$lines FROM history")"
expect_eq "the history by case" "$before" "$(pg_query "$lines FROM (SELECT e.* FROM \"case\" c, case_events(c.case_id) e) e")"
expect_eq "clocks" 40 "$(pg_query 'SELECT count(*) FROM timer WHERE then_at IS NULL')"

say "written on"
script <<'SQL'
INSERT INTO triage (post_id, customer_id, case_id, decision, language, answer, intent, sentiment, topic, urgency, severity,
                    certainty, unsure, model, why, received_at, stored_at, triaged_at, decided_at, seq, kinds, code, detail, before)
SELECT n.post_id, n.customer_id, n.case_id, n.decision, n.language, n.answer, n.intent, n.sentiment, n.topic, n.urgency, n.severity,
       n.certainty, n.unsure, n.model, string_to_array(n.why, E'\x1f'), n.received_at, n.stored_at, n.triaged_at,
       n.triaged_at + interval '10 ms', n.seq, n.kinds, n.code, n.detail::jsonb, n.before
  FROM unnest(ARRAY(
       SELECT ROW(post_id, customer_id, case_id, 2, 'en', 1, 1, 1, 1, 1, 1, 0.9, 0, 'm-1', E'first reason\x1fsecond',
                  at + interval '10 ms', at + interval '20 ms', at + interval '30 ms', 3, 5, NULL,
                  '{"clock_no": 1, "respond_by": "2030-01-02T03:04:05.060708Z"}', NULL)::verdict_row
         FROM said WHERE n = 3)) AS n;
INSERT INTO model (name) VALUES ('m-1');
INSERT INTO triage (post_id, customer_id, case_id, decision, language, answer, intent, sentiment, topic, urgency, severity,
                    certainty, unsure, model_no, reasons, triaged_at, decided_at, seq, clock_no, respond_by, before)
SELECT s.post_id, s.customer_id, s.case_id, 2, 'en', 1, 1, 1, 1, 1, 1, 0.9, 0, 1, E'first reason\x1fsecond',
       s.at + interval '30 ms', s.at + interval '40 ms', s.n, 1, '2030-01-02 03:04:05.060708Z', e.post_id
  FROM said s JOIN said e ON e.c = s.c AND e.n = s.n - 1 WHERE s.n >= 4;
UPDATE "case" c SET tail_post_id = s.post_id, seq = 5, posts = 5 FROM said s WHERE s.case_id = c.case_id AND s.n = 5;
SQL
expect_eq "lines" 100 "$(pg_query 'SELECT count(*) FROM history')"
expect_eq "lines by case and all of them" "$(pg_query "$lines FROM history")" \
  "$(pg_query "$lines FROM (SELECT e.* FROM \"case\" c, case_events(c.case_id) e) e")"
expect_eq "a line a post, without a gap" 20 \
  "$(pg_query "SELECT count(*) FROM (SELECT case_id FROM history GROUP BY case_id HAVING array_agg(seq ORDER BY seq) = '{1,2,3,4,5}') c")"
expect_eq "lines that say the same" 1 "$(pg_query "SELECT count(DISTINCT (kinds, detail)) FROM history WHERE seq >= 3")"
expect_eq "kinds and detail" '5|2030-01-02T03:04:05.060708Z' \
  "$(pg_query "SELECT DISTINCT kinds, detail ->> 'respond_by' FROM history WHERE seq >= 3")"
expect_eq "verdicts" '100|1|m-1|{"first reason",second}|00:00:00.01|00:00:00.02' \
  "$(pg_query "SELECT count(*), count(DISTINCT (model, why, received_at - s.at, stored_at - s.at)), min(model), min(why),
     min(received_at - s.at), min(stored_at - s.at) FROM verdict JOIN past.said s USING (post_id, customer_id)")"
