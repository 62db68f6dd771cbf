/* A head that speaks for another in the languages that it was taught. */
#include "model_fixture.h"

static void stand_in(struct fixture *f, size_t head, uint8_t whose, const char *languages)
{
    f->heads[head].stands_in = whose;
    f->heads[head].languages = ear_str_from(languages);
    (void)write_again(f);
}

static void test_model_read__lets_a_stand_in_speak_in_its_languages(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *language;
        size_t speaker;
    } cases[] = {{"en", 0}, {"fr", 4}, {"de", 0}, {"fr", 4}};
    struct ear_reading reading;
    struct ear_reason own[4], said[4];
    f->heads[4].unsure_below = 1;
    stand_in(f, 4, 1, "fr nl");
    struct ear_str bytes = {f->aligned, f->file.len};
    assert_int_equal(ear_model_open(bytes, &f->model, NULL), EAR_OK);
    struct ear_model_reader *reader = ear_model_reader_new(f->model);
    const struct ear_head *heads = ear_model_info(f->model).heads;
    for (int i = 0; i < 5; i++) assert_int_equal(heads[i].stands_in, i == 4 ? 0 : -1);
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct ear_model_post post = {.text = EAR_STR("merci pour rien, bravo"),
                                      .language_hint = ear_str_from(cases[i].language)};
        ear_model_read(reader, &post, &reading);
        const struct ear_prediction *tone = &reading.heads[0];
        assert_string_equal(reading.language, cases[i].language);
        assert_true((tone->p_labels == reading.heads[4].p_labels) == (cases[i].speaker == 4));
        assert_int_equal(tone->unsure, cases[i].speaker == 4); /* by its own threshold */
        assert_int_equal(tone->stood_in, cases[i].speaker == 4);
        assert_false(reading.heads[4].stood_in);
        size_t count = ear_model_why(reader, cases[i].speaker, tone->label, own, 4);
        assert_int_equal(ear_model_why(reader, 0, tone->label, said, 4), count);
        for (size_t k = 0; k < count; k++) assert_true(own[k].weight == said[k].weight);
    }
    ear_model_reader_free(&reader);
}

static void test_model_open__refuses_stand_ins_that_cannot(void **state)
{
    struct fixture *f = *state;
    static const struct {
        uint8_t whose;
        const char *languages;
    } cases[] = {
        {6, "fr"}, /* no such head */
        {5, "fr"}, /* itself */
        {3, "fr"}, /* of other labels */
        {1, ""},   /* in any language */
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        stand_in(f, 4, cases[i].whose, cases[i].languages);
        assert_refused(f, f->file.len, "stand-ins");
    }
    f->heads[0].stands_in = 5; /* one for the other */
    stand_in(f, 4, 1, "fr");
    assert_refused(f, f->file.len, "stand-ins");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_model_read__lets_a_stand_in_speak_in_its_languages,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_model_open__refuses_stand_ins_that_cannot, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
