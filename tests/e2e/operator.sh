#!/usr/bin/env bash
# A day of an operator, over the whole stack: a feed is played, cases are listed, shown, answered,
# noted, given away, settled and opened again by earshotctl; every command is harmless to repeat; the
# way of a post is traced from the platform to the answer's outcome; status sees every replica.
. "$(dirname "$0")/../lib/ctl.sh"
. "$(dirname "$0")/../lib/stack.sh"
exec </dev/null # no command waits for what somebody types
need_command jq
pg_start
cat >"$WORK/care.yaml" <<'YAML'
firm: Northern Line Parcels
teams:
  - { id: care, name: Customer care, default: true }
  - { id: second, name: Second line }
accounts: [{ id: "@northernline", platform: feed, team: care }]
agents:
  - { id: ana, name: Ana Prieto, team: care, capacity: 1 }
  - { id: bo, name: Bo Lind, team: second, capacity: 5 }
YAML
stack_prepare "$WORK/care.yaml"
stack_start ingest=2

exits 0 status --json
expect_eq 'replicas' 'assignment classifier ingest ingest responder' "$(json '[.[].service] | join(" ")')"
exits 0 status

# --- ana comes to work; she can take one case
exits 0 agent present ana --as ana
says 'ana is present'
exits 0 agent list --json
expect_eq 'who is there' 'ana true command,bo false shift' "$(json '[.[] | "\(.agent) \(.present) \(.by)"] | join(",")')"
# --- keys that are not the operator's: said at once, or why nobody answers, in one line
ENV_ctl=(EAR_BUS_KEY_FILE="$WORK/keys/ingest.key")
exits 2 agent away ana
says "EAR_BUS_KEY_FILE: $WORK/keys/ingest.key: the key of ingest, not of operator"
quietly "$EARSHOT_BIN/earshotctl" keygen "$WORK/other"
ENV_ctl=(EAR_BUS_KEY_FILE="$WORK/other/operator.key" EAR_BUS_PEERS_FILE="$WORK/other/peers" EAR_CTL_TIMEOUT=3s)
exits 4 agent away ana
says 'refuses our CURVE key'
expect_eq 'lines' 1 "$(wc -l <"$WORK/err")"
ENV_ctl=()
exits 5 agent present nobody
says "no agent 'nobody' in care.yaml"

# --- two customers complain
for n in 1 2; do
  jq -cn --arg n "$n" '{platform: "feed", external_id: ("x" + $n), account: "@northernline", author: {id: ("u" + $n), handle: ("@maria" + $n), name: "Maria"},
    text: "My parcel is late again and nobody answers. Where is it?", created_at: (now | todate)}'
done >"$WORK/feed.jsonl"
exits 0 replay --live "$WORK/feed.jsonl" --json
expect_eq 'stored' 2 "$(json .stored)"
must_settle 'everything is decided' 30 stack_settled
exits 0 case list --json
expect_eq 'cases' 2 "$(json length)"
hers=$(json '.[] | select(.agent == "ana").case_id') queued=$(json '.[] | select(.agent == null).case_id')
[ -n "$hers" ] && [ -n "$queued" ] || fail 'one for ana and one in the queue'

# --- what alerts look at: a case that waits past its deadline, and a counter that is there before anything fails
late_s() { curl -sf "$(stack_url assignment 1)/metrics" | awk '$1 == "earshot_assignment_queue_late_seconds" { print int($2) }'; }
is_late() { [ "$(late_s)" -ge 60 ]; }
is_in_time() { [ "$(late_s)" = 0 ]; }
must_settle 'nobody is late' 10 is_in_time
due=$(pg_query "SELECT respond_by FROM \"case\" WHERE case_id = '$queued'")
pg_query "UPDATE \"case\" SET respond_by = now() - interval '1 minute' WHERE case_id = '$queued'"
must_settle 'one waits for too long' 10 is_late
pg_query "UPDATE \"case\" SET respond_by = '$due' WHERE case_id = '$queued'"
must_settle 'nobody is late again' 10 is_in_time
curl -sf "$(stack_url classifier 1)/metrics" >"$WORK/metrics"
grep -qxF 'earshot_classifier_refused_files_total{part="model"} 0' "$WORK/metrics" || fail 'no count of refused models before any is'
exits 0 case list --agent ana
says 'in 14m'

# --- an answer, twice with the same id: written once
id=$(cat /proc/sys/kernel/random/uuid)
exits 0 case reply "$hers" 'It is in Leeds, you get it tomorrow.' --as ana --id "$id" --json
expect_eq 'first time' false "$(json .repeated)"
reply=$(json .reply_id)
exits 0 case reply "$hers" 'It is in Leeds, you get it tomorrow.' --as ana --id "$id" --json
expect_eq 'second time' "true $reply" "$(json '"\(.repeated) \(.reply_id)"')"
expect_eq 'written' 1 "$(pg_query 'SELECT count(*) FROM reply')"
exits 2 case reply "$hers" 'Who says so?'
exits 2 case reply "$hers" ' ' --as ana
exits 2 case reply "$hers" $'Gr\xfc\xdfe' --as ana
says 'not UTF-8'
exits 2 case reply "$hers" - --as ana < <(printf 'Our price is \0 12')
says 'NUL byte'
exits 2 case reply "$hers" "$(printf '%017000d' 0)" --as ana
says 'longer than 16 KiB'
exits 1 case reply "$hers" 'x' --as nobody
says "no agent 'nobody' in care.yaml"
ctl case reply "${hers: -8}" - --as ana --json <<<'From standard input.' >"$WORK/out"
expect_eq 'from standard input, by its last digits' 2 "$(pg_query 'SELECT count(*) FROM reply')"
exits 5 case reply 019fa000-0000-7000-8000-00000000ffff 'x' --as ana

# --- notes, hands, ends
exits 0 case note "$hers" 'Driver called.' --as bo
exits 2 case assign "$queued"
exits 2 case assign "$queued" --to bo --team care
exits 5 case assign "$queued" --to nobody
says "no agent 'nobody' in care.yaml"
exits 5 case assign "$queued" --team thrid
says "no team 'thrid' in care.yaml; there are care, second"
exits 2 case resolve "$queued" --code 'Not a code'
exits 0 case assign "$queued" --to bo --reason 'knows the depot'
exits 0 case list --agent bo --json
expect_eq 'bo has it' "$queued" "$(json '.[0].case_id')"
exits 0 case assign "$queued" --team second
exits 1 case resolve "$queued" --code answered --as bo
exits 0 case resolve "$queued" --code spam --as bo
exits 1 case resolve "$queued" --code spam --as bo
exits 0 case reopen "$queued" --as bo
exits 0 case show "$queued" --json
expect_eq 'its state' open "$(json .state)"
json '[.history[].what] | join(" ")' | grep -q 'resolved.*reopened' || fail "history: $(json '[.history[].what] | join(" ")')"

# --- the way of a post, to the end of its answers
must_settle 'the answers have an outcome' 60 stack_settled
exits 0 trace "$hers" --json
for step in written received stored triaged decided reply_written; do
  json '.steps[].step' | grep -qx "$step" || fail "not on the way: $step"
done
expect_eq 'in the order of time' true "$(json '[.steps[1:][].hop_ms >= 0] | all')"
post=$(json '.steps[] | select(.step == "stored").id')
exits 0 trace "$post"
says classifier
exits 0 case show "$hers"
says "$post"
exits 0 dead-letter list
says 'no dead letters'

# --- ana leaves; a command that nobody answers says how to repeat it
exits 0 agent away ana
exits 0 agent list --json
expect_eq 'ana is away' false "$(json '.[0].present')"
service_stop assignment 1
exits 4 agent present ana --timeout 1s
says 'try again with --id'
exits 1 status --timeout 2s
stack_stop
stack_logs_clean
