/* starve: runs a scenario again and again while its first, second, third … allocation fails, until
 * it gets through without meeting the failure. Nothing may crash or leak (the sanitizers see to
 * that); the error must be one of memory, or what the caller takes for a reason to try again; and
 * where there was none, what came out must be what comes out in plenty. Wants a build with fault
 * points. */
#ifndef EAR_TESTS_STARVE_H
#define EAR_TESTS_STARVE_H

#include "base/base.h"
#include <stdio.h>
#include <stdlib.h>

#define STARVE_BYTES_MAX    ((size_t)1 << 20)
#define STARVE_FAILURES_MAX 5000

struct starve_scenario {
    const char *name;
    ear_err (*run)(struct ear_buf *out); /* appends what came out; nothing where that is not text */
};

static bool starve_told_wrong(const struct starve_scenario *scenario, uint64_t nth,
                              const char *what)
{
    printf("%s: failure %llu gave %s\n", scenario->name, (unsigned long long)nth, what);
    return false;
}

/* What the scenario says goes into a buffer that does not go hungry. */
static ear_err starve_once(const struct starve_scenario *scenario, uint64_t nth,
                           struct ear_buf *out, uint64_t *passed)
{
    char spec[64];
    ear_buf_reset(out);
    snprintf(spec, sizeof(spec), "alloc:%llu=fail", (unsigned long long)nth);
    setenv("EAR_FAULT", spec, 1);
    ear_err err = scenario->run(out);
    *passed = ear_fault_passed();
    unsetenv("EAR_FAULT");
    return err;
}

static bool starve_rounds(const struct starve_scenario *scenario, struct ear_str plenty,
                          struct ear_buf *out)
{
    uint64_t nth = 0, silent = 0;
    for (bool through = false; !through;) {
        uint64_t passed = 0;
        ear_err err = starve_once(scenario, ++nth, out, &passed);
        through = passed < nth;
        if ((through && err) || (err && !ear_err_retryable(err)) || nth > STARVE_FAILURES_MAX)
            return starve_told_wrong(scenario, nth, ear_err_name(err));
        if (!err && !ear_str_eq(ear_buf_str(out), plenty))
            return starve_told_wrong(scenario, nth, "another answer");
        if (!through && !err) silent++;
    }
    printf("%s: %llu allocations failed in turn, %llu of them made no difference\n", scenario->name,
           (unsigned long long)nth - 1, (unsigned long long)silent);
    return true;
}

static bool starve(const struct starve_scenario *scenario)
{
    struct ear_buf plenty, out;
    ear_buf_init(&plenty, STARVE_BYTES_MAX);
    ear_buf_init(&out, STARVE_BYTES_MAX);
    EAR_CHECK(ear_buf_reserve(&out, STARVE_BYTES_MAX) == EAR_OK);
    unsetenv("EAR_FAULT");
    bool ok =
        scenario->run(&plenty) == EAR_OK && starve_rounds(scenario, ear_buf_str(&plenty), &out);
    ear_buf_release(&out);
    ear_buf_release(&plenty);
    return ok;
}

/* Those that are named, or all. */
static int starve_all(const struct starve_scenario *scenarios, size_t count, int argc, char **argv)
{
    bool ok = true;
    ear_crypt_start();
    for (size_t i = 0; i < count; i++) {
        bool wanted = argc < 2;
        for (int arg = 1; arg < argc; arg++) wanted |= strcmp(argv[arg], scenarios[i].name) == 0;
        if (wanted) ok &= starve(&scenarios[i]);
    }
    return ok ? 0 : 1;
}

#endif
