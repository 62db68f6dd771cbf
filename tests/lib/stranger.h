/* stranger: a peer of the bus that says what it likes, through a bare ZeroMQ socket. */
#ifndef TEST_LIB_STRANGER_H
#define TEST_LIB_STRANGER_H

#include "bus_rig.h"

#include "bus/frame.h"

struct stranger {
    void *context, *socket;
    uint32_t version; /* of what it writes; 0: this build's */
};

static inline void stranger_open(struct stranger *s, int type)
{
    int zero = 0;
    s->version = 0;
    s->context = zmq_ctx_new();
    s->socket = zmq_socket(s->context, type);
    zmq_setsockopt(s->socket, ZMQ_LINGER, &zero, sizeof(zero));
}

static inline void stranger_connect(struct stranger *s, uint16_t port)
{
    char url[EAR_URL_BYTES];
    stranger_open(s, ZMQ_DEALER);
    ear_endpoint_url("127.0.0.1", port, url);
    assert_int_equal(zmq_connect(s->socket, url), 0);
}

static inline const char *stranger_bind(struct stranger *s, char where[64])
{
    char url[EAR_URL_BYTES];
    size_t size = sizeof(url);
    struct ear_endpoint bound;
    stranger_open(s, ZMQ_ROUTER);
    assert_int_equal(zmq_bind(s->socket, "tcp://127.0.0.1:*"), 0);
    zmq_getsockopt(s->socket, ZMQ_LAST_ENDPOINT, url, &size);
    assert_int_equal(ear_endpoint_parse(ear_str_from(url), false, &bound, NULL), EAR_OK);
    return at_port(where, "127.0.0.1", bound.port);
}

static inline void stranger_close(struct stranger *s)
{
    zmq_close(s->socket);
    zmq_ctx_term(s->context);
}

/* Over a DEALER, or (with a routing id) over a ROUTER. */
static inline void say(struct stranger *s, struct ear_str to, Earshot__V1__Frame *frame)
{
    uint8_t packed[8192];
    frame->version = s->version ? s->version : EAR_WIRE_VERSION;
    assert_true(protobuf_c_message_get_packed_size(&frame->base) <= sizeof(packed));
    size_t len = protobuf_c_message_pack(&frame->base, packed);
    if (to.len) assert_true(zmq_send(s->socket, to.ptr, to.len, ZMQ_SNDMORE) >= 0);
    assert_true(zmq_send(s->socket, packed, len, 0) >= 0);
}

static inline void say_hello_range(struct stranger *s, struct ear_str to, uint32_t version_min,
                                   uint32_t version_max)
{
    Earshot__V1__Hello hello = EARSHOT__V1__HELLO__INIT;
    Earshot__V1__Frame frame = EARSHOT__V1__FRAME__INIT;
    struct ear_id instance = ear_id_new(1);
    hello.instance = ear_wire_bytes(&instance);
    hello.version_min = version_min;
    hello.version_max = version_max;
    frame.body_case = EARSHOT__V1__FRAME__BODY_HELLO;
    frame.hello = &hello;
    say(s, to, &frame);
}

static inline void say_hello(struct stranger *s, struct ear_str to, uint32_t version)
{
    say_hello_range(s, to, version, version);
}

static inline void say_credit(struct stranger *s, uint32_t lane, uint64_t posts)
{
    Earshot__V1__Credit credit = EARSHOT__V1__CREDIT__INIT;
    Earshot__V1__Frame frame = EARSHOT__V1__FRAME__INIT;
    credit.lane = lane;
    credit.posts = posts;
    credit.bytes = UINT64_MAX;
    frame.body_case = EARSHOT__V1__FRAME__BODY_CREDIT;
    frame.credit = &credit;
    say(s, EAR_STR_NONE, &frame);
}

#endif
