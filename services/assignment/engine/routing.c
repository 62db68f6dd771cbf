#include "engine/routing.h"

#include <stdlib.h>

/* "" for what this build does not know. */
static const char *topic_name(int topic)
{
    static const char *const names[] = {"",      "delivery", "billing", "account",
                                        "fault", "outage",   "booking", "refund",
                                        "staff", "howto",    "feature", "other"};
    return topic > 0 && (size_t)topic < EAR_COUNT(names) ? names[topic] : "";
}

/* How exactly a team asks for such cases; -1 when it does not take them. */
static int aptness(const struct ear_team *team, const char *language, const char *topic)
{
    if (!ear_words_allow(&team->topics, topic) || !ear_words_allow(&team->languages, language))
        return -1;
    return (team->topics.count ? 2 : 0) + (team->languages.count ? 1 : 0);
}

const char *ear_route_team(const struct ear_care *care, const char *account, const char *language,
                           int topic)
{
    const struct ear_account *known = ear_care_account(care, account);
    const struct ear_team *best = known ? ear_care_team(care, known->team) : NULL;
    if (!best) best = ear_care_default_team(care);
    if (!best) return "";
    int most = aptness(best, language, topic_name(topic));
    if (most < 0) most = 0;
    for (size_t i = 0; i < care->team_count; i++) {
        int apt = aptness(&care->teams[i], language, topic_name(topic));
        if (apt <= most) continue;
        most = apt;
        best = &care->teams[i];
    }
    return best->id;
}

static bool of_team(const struct ear_seat *seat, const struct ear_case *c)
{
    return seat->present && seat->agent->active && strcmp(seat->agent->team, c->team) == 0;
}

static bool has_room(const struct ear_seat *seat)
{
    return seat->open_cases < seat->agent->capacity;
}

static bool speaks(const struct ear_seat *seat, const struct ear_case *c)
{
    return ear_words_allow(&seat->agent->languages, c->language);
}

static bool anybody_speaks(const struct ear_book *book, const struct ear_case *c)
{
    for (const struct ear_seat *seat = book->seats; seat; seat = seat->next)
        if (of_team(seat, c) && speaks(seat, c)) return true;
    return false;
}

/* The last who had a case of this customer. */
static const char *acquaintance(const struct ear_book *book, const struct ear_case *c)
{
    const char *last = c->last_agent;
    int64_t last_us = last ? INT64_MAX : INT64_MIN;
    for (const struct ear_case *o = ear_book_cases_of(book, &c->customer_id); o;
         o = o->next_of_customer) {
        const char *agent = o->agent ? o->agent : o->last_agent;
        if (!agent || o->changed_at_us <= last_us) continue;
        last = agent;
        last_us = o->changed_at_us;
    }
    return last;
}

/* True when a is to be preferred: less of its capacity is used, then longer idle. */
static bool freer(const struct ear_seat *a, const struct ear_seat *b)
{
    int64_t load_a = (int64_t)a->open_cases * b->agent->capacity;
    int64_t load_b = (int64_t)b->open_cases * a->agent->capacity;
    if (load_a != load_b) return load_a < load_b;
    if (a->idle_since_us != b->idle_since_us) return a->idle_since_us < b->idle_since_us;
    return strcmp(a->agent->id, b->agent->id) < 0;
}

struct ear_seat *ear_route_agent(struct ear_book *book, const struct ear_case *c)
{
    bool by_language = anybody_speaks(book, c);
    const char *known = acquaintance(book, c);
    struct ear_seat *best = NULL;
    for (struct ear_seat *seat = book->seats; seat; seat = seat->next) {
        if (!of_team(seat, c) || !has_room(seat)) continue;
        if (by_language && !speaks(seat, c)) continue;
        if (known && strcmp(seat->agent->id, known) == 0) return seat;
        if (!best || freer(seat, best)) best = seat;
    }
    return best;
}

static void seat_case(struct ear_seat *seat, int64_t now_us)
{
    seat->open_cases++;
    seat->given++;
    seat->idle_since_us = now_us;
    seat->changed = true;
}

void ear_route_release(struct ear_book *book, struct ear_case *c)
{
    if (!c->agent) return;
    struct ear_seat *seat = ear_book_seat(book, c->agent);
    if (seat) {
        seat->open_cases--;
        seat->given--;
        seat->changed = true;
    }
    c->last_agent = c->agent;
    c->agent = NULL;
}

void ear_route_give(struct ear_book *book, struct ear_case *c, struct ear_entry *e,
                    const struct ear_agent *agent)
{
    const char *had = c->agent ? c->agent : c->last_agent;
    e->affinity = had && strcmp(had, agent->id) == 0;
    e->from_agent = c->agent;
    ear_route_release(book, c);
    struct ear_seat *seat = ear_book_seat(book, agent->id);
    if (seat) seat_case(seat, book->now_us);
    c->agent = agent->id;
    c->team = agent->team;
    ear_entry_mark(e, EAR_KIND_ASSIGNED);
    e->agent = agent->id;
    e->team = agent->team;
}

void ear_route_queue(struct ear_book *book, struct ear_case *c, struct ear_entry *e,
                     const char *team)
{
    e->from_agent = c->agent;
    ear_route_release(book, c);
    c->team = team;
    ear_entry_mark(e, EAR_KIND_QUEUED);
    e->team = team;
}

static void take_seat(struct ear_book *book, struct ear_case *c, struct ear_entry *e,
                      struct ear_seat *seat)
{
    const char *known = acquaintance(book, c);
    ear_route_give(book, c, e, seat->agent);
    seat->routed = true;
    e->affinity = known && strcmp(known, seat->agent->id) == 0;
}

/* ---- the queue ---- */

static int in_order(int64_t by_x, const struct ear_id *x, int64_t by_y, const struct ear_id *y)
{
    if (by_x == 0) by_x = INT64_MAX;
    if (by_y == 0) by_y = INT64_MAX;
    if (by_x != by_y) return by_x < by_y ? -1 : 1;
    return ear_id_cmp(x, y);
}

/* Who comes while others wait does not pass them because a hand is free at that moment. */
static bool others_first(const struct ear_book *book, const struct ear_case *c)
{
    for (const struct ear_head *head = book->heads; head; head = head->next)
        if (strcmp(head->team, c->team) == 0)
            return in_order(head->respond_by_us, &head->case_id, c->respond_by_us, &c->case_id) < 0;
    return false;
}

/* The team that the case waits for, or, where care knows it no more, the one it would go to now. */
static const char *lasting_team(const struct ear_book *book, const struct ear_case *c)
{
    if (ear_care_team(book->care, c->team)) return c->team;
    return ear_route_team(book->care, c->account, c->language, c->topic);
}

bool ear_route(struct ear_book *book, struct ear_case *c, struct ear_entry *e)
{
    c->team = lasting_team(book, c);
    struct ear_seat *seat = others_first(book, c) ? NULL : ear_route_agent(book, c);
    if (seat)
        take_seat(book, c, e, seat);
    else
        ear_route_queue(book, c, e, c->team);
    return seat != NULL;
}

int ear_queue_order(const void *a, const void *b)
{
    const struct ear_case *x = *(const struct ear_case *const *)a;
    const struct ear_case *y = *(const struct ear_case *const *)b;
    return in_order(x->respond_by_us, &x->case_id, y->respond_by_us, &y->case_id);
}

size_t ear_route_queued(struct ear_book *book, struct ear_case **queued, size_t count)
{
    size_t given = 0;
    if (count) qsort(queued, count, sizeof(struct ear_case *), ear_queue_order);
    for (size_t i = 0; i < count; i++) {
        struct ear_case *c = queued[i];
        if (c->agent || c->state != EAR_CASE_OPEN) continue;
        struct ear_seat *seat = ear_route_agent(book, c);
        if (!seat) continue;
        take_seat(book, c, ear_book_enter(book, c, ""), seat);
        given++;
    }
    return given;
}

static const char *stray_code(const struct ear_book *book, const struct ear_case *c)
{
    const struct ear_agent *agent = ear_care_agent(book->care, c->agent);
    if (c->state == EAR_CASE_CLOSED) return NULL;
    if (c->agent) return agent && agent->active ? NULL : "agent_left";
    return ear_care_team(book->care, c->team) ? NULL : "team_gone";
}

size_t ear_route_strays(struct ear_book *book, struct ear_case *const *cases, size_t count)
{
    size_t moved = 0;
    for (size_t i = 0; i < count; i++) {
        const char *code = stray_code(book, cases[i]);
        if (!code) continue;
        struct ear_entry *e = ear_book_enter(book, cases[i], "");
        ear_route_queue(book, cases[i], e, lasting_team(book, cases[i]));
        e->code = code;
        moved++;
    }
    return moved;
}
