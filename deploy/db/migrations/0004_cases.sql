-- What assignment owns: triage, cases, their history, their clocks, and replies until they are out.
SET search_path = earshot;

-- One row a post, once: the arbiter of what is new. It records the decision too, so that a post
-- without a case is a decision and not a gap, and the time of every hop.
CREATE TABLE triage (
    post_id     uuid NOT NULL,
    customer_id uuid NOT NULL,
    case_id     uuid,                           -- NULL: no case
    decision    smallint NOT NULL,              -- 1 opened, 2 joined, 3 reopened, 4 none needed, 5 own post, 6 own post without a case, 7 related
    language    text NOT NULL,
    answer      smallint NOT NULL,              -- proto Answer, and so on
    intent      smallint NOT NULL,
    sentiment   smallint NOT NULL,
    topic       smallint NOT NULL,
    urgency     smallint NOT NULL,
    severity    smallint NOT NULL,
    certainty   real NOT NULL,                  -- least probability of the heads that decided
    unsure      smallint NOT NULL,              -- bit a head: 1 answer 2 intent 4 sentiment 8 topic 16 urgency 32 severity 64 language
    model       text NOT NULL,
    why         text[],
    received_at timestamptz NOT NULL,
    stored_at   timestamptz NOT NULL,
    triaged_at  timestamptz NOT NULL,
    decided_at  timestamptz NOT NULL,
    PRIMARY KEY (post_id, customer_id)
) PARTITION BY RANGE (post_id);
CREATE TABLE triage_timeless PARTITION OF triage
    FOR VALUES FROM ('00000000-0000-0000-0000-000000000000') TO ('00000000-0001-0000-0000-000000000000');

CREATE TABLE "case" (
    case_id             uuid NOT NULL,
    customer_id         uuid NOT NULL,
    account_id          text NOT NULL,
    platform            text NOT NULL,
    team_id             text NOT NULL,          -- the queue it is in while agent_id is NULL
    agent_id            text,
    last_agent_id       text,                   -- who had it last: affinity
    state               smallint NOT NULL,      -- 1 open (the firm owes), 2 waiting (the customer owes), 3 closed
    close_code          text,
    direct              boolean NOT NULL,       -- began in private
    language            text NOT NULL,
    intent              smallint NOT NULL,
    topic               smallint NOT NULL,
    urgency             smallint NOT NULL,
    severity            smallint NOT NULL,
    seq                 integer NOT NULL,       -- of its last event
    posts               integer NOT NULL,
    last_post_id        uuid NOT NULL,          -- the customer's, by platform time: what a reply answers
    last_post_at        timestamptz NOT NULL,
    opened_at           timestamptz NOT NULL,
    heard_at            timestamptz NOT NULL,   -- received_at of the first post
    changed_at          timestamptz NOT NULL,
    clock_no            integer NOT NULL,       -- of the first-response clock; a reopening starts the next
    respond_by          timestamptz,            -- deadline while the clock runs, NULL when it does not
    first_responded_at  timestamptz,            -- when the customer could first see an answer by a person
    breached            boolean NOT NULL DEFAULT false,
    closed_at           timestamptz,
    follows             uuid,                   -- the customer's earlier case on the account
    PRIMARY KEY (case_id, customer_id)
);
-- The lock against double cases, and the way from a customer to cases.
CREATE UNIQUE INDEX case_one_open ON "case" (customer_id, account_id) WHERE state <> 3;
CREATE INDEX case_by_customer ON "case" (customer_id, case_id);
-- The queue: by deadline, then age; nothing else.
CREATE INDEX case_queue ON "case" (team_id, respond_by, case_id) WHERE agent_id IS NULL AND state <> 3;

-- History. kinds is a set of bits (see event_kind); texts live elsewhere and can be erased.
CREATE TABLE event (
    case_id     uuid NOT NULL,
    seq         integer NOT NULL,
    customer_id uuid NOT NULL,
    at          timestamptz NOT NULL,
    kinds       bigint NOT NULL,
    actor       text NOT NULL,                  -- agent id, 'rule', 'operator', 'responder', 'timer', '' for the system
    post_id     uuid,
    reply_id    uuid,
    code        text,                           -- reason or outcome
    detail      jsonb,                          -- ids, codes and times only
    PRIMARY KEY (case_id, seq, customer_id)
) PARTITION BY RANGE (case_id);

CREATE TABLE event_kind (
    bit  smallint PRIMARY KEY,
    name text NOT NULL UNIQUE,
    about text NOT NULL
);
INSERT INTO event_kind VALUES
    (0,  'classified', 'the post was triaged'),
    (1,  'cased',      'a case was opened for the post'),
    (2,  'joined',     'the post joined the case'),
    (3,  'assigned',   'the case was given to an agent'),
    (4,  'queued',     'the case went to a team''s queue'),
    (5,  'reopened',   'the case was opened again'),
    (6,  'own_post',   'the firm''s own post joined the case'),
    (7,  'related',    'another person''s post in the thread was noted'),
    (8,  'reply_written', 'an agent or a rule wrote a reply'),
    (9,  'reply_sent', 'the customer can see the reply'),
    (10, 'reply_failed', 'the reply could not be sent'),
    (11, 'reply_unknown', 'it cannot be known whether the reply is visible'),
    (12, 'noted',      'an agent wrote a note'),
    (13, 'resolved',   'the case was closed'),
    (14, 'clock_started', 'the first-response clock runs'),
    (15, 'clock_stopped', 'the customer was answered by a person'),
    (16, 'clock_warned', 'the deadline is near'),
    (17, 'clock_breached', 'the deadline has passed'),
    (18, 'mentioned',  'a further account was named in the post'),
    (19, 'retriaged',  'urgency or language of the case changed by a later post');
CREATE FUNCTION kind_names(kinds bigint) RETURNS text[]
LANGUAGE sql STABLE STRICT AS $$
    SELECT coalesce(array_agg(name ORDER BY bit), '{}') FROM earshot.event_kind WHERE (kinds >> bit) & 1 = 1
$$;

CREATE TABLE note (
    note_id     uuid NOT NULL,
    customer_id uuid NOT NULL,
    case_id     uuid NOT NULL,
    agent_id    text NOT NULL,
    at          timestamptz NOT NULL,
    body        text,
    PRIMARY KEY (case_id, note_id, customer_id)
);

CREATE TABLE mention (
    post_id     uuid NOT NULL,
    customer_id uuid NOT NULL,
    account_id  text NOT NULL,
    PRIMARY KEY (post_id, customer_id, account_id)
);

-- Where an answer belongs: own replies and conversations.
CREATE TABLE link (
    ref         uuid PRIMARY KEY,
    customer_id uuid NOT NULL,
    case_id     uuid NOT NULL
);

CREATE TABLE timer (
    bucket      smallint NOT NULL,              -- 0 … 15, by hash of the case
    due_at      timestamptz NOT NULL,
    case_id     uuid NOT NULL,
    customer_id uuid NOT NULL,
    kind        smallint NOT NULL,              -- 1 warn, 2 breach of the first response
    clock_no    integer NOT NULL,
    PRIMARY KEY (case_id, kind, clock_no)
);
CREATE INDEX timer_due ON timer (bucket, due_at, case_id);

CREATE TABLE agent_presence (
    agent_id text PRIMARY KEY,
    present  boolean NOT NULL,                  -- set by command; overrides the shift
    since    timestamptz NOT NULL,
    set_by   text NOT NULL
);

CREATE TABLE agent_load (
    agent_id    text PRIMARY KEY,
    open_cases  integer NOT NULL,
    idle_since  timestamptz NOT NULL            -- when a case was last given: longest idle first
);

CREATE TABLE command (
    command_id uuid PRIMARY KEY,
    at         timestamptz NOT NULL,
    actor      text NOT NULL,
    kind       text NOT NULL,
    case_id    uuid,
    result     bytea NOT NULL                   -- packed CommandResult
);
CREATE INDEX command_age ON command (at);

CREATE TABLE reply (
    reply_id    uuid NOT NULL,
    customer_id uuid NOT NULL,
    case_id     uuid NOT NULL,
    account_id  text NOT NULL,
    platform    text NOT NULL,
    post_id     uuid NOT NULL,                  -- the post it answers
    agent_id    text NOT NULL,                  -- '' for a rule
    by_rule     boolean NOT NULL,
    direct      boolean NOT NULL,
    body        text,                           -- NULL once erased
    sign_off    text NOT NULL,
    created_at  timestamptz NOT NULL,
    state       smallint NOT NULL DEFAULT 0,    -- 0 on its way, then proto OutcomeState
    external_id text,
    external_ref uuid,
    visible_at  timestamptz,
    reason      text,
    attempts    integer,
    PRIMARY KEY (reply_id, customer_id)
);
CREATE INDEX reply_by_case ON reply (case_id, reply_id);

-- Replies that no responder has taken over yet: written with the reply, deleted when settled.
CREATE TABLE reply_due (
    reply_id    uuid PRIMARY KEY,
    customer_id uuid NOT NULL,
    account_id  text NOT NULL
);

GRANT SELECT, INSERT ON triage, event, note, mention TO earshot_assignment;
GRANT SELECT, INSERT, UPDATE ON "case", reply, agent_presence, agent_load, command, link TO earshot_assignment;
GRANT DELETE ON command, agent_presence TO earshot_assignment;
GRANT SELECT, INSERT, UPDATE, DELETE ON timer, reply_due TO earshot_assignment;
GRANT SELECT ON event_kind TO earshot_assignment, earshot_responder, earshot_operator, earshot_report;
GRANT SELECT ON reply TO earshot_responder;
GRANT SELECT ON triage, "case", event, note, mention, link, timer, agent_presence, agent_load, command, reply, reply_due
    TO earshot_operator, earshot_report;

-- Who can take a case now: on shift, unless a command said otherwise.
CREATE VIEW agent_present AS
    SELECT a.agent_id, a.team_id, a.capacity, a.languages, a.sign_off,
           coalesce(l.open_cases, 0) AS open_cases,
           coalesce(l.idle_since, 'epoch'::timestamptz) AS idle_since
      FROM agent a
      LEFT JOIN agent_load l USING (agent_id)
      LEFT JOIN agent_presence p USING (agent_id)
     WHERE a.active AND coalesce(p.present, EXISTS (SELECT FROM agent_on_shift s WHERE s.agent_id = a.agent_id));
GRANT SELECT ON agent_present TO earshot_assignment, earshot_operator, earshot_report;
