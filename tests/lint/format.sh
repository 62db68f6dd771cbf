#!/usr/bin/env bash
# .clang-format decides the layout of C. To mend: clang-format -i FILE…
. "$(dirname "$0")/../lib/common.sh"
need_command clang-format
cd "$EARSHOT_SOURCE"
git ls-files -co --exclude-standard '*.c' '*.h' | while read -r file; do
  [ ! -f "$file" ] || clang-format --dry-run -Werror "$file" >/dev/null 2>&1 || echo "$file"
done >"$WORK/offenders"
if [ -s "$WORK/offenders" ]; then
  cat "$WORK/offenders"
  fail "$(wc -l <"$WORK/offenders") files are not laid out by .clang-format: clang-format -i them"
fi
