#!/usr/bin/env bash
# /readyz tells the truth, and the log says it once: an upstream that nobody knows, one that does not
# answer, nobody to work for, and a right in the database that is taken away while everything runs. What was sent meanwhile
# is refused or waits; with the right back, all goes on without a restart.
. "$(dirname "$0")/../lib/feed.sh"

why() { curl -s --max-time 2 "$(stack_url "$1" 1)/readyz" | jq -r '.why // "none"'; }
why_says() { [[ $(why "$1" 2>/dev/null) == *"$2"* ]]; }
# Quotation marks are escaped in the log.
said() { grep 'event=svc.not_ready' "$WORK/log/$1.1.log" | tr -d '\\' | grep -cF -- "$2" || true; }

must_say() { # SERVICE TEXT [SECONDS]: in its body, and in one line of its log
  must_settle "/readyz of $1 says '$2'" "${3:-20}" why_says "$1" "$2"
  expect_eq "status of $1" 503 "$(curl -s -o /dev/null -w '%{http_code}' "$(stack_url "$1" 1)/readyz")"
  must_settle "the log of $1 says it" 5 has_said "$1" "$2"
}
# The look-up that failed is said once as well, at once.
must_name() { # SERVICE TEXT NAME
  must_settle "/readyz of $1 says '$2'" 20 why_says "$1" "$2"
  expect_eq "lines of $1 about $3" 1 "$(grep -c "event=bus.name_unknown name=$3 " "$WORK/log/$1.1.log")"
}
has_said() { [ "$(said "$1" "$2")" -ge 1 ]; }
must_be_ready() { # SERVICE TEXT: said in one line all the while
  service_wait_ready "$1" 1
  expect_eq "lines of $1 about '$2'" 1 "$(said "$1" "$2")"
}

again() { # SERVICE [KEY=VALUE…]: starts once more, with these settings
  local -n settings=ENV_$1
  service_stop "$1" 1
  # shellcheck disable=SC2034
  settings=("${@:2}")
  service_start "$1" 1
}

pg_start
feed_stack ingest=1 classifier=1 assignment=1 responder=1
was_ready() { grep -q event=svc.ready "$WORK/log/$1.1.log"; }
for name in "${STACK_SERVICES[@]}"; do must_settle "$name is ready" 10 was_ready "$name"; done

say "an upstream that does not answer"
service_kill classifier 1
must_say assignment "EAR_ASSIGNMENT_CLASSIFIERS: no classifier can be reached: \"localhost:${stack_port[classifier.1.bus]}\" does not answer"
service_start classifier 1
must_be_ready assignment 'EAR_ASSIGNMENT_CLASSIFIERS'
said_ready() { [ "$(grep -c event=svc.ready "$WORK/log/classifier.1.log")" = "$1" ]; }
must_settle "the new classifier has said that it is ready" 10 said_ready 2
service_kill assignment 1
must_say responder "EAR_RESPONDER_ASSIGNMENTS: no assignment can be reached: \"localhost:${stack_port[assignment.1.bus]}\" does not answer"
must_say classifier 'no assignment is connected'
service_start assignment 1
must_be_ready responder 'EAR_RESPONDER_ASSIGNMENTS'
must_be_ready classifier 'no assignment is connected'
must_settle "the log of classifier says so, too" 10 said_ready 3
service_kill ingest 1
must_say classifier "EAR_CLASSIFIER_INGESTS: no ingest can be reached: \"localhost:${stack_port[ingest.1.bus]}\" does not answer"
service_start ingest 1
must_be_ready classifier 'EAR_CLASSIFIER_INGESTS'
service_wait_ready ingest 1

say "keys of another keygen"
quietly "$EARSHOT_BIN/earshotctl" keygen "$WORK/other"
again classifier EAR_BUS_KEY_FILE="$WORK/other/classifier.key" EAR_BUS_PEERS_FILE="$WORK/other/peers"
must_settle "/readyz of classifier says so" 20 why_says classifier "\"localhost:${stack_port[ingest.1.bus]}\" refuses our CURVE key"
# Who had said before that it does not answer says another reason after 30 s at the soonest.
must_settle "the log of assignment says so" 60 has_said assignment "\"localhost:${stack_port[classifier.1.bus]}\" refuses our CURVE key"
again classifier
service_wait_ready classifier 1

say "one that nobody knows"
again assignment EAR_ASSIGNMENT_CLASSIFIERS=typo.invalid:5702
must_name assignment '"typo.invalid:5702" stands for no address' typo.invalid
again assignment
service_wait_ready assignment 1
again responder EAR_RESPONDER_COMMANDS=typo.invalid:5704
must_name responder 'EAR_RESPONDER_COMMANDS: no assignment can be reached: "typo.invalid:5704" stands for no address' typo.invalid
again responder
service_wait_ready responder 1

say "a right that is taken away: while work needs it"
secret=$(<"$WORK/secrets/shop")
post() { # ID: sets WEBHOOK_STATUS
  webhook_post "$(stack_url ingest 1)/v1/accounts/@shop/posts" "$secret" "msg_$1_$RANDOM" \
    "{\"platform\":\"webshop\",\"external_id\":\"$1\",\"author\":{\"id\":\"a$1\"},\"text\":\"Where is my parcel?\",\"created_at\":\"$(date -u +%FT%TZ)\"}"
}
posts_of_triage() { [ "$(pg_query 'SELECT count(*) FROM triage')" = "$1" ] && stack_settled; }
post 1
expect_eq "status of a post" 200 "$WEBHOOK_STATUS"
must_settle "it is decided" 30 posts_of_triage 1

denied='permission denied for table'
pg_query 'REVOKE INSERT ON post FROM earshot_ingest' >/dev/null
post 2
[ "$WEBHOOK_STATUS" = 503 ] || fail "a post without the right to store it got $WEBHOOK_STATUS"
must_say ingest "$denied post"
pg_query 'GRANT INSERT ON post TO earshot_ingest' >/dev/null
must_be_ready ingest "$denied post"

pg_query 'REVOKE INSERT ON triage FROM earshot_assignment' >/dev/null
post 2
expect_eq "status of a post" 200 "$WEBHOOK_STATUS"
must_say assignment "$denied triage"
pg_query 'GRANT INSERT ON triage TO earshot_assignment' >/dev/null
must_be_ready assignment "$denied triage"
must_settle "what waited is decided" 60 posts_of_triage 2

say "and while nothing does"
pg_query 'REVOKE INSERT ON note FROM earshot_assignment; REVOKE INSERT ON attempt FROM earshot_responder;
  REVOKE INSERT ON post_revision FROM earshot_ingest' >/dev/null
must_say assignment "$denied note" 90
must_say responder "$denied attempt" 90
must_say ingest "$denied post_revision" 90
pg_query 'GRANT INSERT ON note TO earshot_assignment; GRANT INSERT ON attempt TO earshot_responder;
  GRANT INSERT ON post_revision TO earshot_ingest' >/dev/null
must_be_ready assignment "$denied note"
must_be_ready responder "$denied attempt"
must_be_ready ingest "$denied post_revision"

for name in ingest assignment responder; do
  say "$name: $(grep -c 'permission denied' "$WORK/log/$name.1.log") lines about rights"
  [ "$(grep -c 'permission denied' "$WORK/log/$name.1.log")" -le 12 ] || fail "the log of $name is flooded"
done
stack_stop
stack_logs_clean
