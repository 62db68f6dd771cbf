#include "setup/migrate.h"

#include "show.h"

#include <stdio.h>
#include <stdlib.h>

/* Any number that no one else locks. */
#define LOCK_KEY "5136912046113"

static const struct migration {
    int version;
    const char *name;
    const char *sql;
} migrations[] = {
#include "migrations.inc"
};

int ear_migrate_newest(void)
{
    return migrations[EAR_COUNT(migrations) - 1].version;
}

static void digest(const struct migration *migration, char hex[static 2 * EAR_SHA256_BYTES + 1])
{
    uint8_t hash[EAR_SHA256_BYTES];
    ear_sha256(ear_str_from(migration->sql), hash);
    ear_hex(hash, sizeof(hash), hex);
}

/* Runs text that need not be prepared: the schema it speaks of may not exist yet. */
static ear_err script(struct ear_pg *pg, struct ear_diag *diag, const char *fmt, ...)
    EAR_PRINTF(3, 4);
static ear_err script(struct ear_pg *pg, struct ear_diag *diag, const char *fmt, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, fmt);
    int len = vasprintf(&text, fmt, args);
    va_end(args);
    EAR_CHECK(len >= 0);
    ear_err err = ear_pg_script(pg, (struct ear_str){text, (size_t)len}, diag);
    free(text);
    return err;
}

static ear_err begin(struct ear_pg *pg, struct ear_diag *diag)
{
    return script(pg, diag,
                  "SET client_min_messages = warning;\n"
                  "SELECT pg_advisory_lock(" LOCK_KEY ");\n"
                  "CREATE SCHEMA IF NOT EXISTS earshot;\n"
                  "CREATE TABLE IF NOT EXISTS earshot.migration (version integer PRIMARY KEY,"
                  " name text NOT NULL, sha256 bytea NOT NULL,"
                  " applied_at timestamptz NOT NULL DEFAULT now());\n");
}

static const struct ear_pg_statement exists_statement[] = {
    {"exists", "SELECT to_regclass('earshot.migration') IS NOT NULL, getdatabaseencoding()::text,"
               " (SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user)"},
};
static const struct ear_pg_statement applied_statement[] = {
    {"applied", "SELECT version, encode(sha256, 'hex') FROM earshot.migration ORDER BY version"},
};
static const struct ear_pg_statement key_statement[] = {
    {"key", "INSERT INTO earshot.id_key (key) VALUES ($1::bytea) ON CONFLICT DO NOTHING"},
};

/* Says of each migration whether the database has it; a digest that differs is refused. */
static ear_err compare(const struct ear_pg_result *rows, bool *has, struct ear_diag *diag)
{
    for (size_t row = 0; row < ear_pg_rows(rows); row++) {
        int64_t version = ear_pg_get_i64(rows, row, 0);
        for (size_t i = 0; i < EAR_COUNT(migrations); i++) {
            if (migrations[i].version != version) continue;
            char sha[2 * EAR_SHA256_BYTES + 1];
            digest(&migrations[i], sha);
            if (!ear_str_eq(ear_pg_get_str(rows, row, 1), ear_str_from(sha)))
                return ear_fail(diag, EAR_CONFLICT,
                                "%s was applied with another content: use the earshotctl that "
                                "made this database, or a newer one",
                                migrations[i].name);
            has[i] = true;
        }
        if (version > ear_migrate_newest())
            return ear_fail(diag, EAR_CONFLICT,
                            "the database is at version %lld, this program knows %d: use a newer "
                            "earshotctl",
                            (long long)version, ear_migrate_newest());
    }
    return EAR_OK;
}

/* Runs the one statement on a connection of its own. Takes the batch; the caller releases. */
static ear_err ask(struct ear_ctl *ctl, const struct ear_pg_statement *statement,
                   struct ear_pg_batch **batch, struct ear_pg_results *results,
                   struct ear_diag *diag)
{
    struct ear_pg *pg = NULL;
    ear_err err = EAR_OK;
    if (ear_ctl_connect_for(ctl, statement, 1, &pg) != EAR_EXIT_OK)
        err = ear_fail(diag, EAR_UNAVAILABLE, "no connection");
    else
        err = ear_pg_wait(pg, batch, results, diag);
    ear_pg_batch_free(batch);
    ear_pg_free(&pg);
    return err;
}

static struct ear_pg_batch *first_statement(void)
{
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, 0);
    return batch;
}

/* What a database is like that is to be migrated. */
struct ground {
    bool exists;      /* the table of what was applied */
    bool makes_roles; /* who connects may: the services have one each */
};

/* A database in another encoding is refused. */
static ear_err look(struct ear_ctl *ctl, struct ground *ground, struct ear_diag *diag)
{
    struct ear_pg_results results = {0};
    struct ear_pg_batch *batch = first_statement();
    ear_err err = ask(ctl, exists_statement, &batch, &results, diag);
    if (!err) {
        struct ear_str encoding = ear_pg_get_str(results.items[0], 0, 1);
        ground->exists = ear_pg_get_bool(results.items[0], 0, 0);
        ground->makes_roles = ear_pg_get_bool(results.items[0], 0, 2);
        if (!ear_str_eq(encoding, EAR_STR("UTF8")))
            err = ear_fail(diag, EAR_UNSUPPORTED,
                           "the database's encoding is %.*s, posts want UTF8: CREATE DATABASE … "
                           "ENCODING 'UTF8' TEMPLATE template0",
                           EAR_STR_ARG(encoding));
    }
    ear_pg_results_release(&results);
    return err;
}

static ear_err read_rows(struct ear_ctl *ctl, bool *has, struct ear_diag *diag)
{
    struct ear_pg_results results = {0};
    struct ear_pg_batch *batch = first_statement();
    ear_err err = ask(ctl, applied_statement, &batch, &results, diag);
    if (!err) err = compare(results.items[0], has, diag);
    ear_pg_results_release(&results);
    return err;
}

/* Before the first migration the table is missing: then nothing was applied. */
static ear_err read_applied(struct ear_ctl *ctl, bool *has, struct ear_diag *diag)
{
    struct ground ground = {0};
    ear_err err = look(ctl, &ground, diag);
    if (!err && ground.exists) err = read_rows(ctl, has, diag);
    if (!err && !ground.makes_roles && (!has[0] || ctl->options.role_secrets))
        err = ear_fail(diag, EAR_CONFLICT,
                       "EAR_PG names a role that may not make those of the services: ALTER ROLE … "
                       "CREATEROLE, or name another owner");
    return err;
}

static ear_err apply(struct ear_pg *pg, const struct migration *migration, struct ear_diag *diag)
{
    char sha[2 * EAR_SHA256_BYTES + 1];
    digest(migration, sha);
    return script(pg, diag,
                  "%s\nINSERT INTO earshot.migration (version, name, sha256)"
                  " VALUES (%d, '%s', '\\x%s');",
                  migration->sql, migration->version, migration->name, sha);
}

static ear_err make_key(struct ear_ctl *ctl, struct ear_diag *diag)
{
    uint8_t key[EAR_ID_KEY_BYTES];
    struct ear_pg_results results = {0};
    struct ear_pg_batch *batch = first_statement();
    ear_random(key, sizeof(key));
    ear_pg_bytes(batch, (struct ear_str){(const char *)key, sizeof(key)});
    ear_secret_wipe(key, sizeof(key));
    ear_err err = ask(ctl, key_statement, &batch, &results, diag);
    ear_pg_results_release(&results);
    return err;
}

static ear_err make_months(struct ear_pg *pg, struct ear_diag *diag)
{
    return ear_pg_script(pg,
                         EAR_STR("SELECT earshot.ensure_month(now() + n * interval '1 month')"
                                 " FROM generate_series(0, 3) n"),
                         diag);
}

static const char *const roles[] = {"earshot_ingest", "earshot_assignment", "earshot_responder",
                                    "earshot_operator", "earshot_report"};

/* Appends the statement that sets the role's password. The server gets a verifier, never the
 * password: what it runs may stand in its log. */
static ear_err add_password(struct ear_pg *pg, const char *dir, const char *role,
                            struct ear_buf *sql, struct ear_diag *diag)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", dir, role);
    struct ear_buf secret;
    ear_buf_init(&secret, 1024);
    ear_err err = ear_file_read_secret(path, &secret, diag) ? EAR_INVALID : EAR_OK;
    if (!err) err = ear_buf_printf(sql, "ALTER ROLE %s PASSWORD '", role);
    if (!err) {
        err = ear_pg_verifier(pg, ear_buf_str(&secret), sql, diag);
        if (err) ear_fail_in(diag, err, path);
    }
    if (!err) err = ear_buf_append_str(sql, EAR_STR("';\n"));
    if (secret.data) ear_secret_wipe(secret.data, secret.len);
    ear_buf_release(&secret);
    return err;
}

/* All of them, before anything is changed: one that cannot be read is no reason to stop half-way.
 * Empty without --role-secrets. */
static ear_err read_passwords(const struct ear_ctl *ctl, struct ear_pg *pg, struct ear_buf *sql,
                              struct ear_diag *diag)
{
    const char *dir = ctl->options.role_secrets;
    ear_err err = EAR_OK;
    for (size_t i = 0; dir && !err && i < EAR_COUNT(roles); i++)
        err = add_password(pg, dir, roles[i], sql, diag);
    return err;
}

static ear_err apply_missing(struct ear_ctl *ctl, struct ear_pg *pg, json_t *done,
                             struct ear_diag *diag)
{
    bool has[EAR_COUNT(migrations)] = {false};
    ear_err err = read_applied(ctl, has, diag);
    for (size_t i = 0; !err && i < EAR_COUNT(migrations); i++) {
        if (has[i]) continue;
        if (!ctl->options.json)
            printf("%s %s\n", ctl->options.dry_run ? "would apply" : "applying",
                   migrations[i].name);
        json_array_append_new(done, json_string(migrations[i].name));
        if (ctl->options.dry_run) continue;
        err = apply(pg, &migrations[i], diag);
        if (err) return ear_fail_in(diag, err, migrations[i].name);
    }
    return err;
}

static void tell(const struct ear_ctl *ctl, json_t *done)
{
    if (ctl->options.json) {
        json_t *answer = json_pack("{s:i, s:O}", "version", ear_migrate_newest(), "applied", done);
        ear_show_json(answer);
        json_decref(answer);
    } else if (json_array_size(done) == 0) {
        printf("nothing to do: the database is at version %d\n", ear_migrate_newest());
    }
}

/* Brings the database to the newest version, with what no file makes: key, months, passwords. */
static ear_err bring_up(struct ear_ctl *ctl, struct ear_pg *pg, struct ear_str passwords,
                        json_t *done, struct ear_diag *diag)
{
    bool has[EAR_COUNT(migrations)] = {false};
    if (ctl->options.dry_run) return apply_missing(ctl, pg, done, diag);
    ear_err err = read_applied(ctl, has, diag); /* what is refused is left as it is */
    if (!err) err = begin(pg, diag);
    if (err == EAR_DENIED) ear_fail_in(diag, err, "EAR_PG has to name the database's owner");
    if (!err) err = apply_missing(ctl, pg, done, diag);
    if (!err) err = make_key(ctl, diag);
    if (!err) err = make_months(pg, diag);
    if (!err && passwords.len) err = ear_pg_script(pg, passwords, diag);
    return err;
}

ear_exit ear_migrate(struct ear_ctl *ctl, int argc, char **argv)
{
    (void)argc, (void)argv;
    struct ear_diag diag = {0};
    struct ear_pg *pg = NULL;
    struct ear_buf passwords;
    json_t *done = json_array();
    ear_buf_init(&passwords, 8192);
    ear_exit status = ear_ctl_connect_for(ctl, NULL, 0, &pg);
    if (status) goto out;
    ear_err err = read_passwords(ctl, pg, &passwords, &diag);
    if (!err) err = bring_up(ctl, pg, ear_buf_str(&passwords), done, &diag);
    if (err)
        status = ear_ctl_fail(err, "migrate: %s", diag.text);
    else
        tell(ctl, done);
out:
    ear_buf_release(&passwords);
    ear_pg_free(&pg);
    json_decref(done);
    return status;
}
