/* server: answers questions, most of them commands. */
#include "bus/events.h"
#include "bus/frame.h"
#include "bus/metrics.h"
#include "bus/sender.h"
#include <stdlib.h>

#define HWM       1024
#define CALLS_MAX 1024
#define LINGER_MS 500 /* for the last answers of a process that stops */

struct ear_call {
    struct ear_call *prev, *next;
    char routing_id[EAR_ROUTING_ID_BYTES];
    size_t routing_id_len;
    struct ear_id question_id;
    uint32_t version; /* the question's, and so one that the client reads */
    char peer[EAR_SERVICE_BYTES];
};

struct ear_server {
    struct ear_bus *bus;
    ear_server_fn *fn;
    void *self;
    struct ear_socket *socket; /* owned */
    uint16_t port;
    struct ear_admission admission;
    struct ear_call *calls; /* owned list */
    size_t count;
    struct ear_log_gate gate;
};

static void add_call(struct ear_server *server, struct ear_call *call)
{
    call->next = server->calls;
    if (call->next) call->next->prev = call;
    server->calls = call;
    server->count++;
}

static void remove_call(struct ear_server *server, struct ear_call *call)
{
    *(call->prev ? &call->prev->next : &server->calls) = call->next;
    if (call->next) call->next->prev = call->prev;
    server->count--;
}

static bool too_many(struct ear_server *server)
{
    uint64_t suppressed;
    if (server->count < CALLS_MAX) return false;
    ear_metric_add(&M_BUS_CALLS, 1, "server", "refused");
    if (ear_log_gate_open(&server->gate, ear_loop_now_ms(server->bus->loop), EAR_BUS_GATE_MS,
                          &suppressed))
        ear_log(&EV_BUS_CALL_REFUSED, kv_int("under_way", server->count),
                kv_int("suppressed", suppressed));
    return true;
}

static void take_question(struct ear_server *server, struct ear_str from,
                          const Earshot__V1__Frame *frame, const char *sender)
{
    const Earshot__V1__CallQuestion *question = frame->question;
    struct ear_id id;
    if (from.len > EAR_ROUTING_ID_BYTES || ear_wire_id(&question->question_id, false, &id)) {
        ear_frame_refuse(server->bus, "malformed question", sender);
        return;
    }
    if (too_many(server)) return;
    struct ear_call *call = ear_alloc(sizeof(*call));
    call->question_id = id;
    call->version = frame->version;
    memcpy(call->routing_id, from.ptr, from.len);
    call->routing_id_len = from.len;
    if (!ear_str_copy(call->peer, sizeof(call->peer), ear_str_from(sender))) call->peer[0] = '\0';
    add_call(server, call);
    server->fn(server->self, call,
               (struct ear_str){(const char *)question->body.data, question->body.len});
}

static ear_err message(void *self, zmq_msg_t *parts, size_t count)
{
    struct ear_server *server = self;
    struct ear_str from = {zmq_msg_data(&parts[0]), zmq_msg_size(&parts[0])};
    struct ear_sender sender = ear_sender_of(&parts[count == 2]);
    if (!ear_sender_listed(server->bus, sender.service, sender.key)) {
        ear_metric_add(&M_BUS_REFUSED_PEERS, 1, "key");
        ear_frame_refuse(server->bus, "key not listed any more", sender.service);
        return EAR_OK;
    }
    const Earshot__V1__Frame *frame;
    ear_err err = count == 2 ? ear_frame_read(server->bus, &parts[1], &frame) : EAR_INVALID;
    if (err == EAR_NO_MEMORY) return err;
    if (err) {
        ear_frame_refuse(server->bus, "malformed", sender.service);
    } else if (!ear_admission_has(&server->admission, sender.service)) {
        ear_metric_add(&M_BUS_REFUSED_PEERS, 1, "call");
        ear_frame_refuse(server->bus, "service not admitted", sender.service);
    } else if (frame->body_case == EARSHOT__V1__FRAME__BODY_QUESTION) {
        take_question(server, from, frame, sender.service);
    } else if (frame->body_case == EARSHOT__V1__FRAME__BODY_BEAT) {
        /* The echo is how clients see that we live; one that left meanwhile needs none. */
        if (ear_frame_send_beat(server->socket, from, frame->version))
            ear_metric_add(&M_BUS_CALLS, 1, "server", "gone");
    } else {
        ear_frame_refuse(server->bus, "not expected", sender.service);
    }
    return EAR_OK;
}

static void event(void *self, int event)
{
    struct ear_server *server = self;
    if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED || event == ZMQ_EVENT_DISCONNECTED) return;
    ear_frame_handshake_failed(server->bus, "", server->port);
}

static const struct ear_socket_ops socket_ops = {.message = message, .event = event};

ear_err ear_server_new(struct ear_server **out, struct ear_bus *bus, const char *endpoint,
                       ear_server_fn *fn, void *self, struct ear_diag *diag)
{
    static const struct ear_socket_opts opts = {
        .type = ZMQ_ROUTER, .max_bytes = EAR_FRAME_BYTES_MAX, .hwm = HWM};
    struct ear_server *server = ear_alloc(sizeof(*server));
    *server = (struct ear_server){.bus = bus, .fn = fn, .self = self};
    *out = server;
    ear_err err = ear_socket_new(&server->socket, bus, &opts, &socket_ops, server, diag);
    if (!err) err = ear_socket_bind(server->socket, endpoint, &server->port, diag);
    if (err)
        ear_server_free(out);
    else
        ear_log(&EV_BUS_LISTENING, kv_text("endpoint", endpoint), kv_int("port", server->port));
    return err;
}

void ear_server_free(struct ear_server **server_ptr)
{
    struct ear_server *server = *server_ptr;
    if (!server) return;
    ear_socket_free(&server->socket, LINGER_MS);
    while (server->calls) {
        struct ear_call *call = server->calls;
        remove_call(server, call);
        free(call);
    }
    EAR_FREE(*server_ptr);
}

void ear_server_admit(struct ear_server *server, const char *services)
{
    ear_admission_set(&server->admission, services);
}

uint16_t ear_server_port(const struct ear_server *server)
{
    return server->port;
}

const char *ear_call_peer(const struct ear_call *call)
{
    return call->peer;
}

void ear_server_answer(struct ear_server *server, struct ear_call **call_ptr, struct ear_str answer)
{
    struct ear_call *call = *call_ptr;
    Earshot__V1__CallAnswer out = EARSHOT__V1__CALL_ANSWER__INIT;
    Earshot__V1__Frame frame = EARSHOT__V1__FRAME__INIT;
    out.question_id = ear_wire_bytes(&call->question_id);
    out.body = (ProtobufCBinaryData){answer.len, (uint8_t *)(uintptr_t)answer.ptr};
    frame.body_case = EARSHOT__V1__FRAME__BODY_ANSWER;
    frame.answer = &out;
    struct ear_str to = {call->routing_id, call->routing_id_len};
    bool gone = ear_frame_send(server->socket, to, call->version, &frame) != EAR_OK;
    ear_metric_add(&M_BUS_CALLS, 1, "server", gone ? "gone" : "answered");
    remove_call(server, call);
    EAR_FREE(*call_ptr);
}
