#include "bus/zap.h"

#include "bus/events.h"
#include "bus/metrics.h"
#include "bus/socket.h"
#include <stdlib.h>

enum { VERSION, REQUEST_ID, DOMAIN_NAME, ADDRESS, IDENTITY, MECHANISM, KEY, REQUEST_PARTS };

struct ear_zap {
    struct ear_bus *bus;       /* borrowed */
    struct ear_socket *socket; /* owned */
};

static struct ear_str text_of(zmq_msg_t *part)
{
    return (struct ear_str){zmq_msg_data(part), zmq_msg_size(part)};
}

static void fill(zmq_msg_t *part, struct ear_str text)
{
    int rc = zmq_msg_init_size(part, text.len);
    EAR_CHECK(rc == 0);
    if (text.len) memcpy(zmq_msg_data(part), text.ptr, text.len);
}

/* A property as RFC 23 has them: a name of one byte of length, a value of four. */
static void fill_key(zmq_msg_t *part, const char *key)
{
    char property[1 + sizeof(EAR_ZAP_KEY) - 1 + 4 + EAR_KEY_TEXT_BYTES - 1];
    char *at = property;
    *at++ = sizeof(EAR_ZAP_KEY) - 1;
    at = mempcpy(at, EAR_ZAP_KEY, sizeof(EAR_ZAP_KEY) - 1);
    ear_put_be((uint8_t *)at, EAR_KEY_TEXT_BYTES - 1, 4);
    memcpy(at + 4, key, EAR_KEY_TEXT_BYTES - 1);
    fill(part, (struct ear_str){property, sizeof(property)});
}

static void answer(struct ear_zap *zap, struct ear_str request_id, const char *user,
                   const char *key)
{
    zmq_msg_t parts[6];
    fill(&parts[0], EAR_STR("1.0"));
    fill(&parts[1], request_id);
    fill(&parts[2], user ? EAR_STR("200") : EAR_STR("400"));
    fill(&parts[3], user ? EAR_STR("") : EAR_STR("key not known"));
    fill(&parts[4], ear_str_from(user));
    if (user)
        fill_key(&parts[5], key);
    else
        fill(&parts[5], EAR_STR_NONE);
    /* Cannot fail: the asker waits inside this process. */
    if (ear_socket_send(zap->socket, parts, EAR_COUNT(parts)))
        ear_metric_add(&M_BUS_REFUSED_PEERS, 1, "zap");
}

static void refuse(struct ear_bus *bus, struct ear_str address)
{
    uint64_t suppressed;
    ear_metric_add(&M_BUS_REFUSED_PEERS, 1, "key");
    if (ear_log_gate_open(&bus->key_gate, ear_loop_now_ms(bus->loop), EAR_BUS_GATE_MS, &suppressed))
        ear_log(&EV_BUS_KEY_REFUSED, kv_str("address", address), kv_int("suppressed", suppressed));
}

static ear_err asked(void *self, zmq_msg_t *parts, size_t count)
{
    struct ear_zap *zap = self;
    const char *user = NULL;
    char key[EAR_KEY_TEXT_BYTES] = "";
    bool whole = count == REQUEST_PARTS && ear_str_eq(text_of(&parts[VERSION]), EAR_STR("1.0"));
    if (whole && ear_str_eq(text_of(&parts[MECHANISM]), EAR_STR("CURVE")) &&
        zmq_msg_size(&parts[KEY]) == EAR_KEY_BYTES)
        user = ear_keyring_owner(zap->bus->keyring, zmq_msg_data(&parts[KEY]));
    if (user) zmq_z85_encode(key, zmq_msg_data(&parts[KEY]), EAR_KEY_BYTES);
    if (!user) refuse(zap->bus, count > ADDRESS ? text_of(&parts[ADDRESS]) : EAR_STR_NONE);
    answer(zap, count > REQUEST_ID ? text_of(&parts[REQUEST_ID]) : EAR_STR_NONE, user, key);
    return EAR_OK;
}

static const struct ear_socket_ops ops = {.message = asked};

ear_err ear_zap_new(struct ear_zap **out, struct ear_bus *bus, struct ear_diag *diag)
{
    static const struct ear_socket_opts opts = {
        .type = ZMQ_REP, .max_bytes = 64 << 10, .hwm = 1024};
    struct ear_zap *zap = ear_alloc(sizeof(*zap));
    zap->bus = bus;
    *out = zap;
    ear_err err = ear_socket_new(&zap->socket, bus, &opts, &ops, zap, diag);
    if (!err && ear_socket_bind_inproc(zap->socket, "inproc://zeromq.zap.01"))
        err = ear_fail(diag, EAR_IO, "ZAP handler: %s", zmq_strerror(zmq_errno()));
    if (err) ear_zap_free(out);
    return err;
}

void ear_zap_free(struct ear_zap **zap)
{
    if (!*zap) return;
    ear_socket_free(&(*zap)->socket, 0);
    EAR_FREE(*zap);
}
