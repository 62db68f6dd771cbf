/* starve_out: what starve does, of what goes out and of what people hand in: replies as each
 * platform wants them, a Bluesky session, posts in the classifier, models, a firm's rules,
 * care.yaml, lines of classify, the configuration.
 *
 * starve_out [SCENARIO…] */
#include "atp/session.h"
#include "care/care_file.h"
#include "care_model.h"
#include "conf/conf.h"
#include "connectors/bluesky/compose.h"
#include "connectors/mail/letter.h"
#include "connectors/webhook/payload.h"
#include "connectors/webhook/sign.h"
#include "firm_rules.h"
#include "image.h"
#include "judge/post_line.h"
#include "starve.h"
#include "work.h"
#include "json/json.h"

#define NOW INT64_C(1795312800000000)

static const struct ear_id some_id = {{1, 2, 3}};
static char model_path[64]; /* of run_model */

static struct ear_send_job job_of(const struct ear_fit *fit)
{
    return (struct ear_send_job){
        .reply_id = some_id,
        .case_id = some_id,
        .key = EAR_STR("earshot.1@care.test"),
        .account = EAR_STR("@shop"),
        .platform = EAR_STR("webshop"),
        .fit = fit,
        .text = EAR_STR("We are sorry."),
        .sign_off = EAR_STR("^Ana"),
        .agent = EAR_STR("ana"),
        .created_at_us = NOW,
        .thread =
            EAR_STR("{\"message_id\":\"1@c.test\",\"subject\":\"Parcel\",\"name\":\"Zo\xc3\xab\","
                    "\"references\":[\"0@c.test\",\"00@c.test\"]}"),
        .post_id = EAR_STR("order-7"),
        .recipient_id = EAR_STR("zoe@cust.test"),
        .recipient_name = EAR_STR("zoe"),
    };
}

/* --- replies --- */

static ear_err run_payload(struct ear_buf *out)
{
    struct ear_fit fit;
    struct ear_buf body;
    ear_fit_init(&fit);
    ear_buf_init(&body, STARVE_BYTES_MAX);
    ear_err err = ear_fit_add(&fit, EAR_STR("We are sorry. ^Ana"));
    struct ear_send_job job = job_of(&fit);
    if (!err) err = ear_webhook_payload(&job, &body);
    if (!err) err = ear_buf_append_str(out, ear_buf_str(&body));
    ear_buf_release(&body);
    ear_fit_release(&fit);
    return err;
}

static ear_err run_sign(struct ear_buf *out)
{
    struct ear_buf key, signature;
    ear_buf_init(&key, STARVE_BYTES_MAX);
    ear_buf_init(&signature, STARVE_BYTES_MAX);
    ear_err err = ear_webhook_secret(EAR_STR("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="),
                                     &key, NULL);
    if (err) err = EAR_NO_MEMORY; /* the account cannot be opened, and is tried again */
    if (!err)
        err = ear_webhook_sign(ear_buf_str(&key), EAR_STR("id"), EAR_STR("1795312800"),
                               EAR_STR("body"), &signature);
    if (!err) err = ear_buf_append_str(out, ear_buf_str(&signature));
    ear_buf_release(&signature);
    ear_buf_release(&key);
    return err;
}

static ear_err run_mail(struct ear_buf *out)
{
    const struct ear_letter_from from = {EAR_STR("care@care.test"), EAR_STR("K\xc3\xa4rcare")};
    struct ear_fit fit;
    struct ear_buf raw;
    char to[EAR_LETTER_TO_BYTES];
    ear_fit_init(&fit);
    ear_buf_init(&raw, STARVE_BYTES_MAX);
    ear_err err = ear_fit_add(&fit, EAR_STR("Es tut uns leid, Zo\xc3\xab.\n\n^Ana\n"));
    struct ear_send_job job = job_of(&fit);
    if (!err) err = ear_letter_write(&job, &from, NOW, &raw, to, NULL);
    if (!err) err = ear_buf_append_str(out, ear_buf_str(&raw));
    ear_buf_release(&raw);
    ear_fit_release(&fit);
    return err;
}

static ear_err run_fit(struct ear_buf *out)
{
    char text[1200];
    struct ear_fit fit;
    for (size_t i = 0; i < sizeof(text); i++) text[i] = i % 8 ? 'x' : ' ';
    ear_fit_init(&fit);
    ear_err err =
        ear_bluesky_fit((struct ear_str){text, sizeof(text)}, EAR_STR("^Ana"), 8, &fit, NULL);
    if (!err) err = ear_buf_append_str(out, ear_buf_str(&fit.text));
    ear_fit_release(&fit);
    return err;
}

static ear_err run_record(struct ear_buf *out)
{
    const struct ear_bluesky_ref ref = {EAR_STR("at://did:plc:a/app.bsky.feed.post/3k"),
                                        EAR_STR("bafy")};
    const struct ear_bluesky_post post = {
        .text = EAR_STR("@zoe.test see https://firm.example/help and https://firm.example/more"),
        .parent = ref,
        .root = ref,
        .mention_handle = EAR_STR("zoe.test"),
        .mention_did = EAR_STR("did:plc:zoe"),
        .at_us = NOW};
    struct ear_buf text;
    json_t *record = ear_bluesky_record(&post);
    ear_buf_init(&text, STARVE_BYTES_MAX);
    ear_err err = record ? ear_json_write(record, &text) : EAR_NO_MEMORY;
    if (!err) err = ear_buf_append_str(out, ear_buf_str(&text));
    ear_buf_release(&text);
    json_decref(record);
    return err;
}

static ear_err run_thread(struct ear_buf *out)
{
    struct ear_bluesky_ref parent, root;
    json_t *thread = NULL;
    ear_err err = ear_bluesky_thread(EAR_STR("{\"uri\":\"at://did:plc:a/app.bsky.feed.post/3k\","
                                             "\"cid\":\"bafy\"}"),
                                     &thread, &parent, &root);
    if (!err) err = ear_buf_append_str(out, root.uri);
    json_decref(thread);
    return err;
}

/* --- a session --- */

static ear_err run_session(struct ear_buf *out)
{
    struct ear_atp_session session;
    json_t *answer = NULL;
    ear_atp_session_init(&session);
    ear_err err = ear_json_parse(EAR_STR("{\"did\":\"did:plc:a\",\"accessJwt\":\"aa.bb.cc\","
                                         "\"refreshJwt\":\"dd.ee.ff\"}"),
                                 STARVE_BYTES_MAX, &answer, NULL);
    if (!err) err = ear_atp_session_adopt(&session, answer, "https://bsky.test", "care.test");
    /* Its text is for the next process: without it that logs in again. */
    if (!err) err = ear_buf_append_str(out, ear_str_from(session.access));
    json_decref(answer);
    ear_atp_session_release(&session);
    return err;
}

/* --- the classifier --- */

static ear_err run_image(struct ear_buf *out)
{
    static struct ear_triager *triager; /* its word lists stand before anybody goes hungry */
    Earshot__V1__Post post = EARSHOT__V1__POST__INIT;
    struct ear_image_facts facts;
    struct ear_buf packed, image;
    struct ear_model *model = triager ? NULL : care_model_new("care-1", care_topics, 0.5F);
    if (model) EAR_CHECK(ear_triager_new(&model, &triager, NULL) == EAR_OK);
    post.post_id = post.customer_id = ear_wire_bytes(&some_id);
    post.text = (char *)(uintptr_t) "My parcel has not arrived, where is it?";
    ear_buf_init(&packed, STARVE_BYTES_MAX);
    ear_buf_init(&image, STARVE_BYTES_MAX);
    ear_err err = ear_wire_pack(&post.base, &packed);
    if (!err) err = ear_image_make(triager, ear_buf_str(&packed), NOW, &image, &facts);
    if (!err) err = ear_buf_append_str(out, ear_buf_str(&image));
    ear_buf_release(&image);
    ear_buf_release(&packed);
    return err;
}

/* A batch is kept whole or not at all. */
static ear_err run_work(struct ear_buf *out)
{
    static const char bytes[600] = "first";
    const struct ear_str items[] = {{bytes, 50}, {bytes + 1, sizeof(bytes) - 1}, {bytes + 2, 50}};
    const struct ear_batch batch = {.id = some_id, .items = items, .count = EAR_COUNT(items)};
    struct ear_work *work = ear_work_new(&batch);
    ear_err err = work ? EAR_OK : EAR_NO_MEMORY;
    for (size_t i = 0; i < EAR_COUNT(items) && !err; i++)
        err = ear_buf_append_str(out, ear_work_item(work, i));
    ear_work_free(&work);
    return err;
}

static void remove_model(void)
{
    (void)unlink(model_path);
}

/* A file that could not be loaded is loaded again (test_supply.c). */
static ear_err run_model(struct ear_buf *out)
{
    struct ear_model *model = NULL;
    struct ear_diag diag;
    if (access(model_path, F_OK) != 0) { /* the first run is the one in plenty */
        care_model_put(model_path, "care-1", care_topics, 0.5F);
        EAR_CHECK(atexit(remove_model) == 0);
    }
    ear_err err = ear_model_load(model_path, &model, &diag);
    if (!err) err = ear_buf_append_str(out, ear_model_info(model).version);
    ear_model_free(&model);
    return err;
}

/* A rule that is passed over would leave somebody in danger waiting. */
static ear_err run_rules(struct ear_buf *out)
{
    struct ear_firm_rules *rules;
    struct ear_rule_hits hits;
    struct ear_diag diag;
    ear_err err = ear_firm_rules_parse("care.rules",
                                       EAR_STR("2 safety: on fire | gas leak | injur*\n"
                                               "0 router: router x200 | /x-?200( pro)?/\n"),
                                       &rules, &diag);
    if (err) return err;
    ear_firm_rules_apply(rules, EAR_STR("the \xff router X200 is on fire"), &hits);
    for (size_t i = 0; i < hits.count && !err; i++) err = ear_buf_append_str(out, hits.tags[i]);
    ear_firm_rules_free(&rules);
    return err;
}

/* Whoever reads a line of classify's input. */
static ear_err run_post_line(struct ear_buf *out)
{
    struct ear_model_post post;
    struct ear_arena *room = ear_arena_new(EAR_POST_LINE_ROOM_MAX);
    ear_err err =
        ear_post_line_read(EAR_STR("{\"text\":\"Wo ist \\u201emein\\u201c Paket?\",\"lang\":"
                                   "\"de\",\"more\":[1,{}]}"),
                           room, &post, NULL);
    if (!err) err = ear_buf_append_str(out, post.text);
    ear_arena_free(&room);
    return err;
}

/* --- care.yaml: a table that lacks a row would take people's work away --- */

static ear_err run_care(struct ear_buf *out)
{
    static const char care[] =
        "firm: Northern Line Parcels\n"
        "teams:\n"
        "  - { id: care, name: Customer care, default: true, languages: [en, de] }\n"
        "accounts:\n"
        "  - { id: \"@shop\", platform: webshop, team: care, secrets: [shop],\n"
        "      settings: { url: \"https://shop.test\" } }\n"
        "agents:\n"
        "  - id: ana\n"
        "    name: Ana Prieto\n"
        "    team: care\n"
        "    capacity: 8\n"
        "    shifts: [{ days: mon-fri, from: \"08:00\", to: \"16:30\", zone: Europe/London }]\n"
        "policies:\n"
        "  - { id: standard, first_response: 15m }\n";
    FILE *nowhere = fopen("/dev/null", "w");
    struct ear_buf text;
    json_t *document = NULL;
    ear_buf_init(&text, STARVE_BYTES_MAX);
    ear_err err = ear_care_parse(EAR_STR(care), "care.yaml", &document, nowhere);
    if (err == EAR_INVALID) err = EAR_NO_MEMORY; /* refused: the operator tries again */
    if (!err) err = ear_json_write(document, &text);
    if (!err) err = ear_buf_append_str(out, ear_buf_str(&text));
    ear_buf_release(&text);
    json_decref(document);
    fclose(nowhere);
    return err;
}

/* --- the configuration --- */

struct conf {
    const char *name, *secret;
    int64_t count, wait_ms;
};

/* What is refused says that it is memory: a number out of its range would be somebody's mistake. */
static ear_err run_conf(struct ear_buf *out)
{
    static struct conf conf;
    static const struct ear_conf_key keys[] = {
        EAR_CONF("EAR_NAME", TEXT, "", 0, 0, conf, name, "A name."),
        EAR_CONF("EAR_SECRET", SECRET, "", 0, 0, conf, secret, "A secret."),
        EAR_CONF("EAR_COUNT", INT, "5", 1, 100, conf, count, "A number."),
        EAR_CONF("EAR_WAIT", DURATION, "5s", 0, 0, conf, wait_ms, "A time."),
    };
    static const struct ear_conf_table table = {"Starved", keys, EAR_COUNT(keys), &conf};
    static char name[] = "EAR_NAME=care", secret[] = "EAR_SECRET_FILE=/proc/self/comm",
                count[] = "EAR_COUNT=101";
    char *env[] = {name, secret, count, NULL};
    char said[512] = "";
    FILE *complaints = fmemopen(said, sizeof(said), "w");
    ear_err err = ear_conf_load(&table, 1, env, complaints);
    fclose(complaints);
    EAR_CHECK(err == EAR_INVALID); /* as it is in plenty, for EAR_COUNT */
    if (strstr(said, ear_err_text(EAR_NO_MEMORY))) return EAR_NO_MEMORY;
    env[2] = NULL;
    complaints = fmemopen(said, sizeof(said), "w");
    err = ear_conf_load(&table, 1, env, complaints);
    fclose(complaints);
    if (err) return strstr(said, ear_err_text(EAR_NO_MEMORY)) ? EAR_NO_MEMORY : err;
    err = ear_buf_printf(out, "%s %s %lld %lld", conf.name, conf.secret, (long long)conf.count,
                         (long long)conf.wait_ms);
    ear_conf_release(&table, 1);
    return err;
}

static const struct starve_scenario scenarios[] = {
    {"payload", run_payload}, {"sign", run_sign},
    {"mail", run_mail},       {"fit", run_fit},
    {"record", run_record},   {"thread", run_thread},
    {"session", run_session}, {"image", run_image},
    {"work", run_work},       {"post_line", run_post_line},
    {"care", run_care},       {"model", run_model},
    {"rules", run_rules},     {"conf", run_conf},
};

/* From its first text on jansson takes its memory where it can be refused. */
static void watch_jansson(void)
{
    json_t *any = NULL;
    EAR_CHECK(ear_json_parse(EAR_STR("{}"), STARVE_BYTES_MAX, &any, NULL) == EAR_OK);
    json_decref(any);
}

int main(int argc, char **argv)
{
    watch_jansson();
    (void)snprintf(model_path, sizeof(model_path), "/tmp/starve_model_%ld", (long)getpid());
    return starve_all(scenarios, EAR_COUNT(scenarios), argc, argv);
}
