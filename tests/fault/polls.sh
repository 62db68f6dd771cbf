#!/usr/bin/env bash
# Two replicas of ingest poll the same mailbox of a real mail server, which one of them has by lease.
# Whoever has it is killed with -9 in the midst of the mails, again and again: every mail is heard once.
. "$(dirname "$0")/../lib/mail.sh"
. "$(dirname "$0")/../lib/invariants.sh"
need_command curl
need_peer mail

mail_start
pg_start
mail_care "$WORK/care.yaml"
stack_prepare "$WORK/care.yaml"
ENV_ingest=(EAR_INGEST_LEASE=2s)
STACK_SERVICES=(ingest classifier assignment)
stack_start ingest=2 classifier=1 assignment=1

# Straight into the mailbox, many at a time: the server hands them over as it would any other mail.
inbox=$WORK/mail/mail/care@care.test/Maildir
mkdir -p "$inbox"/{new,cur,tmp}
chown -R --reference="$WORK/mail/mail" "$WORK/mail/mail/care@care.test"
sent=0
send_mails() { # COUNT
  local i name
  for ((i = 0; i < $1; i++)); do
    sent=$((sent + 1)) name=$(date +%s).M$sent.test
    printf 'From: <c%d@cust.test>\r\nTo: <care@care.test>\r\nSubject: Parcel %d\r\nDate: %s\r\nMessage-ID: <m%d@cust.test>\r\nContent-Type: text/plain\r\n\r\nMy parcel %d arrived broken. I want my money back!\r\n' \
      "$sent" "$sent" "$(LC_ALL=C date -R)" "$sent" "$sent" >"$inbox/tmp/$name"
  done
  chown -R --reference="$inbox" "$inbox/tmp"
  mv "$inbox"/tmp/*.test "$inbox/new/"
}

heard() { pg_query 'SELECT count(DISTINCT external_id) FROM post'; }
has_heard() { [ "$(heard)" -ge "$1" ]; }
# Sets HOLDER to the replica that polls now.
find_holder() {
  local owner n
  owner=$(pg_query "SELECT owner FROM lease WHERE name LIKE 'account/%' AND until_at > now() LIMIT 1")
  [ -n "$owner" ] || return 1
  for n in 1 2; do
    grep -q "event=svc.started.*instance=$owner" "$WORK/log/ingest.$n.log" && HOLDER=$n && return 0
  done
  return 1
}

rounds=3 mails=250
[ -z "${EARSHOT_FULL:-}" ] || rounds=12
for ((round = 1; round <= rounds; round++)); do
  before=$sent
  send_mails "$mails"
  must_settle "somebody polls" 30 find_holder
  must_settle "the first mails of round $round" 60 has_heard $((before + 1))
  say "round $round: ingest.$HOLDER is killed after $(($(heard) - before)) of $mails mails"
  service_kill ingest "$HOLDER"
  service_start ingest "$HOLDER"
  must_settle "all mails of round $round" 60 has_heard "$sent"
done
must_settle "all are decided" 60 stack_settled
expect_eq "mails stored" "$sent" "$(pg_query 'SELECT count(*) FROM post')"
expect_eq "cases, one a customer" "$sent" "$(pg_query 'SELECT count(*) FROM "case"')"
invariant_posts
invariant_outcomes
invariant_cases
for n in 1 2; do service_wait_ready ingest "$n"; done
stack_stop
stack_logs_clean
