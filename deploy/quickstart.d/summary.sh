# shellcheck shell=bash
# summary.sh: what came of a run, for people and as JSON, and where to look further.

# Lines and malformed ones from replay, everything else from what is committed.
collect_summary() {
  query "SELECT json_build_object(
      'posts', (SELECT count(*) FROM post), 'triaged', (SELECT count(*) FROM triage),
      'cases', (SELECT count(*) FROM \"case\"), 'assigned', a.n,
      'queued', (SELECT count(*) FROM \"case\") - a.n,
      'replies_sent', (SELECT count(*) FROM reply WHERE visible_at IS NOT NULL),
      'dead_letters', (SELECT count(*) FROM dead_letter WHERE retried_at IS NULL))
    FROM (SELECT count(DISTINCT case_id) AS n FROM history WHERE (kinds >> 3) & 1 = 1) a" >"$STATE/run/counts.json"
  jq -cn --argjson seconds "$seconds" --slurpfile replay "$STATE/replay.json" --slurpfile counts "$STATE/run/counts.json" '
    ($replay | last) as $r | $counts[0] as $c |
    { lines: $r.lines, malformed: $r.malformed, posts: $c.posts, duplicates: ($r.lines - $r.malformed - $c.posts),
      triaged: $c.triaged, cases: $c.cases, assigned: $c.assigned, queued: $c.queued,
      replies_sent: $c.replies_sent, dead_letters: $c.dead_letters, seconds: $seconds }' >"$STATE/summary.json"
}

summary_line() { cat "$STATE/summary.json"; }

row() { printf '  %-13s %7s  %s\n' "$1" "$2" "$3"; }

number() { jq -r ".$1" "$STATE/summary.json"; }

# One line for each answer, as wide as the terminal. What customers and agents wrote is told to the
# terminal without anything that it would obey.
say_answers() {
  jq -r --argjson width "$((${COLUMNS:-118} - 1))" '.body.data |
    "  \(.agent) to \(.in_reply_to | [.author_name, .author_id] | map(select((. // "") != "")) | first): \(.text)" |
    gsub("[\\p{Cc}\\x{202a}-\\x{202e}\\x{2066}-\\x{2069}]"; " ") |
    if length > $width then .[: $width - 1] + "…" else . end' "$STATE/replies.jsonl"
}

say_summary() {
  printf '\n%sWhat happened%s\n' "$bold" "$plain"
  row 'lines read' "$(number lines)" "$(number malformed) malformed, $(number duplicates) repeated"
  row 'posts stored' "$(number posts)" "$(number triaged) decided once each, $(query 'SELECT count(*) FROM post WHERE own') of them the firm's own"
  row 'cases opened' "$(number cases)" "$(number assigned) given to an agent, $(number queued) waiting in a queue"
  row 'replies sent' "$(number replies_sent)" "signed, each taken once by the receiver"
  row 'dead letters' "$(number dead_letters)" ''
  row 'seconds' "$(number seconds)" "from the first line until all was decided"
  printf '\n%sLanguages of what customers wrote%s\n' "$bold" "$plain"
  query "SELECT language, count(*), count(case_id) FROM triage JOIN post USING (post_id, customer_id)
          WHERE NOT own GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 8" |
    while IFS='|' read -r language posts cases; do row "${language/#und/unsure}" "$posts" "$cases in a case"; done
  if [ -s "$STATE/replies.jsonl" ]; then
    printf '\n%sAnswers at the receiver%s\n' "$bold" "$plain"
    say_answers
  fi
}

# For a shell of the operator: earshotctl with its keys, `psql service=earshot` as the reporting role.
write_env() {
  local key
  printf '%s\n' '[earshot]' host=127.0.0.1 port="$PG_PORT" user=earshot_report dbname=earshot \
    passfile="$STATE/pgpass" options=-csearch_path=earshot >"$STATE/pg_service.conf"
  {
    echo "# source this file, then: earshotctl case list"
    printf 'export PATH=%q:"$PATH"\n' "$bin"
    for key in EAR_PG="$(conninfo earshot_operator)" EAR_PG_PASSWORD_FILE="$STATE/roles/earshot_operator" \
      EAR_BUS_KEY_FILE="$STATE/keys/operator.key" EAR_BUS_PEERS_FILE="$STATE/keys/peers" \
      EAR_CTL_COMMANDS="localhost:${port[commands]}" EAR_CTL_INGEST="http://localhost:${port[ingest]}" \
      EAR_CTL_STATUS="$(status_list)" EAR_INGEST_REPLAY_TOKEN_FILE="$STATE/secrets/replay-token" \
      PGSERVICEFILE="$STATE/pg_service.conf"; do
      printf 'export %s=%q\n' "${key%%=*}" "${key#*=}"
    done
  } >"$STATE/env"
}

say_where_to_look() {
  local state stop
  printf -v state %q "$STATE"
  printf -v stop %q "$root/deploy/quickstart"
  cat <<TEXT

${bold}Everything is still running. Where to look${plain}
  operator   . $state/env
             earshotctl status
             earshotctl case list
             earshotctl case show ID
             earshotctl trace ID
  database   psql service=earshot
  logs       $state/log/*.log
  metrics    http://127.0.0.1:{${port[ingest]},${port[classifier]},${port[assignment]},${port[responder]}}/metrics
  replies    $state/replies.jsonl
  stop       ${EARSHOT_STATE:+EARSHOT_STATE=$state }$stop --stop
TEXT
}
