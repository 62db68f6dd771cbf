/* A model written, read back and asked: what it says is what its weights say, damage is refused by
 * name, and a warm reader allocates nothing. */
#include "allocations.h"
#include "model_fixture.h"
#include <math.h>
#include <stdio.h>

static const char *const posts[] = {
    "@acme my order still hasn't arrived after 12 days!! #soawful",
    "great service, thank you so much",
    "Wo bleibt mein Paket? Seit drei Wochen nichts, das ist nicht gut.",
    "\U0001F621\U0001F621",
    "a",
};

/* ---- what it says ---- */

static float sigmoid(float z)
{
    return 1 / (1 + expf(-z));
}

/* Scores from the trainer's view of the features and the weights before they were quantised. */
static void reference_scores(const struct fixture *f, const struct ear_features *x, float *score)
{
    for (size_t c = 0; c < COLUMNS; c++) score[c] = f->bias[c];
    for (size_t g = 0, i = 0; g < EAR_FEATURE_GROUPS; g++)
        for (; i < x->end[g]; i++) {
            uint32_t row = (x->index[i] - 1) / 3;
            if (x->index[i] % 3 != 1 || row >= KEPT) continue;
            for (size_t c = 0; c < COLUMNS; c++) score[c] += x->value[g] * f->weights[row][c];
        }
    for (size_t i = 0; i < f->dense_count; i++)
        for (size_t c = 0; c < COLUMNS; c++) score[c] += x->dense[i] * f->dense[i * COLUMNS + c];
}

static void assert_near(float a, float b)
{
    if (!(fabsf(a - b) < 0.02f)) fail_msg("%f is not %f", (double)a, (double)b);
}

static float calibrated(const struct fixture *f, const float *score, size_t column)
{
    return f->slope[column] * score[column] + f->offset[column];
}

static void test_model_read__says_what_the_weights_say(void **state)
{
    struct fixture *f = *state;
    struct ear_feature_tables tables = tables_of(f);
    struct ear_extractor *x = ear_extractor_new(&f->parts.spec, &tables, NULL);
    struct ear_model_reader *reader = ear_model_reader_new(f->model);
    for (size_t i = 0; i < EAR_COUNT(posts); i++) {
        struct ear_model_post post = post_of(posts[i]);
        struct ear_reading reading;
        float score[COLUMNS], stack[64], p[16];
        reference_scores(f, ear_extract(x, &post), score);
        ear_model_read(reader, &post, &reading);
        const struct ear_prediction *d = reading.heads;
        float z[3];
        for (size_t c = 0; c < 3; c++) z[c] = calibrated(f, score, c);
        ear_head_probabilities(EAR_HEAD_SOFTMAX, z, 3, p);
        for (size_t c = 0; c < 3; c++) assert_near(d[0].p_labels[c], p[c]);
        assert_near(d[1].p_labels[1], sigmoid(calibrated(f, score, 3)));
        float above = sigmoid(calibrated(f, score, 4));
        assert_near(d[2].p_labels[0], 1 - above);
        assert_near(d[3].p_labels[2], sigmoid(calibrated(f, score, 9)));
        /* Level 2: what level 1 came to joins the inputs. */
        size_t at = 0;
        for (size_t h = 0; h < 4; h++)
            at += ear_stack_fill(f->heads[h].kind, d[h].p_labels, f->heads[h].label_count,
                                 stack + at);
        assert_int_equal(at, f->input_count - f->dense_count);
        for (size_t k = 0; k < at; k++)
            for (size_t c = 11; c < COLUMNS; c++)
                score[c] += stack[k] * f->dense[(f->dense_count + k) * COLUMNS + c];
        for (size_t c = 0; c < 3; c++) z[c] = calibrated(f, score, 11 + c);
        ear_head_probabilities(EAR_HEAD_EACH, z, 3, p);
        for (size_t c = 0; c < 3; c++) assert_near(d[4].p_labels[c], p[c]);
        assert_true(d[4].p_labels[d[4].label] == d[4].p);
    }
    ear_model_reader_free(&reader);
    ear_extractor_free(&x);
}

static void test_model_read__is_unsure_where_it_was_not_taught(void **state)
{
    struct fixture *f = *state;
    struct ear_model_reader *reader = ear_model_reader_new(f->model);
    struct ear_reading reading;
    struct ear_model_post post = post_of("Je n'ai toujours pas re\u00E7u ma commande, c'est nul");
    post.language_hint = EAR_STR("fr");
    ear_model_read(reader, &post, &reading);
    assert_string_equal(reading.language, "fr");
    assert_true(reading.heads[0].unsure);
    post = post_of(posts[2]);
    post.language_hint = EAR_STR("de");
    ear_model_read(reader, &post, &reading);
    assert_string_equal(reading.language, "de");
    assert_false(reading.heads[0].unsure);
    ear_model_reader_unsure_below(reader, 0, 1);
    ear_model_read(reader, &post, &reading);
    assert_true(reading.heads[0].unsure);
    post = post_of("  ");
    ear_model_read(reader, &post, &reading);
    for (size_t i = 0; i < 5; i++) assert_true(reading.heads[i].unsure);
    ear_model_reader_free(&reader);
}

static void test_model_why__names_what_the_label_drew(void **state)
{
    struct fixture *f = *state;
    struct ear_model_reader *reader = ear_model_reader_new(f->model);
    struct ear_reading reading;
    struct ear_model_post post = post_of(posts[0]);
    ear_model_read(reader, &post, &reading);
    for (size_t head = 0; head < 5; head++) {
        struct ear_reason reasons[EAR_MODEL_REASONS_MAX];
        size_t count = ear_model_why(reader, head, reading.heads[head].label, reasons, 5);
        assert_true(count > 0 && count <= 5);
        for (size_t i = 0; i < count; i++) {
            assert_true(reasons[i].weight > 0 && reasons[i].text.len > 0);
            assert_true(!i || reasons[i].weight <= reasons[i - 1].weight);
        }
    }
    ear_model_reader_free(&reader);
}

static void test_model_read__allocates_nothing_when_warm(void **state)
{
    if (!allocations_are_counted()) skip();
    struct fixture *f = *state;
    struct ear_model_reader *reader = ear_model_reader_new(f->model);
    struct ear_reading reading;
    struct ear_reason reasons[5];
    size_t before = 0;
    for (size_t round = 0; round < 3; round++) {
        before = allocations;
        for (size_t i = 0; i < EAR_COUNT(posts); i++) {
            struct ear_model_post post = post_of(posts[i]);
            ear_model_read(reader, &post, &reading);
            for (size_t head = 0; head < 5; head++)
                (void)ear_model_why(reader, head, reading.heads[head].label, reasons, 5);
        }
    }
    assert_true(before > 0);
    assert_int_equal(allocations, before);
    ear_model_reader_free(&reader);
}

/* ---- the file ---- */

static void test_model_write__gives_the_same_bytes_again(void **state)
{
    struct fixture *f = *state;
    struct ear_buf again;
    ear_buf_init(&again, (size_t)64 << 20);
    assert_int_equal(ear_model_write(&f->parts, &again, NULL), EAR_OK);
    assert_true(ear_str_eq(ear_buf_str(&again), ear_buf_str(&f->file)));
    ear_buf_release(&again);
}

static void test_model_info__names_version_and_heads(void **state)
{
    struct fixture *f = *state;
    struct ear_model_info info = ear_model_info(f->model);
    assert_int_equal(info.version.len, strlen("test-1 01234567"));
    assert_true(ear_str_starts(info.version, EAR_STR("test-1 ")));
    assert_true(ear_str_eq(info.licences, EAR_STR("a: MIT\nb: CC0")));
    assert_int_equal(info.digest.len, 64);
    assert_int_equal(info.head_count, 5);
    assert_int_equal(info.rows, KEPT);
    assert_int_equal(ear_model_head(f->model, EAR_STR("severity")), 2);
    assert_int_equal(ear_model_head(f->model, EAR_STR("mood")), -1);
    assert_true(info.heads[3].auxiliary);
    assert_near(ear_model_threshold(f->model, 0, 1), 0.05f);
    assert_near(ear_model_threshold(f->model, 0, 0.8f), 0.25f);
    assert_near(ear_model_threshold(f->model, 0, 0.01f), 1);
}

static void test_model_open__refuses_damage_by_name(void **state)
{
    struct fixture *f = *state;
    static const struct {
        size_t at;
        const char *because;
    } cases[] = {
        {0, "magic"},         {8, "format"},  {12, "features of version"},
        {16, "cut or grown"}, {40, "digest"}, {200, "digest"},
        {5000, "digest"},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        f->aligned[cases[i].at] ^= 1;
        assert_refused(f, f->file.len, cases[i].because);
        f->aligned[cases[i].at] ^= 1;
    }
    assert_refused(f, f->file.len - 64, "cut or grown");
    assert_refused(f, 100, "too short");
    assert_refused(f, 0, "too short");
}

static void test_model_open__tells_what_heads_were_trained_on(void **state)
{
    struct fixture *f = *state;
    const struct ear_head *heads = ear_model_info(f->model).heads;
    for (size_t i = 0; i < 3; i++) assert_true(heads[0].shares[i] == shares[i]);
    for (size_t i = 1; i < 5; i++) assert_null(heads[i].shares);
    assert_near(heads[0].sureness, 0.54875f);
    f->parts.heads = f->heads;
    static const float wrong[] = {0.5f, 0.25f, 0.5f};
    f->heads[0].shares = wrong;
    assert_refused(f, write_again(f).len, "label shares");
}

/* Whoever reads a model makes lines from its names. */
static void test_model_open__refuses_names_without_bound(void **state)
{
    struct fixture *f = *state;
    static char name[EAR_MODEL_NAME_BYTES + 1];
    struct ear_str labels[3] = {{"bad", 3}, {"plain", 5}, {name, EAR_MODEL_NAME_BYTES + 1}};
    memset(name, 'x', sizeof name);
    f->parts.heads = f->heads;
    f->heads[0].labels = labels;
    assert_refused(f, write_again(f).len, "too long");
    f->heads[0].labels = tones;
    f->heads[0].name = labels[2];
    assert_refused(f, write_again(f).len, "too long");
}

/* A file of before there were shares: its table ends earlier. */
static void test_model_open__takes_older_files(void **state)
{
    struct fixture *f = *state;
    struct ear_file_head head;
    struct ear_model *model;
    memcpy(&head, f->aligned, sizeof head);
    head.section_count = EAR_SECTION_SHARES;
    memcpy(f->aligned, &head, sizeof head);
    struct ear_str bytes = {f->aligned, f->file.len};
    ear_model_digest(bytes, head.digest);
    memcpy(f->aligned, &head, sizeof head);
    assert_int_equal(ear_model_open(bytes, &model, NULL), EAR_OK);
    assert_null(ear_model_info(model).heads[0].shares);
    ear_model_free(&model);
    head.section_count = EAR_SECTION_SHARES - 1;
    memcpy(f->aligned, &head, sizeof head);
    ear_model_digest(bytes, head.digest);
    memcpy(f->aligned, &head, sizeof head);
    assert_refused(f, bytes.len, "sections");
}

static void test_model_load__names_the_file(void **state)
{
    (void)state;
    struct ear_model *model;
    struct ear_diag diag;
    assert_int_equal(ear_model_load("/nowhere/x.model", &model, &diag), EAR_NOT_FOUND);
    assert_non_null(strstr(diag.text, "/nowhere/x.model"));
    assert_int_equal(ear_model_load("/dev/null", &model, &diag), EAR_INVALID);
    assert_non_null(strstr(diag.text, "/dev/null"));
}

static void test_model_write__refuses_what_does_not_fit(void **state)
{
    struct fixture *f = *state;
    struct ear_model_parts parts = f->parts;
    struct ear_buf out;
    struct ear_diag diag;
    ear_buf_init(&out, (size_t)64 << 20);
    parts.spec.hash_bits = 15; /* kept indices reach 60,000 */
    assert_int_equal(ear_model_write(&parts, &out, &diag), EAR_INVALID);
    assert_non_null(strstr(diag.text, "kept"));
    parts = f->parts;
    f->heads[4].level = 3;
    assert_int_equal(ear_model_write(&parts, &out, &diag), EAR_INVALID);
    assert_non_null(strstr(diag.text, "intent"));
    f->heads[4].level = 2;
    ear_buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_read__says_what_the_weights_say),
        cmocka_unit_test(test_model_read__is_unsure_where_it_was_not_taught),
        cmocka_unit_test(test_model_why__names_what_the_label_drew),
        cmocka_unit_test(test_model_read__allocates_nothing_when_warm),
        cmocka_unit_test(test_model_write__gives_the_same_bytes_again),
        cmocka_unit_test(test_model_info__names_version_and_heads),
        cmocka_unit_test(test_model_open__refuses_damage_by_name),
        cmocka_unit_test_setup_teardown(test_model_open__tells_what_heads_were_trained_on, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_model_open__refuses_names_without_bound, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_model_open__takes_older_files, set_up, tear_down),
        cmocka_unit_test(test_model_load__names_the_file),
        cmocka_unit_test(test_model_write__refuses_what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
