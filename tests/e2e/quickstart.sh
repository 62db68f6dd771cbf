#!/usr/bin/env bash
# deploy/quickstart as a stranger runs it: once with its own feed, once more with another one that has
# malformed and repeated lines, once left running and stopped. Sums add up, nothing is left behind.
. "$(dirname "$0")/../lib/common.sh"
need_command jq
export EARSHOT_STATE=$WORK/state
quickstart=$EARSHOT_SOURCE/deploy/quickstart

at_exit '"$quickstart" --stop >/dev/null 2>&1'
on_failure 'for log in "$EARSHOT_STATE"/log/*.log; do echo "--- $log"; grep -E "level=(warn|error)" "$log" | tail -n 5; tail -n 5 "$log"; done'

run_once() { # ARGUMENT…: the summary in $WORK/summary
  "$quickstart" --once --json "$@" >"$WORK/out" 2>"$WORK/err" || { cat "$WORK/err" >&2; fail "quickstart $* gave an error"; }
  tail -n 1 "$WORK/out" >"$WORK/summary"
  jq -e 'type == "object"' "$WORK/summary" >/dev/null || fail "the last line is not the summary"
}

expect_summary() { # WHAT JQ-CONDITION
  jq -e "$2" "$WORK/summary" >/dev/null || fail "$1: not ($2) in $(cat "$WORK/summary")"
}

# A service shows the state folder in its environment, PostgreSQL in its arguments.
left_behind() {
  { grep -lsz -e "^EAR_[A-Z_]*=$EARSHOT_STATE/" /proc/[0-9]*/environ | cut -d/ -f3
    pgrep -f "postgres.*$EARSHOT_STATE"; } | sort -u || true
}

nothing_left() {
  [ -z "$(left_behind)" ]
}

adds_up() {
  expect_summary "every line is accounted for" '.lines == .malformed + .posts + .duplicates'
  expect_summary "every post is decided" '.triaged == .posts'
  expect_summary "every case is somewhere" '.cases == .assigned + .queued and .cases <= .posts'
  expect_summary "nothing died" '.dead_letters == 0'
  wait_until 20 nothing_left || fail "left behind: processes $(left_behind | paste -sd' ')"
}

say "a tree of builds is used again by its owner, for the folder that it was made of"
(
  root=$EARSHOT_SOURCE tree=$WORK/tree
  # shellcheck source=/dev/null
  . "$EARSHOT_SOURCE/deploy/quickstart.d/services.sh"
  is_ours "$tree" || fail "a tree that is not there yet"
  mkdir "$tree"
  echo "CMAKE_HOME_DIRECTORY:INTERNAL=$root" >"$tree/CMakeCache.txt"
  is_ours "$tree" || fail "our own tree"
  echo "CMAKE_HOME_DIRECTORY:INTERNAL=$root/elsewhere" >"$tree/CMakeCache.txt"
  ! is_ours "$tree" || fail "a tree of another folder"
  rm "$tree/CMakeCache.txt"
  touch "$tree/build.ninja"
  [ "$(id -u)" != 0 ] || { chown nobody "$tree/build.ninja" && ! is_ours "$tree"; } || fail "a tree with another user's files"
)

say "the sample feed"
run_once
adds_up
expect_summary "a few hundred posts, some cases, some answers" \
  '.malformed == 2 and .posts >= 200 and .cases >= 20 and .assigned >= 1 and .replies_sent >= 1'
first=$(jq -c 'del(.seconds)' "$WORK/summary")

say "the same again"
run_once
adds_up
expect_eq "the same outcome" "$first" "$(jq -c 'del(.seconds)' "$WORK/summary")"

say "a feed with malformed and repeated lines and unknown accounts"
line() { # ID AUTHOR TEXT
  jq -cn --arg id "$1" --arg author "$2" --arg text "$3" '{platform: "elsewhere", external_id: $id,
    account: "@nobody", author: {id: $author}, text: $text, created_at: "2020-02-29T12:00:00Z"}'
}
{
  line 1 zoe 'Where is my parcel? It is two weeks late and nobody answers.'
  echo 'this is not JSON'
  line 2 yan 'Love the new app!'
  line 1 zoe 'Where is my parcel? It is two weeks late and nobody answers.'
  echo '{"platform":"elsewhere","external_id":"3"}'
} >"$WORK/feed.jsonl"
run_once --feed "$WORK/feed.jsonl"
adds_up
expect_summary "counted" '.lines == 5 and .malformed == 2 and .posts == 2 and .duplicates == 1 and .cases >= 1'

say "left running, then stopped"
"$quickstart" >"$WORK/out" 2>"$WORK/err" || { cat "$WORK/err" >&2; fail "quickstart gave an error"; }
grep -q 'What happened' "$WORK/out" || fail "no summary for people"
newest=$(jq -rR 'fromjson? | .created_at | fromdate? // empty' "$EARSHOT_STATE/feed.jsonl" | sort -n | tail -n 1)
[ $(($(date +%s) - newest)) -lt 900 ] || fail "the sample was not moved to today: its last post is of $(date -d "@$newest")"
(
  # shellcheck source=/dev/null
  . "$EARSHOT_STATE/env"
  earshotctl status >/dev/null
  earshotctl case list --json | jq -e 'length > 0' >/dev/null
) || fail "the operator's environment does not work"
"$quickstart" --status >"$WORK/status" 2>&1 || fail "--status gave an error"
grep -q 'assignment .*running' "$WORK/status" || fail "--status does not show what runs"
"$quickstart" --stop >/dev/null 2>&1
wait_until 20 nothing_left || fail "left behind: processes $(left_behind | paste -sd' ')"
