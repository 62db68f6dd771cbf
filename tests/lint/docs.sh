#!/usr/bin/env bash
# Generated documents are fresh, every relative link in a document leads somewhere, and every attack that is
# kept as a test is told of.
. "$(dirname "$0")/../lib/common.sh"
cd "$EARSHOT_SOURCE"
"$EARSHOT_SOURCE/deploy/gen-docs" --bin "$EARSHOT_BIN" --out "$WORK/docs"
stale=
for made in "$WORK"/docs/*.md; do
  cmp -s "$made" "docs/${made##*/}" || { diff -u "docs/${made##*/}" "$made" | head -20 || true; stale+=" docs/${made##*/}"; }
done
[ -z "$stale" ] || fail "stale:$stale; run deploy/gen-docs"

broken=0
while IFS= read -r document; do
  # A link's target without its anchor; code blocks are no links.
  while IFS= read -r target; do
    [ -e "$(dirname "$document")/$target" ] || { echo "$document: $target is not there"; broken=$((broken + 1)); }
  done < <(awk '/^```/ { code = !code } !code' "$document" | grep -oE '\]\([^) ]+\)' |
    sed -E 's/^\]\(//; s/\)$//; s/#.*//' | grep -vE '^([a-z]+:|$)' || true)
done < <(git ls-files -co --exclude-standard '*.md')
[ "$broken" = 0 ] || fail "$broken broken links"

untold=
for script in tests/fault/*.sh; do
  grep -qF "\`${script##*/}\`" docs/faults.md || untold+=" ${script##*/}"
done
[ -z "$untold" ] || fail "docs/faults.md does not tell of:$untold"
