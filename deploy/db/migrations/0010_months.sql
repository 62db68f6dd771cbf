-- Months are attached, not created in place: CREATE TABLE … PARTITION OF locks out whoever reads or
-- writes any month, and deadlocks with a transaction that writes to two of the tables. An empty table
-- that is attached stands in nobody's way.
SET search_path = earshot;

CREATE OR REPLACE FUNCTION ensure_month(at timestamptz) RETURNS void
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
        -- Somebody else may have made it while we waited.
        CONTINUE WHEN to_regclass('earshot.' || parent || '_' || suffix) IS NOT NULL;
        EXECUTE format('CREATE TABLE earshot.%I (LIKE earshot.%I INCLUDING ALL EXCLUDING INDEXES)',
                       parent || '_' || suffix, parent);
        EXECUTE format('ALTER TABLE earshot.%I ATTACH PARTITION earshot.%I FOR VALUES FROM (%L) TO (%L)',
                       parent, parent || '_' || suffix, id_floor(month), id_floor(after));
    END LOOP;
END $$;
