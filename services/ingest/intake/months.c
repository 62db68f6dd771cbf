#include "intake/months.h"
#include <time.h>

int ear_month_of(int64_t at_us)
{
    struct tm parts;
    time_t at_s = (time_t)(at_us / EAR_US_PER_S);
    if (at_us <= 0 || !gmtime_r(&at_s, &parts)) return -1;
    int month = (parts.tm_year + 1900 - EAR_MONTHS_FIRST_YEAR) * 12 + parts.tm_mon;
    return month >= 0 && month < EAR_MONTHS ? month : -1;
}

bool ear_months_lack(const struct ear_months *months, int64_t at_us)
{
    int month = ear_month_of(at_us);
    return month >= 0 && !months->known[month];
}

void ear_months_note(struct ear_months *months, int64_t at_us)
{
    int month = ear_month_of(at_us);
    if (month >= 0) months->known[month] = true;
}

void ear_months_forget(struct ear_months *months)
{
    *months = (struct ear_months){0};
}
