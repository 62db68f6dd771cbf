#!/usr/bin/env bash
# The responder between a stand-in for assignment (over the real bus), a real PostgreSQL and a
# platform that misbehaves: every reply becomes visible once or is said to be unknown, whatever dies.
. "$(dirname "$0")/../lib/responder.sh"
. "$(dirname "$0")/../lib/hostile.sh"

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

unanswered() { curl -s "http://127.0.0.1:$HTTP1/readyz" | jq -r '"\(.unanswered_accounts) \(.unanswered | map("\(.account) \(.connector) \(.why)") | join("; "))"'; }
unanswered_is() { unanswered | grep -qxE "$1"; }
say "errors of the platform are tried again under the same id, and who cannot answer is named meanwhile"
expect_eq "accounts in trouble" "0 " "$(unanswered)"
echo error >"$WORK/mood"
reply "Second answer"
must_settle "the account is named" 20 unanswered_is '1 @shop webhook .*500.*'
echo ok >"$WORK/mood"
must_end 1 -
expect_eq "accounts in trouble" "0 " "$(unanswered)"
expect_eq "ids" 1 "$(ids_of "$REPLY")"
expect_eq "whether it was tried again" t "$(pg_query "SELECT count(*) > 1 FROM attempt WHERE reply_id = '$REPLY'")"
echo once-error >"$WORK/mood"
reply "Second answer, to the next"
must_end 1 -
expect_eq "ids" 1 "$(ids_of "$REPLY")"
expect_eq "attempts" 2 "$(pg_query "SELECT count(*) FROM attempt WHERE reply_id = '$REPLY'")"

say "what is gone is not tried again"
echo gone >"$WORK/mood"
reply "Third answer"
must_settle "outcome" 20 has_outcome "$REPLY"
expect_eq "state" 2 "$(outcome_of "$REPLY" | cut -d' ' -f1)"
expect_eq "requests" 1 "$(requests_of "$REPLY")"
expect_eq "accounts in trouble" "0 " "$(unanswered)"

outcomes_are() { # PLATFORM OUTCOME COUNT
  curl -s "http://127.0.0.1:$HTTP1/metrics" >"$WORK/metrics"
  grep -qxF "earshot_responder_attempts_total{platform=\"$1\",outcome=\"$2\"} $3" "$WORK/metrics"
}
must_settle "the failure is counted" 10 outcomes_are webshop failed 1
must_settle "what never happened, too: or else an alert would not see it begin" 10 outcomes_are webshop unknown 0

say "replies that nobody can carry fail with a reason"
echo ok >"$WORK/mood"
reply "To nobody" "@unheard"
must_end 2 no_account
reply "To a platform without connector" "@mute"
must_end 2 no_connector

say "what PostgreSQL refuses fails alone, and visibly; what came with it is sent"
echo "together 5" >&4
batch=()
for i in 1 2; do reply "Beside poison $i"; batch+=("$REPLY"); done
poison=0198aaaa-ffff-7000-8000-000000000001
printf 'reply %s %s %s @sh\xffop Poison\n' "$poison" 00000000-0000-8000-8000-00000000ffff \
  0198bbbb-0000-7000-8000-000000000001 >&4
for i in 3 4; do reply "Beside poison $i"; batch+=("$REPLY"); done
REPLY=$poison
must_end 2 refused_by_database
for REPLY in "${batch[@]}"; do
  must_end 1 -
  expect_eq "requests" 1 "$(requests_of "$REPLY")"
done
for REPLY in "$poison" "${batch[@]}"; do must_settle "settled once, as done" 10 settled_is "$REPLY" 1; done
grep -q "event=responder.reply_refused.*$poison" "$WORK/log/responder.1" || fail "the refusal is not in the log"

say "an account without its secret keeps its replies until somebody mends it, or they are too old"
mv "$WORK/secrets/shop" "$WORK/secrets/shop.away"
pg_query "SELECT pg_notify('earshot_care', '')" >/dev/null
must_settle "the mistake is told" 20 grep -q 'event=responder.account_unusable.*shop' "$WORK/log/responder.1"
must_settle "and named" 20 unanswered_is '1 @shop webhook .*shop.*'
reply "Mended answer"
mended=$REPLY
reply "Later, to a platform without connector" "@mute" # when this one has ended, the first was looked at
must_settle "outcome" 20 has_outcome "$REPLY"
REPLY=$mended
expect_eq "requests" 0 "$(requests_of "$REPLY")"
mv "$WORK/secrets/shop.away" "$WORK/secrets/shop"
pg_query "SELECT pg_notify('earshot_care', '')" >/dev/null
must_end 1 -
expect_eq "accounts in trouble" "0 " "$(unanswered)"
pg_query "UPDATE account SET enabled = false WHERE account_id = '@shop'; SELECT pg_notify('earshot_care', '')" >/dev/null
stop_responder 1
start_responder 1 EAR_RESPONDER_GIVE_UP_AFTER=2s
reply "Too late"
must_end 2 gave_up 40
expect_eq "requests" 0 "$(requests_of "$REPLY")"
stop_responder 1
pg_query "UPDATE account SET enabled = true WHERE account_id = '@shop'"
start_responder 1
# Each prepares statements on the table that is locked below.
all_connected() { curl -s "http://127.0.0.1:$HTTP1/metrics" | grep -q '^earshot_pg_connections 4$'; }
must_settle "its connections" 20 all_connected

say "what is declared while an account is being opened counts"
pg_query "BEGIN; LOCK TABLE session IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(120)" >/dev/null 2>&1 &
locker=$!
lock_held() { [ -n "$(pg_query "SELECT 1 FROM pg_locks WHERE relation = 'session'::regclass AND granted AND mode = 'AccessExclusiveLock'")" ]; }
lock_awaited() { [ -n "$(pg_query "SELECT 1 FROM pg_locks WHERE relation = 'session'::regclass AND NOT granted")" ]; }
must_settle "the lock" 10 lock_held
pg_query "INSERT INTO account (account_id, platform, team_id, secrets, settings) VALUES
    ('@hasty', 'webshop', 'care', '{shop}', '{\"connector\": \"mail\"}'); SELECT pg_notify('earshot_care', '')" >/dev/null
must_settle "the account is being opened" 20 lock_awaited
pg_query "UPDATE account SET settings = (SELECT settings FROM account WHERE account_id = '@shop') WHERE account_id = '@hasty';
  INSERT INTO account (account_id, platform, team_id) VALUES ('@after', 'nowhere', 'care'); SELECT pg_notify('earshot_care', '')" >/dev/null
must_settle "it was declared anew" 20 grep -q 'event=responder.account_leased.*@after' "$WORK/log/responder.1"
pg_query "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'BEGIN; LOCK TABLE session%' AND pid <> pg_backend_pid()" >/dev/null
wait "$locker" || true
reply "By the right connector" "@hasty"
must_end 1 - 20

say "a line cut after the request is an open fate: again, and the receiver dedupes"
echo drop >"$WORK/mood"
reply "Fourth answer"
must_settle "a first request" 20 was_seen "$REPLY"
must_settle "the account is named" 20 unanswered_is '1 @shop webhook .*'
echo ok >"$WORK/mood"
must_end 1 -
expect_eq "ids" 1 "$(ids_of "$REPLY")"

say "a platform that means harm: its status counts, what comes behind it is bounded, the reply is shown once"
declare -A stack_pid=([responder.1]=${responder[1]})
watch_memory responder 1
for harm in endless bomb deep headers junk; do
  echo "$harm" >"$WORK/mood"
  reply "Answered by $harm"
  must_settle "a first request" 20 was_seen "$REPLY"
  sleep 0.5
  echo ok >"$WORK/mood"
  must_end 1 -
  expect_eq "ids" 1 "$(ids_of "$REPLY")"
  # What is no HTTP has no status: an open fate.
  expect_eq "whether it was tried again" "$([ "$harm" = junk ] && echo t || echo f)" \
    "$(pg_query "SELECT count(*) > 1 FROM attempt WHERE reply_id = '$REPLY'")"
done
memory_within "$(peak_mb responder 1)"

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

say "outcomes that nobody can read, or that assignment has another of, keep none waiting"
pg_query "INSERT INTO outcome_due (reply_id, customer_id, payload, created_at)
  SELECT ('00000000-0000-7000-8000-0000000000' || to_char(n, 'FM00'))::uuid, gen_random_uuid(), '\\xff', now() - interval '1 h'
    FROM generate_series(1, 40) n"
reply "Behind forty"
must_settle "its outcome" 20 has_outcome "$REPLY"
echo contrary >&4
reply "Of another mind"
outcome_is_refused() { grep -q "event=responder.outcome_refused reply=$REPLY .*error=conflict" "$WORK/log/responder.1"; }
must_settle "refused for good" 20 outcome_is_refused
echo hear >&4
pg_query "DELETE FROM outcome_due WHERE payload = '\\xff'"
must_settle "nothing left" 30 quiet

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
