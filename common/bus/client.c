/* client: asks one replica of a service, and another where the first does not answer. */
#include "bus/events.h"
#include "bus/metrics.h"
#include "bus/names.h"
#include <stdlib.h>

#define QUESTIONS_MAX 1024
#define BODY_MAX      ((size_t)1 << 20)
#define TRIES         3 /* one for each third of the time */

struct question {
    struct question *prev, *next;
    struct ear_client *client; /* back */
    struct ear_id id;
    struct ear_buf body;
    struct ear_bus_link *link; /* who was asked last and still may answer; NULL: nobody */
    struct ear_timer *timer;
    int64_t third_ms;
    unsigned thirds;
    bool asked;
    ear_err verdict; /* refused before it was asked */
    ear_client_fn *fn;
    void *self;
};

struct ear_client {
    struct ear_bus *bus;
    struct ear_names *names;    /* owned */
    struct question *questions; /* owned list */
    size_t count;
    struct ear_timer *tick; /* owned */
    int64_t ticked_ms;
    struct ear_bus_link *turn; /* asked last by anyone; only compared */
};

static void remove_question(struct question *question)
{
    struct ear_client *client = question->client;
    *(question->prev ? &question->prev->next : &client->questions) = question->next;
    if (question->next) question->next->prev = question->prev;
    client->count--;
}

static const char *result_name(ear_err err)
{
    return err ? ear_err_name(err) : "answered";
}

static void finish(struct question *question, ear_err err, struct ear_str answer)
{
    remove_question(question);
    ear_timer_free(&question->timer);
    ear_metric_add(&M_BUS_CALLS, 1, "client", result_name(err));
    question->fn(question->self, err, answer);
    ear_buf_release(&question->body);
    free(question);
}

/* The next live link after the one whose turn it was, but not the one that owes an answer. */
static struct ear_bus_link *choose(const struct ear_client *client,
                                   const struct ear_bus_link *owing)
{
    struct ear_bus_link *first = NULL;
    bool passed = false;
    for (struct ear_bus_link *link = ear_names_first(client->names); link; link = link->next) {
        bool fit = link->state == EAR_BUS_LINK_LIVE && link != owing;
        if (fit && passed) return link;
        if (fit && !first) first = link;
        if (link == client->turn) passed = true;
    }
    return first;
}

static void send_question(struct question *question)
{
    struct ear_bus_link *link = choose(question->client, question->link);
    Earshot__V1__CallQuestion out = EARSHOT__V1__CALL_QUESTION__INIT;
    Earshot__V1__Frame frame = EARSHOT__V1__FRAME__INIT;
    if (!link) return;
    out.question_id = ear_wire_bytes(&question->id);
    out.body = (ProtobufCBinaryData){question->body.len, (uint8_t *)question->body.data};
    frame.body_case = EARSHOT__V1__FRAME__BODY_QUESTION;
    frame.question = &out;
    question->client->turn = link;
    question->link = link;
    question->asked = true;
    ear_bus_link_send(link, &frame); /* where that fails, closed() asks somebody else */
}

static void timed_out(void *self)
{
    struct question *question = self;
    if (question->verdict) {
        finish(question, question->verdict, EAR_STR_NONE);
    } else if (++question->thirds == TRIES) {
        finish(question, question->asked ? EAR_TIMEOUT : EAR_UNAVAILABLE, EAR_STR_NONE);
    } else {
        send_question(question);
    }
}

static void ask_waiting(struct ear_client *client)
{
    for (struct question *question = client->questions, *next; question; question = next) {
        next = question->next;
        if (!question->link && !question->verdict) send_question(question);
    }
}

static void opened(void *self, struct ear_bus_link *link)
{
    ear_bus_link_confirm(link);
    ask_waiting(self);
}

static void closed(void *self, struct ear_bus_link *link)
{
    struct ear_client *client = self;
    for (struct question *question = client->questions; question; question = question->next)
        if (question->link == link) question->link = NULL;
    ask_waiting(client);
}

static struct question *find(const struct ear_client *client, const struct ear_id *id)
{
    struct question *question = client->questions;
    while (question && ear_id_cmp(&question->id, id) != 0) question = question->next;
    return question;
}

static void frame(void *self, struct ear_bus_link *link, const Earshot__V1__Frame *frame)
{
    struct ear_client *client = self;
    struct ear_id id;
    if (frame->body_case != EARSHOT__V1__FRAME__BODY_ANSWER ||
        ear_wire_id(&frame->answer->question_id, false, &id)) {
        ear_frame_refuse(client->bus, "not expected", link->host);
        return;
    }
    /* A second replica's answer to what was answered already finds nothing. */
    struct question *question = find(client, &id);
    if (!question) return;
    const ProtobufCBinaryData *body = &frame->answer->body;
    finish(question, EAR_OK, (struct ear_str){(const char *)body->data, body->len});
}

static bool busy(void *self, const struct ear_bus_link *link)
{
    const struct ear_client *client = self;
    for (const struct question *question = client->questions; question; question = question->next)
        if (question->link == link) return true;
    return false;
}

static const struct ear_bus_link_ops link_ops = {
    .opened = opened, .closed = closed, .frame = frame, .busy = busy};

static void tick(void *self)
{
    struct ear_client *client = self;
    int64_t now_ms = ear_loop_now_ms(client->bus->loop);
    int64_t last_ms = client->ticked_ms;
    client->ticked_ms = now_ms;
    for (struct ear_bus_link *link = ear_names_first(client->names); link; link = link->next)
        ear_bus_link_tick(link, last_ms, now_ms);
}

ear_err ear_client_new(struct ear_client **out, struct ear_bus *bus, const char *servers,
                       const char *server_service, struct ear_diag *diag)
{
    struct ear_client *client = ear_alloc(sizeof(*client));
    client->bus = bus;
    *out = client;
    client->ticked_ms = ear_loop_now_ms(bus->loop);
    ear_timer_new(&client->tick, bus->loop, tick, client);
    ear_err err =
        ear_names_new(&client->names, bus, servers, server_service, &link_ops, client, diag);
    if (err)
        ear_client_free(out);
    else
        ear_timer_start(client->tick, bus->beat_ms, bus->beat_ms);
    return err;
}

void ear_client_free(struct ear_client **client_ptr)
{
    struct ear_client *client = *client_ptr;
    if (!client) return;
    while (client->questions) finish(client->questions, EAR_CLOSED, EAR_STR_NONE);
    ear_names_free(&client->names, 0);
    ear_timer_free(&client->tick);
    EAR_FREE(*client_ptr);
}

bool ear_client_reaches(const struct ear_client *client, struct ear_diag *why)
{
    return ear_names_reach(client->names, why);
}

static ear_err fill(struct question *question, struct ear_str request)
{
    if (question->client->count > QUESTIONS_MAX) return EAR_LIMITED;
    return ear_buf_append_str(&question->body, request);
}

void ear_client_ask(struct ear_client *client, struct ear_str request, int64_t timeout_ms,
                    ear_client_fn *fn, void *self)
{
    struct question *question = ear_alloc(sizeof(*question));
    *question = (struct question){.client = client,
                                  .id = ear_id_new(ear_clock_wall_us()),
                                  .third_ms = timeout_ms / TRIES,
                                  .next = client->questions,
                                  .fn = fn,
                                  .self = self};
    if (question->next) question->next->prev = question;
    client->questions = question;
    client->count++;
    ear_buf_init(&question->body, BODY_MAX);
    ear_timer_new(&question->timer, client->bus->loop, timed_out, question);
    question->verdict = fill(question, request);
    ear_timer_start(question->timer, question->verdict ? 0 : question->third_ms,
                    question->third_ms);
    if (!question->verdict) send_question(question);
}
