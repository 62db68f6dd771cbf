#include "intake/seen.h"
#include <stdlib.h>

#define SLOTS         (1u << 16)
#define US_PER_MINUTE (60 * EAR_US_PER_S)
#define US_PER_DAY    (1440 * US_PER_MINUTE)
#define AGE_MINUTES   10

struct slot {
    struct ear_id customer_id;
    uint64_t print;       /* of author id, handle and name */
    int32_t noted_minute; /* since 1970, as is reach_day; 0: an empty slot */
    int32_t reach_day;
};

struct ear_seen {
    struct slot slots[SLOTS];
};

struct ear_seen *ear_seen_new(void)
{
    return ear_alloc(sizeof(struct ear_seen));
}

void ear_seen_free(struct ear_seen **seen)
{
    EAR_FREE(*seen);
}

/* FNV-1a, with the length mixed in between parts. */
static uint64_t mix(uint64_t hash, struct ear_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        hash = (hash ^ (uint8_t)text.ptr[i]) * UINT64_C(1099511628211);
    }
    return (hash ^ text.len) * UINT64_C(1099511628211);
}

static uint64_t print_of(const struct ear_post_in *post)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    hash = mix(hash, post->author_id);
    hash = mix(hash, post->author_handle);
    return mix(hash, post->author_name);
}

/* The id is a keyed hash already: nobody outside can choose who shares a slot. */
static size_t place(const struct ear_id *customer_id)
{
    return (size_t)ear_get_be(customer_id->b + EAR_ID_BYTES - 4, 4) % SLOTS;
}

static const struct slot *find(const struct ear_seen *seen, const struct ear_id *customer_id,
                               int64_t now_us)
{
    const struct slot *slot = &seen->slots[place(customer_id)];
    int64_t age = now_us / US_PER_MINUTE - slot->noted_minute;
    bool fresh = age >= 0 && age < AGE_MINUTES;
    return fresh && ear_id_cmp(&slot->customer_id, customer_id) == 0 ? slot : NULL;
}

bool ear_seen_needs_identity(const struct ear_seen *seen, const struct ear_id *customer_id,
                             const struct ear_post_in *post, int64_t now_us)
{
    const struct slot *slot = find(seen, customer_id, now_us);
    return !slot || slot->print != print_of(post);
}

bool ear_seen_needs_reach(const struct ear_seen *seen, const struct ear_id *customer_id,
                          const struct ear_post_in *post, int64_t now_us)
{
    if (post->author_followers < 0) return false;
    const struct slot *slot = find(seen, customer_id, now_us);
    return !slot || slot->reach_day != now_us / US_PER_DAY;
}

/* Its age counts from when it was written first, not from the latest post. */
void ear_seen_note_identity(struct ear_seen *seen, const struct ear_id *customer_id,
                            const struct ear_post_in *post, int64_t now_us)
{
    struct slot *slot = &seen->slots[place(customer_id)];
    if (!find(seen, customer_id, now_us)) {
        *slot = (struct slot){.customer_id = *customer_id,
                              .noted_minute = (int32_t)(now_us / US_PER_MINUTE),
                              .reach_day = -1};
    }
    slot->print = print_of(post);
}

void ear_seen_note_reach(struct ear_seen *seen, const struct ear_id *customer_id, int64_t now_us)
{
    struct slot *slot = &seen->slots[place(customer_id)];
    if (find(seen, customer_id, now_us)) slot->reach_day = (int32_t)(now_us / US_PER_DAY);
}

void ear_seen_forget(struct ear_seen *seen)
{
    memset(seen, 0, sizeof(*seen));
}
