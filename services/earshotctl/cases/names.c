#include "cases/names.h"

#include "store_sql.h"

#include <stdio.h>

static ear_exit tell(const struct ear_pg_result *unknown, size_t row)
{
    struct ear_str what = ear_pg_get_str(unknown, row, 0), name = ear_pg_get_str(unknown, row, 1);
    struct ear_str some = ear_pg_get_str(unknown, row, 2);
    int64_t count = ear_pg_get_i64(unknown, row, 3), more = ear_pg_get_i64(unknown, row, 4);
    char rest[48] = "";
    if (count == 0)
        return ear_ctl_fail(EAR_NOT_FOUND, "no %.*s '%.*s' in care.yaml; there is none",
                            EAR_STR_ARG(what), EAR_STR_ARG(name));
    if (more > 0) snprintf(rest, sizeof(rest), " and %lld more", (long long)more);
    return ear_ctl_fail(EAR_NOT_FOUND, "no %.*s '%.*s' in care.yaml; there %s %.*s%s",
                        EAR_STR_ARG(what), EAR_STR_ARG(name), count == 1 ? "is" : "are",
                        EAR_STR_ARG(some), rest);
}

ear_exit ear_names_check(struct ear_ctl *ctl)
{
    struct ear_pg_results results = {0};
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_UNKNOWN_NAMES);
    ear_pg_text(batch, ear_str_from(ctl->options.team));
    ear_pg_text(batch, ear_str_from(ctl->options.agent));
    ear_pg_text(batch, ear_str_from(ctl->options.account));
    ear_exit status = ear_ctl_query(ctl, &batch, &results);
    size_t unknown = status ? 0 : ear_pg_rows(results.items[0]);
    for (size_t row = 0; row < unknown; row++) status = tell(results.items[0], row);
    ear_pg_results_release(&results);
    return status;
}
