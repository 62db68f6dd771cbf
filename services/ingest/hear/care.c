#include "hear/care.h"
#include "events.h"
#include "store_sql.h"
#include "json/json.h"
#include <stdlib.h>

#define SETTINGS_BYTES_MAX (64u << 10)
#define SECRET_BYTES_MAX   (16u << 10)
#define WARNED_MAX         1000
#define RETRY_MS           2000
#define NAME_BYTES         (EAR_PLATFORM_BYTES_MAX + 1 + EAR_POST_REF_BYTES_MAX)

struct ear_care {
    struct ear_care_opts opts;
    struct ear_account *accounts;
    size_t count;
    struct ear_map *by_key;    /* to struct ear_account */
    struct ear_map *by_author; /* "platform\nauthor" to struct ear_account */
    struct ear_map *warned;    /* keys already complained about */
    struct ear_timer *retry;
    bool loaded;
    bool loading;
    bool again; /* changed while it was being read */
};

void ear_secrets_forget(json_t *secrets)
{
    size_t at;
    json_t *text;
    bool last = secrets && secrets->refcount == 1;
    json_array_foreach(last ? secrets : NULL, at, text)
        ear_secret_wipe((char *)(uintptr_t)json_string_value(text), json_string_length(text));
    json_decref(secrets);
}

static void account_release(struct ear_account *account)
{
    free((void *)(uintptr_t)account->key);
    free((void *)(uintptr_t)account->platform);
    free((void *)(uintptr_t)account->author_id);
    json_decref(account->settings);
    ear_secrets_forget(account->secrets);
    ear_secret_wipe(account->keys, sizeof(account->keys));
}

static void forget_accounts(struct ear_care *care)
{
    ear_map_free(&care->by_key, NULL);
    ear_map_free(&care->by_author, NULL);
    for (size_t i = 0; i < care->count; i++) account_release(&care->accounts[i]);
    EAR_FREE(care->accounts);
    care->count = 0;
}

static void read_secret(const struct ear_care *care, struct ear_account *account,
                        struct ear_str name)
{
    struct ear_buf path, text;
    struct ear_diag diag = {0};
    ear_buf_init(&path, 4096);
    ear_buf_init(&text, SECRET_BYTES_MAX);
    ear_err err = ear_buf_printf(&path, "%s/%.*s", care->opts.secrets_dir, EAR_STR_ARG(name));
    if (err == EAR_OK) err = ear_file_read_secret(path.data, &text, &diag);
    if (err == EAR_OK &&
        json_array_append_new(account->secrets, json_stringn(text.data ? text.data : "", text.len)))
        err = ear_fail(&diag, EAR_NO_MEMORY, "no memory to keep it");
    if (err != EAR_OK)
        ear_log(&EV_INGEST_SECRET_UNREADABLE, kv_text("account", account->key), kv_diag(&diag));
    if (text.data) ear_secret_wipe(text.data, text.cap);
    ear_buf_release(&text);
    ear_buf_release(&path);
}

/* A platform's password is no webhook key: with a connector only what says so ("whsec_") counts. */
static void read_keys(struct ear_account *account)
{
    size_t at;
    json_t *value;
    json_array_foreach(account->secrets, at, value)
    {
        struct ear_str text = {json_string_value(value), json_string_length(value)};
        if (account->connector && !ear_str_starts(text, EAR_STR("whsec_"))) continue;
        if (account->key_count == EAR_ACCOUNT_KEYS_MAX) return;
        struct ear_webhook_key *key = &account->keys[account->key_count];
        if (ear_webhook_key_parse(text, key, NULL) == EAR_OK) account->key_count++;
    }
}

static void take_print(struct ear_account *account)
{
    struct ear_buf all;
    size_t at, most = 2;
    json_t *text;
    json_array_foreach(account->secrets, at, text)
    {
        most += 6 * json_string_length(text) + 3; /* as \u001f, with quotes and a comma */
    }
    ear_buf_init(&all, SIZE_MAX);
    /* Room for all secrets at once: where it grew, copies of them would stay behind. */
    if (ear_json_write(account->settings, &all) == EAR_OK &&
        ear_buf_reserve(&all, most) == EAR_OK && ear_json_write(account->secrets, &all) == EAR_OK) {
        ear_sha256(ear_buf_str(&all), account->print);
    }
    if (all.data) ear_secret_wipe(all.data, all.cap);
    ear_buf_release(&all);
}

enum column { KEY, PLATFORM, AUTHOR_ID, SETTINGS, SECRETS, ENABLED };

static void read_account(const struct ear_care *care, struct ear_account *account,
                         const struct ear_pg_result *result, size_t row)
{
    struct ear_str secrets = ear_pg_get_str(result, row, SECRETS), name;
    account->key = ear_str_dup(ear_pg_get_str(result, row, KEY));
    account->platform = ear_str_dup(ear_pg_get_str(result, row, PLATFORM));
    account->author_id = ear_str_dup(ear_pg_get_str(result, row, AUTHOR_ID));
    account->enabled = ear_pg_get_bool(result, row, ENABLED);
    if (ear_json_parse(ear_pg_get_str(result, row, SETTINGS), SETTINGS_BYTES_MAX,
                       &account->settings, NULL) != EAR_OK ||
        !json_is_object(account->settings)) {
        json_decref(account->settings);
        account->settings = json_object();
    }
    account->secrets = json_array();
    while (secrets.len && ear_str_split(&secrets, '\n', &name)) {
        if (name.len && care->opts.secrets_dir[0]) read_secret(care, account, name);
    }
    account->connector = ear_connector_in_find(ear_str_from(account->platform), account->settings);
    read_keys(account);
    take_print(account);
}

/* Of an author of a platform; empty where no post can have it. */
static struct ear_str name_of(struct ear_str platform, struct ear_str author_id,
                              char room[static NAME_BYTES])
{
    size_t len = platform.len + 1 + author_id.len;
    if (!author_id.len || len > NAME_BYTES) return EAR_STR_NONE;
    memcpy(room, platform.ptr, platform.len);
    room[platform.len] = '\n';
    memcpy(room + platform.len + 1, author_id.ptr, author_id.len);
    return (struct ear_str){room, len};
}

static void index_account(struct ear_care *care, struct ear_account *account)
{
    char room[NAME_BYTES];
    struct ear_str author =
        name_of(ear_str_from(account->platform), ear_str_from(account->author_id), room);
    ear_map_put(care->by_key, ear_str_from(account->key), account);
    if (author.len) ear_map_put(care->by_author, author, account);
}

static void load(struct ear_care *care);

static void on_retry(void *self)
{
    load(self);
}

static void on_accounts(void *self, ear_err err, const struct ear_pg_result *const *results,
                        size_t count, const struct ear_diag *diag)
{
    struct ear_care *care = self;
    care->loading = false;
    if (err == EAR_CLOSED) return;
    if (err != EAR_OK || count != 1) {
        ear_log(&EV_INGEST_CARE_FAILED, kv_diag(diag));
        ear_timer_start(care->retry, RETRY_MS, 0);
        return;
    }
    forget_accounts(care);
    care->count = ear_pg_rows(results[0]);
    care->accounts = ear_alloc((care->count + 1) * sizeof(*care->accounts));
    care->by_key = ear_map_new();
    care->by_author = ear_map_new();
    for (size_t i = 0; i < care->count; i++) {
        read_account(care, &care->accounts[i], results[0], i);
        index_account(care, &care->accounts[i]);
    }
    care->loaded = true;
    ear_log(&EV_INGEST_CARE_LOADED, kv_int("accounts", care->count));
    if (care->again) load(care);
    care->opts.changed(care->opts.self);
}

static void load(struct ear_care *care)
{
    care->again = care->loading;
    if (care->loading) return;
    care->loading = true;
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_ACCOUNTS);
    ear_pg_run(care->opts.pg, &batch, on_accounts, care);
}

static void on_notify(void *self, struct ear_str payload)
{
    (void)payload;
    load(self);
}

ear_err ear_care_new(struct ear_care **out, const struct ear_care_opts *opts, struct ear_diag *diag)
{
    struct ear_care *care = ear_alloc(sizeof(*care));
    care->opts = *opts;
    care->by_key = ear_map_new();
    care->by_author = ear_map_new();
    care->warned = ear_map_new();
    ear_timer_new(&care->retry, opts->loop, on_retry, care);
    ear_err err = ear_pg_listen(opts->pg, "earshot_care", on_notify, care);
    if (err != EAR_OK) {
        ear_fail(diag, err, "cannot listen for changes of the accounts");
        ear_care_free(&care);
        return err;
    }
    *out = care;
    return EAR_OK;
}

void ear_care_free(struct ear_care **care_ptr)
{
    struct ear_care *care = *care_ptr;
    if (!care) return;
    forget_accounts(care);
    ear_timer_free(&care->retry);
    ear_map_free(&care->warned, NULL);
    EAR_FREE(*care_ptr);
}

bool ear_care_loaded(const struct ear_care *care)
{
    return care->loaded;
}

const struct ear_account *ear_care_find(const struct ear_care *care, struct ear_str key)
{
    return key.len ? ear_map_get(care->by_key, key) : NULL;
}

size_t ear_care_count(const struct ear_care *care)
{
    return care->count;
}

const struct ear_account *ear_care_at(const struct ear_care *care, size_t index)
{
    return &care->accounts[index];
}

bool ear_care_is_own(const struct ear_care *care, struct ear_str platform, struct ear_str author_id)
{
    char room[NAME_BYTES];
    if (ear_map_count(care->by_author) == 0) return false;
    return ear_map_get(care->by_author, name_of(platform, author_id, room)) != NULL;
}

bool ear_care_has_others(const struct ear_care *care, const struct ear_account *account)
{
    for (size_t i = 0; i < ear_care_count(care); i++) {
        const struct ear_account *other = ear_care_at(care, i);
        if (other != account && strcmp(other->platform, account->platform) == 0) return true;
    }
    return false;
}

void ear_care_warn_unknown(struct ear_care *care, struct ear_str key)
{
    /* The map cannot hold an empty key apart from absence. */
    struct ear_str name = key.len ? key : EAR_STR("\n");
    if (ear_map_get(care->warned, name) || ear_map_count(care->warned) >= WARNED_MAX) return;
    ear_map_put(care->warned, name, care);
    ear_log(&EV_INGEST_UNKNOWN_ACCOUNT, kv_str("account", key));
}
