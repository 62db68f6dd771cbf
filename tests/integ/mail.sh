#!/usr/bin/env bash
# Both halves of the mail connector against a real Dovecot and a real Exim, with TLS, a private CA
# and Exim's refusals.
. "$(dirname "$0")/../lib/common.sh"
need_peer mail
ingest=$EARSHOT_BIN/unit.services.ingest.connectors.test_mail_live
responder=$EARSHOT_BIN/unit.services.responder.connectors.test_mail_send
need_program "${ingest##*/}" "${responder##*/}"

# The servers take these ports above the one they are given.
taken() { for above in 25 143 465 587 993; do port_answers $(($1 + above)) && return 0; done; return 1; }
base=0
until [ "$base" != 0 ] && ! taken "$base"; do base=$((RANDOM % 150 * 100 + 12000)); done
at_exit "kill \$(cat '$WORK'/mail/dovecot.pid '$WORK'/mail/exim.pid) 2>/dev/null || true"
"$PEERS/mail.sh" "$WORK/mail" "$base" >"$WORK/env" || fail "the mail servers did not start"
peer() { sed -n "s/^$1=//p" "$WORK/env"; }
EAR_TEST_IMAP=$(peer IMAP_URL) EAR_TEST_IMAPS=$(peer IMAPS_URL) EAR_TEST_SMTP=$(peer SMTP_MX_URL)
EAR_TEST_SUBMISSION=$(peer SUBMISSION_URL) EAR_TEST_SMTPS=$(peer SMTPS_URL) EAR_TEST_CA=$(peer CA)
EAR_TEST_MAILDIR=$WORK/mail/mail/care@care.test/Maildir
export EAR_TEST_IMAP EAR_TEST_IMAPS EAR_TEST_SMTP EAR_TEST_SUBMISSION EAR_TEST_SMTPS EAR_TEST_CA
export EAR_TEST_MAILDIR

"$ingest" || fail "ingest half"
"$responder" || fail "responder half"

# What arrived: in the thread, under our own Message-ID, from the firm by name.
arrived=$(cat "$WORK/mail/mail/alice@cust.test/Maildir/new/"* | tr -d '\r')
for line in 'In-Reply-To: <m1@c.test>' 'Subject: Re: Parcel' 'Message-Id: <earshot\.' \
  'From: =?.*<care@care.test>' '^We found it\.$' '^\^Ana$'; do
  grep -qi "$line" <<<"$arrived" || fail "the delivered mail has no line '$line'"
done
say "mail is heard and answered"
