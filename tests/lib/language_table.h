/* language_table: the smallest table of languages: "en", unless a hint says "de" or "fr". Models of
 * tests that are not about languages have it. */
#ifndef EAR_TEST_LANGUAGE_TABLE_H
#define EAR_TEST_LANGUAGE_TABLE_H

#include "model/language_layout.h"

struct language_table {
    _Alignas(64) struct ear_language_layout layout;
    uint8_t rows[EAR_LETTERED * EAR_LANGUAGE_ROW_BYTES];
};

static inline struct ear_str language_table(void)
{
    static const char codes[3][4] = {"en", "de", "fr"};
    static struct language_table table;
    table.layout = (struct ear_language_layout){.step = 1, .sharpness = 1, .unsure_below = 0.3f};
    memcpy(table.layout.magic, EAR_LANGUAGE_MAGIC, sizeof table.layout.magic);
    for (uint32_t s = 0; s < EAR_LETTERED; s++) {
        table.layout.row_first[s] = s;
        table.layout.row_count[s] = 1;
        memcpy(table.layout.codes[s], codes, sizeof codes);
    }
    size_t bytes = sizeof table.layout + sizeof table.rows;
    return (struct ear_str){(const char *)&table, bytes};
}

#endif
