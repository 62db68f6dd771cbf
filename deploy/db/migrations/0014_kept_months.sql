-- A month is there when its partitions are, whatever they are called: a table that was detached and kept,
-- to be archived, stood for the month by its name alone, and the month's posts were refused. Its name
-- stays taken, so that the month's next partition gets another: whoever goes on to drop the detached
-- table by its name must not hit the new one.
SET search_path = earshot;

-- Which of the tables that are partitioned by time have no partition with these bounds.
CREATE FUNCTION month_lacks(lower uuid, upper uuid) RETURNS text[]
LANGUAGE sql STABLE SET search_path = earshot, pg_temp AS $$
    SELECT array_agg(parent) FROM unnest(ARRAY['event', 'triage', 'post']) parent
     WHERE NOT EXISTS (SELECT FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                        WHERE i.inhparent = parent::regclass AND NOT i.inhdetachpending
                          AND pg_get_expr(c.relpartbound, c.oid) = format('FOR VALUES FROM (%L) TO (%L)', lower, upper))
$$;
REVOKE ALL ON FUNCTION month_lacks(uuid, uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ensure_month(at timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = earshot, pg_temp AS $$
DECLARE
    month timestamptz := date_trunc('month', at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
    after timestamptz := (date_trunc('month', at AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC';
    name text := to_char(at AT TIME ZONE 'UTC', '"y"YYYY"m"MM');
    parent text;
    free text;
BEGIN
    IF at < timestamptz '2000-01-01 00:00Z' OR at > now() + interval '400 days' THEN
        RAISE EXCEPTION 'no partition for %: outside 2000 … now + 400 days', at USING ERRCODE = '22008';
    END IF;
    IF month_lacks(id_floor(month), id_floor(after)) IS NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('earshot.ensure_month'));
    -- Somebody else may have made them while we waited.
    FOREACH parent IN ARRAY coalesce(month_lacks(id_floor(month), id_floor(after)), '{}') LOOP
        free := parent || '_' || name;
        FOR n IN 2 .. 1000 LOOP
            EXIT WHEN to_regclass('earshot.' || free) IS NULL;
            free := parent || '_' || name || '_' || n;
        END LOOP;
        EXECUTE format('CREATE TABLE earshot.%I (LIKE earshot.%I INCLUDING ALL EXCLUDING INDEXES)', free, parent);
        EXECUTE format('ALTER TABLE earshot.%I ATTACH PARTITION earshot.%I FOR VALUES FROM (%L) TO (%L)',
                       parent, free, id_floor(month), id_floor(after));
    END LOOP;
END $$;
