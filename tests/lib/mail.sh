# shellcheck shell=bash
# mail.sh: real mail servers (Dovecot, Exim) and the firm's mailbox on them.
#
#   mail_start        the servers; sets MAIL_* (IMAP_URL, SUBMISSION_URL, CARE_USER, CA …)
#   mail_care FILE    a firm whose only account is the mailbox, with agent ana; its secret beside it
! declare -F mail_start >/dev/null || return 0 # it has been read
. "$(dirname "${BASH_SOURCE[0]}")/peers.sh"
. "$(dirname "${BASH_SOURCE[0]}")/care.sh"

mail_start() {
  free_port
  "$PEERS/mail.sh" "$WORK/mail" "$PORT" >"$WORK/mail.env" 2>"$WORK/mail.err" ||
    { cat "$WORK/mail.err" >&2; fail "the mail servers did not start"; }
  at_exit 'peer_stop "$WORK/mail/dovecot.pid" "$WORK/mail/exim.pid"'
  peer_read "$WORK/mail.env" MAIL
}

mail_care() { # FILE
  mkdir -p "$WORK/secrets"
  printf '%s' "$MAIL_CARE_PASSWORD" >"$WORK/secrets/mail_password"
  care_firm 8 >"$1"
  cat >>"$1" <<YAML
accounts:
  - id: care@care.test
    platform: mail
    author_id: care@care.test
    team: care
    secrets: [mail_password]
    settings:
      imap: "$MAIL_IMAP_URL"
      smtp: "$MAIL_SUBMISSION_URL"
      user: "$MAIL_CARE_USER"
      ca_file: "$MAIL_CA"
      poll_interval: 1s
YAML
}
