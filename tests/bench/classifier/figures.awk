# Reads "GOLD<TAB>SAID<TAB>P" a line; prints accuracy, macro-F1, macro recall, accuracy at 80 %
# coverage, and, where a label `oos` occurs, accuracy in scope and recall out of scope ("-" else),
# each in percent. Macro averages run over the labels that occur. The same for every program that is
# compared; earshotctl evaluate gives the same figures for its own.
BEGIN { FS = "\t" }
{
  n++; gold[$1]++; said[$2]++; labels[$1]; labels[$2]
  right = $1 == $2; hits += right; hit[$1] += right
  if ($1 == "oos") { out++; out_hits += right } else { inside++; in_hits += right }
  p[n] = $3 + 0; ok[n] = right
}
function sort_by_p(i, j, gap, t) { # falling; Shell sort
  for (i = 1; i <= n; i++) at[i] = i
  for (gap = int(n / 2); gap; gap = int(gap / 2))
    for (i = gap + 1; i <= n; i++) {
      t = at[i]
      for (j = i; j > gap && p[at[j - gap]] < p[t]; j -= gap) at[j] = at[j - gap]
      at[j] = t
    }
}
END {
  if (!n) { print "-\t-\t-\t-\t-\t-"; exit }
  for (l in labels) {
    count++
    f1 += 2 * hit[l] / (gold[l] + said[l])
    if (gold[l]) recall += hit[l] / gold[l]
  }
  sort_by_p(); least = int(n * 0.8)
  for (i = 1; i <= least; i++) sure += ok[at[i]]
  printf "%.1f\t%.1f\t%.1f\t%.1f\t", 100 * hits / n, 100 * f1 / count, 100 * recall / count, 100 * sure / least
  if (out) printf "%.1f\t%.1f\n", 100 * in_hits / inside, 100 * out_hits / out; else print "-\t-"
}
