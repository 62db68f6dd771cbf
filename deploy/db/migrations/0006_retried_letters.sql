-- A dead letter that comes back stands behind what waits on its lane now. Rows of intake are worked
-- off in the order of their ids, so that an id without time in it would stand behind everything that
-- will ever come.
SET search_path = earshot;

-- UUIDv7: 48 bits of milliseconds, then chance.
CREATE FUNCTION id_now() RETURNS uuid
LANGUAGE sql VOLATILE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT encode(set_byte(set_byte(b, 6, (get_byte(b, 6) & 15) | 112), 8, (get_byte(b, 8) & 63) | 128), 'hex')::uuid
      FROM (SELECT substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
                   || substring(uuid_send(gen_random_uuid()) FROM 7) AS b) made
$$;
REVOKE ALL ON FUNCTION id_now() FROM PUBLIC;

CREATE OR REPLACE FUNCTION dead_letter_retry(letter uuid, by_whom text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = earshot, pg_temp AS $$
DECLARE d dead_letter;
BEGIN
    UPDATE dead_letter SET retried_at = now(), retried_by = by_whom
     WHERE dead_letter_id = letter AND retried_at IS NULL RETURNING * INTO d;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO intake (intake_id, lane, received_at, owner, epoch, tries, trace, post_ids)
    VALUES (id_now(), d.lane, now(), '00000000-0000-0000-0000-000000000000', 0, 0, '', ARRAY[d.post_id]);
    PERFORM pg_notify('earshot_intake', '');
    RETURN true;
END $$;
