#!/usr/bin/env bash
# A platform that limits, breaks, resets, hangs, is slow, loses its answers, has a login page put before it,
# or another certificate than it had: each reply is shown once, is tried again where that is safe, and
# nothing is restarted. The receiver checks signatures by the library of those who wrote the scheme.
. "$(dirname "$0")/../lib/webhook.sh"
. "$(dirname "$0")/../lib/peers.sh"
need_command jq curl openssl
need_peer webhooks faultproxy

# An answer that never comes costs its time-out twice; chance (below) has some of both kinds.
many=24 customers=1 silent=lost
# Replies of one customer go out one after another; those of many do not wait for one of them.
[ -z "${EARSHOT_FULL:-}" ] || many=200 customers=25 silent='lost drop'

certify() { # NAME: a new authority and a certificate of it for localhost, $WORK/tls/NAME.ca and .pem
  local at=$WORK/tls/$1
  mkdir -p "$WORK/tls"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout "$at.ca.key" \
    -out "$at.ca" -subj "/CN=authority $1" 2>/dev/null
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$at.key" -out "$at.csr" \
    -subj "/CN=localhost" 2>/dev/null
  openssl x509 -req -in "$at.csr" -CA "$at.ca" -CAkey "$at.ca.key" -CAcreateserial -days 2 -out "$at.crt" \
    -extfile <(echo "subjectAltName=DNS:localhost") 2>/dev/null
  cat "$at.crt" "$at.key" >"$at.pem"
}

pg_start
node_receiver
certify old
certify new
cp "$WORK/tls/old.ca" "$WORK/ca"
cp "$WORK/tls/old.pem" "$WORK/tls/proxy.pem"
export TLS_PEM=$WORK/tls/proxy.pem
fault_proxy "localhost:$RECEIVER_PORT"
mkdir -p "$WORK/secrets"
printf '%s' "$RECEIVER_SECRET" >"$WORK/secrets/shop"
webhook_care "$WORK/care.yaml" "$PROXY_URL/replies" "$WORK/ca"
stack_prepare "$WORK/care.yaml"
ENV_responder=(EAR_RESPONDER_BACKOFF=200ms EAR_RESPONDER_BACKOFF_MAX=2s)
stack_start ingest=1 classifier=1 assignment=1 responder=1
quietly ctl agent present ana --as ana
jq -cn --arg at "$(date -u +%FT%TZ)" --argjson n "$customers" 'range($n) | {platform: "webshop", external_id: "\(.)", account: "@shop",
  author: {id: "zoe-\(.)"}, text: "My parcel arrived broken, I want my money back!", created_at: $at}' >"$WORK/feed.jsonl"
quietly ctl replay "$WORK/feed.jsonl" --live
must_settle "the cases" 30 cases_are "$customers"
mapfile -t cases < <(pg_query 'SELECT case_id FROM "case"')

answers=0
say_one() { # sets TEXT
  answers=$((answers + 1))
  TEXT="Answer $answers"
  reply "${cases[answers % customers]}" "$TEXT"
}
tries() { pg_query 'SELECT count(*) FROM attempt WHERE reply_id = (SELECT max(reply_id::text)::uuid FROM reply)'; }
tries_are() { [ "$(tries)" -ge "$1" ]; }
last_reason() { pg_query "SELECT coalesce(reason, '') FROM attempt ORDER BY reply_id DESC, attempt_no DESC LIMIT 1"; }
# How often a customer would have seen it; the receiver dedupes by id, as every one must.
shown() { jq -r --arg text "$1" 'select(.id and .body.data.body == $text and (.repeat | not)) | .id' "$RECEIVER_LEDGER" | wc -l; }
was_shown() { [ "$(shown "$1")" = 1 ]; }

must_be_shown() { # SECONDS
  must_settle "'$TEXT' is shown" "$1" was_shown "$TEXT"
  must_settle "its outcome is known" "$1" stack_settled
  expect_eq "times that '$TEXT' is shown" 1 "$(shown "$TEXT")"
  expect_eq "its state" 1 "$(reply_state)"
}

for kind in err rate reset html; do
  say "$kind: tried again until it is through"
  fault "$kind" 100
  say_one
  must_settle "a second try" 30 tries_are 2
  expect_eq "shown meanwhile" 0 "$(shown "$TEXT")"
  expect_eq "state meanwhile" 0 "$(reply_state)"
  say "  because: $(pg_query "SELECT reason FROM attempt WHERE reason IS NOT NULL ORDER BY reply_id DESC, attempt_no DESC LIMIT 1")"
  fault "$kind" 0
  must_be_shown 30
done

for kind in $silent; do
  say "$kind: no answer comes; the receiver knows the id of a second try"
  fault "$kind" 100
  say_one
  must_settle "a second try" 60 tries_are 2
  expect_eq "state meanwhile" 0 "$(reply_state)"
  fault "$kind" 0
  must_be_shown 60
done

say "delay: an answer that takes three seconds is waited for, and nobody asks twice"
fault delay 3000
say_one
must_be_shown 30
fault delay 0
expect_eq "tries" 1 "$(tries)"
expect_eq "whether it took three seconds" t \
  "$(pg_query "SELECT ended_at - started_at > interval '3 s' FROM attempt ORDER BY reply_id DESC LIMIT 1")"

say "another certificate: nothing is sent until the authority is known, then all is, without a restart"
cp "$WORK/tls/new.pem" "$WORK/tls/proxy.pem"
peer_stop "$WORK/proxy/haproxy.pid"
"$PEERS/faultproxy.sh" "$WORK/proxy" "${PROXY_URL##*:}" "localhost:$RECEIVER_PORT" >"$WORK/proxy.env"
say_one
must_settle "a second try" 30 tries_are 2
expect_eq "shown meanwhile" 0 "$(shown "$TEXT")"
grep -q 'event=responder.attempt_ended .*certificate' "$WORK/log/responder.1.log" || fail "the log does not speak of the certificate"
cp "$WORK/tls/new.ca" "$WORK/ca"
must_be_shown 60

say "all of it at once, by chance, over $many replies"
for kind in err rate reset html lost drop; do fault "$kind" 8; done
fault delay 300
first=$answers
while [ $((answers - first)) -lt "$many" ]; do say_one; done
chance_over() { [ "$(pg_query 'SELECT count(*) FROM attempt')" -ge "$((answers + many / 4))" ]; }
must_settle "some went wrong" 120 chance_over
for kind in err rate reset html lost drop delay; do fault "$kind" 0; done
must_settle "all outcomes are known" 240 stack_settled
expect_eq "replies" "$answers" "$(pg_query 'SELECT count(*) FROM reply')"
expect_eq "replies that are neither shown nor said to be unknown" 0 "$(pg_query 'SELECT count(*) FROM reply WHERE state <> 1')"
expect_eq "answers that were shown" "$answers" "$(received)"
for ((i = 1; i <= answers; i++)); do expect_eq "times that answer $i is shown" 1 "$(shown "Answer $i")"; done
expect_eq "refused by the receiver" 0 "$(jq -s 'map(select(.refused)) | length' "$RECEIVER_LEDGER")"
say "$(pg_query 'SELECT count(*) FROM attempt') tries for $answers replies"
stack_stop
stack_logs_clean
