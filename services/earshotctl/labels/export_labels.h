/* export_labels: the corrections as a training folder, train.tsv and val.tsv, that train and
 * evaluate read. A post is in the same file at every export, near-copies are in one. */
#ifndef EAR_LABELS_EXPORT_LABELS_H
#define EAR_LABELS_EXPORT_LABELS_H

#include "ctl.h"

ear_exit ear_export_labels(struct ear_ctl *ctl, int argc, char **argv);

#endif
