/* care.yaml of any content: a file is refused with a reason that has a line, or becomes a document
 * that has every table, is the same when read again, and needs no change to become itself. */
#include "care/care_file.h"
#include "care/care_plan.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was said comes back in *told, owned by the caller. */
static json_t *parse(struct ear_str text, char **told)
{
    size_t len = 0;
    json_t *care = NULL;
    FILE *out = open_memstream(told, &len);
    EAR_CHECK(out);
    ear_err err = ear_care_parse(text, "f", &care, out);
    fclose(out);
    EAR_CHECK((err == EAR_OK) == (care != NULL));
    EAR_CHECK((err == EAR_OK) == (len == 0));
    return care;
}

static void check_document(const json_t *care, const json_t *again)
{
    EAR_CHECK(json_equal(care, again));
    EAR_CHECK(json_is_string(json_object_get(care, "firm")));
    for (size_t i = 0; i < EAR_CARE_TABLES; i++)
        EAR_CHECK(json_is_array(json_object_get(care, ear_care_tables[i].name)));
    json_t *plan = ear_care_plan(care, again);
    EAR_CHECK(json_array_size(plan) == 0);
    json_decref(plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *told, *told_again;
    struct ear_str text = {(const char *)data, size};
    if (size > EAR_CARE_FILE_BYTES_MAX) return 0;
    json_t *care = parse(text, &told);
    json_t *again = parse(text, &told_again);
    EAR_CHECK(strcmp(told, told_again) == 0);
    if (care) check_document(care, again);
    json_decref(care);
    json_decref(again);
    free(told);
    free(told_again);
    return 0;
}
