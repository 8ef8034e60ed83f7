/* The neighbour table in simulated time: timers, hooks that write down what they are told, and a "later" that waits
 * until it is told that lanes are quiescent. */
#include "forwarding/neighbour.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "forwarding/bytes.h"
#include "forwarding/counters.h"
#include "tests/unit/support/frames.h"
#include "tests/unit/support/unit.h"

#define LOG_MAX 256

struct request {
    uint64_t ns;
    uint32_t addr;
    uint16_t port;
    bool unicast;
    uint8_t mac[6];
};

struct sent {
    uint16_t id;
    uint32_t addr;
    uint8_t dst[6], src[6];
    bool published; /* did lanes see the neighbour when it was sent? */
};

struct deferred {
    void (*release)(void *object);
    void *object;
};

static struct {
    struct timers timers;
    struct later later;
    struct neighbours *n;
    struct port *port[2];
    struct now now;
    uint64_t random;

    struct request requests[LOG_MAX];
    unsigned n_requests;
    struct sent sent[LOG_MAX];
    unsigned n_sent;
    unsigned dropped[DROP__COUNT], n_dropped;
    uint16_t last_dropped;
    unsigned about, logs;
    char text[200];
    unsigned timer_runs;
    struct packet *during_publish; /* output while about_to_publish runs */
    uint64_t used[NEIGHBOUR_MAX];
    struct deferred deferred[1 << 17];
    unsigned n_deferred;
    bool at_once;
} w;

static const uint8_t mac_a[6] = {2, 0, 0, 0, 0, 0xa};
static const uint8_t mac_b[6] = {2, 0, 0, 0, 0, 0xb};

static void hook_send(void *context, struct packet *packet, struct now now)
{
    (void)context, (void)now;
    struct sent *to = &w.sent[w.n_sent++ % LOG_MAX];
    *to = (struct sent){.id = load_be16(packet_ip(packet) + IP_AT_ID), .addr = packet->adjacency->addr};
    memcpy(to->dst, packet->adjacency->ethernet, 6);
    memcpy(to->src, packet->adjacency->ethernet + 6, 6);
    to->published = neighbour_find(w.n, packet->adjacency->port, packet->adjacency->addr) != NULL;
    CU_ASSERT_EQUAL((uintptr_t)packet_ip(packet) % 4, 0);
}

static void hook_drop(void *context, struct packet *packet, enum drop why, struct now now)
{
    (void)context, (void)now;
    w.dropped[why]++;
    w.n_dropped++;
    w.last_dropped = load_be16(packet_ip(packet) + IP_AT_ID);
}

static void hook_request(void *context, const struct port *port, uint32_t addr, const uint8_t *to_mac, struct now now)
{
    (void)context;
    struct request *to = &w.requests[w.n_requests++ % LOG_MAX];
    *to = (struct request){.ns = now.ns, .addr = addr, .port = port->number, .unicast = to_mac != NULL};
    if (to_mac != NULL)
        memcpy(to->mac, to_mac, 6);
}

static void hook_about(void *context, struct now now)
{
    (void)context;
    w.about++;
    if (w.during_publish != NULL)
        neighbour_output(w.n, w.port[0], w.during_publish, now);
}

static uint64_t hook_last_used(void *context, uint32_t number)
{
    (void)context;
    return w.used[number];
}

static void hook_log(void *context, const char *text)
{
    (void)context;
    w.logs++;
    strncpy(w.text, text, sizeof w.text - 1);
}

static uint64_t hook_random(void *context)
{
    (void)context;
    w.random = w.random * UINT64_C(6364136223846793005) + 1;
    return w.random >> 16;
}

static void defer(struct later *later, void (*release)(void *), void *object)
{
    (void)later;
    if (w.at_once || w.n_deferred == sizeof w.deferred / sizeof w.deferred[0])
        release(object);
    else
        w.deferred[w.n_deferred++] = (struct deferred){release, object};
}

static void quiescent(void)
{
    for (unsigned i = 0; i < w.n_deferred; i++)
        w.deferred[i].release(w.deferred[i].object);
    w.n_deferred = 0;
}

static struct port *new_port(uint16_t number, const char *addr, uint8_t len)
{
    struct port *port = port_new(1);
    port->number = number;
    port->name[0] = 'r';
    port->name[1] = (char)('0' + number);
    port->mac[0] = 2;
    port->mac[5] = (uint8_t)(number + 1);
    port->mtu = 1500;
    port->up = true;
    port->arp_timeout_s = 1200;
    port->addresses[0] = (struct prefix){addr_of(addr), len};
    return port;
}

static void setup_of(unsigned most, size_t waiting)
{
    memset(&w, 0, sizeof w);
    w.now.ns = 1000 * NS_PER_S + 300 * NS_PER_MS;
    w.later.defer = defer;
    w.port[0] = new_port(0, "10.0.0.1", 8);
    w.port[1] = new_port(1, "192.168.1.1", 24);
    timers_init(&w.timers, &w);
    struct neighbour_hooks hooks = {
        .context = &w,
        .send = hook_send,
        .drop = hook_drop,
        .request = hook_request,
        .about_to_publish = hook_about,
        .last_used = hook_last_used,
        .log = hook_log,
        .random = hook_random,
    };
    w.n = neighbours_new(most, waiting, &hooks, &w.timers, &w.later);
    neighbours_port_changed(w.n, w.port[0], w.now);
    neighbours_port_changed(w.n, w.port[1], w.now);
}

static void setup(void)
{
    setup_of(1024, 1 << 20);
}

static void teardown(void)
{
    neighbours_free(w.n);
    quiescent();
    timers_exit(&w.timers);
    free(w.port[0]);
    free(w.port[1]);
}

static void run_until(uint64_t ns)
{
    while (timers_due(&w.timers) <= ns) {
        uint64_t due = timers_due(&w.timers);
        w.now.ns = due > w.now.ns ? due : w.now.ns;
        timers_run(&w.timers, w.now, 1000);
        w.timer_runs++;
    }
    w.now.ns = ns;
}

static void run_ms(uint64_t ms)
{
    run_until(w.now.ns + ms * NS_PER_MS);
}

static void run_s(uint64_t s)
{
    run_ms(s * 1000);
}

static void output_sized(unsigned port, uint32_t addr, uint16_t id, size_t len)
{
    struct packet packet =
        frame_new(1, &(struct frame_spec){.src = addr_of("192.168.1.7"), .dst = addr, .id = id, .len = len});
    packet.out_port = (uint16_t)port;
    packet.nexthop = addr;
    neighbour_output(w.n, w.port[port], &packet, w.now);
    frame_free(&packet);
}

static void output(uint32_t addr, uint16_t id)
{
    output_sized(0, addr, id, 100);
}

static void heard(uint32_t addr, const uint8_t *mac, bool create, bool confirmed)
{
    neighbour_heard(w.n, w.port[0], addr, mac, create, confirmed, w.now);
}

static const struct adjacency *find(uint32_t addr)
{
    return neighbour_find(w.n, 0, addr);
}

/* A lane sends something to ADDR, as lanes mark it. */
static void lane_uses(uint32_t addr)
{
    const struct adjacency *a = find(addr);
    CU_ASSERT_PTR_NOT_NULL_FATAL(a);
    w.used[a->number] = w.now.ns / NS_PER_S * NS_PER_S;
}

static int state_of(uint32_t addr)
{
    uint64_t cursor = 0;
    struct neighbour_view view;
    while (neighbours_next(w.n, &cursor, &view, w.now))
        if (view.addr == addr)
            return (int)view.state;
    return -1;
}

static uint32_t host(unsigned i)
{
    return addr_of("10.0.0.0") + i;
}

/* ---- resolving ---- */

static void check_three_requests(void)
{
    setup();
    uint64_t start = w.now.ns;
    output(host(5), 1);
    CU_ASSERT_EQUAL(w.n_requests, 1);
    run_ms(2500);
    CU_ASSERT_EQUAL(w.n_requests, 3);
    for (unsigned i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(w.requests[i].ns, start + i * NS_PER_S);
        CU_ASSERT_EQUAL(w.requests[i].addr, host(5));
        CU_ASSERT_FALSE(w.requests[i].unicast);
    }
    CU_ASSERT_EQUAL(w.n_dropped, 0);
    run_ms(600);
    CU_ASSERT_EQUAL(w.n_requests, 3);
    CU_ASSERT_EQUAL(w.dropped[DROP_NEIGHBOUR_FAILED], 1);
    CU_ASSERT_EQUAL(state_of(host(5)), -1);
    CU_ASSERT_EQUAL(neighbours_totals(w.n).failed, 1);
    CU_ASSERT_EQUAL(timers_due(&w.timers), NEVER_NS);
    teardown();
}

static void check_failed_all(void)
{
    setup();
    for (uint16_t i = 0; i < 5; i++)
        output(host(5), i);
    CU_ASSERT_EQUAL(neighbours_held(w.n, 1), 5);
    CU_ASSERT_EQUAL(neighbours_held(w.n, 0), 0);
    run_s(4);
    CU_ASSERT_EQUAL(w.dropped[DROP_NEIGHBOUR_FAILED], 5);
    CU_ASSERT_EQUAL(neighbours_held(w.n, 1), 0);
    teardown();
}

static void check_order(void)
{
    setup();
    for (uint16_t i = 1; i <= 4; i++)
        output(host(5), i);
    struct packet late = frame_new(1, &(struct frame_spec){.dst = host(5), .id = 5});
    late.nexthop = host(5);
    w.during_publish = &late;
    CU_ASSERT_PTR_NULL(find(host(5)));
    heard(host(5), mac_a, false, true);
    CU_ASSERT_EQUAL(w.about, 1);
    CU_ASSERT_EQUAL_FATAL(w.n_sent, 5);
    for (unsigned i = 0; i < 5; i++) {
        CU_ASSERT_EQUAL(w.sent[i].id, i + 1);
        CU_ASSERT_FALSE(w.sent[i].published);
        CU_ASSERT_EQUAL(memcmp(w.sent[i].dst, mac_a, 6), 0);
        CU_ASSERT_EQUAL(memcmp(w.sent[i].src, w.port[0]->mac, 6), 0);
    }
    CU_ASSERT_PTR_NOT_NULL(find(host(5)));
    CU_ASSERT_EQUAL(neighbours_held(w.n, 1), 0);
    w.during_publish = NULL;
    output(host(5), 6);
    CU_ASSERT_EQUAL(w.n_sent, 6);
    CU_ASSERT_TRUE(w.sent[5].published);
    frame_free(&late);
    teardown();
}

static void check_queue_newest(void)
{
    setup();
    for (uint16_t i = 0; i < NEIGHBOUR_WAITING + 4; i++)
        output(host(5), i);
    CU_ASSERT_EQUAL(w.dropped[DROP_NEIGHBOUR_QUEUE], 4);
    CU_ASSERT_EQUAL(w.last_dropped, 3);
    CU_ASSERT_EQUAL(neighbours_held(w.n, 1), NEIGHBOUR_WAITING);
    heard(host(5), mac_a, false, true);
    CU_ASSERT_EQUAL(w.n_sent, NEIGHBOUR_WAITING);
    CU_ASSERT_EQUAL(w.sent[0].id, 4);
    teardown();
}

static void check_queue_pool(void)
{
    setup_of(1024, 1);
    for (unsigned h = 5; h < 10; h++)
        for (uint16_t i = 0; i < 6; i++)
            output(host(h), i);
    CU_ASSERT_EQUAL(neighbours_held(w.n, 1), 15);
    heard(host(7), mac_a, false, true);
    CU_ASSERT_EQUAL(w.n_sent, 3);
    CU_ASSERT_EQUAL(w.sent[0].id, 3);
    CU_ASSERT_EQUAL(w.sent[2].id, 5);
    teardown();
}

static void check_one_a_second(void)
{
    setup();
    output(host(5), 1);
    neighbours_clear(w.n, PORT_NONE, 0, w.now);
    CU_ASSERT_EQUAL(w.n_dropped, 1);
    run_ms(200);
    output(host(5), 2);
    CU_ASSERT_EQUAL(w.n_requests, 1);
    output(host(6), 2);
    CU_ASSERT_EQUAL(w.n_requests, 2);
    run_ms(850);
    CU_ASSERT_EQUAL(w.n_requests, 3);
    CU_ASSERT_EQUAL(w.requests[2].addr, host(5));
    CU_ASSERT_TRUE(w.requests[2].ns >= w.requests[0].ns + NS_PER_S);
    teardown();
}

static void check_asks_again(void)
{
    setup();
    output(host(5), 1);
    run_ms(3001);
    CU_ASSERT_EQUAL(w.dropped[DROP_NEIGHBOUR_FAILED], 1);
    output(host(5), 2);
    CU_ASSERT_EQUAL(w.n_requests, 4);
    heard(host(5), mac_a, false, true);
    CU_ASSERT_EQUAL(w.n_sent, 1);
    teardown();
}

static void check_impossible(void)
{
    setup();
    output(addr_of("224.0.0.5"), 1);
    output(0, 2);
    output(addr_of("255.255.255.255"), 3);
    CU_ASSERT_EQUAL(w.dropped[DROP_NEIGHBOUR_FAILED], 3);
    CU_ASSERT_EQUAL(w.n_requests, 0);
    CU_ASSERT_EQUAL(neighbours_totals(w.n).entries, 0);
    teardown();
}

/* ---- ageing ---- */

static void check_unused_ages(void)
{
    setup();
    heard(host(5), mac_a, true, false);
    CU_ASSERT_EQUAL(state_of(host(5)), NEIGHBOUR_REACHABLE);
    run_s(1199);
    CU_ASSERT_EQUAL(state_of(host(5)), NEIGHBOUR_REACHABLE);
    run_s(2);
    CU_ASSERT_EQUAL(state_of(host(5)), NEIGHBOUR_STALE);
    CU_ASSERT_PTR_NOT_NULL(find(host(5)));
    run_s(590);
    CU_ASSERT_EQUAL(state_of(host(5)), NEIGHBOUR_STALE);
    run_s(20);
    CU_ASSERT_EQUAL(state_of(host(5)), -1);
    CU_ASSERT_PTR_NULL(find(host(5)));
    CU_ASSERT_EQUAL(w.n_requests, 0);
    CU_ASSERT_EQUAL(timers_due(&w.timers), NEVER_NS);
    teardown();
}

static void check_used_refreshed(void)
{
    setup();
    uint64_t start = w.now.ns;
    heard(host(5), mac_a, true, false);
    for (unsigned i = 0; i < 3600 && w.n_requests < 2; i++) {
        run_s(1);
        lane_uses(host(5));
    }
    CU_ASSERT_EQUAL(w.n_requests, 2);
    CU_ASSERT_TRUE(w.requests[0].unicast && w.requests[1].unicast);
    CU_ASSERT_EQUAL(memcmp(w.requests[0].mac, mac_a, 6), 0);
    CU_ASSERT_TRUE(w.requests[0].ns < start + 1200 * NS_PER_S);
    CU_ASSERT_TRUE(w.requests[0].ns >= start + 1190 * NS_PER_S);
    CU_ASSERT_EQUAL(w.requests[1].ns, w.requests[0].ns + NS_PER_S);
    CU_ASSERT_EQUAL(state_of(host(5)), NEIGHBOUR_PROBE);
    heard(host(5), mac_a, false, true);
    CU_ASSERT_EQUAL(state_of(host(5)), NEIGHBOUR_REACHABLE);
    run_s(1000);
    CU_ASSERT_EQUAL(w.n_requests, 2);
    CU_ASSERT_PTR_NOT_NULL(find(host(5)));
    teardown();
}

static void check_used_silent_forgotten(void)
{
    setup();
    uint64_t start = w.now.ns;
    heard(host(5), mac_a, true, false);
    while (find(host(5)) != NULL && w.now.ns < start + 2000 * NS_PER_S) {
        lane_uses(host(5));
        run_ms(100);
    }
    CU_ASSERT_EQUAL(w.n_requests, 3);
    CU_ASSERT_TRUE(w.now.ns <= start + 1200 * NS_PER_S);
    output(host(5), 1);
    CU_ASSERT_EQUAL(w.n_requests, 4);
    CU_ASSERT_FALSE(w.requests[3].unicast);
    CU_ASSERT_EQUAL(w.n_sent, 0);
    teardown();
}

static void check_short_timeout(void)
{
    setup();
    w.port[0]->arp_timeout_s = 4;
    neighbours_port_changed(w.n, w.port[0], w.now);
    heard(host(5), mac_a, true, false);
    run_ms(1500);
    lane_uses(host(5));
    run_ms(600);
    CU_ASSERT_EQUAL(state_of(host(5)), NEIGHBOUR_PROBE);
    run_s(3);
    CU_ASSERT_EQUAL(state_of(host(5)), -1);
    teardown();
}

static void check_stale_lane_use(void)
{
    setup();
    heard(host(5), mac_a, true, false);
    run_s(1201);
    CU_ASSERT_EQUAL(state_of(host(5)), NEIGHBOUR_STALE);
    run_s(30);
    CU_ASSERT_EQUAL(w.n_requests, 0);
    lane_uses(host(5));
    run_s(6);
    CU_ASSERT_EQUAL(state_of(host(5)), NEIGHBOUR_PROBE);
    CU_ASSERT_PTR_NOT_NULL(find(host(5)));
    CU_ASSERT_TRUE(w.n_requests > 0 && w.requests[0].unicast);
    teardown();
}

static void check_stale_core_use(void)
{
    setup();
    heard(host(5), mac_a, true, false);
    run_s(1201);
    output(host(5), 1);
    CU_ASSERT_EQUAL(w.n_sent, 1);
    CU_ASSERT_EQUAL(w.n_requests, 1);
    CU_ASSERT_TRUE(w.requests[0].unicast);
    output(host(5), 2);
    CU_ASSERT_EQUAL(w.n_sent, 2);
    CU_ASSERT_EQUAL(w.n_requests, 1);
    teardown();
}

static void check_refresh_by_request(void)
{
    setup();
    heard(host(5), mac_a, true, false);
    run_s(1000);
    heard(host(5), mac_a, false, false);
    run_s(1000);
    CU_ASSERT_EQUAL(state_of(host(5)), NEIGHBOUR_REACHABLE);
    teardown();
}

/* A thousand hosts that nobody talks to: not a wake-up each second. */
static void check_idle(void)
{
    setup();
    for (unsigned i = 0; i < 1000; i++)
        heard(host(10 + i), mac_a, true, false);
    run_s(1180);
    CU_ASSERT_EQUAL(w.timer_runs, 0);
    run_s(60);
    w.timer_runs = 0;
    run_s(300); /* all stale, looked at every 5 seconds */
    CU_ASSERT_TRUE(w.timer_runs <= 300);
    teardown();
}

/* ---- learning ---- */

static void check_create(void)
{
    setup();
    heard(host(5), mac_a, false, true);
    heard(host(5), mac_a, false, false);
    CU_ASSERT_EQUAL(neighbours_totals(w.n).entries, 0);
    heard(host(5), mac_a, true, false);
    CU_ASSERT_EQUAL(neighbours_totals(w.n).entries, 1);
    const struct adjacency *a = find(host(5));
    CU_ASSERT_PTR_NOT_NULL_FATAL(a);
    const uint8_t want[14] = {2, 0, 0, 0, 0, 0xa, 2, 0, 0, 0, 0, 1, 8, 0};
    CU_ASSERT_EQUAL(memcmp(a->ethernet, want, 14), 0);
    CU_ASSERT_EQUAL(a->mtu, 1500);
    CU_ASSERT_PTR_NULL(neighbour_find(w.n, 1, host(5)));
    teardown();
}

static void check_move(void)
{
    setup();
    heard(host(5), mac_a, true, true);
    const struct adjacency *before = find(host(5));
    uint32_t number = before->number;
    heard(host(5), mac_b, false, true);
    const struct adjacency *after = find(host(5));
    CU_ASSERT_PTR_NOT_EQUAL(before, after);
    CU_ASSERT_EQUAL(before->ethernet[5], 0xa); /* a lane may still be reading it */
    CU_ASSERT_EQUAL(after->ethernet[5], 0xb);
    CU_ASSERT_EQUAL(after->number, number);
    CU_ASSERT_EQUAL(w.logs, 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(w.text, "10.0.0.5 on r0 moved from 02:00:00:00:00:0a to 02:00:00:00:00:0b"));
    CU_ASSERT_EQUAL(state_of(host(5)), NEIGHBOUR_REACHABLE);
    heard(host(5), mac_a, false, false);
    CU_ASSERT_EQUAL(find(host(5))->ethernet[5], 0xa);
    CU_ASSERT_EQUAL(state_of(host(5)), NEIGHBOUR_STALE);
    for (unsigned i = 0; i < 1000; i++)
        heard(host(5), i % 2 ? mac_a : mac_b, false, true);
    CU_ASSERT_TRUE(w.logs < 20);
    teardown();
}

static void check_static(void)
{
    setup();
    output(host(5), 1);
    CU_ASSERT_TRUE(neighbour_set_static(w.n, w.port[0], host(5), mac_a, w.now));
    CU_ASSERT_EQUAL(w.n_sent, 1);
    heard(host(5), mac_b, true, true);
    CU_ASSERT_EQUAL(find(host(5))->ethernet[5], 0xa);
    CU_ASSERT_EQUAL(w.logs, 1);
    run_s(100000);
    CU_ASSERT_EQUAL(state_of(host(5)), NEIGHBOUR_STATIC);
    CU_ASSERT_EQUAL(neighbours_clear(w.n, PORT_NONE, 0, w.now), 0);
    CU_ASSERT_PTR_NOT_NULL(find(host(5)));
    CU_ASSERT_EQUAL(w.n_requests, 1);
    neighbour_unset_static(w.n, 0, host(5), w.now);
    CU_ASSERT_PTR_NULL(find(host(5)));
    CU_ASSERT_EQUAL(neighbours_totals(w.n).entries, 0);
    teardown();
}

/* ---- ports ---- */

static void check_down(void)
{
    setup();
    heard(host(5), mac_a, true, true);
    neighbour_set_static(w.n, w.port[0], host(6), mac_b, w.now);
    output(host(7), 1);
    w.port[0]->up = false;
    neighbours_port_changed(w.n, w.port[0], w.now);
    CU_ASSERT_EQUAL(w.dropped[DROP_PORT_DOWN], 1);
    CU_ASSERT_PTR_NULL(find(host(5)));
    CU_ASSERT_PTR_NULL(find(host(6)));
    CU_ASSERT_EQUAL(neighbours_totals(w.n).entries, 1);
    output(host(5), 2);
    output(host(6), 3);
    heard(host(5), mac_a, true, true);
    CU_ASSERT_EQUAL(w.dropped[DROP_PORT_DOWN], 3);
    CU_ASSERT_EQUAL(neighbours_totals(w.n).entries, 1);
    w.port[0]->up = true;
    neighbours_port_changed(w.n, w.port[0], w.now);
    CU_ASSERT_PTR_NULL(find(host(5)));
    CU_ASSERT_PTR_NOT_NULL_FATAL(find(host(6)));
    CU_ASSERT_EQUAL(find(host(6))->ethernet[5], 0xb);
    teardown();
}

static void check_subnet_lost(void)
{
    setup();
    heard(addr_of("10.1.0.5"), mac_a, true, true);
    heard(addr_of("10.2.0.5"), mac_a, true, true);
    heard(addr_of("10.1.0.9"), mac_a, true, true);
    output(addr_of("10.2.0.6"), 1);
    w.port[0]->addresses[0] = (struct prefix){addr_of("10.1.0.9"), 16};
    neighbours_port_changed(w.n, w.port[0], w.now);
    CU_ASSERT_PTR_NOT_NULL(find(addr_of("10.1.0.5")));
    CU_ASSERT_PTR_NULL(find(addr_of("10.2.0.5")));
    CU_ASSERT_PTR_NULL(find(addr_of("10.1.0.9"))); /* now our own */
    CU_ASSERT_EQUAL(w.dropped[DROP_PORT_DOWN], 1);
    teardown();
}

static void check_mac_mtu(void)
{
    setup();
    heard(host(5), mac_a, true, true);
    neighbour_set_static(w.n, w.port[0], host(6), mac_b, w.now);
    w.port[0]->mac[5] = 0x77;
    w.port[0]->mtu = 1400;
    neighbours_port_changed(w.n, w.port[0], w.now);
    for (unsigned i = 5; i < 7; i++) {
        CU_ASSERT_PTR_NOT_NULL_FATAL(find(host(i)));
        CU_ASSERT_EQUAL(find(host(i))->ethernet[11], 0x77);
        CU_ASSERT_EQUAL(find(host(i))->mtu, 1400);
    }
    teardown();
}

static void check_removed(void)
{
    setup();
    heard(host(5), mac_a, true, true);
    neighbour_set_static(w.n, w.port[0], host(6), mac_b, w.now);
    output_sized(1, addr_of("192.168.1.9"), 1, 100);
    neighbours_port_removed(w.n, 0, w.now);
    CU_ASSERT_EQUAL(neighbours_totals(w.n).entries, 1);
    CU_ASSERT_EQUAL(w.n_dropped, 0);
    neighbours_port_removed(w.n, 1, w.now);
    CU_ASSERT_EQUAL(w.dropped[DROP_PORT_DOWN], 1);
    CU_ASSERT_EQUAL(timers_due(&w.timers), NEVER_NS);
    teardown();
}

/* ---- room ---- */

static void check_scan(void)
{
    setup_of(2048, 1 << 20);
    for (unsigned i = 0; i < 1000; i++)
        heard(addr_of("10.9.0.0") + i, mac_a, true, true);
    run_s(2);
    for (unsigned i = 0; i < 1000; i++)
        lane_uses(addr_of("10.9.0.0") + i);
    size_t most = 0;
    unsigned incomplete = 0;
    for (unsigned i = 0; i < 65536; i++) {
        output(addr_of("10.20.0.0") + i, 1);
        struct neighbour_totals totals = neighbours_totals(w.n);
        most = totals.bytes > most ? totals.bytes : most;
        incomplete = totals.incomplete > incomplete ? totals.incomplete : incomplete;
        if (i % 4096 == 0)
            quiescent();
    }
    CU_ASSERT_TRUE(incomplete <= 256);
    CU_ASSERT_TRUE(most < 4u << 20);
    unsigned alive = 0;
    for (unsigned i = 0; i < 1000; i++)
        alive += find(addr_of("10.9.0.0") + i) != NULL;
    CU_ASSERT_EQUAL(alive, 1000);
    CU_ASSERT_EQUAL(neighbours_held(w.n, 1) + w.n_dropped, 65536);
    run_s(4);
    CU_ASSERT_EQUAL(w.n_dropped, 65536);
    CU_ASSERT_EQUAL(w.dropped[DROP_NEIGHBOUR_FAILED] + w.dropped[DROP_NEIGHBOUR_QUEUE], 65536);
    CU_ASSERT_EQUAL(neighbours_totals(w.n).entries, 1000);
    teardown();
}

static void check_scan_large(void)
{
    setup_of(65536, 1 << 20);
    size_t most = 0;
    for (unsigned i = 0; i < 3000; i++) {
        output_sized(0, addr_of("10.20.0.0") + i, 1, 60000);
        size_t bytes = neighbours_totals(w.n).bytes;
        most = bytes > most ? bytes : most;
        quiescent();
    }
    CU_ASSERT_TRUE(most < 20u << 20);
    teardown();
}

static void check_full(void)
{
    setup_of(100, 1 << 20);
    for (unsigned i = 0; i < 100; i++)
        heard(host(10 + i), mac_a, true, true);
    run_s(2);
    for (unsigned i = 0; i < 100; i++)
        lane_uses(host(10 + i));
    output(host(500), 1);
    CU_ASSERT_EQUAL(w.dropped[DROP_NEIGHBOUR_TABLE_FULL], 1);
    CU_ASSERT_EQUAL(neighbours_totals(w.n).entries, 100);
    CU_ASSERT_FALSE(neighbour_set_static(w.n, w.port[0], host(501), mac_a, w.now));
    heard(host(502), mac_a, true, false);
    CU_ASSERT_PTR_NULL(find(host(502)));
    teardown();
}

static void check_evict_order(void)
{
    setup_of(100, 1 << 20);
    neighbour_set_static(w.n, w.port[0], host(1000), mac_a, w.now);
    heard(host(10), mac_a, true, true); /* will be stale and unused */
    heard(host(11), mac_a, true, true); /* will be stale and used */
    run_s(1201);
    for (unsigned i = 0; i < 96; i++)
        heard(host(20 + i), mac_a, true, true); /* reachable, unused */
    lane_uses(host(11));
    output(host(600), 1); /* the oldest incomplete: silent for a second when the next one comes */
    CU_ASSERT_EQUAL(neighbours_totals(w.n).entries, 100);
    run_ms(1500);
    output(host(601), 2);
    CU_ASSERT_EQUAL(state_of(host(600)), -1);
    CU_ASSERT_EQUAL(w.dropped[DROP_NEIGHBOUR_QUEUE], 1);
    output(host(602), 3);
    CU_ASSERT_EQUAL(state_of(host(10)), -1);
    CU_ASSERT_EQUAL(state_of(host(601)), NEIGHBOUR_INCOMPLETE);
    CU_ASSERT_TRUE(state_of(host(11)) >= 0);
    heard(host(700), mac_a, true, false);
    CU_ASSERT_EQUAL(state_of(host(601)), -1);
    heard(host(701), mac_a, true, false);
    CU_ASSERT_EQUAL(state_of(host(602)), -1);
    heard(host(702), mac_a, true, false);
    CU_ASSERT_EQUAL(state_of(host(20)), -1);
    CU_ASSERT_EQUAL(state_of(host(21)), NEIGHBOUR_REACHABLE);
    CU_ASSERT_EQUAL(state_of(host(1000)), NEIGHBOUR_STATIC);
    CU_ASSERT_TRUE(state_of(host(11)) >= 0);
    CU_ASSERT_EQUAL(neighbours_totals(w.n).evicted, 5);
    CU_ASSERT_EQUAL(neighbours_totals(w.n).entries, 100);
    teardown();
}

static void check_numbers(void)
{
    setup();
    heard(host(5), mac_a, true, true);
    uint32_t first = find(host(5))->number;
    const struct adjacency *held = find(host(5));
    neighbours_clear(w.n, 0, host(5), w.now);
    CU_ASSERT_PTR_NULL(find(host(5)));
    CU_ASSERT_EQUAL(held->addr, host(5)); /* a lane may hold it until it is quiescent */
    heard(host(6), mac_a, true, true);
    CU_ASSERT_NOT_EQUAL(find(host(6))->number, first);
    quiescent();
    heard(host(7), mac_a, true, true);
    CU_ASSERT_EQUAL(find(host(7))->number, first);
    teardown();
}

static void check_old_marks(void)
{
    setup();
    heard(host(5), mac_a, true, true);
    run_s(10);
    lane_uses(host(5));
    neighbours_clear(w.n, 0, host(5), w.now);
    quiescent();
    heard(host(6), mac_a, true, true);
    run_s(1201);
    CU_ASSERT_EQUAL(w.n_requests, 0);
    CU_ASSERT_EQUAL(state_of(host(6)), NEIGHBOUR_STALE);
    teardown();
}

/* ---- looking ---- */

static void check_walk(void)
{
    setup();
    heard(host(9), mac_a, true, true);
    heard(host(3), mac_a, true, true);
    output(host(5), 1);
    neighbour_heard(w.n, w.port[1], addr_of("192.168.1.5"), mac_b, true, true, w.now);
    run_ms(2400);
    uint64_t cursor = 0;
    struct neighbour_view view;
    CU_ASSERT_TRUE(neighbours_next(w.n, &cursor, &view, w.now));
    CU_ASSERT_EQUAL(view.addr, host(3));
    CU_ASSERT_EQUAL(view.age_s, 2);
    neighbours_clear(w.n, 0, host(3), w.now);
    CU_ASSERT_TRUE(neighbours_next(w.n, &cursor, &view, w.now));
    CU_ASSERT_EQUAL(view.addr, host(5));
    CU_ASSERT_EQUAL(view.state, NEIGHBOUR_INCOMPLETE);
    CU_ASSERT_EQUAL(view.waiting, 1);
    CU_ASSERT_TRUE(neighbours_next(w.n, &cursor, &view, w.now));
    CU_ASSERT_EQUAL(view.addr, host(9));
    CU_ASSERT_TRUE(neighbours_next(w.n, &cursor, &view, w.now));
    CU_ASSERT_EQUAL(view.port, 1);
    CU_ASSERT_EQUAL(memcmp(view.mac, mac_b, 6), 0);
    CU_ASSERT_FALSE(neighbours_next(w.n, &cursor, &view, w.now));
    CU_ASSERT_EQUAL(neighbours_clear(w.n, 0, 0, w.now), 2);
    CU_ASSERT_PTR_NOT_NULL(neighbour_find(w.n, 1, addr_of("192.168.1.5")));
    teardown();
}

/* Random packets, answers, time and flaps: every packet ends exactly once, and held says how many have not. */
static void check_random(void)
{
    setup_of(64, 4000);
    w.at_once = true;
    unsigned put = 0, wrong = 0;
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t r = hook_random(NULL);
        uint32_t addr = host(10 + (unsigned)(r % 97));
        switch (r / 128 % 16) {
        default:
            output_sized(0, addr, (uint16_t)i, 28 + r % 1400);
            put++;
            break;
        case 8:
        case 9:
            heard(addr, r & 4096 ? mac_a : mac_b, r & 8192, r & 16384);
            break;
        case 10:
        case 11:
            run_ms(r % 1500);
            break;
        case 12:
            if (find(addr) != NULL)
                lane_uses(addr);
            break;
        case 13:
            if (r & 4096)
                neighbour_set_static(w.n, w.port[0], addr, mac_a, w.now);
            else
                neighbour_unset_static(w.n, 0, addr, w.now);
            break;
        case 14:
            neighbours_clear(w.n, 0, addr, w.now);
            break;
        case 15:
            w.port[0]->up = r % 8 != 0;
            w.port[0]->arp_timeout_s = (uint32_t)(1 + r / 8 % 60);
            neighbours_port_changed(w.n, w.port[0], w.now);
            break;
        }
        wrong += w.n_sent + w.n_dropped + neighbours_held(w.n, 1) != put;
        wrong += neighbours_totals(w.n).entries > 64;
    }
    run_s(10);
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(neighbours_held(w.n, 1), 0);
    CU_ASSERT_EQUAL(w.n_sent + w.n_dropped, put);
    teardown();
}

/* ---- lanes beside the core ---- */

struct reading {
    int stop;
    unsigned found, wrong;
};

static void *read_all(void *context)
{
    struct reading *reading = context;
    while (__atomic_load_n(&reading->stop, __ATOMIC_ACQUIRE) == 0)
        for (unsigned i = 0; i < 64; i++) {
            const struct adjacency *a = neighbour_find(w.n, 0, host(10 + i));
            reading->found += a != NULL;
            reading->wrong += a != NULL && (a->addr != host(10 + i) || a->ethernet[12] != 8 || a->mtu < 1400);
        }
    return NULL;
}

static void check_beside(void)
{
    struct reading reading = {0};
    pthread_t lane;
    setup_of(48, 1 << 20);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&lane, NULL, read_all, &reading), 0);
    for (unsigned i = 0; i < 30000; i++) {
        uint64_t r = hook_random(NULL);
        uint32_t addr = host(10 + (unsigned)(r % 64));
        if (r >> 8 & 1)
            heard(addr, r >> 9 & 1 ? mac_a : mac_b, true, true);
        else if (r >> 10 & 1)
            output(addr, 1);
        else
            neighbours_clear(w.n, 0, addr, w.now);
        if (i % 1000 == 0) {
            w.port[0]->mtu = w.port[0]->mtu == 1500 ? 1400 : 1500;
            neighbours_port_changed(w.n, w.port[0], w.now);
        }
    }
    __atomic_store_n(&reading.stop, 1, __ATOMIC_RELEASE);
    pthread_join(lane, NULL);
    CU_ASSERT_TRUE(reading.found > 0);
    CU_ASSERT_EQUAL(reading.wrong, 0);
    teardown();
}

static const struct unit_case cases[] = {
    {"an unknown neighbour is asked for at once and thrice a second apart, then its packet fails",
     check_three_requests},
    {"every packet that waited for a silent neighbour fails by itself", check_failed_all},
    {"what waited goes in order, then what lanes punted, and only then do lanes see the neighbour", check_order},
    {"the newest packets are kept", check_queue_newest},
    {"three packets wait for each neighbour even when the pool is used up", check_queue_pool},
    {"an address is asked for at most once a second, though its entry was forgotten", check_one_a_second},
    {"the next packet after a failure asks again at once", check_asks_again},
    {"nobody is asked for a group, a broadcast or no address", check_impossible},
    {"an unused neighbour turns stale at its timeout and is forgotten after", check_unused_ages},
    {"a used neighbour is probed by unicast before its time and stays published", check_used_refreshed},
    {"a neighbour in use that does not answer is forgotten by its timeout", check_used_silent_forgotten},
    {"a short timeout probes at half of it", check_short_timeout},
    {"a lane's use of a stale neighbour probes it within seconds", check_stale_lane_use},
    {"a packet of the core's to a stale neighbour goes, and probes it", check_stale_core_use},
    {"a request heard from a neighbour restarts its timeout", check_refresh_by_request},
    {"idle neighbours cost few wake-ups", check_idle},
    {"only what may create an entry creates one", check_create},
    {"a new MAC is used at once and logged", check_move},
    {"a static neighbour is never learned over, aged or cleared", check_static},
    {"a port that goes down forgets dynamic neighbours and withdraws static ones until it is back", check_down},
    {"neighbours of a lost subnet go, others stay", check_subnet_lost},
    {"a new MAC or MTU of the port makes new adjacencies", check_mac_mtu},
    {"a removed port takes all its neighbours along", check_removed},
    {"a scan of a /16 stays within its bound and pushes out no live neighbour", check_scan},
    {"a scan with large packets stays within bounds", check_scan_large},
    {"a table full of used neighbours refuses one more", check_full},
    {"the least valuable neighbours make room first", check_evict_order},
    {"a number is used again only after lanes were quiescent", check_numbers},
    {"use marks of a number's earlier owner do not count", check_old_marks},
    {"a walk is in order and survives changes", check_walk},
    {"whatever happens, every packet ends once and held is exact", check_random},
    {"a lane that reads beside the core finds whole adjacencies of whom it asked for", check_beside},
};

UNIT_MAIN("neighbour", cases)
