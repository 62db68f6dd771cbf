# shellcheck shell=bash
# invariants.sh: what must hold once nothing is on its way any more, however a deployment was treated
# meanwhile. Each check is a query that finds what breaks it. Source after common.sh and pg.sh.
#
#   invariant_posts            one row and one triage a post, no dead letter
#   invariant_outcomes         each post has its place in a case or the decision that it needs none
#   invariant_cases            one open case a customer and account; histories, loads and clocks whole
#   invariant_replies LEDGER COUNT
#                              COUNT replies, each visible once by our rows and by the receiver's own
#   invariant_feed FILE…       what is stored is what the feed (JSON Lines) says, and no more
#   invariants_notice          spoils one thing at a time and sees that the checks notice
#   expect_none WHAT QUERY     fails with the first rows that the query finds

expect_none() { # WHAT QUERY
  local found
  found=$(pg_query "$2") || fail "$1: the query failed"
  [ -z "$found" ] || fail "$1: $(head -n 5 <<<"$found" | paste -sd' ')"
}

invariant_posts() {
  expect_none "posts stored twice" \
    'SELECT external_id FROM post GROUP BY platform, external_id HAVING count(*) > 1'
  expect_none "posts that nobody decided" 'SELECT post_id FROM post EXCEPT SELECT post_id FROM triage'
  expect_none "decisions about no post" 'SELECT post_id FROM triage EXCEPT SELECT post_id FROM post'
  expect_none "posts decided twice" 'SELECT post_id FROM triage GROUP BY post_id HAVING count(*) > 1'
  expect_none "dead letters" 'SELECT post_id, reason FROM dead_letter WHERE retried_at IS NULL'
}

# Decisions: 1 opened, 2 joined, 3 reopened, 4 none needed, 5 own, 6 own alone, 7 related.
invariant_outcomes() {
  expect_none "decisions that do not fit their case" \
    'SELECT post_id, decision, case_id FROM triage WHERE (decision IN (4, 6)) <> (case_id IS NULL)'
  expect_none "places in cases that are not there, or of another customer" \
    'SELECT t.post_id, t.decision FROM triage t LEFT JOIN "case" c USING (case_id)
      WHERE t.case_id IS NOT NULL
        AND (c.case_id IS NULL OR t.decision IN (1, 2, 3) AND c.customer_id <> t.customer_id)'
  expect_none "cases that were opened by no post or by several" \
    'SELECT c.case_id FROM "case" c LEFT JOIN triage t ON t.case_id = c.case_id AND t.decision = 1
      GROUP BY c.case_id HAVING count(t.post_id) <> 1'
  expect_none "cases with other posts than were decided" \
    'SELECT c.case_id, c.posts, count(t.post_id) FROM "case" c
       LEFT JOIN triage t ON t.case_id = c.case_id AND t.decision IN (1, 2, 3)
      GROUP BY c.case_id, c.posts HAVING c.posts <> count(t.post_id)'
  expect_none "posts that are in the history twice or not at all" \
    'SELECT t.post_id FROM triage t
       LEFT JOIN history e ON e.case_id = t.case_id AND e.post_id = t.post_id AND e.kinds & (1 | (1 << 6)) <> 0
      WHERE t.case_id IS NOT NULL GROUP BY t.post_id HAVING count(e.seq) <> 1'
}

invariant_cases() {
  expect_none "customers with two open cases on an account" \
    'SELECT customer_id FROM "case" WHERE state <> 3 GROUP BY customer_id, account_id HAVING count(*) > 1'
  expect_none "second cases of customers that follow none" \
    'SELECT customer_id FROM "case" WHERE follows IS NULL GROUP BY customer_id, account_id HAVING count(*) > 1'
  expect_none "cases that do not know their last post by platform time" \
    'SELECT c.case_id, c.last_post_at, max(least(p.created_at, p.received_at)) FROM "case" c
       JOIN triage t ON t.case_id = c.case_id AND t.decision IN (1, 2, 3)
       JOIN post p ON p.post_id = t.post_id
      GROUP BY c.case_id, c.last_post_at HAVING c.last_post_at <> max(least(p.created_at, p.received_at))'
  expect_none "histories with gaps" \
    'SELECT c.case_id FROM "case" c LEFT JOIN history e USING (case_id) GROUP BY c.case_id, c.seq
     HAVING c.seq IS DISTINCT FROM max(e.seq) OR count(e.seq) <> max(e.seq) - min(e.seq) + 1'
  expect_none "lines that a case does not lead to" \
    'SELECT c.case_id FROM "case" c JOIN (SELECT case_id, count(*) AS n FROM history GROUP BY case_id) h USING (case_id)
      WHERE h.n <> (SELECT count(*) FROM case_events(c.case_id))'
  expect_none "histories of no case" 'SELECT case_id FROM history EXCEPT SELECT case_id FROM "case"'
  expect_none "closed cases that belong to somebody" \
    'SELECT case_id FROM "case" WHERE state = 3 AND agent_id IS NOT NULL'
  expect_none "agents whose load is not what they have" \
    "SELECT l.agent_id, l.open_cases, count(c.case_id) FROM agent_load l
       LEFT JOIN \"case\" c ON c.agent_id = l.agent_id AND c.state <> 3
      GROUP BY l.agent_id, l.open_cases HAVING l.open_cases <> count(c.case_id)"
  expect_none "running clocks without a timer" \
    'SELECT c.case_id FROM "case" c WHERE c.respond_by IS NOT NULL AND NOT c.breached AND NOT EXISTS
       (SELECT FROM timer t WHERE t.case_id = c.case_id AND (t.kind = 2 OR t.then_at IS NOT NULL) AND t.clock_no = c.clock_no)'
  expect_none "timers of clocks that do not run" \
    'SELECT t.case_id, t.kind, t.clock_no FROM timer t LEFT JOIN "case" c USING (case_id)
      WHERE c.respond_by IS NULL OR c.clock_no <> t.clock_no'
  expect_none "clocks that fired twice" \
    "SELECT case_id, kinds, detail ->> 'clock_no' FROM history WHERE kinds & ((1 << 16) | (1 << 17)) <> 0
      GROUP BY 1, 2, 3 HAVING count(*) > 1"
}

invariant_replies() { # LEDGER COUNT
  expect_eq "replies" "$2" "$(pg_query 'SELECT count(*) FROM reply')"
  expect_none "replies that were not sent" 'SELECT reply_id, state, reason FROM reply WHERE state <> 1'
  expect_none "replies that were sent twice" \
    'SELECT reply_id FROM attempt WHERE state = 2 GROUP BY reply_id HAVING count(*) > 1'
  expect_none "attempts without an end" 'SELECT reply_id FROM attempt WHERE state = 1'
  expect_none "replies that a history has twice or not at all" \
    'SELECT r.reply_id FROM reply r LEFT JOIN history e ON e.case_id = r.case_id AND e.reply_id = r.reply_id
        AND e.kinds & (1 << 9) <> 0 GROUP BY r.reply_id HAVING count(e.seq) <> 1'
  [ "$2" != 0 ] || return 0
  expect_eq "answers that customers see, each once" "$2" "$(jq -r '.body.data.body' "$1" | sort -u | wc -l)"
  expect_eq "answers at the receiver" "$2" "$(wc -l <"$1")"
}

invariant_feed() { # FILE…
  local found
  jq -r '[.external_id, .account, .author.id, .text, .created_at] | @csv' "$@" | sort -u >"$WORK/feed.csv"
  found=$("$PG_BIN/psql" -X -qAt -v ON_ERROR_STOP=1 "$EAR_PG options='-c search_path=earshot'" <<SQL
CREATE TEMP TABLE said (external_id text, account_id text, author_id text, body text, created_at timestamptz);
\\copy said FROM '$WORK/feed.csv' (FORMAT csv)
WITH heard AS (SELECT p.external_id, p.account_id, i.author_id, p.body, p.created_at
                 FROM post p JOIN identity i USING (customer_id))
(SELECT 'lost', * FROM (SELECT * FROM said EXCEPT ALL SELECT * FROM heard) l LIMIT 5)
UNION ALL
(SELECT 'made up', * FROM (SELECT * FROM heard EXCEPT ALL SELECT * FROM said) m LIMIT 5)
SQL
) || fail "the feed cannot be compared"
  [ -z "$found" ] || fail "stored is not what was said: $(paste -sd' ' <<<"$found")"
}

# A check that cannot fail is none. The database is of no use afterwards.
invariants_notice() { # LEDGER COUNT FILE…
  local check ledger=$1 count=$2
  shift 2
  pg_query "UPDATE reply SET state = 2 WHERE reply_id = (SELECT min(reply_id::text)::uuid FROM reply);
    UPDATE agent_load SET open_cases = open_cases + 1;
    UPDATE post SET body = 'Something else.' WHERE post_id = (SELECT max(post_id::text)::uuid FROM post);
    DELETE FROM triage WHERE post_id = (SELECT min(post_id::text)::uuid FROM triage WHERE case_id IS NOT NULL)"
  for check in "invariant_replies $ledger $count" invariant_cases invariant_outcomes invariant_posts \
    "invariant_feed $*"; do
    # Word splitting is meant: paths of a run's folder hold no blanks.
    # shellcheck disable=SC2086
    ! ($check) >/dev/null 2>&1 || fail "${check%% *} does not notice anything"
  done
}
