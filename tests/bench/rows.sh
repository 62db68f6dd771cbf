# shellcheck shell=bash
# rows.sh: the measurements behind the rows, each a record of $WORK/measured.jsonl. Source after
# stand.sh and peers.sh; report.jq makes the rows of them.

# Posts as fast as they are taken, until the last one is settled.
flood() { # KIND POSTS RUN [KEY=VALUE…]: the record has CPU ms a thousand posts of each process
  local kind=$1 posts=$2 run=$3 cpu wal classified decided_before began ended
  shift 3
  settle 600
  classified=$(metric earshot_classifier_triage_seconds_sum classifier)
  decided_before=$(decided)
  wal=$(wal_bytes)
  cpu=$(cpu_all)
  began=$EPOCHREALTIME
  load posts="$posts" run="$run" authors="$((posts / 4 + 1))" "$@" >"$WORK/load.json" || fail "load of $run"
  settle 600
  ended=$EPOCHREALTIME
  record "$kind" "$(jq -n --argjson before "$cpu" --argjson after "$(cpu_all)" --slurpfile load "$WORK/load.json" \
    --argjson seconds "$(awk "BEGIN { print $ended - $began }")" --argjson wal "$(($(wal_bytes) - wal))" \
    --argjson classifying_s "$(awk "BEGIN { print $(metric earshot_classifier_triage_seconds_sum classifier) - $classified }")" \
    --argjson decided "$(awk "BEGIN { print $(decided) - $decided_before }")" '
    $load[0] as $l | $l.posts as $n
    | ($after | with_entries(.value = (.value - $before[.key]) * 1000 / $n)) as $each
    | {posts: $n, decided: $decided, seconds: $seconds, rate: ($n / $seconds), acknowledged_s: $l.seconds,
       ack_p50_ms: $l.p50_ms, ack_p99_ms: $l.p99_ms, retries: $l.retries, wal_bytes_per_post: ($wal / $n),
       cpu_ms_per_1000: $each, cpu_total: ([$each[]] | add), classifying: ([$classifying_s * 1e6 / $n, $each.classifier] | min)}')"
  jq -se --arg kind "$kind" 'map(select(.kind == $kind)) | last | .decided == .posts' "$WORK/measured.jsonl" >/dev/null ||
    fail "not every post of $run was decided once: $(tail -n 1 "$WORK/measured.jsonl")"
}

bulk_prepare() {
  ask "CREATE SCHEMA IF NOT EXISTS bench" >/dev/null
  ask "CREATE TABLE IF NOT EXISTS bench.bench_row (id bigint NOT NULL, platform text NOT NULL, external_id text NOT NULL UNIQUE,
    author_id bigint NOT NULL, body text NOT NULL, created_at timestamptz NOT NULL, received_at timestamptz NOT NULL)"
  ask "CREATE INDEX ON bench.bench_row (author_id)"
  BULK_FIRST=1
}

bulk() { # ROWS
  local before
  ask 'TRUNCATE bench.bench_row'
  before=$(cpu_server "$PG_PID")
  "$EARSHOT_BIN/bench.bulk" "$EAR_PG options='-c search_path=bench'" "$BULK_FIRST" "$1" >"$WORK/bulk.json" || fail bulk
  record bulk "$(jq --argjson before "$before" --argjson after "$(sleep 0.3; cpu_server "$PG_PID")" '
    {rows, rate, cpu_ms_per_1000: (($after - $before + .cpu_ms) * 1000 / .rows)}' "$WORK/bulk.json")"
  BULK_FIRST=$((BULK_FIRST + $1))
}

# Packed, as the bus carries it, without the frame around a batch.
packed_bytes() {
  ask "SELECT avg(length(body) + length(account_id) + length(platform) + 16 * (3 + (reply_ref IS NOT NULL)::int
    + (conversation_ref IS NOT NULL)::int) + 3 * 10 + 22) FROM post WHERE post_id >= id_floor(now() - interval '1 minute')"
}

rss_peak() { # of each service, kB at its highest
  local name args=()
  for name in "${STACK_SERVICES[@]}"; do
    args+=("$(awk -v name="$name" '/^VmHWM/ { printf "{\"%s\": %.1f}", name, $2 / 1024 }' "/proc/${stack_pid[$name.1]}/status")")
  done
  printf '%s\n' "${args[@]}" | jq -s '{mib: add}'
}

idle() { # SECONDS
  local before
  settle 600
  sleep 5 # what follows work is over
  before=$(cpu_all)
  sleep "$1"
  record idle "$(jq -n --argjson before "$before" --argjson after "$(cpu_all)" --argjson s "$1" '
    {seconds: $s, cpu_ms_per_s: ($after | with_entries(.value = (.value - $before[.key]) / $s))}')"
}

burst() { # POSTS
  flood burst "$1" "burst$SECONDS" connections=128
}

# Signed webhooks of one post, 1,000 a second; the time of a commit is PostgreSQL's own, so the
# cluster runs with track_commit_timestamp.
paced() { # RATE SECONDS RUN
  local cpu posts=$(($1 * $2)) since
  settle 600
  since=$(ask 'SELECT now()')
  cpu=$(cpu_all)
  hook rate="$1" posts="$posts" run="$3" authors="$((posts / 4))" connections=64 >"$WORK/load.json" || fail "webhooks of $3"
  settle 600
  record paced "$(jq -n --argjson before "$cpu" --argjson after "$(cpu_all)" --slurpfile load "$WORK/load.json" \
    --argjson way "$(paced_way "$since")" '
    $load[0].posts as $n | ($after | with_entries(.value = (.value - $before[.key]) * 1000 / $n)) as $each
    | {posts: $n, ack_p50_ms: $load[0].p50_ms, ack_p99_ms: $load[0].p99_ms, cpu_ms_per_1000: $each, cpu_total: ([$each[]] | add)} + $way')"
}

# From the time a webhook was due (the post's created_at) until its decision was committed.
paced_way() { # SINCE
  ask "SELECT json_build_object('p50_ms', percentile_cont(0.5) WITHIN GROUP (ORDER BY ms),
      'p99_ms', percentile_cont(0.99) WITHIN GROUP (ORDER BY ms), 'decided', count(*))
    FROM (SELECT extract(epoch FROM pg_xact_commit_timestamp(t.xmin) - p.created_at) * 1000 AS ms
      FROM triage t JOIN post p USING (post_id, customer_id)
     WHERE p.post_id >= id_floor(timestamptz '$1' - interval '2 seconds') AND p.created_at >= timestamptz '$1') w"
}

# kill -9 under load and start again at once: when the first post is committed that the new process
# had its hands on.
restart_of() { # SERVICE
  local at loading column
  column=$(case $1 in ingest) echo p.received_at ;; classifier) echo t.triaged_at ;; *) echo t.decided_at ;; esac)
  hook_forever &
  loading=$!
  sleep 2
  at=$(ask 'SELECT clock_timestamp()')
  service_kill "$1" 1
  service_start "$1" 1
  wait_until 30 restarted "$column" "$at" || fail "$1 settled nothing after its restart"
  kill "$loading" 2>/dev/null || true
  wait "$loading" 2>/dev/null || true
  record restart "$(ask "SELECT json_build_object('service', '$1', 'seconds',
      extract(epoch FROM min(pg_xact_commit_timestamp(t.xmin)) - timestamptz '$at'))
    FROM triage t JOIN post p USING (post_id, customer_id) WHERE post_id >= id_floor(timestamptz '$at' - interval '1 hour') AND $column > timestamptz '$at'")"
  service_wait_ready "$1" 1
}

restarted() { # COLUMN SINCE
  [ "$(ask "SELECT count(*) FROM (SELECT FROM triage t JOIN post p USING (post_id, customer_id) WHERE post_id >= id_floor(timestamptz '$2' - interval '1 minute')
    AND $1 > timestamptz '$2' LIMIT 1) one")" = 1 ]
}

# A sender who connects again when he is hung up on.
hook_forever() {
  while :; do
    hook rate=200 posts=100000 run="restart$RANDOM$SECONDS" authors=20000 connections=8 >/dev/null 2>&1 || sleep 0.01
  done
}
