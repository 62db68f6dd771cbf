#!/usr/bin/env bash
# earshotctl classify: a line out for each line in, in order, bad ones named in place; answers come
# when the input pauses; whatever is fed, every line is JSON. Takes 5 s.
. "$(dirname "$0")/../lib/ctl.sh"
need_command jq
need_program earshotctl integ.word_model
MODEL=$WORK/words.model
"$EARSHOT_BIN/integ.word_model" "$MODEL"
classify() { "$EARSHOT_BIN/earshotctl" classify --model "$MODEL" "$@"; }
ctl() { "$EARSHOT_BIN/earshotctl" classify "$@"; }

say "texts, and posts as JSON"
printf 'this is awful\ngreat work\r\n\nwhen?' >"$WORK/in"
exits 0 --model "$MODEL" --text <"$WORK/in"
expect_eq "labels of bare texts" "complaint praise question question" "$(jq -r .intent.label "$WORK/out" | xargs)"
printf '%s\n' '{"text":"awful, now"}' '{"text":"great","lang":"de","more":{"x":[1]}}' >"$WORK/in"
EAR_MODEL=$MODEL exits 0 <"$WORK/in"
expect_eq "labels of posts" "complaint:1 praise:0" "$(jq -r '"\(.intent.label):\(.urgency.label)"' "$WORK/out" | xargs)"
expect_eq "types" "string number string number boolean" \
  "$(head -1 "$WORK/out" | jq -r '[.lang, .lang_p, .intent.label, .intent.p, .intent.unsure] | map(type) | join(" ")')"

say "bad lines: named in place, and nothing stops"
printf '%s\n' '{"text":"awful"}' 'no json' '' '{"text":7}' '{"text":"great"}' >"$WORK/in"
exits 3 --model "$MODEL" <"$WORK/in"
expect_eq "what came" "complaint 2 3 4 praise" "$(jq -r '.intent.label // .line' "$WORK/out" | xargs)"
grep -q '3 of 5 lines' "$WORK/err" || fail "the bad lines are not counted: $(cat "$WORK/err")"
{ printf '{"text":"great"}\n{"text":"'; head -c 3000000 /dev/zero | tr '\0' a; printf '"}\n{"text":"awful"}\n'; } >"$WORK/in"
exits 3 --model "$MODEL" <"$WORK/in"
expect_eq "around a line that is too long" "praise 2 complaint" "$(jq -r '.intent.label // .line' "$WORK/out" | xargs)"

say "options"
printf 'awful\n' >"$WORK/in"
exits 0 --model "$MODEL" --text --heads tone --all --why <"$WORK/in"
expect_eq "an auxiliary head by name" "bad lang lang_p tone awful 2" \
  "$(jq -r '"\(.tone.label) \(keys | join(" ")) \(.tone.why[0].text) \(.tone.probabilities | length)"' "$WORK/out")"
exits 0 --model "$MODEL" --text --heads tone,intent,tone <"$WORK/in"
expect_eq "a head that is named twice stands there once" 1 "$(grep -o '"tone":' "$WORK/out" | wc -l)"
exits 0 --model "$MODEL" --text --heads intent --coverage 100 <"$WORK/in"
exits 2 --model "$MODEL" --text --heads mood <"$WORK/in"
exits 2 --model "$MODEL" --text --coverage 0 <"$WORK/in"
exits 3 --model "$WORK/none" --text <"$WORK/in"
head -c 1000 "$MODEL" >"$WORK/cut.model"
exits 3 --model "$WORK/cut.model" --text <"$WORK/in"

say "an answer comes as soon as the input pauses"
mkfifo "$WORK/to" "$WORK/from"
classify --text <"$WORK/to" >"$WORK/from" &
exec 7>"$WORK/to" 8<"$WORK/from"
for word in awful great awful; do
  echo "$word" >&7
  IFS= read -r -t 10 line <&8 || fail "no answer to '$word' while the input stays open"
  [ -n "$line" ] || fail "an empty answer"
done
exec 7>&- 8<&-

say "any bytes: as many lines, all of them JSON, in order"
head -c 2000000 /dev/urandom >"$WORK/in"
exits 0 --model "$MODEL" --text --all --why <"$WORK/in"
lines=$(tr -cd '\n' <"$WORK/in" | wc -c)
[ "$(tail -c 1 "$WORK/in" | wc -l)" = 1 ] || lines=$((lines + 1))
expect_eq "lines" "$lines" "$(jq -c . "$WORK/out" | wc -l)"
for i in $(seq 30000); do [ $((i % 3)) = 0 ] && echo awful || echo great; done >"$WORK/in"
exits 0 --model "$MODEL" --text --heads intent <"$WORK/in"
sed 's/awful/complaint/; s/great/praise/' "$WORK/in" | cmp -s - <(jq -r .intent.label "$WORK/out") || fail "the order is lost"

say "what cannot be written is no success"
status=0
classify --text <"$WORK/in" >/dev/full 2>"$WORK/err" || status=$?
expect_eq "exit code on a full disk" 3 "$status"
