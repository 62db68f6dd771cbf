#!/usr/bin/env bash
# Posts to judge by that stand among those to train with: earshotctl evaluate --contamination finds
# copies up to handles, links, numbers, case and signs, in a fixture; and in the labelled posts that
# figures are made from it finds those of the published splits that are listed here, no others. 20 s.
. "$(dirname "$0")/../lib/common.sh"
need_command jq
need_program earshotctl
check() { # CODE PATH… ; the pairs go to $WORK/pairs, as "TRAIN HELD COPIES"
  local code=$1 status=0
  shift
  "$EARSHOT_BIN/earshotctl" evaluate --contamination --json "$@" >"$WORK/out" 2>"$WORK/err" || status=$?
  [ "$status" = "$code" ] || { cat "$WORK/out" "$WORK/err" >&2; fail "$*: exit code $status instead of $code"; }
  jq -r '.[] | select(.copies > 0) | "\(.train) \(.held) \(.copies)"' "$WORK/out" >"$WORK/pairs"
}

say "a fixture that is clean, then one with copies"
mkdir "$WORK/set"
printf 'label\ttext\na\tWhere is my parcel number 12345 @firm?\nb\tthanks a lot\n' >"$WORK/set/train.tsv"
printf 'label\ttext\na\tWhere is my other parcel now?\nb\tThanks a lot!\n' >"$WORK/set/val.tsv"
check 0 "$WORK/set"
expect_eq "posts of few words that are shared" 1 "$(jq '[.[].short] | add' "$WORK/out")"
printf 'a\t@other WHERE is my parcel, number 99? https://x.example/a\n' >>"$WORK/set/val.tsv"
check 1 "$WORK/set"
expect_eq "the copy" "$WORK/set/train.tsv $WORK/set/val.tsv 1" "$(cat "$WORK/pairs")"
expect_eq "its line, and that of its twin" "4 2" "$(jq -r '.[0] | "\(.line) \(.twin)"' "$WORK/out")"
mv "$WORK/set/val.tsv" "$WORK/set/latest.tsv"
check 0 "$WORK/set"
printf 'label\tkey\na\t0123456789abcdef\n' >"$WORK/keys.tsv"
check 3 "$WORK/keys.tsv"
check 3 "$WORK/none"

DATA=$EARSHOT_SHARED/datasets
[ -d "$DATA" ] || skip "no labelled posts: $DATA is not there"
say "every file to train with against every file to judge by"
# What the published splits share.
cat >"$WORK/known" <<'TABLE'
airline/train.tsv airline/val.tsv 4
tweeteval/offensive.train.tsv tweeteval/offensive.val.tsv 13
tweeteval/sentiment.train.tsv tweeteval/sentiment.val.tsv 1
umsab/hindi.train.tsv tweeteval/sentiment.val.tsv 2
airline/train.tsv clinc150/val.tsv 1
banking77/train.tsv clinc150/val.tsv 2
clinc150/train.tsv clinc150/val.tsv 12
goemotions/train.tsv clinc150/val.tsv 1
goemotions/train.tsv goemotions/val.tsv 10
sms_spam/train.tsv sms_spam/val.tsv 10
umsab/french.train.tsv umsab/french.val.tsv 3
tweeteval/sentiment.train.tsv umsab/hindi.val.tsv 13
umsab/italian.train.tsv umsab/italian.val.tsv 1
umsab/portuguese.train.tsv umsab/portuguese.val.tsv 2
TABLE
mapfile -t folders < <(find "$DATA" -mindepth 1 -maxdepth 1 -type d ! -name lexicons | sort)
check 1 "${folders[@]}"
sed "s|$DATA/||g" "$WORK/pairs" | sort >"$WORK/now"
diff <(sort "$WORK/known") "$WORK/now" >&2 || fail "the files share other posts than is known (< known, > now)"

say "our own posts against those that the shipped heads are calibrated with"
mkdir "$WORK/own"
{ cat "$EARSHOT_SOURCE"/deploy/model/posts-en.tsv && tail -n +2 "$EARSHOT_SOURCE"/deploy/model/posts-en-trades.tsv; } >"$WORK/own/train.tsv"
cp "$DATA/gold/train.tsv" "$WORK/own/val.tsv"
check 0 "$WORK/own"

say "what teaches sentiment in other languages against the tweets that it is judged by"
mkdir "$WORK/moods"
{ head -n 1 "$EARSHOT_SOURCE/deploy/model/moods-de.tsv" && tail -q -n +2 "$EARSHOT_SOURCE"/deploy/model/moods-*.tsv; } >"$WORK/moods/train.tsv"
{ printf 'label\ttext\n' && tail -q -n +2 "$DATA"/umsab/*.tsv; } >"$WORK/moods/val.tsv"
check 0 "$WORK/moods"
