/* fault: named points at which a test can make a process die or fail. Compiled out unless
 * EAR_FAULTS is defined (cmake -DEARSHOT_FAULTS=ON); never in release builds.
 *
 * EAR_FAULT=name[~word][:nth][=kill|fail|hang] in the environment arms one point: at its nth
 * passing (default 1; *nth: and each nth after that) the process kills itself with SIGKILL, the
 * point reports true ("fail"), or whoever passes stands still for ever ("hang").
 * With a word, only passings count whose subject, as a post's text, holds the word. */
#ifndef EAR_BASE_FAULT_H
#define EAR_BASE_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef EAR_FAULTS
bool ear_fault(const char *name);
/* subject: bytes, borrowed; may be NULL when len is 0. */
bool ear_fault_on(const char *name, const char *subject, size_t len);
/* How often the armed point was passed since it was armed. For tests. */
uint64_t ear_fault_passed(void);
#else
static inline bool ear_fault(const char *name)
{
    (void)name;
    return false;
}
static inline bool ear_fault_on(const char *name, const char *subject, size_t len)
{
    (void)name, (void)subject, (void)len;
    return false;
}
#endif

#endif
