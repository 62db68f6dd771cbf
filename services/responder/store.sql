-- All SQL of the responder. Leases are compared by the database's clock; whatever is written about
-- an attempt is written under its epoch, so an owner that was given up changes nothing.

-- name: read_id_key
SELECT key FROM id_key;

-- Accounts as declared, and those that are only named by replies: these end as failed.
-- name: read_accounts
SELECT account_id, platform, author_id, settings::text, array_to_string(secrets, E'\n'), enabled, true
  FROM account
 UNION ALL
SELECT DISTINCT s.account_id, '', '', '{}', '', true, false
  FROM sending s
 WHERE NOT EXISTS (SELECT FROM account a WHERE a.account_id = s.account_id);

-- name: read_limits
SELECT account_id, resume_at FROM account_limit WHERE resume_at > now();

-- name: limit_account
INSERT INTO account_limit AS l (account_id, resume_at, reason) VALUES ($1, $2, $3)
    ON CONFLICT (account_id) DO UPDATE SET resume_at = greatest(l.resume_at, excluded.resume_at),
                                           reason = excluded.reason;

-- name: read_session
SELECT state FROM session WHERE account_id = $1 AND half = 'send';

-- Never by an owner that was given up: the next one has a login of its own by then.
-- name: write_session
INSERT INTO session (account_id, half, state, changed_at)
SELECT $1, 'send', $2, now()
 WHERE EXISTS (SELECT FROM lease WHERE name = $3 AND owner = $4 AND epoch = $5)
    ON CONFLICT (account_id, half) DO UPDATE SET state = excluded.state, changed_at = now();

-- name: renew_leases
UPDATE lease SET until_at = now() + $3::bigint * interval '1 millisecond'
 WHERE owner = $1 AND name = ANY ($2::text[])
RETURNING name, epoch;

-- A responder that lives has a row of its own; an expired one is used again, so that there are never
-- more of them than responders at once.
-- name: take_seat
INSERT INTO lease (name, owner, epoch, until_at)
SELECT coalesce((SELECT name FROM lease WHERE owner = $1 AND name LIKE 'responder/%' LIMIT 1),
                (SELECT name FROM lease WHERE name LIKE 'responder/%' AND until_at < now() ORDER BY name LIMIT 1),
                'responder/' || $1::uuid::text),
       $1, 1, now() + $2::bigint * interval '1 millisecond'
    ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until_at = excluded.until_at,
                                     epoch = lease.epoch + (lease.owner <> excluded.owner)::int
       WHERE lease.owner = excluded.owner OR lease.until_at < now();

-- name: count_live
SELECT count(*) FROM lease WHERE name LIKE 'responder/%' AND until_at > now();

-- As many of those that nobody holds as are missing to our share: all $4 accounts by live responders,
-- less the $5 that are ours. Each responder prefers others, so that two rarely want the same. What is
-- ours by the row but not by memory (an answer got lost) is taken anew at once.
-- name: take_leases
INSERT INTO lease (name, owner, epoch, until_at)
SELECT f.n, $1, 1, now() + $3::bigint * interval '1 millisecond'
  FROM (SELECT u.n FROM unnest($2::text[]) AS u(n) LEFT JOIN lease l ON l.name = u.n
         WHERE l.name IS NULL OR l.until_at < now() OR l.owner = $1
         ORDER BY md5(u.n || $1::uuid::text)
         LIMIT (SELECT greatest(0, ($4::bigint + greatest(count(*), 1) - 1) / greatest(count(*), 1) - $5::bigint)
                  FROM lease s WHERE s.name LIKE 'responder/%' AND s.until_at > now())) f
 ORDER BY f.n
    ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, epoch = lease.epoch + 1,
                                     until_at = excluded.until_at
       WHERE lease.until_at < now() OR lease.owner = excluded.owner
RETURNING name, epoch;

-- name: release_leases
UPDATE lease SET until_at = now() WHERE owner = $1 AND name = ANY ($2::text[]);

-- name: release_all
UPDATE lease SET until_at = now() WHERE owner = $1 AND until_at > now();

-- A repeat of what was taken over, or has ended, changes nothing.
-- name: accept_replies
INSERT INTO sending (reply_id, customer_id, account_id, next_at, payload)
SELECT r.reply_id, r.customer_id, r.account_id, now(), r.payload
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bytea[]) AS r(reply_id, customer_id, account_id, payload)
 WHERE NOT EXISTS (SELECT FROM attempt a WHERE a.reply_id = r.reply_id AND a.customer_id = r.customer_id
                      AND a.state IN (2, 3, 4))
 ORDER BY r.reply_id
    ON CONFLICT (reply_id) DO NOTHING
RETURNING reply_id, account_id;

-- A reply that cannot be stored ends at once, unless it is here already.
-- name: refuse_reply
INSERT INTO outcome_due (reply_id, customer_id, payload)
SELECT $1, $2, $3
 WHERE NOT EXISTS (SELECT FROM sending s WHERE s.reply_id = $1)
   AND NOT EXISTS (SELECT FROM attempt a WHERE a.reply_id = $1 AND a.customer_id = $2 AND a.state IN (2, 3, 4))
    ON CONFLICT (reply_id) DO NOTHING;

-- name: notify_sending
SELECT pg_notify('earshot_sending', a) FROM (SELECT DISTINCT unnest($1::text[]) AS a) accounts;

-- The oldest reply to each customer, whatever its time: a later one never overtakes it. Names the
-- last attempt, and whether an earlier one may be visible after all.
-- name: read_due
SELECT s.reply_id, s.customer_id, s.next_at, s.tries, s.accepted_at, s.payload,
       a.attempt_no, a.state, a.key, a.started_at, a.looks,
       EXISTS (SELECT FROM attempt o WHERE o.reply_id = s.reply_id AND o.customer_id = s.customer_id
                  AND o.state = 5 AND o.reason = 'open'),
       p.external_id, p.thread, i.author_id, coalesce(nullif(i.handle, ''), i.name), now()
  FROM sending s
  LEFT JOIN LATERAL (SELECT attempt_no, state, key, started_at, looks FROM attempt
                      WHERE reply_id = s.reply_id AND customer_id = s.customer_id
                      ORDER BY attempt_no DESC LIMIT 1) a ON true
  LEFT JOIN reply r ON r.reply_id = s.reply_id AND r.customer_id = s.customer_id
  LEFT JOIN post p ON p.post_id = r.post_id AND p.customer_id = s.customer_id
  LEFT JOIN identity i ON i.customer_id = s.customer_id
 WHERE s.account_id = $1 AND s.reply_id <> ALL ($2::uuid[])
   AND NOT EXISTS (SELECT FROM sending e WHERE e.account_id = s.account_id
                      AND e.customer_id = s.customer_id AND e.reply_id < s.reply_id)
 ORDER BY s.next_at, s.reply_id LIMIT $3::bigint;

-- Attempt before byte. The same again under the same epoch is the same attempt: nothing was sent
-- as long as its commit was in doubt.
-- name: begin_attempt
INSERT INTO attempt (reply_id, attempt_no, customer_id, epoch, key, state, started_at)
SELECT $1, $2, $3, l.epoch, $4, 1, now()
  FROM lease l WHERE l.name = $5 AND l.owner = $6 AND l.epoch = $7 AND l.until_at > now()
    ON CONFLICT (reply_id, attempt_no, customer_id) DO UPDATE SET started_at = now()
       WHERE attempt.state = 1 AND attempt.epoch = excluded.epoch;

-- An attempt that ended without a byte: refused by our own rules.
-- name: record_attempt
INSERT INTO attempt (reply_id, attempt_no, customer_id, epoch, key, state, started_at, ended_at, reason)
SELECT $1, $2, $3, l.epoch, '', $4, now(), now(), $5
  FROM lease l WHERE l.name = $6 AND l.owner = $7 AND l.epoch = $8 AND l.until_at > now()
    ON CONFLICT DO NOTHING;

-- An attempt of an earlier owner becomes ours: its late result is refused from here on.
-- name: adopt_attempt
UPDATE attempt SET epoch = $4
 WHERE reply_id = $1 AND attempt_no = $2 AND customer_id = $3 AND state = 1 AND epoch <= $4
   AND EXISTS (SELECT FROM lease WHERE name = $5 AND owner = $6 AND epoch = $4 AND until_at > now());

-- name: end_attempt
UPDATE attempt SET state = $5, ended_at = now(), status = $6, external_id = $7, reason = $8, looks = $9
 WHERE reply_id = $1 AND attempt_no = $2 AND customer_id = $3 AND epoch = $4 AND state = 1;

-- Its fate stays open.
-- name: note_attempt
UPDATE attempt SET reason = $5, looks = $6
 WHERE reply_id = $1 AND attempt_no = $2 AND customer_id = $3 AND epoch = $4 AND state = 1;

-- Behind the end of an attempt: under its epoch, like the end itself.
-- name: postpone
UPDATE sending SET next_at = $4, tries = $5
 WHERE reply_id = $1
   AND EXISTS (SELECT FROM attempt a WHERE a.reply_id = $1 AND a.attempt_no = $2 AND a.customer_id = $3
                  AND a.epoch = $6 AND a.state IN (1, 5));

-- Nothing happens before: nothing was written about an attempt.
-- name: put_off
UPDATE sending SET next_at = $2
 WHERE reply_id = $1
   AND EXISTS (SELECT FROM lease WHERE name = $3 AND owner = $4 AND epoch = $5 AND until_at > now());

-- name: finish_sending
DELETE FROM sending s
 WHERE s.reply_id = $1
   AND EXISTS (SELECT FROM attempt a WHERE a.reply_id = $1 AND a.attempt_no = $2 AND a.customer_id = $3
                  AND a.epoch = $4 AND a.state IN (2, 3, 4));

-- name: insert_outcome
INSERT INTO outcome_due (reply_id, customer_id, payload)
SELECT $1, $3, $5
 WHERE EXISTS (SELECT FROM attempt a WHERE a.reply_id = $1 AND a.attempt_no = $2 AND a.customer_id = $3
                  AND a.epoch = $4 AND a.state IN (2, 3, 4))
    ON CONFLICT (reply_id) DO NOTHING;

-- A repeat that slipped in beside the end of its reply.
-- name: forget_sending
DELETE FROM sending s
 WHERE s.reply_id = $1
   AND EXISTS (SELECT FROM attempt a WHERE a.reply_id = $1 AND a.customer_id = $2 AND a.state IN (2, 3, 4));

-- A page behind $2, so that what nobody takes keeps nothing else waiting.
-- name: read_outcomes
SELECT reply_id, payload FROM outcome_due WHERE reply_id > $2::uuid ORDER BY reply_id LIMIT $1::bigint;

-- name: delete_outcome
DELETE FROM outcome_due WHERE reply_id = $1;

-- name: queue_stats
SELECT (SELECT count(*) FROM sending),
       (SELECT coalesce(extract(epoch FROM now() - min(accepted_at)), 0)::float8 FROM sending),
       (SELECT count(*) FROM outcome_due),
       (SELECT coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 FROM outcome_due);
