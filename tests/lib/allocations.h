/* allocations: how many there were so far in this program; for one file of a test program. Under
 * valgrind, which allocates in our place, none are counted: allocations_are_counted() says so. */
#ifndef EAR_TESTS_ALLOCATIONS_H
#define EAR_TESTS_ALLOCATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static size_t allocations;

static inline bool allocations_are_counted(void)
{
    const char *preloaded = getenv("LD_PRELOAD");
    return !preloaded || !strstr(preloaded, "vgpreload");
}

#if defined(__SANITIZE_ADDRESS__)
void __sanitizer_malloc_hook(const volatile void *ptr, size_t size);
void __sanitizer_malloc_hook(const volatile void *ptr, size_t size)
{
    (void)ptr;
    (void)size;
    allocations++;
}
#else
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *ptr, size_t size);
void *malloc(size_t size)
{
    allocations++;
    return __libc_malloc(size);
}
void *calloc(size_t count, size_t size)
{
    allocations++;
    return __libc_calloc(count, size);
}
void *realloc(void *ptr, size_t size)
{
    allocations++;
    return __libc_realloc(ptr, size);
}
#endif

#endif
