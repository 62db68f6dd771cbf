#!/usr/bin/env bash
# A feed at 80 % of the rate that this machine was just seen to reach, with answers, for ten minutes
# (--full; else half of that rate for half a minute): memory, descriptors and lag stay flat, by the slope of a
# line through the samples; with --full also the tables that work passes through, and what a row takes of those that
# keep what was done and are changed there. Autovacuum looks once a minute: half a minute says nothing of bloat.
. "$(dirname "$0")/../lib/feed.sh"

soak_s=30 share=50 sample_s=1 tables='' changed=''
# Those that keep what was done grow with it, but by the row; the others hold what is under way.
[ -z "${EARSHOT_FULL:-}" ] || {
  soak_s=600 share=80 sample_s=3
  tables='intake lease reply_due sending outcome_due agent_load agent_presence'
  changed='case timer'
}
export ASAN_OPTIONS=$ASAN_OPTIONS:quarantine_size_mb=4

sample() { # appends "SECONDS METRIC VALUE"
  local name pid table at=$SECONDS
  for name in "${!stack_pid[@]}"; do
    pid=${stack_pid[$name]}
    awk -v at="$at" -v name="$name" '/^VmRSS/ { print at, "rss_mib." name, $2 / 1024 }' "/proc/$pid/status"
    echo "$at fds.$name $(find "/proc/$pid/fd" -mindepth 1 | wc -l)"
  done
  pg_query "SELECT $at || ' waiting_posts ' || (SELECT coalesce(sum(cardinality(post_ids)), 0) FROM intake)
    UNION ALL SELECT $at || ' oldest_s ' || coalesce(extract(epoch FROM clock_timestamp() - min(received_at)), 0)::numeric(9, 2) FROM intake"
  for table in $tables; do
    pg_query "SELECT $at || ' kib.$table ' || pg_total_relation_size('$table') / 1024"
  done
  # Bytes a row, indexes and dead rows and all; of a few rows the empty page would count.
  for table in $changed; do
    pg_query "SELECT $at || ' row_bytes.$table ' || pg_total_relation_size(relid) / (n_tup_ins - n_tup_del)
      FROM pg_stat_user_tables WHERE relname = '$table' AND n_tup_ins - n_tup_del > 1000"
  done
}

# A line through each metric's samples, but for the first fifth; of a row's bytes but for the first half, in which
# cases are opened (a quarter of the feed) and then grow once, since all of a page join a post at about the same
# time and have no room there. What it would grow by over the whole time must be small: in its own unit, or in parts
# of its mean.
slopes() { # FILE SECONDS POSTS-A-SECOND
  awk -v seconds="$2" -v rate="$3" '
    NR == 1 { from = $1 }
    $1 - from >= seconds / ($2 ~ /^row/ ? 2 : 5) { n[$2]++; t[$2] += $1; v[$2] += $3; tt[$2] += $1 * $1; tv[$2] += $1 * $3 }
    END {
      for (m in n) {
        spread = n[m] * tt[m] - t[m] * t[m]
        grows = spread ? (n[m] * tv[m] - t[m] * v[m]) / spread * seconds : 0
        mean = v[m] / n[m]
        may = m ~ /^rss/ ? 8 + mean / 20 : m ~ /^fds/ ? 4 : m ~ /^waiting/ ? 2 * rate : m ~ /^oldest/ ? 2 : m ~ /^row/ ? mean / 10 : 256 + mean / 4
        printf "%-28s mean %10.2f, would grow by %9.2f (may: %.2f)%s\n", m, mean, grows, may, (grows > may ? "  NOT FLAT" : "")
      }
    }' "$1" | sort
}

# A check that cannot fail is none.
slopes_notice() {
  seq 0 100 | awk '{ print $1, "rss_mib.x", 40 + $1 / 5; print $1, "fds.x", 30 + ($1 % 3)
    print $1, "row_bytes.x", 500 + $1; print $1, "row_bytes.y", ($1 < 50 ? 500 + 2 * $1 : 600) }' >"$WORK/leak"
  expect_eq "leaks that are noticed" 1 "$(slopes "$WORK/leak" 100 1 | grep -c 'rss_mib.x .*NOT FLAT' || true)"
  expect_eq "bloat that is noticed" 1 "$(slopes "$WORK/leak" 100 1 | grep -c 'row_bytes.x .*NOT FLAT' || true)"
  expect_eq "noise that is taken for one" 0 "$(slopes "$WORK/leak" 100 1 | grep -c '\(fds.x\|row_bytes.y\) .*NOT FLAT' || true)"
}

answer_on() { # one case every few seconds; each command comes once, whatever its fate
  while [ ! -e "$WORK/soaked" ]; do
    sleep 3
    feed_answer 1
    echo . >>"$WORK/answered"
  done
}

slopes_notice
pg_start
feed_stack ingest=1 classifier=1 assignment=1 responder=1

FEED_RATE=100000
feed_make top 4000
began=$(date +%s%N)
feed_play top
must_settle "the first feed" 120 feed_all_heard
top=$((4000 * 1000 / (($(date +%s%N) - began) / 1000000)))
FEED_RATE=$((top * share / 100))
say "$top posts a second at most; $FEED_RATE for $soak_s s"

feed_make soak $((FEED_RATE * soak_s))
feed_play soak &
player=$!
: >"$WORK/answered"
answer_on &
answering=$!
began=$SECONDS
while [ $((SECONDS - began)) -lt "$soak_s" ]; do
  sample >>"$WORK/samples"
  sleep "$sample_s"
done
touch "$WORK/soaked"
wait "$answering" || fail "not answered"
FEED_REPLIES=$(wc -l <"$WORK/answered")
wait "$player" || fail "the feed could not be played"
slopes "$WORK/samples" "$soak_s" "$FEED_RATE" >"$WORK/slopes"
cat "$WORK/slopes" >&2
[ -n "$tables" ] || say "the tables were not looked at: half a minute says nothing of them"
for table in $tables $changed; do grep -q "\.$table " "$WORK/slopes" || fail "nothing is known of the table $table"; done
! grep -q 'NOT FLAT' "$WORK/slopes" || fail "not flat: $(grep 'NOT FLAT' "$WORK/slopes" | cut -d' ' -f1 | paste -sd' ')"
FEED_PATIENCE=600
feed_check
stack_stop
stack_logs_clean
