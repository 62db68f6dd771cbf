#!/usr/bin/env bash
# What the containers' set-up makes of secrets: what is missing, once; a webhook's secret for who has
# none, never a password; nothing of what is there is changed, nothing but names is said.
. "$(dirname "$0")/../lib/common.sh"
need_program earshotctl
export EARSHOT_SECRETS=$WORK/secrets EARSHOT_CARE=$WORK/care.yaml PATH=$EARSHOT_BIN:$PATH
mkdir -p "$EARSHOT_SECRETS"/{ingest,classifier,assignment,responder,operator,database,receiver}
setup() { "$EARSHOT_SOURCE/deploy/docker/earshot-setup" "$@" 2>"$WORK/said"; }

cat >"$EARSHOT_CARE" <<'YAML'
firm: Shop
teams: [{ id: care, name: Care, default: true }]
accounts:
  - id: "@shop"
    platform: twitter
    team: care
    secrets: ["shop_key", 'shop_key_before']
    settings:
      connector: webhook
  - id: "@shop.example"
    platform: "bluesky"
    team: care
    secrets: [bluesky_password]
  - id: shop@example.org
    platform: mail
    team: care
    secrets:   # two, a line each
      - mail_password
      - smtp_password
  - { id: "@shop.example.net", platform: bluesky, team: care, secrets: [bluesky_password] }
  - id: "@shop.example.org"
    platform: bluesky
    team: care
    settings:
      connector: webhook
    secrets: [relay_key]
YAML
setup || fail "refused: $(cat "$WORK/said")"
for name in shop_key shop_key_before relay_key; do
  grep -qE '^whsec_[A-Za-z0-9+/]{43}=$' "$EARSHOT_SECRETS/ingest/$name" || fail "$name was not made"
  cmp "$EARSHOT_SECRETS/ingest/$name" "$EARSHOT_SECRETS/responder/$name" || fail "$name is not the same everywhere"
  ! grep -qF "$(cat "$EARSHOT_SECRETS/ingest/$name")" "$WORK/said" || fail "$name was said aloud"
done
for name in bluesky_password mail_password smtp_password; do
  [ ! -e "$EARSHOT_SECRETS/ingest/$name" ] || fail "$name was made up"
  expect_eq "of $name it says" 1 "$(grep -c "secret $name .* is missing: .* put $name <FILE" "$WORK/said")"
done

printf 'a password\n' | setup put mail_password
expect_eq "what was put" "a password" "$(cat "$EARSHOT_SECRETS/responder/mail_password")"
! setup put mail_password </dev/null || fail "an empty secret is taken"
! setup put ../database/owner <<<x || fail "a path is taken for a name"
sums() { find "$EARSHOT_SECRETS" -type f -exec sha256sum {} + | sort; }
before=$(sums)
setup || fail "refused the second time: $(cat "$WORK/said")"
expect_eq "files after the second time" "$before" "$(sums)"
! grep -q "mail_password" "$WORK/said" || fail "what was put is still missed"
! EARSHOT_CARE=$WORK setup || fail "a folder is taken for care.yaml"
echo 'secret: [x]' >>"$EARSHOT_CARE"
! setup || fail "a care.yaml with a mistake is taken"
grep -q "^$EARSHOT_CARE:[0-9]*: no such key 'secret'" "$WORK/said" || fail "of the mistake it says: $(cat "$WORK/said")"
