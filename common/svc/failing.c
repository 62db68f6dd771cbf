#include "svc/failing.h"

#include "text/text.h"
#include "json/json.h"

#define NAMED_MAX 16

void ear_failing_init(struct ear_failing *failing)
{
    *failing = (struct ear_failing){.named = json_array()};
}

void ear_failing_add(struct ear_failing *failing, const char *account, const char *connector,
                     int64_t since_us, const char *why)
{
    char since[EAR_TIME_TEXT_BYTES];
    struct ear_buf words;
    if (++failing->count > NAMED_MAX) return;
    ear_buf_init(&words, (size_t)4 * EAR_DIAG_TEXT_BYTES);
    ear_time_format(since_us, since);
    if (ear_text_repair(ear_str_from(why), &words) == EAR_OK)
        json_array_append_new(failing->named,
                              json_pack("{s:s, s:s, s:s, s:s}", "account", account, "connector",
                                        connector, "since", since, "why", words.data));
    ear_buf_release(&words);
}

ear_err ear_failing_write(struct ear_failing *failing, const char *name, struct ear_buf *json)
{
    ear_err err = ear_buf_printf(json, "\"%s_accounts\":%zu,\"%s\":", name, failing->count, name);
    if (err == EAR_OK) err = ear_json_write(failing->named, json);
    json_decref(failing->named);
    failing->named = NULL;
    return err;
}
