/* debug packet: a line for each packet that comes in, to the sessions that want it. They share one watch, which is
 * there only as long as one of them is: a new one takes its place when what they want has changed, because lanes may be
 * asking the old one. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/session_parts.h"
#include "cli/text.h"
#include "cli/trace_text.h"
#include "forwarding/bytes.h"
#include "forwarding/ethernet.h"
#include "forwarding/trace.h"

#define LINE (2 * TRACE_TEXT)

/* What one session wants. */
struct want {
    struct session *session; /* the core's alone */
    bool any_port, any_addr;
    uint16_t port; /* PORT_NONE: its interface has no device now */
    struct prefix prefix;
};

struct packet_watch {
    struct trace_watch watch; /* first: the watch is this */
    struct cli *cli;
    unsigned n;
    struct want want[SESSIONS_MAX];
};

/* Frames that are too short to say whose they are belong to nobody's prefix. */
static bool is_wanted(const struct want *want, unsigned port, const uint8_t *frame, uint32_t len)
{
    if (!want->any_port && port != want->port)
        return false;
    if (want->any_addr)
        return true;
    const uint8_t *ip = frame + ETHERNET_HEADER;
    return len >= ETHERNET_HEADER + IP_HEADER_MIN && load_be16(ip - 2) == ETHERTYPE_IPV4 &&
           (prefix_holds(want->prefix, load_be32(ip + IP_AT_SRC)) ||
            prefix_holds(want->prefix, load_be32(ip + IP_AT_DST)));
}

static bool wants(const struct trace_watch *self, unsigned port, const uint8_t *frame, uint32_t len, uint32_t wire_len)
{
    const struct packet_watch *watch = (const struct packet_watch *)self;
    (void)wire_len;
    for (unsigned i = 0; i < watch->n; i++)
        if (is_wanted(&watch->want[i], port, frame, len))
            return true;
    return false;
}

/* ---- the line ---- */

static const char *end_text(const struct dataplane *d, const struct explanation *why, char to[TRACE_TEXT])
{
    char hop[ADDR_TEXT + 4] = "";
    switch (why->end) {
    case EXPLAIN_FORWARDED:
        for (unsigned i = 0; i < why->n; i++)
            if (why->step[i].kind == EXPLAIN_HOP) {
                memcpy(hop, " to ", 4);
                addr_text(why->step[i].addr, hop + 4);
            }
        snprintf(to, TRACE_TEXT, "forwarded by %s%s", trace_port_name(d, why->out_port), hop);
        return to;
    case EXPLAIN_DELIVERED:
        return "delivered";
    case EXPLAIN_DROPPED:
        snprintf(to, TRACE_TEXT, "dropped (%s)", drop_name[why->drop]);
        return to;
    case EXPLAIN_ARP_TAKEN:
    case EXPLAIN_HELD:
        break;
    }
    return trace_end_text(d, why, to);
}

static void write_line(const struct dataplane *d, const struct traced *traced, char line[LINE])
{
    char what[TRACE_TEXT], end[TRACE_TEXT];
    const struct explanation *why = traced->why;
    bool punted = why->punt < PUNT__COUNT;
    snprintf(line, LINE, "packet %s: %s: %s%s%s%s", trace_port_name(d, traced->packet->port),
             trace_packet_text(traced, what), punted ? "punted (" : "", punted ? punt_name[why->punt] : "",
             punted ? "), " : "", end_text(d, why, end));
}

static void explained(struct trace_watch *self, const struct traced *traced, struct now now)
{
    struct packet_watch *watch = (struct packet_watch *)self;
    const struct packet *packet = traced->packet;
    uint32_t len = packet->len < traced->kept ? packet->len : traced->kept;
    char line[LINE];
    (void)now;
    write_line(watch->cli->router->dataplane, traced, line);
    for (unsigned i = 0; i < watch->n; i++)
        if (is_wanted(&watch->want[i], packet->port, packet->frame, len))
            session_say_debug(watch->want[i].session, line);
}

/* ---- the watch ---- */

static void release(struct trace_watch *self)
{
    free(self);
}

static struct want want_of(const struct dataplane *d, struct session *s)
{
    const struct session_debug *debug = &s->debug[DEBUG_PACKET];
    const struct port *port = dataplane_port_by_name(d, debug->interface);
    return (struct want){.session = s,
                         .any_port = debug->interface[0] == '\0',
                         .any_addr = !debug->has_prefix,
                         .port = port != NULL ? port->number : PORT_NONE,
                         .prefix = debug->prefix};
}

static bool same(const struct want *a, const struct want *b)
{
    return a->session == b->session && a->any_port == b->any_port && a->any_addr == b->any_addr && a->port == b->port &&
           prefix_equal(a->prefix, b->prefix);
}

static bool follows(const struct packet_watch *watch, const struct want *want, unsigned n)
{
    if (watch == NULL || watch->n != n)
        return false;
    for (unsigned i = 0; i < n; i++) {
        unsigned j = 0; /* sessions change places when they take their turn */
        while (j < n && !same(&watch->want[j], &want[i]))
            j++;
        if (j == n)
            return false;
    }
    return true;
}

static struct packet_watch *start(struct cli *cli, const struct want *want, unsigned n)
{
    struct packet_watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL)
        return NULL;
    watch->watch = (struct trace_watch){.wants = wants, .explained = explained, .release = release};
    watch->cli = cli;
    watch->n = n;
    memcpy(watch->want, want, n * sizeof *want);
    if (trace_start(cli->router->dataplane, &watch->watch))
        return watch;
    free(watch);
    return NULL;
}

bool debug_packets_follow(struct cli *cli)
{
    struct want want[SESSIONS_MAX];
    struct session *s;
    unsigned n = 0;
    for (s = TAILQ_FIRST(&cli->sessions); s != NULL && n < SESSIONS_MAX; s = TAILQ_NEXT(s, link))
        if (s->debug[DEBUG_PACKET].on)
            want[n++] = want_of(cli->router->dataplane, s);
    if (n > 0 && follows(cli->packets, want, n))
        return true;
    if (cli->packets != NULL)
        trace_stop(cli->router->dataplane, &cli->packets->watch);
    cli->packets = n > 0 ? start(cli, want, n) : NULL;
    return n == 0 || cli->packets != NULL;
}

void debug_packets_look(struct cli *cli)
{
    uint64_t missed = trace_missed(cli->router->dataplane);
    char line[TEXT_SHORT + 80], count[TEXT_SHORT];
    debug_packets_follow(cli);
    for (unsigned i = 0; cli->packets != NULL && i < cli->packets->n; i++) {
        struct session *s = cli->packets->want[i].session;
        uint64_t more = missed - s->packets_missed;
        s->packets_missed = missed;
        if (more == 0)
            continue;
        snprintf(line, sizeof line, "packet: %s came too fast to be looked at",
                 text_count(more, "packet", "packets", count));
        session_say_debug(s, line);
    }
}
