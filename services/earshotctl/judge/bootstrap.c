#include "judge/bootstrap.h"

#include <math.h>
#include <stdlib.h>

/* splitmix64 (Steele and others, 2014). */
static uint64_t draw(uint64_t *state)
{
    uint64_t x = *state += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    return x ^ x >> 31;
}

/* Rows are fewer than 2^32, so the high half of a product is uniform enough: off by 2^-32. */
static size_t draw_row(uint64_t *state, size_t count)
{
    return (size_t)((draw(state) >> 32) * (uint64_t)count >> 32);
}

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* The figures of all draws, a row of EAR_BOOTSTRAP_DRAWS a measure. */
struct draws {
    double (*of)[EAR_BOOTSTRAP_DRAWS];
};

static void interval_of(double *drawn, struct ear_interval *out)
{
    double tail = (1 - EAR_BOOTSTRAP_LEVEL) / 2;
    qsort(drawn, EAR_BOOTSTRAP_DRAWS, sizeof(*drawn), by_value);
    out->low = drawn[(size_t)(tail * (EAR_BOOTSTRAP_DRAWS - 1) + 0.5)];
    out->high = drawn[(size_t)((1 - tail) * (EAR_BOOTSTRAP_DRAWS - 1) + 0.5)];
}

void ear_bootstrap(const struct ear_judgement *rows, size_t count, size_t label_count,
                   uint64_t seed, struct ear_interval out[static EAR_MEASURE_COUNT])
{
    struct ear_figures scores;
    struct draws draws = {ear_alloc(EAR_MEASURE_COUNT * sizeof(*draws.of))};
    struct ear_judgement *sample = ear_alloc((count + 1) * sizeof(*sample));
    ear_figures_of(rows, count, label_count, &scores);
    for (size_t m = 0; m < EAR_MEASURE_COUNT; m++) out[m].value = scores.of[m];
    for (size_t i = 0; i < EAR_BOOTSTRAP_DRAWS; i++) {
        for (size_t r = 0; r < count; r++) sample[r] = rows[draw_row(&seed, count)];
        ear_figures_of(sample, count, label_count, &scores);
        for (size_t m = 0; m < EAR_MEASURE_COUNT; m++) draws.of[m][i] = scores.of[m];
    }
    for (size_t m = 0; m < EAR_MEASURE_COUNT; m++) interval_of(draws.of[m], &out[m]);
    free(sample);
    free(draws.of);
}

/* Twice the tail of a binomial with p = 1/2, at most 1. */
static double sign_test(size_t fewer, size_t more)
{
    size_t n = fewer + more;
    double tail = 0;
    for (size_t k = 0; k <= fewer; k++)
        tail += exp(lgamma((double)n + 1) - lgamma((double)k + 1) - lgamma((double)(n - k) + 1) -
                    (double)n * log(2));
    return fmin(1, 2 * tail);
}

/* The smaller share of draws on either side of 0, doubled; never 0, since draws are finite. */
static double two_sided(const double *sorted)
{
    size_t below = 0, above = 0;
    for (size_t i = 0; i < EAR_BOOTSTRAP_DRAWS; i++)
        below += sorted[i] <= 0, above += sorted[i] >= 0;
    double least = (double)(below < above ? below : above);
    return fmin(1, 2 * (least + 1) / (EAR_BOOTSTRAP_DRAWS + 1));
}

static void draw_pairs(const struct ear_judgement *before, const struct ear_judgement *after,
                       size_t count, size_t label_count, uint64_t seed, struct draws draws)
{
    struct ear_figures was, is;
    struct ear_judgement *sample = ear_alloc((2 * count + 1) * sizeof(*sample));
    for (size_t i = 0; i < EAR_BOOTSTRAP_DRAWS; i++) {
        for (size_t r = 0; r < count; r++) {
            size_t row = draw_row(&seed, count);
            sample[r] = before[row];
            sample[count + r] = after[row];
        }
        ear_figures_of(sample, count, label_count, &was);
        ear_figures_of(sample + count, count, label_count, &is);
        for (size_t m = 0; m < EAR_MEASURE_COUNT; m++) draws.of[m][i] = is.of[m] - was.of[m];
    }
    free(sample);
}

void ear_compare(const struct ear_judgement *before, const struct ear_judgement *after,
                 size_t count, size_t label_count, uint64_t seed, struct ear_comparison *out)
{
    struct ear_figures was, is;
    struct draws draws = {ear_alloc(EAR_MEASURE_COUNT * sizeof(*draws.of))};
    *out = (struct ear_comparison){0};
    for (size_t i = 0; i < count; i++) {
        EAR_CHECK(before[i].gold == after[i].gold);
        bool had = before[i].said == before[i].gold, has = after[i].said == after[i].gold;
        out->only_before += had && !has;
        out->only_after += has && !had;
    }
    bool fell = out->only_after < out->only_before;
    out->mcnemar_p = sign_test(fell ? out->only_after : out->only_before,
                               fell ? out->only_before : out->only_after);
    ear_figures_of(before, count, label_count, &was);
    ear_figures_of(after, count, label_count, &is);
    draw_pairs(before, after, count, label_count, seed, draws);
    for (size_t m = 0; m < EAR_MEASURE_COUNT; m++) {
        out->gain[m].value = is.of[m] - was.of[m];
        interval_of(draws.of[m], &out->gain[m]);
        out->p[m] = two_sided(draws.of[m]);
    }
    free(draws.of);
}

ear_verdict ear_compare_verdict(const struct ear_comparison *comparison, ear_measure measure)
{
    const struct ear_interval *gain = &comparison->gain[measure];
    bool lower_is_better = measure == EAR_MEASURE_ECE;
    if (measure == EAR_MEASURE_ACCURACY && comparison->mcnemar_p > 1 - EAR_BOOTSTRAP_LEVEL)
        return EAR_VERDICT_SAME;
    if (gain->low > 0) return lower_is_better ? EAR_VERDICT_WORSE : EAR_VERDICT_BETTER;
    if (gain->high < 0) return lower_is_better ? EAR_VERDICT_BETTER : EAR_VERDICT_WORSE;
    return EAR_VERDICT_SAME;
}
