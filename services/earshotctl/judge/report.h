/* report: an evaluation as one JSON value, and that value as tables for people or as a model card
 * in Markdown. Everything that is shown is in the JSON; docs/earshotctl.md names its members. */
#ifndef EAR_JUDGE_REPORT_H
#define EAR_JUDGE_REPORT_H

#include "judge/bootstrap.h"
#include "judge/evaluation.h"
#include "judge/sheet.h"

#include <jansson.h>
#include <stdio.h>

#define EAR_REPORT_SEED 1 /* of all draws: the same rows give the same intervals */

/* New references. */
json_t *ear_report_model(const struct ear_model *model);
json_t *ear_report_data(const struct ear_gold *gold);
json_t *ear_report_read_us(const struct ear_evaluation *evaluation);
json_t *ear_report_head(const struct ear_evaluation *evaluation,
                        const struct ear_judged_head *head);
json_t *ear_report_comparison(const struct ear_judged_head *before,
                              const struct ear_judged_head *after);

/* `notes`: Markdown to stand before the figures of a card; may be empty. */
void ear_report_print(const json_t *report, ear_sheet_style style, struct ear_str notes, FILE *out);

#endif
