#!/usr/bin/env bash
# earshotctl train with a network: what only the order of words says is learned, by a recipe and by
# --network, the file is the same each time, and classify reads it. Takes 10 s.
. "$(dirname "$0")/../lib/ctl.sh"
need_command jq
need_program earshotctl
ctl() { "$EARSHOT_BIN/earshotctl" "$@"; }

# Which of two words comes first, with a third between: both orders have the same words, pairs of
# words and letters in a row.
posts() { # SEED COUNT
  awk -v state="$1" -v count="$2" '
    function draw(n) { state = (state * 16807) % 2147483647; return state % n }
    BEGIN {
      split("their quite these again almost rather", filler, " ")
      print "order\ttext"
      while (count--) {
        first = draw(2)
        printf "%s\t%s %s %s %s %s\n", first ? "pay" : "now", filler[1 + draw(6)], first ? "pay" : "now",
          filler[1 + draw(6)], first ? "now" : "pay", filler[1 + draw(6)]
      }
    }'
}
posts 7 240 >"$WORK/posts.tsv"
posts 99 100 >"$WORK/later.tsv"
right() { # MODEL: of a hundred posts
  exits 0 evaluate "$1" "$WORK/later.tsv" --heads order --json
  jq -r '.heads[0].accuracy.value * 100 | round' "$WORK/out"
}

say "a recipe with and without"
recipe() { # NETWORK
  cat <<EOF
name order
network words=50 dims=16 filters=16 epochs=24 rate=0.01
head order kind=binary labels=now,pay $1
file posts.tsv
use order column=order
EOF
}
recipe "" >"$WORK/linear.recipe"
recipe network >"$WORK/network.recipe"
exits 0 train --recipe "$WORK/linear.recipe" "$WORK" -o "$WORK/linear.model"
exits 0 train --recipe "$WORK/network.recipe" "$WORK" -o "$WORK/network.model"
grep -q '^order .*network [0-9.]*: +0' "$WORK/err" || fail "nothing is said of the gain: $(cat "$WORK/err")"
[ "$(right "$WORK/linear.model")" -le 70 ] || fail "order is no matter of words: the posts are wrong"
[ "$(right "$WORK/network.model")" -ge 95 ] || fail "the order of words was not learned: $(cat "$WORK/out")"

say "the same bytes; classify reads them"
exits 0 train --recipe "$WORK/network.recipe" "$WORK" -o "$WORK/again.model"
cmp "$WORK/network.model" "$WORK/again.model"
printf 'their pay these now quite\ntheir now these pay quite\n' >"$WORK/in"
exits 0 classify --model "$WORK/network.model" --text <"$WORK/in"
expect_eq "labels" "pay now" "$(jq -r .order.label "$WORK/out" | xargs)"

say "cross-validation learns networks too; a folder takes --network, a head its file's name"
exits 0 train --recipe "$WORK/network.recipe" "$WORK" --cross-validate 2
awk '/^order/ { exit !($5 >= 0.9) }' "$WORK/out" || fail "cross-validated: $(cat "$WORK/out")"
exits 0 train "$WORK/later.tsv" --heads order --network -o "$WORK/folder.model"
grep -q '^order .*network' "$WORK/err" || fail "no network was tried"

say "texts without labels bring the words that a network knows"
known() { sed -n 's/^network of \([0-9]*\) words/\1/p' "$WORK/err"; }
posts 7 1500 >"$WORK/many.tsv"
exits 0 train "$WORK/many.tsv" --heads order --network -o "$WORK/plain.model"
before=$(known)
[ -n "$before" ] || fail "no network was taken: $(cat "$WORK/err")"
printf '%s\n' text 'their parcel' 'these parcel' 'quite parcel' >"$WORK/words.tsv"
exits 0 train "$WORK/many.tsv" --heads order --texts "$WORK/words.tsv" -o "$WORK/texts.model"
expect_eq "words known with texts" $((before + 1)) "$(known)"
exits 0 train "$WORK/later.tsv" --heads order --texts "$WORK/words.tsv" --no-network -o "$WORK/none.model"
if grep -q network "$WORK/err"; then fail "--no-network has a network: $(cat "$WORK/err")"; fi
exits 3 train "$WORK/later.tsv" --heads order --texts "$WORK/words.tsv,$WORK/gone.tsv" -o "$WORK/none.model"
grep -q 'gone.tsv: no such file' "$WORK/err" || fail "what is missing is not said: $(cat "$WORK/err")"

say "a head is called after its file; a wrong line of a recipe is refused"
sed '1s/order/label/' "$WORK/later.tsv" >"$WORK/first.part.tsv"
exits 0 train "$WORK/first.part.tsv" -o "$WORK/named.model"
grep -q '^first .*cost' "$WORK/err" || fail "the head is not called after the file: $(cat "$WORK/err")"
exits 3 train --recipe <(echo network filters=20) "$WORK" -o "$WORK/none.model"

say "a handful of posts gives a model that can be read; no label is no label; a file is for what its name says"
printf 'mood\ttext\ngood\tfine work\ngood\tgreat work\nbad\tawful work\nbad\tpoor work\n-\twhat\n?\twhy\n\twhen\n' >"$WORK/few.tsv"
exits 0 train "$WORK/few.tsv" --heads mood -o "$WORK/few.model"
exits 0 classify --model "$WORK/few.model" --all <<<'{"text":"awful"}'
expect_eq "labels" "bad good" "$(jq -r '.mood.probabilities | keys | join(" ")' "$WORK/out")"
mkdir "$WORK/set"
cp "$WORK/posts.tsv" "$WORK/set/latest.tsv"
head -n 5 "$WORK/later.tsv" >"$WORK/set/validation.tsv"
exits 0 train "$WORK/set" --heads order -o "$WORK/set.model"
exits 0 classify --model "$WORK/set.model" --text <<<'pay now'
exits 0 evaluate "$WORK/set.model" "$WORK/set" --json
expect_eq "rows that it is judged by" 4 "$(jq .rows "$WORK/out")"

say "two models without a head in common; labels that nobody has"
printf 'order\ttext\nnever\tquite these\n' >"$WORK/foreign.tsv"
exits 3 evaluate "$WORK/network.model" "$WORK/foreign.tsv"
exits 3 evaluate "$WORK/named.model" "$WORK/first.part.tsv" --against "$WORK/network.model"
grep -q 'nothing to compare' "$WORK/err" || fail "nobody says that nothing was compared: $(cat "$WORK/err")"

say "what could not be written, or not be read again, is said before anything is learned"
early() { # ARGUMENT…
  exits 3 train "$@"
  if grep -q posts, "$WORK/err"; then fail "$*: it learned first: $(cat "$WORK/err")"; fi
}
mkfifo "$WORK/pipe"
early "$WORK/posts.tsv" --heads order -o "$WORK/pipe"
[ -p "$WORK/pipe" ] || fail "a pipe was replaced by a model"
early "$WORK/posts.tsv" --heads order -o "$WORK"
early "$WORK/posts.tsv" --heads order -o "$WORK/none/x.model"
early "$WORK/posts.tsv" --heads order -o "$WORK/"$'\xff.model'
sed '1s/order/lang/' "$WORK/posts.tsv" >"$WORK/taken.tsv"
early "$WORK/taken.tsv" --heads lang -o "$WORK/none.model"
sed '1!s/^pay/p\xffy/' "$WORK/posts.tsv" >"$WORK/bytes.tsv"
early "$WORK/bytes.tsv" --heads order -o "$WORK/none.model"
sed "1!s/^pay/$(printf '%0300d' 0)/" "$WORK/posts.tsv" >"$WORK/long.tsv"
early "$WORK/long.tsv" --heads order -o "$WORK/none.model"
sed '1s/text/key/; 1s/order/label/' "$WORK/later.tsv" >"$WORK/keys.tsv"
early "$WORK/keys.tsv" -o "$WORK/none.model"
early "$WORK/posts.tsv" --heads order --outside nowhere -o "$WORK/none.model"
exits 2 train --recipe "$WORK/linear.recipe" "$WORK" --heads pay -o "$WORK/none.model"

say "who stops it finds no half file, and the one that was there"
cp "$WORK/few.model" "$WORK/kept.model"
"$EARSHOT_BIN/earshotctl" train "$WORK/many.tsv" --heads order --network -o "$WORK/kept.model" 2>"$WORK/err" &
trainer=$!
learns() { grep -q '^order ' "$WORK/err"; }
must_settle "it learns" 20 learns
kill "$trainer"
if wait "$trainer"; then fail "a training that was stopped ends with 0"; fi
cmp "$WORK/few.model" "$WORK/kept.model"
expect_eq "files beside it" "$WORK/kept.model" "$(echo "$WORK"/kept.model*)"
