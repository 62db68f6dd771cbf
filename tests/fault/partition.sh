#!/usr/bin/env bash
# Every replica and PostgreSQL on a host of its own, webhooks and answers coming in, and two hosts that
# no longer reach one another, longer than the links' patience: packets dropped without a word, or a
# cable pulled. Everything settles once they do again; nothing is lost or doubled.
# --full: each pair that talks, for 20 s, and each cable.
. "$(dirname "$0")/../lib/sender.sh"
. "$(dirname "$0")/../lib/hosts.sh"
hosts_begin "$@"

apart_s=8
partitions=('assignment.1 classifier.1' 'ingest.1 postgres')
[ -z "${EARSHOT_FULL:-}" ] || {
  apart_s=20
  partitions=('ingest.1 classifier.1' 'classifier.1 assignment.1' 'assignment.1 responder.1' 'responder.1 outside'
    'ingest.1 postgres' 'assignment.1 postgres' 'responder.1 postgres'
    ingest.1 classifier.1 assignment.1 responder.1 postgres)
}

has_more() { [ "$(pg_query 'SELECT count(*) FROM triage')" -ge "$1" ]; }

apart() { # HOST [HOST]: the pair, or the cable of one
  if [ $# = 2 ]; then sever "$1" "$2"; else pull "$1"; fi
}
together() {
  if [ $# = 2 ]; then heal "$1" "$2"; else plug "$1"; fi
}

round() { # RUN HOST [HOST]
  local run=$1 answering began
  shift
  say "$* apart for $apart_s s"
  sender_start "$run" 3
  feed_answer 5 &
  answering=$!
  must_settle "posts are decided" 60 has_more $((FEED_POSTS + 10))
  apart "$@"
  sleep "$apart_s"
  together "$@"
  began=$SECONDS
  wait "$answering" || fail "not answered"
  FEED_REPLIES=$((FEED_REPLIES + 5))
  sender_stop
  feed_check
  for item in "${!stack_pid[@]}"; do service_wait_ready "${item%.*}" "${item#*.}"; done
  say "  all settled and ready $((SECONDS - began)) s later; $SENDER_COUNTED posts so far"
}

hosts_start ingest=1 classifier=2 assignment=2 responder=1
for pair in "${partitions[@]}"; do
  # shellcheck disable=SC2086 # one host or two
  round "${pair// /-}" $pair
done
stack_stop
stack_logs_clean
