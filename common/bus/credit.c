#include "bus/credit.h"

static uint64_t above(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

struct ear_amount ear_allowance_left(const struct ear_allowance *a)
{
    return (struct ear_amount){above(a->granted.posts, a->sent.posts),
                               above(a->granted.bytes, a->sent.bytes)};
}

bool ear_allowance_fits(const struct ear_allowance *allowance, struct ear_amount need)
{
    struct ear_amount left = ear_allowance_left(allowance);
    return need.posts <= left.posts && need.bytes <= left.bytes;
}

void ear_grant_init(struct ear_grant *grant, struct ear_amount window)
{
    *grant = (struct ear_grant){.window = window};
}

bool ear_grant_receive(struct ear_grant *grant, struct ear_amount got)
{
    if (got.posts > grant->top.posts - grant->received.posts) return false;
    if (got.bytes > grant->top.bytes - grant->received.bytes) return false;
    grant->received.posts += got.posts;
    grant->received.bytes += got.bytes;
    return true;
}

void ear_grant_settle(struct ear_grant *grant, struct ear_amount done)
{
    grant->settled.posts += done.posts;
    grant->settled.bytes += done.bytes;
    EAR_CHECK(grant->settled.posts <= grant->received.posts);
    EAR_CHECK(grant->settled.bytes <= grant->received.bytes);
}

bool ear_grant_stale(const struct ear_grant *g)
{
    return g->settled.posts + g->window.posts != g->announced.posts ||
           g->settled.bytes + g->window.bytes != g->announced.bytes;
}

bool ear_grant_due(const struct ear_grant *g)
{
    if (!ear_grant_stale(g)) return false;
    /* With nothing in flight the whole window must be on offer: a batch may need all of it. */
    if (g->settled.posts == g->received.posts) return true;
    uint64_t posts = g->settled.posts + g->window.posts - g->announced.posts;
    uint64_t bytes = g->settled.bytes + g->window.bytes - g->announced.bytes;
    return posts >= g->window.posts / 4 || bytes >= g->window.bytes / 4;
}

struct ear_amount ear_grant_announce(struct ear_grant *g)
{
    g->announced.posts = g->settled.posts + g->window.posts;
    g->announced.bytes = g->settled.bytes + g->window.bytes;
    if (g->announced.posts > g->top.posts) g->top.posts = g->announced.posts;
    if (g->announced.bytes > g->top.bytes) g->top.bytes = g->announced.bytes;
    return g->announced;
}

struct ear_amount ear_grant_withdraw(struct ear_grant *g)
{
    g->announced = g->received;
    return g->announced;
}
