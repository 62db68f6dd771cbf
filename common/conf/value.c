#include "conf/value.h"

#include <inttypes.h>
#include <stdlib.h>

bool ear_conf_holds_text(const struct ear_conf_key *key)
{
    return key->type == EAR_CONF_TEXT || key->type == EAR_CONF_SECRET ||
           key->type == EAR_CONF_ENDPOINT;
}

static void *field(const struct ear_conf_key *key, const void *target)
{
    return (char *)target + key->offset;
}

const char **ear_conf_text_of(const struct ear_conf_key *key, void *target)
{
    EAR_CHECK(ear_conf_holds_text(key));
    return field(key, target);
}

const char *ear_conf_type_text(const struct ear_conf_key *key)
{
    static const char *const texts[] = {
        [EAR_CONF_TEXT] = "text",
        [EAR_CONF_SECRET] = "secret",
        [EAR_CONF_INT] = "whole number",
        [EAR_CONF_DURATION] = "duration such as 250ms, 15s, 10m, 2h or 3d",
        [EAR_CONF_SIZE] = "size such as 4096, 64KiB, 4MiB or 1GiB",
        [EAR_CONF_BOOL] = "on or off",
        [EAR_CONF_ENDPOINT] = "host:port",
    };
    return texts[key->type];
}

static bool unbounded(const struct ear_conf_key *key)
{
    return key->min == 0 && key->max == 0;
}

struct unit {
    const char *name;
    int64_t factor;
};

/* The largest unit that divides value; units end with factor 1. */
static ear_err put_with_unit(struct ear_buf *out, const struct unit *units, int64_t value)
{
    while (units->factor > 1 && (value == 0 || value % units->factor != 0)) units++;
    return ear_buf_printf(out, "%" PRId64 "%s", value / units->factor, units->name);
}

static ear_err put_number(const struct ear_conf_key *key, int64_t value, struct ear_buf *out)
{
    static const struct unit times[] = {
        {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1},
    };
    static const struct unit sizes[] = {
        {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"", 1}};
    static const struct unit none[] = {{"", 1}};
    const struct unit *units = key->type == EAR_CONF_DURATION ? times
                               : key->type == EAR_CONF_SIZE   ? sizes
                                                              : none;
    return put_with_unit(out, units, value);
}

ear_err ear_conf_range_write(const struct ear_conf_key *key, struct ear_buf *out)
{
    bool number =
        key->type == EAR_CONF_INT || key->type == EAR_CONF_DURATION || key->type == EAR_CONF_SIZE;
    if (!number || unbounded(key)) return EAR_OK;
    if (key->min == INT64_MIN) {
        ear_err err = ear_buf_append_str(out, EAR_STR("at most "));
        return err ? err : put_number(key, key->max, out);
    }
    bool open = key->max == INT64_MAX;
    ear_err err = ear_buf_append_str(out, open ? EAR_STR("at least ") : EAR_STR(""));
    if (!err) err = put_number(key, key->min, out);
    if (!err && !open) err = ear_buf_append_str(out, EAR_STR(" to "));
    if (!err && !open) err = put_number(key, key->max, out);
    return err;
}

static ear_err fail_type(const struct ear_conf_key *key, struct ear_str text, struct ear_diag *diag)
{
    return ear_fail(diag, EAR_INVALID, "\"%.*s\" is not a valid value; write %s",
                    text.len > 80 ? 80 : (int)text.len, text.ptr, ear_conf_type_text(key));
}

static ear_err check_range(const struct ear_conf_key *key, int64_t value, struct ear_diag *diag)
{
    if (unbounded(key) || (value >= key->min && value <= key->max)) return EAR_OK;
    struct ear_buf range;
    ear_buf_init(&range, 256);
    ear_err err = put_number(key, value, &range);
    if (!err) err = ear_buf_append_str(&range, EAR_STR(" is out of range; allowed is "));
    if (!err) err = ear_conf_range_write(key, &range);
    err = ear_fail(diag, err ? err : EAR_INVALID, "%s", err ? ear_err_text(err) : range.data);
    ear_buf_release(&range);
    return err;
}

static ear_err read_number(const struct ear_conf_key *key, struct ear_str text, void *target,
                           struct ear_diag *diag)
{
    int64_t value;
    ear_err err = key->type == EAR_CONF_DURATION ? ear_num_duration_ms(text, 0, INT64_MAX, &value)
                  : key->type == EAR_CONF_SIZE   ? ear_num_size(text, 0, INT64_MAX, &value)
                                                 : ear_num_i64(text, INT64_MIN, INT64_MAX, &value);
    if (err) return fail_type(key, text, diag);
    err = check_range(key, value, diag);
    if (!err) *(int64_t *)field(key, target) = value;
    return err;
}

static ear_err read_bool(const struct ear_conf_key *key, struct ear_str text, void *target,
                         struct ear_diag *diag)
{
    bool on = ear_str_eq(text, EAR_STR("on"));
    if (!on && !ear_str_eq(text, EAR_STR("off"))) return fail_type(key, text, diag);
    *(bool *)field(key, target) = on;
    return EAR_OK;
}

static bool is_host(struct ear_str host)
{
    bool bracketed = host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';
    for (size_t i = 0; i < host.len; i++) {
        char c = host.ptr[i];
        if (c <= ' ' || c >= 0x7F || strchr("/@", c)) return false;
        if (!bracketed && strchr(":[]", c)) return false;
    }
    return host.len > 0;
}

/* The port follows the last colon; an IPv6 address stands in brackets. Port 0 lets the system
 * choose. */
static bool is_endpoint(struct ear_str text)
{
    size_t colon = text.len;
    while (colon > 0 && text.ptr[colon - 1] != ':') colon--;
    if (colon == 0) return false;
    uint64_t number;
    struct ear_str port = {text.ptr + colon, text.len - colon};
    return is_host((struct ear_str){text.ptr, colon - 1}) &&
           ear_num_u64(port, UINT16_MAX, &number) == EAR_OK;
}

static ear_err read_text(const struct ear_conf_key *key, struct ear_str text, void *target,
                         struct ear_diag *diag)
{
    if (text.len && memchr(text.ptr, '\0', text.len))
        return ear_fail(diag, EAR_INVALID, "the value holds a NUL byte");
    /* An empty end point is none, where the table's default says so. */
    if (key->type == EAR_CONF_ENDPOINT && text.len && !is_endpoint(text))
        return fail_type(key, text, diag);
    *ear_conf_text_of(key, target) = ear_str_dup(text);
    return EAR_OK;
}

ear_err ear_conf_value_read(const struct ear_conf_key *key, struct ear_str text, void *target,
                            struct ear_diag *diag)
{
    if (ear_conf_holds_text(key)) return read_text(key, text, target, diag);
    if (key->type == EAR_CONF_BOOL) return read_bool(key, text, target, diag);
    return read_number(key, text, target, diag);
}

ear_err ear_conf_value_write(const struct ear_conf_key *key, const void *target,
                             struct ear_buf *out)
{
    const void *at = field(key, target);
    if (key->type == EAR_CONF_BOOL)
        return ear_buf_append_str(out, *(const bool *)at ? EAR_STR("on") : EAR_STR("off"));
    if (!ear_conf_holds_text(key)) return put_number(key, *(const int64_t *)at, out);
    const char *text = *(const char *const *)at;
    bool set = text && *text;
    if (key->type == EAR_CONF_SECRET)
        return ear_buf_append_str(out, set ? EAR_STR("(set)") : EAR_STR("(not set)"));
    return ear_buf_append_str(out, ear_str_from(text));
}
