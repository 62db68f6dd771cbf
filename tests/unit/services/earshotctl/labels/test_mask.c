/* What leaves the database for training: others' handles, addresses, links and long numbers are
 * masked, the firm's handle and the words are not, whatever the bytes; and which labels are taken.
 */
#include "labels/mask.h"
#include "labels/vocabulary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_mask__cases(void **state)
{
    (void)state;
    static const struct {
        const char *text, *masked;
    } cases[] = {
        {"", ""},
        {"Where is my parcel?", "Where is my parcel?"},
        {"@firm hello @Maria_K, and @jo@masto.example.", "@firm hello @user, and @user."},
        {"@FIRM @firmament (@bo)", "@FIRM @user (@user)"},
        {"write to maria.k+x@mail.example.com.", "write to @mail."},
        {"not@mail but a@b.c", "not@mail but @mail"},
        {"see https://x.example/a?b=c and www.y.example/z now", "see @url and @url now"},
        {"HTTP://X.Y", "@url"},
        {"http:// alone", "@url alone"},
        {"order 12345678, call +49 30 1234-567", "order 00000000, call +00 00 0000-000"},
        {"card 4111 1111 1111 1111!", "card 0000 0000 0000 0000!"},
        {"1234 is 12 or 3.5 at 10:30", "1234 is 12 or 3.5 at 10:30"},
        {"12345, 67890", "00000, 00000"},
        {"model A12345 stays", "model A12345 stays"},
        {"two\tcells\nand\r\nlines\x01", "two cells and  lines "},
        {"\xc3\xa9t\xc3\xa9 @zo\xc3\xab \xf0\x9f\x98\x80",
         "\xc3\xa9t\xc3\xa9 @user \xf0\x9f\x98\x80"},
        {"@ alone @", "@ alone @"},
        {"#tag @user @mail", "#tag @user @user"},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct ear_buf out;
        ear_buf_init(&out, 4096);
        assert_int_equal(ear_mask_text(ear_str_from(cases[i].text), EAR_STR("@firm"), &out),
                         EAR_OK);
        assert_string_equal(out.data ? out.data : "", cases[i].masked);
        ear_buf_release(&out);
    }
}

/* No byte ends a cell or a line of the file, and nothing reads past the end. */
static void test_mask__any_bytes_are_one_cell(void **state)
{
    (void)state;
    uint64_t random = 1;
    for (size_t round = 0; round < 2000; round++) {
        char text[64];
        struct ear_buf out;
        for (size_t i = 0; i < sizeof(text); i++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
            text[i] = "@@..aZ09 -/\t\n\r\0\xff\xc3http://www"[(random >> 33) % 28];
        }
        ear_buf_init(&out, 4096);
        size_t len = round % sizeof(text);
        char *exact = ear_alloc(len + 1); /* so that a read beyond the end is seen */
        memcpy(exact, text, len);
        assert_int_equal(ear_mask_text((struct ear_str){exact, len}, EAR_STR_NONE, &out), EAR_OK);
        for (size_t i = 0; i < out.len; i++) assert_true((unsigned char)out.data[i] >= 0x20);
        ear_buf_release(&out);
        free(exact);
    }
}

static void test_mask__ceiling_holds(void **state)
{
    (void)state;
    struct ear_buf out;
    ear_buf_init(&out, 5);
    assert_int_equal(ear_mask_text(EAR_STR("123456789"), EAR_STR_NONE, &out), EAR_TOO_LARGE);
    ear_buf_release(&out);
}

static void test_label__check(void **state)
{
    (void)state;
    static const struct {
        const char *head, *label;
        bool taken;
    } cases[] = {
        {"intent", "complaint", true},  {"intent", "complant", false},
        {"intent", "-", true},          {"needs_answer", "y", true},
        {"needs_answer", "yes", false}, {"urgency", "2", true},
        {"urgency", "3", false},        {"severity", "3", true},
        {"topic", "parking", true},     {"topic", "a,b", false},
        {"topic", "a\tb", false},       {"topic", "", false},
        {"language", "de", true},       {"language", "German", false},
        {"banking77", "Refund?", true}, {"text", "x", false},
        {"Intent", "praise", false},    {"", "x", false},
        {"lang", "de", false},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct ear_diag diag = {0};
        ear_err err =
            ear_label_check(ear_str_from(cases[i].head), ear_str_from(cases[i].label), &diag);
        if ((err == EAR_OK) != cases[i].taken)
            fail_msg("%s %s: %s", cases[i].head, cases[i].label, diag.text);
        assert_true(cases[i].taken || diag.text[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mask__cases),
        cmocka_unit_test(test_mask__any_bytes_are_one_cell),
        cmocka_unit_test(test_mask__ceiling_holds),
        cmocka_unit_test(test_label__check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
