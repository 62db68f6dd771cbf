#include "care/care_plan.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

const struct ear_care_table ear_care_tables[EAR_CARE_TABLES] = {
    {"team", "team_id"},
    {"account", "account_id"},
    {"agent", "agent_id"},
    {"policy", "policy_id"},
};

static const json_t *same_row(const json_t *rows, const json_t *row, const char *id_column)
{
    const json_t *id = json_object_get(row, id_column);
    size_t i;
    json_t *other;
    json_array_foreach(rows, i,
                       other) if (json_equal(json_object_get(other, id_column), id)) return other;
    return NULL;
}

static void note(json_t *plan, const char *verb, const struct ear_care_table *table,
                 const json_t *row, json_t *fields)
{
    json_array_append_new(plan, json_pack("{s:s, s:s, s:O, s:o}", "do", verb, "what", table->name,
                                          "id", json_object_get(row, table->id), "fields", fields));
}

static json_t *changed_fields(const json_t *from, const json_t *to)
{
    json_t *fields = json_array();
    const char *column;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)to, column, value)
    {
        json_t *old = json_object_get(from, column);
        if (json_equal(old, value)) continue;
        json_array_append_new(
            fields, json_pack("{s:s, s:O?, s:O}", "field", column, "from", old, "to", value));
    }
    return fields;
}

static void plan_table(json_t *plan, const struct ear_care_table *table, const json_t *now,
                       const json_t *wanted)
{
    size_t i;
    json_t *row;
    json_array_foreach(wanted, i, row)
    {
        const json_t *old = same_row(now, row, table->id);
        if (!old) {
            note(plan, "add", table, row, json_array());
            continue;
        }
        json_t *fields = changed_fields(old, row);
        if (json_array_size(fields) > 0)
            note(plan, "change", table, row, fields);
        else
            json_decref(fields);
    }
    json_array_foreach(now, i, row) if (!same_row(wanted, row, table->id))
        note(plan, "remove", table, row, json_array());
}

json_t *ear_care_plan(const json_t *now, const json_t *wanted)
{
    json_t *plan = json_array();
    for (size_t i = 0; i < EAR_CARE_TABLES; i++)
        plan_table(plan, &ear_care_tables[i], json_object_get(now, ear_care_tables[i].name),
                   json_object_get(wanted, ear_care_tables[i].name));
    return plan;
}
