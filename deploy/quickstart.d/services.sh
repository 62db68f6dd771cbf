# shellcheck shell=bash
# services.sh: builds Earshot, makes its keys and secrets, and starts the services and the receiver.

# How far ninja is, on a terminal; all that it says goes to the log.
show_progress() {
  local line
  while IFS= read -r line; do
    printf '%s\n' "$line" >>"$STATE/log/build.log"
    [[ $line != \[* || ! -t 2 ]] || printf '\r    %s ' "${line%%]*}]" >&2
  done
  [ ! -t 2 ] || printf '\r%30s\r' '' >&2
}

# A tree can be used again by the one user to whom all of it belongs, for the folder it was made of.
is_ours() { # TREE
  [ -d "$1" ] || return 0
  [ -z "$(find "$1" ! -user "$(id -u)" -print -quit)" ] || return 1
  [ ! -f "$1/CMakeCache.txt" ] || grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$1/CMakeCache.txt"
}

build_release() {
  BUILD=$root/build
  if [ ! -w "$root" ] || ! is_ours "$BUILD"; then BUILD=$STATE/build; fi
  is_ours "$BUILD" || rm -rf "$BUILD"
  mkdir -p "$BUILD"
  cmake -S "$root" -B "$BUILD" -G Ninja -DCMAKE_BUILD_TYPE=Release -DEARSHOT_TESTS=OFF >"$STATE/log/build.log" 2>&1 &&
    ninja -C "$BUILD" 2>&1 | show_progress ||
    { tail -n 30 "$STATE/log/build.log" >&2; die "the build failed; see $STATE/log/build.log"; }
  bin=$BUILD/bin
}

random() { head -c "$1" /dev/urandom | base64 -w0; }

make_secrets() {
  local role
  umask 077
  for role in ingest assignment responder operator report; do random 24 >"$STATE/roles/earshot_$role"; done
  random 32 >"$STATE/secrets/replay-token"
  quietly "$bin/earshotctl" keygen "$STATE/keys"
  umask 022
}

# The environment of a program is what stands here and nothing of the caller's.
clean() { # KEY=VALUE… COMMAND…
  env -i PATH="$PATH" HOME="${HOME:-/}" LANG=C.UTF-8 "$@"
}

# care.yaml of this run: the sample's, answering at our receiver; for a feed of one's own also with the
# accounts that it names. Secrets that it names are made.
make_care() { # FEED
  local name
  local sample=$root/deploy/sample/care.yaml
  default_team=$(awk '$1 == "-" && $2 == "id:" { id = $3 } $1 == "default:" && $2 == "true" { print id; exit }' "$sample")
  receiver_secret=$(sed -nE 's/^[[:space:]]*secrets:[[:space:]]*\[([^],]*).*/\1/p' "$sample" | head -n 1)
  sed "s|http://127\.0\.0\.1:8090/|http://127.0.0.1:$receiver_port/|" "$sample" >"$STATE/care.yaml"
  [ "$1" -ef "$root/deploy/sample/feed.jsonl" ] || add_accounts_of "$1"
  sed -nE 's/^[[:space:]]*secrets:[[:space:]]*\[([^]]*)\].*/\1/p' "$STATE/care.yaml" | tr -d '"'"' " | tr ',' '\n' |
    sort -u | while read -r name; do
    [ -z "$name" ] || (umask 077 && printf 'whsec_%s' "$(random 32)" >"$STATE/secrets/$name")
  done
}

add_accounts_of() { # FEED
  local account
  jq -rR 'fromjson? | .account? // empty | strings' "$1" 2>/dev/null | sort -u | head -n 200 >"$STATE/run/accounts"
  while IFS= read -r account; do
    grep -qF "id: \"$account\"" "$STATE/care.yaml" || add_account "$account"
  done <"$STATE/run/accounts"
}

# An account of the feed that the sample does not have: answered by webhook as well. A name that
# care.yaml cannot take stays unknown, and its posts go to the default team.
add_account() { # ID
  local LC_ALL=C
  [[ ${#1} -ge 1 && ${#1} -le 128 && $1 != *[[:space:][:cntrl:]\"\\]* ]] || return 0
  awk -v id="$1" -v team="$default_team" -v url="http://127.0.0.1:$receiver_port/replies" -v secret="$receiver_secret" '
    { print }
    /^accounts:/ {
      printf "  - id: \"%s\"\n    platform: feed\n    team: %s\n    secrets: [%s]\n", id, team, secret
      printf "    settings:\n      connector: webhook\n      url: \"%s\"\n", url
    }' "$STATE/care.yaml" >"$STATE/care.yaml.new"
  mv "$STATE/care.yaml.new" "$STATE/care.yaml"
}

ctl() {
  clean EAR_PG="$(conninfo earshot_operator)" EAR_PG_PASSWORD_FILE="$STATE/roles/earshot_operator" \
    EAR_BUS_KEY_FILE="$STATE/keys/operator.key" EAR_BUS_PEERS_FILE="$STATE/keys/peers" \
    EAR_CTL_COMMANDS="localhost:${port[commands]}" EAR_CTL_INGEST="http://localhost:${port[ingest]}" \
    EAR_CTL_STATUS="$(status_list)" EAR_INGEST_REPLAY_TOKEN_FILE="$STATE/secrets/replay-token" \
    "$bin/earshotctl" "$@"
}

status_list() {
  printf 'ingest=localhost:%s,classifier=localhost:%s,assignment=localhost:%s,responder=localhost:%s' \
    "${port[ingest]}" "${port[classifier]}" "${port[assignment]}" "${port[responder]}"
}

migrate_and_apply() {
  quietly clean EAR_PG="$(conninfo owner)" EAR_PG_PASSWORD_FILE="$STATE/roles/owner" \
    "$bin/earshotctl" migrate --role-secrets "$STATE/roles"
  write_pgpass
  quietly ctl apply "$STATE/care.yaml"
}

quietly() {
  "$@" >"$STATE/log/setup.log" 2>&1 || { cat "$STATE/log/setup.log" >&2; die "setting up failed"; }
}

declare -A port=()
pick_ports() {
  local item
  for item in ingest:8080 classifier:8081 assignment:8082 responder:8083 receiver:8090 \
    ingest_bus:5701 classifier_bus:5702 replies:5703 commands:5704; do
    pick_port "${item#*:}"
    port[${item%:*}]=$PORT
  done
  receiver_port=${port[receiver]}
}

start_service() { # NAME KEY=VALUE…
  local name=$1
  shift
  launch "$name" env -i PATH="$PATH" EAR_LOG_LEVEL="$log_level" EAR_HTTP="127.0.0.1:${port[$name]}" \
    EAR_BUS_KEY_FILE="$STATE/keys/$name.key" EAR_BUS_PEERS_FILE="$STATE/keys/peers" \
    "$@" "$bin/earshot-$name"
}

start_services() {
  launch receiver env -i PATH="$PATH" EAR_HTTP="127.0.0.1:${port[receiver]}" \
    EAR_RECEIVER_SECRET_FILE="$STATE/secrets/$receiver_secret" EAR_RECEIVER_LEDGER="$STATE/replies.jsonl" \
    "$bin/earshot-receiver"
  start_service ingest EAR_INGEST_BUS="127.0.0.1:${port[ingest_bus]}" EAR_PG="$(conninfo earshot_ingest)" \
    EAR_PG_PASSWORD_FILE="$STATE/roles/earshot_ingest" EAR_SECRETS_DIR="$STATE/secrets" \
    EAR_INGEST_REPLAY_TOKEN_FILE="$STATE/secrets/replay-token"
  start_service classifier EAR_CLASSIFIER_INGESTS="localhost:${port[ingest_bus]}" \
    EAR_CLASSIFIER_BUS="127.0.0.1:${port[classifier_bus]}"
  start_service assignment EAR_ASSIGNMENT_CLASSIFIERS="localhost:${port[classifier_bus]}" \
    EAR_ASSIGNMENT_BUS="127.0.0.1:${port[replies]}" EAR_ASSIGNMENT_COMMANDS="127.0.0.1:${port[commands]}" \
    EAR_PG="$(conninfo earshot_assignment)" EAR_PG_PASSWORD_FILE="$STATE/roles/earshot_assignment"
  start_service responder EAR_RESPONDER_ASSIGNMENTS="localhost:${port[replies]}" \
    EAR_RESPONDER_COMMANDS="localhost:${port[commands]}" EAR_SECRETS_DIR="$STATE/secrets" \
    EAR_PG="$(conninfo earshot_responder)" EAR_PG_PASSWORD_FILE="$STATE/roles/earshot_responder"
  local name
  for name in receiver ingest classifier assignment responder; do
    wait_for 60 is_ready "$name" || die "$name did not become ready; see $STATE/log/$name.log"
  done
}

is_ready() { # NAME
  is_running "$1" || die "$1 ended: $(tail -n 3 "$STATE/log/$1.log")"
  clean "$bin/earshotctl" probe "http://127.0.0.1:${port[$1]}/readyz" >/dev/null 2>&1
}
