/* Speaking to a RIP router as a stranger on its segment, and reading what it says. */
#ifndef TESTS_RIP_LISTEN_H
#define TESTS_RIP_LISTEN_H

#include "tests/unit/support/rip_net.h"

/* What was sent, a line a message: "10.0.1.1 > 224.0.0.9 response/2 10.9.0.0/16=3 10.8.0.0/16=16,tag 5,by 10.0.1.9\n".
 * The text of what is said is in the same words behind the slash's version. */
struct listener {
    char text[16384];
    size_t len;
    unsigned messages, entries;
};

static inline void listen_add(struct listener *l, const char *text)
{
    size_t room = sizeof l->text - l->len - 1, n = strlen(text);
    n = n < room ? n : room;
    memcpy(l->text + l->len, text, n);
    l->len += n;
    l->text[l->len] = '\0';
}

static inline void listen_entry(struct listener *l, uint8_t version, const uint8_t *at)
{
    struct rip_entry e = rip_entry_get(at);
    char text[120], addr[ADDR_TEXT], hop[ADDR_TEXT], tail[60] = "";
    size_t n = 0;
    if (e.tag != 0)
        n = (size_t)snprintf(tail, sizeof tail, ",tag %u", e.tag);
    if (e.next_hop != 0)
        snprintf(tail + n, sizeof tail - n, ",by %s", addr_text(e.next_hop, hop));
    if (e.family == RIP_FAMILY_NONE)
        snprintf(text, sizeof text, " all=%u", e.metric);
    else if (e.family == RIP_FAMILY_AUTH)
        snprintf(text, sizeof text, " auth %u", e.tag);
    else if (version == 1)
        snprintf(text, sizeof text, " %s=%u", addr_text(e.addr, addr), e.metric);
    else
        snprintf(text, sizeof text, " %s/%d=%u%s", addr_text(e.addr, addr), __builtin_popcount(e.mask), e.metric, tail);
    listen_add(l, text);
}

static inline bool listen_watch(struct net *net, const struct net_message *m)
{
    struct listener *l = net->watcher;
    char text[80], src[ADDR_TEXT], dst[ADDR_TEXT];
    if (m->from == UINT32_MAX)
        return true;
    snprintf(text, sizeof text, "%s > %s", addr_text(m->src, src), addr_text(m->dst, dst));
    listen_add(l, text);
    if (m->dst_port != RIP_PORT) {
        snprintf(text, sizeof text, ":%u", m->dst_port);
        listen_add(l, text);
    }
    snprintf(text, sizeof text, " %s/%u", m->bytes[0] == RIP_REQUEST ? "request" : "response", m->bytes[1]);
    listen_add(l, text);
    l->messages++;
    for (size_t at = RIP_HEADER; at + RIP_ENTRY <= m->len; at += RIP_ENTRY) {
        listen_entry(l, m->bytes[1], m->bytes + at);
        l->entries++;
    }
    listen_add(l, "\n");
    return true;
}

static inline void listen_begin(struct net *net, struct listener *l)
{
    *l = (struct listener){.len = 0};
    net->watch = listen_watch;
    net->watcher = l;
}

static inline void listen_forget(struct listener *l)
{
    l->len = 0;
    l->text[0] = '\0';
    l->messages = l->entries = 0;
}

static inline bool heard(const struct listener *l, const char *text)
{
    return strstr(l->text, text) != NULL;
}

#define HEARD(l, what)     CU_ASSERT_TRUE(heard_or_tell(l, what, true))
#define NOT_HEARD(l, what) CU_ASSERT_TRUE(heard_or_tell(l, what, false))

static inline bool heard_or_tell(const struct listener *l, const char *text, bool expected)
{
    if (heard(l, text) != expected)
        printf("\n  %s'%s' in:\n%s\n", expected ? "no " : "", text, l->text);
    return heard(l, text) == expected;
}

/* ---- speaking ---- */

struct said {
    const char *prefix;
    uint32_t metric;
    uint16_t tag;
    const char *next_hop; /* NULL: the speaker */
};

#define SAY(net, segment, src, version, ...)                                                                           \
    say(net, segment, src, RIP_PORT, RIP_RESPONSE, version, (const struct said[]){__VA_ARGS__},                        \
        sizeof((const struct said[]){__VA_ARGS__}) / sizeof(struct said))

static inline void say(struct net *net, unsigned segment, const char *src, uint16_t src_port, enum rip_command command,
                       uint8_t version, const struct said *said, size_t n)
{
    struct rip_message m;
    rip_message_begin(&m, command, version, false);
    for (size_t i = 0; i < n; i++) {
        struct prefix prefix = net_prefix(said[i].prefix);
        struct rip_entry e = {
            .family = RIP_FAMILY_IP,
            .tag = said[i].tag,
            .addr = prefix.addr,
            .mask = prefix_mask(prefix.len),
            .next_hop = said[i].next_hop != NULL ? addr_of(said[i].next_hop) : 0,
            .metric = said[i].metric,
        };
        rip_message_add(&m, &e);
    }
    net_put(net, segment, UINT32_MAX, addr_of(src), src_port, RIP_GROUP, RIP_PORT, m.bytes, m.len);
    net_run(net, 0.005);
}

static inline void ask_for_all(struct net *net, unsigned segment, const char *src, uint16_t src_port, uint8_t version)
{
    struct rip_message m;
    struct rip_entry all = {.metric = RIP_INFINITY};
    rip_message_begin(&m, RIP_REQUEST, version, false);
    rip_message_add(&m, &all);
    net_put(net, segment, UINT32_MAX, addr_of(src), src_port, RIP_GROUP, RIP_PORT, m.bytes, m.len);
    net_run(net, 0.005);
}

/* How often ROUTER's interface refused something for REJECT. */
static inline uint64_t refused(const struct net *net, unsigned router, unsigned port, enum rip_reject reject)
{
    struct rip_interface_view view;
    CU_ASSERT_TRUE_FATAL(rip_find_interface(net->routers[router].rip, port, &view));
    return view.counters.rejects[reject];
}

#endif
