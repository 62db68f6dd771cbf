#!/usr/bin/env bash
# earshotctl replay against the real ingest: counts, malformed lines by their numbers, the same feed
# again, lanes, accounts, rate and pace; and against one that refuses: it is asked again, as it wants.
. "$(dirname "$0")/../lib/ctl.sh"
need_command jq node
need_program earshotctl earshot-ingest
ctl_database
cat >"$WORK/care.yaml" <<'YAML'
firm: Northern Line Parcels
teams: [{ id: care, name: Customer care, default: true }]
accounts: [{ id: "@given", platform: feed, team: care }, { id: "@own", platform: feed, team: care }]
YAML
"$EARSHOT_BIN/earshotctl" apply "$WORK/care.yaml" >"$WORK/out"
free_port
http=$PORT
free_port
EAR_HTTP=127.0.0.1:$http EAR_INGEST_BUS=127.0.0.1:$PORT EAR_INGEST_REPLAY_TOKEN=token EAR_SECRETS_DIR=$WORK \
  EAR_PG="$(pg_conninfo earshot_ingest)" EAR_PG_PASSWORD=secret \
  setpriv --pdeathsig KILL "$EARSHOT_BIN/earshot-ingest" 2>"$WORK/ingest.log" & ingest=$!
at_exit kill -s KILL "$ingest"
on_failure tail -n 5 "$WORK/ingest.log"
must_settle 'ingest listens' 30 port_answers "$http"

target=http://127.0.0.1:$http
ctl() { env EAR_CTL_INGEST="$target" EAR_INGEST_REPLAY_TOKEN=token "$EARSHOT_BIN/earshotctl" "$@"; }
counts() { jq -r '[.lines, .stored, .duplicates, .malformed, .refused] | join(" ")' "$WORK/out"; }
feed() { # FIRST LAST [SECONDS BETWEEN POSTS]
  awk -v from="$1" -v to="$2" -v step="${3:-1}" 'BEGIN { for (i = from; i <= to; i++)
    printf "{\"platform\":\"feed\",\"external_id\":\"p%d\",\"author\":{\"id\":\"u%d\"},\"text\":\"Post %d\",\"created_at\":\"2026-07-01T%02d:%02d:%02dZ\"}\n",
      i, i % 50, i, int(i * step / 3600) % 24, int(i * step / 60) % 60, i * step % 60 }'
}
# Ingest does not listen to its database at once.
ready() { [ "$(curl -s -o "$WORK/ready" -w '%{http_code}' -H 'Authorization: Bearer token' -H 'Content-Type: application/x-ndjson' -d '{}' "$target/v1/replay")" = 200 ]; }
must_settle 'ingest takes posts' 30 ready

# --- 2,500 posts in several requests, with lines that are none of them
{ feed 1 1000; echo '{"platform":'; echo; feed 1001 2500; echo 'not json'; printf '{"platform":"feed","text":"'
  head -c 300000 /dev/zero | tr '\0' x; echo '"}'; printf '%s' "$(feed 1 1)"; } >"$WORK/feed.jsonl"
exits 0 replay "$WORK/feed.jsonl" --json
expect_eq 'lines stored duplicates malformed refused' '2504 2500 1 3 0' "$(counts)"
expect_eq 'numbers of malformed lines' '1001 2503 2504' "$(grep -oP '(?<=^earshotctl: line )\d+(?=: malformed)' "$WORK/err" | sort -n | paste -sd' ')"
expect_eq 'posts in the database' 2500 "$(pg_query 'SELECT count(*) FROM post')"
expect_eq 'back-fill' 1 "$(pg_query 'SELECT DISTINCT lane FROM intake')"
expect_eq 'entry' 7 "$(pg_query 'SELECT DISTINCT entry FROM post')"

# --- from a pipe, again: nothing new
exits 0 replay --json < <(cat "$WORK/feed.jsonl")
expect_eq 'again' '2504 0 2501 3 0' "$(counts)"
exits 0 replay - </dev/null
says '0 lines'

# --- lane and account
feed 3001 3001 | sed 's/"text"/"account":"@own","text"/' >"$WORK/two.jsonl"
feed 3002 3002 >>"$WORK/two.jsonl"
exits 0 replay --live --account @given "$WORK/two.jsonl"
says '2 stored'
expect_eq 'accounts' '@given @own' "$(pg_query "SELECT DISTINCT account_id FROM post WHERE account_id <> '' ORDER BY 1" | paste -sd' ')"
expect_eq 'live' 1 "$(pg_query 'SELECT count(*) FROM intake WHERE lane = 0')"

! grep -q 'no account' "$WORK/err" || fail 'an account that is there is said not to be'

# --- accounts that are not there: said, with those that are; the posts are stored all the same
feed 3101 3104 >"$WORK/wrong.jsonl"
exits 0 replay --account @gievn "$WORK/wrong.jsonl"
says '4 stored'
says "earshotctl: 4 lines were for '@gievn', no account of care.yaml, so that they belong to none; there are @given, @own"
for n in 1 2 3 4 5; do feed "310$n" "310$n" | sed "s/\"text\"/\"account\":\"@w$n\\\\u001b\",&/"; done >"$WORK/wrong.jsonl"
feed 3106 3106 | sed 's/"text"/"account":"@own",&/' >>"$WORK/wrong.jsonl"
exits 0 replay --json "$WORK/wrong.jsonl"
expect_eq 'lines stored duplicates malformed refused' '6 2 4 0 0' "$(counts)"
says "5 lines were for '@w1.', '@w2.', '@w3.' and 2 more, no accounts of care.yaml"
EAR_PG='' exits 0 replay "$WORK/wrong.jsonl"
! grep -q 'no account' "$WORK/err" || fail 'without a database nobody knows'

# --- a slow pipe: what has come is sent without waiting for more
mkfifo "$WORK/slow"
{ feed 4001 4001; read -r -t 30 _ <"$WORK/go" || true; feed 4002 4002; } >"$WORK/slow" & slow=$!
mkfifo "$WORK/go"
ctl replay --json "$WORK/slow" >"$WORK/out" 2>"$WORK/err" & replay=$!
first_is_there() { [ "$(pg_query "SELECT count(*) FROM post WHERE external_id = 'p4001'")" = 1 ]; }
must_settle 'the first line is stored while the feed is open' 20 first_is_there
echo >"$WORK/go"
wait "$replay" || fail 'replay of a slow pipe'
wait "$slow" || true
expect_eq 'both lines' '2 2 0 0 0' "$(counts)"

# --- rate and pace
seconds() { jq ".seconds | $1" "$WORK/out"; }
feed 5001 5030 >"$WORK/some.jsonl"
exits 0 replay --rate 20 --json "$WORK/some.jsonl"
[ "$(seconds '. >= 1.3 and . < 4')" = true ] || fail "30 posts at 20 a second took $(seconds .) s"
feed 6001 6021 6 >"$WORK/some.jsonl"
exits 0 replay --pace 60 --json "$WORK/some.jsonl"
[ "$(seconds '. >= 1.9 and . < 5')" = true ] || fail "two minutes at 60 times the pace took $(seconds .) s"
for wrong in '--rate 0' '--rate many' '--pace -1' '--timeout never'; do
  # shellcheck disable=SC2086 # options are words
  exits 2 replay $wrong "$WORK/some.jsonl"
done
exits 3 replay "$WORK/not-there"
exits 3 replay "$WORK"

# --- tokens
status=0
env EAR_CTL_INGEST="$target" "$EARSHOT_BIN/earshotctl" replay "$WORK/some.jsonl" 2>"$WORK/err" || status=$?
expect_eq 'without a token' 2 "$status"
status=0
env EAR_CTL_INGEST="$target" EAR_INGEST_REPLAY_TOKEN=$'two\nlines' "$EARSHOT_BIN/earshotctl" replay "$WORK/some.jsonl" 2>"$WORK/err" || status=$?
expect_eq 'with a token of two lines' 2 "$status"
says 'EAR_INGEST_REPLAY_TOKEN holds'
env EAR_CTL_INGEST="$target" EAR_INGEST_REPLAY_TOKEN=other "$EARSHOT_BIN/earshotctl" replay "$WORK/some.jsonl" >"$WORK/out" 2>"$WORK/err" || status=$?
expect_eq 'with another token' 1 "$status"
says EAR_INGEST_REPLAY_TOKEN

# --- an ingest that refuses, and one that is not there
setpriv --pdeathsig KILL node "$EARSHOT_SOURCE/tests/lib/busy_ingest.mjs" "$WORK/port" "$WORK/tries" & busy=$!
at_exit kill -s KILL "$busy"
must_settle 'the busy one listens' 20 test -s "$WORK/port"
target=http://127.0.0.1:$(cat "$WORK/port")/
feed 1 700 >"$WORK/some.jsonl"
: >"$WORK/tries"
exits 0 replay --json "$WORK/some.jsonl"
expect_eq 'all got through in the end' '700 700 0 0 0' "$(counts)"
expect_eq 'each request four times' '4 4' "$(awk '{ n[$4]++ } END { print n[500], n[200] }' "$WORK/tries")"
awk '$4 == 500 { if (last) print $1 - last; last = $1 }' "$WORK/tries" >"$WORK/waits"
awk 'NR == 1 && $1 < 950 { bad = 1 } NR == 2 && $1 < 1950 { bad = 1 } END { exit bad }' "$WORK/waits" ||
  fail "Retry-After was not waited for: $(paste -sd' ' "$WORK/waits") ms"
echo '{"deaf":1}' >"$WORK/deaf"
exits 4 replay --timeout 1s --json "$WORK/deaf"
says 'nothing got through for 1 s'
expect_eq 'the summary comes in any case' '0 0 0 0 0' "$(counts)"
echo '{"strange":1}' >"$WORK/strange"
exits 3 replay "$WORK/strange"
echo '{"gone":1}' >"$WORK/gone"
exits 1 replay "$WORK/gone"
says 'not from here'
target=http://127.0.0.1:1
exits 4 replay --timeout 1s "$WORK/wrong.jsonl"
! grep -q 'no account' "$WORK/err" || fail 'of what was not stored it is said to whom it belongs'
target=nonsense
exits 2 replay "$WORK/some.jsonl"
