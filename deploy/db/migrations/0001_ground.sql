-- The ground: schema, roles, the id key, months.
--
-- One role a service, each with the least rights; every table is owned by the role that migrates.
-- Roles belong to the cluster, so they may exist already. Their passwords are set by
-- `earshotctl migrate --role-secrets DIR`, never here.
CREATE SCHEMA IF NOT EXISTS earshot;

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['earshot_ingest', 'earshot_assignment', 'earshot_responder',
                                'earshot_operator', 'earshot_report'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I LOGIN', name);
        END IF;
        EXECUTE format('ALTER ROLE %I IN DATABASE %I SET search_path = earshot', name, current_database());
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), name);
    END LOOP;
END $$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA earshot
    TO earshot_ingest, earshot_assignment, earshot_responder, earshot_operator, earshot_report;
SET search_path = earshot;

CREATE TABLE IF NOT EXISTS migration (
    version    integer PRIMARY KEY,
    name       text NOT NULL,
    sha256     bytea NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT ON migration
    TO earshot_ingest, earshot_assignment, earshot_responder, earshot_operator, earshot_report;

-- The key that ids are hashed with: one row, made once, never changed, part of every backup.
CREATE TABLE id_key (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    key      bytea NOT NULL CHECK (length(key) = 32),
    made_at  timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT ON id_key TO earshot_ingest, earshot_responder;

-- Leases with epochs: whose turn it is. until_at is database time. A new owner raises the epoch;
-- whatever was written under an older one is refused.
CREATE TABLE lease (
    name     text PRIMARY KEY,
    owner    uuid NOT NULL,
    epoch    bigint NOT NULL,
    until_at timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON lease TO earshot_ingest, earshot_assignment, earshot_responder;
GRANT SELECT ON lease TO earshot_operator, earshot_report;

-- Lower end, as a UUID, of everything made at or after a moment: the bounds of monthly partitions.
CREATE FUNCTION id_floor(at timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT encode(substring(int8send((extract(epoch FROM at) * 1000)::bigint) FROM 3) || '\x00000000000000000000'::bytea, 'hex')::uuid
$$;

-- Makes the partitions of the month that holds `at`, for every table that is partitioned by time
-- of id. Idempotent; concurrent callers wait for one another. Runs with the owner's rights, so
-- that services need none to create.
CREATE FUNCTION ensure_month(at timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = earshot, pg_temp AS $$
DECLARE
    month timestamptz := date_trunc('month', at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
    after timestamptz := (date_trunc('month', at AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC';
    suffix text := to_char(at AT TIME ZONE 'UTC', '"y"YYYY"m"MM');
    parent text;
BEGIN
    IF at < timestamptz '2000-01-01 00:00Z' OR at > now() + interval '400 days' THEN
        RAISE EXCEPTION 'no partition for %: outside 2000 … now + 400 days', at USING ERRCODE = '22008';
    END IF;
    IF to_regclass('earshot.post_' || suffix) IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('earshot.ensure_month'));
    FOREACH parent IN ARRAY ARRAY['event', 'triage', 'post'] LOOP
        EXECUTE format('CREATE TABLE IF NOT EXISTS earshot.%I PARTITION OF earshot.%I FOR VALUES FROM (%L) TO (%L)',
                       parent || '_' || suffix, parent, id_floor(month), id_floor(after));
    END LOOP;
END $$;
REVOKE ALL ON FUNCTION ensure_month(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ensure_month(timestamptz)
    TO earshot_ingest, earshot_assignment, earshot_operator;
