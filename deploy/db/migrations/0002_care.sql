-- What the firm decides: accounts, teams, agents, shifts, policies. Written by `earshotctl apply`
-- only, as one transaction that ends in NOTIFY earshot_care.
SET search_path = earshot;

CREATE TABLE team (
    team_id    text PRIMARY KEY,
    name       text NOT NULL,
    languages  text[] NOT NULL DEFAULT '{}', -- empty: every language
    topics     text[] NOT NULL DEFAULT '{}', -- empty: every topic
    is_default boolean NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX team_one_default ON team (is_default) WHERE is_default;

CREATE TABLE account (
    account_id text PRIMARY KEY,              -- the key that posts name, "@firm"
    platform   text NOT NULL,
    author_id  text NOT NULL DEFAULT '',      -- the firm's own identity there: its posts are `own`
    team_id    text NOT NULL REFERENCES team, -- who takes what nobody is more apt for
    settings   jsonb NOT NULL DEFAULT '{}',   -- of the connectors: URLs, poll interval; no secrets
    secrets    text[] NOT NULL DEFAULT '{}',  -- names of files in EAR_SECRETS_DIR; the first signs
    enabled    boolean NOT NULL DEFAULT true
);

CREATE TABLE agent (
    agent_id  text PRIMARY KEY,
    name      text NOT NULL,
    team_id   text NOT NULL REFERENCES team,
    capacity  integer NOT NULL CHECK (capacity BETWEEN 0 AND 10000),
    sign_off  text NOT NULL DEFAULT '',
    languages text[] NOT NULL DEFAULT '{}',   -- empty: every language
    active    boolean NOT NULL DEFAULT true
);

-- When an agent works, in the local time of a zone. to_time '24:00' ends at midnight.
CREATE TABLE shift (
    agent_id  text NOT NULL REFERENCES agent ON DELETE CASCADE,
    weekdays  smallint[] NOT NULL,            -- ISO: 1 Monday … 7 Sunday
    from_time time NOT NULL,
    to_time   time NOT NULL CHECK (to_time > from_time),
    time_zone text NOT NULL
);

-- The SLA of a team, a platform or both; NULL matches any. The most exact row wins.
CREATE TABLE policy (
    policy_id         text PRIMARY KEY,
    team_id           text REFERENCES team,
    platform          text,
    first_response_s  integer NOT NULL DEFAULT 900 CHECK (first_response_s > 0),
    warn_before_s     integer NOT NULL DEFAULT 300 CHECK (warn_before_s >= 0),
    reopen_within_s   integer NOT NULL DEFAULT 604800 CHECK (reopen_within_s >= 0)
);

CREATE TABLE care_version (
    version    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    firm       text NOT NULL,
    sha256     bytea NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    applied_by text NOT NULL
);

-- Who is on shift now by care.yaml alone.
CREATE VIEW agent_on_shift AS
    SELECT DISTINCT s.agent_id
      FROM shift s, LATERAL (SELECT now() AT TIME ZONE s.time_zone AS at) l
     WHERE extract(isodow FROM l.at)::smallint = ANY (s.weekdays)
       AND l.at::time >= s.from_time AND l.at::time < s.to_time;

GRANT SELECT ON team, account, agent, shift, policy, care_version, agent_on_shift
    TO earshot_ingest, earshot_assignment, earshot_responder, earshot_report;
GRANT SELECT, INSERT, UPDATE, DELETE ON team, account, agent, shift, policy TO earshot_operator;
GRANT SELECT, INSERT ON care_version TO earshot_operator;
GRANT SELECT ON agent_on_shift TO earshot_operator;
