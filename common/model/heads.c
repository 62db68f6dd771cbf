/* What heads make of the logits of their columns: trainer and reader alike. */
#include "model/file.h"

#include "model/simd.h"
#include <math.h>

#define LOGIT_BOUND 6.0f

size_t ear_head_columns(ear_head_kind kind, size_t label_count)
{
    if (kind == EAR_HEAD_BINARY) return 1;
    return kind == EAR_HEAD_ORDINAL ? label_count - 1 : label_count;
}

size_t ear_head_file_columns(ear_head_kind kind, size_t label_count)
{
    return kind == EAR_HEAD_SOFTMAX ? label_count - 1 : ear_head_columns(kind, label_count);
}

size_t ear_stack_labels(ear_head_kind kind, size_t label_count)
{
    return kind == EAR_HEAD_BINARY ? 1 : label_count;
}

size_t ear_stack_inputs(const struct ear_model_part *heads, size_t head_count)
{
    size_t inputs = 0;
    for (size_t i = 0; i < head_count; i++)
        if (heads[i].level == 1) inputs += ear_stack_labels(heads[i].kind, heads[i].label_count);
    return inputs * EAR_STACK_PER_P;
}

size_t ear_stack_fill(ear_head_kind kind, const float *p, size_t label_count, float *inputs)
{
    size_t labels = ear_stack_labels(kind, label_count);
    if (kind == EAR_HEAD_BINARY) p++;
    for (size_t i = 0; i < labels; i++) {
        float within = ear_less(ear_more(p[i], 1e-4f), 1 - 1e-4f);
        float logit = logf(within / (1 - within));
        *inputs++ = p[i];
        *inputs++ = ear_less(ear_more(logit, -LOGIT_BOUND), LOGIT_BOUND) / LOGIT_BOUND;
    }
    return labels * EAR_STACK_PER_P;
}

static float sigmoid(float z)
{
    return 1 / (1 + expf(-z));
}

static void softmax(const float *z, size_t count, float *p)
{
    float top = z[0], sum = 0;
    for (size_t i = 1; i < count; i++) top = ear_more(top, z[i]);
    for (size_t i = 0; i < count; i++) sum += p[i] = expf(z[i] - top);
    for (size_t i = 0; i < count; i++) p[i] /= sum;
}

static void each(const float *z, size_t count, float *p)
{
    float sum = 1e-9f;
    for (size_t i = 0; i < count; i++) sum += p[i] = sigmoid(z[i]) + 1e-9f;
    for (size_t i = 0; i < count; i++) p[i] /= sum;
}

static void ordinal(const float *z, size_t count, float *p)
{
    float above = 1;
    for (size_t i = 0; i < count; i++) {
        float next = i + 1 < count ? ear_less(above, sigmoid(z[i])) : 0;
        p[i] = above - next;
        above = next;
    }
}

void ear_head_probabilities(ear_head_kind kind, const float *z, size_t label_count, float *p)
{
    switch (kind) {
    case EAR_HEAD_SOFTMAX:
        softmax(z, label_count, p);
        break;
    case EAR_HEAD_EACH:
        each(z, label_count, p);
        break;
    case EAR_HEAD_FLAGS:
        for (size_t i = 0; i < label_count; i++) p[i] = sigmoid(z[i]);
        break;
    case EAR_HEAD_BINARY:
        p[1] = sigmoid(z[0]);
        p[0] = 1 - p[1];
        break;
    default:
        ordinal(z, label_count, p);
    }
}
