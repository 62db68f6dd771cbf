#!/usr/bin/env bash
# Words that may not stand in the sources: functions that overflow or hide errors, names that say
# nothing, work put off, and names of registries (installing goes through the machine's own setup).
. "$(dirname "$0")/../lib/common.sh"
cd "$EARSHOT_SOURCE"

offences=0
forbid() { # WHY PATTERN PATHSPEC…
  local why=$1 pattern=$2 hits
  shift 2
  hits=$(git grep -nIP --untracked "$pattern" -- "$@" || true)
  [ -n "$hits" ] || return 0
  printf '%s\n%s\n' "$why:" "$hits"
  offences=$((offences + $(wc -l <<<"$hits")))
}

c=('*.c' '*.h' ':!*.pb-c.*')
io=('common/*.c' 'services/*.c' ':!services/earshotctl/*')
forbid 'overflows or hides errors' \
  '(?<![\w>.])(strcpy|strcat|strncpy|strtok|strtok_r|sscanf|scanf|atoi|atol|atoll|atof|sprintf|vsprintf|gets|alloca|system|popen|mktemp|tmpnam|strdupa)\s*\(' "${c[@]}"
forbid 'blocks the loop' '(?<![\w>.])(sleep|usleep|nanosleep|PQexec|PQexecParams|PQconnectdb|getaddrinfo|gethostbyname|curl_easy_perform)\s*\(' "${io[@]}"
# A migration is a script of text by nature; what is put into it is hex of our own.
forbid 'SQL is never built by printf' '"\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM)\b[^"]*%(s|d|l|\.\*s)' "${c[@]}" ':!services/earshotctl/setup/migrate.c'
forbid 'a name that says nothing' '\b(ear_\w*_(util|utils|helper|helpers|misc|manager)\w*|do_\w+)\s*\(' "${c[@]}"
forbid 'work put off' '\b(TODO|FIXME|XXX|HACK)\b' '*.c' '*.h' '*.sql' '*.sh' '*.proto' 'deploy' '*.md' ':!tests/lint/forbidden.sh' ':!CONTRIBUTING.md'
forbid 'names the host of a package registry' '\b(deb|registry|mirrors?|proxy|index)\.[a-z0-9-]+\.[a-z]{2,}\b' . ':!tests/lint/forbidden.sh'
forbid 'a base image without a version' '^\s*(FROM|image:)\s+\S+:latest' deploy docker-compose.yml

[ "$offences" = 0 ] || fail "$offences lines"
say "nothing forbidden"
