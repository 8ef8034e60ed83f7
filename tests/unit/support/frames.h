/* Frames for tests: made from a description, sent into memory, looked at again. */
#ifndef TESTS_FRAMES_H
#define TESTS_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "forwarding/packet.h"

#define FRAME_MAX (ETHERNET_HEADER + 65535)

/* Zero fields take the defaults in brackets. */
struct frame_spec {
    const uint8_t *dst_mac; /* [02:00:00:00:00:01, the router's port 0 by convention] */
    const uint8_t *src_mac; /* [02:00:00:00:00:99] */
    uint32_t src, dst;
    uint8_t protocol; /* [UDP] */
    uint8_t tos, ttl; /* [0, 64] */
    bool ttl_zero;    /* really 0 */
    uint16_t id, fragment;
    const uint8_t *options;
    uint8_t options_len; /* a multiple of 4 */
    const uint8_t *data; /* after the IP header; NULL: a UDP or ICMP echo header and a pattern, checksums right */
    size_t len;          /* of what follows the IP header [28] */
    uint16_t src_port, dst_port; /* [1000, 2000] */
};

/* A packet whose frame lies in a buffer of its own (malloc; frame_free), IP header aligned to 4, as received on PORT.
 */
struct packet frame_new(unsigned port, const struct frame_spec *spec);
void frame_free(struct packet *packet);

/* Dotted quad to host order; aborts on nonsense. */
uint32_t addr_of(const char *text);

/* A transmit that keeps what it is given. Set FULL to refuse the next frames. */
struct wire {
    struct transmit transmit; /* first: the wire is the transmit */
    struct wire_frame {
        unsigned port;
        uint32_t len;
        struct virtio_net_hdr vnet;
        uint8_t *bytes;
    } * sent;
    unsigned n, room;
    bool full;
};

void wire_init(struct wire *wire);
void wire_clear(struct wire *wire); /* forgets and frees what was sent */

#endif
