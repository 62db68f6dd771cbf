#!/usr/bin/env bash
# Two responders and several accounts: each sends for its share, whoever is left sends for all, nobody
# sends for an account that it gave up, and no account is left without a sender.
. "$(dirname "$0")/../lib/responder.sh"

for n in 1 2 3 4 5; do
  pg_query "INSERT INTO account (account_id, platform, team_id, secrets, settings)
    SELECT '@shop$n', platform, team_id, secrets, settings FROM account WHERE account_id = '@shop'"
done
accounts=7

# Shares of the live ones, least first: "3 4". An owner without any account counts as nobody.
shares() {
  pg_query "SELECT coalesce(string_agg(n::text, ' ' ORDER BY n), '') FROM (SELECT count(*) AS n FROM lease
    WHERE name LIKE 'send/%' AND until_at > now() GROUP BY owner) s"
}
shares_are() { [ "$(shares)" = "$1" ]; }
seats() { pg_query "SELECT count(*) FROM lease WHERE name LIKE 'responder/%'"; }
renewed_since() { [ "$(pg_query "SELECT max(until_at) > '$1' FROM lease")" = t ]; }
stand_still_long() { [ "$(pg_query "SELECT count(*) FROM lease WHERE name LIKE 'send/%' AND until_at > now()")" = 0 ]; }
answer_all() { # WORD: one reply on each account, each visible once
  local n all=()
  for n in '' 1 2 3 4 5; do
    reply "$1" "@shop$n"
    all+=("$REPLY")
  done
  for REPLY in "${all[@]}"; do
    must_end 1 -
    expect_eq "requests of $REPLY" 1 "$(requests_of "$REPLY")"
  done
}
statement() { # NAME: as the responder has it
  awk -v name="$1" '/^-- name: / { on = $3 == name; next } on' "$EARSHOT_SOURCE/services/responder/store.sql" | grep -v '^--'
}

say "the only one has all"
start_responder 1
must_settle "all accounts at one" 30 shares_are $accounts
answer_all Alone

say "a second one gets its share, busy accounts too"
echo hang >"$WORK/mood"
for n in '' 1 2 3 4 5; do reply "Held up" "@shop$n"; done
held=$REPLY
must_settle "a request" 20 was_seen "$held"
start_responder 2
seated() { [ "$(seats)" = "$1" ]; }
must_settle "a seat of its own" 20 seated 2
echo ok >"$WORK/mood"
must_settle "even shares" 60 shares_are "3 4"
must_settle "all answered" 90 quiet
expect_eq "ids of the ones held up" 6 "$(ids_of 'Held up')"
answer_all Shared
for n in 1 2; do
  grep -q 'event=responder.attempt_begun' "$WORK/log/responder.$n" || fail "responder $n sent nothing"
done
grep -q 'event=responder.account_let_go' "$WORK/log/responder.1" || fail "the first let nothing go"
for k in 1 2 3; do
  before=$(grep -c 'event=responder.account_l' "$WORK/log/responder.1")
  must_settle "renewals" 10 renewed_since "$(pg_query 'SELECT max(until_at) FROM lease')"
  expect_eq "accounts do not wander, look $k" "$before" "$(grep -c 'event=responder.account_l' "$WORK/log/responder.1")"
done

say "one dies: the other has all; it comes back: shares again, and no more seats than before"
kill -9 "${responder[2]}"
reap 2
must_settle "all at the survivor" 20 shares_are $accounts
answer_all Survived
start_responder 2
must_settle "even shares" 30 shares_are "3 4"
expect_eq "seats" 2 "$(seats)"

say "one stops in order: the other has all at once"
stop_responder 2
must_settle "all at the other" 5 shares_are $accounts

say "a responder that stood still goes on with what waits"
stop_responder 1
start_responder 1 EAR_RESPONDER_BACKOFF=3s EAR_RESPONDER_BACKOFF_MAX=3s
echo error >"$WORK/mood"
reply "After the pause"
must_settle "an attempt that will be repeated" 20 grep -q "event=responder.attempt_ended.*$REPLY.*state=retry" "$WORK/log/responder.1"
kill -STOP "${responder[1]}"
must_settle "its leases ran out" 20 stand_still_long
pg_query "SELECT pg_sleep(2)" >/dev/null # past the time of the next attempt
echo ok >"$WORK/mood"
kill -CONT "${responder[1]}"
must_end 1 - 20

say "what one took over for an account that the other never heard of is not forgotten when it dies"
stop_responder 1
free_port
start_responder 2 EAR_RESPONDER_ASSIGNMENTS="127.0.0.1:$PORT"
alone() { curl -s --max-time 2 "http://127.0.0.1:$HTTP2/readyz" | grep -q "no assignment can be reached"; }
wait_until 30 alone || fail "the second does not say that it is without an assignment"
start_responder 1 EAR_FAULT=responder.before_settle=kill
reply "To a stranger" "@ghost"
wait_until 30 gone 1 || fail "the fault point was not reached"
reap 1
must_end 2 no_account 20

say "accounts that could not be read are read again"
pg_query "REVOKE SELECT ON account_limit FROM earshot_responder;
  INSERT INTO account (account_id, platform, team_id, secrets, settings)
    SELECT '@late', platform, team_id, secrets, settings FROM account WHERE account_id = '@shop';
  SELECT pg_notify('earshot_care', '')" >/dev/null
must_settle "the refusal" 20 grep -q 'event=responder.read_failed.*accounts' "$WORK/log/responder.2"
pg_query "GRANT SELECT ON account_limit TO earshot_responder"
must_settle "the new account" 20 grep -q 'event=responder.account_leased.*@late' "$WORK/log/responder.2"
stop_responder 2

say "an owner that was given up moves nothing"
customer=00000000-0000-8000-8000-0000000000ff stale=0198cccc-0000-7000-8000-000000000001
pg_query "INSERT INTO lease VALUES ('send/@old', '$customer', 2, now() + interval '1 hour');
  INSERT INTO sending (reply_id, customer_id, account_id, next_at, tries, payload)
    VALUES ('$stale', '$customer', '@old', 'epoch', 7, '');
  INSERT INTO attempt (reply_id, attempt_no, customer_id, epoch, key, state, started_at)
    VALUES ('$stale', 1, '$customer', 2, '', 1, now())"
for epoch in 1 2; do
  pg_query "PREPARE a AS $(statement postpone) EXECUTE a ('$stale', 1, '$customer', now(), $epoch, $epoch);
    PREPARE b AS $(statement write_session) EXECUTE b ('@old', 'state of $epoch', 'send/@old', '$customer', $epoch)"
  [ "$epoch" = 2 ] && expected="2 state of 2" || expected="7 "
  expect_eq "under epoch $epoch" "$expected" "$(pg_query "SELECT tries || ' ' || coalesce((SELECT state FROM session
    WHERE account_id = '@old'), '') FROM sending WHERE reply_id = '$stale'")"
done
pg_query "UPDATE sending SET next_at = 'epoch'; PREPARE a AS $(statement put_off)
  EXECUTE a ('$stale', now(), 'send/@old', '$customer', 1)"
expect_eq "not put off either" t "$(pg_query "SELECT next_at = 'epoch' FROM sending")"

! grep -nE 'ERROR: (Address|Leak)Sanitizer|runtime error:|check_failed' "$WORK"/log/* >&2 || fail "a sanitizer reported an error"
