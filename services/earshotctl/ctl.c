#include "ctl.h"

#include "show.h"
#include "store_sql.h"
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

ear_exit ear_ctl_exit_of(ear_err err)
{
    switch (err) {
    case EAR_OK:
        return EAR_EXIT_OK;
    case EAR_INVALID:
    case EAR_TOO_LARGE:
    case EAR_DATA:
        return EAR_EXIT_INVALID;
    case EAR_TIMEOUT:
    case EAR_UNAVAILABLE:
    case EAR_AGAIN:
    case EAR_LIMITED:
    case EAR_IO:
    case EAR_UNKNOWN_FATE:
        return EAR_EXIT_UNREACHABLE;
    case EAR_NOT_FOUND:
        return EAR_EXIT_NOT_FOUND;
    default:
        return EAR_EXIT_REFUSED;
    }
}

static void print_message(const char *fmt, va_list args) __attribute__((format(printf, 1, 0)));
static void print_message(const char *fmt, va_list args)
{
    fputs("earshotctl: ", stderr);
    ear_show_message(stderr, fmt, args);
}

ear_exit ear_ctl_fail(ear_err err, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    print_message(fmt, args);
    va_end(args);
    return ear_ctl_exit_of(err);
}

ear_exit ear_ctl_fail_file(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    print_message(fmt, args);
    va_end(args);
    return EAR_EXIT_INVALID;
}

void ear_ctl_await_input(void)
{
    if (isatty(STDIN_FILENO))
        fputs("earshotctl: reading standard input; end it by Ctrl-D on a line of its own\n",
              stderr);
}

ear_exit ear_ctl_connect_for(struct ear_ctl *ctl, const struct ear_pg_statement *statements,
                             size_t count, struct ear_pg **pg)
{
    if (!ctl->settings.pg || !*ctl->settings.pg) {
        ear_ctl_fail(EAR_INVALID, "EAR_PG is not set: say where PostgreSQL is, as "
                                  "'host=localhost dbname=earshot user=earshot_operator'");
        return EAR_EXIT_USAGE;
    }
    struct ear_diag diag = {0};
    struct ear_pg_opts opts = {.conninfo = ctl->settings.pg,
                               .password = ctl->settings.pg_password,
                               .application = "earshotctl",
                               .statements = statements,
                               .statement_count = count,
                               .quiet = true, /* said below, once */
                               .connections = 1};
    if (ear_pg_new(pg, ctl->loop, &opts, &diag)) {
        ear_ctl_fail(diag.err, "EAR_PG: %s", diag.text);
        return EAR_EXIT_USAGE;
    }
    int64_t until_ms = ear_clock_mono_ms() + ctl->settings.timeout_ms;
    while (!ear_pg_is_up(*pg) && ear_pg_down_err(*pg) != EAR_DENIED &&
           ear_clock_mono_ms() < until_ms)
        ear_loop_turn(ctl->loop, 50);
    if (ear_pg_is_up(*pg)) return EAR_EXIT_OK;
    ear_err err = ear_pg_down_err(*pg);
    ear_ctl_fail(err, "PostgreSQL cannot be used: %s", ear_pg_why_down(*pg));
    return ear_err_retryable(err) ? EAR_EXIT_UNREACHABLE : EAR_EXIT_USAGE;
}

ear_exit ear_ctl_connect(struct ear_ctl *ctl)
{
    if (ctl->pg) return EAR_EXIT_OK;
    return ear_ctl_connect_for(ctl, store_statements, STORE_SQL_COUNT, &ctl->pg);
}

ear_exit ear_ctl_query(struct ear_ctl *ctl, struct ear_pg_batch **batch,
                       struct ear_pg_results *results)
{
    struct ear_diag diag = {0};
    ear_err err = ear_pg_wait(ctl->pg, batch, results, &diag);
    if (err == EAR_DENIED)
        return ear_ctl_fail(err, "%s: EAR_PG has to name the role earshot_operator", diag.text);
    if (err) return ear_ctl_fail(err, "PostgreSQL: %s", diag.text);
    return EAR_EXIT_OK;
}

ear_exit ear_ctl_id(const char *text, const char *what, const char *shown_by, struct ear_id *id)
{
    if (ear_id_parse(ear_str_from(text), id) == EAR_OK) return EAR_EXIT_OK;
    ear_ctl_fail(EAR_INVALID, "'%s' is no %s: give the whole UUID, as %s it", text, what, shown_by);
    return EAR_EXIT_USAGE;
}
