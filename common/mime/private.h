/* What the rooms of mime share. */
#ifndef EAR_MIME_PRIVATE_H
#define EAR_MIME_PRIVATE_H

#include "mime/mime.h"
#include <gmime/gmime.h>

/* Starts GMime at the first call. */
void ear_mime_start(void);

#endif
