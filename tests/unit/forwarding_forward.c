/* The way of an IPv4 packet: ip_check, ip_route, ip_rewrite. */
#include <stdlib.h>
#include <string.h>

#include "forwarding/bytes.h"
#include "forwarding/checksum.h"
#include "forwarding/fib.h"
#include "forwarding/forward.h"
#include "forwarding/neighbour.h"
#include "forwarding/own.h"
#include "forwarding/port.h"
#include "tests/unit/support/frames.h"
#include "tests/unit/support/unit.h"

/* Port 0 10.0.1.1/24 and 169.254.7.1/16, port 1 10.0.2.1/24, port 2 10.0.3.1/31 (down at times), port 3 a loopback with
 * 10.255.0.1/24, port 4 without addresses. Directed broadcasts go to port 1 only. */
enum { PORTS = 5 };

static struct port *ports[PORTS];
static struct tables tables;
static struct own_table *own;
static struct adjacency adjacency = {
    .number = 1, .mtu = 1500, .ethernet = {2, 0, 0, 0, 0, 0x55, 2, 0, 0, 0, 0, 2, 8, 0}};
static bool neighbour_known;

/* The table of neighbours, for these tests: one answer. */
const struct adjacency *neighbour_find(const struct neighbours *n, unsigned port, uint32_t addr)
{
    (void)n;
    (void)port;
    (void)addr;
    return neighbour_known ? &adjacency : NULL;
}

static void make_port(unsigned number, const char *first, const char *second)
{
    unsigned n = (first != NULL) + (second != NULL);
    struct port *port = port_new(n);
    port->number = (uint16_t)number;
    port->up = port->redirects = true;
    port->mtu = 1500;
    memcpy(port->mac, (const uint8_t[]){2, 0, 0, 0, 0, (uint8_t)(number + 1)}, MAC_LEN);
    if (first != NULL && !prefix_parse(first, &port->addresses[0]))
        abort();
    if (second != NULL && !prefix_parse(second, &port->addresses[1]))
        abort();
    ports[number] = port;
    tables.port[number] = port;
}

static void set_up(void)
{
    tables = (struct tables){.flow_seed = 12345};
    make_port(0, "10.0.1.1/24", "169.254.7.1/16");
    make_port(1, "10.0.2.1/24", NULL);
    make_port(2, "10.0.3.1/31", NULL);
    make_port(3, "10.255.0.1/24", NULL);
    make_port(4, NULL, NULL);
    ports[1]->directed_broadcast = true;
    ports[1]->rip = true;
    ports[3]->loopback = true;
    own = own_table_new((const struct port *const *)ports, PORTS);
    tables.own = own;
    neighbour_known = true;
}

static void tear_down(void)
{
    for (unsigned i = 0; i < PORTS; i++)
        free(ports[i]);
    free(own);
}

static const uint8_t all_ones[MAC_LEN] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static const uint8_t group_mac[MAC_LEN] = {1, 0, 0x5e, 0, 0, 9};
static const uint8_t record_route[] = {7, 7, 4, 0, 0, 0, 0, 0};

#define GOES_ON    VERDICT_CONTINUE, DROP__COUNT, PUNT__COUNT
#define DROPPED(x) VERDICT_DROP, DROP_##x, PUNT__COUNT
#define PUNTED(x)  VERDICT_PUNT, DROP__COUNT, PUNT_##x

static const struct check_case {
    const char *src, *dst;
    enum { UNICAST, BROADCAST, GROUP } frame;
    uint8_t ttl, protocol; /* 0: 64 and UDP */
    bool options;
    unsigned port;
    enum verdict verdict;
    enum drop drop;
    enum punt punt;
} checks[] = {
    /* to be forwarded, whatever the TTL: that is judged when a route is known */
    {"10.0.1.9", "10.9.9.9", UNICAST, 0, 0, false, 0, GOES_ON},
    {"10.0.1.9", "10.9.9.9", UNICAST, 1, 0, false, 0, GOES_ON},
    {"10.0.1.9", "10.0.1.9", UNICAST, 0, 0, false, 0, GOES_ON}, /* source = destination: no rule forbids it */
    {"10.0.1.9", "10.0.1.7", UNICAST, 0, 0, false, 0, GOES_ON},
    {"1.0.0.1", "223.255.255.254", UNICAST, 0, 0, false, 0, GOES_ON},
    {"10.0.1.9", "10.9.9.9", UNICAST, 0, 0, true, 0, PUNTED(OPTIONS)},
    /* martian sources */
    {"0.0.0.0", "10.9.9.9", UNICAST, 0, 0, false, 0, DROPPED(MARTIAN_SOURCE)},
    {"0.0.0.0", "10.0.1.1", UNICAST, 0, 0, false, 0, DROPPED(MARTIAN_SOURCE)},
    {"0.1.2.3", "10.9.9.9", UNICAST, 0, 0, false, 0, DROPPED(MARTIAN_SOURCE)},
    {"0.0.0.1", "255.255.255.255", BROADCAST, 0, 0, false, 0, DROPPED(MARTIAN_SOURCE)},
    {"127.0.0.1", "10.9.9.9", UNICAST, 0, 0, false, 0, DROPPED(MARTIAN_SOURCE)},
    {"127.255.255.255", "10.0.1.1", UNICAST, 0, 0, false, 0, DROPPED(MARTIAN_SOURCE)},
    {"224.0.0.1", "10.9.9.9", UNICAST, 0, 0, false, 0, DROPPED(MARTIAN_SOURCE)},
    {"239.255.255.255", "10.9.9.9", UNICAST, 0, 0, false, 0, DROPPED(MARTIAN_SOURCE)},
    {"240.0.0.1", "10.9.9.9", UNICAST, 0, 0, false, 0, DROPPED(MARTIAN_SOURCE)},
    {"255.255.255.255", "10.0.1.1", UNICAST, 0, 0, false, 0, DROPPED(MARTIAN_SOURCE)},
    {"10.0.1.255", "10.9.9.9", UNICAST, 0, 0, false, 0, DROPPED(MARTIAN_SOURCE)},
    {"10.0.2.255", "10.9.9.9", UNICAST, 0, 0, false, 0, DROPPED(MARTIAN_SOURCE)},
    {"10.0.2.0", "10.9.9.9", UNICAST, 0, 0, false, 0, DROPPED(MARTIAN_SOURCE)},
    {"10.0.3.0", "10.9.9.9", UNICAST, 0, 0, false, 0, GOES_ON}, /* a /31 has no broadcast, RFC 3021 */
    {"10.0.1.1", "10.9.9.9", UNICAST, 0, 0, false, 0, DROPPED(OWN_SOURCE)},
    {"10.0.2.1", "10.0.1.1", UNICAST, 0, 0, false, 0, DROPPED(OWN_SOURCE)},
    /* martian destinations */
    {"10.0.1.9", "0.0.0.0", UNICAST, 0, 0, false, 0, DROPPED(MARTIAN_DESTINATION)},
    {"10.0.1.9", "0.1.2.3", UNICAST, 0, 0, false, 0, DROPPED(MARTIAN_DESTINATION)},
    {"10.0.1.9", "127.0.0.1", UNICAST, 0, 0, false, 0, DROPPED(MARTIAN_DESTINATION)},
    {"10.0.1.9", "240.0.0.1", UNICAST, 0, 0, false, 0, DROPPED(MARTIAN_DESTINATION)},
    {"10.0.1.9", "255.255.255.254", UNICAST, 0, 0, false, 0, DROPPED(MARTIAN_DESTINATION)},
    /* ours, by whatever port, with any TTL, options too */
    {"10.0.1.9", "10.0.1.1", UNICAST, 0, 0, false, 0, PUNTED(LOCAL)},
    {"10.0.1.9", "10.0.2.1", UNICAST, 0, 0, false, 0, PUNTED(LOCAL)},
    {"10.9.9.9", "10.255.0.1", UNICAST, 1, 0, false, 1, PUNTED(LOCAL)},
    {"10.0.1.9", "10.0.1.1", UNICAST, 1, 0, true, 0, PUNTED(LOCAL)},
    {"10.0.1.9", "169.254.7.1", UNICAST, 0, 0, false, 1, PUNTED(LOCAL)},
    {"169.254.7.9", "169.254.7.1", UNICAST, 0, 0, false, 0, PUNTED(LOCAL)},
    {"169.254.7.9", "10.0.2.1", UNICAST, 0, 0, false, 0, PUNTED(LOCAL)},
    /* broadcasts */
    {"10.0.1.9", "255.255.255.255", BROADCAST, 0, 0, false, 0, PUNTED(LOCAL)},
    {"0.0.0.0", "255.255.255.255", BROADCAST, 0, 0, false, 0, PUNTED(LOCAL)},
    {"10.0.1.9", "255.255.255.255", UNICAST, 0, 0, false, 0, PUNTED(LOCAL)},
    {"10.0.1.9", "255.255.255.255", GROUP, 0, 0, false, 0, DROPPED(LINK_BROADCAST)},
    {"10.0.1.9", "10.0.1.255", BROADCAST, 0, 0, false, 0, PUNTED(LOCAL)},
    {"10.0.1.9", "10.0.1.255", UNICAST, 1, 0, false, 0, PUNTED(LOCAL)},
    {"10.0.1.9", "10.0.1.0", BROADCAST, 0, 0, false, 0, PUNTED(LOCAL)},
    {"10.0.1.9", "10.0.2.255", UNICAST, 0, 0, false, 0, PUNTED(DIRECTED_BROADCAST)},
    {"10.0.1.9", "10.0.2.255", BROADCAST, 0, 0, false, 0, DROPPED(DIRECTED_BROADCAST)},
    {"169.254.7.9", "10.0.2.255", UNICAST, 0, 0, false, 0, DROPPED(LINK_LOCAL)},
    {"10.0.2.9", "10.0.1.255", UNICAST, 0, 0, false, 1, DROPPED(DIRECTED_BROADCAST)}, /* port 0 has it off */
    {"10.0.2.9", "10.0.2.255", UNICAST, 0, 0, false, 1, PUNTED(LOCAL)},               /* on, but it came from there */
    /* link-layer broadcast rule */
    {"10.0.1.9", "10.9.9.9", BROADCAST, 0, 0, false, 0, DROPPED(LINK_BROADCAST)},
    {"10.0.1.9", "10.9.9.9", GROUP, 0, 0, false, 0, DROPPED(LINK_BROADCAST)},
    {"10.0.1.9", "10.0.1.1", BROADCAST, 0, 0, false, 0, DROPPED(LINK_BROADCAST)},
    {"10.0.1.9", "10.0.1.1", GROUP, 0, 0, true, 0, DROPPED(LINK_BROADCAST)},
    /* multicast */
    {"10.0.1.9", "224.0.0.22", GROUP, 1, PROTO_IGMP, false, 0, PUNTED(LOCAL)},
    {"0.0.0.0", "224.0.0.1", GROUP, 1, PROTO_IGMP, true, 0, PUNTED(LOCAL)},
    {"10.0.1.9", "239.1.1.1", GROUP, 0, 0, false, 0, DROPPED(MULTICAST)},
    {"10.0.1.9", "224.0.0.251", GROUP, 0, 0, false, 0, DROPPED(MULTICAST)},
    /* RIP's group, where RIP is and where it is not */
    {"10.0.2.9", "224.0.0.9", GROUP, 1, 0, false, 1, PUNTED(LOCAL)},
    {"10.0.1.9", "224.0.0.9", GROUP, 1, 0, false, 0, DROPPED(MULTICAST)},
    {"10.0.2.9", "224.0.0.9", GROUP, 1, PROTO_TCP, false, 1, DROPPED(MULTICAST)},
    {"10.0.2.9", "224.0.0.251", GROUP, 1, 0, false, 1, DROPPED(MULTICAST)},
    /* what never leaves its link */
    {"10.0.1.9", "169.254.1.1", UNICAST, 0, 0, false, 0, DROPPED(LINK_LOCAL)},
    {"169.254.1.1", "10.9.9.9", UNICAST, 0, 0, false, 0, DROPPED(LINK_LOCAL)},
    {"169.254.1.1", "10.9.9.9", UNICAST, 0, 0, true, 0, DROPPED(LINK_LOCAL)},
    /* a port that has no address routes nothing */
    {"10.0.1.9", "10.9.9.9", UNICAST, 0, 0, false, 4, DROPPED(PORT_DOWN)},
    {"10.0.1.9", "10.0.1.1", UNICAST, 0, 0, false, 4, DROPPED(PORT_DOWN)},
};

static void each_address_has_its_verdict(void)
{
    set_up();
    for (unsigned i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        const struct check_case *c = &checks[i];
        struct packet packet = frame_new(c->port, &(struct frame_spec){
                                                      .dst_mac = c->frame == BROADCAST ? all_ones
                                                                 : c->frame == GROUP   ? group_mac
                                                                                       : NULL,
                                                      .src = addr_of(c->src),
                                                      .dst = addr_of(c->dst),
                                                      .ttl = c->ttl,
                                                      .protocol = c->protocol,
                                                      .options = c->options ? record_route : NULL,
                                                      .options_len = c->options ? sizeof record_route : 0,
                                                  });
        packet.drop = DROP__COUNT;
        packet.punt = PUNT__COUNT;
        enum verdict verdict = ip_check(&tables, own, ports[c->port], &packet);
        bool right = verdict == c->verdict && packet.drop == c->drop && packet.punt == c->punt;
        CU_ASSERT_TRUE(right);
        if (!right)
            fprintf(stderr, "  %s > %s (case %u): verdict %d drop %d punt %d\n", c->src, c->dst, i, (int)verdict,
                    (int)packet.drop, (int)packet.punt);
        if (c->verdict == VERDICT_CONTINUE) {
            CU_ASSERT_EQUAL(packet.ip.src, addr_of(c->src));
            CU_ASSERT_EQUAL(packet.ip.dst, addr_of(c->dst));
        }
        frame_free(&packet);
    }
    tear_down();
}

static void time_to_live_zero_is_delivered_to_us(void)
{
    set_up();
    struct packet packet =
        frame_new(0, &(struct frame_spec){.src = addr_of("10.0.1.9"), .dst = addr_of("10.0.1.1"), .ttl_zero = true});
    CU_ASSERT_EQUAL(ip_check(&tables, own, ports[0], &packet), VERDICT_PUNT);
    CU_ASSERT_EQUAL(packet.punt, PUNT_LOCAL);
    frame_free(&packet);
    tear_down();
}

static void a_broken_header_is_dropped(void)
{
    static const struct {
        unsigned at;
        uint8_t value;
        uint32_t len; /* 0: as it is */
        enum drop why;
    } breaks[] = {
        {0, 0x65, 0, DROP_IP_VERSION},
        {0, 0x44, 0, DROP_IP_HEADER_LENGTH},
        {0, 0x4f, 40, DROP_IP_HEADER_LENGTH},
        {3, 19, 0, DROP_IP_LENGTH},
        {3, 49, 0, DROP_IP_LENGTH},
        {IP_AT_TTL, 63, 0, DROP_IP_CHECKSUM},
        {0, 0x45, ETHERNET_HEADER + 19, DROP_IP_SHORT},
        {0, 0x45, ETHERNET_HEADER, DROP_IP_SHORT},
    };
    set_up();
    for (unsigned i = 0; i < sizeof breaks / sizeof breaks[0]; i++) {
        struct packet packet =
            frame_new(0, &(struct frame_spec){.src = addr_of("10.0.1.9"), .dst = addr_of("10.9.9.9")});
        packet_ip(&packet)[breaks[i].at] = breaks[i].value;
        if (breaks[i].len != 0)
            packet.len = packet.wire_len = breaks[i].len;
        CU_ASSERT_EQUAL(ip_check(&tables, own, ports[0], &packet), VERDICT_DROP);
        CU_ASSERT_EQUAL(packet.drop, breaks[i].why);
        frame_free(&packet);
    }
    tear_down();
}

static void ethernet_padding_is_trimmed(void)
{
    set_up();
    uint8_t frame[2 + 60] = {0};
    struct packet small =
        frame_new(0, &(struct frame_spec){.src = addr_of("10.0.1.9"), .dst = addr_of("10.9.9.9"), .len = 9});
    memcpy(frame + 2, small.frame, small.len);
    struct packet padded = {.frame = frame + 2, .len = 60, .wire_len = 60};
    CU_ASSERT_EQUAL(ip_check(&tables, own, ports[0], &padded), VERDICT_CONTINUE);
    CU_ASSERT_EQUAL(padded.len, ETHERNET_HEADER + 29);
    CU_ASSERT_EQUAL(padded.wire_len, padded.len);
    frame_free(&small);
    tear_down();
}

static void nonsense_of_the_offload_is_dropped(void)
{
    set_up();
    struct packet packet = frame_new(0, &(struct frame_spec){.src = addr_of("10.0.1.9"), .dst = addr_of("10.9.9.9")});
    packet.vnet = (struct virtio_net_hdr){.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 60000};
    CU_ASSERT_EQUAL(ip_check(&tables, own, ports[0], &packet), VERDICT_DROP);
    CU_ASSERT_EQUAL(packet.drop, DROP_BAD_OFFLOAD);
    frame_free(&packet);
    tear_down();
}

/* A packet that ip_check has passed. */
static struct packet checked(unsigned port, const struct frame_spec *spec)
{
    struct packet packet = frame_new(port, spec);
    CU_ASSERT_EQUAL(ip_check(&tables, own, ports[port], &packet), VERDICT_CONTINUE);
    return packet;
}

#define TO_FAR .src = addr_of("10.0.1.9"), .dst = addr_of("10.9.9.9")

static struct nexthop_group *group_of(enum fib_action action, unsigned n)
{
    struct nexthop_group *group = calloc(1, sizeof *group + FIB_HOPS_MAX * sizeof group->hop[0]);
    group->action = (uint8_t)action;
    group->n = (uint8_t)n;
    return group;
}

static void each_kind_of_route_has_its_verdict(void)
{
    set_up();
    struct packet packet = checked(0, &(struct frame_spec){TO_FAR});
    CU_ASSERT_EQUAL(ip_route(&tables, NULL, &packet), VERDICT_PUNT);
    CU_ASSERT_EQUAL(packet.punt, PUNT_NO_ROUTE);

    struct nexthop_group *group = group_of(FIB_BLACKHOLE, 0);
    CU_ASSERT_EQUAL(ip_route(&tables, group, &packet), VERDICT_DROP);
    CU_ASSERT_EQUAL(packet.drop, DROP_BLACKHOLE);
    group->action = FIB_UNREACHABLE;
    CU_ASSERT_EQUAL(ip_route(&tables, group, &packet), VERDICT_PUNT);
    CU_ASSERT_EQUAL(packet.punt, PUNT_UNREACHABLE);
    group->action = FIB_PROHIBIT;
    CU_ASSERT_EQUAL(ip_route(&tables, group, &packet), VERDICT_PUNT);
    CU_ASSERT_EQUAL(packet.punt, PUNT_PROHIBITED);

    group->action = FIB_FORWARD;
    group->n = 1;
    group->hop[0] = (struct nexthop){.port = 1};
    CU_ASSERT_EQUAL(ip_route(&tables, group, &packet), VERDICT_CONTINUE);
    CU_ASSERT_EQUAL(packet.out_port, 1);
    CU_ASSERT_EQUAL(packet.nexthop, addr_of("10.9.9.9"));
    group->hop[0].gateway = addr_of("10.0.2.2");
    CU_ASSERT_EQUAL(ip_route(&tables, group, &packet), VERDICT_CONTINUE);
    CU_ASSERT_EQUAL(packet.nexthop, addr_of("10.0.2.2"));

    group->hop[0].port = 3; /* the loopback's network */
    CU_ASSERT_EQUAL(ip_route(&tables, group, &packet), VERDICT_PUNT);
    CU_ASSERT_EQUAL(packet.punt, PUNT_UNREACHABLE);
    group->hop[0].port = 77; /* nothing there */
    CU_ASSERT_EQUAL(ip_route(&tables, group, &packet), VERDICT_DROP);
    CU_ASSERT_EQUAL(packet.drop, DROP_PORT_DOWN);
    group->hop[0].port = 1;
    ports[1]->up = false;
    packet.drop = DROP__COUNT;
    CU_ASSERT_EQUAL(ip_route(&tables, group, &packet), VERDICT_DROP);
    CU_ASSERT_EQUAL(packet.drop, DROP_PORT_DOWN);
    free(group);
    frame_free(&packet);
    tear_down();
}

enum { FLOWS = 8000 };

/* Which hop of N each of FLOWS flows takes, by source port. */
static void ways_of(const struct nexthop_group *group, uint32_t ways[FLOWS])
{
    struct packet packet = checked(0, &(struct frame_spec){TO_FAR});
    for (unsigned i = 0; i < FLOWS; i++) {
        store_be16(packet_ip(&packet) + 20, (uint16_t)(1024 + i));
        CU_ASSERT_EQUAL(ip_route(&tables, group, &packet), VERDICT_CONTINUE);
        ways[i] = packet.nexthop;
    }
    frame_free(&packet);
}

static struct nexthop_group *four_ways(void)
{
    struct nexthop_group *group = group_of(FIB_FORWARD, 4);
    for (unsigned i = 0; i < 4; i++)
        group->hop[i] = (struct nexthop){.gateway = addr_of("10.0.2.2") + i, .port = 1};
    return group;
}

static void flows_spread_evenly_over_equal_cost_hops(void)
{
    static uint32_t ways[FLOWS], again[FLOWS];
    set_up();
    struct nexthop_group *group = four_ways();
    ways_of(group, ways);
    unsigned n[4] = {0};
    for (unsigned i = 0; i < FLOWS; i++)
        n[ways[i] - addr_of("10.0.2.2")]++;
    for (unsigned i = 0; i < 4; i++)
        CU_ASSERT_TRUE(n[i] > FLOWS / 4 * 9 / 10 && n[i] < FLOWS / 4 * 11 / 10);

    ways_of(group, again); /* a flow keeps its way */
    CU_ASSERT_EQUAL(memcmp(ways, again, sizeof ways), 0);

    tables.flow_seed++; /* another router chooses otherwise */
    ways_of(group, again);
    unsigned moved = 0;
    for (unsigned i = 0; i < FLOWS; i++)
        moved += ways[i] != again[i];
    CU_ASSERT_TRUE(moved > FLOWS / 2);
    free(group);
    tear_down();
}

static void a_lost_hop_moves_only_its_own_flows(void)
{
    static uint32_t before[FLOWS], after[FLOWS];
    set_up();
    struct nexthop_group *group = four_ways();
    group->hop[3].port = 2;
    ways_of(group, before);
    ports[2]->up = false; /* its port goes down before the FIB has heard of it */
    ways_of(group, after);
    bool right = true;
    for (unsigned i = 0; i < FLOWS; i++)
        right =
            right && after[i] != group->hop[3].gateway && (before[i] == group->hop[3].gateway || before[i] == after[i]);
    CU_ASSERT_TRUE(right);

    group->n = 3; /* and the same when it is gone from the FIB */
    ways_of(group, before);
    CU_ASSERT_EQUAL(memcmp(before, after, sizeof before), 0);
    free(group);
    tear_down();
}

static void fragments_of_a_datagram_keep_together(void)
{
    set_up();
    struct packet first = checked(0, &(struct frame_spec){TO_FAR, .fragment = IP_MF, .src_port = 5});
    struct packet second = checked(0, &(struct frame_spec){TO_FAR, .fragment = IP_MF | 3, .src_port = 6});
    struct packet last = checked(0, &(struct frame_spec){TO_FAR, .fragment = 6, .src_port = 7});
    CU_ASSERT_EQUAL(ip_flow_hash(&first, 1), ip_flow_hash(&second, 1));
    CU_ASSERT_EQUAL(ip_flow_hash(&first, 1), ip_flow_hash(&last, 1));
    frame_free(&first);
    frame_free(&second);
    frame_free(&last);
    /* Without fragmentation ports tell flows apart; of a protocol without ports they are just data. */
    struct packet a = checked(0, &(struct frame_spec){TO_FAR, .src_port = 5});
    struct packet b = checked(0, &(struct frame_spec){TO_FAR, .src_port = 6});
    CU_ASSERT_NOT_EQUAL(ip_flow_hash(&a, 1), ip_flow_hash(&b, 1));
    a.ip.protocol = b.ip.protocol = PROTO_ICMP;
    CU_ASSERT_EQUAL(ip_flow_hash(&a, 1), ip_flow_hash(&b, 1));
    frame_free(&a);
    frame_free(&b);
    struct packet tiny = checked(0, &(struct frame_spec){TO_FAR, .len = 3});
    ip_flow_hash(&tiny, 1); /* reads no byte that is not there: the sanitizer would tell */
    frame_free(&tiny);
    tear_down();
}

static struct packet routed(const struct frame_spec *spec)
{
    struct packet packet = checked(0, spec);
    packet.out_port = 1;
    packet.nexthop = addr_of("10.0.2.2");
    return packet;
}

static void what_can_not_leave_is_punted_in_this_order(void)
{
    set_up();
    ports[1]->mtu = 576;
    neighbour_known = false;
    /* Each packet has the faults of those below it too. */
    static const struct {
        uint8_t ttl;
        uint16_t fragment;
        size_t len;
        enum punt why;
    } cases[] = {
        {1, IP_DF, 600, PUNT_TTL},
        {2, IP_DF, 557, PUNT_TOO_BIG},
        {2, IP_DF, 556, PUNT_RESOLVE},
        {2, 0, 600, PUNT_RESOLVE},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct packet packet = routed(
            &(struct frame_spec){TO_FAR, .ttl = cases[i].ttl, .fragment = cases[i].fragment, .len = cases[i].len});
        uint8_t *before = malloc(packet.len);
        memcpy(before, packet.frame, packet.len);
        bool redirect = true;
        CU_ASSERT_EQUAL(ip_rewrite(&tables, &packet, &redirect), VERDICT_PUNT);
        CU_ASSERT_EQUAL(packet.punt, cases[i].why);
        CU_ASSERT_FALSE(redirect);
        CU_ASSERT_EQUAL(memcmp(before, packet.frame, packet.len), 0); /* the ICMP error quotes what came in */
        if (packet.punt == PUNT_TOO_BIG)
            CU_ASSERT_EQUAL(packet.mtu, 576);
        free(before);
        frame_free(&packet);
    }
    ports[1]->up = false;
    struct packet packet = routed(&(struct frame_spec){TO_FAR});
    bool redirect;
    CU_ASSERT_EQUAL(ip_rewrite(&tables, &packet, &redirect), VERDICT_DROP);
    CU_ASSERT_EQUAL(packet.drop, DROP_PORT_DOWN);
    frame_free(&packet);
    tear_down();
}

static void only_header_ttl_and_checksum_change(void)
{
    set_up();
    struct packet packet = routed(&(struct frame_spec){TO_FAR, .ttl = 64, .tos = 0xb9, .id = 0xbeef, .fragment = IP_DF,
                                                       .protocol = PROTO_TCP, .len = 100});
    uint8_t expected[ETHERNET_HEADER + 120];
    CU_ASSERT_EQUAL_FATAL(packet.len, sizeof expected);
    memcpy(expected, packet.frame, sizeof expected);
    memcpy(expected, adjacency.ethernet, ETHERNET_HEADER);
    expected[ETHERNET_HEADER + IP_AT_TTL] = 63;
    store_be16(expected + ETHERNET_HEADER + IP_AT_CHECKSUM, 0);
    store_be16(expected + ETHERNET_HEADER + IP_AT_CHECKSUM,
               checksum_finish(checksum_add(0, expected + ETHERNET_HEADER, 20)));
    bool redirect;
    CU_ASSERT_EQUAL(ip_rewrite(&tables, &packet, &redirect), VERDICT_CONTINUE);
    CU_ASSERT_EQUAL(memcmp(packet.frame, expected, sizeof expected), 0);
    CU_ASSERT_EQUAL(packet.ip.ttl, 63);
    CU_ASSERT_FALSE(ip_must_fragment(&packet, 1500));
    frame_free(&packet);
    tear_down();
}

/* Whether a header of this word of TTL and protocol, and this id, is right after its TTL was lowered. */
static bool checksum_survives(struct packet *packet, uint16_t word, uint16_t id)
{
    packet->ip.ttl = (uint8_t)(word >> 8);
    packet->ip.protocol = (uint8_t)word;
    packet->ip.id = id;
    ip_write(packet_ip(packet), &packet->ip, NULL);
    ip_commit(packet);

    uint8_t summed[IP_HEADER_MIN];
    memcpy(summed, packet_ip(packet), sizeof summed);
    uint16_t check = load_be16(summed + IP_AT_CHECKSUM);
    store_be16(summed + IP_AT_CHECKSUM, 0);
    return check == checksum_finish(checksum_add(0, summed, sizeof summed)) &&
           load_be16(summed + IP_AT_TTL) == word - 0x100 && load_be16(summed + IP_AT_ID) == id;
}

static void the_checksum_stays_right_for_every_ttl_protocol_and_sum(void)
{
    set_up();
    struct packet packet = routed(&(struct frame_spec){TO_FAR});
    packet.adjacency = &adjacency;
    bool right = true;
    for (unsigned word = 0x200; word <= 0xffff; word++)
        right = right && checksum_survives(&packet, (uint16_t)word, 0x1234);
    for (unsigned id = 0; id <= 0xffff; id++) /* the rest of the header sums to everything that it can */
        right = right && checksum_survives(&packet, 0x4011, (uint16_t)id) &&
                checksum_survives(&packet, 0x0211, (uint16_t)id) && checksum_survives(&packet, 0xff06, (uint16_t)id);
    CU_ASSERT_TRUE(right);
    frame_free(&packet);
    tear_down();
}

static void a_packet_of_our_own_keeps_its_ttl(void)
{
    set_up();
    struct packet packet = routed(&(struct frame_spec){TO_FAR, .ttl = 1});
    packet.port = PORT_NONE;
    bool redirect;
    CU_ASSERT_EQUAL(ip_rewrite(&tables, &packet, &redirect), VERDICT_CONTINUE);
    CU_ASSERT_EQUAL(packet_ip(&packet)[IP_AT_TTL], 1);
    CU_ASSERT_EQUAL(memcmp(packet.frame, adjacency.ethernet, ETHERNET_HEADER), 0);
    frame_free(&packet);
    tear_down();
}

/* Whoever receives describes one packet after another in the same memory. */
static void nothing_is_left_of_the_packet_before(void)
{
    set_up();
    neighbour_known = false;
    struct packet packet = frame_new(0, &(struct frame_spec){TO_FAR});
    packet.adjacency = &adjacency;
    CU_ASSERT_EQUAL(ip_check(&tables, own, ports[0], &packet), VERDICT_CONTINUE);
    packet.out_port = 1;
    packet.nexthop = addr_of("10.0.2.2");
    bool redirect;
    CU_ASSERT_EQUAL(ip_rewrite(&tables, &packet, &redirect), VERDICT_PUNT);
    CU_ASSERT_EQUAL(packet.punt, PUNT_RESOLVE);

    packet.adjacency = &adjacency; /* but what is known when it has waited for its neighbour is kept */
    CU_ASSERT_EQUAL(ip_rewrite(&tables, &packet, &redirect), VERDICT_CONTINUE);
    frame_free(&packet);
    tear_down();
}

static void only_an_unfinished_crc_is_finished_here(void)
{
    enum { SCTP = 132, TRANSPORT = ETHERNET_HEADER + IP_HEADER_MIN };
    set_up();
    struct packet udp = routed(&(struct frame_spec){TO_FAR});
    udp.vnet = (struct virtio_net_hdr){.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = TRANSPORT, .csum_offset = 6};
    bool redirect;
    CU_ASSERT_EQUAL(ip_rewrite(&tables, &udp, &redirect), VERDICT_CONTINUE);
    CU_ASSERT_TRUE(packet_checksum_unfinished(&udp)); /* the way out can do that */
    frame_free(&udp);

    struct packet sctp = routed(&(struct frame_spec){TO_FAR, .protocol = SCTP});
    sctp.vnet =
        (struct virtio_net_hdr){.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = TRANSPORT, .csum_offset = 8};
    CU_ASSERT_EQUAL(ip_rewrite(&tables, &sctp, &redirect), VERDICT_CONTINUE);
    CU_ASSERT_FALSE(packet_checksum_unfinished(&sctp));
    frame_free(&sctp);
    tear_down();
}

static void a_redirect_is_considered_only_for_a_neighbour_of_the_next_hop(void)
{
    static const struct {
        const char *src, *nexthop;
        unsigned out;
        bool switched_on, expected;
    } cases[] = {
        {"10.0.1.9", "10.0.1.7", 0, true, true},   {"10.0.1.9", "10.0.1.7", 0, false, false},
        {"10.0.1.9", "10.0.2.2", 1, true, false},  {"10.8.8.8", "10.0.1.7", 0, true, false},
        {"10.0.1.9", "10.77.0.1", 0, true, false},
    };
    set_up();
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct packet packet =
            checked(0, &(struct frame_spec){.src = addr_of(cases[i].src), .dst = addr_of("10.9.9.9")});
        packet.out_port = (uint16_t)cases[i].out;
        packet.nexthop = addr_of(cases[i].nexthop);
        ports[cases[i].out]->redirects = cases[i].switched_on;
        bool redirect = !cases[i].expected;
        CU_ASSERT_EQUAL(ip_rewrite(&tables, &packet, &redirect), VERDICT_CONTINUE);
        CU_ASSERT_EQUAL(redirect, cases[i].expected);
        frame_free(&packet);
    }
    tear_down();
}

static void a_gso_packet_is_as_big_as_its_segments(void)
{
    uint8_t tcp[30000] = {[12] = 0x50};
    set_up();
    struct packet packet =
        routed(&(struct frame_spec){TO_FAR, .protocol = PROTO_TCP, .fragment = IP_DF, .data = tcp, .len = sizeof tcp});
    packet.vnet = (struct virtio_net_hdr){.gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .gso_size = 1460};
    bool redirect;
    CU_ASSERT_EQUAL(ip_prepare(&tables, &packet, &redirect), VERDICT_CONTINUE);
    CU_ASSERT_FALSE(ip_must_fragment(&packet, 1500));
    CU_ASSERT_TRUE(ip_must_fragment(&packet, 1499));
    packet.vnet.gso_size = 1461;
    CU_ASSERT_EQUAL(ip_prepare(&tables, &packet, &redirect), VERDICT_PUNT);
    CU_ASSERT_EQUAL(packet.punt, PUNT_TOO_BIG);
    packet.ip.fragment = 0; /* without DF it goes on, to be cut */
    CU_ASSERT_EQUAL(ip_prepare(&tables, &packet, &redirect), VERDICT_CONTINUE);
    frame_free(&packet);
    tear_down();
}

static const struct unit_case all[] = {
    {"each address has its verdict", each_address_has_its_verdict},
    {"time to live zero is delivered to us", time_to_live_zero_is_delivered_to_us},
    {"a broken header is dropped", a_broken_header_is_dropped},
    {"Ethernet padding is trimmed", ethernet_padding_is_trimmed},
    {"nonsense of the offload is dropped", nonsense_of_the_offload_is_dropped},
    {"each kind of route has its verdict", each_kind_of_route_has_its_verdict},
    {"flows spread evenly over equal-cost hops", flows_spread_evenly_over_equal_cost_hops},
    {"a lost hop moves only its own flows", a_lost_hop_moves_only_its_own_flows},
    {"fragments of a datagram keep together", fragments_of_a_datagram_keep_together},
    {"what can not leave is punted in this order", what_can_not_leave_is_punted_in_this_order},
    {"only header, TTL and checksum change", only_header_ttl_and_checksum_change},
    {"the checksum stays right for every TTL, protocol and sum",
     the_checksum_stays_right_for_every_ttl_protocol_and_sum},
    {"a packet of our own keeps its TTL", a_packet_of_our_own_keeps_its_ttl},
    {"nothing is left of the packet before", nothing_is_left_of_the_packet_before},
    {"only an unfinished CRC is finished here", only_an_unfinished_crc_is_finished_here},
    {"a redirect is considered only for a neighbour of the next hop",
     a_redirect_is_considered_only_for_a_neighbour_of_the_next_hop},
    {"a GSO packet is as big as its segments", a_gso_packet_is_as_big_as_its_segments},
};
UNIT_MAIN("forward", all)
