-- Fewer rows and trees for a post, since these are what it costs. Everything is added or loosened:
-- replicas of the release before go on beside newer ones.
SET search_path = earshot;

-- A post that opens, joins or reopens a case is a line of the case's history, and has a row of triage
-- of its own: it is one row now. Lines that are no such post, and those of earlier releases, stand in
-- event. before leads to the case's line before this one that stands here, case.tail_post_id to the
-- last: so no tree is needed to find them.
ALTER TABLE triage
    ADD COLUMN seq    integer,                  -- NULL: its line, if it has one, stands in event
    ADD COLUMN kinds  bigint,
    ADD COLUMN code   text,
    ADD COLUMN detail jsonb,
    ADD COLUMN before uuid;
ALTER TABLE "case" ADD COLUMN tail_post_id uuid;

-- The whole history. By case it is read through case_events.
CREATE VIEW history AS
    SELECT case_id, seq, customer_id, at, kinds, actor, post_id, reply_id, code, detail FROM event
    UNION ALL
    SELECT case_id, seq, customer_id, decided_at, kinds, '', post_id, NULL, code, detail FROM triage
     WHERE seq IS NOT NULL;
GRANT SELECT ON history TO earshot_assignment, earshot_responder, earshot_operator, earshot_report;

-- The history of a case, a probe a line.
CREATE FUNCTION case_events(which uuid) RETURNS SETOF history
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = earshot, pg_temp AS $$
    WITH RECURSIVE line AS (
        SELECT t.* FROM "case" c, LATERAL (SELECT * FROM triage WHERE post_id = c.tail_post_id LIMIT 1) t
         WHERE c.case_id = which
        UNION ALL
        SELECT t.* FROM line, LATERAL (SELECT * FROM triage WHERE post_id = line.before LIMIT 1) t)
    SELECT case_id, seq, customer_id, at, kinds, actor, post_id, reply_id, code, detail
      FROM event WHERE case_id = which
    UNION ALL
    SELECT case_id, seq, customer_id, decided_at, kinds, '', post_id, NULL, code, detail FROM line
$$;

-- Open cases of a customer are found through case_one_open.
CREATE INDEX case_closed ON "case" (customer_id, case_id) WHERE state = 3;
DROP INDEX case_by_customer;

-- One row a clock: the breach follows when the warning has fired.
ALTER TABLE timer ADD COLUMN then_at timestamptz; -- of a warning: when the breach is due; NULL: none, or a row of its own

-- What waits long enough is read by nobody but the broom.
DROP INDEX webhook_receipt_age;
CREATE INDEX webhook_receipt_age ON webhook_receipt USING brin (received_at);

-- Chance cannot be compressed.
ALTER TABLE intake ALTER COLUMN post_ids SET STORAGE EXTERNAL;

-- Types of rows as in migration 0009.
CREATE TYPE verdict_row AS (
    post_id     uuid,
    customer_id uuid,
    case_id     uuid,
    decision    smallint,
    language    text,
    answer      smallint,
    intent      smallint,
    sentiment   smallint,
    topic       smallint,
    urgency     smallint,
    severity    smallint,
    certainty   real,
    unsure      smallint,
    model       text,
    why         text,                   -- separated by U+001F
    received_at timestamptz,
    stored_at   timestamptz,
    triaged_at  timestamptz,
    seq         integer,
    kinds       bigint,
    code        text,
    detail      text,                   -- JSON
    before      uuid
);

CREATE TYPE opened_row AS (
    case_id            uuid,
    customer_id        uuid,
    account_id         text,
    platform           text,
    direct             boolean,
    heard_at           timestamptz,
    follows            uuid,
    team_id            text,
    agent_id           text,
    last_agent_id      text,
    state              smallint,
    close_code         text,
    language           text,
    intent             smallint,
    topic              smallint,
    urgency            smallint,
    severity           smallint,
    seq                integer,
    posts              integer,
    last_post_id       uuid,
    last_post_at       timestamptz,
    opened_at          timestamptz,
    changed_at         timestamptz,
    clock_no           integer,
    respond_by         timestamptz,
    first_responded_at timestamptz,
    breached           boolean,
    closed_at          timestamptz,
    tail_post_id       uuid
);

CREATE TYPE changed_row AS (
    place              tid,             -- of the version that was read under the customer's lock
    case_id            uuid,
    team_id            text,
    agent_id           text,
    last_agent_id      text,
    state              smallint,
    close_code         text,
    language           text,
    intent             smallint,
    topic              smallint,
    urgency            smallint,
    severity           smallint,
    seq                integer,
    posts              integer,
    last_post_id       uuid,
    last_post_at       timestamptz,
    opened_at          timestamptz,
    changed_at         timestamptz,
    clock_no           integer,
    respond_by         timestamptz,
    first_responded_at timestamptz,
    breached           boolean,
    closed_at          timestamptz,
    tail_post_id       uuid
);

CREATE TYPE clock_row AS (
    bucket      smallint,
    due_at      timestamptz,
    case_id     uuid,
    customer_id uuid,
    kind        smallint,
    clock_no    integer,
    then_at     timestamptz
);
