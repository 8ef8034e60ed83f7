/* Breaks good IGMP messages in every way and lets a router that proxies hear them, on interfaces of every kind:
 * `igmp_mutate [MESSAGES [SEED]]`. The same arguments do the same again. It aborts when a bound is broken, when what is
 * sent could not be read, or when two answers about the same disagree; built with sanitizers, at the first byte read
 * that was not received. It fails when a reason to refuse something did not come up. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forwarding/bytes.h"
#include "forwarding/checksum.h"
#include "forwarding/packet.h"
#include "protocols/igmp/igmp.h"
#include "protocols/igmp/igmp_packet.h"
#include "tests/fuzz/igmp_seeds.h"

#define MESSAGES_DEFAULT 300000
#define ROOM             2048
#define PORTS            6
#define GROUP_LIMIT      40
#define SOURCE_LIMIT     12
#define GROUPS           0xef010100u

struct mutator {
    struct igmp *igmp;
    struct now now;
    uint64_t random; /* splitmix64 state */
    unsigned long sent, changed;
    uint8_t bytes[ROOM];
    size_t len;
};

static uint32_t below(struct mutator *m, size_t n)
{
    uint64_t z = m->random += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return n > 0 ? (uint32_t)((z ^ z >> 31) % n) : 0;
}

static bool one_in(struct mutator *m, uint32_t n)
{
    return below(m, n) == 0;
}

/* ---- good messages ---- */

static void from_captures(struct mutator *m)
{
    const struct igmp_seed *seed = &igmp_seeds[below(m, IGMP_SEEDS)];
    memcpy(m->bytes, seed->bytes, seed->len);
    m->len = seed->len;
}

static uint32_t a_group(struct mutator *m)
{
    uint32_t group = GROUPS + below(m, 60);
    return one_in(m, 10) ? (group & 0xff) | 0xe8010100 : group;
}

static unsigned some_sources(struct mutator *m, uint32_t to[32])
{
    unsigned n = one_in(m, 3) ? 0 : below(m, 32);
    for (unsigned j = 0; j < n; j++)
        to[j] = 0x0a090000 + below(m, 40);
    return n;
}

static void a_report(struct mutator *m)
{
    struct igmp_report report;
    uint32_t sources[32];
    igmp_report_begin(&report, IGMP_MESSAGE_MAX);
    for (uint32_t n = 1 + below(m, 5); n > 0; n--) {
        unsigned count = some_sources(m, sources);
        igmp_report_add(&report, IGMP_IS_IN + below(m, 6), a_group(m), sources, count);
    }
    igmp_report_finish(&report);
    memcpy(m->bytes, report.bytes, report.len);
    m->len = report.len;
}

static void a_query(struct mutator *m)
{
    uint32_t sources[32];
    struct igmp_query query = {.version = (uint8_t)(1 + below(m, 3)),
                               .group = one_in(m, 2) ? a_group(m) : 0,
                               .max_resp_ms = below(m, 4000000),
                               .suppress = one_in(m, 2),
                               .robustness = (uint8_t)below(m, 9),
                               .interval_s = below(m, 40000),
                               .sources = sources};
    if (query.group != 0)
        query.n = some_sources(m, sources);
    m->len = igmp_query_put(&query, m->bytes);
}

static void a_short_one(struct mutator *m)
{
    static const enum igmp_type types[] = {IGMP_TYPE_V1_REPORT, IGMP_TYPE_V2_REPORT, IGMP_TYPE_LEAVE};
    m->len = igmp_short_put(types[below(m, 3)], a_group(m), m->bytes);
}

static void (*const makers[])(struct mutator *m) = {from_captures, a_report, a_report, a_report, a_query, a_short_one};

/* ---- ways to break them ---- */

static void flip_bits(struct mutator *m)
{
    for (uint32_t n = 1 + below(m, 4); n > 0 && m->len > 0; n--)
        m->bytes[below(m, m->len)] ^= (uint8_t)(1u << below(m, 8));
}

static void set_byte(struct mutator *m)
{
    static const uint8_t values[] = {0, 1, 2, 4, 6, 7, 0x11, 0x12, 0x16, 0x17, 0x22, 0x7f, 0x80, 0xe0, 0xff};
    if (m->len > 0)
        m->bytes[below(m, m->len < 24 ? m->len : 24)] = values[below(m, sizeof values)];
}

static void truncate(struct mutator *m)
{
    m->len = below(m, m->len + 1);
}

static void extend(struct mutator *m)
{
    for (uint32_t n = 1 + below(m, 80); n > 0 && m->len < ROOM; n--)
        m->bytes[m->len++] = (uint8_t)below(m, 256);
}

static void other_count(struct mutator *m)
{
    static const size_t places[] = {6, 10, 10, 22};
    size_t at = places[below(m, 4)];
    if (m->len >= at + 2)
        store_be16(m->bytes + at,
                   one_in(m, 2) ? (uint16_t)below(m, 65536) : (uint16_t)(load_be16(m->bytes + at) + below(m, 5) - 2));
}

static void other_group(struct mutator *m)
{
    static const uint32_t groups[] = {0, 0xe0000001, 0xe00000fb, 0xe8000001, 0xefffffff, 0x0a000001, 0xffffffff};
    size_t at = m->bytes[0] == IGMP_TYPE_V3_REPORT ? 12 : 4;
    if (m->len >= at + 4)
        store_be32(m->bytes + at, groups[below(m, 7)]);
}

static void (*const ways[])(struct mutator *m) = {flip_bits, set_byte, truncate, extend, other_count, other_group};

/* ---- the router ---- */

static bool send_hook(void *context, unsigned port, uint32_t src, uint32_t dst, const uint8_t *message, size_t len,
                      struct now now)
{
    struct mutator *m = context;
    struct igmp_message heard;
    (void)now;
    if (port >= PORTS || (src >> 8 & 0xff) != port || !addr_is_multicast(dst) || len > 576 - IGMP_IP_HEADER)
        abort();
    if (igmp_message_parse(message, len, &heard) != IGMP_ACCEPT)
        abort();
    if (port == 0 && heard.type == IGMP_TYPE_QUERY)
        abort(); /* upstream nobody is asked */
    m->sent++;
    return !one_in(m, 50);
}

static void changed_hook(void *context, unsigned port, uint32_t group, struct now now)
{
    struct mutator *m = context;
    (void)now;
    m->changed++;
    if (port >= PORTS || (group != 0 && !addr_is_multicast(group)))
        abort();
}

static void make_router(struct mutator *m)
{
    struct igmp_settings settings = igmp_settings_default;
    struct igmp_hooks hooks = {.context = m, .send = send_hook, .changed = changed_hook};
    static const struct igmp_static statics[] = {{GROUPS, 0}, {GROUPS + 1, 0x0a090001}, {GROUPS + 100, 0x0a090002}};
    settings.upstream = 0;
    m->igmp = igmp_new(&settings, m->random, &hooks);
    for (unsigned port = 0; m->igmp != NULL && port < PORTS; port++) {
        struct igmp_interface_settings s = igmp_interface_settings_default;
        struct prefix address = {.addr = 0x0a000005 | port << 8, .len = 24};
        s.version = port == 2 ? 2 : port == 3 ? 1 : 3;
        s.fast_leave = port == 1;
        s.require_router_alert = port == 4;
        s.report_limit = port == 4 ? 3 : 0;
        s.tracked_limit = port == 5 ? 30 : 0;
        s.group_limit = GROUP_LIMIT;
        s.source_limit = SOURCE_LIMIT;
        s.n_statics = port == 5 ? 3 : 0;
        s.statics = statics;
        if (!igmp_interface_set(m->igmp, port, &s, m->now) ||
            !igmp_interface_up(m->igmp, port, &address, 1, 576, m->now))
            abort();
    }
    if (m->igmp == NULL)
        abort();
}

/* ---- what must hold ---- */

static void check_group(struct mutator *m, const struct igmp_group_view *group)
{
    struct igmp_source_view source;
    uint32_t from = 0, last = 0, probe = 0x0a080001; /* a source that is not named */
    unsigned n = 0;
    struct igmp_interface_view interface;
    igmp_find_interface(m->igmp, group->port, &interface, m->now);
    if (!addr_is_multicast(group->group) || group->group >> 8 == IGMP_ALL_SYSTEMS >> 8)
        abort();
    while (igmp_next_source(m->igmp, group->port, group->group, &from, &source, m->now)) {
        if (source.source <= last || (!source.forwarded && !group->exclude))
            abort();
        if (interface.querier && igmp_wants(m->igmp, group->port, source.source, group->group) != source.forwarded)
            abort();
        probe += source.source == probe; /* they come in order */
        last = source.source;
        n++;
    }
    if (n != group->n_sources || n > SOURCE_LIMIT + 2)
        abort();
    if (interface.querier && igmp_wants(m->igmp, group->port, probe, group->group) != group->exclude)
        abort();
}

/* Upstream wants a source if anyone behind does (the limits are low enough for that to be exact). */
static void check_member(struct mutator *m, uint32_t group)
{
    struct igmp_member_view member = {0};
    uint32_t from = group;
    if (!igmp_next_member(m->igmp, 0, &from, &member) || member.group != group)
        member = (struct igmp_member_view){0};
    for (uint32_t source = 0x0a090000; source < 0x0a090030; source++) {
        bool wanted = false, listed = false;
        for (unsigned port = 1; port < PORTS; port++) {
            struct igmp_group_view view;
            struct igmp_source_view s;
            uint32_t at = source;
            if (!igmp_find_group(m->igmp, port, group, &view, m->now))
                continue;
            bool known = igmp_next_source(m->igmp, port, group, &at, &s, m->now) && s.source == source;
            wanted = wanted || (known ? s.forwarded : view.exclude);
        }
        for (unsigned j = 0; j < member.n_sources; j++)
            listed = listed || member.sources[j] == source;
        if ((listed != member.exclude) != wanted)
            abort();
    }
}

static void check(struct mutator *m)
{
    struct igmp_group_cursor cursor = IGMP_GROUP_START;
    struct igmp_group_view view;
    struct igmp_status status = igmp_status(m->igmp);
    size_t groups = 0;
    for (; igmp_next_group(m->igmp, &cursor, &view, m->now); groups++)
        check_group(m, &view);
    if (groups != status.groups || groups > (GROUP_LIMIT + 3) * (PORTS - 1))
        abort();
    for (unsigned i = 0; i < 10; i++)
        check_member(m, GROUPS + below(m, 60));
}

/* ---- the run ---- */

static void run_to(struct mutator *m, uint64_t ns)
{
    for (uint64_t due = igmp_run(m->igmp, m->now); due <= ns; due = igmp_run(m->igmp, m->now))
        if (due > m->now.ns)
            m->now.ns = due;
    m->now.ns = ns;
}

static void hear(struct mutator *m)
{
    static const uint32_t groups[] = {IGMP_ALL_SYSTEMS, IGMP_ALL_ROUTERS, IGMP_V3_ROUTERS};
    unsigned port = below(m, PORTS);
    uint32_t group = m->len >= 8 ? load_be32(m->bytes + 4) : 0;
    struct igmp_datagram datagram = {.port = one_in(m, 100) ? PORTS : port,
                                     .src = 0x0a000000 | port << 8 | below(m, 40),
                                     .ttl = one_in(m, 50) ? 64 : 1,
                                     .router_alert = !one_in(m, 4)};
    if (one_in(m, 30))
        datagram.src = one_in(m, 2) ? 0 : below(m, UINT32_MAX);
    datagram.dst = m->len > 0 && m->bytes[0] == IGMP_TYPE_V3_REPORT ? IGMP_V3_ROUTERS
                   : group != 0 && !one_in(m, 4)                    ? group
                                                                    : groups[below(m, 3)];
    /* A block of its own, so that a sanitizer sees what is read beyond it. */
    uint8_t *copy = malloc(m->len + (m->len == 0));
    if (copy == NULL)
        abort();
    memcpy(copy, m->bytes, m->len);
    igmp_input(m->igmp, &datagram, copy, m->len, m->now);
    free(copy);
}

static void mutate(struct mutator *m, unsigned long i)
{
    makers[below(m, sizeof makers / sizeof makers[0])](m);
    for (uint32_t n = one_in(m, 2) ? below(m, 4) : 0; n > 0; n--)
        ways[below(m, sizeof ways / sizeof ways[0])](m);
    if (m->len >= 4 && !one_in(m, 10)) {
        store_be16(m->bytes + 2, 0);
        store_be16(m->bytes + 2, checksum_finish(checksum_add(0, m->bytes, m->len)));
    }
    hear(m);
    if (one_in(m, 4))
        run_to(m, m->now.ns + below(m, one_in(m, 200) ? 300000 : 200) * NS_PER_MS);
    if (i % 500 == 499) {
        run_to(m, m->now.ns);
        check(m);
    }
}

static unsigned report(const struct mutator *m, unsigned long messages)
{
    struct igmp_status status = igmp_status(m->igmp);
    unsigned missing = 0;
    printf("%lu messages, %lu sent, %lu changes, refused for", messages, m->sent, m->changed);
    for (unsigned j = 0; j < IGMP_REJECT__COUNT; j++)
        printf(" %s %llu", igmp_reject_name[j], (unsigned long long)status.rejects[j]);
    printf("\n");
    for (unsigned j = 0; j < IGMP_REJECT__COUNT; j++)
        if (status.rejects[j] == 0 && j != IGMP_REJECT_NO_MEMORY) {
            printf("never refused for %s\n", igmp_reject_name[j]);
            missing++;
        }
    return missing;
}

int main(int argc, char **argv)
{
    unsigned long messages = argc > 1 ? strtoul(argv[1], NULL, 0) : MESSAGES_DEFAULT;
    unsigned long long seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
    struct mutator *m = calloc(1, sizeof *m);
    if (m == NULL)
        return 2;
    printf("igmp_mutate %lu %llu\n", messages, seed);
    fflush(stdout);
    m->random = seed;
    m->now.ns = NS_PER_S;
    make_router(m);
    for (unsigned long i = 0; i < messages; i++)
        mutate(m, i);
    unsigned missing = report(m, messages);
    igmp_free(m->igmp);
    free(m);
    return missing > 0;
}
