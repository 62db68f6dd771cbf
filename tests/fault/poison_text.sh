#!/usr/bin/env bash
# A post whose text kills every classifier that reads it, in the midst of others, with two replicas:
# the batch is halved until the post is alone; that one becomes a dead letter with its reason, and no
# other. Mended, it comes back by command.
. "$(dirname "$0")/../lib/feed.sh"

letters_are() { [ "$(pg_query 'SELECT count(*) FROM dead_letter WHERE retried_at IS NULL')" = "$1" ]; }
is_over() { ! kill -0 "${stack_pid[classifier.$1]}" 2>/dev/null; }
died_or_dead() { is_over 1 || is_over 2 || letters_are 1; }

deaths=0
bury() { # whoever dies is started again, until the post is given up
  local n
  until letters_are 1; do
    must_settle "death $((deaths + 1)), or a dead letter" 60 died_or_dead
    for n in 1 2; do
      is_over "$n" || continue
      deaths=$((deaths + 1))
      [ "$deaths" -le 40 ] || fail "$deaths deaths, and no end"
      service_kill classifier "$n"
      service_start classifier "$n"
    done
  done
}

pg_start
ENV_classifier=(EAR_FAULT=classifier.text~kryptonite=kill)
feed_stack ingest=1 classifier=2 assignment=1 responder=1
posts=200 poison=87
feed_make text "$posts"
jq -c --arg id "text-$poison" 'if .external_id == $id then .text = "My kryptonite is broken, I want my money back." else . end' \
  "$WORK/feed.text.jsonl" >"$WORK/feed.new" && mv "$WORK/feed.new" "$WORK/feed.text.jsonl"

say "one in $posts kills whoever reads it"
FEED_RATE=2000
feed_play text
bury
say "given up after $deaths deaths"
expect_eq "who was given up" "text-$poison|3" \
  "$(pg_query 'SELECT external_id, tries FROM dead_letter JOIN post USING (post_id)')"
[ -n "$(pg_query 'SELECT reason FROM dead_letter')" ] || fail "no reason"
FEED_POSTS=$((FEED_POSTS - 1))
must_settle "all others are decided" 60 feed_all_heard
FEED_POSTS=$((FEED_POSTS + 1))

say "mended, it comes back by command"
ENV_classifier=()
for n in 1 2; do
  service_kill classifier "$n"
  service_start classifier "$n"
done
quietly ctl dead-letter retry "$(ctl dead-letter list --json | jq -r '.[0].dead_letter_id // .[0].id')"
feed_check

stack_stop
stack_logs_clean
