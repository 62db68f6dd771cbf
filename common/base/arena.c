#include "base/arena.h"

#include "base/check.h"
#include <stdint.h>
#include <stdlib.h>

#define FIRST_BLOCK_BYTES ((size_t)4096)
#define BLOCK_BYTES_MAX   ((size_t)256 << 10) /* what malloc keeps when it is given back */
#define ALIGN             (_Alignof(max_align_t))

struct block {
    struct block *next; /* the block before this one */
    size_t size;
    size_t used;
    _Alignas(max_align_t) unsigned char bytes[];
};

struct ear_arena {
    struct block *top; /* owned chain; the last of it is the first block */
    size_t used;
    size_t max;
    bool starved;
};

struct ear_arena *ear_arena_new(size_t max_bytes)
{
    struct ear_arena *arena = ear_alloc(sizeof(*arena));
    arena->max = max_bytes;
    return arena;
}

static void pop_block(struct ear_arena *arena)
{
    struct block *block = arena->top;
    arena->top = block->next;
    free(block);
}

void ear_arena_free(struct ear_arena **arena)
{
    if (!*arena) return;
    while ((*arena)->top) pop_block(*arena);
    EAR_FREE(*arena);
}

void ear_arena_reset(struct ear_arena *arena)
{
    while (arena->top && arena->top->next) pop_block(arena);
    if (arena->top) arena->top->used = 0;
    arena->used = 0;
    arena->starved = false;
}

/* Blocks double, so that a message costs few allocations, up to what malloc gives out again without
 * asking the system, which would clear every page of it. */
static bool push_block(struct ear_arena *arena, size_t need)
{
    size_t size = arena->top ? arena->top->size : FIRST_BLOCK_BYTES / 2;
    size = size < BLOCK_BYTES_MAX / 2 ? size * 2 : BLOCK_BYTES_MAX;
    if (size > arena->max) size = arena->max;
    if (size < need) size = need;
    if (size > SIZE_MAX - sizeof(struct block)) return false;
    struct block *block = ear_try_realloc(NULL, sizeof(*block) + size);
    if (!block) {
        arena->starved = true;
        return false;
    }
    block->next = arena->top;
    block->size = size;
    block->used = 0;
    arena->top = block;
    return true;
}

/* Room for so many bytes, with whatever is in it: of a block much is never taken, or written over
 * at once, so that clearing it as a whole would be half in vain. */
static void *take(struct ear_arena *arena, size_t size_bytes)
{
    if (size_bytes > SIZE_MAX - ALIGN) return NULL;
    size_t need = size_bytes ? (size_bytes + ALIGN - 1) / ALIGN * ALIGN : ALIGN;
    if (need > arena->max - arena->used) return NULL;
    struct block *top = arena->top;
    if ((!top || need > top->size - top->used) && !push_block(arena, need)) return NULL;
    top = arena->top;
    void *p = top->bytes + top->used;
    top->used += need;
    arena->used += need;
    return p;
}

void *ear_arena_try(struct ear_arena *arena, size_t size_bytes)
{
    void *p = take(arena, size_bytes);
    return p && size_bytes ? memset(p, 0, size_bytes) : p;
}

char *ear_arena_copy(struct ear_arena *arena, struct ear_str s)
{
    if (s.len == SIZE_MAX) return NULL;
    char *copy = take(arena, s.len + 1);
    if (!copy) return NULL;
    if (s.len) memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    return copy;
}

size_t ear_arena_used(const struct ear_arena *arena)
{
    return arena->used;
}

bool ear_arena_starved(const struct ear_arena *arena)
{
    return arena->starved;
}
