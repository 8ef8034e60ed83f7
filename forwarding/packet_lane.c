/* core opens and closes, a lane receives: see packet_lane.h. */
#include "forwarding/packet_lane.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "forwarding/counters.h"
#include "forwarding/fast_path.h"
#include "forwarding/publish.h"

struct packet_lane *packet_lane_new(void)
{
    struct packet_lane *lane = calloc(1, sizeof *lane);
    if (lane == NULL)
        return NULL;
    lane->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (lane->epoll >= 0)
        return lane;
    int error = errno;
    free(lane);
    errno = error;
    return NULL;
}

void packet_lane_free(struct packet_lane *lane)
{
    if (lane == NULL)
        return;
    close(lane->epoll);
    free(lane);
}

bool packet_lane_watch(struct packet_lane *lane, const struct packet_ring *ring)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = ring->fd};
    return epoll_ctl(lane->epoll, EPOLL_CTL_ADD, ring->fd, &event) == 0;
}

void packet_lane_unwatch(struct packet_lane *lane, const struct packet_ring *ring)
{
    (void)epoll_ctl(lane->epoll, EPOLL_CTL_DEL, ring->fd, NULL);
}

void packet_lane_set(struct packet_lane *lane, unsigned port, struct packet_ring *ring)
{
    publish(lane->small[port], ring);
    unsigned ports = lane->ports > port ? lane->ports : port + 1;
    while (ports > 0 && lane->small[ports - 1] == NULL)
        ports--;
    publish(lane->ports, ports);
}

void packet_lane_set_big(struct packet_lane *lane, struct packet_ring *ring)
{
    publish(lane->big, ring);
}

/* Takes the frame that RING's head is; it may turn out to be nobody's, and is given back then. */
static unsigned take(struct packet_lane *lane, struct packet_ring *ring, struct tpacket2_hdr *frame, unsigned port,
                     struct packet *packet)
{
    packet_ring_advance(ring);
    if (port == PORT_NONE || packet_ring_source(frame)->sll_pkttype == PACKET_OUTGOING) {
        packet_ring_give_back(frame);
        return 0;
    }
    packet_ring_describe(frame, (uint16_t)port, packet);
    __builtin_prefetch(packet->frame, 1);
    lane->taken[lane->n_taken++] = frame;
    return 1;
}

/* A device of the big ring may be ours no more. */
static unsigned port_of(const struct packet_lane *lane, unsigned ports, const struct tpacket2_hdr *frame)
{
    uint32_t ifindex = (uint32_t)packet_ring_source(frame)->sll_ifindex;
    for (unsigned port = 0; port < ports; port++) {
        const struct packet_ring *ring = published(lane->small[port]);
        if (ring != NULL && ring->ifindex == ifindex)
            return port;
    }
    return PORT_NONE;
}

/* May a small frame go, with OLDEST_BIG (NULL: none was seen) at the head of the big ring? */
static bool may_go(const struct packet_ring *big, const struct tpacket2_hdr *oldest_big,
                   const struct tpacket2_hdr *frame)
{
    if (oldest_big != NULL)
        return packet_ring_stamp(frame) <= packet_ring_stamp(oldest_big);
    return big == NULL || packet_ring_peek(big) == NULL;
}

/* Takes what may go from all small rings, from the one at START on. */
static unsigned take_small(struct packet_lane *lane, unsigned ports, const struct packet_ring *big,
                           const struct tpacket2_hdr *oldest_big, struct packet *burst, unsigned most)
{
    unsigned n = 0;
    unsigned port = lane->start < ports ? lane->start : 0;
    for (unsigned i = 0; i < ports; i++) {
        struct packet_ring *ring = published(lane->small[port]);
        struct tpacket2_hdr *frame;
        while (ring != NULL && (frame = packet_ring_peek(ring)) != NULL && may_go(big, oldest_big, frame)) {
            n += take(lane, ring, frame, ring->port, &burst[n]);
            if (n == most) {
                lane->start = port + 1;
                return n;
            }
        }
        port = port + 1 < ports ? port + 1 : 0;
    }
    return n;
}

FAST_PATH unsigned packet_lane_receive(struct packet_lane *lane, struct packet *burst, unsigned most)
{
    unsigned ports = published(lane->ports);
    struct packet_ring *big = published(lane->big);
    if (most > PACKET_LANE_BURST - lane->n_taken)
        most = PACKET_LANE_BURST - lane->n_taken;

    unsigned n = 0;
    while (n < most) {
        struct tpacket2_hdr *oldest_big = big != NULL ? packet_ring_peek(big) : NULL;
        if (oldest_big == NULL || lane->overtook <= ports * PACKET_RING_SMALL_FRAMES) {
            unsigned small = take_small(lane, ports, big, oldest_big, burst + n, most - n);
            n += small;
            lane->overtook = oldest_big != NULL ? lane->overtook + small : 0;
            if (n == most)
                break;
        }
        if (oldest_big != NULL) {
            unsigned port = port_of(lane, ports, oldest_big);
            if (port != PORT_NONE)
                count(&lane->big_taken[port]);
            n += take(lane, big, oldest_big, port, &burst[n]);
            lane->overtook = 0;
        } else if (big == NULL || packet_ring_peek(big) == NULL) {
            break;
        }
    }
    return n;
}

FAST_PATH void packet_lane_release(struct packet_lane *lane)
{
    for (unsigned i = 0; i < lane->n_taken; i++)
        packet_ring_give_back(lane->taken[i]);
    lane->n_taken = 0;
}

/* A device that went down leaves an error on its socket, and epoll would report that for ever. */
void packet_lane_clear_errors(struct packet_lane *lane)
{
    unsigned ports = published(lane->ports);
    for (unsigned port = 0; port < ports; port++) {
        const struct packet_ring *ring = published(lane->small[port]);
        int error;
        socklen_t size = sizeof error;
        if (ring != NULL)
            (void)getsockopt(ring->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    }
}
