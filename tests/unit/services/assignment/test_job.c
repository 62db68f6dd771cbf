#include "job.h"

#include "heard.h"
#include "wire/wire.h"
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
/* clang-format on */

#define AT_US (INT64_C(1795312800) * EAR_US_PER_S)

/* ---- items ---- */

/* What is wrong with an item. */
enum wrong {
    NOTHING,
    NO_POST_ID,
    SHORT_CUSTOMER,
    NO_TIME,
    LATE_TIME,
    NO_TRIAGE,
    WILD_TRIAGE,
    SHORT_REF,
    WRONG_KIND,
    MANY_MENTIONS,
    NOISE,
    LONG_REASONS /* nothing wrong either */
};

static void pack_item(enum wrong wrong, uint8_t number, struct ear_buf *out)
{
    struct ear_id id = {{0, 0, 1, number}};
    struct ear_buf inner;
    char english[] = "en", account[] = "@firm", reason[1000] = "";
    char *reasons[] = {reason, reason, reason, reason, reason, english};
    char *names[EAR_FIELD_POST_MENTIONS_MAX + 1];
    Earshot__V1__Post post = EARSHOT__V1__POST__INIT;
    Earshot__V1__Triage triage = EARSHOT__V1__TRIAGE__INIT;
    Earshot__V1__TriagedPost triaged = EARSHOT__V1__TRIAGED_POST__INIT;
    ear_buf_init(&inner, 1 << 16);
    if (wrong != NO_POST_ID) post.post_id = ear_wire_bytes(&id);
    post.customer_id = ear_wire_bytes(&id);
    if (wrong == SHORT_CUSTOMER) post.customer_id.len = 15;
    post.created_at_us = wrong == NO_TIME ? 0 : wrong == LATE_TIME ? INT64_MAX : AT_US;
    post.received_at_us = AT_US;
    post.conversation_ref = ear_wire_bytes(&id);
    if (wrong == SHORT_REF) post.conversation_ref.len = 3;
    post.account = account;
    post.mentions = reasons + EAR_COUNT(reasons) - 1;
    post.n_mentions = wrong == LONG_REASONS;
    for (size_t i = 0; i < EAR_COUNT(names); i++) names[i] = account;
    if (wrong == MANY_MENTIONS) {
        post.mentions = names;
        post.n_mentions = EAR_COUNT(names);
    }
    memset(reason, 'x', sizeof(reason) - 1);
    triage.why = reasons;
    triage.n_why = wrong == LONG_REASONS ? EAR_COUNT(reasons) : wrong == NOTHING ? 0 : 2;
    triage.language = english;
    if (wrong == WILD_TRIAGE) {
        triage.intent = (Earshot__V1__Intent)99;
        triage.urgency = 4000000000U;
        triage.severity = 70000;
        triage.answer_p = 7.5F;
        triage.intent_p = -1.0F / 0.0F;
    }
    assert_int_equal(ear_wire_pack(&post.base, &inner), EAR_OK);
    triaged.post = (ProtobufCBinaryData){inner.len, (uint8_t *)inner.data};
    if (wrong != NO_TRIAGE) triaged.triage = &triage;
    assert_int_equal(ear_wire_pack(&triaged.base, out), EAR_OK);
    ear_buf_release(&inner);
    if (wrong == NOISE) out->data[0] = '\x07';
    if (wrong == WRONG_KIND) assert_int_equal(ear_buf_append(out, "\x08", 2), EAR_OK);
}

static void test_heard__takes_nothing_for_granted(void **state)
{
    (void)state;
    static const struct {
        enum wrong wrong;
        ear_err want;
    } rows[] = {{NOTHING, EAR_OK},
                {NO_POST_ID, EAR_INVALID},
                {SHORT_CUSTOMER, EAR_INVALID},
                {NO_TIME, EAR_INVALID},
                {LATE_TIME, EAR_INVALID},
                {NO_TRIAGE, EAR_OK},
                {WILD_TRIAGE, EAR_OK},
                {SHORT_REF, EAR_INVALID},
                {WRONG_KIND, EAR_INVALID},
                {MANY_MENTIONS, EAR_INVALID},
                {NOISE, EAR_INVALID}};
    for (size_t i = 0; i < EAR_COUNT(rows); i++) {
        struct ear_buf item;
        struct ear_heard heard;
        struct ear_arena *arena = ear_arena_new(1 << 20);
        ear_buf_init(&item, 1 << 16);
        pack_item(rows[i].wrong, 1, &item);
        assert_int_equal(ear_heard_read(ear_buf_str(&item), NULL, arena, &heard), rows[i].want);
        if (rows[i].want == EAR_OK) {
            assert_string_equal(heard.account, "@firm");
            assert_string_equal(heard.triage.language, rows[i].wrong == NO_TRIAGE ? "und" : "en");
            assert_true(heard.triage.urgency <= 2 && heard.triage.severity <= 3);
            assert_true(heard.triage.answer_p <= 1 && heard.triage.intent_p >= 0);
            assert_int_equal(heard.triage.triaged_at_us, AT_US);
        }
        if (rows[i].wrong == WILD_TRIAGE) assert_int_equal(heard.triage.intent, 0);
        ear_buf_release(&item);
        ear_arena_free(&arena);
    }
}

/* Reasons that fit are joined; where two posts say the same, it is kept once. */
static void test_heard__keeps_texts_once_and_reasons_that_fit(void **state)
{
    (void)state;
    struct ear_buf item;
    struct ear_heard first, second;
    struct ear_arena *arena = ear_arena_new(1 << 20);
    ear_buf_init(&item, 1 << 16);
    pack_item(LONG_REASONS, 1, &item);
    assert_int_equal(ear_heard_read(ear_buf_str(&item), NULL, arena, &first), EAR_OK);
    assert_int_equal(ear_heard_read(ear_buf_str(&item), &first, arena, &second), EAR_OK);
    ear_buf_reset(&item);
    assert_int_equal(strlen(first.triage.why), 4 * 999 + 3); /* the fifth does not fit */
    assert_int_equal(first.triage.why[999], '\x1f');
    assert_ptr_equal(first.account, second.account);
    assert_ptr_equal(first.triage.language, second.triage.language);
    assert_int_equal(second.mention_count, 1);
    assert_string_equal(second.mentions[0], "en");
    pack_item(NOTHING, 1, &item);
    assert_int_equal(ear_heard_read(ear_buf_str(&item), &first, arena, &second), EAR_OK);
    assert_null(second.triage.why);
    ear_buf_release(&item);
    ear_arena_free(&arena);
}

#ifdef EAR_FAULTS
static void fail_allocation(unsigned nth)
{
    char spec[32];
    setenv("EAR_FAULT", "another:2=fail", 1); /* so that the count begins anew */
    assert_false(ear_fault("another"));
    snprintf(spec, sizeof(spec), "alloc:%u=fail", nth);
    setenv("EAR_FAULT", spec, 1);
}

static void test_heard__want_of_memory_is_told_as_such(void **state)
{
    (void)state;
    struct ear_buf item;
    struct ear_heard heard;
    ear_err err = EAR_NO_MEMORY;
    unsigned nth = 0;
    ear_buf_init(&item, 1 << 16);
    pack_item(LONG_REASONS, 1, &item);
    while (err) {
        struct ear_arena *arena = ear_arena_new(1 << 20);
        fail_allocation(++nth);
        err = ear_heard_read(ear_buf_str(&item), NULL, arena, &heard);
        unsetenv("EAR_FAULT");
        if (err) assert_int_equal(err, EAR_NO_MEMORY);
        ear_arena_free(&arena);
    }
    assert_true(nth > 2);
    ear_buf_release(&item);
}
#endif

/* ---- parts ---- */

#define ITEMS 5

/* With `starved` the allocation of that number fails while it is read. */
static struct ear_job *make_job_of(enum wrong others, size_t malformed, unsigned starved)
{
    struct ear_buf items[ITEMS];
    struct ear_str shown[ITEMS];
    for (size_t i = 0; i < ITEMS; i++) {
        ear_buf_init(&items[i], 1 << 16);
        pack_item(i == malformed ? NOISE : others, (uint8_t)i, &items[i]);
        shown[i] = ear_buf_str(&items[i]);
    }
    struct ear_batch batch = {.lane = EAR_LANE_LIVE, .items = shown, .count = ITEMS};
#ifdef EAR_FAULTS
    if (starved) fail_allocation(starved);
#endif
    struct ear_job *job = ear_job_new(&batch, NULL);
    unsetenv("EAR_FAULT");
    (void)starved;
    for (size_t i = 0; i < ITEMS; i++) ear_buf_release(&items[i]); /* it borrows nothing */
    return job;
}

static struct ear_job *make_job(size_t malformed)
{
    return make_job_of(NOTHING, malformed, 0);
}

/* Plays a database that refuses one post: all others must come through, it alone must fail. */
static void test_job__halving_leaves_the_poison_alone(void **state)
{
    (void)state;
    for (size_t poison = 0; poison < ITEMS; poison++) {
        struct ear_job *job = make_job(ITEMS);
        struct ear_part *part;
        size_t rounds = 0;
        assert_int_equal(job->unread.malformed, 0);
        ear_job_begin(job);
        while ((part = ear_job_part(job)) && rounds++ < 50) {
            bool refused = part->from <= poison && poison < part->to;
            if (!refused)
                ear_job_settle_part(job, EAR_ITEM_DONE);
            else if (part->to - part->from > 1)
                ear_job_halve(job);
            else
                ear_job_settle_part(job, EAR_ITEM_FAILED);
        }
        for (size_t i = 0; i < ITEMS; i++)
            assert_int_equal(job->fates[i], i == poison ? EAR_ITEM_FAILED : EAR_ITEM_DONE);
        ear_job_free(&job);
    }
}

static void test_job__malformed_item_has_failed_from_the_start(void **state)
{
    (void)state;
    struct ear_job *job = make_job(2);
    assert_int_equal(job->unread.malformed, 1);
    ear_job_begin(job);
    assert_non_null(ear_job_part(job));
    assert_int_equal(job->post_count, ITEMS - 1);
    ear_job_settle_part(job, EAR_ITEM_DONE);
    for (size_t i = 0; i < ITEMS; i++)
        assert_int_equal(job->fates[i], i == 2 ? EAR_ITEM_FAILED : EAR_ITEM_DONE);
    assert_null(ear_job_part(job));
    ear_job_free(&job);
}

#ifdef EAR_FAULTS
/* The second allocation is one for what the second post says; the job's arrays have the first. It
 * is handed back, and the others go on. */
static void test_job__hands_back_a_post_it_has_no_memory_for(void **state)
{
    (void)state;
    struct ear_job *job = make_job_of(LONG_REASONS, 0, 2);
    assert_int_equal(job->unread.starved, 1);
    assert_int_equal(job->unread.malformed, 1);
    ear_job_begin(job);
    assert_non_null(ear_job_part(job));
    assert_int_equal(job->post_count, ITEMS - 2);
    ear_job_settle_part(job, EAR_ITEM_DONE);
    assert_null(ear_job_part(job));
    for (size_t i = 0; i < ITEMS; i++)
        assert_int_equal(job->fates[i], i == 0   ? EAR_ITEM_FAILED
                                        : i == 1 ? EAR_ITEM_RETURNED
                                                 : EAR_ITEM_DONE);
    ear_job_free(&job);
}
#endif

static void test_job__is_handed_back_where_nothing_was_done(void **state)
{
    (void)state;
    struct ear_job *job = make_job(ITEMS);
    for (size_t i = 0; i < ITEMS; i++) assert_int_equal(job->fates[i], EAR_ITEM_RETURNED);
    ear_job_free(&job);
}

/* Several batches in one transaction: each is settled as what it was, also when they are halved. */
static void test_job__joined_batches_keep_their_own_fates(void **state)
{
    (void)state;
    struct ear_job *job = make_job(ITEMS), *other = make_job(1), *third = make_job(ITEMS);
    other->own.batch_id.b[0] = 2;
    third->own.batch_id.b[0] = 3;
    assert_true(ear_job_join(job, other, EAR_JOB_POSTS_MAX));
    assert_true(ear_job_join(job, third, EAR_JOB_POSTS_MAX));
    assert_int_equal(job->unread.malformed, 0);
    assert_int_equal(other->unread.malformed, 1);
    ear_job_begin(job);
    assert_int_equal(job->origin_count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(job->origins[i].batch_id.b[0], i ? i + 1 : 0);
        assert_int_equal(job->origins[i].from, i * ITEMS);
        assert_int_equal(job->origins[i].count, ITEMS);
    }
    assert_non_null(ear_job_part(job));
    assert_int_equal(job->post_count, 3 * ITEMS - 1);
    ear_job_halve(job);
    assert_non_null(ear_job_part(job));
    ear_job_settle_part(job, EAR_ITEM_DONE);
    for (size_t i = 0; i < 3 * ITEMS; i++)
        assert_int_equal(job->fates[i], i == ITEMS + 1      ? EAR_ITEM_FAILED
                                        : i < 3 * ITEMS / 2 ? EAR_ITEM_DONE
                                                            : EAR_ITEM_RETURNED);
    ear_job_free(&job);
}

static void test_job__joins_no_more_than_there_is_room_for(void **state)
{
    (void)state;
    struct ear_job *job = make_job(ITEMS), *other = make_job(ITEMS);
    assert_false(ear_job_join(job, other, 2 * ITEMS - 1));
    assert_int_equal(job->count, ITEMS);
    assert_true(ear_job_join(job, other, 2 * ITEMS));
    assert_int_equal(job->count, 2 * ITEMS);
    ear_job_free(&job);
}

/* The first of as many posts as a transaction may have is found by as many halvings as are provided
 * for. */
static void test_job__halves_a_full_transaction_to_its_first_post(void **state)
{
    (void)state;
    struct ear_job *job = make_job(ITEMS), *other = NULL;
    struct ear_part *part;
    size_t halvings = 0;
    do {
        ear_job_free(&other);
        other = make_job(ITEMS);
        if (ear_job_join(job, other, EAR_JOB_POSTS_MAX)) other = NULL;
    } while (!other);
    assert_true(job->count > EAR_JOB_POSTS_MAX - ITEMS);
    assert_int_equal(job->unread.malformed, 0);
    ear_job_begin(job);
    while ((part = ear_job_part(job)) && part->to - part->from > 1) {
        ear_job_halve(job);
        halvings++;
    }
    assert_in_range(halvings, 10, 11);
    ear_job_settle_part(job, EAR_ITEM_FAILED);
    while (ear_job_part(job)) ear_job_settle_part(job, EAR_ITEM_DONE);
    for (size_t i = 0; i < job->count; i++)
        assert_int_equal(job->fates[i], i ? EAR_ITEM_DONE : EAR_ITEM_FAILED);
    ear_job_free(&other);
    ear_job_free(&job);
}

/* Only what may have been decided before is looked for. */
static void test_job__looks_when_tried_again(void **state)
{
    (void)state;
    struct ear_job *job = make_job(ITEMS);
    assert_int_equal(job->unread.malformed, 0);
    ear_job_begin(job);
    struct ear_part *part = ear_job_part(job);
    assert_false(ear_job_looks(job));
    part->tries = 1;
    assert_true(ear_job_looks(job));
    part->tries = 0;
    job->looks = true;
    assert_true(ear_job_looks(job));
    ear_job_free(&job);
}

static void test_job__locks_customers_of_posts_and_of_links(void **state)
{
    (void)state;
    struct ear_job *job = make_job(ITEMS);
    struct ear_id refs[3 * ITEMS];
    struct ear_link links[2] = {{.customer_id = {{9}}}, {.customer_id = {{9}}}};
    struct ear_id stranger = {{8}};
    assert_int_equal(job->unread.malformed, 0);
    ear_job_begin(job);
    assert_non_null(ear_job_part(job));
    assert_true(ear_job_has_refs(job));
    assert_int_equal(ear_job_refs(job, refs), ITEMS); /* a conversation each */
    ear_job_note_links(job, links, 2);
    assert_int_equal(job->people_count, ITEMS + 1);
    assert_true(ear_job_locks(job, &links[0].customer_id));
    assert_true(ear_job_locks(job, &job->posts[3]->customer_id));
    assert_false(ear_job_locks(job, &stranger));
    ear_job_free(&job);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heard__takes_nothing_for_granted),
        cmocka_unit_test(test_heard__keeps_texts_once_and_reasons_that_fit),
#ifdef EAR_FAULTS
        cmocka_unit_test(test_heard__want_of_memory_is_told_as_such),
        cmocka_unit_test(test_job__hands_back_a_post_it_has_no_memory_for),
#endif
        cmocka_unit_test(test_job__halving_leaves_the_poison_alone),
        cmocka_unit_test(test_job__malformed_item_has_failed_from_the_start),
        cmocka_unit_test(test_job__is_handed_back_where_nothing_was_done),
        cmocka_unit_test(test_job__joined_batches_keep_their_own_fates),
        cmocka_unit_test(test_job__joins_no_more_than_there_is_room_for),
        cmocka_unit_test(test_job__halves_a_full_transaction_to_its_first_post),
        cmocka_unit_test(test_job__looks_when_tried_again),
        cmocka_unit_test(test_job__locks_customers_of_posts_and_of_links),
    };
    ear_crypt_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
