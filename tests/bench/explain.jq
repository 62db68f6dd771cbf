# explain.jq: by statement, what PostgreSQL counted for it (records of measured.jsonl) and the plan of
# its largest call ($plans). Names are those of services/*/store.sql ($stores).

# Blanks and constants are not the same everywhere: pg_stat_statements makes parameters of constants.
def alike: gsub("E?'[^']*'"; "?") | gsub("\\$?\\b[0-9]+\\b|\\b(NULL|true|false)\\b"; "?") | gsub("[\\s;]+$"; "") | gsub("\\s+"; " ");

def named: [.[] | .service as $service | .text / "\n-- name: " | .[1:][] | . / "\n"
  | {service: $service, name: .[0], alike: (.[1:] | map(select(test("^\\s*--") | not)) | join("\n") | alike)}];

# Node types, what they look in, how often if not once; what never ran is left out, months are one.
def shape:
  [.Plans // [] | .[] | select(."Actual Loops" != 0) | shape] as $below
  | if ."Node Type" == "Subquery Scan" then $below[] else
      (.Operation // ."Node Type")
      + ((."Index Name" // ."Relation Name" // "") | if . == "" then . else " " + sub("_y[0-9]{4}m[0-9]{2}"; "") end)
      + (if ."Actual Loops" > 1 then " ×\(."Actual Loops")" else "" end)
      + (if $below == [] then "" else " (\($below | join(", ")))" end)
    end;

def digits: if . >= 100 then round elif . >= 1 then . * 10 | round / 10 else . * 1000 | round / 1000 end;

(($stores | named) | INDEX(.service + " " + .alike)) as $known
| ($plans | map({alike: (."Query Text" | alike), plan: .Plan}) | group_by(.alike)
   | map({key: .[0].alike, value: (max_by(.plan."Shared Hit Blocks") | .plan)}) | from_entries) as $planned
| {commit: $commit, costs: map(select(.kind == "explain") | .count as $n | {what, count, statements: (.statements
    | map((.query | alike) as $alike
      | . + {plan: $planned[$alike], name: ($known[.service + " " + $alike].name // ($alike / " " | .[0] | ascii_upcase))})
    | group_by([.service, .name])
    | map({service: .[0].service, name: .[0].name, calls: (map(.calls) | add), plan: .[0].plan,
           rows: ((map(.rows) | add) / (map(.calls) | add) | digits), ms: ((map(.ms) | add) * 1000 / $n | digits),
           buffers: ((map(.buffers) | add) / $n | digits), wal: ((map(.wal) | add) / $n | digits)}
      | . + {shape: (if .plan then [.plan | shape] | join(", ") elif .name | test("^(copy_|[A-Z])") then "-" else "not sent while plans were taken" end)})
    | sort_by(-.ms))})}
