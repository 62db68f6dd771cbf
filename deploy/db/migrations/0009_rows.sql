-- What a statement that writes many rows is given: one array of rows instead of one array a column,
-- which would cost the server a fifth of what storing them does. Types of their own, since those of
-- the tables change with every column that a migration adds: then a replica of the version before
-- could not write any more.
SET search_path = earshot;

CREATE TYPE post_row AS (
    post_id          uuid,
    customer_id      uuid,
    platform         text,
    external_id      text,
    account_id       text,
    created_at       timestamptz,
    received_at      timestamptz,
    self_ref         uuid,
    reply_ref        uuid,
    conversation_ref uuid,
    visibility       smallint,
    entry            smallint,
    own              boolean,
    automated        boolean,
    language_hint    text,
    body             text,
    url              text,
    thread           text,
    mentions         text               -- one a line
);

CREATE TYPE triage_row AS (
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
    triaged_at  timestamptz
);

CREATE TYPE case_row AS (
    case_id            uuid,
    customer_id        uuid,
    account_id         text,
    platform           text,
    team_id            text,
    agent_id           text,
    last_agent_id      text,
    state              smallint,
    close_code         text,
    direct             boolean,
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
    heard_at           timestamptz,
    changed_at         timestamptz,
    clock_no           integer,
    respond_by         timestamptz,
    first_responded_at timestamptz,
    breached           boolean,
    closed_at          timestamptz,
    follows            uuid
);

CREATE TYPE event_row AS (
    case_id     uuid,
    seq         integer,
    customer_id uuid,
    at          timestamptz,
    kinds       bigint,
    actor       text,
    post_id     uuid,
    reply_id    uuid,
    code        text,
    detail      text                    -- JSON
);

CREATE TYPE timer_row AS (
    bucket      smallint,
    due_at      timestamptz,
    case_id     uuid,
    customer_id uuid,
    kind        smallint,
    clock_no    integer
);

-- A case changes with every post that joins it: room on its page for the next version keeps the
-- change from touching every index.
ALTER TABLE "case" SET (fillfactor = 75);
