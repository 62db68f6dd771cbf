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
                              ORDER BY weekdays, from_time)
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
