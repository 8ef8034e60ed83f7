/* Following packets: what a watch is told, how much it may cost, and its life. */
#include "forwarding/trace.h"

#include <stdlib.h>
#include <string.h>

#include "forwarding/explain.h"
#include "tests/unit/support/router.h"

static struct router r;
static bool woken; /* the core, by the last burst */

struct watched {
    struct trace_watch watch; /* first */
    uint8_t protocol;         /* of the packets that it wants */
    unsigned n;
    uint32_t len, kept;
    uint16_t port;
    bool control, released;
    enum explain_end end;
    enum drop drop;
    uint8_t ttl;
    bool untouched; /* the bytes are as they came in */
};

static bool wants(const struct trace_watch *self, unsigned port, const uint8_t *frame, uint32_t len, uint32_t wire_len)
{
    (void)port;
    (void)wire_len;
    return len > ETHERNET_HEADER + IP_AT_PROTOCOL &&
           frame[ETHERNET_HEADER + IP_AT_PROTOCOL] == ((const struct watched *)self)->protocol;
}

static void explained(struct trace_watch *self, const struct traced *traced, struct now now)
{
    struct watched *w = (struct watched *)self;
    (void)now;
    w->n++;
    w->len = traced->packet->len;
    w->kept = traced->kept;
    w->port = traced->packet->port;
    w->control = traced->control;
    w->end = traced->why->end;
    w->drop = traced->why->drop;
    w->ttl = traced->packet->ip.ttl;
    w->untouched = traced->packet->frame[ETHERNET_HEADER + IP_AT_TTL] == w->ttl;
}

static void release(struct trace_watch *self)
{
    ((struct watched *)self)->released = true;
}

static struct watched watch_of(uint8_t protocol)
{
    return (struct watched){
        .watch = {.wants = protocol != 0 ? wants : NULL, .explained = explained, .release = release},
        .protocol = protocol};
}

static void by_lane(unsigned n, struct frame_spec spec)
{
    struct packet burst[LANE_BURST];
    spec.dst_mac = router_port_mac[0];
    for (unsigned i = 0; i < n; i++)
        burst[i] = frame_new(0, &spec);
    woken = lane_forward(r.d->lanes[0], burst, n, r.now);
    for (unsigned i = 0; i < n; i++)
        frame_free(&burst[i]);
}

static void a_watch_is_told_of_what_it_wants(void)
{
    router_begin(&r);
    struct watched udp = watch_of(PROTO_UDP), all = watch_of(0);
    CU_ASSERT_TRUE(trace_start(r.d, &udp.watch));
    CU_ASSERT_TRUE(trace_start(r.d, &all.watch));
    by_lane(1, (struct frame_spec){.src = HOST_1, .dst = HOST_2, .ttl = 9});
    CU_ASSERT_TRUE(woken);
    CU_ASSERT_EQUAL(udp.n, 0); /* the core has not come to it */
    router_run(&r);
    CU_ASSERT_EQUAL(udp.n, 1);
    CU_ASSERT_EQUAL(all.n, 1);
    CU_ASSERT_EQUAL(udp.end, EXPLAIN_FORWARDED);
    CU_ASSERT_EQUAL(udp.ttl, 9);
    CU_ASSERT_TRUE(udp.untouched);
    CU_ASSERT_FALSE(udp.control);
    by_lane(1, (struct frame_spec){.src = HOST_1, .dst = HOST_2, .ttl = 1, .protocol = PROTO_ICMP});
    router_run(&r);
    CU_ASSERT_EQUAL(udp.n, 1);
    CU_ASSERT_EQUAL(all.n, 2);
    CU_ASSERT_EQUAL(all.end, EXPLAIN_DROPPED);
    CU_ASSERT_EQUAL(all.drop, DROP_TTL);
    router_arp(&r, 0, 1, HOST_1, ROUTER_1);
    CU_ASSERT_EQUAL(all.n, 3);
    CU_ASSERT_TRUE(all.control);
    CU_ASSERT_EQUAL(all.end, EXPLAIN_ARP_TAKEN);
    trace_stop(r.d, &udp.watch);
    trace_stop(r.d, &all.watch);
    CU_ASSERT_TRUE(udp.released && all.released);
    router_end(&r);
}

static void a_large_packet_is_kept_in_part_and_explained_whole(void)
{
    router_begin(&r);
    struct watched all = watch_of(0);
    CU_ASSERT_TRUE(trace_start(r.d, &all.watch));
    by_lane(1, (struct frame_spec){.src = HOST_1, .dst = HOST_2, .len = 5000});
    router_run(&r);
    CU_ASSERT_EQUAL(all.n, 1);
    CU_ASSERT_EQUAL(all.len, ETHERNET_HEADER + IP_HEADER_MIN + 5000);
    CU_ASSERT_EQUAL(all.kept, PUNT_QUOTE);
    CU_ASSERT_EQUAL(all.end, EXPLAIN_FORWARDED);
    by_lane(1, (struct frame_spec){.src = HOST_1, .dst = ROUTER_1, .len = 5000});
    router_run(&r);
    CU_ASSERT_EQUAL(all.end, EXPLAIN_DELIVERED); /* its checksum is taken for right */
    trace_stop(r.d, &all.watch);
    router_end(&r);
}

static void copies_and_looks_are_bounded_and_the_rest_is_counted(void)
{
    router_begin(&r);
    struct watched udp = watch_of(PROTO_UDP);
    CU_ASSERT_TRUE(trace_start(r.d, &udp.watch));
    for (unsigned i = 0; i < 10; i++) {
        by_lane(50, (struct frame_spec){.src = HOST_1, .dst = HOST_2});
        router_run(&r);
    }
    CU_ASSERT_EQUAL(udp.n, TRACE_COPIES_BURST);
    CU_ASSERT_EQUAL(trace_missed(r.d), 500 - TRACE_COPIES_BURST);
    struct frame_spec other = {.dst_mac = router_port_mac[0], .src = HOST_1, .dst = HOST_2, .protocol = PROTO_ICMP};
    struct packet packet = frame_new(0, &other);
    for (unsigned i = 500; i < TRACE_LOOKS_BURST + 7; i++)
        trace_burst(r.d->lanes[0], &packet, 1, r.now);
    frame_free(&packet);
    CU_ASSERT_EQUAL(trace_missed(r.d), 500 - TRACE_COPIES_BURST + 7);
    r.now.ns += NS_PER_S;
    by_lane(1, (struct frame_spec){.src = HOST_1, .dst = HOST_2});
    router_run(&r);
    CU_ASSERT_EQUAL(udp.n, TRACE_COPIES_BURST + 1);
    trace_stop(r.d, &udp.watch);
    router_end(&r);
}

static void a_few_watch_at_once_and_none_after_its_end(void)
{
    router_begin(&r);
    struct watched w[TRACE_WATCHES + 1];
    for (unsigned i = 0; i <= TRACE_WATCHES; i++) {
        w[i] = watch_of(0);
        CU_ASSERT_EQUAL(trace_start(r.d, &w[i].watch), i < TRACE_WATCHES);
    }
    by_lane(1, (struct frame_spec){.src = HOST_1, .dst = HOST_2});
    trace_stop(r.d, &w[1].watch);
    router_run(&r);
    CU_ASSERT_EQUAL(w[0].n, 1);
    CU_ASSERT_EQUAL(w[1].n, 0);
    CU_ASSERT_TRUE(trace_start(r.d, &w[TRACE_WATCHES].watch));
    by_lane(1, (struct frame_spec){.src = HOST_1, .dst = HOST_2});
    for (unsigned i = 0; i <= TRACE_WATCHES; i++)
        if (i != 1)
            trace_stop(r.d, &w[i].watch);
    CU_ASSERT_FALSE(trace_wanted(&r.d->tables));
    router_run(&r); /* what was copied for nobody is forgotten */
    CU_ASSERT_EQUAL(w[TRACE_WATCHES].n, 0);
    router_end(&r);
}

static const struct unit_case cases[] = {
    {"a watch is told of what it wants", a_watch_is_told_of_what_it_wants},
    {"a large packet is kept in part and explained whole", a_large_packet_is_kept_in_part_and_explained_whole},
    {"copies and looks are bounded and the rest is counted", copies_and_looks_are_bounded_and_the_rest_is_counted},
    {"a few watch at once, and none after its end", a_few_watch_at_once_and_none_after_its_end},
};
UNIT_MAIN("trace", cases)
