#include "base/check.h"

#include "base/fault.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Below the log module, hence a line of its own in the log's format. */
_Noreturn void ear_check_failed(const char *cond, const char *file, int line, const char *func)
{
    fprintf(stderr, "level=fatal event=check_failed at=%s:%d func=%s cond=\"%s\"\n", file, line,
            func, cond);
    abort();
}

void *ear_alloc(size_t size_bytes)
{
    void *p = calloc(1, size_bytes ? size_bytes : 1);
    EAR_CHECK(p != NULL);
    return p;
}

char *ear_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(ear_alloc(size), text, size);
}

void *ear_try_alloc(size_t size_bytes)
{
    if (ear_fault("alloc")) return NULL;
    return calloc(1, size_bytes ? size_bytes : 1);
}

void *ear_try_realloc(void *ptr, size_t size_bytes)
{
    if (ear_fault("alloc")) return NULL;
    return realloc(ptr, size_bytes ? size_bytes : 1);
}
