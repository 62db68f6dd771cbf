#!/usr/bin/env bash
# earshotctl relabel and export-labels with a real PostgreSQL: who corrected what and when is kept,
# the triage stays as it was, the export has masked text and the last word of each correction, and
# evaluate reads it and says which of two models the people agree with. Takes 10 s.
. "$(dirname "$0")/../lib/ctl.sh"
need_command jq
need_program earshotctl integ.word_model
ctl_database

# Posts 1 to 60: awful, great and when? in turn; 61 is deleted by its author, 62 erased, 63 edited.
post() { printf '00000000-0000-8000-8000-%012d' "$1"; }
C=cafe0000-0000-8000-8000-000000000001
pg_query "
INSERT INTO post (post_id, customer_id, platform, external_id, account_id, created_at, received_at, stored_at, self_ref,
                  visibility, entry, own, automated, language_hint, body)
SELECT ('00000000-0000-8000-8000-' || lpad(n::text, 12, '0'))::uuid, '$C', 'feed', 'x' || n, '@northernline', now(), now(), now(),
       ('00000000-0000-8000-8000-' || lpad(n::text, 12, '0'))::uuid, CASE WHEN n = 1 THEN 1 ELSE 0 END, 1, false, false, '',
       (ARRAY['when? ', 'awful ', 'great '])[n % 3 + 1] || 'word' || n || E' @northernline\n@maria_k order 123456789'
  FROM generate_series(1, 63) n;
UPDATE post SET body = NULL WHERE external_id = 'x62';
INSERT INTO tombstone VALUES ('$(post 61)', 'feed', now(), now());
INSERT INTO post_revision VALUES ('$(post 63)', '$C', now(), now(), 'awful after all');
INSERT INTO triage SELECT post_id, customer_id, NULL, 4, 'en', 1, 1, 1, 1, 1, 1, 0.9, 0, 'rules-1', '{}', now(), now(), now(), now() FROM post" >/dev/null
before=$(pg_query "SELECT md5(string_agg(t::text, '' ORDER BY post_id)) FROM triage t")

say "words that are off, and posts that are not there"
exits 5 export-labels "$WORK/none"
exits 2 relabel "$(post 1)" --head intent
exits 2 relabel "$(post 1)" --head intent --label complant
exits 2 relabel nobody --head intent --label praise
exits 2 relabel "$(post 1)" --head intent --label praise --as $'an\ta'
exits 5 relabel "$(post 99)" --head intent --label praise
expect_eq "labels after that" 0 "$(pg_query 'SELECT count(*) FROM label')"

say "a correction says who, when, and what had been said"
exits 0 relabel "$(post 1)" --head intent --label praise --as ana --json
expect_eq "the answer" "intent praise complaint rules-1 ana" "$(jq -r '"\(.head) \(.label) \(.said) \(.model) \(.agent)"' "$WORK/out")"
exits 0 relabel "$(post 1)" --head intent --label complaint --as bo
exits 0 relabel "$(post 2)" --head topic --label parking --as bo
exits 0 relabel "$(post 2)" --head topic --label - --as bo
[ ! -s "$WORK/err" ] || fail "of a head of Earshot's it says: $(cat "$WORK/err")"
exits 0 relabel "$(post 2)" --head intnt --label praise
says "intnt is none of Earshot's heads"
exits 0 relabel "$(post 2)" --head intnt --label -
for n in $(seq 3 60) 61 62 63; do
  label=$(cut -d ' ' -f $((n % 3 + 1)) <<<"question complaint praise")
  [ "$n" != 63 ] || label=complaint
  echo "relabel $(post "$n") --head intent --label $label --as ana"
done >"$WORK/commands"
while read -r -a words; do ctl "${words[@]}" >/dev/null; done <"$WORK/commands"
expect_eq "the triage" "$before" "$(pg_query "SELECT md5(string_agg(t::text, '' ORDER BY post_id)) FROM triage t")"
as_operator() { "$PG_BIN/psql" -X -qAt "${EAR_PG/user=owner/user=earshot_operator}" -c "$1" 2>&1 || true; }
[[ $(as_operator "UPDATE earshot.label SET label = 'x'") == *denied* ]] || fail "the operator may rewrite labels"
[[ $(as_operator "DELETE FROM earshot.label") == *denied* ]] || fail "the operator may delete labels"

say "the export: the last word of each, masked, near-copies and posts always in the same file"
exits 0 export-labels "$WORK/set" --json
expect_eq "rows" 60 "$(jq '.train + .val' "$WORK/out")"
[ "$(jq .val "$WORK/out")" -gt 3 ] || fail "hardly anything to judge by: $(cat "$WORK/out")"
expect_eq "mode" 600 "$(stat -c %a "$WORK/set/val.tsv")"
expect_eq "header" "intent post_id account direct reply who text" "$(head -1 "$WORK/set/train.tsv" | tr '\t' ' ')"
row() { cat "$WORK/set"/*.tsv | grep -F "$(post "$1")" || true; }
expect_eq "post 1" "complaint $(post 1) @northernline 1 0 bo awful word1 @northernline @user order 000000000" "$(row 1 | tr '\t' ' ')"
expect_eq "the edited post" "awful after all" "$(row 63 | cut -f 7)"
for n in 2 61 62; do expect_eq "post $n, withdrawn, deleted or erased" "" "$(row "$n")"; done
if grep -qE 'maria|12345' "$WORK/set"/*.tsv; then fail "handles or numbers left the database"; fi
exits 0 export-labels "$WORK/again"
diff -r "$WORK/set" "$WORK/again" || fail "two exports differ"
exits 5 export-labels "$WORK/late" --since 2999-01-01
exits 2 export-labels "$WORK/late" --since yesterday

say "two models on the corrections"
"$EARSHOT_BIN/integ.word_model" "$WORK/good.model"
"$EARSHOT_BIN/integ.word_model" "$WORK/bad.model" swap
exits 0 evaluate "$WORK/good.model" "$WORK/set/train.tsv" "$WORK/set/val.tsv" --heads intent --against "$WORK/bad.model" --json
expect_eq "verdict" "better" "$(jq -r '.against.heads[0].accuracy.verdict' "$WORK/out")"
expect_eq "rows" 60 "$(jq -r '.heads[0].rows' "$WORK/out")"
exits 0 evaluate "$WORK/bad.model" "$WORK/set/train.tsv" "$WORK/set/val.tsv" --against "$WORK/good.model"
grep -q 'worse beyond chance' "$WORK/out" || fail "the worse model is not called worse"
exits 0 evaluate "$WORK/good.model" "$WORK/set" --against "$WORK/good.model"
grep -q 'may be chance' "$WORK/out" || fail "a model is better than itself"

say "what was exported trains a model, though a dozen posts are all that it is calibrated with"
[ "$(tail -n +2 "$WORK/set/val.tsv" | wc -l)" -lt 20 ] || fail "val.tsv is no handful"
exits 0 train "$WORK/set" -o "$WORK/new.model"
exits 0 evaluate "$WORK/new.model" "$WORK/set/train.tsv" "$WORK/set/val.tsv" --heads intent --against "$WORK/bad.model" --json
expect_eq "verdict" "better" "$(jq -r '.against.heads[0].accuracy.verdict' "$WORK/out")"
