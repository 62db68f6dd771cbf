/* failing: accounts that a service cannot hear, or cannot answer on, for what its /readyz says. Of
 * a thousand accounts of one platform that is away all say the same: the first 16 are named. */
#ifndef EAR_SVC_FAILING_H
#define EAR_SVC_FAILING_H

#include "base/base.h"

struct json_t;

struct ear_failing {
    struct json_t *named; /* owned until it is written */
    size_t count;
};

void ear_failing_init(struct ear_failing *failing);
/* since_us: microseconds since 1970. why may be the platform's own words, in any encoding. */
void ear_failing_add(struct ear_failing *failing, const char *account, const char *connector,
                     int64_t since_us, const char *why);
/* Appends members of an object, "<name>_accounts":17,"<name>":[{"account", "connector", "since",
 * "why"}, …], and releases all. An error where there is no room or memory. */
ear_err ear_failing_write(struct ear_failing *failing, const char *name,
                          struct ear_buf *json) EAR_MUST_CHECK;

#endif
