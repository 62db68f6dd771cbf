#!/usr/bin/env bash
# The classifier takes another model, a topic table and rules while a feed runs through everything,
# refuses bad files, and goes back; then the shipped model twice: no post is lost or decided twice, each
# says by which model, and the classifier never has more than 96 MiB, with two models for a moment. Takes 60 s.
. "$(dirname "$0")/../lib/feed.sh"
. "$(dirname "$0")/../lib/hostile.sh"
need_command curl jq
need_program integ.care_model

model=$WORK/now.model topics=$WORK/now.topics rules=$WORK/now.rules
care_model() { "$EARSHOT_BIN/integ.care_model" "$@"; }
put() { mv "$1" "$2"; } # as a careful person replaces a file
care_model first >"$WORK/first.model"
care_model second >"$WORK/second.model"
care_model firms delivery account wallbox >"$WORK/firms.model"
cp "$WORK/first.model" "$model"
cp "$WORK/first.model" "$topics"
printf '0 socks: socks\n' >"$rules"
ENV_classifier=("EAR_CLASSIFIER_MODEL=$model" "EAR_CLASSIFIER_TOPICS=$topics" "EAR_CLASSIFIER_RULES=$rules")

metric() { curl -s --max-time 2 "$(stack_url classifier 1)/metrics" | awk -v name="$1" 'index($0, name) == 1 { print $NF }'; }
loaded() { [ "$(metric "earshot_classifier_loaded{part=\"$1\",version=\"$(version_of "$1" "$2")\"}")" = 1 ]; }
version_of() { # PART NAME: as the log has it
  sed -nE "s/.*event=classifier\.loaded part=$1 version=\"?($2[^\"]*)\"? file=.*/\1/p" "$WORK/log/classifier.1.log" | tail -1
}
is_in_place() { [ -n "$(version_of "$1" "$2")" ] && loaded "$1" "$2"; }
refused() { grep -c "event=classifier.refused part=$1" "$WORK/log/classifier.1.log" || true; }
has_refused() { [ "$(refused "$1")" -ge "$2" ]; }
decided_by() { pg_query "SELECT count(*) FROM verdict WHERE model LIKE '$1 %'"; }
decided_more() { [ "$(decided_by "$1")" -gt "$2" ]; }

pg_start
feed_stack ingest=1 classifier=1 assignment=1 responder=1
must_settle "the first model is in place" 20 is_in_place model first
FEED_RATE=60
feed_make swap 1500
feed_play swap &
player=$!
must_settle "posts are decided by the first" 60 decided_more first 50

say "a new model, noticed by itself"
put "$WORK/second.model" "$model"
must_settle "it is in place" 30 is_in_place model second
must_settle "posts are decided by it" 30 decided_more second 20

say "a topic table and rules, at SIGHUP"
put "$WORK/firms.model" "$topics"
printf '2 parcel: parcel arrived broken\n1 app: app crash*\n' >"$WORK/new.rules"
put "$WORK/new.rules" "$rules"
kill -HUP "${stack_pid[classifier.1]}"
must_settle "the table is in place" 20 is_in_place topics firms
must_settle "so are the rules" 20 is_in_place rules "2 rules"
raised() { [ "$(pg_query "SELECT count(*) FROM verdict WHERE 'rule parcel' = ANY (why) AND urgency = 2")" -gt 0 ]; }
must_settle "a rule has raised a post" 30 raised

say "bad files are refused and change nothing"
head -c 1000 "$model" >"$WORK/short"
put "$WORK/short" "$model"
printf '2 parcel: parcel\n2 broken: /(/\n' >"$WORK/bad.rules"
put "$WORK/bad.rules" "$rules"
rm "$topics"
must_settle "the model is refused" 20 has_refused model 1
must_settle "the rules are refused" 20 has_refused rules 1
must_settle "that the table is gone is said" 20 has_refused topics 1
grep -qF 'now.rules:2: \"/(/\"' "$WORK/log/classifier.1.log" || fail "the line of the mistake is not named"
loaded model second && loaded topics firms && loaded rules "2 rules" || fail "something else is in place"
sleep 3
expect_eq "refusals, each said once" "1 1 1" "$(refused model) $(refused rules) $(refused topics)"

say "and back"
cp "$WORK/first.model" "$WORK/back.model"
put "$WORK/back.model" "$model"
must_settle "the first is in place again" 20 is_in_place model first
wait "$player" || fail "the feed did not get through"

feed_check
expect_eq "posts that neither decided" 0 \
  "$(pg_query "SELECT count(*) FROM verdict WHERE model NOT LIKE 'first %' AND model NOT LIKE 'second %'")"
say "decided by the first $(decided_by first), by the second $(decided_by second)"

say "the shipped model, and once more over itself"
shipped=$EARSHOT_SOURCE/deploy/model/earshot.model
loads() { grep -c 'event=classifier.loaded part=model version="earshot-' "$WORK/log/classifier.1.log" || true; }
loads_are() { [ "$(loads)" = "$1" ]; }
watch_memory classifier 1
for nth in 1 2; do
  cp "$shipped" "$WORK/shipped.model"
  put "$WORK/shipped.model" "$model"
  kill -HUP "${stack_pid[classifier.1]}"
  must_settle "the shipped model is in place" 30 loads_are "$nth"
done
feed_make shipped 300
feed_play shipped
feed_check
memory_within "$(peak_mb classifier 1)" 96
stack_stop
stack_logs_clean
