/* A router in memory for multicast: six ports, one lane, a floor above that says who wants a group, and devices that
 * may refuse.
 *
 * Port P has 10.0.P.1/24 and the MAC 02:00:00:00:00:P+1; its MTU is 1500, that of port 4 is 576. 10.1P.0.0/16 is behind
 * 10.0.P.9. What a group wants is wanted[its last byte]. */
#ifndef TESTS_STREAMS_H
#define TESTS_STREAMS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forwarding/bytes.h"
#include "forwarding/checksum.h"
#include "forwarding/dataplane.h"
#include "forwarding/explain.h"
#include "tests/unit/support/frames.h"
#include "tests/unit/support/unit.h"

enum { STREAM_PORTS = 6, SMALL = 4 };

#define GROUP   0xef010100u         /* 239.1.1.0; the tests add a number */
#define IN_0(n) (0x0a000000u | (n)) /* a host behind port 0 */

struct device {
    struct transmit transmit; /* first */
    struct wire wire;
    uint64_t refuses; /* ports, as bits */
    unsigned calls;
};

struct streams {
    struct dataplane *d;
    struct device lane, core;
    struct transmit *lanes[1];
    struct now now;
    uint64_t wanted[256]; /* ports, as bits */
    struct multicast_settings settings;
    unsigned asked; /* how often decide() was called */
};

static inline unsigned device_send(struct transmit *self, unsigned port, struct packet *const packets[], unsigned n,
                                   enum drop *why)
{
    struct device *device = (struct device *)self;
    device->calls++;
    if ((device->refuses >> port & 1) == 0)
        return device->wire.transmit.send(&device->wire.transmit, port, packets, n, why);
    *why = DROP_TX_FULL;
    return 0;
}

static inline void device_init(struct device *device)
{
    *device = (struct device){.transmit.send = device_send};
    wire_init(&device->wire);
}

static inline void streams_decide(void *context, uint32_t src, uint32_t group, struct multicast_decision *decision)
{
    struct streams *s = context;
    (void)src;
    s->asked++;
    for (unsigned port = 0; port < 64; port++)
        if ((s->wanted[group & 0xff] >> port & 1) != 0)
            port_set_add(&decision->out, port);
}

static inline void streams_port(struct streams *s, unsigned number, bool up)
{
    struct port *port = port_new(1);
    port->number = (uint16_t)number;
    snprintf(port->name, sizeof port->name, "r%u", number);
    memcpy(port->mac, (const uint8_t[]){2, 0, 0, 0, 0, (uint8_t)(number + 1)}, MAC_LEN);
    port->mtu = number == SMALL ? 576 : 1500;
    port->up = up;
    port->unreachables = port->source_route = true;
    port->addresses[0] = (struct prefix){.addr = 0x0a000001 + (number << 8), .len = 24};
    CU_ASSERT_TRUE_FATAL(dataplane_set_port(s->d, port, s->now));
    free(port);
}

static inline void streams_route(struct streams *s, const char *text, uint32_t gateway, unsigned port, unsigned other)
{
    struct prefix prefix;
    struct nexthop hops[2] = {{gateway, (uint16_t)port}, {gateway + ((other - port) << 8), (uint16_t)other}};
    CU_ASSERT_TRUE_FATAL(prefix_parse(text, &prefix));
    CU_ASSERT_TRUE_FATAL(fib_set(s->d->tables.fib, prefix, FIB_FORWARD, hops, port == other ? 1 : 2));
}

static inline void streams_configure(struct streams *s)
{
    multicast_configure(s->d, &s->settings, s->now);
}

static inline void streams_begin_with(struct streams *s, struct later *later, unsigned ports)
{
    *s = (struct streams){.now = {.ns = 1000 * NS_PER_S, .wall_ms = 1}};
    device_init(&s->lane);
    device_init(&s->core);
    s->lanes[0] = &s->lane.transmit;
    s->d = dataplane_new(&(struct dataplane_settings){
        .lanes = 1, .seed = 7, .later = later, .core_transmit = &s->core.transmit, .lane_transmit = s->lanes});
    CU_ASSERT_PTR_NOT_NULL_FATAL(s->d);
    for (unsigned i = 0; i < ports; i++) {
        char text[32];
        streams_port(s, i, true);
        snprintf(text, sizeof text, "10.0.%u.0/24", i);
        streams_route(s, text, 0, i, i);
        snprintf(text, sizeof text, "10.%u.0.0/16", 10 + i);
        streams_route(s, text, 0x0a000009 + (i << 8), i, i);
    }
    s->settings = multicast_defaults;
    s->settings.enabled = true;
    s->settings.decide = streams_decide;
    s->settings.context = s;
    streams_configure(s);
    dataplane_clear_counters(s->d, PORT_NONE); /* the announcements */
    wire_clear(&s->core.wire);
    s->core.calls = 0;
}

static inline void streams_begin(struct streams *s)
{
    streams_begin_with(s, &later_at_once, STREAM_PORTS);
}

static inline void streams_forget(struct streams *s)
{
    wire_clear(&s->lane.wire);
    wire_clear(&s->core.wire);
    s->lane.calls = s->core.calls = 0;
}

static inline void streams_run(struct streams *s)
{
    for (unsigned i = 0; i < 10000; i++) {
        bool more = dataplane_drain(s->d, 64, s->now);
        if (dataplane_run(s->d, s->now, 64) > s->now.ns && !more)
            return;
    }
    CU_FAIL("it does not come to rest");
}

static inline void streams_wait(struct streams *s, unsigned seconds)
{
    for (unsigned i = 0; i < seconds; i++) {
        s->now.ns += NS_PER_S;
        streams_run(s);
    }
}

static inline struct packet streams_frame(unsigned port, struct frame_spec spec)
{
    uint8_t mac[6] = {1, 0, 0x5e, spec.dst >> 16 & 0x7f, spec.dst >> 8 & 0xff, spec.dst & 0xff};
    spec.dst_mac = mac;
    return frame_new(port, &spec);
}

/* By the lane alone; frees them. */
static inline void streams_burst(struct streams *s, struct packet *burst, unsigned n)
{
    lane_forward(s->d->lanes[0], burst, n, s->now);
    for (unsigned i = 0; i < n; i++)
        frame_free(&burst[i]);
}

/* A frame comes in by the lane, and everything that it sets off happens. */
static inline void streams_give(struct streams *s, unsigned port, struct frame_spec spec)
{
    struct packet packet = streams_frame(port, spec);
    streams_burst(s, &packet, 1);
    streams_run(s);
}

/* The first packet of a stream, and what it sent is forgotten. */
static inline void streams_start(struct streams *s, unsigned port, uint32_t src, uint32_t group)
{
    streams_give(s, port, (struct frame_spec){.src = src, .dst = group});
    streams_forget(s);
}

static inline struct port_counters streams_counters(const struct streams *s, unsigned port)
{
    struct port_counters c;
    dataplane_port_counters(s->d, port, &c);
    return c;
}

static inline uint64_t streams_drops(const struct streams *s, unsigned port, enum drop why)
{
    return streams_counters(s, port).drop[why];
}

/* The ports by which frames left, as bits; each of them once, if ONCE. */
static inline uint64_t streams_ports(const struct wire *wire)
{
    uint64_t ports = 0;
    for (unsigned i = 0; i < wire->n; i++)
        ports |= UINT64_C(1) << wire->sent[i].port;
    return ports;
}

static inline void streams_balance(const struct streams *s, unsigned ports)
{
    for (unsigned port = 0; port < ports; port++) {
        struct port_counters c = streams_counters(s, port);
        uint64_t ended = c.forwarded + c.delivered + c.arp + dataplane_held(s->d, port);
        for (unsigned i = 0; i < DROP__COUNT; i++)
            ended += c.drop[i];
        CU_ASSERT_EQUAL(c.rx_packets, ended);
    }
}

static inline void streams_end(struct streams *s)
{
    streams_balance(s, STREAM_PORTS);
    dataplane_free(s->d);
    streams_forget(s);
}

static inline struct multicast_view streams_look(const struct streams *s, uint32_t src, uint32_t group)
{
    struct multicast_view view = {0};
    CU_ASSERT_TRUE(multicast_look(s->d, src, group, &view, s->now));
    return view;
}

#endif
