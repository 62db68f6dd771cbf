#!/usr/bin/env bash
# Every shell script passes shellcheck, says its interpreter and can be run.
. "$(dirname "$0")/../lib/common.sh"
need_command shellcheck
cd "$EARSHOT_SOURCE"
mapfile -t scripts < <({
  git ls-files -co --exclude-standard '*.sh'
  git grep -lI --untracked -E '^#!.*\b(ba)?sh\b' -- . ':!*.md'
} | sort -u)
[ "${#scripts[@]}" -gt 5 ] || fail "only ${#scripts[@]} scripts found"
# SC1091, SC2034, SC2154: a sourced file is not followed from the script that sources it. SC1010: "done"
# is a word as well. SC2128, SC2178: namerefs are taken for strings. SC2164: set -e is in common.sh.
shellcheck -S warning -e SC1010,SC1091,SC2034,SC2128,SC2154,SC2164,SC2178 "${scripts[@]}"
for script in "${scripts[@]}"; do
  head -1 "$script" | grep -q '^#!' || continue
  [ -x "$script" ] || fail "$script is not executable"
done
