/* core opens and closes, one thread sends: a thread's sockets for sending, one for each port, so that a device that
 * takes no more holds up no other. */
#ifndef FORWARDING_PACKET_SEND_H
#define FORWARDING_PACKET_SEND_H

#include <stdbool.h>
#include <stdint.h>

#include "forwarding/counters.h"
#include "forwarding/packet.h"
#include "forwarding/packet_socket.h"

struct packet_out { /* never changes once published, but for BYPASS */
    int fd;
    uint32_t ifindex;
    bool bypass; /* atomic */
};

struct packet_sender;

/* NULL when there is no memory. Freed when nobody sends any more; sockets of ports are the caller's. */
struct packet_sender *packet_sender_new(void);
void packet_sender_free(struct packet_sender *sender);

struct transmit *packet_sender_transmit(struct packet_sender *sender);

/* The socket that is bound to no device; before the first port is set, once. False when refused. */
bool packet_sender_open_plain(struct packet_sender *sender, const struct packet_why *why);

/* Publishes how to send by PORT; NULL: not any more, and what was set is retired by the caller. */
void packet_sender_set(struct packet_sender *sender, unsigned port, struct packet_out *out);

/* A socket that sends by the device IFINDEX. NULL when refused. Free with packet_out_free. */
struct packet_out *packet_out_new(uint32_t ifindex, bool bypass, const struct packet_why *why);
void packet_out_free(struct packet_out *out);
void packet_out_set_bypass(struct packet_out *out, bool bypass);

#endif
