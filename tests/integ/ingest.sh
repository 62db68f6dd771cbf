#!/usr/bin/env bash
# ingest over real PostgreSQL and the real bus, with a sink of the test's own in the classifier's
# place: webhooks and replays, repeats, edits and deletions, backlog, poison, kill -9 at the fault
# points, adoption by another instance.
. "$(dirname "$0")/../lib/pg.sh"
need_command jq curl openssl
need_program earshot-ingest
sink_program=$(find "$EARSHOT_BUILD" -name integ.ingest_sink -type f -perm -u+x | head -1)
[ -n "$sink_program" ] || fail "integ.ingest_sink has not been built"

KEY=$(head -c 32 /dev/urandom | base64)
OLD_KEY=$(head -c 32 /dev/urandom | base64)
TOKEN=token-of-the-test
mkdir -p "$WORK/secrets" "$WORK/log"
printf 'whsec_%s' "$KEY" >"$WORK/secrets/new"
printf '%s' "$OLD_KEY" >"$WORK/secrets/old"

pg_start
pg_schema
pg_query "ALTER ROLE earshot_ingest PASSWORD 'secret'" >/dev/null
pg_query "INSERT INTO id_key (key) VALUES (decode(repeat('ab', 32), 'hex')) ON CONFLICT DO NOTHING" >/dev/null
pg_query "INSERT INTO team VALUES ('care', 'Care', '{}', '{}', true)" >/dev/null
pg_query "INSERT INTO account VALUES ('@shop', 'forum', 'firm-1', 'care', '{}', '{new,old}'),
          ('@other', 'forum', '', 'care', '{}', '{}')" >/dev/null

declare -A pid=() http=() bus=()
ingest_start() { # NAME [KEY=value…]
  local name=$1
  shift
  [ -n "${http[$name]:-}" ] || { free_port; http[$name]=$PORT; free_port; bus[$name]=$PORT; }
  env EAR_PG="$(pg_conninfo earshot_ingest)" EAR_PG_PASSWORD=secret EAR_SECRETS_DIR="$WORK/secrets" \
    EAR_HTTP="127.0.0.1:${http[$name]}" EAR_INGEST_BUS="127.0.0.1:${bus[$name]}" \
    EAR_INGEST_REPLAY_TOKEN=$TOKEN EAR_INGEST_LEASE=1s EAR_INGEST_SETTLE_WAIT=2s "$@" \
    setpriv --pdeathsig KILL "$EARSHOT_BIN/earshot-ingest" >>"$WORK/log/$name" 2>&1 &
  pid[$name]=$!
}
ingest_ready() { curl -sf -o /dev/null "http://127.0.0.1:${http[$1]}/readyz"; }
ingest_wait() { must_settle "$1 is ready" 20 ingest_ready "$1"; }
ingest_stop() {
  local status=0
  kill -TERM "${pid[$1]}"
  wait "${pid[$1]}" || status=$?
  expect_eq "exit code of $1" 0 "$status"
}
ingest_died() { ! kill -0 "${pid[$1]}" 2>/dev/null; }
reap() { wait "${pid[$1]}" 2>/dev/null || true; }
show_logs() { tail -n 30 "$WORK"/log/*; }
on_failure show_logs

sink_pid=
sink_start() { # MODE INGEST… ; what it takes is added to $WORK/taken
  local mode=$1 name list=
  shift
  for name; do list+=${list:+,}127.0.0.1:${bus[$name]}; done
  setpriv --pdeathsig KILL "$sink_program" "$list" "$mode" >>"$WORK/taken" 2>"$WORK/log/sink" &
  sink_pid=$!
}
sink_stop() { kill -s "${1:-TERM}" "$sink_pid"; wait "$sink_pid" 2>/dev/null || true; }
taken() { awk '{print $2}' "$WORK/taken" 2>/dev/null | sort -u | wc -l; }
has_taken() { [ "$(taken)" -ge "$1" ]; }
nothing_owed() { [ "$(pg_query "SELECT count(*) FROM intake")" = 0 ]; }

line() { # EXTERNAL_ID TEXT [EXTRA-JSON]
  jq -cn --arg id "$1" --arg text "$2" --argjson extra "${3:-{\}}" \
    '{platform: "forum", external_id: $id, account: "@shop", text: $text,
      author: {id: ("author-" + ($id | .[0:2])), handle: "h", followers: 3},
      created_at: "2026-03-04T05:06:07Z"} + $extra'
}
post() { # NAME PATH TYPE FILE [HEADER…]: sets STATUS, body in $WORK/answer
  local name=$1 path=$2 type=$3 file=$4 headers=() header
  shift 4
  for header; do headers+=(-H "$header"); done
  STATUS=$(curl -s -o "$WORK/answer" -D "$WORK/head" -w '%{http_code}' --max-time 20 -X POST \
    "http://127.0.0.1:${http[$name]}$path" -H "Content-Type: $type" "${headers[@]}" \
    --data-binary "@$file") || STATUS=000
}
replay() { post "$1" "/v1/replay${3:-}" application/x-ndjson "$2" "Authorization: Bearer $TOKEN"; }
signature() { # KEY ID TIME FILE
  { printf '%s.%s.' "$2" "$3"; cat "$4"; } |
    openssl dgst -sha256 -mac HMAC -macopt "hexkey:$(base64 -d <<<"$1" | od -v -An -tx1 | tr -d ' \n')" -binary |
    base64
}
hook() { # NAME ID FILE [KEY] [TIME] [TYPE]
  local at=${5:-$(date +%s)}
  post "$1" /v1/accounts/@shop/posts "${6:-application/json}" "$3" "webhook-id: $2" \
    "webhook-timestamp: $at" "webhook-signature: v1,AAAA v1,$(signature "${4:-$KEY}" "$2" "$at" "$3")"
}
statuses() { jq -r .status "$WORK/answer" | sort | uniq -c | awk '{printf "%s%s=%s", (NR == 1 ? "" : " "), $2, $1}'; }

ingest_start a
ingest_wait a

# --- Webhooks: who may, what is stored, what a repeat gets
line w1 "a first post" >"$WORK/body"
hook a msg_1 "$WORK/body"
expect_eq "signed webhook" "200 stored=1" "$STATUS $(statuses)"
cp "$WORK/answer" "$WORK/first"
hook a msg_1 "$WORK/body"
cmp -s "$WORK/answer" "$WORK/first" || fail "a repeated webhook-id got another answer"
hook a msg_2 "$WORK/body" "$OLD_KEY"
expect_eq "the same post by the older key" "200 duplicate=1" "$STATUS $(statuses)"
hook a msg_3 "$WORK/body" "$(head -c 32 /dev/zero | base64)"
expect_eq "a foreign key" 401 "$STATUS"
hook a msg_3 "$WORK/body" "$KEY" $(($(date +%s) - 3600))
expect_eq "an old timestamp" 401 "$STATUS"
post a /v1/accounts/@shop/posts application/json "$WORK/body"
expect_eq "no signature" 401 "$STATUS"
post a /v1/accounts/@nobody/posts application/json "$WORK/body"
expect_eq "an unknown account" 401 "$STATUS"
hook a msg_4 "$WORK/body" "$KEY" "" text/plain
expect_eq "another content type" 415 "$STATUS"
refused() { curl -s "http://127.0.0.1:${http[a]}/metrics" | sed -n "s/^earshot_ingest_webhooks_refused_total{reason=\"$1\"} //p"; }
gzip -c "$WORK/body" >"$WORK/packed"
at=$(date +%s)
post a /v1/accounts/@shop/posts application/json "$WORK/packed" "Content-Encoding: gzip" "webhook-id: msg_4" \
  "webhook-timestamp: $at" "webhook-signature: v1,$(signature "$KEY" msg_4 "$at" "$WORK/packed")"
expect_eq "a packed body" 415 "$STATUS"
expect_eq "both are counted" 2 "$(refused content_type)"
echo '{"platform":"forum"' >"$WORK/body"
hook a msg_5 "$WORK/body"
expect_eq "half a post" 400 "$STATUS"
expect_eq "it is counted" 1 "$(refused body)"
head -c 5000000 /dev/zero >"$WORK/body"
hook a msg_6 "$WORK/body"
expect_eq "a large body" 413 "$STATUS"
{ line n1 one; echo; echo '{"platform":7}'; line n2 two; line n1 one; } >"$WORK/body"
hook a msg_7 "$WORK/body" "$KEY" "" application/x-ndjson
expect_eq "lines" "200 duplicate=1 malformed=1 stored=2" "$STATUS $(statuses)"
expect_eq "number of the malformed line" 3 "$(jq -r 'select(.status == "malformed").line' "$WORK/answer")"

# --- Replays, and the same post by another route
replay a "$WORK/body"
expect_eq "replayed" "200 duplicate=3 malformed=1" "$STATUS $(statuses)"
post a /v1/replay application/x-ndjson "$WORK/body" "Authorization: Bearer wrong"
expect_eq "a wrong token" 401 "$STATUS"
for i in $(seq 1001); do echo '{}'; done >"$WORK/body"
replay a "$WORK/body"
expect_eq "too many lines" 413 "$STATUS"

# --- What nobody has taken waits, and is taken once there is somebody
expect_eq "backlog" 3 "$(pg_query "SELECT sum(cardinality(post_ids)) FROM intake")"
sink_start done a
must_settle "the backlog is taken" 20 has_taken 3
must_settle "settled rows are deleted" 10 nothing_owed
line f1 "straight from memory" >"$WORK/body"
hook a msg_8 "$WORK/body"
must_settle "a fresh post is taken" 10 has_taken 4
grep -q '^live .* straight from memory$' "$WORK/taken" || fail "it did not come as live"

# --- Own posts, unknown accounts, edits, deletions
{ line o1 own '{"author":{"id":"firm-1"}}'; line u1 unknown '{"account":"@nobody"}'; } >"$WORK/body"
replay a "$WORK/body" "?lane=live"
expect_eq "own and unknown" "own1=t unknown=" \
  "own1=$(pg_query "SELECT own FROM post WHERE external_id = 'o1'") unknown=$(pg_query "SELECT account_id FROM post WHERE external_id = 'u1'")"
{ line n1 "one, edited" '{"kind":"edit","edited_at":"2026-03-04T06:00:00Z"}'
  line n2 "" '{"kind":"delete"}'; line never "" '{"kind":"delete"}'; } >"$WORK/body"
replay a "$WORK/body"
expect_eq "edit and deletions" "200 stored=3" "$STATUS $(statuses)"
replay a "$WORK/body"
expect_eq "the same again" "200 duplicate=3" "$STATUS $(statuses)"
line never "came late" >"$WORK/body"
replay a "$WORK/body"
expect_eq "a post that was deleted before it came" "200 tombstoned=1" "$STATUS $(statuses)"
expect_eq "texts of deleted posts" 0 \
  "$(pg_query "SELECT count(*) FROM post WHERE external_id IN ('n2', 'never') AND body IS NOT NULL")"
expect_eq "revisions" 1 "$(pg_query "SELECT count(*) FROM post_revision")"
expect_eq "reach, once an author and day" "$(pg_query "SELECT count(*) FROM identity WHERE author_id <> 'firm-1'")" \
  "$(pg_query "SELECT count(*) FROM reach")"

# --- Many at once; months that had no partition; nothing twice
for i in $(seq 1 1000); do
  printf '{"platform":"forum","external_id":"m%d","author":{"id":"a%d"},"text":"post %d","created_at":"20%02d-%02d-15T10:00:00Z"}\n' \
    "$i" $((i % 50)) "$i" $((i % 20 + 5)) $((i % 12 + 1))
done >"$WORK/many"
replay a "$WORK/many"
expect_eq "a thousand" "200 stored=1000" "$STATUS $(statuses)"
must_settle "all are taken" 30 nothing_owed
expect_eq "taken twice" "" "$(awk '{print $2}' "$WORK/taken" | sort | uniq -d)"

# --- A post that always fails becomes a dead letter and comes back by command
sink_stop
sink_start poison="bad apple" a
{ line p1 "good apple"; line p2 "bad apple"; line p3 "good pear"
  line p2 "bad apple" '{"author": {"id": "another who claims this id"}}'; } >"$WORK/body"
burials_refused() { [ "$(grep -c 'statement=verdict' "$WORK/log/a")" -ge 2 ]; }
pg_query 'REVOKE INSERT ON dead_letter FROM earshot_ingest'
replay a "$WORK/body"
must_settle "burials that do not come about, again and again" 30 burials_refused
pg_query 'GRANT INSERT ON dead_letter TO earshot_ingest'
must_settle "poison is buried" 30 nothing_owed
expect_eq "dead letters, and their authors" "2|2" "$(pg_query "SELECT count(*), count(DISTINCT customer_id) FROM dead_letter")"
expect_eq "dead letters that were told of, each once" 2 "$(grep -c 'event=ingest.dead_letter ' "$WORK/log/a")"
sink_stop
sink_start done a
pg_query "SELECT dead_letter_retry(dead_letter_id, 'test') FROM dead_letter" >/dev/null
must_settle "the dead letter is taken" 20 nothing_owed

# --- A sink that dies with a batch: offered again, to the next
sink_stop
sink_start hold a
before=$(taken)
line d1 "held" >"$WORK/body"
replay a "$WORK/body"
must_settle "held" 10 has_taken $((before + 1))
sink_stop KILL
sink_start return a
must_settle "offered again" 30 nothing_owed
sink_stop

# --- Killed at each fault point: the sender repeats, nothing is lost, nothing stored twice
n=0
for point in ingest.before_commit ingest.after_commit ingest.before_offer ingest.after_offer \
  ingest.after_settle ingest.before_delete; do
  n=$((n + 1))
  ingest_stop a
  ingest_start a "EAR_FAULT=$point"
  ingest_wait a
  sink_start done a
  line "k$n" "killed at $point" >"$WORK/body"
  replay a "$WORK/body" "?lane=live"
  must_settle "$point kills" 20 ingest_died a
  reap a
  ingest_start a
  ingest_wait a
  if [ "$STATUS" != 200 ]; then
    replay a "$WORK/body" "?lane=live"
    expect_eq "repeated after $point" 200 "$STATUS"
  fi
  must_settle "taken after $point" 30 nothing_owed
  grep -q "killed at $point\$" "$WORK/taken" || fail "lost after $point"
  expect_eq "stored after $point" 1 "$(pg_query "SELECT count(*) FROM post WHERE external_id = 'k$n'")"
  sink_stop
done

# --- Another instance takes over what a dead one owed
line x1 "left behind" >"$WORK/body"
replay a "$WORK/body"
ingest_start b
ingest_wait b
kill -9 "${pid[a]}"
reap a
sink_start done b
must_settle "adopted" 30 nothing_owed
grep -q 'left behind$' "$WORK/taken" || fail "what was left behind did not come"

# --- Two instances hear the same posts at the same time
ingest_start a
ingest_wait a
# Many take another way into the table than few do; the rows are the same.
hear_twice() { # PREFIX COUNT: so many posts, of which the first is heard by a second account, too
  jq -cn --arg id "$1" --argjson n "$2" 'range($n) | {platform: "forum", external_id: "\($id)\(.)", account: "@shop",
    text: "héard", author: {id: "heard"}, created_at: "2026-03-04T05:06:07Z", in_reply_to: "w1", url: "https://forum/1",
    thread: {root: 1}, language: "de", automated: true} | ., (select(.external_id == "\($id)0") | .account = "@other")' >"$WORK/body"
  replay a "$WORK/body"
  expect_eq "$1" "200 duplicate=1 stored=$2" "$STATUS $(statuses)"
  pg_query "SELECT platform, customer_id, account_id, created_at, received_at <= stored_at, reply_ref, conversation_ref,
      visibility, entry, own, automated, language_hint, body, url, thread, mentions FROM post WHERE external_id = '${1}0'" >"$WORK/row.$1"
}
hear_twice many 80
hear_twice few 1
grep -q '{@other}$' "$WORK/row.many" || fail "a second account was not noted: $(cat "$WORK/row.many")"
expect_eq "a row of many is as one of few" "$(cat "$WORK/row.few")" "$(cat "$WORK/row.many")"

sed 's/"m\([0-9]*\)"/"t\1"/' "$WORK/many" >"$WORK/twice"
replay_into() { # NAME FILE: its own answer file, so that two can run at once
  curl -s -o "$WORK/answer.$1" --max-time 30 -X POST "http://127.0.0.1:${http[$1]}/v1/replay" \
    -H 'Content-Type: application/x-ndjson' -H "Authorization: Bearer $TOKEN" --data-binary "@$2"
}
replay_into a "$WORK/twice" &
first=$!
replay_into b "$WORK/twice"
wait "$first"
expect_eq "stored by one or the other" 1000 \
  "$(jq -r 'select(.status == "stored").line' "$WORK/answer.a" "$WORK/answer.b" | sort -u | wc -l)"
expect_eq "answers in all" "duplicate=1000 stored=1000" \
  "$(cat "$WORK/answer.a" "$WORK/answer.b" >"$WORK/answer"; statuses)"
sink_stop
sink_start done a b
must_settle "both owe nothing" 30 nothing_owed
ingest_stop a


# --- What another has adopted meanwhile is not deleted by who lost it
lock_begin() { # SQL: holds what it locks until lock_end
  local locked
  coproc LOCK { PGOPTIONS="-c search_path=earshot" "$PG_BIN/psql" -X -qAt -v ON_ERROR_STOP=1 "$EAR_PG" 2>&1; }
  printf 'BEGIN; %s; SELECT 1 AS locked;\n' "$1" >&"${LOCK[1]}"
  read -r -t 10 locked <&"${LOCK[0]}" || fail "no lock: $1"
  expect_eq "$1" 1 "$locked"
}
lock_end() {
  local pid=$LOCK_PID
  printf 'COMMIT;\n\\q\n' >&"${LOCK[1]}"
  wait "$pid"
}
is_waiting_for() { # STATEMENT-PATTERN: somebody waits for our lock with it
  [ "$(pg_query "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~* '$1'")" -gt 0 ]
}
sink_stop
other=0000beef-0000-4000-8000-000000000000
line y1 "adopted under our hands" >"$WORK/body"
replay b "$WORK/body"
pg_query "INSERT INTO lease VALUES ('intake/$other', '$other', 1, now() + interval '1 hour')" >/dev/null
lock_begin "UPDATE intake SET owner = '$other' WHERE owner <> '$other'"
sink_start done b
must_settle "b wants to delete what it had settled" 20 is_waiting_for "DELETE FROM intake"
lock_end
wait_until 2 nothing_owed && fail "b deleted a row that was not its own any more"
pg_query "UPDATE lease SET until_at = now() WHERE owner = '$other'" >/dev/null
must_settle "b takes the row back once its owner is dead" 30 nothing_owed

# --- No lease is left of instances that are dead and owe nothing
one_lease() { [ "$(pg_query "SELECT count(*) FROM lease WHERE name LIKE 'intake/%'")" = 1 ]; }
must_settle "the leases of those before are forgotten" 20 one_lease
sink_stop
line z1 "owed" >"$WORK/body"
replay b "$WORK/body"
ingest_stop b
ingest_start a EAR_INGEST_LEASE=5m
ingest_wait a
adopted() { [ "$(pg_query "SELECT count(*) FROM intake JOIN lease USING (owner) WHERE until_at > now()")" = 1 ]; }
must_settle "a has what b owed" 20 adopted
must_settle "of a alone there is a lease" 20 one_lease
ingest_stop a

# --- Full: 429 while the database is slow, and the same request is taken afterwards
sink_start done a
ingest_start a EAR_INGEST_QUEUE_POSTS=100
ingest_wait a
must_settle "z1 is taken" 20 nothing_owed
lock_begin "LOCK TABLE post IN SHARE ROW EXCLUSIVE MODE"
full_posts() { # N
  for i in $(seq 100); do
    printf '{"platform":"forum","external_id":"f%d-%d","author":{"id":"a"},"text":"full","created_at":"2026-03-15T10:00:00Z"}\n' "$1" "$i"
  done
}
full=()
for n in $(seq 30); do
  full_posts "$n" >"$WORK/full.$n"
  curl -s -o "$WORK/full-answer.$n" -D "$WORK/full-head.$n" --max-time 60 -X POST -w '%{http_code}' \
    "http://127.0.0.1:${http[a]}/v1/replay" -H 'Content-Type: application/x-ndjson' \
    -H "Authorization: Bearer $TOKEN" --data-binary "@$WORK/full.$n" >"$WORK/full-status.$n" &
  full+=($!)
done
is_full() { grep -lqx 429 "$WORK"/full-status.*; }
must_settle "somebody is told to wait" 20 is_full
must_settle "many go by COPY" 10 is_waiting_for "COPY post"
lock_end
wait "${full[@]}"
refused=$(grep -lx 429 "$WORK"/full-status.* | wc -l)
expect_eq "taken or refused, nothing else" 30 "$(grep -lxE '200|429' "$WORK"/full-status.* | wc -l)"
n=$(basename "$(grep -lx 429 "$WORK"/full-status.* | head -1)")
n=${n##*.}
grep -qi '^retry-after: [1-9]' "$WORK/full-head.$n" || fail "429 without Retry-After"
expect_eq "stored is what was answered 200" "$((3000 - refused * 100))" \
  "$(pg_query "SELECT count(*) FROM post WHERE external_id ~ '^f[0-9]+-'")"
replay a "$WORK/full.$n"
expect_eq "the same request in a moment" "200 stored=100" "$STATUS $(statuses)"
must_settle "all of it is taken" 30 nothing_owed
sink_stop
ingest_stop a
ingest_start b
ingest_wait b
sink_start done a b

# --- PostgreSQL goes and comes back
pg_stop immediate
line r1 "while it was away" >"$WORK/body"
replay b "$WORK/body"
expect_eq "without a database" 503 "$STATUS"
pg_launch
ingest_wait b
replay b "$WORK/body"
expect_eq "with it again" "200 stored=1" "$STATUS $(statuses)"
must_settle "taken" 20 nothing_owed

# --- Another key: refuses to start
sink_stop
ingest_stop b
pg_query "UPDATE id_key SET key = decode(repeat('cd', 32), 'hex')" >/dev/null
ingest_start c
must_settle "another id key ends it" 20 ingest_died c
status=0
wait "${pid[c]}" || status=$?
expect_eq "its exit code" 1 "$status"
grep -q 'event=svc.failed.*id key' "$WORK/log/c" || fail "it did not say why"
say "ingest holds what it promises"
