# table.jq: the rows of report.jq for people, columns separated by tabs.
def shown: if . == null then "-" elif . >= 100 then (. | round | tostring) elif . >= 10 then (. * 10 | round / 10 | tostring) else (. * 100 | round / 100 | tostring) end;
(["row", "what", "figure", "floor", "target", "stretch", "reached"] | @tsv),
(.rows[] | .row as $row | .figures[]
 | ["\($row)", .what, (if .value == null then "peer not there" else (.value | shown) + (if .unit == "ratio" then "" else " \(.unit)" end) end),
    (.floor | shown), (.target | shown), (.stretch | shown), .reached // "-"] | @tsv)
