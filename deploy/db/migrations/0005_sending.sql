-- What the responder owns: replies it has taken over, every attempt, and outcomes still to tell.
SET search_path = earshot;

-- A reply that is neither visible nor given up. payload is the packed Reply.
CREATE TABLE sending (
    reply_id    uuid PRIMARY KEY,
    customer_id uuid NOT NULL,
    account_id  text NOT NULL,
    next_at     timestamptz NOT NULL,           -- not before
    tries       integer NOT NULL DEFAULT 0,
    accepted_at timestamptz NOT NULL DEFAULT now(),
    payload     bytea NOT NULL
);
CREATE INDEX sending_by_account ON sending (account_id, next_at, reply_id);
-- A customer's replies leave one after another.
CREATE INDEX sending_by_customer ON sending (account_id, customer_id, reply_id);

-- One try to hand a reply to a platform; committed as `sending` before the first byte goes out.
CREATE TABLE attempt (
    reply_id    uuid NOT NULL,
    attempt_no  integer NOT NULL,
    customer_id uuid NOT NULL,
    epoch       bigint NOT NULL,                -- of the account's sending lease
    key         text NOT NULL,                  -- what the platform dedupes by, or our Message-ID
    state       smallint NOT NULL,              -- 1 sending, 2 sent, 3 failed, 4 unknown, 5 to be retried
    started_at  timestamptz NOT NULL,
    ended_at    timestamptz,
    status      integer,                        -- the platform's
    external_id text,
    reason      text,
    looks       smallint NOT NULL DEFAULT 0,    -- how often it was looked for and not found
    PRIMARY KEY (reply_id, attempt_no, customer_id)
);
CREATE INDEX attempt_open ON attempt (reply_id) WHERE state = 1;

-- Outcomes that assignment has not acknowledged yet: written with the attempt's end.
CREATE TABLE outcome_due (
    reply_id    uuid PRIMARY KEY,
    customer_id uuid NOT NULL,
    payload     bytea NOT NULL,                 -- packed Outcome
    created_at  timestamptz NOT NULL DEFAULT now()
);

-- When an account may send again, as its platform said.
CREATE TABLE account_limit (
    account_id text PRIMARY KEY,
    resume_at  timestamptz NOT NULL,
    reason     text NOT NULL
);

GRANT SELECT, INSERT, UPDATE, DELETE ON sending, outcome_due, account_limit TO earshot_responder;
GRANT SELECT, INSERT, UPDATE ON attempt TO earshot_responder;
GRANT SELECT ON sending, attempt, outcome_due, account_limit TO earshot_operator, earshot_report;
GRANT SELECT ON attempt TO earshot_assignment;
