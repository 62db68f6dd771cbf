-- Two authors may claim one id of a platform: a mail's Message-ID can be copied, a broken form gives all its
-- mails the same. Each is a post of its own, named by its id and its author.
SET search_path = earshot;

-- As in migration 0012, with both.
CREATE OR REPLACE FUNCTION case_events(which uuid) RETURNS SETOF history
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = earshot, pg_temp AS $$
    WITH RECURSIVE line AS (
        SELECT t.* FROM "case" c,
               LATERAL (SELECT * FROM triage
                         WHERE post_id = c.tail_post_id AND customer_id = c.customer_id LIMIT 1) t
         WHERE c.case_id = which
        UNION ALL
        SELECT t.* FROM line,
               LATERAL (SELECT * FROM triage
                         WHERE post_id = line.before AND customer_id = line.customer_id LIMIT 1) t)
    SELECT case_id, seq, customer_id, at, kinds, actor, post_id, reply_id, code, detail
      FROM event WHERE case_id = which
    UNION ALL
    SELECT case_id, seq, customer_id, decided_at, line_kinds(kinds, decision), '', post_id, NULL, code,
           line_detail(detail, team_id, agent_id, clock_no, respond_by) FROM line
$$;

-- When its post was stored is what a row of intake names it by. (So it is also seen how long it waits.)
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
    VALUES (id_now(), d.lane,
            coalesce((SELECT stored_at FROM post WHERE post_id = d.post_id AND customer_id = d.customer_id), now()),
            '00000000-0000-0000-0000-000000000000', 0, 0, '', ARRAY[d.post_id]);
    PERFORM pg_notify('earshot_intake', '');
    RETURN true;
END $$;
