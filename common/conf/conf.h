/* conf: configuration from the environment. Layer 1, stands on base.
 *
 * A program has one or more tables of keys; each table fills one struct. The tables are the
 * parser, --help, --print-config and docs/config.md. All mistakes (bad values, unknown EAR_* keys)
 * are reported at once, before a socket opens. A SECRET is read from NAME_FILE (a path) or, where
 * that is not set, from NAME; it is never printed. */
#ifndef EAR_CONF_H
#define EAR_CONF_H

#include "base/base.h"
#include <stdint.h>
#include <stdio.h>

typedef enum ear_conf_type {
    EAR_CONF_TEXT,     /* const char * */
    EAR_CONF_SECRET,   /* const char * */
    EAR_CONF_INT,      /* int64_t */
    EAR_CONF_DURATION, /* int64_t, milliseconds; written "15s" */
    EAR_CONF_SIZE,     /* int64_t, bytes; written "4MiB" */
    EAR_CONF_BOOL,     /* bool; "on" or "off" */
    EAR_CONF_ENDPOINT, /* const char *; "host:port" (host "*" listens everywhere), checked */
} ear_conf_type;

struct ear_conf_key {
    const char *name; /* "EAR_…" */
    ear_conf_type type;
    const char *fallback; /* default as text; NULL: must be set */
    int64_t min, max;     /* numbers only; both 0: any */
    const char *about;    /* one sentence, ends with a full stop */
    size_t offset;        /* of the field in the struct */
};

#define EAR_CONF(name_, type_, fallback_, min_, max_, struct_, field_, about_)             \
    {                                                                                      \
        .name = (name_), .type = EAR_CONF_##type_, .fallback = (fallback_), .min = (min_), \
        .max = (max_), .about = (about_), .offset = offsetof(struct struct_, field_)       \
    }

struct ear_conf_table {
    const char *title; /* heading in --help */
    const struct ear_conf_key *keys;
    size_t count;
    void *target; /* the struct to fill */
};

/* Fills all targets from environ; an empty value counts as not set. Mistakes go to err_out, one
 * line each with what to do; EAR_INVALID then. Text values are copied and live until
 * ear_conf_release. */
ear_err ear_conf_load(const struct ear_conf_table *tables, size_t count, char **environ_,
                      FILE *err_out) EAR_MUST_CHECK;
/* Frees the copied text values (wiping secrets). */
void ear_conf_release(const struct ear_conf_table *tables, size_t count);
/* --help: keys, defaults, ranges, sentences, for people, 80 columns. */
void ear_conf_help(const struct ear_conf_table *tables, size_t count, FILE *out);
/* --print-config: KEY=value lines as loaded, secrets as "(set)" or "(not set)". */
void ear_conf_print(const struct ear_conf_table *tables, size_t count, FILE *out);
/* A Markdown table a group: how docs/config.md is made. */
void ear_conf_markdown(const struct ear_conf_table *tables, size_t count, FILE *out);

#endif
