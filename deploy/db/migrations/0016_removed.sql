-- What its author removed has no text any more, in no edit of it either, and whatever came at the same moment.
SET search_path = earshot;

-- NULL: noted by a release before.
ALTER TABLE tombstone ADD COLUMN post_id uuid;
CREATE INDEX tombstone_age ON tombstone USING brin (received_at);
GRANT UPDATE (body) ON post_revision TO earshot_ingest;

-- Those of before.
UPDATE post_revision v SET body = NULL FROM post p, tombstone t
 WHERE p.post_id = v.post_id AND p.customer_id = v.customer_id AND t.self_ref = p.self_ref AND v.body IS NOT NULL;
