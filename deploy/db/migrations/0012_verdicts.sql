-- A row of triage says nothing that stands elsewhere: half of what a post writes to the log is this row.
-- Everything is added or loosened: replicas of the release before go on beside newer ones.
SET search_path = earshot;

-- Models by number, since the name would be in every row of what it decided.
CREATE TABLE model (
    model_no smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name     text NOT NULL UNIQUE
);
GRANT SELECT, INSERT ON model TO earshot_assignment;
GRANT SELECT ON model TO earshot_operator, earshot_report;

ALTER TABLE triage
    ALTER COLUMN received_at DROP NOT NULL,     -- NULL: as the post's own row has it
    ALTER COLUMN stored_at DROP NOT NULL,
    ALTER COLUMN model DROP NOT NULL,           -- NULL: it is model_no
    ADD COLUMN model_no smallint,
    ADD COLUMN reasons text,                    -- what was why, with U+001F between them: an array takes twice the room
    -- Of the line of history, where it has no other detail than what nearly each has:
    ADD COLUMN team_id    text,
    ADD COLUMN agent_id   text,
    ADD COLUMN clock_no   integer,
    ADD COLUMN respond_by timestamptz;

-- What the line of an opening (1) or joining post (2) says nearly always is not written down: kinds is
-- NULL then.
CREATE FUNCTION line_kinds(kinds bigint, decision smallint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(kinds, CASE decision WHEN 1 THEN 16395 WHEN 2 THEN 5 END)
$$;
CREATE FUNCTION line_detail(detail jsonb, team_id text, agent_id text, clock_no integer, respond_by timestamptz)
RETURNS jsonb LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(detail, nullif(jsonb_strip_nulls(jsonb_build_object(
        'team', team_id, 'agent', agent_id, 'clock_no', clock_no, 'respond_by',
        to_char(respond_by AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))), '{}'))
$$;

-- As in migration 0011, with both.
CREATE OR REPLACE VIEW history AS
    SELECT case_id, seq, customer_id, at, kinds, actor, post_id, reply_id, code, detail FROM event
    UNION ALL
    SELECT case_id, seq, customer_id, decided_at, line_kinds(kinds, decision), '', post_id, NULL, code,
           line_detail(detail, team_id, agent_id, clock_no, respond_by) FROM triage
     WHERE seq IS NOT NULL;

CREATE OR REPLACE FUNCTION case_events(which uuid) RETURNS SETOF history
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = earshot, pg_temp AS $$
    WITH RECURSIVE line AS (
        SELECT t.* FROM "case" c, LATERAL (SELECT * FROM triage WHERE post_id = c.tail_post_id LIMIT 1) t
         WHERE c.case_id = which
        UNION ALL
        SELECT t.* FROM line, LATERAL (SELECT * FROM triage WHERE post_id = line.before LIMIT 1) t)
    SELECT case_id, seq, customer_id, at, kinds, actor, post_id, reply_id, code, detail
      FROM event WHERE case_id = which
    UNION ALL
    SELECT case_id, seq, customer_id, decided_at, line_kinds(kinds, decision), '', post_id, NULL, code,
           line_detail(detail, team_id, agent_id, clock_no, respond_by) FROM line
$$;

-- Rows of triage as people read them, whichever release wrote them.
CREATE VIEW verdict AS
    SELECT t.post_id, t.customer_id, t.case_id, t.decision, t.language, t.answer, t.intent, t.sentiment, t.topic,
           t.urgency, t.severity, t.certainty, t.unsure,
           coalesce(t.model, (SELECT m.name FROM model m WHERE m.model_no = t.model_no)) AS model,
           coalesce(t.why, string_to_array(t.reasons, E'\x1f')) AS why,
           coalesce(t.received_at, p.received_at) AS received_at, coalesce(t.stored_at, p.stored_at) AS stored_at,
           t.triaged_at, t.decided_at, t.seq, CASE WHEN t.seq IS NOT NULL THEN line_kinds(t.kinds, t.decision) END AS kinds,
           t.code, line_detail(t.detail, t.team_id, t.agent_id, t.clock_no, t.respond_by) AS detail, t.before
      FROM triage t LEFT JOIN post p USING (post_id, customer_id);
GRANT SELECT ON verdict TO earshot_operator, earshot_report;
