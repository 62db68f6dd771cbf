#include "models.h"

#include "store_sql.h"
#include <stdlib.h>

#define MODELS_MAX   32
#define NAME_BYTES   128
#define ASK_AGAIN_MS 1000

struct ear_models {
    struct ear_pg *pg;
    size_t count;
    struct {
        char name[NAME_BYTES];
        int number;
    } known[MODELS_MAX];
    char asked[NAME_BYTES]; /* "": nothing is under way */
    uint64_t forgotten;     /* how often: an answer from before is worth nothing */
    uint64_t asked_at;
    int64_t again_ms;
};

void ear_models_new(struct ear_models **out, struct ear_pg *pg)
{
    *out = ear_alloc(sizeof(**out));
    (*out)->pg = pg;
}

void ear_models_free(struct ear_models **models)
{
    EAR_FREE(*models);
}

void ear_models_forget(struct ear_models *models)
{
    models->count = 0;
    models->forgotten++;
}

static void on_number(void *self, ear_err err, const struct ear_pg_result *const *results,
                      size_t count, const struct ear_diag *diag)
{
    struct ear_models *models = self;
    (void)diag;
    bool fresh = models->asked_at == models->forgotten && models->count < MODELS_MAX;
    if (!err && count == 2 && ear_pg_rows(results[1]) == 1 && fresh) {
        memcpy(models->known[models->count].name, models->asked, NAME_BYTES);
        models->known[models->count++].number = (int)ear_pg_get_i64(results[1], 0, 0);
    }
    models->asked[0] = '\0';
}

/* Names that are too long or too many stay names. A failure is no matter either: asked again. */
static void ask(struct ear_models *models, const char *name)
{
    int64_t now_ms = ear_clock_mono_ms();
    struct ear_str text = ear_str_from(name);
    if (models->asked[0] || !text.len || models->count == MODELS_MAX || now_ms < models->again_ms)
        return;
    if (!ear_str_copy(models->asked, sizeof(models->asked), text)) return;
    models->again_ms = now_ms + ASK_AGAIN_MS;
    models->asked_at = models->forgotten;
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_WRITE_MODEL);
    ear_pg_text(batch, text);
    ear_pg_batch_add(batch, STORE_READ_MODEL);
    ear_pg_text(batch, text);
    ear_pg_run(models->pg, &batch, on_number, models);
}

int ear_models_number(struct ear_models *models, const char *name)
{
    for (size_t i = 0; i < models->count; i++)
        if (strcmp(models->known[i].name, name) == 0) return models->known[i].number;
    ask(models, name);
    return 0;
}
