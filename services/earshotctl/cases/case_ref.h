/* case_ref: how people name a case: by its id, or by the last digits that tables show. */
#ifndef EAR_CTL_CASE_REF_H
#define EAR_CTL_CASE_REF_H

#include "ctl.h"

/* A whole id needs no database and is not looked up; 6 to 31 hexadecimal digits (dashes do not
 * count) name the one case whose id ends in them. UUIDv7 begin with the time, so beginnings of
 * ids tell cases of one day hardly apart; ends do. Errors are printed: usage for what is neither,
 * not found, refused when more cases end so. */
ear_exit ear_case_ref(struct ear_ctl *ctl, const char *text, struct ear_id *id);

#endif
