#include "engine/clock.h"

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void set_timers(struct ear_clock *clock, const struct ear_policy *policy, int64_t from_us)
{
    clock->respond_by_us = clock->start_us + policy->first_response_s * EAR_US_PER_S;
    clock->breach_at_us = from_us + policy->first_response_s * EAR_US_PER_S;
    if (policy->warn_before_s > 0 && policy->warn_before_s < policy->first_response_s)
        clock->warn_at_us = clock->breach_at_us - policy->warn_before_s * EAR_US_PER_S;
}

struct ear_clock ear_clock_of_post(const struct ear_policy *policy, const struct ear_heard *heard)
{
    int64_t received_us = heard->received_at_us;
    struct ear_clock clock = {.start_us =
                                  most(heard->created_at_us, ear_id_time_us(&heard->post_id))};
    clock.start_us = least(clock.start_us, received_us);
    int64_t late_us = received_us - clock.start_us;
    if (late_us > EAR_LATE_US) clock.late_by_us = late_us;
    set_timers(&clock, policy, clock.late_by_us ? received_us : clock.start_us);
    return clock;
}

struct ear_clock ear_clock_from(const struct ear_policy *policy, int64_t start_us)
{
    struct ear_clock clock = {.start_us = start_us};
    set_timers(&clock, policy, start_us);
    return clock;
}

static void note(struct ear_entry *e, const struct ear_case *c, const struct ear_clock *clock)
{
    e->clock_no = c->clock_no;
    e->respond_by_us = clock->respond_by_us;
    e->late_by_us = clock->late_by_us;
}

void ear_clock_start(struct ear_book *book, struct ear_case *c, struct ear_entry *e,
                     const struct ear_clock *clock)
{
    c->clock_no++;
    c->respond_by_us = clock->respond_by_us;
    if (clock->warn_at_us)
        ear_book_due(book, c, EAR_DUE_WARN, clock->warn_at_us, EAR_DUE_START)->then_us =
            clock->breach_at_us;
    else
        (void)ear_book_due(book, c, EAR_DUE_BREACH, clock->breach_at_us, EAR_DUE_START);
    ear_entry_mark(e, EAR_KIND_CLOCK_STARTED);
    note(e, c, clock);
}

void ear_clock_pull(struct ear_book *book, struct ear_case *c, struct ear_entry *e,
                    const struct ear_clock *clock)
{
    if (c->respond_by_us == 0 || clock->respond_by_us >= c->respond_by_us) return;
    c->respond_by_us = clock->respond_by_us;
    int64_t warn_at_us = clock->warn_at_us ? clock->warn_at_us : clock->breach_at_us;
    ear_book_due(book, c, EAR_DUE_WARN, warn_at_us, EAR_DUE_MOVE)->then_us = clock->breach_at_us;
    (void)ear_book_due(book, c, EAR_DUE_BREACH, clock->breach_at_us, EAR_DUE_MOVE);
    note(e, c, clock);
}

void ear_clock_stop(struct ear_book *book, struct ear_case *c)
{
    if (c->respond_by_us == 0) return;
    c->respond_by_us = 0;
    (void)ear_book_due(book, c, EAR_DUE_WARN, 0, EAR_DUE_CLEAR);
    (void)ear_book_due(book, c, EAR_DUE_BREACH, 0, EAR_DUE_CLEAR);
}

void ear_clock_fire(struct ear_book *book, struct ear_case *c, const struct ear_due *due)
{
    struct ear_due *over = ear_book_alloc(book, sizeof(*over));
    *over = *due;
    over->change = EAR_DUE_CLEAR;
    over->next = NULL;
    *book->due_end = over;
    book->due_end = &over->next;
    if (!c || c->clock_no != due->clock_no || c->respond_by_us == 0) return;

    bool breach = due->kind == EAR_DUE_BREACH;
    struct ear_entry *e = ear_book_enter(book, c, "timer");
    ear_entry_mark(e, breach ? EAR_KIND_CLOCK_BREACHED : EAR_KIND_CLOCK_WARNED);
    e->clock_no = c->clock_no;
    e->respond_by_us = c->respond_by_us;
    if (breach) c->breached = true;
    if (!breach && due->then_us)
        (void)ear_book_due(book, c, EAR_DUE_BREACH, due->then_us, EAR_DUE_START);
}
