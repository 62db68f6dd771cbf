/* What tests of whole trainings share: the end of one, and its file held against it. */
#ifndef TEST_LEARN_TRAINED_H
#define TEST_LEARN_TRAINED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "learn/ship.h"
#include "learn/stack.h"
#include "model/model.h"
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#define TEXT_BYTES 96

static inline void forget(struct ear_lessons *lessons, struct ear_trained *trained)
{
    ear_trained_release(trained);
    ear_lessons_release(lessons);
    free(lessons);
}

static inline void ship(const struct ear_lessons *lessons, const struct ear_trained *trained,
                        struct ear_buf *file)
{
    struct ear_diag diag = {.text = ""};
    ear_buf_init(file, 1 << 26);
    if (ear_ship(lessons, trained, file, &diag)) fail_msg("%s", diag.text);
}

static inline void check_head(const struct ear_lessons *lessons, const struct ear_trained *trained,
                              const struct ear_reading *reading, size_t head, size_t post,
                              const char *text)
{
    const struct ear_task *task = &lessons->tasks[head];
    float p[EAR_MODEL_LABELS_MAX];
    ear_stack_read(lessons, trained, head, task->examples[post].row, p);
    for (size_t k = 0; k < task->label_count; k++)
        if (fabsf(reading->heads[head].p_labels[k] - p[k]) > 0.03f)
            fail_msg("\"%s\" head %s label %zu: the file says %.3f, the trainer %.3f", text,
                     task->name, k, (double)reading->heads[head].p_labels[k], (double)p[k]);
}

/* Within what rounding to int8 does; text i is that of the i-th example of every head. */
static inline void assert_file_says_the_same(const struct ear_lessons *lessons,
                                             const struct ear_trained *trained,
                                             char (*texts)[TEXT_BYTES], size_t count)
{
    struct ear_buf file;
    struct ear_model *model;
    struct ear_reading reading;
    struct ear_diag diag = {.text = ""};
    ship(lessons, trained, &file);
    void *bytes = aligned_alloc(64, (file.len + 63) / 64 * 64);
    memcpy(bytes, file.data, file.len);
    if (ear_model_open((struct ear_str){bytes, file.len}, &model, &diag)) fail_msg("%s", diag.text);
    struct ear_model_reader *reader = ear_model_reader_new(model);
    for (size_t i = 0; i < count; i++) {
        struct ear_model_post post = {.text = ear_str_from(texts[i])};
        ear_model_read(reader, &post, &reading);
        for (size_t head = 0; head < lessons->task_count; head++)
            check_head(lessons, trained, &reading, head, i, texts[i]);
    }
    ear_model_reader_free(&reader);
    ear_model_free(&model);
    ear_buf_release(&file);
    free(bytes);
}

#endif
