-- Multiplies what is stored. Run once when the seed is there; CALL bench.fill(FROM, TO) then makes
-- copies FROM to TO, each a minute older than the one before and of other customers.
SET search_path = earshot;

CREATE TABLE bench.seed_post AS SELECT * FROM post;
CREATE TABLE bench.seed_triage AS SELECT * FROM triage;
CREATE TABLE bench.seed_case AS SELECT * FROM "case";
CREATE TABLE bench.seed_event AS SELECT * FROM event;
CREATE TABLE bench.seed_timer AS SELECT * FROM timer;
CREATE TABLE bench.seed_identity AS SELECT * FROM identity;

-- Eight hexadecimal digits, as evenly spread as they were.
CREATE FUNCTION bench.spread(digits text, k int) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT lpad(to_hex(('x' || digits)::bit(32)::bigint # (k * 2654435761::bigint % 4294967296)), 8, '0')
$$;
-- An id that begins with its time: k minutes earlier, and another random part.
CREATE FUNCTION bench.earlier(id uuid, k int) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex(('x' || left(id::text, 8) || substr(id::text, 10, 4))::bit(48)::bigint - k * 60000::bigint), 12, '0')
            || substr(id::text, 14, 15) || bench.spread(substr(id::text, 29), k))::uuid
$$;
-- An id without time.
CREATE FUNCTION bench.other(id uuid, k int) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (bench.spread(left(id::text, 8), k) || substr(id::text, 9))::uuid
$$;

-- The columns that are not ids, as the table has them: what later migrations add is copied too.
CREATE PROCEDURE bench.fill_table(name text, ids text[], k int) LANGUAGE plpgsql AS $$
DECLARE columns text; chosen text;
BEGIN
    SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum),
           string_agg(CASE WHEN attname = 'customer_id' THEN 'bench.other(customer_id, $1)'
                           WHEN attname = ANY (ids) THEN format('bench.earlier(%I, $1)', attname)
                           ELSE quote_ident(attname) END, ', ' ORDER BY attnum)
      INTO columns, chosen
      FROM pg_attribute WHERE attrelid = ('bench.seed_' || name)::regclass AND attnum > 0 AND NOT attisdropped;
    EXECUTE format('INSERT INTO earshot.%I (%s) SELECT %s FROM bench.seed_%s', name, columns, chosen, name) USING k;
END $$;

CREATE PROCEDURE bench.fill(from_k int, to_k int) LANGUAGE plpgsql AS $$
BEGIN
    SET synchronous_commit = off;
    PERFORM earshot.ensure_month(now() - to_k * interval '1 minute');
    FOR k IN from_k .. to_k LOOP
        CALL bench.fill_table('post', '{post_id}', k);
        CALL bench.fill_table('identity', '{}', k);
        CALL bench.fill_table('triage', '{post_id,case_id,before}', k);
        CALL bench.fill_table('case', '{case_id,last_post_id,follows,tail_post_id}', k);
        CALL bench.fill_table('event', '{case_id,post_id}', k);
        CALL bench.fill_table('timer', '{case_id}', k);
        COMMIT;
    END LOOP;
END $$;
