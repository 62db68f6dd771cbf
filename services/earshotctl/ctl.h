/* ctl: what every command of earshotctl gets and gives back. One process, one command; the loop is
 * turned until the answer is there. */
#ifndef EAR_CTL_H
#define EAR_CTL_H

#include "base/base.h"
#include "loop/loop.h"
#include "option.h"
#include "pg/pg.h"

#include <jansson.h>

/* Exit codes, the same for every command (see docs/earshotctl.md). */
typedef enum ear_exit {
    EAR_EXIT_OK = 0,
    EAR_EXIT_REFUSED = 1, /* understood and not done; the message says why */
    EAR_EXIT_USAGE = 2,   /* the words or the environment are off, a database's password too */
    EAR_EXIT_INVALID = 3, /* a file is missing, unreadable, unwritable or malformed; an answer is */
    EAR_EXIT_UNREACHABLE = 4, /* database or service did not answer; the same call may work later */
    EAR_EXIT_NOT_FOUND = 5,   /* no such case, post, agent … */
} ear_exit;

struct ear_ctl_settings {
    const char *pg;
    const char *pg_password;
    const char *commands; /* assignments' command addresses */
    const char *ingest;   /* base URL */
    const char *status;   /* "ingest=host:port,…" */
    const char *replay_token;
    const char *bus_key_file;
    const char *bus_peers_file;
    const char *model; /* path; empty: the shipped one */
    int64_t timeout_ms;
};

struct ear_ctl {
    struct ear_ctl_settings settings;
    struct ear_ctl_options options;
    struct ear_loop *loop;
    struct ear_pg *pg; /* NULL until ear_ctl_connect */
};

struct ear_ctl_command {
    const char *name;               /* "case list" */
    const char *operands;           /* "CASE_ID", "" … for the usage line */
    const char *about;              /* one sentence */
    const char *options;            /* names it takes, space-separated */
    int min_operands, max_operands; /* max -1: any */
    ear_exit (*run)(struct ear_ctl *ctl, int argc, char **argv);
};

/* Prints "earshotctl: …" on standard error and returns the exit code that fits err. */
ear_exit ear_ctl_fail(ear_err err, const char *fmt, ...) EAR_PRINTF(2, 3);
ear_exit ear_ctl_exit_of(ear_err err);
/* Prints what is wrong with a file, a folder or a standard stream: one exit code, whatever it is.
 */
ear_exit ear_ctl_fail_file(const char *fmt, ...) EAR_PRINTF(1, 2);

/* Says that standard input is read, where a person at a terminal would wonder at the silence. */
void ear_ctl_await_input(void);

/* Makes a connection that has just these statements (count 0: none) and waits until it can be used
 * or the timeout ends, or we are refused; an error is printed. The caller frees *pg in any case. */
ear_exit ear_ctl_connect_for(struct ear_ctl *ctl, const struct ear_pg_statement *statements,
                             size_t count, struct ear_pg **pg);
/* Makes ctl->pg, with all of store.sql, and waits until it can be used or the timeout ends; an
 * error is printed. */
ear_exit ear_ctl_connect(struct ear_ctl *ctl);
/* Runs a batch and waits; an error is printed. Takes the batch. */
ear_exit ear_ctl_query(struct ear_ctl *ctl, struct ear_pg_batch **batch,
                       struct ear_pg_results *results);

/* An id from the command line; EAR_EXIT_USAGE when it is none, with a word on what shows it. */
ear_exit ear_ctl_id(const char *text, const char *what, const char *shown_by, struct ear_id *id);

#endif
