#include "base/check.h"
#include "base/crypt.h"
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void assert_hex(const uint8_t *data, size_t len, const char *wanted)
{
    char text[2 * 64 + 1];
    assert_true(len <= 64);
    ear_hex(data, len, text);
    assert_string_equal(text, wanted);
}

static void test_hmac__is_that_of_rfc4231(void **state)
{
    (void)state;
    uint8_t mac[EAR_HMAC_BYTES];
    /* Test case 2, its data in pieces: parts are not told apart. */
    const struct ear_str parts[] = {EAR_STR("what do ya "), EAR_STR_NONE,
                                    EAR_STR("want for nothing?")};
    ear_hmac_sha256(EAR_STR("Jefe"), parts, EAR_COUNT(parts), mac);
    assert_hex(mac, sizeof(mac),
               "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    /* Test case 6: a key longer than a block. */
    char key[131];
    memset(key, 0xaa, sizeof(key));
    const struct ear_str data = EAR_STR("Test Using Larger Than Block-Size Key - Hash Key First");
    ear_hmac_sha256((struct ear_str){key, sizeof(key)}, &data, 1, mac);
    assert_hex(mac, sizeof(mac),
               "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void test_sha256__is_that_of_fips180(void **state)
{
    (void)state;
    uint8_t hash[EAR_SHA256_BYTES];
    ear_sha256(EAR_STR("abc"), hash);
    assert_hex(hash, sizeof(hash),
               "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    ear_sha256(EAR_STR_NONE, hash);
    assert_hex(hash, sizeof(hash),
               "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void hash16(const char *bytes, struct ear_str a, struct ear_str b, uint8_t out[16])
{
    struct ear_hash_key key;
    const struct ear_str parts[] = {a, b};
    ear_hash_key_init(&key, ear_str_from(bytes), 16);
    ear_hash(&key, parts, 2, out, 16);
}

/* What is stored was hashed so: by libsodium first, and Python's hashlib says the same. A part has
 * 8 bytes before it, a block 128. */
static void test_hash__never_changes_between_releases(void **state)
{
    (void)state;
    static const struct {
        size_t key_bytes;
        size_t bytes; /* of the one part */
        const char *wanted;
    } cases[] = {
        {0, 0, "c804ce198ec337e3dc762bdd1a09aece"},
        {0, 1, "17bf093fd8028115ec45b142b9853b29"},
        {0, 120, "10585ed7ce97a88a25a90e2fe80abef8"},
        {0, 121, "a6f70a1122544df2195cc7a8ff1568a0"},
        {0, 248, "c9d905681d6cef48089bba28dbdf4910"},
        {0, 249, "2efc8c1f531c84cfd98519beaab89efb"},
        {0, 1000, "f1cbe4fc078378faa82162475d7b27ce"},
        {32, 0, "a93a3b99d2c6ddb6177797d4335c4a42"},
        {32, 1, "8e88a016bfcb19641c955c5c10bd2766"},
        {32, 120, "ec578ee24ebb92c6e1cc698d06e90c5f"},
        {32, 121, "83bebeaaf7fda8e6837a5b9148e2df28"},
        {32, 248, "811b83c21067f50167906f2b1d13a4c5"},
        {32, 249, "e1d26010c54fc5fcfd088377babd5443"},
        {32, 300, "dcf2599b8f4f43b162f438bfcfe01ebe"},
        {32, 1000, "acd022d647793e2a1e5f5d4d402ca6c8"},
        {64, 1,
         "5216288f604991e86dca8e3cf1f1c28388bc1796d2d938bfa80100ea2c2a38e7"
         "e836a23b1b7f09b3f6952c3cee8ac1fdcede5699eb6c6098eb20560de8f0a913"},
        {64, 1000,
         "b8edafa5fd886486ba265fd1e6a4b546e3010fdbcfb8d2d531c177abe4354425"
         "df1fd8c689a8425062902cfb84579b61b676e5b6e4172381b788af9298e38413"},
    };
    char bytes[1000];
    for (size_t i = 0; i < sizeof(bytes); i++) bytes[i] = (char)(i % 251);
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct ear_hash_key key;
        uint8_t out[64];
        size_t out_bytes = strlen(cases[i].wanted) / 2;
        const struct ear_str part = {bytes, cases[i].bytes};
        ear_hash_key_init(&key, (struct ear_str){bytes, cases[i].key_bytes}, out_bytes);
        for (int again = 0; again < 2; again++) {
            ear_hash(&key, &part, 1, out, out_bytes);
            assert_hex(out, out_bytes, cases[i].wanted);
        }
    }
}

static void test_hash__is_over_all_parts(void **state)
{
    (void)state;
    char bytes[32];
    struct ear_hash_key key;
    uint8_t out[16];
    const struct ear_str parts[] = {EAR_STR("post"), EAR_STR("bluesky"), EAR_STR("at://x")};
    for (size_t i = 0; i < sizeof(bytes); i++) bytes[i] = (char)i;
    ear_hash_key_init(&key, (struct ear_str){bytes, sizeof(bytes)}, sizeof(out));
    ear_hash(&key, parts, EAR_COUNT(parts), out, sizeof(out));
    assert_hex(out, sizeof(out), "6fdee3ce0c16505c393130644ecff054");
}

static void test_hash__tells_parts_apart(void **state)
{
    (void)state;
    uint8_t one[16];
    uint8_t two[16];
    hash16("0123456789abcdef", EAR_STR("ab"), EAR_STR("c"), one);
    hash16("0123456789abcdef", EAR_STR("ab"), EAR_STR("c"), two);
    assert_memory_equal(one, two, 16);
    hash16("0123456789abcdef", EAR_STR("a"), EAR_STR("bc"), two);
    assert_memory_not_equal(one, two, 16);
    hash16("0123456789abcdef", EAR_STR("abc"), EAR_STR_NONE, two);
    assert_memory_not_equal(one, two, 16);
    hash16("0123456789abcdeg", EAR_STR("ab"), EAR_STR("c"), two);
    assert_memory_not_equal(one, two, 16);
    hash16(NULL, EAR_STR("ab"), EAR_STR("c"), two);
    assert_memory_not_equal(one, two, 16);
}

static void test_base64__round_trips(void **state)
{
    (void)state;
    static const struct {
        struct ear_str data;
        const char *text;
    } cases[] = {
        /* RFC 4648, section 10, and bytes that need the last two letters. */
        {{"", 0}, ""},
        {{"f", 1}, "Zg=="},
        {{"fo", 2}, "Zm8="},
        {{"foo", 3}, "Zm9v"},
        {{"foob", 4}, "Zm9vYg=="},
        {{"fooba", 5}, "Zm9vYmE="},
        {{"foobar", 6}, "Zm9vYmFy"},
        {{"\xff\xef\xbe\0", 4}, "/+++AA=="},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct ear_buf buf;
        struct ear_str text = ear_str_from(cases[i].text);
        ear_buf_init(&buf, 100);
        assert_int_equal(ear_buf_append_char(&buf, '>'), EAR_OK);
        assert_int_equal(ear_base64_encode(cases[i].data, &buf), EAR_OK);
        assert_string_equal(buf.data + 1, cases[i].text);
        ear_buf_reset(&buf);
        assert_int_equal(ear_base64_decode(text, &buf), EAR_OK);
        assert_true(ear_str_eq(ear_buf_str(&buf), cases[i].data));
        while (text.len && text.ptr[text.len - 1] == '=') text.len--;
        ear_buf_reset(&buf);
        assert_int_equal(ear_base64_decode(text, &buf), EAR_OK);
        assert_true(ear_str_eq(ear_buf_str(&buf), cases[i].data));
        ear_buf_release(&buf);
    }
}

static void test_base64__refuses_the_rest(void **state)
{
    (void)state;
    static const struct ear_str bad[] = {
        {"Z", 1},      {"Zg=", 3},  {"Zg===", 5}, {"=", 1},        {"==", 2},    {"====", 4},
        {"Zg==\n", 5}, {"Z g=", 4}, {" Zg==", 5}, {"Zg==Zg==", 8}, {"Zm9v=", 5}, {"Zm9v====", 8},
        {"Zh==", 4},   {"Zm9=", 4}, {"Zm9-", 4},  {"Zm9_", 4},     {"Zm\0v", 4}, {"Zm9\xff", 4},
    };
    struct ear_buf buf;
    ear_buf_init(&buf, 100);
    assert_int_equal(ear_buf_append_char(&buf, '>'), EAR_OK);
    for (size_t i = 0; i < EAR_COUNT(bad); i++) {
        if (ear_base64_decode(bad[i], &buf) != EAR_INVALID)
            fail_msg("%.*s was taken", EAR_STR_ARG(bad[i]));
        assert_string_equal(buf.data, ">");
        assert_int_equal(buf.len, 1);
    }
    ear_buf_release(&buf);
}

static void test_base64__keeps_the_ceiling(void **state)
{
    (void)state;
    struct ear_buf buf;
    ear_buf_init(&buf, 8);
    assert_int_equal(ear_base64_encode(EAR_STR("foobar"), &buf), EAR_OK);
    assert_int_equal(ear_base64_encode(EAR_STR("f"), &buf), EAR_TOO_LARGE);
    ear_buf_reset(&buf);
    assert_int_equal(ear_base64_encode(EAR_STR("foobarf"), &buf), EAR_TOO_LARGE);
    assert_int_equal(ear_base64_decode(EAR_STR("Zm9vYmFyZm9v"), &buf), EAR_TOO_LARGE);
    assert_int_equal(ear_base64_decode(EAR_STR("Zm9vYmFyZm8="), &buf), EAR_OK);
    assert_string_equal(buf.data, "foobarfo");
    ear_buf_release(&buf);
}

static void test_unhex__takes_exactly_its_bytes(void **state)
{
    (void)state;
    uint8_t out[2];
    assert_int_equal(ear_unhex(EAR_STR("00fF"), out, 2), EAR_OK);
    assert_int_equal(out[0] << 8 | out[1], 0xff);
    static const struct ear_str bad[] = {
        {"", 0},       {"0", 1},    {"00f", 3},  {"00ff0", 5},
        {"00ff00", 6}, {"0x0f", 4}, {"00 f", 4}, {"00\0f", 4},
    };
    for (size_t i = 0; i < EAR_COUNT(bad); i++)
        assert_int_equal(ear_unhex(bad[i], out, 2), EAR_INVALID);
}

static void test_random_below__stays_below(void **state)
{
    (void)state;
    static const uint64_t bounds[] = {1, 2, 3, 1000, UINT64_C(1) << 63, UINT64_MAX};
    for (size_t i = 0; i < EAR_COUNT(bounds); i++)
        for (int n = 0; n < 200; n++) assert_true(ear_random_below(bounds[i]) < bounds[i]);
    unsigned seen = 0;
    for (int n = 0; n < 200; n++) seen |= 1U << ear_random_below(4);
    assert_int_equal(seen, 15);
}

static void test_secret__compares_and_wipes(void **state)
{
    (void)state;
    char a[] = "secret";
    assert_true(ear_secret_eq(a, "secret", 6));
    assert_false(ear_secret_eq(a, "secreT", 6));
    assert_true(ear_secret_eq(a, "other", 0));
    ear_secret_wipe(a, sizeof(a));
    assert_memory_equal(a, "\0\0\0\0\0\0", sizeof(a));
}

static int start(void **state)
{
    (void)state;
    ear_crypt_start();
    ear_crypt_start(); /* a second time is harmless */
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hmac__is_that_of_rfc4231),
        cmocka_unit_test(test_sha256__is_that_of_fips180),
        cmocka_unit_test(test_hash__never_changes_between_releases),
        cmocka_unit_test(test_hash__is_over_all_parts),
        cmocka_unit_test(test_hash__tells_parts_apart),
        cmocka_unit_test(test_base64__round_trips),
        cmocka_unit_test(test_base64__refuses_the_rest),
        cmocka_unit_test(test_base64__keeps_the_ceiling),
        cmocka_unit_test(test_unhex__takes_exactly_its_bytes),
        cmocka_unit_test(test_random_below__stays_below),
        cmocka_unit_test(test_secret__compares_and_wipes),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
