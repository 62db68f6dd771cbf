#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/endpoint.h"
#include <cmocka.h>

static void test_endpoint__parses_host_and_port(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        ear_err err;
        const char *host;
        unsigned port;
    } cases[] = {
        {"ingest:5701", EAR_OK, "ingest", 5701}, {" 10.0.0.7:1 ", EAR_OK, "10.0.0.7", 1},
        {"[::1]:5701", EAR_OK, "::1", 5701},     {"*:65535", EAR_OK, "*", 65535},
        {"ingest:0", EAR_INVALID, NULL, 0},      {"ingest", EAR_INVALID, NULL, 0},
        {":5701", EAR_INVALID, NULL, 0},         {"ingest:65536", EAR_INVALID, NULL, 0},
        {"ingest:57x", EAR_INVALID, NULL, 0},    {"", EAR_INVALID, NULL, 0},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct ear_endpoint endpoint;
        struct ear_diag diag;
        ear_err err = ear_endpoint_parse(ear_str_from(cases[i].text), false, &endpoint, &diag);
        assert_int_equal(err, cases[i].err);
        if (err) continue;
        assert_string_equal(endpoint.host, cases[i].host);
        assert_int_equal(endpoint.port, cases[i].port);
    }
}

static void test_endpoint__knows_what_stays_on_this_machine(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        bool loopback, bindable;
    } cases[] = {
        {"127.0.0.1", true, true},
        {"127.8.9.10", true, true},
        {"::1", true, true},
        {"localhost", true, false},
        {"*", false, true},
        {"0.0.0.0", false, true},
        {"::ffff:127.0.0.1", true, true},
        {"::ffff:10.0.0.1", false, true},
        {"10.0.0.1", false, true},
        {"::", false, true},
        {"ingest", false, false},
        {"128.0.0.1", false, true},
        {"localhost.evil", false, false},
        {"127.evil", false, false},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        assert_int_equal(ear_endpoint_is_loopback(cases[i].host), cases[i].loopback);
        assert_int_equal(ear_endpoint_is_bindable(cases[i].host), cases[i].bindable);
    }
}

static void test_endpoint__writes_what_zeromq_wants(void **state)
{
    (void)state;
    char url[EAR_URL_BYTES];
    ear_endpoint_url("127.0.0.1", 5701, url);
    assert_string_equal(url, "tcp://127.0.0.1:5701");
    ear_endpoint_url("::1", 0, url);
    assert_string_equal(url, "tcp://[::1]:*");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_endpoint__parses_host_and_port),
        cmocka_unit_test(test_endpoint__knows_what_stays_on_this_machine),
        cmocka_unit_test(test_endpoint__writes_what_zeromq_wants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
