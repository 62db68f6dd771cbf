/* speed MODEL ROUNDS: what reading a post costs, the model alone: no lines, no JSON. Posts of a
 * feed come on standard input; all are read once to warm up, then ROUNDS times, and one line says
 * "POSTS_A_SECOND MEAN_US P50_US P99_US SLOWEST_US". All of it is CPU time of this thread, so that
 * neighbours do not count. */
#include "base/base.h"
#include "model/model.h"
#include "json/json.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define POSTS_MAX  100000
#define LINE_BYTES 65536

static struct ear_model_post posts[POSTS_MAX];
static size_t count;
static float *took_us;

static double cpu_us(void)
{
    struct timespec t;
    EAR_CHECK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) == 0);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* What it borrows stays until the end. */
static struct ear_str text_of(const json_t *line, const char *name)
{
    const json_t *text = json_object_get(line, name);
    return (struct ear_str){json_string_value(text), json_string_length(text)};
}

static void read_posts(void)
{
    static char line[LINE_BYTES];
    while (count < POSTS_MAX && fgets(line, sizeof line, stdin)) {
        json_t *post = json_loads(line, 0, NULL);
        EAR_CHECK(post != NULL);
        posts[count++] = (struct ear_model_post){.text = text_of(post, "text"),
                                                 .account = text_of(post, "account")};
    }
}

static void read_all(struct ear_model_reader *reader, float *out)
{
    struct ear_reading reading;
    double before = cpu_us();
    for (size_t i = 0; i < count; i++) {
        ear_model_read(reader, &posts[i], &reading);
        double now = cpu_us();
        out[i] = (float)(now - before);
        before = now;
    }
}

/* What a look at the clock costs, which every figure holds once. */
static double clock_us(void)
{
    enum { LOOKS = 10000 };
    double from = cpu_us(), to = from;
    for (int i = 0; i < LOOKS; i++) to = cpu_us();
    return (to - from) / LOOKS;
}

static int ascending(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    struct ear_model *model;
    struct ear_diag diag = {0};
    int64_t rounds;
    if (argc != 3 || ear_num_i64(ear_str_from(argv[2]), 1, 1000, &rounds)) return 2;
    if (ear_model_load(argv[1], &model, &diag)) return fprintf(stderr, "%s\n", diag.text), 2;
    read_posts();
    struct ear_model_reader *reader = ear_model_reader_new(model);
    size_t all = count * (size_t)rounds;
    took_us = ear_alloc((all + count) * sizeof *took_us);
    for (int64_t i = 0; i <= rounds; i++) read_all(reader, took_us + (size_t)i * count);
    double sum = 0, clock = clock_us();
    for (size_t i = 0; i < all; i++) sum += (double)took_us[count + i] - clock;
    qsort(took_us + count, all, sizeof *took_us, ascending);
    const float *sorted = took_us + count;
    double mean = sum / (double)all;
    printf("%.0f %.2f %.1f %.1f %.1f\n", 1e6 / mean, mean, (double)sorted[all / 2],
           (double)sorted[all * 99 / 100], (double)sorted[all - 1]);
    free(took_us);
    ear_model_reader_free(&reader);
    ear_model_free(&model);
    return 0;
}
