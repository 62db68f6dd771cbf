#include "base/fault.h"

#ifdef EAR_FAULTS

#include "base/num.h"
#include "base/str.h"
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct arming {
    struct ear_str name;
    uint64_t nth;
    struct ear_str act;
};

/* name[:nth][=kill|fail|hang] */
static bool parse(struct ear_str spec, struct arming *a)
{
    struct ear_str head;
    struct ear_str nth = EAR_STR("1");
    a->act = EAR_STR("kill");
    if (!ear_str_split(&spec, '=', &head) || !ear_str_split(&head, ':', &a->name)) return false;
    if (spec.ptr) a->act = spec;
    if (head.ptr) nth = head;
    return ear_num_u64(nth, UINT32_MAX, &a->nth) == EAR_OK && a->nth > 0;
}

/* Counts passings of the armed point; arming another one begins anew. */
static bool due(struct ear_str spec, uint64_t nth)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static char armed[256];
    static uint64_t passed;
    pthread_mutex_lock(&lock);
    if (!ear_str_eq(ear_str_from(armed), spec)) {
        passed = 0;
        if (!ear_str_copy(armed, sizeof(armed), spec)) armed[0] = '\0';
    }
    bool now = ++passed == nth;
    pthread_mutex_unlock(&lock);
    return now;
}

bool ear_fault(const char *name)
{
    struct ear_str spec = ear_str_from(getenv("EAR_FAULT"));
    struct arming a;
    if (!spec.len || !parse(spec, &a) || !ear_str_eq(a.name, ear_str_from(name))) return false;
    if (!due(spec, a.nth)) return false;
    fprintf(stderr, "level=warn event=fault_point name=%s nth=%llu act=%.*s\n", name,
            (unsigned long long)a.nth, EAR_STR_ARG(a.act));
    if (ear_str_eq(a.act, EAR_STR("fail"))) return true;
    if (ear_str_eq(a.act, EAR_STR("hang")))
        for (;;) pause();
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

#else

/* ISO C wants a declaration in every file. */
typedef int ear_no_faults;

#endif
