# shellcheck shell=bash
# feed.sh: feeds of many customers and an agent who answers; what must hold afterwards is in
# invariants.sh.
#
#   feed_stack NAME=COUNT…   a receiver, care.yaml with one account, the services; agent ana present
#   feed_make RUN POSTS      $WORK/feed.RUN.jsonl: distinct posts of POSTS/4 customers, a tenth of
#                            the lines twice; adds to FEED_POSTS
#   feed_shuffle RUN SEED    the lines in an order that the seed decides
#   feed_play RUN            plays it (live lane, FEED_RATE posts a second) until every line was taken
#   feed_answer COUNT        ana answers so many open cases, each command until it is carried out;
#                            adds to FEED_REPLIES
#   feed_check               waits until nothing is on its way (FEED_PATIENCE seconds), then checks
#                            every invariant
#   feed_check_checks        whether each of those checks can fail at all; when all services have stopped
! declare -F feed_stack >/dev/null || return 0 # it has been read
. "$(dirname "${BASH_SOURCE[0]}")/stack.sh"
. "$(dirname "${BASH_SOURCE[0]}")/webhook.sh"
. "$(dirname "${BASH_SOURCE[0]}")/invariants.sh"

FEED_POSTS=0
FEED_REPLIES=0
FEED_RATE=150
FEED_PATIENCE=120
FEED_HOST=127.0.0.1 # where the receiver of replies listens

feed_stack() {
  need_command jq
  need_program earshot-receiver
  free_port
  FEED_RECEIVER=http://$FEED_HOST:$PORT/replies
  mkdir -p "$WORK/secrets" "$WORK/log"
  webhook_secret >"$WORK/secrets/shop"
  env -u EAR_PG EAR_HTTP="$FEED_HOST:$PORT" EAR_RECEIVER_SECRET_FILE="$WORK/secrets/shop" \
    EAR_RECEIVER_LEDGER="$WORK/received.jsonl" \
    setpriv --pdeathsig KILL "$EARSHOT_BIN/earshot-receiver" 2>>"$WORK/log/receiver.log" &
  at_exit "kill $! 2>/dev/null"
  webhook_care "$WORK/care.yaml" "$FEED_RECEIVER"
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
    step = posts > 12000 ? 86400 / posts : 7 # until now at most
    for (i = 1; i <= posts; i++) {
      line = sprintf("{\"platform\":\"webshop\",\"external_id\":\"%s-%d\",\"account\":\"@shop\"," \
        "\"author\":{\"id\":\"%s-c%d\",\"handle\":\"c%d\"},\"text\":\"%s\",\"created_at\":\"%s\"}",
        run, i, run, i % customers, i % customers, text[1 + i % 6],
        strftime("%Y-%m-%dT%H:%M:%SZ", from + int(i * step), 1))
      print line
      if (i % 10 == 0) print line
    }
  }' >"$WORK/feed.$1.jsonl"
  FEED_POSTS=$((FEED_POSTS + $2))
}

feed_shuffle() { # RUN SEED
  awk -v seed="$2" 'BEGIN { srand(seed) } { printf "%.9f\t%s\n", rand(), $0 }' "$WORK/feed.$1.jsonl" |
    LC_ALL=C sort | cut -f2- >"$WORK/feed.shuffled"
  mv "$WORK/feed.shuffled" "$WORK/feed.$1.jsonl"
}

feed_play() { # RUN
  ctl replay "$WORK/feed.$1.jsonl" --live --rate "$FEED_RATE" --timeout 120s >"$WORK/feed.$1.out" 2>&1 ||
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

feed_all_heard() {
  [ "$(pg_query 'SELECT count(*) FROM triage' 2>/dev/null)" = "$FEED_POSTS" ] && stack_settled
}

feed_check() {
  must_settle "every post is decided and nothing is on its way" "$FEED_PATIENCE" feed_all_heard
  expect_eq "posts stored" "$FEED_POSTS" "$(pg_query 'SELECT count(*) FROM post')"
  invariant_feed "$WORK"/feed.*.jsonl
  invariant_posts
  invariant_outcomes
  invariant_cases
  invariant_replies "$WORK/received.jsonl" "$FEED_REPLIES"
}

feed_check_checks() {
  invariants_notice "$WORK/received.jsonl" "$FEED_REPLIES" "$WORK"/feed.*.jsonl
}

