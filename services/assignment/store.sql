-- All SQL of assignment. Case rows are written whole: the customer's lock makes them ours. What comes
-- in numbers comes as one array of rows (migrations 0009, 0011, 0013), or, from some dozens on, by COPY: that
-- writes several rows with one record of the log. OFFSET 0 keeps a look by
-- key a look by key: plans are made once, also while a table is empty.

-- name: lock_intent
-- Before single customers: nobody has all of them meanwhile.
SELECT pg_advisory_xact_lock_shared(hashtext('earshot.customers'), 0) IS NULL;

-- name: lock_customers
SELECT count(pg_advisory_xact_lock(k)) FROM unnest($1::int8[]) AS k;

-- name: lock_whole
-- All customers at once, instead of each: waits for whoever has some, and they for us.
SELECT pg_advisory_xact_lock(hashtext('earshot.customers'), 0) IS NULL;

-- name: read_decided
-- With the case that the post is in, and the further accounts that are known to have heard it.
SELECT t.post_id, t.case_id,
       (SELECT string_agg(m.account_id, E'\n') FROM mention m
         WHERE m.post_id = t.post_id AND m.customer_id = t.customer_id), t.customer_id
  FROM unnest($1::uuid[], $2::uuid[]) AS k (post_id, customer_id)
 CROSS JOIN LATERAL (SELECT d.* FROM triage d
                     WHERE d.post_id = k.post_id AND d.customer_id = k.customer_id OFFSET 0) t;

-- name: read_links
SELECT ref, customer_id, case_id FROM link WHERE ref = ANY ($1::uuid[]);

-- name: read_cases
-- Of these customers: what is open, the latest that are closed, and the cases named. place is where the
-- row lies: under the locks nobody moves it, so that it is changed without being looked for again.
SELECT c.case_id, c.customer_id, c.account_id, c.platform, c.team_id, c.agent_id, c.last_agent_id,
       c.state, c.close_code, c.direct, c.language, c.intent, c.topic, c.urgency, c.severity,
       c.seq, c.posts, c.last_post_id, c.last_post_at, c.opened_at, c.changed_at, c.clock_no,
       c.respond_by, c.first_responded_at, c.breached, c.closed_at, c.tail_post_id, c.place
  FROM (SELECT l.* FROM unnest($1::uuid[]) AS k,
               LATERAL (SELECT o.*, o.ctid AS place FROM "case" o
                         WHERE o.customer_id = k AND o.state <> 3 OFFSET 0) l
         UNION ALL
        SELECT l.* FROM unnest($1::uuid[]) AS k,
               LATERAL (SELECT s.*, s.ctid AS place FROM "case" s
                         WHERE s.customer_id = k AND s.state = 3
                         ORDER BY s.case_id DESC LIMIT 8) l
         UNION ALL
        SELECT l.* FROM unnest($2::uuid[]) AS i,
               LATERAL (SELECT n.*, n.ctid FROM "case" n
                         WHERE n.case_id = i AND n.customer_id = ANY ($1::uuid[]) OFFSET 0) l
       ) c;

-- name: read_loads
-- What agents have, and who of them said that he is there, or is not.
SELECT agent_id, open_cases, idle_since, NULL::bool AS present FROM agent_load
 UNION ALL
SELECT agent_id, NULL, NULL, present FROM agent_presence;

-- name: read_shifts
-- Asked for only now and then: it costs as much as all cases of a small batch.
SELECT agent_id FROM agent_on_shift;

-- name: read_seats
SELECT agent_id, open_cases, idle_since FROM agent_present ORDER BY agent_id;

-- name: read_heads
-- Who is first in the queue of each team.
SELECT h.team_id, h.respond_by, h.case_id
  FROM team t,
       LATERAL (SELECT q.team_id, q.respond_by, q.case_id FROM "case" q
                 WHERE q.team_id = t.team_id AND q.agent_id IS NULL AND q.state <> 3
                   AND q.state = 1 AND q.respond_by IS NOT NULL
                 ORDER BY q.respond_by, q.case_id LIMIT 1) h;

-- name: write_triage
-- The arbiter of what is new. Nearly always all of it is. If not, the primary key refuses it, nothing is
-- committed and the batch is decided again, now with a look at what was decided before.
-- ON CONFLICT would double what a row costs. A post that its case's history has a line for says it here.
-- What the post's own row has is not said again; view verdict puts it together.
INSERT INTO triage (post_id, customer_id, case_id, decision, language, answer, intent, sentiment,
                    topic, urgency, severity, certainty, unsure, model, reasons, triaged_at,
                    decided_at, seq, kinds, code, detail, before)
SELECT n.post_id, n.customer_id, n.case_id, n.decision, n.language, n.answer, n.intent, n.sentiment,
       n.topic, n.urgency, n.severity, n.certainty, n.unsure, n.model, n.why, n.triaged_at, $2, n.seq,
       n.kinds, n.code, n.detail::jsonb, n.before
  FROM unnest($1::verdict_row[]) AS n;

-- name: copy_triage
COPY triage (post_id, customer_id, case_id, decision, language, answer, intent, sentiment, topic,
             urgency, severity, certainty, unsure, model, model_no, reasons, triaged_at, decided_at,
             seq, kinds, code, detail, team_id, agent_id, clock_no, respond_by, before)
  FROM STDIN (FORMAT binary);

-- name: write_model
INSERT INTO model (name) SELECT $1::text
 WHERE NOT EXISTS (SELECT FROM model WHERE name = $1::text)
    ON CONFLICT DO NOTHING;

-- name: read_model
SELECT model_no FROM model WHERE name = $1::text;

-- name: open_cases
INSERT INTO "case" (case_id, customer_id, account_id, platform, direct, heard_at, follows, team_id,
                    agent_id, last_agent_id, state, close_code, language, intent, topic, urgency,
                    severity, seq, posts, last_post_id, last_post_at, opened_at, changed_at,
                    clock_no, respond_by, first_responded_at, breached, closed_at, tail_post_id)
SELECT n.case_id, n.customer_id, n.account_id, n.platform, n.direct, n.heard_at, n.follows, n.team_id,
       n.agent_id, n.last_agent_id, n.state, n.close_code, n.language, n.intent, n.topic, n.urgency,
       n.severity, n.seq, n.posts, n.last_post_id, n.last_post_at, n.opened_at, n.changed_at,
       n.clock_no, n.respond_by, n.first_responded_at, n.breached, n.closed_at, n.tail_post_id
  FROM unnest($1::opened_row[]) AS n;

-- name: copy_cases
COPY "case" (case_id, customer_id, account_id, platform, direct, heard_at, follows, team_id, agent_id,
             last_agent_id, state, close_code, language, intent, topic, urgency, severity, seq, posts,
             last_post_id, last_post_at, opened_at, changed_at, clock_no, respond_by,
             first_responded_at, breached, closed_at, tail_post_id) FROM STDIN (FORMAT binary);

-- name: change_cases
-- All $2 of them are where they were read, or nothing is committed.
WITH changed AS (
    UPDATE "case" c
       SET team_id = n.team_id, agent_id = n.agent_id, last_agent_id = n.last_agent_id,
           state = n.state, close_code = n.close_code, language = n.language, intent = n.intent,
           topic = n.topic, urgency = n.urgency, severity = n.severity, seq = n.seq,
           posts = n.posts, last_post_id = n.last_post_id, last_post_at = n.last_post_at,
           opened_at = n.opened_at, changed_at = n.changed_at, clock_no = n.clock_no,
           respond_by = n.respond_by, first_responded_at = n.first_responded_at,
           breached = n.breached, closed_at = n.closed_at, tail_post_id = n.tail_post_id
      FROM unnest($1::changed_row[]) AS n
     WHERE c.ctid = n.place
    RETURNING c.case_id = n.case_id AS same)
SELECT 1 / (count(*) FILTER (WHERE same) = $2::int4)::int FROM changed;

-- name: join_cases
-- The same where nothing but its posts has changed, as nearly always: a third of the columns to be read.
WITH changed AS (
    UPDATE "case" c
       SET seq = n.seq, posts = n.posts, last_post_id = n.last_post_id,
           last_post_at = n.last_post_at, changed_at = n.changed_at, tail_post_id = n.tail_post_id
      FROM unnest($1::joined_row[]) AS n
     WHERE c.ctid = n.place
    RETURNING c.case_id = n.case_id AS same)
SELECT 1 / (count(*) FILTER (WHERE same) = $2::int4)::int FROM changed;

-- name: write_events
INSERT INTO event (case_id, seq, customer_id, at, kinds, actor, post_id, reply_id, code, detail)
SELECT n.case_id, n.seq, n.customer_id, n.at, n.kinds, n.actor, n.post_id, n.reply_id, n.code,
       n.detail::jsonb
  FROM unnest($1::event_row[]) AS n;

-- name: write_links
-- A conversation leads to the customer's newest case; it never changes hands.
INSERT INTO link (ref, customer_id, case_id)
SELECT n.ref, n.customer_id, n.case_id
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS n (ref, customer_id, case_id)
 ORDER BY n.ref
    ON CONFLICT (ref) DO UPDATE SET case_id = EXCLUDED.case_id
 WHERE link.customer_id = EXCLUDED.customer_id AND link.case_id <> EXCLUDED.case_id;

-- name: write_mentions
INSERT INTO mention (post_id, customer_id, account_id)
SELECT n.post_id, n.customer_id, n.account_id
  FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS n (post_id, customer_id, account_id)
    ON CONFLICT DO NOTHING;

-- name: clear_timers
DELETE FROM timer t
 USING unnest($1::uuid[], $2::int2[], $3::int4[]) AS n (case_id, kind, clock_no)
 CROSS JOIN LATERAL (SELECT x.ctid AS place FROM timer x
                      WHERE x.case_id = n.case_id AND x.kind = n.kind AND x.clock_no = n.clock_no
                     OFFSET 0) l
 WHERE t.ctid = l.place;

-- name: start_timers
INSERT INTO timer (bucket, due_at, case_id, customer_id, kind, clock_no, then_at)
SELECT n.bucket, n.due_at, n.case_id, n.customer_id, n.kind, n.clock_no, n.then_at
  FROM unnest($1::clock_row[]) AS n;

-- name: copy_timers
COPY timer (bucket, due_at, case_id, customer_id, kind, clock_no, then_at)
  FROM STDIN (FORMAT binary);

-- name: move_timers
UPDATE timer t SET due_at = least(t.due_at, n.due_at), then_at = least(t.then_at, n.then_at)
  FROM unnest($1::timestamptz[], $2::uuid[], $3::int2[], $4::int4[], $5::timestamptz[])
    AS n (due_at, case_id, kind, clock_no, then_at)
 CROSS JOIN LATERAL (SELECT x.ctid AS place FROM timer x
                      WHERE x.case_id = n.case_id AND x.kind = n.kind AND x.clock_no = n.clock_no
                        AND (x.due_at > n.due_at OR x.then_at > n.then_at)
                     OFFSET 0) l
 WHERE t.ctid = l.place;

-- name: write_loads
-- Last of a transaction, each agent once, in the order of their ids. Where another replica has filled
-- an agent meanwhile, past the most that we may give, the division fails and all is decided again.
WITH n AS (
    SELECT agent_id, given, idle_since, most
      FROM unnest($1::text[], $2::int4[], $3::timestamptz[], $4::int4[])
        AS u (agent_id, given, idle_since, most)
), loaded AS (
    INSERT INTO agent_load (agent_id, open_cases, idle_since)
    SELECT n.agent_id, n.given, n.idle_since FROM n ORDER BY n.agent_id
        ON CONFLICT (agent_id) DO UPDATE
       SET open_cases = greatest(agent_load.open_cases + EXCLUDED.open_cases, 0),
           idle_since = greatest(agent_load.idle_since, EXCLUDED.idle_since)
    RETURNING agent_id, open_cases)
SELECT 1 / (count(*) = 0)::int FROM loaded l JOIN n USING (agent_id) WHERE l.open_cases > n.most;

-- name: read_command
SELECT result, kind, case_id FROM command WHERE command_id = $1::uuid;

-- name: find_case
SELECT customer_id FROM "case" WHERE case_id = $1::uuid;

-- name: read_reply
SELECT reply_id, customer_id, case_id, post_id, by_rule, state
  FROM reply WHERE reply_id = $1::uuid AND customer_id = $2::uuid;

-- name: read_answers
-- Written by a person: visible, or on its way there; and visible and later than reply $3.
SELECT count(*), count(*) FILTER (WHERE state = 1 AND reply_id > $3::uuid) FROM reply
 WHERE case_id = $1::uuid AND customer_id = $2::uuid AND state IN (0, 1) AND NOT by_rule;

-- name: write_command
INSERT INTO command (command_id, at, actor, kind, case_id, result)
VALUES ($1::uuid, $2::timestamptz, $3::text, $4::text, $5::uuid, $6::bytea);

-- name: write_reply
INSERT INTO reply (reply_id, customer_id, case_id, account_id, platform, post_id, agent_id, by_rule,
                   direct, body, sign_off, created_at)
VALUES ($1::uuid, $2::uuid, $3::uuid, $4::text, $5::text, $6::uuid, $7::text, $8::bool, $9::bool,
        $10::text, $11::text, $12::timestamptz);

-- name: write_reply_due
INSERT INTO reply_due (reply_id, customer_id, account_id)
VALUES ($1::uuid, $2::uuid, $3::text);

-- name: tell_replies
SELECT pg_notify('earshot_replies', '');

-- name: write_outcome
UPDATE reply
   SET state = $3::int2, external_id = coalesce($4::text, external_id),
       external_ref = coalesce($5::uuid, external_ref),
       visible_at = coalesce($6::timestamptz, visible_at), reason = $7::text, attempts = $8::int4
 WHERE reply_id = $1::uuid AND customer_id = $2::uuid;

-- name: write_note
INSERT INTO note (note_id, customer_id, case_id, agent_id, at, body)
VALUES ($1::uuid, $2::uuid, $3::uuid, $4::text, $5::timestamptz, $6::text);

-- name: write_presence
INSERT INTO agent_presence (agent_id, present, since, set_by)
VALUES ($1::text, $2::bool, $3::timestamptz, $4::text)
    ON CONFLICT (agent_id) DO UPDATE
   SET present = EXCLUDED.present, since = EXCLUDED.since, set_by = EXCLUDED.set_by;

-- name: clear_presence
DELETE FROM agent_presence WHERE agent_id = $1::text;

-- name: read_due_timers
SELECT d.due_at, d.case_id, d.customer_id, d.kind, d.clock_no, d.then_at
  FROM unnest($1::int2[]) AS b,
       LATERAL (SELECT t.due_at, t.case_id, t.customer_id, t.kind, t.clock_no, t.then_at FROM timer t
                 WHERE t.bucket = b AND t.due_at <= now()
                   AND (t.due_at, t.case_id) >= ($2::timestamptz, $3::uuid)
                 ORDER BY t.due_at, t.case_id LIMIT $4::int4) d
 ORDER BY d.due_at, d.case_id LIMIT $4::int4;

-- name: read_next_timer
-- Milliseconds until the next is due; no row: none is set.
SELECT greatest(0, ceil(extract(epoch FROM min(n.due_at) - now()) * 1000))::int8
  FROM unnest($1::int2[]) AS b,
       LATERAL (SELECT t.due_at FROM timer t WHERE t.bucket = b AND t.due_at > now()
                 ORDER BY t.due_at LIMIT 1) n
HAVING min(n.due_at) IS NOT NULL;

-- name: read_timers
-- Those that have not fired meanwhile.
SELECT t.case_id, t.kind, t.clock_no, t.then_at
  FROM unnest($1::uuid[], $2::int2[], $3::int4[]) AS n (case_id, kind, clock_no)
 CROSS JOIN LATERAL (SELECT x.* FROM timer x
                      WHERE x.case_id = n.case_id AND x.kind = n.kind AND x.clock_no = n.clock_no
                     OFFSET 0) t;

-- name: read_queue
-- A page of a team's queue: deadline, then age, nothing else.
SELECT q.case_id, q.customer_id, coalesce(q.respond_by, '9999-12-31 00:00Z') AS respond_by
  FROM "case" q
 WHERE q.team_id = $1::text AND q.agent_id IS NULL AND q.state <> 3 AND q.state = 1
   AND (coalesce(q.respond_by, '9999-12-31 00:00Z'), q.case_id) > ($2::timestamptz, $3::uuid)
 ORDER BY q.respond_by, q.case_id LIMIT $4::int4;

-- name: read_strays
-- Open cases whose agent is none of $1, or that wait in the queue of a team that is none of $2.
SELECT c.case_id, c.customer_id FROM "case" c
 WHERE c.state <> 3
   AND (c.agent_id <> ALL ($1::text[]) OR c.agent_id IS NULL AND c.team_id <> ALL ($2::text[]))
 LIMIT $3::int4;

-- name: read_outbox
SELECT r.reply_id, r.customer_id, r.case_id, r.account_id, r.platform, r.post_id, r.body,
       r.agent_id, r.sign_off, r.by_rule, r.direct, r.created_at
  FROM reply_due d
 CROSS JOIN LATERAL (SELECT x.* FROM reply x
                      WHERE x.reply_id = d.reply_id AND x.customer_id = d.customer_id
                        AND x.body IS NOT NULL OFFSET 0) r
 WHERE d.reply_id <> ALL ($1::uuid[])
 ORDER BY d.reply_id LIMIT $2::int4;

-- name: clear_outbox
DELETE FROM reply_due WHERE reply_id = ANY ($1::uuid[]);

-- name: take_leases
-- Ours, or nobody's any more: it ran out, or its owner is not connected. (The instance is part of each
-- connection's application_name, so who was killed is missed at once.) A new owner raises the epoch.
WITH alive AS MATERIALIZED (
    SELECT application_name FROM pg_stat_activity WHERE usename = current_user)
INSERT INTO lease (name, owner, epoch, until_at)
SELECT n, $2::uuid, 1, now() + $3::int8 * interval '1 millisecond'
  FROM unnest($1::text[]) AS n ORDER BY n
    ON CONFLICT (name) DO UPDATE
   SET owner = EXCLUDED.owner, until_at = EXCLUDED.until_at,
       epoch = lease.epoch + (lease.owner <> EXCLUDED.owner)::int
 WHERE lease.owner = EXCLUDED.owner OR lease.until_at < now()
    OR NOT EXISTS (SELECT FROM alive WHERE application_name = $4::text || lease.owner::text)
RETURNING name;

-- name: read_peers
-- Whether another replica is connected.
SELECT EXISTS (SELECT FROM pg_stat_activity
                WHERE datname = current_database() AND usename = current_user
                  AND starts_with(application_name, $1::text)
                  AND application_name <> $1::text || $2::uuid::text);

-- name: drop_leases
UPDATE lease SET until_at = now() WHERE owner = $1::uuid AND name = ANY ($2::text[]);

-- name: ensure_month
SELECT ensure_month(now()), ensure_month(now() + interval '7 days');

-- name: forget_commands
DELETE FROM command WHERE at < now() - interval '30 days';

-- name: read_teams
SELECT team_id, array_to_string(languages, E'\x1f'), array_to_string(topics, E'\x1f'), is_default
  FROM team ORDER BY team_id COLLATE "C";

-- name: read_agents
SELECT agent_id, team_id, sign_off, array_to_string(languages, E'\x1f'), capacity, active
  FROM agent ORDER BY agent_id COLLATE "C";

-- name: read_accounts
SELECT account_id, platform, team_id FROM account ORDER BY account_id COLLATE "C";

-- name: read_policies
SELECT policy_id, team_id, platform, first_response_s, warn_before_s, reopen_within_s
  FROM policy ORDER BY policy_id COLLATE "C";

-- name: read_schema
SELECT coalesce(max(version), 0) FROM migration;
