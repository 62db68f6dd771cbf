#include "supply.h"

#include "events.h"
#include "place.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define LOOK_EVERY_MS 2000

typedef enum part { MODEL, TOPICS, RULES, PARTS } part;

static const struct {
    const char *name, *key;
} parts[PARTS] = {[MODEL] = {"model", "EAR_CLASSIFIER_MODEL"},
                  [TOPICS] = {"topics", "EAR_CLASSIFIER_TOPICS"},
                  [RULES] = {"rules", "EAR_CLASSIFIER_RULES"}};

/* By which a file is known to be another one. */
struct stamp {
    dev_t device;
    ino_t inode;
    off_t bytes;
    struct timespec written;
};

/* What a file held; owned. */
struct content {
    struct ear_model *model;
    struct ear_firm_rules *rules;
};

struct source {
    char *path;        /* owned; NULL: none is configured */
    struct stamp seen; /* of the file that was loaded or refused last */
    bool gone;         /* said already */
    struct ear_offload *loading;
    bool waits; /* content is to be put in place */
    struct content content;
};

struct ear_supply {
    struct ear_loop *loop;
    struct ear_timer *timer;
    struct ear_triager *triager;
    struct source sources[PARTS];
    char shown[PARTS][EAR_TRIAGE_MODEL_SIZE]; /* versions in the metric */
    ear_loop_fn *loaded;
    void *self;
};

/* ---- reading a file: any thread ---- */

struct job {
    struct ear_supply *supply; /* not touched by the other thread */
    part part;
    char *path; /* owned */
    struct content content;
    ear_err err;
    struct ear_diag diag;
};

static void content_release(struct content *content)
{
    ear_model_free(&content->model);
    ear_firm_rules_free(&content->rules);
}

static ear_err load_rules(const char *path, struct content *out, struct ear_diag *diag)
{
    struct ear_buf text;
    ear_buf_init(&text, EAR_FIRM_RULES_BYTES_MAX);
    ear_err err = ear_file_read(path, &text, diag);
    if (!err) err = ear_firm_rules_parse(path, ear_buf_str(&text), &out->rules, diag);
    ear_buf_release(&text);
    return err;
}

static ear_err load_model(const char *path, part what, struct content *out, struct ear_diag *diag)
{
    struct ear_heads heads;
    ear_err err = ear_model_load(path, &out->model, diag);
    if (err) return err;
    err = what == MODEL ? ear_heads_bind(out->model, &heads, diag)
                        : ear_heads_bind_topics(out->model, &heads, diag);
    return err ? ear_fail_in(diag, err, path) : EAR_OK;
}

static ear_err load(const char *path, part what, struct content *out, struct ear_diag *diag)
{
    ear_err err = what == RULES ? load_rules(path, out, diag) : load_model(path, what, out, diag);
    if (err) content_release(out);
    return err;
}

static void work(void *self)
{
    struct job *job = self;
    job->err = load(job->path, job->part, &job->content, &job->diag);
}

/* ---- putting in place ---- */

static void show(struct ear_supply *supply, part what, const char *version)
{
    char *shown = supply->shown[what];
    if (shown[0]) ear_metric_set(&M_CLASSIFIER_LOADED, 0, parts[what].name, shown);
    EAR_CHECK(ear_str_copy(shown, sizeof supply->shown[what], ear_str_from(version)));
    ear_metric_set(&M_CLASSIFIER_LOADED, 1, parts[what].name, shown);
    /* There from the first: an alert sees even the first refusal only as a change. */
    ear_metric_add(&M_CLASSIFIER_REFUSED, 0, parts[what].name);
}

static struct ear_str version_of(const struct content *content, char *text, size_t size_bytes)
{
    if (content->model) return ear_model_info(content->model).version;
    int len = snprintf(text, size_bytes, "%zu rules", ear_firm_rules_count(content->rules));
    return (struct ear_str){text, (size_t)len};
}

static void put_in_place(struct ear_supply *supply, part what)
{
    struct source *source = &supply->sources[what];
    char version[EAR_TRIAGE_MODEL_SIZE], counted[40];
    struct ear_diag diag;
    ear_err err = EAR_OK;
    struct ear_str name = version_of(&source->content, counted, sizeof counted);
    EAR_CHECK(ear_str_copy(version, sizeof version, name));
    if (what == MODEL) err = ear_triager_set_model(supply->triager, &source->content.model, &diag);
    if (what == TOPICS)
        err = ear_triager_set_topics(supply->triager, &source->content.model, &diag);
    if (what == RULES) ear_triager_set_rules(supply->triager, &source->content.rules);
    EAR_CHECK(!err); /* it was bound when it was loaded */
    source->waits = false;
    show(supply, what, version);
    ear_log(&EV_CLASSIFIER_LOADED, kv_text("part", parts[what].name), kv_text("version", version),
            kv_text("file", source->path));
}

bool ear_supply_refresh(struct ear_supply *supply)
{
    bool changed = false;
    for (part p = 0; p < PARTS; p++) {
        if (!supply->sources[p].waits) continue;
        put_in_place(supply, p);
        changed = changed || p != RULES;
    }
    return changed;
}

/* ---- watching ---- */

static void refuse(const struct ear_supply *supply, part what, const char *why)
{
    ear_metric_add(&M_CLASSIFIER_REFUSED, 1, parts[what].name);
    ear_log(&EV_CLASSIFIER_REFUSED, kv_text("part", parts[what].name), kv_text("why", why),
            kv_text("stays", supply->shown[what]));
}

static void on_worked(void *self, bool wanted)
{
    struct job *job = self;
    struct ear_supply *supply = wanted ? job->supply : NULL;
    if (supply) {
        struct source *source = &supply->sources[job->part];
        source->loading = NULL;
        if (job->err) {
            refuse(supply, job->part, job->diag.text);
            /* No fault of the file: it is looked at again. */
            if (job->err == EAR_NO_MEMORY) source->seen = (struct stamp){0};
        } else {
            content_release(&source->content);
            source->content = job->content;
            source->waits = true;
            job->content = (struct content){0};
            supply->loaded(supply->self);
        }
    }
    content_release(&job->content);
    EAR_FREE(job->path);
    free(job);
}

static void start_loading(struct ear_supply *supply, part what)
{
    struct source *source = &supply->sources[what];
    struct job *job = ear_alloc(sizeof *job);
    job->supply = supply;
    job->part = what;
    job->path = ear_strdup(source->path);
    ear_offload_start(&source->loading, supply->loop, work, on_worked, job);
}

static bool same(const struct stamp *a, const struct stamp *b)
{
    return a->device == b->device && a->inode == b->inode && a->bytes == b->bytes &&
           a->written.tv_sec == b->written.tv_sec && a->written.tv_nsec == b->written.tv_nsec;
}

static bool stamp_of(const char *path, struct stamp *out)
{
    struct stat st;
    if (stat(path, &st) != 0) return false;
    *out = (struct stamp){st.st_dev, st.st_ino, st.st_size, st.st_mtim};
    return true;
}

static void look_at(struct ear_supply *supply, part what)
{
    struct source *source = &supply->sources[what];
    struct stamp now;
    if (!source->path || source->loading) return;
    if (!stamp_of(source->path, &now)) {
        if (!source->gone) refuse(supply, what, "the file is gone");
        source->gone = true;
        return;
    }
    source->gone = false;
    if (same(&now, &source->seen)) return;
    source->seen = now;
    start_loading(supply, what);
}

static void look(void *self)
{
    for (part p = 0; p < PARTS; p++) look_at(self, p);
}

/* Asked by a person: what is unchanged is read again too. */
static void on_hangup(void *self, int signum)
{
    struct ear_supply *supply = self;
    (void)signum;
    for (part p = 0; p < PARTS; p++) supply->sources[p].seen = (struct stamp){0};
    look(supply);
}

/* A signal may come after we are gone. */
static void deaf(void *self, int signum)
{
    (void)self, (void)signum;
}

/* ---- life ---- */

static ear_err load_first(struct ear_supply *supply, part what, struct ear_diag *diag)
{
    struct source *source = &supply->sources[what];
    if (!source->path) return EAR_OK;
    (void)stamp_of(source->path, &source->seen);
    ear_err err = load(source->path, what, &source->content, diag);
    if (err) return ear_fail_in(diag, err, parts[what].key);
    if (what == MODEL) err = ear_triager_new(&source->content.model, &supply->triager, diag);
    if (err) return err;
    source->waits = what != MODEL;
    if (what == MODEL) {
        show(supply, MODEL, ear_triager_version(supply->triager));
        ear_log(&EV_CLASSIFIER_LOADED, kv_text("part", parts[MODEL].name),
                kv_text("version", supply->shown[MODEL]), kv_text("file", source->path));
    }
    return EAR_OK;
}

static char *path_of(const char *setting)
{
    return setting && setting[0] ? ear_strdup(setting) : NULL;
}

static ear_err find_files(struct ear_supply *supply, const struct ear_classifier_settings *settings,
                          struct ear_diag *diag)
{
    supply->sources[MODEL].path = path_of(settings->model);
    supply->sources[TOPICS].path = path_of(settings->topics);
    supply->sources[RULES].path = path_of(settings->rules);
    if (!supply->sources[MODEL].path) supply->sources[MODEL].path = ear_place_shipped();
    if (supply->sources[MODEL].path) return EAR_OK;
    return ear_fail(diag, EAR_NOT_FOUND,
                    "no model is installed beside this program: name one in EAR_CLASSIFIER_MODEL");
}

ear_err ear_supply_new(struct ear_supply **out, struct ear_loop *loop,
                       const struct ear_classifier_settings *settings, ear_loop_fn *loaded,
                       void *self, struct ear_diag *diag)
{
    struct ear_supply *supply = ear_alloc(sizeof *supply);
    *out = supply;
    supply->loop = loop;
    supply->loaded = loaded;
    supply->self = self;
    ear_timer_new(&supply->timer, loop, look, supply);
    ear_err err = find_files(supply, settings, diag);
    for (part p = 0; p < PARTS && !err; p++) err = load_first(supply, p, diag);
    if (!err) err = ear_loop_on_signal(loop, SIGHUP, on_hangup, supply);
    if (err) {
        ear_supply_free(out);
        return err;
    }
    (void)ear_supply_refresh(supply);
    ear_triager_set_coverage(supply->triager, (float)settings->coverage / 100);
    ear_timer_start(supply->timer, LOOK_EVERY_MS, LOOK_EVERY_MS);
    return EAR_OK;
}

void ear_supply_free(struct ear_supply **supply_ptr)
{
    struct ear_supply *supply = *supply_ptr;
    if (!supply) return;
    (void)!ear_loop_on_signal(supply->loop, SIGHUP, deaf, supply);
    ear_timer_free(&supply->timer);
    for (part p = 0; p < PARTS; p++) {
        ear_offload_forget(&supply->sources[p].loading);
        content_release(&supply->sources[p].content);
        EAR_FREE(supply->sources[p].path);
    }
    ear_triager_free(&supply->triager);
    EAR_FREE(*supply_ptr);
}

struct ear_triager *ear_supply_triager(const struct ear_supply *supply)
{
    return supply->triager;
}
