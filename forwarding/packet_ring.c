/* core opens and closes, a lane reads: see packet_ring.h. */
#include "forwarding/packet_ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "forwarding/fast_path.h"
#include "forwarding/packet_filter.h"

#define RING_BLOCK   (128 * 1024) /* what the kernel allocates in one piece */
#define RING_RESERVE 6            /* 80 bytes that the kernel keeps, 10 of vnet header and these are 96 */
#define VLAN_VID     0xfff

/* PACKET_FANOUT_FLAG_IGNORE_OUTGOING, which older headers lack; PACKET_IGNORE_OUTGOING says nothing to a group. A
 * kernel that does not know it either passes outgoing frames on, and the lane leaves them out. */
#define FANOUT_IGNORE_OUTGOING 0x4000

_Static_assert(RING_BLOCK % PACKET_RING_SMALL_FRAME == 0 && RING_BLOCK % PACKET_RING_BIG_FRAME == 0,
               "frames do not cross blocks, so the map is an array of them");

static bool map_ring(struct packet_ring *ring, const struct packet_why *why)
{
    size_t bytes = packet_ring_bytes(ring);
    struct tpacket_req request = {
        .tp_block_size = RING_BLOCK,
        .tp_block_nr = (unsigned)(bytes / RING_BLOCK),
        .tp_frame_size = ring->frame_size,
        .tp_frame_nr = ring->frames,
    };
    if (!packet_set(ring->fd, PACKET_VERSION, TPACKET_V2) || !packet_set(ring->fd, PACKET_RESERVE, RING_RESERVE))
        return packet_refused(why, "set up a receive ring");
    const char *what = bytes > ((size_t)4 << 20) ? "make the receive ring of 8 MB" : "make a receive ring of 4 MB";
    if (setsockopt(ring->fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof request) != 0)
        return packet_refused(why, what);
    void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);
    if (map == MAP_FAILED)
        return packet_refused(why, what);
    ring->map = map;
    return true;
}

/* The kernel chooses the number of a group, so that no other program's group is ever ours. */
static bool join_group(int fd, uint16_t *group)
{
    uint32_t type = PACKET_FANOUT_HASH | FANOUT_IGNORE_OUTGOING;
    if (*group != 0)
        return packet_set(fd, PACKET_FANOUT, (int)(type << 16 | *group));
    if (!packet_set(fd, PACKET_FANOUT, (int)((type | PACKET_FANOUT_FLAG_UNIQUEID) << 16)))
        return false;
    uint32_t joined = 0;
    socklen_t size = sizeof joined;
    if (getsockopt(fd, SOL_PACKET, PACKET_FANOUT, &joined, &size) != 0)
        return false;
    *group = (uint16_t)joined;
    return true;
}

struct packet_ring *packet_ring_make(uint32_t frames, uint32_t frame_size, const struct packet_why *why)
{
    struct packet_ring *ring = aligned_alloc(64, 64);
    _Static_assert(sizeof *ring <= 64, "a ring is one cache line, which no other thread writes to");
    if (ring == NULL) {
        packet_refused(why, "describe a receive ring");
        return NULL;
    }
    *ring = (struct packet_ring){.frames = frames, .frame_size = frame_size};
    ring->fd = packet_socket(why);
    if (ring->fd >= 0 && map_ring(ring, why))
        return ring;
    int error = errno;
    packet_ring_free(ring);
    errno = error;
    return NULL;
}

/* A socket can only join a group once it is bound, and until then it would hear what the others hear: hence the filter
 * that lets nothing pass. */
bool packet_ring_bind(struct packet_ring *ring, uint32_t ifindex, uint16_t *group, const struct packet_why *why)
{
    struct sock_filter none[1];
    ring->ifindex = ifindex;
    if (!packet_set_filter(ring->fd, none, packet_filter_none(none)))
        return packet_refused(why, "attach a socket filter");
    if (!packet_set(ring->fd, PACKET_IGNORE_OUTGOING, 1))
        return packet_refused(why, "ignore outgoing frames");
    if (!packet_bind(ring->fd, ifindex, true))
        return packet_refused(why, "bind a receive ring");
    if (group != NULL && !join_group(ring->fd, group))
        return packet_refused(why, "share the device among lanes");
    return true;
}

void packet_ring_free(struct packet_ring *ring)
{
    if (ring == NULL)
        return;
    if (ring->map != NULL)
        munmap(ring->map, packet_ring_bytes(ring));
    if (ring->fd >= 0)
        close(ring->fd);
    free(ring);
}

FAST_PATH void packet_ring_describe(struct tpacket2_hdr *frame, uint16_t port, struct packet *packet)
{
    uint8_t *at = (uint8_t *)frame + frame->tp_mac;
    *packet = (struct packet){
        .frame = at,
        .len = frame->tp_snaplen,
        .wire_len = frame->tp_len,
        .port = port,
        .tagged = (frame->tp_status & TP_STATUS_VLAN_VALID) != 0 && (frame->tp_vlan_tci & VLAN_VID) != 0,
    };
    memcpy(&packet->vnet, at - sizeof packet->vnet, sizeof packet->vnet);
}
