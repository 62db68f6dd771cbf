#!/usr/bin/env bash
# Size and complexity of functions: none over 80 lines or cyclomatic 15, the median at most 15 lines,
# nine of ten at most 45. Files of what is shipped: at most 500 lines.
. "$(dirname "$0")/../lib/common.sh"
need_command pmccabe
cd "$EARSHOT_SOURCE"

mapfile -t files < <(git ls-files -co --exclude-standard 'common/*.c' 'services/*.c' 'deploy/*.c' 'tests/*.c')
[ "${#files[@]}" -gt 0 ] || fail "no C files found"
# Columns: modified complexity (a switch counts once), traditional, statements, first line, lines,
# place, name. What a switch costs a reader is its longest case, so the modified one counts.
pmccabe "${files[@]}" >"$WORK/all"
awk -F'\t' '$5 > 80 { print $6 " has " $5 " lines (80)" }
            $1 > 15 { print $6 " has a cyclomatic complexity of " $1 " (15)" }' \
  "$WORK/all" >"$WORK/offenders"
for file in "${files[@]}"; do
  [[ $file != tests/* ]] || continue # tables of cases are as long as they must be
  lines=$(wc -l <"$file")
  [ "$lines" -le 500 ] || echo "$file: $lines lines (500): does it hold one noun?" >>"$WORK/offenders"
done
# The shape is asked of what is shipped, not of tables of cases.
shape=$(grep -vP '\ttests/' "$WORK/all" | cut -f5 | sort -n |
  awk '{ l[NR] = $1 } END { print NR, l[int((NR + 1) / 2)], l[int(NR * 0.9)] }')
read -r count median ninth <<<"$shape"
[ "$count" -gt 50 ] || fail "only $count functions read: the check is broken"
[ "$median" -le 15 ] || echo "the median function has $median lines (15)" >>"$WORK/offenders"
[ "$ninth" -le 45 ] || echo "one function of ten has more than $ninth lines (45)" >>"$WORK/offenders"
if [ -s "$WORK/offenders" ]; then
  cat "$WORK/offenders"
  fail "$(wc -l <"$WORK/offenders") offenders"
fi
say "$count functions, median $median lines, nine of ten within $ninth"
