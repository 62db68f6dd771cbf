#!/usr/bin/env bash
# Hostile mails in a real mailbox: bombs of parts and nesting, floods of headers, recipients and
# references, charsets that are none, bytes that are no mail. Each is heard as a post that the
# database takes or passed over with a line in the log; honest mails between them become cases.
. "$(dirname "$0")/../lib/mail.sh"
. "$(dirname "$0")/../lib/hostile.sh"
need_command jq curl
need_peer mail

mail_start
pg_start
mail_care "$WORK/care.yaml"
export ASAN_OPTIONS=$ASAN_OPTIONS:quarantine_size_mb=1
stack_prepare "$WORK/care.yaml"
stack_start ingest=1 classifier=1 assignment=1 responder=1
watch_memory ingest 1

# Straight into the mailbox, as a server that checks nothing would put it there.
# Whoever makes the folders first, the server or we, they are the server's.
home=$WORK/mail/mail/care@care.test maildir=$WORK/mail/mail/care@care.test/Maildir
mkdir -p "$maildir/tmp" "$maildir/new" "$maildir/cur"
chown -R --reference="$WORK/mail/mail" "$home"
echo 0 >"$WORK/delivered"
deliver() { # the mail on standard input; runs in a pipe, and so counts in a file
  local number=$(($(cat "$WORK/delivered") + 1))
  echo "$number" >"$WORK/delivered"
  cat >"$maildir/tmp/$number"
  chown --reference="$WORK/mail/mail" "$maildir/tmp/$number"
  mv "$maildir/tmp/$number" "$maildir/new/$(date +%s).M${number}P$$.hostile"
}
honest=0
honest_mail() {
  honest=$((honest + 1))
  printf 'From: <c%d@cust.test>\r\nTo: <care@care.test>\r\nSubject: Broken parcel %d\r\nDate: %s\r\nMessage-ID: <honest.%d@cust.test>\r\n\r\nMy parcel arrived broken, I want my money back!\r\n' \
    "$honest" "$honest" "$(LC_ALL=C date -R)" "$honest" | deliver
}
head_of() { # NAME CONTENT-TYPE
  printf 'From: <%s@evil.test>\r\nSubject: %s\r\nMessage-ID: <%s@evil.test>\r\nMIME-Version: 1.0\r\nContent-Type: %s\r\n' "$1" "$1" "$1" "$2"
}
repeat() { awk -v n="$1" -v text="$2" 'BEGIN { for (i = 0; i < n; i++) printf "%s", text }'; }

many=1
[ -z "${EARSHOT_FULL:-}" ] || many=20
for ((round = 1; round <= many; round++)); do
  honest_mail
  { head_of "nested$round" 'multipart/mixed; boundary=b0'; awk 'BEGIN { for (i = 0; i < 3000; i++) printf "\r\n--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n", i, i + 1 }'; } | deliver
  { head_of "messages$round" message/rfc822; repeat 3000 $'\r\nContent-Type: message/rfc822\r\n'; } | deliver
  { head_of "parts$round" 'multipart/mixed; boundary=b'; repeat 15000 $'\r\n--b\r\n\r\nx'; } | deliver
  { head_of "headers$round" text/plain; repeat 12000 $'X-Flood: header\r\n'; printf '\r\nhello\r\n'; } | deliver
  { head_of "long$round" text/plain; printf 'X-Long: '; repeat 200000 a; printf '\r\n\r\nhello\r\n'; } | deliver
  honest_mail
  { head_of "people$round" text/plain; printf 'To: '; repeat 8000 'a@b.test, '; printf 'z@b.test\r\nReferences: '; repeat 8000 '<r@b.test> '; printf '\r\n\r\nhello\r\n'; } | deliver
  { head_of "charset$round" 'text/plain; charset="utf-9000"'; printf 'Content-Transfer-Encoding: quoted-printable\r\n\r\n=FF=FE=00=ZZ'; repeat 60000 '=00'; } | deliver
  { head_of "html$round" text/html; printf '\r\n'; repeat 40000 '<div>'; repeat 9000 '&amp;&#x;&#99999999;'; } | deliver
  { head_of "base64$round" text/plain; printf 'Content-Transfer-Encoding: base64\r\n\r\n'; head -c 190000 /dev/zero | base64; } | deliver
  { head_of "words$round" text/plain; printf 'Subject: '; repeat 9000 '=?utf-8?b?//79?='; printf '\r\n\r\nhello\r\n'; } | deliver
  head -c 100000 /dev/urandom | deliver
  : | deliver
  { head_of "large$round" text/plain; printf '\r\n'; head -c 20000000 /dev/zero | tr '\0' a; } | deliver
  honest_mail
done
number=$(cat "$WORK/delivered")
say "$((number - honest)) hostile mails, $honest honest ones between them"

heard() { [ "$(pg_query "SELECT count(*) FROM \"case\" c JOIN identity i USING (customer_id) WHERE i.author_id LIKE 'c%@cust.test'")" = "$honest" ]; }
must_settle "the honest ones are cases" 120 heard
settled() { stack_settled && [ "$(pg_query 'SELECT count(*) FROM post')" -ge "$(($(pg_query 'SELECT count(*) FROM triage')))" ]; }
must_settle "all is settled" 60 settled
say "$(pg_query "SELECT count(*) FROM post JOIN identity USING (customer_id) WHERE author_id LIKE '%@evil.test'") of the others were posts all the same"
expect_eq "honest mails stored" "$honest" "$(pg_query "SELECT count(*) FROM post WHERE external_id LIKE 'honest.%'")"
expect_eq "dead letters" 0 "$(pg_query 'SELECT count(*) FROM dead_letter')"
kill -0 "${stack_pid[ingest.1]}" 2>/dev/null || fail "ingest did not survive"
no_flood ingest 1 $((60 + 5 * number))
memory_within "$(peak_mb ingest 1)"
stack_stop
stack_logs_clean
