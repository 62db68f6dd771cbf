# shellcheck shell=bash
# explain.sh: what each statement of the services costs the server, and the plan it has. Source after
# rows.sh.
#
#   explain            plans while a seed is stored, then the cost of a flood, of webhooks, of commands
#   explain_report     a table, or with $json one JSON object, whole plans included
#
# Plans are auto_explain's, of what the services send themselves. It is off while pg_stat_statements
# counts, since counting the rows of every node is dear.

EXPLAIN_POSTS=60000 EXPLAIN_SECONDS=5 EXPLAIN_CASES=30
# Every call of these is explained, without the times of nodes.
EXPLAIN_SETTINGS=(-c 'shared_preload_libraries=pg_stat_statements,auto_explain' -c auto_explain.log_format=json
  -c auto_explain.log_analyze=on -c auto_explain.log_timing=off -c auto_explain.log_buffers=on
  -c auto_explain.log_wal=on -c auto_explain.log_nested_statements=off)

explain() {
  local library
  for library in auto_explain pg_stat_statements; do
    [ -f "$PG_BIN/../lib/$library.so" ] || skip "PostgreSQL's $library is not installed"
  done
  PG_SETTINGS+=("${EXPLAIN_SETTINGS[@]}")
  stage "PostgreSQL and the services" stand_start
  ask 'CREATE EXTENSION pg_stat_statements SCHEMA public'
  explain_every 0
  stage "plans" explain_seed
  explain_every -1
  stage "$EXPLAIN_POSTS posts" explain_cost posts "$EXPLAIN_POSTS" flood flood "$EXPLAIN_POSTS" counted
  stage "webhooks" explain_cost webhooks $((EXPLAIN_SECONDS * 1000)) explain_hooks "$EXPLAIN_SECONDS" counted-hooks
  stage "commands" explain_cost commands $((EXPLAIN_CASES * 5)) explain_commands "$EXPLAIN_CASES"
}

explain_every() { # MILLISECONDS that a statement takes at least, -1 for none
  ask "ALTER SYSTEM SET auto_explain.log_min_duration = $1"
  ask 'SELECT pg_reload_conf()' >/dev/null
  sleep 1 # every session has seen it
}

explain_seed() {
  flood seed 4000 seed
  explain_hooks 2 seed-hooks
  explain_commands 3
}

explain_hooks() { # SECONDS RUN
  hook rate=1000 posts="$(($1 * 1000))" run="$2" authors="$(($1 * 250))" connections=64 >"$WORK/load.json" || fail "webhooks of $2"
  settle 600
}

# What people do with a case, five commands each.
explain_commands() { # CASES
  local id agent
  while IFS='|' read -r id agent; do
    quietly ctl case note "$id" "seen" --as "$agent"
    quietly ctl case reply "$id" "We are looking into it." --as "$agent"
    quietly ctl case assign "$id" --to a1 --as "$agent"
    quietly ctl case resolve "$id" --reason tested --as "$agent"
    quietly ctl case reopen "$id" --as "$agent"
  done < <(pg_query "SELECT case_id, agent_id FROM \"case\" WHERE state <> 3 AND agent_id IS NOT NULL ORDER BY random() LIMIT $1")
}

explain_cost() { # KIND COUNT COMMAND…: a record of what the services' roles had the server do meanwhile
  local kind=$1 count=$2
  shift 2
  ask 'SELECT public.pg_stat_statements_reset()' >/dev/null
  "$@"
  record explain "$(ask "SELECT json_build_object('what', '$kind', 'count', $count, 'statements', json_agg(s)) FROM (
    SELECT replace(substr(rolname, 9), 'operator', 'earshotctl') AS service, query, calls, rows, total_exec_time AS ms,
           shared_blks_hit + shared_blks_read AS buffers, wal_bytes AS wal
      FROM public.pg_stat_statements JOIN pg_roles ON oid = userid
     WHERE rolname IN ('earshot_ingest', 'earshot_assignment', 'earshot_responder', 'earshot_operator')) s")"
}

# One JSON object a plan out of PostgreSQL's log, where each line but the first begins with a tab.
explain_plans() {
  awk '/LOG:  duration: .* plan:$/ { plan = 1; next } !/^\t/ { plan = 0 } plan' "$PG_LOG"
}

explain_report() {
  local file
  explain_plans >"$WORK/plans"
  for file in "$EARSHOT_SOURCE"/services/*/store.sql; do
    jq -Rsc --arg service "$(basename "$(dirname "$file")")" '{service: $service, text: .}' "$file"
  done >"$WORK/stores"
  jq -s --arg commit "$commit" --slurpfile plans "$WORK/plans" --slurpfile stores "$WORK/stores" -f "$here/explain.jq" \
    "$WORK/measured.jsonl" >"$WORK/report.json"
  if [ -n "$json" ]; then
    jq . "$WORK/report.json"
  else
    jq -r '.costs[] | "\(.count) \(.what), \([.statements[].ms] | add | round) ms a thousand",
      (["service", "statement", "calls", "rows a call", "ms a 1,000", "buffers each", "WAL each", "plan of the largest call"] | @tsv),
      (.statements[] | [.service, .name, .calls, .rows, .ms, .buffers, .wal, .shape] | @tsv), ""' "$WORK/report.json" |
      awk -F '\t' 'NF < 2 { print; next } { printf "%-11s %-17s %6s %12s %11s %13s %9s  %s\n", $1, $2, $3, $4, $5, $6, $7, $8 }'
  fi
}
