#!/usr/bin/env bash
# earshotctl status asks every replica behind every name at once: one row a process however many
# addresses it has, exit code 1 as soon as one is not ready or a name has none. And probe.
. "$(dirname "$0")/../lib/ctl.sh"
need_command jq
need_program earshotctl earshot-ingest
ctl_database

declare -A http pid
start() { # N LISTEN
  free_port
  http[$1]=$PORT
  free_port
  EAR_HTTP=$2:${http[$1]} EAR_INGEST_BUS=127.0.0.1:$PORT EAR_INGEST_REPLAY_TOKEN=token EAR_SECRETS_DIR=$WORK \
    EAR_PG="$(pg_conninfo earshot_ingest)" EAR_PG_PASSWORD=secret \
    setpriv --pdeathsig KILL "$EARSHOT_BIN/earshot-ingest" 2>"$WORK/ingest.$1.log" &
  pid[$1]=$!
  at_exit kill -s KILL "${pid[$1]}"
  must_settle "ingest $1 listens" 30 port_answers "${http[$1]}"
}
status_of() { # LIST ARGUMENT…: $WORK/out, $WORK/err, and the exit code in code
  code=0
  EAR_CTL_STATUS=$1 "$EARSHOT_BIN/earshotctl" status "${@:2}" >"$WORK/out" 2>"$WORK/err" || code=$?
}
start 1 127.0.0.1
start 2 '*'
both=ingest=localhost:${http[1]},ingest=localhost:${http[2]}
all_ready() { status_of "$both" --json && [ "$code" = 0 ]; }
must_settle 'both are ready' 30 all_ready
expect_eq 'a row a process' 2 "$(json length)"
expect_eq 'what a row says' 'ingest true 0 0' "$(json '.[0] | "\(.service) \(.ready) \(.backlog.live) \(.credit.backfill)"')"
expect_eq 'versions' "$("$EARSHOT_BIN/earshotctl" --version | cut -d' ' -f2)" "$(json '.[1].version')"
status_of "$both"
expect_eq 'heading' 'SERVICE REPLICA READY VERSION LAG BACKLOG CREDIT WHY' "$(head -1 "$WORK/out" | tr -s ' ')"
grep -qE "^ingest +127.0.0.1:${http[1]} +yes .* 0 live 0 backfill" "$WORK/out" || { cat "$WORK/out"; fail 'the row of the first'; }

# --- accounts that cannot be heard: their platform is away, or they lack a secret
free_port
cat >"$WORK/care.yaml" <<YAML
firm: Northern Line
teams:
  - {id: care, name: Care, default: true}
accounts:
  - {id: "@away", platform: bluesky, author_id: "did:plc:a", team: care, secrets: [password],
     settings: {service: "http://127.0.0.1:$PORT"}}
  - {id: "@bare", platform: bluesky, author_id: "did:plc:b", team: care}
  - {id: "@off", platform: bluesky, author_id: "did:plc:c", team: care, enabled: false}
  - {id: "@posted", platform: forum, team: care}
YAML
echo secret >"$WORK/password"
exits 0 apply "$WORK/care.yaml"
unheard() { status_of "$both" --json; json '[.[].unheard[].account] | sort | join(" ")'; }
both_unheard() { [ "$(unheard)" = '@away @bare' ]; }
must_settle 'who cannot be heard is named, by the one that hears it' 30 both_unheard
expect_eq 'ready all the same' '0 true true' "$code $(json 'map(.ready) | join(" ")')"
expect_eq 'why' 'bluesky true' "$(json '.[].unheard[] | select(.account == "@away") | "\(.connector) \(.why | test("refused|connect"; "i"))"')"
since=$(json '.[].unheard[] | select(.account == "@bare") | .since')
[ $(($(date +%s) - $(date -d "$since" +%s))) -le 60 ] || fail "not heard since $since"
status_of "$both"
grep -qF "@bare cannot be heard since ${since:0:10} ${since:11:5} (bluesky): " "$WORK/out" || { cat "$WORK/out" >&2; fail 'the table does not say it'; }
sed -i '/@away/,/settings/d; /@bare/d' "$WORK/care.yaml"
exits 0 apply "$WORK/care.yaml"
all_heard() { [ -z "$(unheard)" ]; }
must_settle 'who is gone is not missed' 30 all_heard

# --- one that is not ready, one that is gone, a name that nobody has
pg_stop
# Until each says what stays so: a connection that broke is told for a moment first.
not_ready() { status_of "$both" --json; json '.[].why' | grep -c 'Connection refused' | grep -qx 2; }
must_settle 'they miss the database' 30 not_ready
expect_eq 'exit code' 1 "$code"
json '.[1].why' | grep -q PostgreSQL || fail "why: $(json '.[1].why')"
# In 80 columns the reason goes on in the next lines, and none of it is lost.
why=$(json '.[1].why')
EAR_CTL_STATUS=$both script -qec "stty cols 80; $EARSHOT_BIN/earshotctl status" "$WORK/typed" </dev/null >"$WORK/screen" || true
tr -s '[:space:]' ' ' <"$WORK/screen" | grep -qF -- "$why" || { cat "$WORK/screen" >&2; fail "in 80 columns the reason is not: $why"; }
[ "$(tr -d '\r' <"$WORK/screen" | LC_ALL=C.UTF-8 wc -L)" -le 80 ] || fail 'wider than the terminal'
kill -s KILL "${pid[1]}"
gone() { ! port_answers "${http[1]}"; }
must_settle 'the first is gone' 10 gone
status_of "$both,classifier=no-such-name.invalid:8081" --json --timeout 3s
expect_eq 'exit code' 1 "$code"
expect_eq 'the gone one is shown, once' false "$(json ".[] | select(.replica | endswith(\":${http[1]}\")) | .ready")"
expect_eq 'a service without replicas' 'none false' "$(json '.[] | select(.service == "classifier") | "\(.replica) \(.ready)"')"
expect_eq 'why' 'no replica: no-such-name.invalid is a name that nobody has' "$(json '.[] | select(.service == "classifier") | .why')"
json '.[] | select(.replica == "127.0.0.1:'"${http[1]}"'") | .why' | grep -qx 'Connection refused' || fail "the reason alone: $(json '.[].why')"
status_of "ingest=localhost"
expect_eq 'exit code of nonsense' 2 "$code"
status_of ","
expect_eq 'exit code without a service' 2 "$code"

# --- probe
probe() { code=0; "$EARSHOT_BIN/earshotctl" probe "$@" >"$WORK/out" 2>"$WORK/err" || code=$?; }
probe "http://127.0.0.1:${http[2]}/healthz"
expect_eq 'alive' 0 "$code"
probe "http://127.0.0.1:${http[2]}/readyz"
expect_eq 'not ready' 1 "$code"
probe "http://127.0.0.1:${http[1]}/healthz" --timeout 1s
expect_eq 'gone' 4 "$code"
expect_eq 'the address is said once' 1 "$(grep -o "http://127" "$WORK/err" | wc -l)"
probe "127.0.0.1:${http[2]}/healthz"
expect_eq 'no URL' 2 "$code"
