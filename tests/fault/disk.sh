#!/usr/bin/env bash
# The disk of PostgreSQL runs full while webhooks keep coming: first its tables have no room, then not
# even its log, and it stops. Senders get 503 with Retry-After, what was accepted is there, memory stays
# flat, one line says what is wrong; with room again all settles. Needs root, for a small file system.
. "$(dirname "$0")/../lib/sender.sh"
[ "$(id -u)" = 0 ] || skip "a file system of its own for PostgreSQL is made by root only"
need_command mount umount fallocate

full_s=3
[ -z "${EARSHOT_FULL:-}" ] || full_s=30
export ASAN_OPTIONS=$ASAN_OPTIONS:quarantine_size_mb=4

mkdir -p "$WORK/pg"
mount -t tmpfs -o size=192m,mode=755 earshot-disk "$WORK/pg" 2>/dev/null || skip "no file system can be mounted here"
at_exit umount -l "$WORK/pg"

room_kib() { df -k --output=avail "$WORK/pg" | tail -n 1; }
# PostgreSQL may be quicker to take what seemed to be left.
fill() { # KIB that stay
  until fallocate -l "$(($(room_kib) - $1))K" "$WORK/pg/ballast" 2>/dev/null; do
    [ "$(room_kib)" -gt 512 ] || break
    sleep 0.1
  done
}
# What the log of ingest had to say of it since a line of it.
said_since() { # LINE
  tail -n "+$(($1 + 1))" "$WORK/log/ingest.1.log" | grep -E 'level=(warn|error)'
}
says_full() { said_since "$1" | grep -q 'why=".*No space left on device'; }
is_down() { ! "$PG_BIN/pg_isready" -q -h "$PG_SOCKET" -p "$PG_PORT"; }
log_lines() { wc -l <"$WORK/log/ingest.1.log"; }

pg_start
feed_stack ingest=1 classifier=1 assignment=1 responder=1
memory_watch
sender_start shop 4 6000
must_settle "posts are accepted" 30 answered_with 200 40 0

say "no room for tables"
from=$(answers) line=$(log_lines)
fill 64
must_settle "posts are refused" 60 answered_with 503 10 "$from"
must_settle "the log says why" 10 says_full "$line"
refuses_to_be_ready() { [[ $(curl -s --max-time 2 "$(stack_url ingest 1)/readyz" | jq -r '.why // ""') == 'posts cannot be stored'* ]]; }
must_settle "/readyz of ingest says so" 10 refuses_to_be_ready
expect_eq "its status" 503 "$(curl -s -o /dev/null -w '%{http_code}' --max-time 2 "$(stack_url ingest 1)/readyz")"
sleep "$full_s"
lines=$(said_since "$line" | wc -l)
say "$lines lines about $(sender_answers "$from" | grep -c '^503') refusals: $(said_since "$line" | grep 'No space' | head -n 1)"
[ "$lines" -le $((4 + full_s / 10)) ] || fail "the log of ingest says it $lines times"
rm "$WORK/pg/ballast"
from=$(answers)
must_settle "with room again posts are accepted" 30 answered_with 200 40 "$from"
service_wait_ready ingest 1
sender_check_answers 0 5

say "no room for the log: PostgreSQL stops"
from=$(answers)
fill 0
# Each switch wants a new segment of the log.
until is_down; do
  pg_query "SELECT pg_logical_emit_message(true, 'x', repeat(md5(random()::text), 3000)), pg_switch_wal()" >/dev/null 2>&1 || true
done
must_settle "posts are refused" 60 answered_with 503 10 "$from"
sleep "$full_s"
rm "$WORK/pg/ballast"
# It may have given up for good; an operator would start it again.
if kill -0 "$PG_PID" 2>/dev/null; then say "it recovers by itself"; else pg_launch; fi
from=$(answers)
must_settle "with room again posts are accepted" 60 answered_with 200 40 "$from"
feed_answer 3
sender_stop
sender_check_answers 0 5
say "$SENDER_COUNTED posts accepted"
feed_check
memory_check 24
stack_stop
stack_logs_clean
