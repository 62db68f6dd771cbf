/* months: the monthly partitions known to exist. Pure. One may be dropped all the same, by
 * retention: after an insert that was refused for its content they are asked for again. */
#ifndef EAR_INGEST_MONTHS_H
#define EAR_INGEST_MONTHS_H

#include "base/base.h"

#define EAR_MONTHS_FIRST_YEAR 1990
#define EAR_MONTHS            (200 * 12)

struct ear_months {
    bool known[EAR_MONTHS];
};

/* Months since 1990; -1 for the timeless partition and for what lies outside. */
int ear_month_of(int64_t at_us);
/* True where the month's partition must be asked for before an insert. */
bool ear_months_lack(const struct ear_months *months, int64_t at_us);
void ear_months_note(struct ear_months *months, int64_t at_us);
void ear_months_forget(struct ear_months *months);

#endif
