#!/usr/bin/env bash
# Reads every #include and holds the layers of ARCHITECTURE.md: arrows point down only, the four I/O
# modules do not know one another, no service includes another's files, a foreign header stays in
# its folder, and rooms that decide are pure (base, text and the protocol only, no clock, no I/O).
. "$(dirname "$0")/../lib/common.sh"
cd "$EARSHOT_SOURCE"

# What a module of common/ may include besides itself.
declare -A below=(
  [base]=""
  [log]="base" [conf]="base" [metric]="base" [json]="base" [text]="base" [model]="base text"
  [wire]="base"
  [loop]="base log conf metric"
  [httpd]="base log conf metric json loop" [fetch]="base log conf metric json loop"
  [atp]="base json loop fetch" [mime]="base text"
  [pg]="base log conf metric loop" [bus]="base log conf metric loop wire"
  [svc]="base log conf metric json text wire loop httpd fetch pg bus"
)
# Foreign headers and the one folder, or file, each may appear in.
declare -A home=(
  [uv.h]=common/loop [zmq.h]=common/bus [libpq-fe.h]=common/pg [curl/curl.h]=common/fetch
  [microhttpd.h]=common/httpd [sodium.h]=common/base [blake2.h]=common/base
  [utf8proc.h]=common/text [yaml.h]=services/earshotctl
  [hs.h]=services/classifier/patterns.c [gmime/gmime.h]=common/mime [protobuf-c/protobuf-c.h]=common/wire
)
# Rooms that decide; further ones say "Pure" as the first word after the name in their header.
mapfile -t pure < <(grep -lE '^/\* [a-z_]+: Pure[ .:,]|^ \* Pure[ .:,]' services/*/*.h services/*/*/*.h deploy/receiver/*.h 2>/dev/null || true)
impure_c='\b(time|clock_gettime|gettimeofday|rand|random|getenv|fopen|open|read|write|printf|fprintf|ear_clock_now[a-z_]*|ear_now[a-z_]*|ear_random[a-z_]*)[[:space:]]*\('

offences=0
offend() {
  printf '%s\n' "$*"
  offences=$((offences + 1))
}

service_of() { [[ $1 == services/*/* ]] && { local rest=${1#services/}; printf '%s' "${rest%%/*}"; }; }

# Prints the project path that `#include "NAME"` in FILE means; "generated" or nothing else.
resolve() { # FILE NAME
  local folder=${1%/*} service
  service=$(service_of "$1" || true)
  local candidate
  for candidate in "$folder/$2" ${service:+"services/$service/$2"} "common/$2" "deploy/receiver/$2"; do
    [ -f "$candidate" ] && { realpath --relative-to=. "$candidate"; return; }
  done
  case $2 in *.pb-c.h | *_sql.h | *.inc | completion.h | *_embed.h) printf 'generated' ;; esac
}

check_quoted() { # FILE LINE NAME
  local file=$1 where="$1:$2" target module
  target=$(resolve "$file" "$3")
  case $target in
    generated) return ;;
    '') offend "$where: \"$3\" is not a file of common/, of the own service, or generated" ;;
    common/*)
      module=${target#common/} module=${module%%/*}
      if [[ $file == common/* ]]; then
        local own=${file#common/}
        own=${own%%/*}
        [ "$module" = "$own" ] || [[ " ${below[$own]-} " == *" $module "* ]] ||
          offend "$where: $own may not include $module (\"$3\"); below it: ${below[$own]-nothing}"
      elif [ "$target" != "common/$module/$module.h" ] && [[ $module != @(base|log|model) ]]; then
        offend "$where: \"$3\" is not the public header of $module"
      fi ;;
    services/*)
      [ "$(service_of "$target")" = "$(service_of "$file" || true)" ] ||
        offend "$where: \"$3\" belongs to another service" ;;
  esac
}

check_foreign() { # FILE LINE NAME
  local folder=${home[$3]-}
  [ -z "$folder" ] || [[ $1 == "$folder" || $1 == "$folder"/* ]] || offend "$1:$2: <$3> may be included in $folder only"
}

check_pure() { # HEADER
  local file name target module
  for file in "$1" "${1%.h}.c"; do
    [ -f "$file" ] || continue
    while read -r name; do
      target=$(resolve "$file" "$name")
      module=${target#common/} module=${module%%/*}
      case $target in
        generated | common/base/* | common/text/* | common/model/*) ;;
        common/*) offend "$file: a room that decides may not include $module" ;;
        services/*) case $name in events.h | metrics.h | store.h)
          offend "$file: a room that decides may not include \"$name\"" ;; esac ;;
      esac
    done < <(sed -nE 's/^[[:space:]]*#[[:space:]]*include[[:space:]]+"([^"]+)".*/\1/p' "$file")
    if grep -nE "$impure_c" "$file"; then offend "$file: a room that decides has no clock, no chance and no I/O"; fi
  done
}

sources=$(git ls-files -co --exclude-standard 'common/*.[ch]' 'services/*.[ch]' 'deploy/receiver/*.[ch]')
includes=$(xargs grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*["<]' <<<"$sources")
while IFS=: read -r file line text; do
  name=$(sed -E 's/^[^"<]*["<]([^">]+)[">].*/\1/' <<<"$text")
  [[ $name == *.def ]] && continue
  if [[ $text == *\"* ]]; then check_quoted "$file" "$line" "$name"; else check_foreign "$file" "$line" "$name"; fi
done <<<"$includes"
for header in "${pure[@]}"; do check_pure "$header"; done

count=$(wc -l <<<"$includes")
[ "$count" -gt 100 ] || fail "only $count includes read: the check is broken"
[ "$offences" = 0 ] || fail "$offences of $count includes break the layers"
say "$count includes, ${#pure[@]} pure rooms: layers hold"
