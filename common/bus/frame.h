/* frame: what one ZeroMQ message of a link holds. Private to bus. docs/protocol.md has the rules.
 */
#ifndef EAR_BUS_FRAME_H
#define EAR_BUS_FRAME_H

#include "bus/credit.h"
#include "bus/socket.h"
#include "wire/wire.h"

/* Nothing larger is taken from anybody; a batch at its ceilings stays well below. */
#define EAR_FRAME_BYTES_MAX ((int64_t)2 << 20)

/* Sends the frame, in that version, to a peer of a ROUTER (by routing id) or, with EAR_STR_NONE,
 * over a DEALER. Errors of ear_socket_send. */
ear_err ear_frame_send(struct ear_socket *socket, struct ear_str to, uint32_t version,
                       Earshot__V1__Frame *frame) EAR_MUST_CHECK;
ear_err ear_frame_send_beat(struct ear_socket *socket, struct ear_str to,
                            uint32_t version) EAR_MUST_CHECK;
/* Hello without credit: that follows once both sides know each other. */
ear_err ear_frame_send_hello(struct ear_bus *bus, struct ear_socket *socket,
                             struct ear_str to) EAR_MUST_CHECK;

/* The frame, in the bus's arena and valid until the next is read. EAR_INVALID when it is malformed
 * or of a version we do not read; a Hello is read in any, since it says which others there are.
 * EAR_NO_MEMORY says nothing of the frame: it is to be read again later. */
ear_err ear_frame_read(struct ear_bus *bus, zmq_msg_t *part,
                       const Earshot__V1__Frame **out) EAR_MUST_CHECK;
/* The greatest version that both sides read; 0 when there is none. */
uint32_t ear_frame_version(const struct ear_bus *bus, const Earshot__V1__Hello *hello);
/* Counts and logs (gated) a dropped message. */
void ear_frame_refuse(struct ear_bus *bus, const char *reason, const char *peer);
/* The same for a connection that did not get through its handshake. */
void ear_frame_handshake_failed(struct ear_bus *bus, const char *address, uint16_t port);

/* Posts and bytes of a batch, as credit counts them. */
struct ear_amount ear_frame_amount(const Earshot__V1__Batch *batch);
/* last: of a process that drains, or the answer to that. */
Earshot__V1__Credit ear_frame_credit(ear_lane lane, struct ear_amount amount, bool last);

#endif
