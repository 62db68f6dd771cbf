#!/usr/bin/env bash
# What earshotctl reads: case list (order, filters, short ids), case show (whole history), agent
# list, trace and dead letters, as the operator's role, out of rows as the services write them.
. "$(dirname "$0")/../lib/ctl.sh"
need_command jq
need_program earshotctl
ctl_database

exits 0 case list
says 'no cases'
exits 0 agent list
says 'no agents'
exits 5 case list --team other
says "no team 'other' in care.yaml; there is none"

cat >"$WORK/care.yaml" <<'YAML'
firm: Northern Line Parcels
teams: [{ id: care, name: Customer care, default: true }]
accounts: [{ id: "@northernline", platform: feed, team: care }]
agents:
  - { id: ana, name: Ana Prieto, team: care, capacity: 8, languages: [en, es], shifts: [{ days: daily, from: "00:00", to: "24:00", zone: UTC }] }
  - { id: bo, name: Bo Lind, team: care, capacity: 3 }
YAML
exits 0 apply "$WORK/care.yaml"

# Cases a (late, ana's), b (due later, in the queue), c (no clock), d (closed). Case a has a post that
# was edited and one that its author deleted, a note, a reply that took two attempts.
A=019fa000-0000-7000-8000-0000000aaaaa B=019fa000-0000-7000-8000-00000000bbbb
C=019fa000-0000-7000-8000-00000000cccc D=019fa000-0000-7000-8000-10000000cccc
P1=00000000-0000-8000-8000-000000000001 P2=00000000-0000-8000-8000-000000000002
M=cafe0000-0000-8000-8000-000000000001 R=019fa000-0000-7000-8000-00000000eeee
pg_query "
SELECT ensure_month('2026-07-26Z');
INSERT INTO identity VALUES ('$M', 'feed', 'u1', '@maria', 'Maria K', '2026-07-26 10:00Z', '2026-07-26 10:00Z');
INSERT INTO post (post_id, customer_id, platform, external_id, account_id, created_at, received_at, stored_at, self_ref,
                  visibility, entry, own, automated, language_hint, body, url) VALUES
  ('$P1', '$M', 'feed', 'x1', '@northernline', '2026-07-26 10:00Z', '2026-07-26 10:00:01.5Z', '2026-07-26 10:00:01.512Z', '$P1', 0, 1, false, false, '',
   E'My parcel\n\033[31m has not come\u202e', 'https://feed.example/x1'),
  ('$P2', '$M', 'feed', 'x2', '@northernline', '2026-07-26 10:05Z', '2026-07-26 10:05:01Z', '2026-07-26 10:05:01Z', '$P2', 1, 1, false, false, '', 'Well?', NULL);
INSERT INTO post_revision VALUES ('$P2', '$M', '2026-07-26 10:06Z', '2026-07-26 10:06:01Z', 'Hello? Anybody?');
INSERT INTO tombstone VALUES ('$P1', 'feed', '2026-07-26 11:00Z', '2026-07-26 11:00:01Z');
INSERT INTO triage SELECT p, '$M', '$A', d, 'en', 1, 1, 1, 1, 1, 1, 0.9, 0, 'rules-1', '{}', t, t, t + interval '20 ms', t + interval '50 ms'
  FROM (VALUES ('$P1'::uuid, 1, timestamptz '2026-07-26 10:00:01.512Z'), ('$P2'::uuid, 2, timestamptz '2026-07-26 10:05:01Z')) v(p, d, t);
INSERT INTO \"case\" (case_id, customer_id, account_id, platform, team_id, agent_id, state, close_code, direct, language, intent, topic,
    urgency, severity, seq, posts, last_post_id, last_post_at, opened_at, heard_at, changed_at, clock_no, respond_by)
SELECT id::uuid, who::uuid, '@northernline', 'feed', 'care', agent, state, code, false, 'en', 1, 1, 1, 2, 3, 2, '$P1', '2026-07-26 10:05Z',
       '2026-07-26 10:00Z', '2026-07-26 10:00Z', '2026-07-26 10:00Z', 1, due
  FROM (VALUES ('$A', '$M', 'ana', 1, NULL, now() - interval '3 min 30 s'), ('$B', '$P2', NULL, 1, NULL, now() + interval '12 min 30 s'),
               ('$C', '$P1', 'bo', 2, NULL, NULL), ('$D', '$R', 'bo', 3, 'answered', NULL)) v(id, who, agent, state, code, due);
INSERT INTO reply VALUES ('$R', '$M', '$A', '@northernline', 'feed', '$P1', 'ana', false, false, 'We are on it.', '^Ana',
    '2026-07-26 10:10Z', 1, 'out1', '$R', '2026-07-26 10:11Z', NULL, 2);
INSERT INTO attempt VALUES ('$R', 1, '$M', 1, 'k', 5, '2026-07-26 10:10:10Z', '2026-07-26 10:10:11Z', 503, NULL, 'busy'),
    ('$R', 2, '$M', 1, 'k', 2, '2026-07-26 10:10:58Z', '2026-07-26 10:10:59.25Z', 200, 'out1', NULL);
INSERT INTO note VALUES ('$C', '$M', '$A', 'bo', '2026-07-26 10:07Z', 'Parcel is in Leeds.');
INSERT INTO event VALUES ('$A', 1, '$M', '2026-07-26 10:00:01.562Z', 1 + 2 + 8, '', '$P1', NULL, NULL, NULL),
    ('$A', 2, '$M', '2026-07-26 10:05:01.05Z', 1 + 4, '', '$P2', NULL, NULL, NULL),
    ('$A', 3, '$M', '2026-07-26 10:11:00.3Z', 512 + 32768, 'responder', NULL, '$R', 'sent', '{\"attempts\": 2}');
INSERT INTO agent_presence VALUES ('bo', true, now(), 'operator');
INSERT INTO agent_load VALUES ('ana', 1, now()), ('bo', 2, now());
INSERT INTO dead_letter VALUES ('$P1', '$P1', '$M', 1, 'triage', 'no end', 3, '2026-07-26 12:00Z', NULL, NULL), ('$P2', '$P2', '$M', 1, 'triage', 'gone', 3, now(), now(), 'ana');
INSERT INTO intake VALUES ('$P1', 1, now(), '$P1', 1, 2, '', '{$P2}')"

# --- case list: by deadline, then age
exits 0 case list --json
expect_eq 'order of the queue' "$A $B $C" "$(json '[.[].case_id] | join(" ")')"
expect_eq 'owners' 'ana,team care,bo' "$(json '[.[].owner] | join(",")')"
exits 0 case list
expect_eq 'heading' 'ID ACCOUNT STATE URGENCY INTENT LANG OWNER RESPOND BY POSTS OPENED' "$(head -1 "$WORK/out" | tr -s ' ')"
grep -qE '^000aaaaa  @northernline +open +soon +complaint +en +ana +late 3m +2 +2026-07-26 10:00$' "$WORK/out" || { cat "$WORK/out"; fail 'the row of a'; }
says 'in 12m'
# on_terminal WIDTH ARGUMENT…: what a terminal of that width shows in $WORK/out, messages besides.
on_terminal() {
  script -qec "stty cols $1; $(printf '%q ' "$EARSHOT_BIN/earshotctl" "${@:2}") 2>$WORK/err" "$WORK/typed" </dev/null >"$WORK/screen" || fail "on a terminal: $*"
  tr -d '\r' <"$WORK/screen" >"$WORK/out"
}
fits() { # WIDTH ARGUMENT…, and what is left out
  on_terminal "$@"
  [ "$(LC_ALL=C.UTF-8 wc -L <"$WORK/out")" -le "$1" ] || { cat "$WORK/out" >&2; fail "wider than a terminal: $*"; }
}
fits 120 case list
[ ! -s "$WORK/err" ] || fail "120 columns do not do: $(cat "$WORK/err")"
fits 80 case list
expect_eq 'in 80 columns' 'ID ACCOUNT STATE URGENCY INTENT OWNER RESPOND BY' "$(head -1 "$WORK/out" | tr -s ' ')"
grep -q 'no room for LANG, POSTS, OPENED;' "$WORK/err" || fail 'what is left out is not named'
fits 31 case list
grep -q '^000aaaaa  ana ' "$WORK/out" || { cat "$WORK/out"; fail 'who has which case in 31 columns'; }
COLUMNS=200 on_terminal 40 case list
expect_eq 'COLUMNS wins' 'ID ACCOUNT STATE URGENCY INTENT LANG OWNER RESPOND BY POSTS OPENED' "$(head -1 "$WORK/out" | tr -s ' ')"
for filter in "--all:4" "--state closed:1" "--state waiting:1" "--agent bo:1" "--team care:3" "--account @northernline:3" "--limit 2:2"; do
  # shellcheck disable=SC2086 # options are words
  exits 0 case list --json ${filter%:*}
  expect_eq "case list ${filter%:*}" "${filter##*:}" "$(json length)"
done
# A name that nobody has is a mistake; one that has nothing now is none.
exits 0 case list --agent ana --state closed
says 'no cases'
exits 5 case list --team other
says "no team 'other' in care.yaml; there is care"
[ ! -s "$WORK/out" ] || fail "with a mistake it shows: $(cat "$WORK/out")"
exits 5 case list --json --agent anna --account @nothernline
says "no agent 'anna' in care.yaml; there are ana, bo"
says "no account '@nothernline' in care.yaml; there is @northernline"
exits 5 agent list --team carre
says "no team 'carre' in care.yaml; there is care"
# What left care.yaml is listed while there are cases of it, and said not to be there otherwise; nobody
# looks through closed cases for it.
pg_query "UPDATE \"case\" SET team_id = 'gone' WHERE case_id = '$D'"
exits 0 case list --team gone --all --json
expect_eq 'cases of a team that left' 1 "$(json length)"
exits 5 case list --team gone
says "no team 'gone' in care.yaml; there is care"
pg_query "UPDATE \"case\" SET team_id = 'care' WHERE case_id = '$D'"
exits 2 case list --state lost
exits 2 case list --limit 0

# --- case show, by id and by its last digits
exits 0 case show "$A" --json
expect_eq 'head' 'open ana Maria K (@maria)' "$(json '"\(.state) \(.agent) \(.customer)"')"
expect_eq 'history in order' 'post,event,post,event,note,reply,event' "$(json '[.history[].entry] | join(",")')"
expect_eq 'what became of posts' 'deleted by its author / direct, edited' "$(json '[.history[] | select(.entry == "post").what] | join(" / ")')"
expect_eq 'the last revision is shown' 'Hello? Anybody?' "$(json '.history[2].text')"
expect_eq 'events by name' 'classified, cased, assigned' "$(json '.history[1].what')"
expect_eq 'detail' 2 "$(json '.history[6].detail.attempts')"
exits 0 case show 0AAAaa
says "$A"
says 'known as'
says 'sent, visible 2026-07-26 10:11, 2 attempts'
says '    We are on it.'
says 'reply_sent, clock_stopped (sent)'
says '    My parcel'
says '    .[31m has not come...'
! grep -qP '\x1b|\x{202e}' "$WORK/out" || fail 'a post commands the terminal'
exits 1 case show 00cccc
says 'give more digits'
exits 5 case show 123456
exits 5 case show 019fa000-0000-7000-8000-00000000ffff
exits 2 case show nothing
exits 2 case show

# --- agents
exits 0 agent list --json
expect_eq 'agents' 'ana true shift 1,bo true command 2' "$(json '[.[] | "\(.agent) \(.present) \(.by) \(.open_cases)"] | join(",")')"

# --- trace: of a post, of a case
exits 0 trace "$P1" --json
expect_eq 'steps of a post' 'written,received,stored,triaged,decided,classified, cased, assigned,attempt 1 began,attempt 1 to be retried,attempt 2 began,attempt 2 sent,visible,reply_sent, clock_stopped,dead letter' \
  "$(json '[.steps[].step] | join(",")')"
expect_eq 'hops in milliseconds' '1500,12,20,30,0' "$(json '[.steps[1:6][].hop_ms] | join(",")')"
exits 0 trace "$P1"
says '2026-07-26 10:00:01.512'
says '12ms'
exits 0 trace "$A" --json
expect_eq 'a case has all its posts' 2 "$(json '[.steps[] | select(.step == "stored")] | length')"
exits 0 trace 0aaaaa
says 'opened case 000aaaaa '
cp "$WORK/out" "$WORK/whole"
expect_eq 'a pipe gets whole texts' 2 "$(grep -c 'answer needed, complaint, en, rules-1  ' "$WORK/out")"
fits 80 trace 0aaaaa
grep -q 'opened case 000aaaaa ' "$WORK/out" || { cat "$WORK/out"; fail 'the id of the case is cut'; }
! grep -q '…' "$WORK/out" || { cat "$WORK/out"; fail 'something is cut'; }
expect_eq 'nothing is lost in 80 columns but who did it' "$(sed 1d "$WORK/whole" | sed -E 's/^[0-9-]{10} [0-9:.]{12} +[^ ]+ +[a-z]+//' | tr -s ' \n' '\n' | sort)" \
  "$(sed 1d "$WORK/out" | sed -E '/^2026-07-26$/d; s/^[0-9:.]{12} +[^ ]+//' | tr -s ' \n' '\n' | sort)"
fits 80 agent list
exits 5 trace 019fa000-0000-7000-8000-00000000ffff

# --- dead letters
exits 0 dead-letter list --json
expect_eq 'waiting ones' 1 "$(json length)"
exits 0 dead-letter list --all --json
expect_eq 'all' 2 "$(json length)"
fits 80 dead-letter list
grep -q "^$P1  2026-07-26 12:00 " "$WORK/out" || { cat "$WORK/out"; fail 'the id that retry takes is cut'; }
exits 0 dead-letter retry all --as bo
says '1 dead letter back'
expect_eq 'on its lane again' "1|{$P1}" "$(pg_query "SELECT lane, post_ids FROM intake WHERE intake_id <> '$P1'")"
exits 5 dead-letter retry "$P1"
[ ! -s "$WORK/out" ] || fail 'nothing is back, but it is said'
exits 2 dead-letter retry x
[ ! -s "$WORK/out" ] || fail 'something is said to be back on its lane'

# --- an address that is none is a mistake of the caller, and nothing to try again
EAR_CTL_COMMANDS=nonsense exits 2 agent present ana
says 'EAR_CTL_COMMANDS: "nonsense" is not host:port'
! grep -q 'try again' "$WORK/err" || fail 'nothing was asked that could be tried again'

# --- a wrong name is known for one without a look at what is closed
pg_query "INSERT INTO \"case\" (case_id, customer_id, account_id, platform, team_id, state, close_code, direct, language, intent, topic,
    urgency, severity, seq, posts, last_post_id, last_post_at, opened_at, heard_at, changed_at, clock_no)
SELECT gen_random_uuid(), gen_random_uuid(), '@northernline', 'feed', 'care', 3, 'answered', false, 'en', 1, 1, 1, 1, 1, 1,
       gen_random_uuid(), now(), now(), now(), now(), 1 FROM generate_series(1, 20000)"
pg_query 'VACUUM ANALYZE "case"'
no_operator() { [ "$(pg_query "SELECT count(*) FROM pg_stat_activity WHERE usename = 'earshot_operator'")" = 0 ]; }
rows_read() { # by the operator, who has left
  must_settle 'nobody is connected' 10 no_operator
  pg_query "SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_user_tables WHERE relname = 'case'"
}
before=$(rows_read)
exits 5 case list --team carre --account @nothernline
read_now=$(($(rows_read) - before))
[ "$read_now" -lt 1000 ] || fail "$read_now cases are read to find that there is no such team"
