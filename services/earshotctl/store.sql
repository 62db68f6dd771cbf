-- All SQL of earshotctl but the migrations.

-- What care.yaml says now, in the shape that care_file makes.
-- name: care_current
SELECT jsonb_build_object(
    'firm', (SELECT firm FROM earshot.care_version ORDER BY version DESC LIMIT 1),
    'team', coalesce((SELECT jsonb_agg(to_jsonb(t) ORDER BY team_id) FROM earshot.team t), '[]'),
    'account', coalesce((SELECT jsonb_agg(to_jsonb(a) ORDER BY account_id) FROM earshot.account a), '[]'),
    'agent', coalesce((SELECT jsonb_agg((to_jsonb(a) - 'active') || jsonb_build_object('shifts', coalesce(
            (SELECT jsonb_agg(jsonb_build_object('weekdays', weekdays, 'from_time', left(from_time::text, 5),
                                                 'to_time', left(to_time::text, 5), 'time_zone', time_zone)
                              ORDER BY weekdays, from_time, to_time)
               FROM earshot.shift s WHERE s.agent_id = a.agent_id), '[]')) ORDER BY agent_id)
        FROM earshot.agent a WHERE active), '[]'),
    'policy', coalesce((SELECT jsonb_agg(to_jsonb(p) ORDER BY policy_id) FROM earshot.policy p), '[]'))::text;

-- name: care_bad_zones
SELECT DISTINCT z.name FROM jsonb_array_elements_text($1::text::jsonb) AS z(name)
 WHERE NOT EXISTS (SELECT FROM pg_timezone_names n WHERE n.name = z.name);

-- name: care_lock
SELECT pg_advisory_xact_lock(hashtext('earshot.care')) IS NULL;

-- name: care_no_default
UPDATE earshot.team SET is_default = false WHERE is_default;

-- name: care_put_teams
INSERT INTO earshot.team (team_id, name, languages, topics, is_default)
SELECT team_id, name, languages, topics, is_default
  FROM jsonb_to_recordset($1::text::jsonb)
       AS t(team_id text, name text, languages text[], topics text[], is_default boolean)
    ON CONFLICT (team_id) DO UPDATE
   SET name = excluded.name, languages = excluded.languages, topics = excluded.topics,
       is_default = excluded.is_default;

-- name: care_put_accounts
INSERT INTO earshot.account (account_id, platform, author_id, team_id, settings, secrets, enabled)
SELECT account_id, platform, author_id, team_id, settings, secrets, enabled
  FROM jsonb_to_recordset($1::text::jsonb)
       AS t(account_id text, platform text, author_id text, team_id text, settings jsonb, secrets text[], enabled boolean)
    ON CONFLICT (account_id) DO UPDATE
   SET platform = excluded.platform, author_id = excluded.author_id, team_id = excluded.team_id,
       settings = excluded.settings, secrets = excluded.secrets, enabled = excluded.enabled;

-- name: care_put_agents
INSERT INTO earshot.agent (agent_id, name, team_id, capacity, sign_off, languages, active)
SELECT agent_id, name, team_id, capacity, sign_off, languages, true
  FROM jsonb_to_recordset($1::text::jsonb)
       AS t(agent_id text, name text, team_id text, capacity integer, sign_off text, languages text[])
    ON CONFLICT (agent_id) DO UPDATE
   SET name = excluded.name, team_id = excluded.team_id, capacity = excluded.capacity,
       sign_off = excluded.sign_off, languages = excluded.languages, active = true;

-- name: care_drop_shifts
DELETE FROM earshot.shift;

-- name: care_put_shifts
INSERT INTO earshot.shift (agent_id, weekdays, from_time, to_time, time_zone)
SELECT a.agent_id, s.weekdays, s.from_time, s.to_time, s.time_zone
  FROM jsonb_to_recordset($1::text::jsonb) AS a(agent_id text, shifts jsonb),
       jsonb_to_recordset(a.shifts) AS s(weekdays smallint[], from_time time, to_time time, time_zone text);

-- name: care_put_policies
INSERT INTO earshot.policy (policy_id, team_id, platform, first_response_s, warn_before_s, reopen_within_s)
SELECT policy_id, team_id, platform, first_response_s, warn_before_s, reopen_within_s
  FROM jsonb_to_recordset($1::text::jsonb)
       AS t(policy_id text, team_id text, platform text, first_response_s integer, warn_before_s integer, reopen_within_s integer)
    ON CONFLICT (policy_id) DO UPDATE
   SET team_id = excluded.team_id, platform = excluded.platform,
       first_response_s = excluded.first_response_s, warn_before_s = excluded.warn_before_s,
       reopen_within_s = excluded.reopen_within_s;

-- name: care_drop_policies
DELETE FROM earshot.policy
 WHERE policy_id <> ALL (ARRAY(SELECT r ->> 'policy_id' FROM jsonb_array_elements($1::text::jsonb) r));

-- name: care_drop_accounts
DELETE FROM earshot.account
 WHERE account_id <> ALL (ARRAY(SELECT r ->> 'account_id' FROM jsonb_array_elements($1::text::jsonb) r));

-- Cases and history name agents, so an agent who left stays as a row that takes no case.
-- name: care_retire_agents
UPDATE earshot.agent
   SET active = false,
       team_id = CASE WHEN team_id = ANY (ARRAY(SELECT r ->> 'team_id' FROM jsonb_array_elements($2::text::jsonb) r))
                      THEN team_id
                      ELSE (SELECT t.team_id FROM earshot.team t WHERE t.is_default) END
 WHERE agent_id <> ALL (ARRAY(SELECT r ->> 'agent_id' FROM jsonb_array_elements($1::text::jsonb) r));

-- name: care_drop_teams
DELETE FROM earshot.team
 WHERE team_id <> ALL (ARRAY(SELECT r ->> 'team_id' FROM jsonb_array_elements($1::text::jsonb) r));

-- name: care_done
INSERT INTO earshot.care_version (firm, sha256, applied_by)
VALUES ($1::text, $2::bytea, $3::text) RETURNING version;

-- name: care_notify
SELECT pg_notify('earshot_care', '') IS NULL;

-- name: dead_letters
SELECT dead_letter_id, died_at, post_id, stage, tries, reason, retried_at, retried_by
  FROM earshot.dead_letter
 WHERE $1::boolean OR retried_at IS NULL
 ORDER BY dead_letter_id LIMIT $2::bigint;

-- name: dead_letter_retry
SELECT earshot.dead_letter_retry($1::uuid, $2::text);

-- Deadline, then age; nothing else.
-- name: cases
SELECT c.case_id, c.account_id, (ARRAY['open', 'waiting', 'closed'])[c.state],
       coalesce((ARRAY['routine', 'soon', 'immediate'])[c.urgency + 1], c.urgency::text),
       coalesce((ARRAY['unsure', 'complaint', 'question', 'request', 'praise', 'suggestion', 'vent', 'spam', 'other'])[c.intent + 1], c.intent::text),
       c.language, coalesce(c.agent_id, 'team ' || c.team_id), c.respond_by, c.posts, c.opened_at,
       c.customer_id, c.platform, c.team_id, c.agent_id, c.breached, c.last_post_at, c.closed_at,
       CASE WHEN c.state = 3 THEN c.close_code END
  FROM earshot."case" c
 WHERE CASE $1::text WHEN '' THEN c.state <> 3 WHEN 'all' THEN true
                     ELSE c.state = array_position(ARRAY['open', 'waiting', 'closed'], $1::text) END
   AND ($2::text IS NULL OR c.team_id = $2)
   AND ($3::text IS NULL OR c.agent_id = $3)
   AND ($4::text IS NULL OR c.account_id = $4)
 ORDER BY c.respond_by, c.case_id LIMIT $5::bigint;

-- Of a team, an agent and an account those that are not in care.yaml, with up to twelve names that are.
-- Agents who left it are known: they stay as rows.
-- name: unknown_names
SELECT what, name, array_to_string(names[:12], ', '), cardinality(names)::bigint, greatest(cardinality(names) - 12, 0)::bigint
  FROM (VALUES ('team', $1::text, ARRAY(SELECT team_id FROM earshot.team ORDER BY 1)),
               ('agent', $2::text, ARRAY(SELECT agent_id FROM earshot.agent WHERE active ORDER BY 1)),
               ('account', $3::text, ARRAY(SELECT account_id FROM earshot.account ORDER BY 1))) v(what, name, names)
 WHERE name IS NOT NULL AND name <> ALL (names)
   AND NOT EXISTS (SELECT FROM earshot.agent a WHERE what = 'agent' AND a.agent_id = name);

-- Of names and how many lines of a feed were for each, those that are no accounts: lines, names, the first
-- three of them, how many more; and up to twelve accounts that there are. No row where all are. What a
-- terminal would obey is shown as dots: the names are a stranger's.
-- name: lines_elsewhere
SELECT sum(lines)::bigint, count(*)::bigint,
       regexp_replace(array_to_string((array_agg('''' || left(name, 64) || '''' ORDER BY lines DESC, name))[:3], ', '),
                      '[\u0001-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]', '.', 'g'),
       greatest(count(*) - 3, 0)::bigint,
       CASE cardinality(there) WHEN 0 THEN 'none' ELSE array_to_string(there[:12], ', ') END
           || CASE WHEN cardinality(there) > 12 THEN ' and ' || cardinality(there) - 12 || ' more' ELSE '' END,
       cardinality(there) > 1
  FROM unnest($1::text[], $2::bigint[]) u(name, lines), (SELECT ARRAY(SELECT account_id FROM earshot.account ORDER BY 1)) a(there)
 WHERE name <> ALL (there) GROUP BY there;

-- Which cases end in these digits; two are enough to know that they do not name one.
-- name: case_by_suffix
SELECT case_id FROM earshot."case"
 WHERE right(replace(case_id::text, '-', ''), length($1::text)) = $1::text LIMIT 2;

-- name: case_head
SELECT c.case_id, c.account_id, c.platform, (ARRAY['open', 'waiting', 'closed'])[c.state],
       coalesce((ARRAY['routine', 'soon', 'immediate'])[c.urgency + 1], c.urgency::text),
       coalesce((ARRAY['none', 'mild', 'serious', 'extreme'])[c.severity + 1], c.severity::text),
       coalesce((ARRAY['unsure', 'complaint', 'question', 'request', 'praise', 'suggestion', 'vent', 'spam', 'other'])[c.intent + 1], c.intent::text),
       coalesce((ARRAY['unsure', 'delivery', 'billing', 'account', 'fault', 'outage', 'booking', 'refund', 'staff', 'howto', 'feature', 'other'])[c.topic + 1], c.topic::text),
       c.language, c.team_id, c.agent_id, c.direct, c.customer_id,
       coalesce(nullif(i.name, '') || coalesce(' (' || nullif(i.handle, '') || ')', ''), nullif(i.handle, '')),
       c.posts, c.opened_at, c.respond_by, c.respond_by, c.first_responded_at, c.breached, c.clock_no,
       c.last_post_id, c.last_post_at, c.closed_at,
       CASE WHEN c.state = 3 THEN c.close_code END, c.follows
  FROM earshot."case" c LEFT JOIN earshot.identity i USING (customer_id)
 WHERE c.case_id = $1::uuid;

-- Everything that was said and done, by the time at which it was; what a post says now is its last
-- revision.
-- name: case_history
WITH told AS (SELECT DISTINCT post_id, coalesce((detail ->> 'other_customer')::uuid, customer_id) AS author
                FROM earshot.case_events($1::uuid) WHERE post_id IS NOT NULL),
history AS (
    SELECT 0 AS rank, p.created_at AS at, 'post' AS entry, 0 AS seq,
           coalesce(nullif(i.name, '') || coalesce(' (' || nullif(i.handle, '') || ')', ''), nullif(i.handle, ''), 'unknown') AS who,
           CASE WHEN p.body IS NOT NULL THEN coalesce(r.body, p.body) END AS body, p.post_id AS id,
           concat_ws(', ', CASE WHEN p.own THEN 'own' END,
                     CASE WHEN p.visibility = 1 THEN 'direct' END,
                     CASE WHEN r.revised_at IS NOT NULL THEN 'edited' END,
                     CASE WHEN d.deleted_at IS NOT NULL THEN 'deleted by its author' END,
                     CASE WHEN p.body IS NULL THEN 'erased' END) AS what,
           NULL::text AS code, p.url, NULL::jsonb AS detail
      FROM told t JOIN earshot.post p ON p.post_id = t.post_id AND (p.customer_id = t.author OR p.own)
      LEFT JOIN earshot.identity i USING (customer_id)
      LEFT JOIN earshot.tombstone d ON d.self_ref = p.self_ref
      LEFT JOIN LATERAL (SELECT v.body, v.revised_at FROM earshot.post_revision v
                          WHERE v.post_id = p.post_id AND v.customer_id = p.customer_id
                          ORDER BY v.revised_at DESC LIMIT 1) r ON true
    UNION ALL
    SELECT 1, created_at, 'reply', 0, CASE WHEN by_rule THEN 'rule' ELSE agent_id END, body, reply_id,
           coalesce((ARRAY['on its way', 'sent', 'failed', 'unknown'])[state + 1], state::text)
               || CASE WHEN direct THEN ', direct' ELSE '' END
               || coalesce(', visible ' || to_char(visible_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), '')
               || CASE WHEN attempts > 1 THEN ', ' || attempts || ' attempts' ELSE '' END,
           reason, NULL, jsonb_build_object('external_id', external_id, 'visible_at', visible_at, 'attempts', attempts, 'post_id', post_id)
      FROM earshot.reply WHERE case_id = $1::uuid
    UNION ALL
    SELECT 1, at, 'note', 0, agent_id, body, note_id, '', NULL, NULL, NULL
      FROM earshot.note WHERE case_id = $1::uuid
    UNION ALL
    SELECT 2, at, 'event', seq, actor, NULL, coalesce(reply_id, post_id),
           array_to_string(earshot.kind_names(kinds), ', '), code, NULL, detail
      FROM earshot.case_events($1::uuid)
)
SELECT at, entry, who, what, body, code, id, url, seq, detail::text
  FROM history ORDER BY at, rank, seq, id;

-- name: agents
SELECT a.agent_id, a.name, a.team_id, coalesce(p.present, s.agent_id IS NOT NULL) AND a.active,
       CASE WHEN NOT a.active THEN 'left' WHEN p.agent_id IS NOT NULL THEN 'command' ELSE 'shift' END,
       p.since, coalesce(l.open_cases, 0), a.capacity, coalesce(nullif(array_to_string(a.languages, ','), ''), 'any'), l.idle_since,
       s.agent_id IS NOT NULL, p.set_by, a.sign_off
  FROM earshot.agent a
  LEFT JOIN earshot.agent_presence p USING (agent_id)
  LEFT JOIN earshot.agent_load l USING (agent_id)
  LEFT JOIN earshot.agent_on_shift s USING (agent_id)
 WHERE (a.active OR l.open_cases > 0) AND ($1::text IS NULL OR a.team_id = $1)
 ORDER BY a.team_id, a.agent_id;

-- The way of a post, or of all posts and replies of a case: every moment that somebody wrote down.
-- name: trace
WITH told AS (
    SELECT $1::uuid AS post_id
    UNION
    SELECT post_id FROM earshot.case_events($1::uuid) WHERE post_id IS NOT NULL
), posts AS (
    SELECT p.* FROM told JOIN earshot.post p USING (post_id)
), decided AS (
    SELECT t.* FROM told JOIN earshot.verdict t USING (post_id)
), replies AS (
    SELECT r.* FROM earshot.reply r WHERE r.case_id = $1::uuid
    UNION
    SELECT r.* FROM decided d JOIN earshot.reply r ON r.case_id = d.case_id AND r.post_id = d.post_id
     WHERE d.post_id = $1::uuid
), events AS (
    SELECT e.* FROM earshot.case_events($1::uuid) e
    UNION ALL
    SELECT e.* FROM decided d, earshot.case_events(d.case_id) e
     WHERE d.post_id = $1::uuid
       AND (e.post_id = d.post_id OR e.reply_id IN (SELECT reply_id FROM replies))
), steps AS (
    SELECT 0 AS rank, created_at AS at, platform AS service, 'written' AS step, '' AS what, post_id AS id FROM posts
    UNION ALL SELECT 1, received_at, 'ingest', 'received', '', post_id FROM posts
    UNION ALL SELECT 2, stored_at, 'ingest', 'stored', account_id, post_id FROM posts
    UNION ALL SELECT 3, i.received_at, 'ingest', 'waits for triage', CASE WHEN i.tries > 0 THEN i.tries || ' tries lost' ELSE '' END, p.post_id
      FROM posts p JOIN earshot.intake i ON p.post_id = ANY (i.post_ids)
     WHERE NOT EXISTS (SELECT FROM decided d WHERE d.post_id = p.post_id)
    UNION ALL SELECT 4, triaged_at, 'classifier', 'triaged', concat_ws(', ',
           (ARRAY['answer unsure', 'answer needed', 'no answer needed'])[answer + 1],
           coalesce((ARRAY['intent unsure', 'complaint', 'question', 'request', 'praise', 'suggestion', 'vent', 'spam', 'other'])[intent + 1], intent::text),
           language, model), post_id FROM decided
    UNION ALL SELECT 5, decided_at, 'assignment', 'decided', concat_ws(' ',
           coalesce((ARRAY['opened', 'joined', 'reopened', 'none needed', 'own post', 'own post without a case', 'related'])[decision], decision::text),
           'case ' || case_id::text), post_id FROM decided
    UNION ALL SELECT 6, at, 'assignment', array_to_string(earshot.kind_names(kinds), ', '),
           concat_ws(', ', nullif(actor, ''), code), coalesce(reply_id, post_id, case_id) FROM events
    UNION ALL SELECT 8, a.started_at, 'responder', 'attempt ' || a.attempt_no || ' began', a.key, a.reply_id
      FROM replies JOIN earshot.attempt a USING (reply_id)
    UNION ALL SELECT 9, a.ended_at, 'responder', 'attempt ' || a.attempt_no || ' '
               || coalesce((ARRAY['is under way', 'sent', 'failed', 'unknown', 'to be retried'])[a.state], a.state::text),
           concat_ws(', ', a.status::text, nullif(a.reason, ''), a.external_id), a.reply_id
      FROM replies JOIN earshot.attempt a USING (reply_id) WHERE a.ended_at IS NOT NULL
    UNION ALL SELECT 10, visible_at, platform, 'visible', coalesce(external_id, ''), reply_id FROM replies WHERE visible_at IS NOT NULL
    UNION ALL SELECT 11, l.died_at, 'ingest', 'dead letter', l.stage || ': ' || l.reason, l.post_id
      FROM earshot.dead_letter l WHERE l.post_id = $1::uuid
    UNION ALL SELECT 12, l.retried_at, 'ingest', 'dead letter retried', coalesce(l.retried_by, ''), l.post_id
      FROM earshot.dead_letter l WHERE l.post_id = $1::uuid AND l.retried_at IS NOT NULL
)
SELECT at, NULL::bigint, service, step, what, id FROM steps ORDER BY at, rank, id;

-- A correction of what triage said; no row where there is no such post.
-- name: label_put
INSERT INTO earshot.label (post_id, customer_id, head, label, agent_id, model, said)
SELECT p.post_id, p.customer_id, $2::text, $3::text, $4::text, t.model, CASE $2::text
           WHEN 'language' THEN t.language
           WHEN 'needs_answer' THEN (ARRAY['unsure', 'y', 'n'])[t.answer + 1]
           WHEN 'intent' THEN (ARRAY['unsure', 'complaint', 'question', 'request', 'praise', 'suggestion', 'vent', 'spam', 'other'])[t.intent + 1]
           WHEN 'sentiment' THEN (ARRAY['unsure', 'neg', 'neu', 'pos'])[t.sentiment + 1]
           WHEN 'topic' THEN (ARRAY['unsure', 'delivery', 'billing', 'account', 'fault', 'outage', 'booking', 'refund', 'staff', 'howto', 'feature', 'other'])[t.topic + 1]
           WHEN 'urgency' THEN t.urgency::text
           WHEN 'severity' THEN t.severity::text END
  FROM earshot.post p LEFT JOIN earshot.verdict t USING (post_id, customer_id)
 WHERE p.post_id = $1::uuid
RETURNING set_at, post_id, head, label, said, model, agent_id;

-- name: label_heads
SELECT DISTINCT head
  FROM (SELECT DISTINCT ON (post_id, head) head, label FROM earshot.label
         WHERE set_at >= $1::timestamptz ORDER BY post_id, head, set_at DESC) last
 WHERE label <> '-' ORDER BY head;

-- The last correction of each head, with the post as it says now: without those that were erased or
-- that their authors deleted.
-- name: label_page
WITH last AS (
    SELECT DISTINCT ON (post_id, head) post_id, customer_id, head, label, agent_id, set_at
      FROM earshot.label
     WHERE set_at >= $1::timestamptz AND post_id > $2::uuid
     ORDER BY post_id, head, set_at DESC
), labelled AS (
    SELECT post_id, customer_id, jsonb_object_agg(head, label) AS labels,
           string_agg(DISTINCT agent_id, ' ' ORDER BY agent_id) AS who
      FROM last WHERE label <> '-' GROUP BY post_id, customer_id
)
SELECT l.post_id, p.account_id, p.visibility = 1 OR p.entry IN (3, 5), p.reply_ref IS NOT NULL OR p.entry = 2,
       coalesce(r.body, p.body), l.labels::text, l.who
  FROM labelled l JOIN earshot.post p USING (post_id, customer_id)
  LEFT JOIN LATERAL (SELECT v.body FROM earshot.post_revision v
                      WHERE v.post_id = p.post_id AND v.customer_id = p.customer_id
                      ORDER BY v.revised_at DESC LIMIT 1) r ON true
 WHERE p.body IS NOT NULL
   AND NOT EXISTS (SELECT FROM earshot.tombstone d WHERE d.self_ref = p.self_ref)
 ORDER BY l.post_id LIMIT $3::bigint;
