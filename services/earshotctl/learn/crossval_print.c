#include "crossval.h"

#include "judge/metrics.h"
#include <stdio.h>
#include <stdlib.h>

void ear_crossed_print(const struct ear_crossed *crossed, bool detail)
{
    struct ear_judgement *rows = ear_alloc((crossed->count + 1) * sizeof *rows);
    struct ear_figures *scores = ear_alloc(sizeof *scores);
    for (size_t i = 0; i < crossed->count; i++)
        rows[i] = (struct ear_judgement){
            .gold = crossed->gold[i], .said = crossed->said[i], .p = crossed->p[i]};
    ear_figures_of(rows, crossed->count, crossed->label_count, scores);
    printf("%-16s %6zu posts  accuracy %.4f  macro-F1 %.4f  macro-recall %.4f  ECE %.4f  at 80 %% "
           "%.4f\n",
           crossed->head, scores->rows, scores->of[EAR_MEASURE_ACCURACY],
           scores->of[EAR_MEASURE_MACRO_F1], scores->of[EAR_MEASURE_MACRO_RECALL],
           scores->of[EAR_MEASURE_ECE], ear_accuracy_at(rows, crossed->count, 0.8));
    for (size_t k = 0; detail && k < crossed->label_count; k++)
        printf("    %-20.*s %6zu  precision %.3f  recall %.3f  F1 %.3f\n",
               EAR_STR_ARG(crossed->labels[k]), scores->labels[k].gold, scores->labels[k].precision,
               scores->labels[k].recall, scores->labels[k].f1);
    (void)fflush(stdout);
    free(scores);
    free(rows);
}
