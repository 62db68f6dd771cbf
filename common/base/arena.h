/* arena: memory that lives and dies together, one for a message. Not for memory that outsiders
 * size without a ceiling: an arena has one. */
#ifndef EAR_BASE_ARENA_H
#define EAR_BASE_ARENA_H

#include "base/str.h"
#include <stdbool.h>
#include <stddef.h>

struct ear_arena;

struct ear_arena *ear_arena_new(size_t max_bytes);
void ear_arena_free(struct ear_arena **arena);
/* Forgets everything, keeps the first block. */
void ear_arena_reset(struct ear_arena *arena);

/* Zeroed, aligned for anything; NULL past the ceiling or without memory. */
void *ear_arena_try(struct ear_arena *arena, size_t size_bytes);
/* NUL-terminated copy; NULL as above. */
char *ear_arena_copy(struct ear_arena *arena, struct ear_str s);
size_t ear_arena_used(const struct ear_arena *arena);
/* Whether one of these NULLs, since it was made or reset, was for want of memory: whoever reads a
 * message must not take that for the message's fault. */
bool ear_arena_starved(const struct ear_arena *arena);

#endif
