/* world: a small firm and posts to it, for tables of cases about decisions. */
#ifndef EAR_TEST_WORLD_H
#define EAR_TEST_WORLD_H

#include "engine/book.h"
#include "engine/decide.h"
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
/* clang-format on */

#define S   EAR_US_PER_S
#define T0  (INT64_C(1795312800) * S) /* 2026-11-22T02:00:00Z */
#define ANA "ana"
#define BEN "ben"
#define CLO "clo"

static const char *const german[] = {"de"};
static const char *const billing[] = {"billing", "refund"};

#define WORDS(array)                                        \
    {                                                       \
        (const char **)(uintptr_t)(array), EAR_COUNT(array) \
    }

static struct ear_team world_teams[] = {
    {.id = "care", .is_default = true},
    {.id = "kasse", .languages = WORDS(german), .topics = WORDS(billing)},
    {.id = "money", .topics = WORDS(billing)},
};
static struct ear_agent world_agents[] = {
    {.id = ANA, .team = "care", .sign_off = "^Ana", .capacity = 2, .active = true},
    {.id = BEN, .team = "care", .sign_off = "^Ben", .capacity = 4, .active = true},
    {.id = CLO,
     .team = "care",
     .sign_off = "^Clo",
     .capacity = 2,
     .active = true,
     .languages = WORDS(german)},
    {.id = "dan", .team = "money", .sign_off = "", .capacity = 2, .active = true},
    {.id = "eve", .team = "care", .sign_off = "", .capacity = 2, .active = false},
};
static struct ear_account world_accounts[] = {
    {.id = "@firm", .platform = "bluesky", .team = "care"},
    {.id = "@help", .platform = "bluesky", .team = "care"},
};
static struct ear_policy world_policies[] = {
    {.id = "any", .first_response_s = 900, .warn_before_s = 300, .reopen_within_s = 86400},
};
static const struct ear_care world_care = {
    .teams = world_teams,
    .team_count = EAR_COUNT(world_teams),
    .agents = world_agents,
    .agent_count = EAR_COUNT(world_agents),
    .accounts = world_accounts,
    .account_count = EAR_COUNT(world_accounts),
    .policies = world_policies,
    .policy_count = EAR_COUNT(world_policies),
};

static inline struct ear_id id_of(uint8_t kind, uint8_t number)
{
    struct ear_id id = {{0}};
    id.b[8] = 0x80;
    id.b[14] = kind;
    id.b[15] = number;
    return id;
}

static inline struct ear_id world_new_id(int64_t now_us)
{
    static uint8_t count;
    struct ear_id id = {{0}};
    ear_put_be(id.b, (uint64_t)(now_us / 1000), 6);
    id.b[15] = ++count;
    return id;
}

/* A question of a customer at T0 + second, heard at once. */
static inline void say(struct ear_heard *s, uint8_t customer, uint8_t number, int64_t second)
{
    *s = (struct ear_heard){.post_id = id_of('p', number),
                            .customer_id = id_of('c', customer),
                            .self_ref = id_of('s', number),
                            .account = "@firm",
                            .platform = "bluesky",
                            .created_at_us = T0 + second * S,
                            .received_at_us = T0 + second * S + S,
                            .triage = {.language = "en",
                                       .answer = EARSHOT__V1__ANSWER__ANSWER_NEEDED,
                                       .intent = EARSHOT__V1__INTENT__INTENT_QUESTION,
                                       .model = "world-1"}};
}

static inline struct ear_case *decide_one(struct ear_book *book, struct ear_heard *s)
{
    const struct ear_heard *heard = s;
    assert_int_equal(ear_decide(book, &heard, 1), 1);
    struct ear_verdict *last = book->verdicts;
    while (last->next) last = last->next;
    return (struct ear_case *)(uintptr_t)last->of;
}

static inline ear_decision last_decision(const struct ear_book *book)
{
    const struct ear_verdict *last = book->verdicts;
    while (last->next) last = last->next;
    return last->decision;
}

static inline const struct ear_entry *last_entry(const struct ear_book *book)
{
    const struct ear_entry *last = book->entries;
    while (last && last->next) last = last->next;
    return last;
}

static inline void close_case(struct ear_case *c, int64_t second)
{
    c->state = EAR_CASE_CLOSED;
    c->last_agent = c->agent ? c->agent : c->last_agent;
    c->agent = NULL;
    c->respond_by_us = 0;
    c->closed_at_us = T0 + second * S;
}

static inline int world_up(void **state)
{
    struct ear_book *book = ear_alloc(sizeof(*book));
    ear_crypt_start();
    ear_book_init(book, &world_care, T0 + 60 * S, world_new_id);
    *state = book;
    return 0;
}

static inline int world_down(void **state)
{
    struct ear_book *book = *state;
    ear_book_release(book);
    free(book);
    return 0;
}

#define WORLD_TEST(fn) cmocka_unit_test_setup_teardown(fn, world_up, world_down)

#endif
