/* model_file: which model file a command uses, and the model in it. */
#ifndef EAR_JUDGE_MODEL_FILE_H
#define EAR_JUDGE_MODEL_FILE_H

#include "ctl.h"
#include "model/model.h"

/* The file of `path`; NULL: of EAR_MODEL, else share/earshot/earshot.model beside the program's
 * bin. An error is printed. The caller frees the model. */
ear_exit ear_ctl_model_open(const struct ear_ctl *ctl, const char *path, struct ear_model **out);

#endif
