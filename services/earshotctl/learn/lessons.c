#include "lessons.h"

#include "base/crypt.h"
#include "model/language.h"
#include <stdlib.h>

#define SECTION_MAX ((size_t)16 * 1024 * 1024)

void ear_lessons_init(struct ear_lessons *lessons)
{
    *lessons = (struct ear_lessons){.spec = ear_feature_spec_default(),
                                    .rows_max = (size_t)1 << 20,
                                    .network = EAR_NETWORK_DEFAULTS,
                                    .posts_min = 2,
                                    .coverage = 0.9f};
    lessons->fit = (struct ear_fit_options){
        .folds = 5, .seed = 1, .choices = {{1.2f, 1}, {3, 0.5f}, {8, 0.5f}}, .choice_count = 3};
    ear_buf_init(&lessons->licences, 65536);
    ear_buf_init(&lessons->list_section, SECTION_MAX);
    ear_buf_init(&lessons->language_section, EAR_LANGUAGE_BYTES_MAX);
    ear_lists_init(&lessons->lists);
}

void ear_lessons_release(struct ear_lessons *lessons)
{
    for (size_t i = 0; i < lessons->task_count; i++) ear_task_release(&lessons->tasks[i]);
    ear_corpus_release(&lessons->corpus);
    ear_lists_release(&lessons->lists);
    ear_word_vectors_release(&lessons->words);
    ear_buf_release(&lessons->list_section);
    ear_buf_release(&lessons->language_section);
    ear_buf_release(&lessons->licences);
    ear_language_trainer_free(&lessons->languages);
    free(lessons->language_memory);
}

struct ear_task *ear_lessons_task(struct ear_lessons *lessons, struct ear_str name,
                                  ear_head_kind kind, bool make)
{
    for (size_t i = 0; i < lessons->task_count; i++)
        if (ear_str_eq(ear_str_from(lessons->tasks[i].name), name)) return &lessons->tasks[i];
    if (!make || lessons->task_count == EAR_MODEL_HEADS_MAX || name.len >= EAR_TASK_NAME_BYTES)
        return NULL;
    struct ear_task *task = &lessons->tasks[lessons->task_count++];
    ear_task_init(task, name, kind);
    return task;
}

/* Chained, so that the order of files counts as well. */
void ear_lessons_digest(struct ear_lessons *lessons, struct ear_str name, struct ear_str bytes)
{
    struct ear_buf chain;
    uint8_t own[32];
    ear_sha256(bytes, own);
    ear_buf_init(&chain, 4096);
    EAR_CHECK(ear_buf_append(&chain, lessons->digest, sizeof lessons->digest) == EAR_OK);
    EAR_CHECK(ear_buf_append_str(&chain, name) == EAR_OK);
    EAR_CHECK(ear_buf_append(&chain, own, sizeof own) == EAR_OK);
    ear_sha256(ear_buf_str(&chain), lessons->digest);
    ear_buf_release(&chain);
}

static struct ear_str aligned(struct ear_lessons *lessons)
{
    struct ear_str section = ear_buf_str(&lessons->language_section);
    size_t room = (section.len + EAR_LANGUAGE_ALIGN - 1) / EAR_LANGUAGE_ALIGN * EAR_LANGUAGE_ALIGN;
    lessons->language_memory = aligned_alloc(EAR_LANGUAGE_ALIGN, room);
    EAR_CHECK(lessons->language_memory != NULL);
    memcpy(lessons->language_memory, section.ptr, section.len);
    return (struct ear_str){lessons->language_memory, section.len};
}

ear_err ear_lessons_open(struct ear_lessons *lessons, struct ear_diag *diag)
{
    struct ear_feature_tables tables = {0};
    ear_err err = EAR_OK;
    if (!lessons->languages) {
        lessons->languages = ear_language_trainer_new();
        err = ear_language_trainer_add_own(lessons->languages, diag);
    }
    if (!err)
        err = ear_language_trainer_write(lessons->languages, &lessons->language_section, diag);
    if (!err) err = ear_language_open(aligned(lessons), &tables.language, diag);
    if (!err && lessons->lists.count) {
        err = ear_lists_write(&lessons->lists, &lessons->list_section, diag);
        if (!err) err = ear_scores_open(ear_buf_str(&lessons->list_section), &tables.scores, diag);
    }
    if (!err) ear_corpus_init(&lessons->corpus, &lessons->spec, &tables);
    return err;
}
