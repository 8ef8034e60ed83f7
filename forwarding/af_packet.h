/* core opens and closes, lanes read: ports on AF_PACKET sockets.
 *
 * For each port and lane a small ring (TPACKET_V2, 2 KB frames) takes what is up to AF_PACKET_SMALL bytes; one big ring
 * a lane, bound to no device, takes larger frames (whole GSO packets) of all our ports. For each port a control socket
 * that the core reads takes ARP, IGMP and UDP port 520. Socket filters make exactly one of the three take each frame.
 * With more than one lane the rings of a port form a fanout group by flow hash. Sockets for sending are each thread's
 * own. */
#ifndef FORWARDING_AF_PACKET_H
#define FORWARDING_AF_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "forwarding/packet.h"
#include "forwarding/port.h"
#include "forwarding/publish.h"

#define AF_PACKET_SMALL 1900

struct af_packet; /* all ports of the router, for all its lanes and the core */
struct af_port;   /* one of them */

enum qdisc_bypass { QDISC_BYPASS_AUTO, QDISC_BYPASS_ON, QDISC_BYPASS_OFF };

/* NULL with errno set. LATER frees rings after lanes have let go of them; what it was given has to be freed before
 * af_packet_free, which returns when all sockets are closed. */
struct af_packet *af_packet_new(unsigned lanes, struct later *later);
void af_packet_free(struct af_packet *a);

/* Opening a port on the device IFINDEX for all lanes and the core is done in two steps, since the first takes long: the
 * kernel makes it wait. BYPASS: whether sending goes around the qdisc. On failure nothing is left open, and a sentence
 * is in WHY (what failed, errno's text, the cure where there is one).
 *
 * Any thread, also several at a time: sockets and rings that hear nothing yet; NULL on failure. */
struct af_port *af_packet_prepare(struct af_packet *a, uint32_t ifindex, const char *name, bool bypass, char *why,
                                  size_t why_size);

/* core: makes it port NUMBER, and from here on it is heard. It is the port's now, or closed on failure. */
bool af_packet_take(struct af_packet *a, struct af_port *port, unsigned number, const char *name, char *why,
                    size_t why_size);

/* core: closes what was prepared and is not wanted any more. */
void af_packet_discard(struct af_port *port);

/* Both steps, for who has the time. */
bool af_packet_open(struct af_packet *a, unsigned number, uint32_t ifindex, const char *name, bool bypass, char *why,
                    size_t why_size);

/* The device may be gone already. */
void af_packet_close(struct af_packet *a, unsigned number);

/* Whether the device that the port was opened on is still the one that its sockets hear. One that left, even if it came
 * back with the same index, took them off. */
bool af_packet_hears(const struct af_packet *a, unsigned number);

/* The root qdisc of the device changed. */
void af_packet_set_bypass(struct af_packet *a, unsigned number, bool bypass);

/* core: sending, and the control socket of a port: its descriptor (-1: not open), and receiving of one frame into
 * BUFFER (room for ETHERNET_HEADER + 65535 + 2; the frame is placed so that its IP header is aligned). False when there
 * is none just now. */
struct transmit *af_packet_core_transmit(struct af_packet *a);
int af_packet_control_fd(const struct af_packet *a, unsigned number);
bool af_packet_control_receive(struct af_packet *a, unsigned number, uint8_t *buffer, size_t size,
                               struct packet *packet);

/* lane LANE: sending; receiving of a burst: the oldest frames of its rings, at most MOST. Frames stay in the ring until
 * af_packet_release, which must come before the next receive. Descriptor to block on until there is something (an epoll
 * set). */
struct transmit *af_packet_lane_transmit(struct af_packet *a, unsigned lane);
unsigned af_packet_receive(struct af_packet *a, unsigned lane, struct packet *burst, unsigned most);
void af_packet_release(struct af_packet *a, unsigned lane);
int af_packet_lane_fd(const struct af_packet *a, unsigned lane);

/* lane LANE: when the epoll set reports EPOLLERR, which it else goes on doing: a device went down. */
void af_packet_clear_errors(struct af_packet *a, unsigned lane);

/* core: frames of a port that the kernel had no room for, in its rings, the control socket and the big rings, ever: a
 * number that only grows. */
uint64_t af_packet_ring_full(struct af_packet *a, unsigned number);

/* Bytes of mapped rings. */
size_t af_packet_ring_bytes(const struct af_packet *a);

#endif
