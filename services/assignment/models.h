/* models: the numbers that rows of triage say instead of the names of models. Numbers are read, and
 * given, beside the work: whoever writes a row meanwhile writes the name. Loop thread. */
#ifndef EAR_ASSIGNMENT_MODELS_H
#define EAR_ASSIGNMENT_MODELS_H

#include "base/base.h"
#include "pg/pg.h"

struct ear_models;

void ear_models_new(struct ear_models **out, struct ear_pg *pg); /* borrows pg */
void ear_models_free(struct ear_models **models);                /* after ear_pg_free */
/* 0: not known yet; it is asked for, and known soon. */
int ear_models_number(struct ear_models *models, const char *name);
/* It may be another database now, one where a number has another meaning or none: all are asked for
 * again. */
void ear_models_forget(struct ear_models *models);

#endif
