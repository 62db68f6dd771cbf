#include "cases/case_ref.h"

#include "store_sql.h"

#define DIGITS_MIN 6
#define DIGITS_MAX 31

/* The digits in lower case without dashes; 0 when text is anything else. */
static size_t digits_of(const char *text, char digits[static DIGITS_MAX + 1])
{
    size_t count = 0;
    for (const char *p = text; *p; p++) {
        if (*p == '-') continue;
        const char *digit = strchr("0123456789abcdef0123456789ABCDEF", *p);
        if (!digit || count == DIGITS_MAX) return 0;
        digits[count++] = *p >= 'A' && *p <= 'F' ? (char)(*p - 'A' + 'a') : *p;
    }
    digits[count] = '\0';
    return count >= DIGITS_MIN ? count : 0;
}

static ear_exit look_up(struct ear_ctl *ctl, const char *digits, struct ear_id *id)
{
    ear_exit status = ear_ctl_connect(ctl);
    if (status) return status;
    struct ear_pg_results results = {0};
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_CASE_BY_SUFFIX);
    ear_pg_text(batch, ear_str_from(digits));
    status = ear_ctl_query(ctl, &batch, &results);
    size_t found = status ? 0 : ear_pg_rows(results.items[0]);
    if (!status && found == 0)
        status =
            ear_ctl_fail(EAR_NOT_FOUND, "no case ends in %s (a post wants its whole id)", digits);
    if (!status && found > 1)
        status =
            ear_ctl_fail(EAR_CONFLICT, "more than one case ends in %s: give more digits", digits);
    if (!status) *id = ear_pg_get_id(results.items[0], 0, 0);
    ear_pg_results_release(&results);
    return status;
}

ear_exit ear_case_ref(struct ear_ctl *ctl, const char *text, struct ear_id *id)
{
    char digits[DIGITS_MAX + 1];
    if (ear_id_parse(ear_str_from(text), id) == EAR_OK) return EAR_EXIT_OK;
    if (digits_of(text, digits)) return look_up(ctl, digits, id);
    ear_ctl_fail(EAR_INVALID, "'%s' is no case: give its id or at least the last %d digits of it",
                 text, DIGITS_MIN);
    return EAR_EXIT_USAGE;
}
