/* care_open: care.yaml as the command line names it. */
#ifndef EAR_CTL_CARE_OPEN_H
#define EAR_CTL_CARE_OPEN_H

#include "ctl.h"

/* Reads the file ("-": standard input) into text and checks it; mistakes are printed. *care is the
 * caller's, in the shape of care_file. */
ear_exit ear_care_open(const char *path, struct ear_buf *text, json_t **care);

#endif
