# shellcheck shell=bash
# invariants.sh: what must hold once nothing is on its way any more, however a deployment was treated
# meanwhile. Each check is a query that finds what breaks it.
#
#   invariant_posts            one row and one triage a post, no dead letter
#   invariant_outcomes         each post has its place in a case or the decision that it needs none
#   invariant_cases            one open case a customer and account; histories, loads and clocks whole
#   invariant_replies LEDGER COUNT
#                              COUNT replies, each visible once by our rows and by the receiver's own
#   invariant_feed FILE…       what is stored is what the feed (JSON Lines) says, and no more
#   invariants_notice LEDGER COUNT FILE…
#                              spoils one thing at a time and sees that the very check for it notices
#   expect_none WHAT QUERY     fails with the first rows that the query finds
! declare -F expect_none >/dev/null || return 0 # it has been read
. "$(dirname "${BASH_SOURCE[0]}")/pg.sh"

expect_none() { # WHAT QUERY
  local found
  found=$(pg_query "$2") || fail "$1: the query failed"
  [ -z "$found" ] || fail "$1: $(head -n 5 <<<"$found" | paste -sd' ')"
}

invariant_posts() {
  expect_none "posts stored twice" \
    'SELECT external_id FROM post GROUP BY platform, external_id, customer_id HAVING count(*) > 1'
  expect_none "posts that nobody decided" \
    'SELECT post_id, customer_id FROM post EXCEPT SELECT post_id, customer_id FROM triage'
  expect_none "decisions about no post" 'SELECT post_id FROM triage EXCEPT SELECT post_id FROM post'
  expect_none "posts decided twice" 'SELECT post_id FROM triage t GROUP BY post_id
    HAVING count(*) > (SELECT count(*) FROM post p WHERE p.post_id = t.post_id)'
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
      WHERE t.case_id IS NOT NULL GROUP BY t.post_id, t.customer_id HAVING count(e.seq) <> 1'
}

invariant_cases() {
  expect_none "customers with two open cases on an account" \
    'SELECT customer_id FROM "case" WHERE state <> 3 GROUP BY customer_id, account_id HAVING count(*) > 1'
  expect_none "second cases of customers that follow none" \
    'SELECT customer_id FROM "case" WHERE follows IS NULL GROUP BY customer_id, account_id HAVING count(*) > 1'
  expect_none "cases that do not know their last post by platform time" \
    'SELECT c.case_id, c.last_post_at, max(least(p.created_at, p.received_at)) FROM "case" c
       JOIN triage t ON t.case_id = c.case_id AND t.decision IN (1, 2, 3)
       JOIN post p ON p.post_id = t.post_id AND p.customer_id = t.customer_id
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
  found=$("$PG_BIN/psql" -X -qAt -v ON_ERROR_STOP=1 "$EAR_PG options='-c search_path=earshot -c jit=off'" <<SQL
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

# WHAT a check must say of a copy of the database that SQL has spoilt.
notice() { # WHAT SQL CHECK…
  local what=$1 sql=$2 said
  shift 2
  "$PG_BIN/createdb" -h "$PG_SOCKET" -p "$PG_PORT" -U owner -T earshot spoilt
  EAR_PG=${EAR_PG/dbname=earshot/dbname=spoilt} pg_query "$sql" >/dev/null || fail "'$what' cannot be spoilt"
  said=$(EAR_PG=${EAR_PG/dbname=earshot/dbname=spoilt} "$@" 2>&1) && fail "$1 does not notice '$what'"
  [[ $said == *"$what"* ]] || fail "$1 says '$said' instead of '$what'"
  "$PG_BIN/dropdb" -h "$PG_SOCKET" -p "$PG_PORT" -U owner spoilt
}

# A check that cannot fail is none: each single one sees its own harm. When all services have stopped.
invariants_notice() { # LEDGER COUNT FILE…
  local ledger=$1 count=$2
  local decided="post_id = (SELECT min(post_id::text)::uuid FROM triage WHERE case_id IS NOT NULL AND decision = 2)"
  local one="case_id = (SELECT min(case_id::text)::uuid FROM \"case\" WHERE state <> 3 AND respond_by IS NOT NULL)"
  # The same row under another id of the same month.
  local twin="(left(id::text, 35) || CASE right(id::text, 1) WHEN '0' THEN '1' ELSE '0' END)::uuid"
  copy_of() { # TABLE COLUMN WHERE CHANGES
    printf 'CREATE TEMP TABLE one AS SELECT * FROM %s WHERE %s LIMIT 1; UPDATE one SET %s%s; INSERT INTO %s SELECT * FROM one' \
      "$1" "$3" "${2:+$2 = ${twin//id::/$2::}}" "$4" "$1"
  }
  shift 2
  notice "posts stored twice" "$(copy_of post post_id true '')" invariant_posts
  notice "posts that nobody decided" "DELETE FROM triage WHERE $decided" invariant_posts
  notice "decisions about no post" "DELETE FROM post WHERE $decided" invariant_posts
  notice "posts decided twice" "$(copy_of triage customer_id true '')" invariant_posts
  notice "dead letters" "INSERT INTO dead_letter (dead_letter_id, post_id, customer_id, lane, stage, reason, tries)
    SELECT id_now(), post_id, customer_id, 0, 'x', 'x', 3 FROM post LIMIT 1" invariant_posts

  notice "decisions that do not fit their case" "UPDATE triage SET decision = 4 WHERE $decided" invariant_outcomes
  notice "places in cases that are not there" "UPDATE triage SET case_id = id_now() WHERE $decided" invariant_outcomes
  notice "cases that were opened by no post or by several" "UPDATE triage SET decision = 1 WHERE $decided" invariant_outcomes
  notice "cases with other posts than were decided" "UPDATE \"case\" SET posts = posts + 1 WHERE $one" invariant_outcomes
  notice "posts that are in the history twice or not at all" "UPDATE triage SET kinds = 0 WHERE $decided" invariant_outcomes

  notice "customers with two open cases" "DROP INDEX case_one_open; $(copy_of '"case"' case_id 'state <> 3' '')" invariant_cases
  notice "second cases of customers that follow none" "$(copy_of '"case"' case_id true ', state = 3')" invariant_cases
  notice "cases that do not know their last post" "UPDATE \"case\" SET last_post_at = last_post_at - interval '1 s' WHERE $one" invariant_cases
  notice "histories with gaps" "UPDATE \"case\" SET seq = seq + 1 WHERE $one" invariant_cases
  notice "lines that a case does not lead to" "UPDATE \"case\" SET tail_post_id = NULL WHERE $one" invariant_cases
  notice "histories of no case" "DELETE FROM \"case\" WHERE $one" invariant_cases
  notice "closed cases that belong to somebody" "UPDATE \"case\" SET state = 3 WHERE agent_id IS NOT NULL" invariant_cases
  notice "agents whose load is not what they have" "UPDATE agent_load SET open_cases = open_cases + 1" invariant_cases
  notice "running clocks without a timer" "DELETE FROM timer WHERE $one" invariant_cases
  notice "timers of clocks that do not run" "UPDATE \"case\" SET respond_by = NULL WHERE $one" invariant_cases
  notice "clocks that fired twice" "UPDATE \"case\" SET seq = seq + 2 WHERE $one;
    INSERT INTO event SELECT case_id, seq - n, customer_id, now(), 1 << 17, 'timer', NULL, NULL, NULL, '{\"clock_no\": 1}'
      FROM \"case\", generate_series(0, 1) n WHERE $one" invariant_cases

  notice "replies" "DELETE FROM reply" invariant_replies "$ledger" "$count"
  notice "replies that were not sent" "UPDATE reply SET state = 2" invariant_replies "$ledger" "$count"
  notice "replies that were sent twice" "$(copy_of attempt '' 'state = 2' 'attempt_no = attempt_no + 99')" invariant_replies "$ledger" "$count"
  notice "attempts without an end" "$(copy_of attempt '' 'state = 2' 'attempt_no = attempt_no + 99, state = 1')" invariant_replies "$ledger" "$count"
  notice "replies that a history has twice or not at all" "UPDATE event SET kinds = kinds & ~(1::bigint << 9)" invariant_replies "$ledger" "$count"
  head -n -1 "$ledger" >"$WORK/ledger.short"
  notice "answers that customers see" "SELECT 1" invariant_replies "$WORK/ledger.short" "$count"
  { cat "$ledger" && head -n 1 "$ledger"; } >"$WORK/ledger.twice"
  notice "answers at the receiver" "SELECT 1" invariant_replies "$WORK/ledger.twice" "$count"

  notice "lost" "DELETE FROM post WHERE $decided" invariant_feed "$@"
  notice "made up" "UPDATE post SET body = 'Something else.' WHERE $decided" invariant_feed "$@"
}
