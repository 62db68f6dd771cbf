# shellcheck shell=bash
# stand.sh: what is measured: PostgreSQL with its default durability, the four services with CURVE,
# one replica each. Source after webhook.sh, stack.sh and cpu.sh.
#
#   stand_start              cluster, schema, care.yaml, texts, services
#   stand_restart SETTING…   the same with other settings of PostgreSQL
#   ask SQL                  as pg_query, over one connection that stays
#   fill POSTS               multiplies what is stored until there are so many posts
#   load KEY=VALUE…          bench.load to ingest's bulk endpoint; prints its JSON
#   hook KEY=VALUE…          the same as signed webhooks of one post
#   settled                  whether no post is on its way any more
#   record KIND JSON         one line of $WORK/measured.jsonl

STAND_SETTINGS=(-c shared_buffers=512MB -c max_wal_size=4GB)
PG_SETTINGS=("${STAND_SETTINGS[@]}")
STAND_AGENTS=50
STAND_TEXTS=$EARSHOT_SHARED/feeds/airline.jsonl

stand_start() {
  pg_start
  PG_HOST=$PG_SOCKET # all on one host, as the bare insert beside them
  stand_care >"$WORK/care.yaml"
  stand_texts >"$WORK/texts"
  mkdir -p "$WORK/secrets"
  webhook_secret >"$WORK/secrets/bench"
  stack_prepare "$WORK/care.yaml"
  stack_start
  ask_begin
}

stand_restart() {
  ask_end
  stack_stop
  pg_stop
  PG_SETTINGS=("${STAND_SETTINGS[@]}" "$@")
  pg_launch
  stack_start
  ask_begin
}

# No clock may fire while something is measured; agents take all there is.
stand_care() {
  local n
  cat <<YAML
firm: Bench
teams: [{ id: care, name: Customer care, default: true }]
accounts:
  - { id: "@bench", platform: bench, team: care, secrets: [bench],
      settings: { connector: webhook, url: "http://127.0.0.1:9/replies" } }
policies: [{ id: standard, first_response: 30d, warn_before: 1d, reopen_within: 7d }]
agents:
YAML
  for ((n = 1; n <= STAND_AGENTS; n++)); do
    printf '  - { id: a%d, name: Agent %d, team: care, capacity: 10000, sign_off: "^A%d",\n' "$n" "$n" "$n"
    printf '      shifts: [{ days: daily, from: "00:00", to: "24:00", zone: UTC }] }\n'
  done
}

# Real ones where they are; else a dozen of the same length.
stand_texts() {
  if [ -f "$STAND_TEXTS" ]; then
    jq -c .text "$STAND_TEXTS"
    return
  fi
  awk 'BEGIN {
    n = split("my parcel arrived broken and nobody answers the phone, I want my money back!|" \
      "where is my order? It is a week late and the tracking page shows nothing at all.|" \
      "thank you for the quick delivery, great service, and the driver was so friendly!|" \
      "how can I change the delivery address of an order that has been paid for already?", text, "|")
    for (i = 0; i < 400; i++) printf "\"@bench %s #%d\"\n", text[1 + i % n], i
  }'
}

# --- The database's answers ---

ask_begin() {
  coproc ASK { exec "$PG_BIN/psql" -X -qAt "$EAR_PG options='-c search_path=earshot'" 2>&1; }
}

ask_end() {
  echo '\q' >&"${ASK[1]}"
  # shellcheck disable=SC2153
  wait "$ASK_PID" 2>/dev/null || true
}

ask() {
  local line out=
  printf '%s;\n\\echo --end--\n' "$1" >&"${ASK[1]}"
  while IFS= read -r -u "${ASK[0]}" line && [ "$line" != --end-- ]; do out+=${out:+$'\n'}$line; done
  case $out in ERROR* | *$'\n'ERROR*) fail "$1: $out" ;; esac
  printf '%s' "$out"
}

settled() { [ "$(ask 'SELECT count(*) FROM intake')" = 0 ]; }

settle() { # SECONDS: looks often, for what is measured ends here
  local deadline=$((SECONDS + $1))
  until settled; do
    [ "$SECONDS" -lt "$deadline" ] || fail "posts are still on their way after $1 s: $(ask 'SELECT count(*) FROM intake') rows"
    sleep 0.02
  done
}

wal_bytes() { ask "SELECT pg_current_wal_lsn() - '0/0'"; }
stored() { ask 'SELECT count(*) FROM post'; }

# Sum of the series of a counter: metric NAME SERVICE [LABELS as a regular expression]
metric() {
  curl -s "$(stack_url "$2" 1)/metrics" |
    awk -v name="$1" -v labels="${3:-}" 'index($1, name) == 1 && $1 ~ "^" name "([{]|$)" && $1 ~ labels { sum += $NF }
      END { printf "%.6f\n", sum }'
}

decided() { metric earshot_assignment_posts_total assignment 'opened|joined|reopened|none_needed|own|related'; }

record() { jq -c --arg kind "$1" '{kind: $kind} + .' <<<"$2" >>"$WORK/measured.jsonl"; }

# --- Load ---

load() {
  "$EARSHOT_BIN/bench.load" port="${stack_port[ingest.1.http]}" texts="$WORK/texts" \
    auth="Bearer $STACK_REPLAY_TOKEN" "$@"
}

hook() { # ends with whoever called it
  setpriv --pdeathsig TERM "$EARSHOT_BIN/bench.load" port="${stack_port[ingest.1.http]}" texts="$WORK/texts" per=1 \
    path=/v1/accounts/@bench/posts secret="$(cat "$WORK/secrets/bench")" "$@"
}

# --- A large database ---

# Copies of what is stored, each a minute older than the last one and under other customers: the
# same rows of all tables, with ids that are spread as real ones.
fill() { # POSTS
  local seed copies done half
  seed=$(ask 'SELECT count(*) FROM bench.seed_post')
  done=$(ask 'SELECT coalesce(max(copies), 0) FROM bench.filled')
  copies=$((done + ($1 - $(stored)) / seed))
  [ "$copies" -gt "$done" ] || return 0
  half=$((done + (copies - done) / 2))
  pg_query "CALL bench.fill($((done + 1)), $half)" &
  pg_query "CALL bench.fill($((half + 1)), $copies)"
  wait $!
  ask "INSERT INTO bench.filled VALUES ($copies)"
  ask 'VACUUM ANALYZE' && ask 'CHECKPOINT'
}

fill_prepare() { # once, when the seed is stored
  ask "CREATE SCHEMA IF NOT EXISTS bench; CREATE TABLE IF NOT EXISTS bench.filled (copies int)" >/dev/null
  pg_query "$(cat "$EARSHOT_SOURCE/tests/bench/fill.sql")"
}
