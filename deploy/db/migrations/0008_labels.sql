-- What people say a post should have been called: learnt from, never a change of what was decided.
SET search_path = earshot;

-- One correction; of several for a post and head the last counts. It holds no text: what it says of
-- the customer goes when the post's text goes.
CREATE TABLE label (
    post_id     uuid NOT NULL,
    customer_id uuid NOT NULL,
    head        text NOT NULL CHECK (head <> ''),
    label       text NOT NULL CHECK (label <> ''), -- '-' takes a correction back
    said        text,                              -- what triage had said; NULL: nothing, or no such head
    model       text,                              -- that said it
    agent_id    text NOT NULL,
    set_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (post_id, head, set_at, customer_id)
);
CREATE INDEX label_by_time ON label (set_at);

GRANT SELECT, INSERT ON label TO earshot_operator;
GRANT SELECT ON label TO earshot_report;
