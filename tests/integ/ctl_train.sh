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
