# shellcheck shell=bash
# ctl.sh: earshotctl and what it says.
#
#   ctl_database                a migrated database whose roles have the password "secret"
#   ctl ARGUMENT…               as the operator there; a script with other settings has its own
#   exits CODE ARGUMENT…        ctl ends with CODE; what it printed is in $WORK/out and $WORK/err
#   says TEXT                   stands in what it printed
#   json FILTER                 what jq makes of it
! declare -F ctl_database >/dev/null || return 0 # it has been read
. "$(dirname "${BASH_SOURCE[0]}")/pg.sh"

ctl_database() {
  local role
  pg_start
  mkdir "$WORK/roles"
  for role in ingest assignment responder operator report; do echo secret >"$WORK/roles/earshot_$role"; done
  "$EARSHOT_BIN/earshotctl" migrate --role-secrets "$WORK/roles" >"$WORK/out"
}

ctl() { env EAR_PG="$(pg_conninfo earshot_operator)" EAR_PG_PASSWORD=secret "$EARSHOT_BIN/earshotctl" "$@"; }

exits() { # CODE ARGUMENT…; standard input is passed on
  local code=$1 status=0
  shift
  ctl "$@" >"$WORK/out" 2>"$WORK/err" || status=$?
  [ "$status" = "$code" ] || { cat "$WORK/out" "$WORK/err" >&2; fail "$*: exit code $status instead of $code"; }
}

says() { grep -qF -- "$1" "$WORK/out" "$WORK/err" || { cat "$WORK/out" "$WORK/err" >&2; fail "not said: $1"; }; }
json() { jq -r "$1" "$WORK/out"; }
