# shellcheck shell=bash
# responder.sh: a stand-in for assignment (over the real bus), a real PostgreSQL and a platform that
# misbehaves, and between them the responders that a test starts. To source it starts the first three;
# account @shop is a webhook of $PLATFORM, @mute has no connector.
! declare -F start_responder >/dev/null || return 0 # it has been read
. "$(dirname "${BASH_SOURCE[0]}")/pg.sh"
. "$(dirname "${BASH_SOURCE[0]}")/webhook.sh"

need_command node jq openssl
need_program earshot-responder
feed_program=$(find "$EARSHOT_BUILD" -name integ.responder_feed -type f -perm -u+x | head -1)
[ -n "$feed_program" ] || fail "integ.responder_feed has not been built"

pg_start
pg_schema
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

declare -A responder=() keeper=()
# A shell of its own waits for it: what that says of a killed one goes to the log.
start_responder() { # N [KEY=VALUE…]
  local n=$1 port=HTTP$1
  shift
  rm -f "$WORK/pid.$n"
  env EAR_PG="${EAR_PG/user=owner/user=earshot_responder}" EAR_HTTP="127.0.0.1:${!port}" \
    EAR_RESPONDER_ASSIGNMENTS="127.0.0.1:$REPLIES" EAR_RESPONDER_COMMANDS="127.0.0.1:$COMMANDS" \
    EAR_SECRETS_DIR="$WORK/secrets" EAR_RESPONDER_LEASE=2s EAR_RESPONDER_BACKOFF=50ms \
    EAR_RESPONDER_BACKOFF_MAX=400ms EAR_LOG_LEVEL=debug "$@" \
    setpriv --pdeathsig KILL bash -c 'setpriv --pdeathsig KILL "$0" & echo $! >"$1"; wait $!' \
    "$EARSHOT_BIN/earshot-responder" "$WORK/pid.$n" >>"$WORK/log/responder.$n" 2>&1 </dev/null &
  keeper[$n]=$!
  wait_until 10 test -s "$WORK/pid.$n"
  responder[$n]=$(cat "$WORK/pid.$n")
}
ready() { local port=HTTP$1; curl -sf -o /dev/null --max-time 2 "http://127.0.0.1:${!port}/readyz"; }
reap() { # N: sets STATUS
  STATUS=0
  wait "${keeper[$1]}" || STATUS=$?
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

