# Turns numbered SQL files into rows {version, "name", "text"} of a C array.
FNR == 1 {
    if (NR > 1) print "    },"
    name = FILENAME
    sub(/.*\//, "", name)
    sub(/\.sql$/, "", name)
    printf "    {%d, \"%s\",\n", substr(name, 1, 4) + 0, name
}
{
    gsub(/\\/, "&&")
    gsub(/"/, "\\\"")
    printf "     \"%s\\n\"\n", $0
}
END { print "    }," }
