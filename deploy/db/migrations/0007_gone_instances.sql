-- Each start of ingest has a lease row of its own, 'intake/<instance>'. Those that ran out and whose
-- instance owns no intake row any more are of no use to anybody.
--
-- A function instead of the right to delete leases: the epochs of accounts must outlive their owners.
-- An instance that was only slow makes its row anew; its epoch was never anybody else's.
SET search_path = earshot;

CREATE FUNCTION forget_instances() RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = earshot, pg_temp AS $$
    WITH gone AS (
        DELETE FROM lease l
         WHERE l.name LIKE 'intake/%' AND l.until_at <= now()
           AND NOT EXISTS (SELECT FROM intake i WHERE i.owner = l.owner)
        RETURNING 1)
    SELECT count(*) FROM gone
$$;
REVOKE ALL ON FUNCTION forget_instances() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION forget_instances() TO earshot_ingest;
