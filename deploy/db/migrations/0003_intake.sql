-- What ingest owns: posts as they came, who wrote them, and what has not been settled yet.
SET search_path = earshot;

-- Time-ordered key first, customer_id in every key. The timeless partition holds posts whose
-- platform gives no time that the author could not change.
CREATE TABLE post (
    post_id          uuid NOT NULL,
    customer_id      uuid NOT NULL,
    platform         text NOT NULL,
    external_id      text NOT NULL,
    account_id       text NOT NULL,             -- '' when unknown
    created_at       timestamptz NOT NULL,      -- the platform's time, as people see it
    received_at      timestamptz NOT NULL,
    stored_at        timestamptz NOT NULL,      -- when its transaction was sent
    self_ref         uuid NOT NULL,             -- hash of external_id: what an answer points at
    reply_ref        uuid,
    conversation_ref uuid,
    visibility       smallint NOT NULL,         -- proto Visibility
    entry            smallint NOT NULL,         -- proto Entry
    own              boolean NOT NULL,          -- the firm's own
    automated        boolean NOT NULL,
    language_hint    text NOT NULL,
    body             text,                      -- NULL once erased
    url              text,
    thread           text,                      -- JSON for the connector that answers; NULL once erased
    mentions         text[],                    -- further accounts of the firm
    PRIMARY KEY (post_id, customer_id)
) PARTITION BY RANGE (post_id);
CREATE TABLE post_timeless PARTITION OF post
    FOR VALUES FROM ('00000000-0000-0000-0000-000000000000') TO ('00000000-0001-0000-0000-000000000000');

CREATE TABLE identity (
    customer_id uuid PRIMARY KEY,
    platform    text NOT NULL,
    author_id   text,                           -- NULL once erased, as are handle and name
    handle      text,
    name        text,
    first_seen  timestamptz NOT NULL,
    changed_at  timestamptz NOT NULL
);

-- Followers and the like: at most one row an author and day. Reports only.
CREATE TABLE reach (
    customer_id uuid NOT NULL,
    day         date NOT NULL,
    followers   bigint,
    verified    boolean,
    PRIMARY KEY (customer_id, day)
);

CREATE TABLE post_revision (
    post_id     uuid NOT NULL,
    customer_id uuid NOT NULL,
    revised_at  timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    body        text,
    PRIMARY KEY (post_id, revised_at, customer_id)
);

-- A deletion by the platform's author; it may come before its post. Keyed by the hash of platform
-- and external id.
CREATE TABLE tombstone (
    self_ref    uuid PRIMARY KEY,
    platform    text NOT NULL,
    deleted_at  timestamptz NOT NULL,
    received_at timestamptz NOT NULL
);

-- One row a commit: the ids that it newly inserted and that are not all settled yet. What recovery
-- and the backlog beyond credit read; never posts themselves.
CREATE TABLE intake (
    intake_id   uuid PRIMARY KEY,               -- UUIDv7: oldest first
    lane        smallint NOT NULL,              -- 0 live, 1 back-fill
    received_at timestamptz NOT NULL,
    owner       uuid NOT NULL,                  -- instance; its lease is 'intake/<owner>'
    epoch       bigint NOT NULL,
    tries       smallint NOT NULL DEFAULT 0,    -- re-offers after an ungraceful loss
    trace       text NOT NULL,
    post_ids    uuid[] NOT NULL
);
CREATE INDEX intake_by_lane ON intake (lane, intake_id);

CREATE TABLE dead_letter (
    dead_letter_id uuid PRIMARY KEY,
    post_id        uuid NOT NULL,
    customer_id    uuid NOT NULL,
    lane           smallint NOT NULL,
    stage          text NOT NULL,
    reason         text NOT NULL,
    tries          smallint NOT NULL,
    died_at        timestamptz NOT NULL DEFAULT now(),
    retried_at     timestamptz,
    retried_by     text
);
CREATE INDEX dead_letter_waiting ON dead_letter (dead_letter_id) WHERE retried_at IS NULL;

-- Where a connector is on its account. Moves in the transaction of its posts and only under the
-- own lease epoch.
CREATE TABLE cursor (
    account_id text NOT NULL,
    stream     text NOT NULL,
    position   text NOT NULL,
    epoch      bigint NOT NULL,
    moved_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, stream)
);

-- Logins that a platform limits: kept over restarts, one a half of an account ('ingest', 'send').
CREATE TABLE session (
    account_id text NOT NULL,
    half       text NOT NULL,
    state      text NOT NULL,                   -- secret
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, half)
);

-- First answers to signed webhooks, so that a repeat of the id gets the same.
CREATE TABLE webhook_receipt (
    account_id  text NOT NULL,
    webhook_id  text NOT NULL,
    body_sha256 bytea NOT NULL,
    answer      text NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, webhook_id)
);
CREATE INDEX webhook_receipt_age ON webhook_receipt (received_at);

GRANT SELECT, INSERT, UPDATE ON post, identity TO earshot_ingest;
GRANT INSERT ON reach TO earshot_ingest;
GRANT SELECT (customer_id, day) ON reach TO earshot_ingest;
GRANT SELECT, INSERT ON post_revision, tombstone TO earshot_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON intake, cursor, webhook_receipt TO earshot_ingest;
GRANT SELECT, INSERT, UPDATE ON dead_letter TO earshot_ingest;
GRANT SELECT, INSERT, UPDATE ON session TO earshot_ingest, earshot_responder;
-- Each half sees its own logins only.
ALTER TABLE session ENABLE ROW LEVEL SECURITY;
CREATE POLICY session_of_ingest ON session TO earshot_ingest USING (half = 'ingest');
CREATE POLICY session_of_responder ON session TO earshot_responder USING (half = 'send');

GRANT SELECT ON post, tombstone TO earshot_assignment;
-- Where an answer goes, not what the customer wrote.
GRANT SELECT (post_id, customer_id, platform, external_id, account_id, self_ref, conversation_ref, thread)
    ON post TO earshot_responder;
GRANT SELECT ON identity TO earshot_responder;
GRANT SELECT ON post, identity, post_revision, tombstone, intake, dead_letter, cursor
    TO earshot_operator, earshot_report;
GRANT SELECT ON reach TO earshot_report;

-- Puts a dead letter back on its lane. The operator may call it, not write the tables.
CREATE FUNCTION dead_letter_retry(letter uuid, by_whom text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = earshot, pg_temp AS $$
DECLARE d dead_letter;
BEGIN
    UPDATE dead_letter SET retried_at = now(), retried_by = by_whom
     WHERE dead_letter_id = letter AND retried_at IS NULL RETURNING * INTO d;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO intake (intake_id, lane, received_at, owner, epoch, tries, trace, post_ids)
    VALUES (gen_random_uuid(), d.lane, now(), '00000000-0000-0000-0000-000000000000', 0, 0, '', ARRAY[d.post_id]);
    PERFORM pg_notify('earshot_intake', '');
    RETURN true;
END $$;
REVOKE ALL ON FUNCTION dead_letter_retry(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION dead_letter_retry(uuid, text) TO earshot_operator;
