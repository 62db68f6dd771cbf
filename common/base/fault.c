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
    struct ear_str word; /* ptr NULL: any subject */
    uint64_t nth;
    bool each; /* nth, and each nth after it */
    struct ear_str act;
};

static char armed[256]; /* what was passed last */
static uint64_t passed; /* of the armed point, since it was armed */

/* name[~word][:[*]nth][=kill|fail|hang] */
static bool parse(struct ear_str spec, struct arming *a)
{
    struct ear_str head;
    struct ear_str nth = EAR_STR("1");
    a->act = EAR_STR("kill");
    if (!ear_str_split(&spec, '=', &head) || !ear_str_split(&head, ':', &a->word)) return false;
    if (!ear_str_split(&a->word, '~', &a->name)) return false;
    if (spec.ptr) a->act = spec;
    if (head.ptr) nth = head;
    a->each = ear_str_starts(nth, EAR_STR("*"));
    if (a->each) nth = (struct ear_str){nth.ptr + 1, nth.len - 1};
    return ear_num_u64(nth, UINT32_MAX, &a->nth) == EAR_OK && a->nth > 0;
}

/* Counts passings of the armed point; arming another one begins anew. */
static bool due(struct ear_str spec, const struct arming *a)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&lock);
    if (!ear_str_eq(ear_str_from(armed), spec)) {
        passed = 0;
        if (!ear_str_copy(armed, sizeof(armed), spec)) armed[0] = '\0';
    }
    passed++;
    bool now = a->each ? passed % a->nth == 0 : passed == a->nth;
    pthread_mutex_unlock(&lock);
    return now;
}

static bool names(struct ear_str text, struct ear_str word)
{
    return !word.ptr || memmem(text.ptr ? text.ptr : "", text.len, word.ptr, word.len);
}

bool ear_fault_on(const char *name, const char *subject, size_t len)
{
    struct ear_str spec = ear_str_from(getenv("EAR_FAULT"));
    struct arming a;
    if (!spec.len || !parse(spec, &a) || !ear_str_eq(a.name, ear_str_from(name))) return false;
    if (!names((struct ear_str){subject, len}, a.word)) return false;
    if (!due(spec, &a)) return false;
    fprintf(stderr, "level=warn event=fault_point name=%s nth=%llu act=%.*s\n", name,
            (unsigned long long)a.nth, EAR_STR_ARG(a.act));
    if (ear_str_eq(a.act, EAR_STR("fail"))) return true;
    if (ear_str_eq(a.act, EAR_STR("hang")))
        for (;;) pause();
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

bool ear_fault(const char *name)
{
    return ear_fault_on(name, NULL, 0);
}

uint64_t ear_fault_passed(void)
{
    return ear_str_eq(ear_str_from(armed), ear_str_from(getenv("EAR_FAULT"))) ? passed : 0;
}

#else

/* ISO C wants a declaration in every file. */
typedef int ear_no_faults;

#endif
