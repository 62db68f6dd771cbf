/* Any bytes through both readers of JSON: the one that picks members and the one that builds a tree
 * must agree on what is JSON and on every value that is wanted of it. The members are those of a
 * post, so that the corpus of posts reaches all of it. */
#include "json/json.h"

#define BYTES_MAX ((size_t)1 << 18)

enum { ROOT, TEXT, ID, AUTHOR, AUTHOR_ID, AUTHOR_NAME, FOLLOWERS, WANTS };

static const struct ear_json_want wants[WANTS] = {
    [TEXT] = {{"text", 4}, ROOT},          [ID] = {{"id", 2}, ROOT},
    [AUTHOR] = {{"author", 6}, ROOT},      [AUTHOR_ID] = {{"id", 2}, AUTHOR},
    [AUTHOR_NAME] = {{"name", 4}, AUTHOR}, [FOLLOWERS] = {{"followers", 9}, AUTHOR},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static ear_json_type type_of(const json_t *value)
{
    if (!value) return EAR_JSON_ABSENT;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return EAR_JSON_OBJECT;
    case JSON_ARRAY:
        return EAR_JSON_ARRAY;
    case JSON_STRING:
        return EAR_JSON_TEXT;
    case JSON_INTEGER:
        return EAR_JSON_INTEGER;
    case JSON_REAL:
        return EAR_JSON_REAL;
    case JSON_TRUE:
    case JSON_FALSE:
        return EAR_JSON_BOOL;
    default:
        return EAR_JSON_NULL;
    }
}

static void compare(const struct ear_json_value *picked, const json_t *value)
{
    EAR_CHECK(picked->type == type_of(value));
    if (picked->type == EAR_JSON_TEXT) {
        struct ear_str text = {json_string_value(value), json_string_length(value)};
        EAR_CHECK(ear_str_eq(picked->text, text));
    } else if (picked->type == EAR_JSON_INTEGER) {
        EAR_CHECK(picked->number == json_integer_value(value));
    } else if (picked->type == EAR_JSON_BOOL) {
        EAR_CHECK((picked->number != 0) == json_is_true(value));
    }
}

static void compare_all(const struct ear_json_value *values, const json_t *tree)
{
    const json_t *found[WANTS] = {tree};
    compare(&values[ROOT], tree);
    for (size_t i = 1; i < WANTS; i++) {
        const json_t *in = found[wants[i].within];
        found[i] = json_is_object(in) ? json_object_get(in, wants[i].name.ptr) : NULL;
        compare(&values[i], found[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ear_arena *room;
    const struct ear_str text = {(const char *)data, size};
    struct ear_json_value values[WANTS];
    struct ear_diag diag = {.text = ""};
    json_t *tree = NULL;
    if (!room) room = ear_arena_new(4 * BYTES_MAX);
    ear_arena_reset(room);
    ear_err one = ear_json_pick(text, BYTES_MAX, wants, WANTS, values, room, &diag);
    ear_err other = ear_json_parse_few(text, BYTES_MAX, EAR_JSON_PICK_VALUES_MAX, &tree, NULL);
    EAR_CHECK((one == EAR_OK) == (other == EAR_OK));
    EAR_CHECK(one == EAR_OK || (diag.err == one && diag.text[0]));
    EAR_CHECK(one != EAR_NO_MEMORY);
    if (one == EAR_OK) compare_all(values, tree);
    json_decref(tree);
    return 0;
}
