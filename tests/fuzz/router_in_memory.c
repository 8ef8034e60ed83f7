#include "tests/fuzz/router_in_memory.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forwarding/bytes.h"
#include "forwarding/ethernet.h"
#include "forwarding/explain.h"
#include "forwarding/forward.h"
#include "forwarding/fragment.h"
#include "tests/fuzz/seeds.h"
#include "tests/unit/support/frames.h"

#define DRAIN_MOST  64
#define TIMERS_MOST 256
#define RUNS_MOST   100000 /* of timers in one advance: more, and they will never rest */

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "router in memory: %s\n", what);
    abort();
}

uint64_t memory_router_random(struct memory_router *r)
{
    uint64_t z = r->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* ---- what it sends ---- */

/* RFC 1112 6.4, and what no router forwards. */
static void check_group(const struct packet *packet)
{
    uint32_t group = load_be32(packet_ip(packet) + IP_AT_DST);
    const uint8_t mac[MAC_LEN] = {1, 0, 0x5e, group >> 16 & 0x7f, group >> 8 & 0xff, group & 0xff};
    if (memcmp(packet->frame, mac, MAC_LEN) != 0)
        fail("sent to a group by another MAC address than the group's");
    if (group >> 8 == 0xe00000)
        fail("forwarded to a group of its own link");
}

static void check_ip(const struct port *port, const struct packet *packet)
{
    struct packet again = *packet;
    if (ip_parse(packet_ip(packet), packet->len - ETHERNET_HEADER, &again.ip) != DROP__COUNT)
        fail("sent a broken IP header");
    if (again.ip.len != packet->len - ETHERNET_HEADER)
        fail("sent a frame that is not as long as its packet");
    if (ip_must_cut(&again, port->mtu))
        fail("sent more than the MTU");
    if (again.ip.ttl == 0)
        fail("sent a packet with a time to live of 0");
    if (!offload_valid(&again))
        fail("sent an offload description that does not fit");
    if (addr_is_multicast(again.ip.dst))
        check_group(packet);
}

static void check_frame(struct memory_router *r, unsigned number, const struct packet *packet)
{
    const struct port *port = dataplane_port(r->d, number);
    if (port == NULL || !port->up || port->loopback)
        fail("sent by a port that is down");
    if (packet->len < ETHERNET_HEADER || memcmp(packet->frame + MAC_LEN, port->mac, MAC_LEN) != 0)
        fail("sent a frame that is not from its port's MAC address");
    for (uint32_t i = 0; i < packet->len; i++)
        r->touched ^= packet->frame[i];
    uint16_t type = load_be16(packet->frame + 12);
    if (type == ETHERTYPE_IPV4)
        check_ip(port, packet);
    else if (type != ETHERTYPE_ARP || packet->len != 60)
        fail("sent neither IP nor ARP");
}

static unsigned send_frames(struct transmit *self, unsigned port, struct packet *const packets[], unsigned n,
                            enum drop *why)
{
    struct memory_router *r = (struct memory_router *)self;
    for (unsigned i = 0; i < n; i++) {
        check_frame(r, port, packets[i]);
        uint64_t random = memory_router_random(r);
        if ((uint32_t)random < r->refuse) {
            *why = random >> 63 ? DROP_TX_FULL : DROP_TX_FAILED;
            return i;
        }
        r->sent++;
    }
    return n;
}

/* ---- what it is told ---- */

static void touch(struct memory_router *r, const struct packet *packet)
{
    for (uint32_t i = 0; i < packet->len; i++)
        r->touched ^= packet->frame[i];
}

static void hook_icmp(void *context, const struct packet *packet, struct now now)
{
    struct memory_router *r = context;
    (void)now;
    touch(r, packet);
    r->to_icmp++;
}

static bool hook_udp(void *context, const struct packet *packet, uint16_t port, struct now now)
{
    struct memory_router *r = context;
    (void)now;
    touch(r, packet);
    if (port != 520)
        return false;
    r->to_udp++;
    return true;
}

static void hook_log(void *context, enum dataplane_level level, const char *text)
{
    (void)context, (void)level;
    if (strlen(text) == 0)
        fail("logged an empty line");
}

/* Copies hold less than came; what is told of them must be there. */
static void hook_traced(struct trace_watch *self, const struct traced *traced, struct now now)
{
    struct memory_router *r = (struct memory_router *)((char *)self - offsetof(struct memory_router, watch));
    (void)now;
    for (uint32_t i = 0; i < traced->kept; i++)
        r->touched ^= traced->packet->frame[i];
    if (traced->kept > traced->packet->len || traced->why->n > EXPLAIN_STEPS)
        fail("told of more than came");
    if (traced->why->end == EXPLAIN_DROPPED && traced->why->drop >= DROP__COUNT)
        fail("told of a drop without its reason");
    r->watched++;
}

static bool hook_wants(const struct trace_watch *self, unsigned port, const uint8_t *frame, uint32_t len,
                       uint32_t wire_len)
{
    (void)self, (void)port, (void)wire_len;
    return len == 0 || frame[len - 1] % 4 != 0;
}

static void hook_release(struct trace_watch *self)
{
    ((struct memory_router *)((char *)self - offsetof(struct memory_router, watch)))->watching = false;
}

static void watch_or_not(struct memory_router *r)
{
    if (r->watching) {
        trace_stop(r->d, &r->watch);
        return;
    }
    r->watch = (struct trace_watch){.wants = hook_wants, .explained = hook_traced, .release = hook_release};
    r->watching = trace_start(r->d, &r->watch);
}

/* ---- its set-up ---- */

static struct port *port_of(unsigned number)
{
    static const uint16_t mtus[] = {1500, 1400, 576, 1500};
    struct port *port = port_new(number == 0 ? 2 : 1);
    if (port == NULL)
        abort();
    port->number = (uint16_t)number;
    snprintf(port->name, sizeof port->name, "r%u", number);
    port->ifindex = number + 10;
    port->mac[0] = 2;
    port->mac[5] = (uint8_t)(number + 1);
    port->mtu = mtus[number];
    port->up = true;
    port->loopback = number == MEMORY_PORTS;
    port->redirects = port->unreachables = true;
    port->directed_broadcast = port->source_route = port->mask_reply = port->proxy_arp = number != 1;
    port->arp_timeout_s = 60;
    port->addresses[0] = (struct prefix){addr_of("10.0.0.1") + ((number + 1) << 8), 24};
    if (number == 0)
        port->addresses[1] = (struct prefix){addr_of("10.0.11.1"), 31};
    if (port->loopback)
        port->addresses[0] = (struct prefix){addr_of("10.255.0.1"), 32};
    return port;
}

static void set_port(struct memory_router *r, unsigned number, bool up, uint16_t mtu, bool renumbered)
{
    struct port *port = port_of(number);
    port->up = up;
    port->mtu = mtu != 0 ? mtu : port->mtu;
    if (renumbered)
        port->addresses[0] = (struct prefix){addr_of("10.0.0.4") + ((number + 1) << 8), 25};
    if (!dataplane_set_port(r->d, port, r->now))
        abort();
    free(port);
}

static void route(struct memory_router *r, const char *text, enum fib_action action, const char *a, const char *b)
{
    struct prefix prefix;
    struct nexthop hops[2] = {{.port = 1}, {.port = 2}};
    unsigned n = action == FIB_FORWARD ? 1 + (b != NULL) : 0;
    if (!prefix_parse(text, &prefix))
        abort();
    if (a != NULL)
        hops[0].gateway = addr_of(a);
    if (b != NULL)
        hops[1].gateway = addr_of(b);
    if (!fib_set(r->d->tables.fib, prefix, action, hops, n))
        abort();
}

static void connected(struct memory_router *r, unsigned number)
{
    const struct port *port = dataplane_port(r->d, number);
    for (unsigned i = 0; i < port->n_addresses; i++) {
        struct prefix prefix = {prefix_network(port->addresses[i]), port->addresses[i].len};
        if (!fib_set(r->d->tables.fib, prefix, FIB_FORWARD, &(struct nexthop){.port = (uint16_t)number}, 1))
            abort();
    }
}

static void greet(struct memory_router *r, unsigned number)
{
    const struct port *port = dataplane_port(r->d, number);
    uint8_t mac[MAC_LEN] = {2, 0, 0, 0, 9, (uint8_t)number};
    for (uint32_t host = 2; host < 4; host++)
        neighbour_heard(r->d->neighbours, port, addr_of("10.0.0.0") + ((number + 1) << 8) + host, mac, true, true,
                        r->now);
}

/* 239.1/16 is wanted everywhere, 239.2/16 nowhere; 239.3/16 may not leave by port 1, and nothing else wants it. */
static void decide(void *context, uint32_t src, uint32_t group, struct multicast_decision *decision)
{
    (void)context, (void)src;
    for (unsigned i = 0; i <= MEMORY_PORTS + 1; i++)
        if (group >> 16 == 0xef01 || (group >> 16 == 0xef03 && i == 1))
            port_set_add(&decision->out, i);
}

static void start_multicast(struct memory_router *r)
{
    struct multicast_settings settings = multicast_defaults;
    struct prefix scoped;
    settings.enabled = true;
    settings.decide = decide;
    settings.limit = 64;
    settings.idle_s = 60;
    multicast_configure(r->d, &settings, r->now);
    if (!prefix_parse("239.3.0.0/16", &scoped) ||
        !multicast_set_port(r->d, 1, &(struct multicast_port){.n_boundaries = 1, .boundaries = &scoped}, r->now) ||
        !multicast_set_port(r->d, 2, &(struct multicast_port){.ttl_threshold = 16}, r->now))
        abort();
}

struct memory_router *memory_router_new(uint64_t seed)
{
    struct memory_router *r = calloc(1, sizeof *r);
    if (r == NULL)
        abort();
    r->transmit.send = send_frames;
    r->lane_transmit[0] = &r->transmit;
    r->random = seed;
    r->now = (struct now){.ns = NS_PER_S, .wall_ms = UINT64_C(1700000000000)};
    struct dataplane_settings settings = {
        .lanes = 1,
        .seed = seed,
        .later = &later_at_once,
        .core_transmit = &r->transmit,
        .lane_transmit = r->lane_transmit,
        .hooks = {.context = r, .log = hook_log, .icmp = hook_icmp, .udp = hook_udp},
    };
    r->d = dataplane_new(&settings);
    if (r->d == NULL)
        abort();
    for (unsigned i = 0; i <= MEMORY_PORTS; i++) {
        set_port(r, i, true, 0, false);
        connected(r, i);
    }
    for (unsigned i = 0; i < MEMORY_PORTS; i++)
        greet(r, i);
    route(r, "10.9.0.0/16", FIB_FORWARD, "10.0.2.2", NULL);
    route(r, "10.8.0.0/16", FIB_FORWARD, "10.0.2.3", "10.0.3.3");
    route(r, "10.66.0.0/16", FIB_BLACKHOLE, NULL, NULL);
    route(r, "10.67.0.0/16", FIB_UNREACHABLE, NULL, NULL);
    route(r, "10.68.0.0/16", FIB_PROHIBIT, NULL, NULL);
    start_multicast(r);
    return r;
}

void memory_router_free(struct memory_router *r)
{
    dataplane_free(r->d);
    free(r);
}

/* ---- what is done to it ---- */

/* Copies PACKET into a block of its size, which is the caller's to free. */
static uint8_t *exact_copy(const struct packet *packet, struct packet *copy)
{
    uint8_t *block = malloc(2 + (size_t)packet->len);
    if (block == NULL)
        abort();
    *copy = *packet;
    copy->frame = block + 2;
    if (packet->len > 0)
        memcpy(copy->frame, packet->frame, packet->len);
    return block;
}

void memory_router_lane(struct memory_router *r, const struct packet *packets, unsigned n)
{
    struct packet burst[LANE_BURST];
    uint8_t *blocks[LANE_BURST];
    for (unsigned i = 0; i < n; i++)
        blocks[i] = exact_copy(&packets[i], &burst[i]);
    lane_forward(r->d->lanes[0], burst, n, r->now);
    for (unsigned i = 0; i < n; i++)
        free(blocks[i]);
}

void memory_router_core(struct memory_router *r, const struct packet *packet)
{
    struct packet copy;
    uint8_t *block = exact_copy(packet, &copy);
    dataplane_receive(r->d, &copy, r->now);
    free(block);
}

static void run_timers(struct memory_router *r)
{
    for (unsigned i = 0; i < RUNS_MOST; i++)
        if (dataplane_run(r->d, r->now, TIMERS_MOST) > r->now.ns)
            return;
    fail("timers do not come to rest");
}

void memory_router_advance(struct memory_router *r, uint64_t ms)
{
    uint64_t end_ns = r->now.ns + ms * NS_PER_MS, end_ms = r->now.wall_ms + ms;
    while (dataplane_drain(r->d, DRAIN_MOST, r->now))
        continue;
    run_timers(r);
    for (unsigned i = 0; timers_due(&r->d->timers) < end_ns; i++) {
        if (i == RUNS_MOST)
            fail("timers do not come to rest");
        uint64_t due = timers_due(&r->d->timers);
        r->now.ns = due > r->now.ns ? due : r->now.ns;
        run_timers(r);
    }
    r->now = (struct now){.ns = end_ns, .wall_ms = end_ms};
    run_timers(r);
}

static void send_own(struct memory_router *r, uint32_t what)
{
    static const uint8_t data[3000] = {8};
    struct datagram datagram = {
        .dst = addr_of("10.0.0.0") + (what >> 8 & 0x3ff),
        .protocol = what & 1 ? PROTO_ICMP : PROTO_UDP,
        .df = what & 2,
        .port = what & 4 ? (uint16_t)(what >> 4 & 3) : PORT_NONE,
        .data = data,
        .len = what >> 20 & 0x7ff,
    };
    dataplane_send(r->d, &datagram, r->now);
}

void memory_router_disturb(struct memory_router *r, uint32_t what)
{
    unsigned number = (what >> 4) % MEMORY_PORTS;
    uint32_t host = addr_of("10.0.0.0") + ((number + 1) << 8) + (what >> 8 & 7);
    uint8_t mac[MAC_LEN] = {2, 0, 0, 0, 8, (uint8_t)what};
    switch (what & 15) {
    case 0:
        set_port(r, number, false, 0, false);
        break;
    case 1:
        set_port(r, number, true, (uint16_t)(68 + (what >> 8) % 1500), false);
        break;
    case 2:
        set_port(r, number, true, 0, true);
        break;
    case 3:
        neighbours_clear(r->d->neighbours, number, 0, r->now);
        break;
    case 4:
        neighbour_set_static(r->d->neighbours, dataplane_port(r->d, number), host, mac, r->now);
        break;
    case 5:
        neighbour_unset_static(r->d->neighbours, number, host, r->now);
        break;
    case 6:
        fib_remove(r->d->tables.fib, (struct prefix){addr_of("10.0.0.0") + ((number + 1) << 8), 24});
        break;
    case 7:
        r->d->icmp_rate = what >> 8 & 1 ? 0 : 1000; /* 0: no limit */
        break;
    case 8:
    case 9:
        send_own(r, what);
        break;
    case 10:
        watch_or_not(r);
        break;
    case 11:
        if (what >> 8 & 1)
            multicast_clear(r->d, 0, what >> 9 & 1 ? addr_of("239.1.1.1") : 0);
        else
            multicast_set_port(r->d, 2, &(struct multicast_port){.ttl_threshold = (uint8_t)(what >> 9)}, r->now);
        break;
    default: /* more often than not it is as it was */
        set_port(r, number, true, 0, false);
        connected(r, number);
        greet(r, number);
    }
}

/* ---- accounts ---- */

static void check_port(struct memory_router *r, unsigned number)
{
    struct port_counters c;
    dataplane_port_counters(r->d, number, &c);
    uint64_t dropped = 0, held = dataplane_held(r->d, number);
    for (unsigned i = 0; i < DROP__COUNT; i++)
        dropped += c.drop[i];
    if (c.rx_packets == c.forwarded + c.delivered + c.arp + dropped + held)
        return;
    fprintf(stderr, "port %u: received %llu, forwarded %llu, delivered %llu, arp %llu, dropped %llu, held %llu\n",
            number, (unsigned long long)c.rx_packets, (unsigned long long)c.forwarded, (unsigned long long)c.delivered,
            (unsigned long long)c.arp, (unsigned long long)dropped, (unsigned long long)held);
    fail("packets are not accounted for");
}

void memory_router_check(struct memory_router *r)
{
    for (unsigned i = 0; i <= MEMORY_PORTS + 1; i++)
        check_port(r, i);
}

static void check_alive(struct memory_router *r)
{
    struct packet packet = frame_new(0, &(struct frame_spec){.src = addr_of("10.0.1.2"), .dst = addr_of("10.0.2.2")});
    struct packet request = frame_new(0, &(struct frame_spec){.len = 26});
    uint8_t *arp = request.frame + ETHERNET_HEADER;
    uint64_t sent = r->sent;
    store_be16(request.frame + 12, ETHERTYPE_ARP);
    memcpy(arp, (const uint8_t[]){0, 1, 8, 0, 6, 4, 0, 1}, 8);
    memcpy(arp + 8, request.frame + MAC_LEN, MAC_LEN);
    store_be32(arp + 14, addr_of("10.0.1.2"));
    store_be32(arp + 24, addr_of("10.0.1.1"));
    memory_router_core(r, &request);
    if (r->sent != sent + 1)
        fail("does not answer ARP any more");
    memory_router_lane(r, &packet, 1);
    if (r->sent != sent + 2)
        fail("does not forward any more");
    frame_free(&packet);
    frame_free(&request);
}

void memory_router_finish(struct memory_router *r)
{
    r->refuse = 0;
    memory_router_advance(r, 120 * 1000);
    memory_router_check(r);
    for (unsigned i = 0; i <= MEMORY_PORTS + 1; i++)
        if (dataplane_held(r->d, i) != 0)
            fail("holds packets for ever");
    if (multicast_summary(r->d).entries != 0)
        fail("keeps multicast streams for ever");
    if (reassembly_totals(r->d->reassembly).bytes != 0)
        fail("holds fragments for ever");
    neighbours_clear(r->d->neighbours, PORT_NONE, 0, r->now);
    for (unsigned i = 0; i < MEMORY_PORTS; i++) {
        set_port(r, i, true, 0, false);
        connected(r, i);
        greet(r, i);
    }
    check_alive(r);
    memory_router_check(r);
}
