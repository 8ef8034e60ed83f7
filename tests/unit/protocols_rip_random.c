/* One router, three segments, strangers on each, and everything that may happen to them in any order: what it knows
 * must be what they offered last, what it said last must be what it knows, and nothing of it may be left after its
 * goodbye.
 *
 * FIRST=n in the environment tries other seeds than those of every run. */
#include <stdlib.h>

#include "tests/unit/support/rip_listen.h"

#define SEGMENTS 3
#define HOSTS    3
#define PREFIXES 90
#define STEPS    250
#define SEEDS    40

static struct net net;
static uint64_t seed, state;

/* What HOSTS offered, and what the router said last on a segment; 0: nothing. */
static uint8_t offered[SEGMENTS][HOSTS][PREFIXES], said[SEGMENTS][PREFIXES];
static bool is_up[SEGMENTS], is_there[SEGMENTS], is_silent[SEGMENTS];

static unsigned below(unsigned n)
{
    uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (unsigned)((z ^ z >> 31) % n);
}

static struct prefix prefix_of(unsigned i)
{
    return (struct prefix){.addr = 0xac100000u + (i << 8), .len = 24};
}

static unsigned number_of(uint32_t addr)
{
    return addr >> 16 == 0xac10 && (addr >> 8 & 0xff) < PREFIXES ? addr >> 8 & 0xff : PREFIXES;
}

static struct rip *rip(void)
{
    return net.routers[0].rip;
}

static bool listen_to(struct net *n, const struct net_message *m)
{
    (void)n;
    if (m->from == UINT32_MAX || m->bytes[0] != RIP_RESPONSE || m->dst != RIP_GROUP)
        return true;
    for (size_t at = RIP_HEADER; at + RIP_ENTRY <= m->len; at += RIP_ENTRY) {
        struct rip_entry e = rip_entry_get(m->bytes + at);
        if (number_of(e.addr) < PREFIXES)
            said[m->segment - 1][number_of(e.addr)] = (uint8_t)e.metric;
    }
    return true;
}

/* ---- what may happen ---- */

static void forget(unsigned s)
{
    memset(offered[s], 0, sizeof offered[s]);
}

static void offer(void)
{
    unsigned s = below(SEGMENTS), h = below(HOSTS), first = below(PREFIXES), n = 1 + below(25), way = below(3);
    struct rip_message m;
    rip_message_begin(&m, RIP_RESPONSE, 2, false);
    for (unsigned i = 0; i < n; i++) {
        unsigned p = (way == 0 ? below(PREFIXES) : way == 1 ? first + i : first + PREFIXES - i) % PREFIXES;
        struct rip_entry e = {.family = RIP_FAMILY_IP,
                              .addr = prefix_of(p).addr,
                              .mask = 0xffffff00,
                              .metric = below(4) == 0 ? 16 : 1 + below(3)};
        rip_message_add(&m, &e);
        if (is_there[s] && is_up[s])
            offered[s][h][p] = e.metric < 15 ? (uint8_t)(e.metric + 1) : 0;
    }
    net_put(&net, s + 1, UINT32_MAX, net_address(s + 1, 10 + h), RIP_PORT, RIP_GROUP, RIP_PORT, m.bytes, m.len);
    net_run(&net, 0.002);
}

static void up_or_down(void)
{
    unsigned s = below(SEGMENTS);
    if (!is_there[s])
        return;
    is_up[s] = !is_up[s];
    net_port(&net, 0, s, is_up[s]);
    forget(s);
    memset(said[s], 0, sizeof said[s]); /* whoever is there has lost the link, too */
}

static void come_or_go(void)
{
    unsigned s = below(SEGMENTS);
    struct rip_interface_settings settings = net.routers[0].ports[s].settings;
    if (is_there[s]) {
        rip_interface_remove(rip(), s, net.now);
    } else {
        CU_ASSERT_TRUE(rip_interface_set(rip(), s, &settings, net.now));
        if (is_up[s])
            rip_interface_up(rip(), s, net.routers[0].ports[s].addresses, 1, net.now);
    }
    is_there[s] = !is_there[s];
    forget(s);
}

static void clear(void)
{
    unsigned s = below(SEGMENTS), h = below(HOSTS);
    bool all = below(3) == 0;
    rip_clear(rip(), all ? 0 : net_address(s + 1, 10 + h), net.now);
    for (unsigned i = 0; i < SEGMENTS && all; i++)
        forget(i);
    memset(offered[s][h], 0, sizeof offered[s][h]);
}

static void ask(void)
{
    unsigned s = below(SEGMENTS);
    char src[ADDR_TEXT];
    ask_for_all(&net, s + 1, addr_text(net_address(s + 1, 10 + below(HOSTS)), src), below(2) == 0 ? RIP_PORT : 5000, 2);
}

static void be_silent_or_not(void)
{
    unsigned s = below(SEGMENTS);
    struct rip_interface_settings *settings = &net.routers[0].ports[s].settings;
    if (!is_there[s])
        return;
    settings->passive = is_silent[s] = !is_silent[s];
    CU_ASSERT_TRUE(rip_interface_set(rip(), s, settings, net.now));
}

static void filter_or_not(void)
{
    static const struct rip_prefix_rule half = {true, {.addr = 0xac100000u, .len = 19}, 24, 24};
    static const struct rip_prefix_list list = {.n = 1, .rules = &half};
    unsigned s = below(SEGMENTS);
    struct rip_interface_settings *settings = &net.routers[0].ports[s].settings;
    if (!is_there[s])
        return;
    settings->list_out = settings->list_out == NULL ? &list : NULL;
    CU_ASSERT_TRUE(rip_interface_set(rip(), s, settings, net.now));
}

static bool lets_out(unsigned s, unsigned p)
{
    return net.routers[0].ports[s].settings.list_out == NULL || p < 32;
}

static void configure(void)
{
    CU_ASSERT_TRUE(rip_configure(rip(), &net.routers[0].settings, net.now));
}

static void step(void)
{
    static void (*const ways[])(void) = {offer,        offer,      offer,      offer, offer,     offer,
                                         clear,        up_or_down, come_or_go, ask,   configure, be_silent_or_not,
                                         filter_or_not};
    ways[below(sizeof ways / sizeof ways[0])]();
    switch (below(6)) {
    case 0:
        net_run(&net, below(400) / 10.0);
        break;
    case 1:
        net_run(&net, 0.0001);
        break;
    default:
        break;
    }
}

/* ---- what must be ---- */

static bool knows_what_is_offered(void)
{
    for (unsigned p = 0; p < PREFIXES; p++) {
        struct rip_route_view view = {.n_paths = 0};
        unsigned n = 0;
        if (!net_find(&net, 0, prefix_of(p), &view))
            view.n_paths = 0; /* it has looked at others */
        for (unsigned s = 0; s < SEGMENTS; s++)
            for (unsigned h = 0; h < HOSTS; h++)
                n += offered[s][h][p] != 0;
        if (view.n_paths != n)
            return printf("\n  seed %llu: 172.16.%u.0 has %u paths, not %u\n", (unsigned long long)seed, p,
                          view.n_paths, n) < 0;
        for (unsigned i = 0; i < view.n_paths; i++)
            if (offered[view.paths[i].port][(view.paths[i].from & 0xff) - 11][p] != view.paths[i].metric)
                return printf("\n  seed %llu: 172.16.%u.0 has metric %u by port %u\n", (unsigned long long)seed, p,
                              view.paths[i].metric, view.paths[i].port) < 0;
    }
    return true;
}

/* Split horizon is on: what is used by a segment is not said there. */
static bool said_what_it_knows(bool at_the_end)
{
    for (unsigned s = 0; s < SEGMENTS; s++)
        for (unsigned p = 0; p < PREFIXES && is_up[s]; p++) {
            struct rip_route_view view = {.metric = RIP_INFINITY};
            bool known = !at_the_end && is_there[s] && !is_silent[s] && net_find(&net, 0, prefix_of(p), &view);
            unsigned expected = known && lets_out(s, p) ? view.metric : RIP_INFINITY,
                     was = said[s][p] != 0 ? said[s][p] : RIP_INFINITY;
            for (unsigned i = 0; known && i < view.n_paths; i++)
                if (view.paths[i].used && view.paths[i].port == s)
                    expected = RIP_INFINITY;
            if (was != expected)
                return printf("\n  seed %llu: 172.16.%u.0 was said with %u on segment %u, not %u%s\n",
                              (unsigned long long)seed, p, was, s, expected, at_the_end ? " at the end" : "") < 0;
        }
    return true;
}

static bool try_seed(uint64_t with)
{
    struct rip_settings settings = rip_settings_default;
    settings.timeout_s = 1000000;
    seed = state = with;
    memset(offered, 0, sizeof offered);
    memset(said, 0, sizeof said);
    net_begin(&net, 1, &settings);
    net.watch = listen_to;
    for (unsigned s = 0; s < SEGMENTS; s++) {
        is_up[s] = is_there[s] = true;
        is_silent[s] = false;
        net_attach(&net, 0, s + 1, NULL);
    }
    net_run(&net, 1);
    bool good = true;
    for (unsigned i = 0; i < STEPS && good; i++) {
        step();
        if (i % 10 != 9)
            continue;
        net_run(&net, 0.1);
        good = knows_what_is_offered();
        if (i % 50 != 49 || !good)
            continue;
        net_run(&net, 40);
        good = knows_what_is_offered() && said_what_it_knows(false);
    }
    if (below(2) == 0)
        step();
    net_run(&net, below(50) / 1000.0);
    rip_stop(rip(), net.now);
    net_run(&net, below(20) / 1000.0);
    for (unsigned i = 0; i < 3 && below(3) == 0; i++)
        up_or_down();
    net_run(&net, 5);
    good = good && rip_is_stopped(rip()) && said_what_it_knows(true);
    net_end(&net);
    return good;
}

static void a_few_seeds(void)
{
    const char *first = getenv("FIRST");
    uint64_t from = first != NULL ? strtoull(first, NULL, 0) : 1;
    for (uint64_t i = from; i < from + SEEDS; i++)
        CU_ASSERT_TRUE(try_seed(i));
}

static const struct unit_case cases[] = {
    {"whatever happens to it, it knows what it was told and says what it knows", a_few_seeds},
};

UNIT_MAIN("rip_random", cases)
