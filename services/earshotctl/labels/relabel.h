/* relabel: keeps what people say a post should have been called, with who and when. */
#ifndef EAR_LABELS_RELABEL_H
#define EAR_LABELS_RELABEL_H

#include "ctl.h"

ear_exit ear_relabel(struct ear_ctl *ctl, int argc, char **argv);

#endif
