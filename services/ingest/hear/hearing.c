#include "hear/hearing.h"
#include "events.h"
#include "svc/svc.h"
#include <stdlib.h>

struct ear_hearing {
    struct ear_listener_env env;
    struct ear_listener **listeners;
    size_t count;
};

void ear_hearing_new(struct ear_hearing **out, const struct ear_listener_env *env)
{
    *out = ear_alloc(sizeof(**out));
    (*out)->env = *env;
}

void ear_hearing_free(struct ear_hearing **hearing_ptr)
{
    struct ear_hearing *hearing = *hearing_ptr;
    if (!hearing) return;
    for (size_t i = 0; i < hearing->count; i++) ear_listener_free(&hearing->listeners[i]);
    free(hearing->listeners);
    EAR_FREE(*hearing_ptr);
}

static bool is_heard(const struct ear_hearing *hearing, const char *account)
{
    for (size_t i = 0; i < hearing->count; i++) {
        if (strcmp(ear_listener_account(hearing->listeners[i]), account) == 0) return true;
    }
    return false;
}

static void drop_changed(struct ear_hearing *hearing, const struct ear_care *care)
{
    size_t kept = 0;
    for (size_t i = 0; i < hearing->count; i++) {
        struct ear_listener *listener = hearing->listeners[i];
        const struct ear_account *account =
            ear_care_find(care, ear_str_from(ear_listener_account(listener)));
        if (account && ear_listener_fits(listener, account)) {
            hearing->listeners[kept++] = listener;
        } else {
            ear_metric_set(&M_HEARD_AGE, 0, ear_listener_account(listener));
            ear_listener_free(&listener);
        }
    }
    hearing->count = kept;
}

void ear_hearing_follow(struct ear_hearing *hearing, const struct ear_care *care)
{
    drop_changed(hearing, care);
    size_t accounts = ear_care_count(care), count = hearing->count;
    struct ear_listener **all = ear_alloc((accounts + count + 1) * sizeof(struct ear_listener *));
    if (count) memcpy(all, hearing->listeners, count * sizeof(*all));
    for (size_t i = 0; i < accounts; i++) {
        const struct ear_account *account = ear_care_at(care, i);
        if (!account->enabled || !account->connector || is_heard(hearing, account->key)) continue;
        ear_listener_new(&all[count++], &hearing->env, account);
    }
    free(hearing->listeners);
    hearing->listeners = all;
    hearing->count = count;
}

void ear_hearing_lease_changed(struct ear_hearing *hearing, const char *lease, bool held)
{
    if (!hearing) return;
    for (size_t i = 0; i < hearing->count; i++) {
        if (strcmp(ear_listener_lease(hearing->listeners[i]), lease) == 0) {
            ear_listener_lease_changed(hearing->listeners[i], held);
        }
    }
}

void ear_hearing_show(const struct ear_hearing *hearing)
{
    if (!hearing) return;
    int64_t now_us = ear_clock_wall_us();
    for (size_t i = 0; i < hearing->count; i++) {
        int64_t heard_us = ear_listener_heard_us(hearing->listeners[i]);
        ear_metric_set(&M_HEARD_AGE, heard_us ? (double)(now_us - heard_us) / 1e6 : 0,
                       ear_listener_account(hearing->listeners[i]));
    }
}

ear_err ear_hearing_describe(const struct ear_hearing *hearing, struct ear_buf *json)
{
    struct ear_failing unheard;
    ear_failing_init(&unheard);
    for (size_t i = 0; hearing && i < hearing->count; i++) {
        const struct ear_listener *listener = hearing->listeners[i];
        const char *trouble = ear_listener_trouble(listener);
        if (*trouble)
            ear_failing_add(&unheard, ear_listener_account(listener),
                            ear_listener_connector(listener), ear_listener_heard_us(listener),
                            trouble);
    }
    return ear_failing_write(&unheard, "unheard", json);
}
