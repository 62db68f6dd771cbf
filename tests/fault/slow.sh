#!/usr/bin/env bash
# A consumer that is a hundred times slower than its producer: assignment may run for a hundredth of the
# time while thousands of posts come in to be caught up on, and live ones among them. What is in flight
# is bounded (every process stays below 128 MiB), nothing is dropped, and live posts overtake the others.
. "$(dirname "$0")/../lib/sender.sh"

posts=2500 bytes=4000 slow_s=15
[ -z "${EARSHOT_FULL:-}" ] || posts=40000 bytes=8000 slow_s=120
export ASAN_OPTIONS=$ASAN_OPTIONS:quarantine_size_mb=4
FEED_PATIENCE=$((60 + posts / 50))

# Texts that do not compress: memory would show whoever keeps them.
bulk_make() { # RUN
  head -c $((posts * 3)) /dev/urandom | od -An -v -tx1 -w3 | tr -d ' ' |
    awk -v run="$1" -v bytes="$bytes" -v at="$(date -u +%FT%TZ)" '{
      text = $1; while (length(text) < bytes) text = text " " text NR
      printf "{\"platform\":\"webshop\",\"external_id\":\"%s-%d\",\"account\":\"@shop\",\"author\":{\"id\":\"%s-c%d\"}," \
        "\"text\":\"My parcel is late: %s\",\"created_at\":\"%s\"}\n", run, NR, run, NR % (1 + int('"$posts"' / 4)), text, at
    }' >"$WORK/feed.$1.jsonl"
  FEED_POSTS=$((FEED_POSTS + posts))
}

# Runs for 10 ms of each second. The links' patience is 3 s.
hold_back() { # PID
  while kill -s CONT "$1" 2>/dev/null; do
    sleep 0.01
    kill -s STOP "$1" 2>/dev/null || return 0
    sleep 0.99
  done
}

backlog() { pg_query "SELECT (SELECT count(*) FROM post) - (SELECT count(*) FROM triage)"; }
backlog_is() { [ "$(backlog)" -ge "$1" ]; }
# Seconds from receipt to decision: of live posts received since TIME, "COUNT MEDIAN WORST".
live_delays() { # TIME
  pg_query "SELECT count(*), round(percentile_cont(0.5) WITHIN GROUP (ORDER BY d)::numeric, 2), round(max(d)::numeric, 2)
    FROM (SELECT extract(epoch FROM t.decided_at - p.received_at) d FROM triage t JOIN post p USING (post_id)
           WHERE p.entry = 6 AND p.received_at >= '$1') live" | tr '|' ' '
}
# Of these, that are decided: how many each overtook, posts heard before it and decided after it, in the median.
overtaken() { # TIME
  pg_query "WITH bulk AS MATERIALIZED (SELECT p.received_at, coalesce(t.decided_at, 'infinity') AS decided_at
                 FROM post p LEFT JOIN triage t USING (post_id) WHERE p.entry <> 6),
      live AS (SELECT count(b.received_at) AS n FROM triage t JOIN post p USING (post_id)
                 LEFT JOIN bulk b ON b.received_at < p.received_at AND b.decided_at > t.decided_at
                WHERE p.entry = 6 AND p.received_at >= '$1' GROUP BY p.post_id)
    SELECT coalesce(percentile_disc(0.5) WITHIN GROUP (ORDER BY n), 0) FROM live"
}
must_overtake() { # TIME COUNT
  local n
  n=$(overtaken "$1")
  say "a live post overtook $n others in the median"
  [ "$n" -ge "$2" ] || fail "live posts wait their turn behind others: $n overtaken"
}
now() { pg_query 'SELECT clock_timestamp()'; }

pg_start
feed_stack ingest=1 classifier=1 assignment=1 responder=1
bulk_make bulk
memory_watch

say "assignment may run for a hundredth of the time; $posts posts of $bytes bytes come in to be caught up on"
assignment=${stack_pid[assignment.1]}
hold_back "$assignment" &
holder=$!
at_exit "kill -s CONT $assignment 2>/dev/null"
ctl replay "$WORK/feed.bulk.jsonl" --timeout 300s >"$WORK/feed.bulk.out" 2>&1 &
player=$!
must_settle "thousands wait" 120 backlog_is $((posts / 2))
since=$(now)
sender_start live 2
sleep "$slow_s"
touch "$WORK/sender.stop"
must_overtake "$since" $((posts / 10))
say "$(backlog) wait; $(sender_answers | grep -c '^200') live ones were accepted, of which decided (count, median s, worst s): $(live_delays "$since")"
kill "$holder"
wait "$holder" 2>/dev/null || true
kill -s CONT "$assignment"
sender_stop
wait "$player" || { tail -n 5 "$WORK/feed.bulk.out" >&2; fail "the feed could not be played"; }
feed_check

say "at its own pace again: live posts while thousands wait"
bulk_make again
ctl replay "$WORK/feed.again.jsonl" --timeout 300s >"$WORK/feed.again.out" 2>&1 &
player=$!
must_settle "hundreds wait" 120 backlog_is $((posts / 10))
since=$(now)
sender_start swift 2
while backlog_is 100; do sleep 0.2; done
sender_stop
wait "$player" || fail "the feed could not be played"
feed_check
read -r count median worst < <(live_delays "$since")
say "$count live posts: decided after $median s in the median, $worst s at worst"
must_overtake "$since" $((posts / 100))
[ "$count" -ge 10 ] || fail "only $count live posts overlapped"
awk -v worst="$worst" 'BEGIN { exit !(worst <= 5) }' || fail "a live post waited for $worst s behind others"
sender_check_answers 0 10
memory_check 80
stack_stop
stack_logs_clean
