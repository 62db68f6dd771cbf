#!/usr/bin/env bash
# Real mail servers (Dovecot, Exim): a mail becomes a case, the answer comes to the customer's mailbox
# as an answer to it, and an answer to that joins the case. What the server refuses fails with its
# reason, what it defers is tried again later, and a mail is never sent twice.
. "$(dirname "$0")/../lib/mail.sh"
need_command jq curl
need_peer mail

mail_start
pg_start
mail_care "$WORK/care.yaml"
stack_prepare "$WORK/care.yaml"
ENV_ingest=(EAR_INGEST_LEASE=5s)
stack_start ingest=1 classifier=1 assignment=1 responder=1
quietly ctl agent present ana --as ana

customer_writes() { # FROM SUBJECT TEXT [MESSAGE-ID [IN-REPLY-TO]]
  {
    printf 'From: <%s>\r\nTo: <care@care.test>\r\nSubject: %s\r\nDate: %s\r\n' "$1" "$2" "$(LC_ALL=C date -R)"
    printf 'Message-ID: <%s>\r\n' "${4:-$RANDOM$RANDOM@cust.test}"
    [ -z "${5:-}" ] || printf 'In-Reply-To: %s\r\nReferences: %s\r\n' "$5" "$5"
    printf 'Content-Type: text/plain; charset=utf-8\r\n\r\n%s\r\n' "$3"
  } >"$WORK/message"
  curl -sS --max-time 20 --mail-from "$1" --mail-rcpt care@care.test -T "$WORK/message" "$MAIL_SMTP_MX_URL"
}

mailbox=$WORK/mail/mail/alice@cust.test/Maildir
mails() { find "$mailbox/new" "$mailbox/cur" -type f 2>/dev/null; }
mails_are() { [ "$(mails | wc -l)" = "$1" ]; }
newest() { mails | xargs -r ls -t | head -n 1; }
header() { # NAME FILE, unfolded
  awk -v name="$1" '/^\r?$/ { exit } /^[ \t]/ { if (on) value = value " " $0; next }
    { on = tolower(substr($0, 1, length(name) + 1)) == tolower(name ":"); if (on) value = substr($0, length(name) + 2) }
    END { gsub(/[\r\t ]+/, " ", value); sub(/^ /, "", value); sub(/ $/, "", value); print value }' "$2"
}
case_of() { # AUTHOR: the case of the customer who writes from there
  pg_query "SELECT case_id FROM \"case\" c JOIN identity i USING (customer_id) WHERE i.author_id = '$1'"
}
has_case() { [ -n "$(case_of "$1")" ]; }
posts_are() { [ "$(pg_query "SELECT posts FROM \"case\" WHERE case_id = '$CASE'")" = "$1" ]; }

say "alice writes a mail"
customer_writes alice@cust.test 'Broken parcel' 'My parcel arrived broken and I want my money back!' first@cust.test
must_settle "her case" 60 has_case alice@cust.test
CASE=$(case_of alice@cust.test)

say "ana's answer is in her mailbox, as an answer to her mail"
reply "$CASE" "I am sorry, Alice. Your money is on its way back."
must_settle "the answer in the mailbox" 60 mails_are 1
must_settle "its outcome" 60 stack_settled
answer=$(newest)
expect_eq "In-Reply-To" '<first@cust.test>' "$(header In-Reply-To "$answer")"
[[ "$(header References "$answer")" == *'<first@cust.test>'* ]] || fail "References: $(header References "$answer")"
[[ "$(header Subject "$answer")" == *'Broken parcel'* ]] || fail "Subject: $(header Subject "$answer")"
[[ "$(header From "$answer")" == *'care@care.test'* ]] || fail "From: $(header From "$answer")"
expect_eq "visible replies" 1 "$(pg_query 'SELECT count(*) FROM reply WHERE visible_at IS NOT NULL')"

say "her answer to it joins the case"
customer_writes alice@cust.test 'Re: Broken parcel' 'Thanks, but when?' second@cust.test "$(header Message-ID "$answer")"
must_settle "it joined" 60 posts_are 2

say "ingest killed: each mail is heard once"
service_kill ingest 1
customer_writes alice@cust.test 'Re: Broken parcel' 'Are you still there?' third@cust.test '<second@cust.test>'
service_start ingest 1
service_wait_ready ingest 1
must_settle "the mail written meanwhile" 60 posts_are 3
expect_eq "posts" 3 "$(pg_query 'SELECT count(*) FROM post WHERE NOT own')"

say "a mailbox that does not exist: failed, with the reason, and nothing tried again"
customer_writes reject@cust.test 'Refund please' 'I have not got my refund, this is not acceptable.'
must_settle "the case" 60 has_case reject@cust.test
reply "$(case_of reject@cust.test)" "It is on its way."
must_settle "given up" 60 stack_settled
expect_eq "visible" f "$(pg_query 'SELECT visible_at IS NOT NULL FROM reply ORDER BY created_at DESC LIMIT 1')"
expect_eq "attempts" 1 "$(pg_query 'SELECT count(*) FROM attempt WHERE reply_id = (SELECT reply_id FROM reply ORDER BY created_at DESC LIMIT 1)')"

say "a server that says later: kept for another try"
customer_writes tempfail@cust.test 'Where is my parcel' 'Where is my parcel? It is a week late.'
must_settle "the case" 60 has_case tempfail@cust.test
reply "$(case_of tempfail@cust.test)" "I am looking for it."
deferred() { [ "$(pg_query 'SELECT count(*) FROM sending WHERE tries > 0 AND next_at > now()')" = 1 ]; }
must_settle "it waits for another try" 60 deferred

say "the server is down, then up again: sent, once"
touch "$WORK/mail/down"
reply "$CASE" "One more thing, Alice."
sending_waits() { [ "$(pg_query 'SELECT count(*) FROM sending')" -ge 2 ]; }
must_settle "it waits for the server" 60 sending_waits
rm "$WORK/mail/down"
must_settle "the second answer in the mailbox" 240 mails_are 2
expect_eq "mails to alice in all" 2 "$(mails | wc -l)"

stack_stop
stack_logs_clean
