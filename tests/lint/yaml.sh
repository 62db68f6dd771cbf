#!/usr/bin/env bash
# YAML is valid and evenly laid out; Prometheus accepts its configuration and alert rules, and every
# metric that an alert names exists.
. "$(dirname "$0")/../lib/common.sh"
need_command yamllint
cd "$EARSHOT_SOURCE"
git ls-files -co --exclude-standard '*.yml' '*.yaml' ':!tests/fuzz/corpus' | xargs -r yamllint -s -d '{extends: default, rules: {
  line-length: {max: 120}, document-start: disable, truthy: {check-keys: false},
  comments: {min-spaces-from-content: 1}, braces: {max-spaces-inside: 1}}}'

need_command promtool
promtool check config deploy/prometheus/prometheus.yml >"$WORK/promtool" 2>&1 ||
  { cat "$WORK/promtool"; fail "Prometheus refuses its configuration"; }
promtool test rules deploy/prometheus/alerts_test.yml >"$WORK/promtool" 2>&1 ||
  { cat "$WORK/promtool"; fail "alert rules do not fire as they should"; }
missing=$(grep -ohE '\bearshot_[a-z0-9_]+' deploy/prometheus/alerts.yml | sed -E 's/_(bucket|sum|count)$//' | sort -u |
  while read -r metric; do
    grep -rqE "\"$metric(_total)?\"" --include=metrics.def common services || echo "$metric"
  done)
[ -z "$missing" ] || fail "alerts name metrics that no metrics.def has: $missing"
