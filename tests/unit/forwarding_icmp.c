#include "tests/unit/support/router.h"

static struct router r;

static struct frame_spec from_host(uint32_t dst)
{
    return (struct frame_spec){.src = HOST_1, .dst = dst, .len = 100};
}

/* Type and code of the one error that went out, or 0xffff. */
static unsigned error_sent(void)
{
    struct ip ip;
    const uint8_t *icmp = router_icmp(&r, &ip);
    return icmp != NULL ? load_be16(icmp) : 0xffff;
}

static void which_error(void)
{
    static const struct prefix prohibited = {0x0a420000, 16}, unreachable = {0x0a430000, 16},
                               blackhole = {0x0a440000, 16};
    for (unsigned core = 0; core < 2; core++) {
        router_begin(&r);
        r.by_core = core;
        fib_set(r.d->tables.fib, prohibited, FIB_PROHIBIT, NULL, 0);
        fib_set(r.d->tables.fib, unreachable, FIB_UNREACHABLE, NULL, 0);
        fib_set(r.d->tables.fib, blackhole, FIB_BLACKHOLE, NULL, 0);
        struct frame_spec too_big = from_host(HOST_2), ttl = from_host(HOST_2);
        too_big.len = 1800;
        too_big.fragment = IP_DF;
        ttl.ttl = 1;
        const struct {
            struct frame_spec spec;
            unsigned error;
            enum drop drop;
        } table[] = {
            {ttl, 0x0b00, DROP_TTL},
            {from_host(0xc0000201), 0x0300, DROP_NO_ROUTE},
            {from_host(0x0a430001), 0x0301, DROP_UNREACHABLE},
            {from_host(0x0a420001), 0x030d, DROP_PROHIBITED},
            {from_host(0x0a440001), 0xffff, DROP_BLACKHOLE},
            {too_big, 0x0304, DROP_TOO_BIG},
        };
        for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++) {
            router_forget(&r);
            router_give(&r, 0, table[i].spec);
            CU_ASSERT_EQUAL(error_sent(), table[i].error);
            CU_ASSERT_EQUAL(router_drops(&r, 0, table[i].drop), 1);
        }
        struct ip ip;
        const uint8_t *icmp = router_icmp(&r, &ip);
        CU_ASSERT_PTR_NOT_NULL_FATAL(icmp);
        CU_ASSERT_EQUAL(load_be32(icmp + 4), 1500);
        CU_ASSERT_EQUAL(r.d->icmp.out[ICMP_UNREACHABLE], 4);
        CU_ASSERT_EQUAL(r.d->icmp.out_msgs, 5);
        router_end(&r);
    }
}

static void header_of_errors(void)
{
    router_begin(&r);
    struct frame_spec spec = from_host(0xc0000201);
    spec.tos = 0x68;
    spec.fragment = IP_DF;
    router_give(&r, 0, spec);
    struct ip ip;
    CU_ASSERT_PTR_NOT_NULL_FATAL(router_icmp(&r, &ip));
    CU_ASSERT_EQUAL(ip.tos, 0xc8);
    CU_ASSERT_EQUAL(ip.ttl, 64);
    CU_ASSERT_EQUAL(ip.fragment, 0);
    CU_ASSERT_EQUAL(ip.dst, HOST_1);
    CU_ASSERT_EQUAL(ip.src, ROUTER_1);
    CU_ASSERT_EQUAL(r.core.sent[0].port, 0);
    router_forget(&r);
    spec.tos = 0x03; /* congestion experienced */
    router_give(&r, 0, spec);
    CU_ASSERT_PTR_NOT_NULL_FATAL(router_icmp(&r, &ip));
    CU_ASSERT_EQUAL(ip.tos, 0xc0);
    router_end(&r);
}

static void source_addresses(void)
{
    static const uint8_t mac[] = {2, 0, 0, 0, 0, 0x77};
    struct ip ip;
    router_begin(&r);
    neighbour_set_static(r.d->neighbours, dataplane_port(r.d, 0), 0x0a000b05, mac, r.now);
    struct frame_spec spec = {.src = 0x0a000b05, .dst = 0xc0000201};
    router_give(&r, 0, spec);
    CU_ASSERT_PTR_NOT_NULL(router_icmp(&r, &ip));
    CU_ASSERT_EQUAL(ip.src, 0x0a000b01); /* the second address, which is in the receiver's subnet */
    router_forget(&r);

    spec.src = BEYOND_2; /* came in by port 0, and the error leaves by port 1 */
    router_give(&r, 0, spec);
    CU_ASSERT_PTR_NOT_NULL(router_icmp(&r, &ip));
    CU_ASSERT_EQUAL(ip.src, ROUTER_2);
    CU_ASSERT_EQUAL(ip.dst, BEYOND_2);
    CU_ASSERT_EQUAL(r.core.sent[0].port, 1);
    router_end(&r);
}

static void quotes(void)
{
    static const struct {
        unsigned len, quoted;
    } table[] = {{8, 28}, {26, 46}, {100, 120}, {528, 548}, {529, 548}, {1400, 548}};
    router_begin(&r);
    for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct frame_spec spec = from_host(0xc0000201);
        spec.len = table[i].len;
        struct packet packet = frame_new(0, &spec);
        uint8_t was[2048];
        memcpy(was, packet_ip(&packet), packet.len - ETHERNET_HEADER);
        router_packet(&r, packet);
        struct ip ip;
        const uint8_t *icmp = router_icmp(&r, &ip);
        CU_ASSERT_PTR_NOT_NULL_FATAL(icmp);
        CU_ASSERT_EQUAL(ip.len, 28 + table[i].quoted);
        CU_ASSERT_EQUAL(memcmp(icmp + 8, was, table[i].quoted), 0);
        router_forget(&r);
    }
    router_end(&r);
}

static void quote_without_padding(void)
{
    router_begin(&r);
    struct frame_spec spec = from_host(0xc0000201);
    spec.len = 46;
    struct packet packet = frame_new(0, &spec);
    struct ip fields = {.src = HOST_1, .dst = 0xc0000201, .len = 30, .ttl = 9, .protocol = 17, .header = 20};
    ip_write(packet_ip(&packet), &fields, NULL);
    router_packet(&r, packet);
    struct ip ip;
    CU_ASSERT_PTR_NOT_NULL_FATAL(router_icmp(&r, &ip));
    CU_ASSERT_EQUAL(ip.len, 28 + 30);
    router_end(&r);
}

static void quote_finishes_checksum(void)
{
    router_begin(&r);
    struct frame_spec spec = from_host(0xc0000201);
    struct packet packet = frame_new(0, &spec);
    uint8_t *udp = packet_ip(&packet) + 20;
    uint16_t right = load_be16(udp + 6);
    store_be16(udp + 6, checksum_fold(checksum_pseudo(0, spec.src, spec.dst, PROTO_UDP, (uint32_t)spec.len)));
    packet.vnet = (struct virtio_net_hdr){.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 6};
    router_packet(&r, packet);
    struct ip ip;
    const uint8_t *icmp = router_icmp(&r, &ip);
    CU_ASSERT_PTR_NOT_NULL_FATAL(icmp);
    CU_ASSERT_EQUAL(load_be16(icmp + 8 + 20 + 6), right);
    router_end(&r);
}

/* The matrix: one packet that may be complained about, and one thing after another that forbids it. */
static void predicate(void)
{
    static const uint8_t broadcast[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, group[] = {1, 0, 0x5e, 0, 0, 9};
    static const struct {
        const char *name;
        struct frame_spec spec;
        bool allowed;
    } table[] = {
        {"plain", {.src = HOST_1, .dst = HOST_2}, true},
        {"first fragment", {.src = HOST_1, .dst = HOST_2, .fragment = IP_MF}, true},
        {"to ourselves", {.src = HOST_1, .dst = ROUTER_1}, true},
        {"later fragment", {.src = HOST_1, .dst = HOST_2, .fragment = 5}, false},
        {"link broadcast", {.src = HOST_1, .dst = HOST_2, .dst_mac = broadcast}, false},
        {"link multicast", {.src = HOST_1, .dst = HOST_2, .dst_mac = group}, false},
        {"to a multicast group", {.src = HOST_1, .dst = 0xe0000009}, false},
        {"to the limited broadcast", {.src = HOST_1, .dst = 0xffffffff}, false},
        {"to a subnet's broadcast", {.src = HOST_1, .dst = 0x0a0002ff}, false},
        {"to a subnet's network number", {.src = HOST_1, .dst = 0x0a000200}, false},
        {"to class E", {.src = HOST_1, .dst = 0xf0000001}, false},
        {"to 127/8", {.src = HOST_1, .dst = 0x7f000001}, false},
        {"from nobody", {.src = 0, .dst = HOST_2}, false},
        {"from 0/8", {.src = 0x00000005, .dst = HOST_2}, false},
        {"from 127/8", {.src = 0x7f000001, .dst = HOST_2}, false},
        {"from multicast", {.src = 0xe0000001, .dst = HOST_2}, false},
        {"from class E", {.src = 0xf0000001, .dst = HOST_2}, false},
        {"from the limited broadcast", {.src = 0xffffffff, .dst = HOST_2}, false},
        {"from a subnet's broadcast", {.src = 0x0a0001ff, .dst = HOST_2}, false},
    };
    router_begin(&r);
    for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct packet packet = frame_new(0, &table[i].spec);
        ip_parse(packet_ip(&packet), packet.len - ETHERNET_HEADER, &packet.ip);
        bool allowed = icmp_error_allowed(r.d->tables.own, &packet);
        if (allowed != table[i].allowed)
            printf("\n%s\n", table[i].name);
        CU_ASSERT_EQUAL(allowed, table[i].allowed);
        frame_free(&packet);
    }
    for (unsigned type = 0; type < 256; type++) {
        static const uint8_t informational[] = {0, 8, 9, 10, 13, 14, 15, 16, 17, 18, 42, 43};
        uint8_t data[8] = {(uint8_t)type};
        struct frame_spec spec = {.src = HOST_1, .dst = HOST_2, .protocol = PROTO_ICMP, .data = data, .len = 8};
        struct packet packet = frame_new(0, &spec);
        ip_parse(packet_ip(&packet), packet.len - ETHERNET_HEADER, &packet.ip);
        CU_ASSERT_EQUAL(icmp_error_allowed(r.d->tables.own, &packet),
                        memchr(informational, (int)type, sizeof informational) != NULL);
        frame_free(&packet);
    }
    router_end(&r);
}

static void never_about_errors(void)
{
    uint8_t error[36] = {3, 1};
    router_begin(&r);
    store_be16(error + 2, checksum_finish(checksum_add(0, error, sizeof error)));
    router_give(
        &r, 0, (struct frame_spec){.src = HOST_1, .dst = 0xc0000201, .protocol = PROTO_ICMP, .data = error, .len = 36});
    CU_ASSERT_EQUAL(r.core.n, 0);
    CU_ASSERT_EQUAL(router_drops(&r, 0, DROP_NO_ROUTE), 1);
    router_end(&r);
}

static void unreachables_off(void)
{
    router_begin(&r);
    struct port *port = router_port(&r, 0);
    port->unreachables = false;
    router_set_port(&r, port);
    router_give(&r, 0, from_host(0xc0000201));
    CU_ASSERT_EQUAL(error_sent(), 0xffff);
    struct frame_spec spec = from_host(HOST_2);
    spec.ttl = 1;
    router_give(&r, 0, spec);
    CU_ASSERT_EQUAL(error_sent(), 0x0b00);
    router_forget(&r);
    spec = from_host(HOST_2);
    spec.len = 1800;
    spec.fragment = IP_DF;
    router_give(&r, 0, spec);
    CU_ASSERT_EQUAL(error_sent(), 0x0304);
    router_end(&r);
}

static unsigned errors_of(unsigned n, struct frame_spec spec, bool sources)
{
    router_forget(&r);
    for (unsigned i = 0; i < n; i++) {
        spec.src = sources ? 0x0a090000 + i : HOST_1;
        router_give(&r, sources ? 1 : 0, spec);
    }
    return wire_count(&r.core, 0x0800);
}

static void limits(void)
{
    router_begin(&r);
    CU_ASSERT_EQUAL(errors_of(200, from_host(0xc0000201), false), 50); /* the burst of one destination */
    CU_ASSERT_EQUAL(r.d->icmp.out_rate_limited, 150);
    r.now.ns += NS_PER_S / 10;
    CU_ASSERT_EQUAL(errors_of(200, from_host(0xc0000201), false), 10); /* 100 a second */
    r.now.ns += 10 * NS_PER_S;
    r.d->icmp_rate = 20;
    r.d->icmp_burst = 30;
    CU_ASSERT_EQUAL(errors_of(200, from_host(0xc0000201), true), 30);
    r.now.ns += NS_PER_S;
    CU_ASSERT_EQUAL(errors_of(200, from_host(0xc0000201), true), 20);
    r.d->icmp_rate = 0;
    CU_ASSERT_EQUAL(errors_of(500, from_host(0xc0000201), false), 500);
    router_end(&r);
}

static void too_big_not_starved(void)
{
    router_begin(&r);
    struct frame_spec big = from_host(HOST_2);
    big.len = 1800;
    big.fragment = IP_DF;
    errors_of(200, from_host(0xc0000201), false);
    errors_of(200, from_host(0xc0000201), true);
    CU_ASSERT_EQUAL(errors_of(10, big, false), 10);
    router_end(&r);
}

static const struct unit_case cases[] = {
    {"each reason has its type and code", which_error},
    {"errors have precedence 6, the TOS bits of the packet, TTL 64 and no DF", header_of_errors},
    {"an error's source is of the port it leaves by, in the receiver's subnet first", source_addresses},
    {"the quote is what came in, as much as makes 576 bytes", quotes},
    {"padding is not quoted", quote_without_padding},
    {"a quoted checksum is finished", quote_finishes_checksum},
    {"the predicate says about what no error is sent", predicate},
    {"no error about an error", never_about_errors},
    {"unreachables off leaves fragmentation needed and other types", unreachables_off},
    {"errors are limited by destination and in all, and rate 0 is no limit", limits},
    {"fragmentation needed is not starved by other errors", too_big_not_starved},
};

UNIT_MAIN("icmp", cases)
