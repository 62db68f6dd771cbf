#!/usr/bin/env bash
# The receiver that the quickstart shows: takes what is signed by the shared secret, each id once,
# also after a restart, and nothing else.
. "$(dirname "$0")/../lib/webhook.sh"
need_command openssl curl jq
need_program earshot-receiver

secret=$(webhook_secret)
printf '%s' "$secret" >"$WORK/secret"
free_port
url=http://127.0.0.1:$PORT/replies

receiver_start() {
  EAR_HTTP=127.0.0.1:$PORT EAR_RECEIVER_SECRET_FILE=$WORK/secret EAR_RECEIVER_LEDGER=$WORK/ledger \
    setpriv --pdeathsig KILL "$EARSHOT_BIN/earshot-receiver" 2>>"$WORK/log" &
  receiver=$!
  must_settle "the receiver answers" 20 port_answers "$PORT"
}

receiver_stop() {
  kill "$receiver"
  wait "$receiver" || fail "exit code $?"
}

expect_status() { # WHAT STATUS
  expect_eq "$1" "$2" "$WEBHOOK_STATUS"
}

on_failure 'cat "$WORK/log"'
receiver_start

webhook_post "$url" "$secret" msg_1 '{"text":"Hello, über"}'
expect_status "a signed reply" 200
webhook_post "$url" "$secret" msg_1 '{"text":"Hello, über"}'
expect_status "the same again" 200
expect_eq "it is known" true "$(jq .repeat "$WORK/webhook.answer")"
webhook_post "$url" "$(webhook_secret)" msg_2 '{}'
expect_status "another secret" 401
webhook_post "$url" "$secret" msg_2 '{}' $(($(date +%s) - 301))
expect_status "too old" 401
webhook_post "$url" "$secret" msg_2 '{}' soon
expect_status "no time" 400
webhook_post "$url" "$secret" msg_2 '{'
expect_status "no JSON" 400
webhook_post "$url" "$secret" msg_2 '{"text":"two"}' "$(date +%s)" "v1,$(head -c 32 /dev/zero | base64) $(
  printf '{"text":"two"}' | webhook_sign "$secret" msg_2 "$(date +%s)")"
expect_status "two signatures while a secret is rotated" 200

receiver_stop
receiver_start
webhook_post "$url" "$secret" msg_2 '{"text":"two"}'
expect_eq "known after a restart" true "$(jq .repeat "$WORK/webhook.answer")"
expect_eq "what was received" '{"received":2,"repeats":1,"refused":0}' "$(curl -sS "$url")"
expect_eq "the ledger" 'msg_1 Hello, über|msg_2 two' "$(jq -r '.webhook_id + " " + .body.text' "$WORK/ledger" | paste -sd'|')"
receiver_stop
! grep -E 'Sanitizer|runtime error' "$WORK/log" || fail "a sanitizer reported an error"
