/* fault: named points at which a test can make a process die or fail. Compiled out unless
 * EAR_FAULTS is defined (cmake -DEARSHOT_FAULTS=ON); never in release builds.
 *
 * EAR_FAULT=name[:nth][=kill|fail|hang] in the environment arms one point: at its nth passing
 * (default 1) the process kills itself with SIGKILL, or the point reports true ("fail"). */
#ifndef EAR_BASE_FAULT_H
#define EAR_BASE_FAULT_H

#include <stdbool.h>

#ifdef EAR_FAULTS
bool ear_fault(const char *name);
#else
static inline bool ear_fault(const char *name)
{
    (void)name;
    return false;
}
#endif

#endif
