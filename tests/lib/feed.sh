# shellcheck shell=bash
# feed.sh: feeds of many customers, an agent who answers, and what must hold however a deployment
# was treated meanwhile. Source after common.sh, pg.sh, webhook.sh and stack.sh.
#
#   feed_stack NAME=COUNT…   a receiver, care.yaml with one account, the services; agent ana present
#   feed_make RUN POSTS      $WORK/feed.RUN.jsonl: distinct posts of POSTS/4 customers, a tenth of
#                            the lines twice; adds to FEED_POSTS
#   feed_play RUN            plays it (live lane, 150 posts a second) until every line was taken
#   feed_answer COUNT        ana answers so many open cases, each command until it is carried out;
#                            adds to FEED_REPLIES
#   feed_check_checks        whether those checks can fail at all
#   feed_check               waits until nothing is on its way, then checks every invariant

FEED_POSTS=0
FEED_REPLIES=0

feed_stack() {
  need_command jq
  need_program earshot-receiver
  free_port
  FEED_RECEIVER=http://127.0.0.1:$PORT/replies
  mkdir -p "$WORK/secrets" "$WORK/log"
  webhook_secret >"$WORK/secrets/shop"
  env -u EAR_PG EAR_HTTP="127.0.0.1:$PORT" EAR_RECEIVER_SECRET_FILE="$WORK/secrets/shop" \
    EAR_RECEIVER_LEDGER="$WORK/received.jsonl" \
    setpriv --pdeathsig KILL "$EARSHOT_BIN/earshot-receiver" 2>>"$WORK/log/receiver.log" &
  at_exit "kill $! 2>/dev/null"
  cat >"$WORK/care.yaml" <<YAML
firm: Northern Line Parcels
teams:
  - id: care
    name: Customer care
    default: true
accounts:
  - id: "@shop"
    platform: webshop
    team: care
    secrets: [shop]
    settings:
      connector: webhook
      url: "$FEED_RECEIVER"
agents:
  - id: ana
    name: Ana Prieto
    team: care
    capacity: 100
    sign_off: "^Ana"
YAML
  stack_prepare "$WORK/care.yaml"
  stack_start "$@"
  quietly ctl agent present ana --as ana
}

feed_make() { # RUN POSTS
  awk -v run="$1" -v posts="$2" -v from="$(($(date +%s) - 86400))" 'BEGIN {
    split("My parcel arrived broken and nobody answers. I want my money back!|Where is my order? It is a week late.|" \
      "Thank you for the quick delivery, great service!|How can I change the delivery address?|" \
      "Your app crashes whenever I log in, please fix it.|Just ordered socks.", text, "|")
    customers = int((posts + 3) / 4)
    for (i = 1; i <= posts; i++) {
      line = sprintf("{\"platform\":\"webshop\",\"external_id\":\"%s-%d\",\"account\":\"@shop\"," \
        "\"author\":{\"id\":\"%s-c%d\",\"handle\":\"c%d\"},\"text\":\"%s\",\"created_at\":\"%s\"}",
        run, i, run, i % customers, i % customers, text[1 + i % 6],
        strftime("%Y-%m-%dT%H:%M:%SZ", from + i * 7, 1))
      print line
      if (i % 10 == 0) print line
    }
  }' >"$WORK/feed.$1.jsonl"
  FEED_POSTS=$((FEED_POSTS + $2))
}

feed_play() { # RUN
  ctl replay "$WORK/feed.$1.jsonl" --live --rate 150 --timeout 120s >"$WORK/feed.$1.out" 2>&1 ||
    { tail -n 5 "$WORK/feed.$1.out" >&2; fail "replay of $1"; }
}

feed_command() { # ARGUMENT… with the same id until it is carried out
  local id deadline=$((SECONDS + 120))
  id=$(cat /proc/sys/kernel/random/uuid)
  until ctl "$@" --as ana --id "$id" >"$WORK/command.out" 2>&1; do
    [ "$SECONDS" -lt "$deadline" ] || { cat "$WORK/command.out" >&2; fail "not carried out: $*"; }
    sleep 0.2
  done
}

feed_open_cases() { # COUNT
  pg_query "SELECT case_id FROM \"case\" WHERE state = 1 ORDER BY case_id LIMIT $1" 2>/dev/null
}

feed_has_open() { # COUNT
  [ "$(feed_open_cases "$1" | wc -l)" = "$1" ]
}

feed_answer() { # COUNT
  local case
  must_settle "$1 open cases" 120 feed_has_open "$1"
  for case in $(feed_open_cases "$1"); do
    FEED_REPLIES=$((FEED_REPLIES + 1))
    feed_command case reply "$case" "We are on it. Answer $FEED_REPLIES"
  done
}

expect_none() { # WHAT QUERY
  local found
  found=$(pg_query "$2") || fail "$1: the query failed"
  [ -z "$found" ] || fail "$1: $(head -n 5 <<<"$found" | paste -sd' ')"
}

feed_all_heard() {
  [ "$(pg_query 'SELECT count(*) FROM triage' 2>/dev/null)" = "$FEED_POSTS" ] && stack_settled
}

feed_check() {
  must_settle "every post is decided and nothing is on its way" 120 feed_all_heard
  feed_check_posts
  feed_check_cases
  feed_check_replies
}

feed_check_posts() {
  expect_eq "posts stored" "$FEED_POSTS" "$(pg_query 'SELECT count(*) FROM post')"
  expect_none "posts stored twice" \
    'SELECT external_id FROM post GROUP BY platform, external_id HAVING count(*) > 1'
  expect_none "posts that nobody decided" 'SELECT post_id FROM post EXCEPT SELECT post_id FROM triage'
  expect_none "dead letters" 'SELECT post_id, reason FROM dead_letter WHERE retried_at IS NULL'
}

feed_check_cases() {
  expect_none "customers with two open cases" \
    'SELECT customer_id FROM "case" WHERE state <> 3 GROUP BY customer_id, account_id HAVING count(*) > 1'
  expect_none "customers with two cases, though none was ever closed" \
    'SELECT customer_id FROM "case" GROUP BY customer_id, account_id HAVING count(*) > 1'
  expect_none "cases with other posts than were decided" \
    'SELECT c.case_id, c.posts, count(t.post_id) FROM "case" c LEFT JOIN triage t USING (case_id)
      GROUP BY c.case_id, c.posts HAVING c.posts <> count(t.post_id)'
  expect_none "histories with gaps" \
    'SELECT c.case_id FROM "case" c LEFT JOIN event e USING (case_id) GROUP BY c.case_id, c.seq
     HAVING c.seq IS DISTINCT FROM max(e.seq) OR count(e.seq) <> max(e.seq) - min(e.seq) + 1'
  expect_none "posts that are in the history twice or not at all" \
    'SELECT t.post_id FROM triage t LEFT JOIN event e ON e.case_id = t.case_id AND e.post_id = t.post_id
        AND e.kinds & 1 = 1
      WHERE t.case_id IS NOT NULL GROUP BY t.post_id HAVING count(e.seq) <> 1'
  expect_none "agents whose load is not what they have" \
    "SELECT l.agent_id, l.open_cases, count(c.case_id) FROM agent_load l
       LEFT JOIN \"case\" c ON c.agent_id = l.agent_id AND c.state <> 3
      GROUP BY l.agent_id, l.open_cases HAVING l.open_cases <> count(c.case_id)"
  expect_none "running clocks without a timer" \
    'SELECT c.case_id FROM "case" c WHERE c.respond_by IS NOT NULL AND NOT c.breached AND NOT EXISTS
       (SELECT FROM timer t WHERE t.case_id = c.case_id AND t.kind = 2 AND t.clock_no = c.clock_no)'
}

feed_check_replies() {
  expect_eq "replies" "$FEED_REPLIES" "$(pg_query 'SELECT count(*) FROM reply')"
  expect_none "replies that were not sent" 'SELECT reply_id, state, reason FROM reply WHERE state <> 1'
  expect_none "replies that were sent twice" \
    'SELECT reply_id FROM attempt WHERE state = 2 GROUP BY reply_id HAVING count(*) > 1'
  expect_none "replies that a history has twice or not at all" \
    'SELECT r.reply_id FROM reply r LEFT JOIN event e ON e.case_id = r.case_id AND e.reply_id = r.reply_id
        AND e.kinds & (1 << 9) <> 0 GROUP BY r.reply_id HAVING count(e.seq) <> 1'
  [ "$FEED_REPLIES" = 0 ] || expect_eq "answers that customers see, each once" "$FEED_REPLIES" \
    "$(jq -r '.body.data.body' "$WORK/received.jsonl" | sort -u | wc -l)"
  [ "$FEED_REPLIES" = 0 ] || expect_eq "answers at the receiver" "$FEED_REPLIES" "$(wc -l <"$WORK/received.jsonl")"
}

# Spoils one thing at a time and sees that the checks notice: a check that cannot fail is none. The
# database is of no use afterwards.
feed_check_checks() {
  local check
  pg_query "UPDATE reply SET state = 2 WHERE reply_id = (SELECT min(reply_id::text)::uuid FROM reply);
    UPDATE agent_load SET open_cases = open_cases + 1;
    DELETE FROM triage WHERE post_id = (SELECT min(post_id::text)::uuid FROM triage)"
  for check in feed_check_replies feed_check_cases feed_check_posts; do
    ! ("$check") >/dev/null 2>&1 || fail "$check does not notice anything"
  done
}
