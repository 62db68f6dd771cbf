#include "bus/held.h"

#include <stdlib.h>

static struct ear_str key_of(const struct ear_id *id)
{
    return (struct ear_str){(const char *)id->b, EAR_ID_BYTES};
}

static void drop_chain(void *value)
{
    for (struct ear_held *held = value; held;) {
        struct ear_held *twin = held->twin;
        free(held);
        held = twin;
    }
}

void ear_holdings_init(struct ear_holdings *holdings)
{
    *holdings = (struct ear_holdings){.by_id = ear_map_new()};
}

void ear_holdings_release(struct ear_holdings *holdings)
{
    ear_map_free(&holdings->by_id, drop_chain);
}

const struct ear_held *ear_holdings_find(const struct ear_holdings *holdings,
                                         const struct ear_id *id)
{
    return ear_map_get(holdings->by_id, key_of(id));
}

void ear_holdings_add(struct ear_holdings *holdings, const struct ear_id *id,
                      struct ear_bus_link *link, ear_lane lane, struct ear_amount amount)
{
    struct ear_held *held = ear_alloc(sizeof(*held));
    *held = (struct ear_held){.link = link, .lane = lane, .amount = amount};
    held->twin = ear_map_put(holdings->by_id, key_of(id), held);
    holdings->posts[lane] += amount.posts;
}

static void put_back(struct ear_holdings *holdings, const struct ear_id *id, struct ear_held *rest)
{
    if (rest) ear_map_put(holdings->by_id, key_of(id), rest);
}

struct ear_held *ear_holdings_take(struct ear_holdings *holdings, const struct ear_id *id)
{
    struct ear_held *chain = ear_map_take(holdings->by_id, key_of(id));
    for (const struct ear_held *held = chain; held; held = held->twin)
        holdings->posts[held->lane] -= held->amount.posts;
    return chain;
}

struct search {
    const struct ear_bus_link *link;
    struct ear_id id;
    bool found;
};

static bool came_over(void *self, struct ear_str key, void *value)
{
    struct search *search = self;
    for (const struct ear_held *held = value; held && !search->found; held = held->twin)
        search->found = held->link == search->link;
    if (search->found) memcpy(search->id.b, key.ptr, EAR_ID_BYTES);
    return !search->found;
}

bool ear_holdings_take_of(struct ear_holdings *holdings, const struct ear_bus_link *link,
                          struct ear_id *id, ear_lane *lane, bool *last)
{
    struct search search = {.link = link};
    ear_map_each(holdings->by_id, came_over, &search);
    if (!search.found) return false;
    struct ear_held *chain = ear_map_take(holdings->by_id, key_of(&search.id));
    struct ear_held **at = &chain;
    while ((*at)->link != link) at = &(*at)->twin;
    struct ear_held *held = *at;
    *at = held->twin;
    put_back(holdings, &search.id, chain);
    holdings->posts[held->lane] -= held->amount.posts;
    *id = search.id;
    *lane = held->lane;
    *last = chain == NULL;
    free(held);
    return true;
}
