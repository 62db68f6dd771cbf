/* assignment_peer: plays assignment's neighbours for tests/integ/assignment_*.sh.
 *
 *   feed BASE_S PORT FILE [N [AHEAD]]
 *       a classifier; every line of FILE is a triaged post, offered once N replicas are there,
 *       AHEAD batches at a time; ends when all is settled, prints the fates
 *
 *   ask SERVERS COMMAND_ID ACTOR KIND CASE_ID ARGUMENT [REASON]
 *       a command; prints its result
 *
 *   respond SERVERS COMMANDS COUNT STATE
 *       a responder that takes COUNT replies and tells STATE; with "unread" it can read none
 *       (sent, failed, unknown, none); prints each
 *
 * A line: NUMBER CUSTOMER SECOND ANSWER INTENT TOPIC LANGUAGE ACCOUNT REPLY_TO CONVERSATION OWN.
 * Numbers become ids, the same in every run; 0 is none; SECOND counts from BASE_S; a line "cut"
 * ends a batch, "bad" is an item that nobody can read. */
#include "bus/bus.h"
#include "log/log.h"
#include "wire/wire.h"
#include <stdio.h>
#include <stdlib.h>

#define BATCH_POSTS 16
#define PATIENCE_MS 120000

static struct ear_loop *loop;
static struct ear_bus *bus;

static _Noreturn void die(const char *what, const char *why)
{
    fprintf(stderr, "assignment_peer: %s: %s\n", what, why);
    exit(1);
}

static struct ear_id numbered(const char *kind, const char *number, int64_t at_s)
{
    struct ear_id id = ear_id_named(ear_str_from(kind), ear_str_from(number));
    if (at_s) ear_put_be(id.b, (uint64_t)at_s * 1000, 6);
    return id;
}

static int64_t number(const char *text)
{
    int64_t value = 0;
    if (ear_num_i64(ear_str_from(text), INT64_MIN, INT64_MAX, &value)) die("not a number", text);
    return value;
}

static void turn_until(const bool *over)
{
    int64_t deadline_ms = ear_clock_mono_ms() + PATIENCE_MS;
    while (!*over) {
        ear_loop_turn(loop, 100);
        if (ear_clock_mono_ms() > deadline_ms) die("waited too long", "nothing settled");
    }
}

/* ---- feed ---- */

struct parcel {
    struct ear_id id;
    struct ear_buf items[BATCH_POSTS];
    size_t count;
    struct feeder *feeder;
    bool offered, settled;
    struct parcel *next;
};

struct feeder {
    struct ear_source *source;
    size_t ahead;
    struct ear_timer *again; /* room is told at edges only */
    struct parcel *parcels;
};

static size_t fates[3], lost, open_parcels;
static bool all_settled;
static size_t sinks_least = 1; /* so many replicas must be there before anything is offered */
static size_t ahead_most = 8;  /* batches offered and not settled: so few that all get some */

#define FIELDS 11
struct line {
    char *field[FIELDS];
};

static bool split(char *text, struct line *line)
{
    size_t count = 0;
    struct ear_str rest = ear_str_from(text);
    struct ear_str word;
    while (count < FIELDS && ear_str_split(&rest, ' ', &word)) {
        line->field[count++] = text + (word.ptr - text);
        text[(word.ptr - text) + (ptrdiff_t)word.len] = '\0';
    }
    return count == FIELDS;
}

static void put_post(const struct line *line, int64_t base_s, struct ear_buf *out)
{
    char *const *f = line->field;
    char platform[] = "bluesky", model[] = "test", text[] = "hello", none[] = "";
    char *why[] = {model, platform};
    int64_t at_us = (base_s + number(f[2])) * EAR_US_PER_S;
    struct ear_id post_id = numbered("post", f[0], base_s);
    struct ear_id customer_id = numbered("customer", f[1], 0);
    struct ear_id self = numbered("ref", f[0], 0), reply = numbered("ref", f[8], 0),
                  conversation = numbered("conversation", f[9], 0);
    Earshot__V1__Post post = EARSHOT__V1__POST__INIT;
    Earshot__V1__Triage triage = EARSHOT__V1__TRIAGE__INIT;
    Earshot__V1__TriagedPost triaged = EARSHOT__V1__TRIAGED_POST__INIT;
    struct ear_buf packed;
    post.post_id = ear_wire_bytes(&post_id);
    post.customer_id = ear_wire_bytes(&customer_id);
    post.self_ref = ear_wire_bytes(&self);
    if (strcmp(f[8], "0") != 0) post.reply_ref = ear_wire_bytes(&reply);
    if (strcmp(f[9], "0") != 0) post.conversation_ref = ear_wire_bytes(&conversation);
    post.platform = platform;
    post.account = strcmp(f[7], "-") == 0 ? none : f[7];
    post.text = text;
    post.created_at_us = at_us;
    post.received_at_us = at_us + EAR_US_PER_S;
    post.stored_at_us = at_us + EAR_US_PER_S;
    post.own = strcmp(f[10], "1") == 0;
    triage.answer = (Earshot__V1__Answer)number(f[3]);
    triage.intent = (Earshot__V1__Intent)number(f[4]);
    triage.topic = (Earshot__V1__Topic)number(f[5]);
    triage.language = f[6];
    triage.answer_p = triage.intent_p = 0.9F;
    triage.model = model;
    triage.why = why;
    triage.n_why = EAR_COUNT(why);
    triage.triaged_at_us = at_us + 2 * EAR_US_PER_S;
    ear_buf_init(&packed, 1 << 16);
    if (ear_wire_pack(&post.base, &packed)) die("pack", "post");
    triaged.post = (ProtobufCBinaryData){packed.len, (uint8_t *)packed.data};
    triaged.triage = &triage;
    if (ear_wire_pack(&triaged.base, out)) die("pack", "triaged post");
    ear_buf_release(&packed);
}

static struct parcel *add_parcel(struct feeder *feeder)
{
    struct parcel *p = ear_alloc(sizeof(*p));
    p->id = ear_id_new(ear_clock_wall_us());
    p->feeder = feeder;
    struct parcel **end = &feeder->parcels;
    while (*end) end = &(*end)->next;
    *end = p;
    open_parcels++;
    return p;
}

static void read_feed(struct feeder *feeder, int64_t base_s, const char *path)
{
    char text[512];
    FILE *file = fopen(path, "r");
    struct parcel *p = NULL;
    if (!file) die("cannot read", path);
    while (fgets(text, sizeof(text), file)) {
        struct line line;
        text[strcspn(text, "\n")] = '\0';
        if (strcmp(text, "cut") == 0 || (p && p->count == BATCH_POSTS)) p = NULL;
        if (strcmp(text, "cut") == 0) continue;
        if (!p) p = add_parcel(feeder);
        struct ear_buf *item = &p->items[p->count++];
        ear_buf_init(item, 1 << 16);
        if (strcmp(text, "bad") == 0) {
            if (ear_buf_append_str(item, EAR_STR("\xff\xff not a message"))) die("bad", "item");
        } else if (split(text, &line)) {
            put_post(&line, base_s, item);
        } else {
            die("not a line of a feed", text);
        }
    }
    fclose(file);
}

static void offer(void *self)
{
    struct feeder *feeder = self;
    struct ear_source_stats stats;
    ear_source_stats(feeder->source, &stats);
    if (stats.sinks < sinks_least) return;
    sinks_least = 1; /* later on, whoever is alive */
    for (struct parcel *p = feeder->parcels; p && feeder->ahead < ahead_most; p = p->next) {
        struct ear_str items[BATCH_POSTS];
        if (p->offered) continue;
        for (size_t i = 0; i < p->count; i++) items[i] = ear_buf_str(&p->items[i]);
        struct ear_batch batch = {
            .id = p->id, .lane = EAR_LANE_LIVE, .items = items, .count = p->count};
        ear_err err = ear_source_offer(feeder->source, &batch);
        if (err == EAR_AGAIN) return;
        if (err) die("offer", ear_err_text(err));
        p->offered = true;
        feeder->ahead++;
    }
}

static struct parcel *find(struct feeder *feeder, const struct ear_id *id)
{
    for (struct parcel *p = feeder->parcels; p; p = p->next)
        if (ear_id_cmp(&p->id, id) == 0) return p;
    die("settled", "an unknown batch");
}

static void settled(void *self, const struct ear_settle *settle)
{
    struct feeder *feeder = self;
    struct parcel *p = find(feeder, &settle->batch_id);
    if (p->settled || settle->count != p->count) die("settled", "twice, or by another size");
    bool returned = false;
    feeder->ahead--;
    for (size_t i = 0; i < settle->count; i++) {
        fates[settle->fates[i]]++;
        returned |= settle->fates[i] == EAR_ITEM_RETURNED;
    }
    p->settled = !returned;
    p->offered = !returned;
    if (p->settled && --open_parcels == 0) all_settled = true;
    offer(self);
}

static void was_lost(void *self, const struct ear_id *batch_id)
{
    struct feeder *feeder = self;
    find(feeder, batch_id)->offered = false;
    feeder->ahead--;
    lost++;
    offer(self);
}

static int feed(int64_t base_s, const char *port, const char *path)
{
    static const struct ear_source_ops ops = {.room = offer, .settled = settled, .lost = was_lost};
    struct feeder feeder = {0};
    struct ear_diag diag;
    char endpoint[64];
    snprintf(endpoint, sizeof(endpoint), "127.0.0.1:%s", port);
    read_feed(&feeder, base_s, path);
    if (ear_source_new(&feeder.source, bus, endpoint, &ops, &feeder, &diag))
        die(endpoint, diag.text);
    ear_timer_new(&feeder.again, loop, offer, &feeder);
    ear_timer_start(feeder.again, 20, 20);
    turn_until(&all_settled);
    printf("done=%zu returned=%zu failed=%zu lost=%zu\n", fates[EAR_ITEM_DONE],
           fates[EAR_ITEM_RETURNED], fates[EAR_ITEM_FAILED], lost);
    ear_timer_free(&feeder.again);
    ear_source_free(&feeder.source);
    while (feeder.parcels) {
        struct parcel *p = feeder.parcels;
        feeder.parcels = p->next;
        for (size_t j = 0; j < p->count; j++) ear_buf_release(&p->items[j]);
        free(p);
    }
    return 0;
}

/* ---- ask ---- */

static bool answered;

static void on_answer(void *self, ear_err err, struct ear_str answer)
{
    (void)self;
    answered = true;
    if (err) die("no answer", ear_err_text(err));
    struct ear_arena *arena = ear_arena_new(1 << 16);
    Earshot__V1__CommandResult *r = EAR_UNPACK(
        Earshot__V1__CommandResult, earshot__v1__command_result__descriptor, answer, arena);
    struct ear_id reply_id;
    char text[EAR_ID_TEXT_BYTES];
    if (!r || ear_wire_id(&r->reply_id, true, &reply_id)) die("answer", "malformed");
    ear_id_format(&reply_id, text);
    printf("%s|%s|%s|%s\n", r->error[0] ? r->error : "ok", r->repeated ? "repeated" : "first", text,
           r->message);
    ear_arena_free(&arena);
}

static void send(struct ear_client *client, const Earshot__V1__Command *command)
{
    struct ear_buf packed;
    ear_buf_init(&packed, 1 << 20);
    if (ear_wire_pack(&command->base, &packed)) die("pack", "command");
    ear_client_ask(client, ear_buf_str(&packed), 20000, on_answer, NULL);
    ear_buf_release(&packed);
}

static int ask(char **v)
{
    struct ear_client *client;
    struct ear_diag diag;
    struct ear_id command_id = numbered("command", v[1], 0);
    struct ear_id case_id = {{0}};
    char none[] = "";
    if (strcmp(v[4], "-") != 0 && ear_id_parse(ear_str_from(v[4]), &case_id)) die("case", v[4]);
    ProtobufCBinaryData of = ear_wire_bytes(&case_id);
    Earshot__V1__Command c = EARSHOT__V1__COMMAND__INIT;
    Earshot__V1__ReplyCommand reply = EARSHOT__V1__REPLY_COMMAND__INIT;
    Earshot__V1__NoteCommand note = EARSHOT__V1__NOTE_COMMAND__INIT;
    Earshot__V1__AssignCommand assign = EARSHOT__V1__ASSIGN_COMMAND__INIT;
    Earshot__V1__ResolveCommand resolve = EARSHOT__V1__RESOLVE_COMMAND__INIT;
    Earshot__V1__ReopenCommand reopen = EARSHOT__V1__REOPEN_COMMAND__INIT;
    Earshot__V1__PresenceCommand presence = EARSHOT__V1__PRESENCE_COMMAND__INIT;
    c.command_id = ear_wire_bytes(&command_id);
    c.actor = strcmp(v[2], "-") == 0 ? none : v[2];
    c.reason = v[6] ? v[6] : none;
    reply.case_id = note.case_id = assign.case_id = resolve.case_id = reopen.case_id = of;
    reply.text = note.text = assign.agent = assign.team = resolve.code = presence.agent = v[5];
    if (strcmp(v[3], "reply") == 0) {
        c.body_case = EARSHOT__V1__COMMAND__BODY_REPLY;
        c.reply = &reply;
    } else if (strcmp(v[3], "note") == 0) {
        c.body_case = EARSHOT__V1__COMMAND__BODY_NOTE;
        c.note = &note;
    } else if (strncmp(v[3], "assign", 6) == 0) {
        c.body_case = EARSHOT__V1__COMMAND__BODY_ASSIGN;
        c.assign = &assign;
        if (strcmp(v[3], "assign-team") == 0)
            assign.agent = none;
        else
            assign.team = none;
    } else if (strcmp(v[3], "resolve") == 0) {
        c.body_case = EARSHOT__V1__COMMAND__BODY_RESOLVE;
        c.resolve = &resolve;
    } else if (strcmp(v[3], "reopen") == 0) {
        c.body_case = EARSHOT__V1__COMMAND__BODY_REOPEN;
        c.reopen = &reopen;
    } else {
        c.body_case = EARSHOT__V1__COMMAND__BODY_PRESENCE;
        c.presence = &presence;
        presence.present = strcmp(v[3], "present") == 0;
        presence.by_shift = strcmp(v[3], "by-shift") == 0;
    }
    if (ear_client_new(&client, bus, v[0], "assignment", &diag)) die(v[0], diag.text);
    send(client, &c);
    turn_until(&answered);
    ear_client_free(&client);
    return 0;
}

/* ---- respond ---- */

#define UNREAD 4 /* of no use to this responder */

static struct {
    struct ear_sink *sink;
    struct ear_client *client;
    size_t left;
    int state;
    bool over;
} responder;

static void tell_outcome(const Earshot__V1__Reply *reply)
{
    struct ear_id command_id = ear_id_new(ear_clock_wall_us());
    struct ear_id ref = ear_id_named(
        EAR_STR("sent"), (struct ear_str){(const char *)reply->reply_id.data, reply->reply_id.len});
    char external[] = "at://sent", reason[] = "too_long", none[] = "";
    Earshot__V1__Command c = EARSHOT__V1__COMMAND__INIT;
    Earshot__V1__Outcome o = EARSHOT__V1__OUTCOME__INIT;
    c.command_id = ear_wire_bytes(&command_id);
    c.body_case = EARSHOT__V1__COMMAND__BODY_OUTCOME;
    c.outcome = &o;
    o.reply_id = reply->reply_id;
    o.customer_id = reply->customer_id;
    o.case_id = reply->case_id;
    o.state = (Earshot__V1__OutcomeState)responder.state;
    o.visible_at_us = ear_clock_wall_us();
    o.attempts = 1;
    o.reason = responder.state == 1 ? none : reason;
    if (responder.state == 1) {
        o.external_id = external;
        o.external_ref = ear_wire_bytes(&ref);
    }
    answered = false;
    send(responder.client, &c);
}

static void on_reply(void *self, const struct ear_batch *batch)
{
    (void)self;
    struct ear_arena *arena = ear_arena_new(1 << 20);
    uint8_t fate[EAR_BATCH_POSTS_MAX] = {0};
    for (size_t i = 0; i < batch->count; i++) {
        Earshot__V1__Reply *r =
            EAR_UNPACK(Earshot__V1__Reply, earshot__v1__reply__descriptor, batch->items[i], arena);
        if (!r) die("reply", "malformed");
        printf("reply|%s|%s|%s|%s|%s\n", r->account, r->agent, r->sign_off,
               r->by_rule ? "rule" : "person", r->text);
        if (responder.state == UNREAD)
            fate[i] = EAR_ITEM_FAILED;
        else if (responder.state)
            tell_outcome(r);
        if (responder.left > 0 && --responder.left == 0) responder.over = true;
    }
    struct ear_settle settle = {.batch_id = batch->id, .fates = fate, .count = batch->count};
    ear_sink_settle(responder.sink, &settle);
    ear_arena_free(&arena);
}

static int respond(char **v)
{
    static const struct ear_sink_ops ops = {.batch = on_reply};
    static const char *const states[] = {"none", "sent", "failed", "unknown", "unread"};
    struct ear_sink_opts opts = {.sources = v[0], .source_service = "assignment"};
    struct ear_diag diag;
    responder.left = (size_t)number(v[2]);
    for (int i = 0; i < 5; i++)
        if (strcmp(states[i], v[3]) == 0) responder.state = i;
    if (ear_client_new(&responder.client, bus, v[1], "assignment", &diag)) die(v[1], diag.text);
    if (ear_sink_new(&responder.sink, bus, &opts, &ops, NULL, &diag)) die(v[0], diag.text);
    turn_until(&responder.over);
    if (responder.state && responder.state != UNREAD) turn_until(&answered);
    for (int i = 0; i < 20; i++) ear_loop_turn(loop, 10); /* the settle goes out */
    ear_sink_free(&responder.sink);
    ear_client_free(&responder.client);
    return 0;
}

static int play(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (argc >= 5 && argc <= 7 && strcmp(what, "feed") == 0) {
        if (argc > 5) sinks_least = (size_t)number(argv[5]);
        if (argc > 6) ahead_most = (size_t)number(argv[6]);
        return feed(number(argv[2]), argv[3], argv[4]);
    }
    if (argc >= 8 && argc <= 9 && strcmp(what, "ask") == 0) return ask(argv + 2);
    if (argc == 6 && strcmp(what, "respond") == 0) return respond(argv + 2);
    return 2;
}

int main(int argc, char **argv)
{
    struct ear_bus_opts opts = {.service = "classifier", .resolve_ms = 200};
    struct ear_diag diag;
    ear_crypt_start();
    ear_log_start("peer", EAR_LOG_WARN);
    if (argc > 1 && strcmp(argv[1], "ask") == 0) opts.service = "operator";
    if (argc > 1 && strcmp(argv[1], "respond") == 0) opts.service = "responder";
    if (ear_loop_new(&loop) || ear_bus_new(&bus, loop, &opts, &diag)) die("bus", diag.text);
    int status = play(argc, argv);
    ear_bus_free(&bus);
    ear_loop_free(&loop);
    return status;
}
