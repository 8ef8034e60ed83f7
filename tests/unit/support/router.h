/* A whole router in memory for tests of the forwarding floor: one lane and the core, run in turn.
 *
 *     10.0.1.0/24, 10.0.11.0/24 --- port 0 [router] port 1 --- 10.0.2.0/24        lo: 10.255.0.1/32
 *                                   .1                .1
 *
 * Hosts .2 of 10.0.1 and 10.0.2 and the gateways .9 of both are static neighbours, others must answer ARP. 10.9.0.0/16
 * is behind 10.0.2.9, 10.8.0.0/16 behind 10.0.1.9.
 *
 * All of it is in this header, so that tests which do not want a router are not linked with one. */
#ifndef TESTS_ROUTER_H
#define TESTS_ROUTER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forwarding/bytes.h"
#include "forwarding/checksum.h"
#include "forwarding/dataplane.h"
#include "tests/unit/support/frames.h"
#include "tests/unit/support/unit.h"

struct router {
    struct dataplane *d;
    struct wire core, lane;
    struct now now;
    bool by_core; /* frames come in by the control socket */
    unsigned heard_icmp, heard_udp;
    uint8_t heard_type;
    uint16_t takes_udp; /* a port on which somebody listens */
};

#define HOST_1   0x0a000102u
#define HOST_2   0x0a000202u
#define ROUTER_1 0x0a000101u
#define ROUTER_2 0x0a000201u
#define LOOPBACK 0x0aff0001u
#define BEYOND_2 0x0a090001u /* behind 10.0.2.9 */
#define BEYOND_1 0x0a080001u /* behind 10.0.1.9 */

static const uint8_t router_port_mac[2][MAC_LEN] = {{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}};
static const uint8_t router_host_mac[MAC_LEN] = {2, 0, 0, 0, 0, 0x99};

static inline void router_heard_icmp(void *context, const struct packet *packet, struct now now)
{
    (void)now;
    struct router *r = context;
    r->heard_icmp++;
    r->heard_type = packet_ip(packet)[packet->ip.header];
}

static inline bool router_heard_udp(void *context, const struct packet *packet, uint16_t port, struct now now)
{
    (void)now, (void)packet;
    struct router *r = context;
    r->heard_udp += port == r->takes_udp;
    return port == r->takes_udp;
}

/* A copy of port NUMBER's settings to change and to hand to router_set_port. */
static inline struct port *router_port(const struct router *r, unsigned number)
{
    struct port *port = port_copy(dataplane_port(r->d, number));
    if (port == NULL)
        abort();
    return port;
}

static inline void router_set_port(struct router *r, struct port *port)
{
    CU_ASSERT_TRUE_FATAL(dataplane_set_port(r->d, port, r->now));
    free(port);
}

static inline void router_add_port(struct router *r, unsigned number, struct prefix first, struct prefix second)
{
    struct port *port = port_new(second.len != 0 ? 2 : 1);
    port->number = (uint16_t)number;
    snprintf(port->name, sizeof port->name, "r%u", number);
    if (number < 2)
        memcpy(port->mac, router_port_mac[number], MAC_LEN);
    port->mtu = 1500;
    port->loopback = number == 2;
    port->up = port->redirects = port->unreachables = true;
    port->arp_timeout_s = 1200;
    port->addresses[0] = first;
    if (second.len != 0)
        port->addresses[1] = second;
    router_set_port(r, port);
}

static inline void router_route(struct router *r, const char *prefix, const char *gateway, unsigned port)
{
    struct prefix p;
    struct nexthop hop = {.gateway = gateway != NULL ? addr_of(gateway) : 0, .port = (uint16_t)port};
    CU_ASSERT_TRUE_FATAL(prefix_parse(prefix, &p) && fib_set(r->d->tables.fib, p, FIB_FORWARD, &hop, 1));
}

static inline void router_forget(struct router *r)
{
    wire_clear(&r->core);
    wire_clear(&r->lane);
}

static inline void router_begin(struct router *r)
{
    struct transmit *lanes[] = {&r->lane.transmit};
    *r = (struct router){.now = {.ns = 1000 * NS_PER_S, .wall_ms = 3600005}};
    wire_init(&r->core);
    wire_init(&r->lane);
    r->d = dataplane_new(&(struct dataplane_settings){
        .lanes = 1,
        .seed = 42,
        .later = &later_at_once,
        .core_transmit = &r->core.transmit,
        .lane_transmit = lanes,
        .hooks = {.context = r, .icmp = router_heard_icmp, .udp = router_heard_udp},
    });
    CU_ASSERT_PTR_NOT_NULL_FATAL(r->d);
    router_add_port(r, 0, (struct prefix){ROUTER_1, 24}, (struct prefix){0x0a000b01, 24});
    router_add_port(r, 1, (struct prefix){ROUTER_2, 24}, (struct prefix){0});
    router_add_port(r, 2, (struct prefix){LOOPBACK, 32}, (struct prefix){0});
    router_route(r, "10.0.1.0/24", NULL, 0);
    router_route(r, "10.0.11.0/24", NULL, 0);
    router_route(r, "10.0.2.0/24", NULL, 1);
    router_route(r, "10.9.0.0/16", "10.0.2.9", 1);
    router_route(r, "10.8.0.0/16", "10.0.1.9", 0);
    for (unsigned i = 0; i < 2; i++) {
        const struct port *port = dataplane_port(r->d, i);
        CU_ASSERT_TRUE_FATAL(neighbour_set_static(r->d->neighbours, port, HOST_1 + i * 256, router_host_mac, r->now));
        CU_ASSERT_TRUE_FATAL(
            neighbour_set_static(r->d->neighbours, port, HOST_1 + 7 + i * 256, router_host_mac, r->now));
    }
    dataplane_clear_counters(r->d, PORT_NONE); /* the announcements */
    router_forget(r);
}

/* Every packet that came in has ended in one way, or waits. */
static inline void router_balance(const struct router *r)
{
    for (unsigned port = 0; port < 3; port++) {
        struct port_counters c;
        dataplane_port_counters(r->d, port, &c);
        uint64_t ended = c.forwarded + c.delivered + c.arp + dataplane_held(r->d, port);
        for (unsigned i = 0; i < DROP__COUNT; i++)
            ended += c.drop[i];
        CU_ASSERT_EQUAL(c.rx_packets, ended);
    }
}

static inline void router_end(struct router *r)
{
    router_balance(r);
    dataplane_free(r->d);
    router_forget(r);
}

/* Lets the core do what there is to do. */
static inline void router_run(struct router *r)
{
    for (unsigned i = 0; i < 1000; i++) {
        bool more = dataplane_drain(r->d, 64, r->now);
        if (dataplane_run(r->d, r->now, 64) > r->now.ns && !more)
            return;
    }
}

static inline void router_wait(struct router *r, uint64_t ms)
{
    for (uint64_t i = 0; i < ms; i += 100) {
        r->now.ns += 100 * NS_PER_MS;
        r->now.wall_ms += 100;
        router_run(r);
    }
}

/* A frame comes in, and everything that it sets off happens. Frees it. */
static inline void router_packet(struct router *r, struct packet packet)
{
    if (r->by_core)
        dataplane_receive(r->d, &packet, r->now);
    else
        lane_forward(r->d->lanes[0], &packet, 1, r->now);
    router_run(r);
    frame_free(&packet);
}

static inline void router_give(struct router *r, unsigned port, struct frame_spec spec)
{
    if (spec.dst_mac == NULL)
        spec.dst_mac = router_port_mac[port];
    router_packet(r, frame_new(port, &spec));
}

/* An ARP packet from MAC at SENDER, for TARGET. */
static inline void router_arp(struct router *r, unsigned port, uint16_t operation, uint32_t sender, uint32_t target)
{
    uint8_t *block = calloc(1, 2 + 42), *frame = block + 2;
    memcpy(frame, router_port_mac[port], 6);
    memcpy(frame + 6, router_host_mac, 6);
    static const uint8_t fixed[] = {8, 6, 0, 1, 8, 0, 6, 4, 0};
    memcpy(frame + 12, fixed, sizeof fixed);
    frame[21] = (uint8_t)operation;
    memcpy(frame + 22, router_host_mac, 6);
    store_be32(frame + 28, sender);
    memcpy(frame + 32, router_port_mac[port], 6);
    store_be32(frame + 38, target);
    struct packet packet = {.frame = frame, .len = 42, .wire_len = 42, .port = (uint16_t)port};
    dataplane_receive(r->d, &packet, r->now);
    router_run(r);
    free(block);
}

/* The Nth IPv4 frame that WIRE sent, its header parsed; NULL when there are not so many. */
static inline const uint8_t *wire_ip(const struct wire *wire, unsigned n, struct ip *ip)
{
    for (unsigned i = 0; i < wire->n; i++) {
        const uint8_t *bytes = wire->sent[i].bytes;
        if (load_be16(bytes + 12) != 0x0800 || n-- > 0)
            continue;
        CU_ASSERT_EQUAL(ip_parse(bytes + ETHERNET_HEADER, wire->sent[i].len - ETHERNET_HEADER, ip), DROP__COUNT);
        return bytes + ETHERNET_HEADER;
    }
    return NULL;
}

static inline unsigned wire_count(const struct wire *wire, uint16_t type)
{
    unsigned n = 0;
    for (unsigned i = 0; i < wire->n; i++)
        n += load_be16(wire->sent[i].bytes + 12) == type;
    return n;
}

/* The one ICMP message that the core sent since the last router_forget; NULL when there is not exactly one datagram of
 * it. Its checksum is checked. */
static inline const uint8_t *router_icmp(const struct router *r, struct ip *ip)
{
    const uint8_t *at = wire_ip(&r->core, 0, ip);
    if (at == NULL || wire_count(&r->core, 0x0800) != 1 || ip->protocol != PROTO_ICMP)
        return NULL;
    CU_ASSERT_EQUAL(checksum_fold(checksum_add(0, at + ip->header, ip->len - (size_t)ip->header)), 0xffff);
    return at + ip->header;
}

static inline uint64_t router_drops(const struct router *r, unsigned port, enum drop why)
{
    struct port_counters c;
    dataplane_port_counters(r->d, port, &c);
    return c.drop[why];
}

#endif
