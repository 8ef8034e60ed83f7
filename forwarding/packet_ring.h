/* core opens and closes, a lane reads: one mapped receive ring (TPACKET_V2).
 *
 * The kernel fills frames in order and gives each away by its status word; whoever has it gives it back the same way.
 * A frame looks like this (offsets are the kernel's; RESERVE makes the IP header lie on a multiple of 16):
 *
 *     0            32            72               82               96
 *     | tpacket2_hdr | sockaddr_ll | virtio_net_hdr | Ethernet header | IP header ...
 */
#ifndef FORWARDING_PACKET_RING_H
#define FORWARDING_PACKET_RING_H

#include <linux/if_packet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "forwarding/packet.h"
#include "forwarding/packet_socket.h"

enum { PACKET_RING_SMALL_FRAMES = 2048, PACKET_RING_SMALL_FRAME = 2048 }; /* what AF_PACKET_SMALL bytes fit in */
enum { PACKET_RING_BIG_FRAMES = 64, PACKET_RING_BIG_FRAME = 128 * 1024 }; /* a whole GSO packet of 64 KB */

struct packet_ring {
    /* set once */
    int fd;
    uint32_t ifindex;
    uint16_t port;
    uint32_t frames, frame_size;
    uint8_t *map;

    uint32_t head; /* the lane's own: the frame that it looks at next */
};

/* A ring that hears nothing: it is bound to nothing. Takes some 12 ms, and any thread may do it. NULL
 * when refused. Free with packet_ring_free. */
struct packet_ring *packet_ring_make(uint32_t frames, uint32_t frame_size, const struct packet_why *why);

/* Binds RING to IFINDEX (0: all devices), where it still hears nothing, and, if GROUP is not NULL, puts it in a fanout
 * group. *GROUP is 0 for the first member and then the group's number for the others. False when refused. */
bool packet_ring_bind(struct packet_ring *ring, uint32_t ifindex, uint16_t *group, const struct packet_why *why);
void packet_ring_free(struct packet_ring *ring);

static inline size_t packet_ring_bytes(const struct packet_ring *ring)
{
    return (size_t)ring->frames * ring->frame_size;
}

/* The frame to look at next, or NULL while the kernel has it. */
static inline struct tpacket2_hdr *packet_ring_peek(const struct packet_ring *ring)
{
    void *at = ring->map + (size_t)ring->head * ring->frame_size;
    struct tpacket2_hdr *frame = at;
    uint32_t status = __atomic_load_n(&frame->tp_status, __ATOMIC_ACQUIRE);
    return (status & TP_STATUS_USER) != 0 ? frame : NULL;
}

/* On to the next frame; the one that was peeked at stays the lane's. */
static inline void packet_ring_advance(struct packet_ring *ring)
{
    ring->head = ring->head + 1 < ring->frames ? ring->head + 1 : 0;
}

static inline void packet_ring_give_back(struct tpacket2_hdr *frame)
{
    __atomic_store_n(&frame->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
}

/* Nanoseconds, only good for comparing frames with one another. */
static inline uint64_t packet_ring_stamp(const struct tpacket2_hdr *frame)
{
    return (uint64_t)frame->tp_sec * UINT64_C(1000000000) + frame->tp_nsec;
}

static inline const struct sockaddr_ll *packet_ring_source(const struct tpacket2_hdr *frame)
{
    return (const struct sockaddr_ll *)((const uint8_t *)frame + TPACKET_ALIGN(sizeof *frame));
}

/* Describes FRAME, which came in by PORT. */
void packet_ring_describe(struct tpacket2_hdr *frame, uint16_t port, struct packet *packet);

#endif
