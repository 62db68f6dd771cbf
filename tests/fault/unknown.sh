#!/usr/bin/env bash
# Answers whose fate nobody can know, through everything: a mail server hangs up behind the final dot, and
# the responder dies (kill -9) when the dot is out and nothing is written down. Each is told as `unknown`
# with its reason, never sent again by itself, its case is open for a person, and what that person writes
# then goes out. The death by --full only: a mail may take its server two minutes, and so long nobody judges.
. "$(dirname "$0")/../lib/care.sh"
. "$(dirname "$0")/../lib/peers.sh"
. "$(dirname "$0")/../lib/invariants.sh"
need_command node jq curl

free_port
smtp=$PORT ledger=$WORK/mails
echo ok >"$WORK/mood"
: >"$ledger"
setpriv --pdeathsig KILL node "$EARSHOT_SOURCE/tests/lib/smtp.mjs" "$smtp" "$WORK/mood" "$ledger" >"$WORK/smtp.log" 2>&1 &
at_exit "kill $! 2>/dev/null"
wait_until 20 port_answers "$smtp" || fail "the mail server does not listen"

# Posts come by replay: nobody hears that mailbox.
{
  care_firm 8
  cat <<YAML
accounts:
  - id: care@care.test
    platform: mail
    author_id: care@care.test
    team: care
    settings: { smtp: "smtp://127.0.0.1:$smtp", starttls: "off", smtp_login: "off" }
YAML
} >"$WORK/care.yaml"
pg_start
stack_prepare "$WORK/care.yaml"
backoff=(EAR_RESPONDER_LEASE=2s EAR_RESPONDER_BACKOFF=100ms EAR_RESPONDER_BACKOFF_MAX=400ms)
ENV_responder=("${backoff[@]}")
stack_start ingest=1 classifier=1 assignment=1 responder=1
quietly ctl agent present ana --as ana
jq -cn --arg at "$(date -u +%FT%TZ)" '{platform: "mail", external_id: "m1@cust.test", account: "care@care.test",
  author: {id: "zoe@cust.test"}, text: "My parcel arrived broken, I want my money back!", created_at: $at}' >"$WORK/feed.jsonl"
quietly ctl replay "$WORK/feed.jsonl" --live
must_settle "the case" 30 cases_are 1
only_case

mails() { wc -l <"$ledger"; }
newest() { pg_query "SELECT $1 FROM reply ORDER BY reply_id DESC LIMIT 1"; }
attempts() { pg_query "SELECT count(*) FROM attempt WHERE reply_id = '$(newest reply_id)'"; }
state_is() { [ "$(reply_state)" = "$1" ]; }

must_be_unknown() { # REASON MAILS
  must_settle "it is told as unknown" 180 state_is 3
  expect_eq "its reason" "$1" "$(newest reason)"
  must_settle "nothing is on its way" 30 stack_settled
  sleep 3 # many times what is waited for before another try
  expect_eq "attempts" 1 "$(attempts)"
  expect_eq "mails at the server" "$2" "$(mails)"
  expect_eq "state, and that a person has it" "1|ana" "$(pg_query "SELECT state, agent_id FROM \"case\" WHERE case_id = '$CASE'")"
  expect_eq "lines of its history that say so" 1 "$(pg_query "SELECT count(*) FROM history WHERE reply_id = '$(newest reply_id)' AND kinds & (1 << 11) <> 0")"
  grep -q "event=responder.attempt_ended .*reason=$1" "$WORK/log/responder.1.log" || fail "the log does not say $1"
}

say "the server hangs up behind the final dot"
echo cut >"$WORK/mood"
reply "$CASE" "Your money is on its way."
must_be_unknown no_answer 1
echo ok >"$WORK/mood"
service_stop responder 1
service_start responder 1
service_wait_ready responder 1
sleep 1
expect_eq "mails at the server, after a restart" 1 "$(mails)"

say "a person writes again"
reply "$CASE" "Once more: your money is on its way."
must_settle "it is sent" 30 state_is 1
expect_eq "mails at the server" 2 "$(mails)"

is_over() { ! kill -0 "${stack_pid[responder.1]}" 2>/dev/null; }
dies() {
  say "the responder dies when the server has said yes and nobody has written it down"
  service_stop responder 1
  ENV_responder=("${backoff[@]}" EAR_FAULT=responder.after_send=kill)
  service_start responder 1
  service_wait_ready responder 1
  reply "$CASE" "And we are sorry."
  must_settle "it dies" 30 is_over
  ENV_responder=("${backoff[@]}")
  service_kill responder 1
  service_start responder 1
  must_be_unknown interrupted 3
}
[ -z "${EARSHOT_FULL:-}" ] || dies

expect_eq "mails that are there twice" '' "$(jq -r .id "$ledger" | sort | uniq -d)"
invariant_posts
invariant_outcomes
invariant_cases
stack_stop
stack_logs_clean
