#include "tests/unit/support/router.h"

static struct router r;

static struct frame_spec through(void)
{
    return (struct frame_spec){.src = HOST_1, .dst = HOST_2, .len = 100};
}

static const struct wire *wire_used(void)
{
    return r.by_core ? &r.core : &r.lane;
}

static unsigned error_sent(void)
{
    struct ip ip;
    const uint8_t *icmp = router_icmp(&r, &ip);
    return icmp != NULL ? load_be16(icmp) : 0xffff;
}

static uint64_t forwarded(unsigned port)
{
    struct port_counters c;
    dataplane_port_counters(r.d, port, &c);
    return c.forwarded;
}

static void ping_through(void)
{
    for (unsigned core = 0; core < 2; core++) {
        router_begin(&r);
        r.by_core = core;
        struct frame_spec spec = through();
        spec.ttl = 2;
        router_give(&r, 0, spec);
        const struct wire *wire = wire_used();
        struct ip ip;
        CU_ASSERT_EQUAL_FATAL(wire->n, 1);
        CU_ASSERT_PTR_NOT_NULL(wire_ip(wire, 0, &ip));
        CU_ASSERT_EQUAL(ip.ttl, 1);
        CU_ASSERT_EQUAL(wire->sent[0].port, 1);
        CU_ASSERT_EQUAL(memcmp(wire->sent[0].bytes, router_host_mac, 6), 0);
        CU_ASSERT_EQUAL(memcmp(wire->sent[0].bytes + 6, router_port_mac[1], 6), 0);
        struct port_counters out;
        dataplane_port_counters(r.d, 1, &out);
        CU_ASSERT_EQUAL(out.tx_packets, 1);
        CU_ASSERT_EQUAL(out.tx_bytes, 134);
        CU_ASSERT_EQUAL(forwarded(0), 1);
        CU_ASSERT_EQUAL(dataplane_ip_stat(r.d, IP_IN_FORW_DATAGRAMS), 1);
        CU_ASSERT_EQUAL(dataplane_ip_stat(r.d, IP_OUT_FORW_DATAGRAMS), 1);
        router_end(&r);
    }
}

static void resolution(void)
{
    router_begin(&r);
    struct frame_spec spec = through();
    spec.dst = 0x0a000205;
    for (unsigned i = 0; i < 3; i++) {
        spec.id = (uint16_t)(i + 1);
        router_give(&r, 0, spec);
    }
    CU_ASSERT_EQUAL(wire_count(&r.core, 0x0800), 0);
    CU_ASSERT_EQUAL(wire_count(&r.core, 0x0806), 1);
    CU_ASSERT_EQUAL(dataplane_held(r.d, 0), 3);
    router_balance(&r);
    router_arp(&r, 1, 2, 0x0a000205, ROUTER_2);
    CU_ASSERT_EQUAL(dataplane_held(r.d, 0), 0);
    for (unsigned i = 0; i < 3; i++) {
        struct ip ip;
        CU_ASSERT_PTR_NOT_NULL_FATAL(wire_ip(&r.core, i, &ip));
        CU_ASSERT_EQUAL(ip.id, i + 1);
        CU_ASSERT_EQUAL(ip.ttl, 63);
    }
    spec.id = 4;
    router_give(&r, 0, spec); /* the lane knows it now */
    CU_ASSERT_EQUAL(r.lane.n, 1);
    CU_ASSERT_EQUAL(forwarded(0), 4);
    router_end(&r);
}

/* A transmit that looks whether the lanes know a neighbour at the moment when a packet for it leaves. */
static struct {
    struct transmit transmit;
    unsigned before, after; /* IPv4 packets that left before and after its publication */
} watch;

static unsigned watched_send(struct transmit *self, unsigned port, struct packet *const packets[], unsigned n,
                             enum drop *why)
{
    (void)self;
    bool known = neighbour_find(r.d->neighbours, 1, 0x0a000205) != NULL;
    if (load_be16(packets[0]->frame + 12) == 0x0800)
        *(known ? &watch.after : &watch.before) += n;
    return r.core.transmit.send(&r.core.transmit, port, packets, n, why);
}

/* Or the lane, which knows the neighbour from then on, would overtake what it has punted itself. */
static void order_at_publication(void)
{
    router_begin(&r);
    watch.transmit.send = watched_send;
    watch.before = watch.after = 0;
    r.d->transmit = &watch.transmit;
    struct frame_spec spec = through();
    spec.dst = 0x0a000205;
    spec.dst_mac = router_port_mac[0];
    spec.id = 1;
    router_give(&r, 0, spec);
    spec.id = 2;
    struct packet packet = frame_new(0, &spec);
    lane_forward(r.d->lanes[0], &packet, 1, r.now);
    frame_free(&packet);
    router_arp(&r, 1, 2, 0x0a000205, ROUTER_2);
    CU_ASSERT_EQUAL(watch.before, 2);
    CU_ASSERT_EQUAL(watch.after, 0);
    struct ip ip;
    CU_ASSERT_PTR_NOT_NULL(wire_ip(&r.core, 0, &ip));
    CU_ASSERT_EQUAL(ip.id, 1);
    CU_ASSERT_PTR_NOT_NULL(wire_ip(&r.core, 1, &ip));
    CU_ASSERT_EQUAL(ip.id, 2);
    router_end(&r);
}

/* What only the core sends to is in use, too: asked for before its time is up, and never lost meanwhile. */
static void core_use_counts(void)
{
    static const uint8_t data[8];
    router_begin(&r);
    struct port *port = router_port(&r, 1);
    port->arp_timeout_s = 60;
    router_set_port(&r, port);
    router_arp(&r, 1, 1, 0x0a000205, ROUTER_2);
    router_forget(&r);
    struct datagram datagram = {.dst = 0x0a000205, .protocol = PROTO_UDP, .port = PORT_NONE, .data = data, .len = 8};
    for (unsigned s = 0; s < 62; s++) {
        CU_ASSERT_EQUAL(dataplane_send(r.d, &datagram, r.now), SEND_OK);
        unsigned asked = wire_count(&r.core, 0x0806);
        router_wait(&r, 1000);
        if (wire_count(&r.core, 0x0806) > asked)
            router_arp(&r, 1, 2, 0x0a000205, ROUTER_2);
    }
    CU_ASSERT_EQUAL(wire_count(&r.core, 0x0800), 62);
    CU_ASSERT_TRUE(wire_count(&r.core, 0x0806) > 0);
    for (unsigned i = 0; i < r.core.n; i++)
        CU_ASSERT_EQUAL(r.core.sent[i].bytes[0] & 1, 0); /* by unicast */
    router_end(&r);
}

static void gso_waits(void)
{
    for (unsigned small = 0; small < 2; small++) {
        router_begin(&r);
        struct port *port = router_port(&r, 1);
        port->mtu = small ? 800 : 1500;
        router_set_port(&r, port);
        router_forget(&r);
        static uint8_t tcp[20 + 4000] = {0x0f, 0xa0, 0, 80};
        tcp[12] = 0x50;
        tcp[13] = 0x10;
        uint32_t dst = 0x0a000205;
        store_be16(tcp + 16, checksum_fold(checksum_pseudo(0, HOST_1, dst, PROTO_TCP, sizeof tcp)));
        struct frame_spec spec = {.src = HOST_1,
                                  .dst = dst,
                                  .protocol = PROTO_TCP,
                                  .data = tcp,
                                  .len = sizeof tcp,
                                  .dst_mac = router_port_mac[0]};
        struct packet packet = frame_new(0, &spec);
        packet.vnet = (struct virtio_net_hdr){.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
                                              .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
                                              .hdr_len = 54,
                                              .gso_size = 1000,
                                              .csum_start = 34,
                                              .csum_offset = 16};
        router_packet(&r, packet);
        router_arp(&r, 1, 2, dst, ROUTER_2);
        CU_ASSERT_EQUAL(wire_count(&r.core, 0x0800), small ? 8 : 1); /* 4 segments in 2 fragments each */
        for (unsigned i = 0; i < r.core.n; i++) {
            if (load_be16(r.core.sent[i].bytes + 12) != 0x0800)
                continue;
            CU_ASSERT_EQUAL(r.core.sent[i].vnet.gso_size, small ? 0 : 1000);
            CU_ASSERT_TRUE(!small || r.core.sent[i].len <= ETHERNET_HEADER + 800);
        }
        CU_ASSERT_EQUAL(forwarded(0), 1);
        router_end(&r);
    }
}

static void host_unreachable(void)
{
    for (unsigned core = 0; core < 2; core++) {
        router_begin(&r);
        r.by_core = core;
        struct frame_spec spec = through();
        spec.dst = 0x0a000205;
        spec.ttl = 9;
        for (unsigned i = 0; i < 3; i++) {
            spec.id = (uint16_t)(i + 1);
            router_give(&r, 0, spec);
        }
        router_wait(&r, 2500);
        CU_ASSERT_EQUAL(wire_count(&r.core, 0x0800), 0);
        router_wait(&r, 1500);
        CU_ASSERT_EQUAL(wire_count(&r.core, 0x0800), 3);
        for (unsigned i = 0; i < 3; i++) {
            struct ip ip, quoted;
            const uint8_t *at = wire_ip(&r.core, i, &ip);
            CU_ASSERT_PTR_NOT_NULL_FATAL(at);
            CU_ASSERT_EQUAL(load_be16(at + 20), 0x0301);
            CU_ASSERT_EQUAL(ip_parse(at + 28, ip.len - 28u, &quoted), DROP__COUNT);
            CU_ASSERT_EQUAL(quoted.id, i + 1);
            CU_ASSERT_EQUAL(quoted.ttl, 9); /* as it came in */
        }
        CU_ASSERT_EQUAL(router_drops(&r, 0, DROP_NEIGHBOUR_FAILED), 3);
        router_end(&r);
    }
}

static void redirects(void)
{
    for (unsigned core = 0; core < 2; core++) {
        router_begin(&r);
        r.by_core = core;
        struct frame_spec spec = through();
        spec.dst = BEYOND_1;
        spec.ttl = 33;
        router_give(&r, 0, spec);
        CU_ASSERT_EQUAL(forwarded(0), 1);
        struct ip ip;
        const uint8_t *redirect = NULL;
        for (unsigned i = 0; i < r.core.n && redirect == NULL; i++) {
            const uint8_t *at = wire_ip(&r.core, i, &ip);
            redirect = ip.protocol == PROTO_ICMP ? at : NULL;
        }
        CU_ASSERT_PTR_NOT_NULL_FATAL(redirect);
        CU_ASSERT_EQUAL(load_be16(redirect + 20), 0x0501);
        CU_ASSERT_EQUAL(load_be32(redirect + 24), 0x0a000109);
        CU_ASSERT_EQUAL(redirect[28 + IP_AT_TTL], 33);
        CU_ASSERT_EQUAL(ip.src, ROUTER_1);
        CU_ASSERT_EQUAL(ip.dst, HOST_1);

        struct port_counters c;
        dataplane_port_counters(r.d, 0, &c);
        CU_ASSERT_EQUAL(c.taken, c.punted); /* the lane's copy is not a packet more */

        /* ever rarer for who takes no heed */
        for (unsigned s = 0; s < 40; s++) {
            router_wait(&r, 1000);
            router_give(&r, 0, spec);
        }
        CU_ASSERT_EQUAL(r.d->icmp.out[ICMP_REDIRECT], 6); /* at 0, 1, 3, 7, 15, 31 s */
        CU_ASSERT_EQUAL(forwarded(0), 41);
        router_wait(&r, 140000);
        router_give(&r, 0, spec);
        CU_ASSERT_EQUAL(r.d->icmp.out[ICMP_REDIRECT], 7);
        spec.src = 0x0a000103; /* another host has not been told */
        neighbour_set_static(r.d->neighbours, dataplane_port(r.d, 0), spec.src, router_host_mac, r.now);
        router_give(&r, 0, spec);
        CU_ASSERT_EQUAL(r.d->icmp.out[ICMP_REDIRECT], 8);
        router_end(&r);
    }
}

/* A redirect is for the link: it leaves there even when the routes lead elsewhere. */
static void redirect_stays_on_link(void)
{
    router_begin(&r);
    router_route(&r, "10.0.1.2/32", "10.0.2.9", 1);
    struct frame_spec spec = through();
    spec.dst = BEYOND_1;
    r.by_core = true;
    router_give(&r, 0, spec);
    struct ip ip;
    const uint8_t *at = wire_ip(&r.core, 0, &ip);
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    CU_ASSERT_EQUAL(load_be16(at + 20), 0x0501);
    CU_ASSERT_EQUAL(ip.src, ROUTER_1);
    CU_ASSERT_EQUAL(r.core.sent[0].port, 0);
    router_end(&r);
}

static void no_redirects(void)
{
    static const uint8_t route[] = {131, 7, 8, 9, 9, 9, 9, 0};
    router_begin(&r);
    struct port *port = router_port(&r, 0);
    port->source_route = true;
    router_set_port(&r, port);
    struct frame_spec spec = through();
    spec.dst = BEYOND_1;
    spec.options = route;
    spec.options_len = sizeof route;
    router_give(&r, 0, spec); /* source-routed */
    spec = through();
    spec.dst = BEYOND_1;
    spec.src = 0x0a000b05; /* not in the next hop's subnet */
    router_give(&r, 0, spec);
    spec.src = BEYOND_2; /* not on that link at all */
    router_give(&r, 0, spec);
    spec.src = 0x0a000109; /* the next hop itself */
    router_give(&r, 0, spec);
    spec = through(); /* out by another port */
    router_give(&r, 0, spec);
    port = router_port(&r, 0);
    port->redirects = false;
    router_set_port(&r, port);
    spec.dst = BEYOND_1;
    router_give(&r, 0, spec);
    CU_ASSERT_EQUAL(r.d->icmp.out_msgs, 0);
    CU_ASSERT_EQUAL(forwarded(0), 6);
    router_end(&r);
}

static void redirect_flood(void)
{
    router_begin(&r);
    r.d->icmp_rate = 0;
    struct frame_spec spec = through();
    r.by_core = true;
    for (unsigned i = 0; i < 5000; i++) {
        spec.dst = BEYOND_1 + i;
        router_give(&r, 0, spec);
    }
    CU_ASSERT_TRUE(r.d->icmp.out[ICMP_REDIRECT] <= 1024);
    router_end(&r);
}

static void options_forwarded(void)
{
    static const uint8_t record[] = {7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t recorded[] = {7, 11, 8, 10, 0, 2, 1, 0, 0, 0, 0, 0};
    for (unsigned core = 0; core < 2; core++) {
        router_begin(&r);
        r.by_core = core;
        struct frame_spec spec = through();
        spec.options = record;
        spec.options_len = sizeof record;
        router_give(&r, 0, spec);
        struct ip ip;
        const uint8_t *at = wire_ip(&r.core, 0, &ip);
        CU_ASSERT_PTR_NOT_NULL_FATAL(at);
        CU_ASSERT_EQUAL(ip.ttl, 63);
        CU_ASSERT_EQUAL(memcmp(at + 20, recorded, sizeof recorded), 0);

        /* of no use to a packet that goes no further, and its sender sees it as it was */
        spec.ttl = 1;
        router_forget(&r);
        router_give(&r, 0, spec);
        const uint8_t *icmp = router_icmp(&r, &ip);
        CU_ASSERT_PTR_NOT_NULL_FATAL(icmp);
        CU_ASSERT_EQUAL(load_be16(icmp), 0x0b00);
        CU_ASSERT_EQUAL(memcmp(icmp + 28, record, sizeof record), 0);

        /* nor to one that had to wait for its neighbour in vain */
        spec.ttl = 64;
        spec.dst = 0x0a000205;
        router_forget(&r);
        router_give(&r, 0, spec);
        router_wait(&r, 4000);
        icmp = router_icmp(&r, &ip);
        CU_ASSERT_PTR_NOT_NULL_FATAL(icmp);
        CU_ASSERT_EQUAL(load_be16(icmp), 0x0301);
        CU_ASSERT_EQUAL(memcmp(icmp + 28, record, sizeof record), 0);
        router_end(&r);
    }
}

static void options_refused(void)
{
    static const uint8_t bad[] = {1, 7, 7, 3, 0, 0, 0, 0}, route[] = {131, 7, 4, 10, 0, 2, 2, 0};
    router_begin(&r);
    struct frame_spec spec = through();
    spec.options = bad;
    spec.options_len = sizeof bad;
    spec.ttl = 1; /* options are looked at first */
    router_give(&r, 0, spec);
    struct ip ip;
    const uint8_t *icmp = router_icmp(&r, &ip);
    CU_ASSERT_PTR_NOT_NULL_FATAL(icmp);
    CU_ASSERT_EQUAL(load_be16(icmp), 0x0c00);
    CU_ASSERT_EQUAL(icmp[4], 23);
    CU_ASSERT_EQUAL(router_drops(&r, 0, DROP_BAD_OPTION), 1);
    spec.dst = ROUTER_1;
    router_forget(&r);
    router_give(&r, 0, spec);
    CU_ASSERT_EQUAL(error_sent(), 0x0c00);

    spec = through();
    spec.options = route;
    spec.options_len = sizeof route;
    for (unsigned to_us = 0; to_us < 2; to_us++) {
        spec.dst = to_us ? ROUTER_1 : HOST_2;
        router_forget(&r);
        router_give(&r, 0, spec);
        CU_ASSERT_EQUAL(error_sent(), 0x0305);
    }
    CU_ASSERT_EQUAL(router_drops(&r, 0, DROP_SOURCE_ROUTE), 2);
    router_end(&r);
}

static void source_routed(void)
{
    static const struct {
        const char *name;
        uint8_t options[12];
        unsigned error; /* 0: it goes on */
        uint32_t dst;
    } table[] = {
        {"loose, to a neighbour", {131, 7, 4, 10, 0, 2, 2}, 0, HOST_2},
        {"loose, beyond a gateway", {131, 7, 4, 10, 9, 0, 1}, 0, BEYOND_2},
        {"strict, to a neighbour", {137, 7, 4, 10, 0, 2, 2}, 0, HOST_2},
        {"strict, beyond a gateway", {137, 7, 4, 10, 9, 0, 1}, 0x0305, 0},
        {"no route", {131, 7, 4, 192, 0, 2, 1}, 0x0305, 0},
        {"a broadcast", {131, 7, 4, 10, 0, 2, 255}, 0x0305, 0},
        {"multicast", {131, 7, 4, 224, 0, 0, 1}, 0x0305, 0},
    };
    for (unsigned core = 0; core < 2; core++) {
        router_begin(&r);
        r.by_core = core;
        struct port *port = router_port(&r, 0);
        port->source_route = true;
        router_set_port(&r, port);
        for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++) {
            struct frame_spec spec = through();
            spec.dst = ROUTER_1;
            spec.options = table[i].options;
            spec.options_len = 8;
            router_forget(&r);
            router_give(&r, 0, spec);
            if (table[i].error != 0) {
                CU_ASSERT_EQUAL(error_sent(), table[i].error);
                continue;
            }
            struct ip ip;
            const uint8_t *at = wire_ip(&r.core, 0, &ip);
            CU_ASSERT_PTR_NOT_NULL_FATAL(at);
            CU_ASSERT_EQUAL(ip.dst, table[i].dst);
            CU_ASSERT_EQUAL(at[22], 8);
            CU_ASSERT_EQUAL(load_be32(at + 23), ROUTER_2);
            CU_ASSERT_EQUAL(r.core.sent[0].port, 1);
        }
        router_end(&r);
    }
}

/* RFC 1812 4.3.2.6 */
static void error_goes_back_by_source_route(void)
{
    static const uint8_t route[] = {131, 11, 8, 10, 0, 2, 9, 192, 0, 2, 1, 0};
    static const uint8_t back[] = {131, 7, 4, 10, 0, 1, 2, 0};
    router_begin(&r);
    struct port *port = router_port(&r, 0);
    port->source_route = true;
    router_set_port(&r, port);
    struct frame_spec spec = through();
    spec.ttl = 1;
    spec.options = route;
    spec.options_len = sizeof route;
    router_give(&r, 0, spec);
    struct ip ip;
    const uint8_t *icmp = router_icmp(&r, &ip);
    CU_ASSERT_PTR_NOT_NULL_FATAL(icmp);
    CU_ASSERT_EQUAL(load_be16(icmp), 0x0b00);
    CU_ASSERT_EQUAL(ip.dst, 0x0a000209);
    CU_ASSERT_EQUAL_FATAL(ip.header, 28);
    CU_ASSERT_EQUAL(memcmp(icmp - 8, back, 8), 0);
    router_end(&r);
}

static void directed_broadcast(void)
{
    static const uint8_t all[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    for (unsigned core = 0; core < 2; core++) {
        router_begin(&r);
        r.by_core = core;
        struct frame_spec spec = through();
        spec.dst = 0x0a0002ff;
        router_give(&r, 0, spec);
        CU_ASSERT_EQUAL(r.core.n + r.lane.n, 0);
        CU_ASSERT_EQUAL(router_drops(&r, 0, DROP_DIRECTED_BROADCAST), 1);
        struct port *port = router_port(&r, 1);
        port->directed_broadcast = true;
        router_set_port(&r, port);
        router_forget(&r);
        router_give(&r, 0, spec);
        struct ip ip;
        CU_ASSERT_EQUAL_FATAL(r.core.n, 1);
        CU_ASSERT_PTR_NOT_NULL(wire_ip(&r.core, 0, &ip));
        CU_ASSERT_EQUAL(ip.ttl, 63);
        CU_ASSERT_EQUAL(memcmp(r.core.sent[0].bytes, all, 6), 0);
        CU_ASSERT_EQUAL(memcmp(r.core.sent[0].bytes + 6, router_port_mac[1], 6), 0);
        CU_ASSERT_EQUAL(forwarded(0), 1);
        router_forget(&r);
        spec.ttl = 1;
        router_give(&r, 0, spec);
        CU_ASSERT_EQUAL(r.core.n, 0);
        CU_ASSERT_EQUAL(router_drops(&r, 0, DROP_TTL), 1);
        router_end(&r);
    }
}

static void fragments_on_the_way(void)
{
    static const uint8_t record[] = {7, 7, 4, 0, 0, 0, 0, 0};
    router_begin(&r);
    struct port *port = router_port(&r, 1);
    port->mtu = 576;
    router_set_port(&r, port);
    struct frame_spec spec = through();
    spec.len = 1400;
    spec.options = record;
    spec.options_len = sizeof record;
    router_give(&r, 0, spec);
    CU_ASSERT_EQUAL(r.core.n, 3);
    CU_ASSERT_EQUAL(forwarded(0), 1);
    CU_ASSERT_EQUAL(dataplane_ip_stat(r.d, IP_OUT_FRAG_OKS), 1);
    CU_ASSERT_EQUAL(dataplane_ip_stat(r.d, IP_OUT_FRAG_CREATES), 3);
    r.core.full = true;
    router_give(&r, 0, spec);
    CU_ASSERT_EQUAL(router_drops(&r, 0, DROP_TX_FULL), 1);
    struct port_counters out;
    dataplane_port_counters(r.d, 1, &out);
    CU_ASSERT_EQUAL(out.tx_drops, 1);
    r.core.full = false;
    router_end(&r);
}

static enum send_result ping(uint32_t dst, size_t len, bool df)
{
    static uint8_t message[65535];
    memset(message, 0, sizeof message);
    message[0] = ICMP_ECHO;
    store_be16(message + 2, checksum_finish(checksum_add(0, message, len)));
    struct datagram datagram = {
        .dst = dst, .protocol = PROTO_ICMP, .df = df, .port = PORT_NONE, .data = message, .len = len};
    return dataplane_send(r.d, &datagram, r.now);
}

static void own_datagrams(void)
{
    struct ip ip;
    router_begin(&r);
    CU_ASSERT_EQUAL(ping(HOST_2, 64, false), SEND_OK);
    CU_ASSERT_PTR_NOT_NULL_FATAL(wire_ip(&r.core, 0, &ip));
    CU_ASSERT_EQUAL(ip.src, ROUTER_2);
    CU_ASSERT_EQUAL(ip.ttl, 64);
    uint16_t id = ip.id;
    CU_ASSERT_EQUAL(ping(BEYOND_2, 64, false), SEND_OK);
    CU_ASSERT_PTR_NOT_NULL_FATAL(wire_ip(&r.core, 1, &ip));
    CU_ASSERT_NOT_EQUAL(ip.id, id);
    CU_ASSERT_EQUAL(ping(0xc0000201, 64, false), SEND_NO_ROUTE);
    CU_ASSERT_EQUAL(ping(HOST_2, 1481, true), SEND_TOO_BIG);
    CU_ASSERT_EQUAL(ping(HOST_2, 1480, true), SEND_OK);
    CU_ASSERT_EQUAL(ping(HOST_2, 65516, false), SEND_TOO_BIG);
    router_forget(&r);
    CU_ASSERT_EQUAL(ping(HOST_2, 65515, false), SEND_OK);
    CU_ASSERT_EQUAL(r.core.n, 45);
    CU_ASSERT_EQUAL(dataplane_source_for(r.d, HOST_2), ROUTER_2);
    CU_ASSERT_EQUAL(dataplane_source_for(r.d, LOOPBACK), LOOPBACK);
    CU_ASSERT_EQUAL(dataplane_source_for(r.d, 0xc0000201), 0);
    CU_ASSERT_EQUAL(dataplane_ip_stat(r.d, IP_OUT_REQUESTS), 7);

    struct port *port = router_port(&r, 1);
    port->up = false;
    router_set_port(&r, port);
    CU_ASSERT_EQUAL(ping(HOST_2, 64, false), SEND_UNREACHABLE);
    router_end(&r);
}

static void own_waits_for_neighbour(void)
{
    router_begin(&r);
    CU_ASSERT_EQUAL(ping(0x0a000205, 3000, false), SEND_OK);
    CU_ASSERT_EQUAL(wire_count(&r.core, 0x0800), 0);
    router_arp(&r, 1, 2, 0x0a000205, ROUTER_2);
    CU_ASSERT_EQUAL(wire_count(&r.core, 0x0800), 3);
    router_forget(&r);
    CU_ASSERT_EQUAL(ping(0x0a000206, 64, false), SEND_OK);
    router_wait(&r, 4000);
    CU_ASSERT_EQUAL(r.heard_icmp, 1); /* whoever pinged hears that the host is unreachable */
    CU_ASSERT_EQUAL(r.heard_type, ICMP_UNREACHABLE);
    router_end(&r);
}

static void to_ourselves(void)
{
    router_begin(&r);
    CU_ASSERT_EQUAL(ping(LOOPBACK, 20000, false), SEND_OK);
    CU_ASSERT_EQUAL(r.heard_icmp, 0); /* not before whoever sent has finished */
    router_run(&r);
    CU_ASSERT_EQUAL(r.heard_icmp, 1);
    CU_ASSERT_EQUAL(r.heard_type, ICMP_ECHO_REPLY);
    CU_ASSERT_EQUAL(r.core.n, 0);
    unsigned most = 0;
    while (most < 1000 && ping(LOOPBACK, 60000, false) == SEND_OK)
        most++;
    CU_ASSERT_TRUE(most < 100);
    router_end(&r);
}

static void groups(void)
{
    static const uint8_t rip[] = {1, 0, 0x5e, 0, 0, 9}, all[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    static const struct {
        uint32_t dst;
        const uint8_t *mac;
    } table[] = {{0xe0000009, rip}, {0xffffffff, all}, {0x0a0002ff, all}};
    static const uint8_t data[8];
    router_begin(&r);
    for (unsigned i = 0; i < 3; i++) {
        struct datagram datagram = {
            .dst = table[i].dst, .protocol = PROTO_UDP, .ttl = 1, .port = 1, .data = data, .len = 8};
        router_forget(&r);
        CU_ASSERT_EQUAL(dataplane_send(r.d, &datagram, r.now), SEND_OK);
        struct ip ip;
        CU_ASSERT_EQUAL_FATAL(r.core.n, 1);
        CU_ASSERT_PTR_NOT_NULL(wire_ip(&r.core, 0, &ip));
        CU_ASSERT_EQUAL(ip.ttl, 1);
        CU_ASSERT_EQUAL(ip.src, ROUTER_2);
        CU_ASSERT_EQUAL(r.core.sent[0].port, 1);
        CU_ASSERT_EQUAL(memcmp(r.core.sent[0].bytes, table[i].mac, 6), 0);
    }
    router_end(&r);
}

static void ports_come_and_go(void)
{
    router_begin(&r);
    CU_ASSERT_PTR_NOT_NULL(dataplane_port_by_name(r.d, "r1"));
    CU_ASSERT_PTR_NULL(dataplane_port_by_name(r.d, "r9"));
    struct port *port = router_port(&r, 0);
    router_set_port(&r, port); /* nothing new */
    CU_ASSERT_EQUAL(r.core.n, 0);
    port = router_port(&r, 0);
    port->addresses[1].addr = 0x0a000b07;
    router_set_port(&r, port); /* a new address */
    CU_ASSERT_EQUAL(wire_count(&r.core, 0x0806), 2);
    router_forget(&r);
    port = router_port(&r, 0);
    port->up = false;
    router_set_port(&r, port);
    CU_ASSERT_EQUAL(r.core.n, 0);
    CU_ASSERT_PTR_NULL(own_find(r.d->tables.own, ROUTER_1));
    struct frame_spec spec = {.src = HOST_2, .dst = ROUTER_1, .protocol = PROTO_ICMP, .len = 64};
    router_give(&r, 1, spec);
    CU_ASSERT_EQUAL(r.core.n, 0); /* a port that is down has no addresses */
    dataplane_remove_port(r.d, 0, r.now);
    CU_ASSERT_PTR_NULL(dataplane_port(r.d, 0));
    router_give(&r, 0, spec);
    CU_ASSERT_EQUAL(router_drops(&r, 0, DROP_PORT_DOWN), 1);
    router_end(&r);
}

static void proxy_arp(void)
{
    router_begin(&r);
    router_arp(&r, 0, 1, HOST_1, BEYOND_2);
    CU_ASSERT_EQUAL(r.core.n, 0);
    struct port *port = router_port(&r, 0);
    port->proxy_arp = true;
    router_set_port(&r, port);
    router_arp(&r, 0, 1, HOST_1, BEYOND_2);
    CU_ASSERT_EQUAL(wire_count(&r.core, 0x0806), 1);
    router_arp(&r, 0, 1, HOST_1, BEYOND_1);   /* by the same port */
    router_arp(&r, 0, 1, HOST_1, 0xc0000201); /* by none */
    CU_ASSERT_EQUAL(wire_count(&r.core, 0x0806), 1);

    /* What is not forwarded, and what is nobody's, is not answered for, though the default route leads there. */
    static const uint32_t nobodys[] = {0x00000001, 0x7f000001, 0xa9fe0707, 0xe0000001,
                                       0xf0000001, 0xffffffff, 0x0a0002ff};
    router_route(&r, "0.0.0.0/0", "10.0.2.9", 1);
    for (unsigned i = 0; i < sizeof nobodys / sizeof nobodys[0]; i++)
        router_arp(&r, 0, 1, HOST_1, nobodys[i]);
    CU_ASSERT_EQUAL(wire_count(&r.core, 0x0806), 1);
    router_arp(&r, 0, 1, HOST_1, 0xc0000201);
    router_arp(&r, 0, 1, HOST_1, ROUTER_2);
    CU_ASSERT_EQUAL(wire_count(&r.core, 0x0806), 3);

    router_arp(&r, 0, 1, HOST_1, LOOPBACK);
    CU_ASSERT_EQUAL(wire_count(&r.core, 0x0806), 4);
    router_end(&r);
}

static unsigned logged;

static void count_log(void *context, enum dataplane_level level, const char *text)
{
    (void)context;
    logged += level == DATAPLANE_WARNING && strstr(text, "10.0.1.1") != NULL;
}

static void conflicts_logged(void)
{
    router_begin(&r);
    logged = 0;
    r.d->hooks.log = count_log;
    router_arp(&r, 0, 1, ROUTER_1, ROUTER_1);
    CU_ASSERT_EQUAL(logged, 1);
    for (unsigned i = 0; i < 1000; i++)
        router_arp(&r, 0, 1, ROUTER_1, ROUTER_1);
    CU_ASSERT_TRUE(logged < 100);
    router_end(&r);
}

static void cleared_counters(void)
{
    router_begin(&r);
    struct frame_spec spec = through();
    router_give(&r, 0, spec);
    spec.dst = 0x0a000205;
    router_give(&r, 0, spec); /* waits for its neighbour */
    r.d->ring_full[0] = 7;
    struct port_counters c;
    dataplane_port_counters(r.d, 0, &c);
    CU_ASSERT_EQUAL(c.rx_packets, 9);
    CU_ASSERT_EQUAL(c.drop[DROP_RING_FULL], 7);
    router_balance(&r);
    dataplane_clear_counters(r.d, PORT_NONE);
    router_balance(&r);
    dataplane_port_counters(r.d, 0, &c);
    CU_ASSERT_EQUAL(c.rx_packets, 1); /* the one that waits */
    CU_ASSERT_EQUAL(c.forwarded + c.drop[DROP_RING_FULL], 0);
    CU_ASSERT_EQUAL(dataplane_ip_stat(r.d, IP_IN_RECEIVES), 0);
    router_arp(&r, 1, 2, 0x0a000205, ROUTER_2);
    CU_ASSERT_EQUAL(forwarded(0), 1);
    router_end(&r);
}

static void budget(void)
{
    router_begin(&r);
    struct frame_spec spec = through();
    spec.ttl = 1;
    spec.dst_mac = router_port_mac[0];
    for (unsigned i = 0; i < 10; i++) {
        struct packet packet = frame_new(0, &spec);
        lane_forward(r.d->lanes[0], &packet, 1, r.now);
        frame_free(&packet);
    }
    struct frame_spec echo = {
        .src = HOST_1, .dst = ROUTER_1, .protocol = PROTO_ICMP, .len = 64, .dst_mac = router_port_mac[0]};
    struct packet packet = frame_new(0, &echo);
    lane_forward(r.d->lanes[0], &packet, 1, r.now);
    frame_free(&packet);
    CU_ASSERT_EQUAL(dataplane_held(r.d, 0), 11);
    CU_ASSERT_TRUE(dataplane_drain(r.d, 2, r.now));
    CU_ASSERT_EQUAL(dataplane_held(r.d, 0), 9);
    CU_ASSERT_EQUAL(r.d->icmp.out[ICMP_ECHO_REPLY], 1); /* not behind all the others */
    CU_ASSERT_FALSE(dataplane_drain(r.d, 100, r.now));
    CU_ASSERT_EQUAL(dataplane_held(r.d, 0), 0);
    router_end(&r);
}

/* Frames that nobody would send, by both ways in: under the sanitizers, and the books must balance. */
static void random_frames(void)
{
    srand(20);
    router_begin(&r);
    for (unsigned p = 0; p < 2; p++) {
        struct port *port = router_port(&r, p);
        port->source_route = port->mask_reply = port->directed_broadcast = port->proxy_arp = p == 0;
        port->mtu = p == 0 ? 1500 : 300;
        router_set_port(&r, port);
    }
    static const uint32_t addresses[] = {HOST_1,     HOST_2,     ROUTER_1,   ROUTER_2,   LOOPBACK,
                                         BEYOND_1,   BEYOND_2,   0xffffffff, 0x0a0002ff, 0xe0000009,
                                         0x0a000205, 0xc0000201, 0x0a0001ff, 0};
    static const uint8_t protocols[] = {PROTO_ICMP, PROTO_UDP, PROTO_TCP, PROTO_IGMP, 99};
    static const uint8_t kinds[] = {0, 1, 7, 68, 131, 137, 148, 200};
    for (unsigned i = 0; i < 30000; i++) {
        uint8_t options[40], data[700];
        for (unsigned b = 0; b < sizeof options; b++)
            options[b] = (uint8_t)(rand() % 3 == 0 ? kinds[rand() % 8] : rand() % 14);
        for (unsigned b = 0; b < sizeof data; b++)
            data[b] = (uint8_t)rand();
        data[0] = (uint8_t)(rand() % 20);
        bool own_data = rand() % 3 == 0;
        unsigned port = (unsigned)rand() % 2;
        struct frame_spec spec = {
            .src = addresses[rand() % 14],
            .dst = addresses[rand() % 14],
            .dst_mac = router_port_mac[port],
            .protocol = protocols[rand() % 5],
            .ttl = (uint8_t)(rand() % 4 + 1),
            .tos = (uint8_t)rand(),
            .id = (uint16_t)(rand() % 8),
            .fragment = (uint16_t)(rand() % 3 == 0 ? (rand() % 4 * 0x2000) | rand() % 6 : 0),
            .options = options,
            .options_len = (uint8_t)(rand() % 3 == 0 ? rand() % 11 * 4 : 0),
            .data = own_data ? data : NULL,
            .len = (unsigned)rand() % 640 + 8,
        };
        struct packet packet = frame_new(port, &spec);
        if (rand() % 8 == 0) {
            uint32_t at = (unsigned)rand() % packet.len;
            packet.frame[at] = (uint8_t)rand();
        }
        if (rand() % 16 == 0)
            packet.len = packet.wire_len = (unsigned)rand() % packet.len;
        if (rand() % 8 == 0)
            packet.vnet = (struct virtio_net_hdr){.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
                                                  .gso_type = (uint8_t)(rand() % 2 ? 0 : rand() % 6),
                                                  .gso_size = (uint16_t)(rand() % 400),
                                                  .hdr_len = 54,
                                                  .csum_start = (uint16_t)(rand() % 3 == 0 ? rand() % 200 : 34),
                                                  .csum_offset = (uint16_t)(rand() % 2 ? 6 : 16)};
        r.by_core = rand() % 2;
        router_packet(&r, packet);
        if (i % 100 == 0) {
            router_wait(&r, 100);
            router_forget(&r);
        }
    }
    router_balance(&r);
    router_wait(&r, 70000);
    CU_ASSERT_EQUAL(dataplane_held(r.d, 0), 0);
    CU_ASSERT_EQUAL(dataplane_held(r.d, 1), 0);
    router_end(&r);
}

static const struct unit_case cases[] = {
    {"a packet goes through with its TTL less one and new MAC addresses", ping_through},
    {"packets wait for ARP and leave in order", resolution},
    {"what a lane has punted leaves before what it will send itself", order_at_publication},
    {"a neighbour that only the core sends to is in use", core_use_counts},
    {"a GSO packet waits for ARP and leaves whole, or cut to size", gso_waits},
    {"every packet for a silent host gets host unreachable after 3 s, quoted as it came", host_unreachable},
    {"a host is told of a better gateway, ever rarer", redirects},
    {"a redirect leaves by the link that it is about", redirect_stays_on_link},
    {"no redirect where RFC 1812 forbids one", no_redirects},
    {"redirects to many are bounded", redirect_flood},
    {"record route is filled on the way and never in a quote", options_forwarded},
    {"malformed options and source routes are refused", options_refused},
    {"a source route is followed where it is allowed", source_routed},
    {"an error about a source-routed packet goes back its way", error_goes_back_by_source_route},
    {"a directed broadcast is forwarded where it is allowed", directed_broadcast},
    {"a packet with options is fragmented on its way", fragments_on_the_way},
    {"own datagrams find their way, source and size", own_datagrams},
    {"own datagrams wait for ARP, and their sender hears of failure", own_waits_for_neighbour},
    {"a datagram to ourselves is delivered by the next run", to_ourselves},
    {"broadcasts and multicasts of our own have link addresses", groups},
    {"ports come and go with their addresses", ports_come_and_go},
    {"proxy ARP answers for what is behind another port", proxy_arp},
    {"somebody else with our address is logged, not without end", conflicts_logged},
    {"counters begin anew and balance with what waits", cleared_counters},
    {"a drain keeps to its budget and takes classes in turn", budget},
    {"random frames do no harm and are accounted for", random_frames},
};

UNIT_MAIN("dataplane", cases)
