/* Stands where assignment stands, over the real bus: offers replies to responders and writes down
 * what comes back. Run by responder.sh.
 *
 *   integ.responder_feed REPLIES COMMANDS LEDGER    endpoints host:port; words on standard input:
 *     reply REPLY CUSTOMER CASE ACCOUNT TEXT…       offers it, until it is settled
 *     together N                                    the next N replies are offered as one batch
 *     deaf | contrary | hear                        outcomes are answered "unavailable",
 * "conflict", or taken
 *
 * Lines of LEDGER: "settled REPLY FATE" and
 * "outcome REPLY STATE ATTEMPTS REASON|- EXTERNAL_ID|- COMMAND_ID". */
#include "bus/bus.h"
#include "wire/wire.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <unistd.h>

#define TOGETHER_MAX 8

struct offered {
    TAILQ_ENTRY(offered) link;
    struct ear_id batch_id;
    char replies[TOGETHER_MAX][EAR_ID_TEXT_BYTES];
    struct ear_buf items[TOGETHER_MAX];
    size_t count, wanted;
    bool out;
};

struct feed {
    struct ear_loop *loop;
    struct ear_bus *bus;
    struct ear_source *source;
    struct ear_server *server;
    struct ear_watch *watch;
    TAILQ_HEAD(offers, offered) list;
    struct ear_buf input;
    FILE *ledger;
    const char *refusal; /* of outcomes; NULL: they are taken */
    size_t together;
};

static void offer_all(void *self)
{
    struct feed *feed = self;
    struct offered *o;
    TAILQ_FOREACH(o, &feed->list, link)
    {
        struct ear_str items[TOGETHER_MAX];
        for (size_t i = 0; i < o->count; i++) items[i] = ear_buf_str(&o->items[i]);
        struct ear_batch batch = {
            .id = o->batch_id, .lane = EAR_LANE_LIVE, .items = items, .count = o->count};
        if (!o->out && o->count == o->wanted)
            o->out = ear_source_offer(feed->source, &batch) == EAR_OK;
    }
}

static struct offered *find(struct feed *feed, const struct ear_id *batch_id)
{
    struct offered *o;
    TAILQ_FOREACH(o, &feed->list, link)
    if (ear_id_cmp(&o->batch_id, batch_id) == 0) return o;
    return NULL;
}

static void drop(struct feed *feed, struct offered *o)
{
    TAILQ_REMOVE(&feed->list, o, link);
    for (size_t i = 0; i < o->count; i++) ear_buf_release(&o->items[i]);
    free(o);
}

static void on_settled(void *self, const struct ear_settle *settle)
{
    struct feed *feed = self;
    struct offered *o = find(feed, &settle->batch_id);
    EAR_CHECK(o && settle->count == o->count);
    bool again = false;
    for (size_t i = 0; i < o->count; i++) {
        fprintf(feed->ledger, "settled %s %d\n", o->replies[i], settle->fates[i]);
        again |= settle->fates[i] == EAR_ITEM_RETURNED;
    }
    if (again)
        o->out = false;
    else
        drop(feed, o);
}

static void on_lost(void *self, const struct ear_id *batch_id)
{
    struct offered *o = find(self, batch_id);
    if (o) o->out = false;
    offer_all(self);
}

static ear_err take_id(struct ear_str *rest, struct ear_id *id)
{
    struct ear_str word;
    return ear_str_split(rest, ' ', &word) ? ear_id_parse(word, id) : EAR_INVALID;
}

static void offer_reply(struct feed *feed, struct ear_str rest)
{
    struct ear_id reply_id, customer_id, case_id;
    struct ear_str account;
    char account_text[128], text[2048];
    ear_err err = take_id(&rest, &reply_id);
    if (!err) err = take_id(&rest, &customer_id);
    if (!err) err = take_id(&rest, &case_id);
    EAR_CHECK(!err && ear_str_split(&rest, ' ', &account));
    EAR_CHECK(ear_str_copy(account_text, sizeof(account_text), account));
    EAR_CHECK(ear_str_copy(text, sizeof(text), rest));
    Earshot__V1__Reply reply = EARSHOT__V1__REPLY__INIT;
    reply.reply_id = ear_wire_bytes(&reply_id);
    reply.customer_id = ear_wire_bytes(&customer_id);
    reply.case_id = ear_wire_bytes(&case_id);
    reply.account = account_text;
    reply.platform = (char *)(uintptr_t) "webshop";
    reply.text = text;
    reply.agent = (char *)(uintptr_t) "ana";
    reply.sign_off = (char *)(uintptr_t) "^Ana";
    reply.created_at_us = ear_clock_wall_us();
    struct offered *o = TAILQ_LAST(&feed->list, offers);
    if (!o || o->count == o->wanted) {
        o = ear_alloc(sizeof(*o));
        o->batch_id = ear_id_new(ear_clock_wall_us());
        o->wanted = feed->together ? feed->together : 1;
        feed->together = 0;
        TAILQ_INSERT_TAIL(&feed->list, o, link);
    }
    ear_id_format(&reply_id, o->replies[o->count]);
    ear_buf_init(&o->items[o->count], 1 << 16);
    err = ear_wire_pack(&reply.base, &o->items[o->count++]);
    EAR_CHECK(!err);
    offer_all(feed);
}

static void together(struct feed *feed, struct ear_str rest)
{
    int64_t count;
    ear_err err = ear_num_i64(rest, 1, TOGETHER_MAX, &count);
    EAR_CHECK(!err);
    feed->together = (size_t)count;
}

static void obey(struct feed *feed, struct ear_str line)
{
    struct ear_str rest = line, word;
    if (!ear_str_split(&rest, ' ', &word)) return;
    if (ear_str_eq(word, EAR_STR("reply"))) offer_reply(feed, rest);
    if (ear_str_eq(word, EAR_STR("together"))) together(feed, rest);
    if (ear_str_eq(word, EAR_STR("deaf"))) feed->refusal = "unavailable";
    if (ear_str_eq(word, EAR_STR("contrary"))) feed->refusal = "conflict";
    if (ear_str_eq(word, EAR_STR("hear"))) feed->refusal = NULL;
}

static void on_input(void *self, unsigned events)
{
    struct feed *feed = self;
    char chunk[4096];
    (void)events;
    ssize_t got = read(STDIN_FILENO, chunk, sizeof(chunk));
    if (got == 0) ear_loop_stop(feed->loop);
    if (got <= 0) return;
    ear_err err = ear_buf_append(&feed->input, chunk, (size_t)got);
    EAR_CHECK(!err);
    for (char *end; (end = memchr(feed->input.data, '\n', feed->input.len)) != NULL;) {
        size_t len = (size_t)(end - feed->input.data);
        obey(feed, (struct ear_str){feed->input.data, len});
        ear_buf_consume(&feed->input, len + 1);
    }
}

static void note_outcome(struct feed *feed, const Earshot__V1__Command *command)
{
    struct ear_id reply_id, command_id;
    char reply_text[EAR_ID_TEXT_BYTES], command_text[EAR_ID_TEXT_BYTES];
    const Earshot__V1__Outcome *outcome = command->outcome;
    EAR_CHECK(ear_wire_id(&outcome->reply_id, false, &reply_id) == EAR_OK);
    EAR_CHECK(ear_wire_id(&command->command_id, false, &command_id) == EAR_OK);
    ear_id_format(&reply_id, reply_text);
    ear_id_format(&command_id, command_text);
    fprintf(feed->ledger, "outcome %s %d %u %s %s %s\n", reply_text, (int)outcome->state,
            outcome->attempts, outcome->reason[0] ? outcome->reason : "-",
            outcome->external_id[0] ? outcome->external_id : "-", command_text);
}

static void on_question(void *self, struct ear_call *call, struct ear_str request)
{
    struct feed *feed = self;
    struct ear_buf answer;
    struct ear_arena *arena = ear_arena_new(1 << 20);
    Earshot__V1__CommandResult result = EARSHOT__V1__COMMAND_RESULT__INIT;
    Earshot__V1__Command *command =
        EAR_UNPACK(Earshot__V1__Command, earshot__v1__command__descriptor, request, arena);
    EAR_CHECK(command && command->body_case == EARSHOT__V1__COMMAND__BODY_OUTCOME);
    result.command_id = command->command_id;
    if (feed->refusal)
        result.error = (char *)(uintptr_t)feed->refusal;
    else
        note_outcome(feed, command);
    ear_buf_init(&answer, 1 << 16);
    ear_err err = ear_wire_pack(&result.base, &answer);
    EAR_CHECK(!err);
    ear_server_answer(feed->server, &call, ear_buf_str(&answer));
    ear_buf_release(&answer);
    ear_arena_free(&arena);
}

int main(int argc, char **argv)
{
    static const struct ear_source_ops ops = {
        .room = offer_all, .settled = on_settled, .lost = on_lost};
    struct feed feed = {0};
    struct ear_diag diag = {0};
    struct ear_bus_opts opts = {.service = "assignment"};
    EAR_CHECK(argc == 4);
    ear_crypt_start();
    TAILQ_INIT(&feed.list);
    ear_buf_init(&feed.input, 1 << 20);
    feed.ledger = fopen(argv[3], "a");
    EAR_CHECK(feed.ledger);
    setvbuf(feed.ledger, NULL, _IOLBF, 0);
    fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
    ear_err err = ear_loop_new(&feed.loop);
    if (!err) err = ear_bus_new(&feed.bus, feed.loop, &opts, &diag);
    if (!err) err = ear_source_new(&feed.source, feed.bus, argv[1], &ops, &feed, &diag);
    if (!err) err = ear_server_new(&feed.server, feed.bus, argv[2], on_question, &feed, &diag);
    if (!err) err = ear_watch_new(&feed.watch, feed.loop, STDIN_FILENO, on_input, &feed);
    if (err) {
        fprintf(stderr, "%s\n", diag.text);
        return 1;
    }
    ear_watch_set(feed.watch, EAR_READABLE);
    ear_loop_run(feed.loop);
    ear_watch_free(&feed.watch);
    ear_server_free(&feed.server);
    ear_source_free(&feed.source);
    ear_bus_free(&feed.bus);
    ear_loop_free(&feed.loop);
    while (!TAILQ_EMPTY(&feed.list)) drop(&feed, TAILQ_FIRST(&feed.list));
    ear_buf_release(&feed.input);
    fclose(feed.ledger);
    return 0;
}
