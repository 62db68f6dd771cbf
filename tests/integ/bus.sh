#!/usr/bin/env bash
# common/bus between two processes with CURVE: everything settled, and fast enough never to be what
# holds a deployment back, sanitizers or not.
. "$(dirname "$0")/../lib/common.sh"

program=${EARSHOT_BUS_RATE:-$(find "$EARSHOT_BUILD" -name integ.bus_rate -type f -perm -u+x | head -1)}
[ -n "$program" ] || fail "integ.bus_rate has not been built"
mkdir "$WORK/keys"
line=$("$program" "$WORK/keys" 200000 2>"$WORK/log") || { tail -5 "$WORK/log" >&2; fail "bus_rate"; }
say "$line"
rate=${line##*posts_per_s=}
[ "$rate" -ge 20000 ] || fail "only $rate posts a second"
