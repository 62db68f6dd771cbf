/* value: one configuration value, from text and back. Private to conf. */
#ifndef EAR_CONF_VALUE_H
#define EAR_CONF_VALUE_H

#include "conf/conf.h"

/* Reads text into the field of target that key names; texts are copied there. diag says what is
 * wrong without the value of a secret. */
ear_err ear_conf_value_read(const struct ear_conf_key *key, struct ear_str text, void *target,
                            struct ear_diag *diag) EAR_MUST_CHECK;
/* As it would be written in the environment; secrets as "(set)" or "(not set)". */
ear_err ear_conf_value_write(const struct ear_conf_key *key, const void *target,
                             struct ear_buf *out) EAR_MUST_CHECK;

bool ear_conf_holds_text(const struct ear_conf_key *key);
/* The field of a key that holds text. */
const char **ear_conf_text_of(const struct ear_conf_key *key, void *target);

/* What goes in: "duration such as 250ms, 15s, 10m, 2h or 3d". */
const char *ear_conf_type_text(const struct ear_conf_key *key);
/* "1s to 10m", "at least 1", "at most 64KiB" or "". */
ear_err ear_conf_range_write(const struct ear_conf_key *key, struct ear_buf *out) EAR_MUST_CHECK;

#endif
