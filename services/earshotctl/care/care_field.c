#include "care/care_field.h"

#include "show.h"

#include <ctype.h>
#include <stdarg.h>

static const char *const topics[] = {"delivery", "billing", "account", "fault",
                                     "outage",   "booking", "refund",  "staff",
                                     "howto",    "feature", "other"};

void ear_care_mistake(struct ear_care_report *report, size_t line, const char *fmt, ...)
{
    report->mistakes++;
    fprintf(report->out, "%s:%zu: ", report->name, line);
    va_list args;
    va_start(args, fmt);
    ear_show_message(report->out, fmt, args);
    va_end(args);
}

/* --- Scalars: NULL with *why set when refused ---------------------------------------------------
 */

static json_t *json_of(struct ear_str s)
{
    return json_stringn(s.ptr, s.len);
}

static json_t *read_id(struct ear_str s, const char **why)
{
    *why = "use 1 to 64 of a-z, 0-9, '_' and '-'";
    if (s.len < 1 || s.len > 64) return NULL;
    for (size_t i = 0; i < s.len; i++)
        if (!memchr("abcdefghijklmnopqrstuvwxyz0123456789_-", s.ptr[i], 38)) return NULL;
    return json_of(s);
}

static json_t *read_agent(struct ear_str s, const char **why)
{
    static const char *const taken[] = {"operator", "responder", "rule", "timer"};
    for (size_t i = 0; i < EAR_COUNT(taken); i++)
        if (ear_str_eq(s, ear_str_from(taken[i]))) {
            *why = "in the history of cases this name is no person's: use another";
            return NULL;
        }
    return read_id(s, why);
}

static json_t *read_account(struct ear_str s, const char **why)
{
    *why = "use 1 to 128 bytes without white space";
    if (s.len < 1 || s.len > 128) return NULL;
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] <= ' ') return NULL;
    return json_of(s);
}

static json_t *read_text(struct ear_str s, const char **why)
{
    *why = "use 1 to 256 bytes on one line";
    if (s.len < 1 || s.len > 256) return NULL;
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < ' ') return NULL;
    return json_of(s);
}

static json_t *read_bool(struct ear_str s, const char **why)
{
    *why = "use true or false";
    if (ear_str_eq(s, EAR_STR("true"))) return json_true();
    if (ear_str_eq(s, EAR_STR("false"))) return json_false();
    return NULL;
}

static json_t *read_count(struct ear_str s, const char **why)
{
    int64_t value;
    *why = "use a whole number from 0 to 10000";
    return ear_num_i64(s, 0, 10000, &value) ? NULL : json_integer(value);
}

static json_t *read_seconds(struct ear_str s, const char **why)
{
    int64_t value_ms;
    *why = "use a duration of 1s to 365d, as 15m or 7d";
    if (ear_num_duration_ms(s, 1000, INT64_C(365) * 86400000, &value_ms)) return NULL;
    return json_integer(value_ms / 1000);
}

static json_t *read_language(struct ear_str s, const char **why)
{
    *why = "use two or three letters, as en";
    if (s.len < 2 || s.len > 3) return NULL;
    for (size_t i = 0; i < s.len; i++)
        if (!islower((unsigned char)s.ptr[i])) return NULL;
    return json_of(s);
}

static json_t *read_topic(struct ear_str s, const char **why)
{
    *why = "use delivery, billing, account, fault, outage, booking, refund, staff, howto, feature "
           "or other";
    for (size_t i = 0; i < EAR_COUNT(topics); i++)
        if (ear_str_eq(s, ear_str_from(topics[i]))) return json_of(s);
    return NULL;
}

static json_t *read_file(struct ear_str s, const char **why)
{
    *why = "use the name of a file in EAR_SECRETS_DIR, without a slash, a blank or a leading dot";
    if (s.len < 1 || s.len > 128 || s.ptr[0] == '.') return NULL;
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] == '/' || (unsigned char)s.ptr[i] <= ' ') return NULL;
    return read_text(s, why);
}

typedef json_t *read_fn(struct ear_str s, const char **why);

static json_t *scalar(const struct ear_yaml_node *node, read_fn *read, const char *key,
                      struct ear_care_report *report)
{
    const char *why = "use one value, not a list or a map";
    json_t *value = NULL;
    if (ear_yaml_type_of(node) == EAR_YAML_SCALAR) value = read(ear_yaml_scalar(node), &why);
    if (!value) ear_care_mistake(report, ear_yaml_line(node), "%s: %s", key, why);
    return value;
}

/* --- Lists and maps -----------------------------------------------------------------------------
 */

static json_t *list(struct ear_yaml *yaml, const struct ear_yaml_node *node, read_fn *read,
                    const char *key, struct ear_care_report *report)
{
    if (ear_yaml_type_of(node) != EAR_YAML_LIST) {
        ear_care_mistake(report, ear_yaml_line(node), "%s: use a list, as [a, b]", key);
        return NULL;
    }
    json_t *array = json_array();
    for (size_t i = 0; i < ear_yaml_count(node); i++) {
        json_t *value = scalar(ear_yaml_item(yaml, node, i), read, key, report);
        if (value) json_array_append_new(array, value);
    }
    return array;
}

static json_t *map(struct ear_yaml *yaml, const struct ear_yaml_node *node, const char *key,
                   struct ear_care_report *report)
{
    if (ear_yaml_type_of(node) != EAR_YAML_MAP) {
        ear_care_mistake(report, ear_yaml_line(node), "%s: use a map, as { name: value }", key);
        return NULL;
    }
    json_t *object = json_object();
    for (size_t i = 0; i < ear_yaml_count(node); i++) {
        const struct ear_yaml_node *name = ear_yaml_key(yaml, node, i);
        const char *why;
        json_t *id = read_id(ear_yaml_scalar(name), &why);
        json_t *value = scalar(ear_yaml_value(yaml, node, i), read_text, key, report);
        if (!id)
            ear_care_mistake(report, ear_yaml_line(name), "%s: name of a setting: %s", key, why);
        if (id && value && !json_object_get(object, json_string_value(id)))
            json_object_set(object, json_string_value(id), value);
        else if (id && value)
            ear_care_mistake(report, ear_yaml_line(name), "%s: %s stands twice", key,
                             json_string_value(id));
        json_decref(id);
        json_decref(value);
    }
    return object;
}

/* --- Shifts -------------------------------------------------------------------------------------
 */

static int day_number(struct ear_str s)
{
    static const char names[] = "montuewedthufrisatsun";
    for (int day = 0; day < 7; day++)
        if (ear_str_eq(s, (struct ear_str){names + 3 * day, 3})) return day + 1;
    return 0;
}

/* "mon-fri" or "sat"; a range may pass Sunday. False when it is neither. */
static bool add_days(struct ear_str part, bool days[8])
{
    struct ear_str rest = part, first;
    if (!ear_str_split(&rest, '-', &first)) return false;
    int from = day_number(ear_str_trim(first));
    int to = rest.ptr ? day_number(ear_str_trim(rest)) : from;
    if (!from || !to) return false;
    for (int day = from;; day = day % 7 + 1) {
        days[day] = true;
        if (day == to) return true;
    }
}

static json_t *read_days(struct ear_str s, const char **why)
{
    *why = "use daily, mon-fri, sat or mon,wed,fri";
    bool days[8] = {false};
    struct ear_str part, rest = ear_str_eq(s, EAR_STR("daily")) ? EAR_STR("mon-sun") : s;
    if (!rest.len) return NULL;
    while (ear_str_split(&rest, ',', &part))
        if (!add_days(ear_str_trim(part), days)) return NULL;
    json_t *array = json_array();
    for (int day = 1; day <= 7; day++)
        if (days[day]) json_array_append_new(array, json_integer(day));
    return array;
}

static json_t *read_time(struct ear_str s, const char **why)
{
    *why = "use a time of day in quotes, as \"08:30\" or \"24:00\"";
    int64_t hour, minute;
    if (s.len != 5 || s.ptr[2] != ':') return NULL;
    if (ear_num_i64((struct ear_str){s.ptr, 2}, 0, 24, &hour)) return NULL;
    if (ear_num_i64((struct ear_str){s.ptr + 3, 2}, 0, hour == 24 ? 0 : 59, &minute)) return NULL;
    return json_of(s);
}

static const struct ear_care_field shift_fields[] = {
    {"days", "weekdays", EAR_CARE_TEXT, true, NULL},
    {"from", "from_time", EAR_CARE_TEXT, true, NULL},
    {"to", "to_time", EAR_CARE_TEXT, true, NULL},
    {"zone", "time_zone", EAR_CARE_TEXT, true, NULL},
};

static bool refine(json_t *row, const char *column, read_fn *read, size_t line,
                   struct ear_care_report *report)
{
    const json_t *text = json_object_get(row, column);
    if (!text) return false;
    const char *why;
    json_t *value = read(ear_str_from(json_string_value(text)), &why);
    if (!value) {
        ear_care_mistake(report, line, "shifts: %s: %s", json_string_value(text), why);
        return false;
    }
    json_object_set_new(row, column, value);
    return true;
}

static json_t *shift(struct ear_yaml *yaml, const struct ear_yaml_node *node,
                     struct ear_care_report *report)
{
    size_t line = ear_yaml_line(node);
    json_t *row = ear_care_row(yaml, node, shift_fields, EAR_COUNT(shift_fields), "shift", report);
    bool good = refine(row, "weekdays", read_days, line, report);
    good = refine(row, "from_time", read_time, line, report) && good;
    good = refine(row, "to_time", read_time, line, report) && good;
    json_object_del(row, "line");
    if (good && strcmp(json_string_value(json_object_get(row, "from_time")),
                       json_string_value(json_object_get(row, "to_time"))) >= 0)
        ear_care_mistake(report, line,
                         "shifts: ends before it begins; write a shift over midnight as two");
    return row;
}

/* Days, then begin, then end: the order in which the database tells them, so that a plan compares
 * what they say and not how they were written. */
static bool earlier(const json_t *a, const json_t *b)
{
    const json_t *days[] = {json_object_get(a, "weekdays"), json_object_get(b, "weekdays")};
    static const char *const times[] = {"from_time", "to_time"};
    size_t i, shared = json_array_size(days[0]) < json_array_size(days[1])
                           ? json_array_size(days[0])
                           : json_array_size(days[1]);
    for (i = 0; i < shared; i++) {
        json_int_t day[] = {json_integer_value(json_array_get(days[0], i)),
                            json_integer_value(json_array_get(days[1], i))};
        if (day[0] != day[1]) return day[0] < day[1];
    }
    if (json_array_size(days[0]) != json_array_size(days[1]))
        return shared == json_array_size(days[0]);
    int order = 0;
    for (i = 0; i < EAR_COUNT(times) && order == 0; i++) {
        const char *of_a = json_string_value(json_object_get(a, times[i]));
        const char *of_b = json_string_value(json_object_get(b, times[i]));
        order = of_a && of_b ? strcmp(of_a, of_b) : 0;
    }
    return order < 0;
}

/* Takes row. */
static void put_in_order(json_t *array, json_t *row)
{
    size_t at = json_array_size(array);
    while (at > 0 && earlier(row, json_array_get(array, at - 1))) at--;
    json_array_insert_new(array, at, row);
}

static json_t *shifts(struct ear_yaml *yaml, const struct ear_yaml_node *node,
                      struct ear_care_report *report)
{
    if (ear_yaml_type_of(node) != EAR_YAML_LIST) {
        ear_care_mistake(report, ear_yaml_line(node), "shifts: use a list of shifts");
        return NULL;
    }
    json_t *array = json_array();
    for (size_t i = 0; i < ear_yaml_count(node); i++)
        put_in_order(array, shift(yaml, ear_yaml_item(yaml, node, i), report));
    return array;
}

/* --- Rows ---------------------------------------------------------------------------------------
 */

static json_t *value_of(struct ear_yaml *yaml, const struct ear_yaml_node *node,
                        const struct ear_care_field *field, struct ear_care_report *report)
{
    static read_fn *const readers[] = {
        [EAR_CARE_ID] = read_id,           [EAR_CARE_AGENT] = read_agent,
        [EAR_CARE_ACCOUNT] = read_account, [EAR_CARE_TEXT] = read_text,
        [EAR_CARE_BOOL] = read_bool,       [EAR_CARE_COUNT] = read_count,
        [EAR_CARE_SECONDS] = read_seconds, [EAR_CARE_LANGUAGES] = read_language,
        [EAR_CARE_TOPICS] = read_topic,    [EAR_CARE_FILES] = read_file,
    };
    switch (field->type) {
    case EAR_CARE_MAP:
        return map(yaml, node, field->key, report);
    case EAR_CARE_SHIFTS:
        return shifts(yaml, node, report);
    case EAR_CARE_LANGUAGES:
    case EAR_CARE_TOPICS:
    case EAR_CARE_FILES:
        return list(yaml, node, readers[field->type], field->key, report);
    default:
        return scalar(node, readers[field->type], field->key, report);
    }
}

static const struct ear_care_field *field_named(const struct ear_care_field *fields, size_t count,
                                                struct ear_str key)
{
    for (size_t i = 0; i < count; i++)
        if (ear_str_eq(key, ear_str_from(fields[i].key))) return &fields[i];
    return NULL;
}

static void unknown_key(const struct ear_yaml_node *key, const struct ear_care_field *fields,
                        size_t count, const char *what, struct ear_care_report *report)
{
    char known[256] = "";
    for (size_t i = 0; i < count; i++) {
        size_t used = strlen(known);
        snprintf(known + used, sizeof(known) - used, "%s%s", used ? ", " : "", fields[i].key);
    }
    struct ear_str name = ear_yaml_scalar(key);
    ear_care_mistake(report, ear_yaml_line(key), "%s: no such key '%.*s'; known are %s", what,
                     EAR_STR_ARG(name), known);
}

static void fill_absent(json_t *row, size_t line, const struct ear_care_field *fields, size_t count,
                        const char *what, struct ear_care_report *report)
{
    for (size_t i = 0; i < count; i++) {
        if (json_object_get(row, fields[i].column)) continue;
        if (fields[i].required)
            ear_care_mistake(report, line, "%s: '%s' is missing", what, fields[i].key);
        else
            json_object_set_new(row, fields[i].column,
                                json_loads(fields[i].fallback, JSON_DECODE_ANY, NULL));
    }
}

json_t *ear_care_row(struct ear_yaml *yaml, const struct ear_yaml_node *node,
                     const struct ear_care_field *fields, size_t count, const char *what,
                     struct ear_care_report *report)
{
    json_t *row = json_object();
    size_t before = report->mistakes;
    if (ear_yaml_type_of(node) != EAR_YAML_MAP) {
        ear_care_mistake(report, ear_yaml_line(node), "%s: use a map, as { id: … }", what);
        return row;
    }
    for (size_t i = 0; i < ear_yaml_count(node); i++) {
        const struct ear_yaml_node *key = ear_yaml_key(yaml, node, i);
        const struct ear_care_field *field = field_named(fields, count, ear_yaml_scalar(key));
        if (!field) {
            unknown_key(key, fields, count, what, report);
            continue;
        }
        if (json_object_get(row, field->column))
            ear_care_mistake(report, ear_yaml_line(key), "%s: '%s' stands twice", what, field->key);
        json_t *value = value_of(yaml, ear_yaml_value(yaml, node, i), field, report);
        if (value) json_object_set_new(row, field->column, value);
    }
    if (report->mistakes == before) /* a bad value is not a missing one */
        fill_absent(row, ear_yaml_line(node), fields, count, what, report);
    json_object_set_new(row, "line", json_integer((json_int_t)ear_yaml_line(node)));
    return row;
}
