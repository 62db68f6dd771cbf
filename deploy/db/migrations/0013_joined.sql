-- What a post changes of an open case that it joins is a quarter of what may change. Nothing but a type
-- is added: rows that are there stay as they are, and replicas of the release before go on beside newer
-- ones with changed_row.
SET search_path = earshot;

CREATE TYPE joined_row AS (
    place        tid,                   -- of the version that was read under the customer's lock
    case_id      uuid,
    seq          integer,
    posts        integer,
    last_post_id uuid,
    last_post_at timestamptz,
    changed_at   timestamptz,
    tail_post_id uuid
);
