#include "base/map.h"

#include "base/check.h"
#include "base/id.h"
#include "base/num.h"
#include <sodium.h>
#include <stdlib.h>

#define uthash_fatal(msg) ear_check_failed(msg, __FILE__, __LINE__, __func__)
#include <uthash.h>

struct entry {
    UT_hash_handle hh;
    void *value; /* borrowed */
    char key[];  /* a copy */
};

struct ear_map {
    struct entry *head;      /* owned, or the arena's */
    struct ear_arena *arena; /* borrowed, of a map of ids; NULL: each entry is allocated */
    /* Keys come from outside: without a secret, chosen keys could all fall into one bucket. */
    unsigned char seed[crypto_shorthash_KEYBYTES];
};

struct ear_map *ear_map_new(void)
{
    struct ear_map *map = ear_alloc(sizeof(*map));
    randombytes_buf(map->seed, sizeof(map->seed));
    return map;
}

struct ear_map *ear_map_new_of_ids(struct ear_arena *arena)
{
    struct ear_map *map = ear_alloc(sizeof(*map));
    map->arena = arena;
    return map;
}

static unsigned hash_of_ids(struct ear_str ids)
{
    unsigned hash = 0;
    EAR_CHECK(ids.len && ids.len % EAR_ID_BYTES == 0);
    for (size_t end = EAR_ID_BYTES; end <= ids.len; end += EAR_ID_BYTES)
        hash ^= (unsigned)ear_get_be((const uint8_t *)ids.ptr + end - sizeof(hash), sizeof(hash));
    return hash;
}

static unsigned hash_of(const struct ear_map *map, struct ear_str key)
{
    unsigned char out[crypto_shorthash_BYTES];
    unsigned hash;
    const char *ptr = key.ptr ? key.ptr : "";
    if (map->arena) return hash_of_ids(key);
    crypto_shorthash(out, (const unsigned char *)ptr, key.len, map->seed);
    memcpy(&hash, out, sizeof(hash));
    return hash;
}

static struct entry *find(const struct ear_map *map, struct ear_str key, unsigned hash)
{
    struct entry *entry = NULL;
    const char *ptr = key.ptr ? key.ptr : "";
    EAR_CHECK(key.len <= UINT32_MAX);
    HASH_FIND_BYHASHVALUE(hh, map->head, ptr, (unsigned)key.len, hash, entry);
    return entry;
}

static struct entry *new_entry(const struct ear_map *map, size_t size_bytes)
{
    if (!map->arena) return ear_alloc(size_bytes);
    struct entry *entry = ear_arena_try(map->arena, size_bytes);
    EAR_CHECK(entry);
    return entry;
}

static void free_entry(const struct ear_map *map, struct entry *entry)
{
    if (!map->arena) free(entry);
}

void ear_map_free(struct ear_map **map, void (*drop)(void *value))
{
    if (!*map) return;
    struct entry *entry = (*map)->head;
    HASH_CLEAR(hh, (*map)->head); /* frees the buckets; the entries stay linked */
    if ((*map)->arena && !drop) entry = NULL;
    while (entry) {
        struct entry *next = entry->hh.next;
        if (drop) drop(entry->value);
        free_entry(*map, entry);
        entry = next;
    }
    EAR_FREE(*map);
}

void *ear_map_get(const struct ear_map *map, struct ear_str key)
{
    struct entry *entry = find(map, key, hash_of(map, key));
    return entry ? entry->value : NULL;
}

void *ear_map_put(struct ear_map *map, struct ear_str key, void *value)
{
    unsigned hash = hash_of(map, key);
    struct entry *entry = find(map, key, hash);
    if (entry) {
        void *old = entry->value;
        entry->value = value;
        return old;
    }
    entry = new_entry(map, sizeof(*entry) + key.len);
    entry->value = value;
    if (key.len) memcpy(entry->key, key.ptr, key.len);
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, map->head, entry->key, (unsigned)key.len, hash, entry);
    return NULL;
}

void *ear_map_take(struct ear_map *map, struct ear_str key)
{
    struct entry *entry = find(map, key, hash_of(map, key));
    if (!entry) return NULL;
    void *value = entry->value;
    HASH_DELETE(hh, map->head, entry);
    free_entry(map, entry);
    return value;
}

size_t ear_map_count(const struct ear_map *map)
{
    return HASH_COUNT(map->head);
}

void ear_map_each(struct ear_map *map, bool (*visit)(void *self, struct ear_str key, void *value),
                  void *self)
{
    struct entry *entry = map->head;
    while (entry) {
        struct entry *next = entry->hh.next; /* read first: the visitor may take this one */
        struct ear_str key = {entry->key, entry->hh.keylen};
        if (!visit(self, key, entry->value)) return;
        entry = next;
    }
}
