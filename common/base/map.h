/* map: bytes to pointer, by hash. The map copies keys and borrows values. */
#ifndef EAR_BASE_MAP_H
#define EAR_BASE_MAP_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct ear_map;

struct ear_map *ear_map_new(void);
/* One whose keys are an id or several, of which no author can choose the last bytes: they are their
 * own hash. (A peer with a key could, and make walks of as many steps as there are keys.) It lives
 * no longer than the arena, which it borrows for its entries: no allocation each, none to be freed.
 * What is taken out leaves its room unused. Aborts past the arena's ceiling. */
struct ear_map *ear_map_new_of_ids(struct ear_arena *arena);
/* drop may be NULL; it is called for each value that is left. */
void ear_map_free(struct ear_map **map, void (*drop)(void *value));

void *ear_map_get(const struct ear_map *map, struct ear_str key); /* NULL when absent */
/* Replaces; the old value comes back (NULL when there was none). */
void *ear_map_put(struct ear_map *map, struct ear_str key, void *value);
void *ear_map_take(struct ear_map *map, struct ear_str key); /* removes and returns */
size_t ear_map_count(const struct ear_map *map);
/* Visits all; the visitor may take the key it is shown, nothing else. Stops at false. */
void ear_map_each(struct ear_map *map, bool (*visit)(void *self, struct ear_str key, void *value),
                  void *self);

#endif
