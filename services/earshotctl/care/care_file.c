#include "care/care_file.h"

#include "care/care_field.h"
#include "json/json.h"

static const struct ear_care_field team_fields[] = {
    {"id", "team_id", EAR_CARE_ID, true, NULL},
    {"name", "name", EAR_CARE_TEXT, true, NULL},
    {"default", "is_default", EAR_CARE_BOOL, false, "false"},
    {"languages", "languages", EAR_CARE_LANGUAGES, false, "[]"},
    {"topics", "topics", EAR_CARE_TOPICS, false, "[]"},
};

static const struct ear_care_field account_fields[] = {
    {"id", "account_id", EAR_CARE_ACCOUNT, true, NULL},
    {"platform", "platform", EAR_CARE_ID, true, NULL},
    {"author_id", "author_id", EAR_CARE_TEXT, false, "\"\""},
    {"team", "team_id", EAR_CARE_ID, true, NULL},
    {"settings", "settings", EAR_CARE_MAP, false, "{}"},
    {"secrets", "secrets", EAR_CARE_FILES, false, "[]"},
    {"enabled", "enabled", EAR_CARE_BOOL, false, "true"},
};

static const struct ear_care_field agent_fields[] = {
    {"id", "agent_id", EAR_CARE_AGENT, true, NULL},
    {"name", "name", EAR_CARE_TEXT, true, NULL},
    {"team", "team_id", EAR_CARE_ID, true, NULL},
    {"capacity", "capacity", EAR_CARE_COUNT, true, NULL},
    {"sign_off", "sign_off", EAR_CARE_TEXT, false, "\"\""},
    {"languages", "languages", EAR_CARE_LANGUAGES, false, "[]"},
    {"shifts", "shifts", EAR_CARE_SHIFTS, false, "[]"},
};

static const struct ear_care_field policy_fields[] = {
    {"id", "policy_id", EAR_CARE_ID, true, NULL},
    {"team", "team_id", EAR_CARE_ID, false, "null"},
    {"platform", "platform", EAR_CARE_ID, false, "null"},
    {"first_response", "first_response_s", EAR_CARE_SECONDS, false, "900"},
    {"warn_before", "warn_before_s", EAR_CARE_SECONDS, false, "300"},
    {"reopen_within", "reopen_within_s", EAR_CARE_SECONDS, false, "604800"},
};

struct section {
    const char *key;   /* in the file */
    const char *table; /* in the document and in the database */
    const char *what;  /* one of them, in messages */
    const char *id;    /* column */
    const struct ear_care_field *fields;
    size_t count;
    bool required;
};

#define SECTION(key, table, id, required)                                            \
    {                                                                                \
        key, #table, #table, id, table##_fields, EAR_COUNT(table##_fields), required \
    }

static const struct section sections[] = {
    SECTION("teams", team, "team_id", true),
    SECTION("accounts", account, "account_id", false),
    SECTION("agents", agent, "agent_id", false),
    SECTION("policies", policy, "policy_id", false),
};

static const char *text_in(const json_t *row, const char *column)
{
    return json_string_value(json_object_get(row, column));
}

static size_t line_of(const json_t *row)
{
    return (size_t)json_integer_value(json_object_get(row, "line"));
}

static const json_t *row_named(const json_t *rows, const char *column, const char *id)
{
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        const char *other = text_in(row, column);
        if (other && id && strcmp(other, id) == 0) return row;
    }
    return NULL;
}

static void add_row(json_t *rows, json_t *row, const struct section *section,
                    struct ear_care_report *report)
{
    const char *id = text_in(row, section->id);
    const json_t *other = id ? row_named(rows, section->id, id) : NULL;
    if (other)
        ear_care_mistake(report, line_of(row), "%s '%s' stands twice, first in line %zu",
                         section->what, id, line_of(other));
    json_array_append_new(rows, row);
}

static json_t *read_section(struct ear_yaml *yaml, const struct ear_yaml_node *node,
                            const struct section *section, struct ear_care_report *report)
{
    json_t *rows = json_array();
    if (ear_yaml_type_of(node) != EAR_YAML_LIST) {
        ear_care_mistake(report, ear_yaml_line(node), "%s: use a list", section->key);
        return rows;
    }
    for (size_t i = 0; i < ear_yaml_count(node); i++)
        add_row(rows,
                ear_care_row(yaml, ear_yaml_item(yaml, node, i), section->fields, section->count,
                             section->what, report),
                section, report);
    return rows;
}

static const struct section *section_named(struct ear_str key)
{
    for (size_t i = 0; i < EAR_COUNT(sections); i++)
        if (ear_str_eq(key, ear_str_from(sections[i].key))) return &sections[i];
    return NULL;
}

static void read_top(struct ear_yaml *yaml, json_t *care, struct ear_care_report *report)
{
    const struct ear_yaml_node *root = ear_yaml_root(yaml);
    if (ear_yaml_type_of(root) != EAR_YAML_MAP) {
        ear_care_mistake(report, ear_yaml_line(root), "begin with 'firm: NAME'");
        return;
    }
    for (size_t i = 0; i < ear_yaml_count(root); i++) {
        const struct ear_yaml_node *key = ear_yaml_key(yaml, root, i);
        const struct ear_yaml_node *value = ear_yaml_value(yaml, root, i);
        struct ear_str name = ear_yaml_scalar(key);
        const struct section *section = section_named(name);
        const char *table = section ? section->table : "firm";
        if (!section && !ear_str_eq(name, EAR_STR("firm")))
            ear_care_mistake(
                report, ear_yaml_line(key),
                "no such key '%.*s'; known are firm, teams, accounts, agents, policies",
                EAR_STR_ARG(name));
        else if (json_object_get(care, table))
            ear_care_mistake(report, ear_yaml_line(key), "'%.*s' stands twice", EAR_STR_ARG(name));
        else if (section)
            json_object_set_new(care, table, read_section(yaml, value, section, report));
        else
            json_object_set_new(
                care, table,
                json_stringn(ear_yaml_scalar(value).ptr ? ear_yaml_scalar(value).ptr : "",
                             ear_yaml_scalar(value).len));
    }
}

static void check_present(json_t *care, struct ear_care_report *report)
{
    const char *firm = text_in(care, "firm");
    if (!firm || !*firm) ear_care_mistake(report, 1, "'firm' is missing: say 'firm: NAME'");
    for (size_t i = 0; i < EAR_COUNT(sections); i++) {
        if (json_object_get(care, sections[i].table)) continue;
        if (sections[i].required)
            ear_care_mistake(report, 1, "'%s' is missing: name at least one", sections[i].key);
        json_object_set_new(care, sections[i].table, json_array());
    }
}

static void check_default_team(const json_t *teams, struct ear_care_report *report)
{
    size_t i, defaults = 0, line = 1;
    json_t *team;
    json_array_foreach(teams, i, team)
    {
        line = line_of(team);
        if (!json_is_true(json_object_get(team, "is_default"))) continue;
        if (++defaults > 1) ear_care_mistake(report, line, "a second default team: keep one");
    }
    if (!defaults && json_array_size(teams) > 0)
        ear_care_mistake(report, line, "no team is the default: say 'default: true' for one");
}

static void check_teams_exist(const json_t *care, const struct section *section,
                              struct ear_care_report *report)
{
    const json_t *teams = json_object_get(care, "team");
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(care, section->table), i, row)
    {
        const char *team = text_in(row, "team_id");
        if (team && !row_named(teams, "team_id", team))
            ear_care_mistake(report, line_of(row), "%s: no team '%s' in this file", section->what,
                             team);
    }
}

static void drop_lines(json_t *care)
{
    for (size_t s = 0; s < EAR_COUNT(sections); s++) {
        size_t i;
        json_t *row;
        json_array_foreach(json_object_get(care, sections[s].table), i, row)
            json_object_del(row, "line");
    }
}

ear_err ear_care_parse(struct ear_str text, const char *name, json_t **out, FILE *err_out)
{
    struct ear_care_report report = {.out = err_out, .name = name};
    struct ear_diag diag = {0};
    struct ear_yaml *yaml = NULL;
    *out = NULL;
    if (ear_yaml_load(text, &yaml, &diag)) {
        fprintf(err_out, "%s: %s\n", name, diag.text);
        return EAR_INVALID;
    }
    ear_json_watch();
    json_t *care = json_object();
    read_top(yaml, care, &report);
    check_present(care, &report);
    check_default_team(json_object_get(care, "team"), &report);
    for (size_t i = 1; i < EAR_COUNT(sections); i++) check_teams_exist(care, &sections[i], &report);
    drop_lines(care);
    ear_yaml_free(&yaml);
    if (!report.mistakes && !ear_json_starved()) {
        *out = care;
        return EAR_OK;
    }
    json_decref(care);
    if (!ear_json_starved()) return EAR_INVALID;
    fprintf(err_out, "%s: %s\n", name, ear_err_text(EAR_NO_MEMORY));
    return EAR_NO_MEMORY;
}
