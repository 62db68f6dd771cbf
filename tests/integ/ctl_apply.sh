#!/usr/bin/env bash
# earshotctl apply: the plan is what happens, a dry run changes nothing, what left the file leaves
# the database (agents stay as a row, since history names them), mistakes are named by line and
# change nothing, and services are told.
. "$(dirname "$0")/../lib/ctl.sh"
need_command jq
need_program earshotctl
ctl_database
state() { # everything that apply writes, in one line
  pg_query "SELECT md5(string_agg(t, '' ORDER BY t)) FROM (
    SELECT team::text t FROM team UNION ALL SELECT account::text FROM account UNION ALL SELECT agent::text FROM agent
    UNION ALL SELECT shift::text FROM shift UNION ALL SELECT policy::text FROM policy UNION ALL SELECT version::text FROM care_version) r"
}

cat >"$WORK/care.yaml" <<'YAML'
firm: Northern Line Parcels
teams:
  - id: care
    name: Customer care
    default: true
  - id: billing
    name: Bills
    languages: [en, de]
    topics: [billing, refund]
accounts:
  - id: "@northernline"
    platform: bluesky
    author_id: did:plc:abc
    team: care
    secrets: [bluesky_password]
    settings: { service: "https://bsky.example" }
agents:
  - id: ana
    name: Ana Prieto
    team: care
    capacity: 8
    sign_off: "^Ana"
    languages: [en, es]
    shifts:
      - { days: mon-fri, from: "08:00", to: "16:30", zone: Europe/London }
      - { days: daily, from: "22:00", to: "24:00", zone: America/New_York }
      - { days: daily, from: "00:00", to: "02:00", zone: America/New_York }
  - id: bo
    name: Bo Lind
    team: billing
    capacity: 3
policies:
  - id: standard
    first_response: 15m
  - id: bills
    team: billing
    first_response: 2h
YAML
exits 0 apply --dry-run "$WORK/care.yaml"
says '+ team billing'
says 'nothing was changed'
expect_eq 'teams after a dry run' 0 "$(pg_query 'SELECT count(*) FROM team')"

# Which secrets it names needs no database.
mkdir "$WORK/secrets"
EAR_PG='' exits 0 secrets "$WORK/care.yaml"
expect_eq 'secrets' 'SECRET CONNECTOR ACCOUNT|bluesky_password bluesky @northernline|' "$(tr -s ' \n' ' |' <"$WORK/out")"
exits 1 secrets "$WORK/care.yaml" --dir "$WORK/secrets"
says '1 missing, unreadable or empty'
echo >"$WORK/secrets/bluesky_password"
exits 1 secrets "$WORK/care.yaml" --dir "$WORK/secrets" --json
expect_eq 'an empty one is none' false "$(json '.[0].there')"
echo secret >"$WORK/secrets/bluesky_password"
exits 0 secrets - --dir "$WORK/secrets" <"$WORK/care.yaml"
says ' yes'
sed 's/service: /connector: webhook, service: /' "$WORK/care.yaml" >"$WORK/hook.yaml"
exits 0 secrets "$WORK/hook.yaml" --json
expect_eq 'the connector that is chosen' webhook "$(json '.[0].connector')"
sed '/secrets:/d' "$WORK/care.yaml" >"$WORK/none.yaml"
exits 0 secrets "$WORK/none.yaml"
says 'no account names a secret'

# Everybody who listens hears of it.
mkfifo "$WORK/listen"
"$PG_BIN/psql" -X -qAt "$EAR_PG" <"$WORK/listen" >"$WORK/heard" 2>&1 & listener=$!
exec 7>"$WORK/listen"
echo 'LISTEN earshot_care;' >&7
exits 0 apply "$WORK/care.yaml" --json --as ana
expect_eq 'plan' 'team team account agent agent policy policy' "$(jq -r '[.plan[].what] | join(" ")' "$WORK/out")"
echo 'SELECT 1;' >&7
exec 7>&-
wait "$listener"
grep -q 'notification "earshot_care"' "$WORK/heard" || fail 'nobody was told'
expect_eq 'who applied' ana "$(pg_query 'SELECT applied_by FROM care_version')"
expect_eq 'shifts' '{1,2,3,4,5,6,7}|00:00:00|02:00:00 {1,2,3,4,5}|08:00:00|16:30:00 {1,2,3,4,5,6,7}|22:00:00|24:00:00' \
  "$(pg_query 'SELECT weekdays, from_time, to_time FROM shift ORDER BY from_time' | paste -sd' ')"
expect_eq 'policy' '7200|300|604800' "$(pg_query "SELECT first_response_s, warn_before_s, reopen_within_s FROM policy WHERE policy_id = 'bills'")"

# The same again changes nothing, not even the version.
before=$(state)
exits 0 apply "$WORK/care.yaml"
says 'nothing to change'
expect_eq 'the same file again' "$before" "$(state)"
# … but everybody who listens is told: the files of secrets may be others.
"$PG_BIN/psql" -X -qAt "$EAR_PG" <"$WORK/listen" >"$WORK/heard" 2>&1 & listener=$!
exec 7>"$WORK/listen"
echo "LISTEN earshot_care; SELECT 'listens';" >&7
must_settle 'somebody listens' 20 grep -q listens "$WORK/heard"
exits 0 apply "$WORK/care.yaml"
says 'nothing to change; the services read the secrets anew'
echo 'SELECT 1;' >&7
exec 7>&-
wait "$listener"
grep -q 'notification "earshot_care"' "$WORK/heard" || fail 'nobody was told to read secrets anew'

# A change names old and new values.
sed 's/capacity: 8/capacity: 9/; s/16:30/17:00/; s/default: true/default: false/; s/name: Bills/name: Bills\n    default: true/' \
  "$WORK/care.yaml" >"$WORK/changed.yaml"
exits 0 apply --dry-run "$WORK/changed.yaml"
says '~ agent ana'
says 'capacity: 8 → 9'
expect_eq 'a dry run' "$before" "$(state)"
exits 0 apply - <"$WORK/changed.yaml"
expect_eq 'the default moved' billing "$(pg_query 'SELECT team_id FROM team WHERE is_default')"
expect_eq 'capacity' 9 "$(pg_query "SELECT capacity FROM agent WHERE agent_id = 'ana'")"

# What is left out goes; a team that had an agent too.
cat >"$WORK/less.yaml" <<'YAML'
firm: Northern Line Parcels
teams: [{ id: care, name: Customer care, default: true }]
agents: [{ id: ana, name: Ana Prieto, team: care, capacity: 8 }]
YAML
exits 0 apply "$WORK/less.yaml" --json
expect_eq 'removed' 'account @northernline, agent bo, policy bills, policy standard, team billing' \
  "$(jq -r '[.plan[] | select(.do == "remove") | .what + " " + .id] | sort | join(", ")' "$WORK/out")"
expect_eq 'bo stays as a row' 'f|care' "$(pg_query "SELECT active, team_id FROM agent WHERE agent_id = 'bo'")"
expect_eq 'nothing else' '1|0|0|0' "$(pg_query 'SELECT (SELECT count(*) FROM team), (SELECT count(*) FROM account), (SELECT count(*) FROM policy), (SELECT count(*) FROM shift)')"
exits 0 apply "$WORK/less.yaml"
says 'nothing to change'
exits 0 apply "$WORK/care.yaml"
expect_eq 'bo is back' 't|billing' "$(pg_query "SELECT active, team_id FROM agent WHERE agent_id = 'bo'")"

# Mistakes: all at once, with their lines; nothing is changed.
before=$(state)
sed 's/capacity: 3/capacity: many/; s/team: billing/team: bilking/; s/first_response: 15m/frist_response: 15m/' "$WORK/care.yaml" >"$WORK/bad.yaml"
exits 3 apply "$WORK/bad.yaml"
# A dangling team is told at the line where its row begins.
wanted=$(grep -nE 'many|frist' "$WORK/bad.yaml" | cut -d: -f1)
while read -r line; do
  grep -q "^$WORK/bad.yaml:$line: " "$WORK/err" || { cat "$WORK/err" >&2; fail "no mistake told in line $line"; }
done <<<"$wanted"
sed 's#Europe/London#Europe/Londinium#' "$WORK/care.yaml" >"$WORK/zone.yaml"
exits 3 apply "$WORK/zone.yaml"
says "no time zone 'Europe/Londinium'"
exits 3 apply "$WORK/not-there.yaml"
exits 2 apply
expect_eq 'refused files change nothing' "$before" "$(state)"

# Two at once: one after the other, never a mixture.
ctl apply "$WORK/care.yaml" >/dev/null & one=$!
ctl apply "$WORK/less.yaml" >/dev/null & two=$!
wait "$one" || fail 'one of two at once'
wait "$two" || fail 'the other of two at once'
teams=$(pg_query 'SELECT count(*) FROM team')
policies=$(pg_query 'SELECT count(*) FROM policy')
case "$teams $policies" in '1 0' | '2 2') ;; *) fail "a mixture: $teams teams, $policies policies" ;; esac
