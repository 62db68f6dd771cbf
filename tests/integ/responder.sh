#!/usr/bin/env bash
# The responder between a stand-in for assignment (over the real bus), a real PostgreSQL and a
# platform that misbehaves: every reply becomes visible once or is said to be unknown, whatever dies.
. "$(dirname "$0")/../lib/common.sh"
. "$(dirname "$0")/../lib/pg.sh"
. "$(dirname "$0")/../lib/webhook.sh"
need_command node jq openssl
need_program earshot-responder
feed_program=$(find "$EARSHOT_BUILD" -name integ.responder_feed -type f -perm -u+x | head -1)
[ -n "$feed_program" ] || fail "integ.responder_feed has not been built"

pg_start
for file in "$EARSHOT_SOURCE"/deploy/db/migrations/*.sql; do
  "$PG_BIN/psql" -X -q1 -v ON_ERROR_STOP=1 "$EAR_PG" -f "$file"
done
mkdir -p "$WORK/secrets" "$WORK/log"
webhook_secret >"$WORK/secrets/shop"
: >"$WORK/outcomes"
: >"$WORK/seen"
echo ok >"$WORK/mood"
for name in PLATFORM REPLIES COMMANDS HTTP1 HTTP2; do free_port; declare "$name=$PORT"; done
pg_query "INSERT INTO id_key (key) VALUES (decode(repeat('ab', 32), 'hex'));
  SELECT ensure_month(now());
  INSERT INTO team VALUES ('care', 'Care', '{}', '{}', true);
  INSERT INTO account (account_id, platform, team_id, secrets, settings) VALUES
    ('@shop', 'webshop', 'care', '{shop}',
     '{\"connector\": \"webhook\", \"url\": \"http://127.0.0.1:$PLATFORM/in\", \"rate\": \"1000/1s\"}'),
    ('@mute', 'nowhere', 'care', '{}', '{}')" >/dev/null

setpriv --pdeathsig KILL node "$EARSHOT_SOURCE/tests/lib/platform.mjs" "$PLATFORM" "$WORK/mood" "$WORK/seen" &
at_exit "kill $! 2>/dev/null"
mkfifo "$WORK/words"
exec 4<>"$WORK/words"
setpriv --pdeathsig KILL "$feed_program" "127.0.0.1:$REPLIES" "127.0.0.1:$COMMANDS" "$WORK/outcomes" <"$WORK/words" &
feed=$!
at_exit "kill $feed 2>/dev/null"
on_failure 'tail -n 12 "$WORK"/log/* "$WORK/outcomes" "$WORK/seen"'
wait_until 20 port_answers "$PLATFORM" || fail "the platform does not listen"

declare -A responder=()
start_responder() { # N [KEY=VALUE…]
  local n=$1 port=HTTP$1
  shift
  env EAR_PG="${EAR_PG/user=owner/user=earshot_responder}" EAR_HTTP="127.0.0.1:${!port}" \
    EAR_RESPONDER_ASSIGNMENTS="127.0.0.1:$REPLIES" EAR_RESPONDER_COMMANDS="127.0.0.1:$COMMANDS" \
    EAR_SECRETS_DIR="$WORK/secrets" EAR_RESPONDER_LEASE=2s EAR_RESPONDER_BACKOFF=50ms \
    EAR_RESPONDER_BACKOFF_MAX=400ms EAR_LOG_LEVEL=debug "$@" \
    setpriv --pdeathsig KILL "$EARSHOT_BIN/earshot-responder" >>"$WORK/log/responder.$n" 2>&1 </dev/null &
  responder[$n]=$!
}
ready() { local port=HTTP$1; curl -sf -o /dev/null --max-time 2 "http://127.0.0.1:${!port}/readyz"; }
reap() { # N: sets STATUS
  STATUS=0
  wait "${responder[$1]}" 2>/dev/null || STATUS=$?
}
gone() { ! kill -0 "${responder[$1]}" 2>/dev/null; }
stop_responder() {
  kill "${responder[$1]}"
  reap "$1"
  expect_eq "exit code of the responder" 0 "$STATUS"
}

counter=0
reply() { # TEXT [ACCOUNT [CUSTOMER]]: sets REPLY; the rows that ingest and assignment would have made
  counter=$((counter + 1))
  REPLY=$(printf '0198aaaa-0000-7000-8000-%012d' "$counter")
  local customer=${3:-$(printf '00000000-0000-8000-8000-%012d' "$counter")} account=${2:-@shop}
  local post=00000000-0000-8000-8000-000000000001 case=0198bbbb-0000-7000-8000-000000000001
  pg_query "INSERT INTO post (post_id, customer_id, platform, external_id, account_id, created_at, received_at,
      stored_at, self_ref, visibility, entry, own, automated, language_hint, body, thread)
    VALUES ('$post', '$customer', 'webshop', 'order-7', '$account', now(), now(), now(), '$post', 0, 6, false,
      false, '', 'help', '{}') ON CONFLICT DO NOTHING;
    INSERT INTO identity VALUES ('$customer', 'webshop', 'buyer-$counter', 'zoe', NULL, now(), now()) ON CONFLICT DO NOTHING;
    INSERT INTO reply (reply_id, customer_id, case_id, account_id, platform, post_id, agent_id, by_rule, direct,
      body, sign_off, created_at)
    VALUES ('$REPLY', '$customer', '$case', '$account', 'webshop', '$post', 'ana', false, false, '$1', '^Ana', now())"
  LINE="reply $REPLY $customer $case $account $1"
  echo "$LINE" >&4
}
outcomes_of() { grep -c "^outcome $1 " "$WORK/outcomes" || true; }
commands_of() { awk -v r="$1" '$1 == "outcome" && $2 == r { print $7 }' "$WORK/outcomes" | sort -u | wc -l; }
has_outcome() { [ "$(outcomes_of "$1")" -ge 1 ]; }
outcome_of() { awk -v r="$1" '$1 == "outcome" && $2 == r { print $3, $5; exit }' "$WORK/outcomes"; }
requests_of() { grep -c "$1" "$WORK/seen" || true; }
was_seen() { [ "$(requests_of "$1")" -ge "${2:-1}" ]; }
ids_of() { grep "$1" "$WORK/seen" | cut -d' ' -f1 | sort -u | wc -l; }
pending() { pg_query 'SELECT (SELECT count(*) FROM sending) + (SELECT count(*) FROM outcome_due)'; }
settled_is() { [ "$(grep -c "^settled $1 0" "$WORK/outcomes")" = "$2" ]; }
limited() { [ -n "$(pg_query "SELECT account_id FROM account_limit")" ]; }
outcome_is_due() { [ "$(pg_query "SELECT count(*) FROM outcome_due")" = 1 ]; }
quiet() { [ "$(pending)" = 0 ]; }
must_end() { # STATE REASON [SECONDS]
  must_settle "outcome of $REPLY" "${3:-30}" has_outcome "$REPLY"
  expect_eq "state and reason" "$1 $2" "$(outcome_of "$REPLY")"
  must_settle "nothing left of $REPLY" 10 quiet
}

start_responder 1
wait_until 30 ready 1 || fail "not ready: $(curl -s "http://127.0.0.1:$HTTP1/readyz")"

say "one reply: one request, one outcome; offered again it changes nothing"
reply "First answer"
must_end 1 -
expect_eq "requests" 1 "$(requests_of "$REPLY")"
echo "$LINE" >&4
echo "$LINE" >&4
must_settle "three settles" 20 settled_is "$REPLY" 3
expect_eq "requests after repeats" 1 "$(requests_of "$REPLY")"
expect_eq "attempts" 1 "$(pg_query "SELECT count(*) FROM attempt WHERE reply_id = '$REPLY' AND state = 2")"
grep "$REPLY" "$WORK/seen" | grep -q 'buyer-1' || fail "the recipient is not in the request"

say "errors of the platform are tried again under the same id"
echo once-error >"$WORK/mood"
reply "Second answer"
must_end 1 -
expect_eq "ids" 1 "$(ids_of "$REPLY")"
expect_eq "attempts" 2 "$(pg_query "SELECT count(*) FROM attempt WHERE reply_id = '$REPLY'")"

say "what is gone is not tried again"
echo gone >"$WORK/mood"
reply "Third answer"
must_settle "outcome" 20 has_outcome "$REPLY"
expect_eq "state" 2 "$(outcome_of "$REPLY" | cut -d' ' -f1)"
expect_eq "requests" 1 "$(requests_of "$REPLY")"

say "replies that nobody can carry fail with a reason"
echo ok >"$WORK/mood"
reply "To nobody" "@unheard"
must_end 2 no_account
reply "To a platform without connector" "@mute"
must_end 2 no_connector

say "an account without its secret keeps its replies until somebody mends it, or they are too old"
mv "$WORK/secrets/shop" "$WORK/secrets/shop.away"
pg_query "SELECT pg_notify('earshot_care', '')" >/dev/null
must_settle "the mistake is told" 20 grep -q 'event=responder.account_unusable.*shop' "$WORK/log/responder.1"
reply "Mended answer"
sleep 1
expect_eq "requests" 0 "$(requests_of "$REPLY")"
mv "$WORK/secrets/shop.away" "$WORK/secrets/shop"
pg_query "SELECT pg_notify('earshot_care', '')" >/dev/null
must_end 1 -
pg_query "UPDATE account SET enabled = false WHERE account_id = '@shop'; SELECT pg_notify('earshot_care', '')" >/dev/null
stop_responder 1
start_responder 1 EAR_RESPONDER_GIVE_UP_AFTER=2s
reply "Too late"
must_end 2 gave_up 40
expect_eq "requests" 0 "$(requests_of "$REPLY")"
stop_responder 1
pg_query "UPDATE account SET enabled = true WHERE account_id = '@shop'"
start_responder 1

say "a line cut after the request is an open fate: again, and the receiver dedupes"
echo drop >"$WORK/mood"
reply "Fourth answer"
must_settle "a first request" 20 was_seen "$REPLY"
echo ok >"$WORK/mood"
must_end 1 -
expect_eq "ids" 1 "$(ids_of "$REPLY")"

say "a platform that asks to slow down is obeyed, also by the next process"
echo busy >"$WORK/mood"
reply "Fifth answer"
must_settle "a first request" 20 was_seen "$REPLY"
must_settle "the limit" 10 limited
echo ok >"$WORK/mood"
stop_responder 1
before=$(requests_of "$REPLY")
resume=$(pg_query "SELECT extract(epoch FROM resume_at) FROM account_limit")
start_responder 1
must_end 1 -
[ "$before" -le 2 ] || fail "$before requests while the platform asked to wait"
sent=$(pg_query "SELECT extract(epoch FROM started_at) FROM attempt WHERE reply_id = '$REPLY' ORDER BY attempt_no DESC LIMIT 1")
awk -v a="$sent" -v b="$resume" 'BEGIN { exit !(a >= b - 0.1) }' || fail "sent at $sent, the limit lasted until $resume"

say "replies to one customer keep their order"
echo error >"$WORK/mood"
customer=00000000-0000-8000-8000-00000000aaaa
reply "Order one" @shop $customer
one=$REPLY
must_settle "a first try" 20 was_seen "$one"
reply "Order two" @shop $customer
two=$REPLY
must_settle "another try of the first" 20 was_seen "$one" 2
expect_eq "requests of the second meanwhile" 0 "$(requests_of "$two")"
echo ok >"$WORK/mood"
must_settle "both" 30 has_outcome "$two"
has_outcome "$one" || fail "the second came before the first"

say "outcomes wait until assignment takes them"
echo deaf >&4
reply "Sixth answer"
must_settle "the request" 20 was_seen "$REPLY"
must_settle "the due outcome" 10 outcome_is_due
echo hear >&4
must_end 1 - 40

say "PostgreSQL crashes in the middle"
for i in 1 2 3 4 5; do reply "Crash $i"; done
last=$REPLY
pg_restart immediate
must_settle "the last one" 60 has_outcome "$last"
must_settle "nothing left" 30 quiet
expect_eq "ids seen of all" 5 "$(grep 'Crash' "$WORK/seen" | cut -d' ' -f1 | sort -u | wc -l)"

say "a second responder takes over when the first dies"
start_responder 2
wait_until 30 ready 2 || fail "the second is not ready"
kill -9 "${responder[1]}"
reap 1
reply "Taken over"
must_end 1 - 30
expect_eq "requests" 1 "$(requests_of "$REPLY")"
stop_responder 2

for point in before_accept before_settle before_journal after_journal after_send before_outcome after_outcome before_forget; do
  say "kill -9 at $point"
  start_responder 1 EAR_FAULT="responder.$point=kill"
  reply "Killed at $point"
  wait_until 30 gone 1 || fail "the fault point $point was not reached"
  reap 1
  expect_eq "killed" 137 "$STATUS"
  start_responder 1
  must_end 1 - 60
  expect_eq "ids seen" 1 "$(ids_of "$REPLY")"
  expect_eq "commands told" 1 "$(commands_of "$REPLY")"
  stop_responder 1
done

! grep -nE 'ERROR: (Address|Leak)Sanitizer|runtime error:|check_failed' "$WORK"/log/* >&2 || fail "a sanitizer reported an error"
