#include "pg/sqlstate.h"

/* First match wins; a state matches by its beginning. */
static const struct row {
    const char *prefix;
    ear_err err;
    bool drop;
} rows[] = {
    {"0A000", EAR_AGAIN, true},       /* a prepared plan outlived a migration */
    {"08", EAR_UNAVAILABLE, true},    /* connection */
    {"22012", EAR_AGAIN, false},      /* division by a condition of ours: decide again */
    {"22P03", EAR_INVALID, false},    /* our binary format does not fit the parameter */
    {"22P04", EAR_INVALID, false},    /* our rows do not fit the columns of the COPY */
    {"22", EAR_DATA, false},          /* data exception */
    {"23", EAR_DATA, false},          /* constraint */
    {"25006", EAR_UNAVAILABLE, true}, /* read-only: the primary moved elsewhere */
    {"25P03", EAR_UNAVAILABLE, true}, /* idle in transaction for too long */
    {"26", EAR_UNAVAILABLE, true},    /* the server forgot our prepared statements */
    {"28", EAR_DENIED, false},
    {"40", EAR_AGAIN, false}, /* serialisation, deadlock */
    {"42501", EAR_DENIED, false},
    {"42P07", EAR_AGAIN, false},   /* two made the same table at once */
    {"53", EAR_AGAIN, false},      /* disk, memory, connections used up */
    {"54", EAR_DATA, false},       /* a row or key too large */
    {"55006", EAR_AGAIN, false},   /* object in use */
    {"55P03", EAR_AGAIN, false},   /* lock not available */
    {"57014", EAR_AGAIN, false},   /* statement_timeout, lock_timeout */
    {"57", EAR_UNAVAILABLE, true}, /* shutting down, starting up */
    {"58", EAR_AGAIN, false},      /* the server's own files */
    {"P0001", EAR_DATA, false},    /* RAISE in a function of ours, because of what it was given */
    {"XX", EAR_AGAIN, false},      /* internal: two changed the catalogue at once */
};

struct ear_pg_verdict ear_pg_judge(const char *state)
{
    if (!state) return (struct ear_pg_verdict){EAR_UNAVAILABLE, true};
    for (size_t i = 0; i < EAR_COUNT(rows); i++)
        if (ear_str_starts(ear_str_from(state), ear_str_from(rows[i].prefix)))
            return (struct ear_pg_verdict){rows[i].err, rows[i].drop};
    return (struct ear_pg_verdict){EAR_INVALID, false};
}

bool ear_pg_is_refusal(const char *text)
{
    static const char *const refusals[] = {
        "authentication failed",   "no password supplied",           "no pg_hba.conf entry",
        "not permitted to log in", "permission denied for database",
    };
    struct ear_str all = ear_str_from(text);
    for (size_t i = 0; i < EAR_COUNT(refusals); i++)
        if (ear_str_find(all, ear_str_from(refusals[i])) != SIZE_MAX) return true;
    bool missing = ear_str_find(all, EAR_STR("does not exist")) != SIZE_MAX;
    return missing && (ear_str_find(all, EAR_STR("role \"")) != SIZE_MAX ||
                       ear_str_find(all, EAR_STR("database \"")) != SIZE_MAX);
}
