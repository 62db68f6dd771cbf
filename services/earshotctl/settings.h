/* settings: what earshotctl is configured by. */
#ifndef EAR_CTL_SETTINGS_H
#define EAR_CTL_SETTINGS_H

#include "conf/conf.h"
#include "ctl.h"

/* From the environment, and --timeout over it. Mistakes are printed. */
ear_exit ear_settings_load(struct ear_ctl *ctl);
void ear_settings_release(void);
void ear_settings_help(FILE *out);     /* all keys */
void ear_settings_print(FILE *out);    /* as loaded */
void ear_settings_markdown(FILE *out); /* for docs/config.md */

#endif
