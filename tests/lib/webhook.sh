# shellcheck shell=bash
# webhook.sh: Standard Webhooks signed by openssl, not by our own code.
#
#   webhook_secret                      a new secret, "whsec_<base64>"
#   webhook_sign SECRET ID TIMESTAMP    signature header for the body on standard input
#   webhook_post URL SECRET ID BODY [TIMESTAMP [SIGNATURE]]
#                                       posts BODY; sets WEBHOOK_STATUS, answer in $WORK/webhook.answer
#   webhook_care FILE URL [CA_FILE]     a firm whose only account is @shop, answered at URL, with agent ana;
#                                       its secret is the file "shop"
! declare -F webhook_secret >/dev/null || return 0 # it has been read
. "$(dirname "${BASH_SOURCE[0]}")/care.sh"

webhook_secret() {
  printf 'whsec_%s' "$(head -c 32 /dev/urandom | base64 -w0)"
}

webhook_sign() {
  local key
  key=$(printf '%s' "${1#whsec_}" | base64 -d | od -An -v -tx1 | tr -d ' \n')
  printf 'v1,%s' "$({ printf '%s.%s.' "$2" "$3"; cat; } | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | base64 -w0)"
}

webhook_post() {
  local url=$1 secret=$2 id=$3 body=$4 at=${5:-$(date +%s)} signature
  signature=${6:-$(printf '%s' "$body" | webhook_sign "$secret" "$id" "$at")}
  WEBHOOK_STATUS=$(curl -sS --max-time 20 -o "$WORK/webhook.answer" -w '%{http_code}' \
    -H 'Content-Type: application/json' -H "webhook-id: $id" -H "webhook-timestamp: $at" \
    -H "webhook-signature: $signature" --data-binary "$body" "$url")
}

webhook_care() {
  care_firm 100 >"$1"
  cat >>"$1" <<YAML
accounts:
  - id: "@shop"
    platform: webshop
    team: care
    secrets: [shop]
    settings:
      connector: webhook
      url: "$2"
      ${3:+ca_file: "$3"}
YAML
}
