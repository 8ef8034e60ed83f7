/* One router with IGMP in simulated time, and what is said on its wires. Port 1 is 10.0.1.5/24, and so on. */
#ifndef TESTS_UNIT_SUPPORT_IGMP_WIRE_H
#define TESTS_UNIT_SUPPORT_IGMP_WIRE_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forwarding/bytes.h"
#include "forwarding/packet.h"
#include "protocols/igmp/igmp.h"
#include "protocols/igmp/igmp_packet.h"
#include "tests/unit/support/unit.h"

#define WIRE_ROOM 4096

struct sent {
    unsigned port;
    uint32_t src, dst;
    uint64_t ns;
    size_t len;
    uint8_t bytes[IGMP_MESSAGE_MAX];
};

struct wire {
    struct igmp *igmp;
    struct now now;
    unsigned n_sent, n_changed, n_warnings;
    struct sent sent[WIRE_ROOM];
    struct {
        unsigned port;
        uint32_t group;
    } changed[WIRE_ROOM];
    char warning[512];
    bool refuse; /* what is to be sent */
};

static struct wire wire;

static inline bool wire_send(void *context, unsigned port, uint32_t src, uint32_t dst, const uint8_t *message,
                             size_t len, struct now now)
{
    struct wire *w = context;
    if (w->refuse)
        return false;
    CU_ASSERT_TRUE_FATAL(len <= IGMP_MESSAGE_MAX);
    if (w->n_sent == WIRE_ROOM)
        return true;
    struct sent *sent = &w->sent[w->n_sent++];
    *sent = (struct sent){.port = port, .src = src, .dst = dst, .ns = now.ns, .len = len};
    memcpy(sent->bytes, message, len);
    return true;
}

static inline void wire_changed(void *context, unsigned port, uint32_t group, struct now now)
{
    struct wire *w = context;
    (void)now;
    if (w->n_changed == WIRE_ROOM)
        return;
    w->changed[w->n_changed].port = port;
    w->changed[w->n_changed++].group = group;
}

static inline void wire_log(void *context, enum igmp_level level, unsigned port, uint32_t addr, const char *text)
{
    struct wire *w = context;
    (void)port;
    (void)addr;
    if (level != IGMP_WARNING)
        return;
    w->n_warnings++;
    snprintf(w->warning, sizeof w->warning, "%s", text);
}

static inline uint32_t own(unsigned port)
{
    return 0x0a000005 | port << 8;
}

static inline uint32_t host(unsigned port, unsigned number)
{
    return 0x0a000000 | port << 8 | number;
}

static inline void wire_forget(void)
{
    wire.n_sent = wire.n_changed = 0;
}

static inline void wire_begin(const struct igmp_settings *settings)
{
    static const struct igmp_hooks hooks = {
        .context = &wire, .send = wire_send, .changed = wire_changed, .log = wire_log};
    wire.now = (struct now){.ns = 1000 * NS_PER_S};
    wire.n_sent = wire.n_changed = wire.n_warnings = 0;
    wire.refuse = false;
    wire.igmp = igmp_new(settings != NULL ? settings : &igmp_settings_default, 1, &hooks);
    CU_ASSERT_PTR_NOT_NULL_FATAL(wire.igmp);
}

static inline void wire_end(void)
{
    igmp_free(wire.igmp);
}

/* What is due by NS, in the order of time. */
static inline void wire_run_to(uint64_t ns)
{
    unsigned calls = 0;
    for (uint64_t due = igmp_run(wire.igmp, wire.now); due <= ns; due = igmp_run(wire.igmp, wire.now)) {
        CU_ASSERT_TRUE_FATAL(++calls < 1000000);
        if (due > wire.now.ns)
            wire.now.ns = due;
    }
    wire.now.ns = ns;
    igmp_run(wire.igmp, wire.now);
}

static inline void wire_run(uint64_t ms)
{
    wire_run_to(wire.now.ns + ms * NS_PER_MS);
}

static inline void wire_up(unsigned port, const struct igmp_interface_settings *settings)
{
    struct prefix address = {.addr = own(port), .len = 24};
    CU_ASSERT_TRUE_FATAL(
        igmp_interface_set(wire.igmp, port, settings != NULL ? settings : &igmp_interface_settings_default, wire.now));
    CU_ASSERT_TRUE_FATAL(igmp_interface_up(wire.igmp, port, &address, 1, 1500, wire.now));
    wire_run(0);
}

/* ---- saying ---- */

static inline void wire_say(unsigned port, uint32_t src, uint32_t dst, const uint8_t *bytes, size_t len)
{
    struct igmp_datagram datagram = {.port = port, .src = src, .dst = dst, .ttl = 1, .router_alert = true};
    igmp_input(wire.igmp, &datagram, bytes, len, wire.now);
    wire_run(0);
}

static inline void say_record(unsigned port, uint32_t src, enum igmp_record_type type, uint32_t group,
                              const uint32_t *sources, unsigned n)
{
    struct igmp_report report;
    igmp_report_begin(&report, IGMP_MESSAGE_MAX);
    igmp_report_add(&report, type, group, sources, n);
    igmp_report_finish(&report);
    wire_say(port, src, IGMP_V3_ROUTERS, report.bytes, report.len);
}

/* Sources are letters: a is 10.9.0.1. */
static inline uint32_t source_of(char letter)
{
    return 0x0a090001 + (uint32_t)(letter - 'a');
}

static inline void say(unsigned port, uint32_t src, enum igmp_record_type type, uint32_t group, const char *letters)
{
    uint32_t sources[32];
    unsigned n = 0;
    for (; letters[n] != '\0'; n++)
        sources[n] = source_of(letters[n]);
    say_record(port, src, type, group, sources, n);
}

static inline void say_short(unsigned port, uint32_t src, enum igmp_type type, uint32_t group)
{
    uint8_t bytes[IGMP_HEADER];
    size_t len = igmp_short_put(type, group, bytes);
    wire_say(port, src, type == IGMP_TYPE_LEAVE ? IGMP_ALL_ROUTERS : group, bytes, len);
}

static inline void say_query(unsigned port, uint32_t src, const struct igmp_query *query)
{
    uint8_t bytes[IGMP_MESSAGE_MAX];
    size_t len = igmp_query_put(query, bytes);
    wire_say(port, src, query->group == 0 ? IGMP_ALL_SYSTEMS : query->group, bytes, len);
}

static inline void say_general(unsigned port, uint32_t src, uint8_t version)
{
    struct igmp_query query = {.version = version, .max_resp_ms = 10000, .robustness = 2, .interval_s = 125};
    say_query(port, src, &query);
}

/* ---- hearing ---- */

/* The Nth query that was sent by PORT since wire_forget. */
static inline const struct sent *nth_query(unsigned port, unsigned n, struct igmp_message *to)
{
    for (unsigned i = 0; i < wire.n_sent; i++)
        if (wire.sent[i].port == port && wire.sent[i].bytes[0] == IGMP_TYPE_QUERY && n-- == 0) {
            CU_ASSERT_EQUAL(igmp_message_parse(wire.sent[i].bytes, wire.sent[i].len, to), IGMP_ACCEPT);
            return &wire.sent[i];
        }
    return NULL;
}

static inline unsigned count_queries(unsigned port)
{
    struct igmp_message m;
    unsigned n = 0;
    while (nth_query(port, n, &m) != NULL)
        n++;
    return n;
}

/* What was said since wire_forget by PORT, but for what the router says of 224.0.0.22, as words: "Q", "Q(g)",
 * "Q(g,ab)", with S "QS(...)"; "TO_EX(g,ab)" for each record; "V1(g)", "V2(g)", "LEAVE(g)". Groups are the last byte.
 */
static inline const char *words(unsigned port)
{
    static const char *const types[] = {"?", "IS_IN", "IS_EX", "TO_IN", "TO_EX", "ALLOW", "BLOCK"};
    static char text[4096];
    size_t at = 0;
    text[0] = '\0';
#define PUT(...) (at += (size_t)snprintf(text + at, at < sizeof text ? sizeof text - at : 0, __VA_ARGS__))
    for (unsigned i = 0; i < wire.n_sent && at < sizeof text; i++) {
        struct igmp_message m;
        if (wire.sent[i].port != port)
            continue;
        CU_ASSERT_EQUAL_FATAL(igmp_message_parse(wire.sent[i].bytes, wire.sent[i].len, &m), IGMP_ACCEPT);
        if (m.group == IGMP_V3_ROUTERS)
            continue;
        const char *gap = at > 0 ? " " : "";
        if (m.type == IGMP_TYPE_QUERY && m.group == 0)
            PUT("%sQ", gap);
        else if (m.type == IGMP_TYPE_QUERY) {
            PUT("%sQ%s(%u", gap, m.suppress ? "S" : "", m.group & 0xff);
            for (unsigned j = 0; j < m.n; j++)
                PUT("%s%c", j == 0 ? "," : "", (int)('a' + load_be32(m.bytes + 4 * j) - source_of('a')));
            PUT(")");
        } else if (m.type != IGMP_TYPE_V3_REPORT)
            PUT("%s%s(%u)", gap,
                m.type == IGMP_TYPE_LEAVE       ? "LEAVE"
                : m.type == IGMP_TYPE_V2_REPORT ? "V2"
                                                : "V1",
                m.group & 0xff);
        const uint8_t *next = m.bytes;
        for (unsigned k = 0; m.type == IGMP_TYPE_V3_REPORT && k < m.n; k++) {
            struct igmp_record r = igmp_record_next(&next);
            if (r.group == IGMP_V3_ROUTERS)
                continue;
            PUT("%s%s(%u", at > 0 ? " " : "", types[r.type], r.group & 0xff);
            for (unsigned j = 0; j < r.n; j++)
                PUT("%s%c", j == 0 ? "," : "", (int)('a' + load_be32(r.sources + 4 * j) - source_of('a')));
            PUT(")");
        }
    }
#undef PUT
    return text;
}

#define SAID(port, expected)                                                                                           \
    do {                                                                                                               \
        const char *said_ = words(port);                                                                               \
        if (strcmp(said_, expected) != 0) {                                                                            \
            printf("\n%s:%d: expected \"%s\", said \"%s\"", __FILE__, __LINE__, expected, said_);                      \
            CU_FAIL("said something else");                                                                            \
        }                                                                                                              \
    } while (0)

/* ---- looking ---- */

static inline struct igmp_interface_view interface_of(unsigned port)
{
    struct igmp_interface_view view = {.port = PORT_NONE};
    igmp_find_interface(wire.igmp, port, &view, wire.now);
    return view;
}

static inline uint64_t refused(unsigned port, enum igmp_reject reject)
{
    return interface_of(port).counters.rejects[reject];
}

static inline bool has_group(unsigned port, uint32_t group)
{
    return igmp_has_members(wire.igmp, port, group);
}

static inline bool wants(unsigned port, char letter, uint32_t group)
{
    return igmp_wants(wire.igmp, port, source_of(letter), group);
}

static inline struct igmp_group_view group_of(unsigned port, uint32_t group)
{
    struct igmp_group_view view = {.port = PORT_NONE};
    igmp_find_group(wire.igmp, port, group, &view, wire.now);
    return view;
}

/* Seconds left of a source's timer; -1: there is no such source. */
static inline double source_left(unsigned port, uint32_t group, char letter)
{
    uint32_t from = source_of(letter);
    struct igmp_source_view view;
    if (!igmp_next_source(wire.igmp, port, group, &from, &view, wire.now) || view.source != source_of(letter))
        return -1;
    return (double)view.left_ns / 1e9;
}

#endif
