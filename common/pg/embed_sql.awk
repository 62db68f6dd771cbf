# Turns the named statements of an .sql file into a C header: an enum of their places and the table
# that pg prepares on every connection. Called by ear_embed_sql (CMakeLists.txt) with -v stem=…
#
# Input: blocks that begin with "-- name: insert_post", each with exactly one statement. Whole-line
# comments are left out; a ';' may end the statement.
function fail(text) {
    printf "%s:%d: %s\n", FILENAME, FNR, text > "/dev/stderr"
    failed = 1
    exit 1
}
function finish() {
    if (count && !(count in body)) fail("statement " names[count] " is empty")
}
/^[ \t]*-- name:/ {
    finish()
    name = $0
    sub(/^[ \t]*-- name:[ \t]*/, "", name)
    sub(/[ \t]+$/, "", name)
    if (name !~ /^[a-z][a-z0-9_]*$/) fail("not a statement name: \"" name "\"")
    if (name in seen) fail("second statement named " name)
    seen[name] = 1
    names[++count] = name
    ended = 0
    next
}
/^[ \t]*(--.*)?$/ { next }
{
    if (!count) fail("SQL before the first \"-- name:\"")
    if (ended) fail("second statement in block " names[count])
    line = $0
    if (line ~ /;[ \t]*$/) {
        ended = 1
        sub(/;[ \t]*$/, "", line)
    }
    gsub(/["\\]/, "\\\\&", line)
    body[count] = body[count] "\n     \"" line "\\n\""
}
END {
    if (failed) exit 1
    finish()
    if (!count) fail("no statement")
    upper = toupper(stem)
    printf "/* Made from %s.sql; change that. */\n", stem
    printf "#ifndef EAR_%s_SQL_H\n#define EAR_%s_SQL_H\n\n#include \"pg/pg.h\"\n\n", upper, upper
    printf "enum %s_sql {\n", stem
    for (i = 1; i <= count; i++) printf "    %s_%s,\n", upper, toupper(names[i])
    printf "    %s_SQL_COUNT\n};\n\n", upper
    printf "static const struct ear_pg_statement %s_statements[%s_SQL_COUNT]\n", stem, upper
    printf "    __attribute__((unused)) = {\n"
    for (i = 1; i <= count; i++) printf "    {\"%s\",%s},\n", names[i], body[i]
    printf "};\n\n#endif\n"
}
