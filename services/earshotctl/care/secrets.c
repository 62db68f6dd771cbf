#include "care/secrets.h"

#include "care/care_open.h"
#include "show.h"

#include <stdio.h>
#include <sys/stat.h>

#define SECRET_BYTES_MAX (16u << 10) /* ingest takes no more */

static const struct ear_show_column columns[] = {
    {"secret", "SECRET", EAR_SHOW_TEXT, 0, 0},
    {"connector", "CONNECTOR", EAR_SHOW_TEXT, 0, 1},
    {"account", "ACCOUNT", EAR_SHOW_TEXT, 0, 0},
    {"there", "THERE", EAR_SHOW_BOOL, 0, 0},
};

/* As the services read it. */
static bool is_there(const char *dir, const char *name)
{
    char path[4096];
    struct ear_buf secret;
    int len = snprintf(path, sizeof(path), "%s/%s", dir, name);
    if (len < 0 || (size_t)len >= sizeof(path)) return false;
    ear_buf_init(&secret, SECRET_BYTES_MAX);
    bool there = ear_file_read_secret(path, &secret, NULL) == EAR_OK;
    if (secret.data) ear_secret_wipe(secret.data, secret.cap);
    ear_buf_release(&secret);
    return there;
}

/* Who hears and speaks for the account: as the services choose it. */
static const json_t *connector_of(const json_t *account)
{
    const json_t *chosen = json_object_get(json_object_get(account, "settings"), "connector");
    return chosen ? chosen : json_object_get(account, "platform");
}

static size_t add_account(json_t *rows, const json_t *account, const char *dir)
{
    size_t i, missing = 0;
    json_t *secret;
    json_array_foreach(json_object_get(account, "secrets"), i, secret)
    {
        json_t *row =
            json_pack("{s:O, s:O, s:O}", "secret", secret, "connector", connector_of(account),
                      "account", json_object_get(account, "account_id"));
        bool there = dir && is_there(dir, json_string_value(secret));
        if (dir) json_object_set_new(row, "there", json_boolean(there));
        missing += dir && !there;
        json_array_append_new(rows, row);
    }
    return missing;
}

static ear_exit show(const struct ear_ctl *ctl, const json_t *accounts)
{
    const char *dir = ctl->options.dir;
    size_t i, missing = 0;
    json_t *account, *rows = json_array();
    json_array_foreach(accounts, i, account) missing += add_account(rows, account, dir);
    ear_show_table(ctl, rows, columns, EAR_COUNT(columns) - !dir, "no account names a secret");
    json_decref(rows);
    if (!missing) return EAR_EXIT_OK;
    return ear_ctl_fail(EAR_DENIED, "%zu missing, unreadable or empty in %s", missing, dir);
}

ear_exit ear_secrets(struct ear_ctl *ctl, int argc, char **argv)
{
    (void)argc;
    struct ear_buf text;
    struct stat facts;
    json_t *care = NULL;
    const char *dir = ctl->options.dir;
    if (dir && (stat(dir, &facts) || !S_ISDIR(facts.st_mode)))
        return ear_ctl_fail_file("--dir: %s is no folder that can be read", dir);
    ear_exit status = ear_care_open(argv[0], &text, &care);
    if (!status) status = show(ctl, json_object_get(care, "account"));
    json_decref(care);
    ear_buf_release(&text);
    return status;
}
