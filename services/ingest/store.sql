-- All SQL of ingest. Posts, identities, reach and revisions are single-table and set-based, in key
-- order, so that two replicas with the same posts wait for one another instead of deadlocking. OFFSET 0
-- keeps a look by key a look by key: plans are made once, also while a table is empty.

-- name: id_key
SELECT key FROM id_key

-- name: last_post
-- The newest post shows whether the database's key is the one its ids were made with.
SELECT platform, external_id, self_ref FROM post ORDER BY post_id DESC LIMIT 1

-- name: accounts
SELECT account_id, platform, author_id, settings::text, array_to_string(secrets, E'\n'), enabled
  FROM account ORDER BY account_id

-- name: ensure_months
SELECT ensure_month(at) FROM unnest($1::timestamptz[]) AS at

-- name: add_posts
-- Of which none is known, as nearly always: nothing is looked for and nothing need be told. Where one is
-- there already, the primary key refuses the transaction, and the next ones look (insert_posts).
INSERT INTO post (post_id, customer_id, platform, external_id, account_id, created_at,
                  received_at, stored_at, self_ref, reply_ref, conversation_ref, visibility,
                  entry, own, automated, language_hint, body, url, thread, mentions)
SELECT u.post_id, u.customer_id, u.platform, u.external_id, u.account_id, u.created_at,
       u.received_at, $1::timestamptz, u.self_ref, u.reply_ref, u.conversation_ref,
       u.visibility, u.entry, u.own, u.automated, u.language_hint, u.body, u.url, u.thread,
       CASE WHEN u.mentions <> '' THEN string_to_array(u.mentions, E'\n') END
  FROM unnest($2::post_row[]) AS u

-- name: copy_posts
-- The same for many at a time: a record of the log for several rows, and no array of them.
COPY post (post_id, customer_id, platform, external_id, account_id, created_at, received_at,
           stored_at, self_ref, reply_ref, conversation_ref, visibility, entry, own, automated,
           language_hint, body, url, thread, mentions) FROM STDIN (FORMAT binary)

-- name: add_intake
INSERT INTO intake (intake_id, lane, received_at, owner, epoch, tries, trace, post_ids)
VALUES ($1::uuid, $2::smallint, $3::timestamptz, $4::uuid, $5::bigint, 0, $6::text, $7::uuid[])

-- name: insert_posts
-- New posts and, in the same breath, the intake row that names them: $1 to $6 are that row's. What is
-- there already is left out by a look; where somebody stores the same post at the same moment, the
-- primary key refuses the transaction, and the next try sees it. ON CONFLICT would double what a row
-- costs. One statement, since a second one would have to read all posts again.
WITH fresh AS (
    INSERT INTO post (post_id, customer_id, platform, external_id, account_id, created_at,
                      received_at, stored_at, self_ref, reply_ref, conversation_ref, visibility,
                      entry, own, automated, language_hint, body, url, thread, mentions)
    SELECT u.post_id, u.customer_id, u.platform, u.external_id, u.account_id, u.created_at,
           u.received_at, $3::timestamptz, u.self_ref, u.reply_ref, u.conversation_ref,
           u.visibility, u.entry, u.own, u.automated, u.language_hint, u.body, u.url, u.thread,
           CASE WHEN u.mentions <> '' THEN string_to_array(u.mentions, E'\n') END
      FROM unnest($7::post_row[]) AS u
     WHERE NOT EXISTS (SELECT FROM post p
                        WHERE p.post_id = u.post_id AND p.customer_id = u.customer_id OFFSET 0)
    RETURNING post_id, customer_id
), taken AS (
    INSERT INTO intake (intake_id, lane, received_at, owner, epoch, tries, trace, post_ids)
    SELECT $1::uuid, $2::smallint, $3, $4::uuid, $5::bigint, 0, $6::text, array_agg(f.post_id)
      FROM fresh f HAVING count(*) > 0)
SELECT post_id, customer_id FROM fresh

-- name: tombstones_of
SELECT self_ref FROM tombstone WHERE self_ref = ANY ($1::uuid[])

-- name: insert_revisions
-- Of a post that its author has removed without the text.
INSERT INTO post_revision (post_id, customer_id, revised_at, received_at, body)
SELECT u.post_id, u.customer_id, u.revised_at, u.received_at,
       CASE WHEN NOT EXISTS (SELECT FROM tombstone t WHERE t.self_ref = u.self_ref OFFSET 0) THEN u.body END
  FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::text[], $6::uuid[])
       AS u (post_id, customer_id, revised_at, received_at, body, self_ref)
ON CONFLICT DO NOTHING
RETURNING post_id, revised_at

-- name: insert_tombstones
INSERT INTO tombstone (self_ref, platform, deleted_at, received_at, post_id)
SELECT u.self_ref, u.platform, u.deleted_at, u.received_at, u.post_id
  FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::uuid[])
       AS u (self_ref, platform, deleted_at, received_at, post_id)
ON CONFLICT DO NOTHING
RETURNING self_ref

-- name: erase_posts
UPDATE post SET body = NULL, url = NULL, thread = NULL
 WHERE post_id = ANY ($1::uuid[]) AND body IS NOT NULL

-- name: erase_revisions
UPDATE post_revision SET body = NULL WHERE post_id = ANY ($1::uuid[]) AND body IS NOT NULL

-- name: erase_removed
-- A post, or an edit, and its removal that were written at the same moment did not see one another: what
-- was removed lately ($1 ms) is looked at again. A lock would make all posts wait for each removal.
UPDATE post SET body = NULL, url = NULL, thread = NULL
 WHERE post_id = ANY (ARRAY (SELECT t.post_id FROM tombstone t
                              WHERE t.received_at > now() - $1::bigint * interval '1 millisecond'
                                AND t.post_id IS NOT NULL))
   AND body IS NOT NULL

-- name: erase_removed_revisions
UPDATE post_revision SET body = NULL
 WHERE post_id = ANY (ARRAY (SELECT t.post_id FROM tombstone t
                              WHERE t.received_at > now() - $1::bigint * interval '1 millisecond'
                                AND t.post_id IS NOT NULL))
   AND body IS NOT NULL

-- name: note_mentions
-- Another account of the firm heard a post that was there before: it is offered once more, so that its
-- case learns it. (What this transaction added is left alone: it has the account, or the mention.)
WITH told AS (
    UPDATE post p SET mentions = coalesce(p.mentions, '{}') || n.accounts
      FROM (SELECT o.place, o.part, array_agg(DISTINCT u.account_id) AS accounts
              FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS u (post_id, customer_id, account_id)
             CROSS JOIN LATERAL (SELECT o.ctid AS place, o.tableoid AS part FROM post o
                                  WHERE o.post_id = u.post_id AND o.customer_id = u.customer_id
                                    AND o.account_id <> u.account_id
                                    AND NOT u.account_id = ANY (coalesce(o.mentions, '{}'))
                                    AND o.body IS NOT NULL OFFSET 0) o
             GROUP BY u.post_id, o.place, o.part ORDER BY u.post_id, o.place) n
     WHERE p.ctid = n.place AND p.tableoid = n.part
    RETURNING p.post_id)
INSERT INTO intake (intake_id, lane, received_at, owner, epoch, tries, trace, post_ids)
SELECT $4, $5, $6, $7, $8, 0, $9, array_agg(post_id ORDER BY post_id) FROM told HAVING count(*) > 0

-- name: upsert_identities
INSERT INTO identity AS i (customer_id, platform, author_id, handle, name, first_seen, changed_at)
SELECT u.customer_id, u.platform, u.author_id, u.handle, u.name, $1::timestamptz, $1::timestamptz
  FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[])
       AS u (customer_id, platform, author_id, handle, name)
ON CONFLICT (customer_id) DO UPDATE
   SET author_id = excluded.author_id,
       handle = coalesce(excluded.handle, i.handle),
       name = coalesce(excluded.name, i.name), changed_at = excluded.changed_at
 WHERE i.author_id IS DISTINCT FROM excluded.author_id
    OR i.handle IS DISTINCT FROM coalesce(excluded.handle, i.handle)
    OR i.name IS DISTINCT FROM coalesce(excluded.name, i.name)

-- name: insert_reach
INSERT INTO reach (customer_id, day, followers)
SELECT u.customer_id, (now() AT TIME ZONE 'UTC')::date, u.followers
  FROM unnest($1::uuid[], $2::bigint[]) AS u (customer_id, followers)
ON CONFLICT DO NOTHING

-- name: move_cursor
-- Moves only while the account's lease is ours and under its epoch.
INSERT INTO cursor AS c (account_id, stream, position, epoch, moved_at)
SELECT $1, $2, $3, l.epoch, now() FROM lease l
 WHERE l.name = $4 AND l.owner = $5 AND l.epoch = $6 AND l.until_at > now()
ON CONFLICT (account_id, stream) DO UPDATE
   SET position = excluded.position, epoch = excluded.epoch, moved_at = excluded.moved_at
 WHERE c.epoch <= excluded.epoch

-- name: read_cursor
SELECT position FROM cursor WHERE account_id = $1 AND stream = $2

-- name: read_session
SELECT state FROM session WHERE account_id = $1 AND half = 'ingest'

-- name: write_session
-- Never by an owner that was given up: the next one has a login of its own by then.
INSERT INTO session (account_id, half, state, changed_at)
SELECT $1, 'ingest', $2, now()
 WHERE EXISTS (SELECT FROM lease WHERE name = $3 AND owner = $4 AND epoch = $5)
ON CONFLICT (account_id, half) DO UPDATE
   SET state = excluded.state, changed_at = excluded.changed_at

-- name: receipts_of
SELECT r.account_id, r.webhook_id, r.body_sha256, r.answer
  FROM unnest($1::text[], $2::text[]) AS u (account_id, webhook_id)
 CROSS JOIN LATERAL (SELECT w.* FROM webhook_receipt w
                     WHERE w.account_id = u.account_id AND w.webhook_id = u.webhook_id OFFSET 0) r

-- name: insert_receipts
-- In the order of their keys, like everything that two replicas may write at the same moment.
INSERT INTO webhook_receipt (account_id, webhook_id, answer, body_sha256)
SELECT u.account_id, u.webhook_id, u.answer, u.body_sha256
  FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[])
       AS u (account_id, webhook_id, answer, body_sha256)
 ORDER BY u.account_id, u.webhook_id
ON CONFLICT DO NOTHING

-- name: correct_receipts
UPDATE webhook_receipt r SET answer = n.answer
  FROM (SELECT u.answer, l.place
          FROM unnest($1::text[], $2::text[], $3::text[]) AS u (account_id, webhook_id, answer)
         CROSS JOIN LATERAL (SELECT w.ctid AS place FROM webhook_receipt w
                              WHERE w.account_id = u.account_id AND w.webhook_id = u.webhook_id
                                AND w.answer <> u.answer OFFSET 0) l) n
 WHERE r.ctid = n.place

-- name: forget_receipts
DELETE FROM webhook_receipt WHERE received_at < now() - $1::bigint * interval '1 millisecond'

-- name: take_leases
INSERT INTO lease AS l (name, owner, epoch, until_at)
SELECT u.name, $2::uuid, 1, now() + $3::bigint * interval '1 millisecond'
  FROM unnest($1::text[]) AS u (name)
ON CONFLICT (name) DO UPDATE
   SET owner = excluded.owner, until_at = excluded.until_at,
       epoch = l.epoch + CASE WHEN l.owner = excluded.owner THEN 0 ELSE 1 END
 WHERE l.owner = excluded.owner OR l.until_at <= now()
RETURNING name, epoch

-- name: release_leases
UPDATE lease SET until_at = now() WHERE name = ANY ($1::text[]) AND owner = $2

-- name: adopt_intake
-- What belongs to nobody alive. Bounded: the next round takes the rest.
UPDATE intake SET owner = $1, epoch = $2
 WHERE ctid = ANY (ARRAY (
       SELECT ctid FROM intake
        WHERE owner <> ALL (ARRAY (SELECT substr(l.name, 8)::uuid FROM lease l
                                    WHERE l.name LIKE 'intake/%' AND l.until_at > now())
                            || $1::uuid)
        ORDER BY intake_id LIMIT 1000 FOR UPDATE SKIP LOCKED))

-- name: late_intake
-- Lanes where rows of ours wait for longer than any answer is waited for. A COMMIT that got none may
-- come to be seen long after it was looked for, as when it waits for a standby.
SELECT l.lane FROM unnest('{0,1}'::smallint[]) AS l (lane)
 WHERE EXISTS (SELECT FROM intake i
                WHERE i.lane = l.lane AND i.owner = $1
                  AND i.received_at < now() - interval '40 s' OFFSET 0)

-- name: forget_instances
SELECT forget_instances()

-- name: read_intake
-- The oldest rows of a lane that are not in flight, whole, up to a number of posts.
SELECT r.intake_id, r.tries, r.trace, u.post_id, r.received_at
  FROM (SELECT i.intake_id, i.tries, i.trace, i.received_at, i.post_ids,
               sum(cardinality(i.post_ids)) OVER (ORDER BY i.intake_id)
                   - cardinality(i.post_ids) AS before
          FROM (SELECT intake_id, tries, trace, received_at, post_ids FROM intake
                 WHERE lane = $1 AND owner = $2 AND intake_id <> ALL ($3::uuid[])
                 ORDER BY intake_id LIMIT 256) i) r,
       unnest(r.post_ids) AS u (post_id)
 WHERE r.before < $4::bigint
 ORDER BY r.intake_id

-- name: read_posts
-- Those of rows of intake: of several authors who claim one id the one whose post was stored with its row
-- ($2), or, where a post is asked for once more, any. What its author has removed is there no more.
SELECT p.post_id, p.customer_id, p.platform, p.account_id, coalesce(p.body, ''), p.language_hint,
       p.created_at, p.received_at, p.stored_at, p.self_ref, p.reply_ref, p.conversation_ref, p.visibility,
       p.entry, p.own, p.automated, array_to_string(p.mentions, E'\n'), k.place
  FROM unnest($1::uuid[], $2::timestamptz[]) WITH ORDINALITY AS k (post_id, stored_at, place)
 CROSS JOIN LATERAL (SELECT o.* FROM post o
                      WHERE o.post_id = k.post_id
                        AND (o.stored_at = k.stored_at
                             OR NOT EXISTS (SELECT FROM post e
                                             WHERE e.post_id = k.post_id AND e.stored_at = k.stored_at OFFSET 0))
                      LIMIT 1) p
 WHERE NOT EXISTS (SELECT FROM tombstone t WHERE t.self_ref = p.self_ref OFFSET 0)

-- name: delete_intake
-- This and the next three leave alone what somebody else has adopted: it is theirs to judge.
DELETE FROM intake WHERE intake_id = ANY ($1::uuid[]) AND owner = $2

-- name: narrow_intake
UPDATE intake SET tries = $2, post_ids = $3::uuid[] WHERE intake_id = $1 AND owner = $4

-- name: split_intake
INSERT INTO intake (intake_id, lane, received_at, owner, epoch, tries, trace, post_ids)
SELECT $1, lane, received_at, owner, epoch, $2, trace, $3::uuid[] FROM intake
 WHERE intake_id = $4 AND owner = $5 FOR UPDATE

-- name: bury_post
INSERT INTO dead_letter (dead_letter_id, post_id, customer_id, lane, stage, reason, tries)
SELECT $1, p.post_id, p.customer_id, $3, $4, $5, $6 FROM post p, intake i
 WHERE p.post_id = $2 AND i.intake_id = $7 AND i.owner = $8
 ORDER BY p.stored_at <> i.received_at LIMIT 1 FOR UPDATE OF i

-- name: backlog
SELECT lane, count(*), sum(cardinality(post_ids))::bigint, min(received_at)
  FROM intake WHERE owner = $1 GROUP BY lane
