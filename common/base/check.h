/* check: assertions that stay in release builds. For our own bugs only; never for what a peer,
 * the database or a configuration says. */
#ifndef EAR_BASE_CHECK_H
#define EAR_BASE_CHECK_H

#include <stddef.h>

#define EAR_CHECK(cond) ((cond) ? (void)0 : ear_check_failed(#cond, __FILE__, __LINE__, __func__))

#define EAR_COUNT(array) (sizeof(array) / sizeof(*(array)))

/* The struct that embeds a member. */
#define EAR_CONTAINER(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

_Noreturn void ear_check_failed(const char *cond, const char *file, int line, const char *func);

/* Allocation of what we size ourselves: zeroed memory, aborts when there is none. */
void *ear_alloc(size_t size_bytes);
char *ear_strdup(const char *text);

/* Allocation of what outsiders size: NULL when there is none (a fault point can force it). */
void *ear_try_alloc(size_t size_bytes);
void *ear_try_realloc(void *ptr, size_t size_bytes);

/* Frees *ptr and sets it to NULL. */
#define EAR_FREE(ptr) (free(ptr), (ptr) = NULL)

#endif
