#!/usr/bin/env bash
# Signed webhooks in and out, with signatures made and checked by the scheme's own library: what is
# signed becomes a case once, everything else is refused; an answer reaches the firm's system once,
# also when the system's first answers get lost.
. "$(dirname "$0")/../lib/webhook.sh"
. "$(dirname "$0")/../lib/peers.sh"
need_command jq curl openssl
need_peer webhooks faultproxy

pg_start
node_receiver
fault_proxy "localhost:$RECEIVER_PORT"
mkdir -p "$WORK/secrets"
printf '%s' "$RECEIVER_SECRET" >"$WORK/secrets/shop"
webhook_care "$WORK/care.yaml" "$PROXY_URL/replies"
stack_prepare "$WORK/care.yaml"
stack_start ingest=1 classifier=1 assignment=1 responder=1
quietly ctl agent present ana --as ana
url=$(stack_url ingest 1)/v1/accounts/@shop/posts

send() { # BODY [FAULT]: sets STATUS and ANSWER
  local result
  printf '%s' "$1" >"$WORK/body"
  result=$(node "$PEERS/webhook-send.mjs" standard "$url" "$RECEIVER_SECRET" "$WORK/body" ${2:+"$2"})
  STATUS=$(jq .status <<<"$result") ANSWER=$(jq -r .body <<<"$result")
}

post() { # EXTERNAL_ID AUTHOR TEXT
  jq -cn --arg id "$1" --arg author "$2" --arg text "$3" --arg at "$(date -u +%FT%TZ)" \
    '{platform: "webshop", external_id: $id, author: {id: $author, handle: $author}, text: $text, created_at: $at}'
}

say "what is not signed is refused and leaves nothing"
for fault in badsig nosig flip stale; do
  send "$(post never zoe 'My parcel is broken!')" "$fault"
  [[ $STATUS == 401 || $STATUS == 400 ]] || fail "$fault was answered $STATUS: $ANSWER"
done
expect_eq "posts stored" 0 "$(pg_query 'SELECT count(*) FROM post')"

say "what is signed becomes one case, however often it comes"
complaint=$(post order-1 zoe 'My parcel arrived broken and nobody answers the phone. I want my money back!')
export ID=msg_first
send "$complaint"
expect_eq "first answer" 200 "$STATUS"
first=$ANSWER
send "$complaint"
expect_eq "the repeated id gets the first answer" "$first" "$ANSWER"
export ID=msg_second
send "$complaint"
expect_eq "another id, the same post" 200 "$STATUS"
unset ID
must_settle "the case" 30 cases_are 1
expect_eq "posts stored" 1 "$(pg_query 'SELECT count(*) FROM post')"
expect_eq "triaged" 1 "$(pg_query 'SELECT count(*) FROM triage')"
expect_eq "who has the case" ana "$(pg_query 'SELECT agent_id FROM "case"')"

say "an answer reaches the firm's system once and stops the clock"
only_case
reply "$CASE" "I am sorry, Zoe. Your money is on its way back."
must_settle "the reply is received" 30 received_is 1
must_settle "the outcome is known" 30 stack_settled
expect_eq "text at the receiver" "I am sorry, Zoe. Your money is on its way back." \
  "$(jq -r 'select(.id) | .body.data.body' "$RECEIVER_LEDGER")"
expect_eq "the clock stands, not breached" "t|f" \
  "$(pg_query 'SELECT respond_by IS NULL AND first_responded_at IS NOT NULL, breached FROM "case"')"

say "the platform did it, the answer got lost: tried again with the same id, shown once"
fault lost 100
reply "$CASE" "It has been sent today."
must_settle "the second reply has been received" 60 received_is 2
fault lost 0
must_settle "the outcome is known" 240 stack_settled
expect_eq "distinct replies at the receiver" 2 "$(received)"
expect_eq "replies sent" 2 "$(pg_query 'SELECT count(*) FROM reply WHERE visible_at IS NOT NULL')"
expect_eq "nothing refused" 0 "$(jq -s 'map(select(.refused)) | length' "$RECEIVER_LEDGER")"

stack_stop
stack_logs_clean
