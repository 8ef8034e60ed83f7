/* Ports on real devices: veth pairs in a network namespace of this process alone. Where that is not allowed the cases
 * say so and pass. */
#define _GNU_SOURCE /* unshare */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "forwarding/af_packet.h"
#include "forwarding/bytes.h"
#include "forwarding/counters.h"
#include "tests/unit/support/unit.h"

#define BURST 64
#define MAGIC 0xfe221d01u

/* Deferred work of a core whose lanes are quiescent whenever settle() is called. */
struct deferred {
    struct later later;
    struct {
        void (*release)(void *);
        void *object;
    } at[256];
    unsigned n;
};

static void defer(struct later *l, void (*release)(void *), void *object)
{
    struct deferred *d = (struct deferred *)l;
    d->at[d->n].release = release;
    d->at[d->n++].object = object;
}

static void settle(struct deferred *d)
{
    for (unsigned i = 0; i < d->n; i++)
        d->at[i].release(d->at[i].object);
    d->n = 0;
}

/* ---- a network of two pairs: r0 and r1 are the router's ends, h0 and h1 the hosts' ---- */

struct host { /* an ordinary packet socket on the other end */
    int fd;
    uint32_t ifindex;
};

static bool allowed;

static bool shell(const char *command)
{
    int status = system(command); // NOLINT(cert-env33-c)
    return status == 0;
}

static void make_network(void)
{
    static bool tried;
    if (tried)
        return;
    tried = true;
    if (unshare(CLONE_NEWNET) != 0) {
        printf("\n    not tested: a network namespace is not allowed here (%s)", strerror(errno));
        return;
    }
    allowed = shell("for i in 0 1; do ip link add r$i type veth peer name h$i || exit 1;"
                    "  for e in r h; do echo 1 > /proc/sys/net/ipv6/conf/$e$i/disable_ipv6;"
                    "    ip link set $e$i up mtu 9000 || exit 1; done; done");
    if (!allowed)
        printf("\n    not tested: veth devices can not be made here");
}

static struct host host_open(const char *name)
{
    struct host h = {.fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0), .ifindex = if_nametoindex(name)};
    int on = 1, bytes = 8 << 20;
    CU_ASSERT_FATAL(setsockopt(h.fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) == 0);
    CU_ASSERT_FATAL(setsockopt(h.fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) == 0);
    CU_ASSERT_FATAL(setsockopt(h.fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) == 0);
    CU_ASSERT_FATAL(setsockopt(h.fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) == 0);
    struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)h.ifindex};
    CU_ASSERT_FATAL(bind(h.fd, (struct sockaddr *)&at, sizeof at) == 0);
    return h;
}

static bool host_send(const struct host *h, const struct virtio_net_hdr *vnet, const uint8_t *frame, size_t len)
{
    struct virtio_net_hdr none = {0};
    struct iovec part[2] = {{(void *)(uintptr_t)(vnet != NULL ? vnet : &none), sizeof none},
                            {(void *)(uintptr_t)frame, len}};
    return writev(h->fd, part, 2) == (ssize_t)(len + sizeof none);
}

static ssize_t host_receive(const struct host *h, struct virtio_net_hdr *vnet, uint8_t *frame, size_t size)
{
    struct pollfd fd = {.fd = h->fd, .events = POLLIN};
    if (poll(&fd, 1, 200) != 1)
        return -1;
    struct iovec part[2] = {{vnet, sizeof *vnet}, {frame, size}};
    ssize_t got = readv(h->fd, part, 2);
    return got - (ssize_t)sizeof *vnet;
}

/* ---- frames: IPv4, marked and numbered so that no other frame is taken for one of ours ---- */

static uint8_t frame[ETHERNET_HEADER + 65535 + 64];

static void frame_fill(uint32_t number, size_t len, uint8_t protocol, uint16_t dst_port, uint16_t flow)
{
    memset(frame, 0xff, 6);
    memcpy(frame + 6, "\x02\0\0\0\0\x77", 6);
    store_be16(frame + 12, 0x0800);
    for (size_t i = ETHERNET_HEADER; i < len; i++)
        frame[i] = (uint8_t)(i * 31 + number);
    uint8_t *ip = frame + ETHERNET_HEADER;
    memset(ip, 0, 20);
    ip[0] = 0x45;
    store_be16(ip + 2, (uint16_t)(len - ETHERNET_HEADER));
    ip[8] = 64;
    ip[9] = protocol;
    store_be32(ip + 12, 0x0a000001);
    store_be32(ip + 16, 0x0a000102);
    store_be16(ip + 20, flow);
    store_be16(ip + 22, dst_port);
    if (len >= ETHERNET_HEADER + 20 + 28) {
        store_be32(ip + 40, MAGIC);
        store_be32(ip + 44, number);
    }
}

static bool ours(const struct packet *p)
{
    return p->len >= ETHERNET_HEADER + 48 && load_be32(p->frame + ETHERNET_HEADER + 40) == MAGIC;
}

static uint32_t number_of(const struct packet *p)
{
    return load_be32(p->frame + ETHERNET_HEADER + 44);
}

static struct virtio_net_hdr tcp_gso(size_t mss)
{
    frame[ETHERNET_HEADER + 9] = 6;
    frame[ETHERNET_HEADER + 20 + 12] = 0x50; /* a TCP header of 20 bytes; the magic is data */
    frame[ETHERNET_HEADER + 20 + 13] = 0x10; /* ACK */
    return (struct virtio_net_hdr){.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
                                   .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
                                   .hdr_len = ETHERNET_HEADER + 40,
                                   .gso_size = (uint16_t)mss,
                                   .csum_start = ETHERNET_HEADER + 20,
                                   .csum_offset = 16};
}

/* ---- the router's side ---- */

struct scene {
    struct deferred deferred;
    struct af_packet *a;
    struct host host[2];
    char why[256];
};

static bool open_port(struct scene *s, unsigned number)
{
    char name[] = {'r', (char)('0' + number), 0};
    return af_packet_open(s->a, number, if_nametoindex(name), name, true, s->why, sizeof s->why);
}

static bool begin(struct scene *s, unsigned lanes)
{
    make_network();
    if (!allowed)
        return false;
    *s = (struct scene){.deferred.later.defer = defer};
    s->a = af_packet_new(lanes, &s->deferred.later);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s->a);
    for (unsigned i = 0; i < 2; i++) {
        char name[] = {'h', (char)('0' + i), 0};
        s->host[i] = host_open(name);
        if (!open_port(s, i)) {
            printf("\n    %s", s->why);
            CU_FAIL_FATAL("a port can be opened");
        }
    }
    return true;
}

static void end(struct scene *s)
{
    settle(&s->deferred);
    af_packet_free(s->a);
    close(s->host[0].fd);
    close(s->host[1].fd);
}

/* The next burst of a lane that has one of our frames, or 0 when nothing comes. Frames of others are left out. */
static unsigned receive(struct scene *s, unsigned lane, struct packet *burst, int timeout_ms)
{
    struct pollfd fd = {.fd = af_packet_lane_fd(s->a, lane), .events = POLLIN};
    for (;;) {
        unsigned n = af_packet_receive(s->a, lane, burst, BURST), kept = 0;
        for (unsigned i = 0; i < n; i++)
            if (ours(&burst[i]))
                burst[kept++] = burst[i];
        if (kept > 0)
            return kept;
        af_packet_release(s->a, lane);
        if (n == 0 && poll(&fd, 1, timeout_ms) != 1)
            return 0;
    }
}

static bool control_receive(struct scene *s, unsigned port, struct packet *packet)
{
    static uint8_t buffer[2 + ETHERNET_HEADER + 65535] __attribute__((aligned(16)));
    struct pollfd fd = {.fd = af_packet_control_fd(s->a, port), .events = POLLIN};
    return poll(&fd, 1, 200) == 1 && af_packet_control_receive(s->a, port, buffer, sizeof buffer, packet);
}

static void expect_nothing(struct scene *s)
{
    struct packet burst[BURST];
    CU_ASSERT_EQUAL(receive(s, 0, burst, 20), 0);
    CU_ASSERT_EQUAL(poll(&(struct pollfd){.fd = af_packet_control_fd(s->a, 0), .events = POLLIN}, 1, 20), 0);
}

/* ---- cases ---- */

static void frames_arrive_whole(void)
{
    struct scene s;
    if (!begin(&s, 1))
        return;
    static const size_t lengths[] = {62, 63, 64, 100, 1514, 1899, 1900, 1901, 2048, 4096, 9014};
    struct packet burst[BURST];
    for (unsigned i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        for (unsigned port = 0; port < 2; port++) {
            frame_fill(i, lengths[i], 17, 2000, 1000);
            CU_ASSERT_FATAL(host_send(&s.host[port], NULL, frame, lengths[i]));
            CU_ASSERT_EQUAL_FATAL(receive(&s, 0, burst, 500), 1);
            CU_ASSERT_EQUAL(burst[0].port, port);
            CU_ASSERT_EQUAL(burst[0].len, lengths[i]);
            CU_ASSERT_EQUAL(burst[0].wire_len, lengths[i]);
            CU_ASSERT_EQUAL(burst[0].vnet.gso_type, VIRTIO_NET_HDR_GSO_NONE);
            CU_ASSERT(!burst[0].tagged);
            CU_ASSERT_EQUAL((uintptr_t)packet_ip(&burst[0]) % 16, 0);
            CU_ASSERT(memcmp(burst[0].frame, frame, lengths[i]) == 0);
            af_packet_release(s.a, 0);
        }
    end(&s);
}

static void gso_packets_arrive_with_their_description(void)
{
    struct scene s;
    if (!begin(&s, 1))
        return;
    static const size_t lengths[] = {3000, 20000, 65535}; /* beyond, the device segments */
    struct packet burst[BURST];
    for (unsigned i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        frame_fill(i, lengths[i], 6, 80, 1000);
        struct virtio_net_hdr sent = tcp_gso(1448);
        CU_ASSERT_FATAL(host_send(&s.host[0], &sent, frame, lengths[i]));
        CU_ASSERT_EQUAL_FATAL(receive(&s, 0, burst, 500), 1);
        CU_ASSERT_EQUAL(burst[0].len, lengths[i]);
        CU_ASSERT_EQUAL(burst[0].vnet.gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
        CU_ASSERT_EQUAL(burst[0].vnet.gso_size, 1448);
        CU_ASSERT(packet_checksum_unfinished(&burst[0]));
        CU_ASSERT_EQUAL(burst[0].vnet.csum_start, ETHERNET_HEADER + 20);
        CU_ASSERT_EQUAL(burst[0].vnet.csum_offset, 16);
        CU_ASSERT(memcmp(burst[0].frame, frame, lengths[i]) == 0);

        /* and leave as they came */
        struct packet *out = &burst[0];
        enum drop why = DROP__COUNT;
        struct transmit *transmit = af_packet_lane_transmit(s.a, 0);
        CU_ASSERT_EQUAL(transmit->send(transmit, 1, &out, 1, &why), 1);
        static uint8_t got[sizeof frame];
        struct virtio_net_hdr vnet;
        CU_ASSERT_EQUAL(host_receive(&s.host[1], &vnet, got, sizeof got), (ssize_t)lengths[i]);
        CU_ASSERT_EQUAL(vnet.gso_size, 1448);
        CU_ASSERT(memcmp(got, frame, lengths[i]) == 0);
        af_packet_release(s.a, 0);
    }
    end(&s);
}

static void small_and_big_keep_their_order(void)
{
    struct scene s;
    if (!begin(&s, 1))
        return;
    struct packet burst[BURST];
    uint32_t sent = 0, seen = 0;
    srandom(2);
    while (sent < 20000) {
        for (unsigned i = 0; i < 40; i++) {
            size_t len = random() % 4 == 0 ? 8000 : 200;
            frame_fill(sent, len, 17, 2000, 1000);
            CU_ASSERT_FATAL(host_send(&s.host[0], NULL, frame, len));
            sent++;
        }
        unsigned n;
        while (seen < sent && (n = receive(&s, 0, burst, 500)) > 0) {
            for (unsigned i = 0; i < n; i++)
                CU_ASSERT_EQUAL_FATAL(number_of(&burst[i]), seen++);
            af_packet_release(s.a, 0);
        }
    }
    CU_ASSERT_EQUAL(seen, sent);
    end(&s);
}

struct feeder {
    const struct host *host;
    uint32_t count;
    unsigned big_of; /* one frame of so many is big; 0: none */
    unsigned flows;  /* at least 1 */
    unsigned pause;  /* after so many */
};

static void *feed(void *argument)
{
    const struct feeder *f = argument;
    static _Thread_local uint8_t bytes[8000];
    for (uint32_t i = 0; i < f->count; i++) {
        size_t len = f->big_of != 0 && i % f->big_of == 0 ? 8000 : 100;
        memset(bytes, 0xff, 6);
        memcpy(bytes + 6, "\x02\0\0\0\0\x77\x08\0\x45\0", 10);
        store_be16(bytes + 16, (uint16_t)(len - ETHERNET_HEADER));
        bytes[22] = 64;
        bytes[23] = 17;
        store_be16(bytes + 34, (uint16_t)(1000 + i % f->flows));
        store_be16(bytes + 36, 2000);
        store_be32(bytes + 54, MAGIC);
        store_be32(bytes + 58, i);
        while (!host_send(f->host, NULL, bytes, len))
            sched_yield();
        if (f->pause != 0 && i % f->pause == 0)
            nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
    }
    return NULL;
}

static void order_holds_while_frames_come_in(void)
{
    struct scene s;
    if (!begin(&s, 1))
        return;
    struct feeder f = {.host = &s.host[0], .count = 30000, .big_of = 3, .flows = 1, .pause = 50};
    pthread_t thread;
    CU_ASSERT_FATAL(pthread_create(&thread, NULL, feed, &f) == 0);
    struct packet burst[BURST];
    uint32_t seen = 0, last = 0, disorder = 0;
    unsigned n;
    while ((n = receive(&s, 0, burst, 300)) > 0) {
        for (unsigned i = 0; i < n; i++) {
            uint32_t number = number_of(&burst[i]);
            disorder += seen > 0 && number <= last;
            last = number;
            seen++;
        }
        af_packet_release(s.a, 0);
    }
    pthread_join(thread, NULL);
    CU_ASSERT_EQUAL(disorder, 0);
    CU_ASSERT(seen > f.count / 2); /* some may be lost on a busy machine */
    CU_ASSERT_EQUAL(seen + af_packet_ring_full(s.a, 0), f.count);
    end(&s);
}

static void control_traffic_comes_by_its_own_door(void)
{
    struct scene s;
    if (!begin(&s, 1))
        return;
    struct packet p;
    frame_fill(1, 200, 2, 0, 0); /* IGMP */
    CU_ASSERT_FATAL(host_send(&s.host[0], NULL, frame, 200));
    CU_ASSERT_FATAL(control_receive(&s, 0, &p));
    CU_ASSERT(p.len == 200 && p.wire_len == 200 && p.port == 0 && !p.tagged && memcmp(p.frame, frame, 200) == 0);
    CU_ASSERT_EQUAL((uintptr_t)packet_ip(&p) % 4, 0);

    frame_fill(2, 8000, 17, 520, 520); /* RIP, longer than a small frame */
    CU_ASSERT_FATAL(host_send(&s.host[0], NULL, frame, 8000));
    CU_ASSERT_FATAL(control_receive(&s, 0, &p));
    CU_ASSERT(p.len == 8000 && memcmp(p.frame, frame, 8000) == 0);

    frame_fill(3, 200, 17, 520, 520);
    store_be16(frame + 12, 0x0806);
    CU_ASSERT_FATAL(host_send(&s.host[1], NULL, frame, 200));
    CU_ASSERT_FATAL(control_receive(&s, 1, &p));
    CU_ASSERT(p.port == 1 && load_be16(p.frame + 12) == 0x0806);
    expect_nothing(&s);

    /* a buffer that is too short for it */
    uint8_t little[2 + 100];
    CU_ASSERT_FATAL(host_send(&s.host[0], NULL, frame, 200));
    CU_ASSERT(poll(&(struct pollfd){.fd = af_packet_control_fd(s.a, 0), .events = POLLIN}, 1, 200) == 1);
    CU_ASSERT(af_packet_control_receive(s.a, 0, little, sizeof little, &p));
    CU_ASSERT(p.len == 100 && p.wire_len == 200);
    CU_ASSERT(!af_packet_control_receive(s.a, 0, little, sizeof little, &p));
    end(&s);
}

static void vlan_frames_are_flagged(void)
{
    struct scene s;
    if (!begin(&s, 1))
        return;
    struct packet burst[BURST];
    for (unsigned vid = 0; vid < 2; vid++) {
        frame_fill(vid, 200, 17, 520, 520);
        memmove(frame + 16, frame + 12, 188);
        store_be16(frame + 12, 0x8100);
        store_be16(frame + 14, (uint16_t)(0x6000 | vid * 9));
        CU_ASSERT_FATAL(host_send(&s.host[0], NULL, frame, 200));
        struct packet *p = burst;
        if (vid == 0) /* only a priority: RIP as any other */
            CU_ASSERT_FATAL(control_receive(&s, 0, p))
        else
            CU_ASSERT_EQUAL_FATAL(receive(&s, 0, p, 500), 1)
        CU_ASSERT_EQUAL(p->tagged, vid != 0);
        CU_ASSERT_EQUAL(p->len, 196);
        CU_ASSERT_EQUAL(load_be16(p->frame + 12), 0x0800);
        af_packet_release(s.a, 0);
    }
    end(&s);
}

static void own_transmissions_are_not_heard(unsigned lanes)
{
    struct scene s;
    if (!begin(&s, lanes))
        return;
    for (unsigned i = 0; i < 2; i++) {
        af_packet_set_bypass(s.a, 0, i == 0);
        frame_fill(7, i == 0 ? 200 : 4000, 17, 2000, 1000);
        struct packet p = {.frame = frame, .len = i == 0 ? 200 : 4000, .port = PORT_NONE};
        struct packet *out = &p;
        enum drop why;
        struct transmit *core = af_packet_core_transmit(s.a);
        CU_ASSERT_EQUAL(core->send(core, 0, &out, 1, &why), 1);
        struct virtio_net_hdr vnet;
        static uint8_t got[8000];
        CU_ASSERT_EQUAL(host_receive(&s.host[0], &vnet, got, sizeof got), (ssize_t)p.len);
        CU_ASSERT(memcmp(got, frame, p.len) == 0);
        expect_nothing(&s);
    }
    end(&s);
}

static void one_lane_does_not_hear_itself(void)
{
    own_transmissions_are_not_heard(1);
}

static void two_lanes_do_not_hear_themselves(void)
{
    own_transmissions_are_not_heard(2);
}

static void a_full_ring_is_counted(void)
{
    struct scene s;
    if (!begin(&s, 1))
        return;
    for (unsigned i = 0; i < 3000; i++) {
        frame_fill(i, 100, 17, 2000, 1000);
        CU_ASSERT_FATAL(host_send(&s.host[0], NULL, frame, 100));
    }
    for (unsigned i = 0; i < 80; i++) {
        frame_fill(i, 4000, 17, 2000, 1000);
        CU_ASSERT_FATAL(host_send(&s.host[0], NULL, frame, 4000));
    }
    struct packet burst[BURST];
    uint64_t seen = 0;
    for (unsigned n; (n = receive(&s, 0, burst, 50)) > 0; af_packet_release(s.a, 0))
        seen += n;
    CU_ASSERT_EQUAL(seen, 2048 + 64);
    enum { LOST = 3000 - 2048 + 80 - 64 };
    CU_ASSERT_EQUAL(af_packet_ring_full(s.a, 0), LOST);
    CU_ASSERT_EQUAL(af_packet_ring_full(s.a, 0), LOST); /* not forgotten by asking */
    CU_ASSERT_EQUAL(af_packet_ring_full(s.a, 1), 0);
    for (unsigned i = 0; i < 2048 + 10; i++) {
        frame_fill(i, 100, 17, 2000, 1000);
        CU_ASSERT_FATAL(host_send(&s.host[0], NULL, frame, 100));
    }
    af_packet_close(s.a, 0);
    CU_ASSERT_EQUAL(af_packet_ring_full(s.a, 0), LOST + 10);
    CU_ASSERT(open_port(&s, 0));
    CU_ASSERT_EQUAL(af_packet_ring_full(s.a, 0), LOST + 10);
    end(&s);
}

/* Sends N large frames to port 0 and M to port 1, in turn as far as they go. */
static void send_large(struct scene *s, unsigned n, unsigned m)
{
    for (unsigned i = 0; i < n || i < m; i++) {
        frame_fill(i, 4000, 17, 2000, 1000);
        if (i < n)
            CU_ASSERT_FATAL(host_send(&s->host[0], NULL, frame, 4000));
        if (i < m)
            CU_ASSERT_FATAL(host_send(&s->host[1], NULL, frame, 4000));
    }
}

static void what_a_big_ring_lost_is_shared_out(void)
{
    struct scene s;
    if (!begin(&s, 1))
        return;
    struct packet burst[BURST];
    send_large(&s, 32, 32);
    send_large(&s, 100, 101); /* for which there is no room any more */
    CU_ASSERT_EQUAL(af_packet_ring_full(s.a, 0) + af_packet_ring_full(s.a, 1), 0); /* nobody's yet */
    unsigned n = receive(&s, 0, burst, 500);
    CU_ASSERT_EQUAL(n, 64);
    af_packet_release(s.a, 0);
    uint64_t first = af_packet_ring_full(s.a, 0), second = af_packet_ring_full(s.a, 1);
    CU_ASSERT_EQUAL(first + second, 201);
    CU_ASSERT(first == 100 || first == 101);
    send_large(&s, 0, 64 + 7); /* with what was taken before this has nothing to do */
    CU_ASSERT_EQUAL(receive(&s, 0, burst, 500), 64);
    af_packet_release(s.a, 0);
    CU_ASSERT_EQUAL(af_packet_ring_full(s.a, 0), first);
    CU_ASSERT_EQUAL(af_packet_ring_full(s.a, 1), second + 7);
    end(&s);
}

static void ports_close_and_open_while_frames_come(void)
{
    struct scene s;
    if (!begin(&s, 1))
        return;
    struct feeder f = {.host = &s.host[0], .count = 20000, .big_of = 10, .flows = 1, .pause = 20};
    pthread_t thread;
    CU_ASSERT_FATAL(pthread_create(&thread, NULL, feed, &f) == 0);
    struct packet burst[BURST];
    unsigned opened = 0;
    for (; opened < 5; opened++) {
        /* What the lane holds when the port goes stays valid until it is quiescent. */
        unsigned n = receive(&s, 0, burst, 500);
        CU_ASSERT_FATAL(n > 0);
        af_packet_close(s.a, 0);
        CU_ASSERT_EQUAL(af_packet_control_fd(s.a, 0), -1);
        for (unsigned i = 0; i < n; i++)
            CU_ASSERT(ours(&burst[i]));
        af_packet_release(s.a, 0);
        settle(&s.deferred);
        CU_ASSERT_EQUAL(receive(&s, 0, burst, 5), 0);
        CU_ASSERT_FATAL(open_port(&s, 0));
    }
    CU_ASSERT(receive(&s, 0, burst, 500) > 0);
    af_packet_release(s.a, 0);
    pthread_join(thread, NULL);
    end(&s);
}

static void expect_every_frame_once(bool flap)
{
    struct scene s;
    if (!begin(&s, 2))
        return;
    if (flap) {
        CU_ASSERT(shell("ip link set r0 down && ip link set r0 up"));
        for (unsigned lane = 0; lane < 2; lane++)
            af_packet_clear_errors(s.a, lane);
    }
    enum { COUNT = 6000, FLOWS = 61 };
    static uint8_t seen[COUNT];
    static uint8_t lane_of[FLOWS];
    memset(seen, 0, sizeof seen);
    memset(lane_of, 0xff, sizeof lane_of);
    struct feeder f = {.host = &s.host[0], .count = COUNT, .big_of = 7, .flows = FLOWS, .pause = 20};
    pthread_t thread;
    CU_ASSERT_FATAL(pthread_create(&thread, NULL, feed, &f) == 0);
    struct packet burst[BURST];
    unsigned by_lane[2] = {0, 0}, strayed = 0;
    for (unsigned idle = 0; idle < 100;) {
        bool any = false;
        for (unsigned lane = 0; lane < 2; lane++) {
            unsigned n = receive(&s, lane, burst, 1);
            for (unsigned i = 0; i < n; i++) {
                uint32_t number = number_of(&burst[i]);
                seen[number]++;
                uint8_t *home = &lane_of[number % FLOWS];
                if (*home == 0xff)
                    *home = (uint8_t)lane;
                strayed += *home != lane;
            }
            af_packet_release(s.a, lane);
            by_lane[lane] += n;
            any = any || n > 0;
        }
        idle = any ? 0 : idle + 1;
    }
    pthread_join(thread, NULL);
    unsigned once = 0, more = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        once += seen[i] == 1;
        more += seen[i] > 1;
    }
    CU_ASSERT_EQUAL(more, 0);
    CU_ASSERT_EQUAL(once + af_packet_ring_full(s.a, 0), COUNT);
    CU_ASSERT(by_lane[0] > 0 && by_lane[1] > 0);
    CU_ASSERT_EQUAL(strayed, 0); /* a flow keeps to its lane, small frames and big ones */
    end(&s);
}

static void two_lanes_get_every_frame_once(void)
{
    expect_every_frame_once(false);
}

static void they_do_after_a_flap(void)
{
    expect_every_frame_once(true);
}

static void refusals_are_told(void)
{
    struct scene s;
    if (!begin(&s, 1))
        return;
    frame_fill(1, 12000, 17, 2000, 1000);
    struct packet good = {.frame = frame, .len = 200}, long_one = {.frame = frame, .len = 12000};
    struct packet *burst[] = {&good, &good, &long_one, &good};
    struct transmit *core = af_packet_core_transmit(s.a);
    enum drop why = DROP__COUNT;
    CU_ASSERT_EQUAL(core->send(core, 0, burst, 4, &why), 2); /* beyond the device's MTU */
    CU_ASSERT_EQUAL(why, DROP_TX_FAILED);
    CU_ASSERT_EQUAL(core->send(core, 0, burst + 3, 1, &why), 1);

    why = DROP__COUNT;
    CU_ASSERT_EQUAL(core->send(core, 2, burst, 1, &why), 0); /* no such port */
    CU_ASSERT_EQUAL(why, DROP_TX_FAILED);
    why = DROP__COUNT;
    CU_ASSERT_EQUAL(core->send(core, PORT_NONE, burst, 1, &why), 0);
    CU_ASSERT_EQUAL(why, DROP_TX_FAILED);

    why = DROP__COUNT;
    CU_ASSERT(shell("ip link set r0 down"));
    CU_ASSERT_EQUAL(core->send(core, 0, burst, 1, &why), 0);
    CU_ASSERT_EQUAL(why, DROP_TX_FAILED);
    CU_ASSERT(shell("ip link set r0 up"));
    CU_ASSERT_EQUAL(core->send(core, 0, burst, 1, &why), 1);
    end(&s);
}

static void a_device_that_flaps_is_heard_again(void)
{
    struct scene s;
    if (!begin(&s, 1))
        return;
    CU_ASSERT(shell("ip link set r0 down"));
    /* epoll reports the error until it is cleared; a lane would spin on it. */
    struct epoll_event report;
    CU_ASSERT_EQUAL(epoll_wait(af_packet_lane_fd(s.a, 0), &report, 1, 500), 1);
    CU_ASSERT((report.events & EPOLLERR) != 0);
    af_packet_clear_errors(s.a, 0);
    CU_ASSERT_EQUAL(epoll_wait(af_packet_lane_fd(s.a, 0), &report, 1, 20), 0);
    struct packet p;
    CU_ASSERT(!control_receive(&s, 0, &p));
    CU_ASSERT_EQUAL(poll(&(struct pollfd){.fd = af_packet_control_fd(s.a, 0), .events = POLLIN}, 1, 20), 0);

    CU_ASSERT(shell("ip link set r0 up"));
    struct packet burst[BURST];
    frame_fill(1, 200, 17, 2000, 1000);
    CU_ASSERT_FATAL(host_send(&s.host[0], NULL, frame, 200));
    CU_ASSERT_EQUAL(receive(&s, 0, burst, 500), 1);
    af_packet_release(s.a, 0);
    frame_fill(1, 200, 2, 0, 0);
    CU_ASSERT_FATAL(host_send(&s.host[0], NULL, frame, 200));
    CU_ASSERT(control_receive(&s, 0, &p));
    end(&s);
}

static void a_missing_device_is_named(void)
{
    struct scene s;
    if (!begin(&s, 2))
        return;
    size_t before = af_packet_ring_bytes(s.a);
    CU_ASSERT_EQUAL(before, 2 * 2 * (4 << 20) + 2 * (8 << 20));
    CU_ASSERT(!af_packet_open(s.a, 5, 4242, "eth7", true, s.why, sizeof s.why));
    CU_ASSERT(strncmp(s.why, "eth7: can not ", 14) == 0 && strstr(s.why, "the device is gone") != NULL);
    CU_ASSERT_EQUAL(af_packet_ring_bytes(s.a), before);
    CU_ASSERT_EQUAL(af_packet_control_fd(s.a, 5), -1);
    CU_ASSERT(!open_port(&s, 0)); /* is open */
    end(&s);
}

static unsigned descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    CU_ASSERT_PTR_NOT_NULL_FATAL(folder);
    unsigned n = 0;
    while (readdir(folder) != NULL)
        n++;
    closedir(folder);
    return n;
}

/* What is open when a process goes is closed one by one, which takes seconds with many ports. */
static void the_end_waits_for_what_is_being_closed(void)
{
    struct scene s;
    unsigned before = descriptors();
    if (!begin(&s, 2))
        return;
    af_packet_close(s.a, 0);
    end(&s); /* one port closed before, one by this */
    CU_ASSERT_EQUAL(descriptors(), before);
}

struct preparing {
    struct scene *scene;
    struct af_port *port;
    char why[256];
};

static void *prepare(void *argument)
{
    struct preparing *p = argument;
    p->port = af_packet_prepare(p->scene->a, if_nametoindex("r0"), "r0", true, p->why, sizeof p->why);
    return NULL;
}

static unsigned send_and_count(struct scene *s)
{
    struct packet burst[BURST];
    unsigned n = 0;
    frame_fill(1, 100, 17, 2000, 1000);
    CU_ASSERT(host_send(&s->host[0], NULL, frame, 100));
    for (unsigned lane = 0; lane < 2; lane++)
        n += receive(s, lane, burst, 100);
    return n;
}

static void ports_prepared_by_threads_hear_nothing_until_they_are_taken(void)
{
    enum { PORTS = 3 };
    struct scene s;
    unsigned before = descriptors();
    if (!begin(&s, 2))
        return;
    size_t bytes = af_packet_ring_bytes(s.a);
    af_packet_close(s.a, 0);
    settle(&s.deferred);
    struct preparing preparing[PORTS];
    pthread_t thread[PORTS];
    for (unsigned i = 0; i < PORTS; i++) {
        preparing[i] = (struct preparing){.scene = &s};
        CU_ASSERT_FATAL(pthread_create(&thread[i], NULL, prepare, &preparing[i]) == 0);
    }
    for (unsigned i = 0; i < PORTS; i++) {
        pthread_join(thread[i], NULL);
        CU_ASSERT_PTR_NOT_NULL_FATAL(preparing[i].port);
    }
    CU_ASSERT_EQUAL(send_and_count(&s), 0);
    CU_ASSERT_FATAL(af_packet_take(s.a, preparing[0].port, 0, "r0", s.why, sizeof s.why));
    CU_ASSERT_EQUAL(af_packet_ring_bytes(s.a), bytes);
    CU_ASSERT_EQUAL(send_and_count(&s), 1);
    CU_ASSERT(!af_packet_take(s.a, preparing[1].port, 0, "r0", s.why, sizeof s.why)); /* is open */
    CU_ASSERT(strstr(s.why, "is open already") != NULL);
    af_packet_discard(preparing[2].port);
    CU_ASSERT_EQUAL(send_and_count(&s), 1);
    end(&s);
    CU_ASSERT_EQUAL(descriptors(), before);
}

static void gso_leaves_by_a_device_that_can_not_segment(void)
{
    struct scene s;
    if (!begin(&s, 1))
        return;
    if (!shell("ethtool -K r1 tso off >/dev/null 2>&1")) {
        printf("\n    not tested: there is no ethtool");
        end(&s);
        return;
    }
    enum { MSS = 1000, SEGMENTS = 5, LEN = ETHERNET_HEADER + 40 + MSS * SEGMENTS };
    frame_fill(1, LEN, 6, 80, 1000);
    struct packet p = {.vnet = tcp_gso(MSS), .frame = frame, .len = LEN};
    struct packet *out = &p;
    enum drop why;
    struct transmit *core = af_packet_core_transmit(s.a);
    CU_ASSERT_EQUAL(core->send(core, 1, &out, 1, &why), 1);
    static uint8_t got[sizeof frame];
    struct virtio_net_hdr vnet;
    for (unsigned i = 0; i < SEGMENTS; i++)
        CU_ASSERT_EQUAL(host_receive(&s.host[1], &vnet, got, sizeof got), ETHERNET_HEADER + 40 + MSS);
    CU_ASSERT(shell("ethtool -K r1 tso on >/dev/null 2>&1"));
    end(&s);
}

static const struct unit_case cases[] = {
    {"frames of all sizes arrive whole", frames_arrive_whole},
    {"GSO packets of up to 64 KB arrive and leave with their description", gso_packets_arrive_with_their_description},
    {"small and big frames keep their order", small_and_big_keep_their_order},
    {"order holds while frames come in", order_holds_while_frames_come_in},
    {"control traffic comes by its own door", control_traffic_comes_by_its_own_door},
    {"frames of a VLAN are flagged, priority-tagged ones are not", vlan_frames_are_flagged},
    {"one lane does not hear its own transmissions", one_lane_does_not_hear_itself},
    {"two lanes do not hear their own transmissions", two_lanes_do_not_hear_themselves},
    {"a full ring is counted, and closing keeps the count", a_full_ring_is_counted},
    {"what a big ring had no room for is shared out among the ports", what_a_big_ring_lost_is_shared_out},
    {"ports close and open while frames come", ports_close_and_open_while_frames_come},
    {"two lanes get every frame once, a flow in one lane", two_lanes_get_every_frame_once},
    {"and so they do when the device has been down", they_do_after_a_flap},
    {"a refused frame is told and the next one goes", refusals_are_told},
    {"a device that flaps is heard again", a_device_that_flaps_is_heard_again},
    {"a device that is missing is named", a_missing_device_is_named},
    {"the end waits for what is being closed", the_end_waits_for_what_is_being_closed},
    {"ports prepared by threads hear nothing until they are taken",
     ports_prepared_by_threads_hear_nothing_until_they_are_taken},
    {"a GSO packet leaves by a device that can not segment", gso_leaves_by_a_device_that_can_not_segment},
};
UNIT_MAIN("af_packet", cases)
