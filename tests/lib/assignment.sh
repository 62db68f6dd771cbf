# shellcheck shell=bash
# assignment.sh: replicas of assignment alone, over a cluster of pg.sh, with the program
# integ.assignment_peer in the place of classifiers and responders.
#
#   assignment_prepare [REPLICAS [CLASSIFIERS]]   schema, a small firm, ports
#   assignment_start N | assignment_stop N | assignment_kill N
#   feed FILE [PORTS [N [AHEAD]]]   plays the classifiers, for N replicas, with so many batches at a time;
#                           prints what became of the items
#   ask ID ACTOR KIND CASE ARGUMENT [REASON]      a command to any replica
#   respond COUNT STATE     a responder that takes COUNT replies
! declare -F assignment_prepare >/dev/null || return 0 # it has been read
. "$(dirname "${BASH_SOURCE[0]}")/pg.sh"

declare -A assignment_pid=()
PEER=$EARSHOT_BIN/integ.assignment_peer

assignment_prepare() { # [REPLICAS [CLASSIFIERS]]
  local replicas=${1:-1} classifiers=${2:-1} n
  need_program earshot-assignment integ.assignment_peer
  mkdir -p "$WORK/log"
  pg_schema
  pg_query "SELECT ensure_month(now() + n * interval '1 month') FROM generate_series(-1, 1) n" >/dev/null
  pg_query "INSERT INTO migration (version, name, sha256) SELECT v, 'test', '' FROM generate_series(1, $(find "$EARSHOT_SOURCE/deploy/db/migrations" -name "*.sql" | wc -l)) v;
    INSERT INTO team VALUES ('care', 'Care', '{}', '{}', true), ('money', 'Money', '{}', '{billing}', false);
    INSERT INTO account (account_id, platform, team_id) VALUES ('@firm', 'bluesky', 'care'), ('@help', 'bluesky', 'care');
    INSERT INTO agent VALUES ('ana', 'Ana', 'care', 3, '^Ana', '{}'), ('ben', 'Ben', 'care', 3, '^Ben', '{}');
    INSERT INTO policy VALUES ('any', NULL, NULL, 900, 300, 604800)"
  COMMAND_SERVERS='' REPLY_SOURCES='' CLASSIFIER_PORTS='' CLASSIFIERS=''
  for ((n = 1; n <= classifiers; n++)); do
    free_port
    CLASSIFIER_PORTS+=${CLASSIFIER_PORTS:+,}$PORT
    CLASSIFIERS+=${CLASSIFIERS:+,}127.0.0.1:$PORT
  done
  for ((n = 1; n <= replicas; n++)); do
    free_port && http_port[n]=$PORT
    free_port && bus_port[n]=$PORT
    free_port && command_port[n]=$PORT
    COMMAND_SERVERS+=${COMMAND_SERVERS:+,}127.0.0.1:$PORT
    REPLY_SOURCES+=${REPLY_SOURCES:+,}127.0.0.1:${bus_port[n]}
  done
  at_exit assignment_kill_all
  on_failure assignment_diagnose
}
declare -a http_port=() bus_port=() command_port=()

assignment_ready() { # N
  kill -0 "${assignment_pid[$1]}" 2>/dev/null || fail "assignment $1 ended by itself"
  # The stand-in for a classifier comes later, and with each feed anew.
  curl -s --max-time 2 "http://127.0.0.1:${http_port[$1]}/readyz" | grep -qE '"ready": ?true|no classifier can be reached'
}

assignment_start() { # N [KEY=value…]
  local n=$1
  shift
  env "$@" "EAR_PG=host=$PG_SOCKET port=$PG_PORT user=earshot_assignment dbname=earshot" \
    "EAR_HTTP=127.0.0.1:${http_port[n]}" "EAR_ASSIGNMENT_BUS=127.0.0.1:${bus_port[n]}" \
    "EAR_ASSIGNMENT_COMMANDS=127.0.0.1:${command_port[n]}" \
    "EAR_ASSIGNMENT_CLASSIFIERS=$CLASSIFIERS" \
    setpriv --pdeathsig KILL "$EARSHOT_BIN/earshot-assignment" >>"$WORK/log/assignment.$n.log" 2>&1 </dev/null &
  assignment_pid[$n]=$!
  wait_until 30 assignment_ready "$n" ||
    fail "assignment $n is not ready: $(curl -s "http://127.0.0.1:${http_port[n]}/readyz")"
}

assignment_stop() { # N: drains, and must end with 0
  local status=0
  kill -s TERM "${assignment_pid[$1]}"
  wait "${assignment_pid[$1]}" || status=$?
  unset "assignment_pid[$1]"
  expect_eq "exit code of assignment $1" 0 "$status"
}

assignment_kill() { # N
  kill -s KILL "${assignment_pid[$1]}" 2>/dev/null || true
  wait "${assignment_pid[$1]}" 2>/dev/null || true
  unset "assignment_pid[$1]"
}

assignment_kill_all() {
  local n
  for n in "${!assignment_pid[@]}"; do assignment_kill "$n"; done
}

assignment_diagnose() {
  local n
  for n in "${!assignment_pid[@]}"; do
    echo "--- assignment $n: $(curl -s --max-time 2 "http://127.0.0.1:${http_port[n]}/readyz")"
    curl -s --max-time 2 "http://127.0.0.1:${http_port[n]}/metrics" | grep -E '^earshot_(bus|assignment_posts)'
  done
  pg_query "SELECT pid, application_name, state, wait_event, left(query, 60) FROM pg_stat_activity WHERE usename = 'earshot_assignment'"
  tail -n 25 "$WORK"/log/*.log
}

BASE_S=$(($(date +%s) - 30))
# A process each: a replica takes two addresses of one process for the same classifier.
feed() {
  local port pids=() status=0 pid out
  out=$(mktemp "$WORK/fates.XXXXXX")
  for port in $(tr , ' ' <<<"${2:-$CLASSIFIER_PORTS}"); do
    "$PEER" feed "$BASE_S" "$port" "$1" "${@:3:2}" >>"$out" &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid" || status=1; done
  awk -F'[= ]' '{ done += $2; returned += $4; failed += $6; lost += $8 }
    END { printf "done=%d returned=%d failed=%d lost=%d\n", done, returned, failed, lost }' "$out"
  return $status
}
ask() { "$PEER" ask "$COMMAND_SERVERS" "$@"; }
respond() { "$PEER" respond "$REPLY_SOURCES" "$COMMAND_SERVERS" "$@"; }

assignment_logs_clean() {
  ! grep -nE 'ERROR: (Address|Leak)Sanitizer|runtime error:' "$WORK"/log/*.log >&2 ||
    fail "a sanitizer reported an error"
}

# What must hold whatever happened. Each line of the answer is an offence.
assignment_invariants() {
  pg_query "
    SELECT 'two open cases', customer_id::text FROM \"case\" WHERE state <> 3 GROUP BY customer_id, account_id HAVING count(*) > 1
    UNION ALL
    SELECT 'history has gaps', c.case_id::text FROM \"case\" c
      LEFT JOIN (SELECT case_id, count(*) n, max(seq) last FROM history GROUP BY case_id) e USING (case_id)
     WHERE e.n IS DISTINCT FROM c.seq OR e.last <> c.seq
    UNION ALL
    SELECT 'line that its case does not lead to', c.case_id::text FROM \"case\" c
     WHERE c.seq <> (SELECT count(*) FROM case_events(c.case_id))
    UNION ALL
    SELECT 'posts miscounted', c.case_id::text FROM \"case\" c
     WHERE c.posts <> (SELECT count(*) FROM triage t WHERE t.case_id = c.case_id AND t.decision IN (1, 2, 3))
    UNION ALL
    SELECT 'load miscounted', a.agent_id FROM agent a LEFT JOIN agent_load l USING (agent_id)
     WHERE coalesce(l.open_cases, 0) <> (SELECT count(*) FROM \"case\" c WHERE c.agent_id = a.agent_id AND c.state <> 3)
    UNION ALL
    SELECT 'closed without reply or reason', case_id::text FROM \"case\" WHERE state = 3 AND close_code IS NULL
    UNION ALL
    SELECT 'clock without timer', c.case_id::text FROM \"case\" c WHERE c.respond_by IS NOT NULL AND NOT c.breached
       AND NOT EXISTS (SELECT FROM timer t WHERE t.case_id = c.case_id AND (t.kind = 2 OR t.then_at IS NOT NULL) AND t.clock_no = c.clock_no)
    UNION ALL
    SELECT 'timer without clock', t.case_id::text FROM timer t JOIN \"case\" c USING (case_id)
     WHERE c.respond_by IS NULL OR c.clock_no <> t.clock_no
    UNION ALL
    SELECT 'open without clock', case_id::text FROM \"case\" WHERE state = 1 AND respond_by IS NULL
    UNION ALL
    SELECT 'a post twice in the history', post_id::text FROM history
     WHERE kinds & 39 <> 0 AND post_id IS NOT NULL GROUP BY post_id, case_id HAVING count(*) > 1"
}

expect_invariants() {
  expect_eq invariants '' "$(assignment_invariants)"
}
