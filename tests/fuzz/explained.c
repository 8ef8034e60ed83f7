/* What may differ, since it is not decided by looking:
 *
 *   a device that refuses a frame               forwarded in words, tx-full or tx-failed in fact
 *   room for what waits                         held in words; it, or an older one in its place, dropped as
 *                                               neighbour-queue, neighbour-table-full or fragment-evicted
 *   the last fragment of a datagram             delivered in words, with no word on the datagram's own end */
#include "tests/fuzz/explained.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forwarding/explain.h"

#define DRAIN_MOST 64

struct state {
    struct port_counters port; /* by which the frame came */
    uint64_t held, tx, icmp, limited;
    uint64_t copies[MEMORY_PORTS + 2]; /* frames to each port, taken or not */
};

static struct state look(const struct memory_router *r, unsigned port, unsigned out_port)
{
    struct state s;
    struct port_counters out;
    dataplane_port_counters(r->d, port, &s.port);
    dataplane_port_counters(r->d, out_port, &out);
    s.held = dataplane_held(r->d, port);
    s.tx = out.tx_packets + out.tx_drops + out.tx_errors;
    s.icmp = r->d->icmp.out_msgs + r->d->icmp.out_errors;
    s.limited = r->d->icmp.out_rate_limited;
    for (unsigned i = 0; i < MEMORY_PORTS + 2; i++) {
        dataplane_port_counters(r->d, i, &out);
        s.copies[i] = out.tx_packets + out.tx_drops + out.tx_errors;
    }
    return s;
}

static void drain(struct memory_router *r)
{
    while (dataplane_drain(r->d, DRAIN_MOST, r->now))
        continue;
}

/* Explains a copy, and sees to it that the router is the same after it. */
static void ask(struct memory_router *r, const struct packet *packet, bool control, struct explanation *says)
{
    static struct dataplane before;
    struct packet copy = *packet;
    uint8_t *block = malloc(2 + (size_t)packet->len);
    if (block == NULL)
        abort();
    copy.frame = block + 2;
    memcpy(copy.frame, packet->frame, packet->len);
    memcpy(&before, r->d, sizeof before);
    uint64_t sent = r->sent;
    explain(r->d, &copy, copy.len, control, r->now, says);
    free(block);
    if (sent == r->sent && memcmp(&before, r->d, sizeof before) == 0)
        return;
    fprintf(stderr, "explaining has changed the router\n");
    abort();
}

static bool has_dropped(const struct state *was, const struct state *is, enum drop why)
{
    return is->port.drop[why] > was->port.drop[why];
}

/* Less those of older packets that make room for what waits, as an answer of the router's may have to. */
static uint64_t ends(const struct state *was, const struct state *is)
{
    uint64_t n = is->port.forwarded - was->port.forwarded + is->port.delivered - was->port.delivered + is->port.arp -
                 was->port.arp;
    for (unsigned i = 0; i < DROP__COUNT; i++)
        if (i != DROP_NEIGHBOUR_QUEUE)
            n += is->port.drop[i] - was->port.drop[i];
    return n;
}

static const struct explain_step *find(const struct explanation *says, enum explain_kind kind)
{
    for (unsigned i = 0; i < says->n; i++)
        if (says->step[i].kind == kind)
            return &says->step[i];
    return NULL;
}

static bool end_is_right(const struct memory_router *r, const struct explanation *says, const struct state *was,
                         const struct state *is)
{
    /* Of copies of which none left, the reason is that of the first. */
    bool refused = r->refuse != 0 && (has_dropped(was, is, DROP_TX_FULL) || has_dropped(was, is, DROP_TX_FAILED) ||
                                      find(says, EXPLAIN_STREAM) != NULL);
    if (says->completes)
        return is->held <= was->held && ends(was, is) > 0;
    switch (says->end) {
    case EXPLAIN_FORWARDED:
        return (is->port.forwarded == was->port.forwarded + 1 || refused) && ends(was, is) == 1;
    case EXPLAIN_DELIVERED:
        return is->port.delivered == was->port.delivered + 1 && ends(was, is) == 1;
    case EXPLAIN_ARP_TAKEN: /* others may be set free by it */
        return is->port.arp == was->port.arp + 1;
    case EXPLAIN_DROPPED: /* an overlap takes the rest of its datagram along */
        return has_dropped(was, is, says->drop) &&
               (ends(was, is) == 1 || says->drop == DROP_FRAGMENT_OVERLAP || says->drop == DROP_FRAGMENT_EVICTED);
    case EXPLAIN_HELD:
        return (is->held == was->held + 1 && ends(was, is) == 0) || has_dropped(was, is, DROP_NEIGHBOUR_QUEUE) ||
               has_dropped(was, is, DROP_NEIGHBOUR_TABLE_FULL) || has_dropped(was, is, DROP_FRAGMENT_EVICTED);
    }
    return false;
}

/* Frames that leave by the port that was named, and the ICMP errors that were foreseen. */
static bool sent_is_right(const struct explanation *says, const struct state *was, const struct state *is)
{
    const struct explain_step *error = find(says, EXPLAIN_ERROR), *cut = find(says, EXPLAIN_FRAGMENTS);
    const struct explain_step *segments = find(says, EXPLAIN_SEGMENTS);
    uint64_t frames = cut != NULL ? cut->n : segments != NULL ? segments->n : 1;
    if (says->end == EXPLAIN_FORWARDED && is->tx - was->tx < frames && is->port.forwarded > was->port.forwarded)
        return false;
    if (error == NULL || says->end == EXPLAIN_HELD)
        return true;
    switch (error->error.fate) {
    case ICMP_SENT:
        return is->icmp == was->icmp + 1;
    case ICMP_LIMITED:
        return is->limited == was->limited + 1 && is->icmp == was->icmp;
    case ICMP_NOT_ALLOWED:
    case ICMP_SWITCHED_OFF:
        break;
    }
    return is->limited == was->limited && is->icmp == was->icmp;
}

/* Of a multicast packet: by the ports that were named, and by no other. */
static bool copies_are_right(const struct memory_router *r, const struct explanation *says, const struct state *was,
                             const struct state *is)
{
    uint64_t foreseen[MEMORY_PORTS + 2] = {0};
    if (find(says, EXPLAIN_STREAM) == NULL || r->refuse != 0)
        return true;
    for (unsigned i = 0; i < says->n; i++)
        if (says->step[i].kind == EXPLAIN_COPY && says->step[i].copy.why == DROP__COUNT)
            foreseen[says->step[i].port] = says->step[i].copy.frames;
    for (unsigned i = 0; i < MEMORY_PORTS + 2; i++)
        if (is->copies[i] - was->copies[i] != foreseen[i])
            return false;
    return true;
}

static _Noreturn void complain(const struct packet *packet, bool control, const struct explanation *says,
                               const struct state *was, const struct state *is)
{
    fprintf(stderr, "explained as %u (%s, port %u), by %s port %u; in fact:\n", (unsigned)says->end,
            says->end == EXPLAIN_DROPPED ? drop_name[says->drop] : "-", says->out_port, control ? "control" : "lane",
            packet->port);
    fprintf(stderr, "forwarded %" PRIu64 ", delivered %" PRIu64 ", arp %" PRIu64 ", held %" PRId64 ", icmp %" PRIu64,
            is->port.forwarded - was->port.forwarded, is->port.delivered - was->port.delivered,
            is->port.arp - was->port.arp, (int64_t)(is->held - was->held), is->icmp - was->icmp);
    for (unsigned i = 0; i < DROP__COUNT; i++)
        if (is->port.drop[i] != was->port.drop[i])
            fprintf(stderr, ", %s %" PRIu64, drop_name[i], is->port.drop[i] - was->port.drop[i]);
    fprintf(stderr, "\nsteps:");
    for (unsigned i = 0; i < says->n; i++)
        fprintf(stderr, " %u", (unsigned)says->step[i].kind);
    fprintf(stderr, "\nframe of %u bytes:", packet->len);
    for (uint32_t i = 0; i < packet->len && i < 128; i++)
        fprintf(stderr, " %02x", packet->frame[i]);
    fprintf(stderr, "\n");
    abort();
}

void explained_feed(struct memory_router *r, const struct packet *packet, bool control)
{
    static struct explanation says;
    drain(r);
    ask(r, packet, control, &says);
    struct state was = look(r, packet->port, says.out_port);
    if (control)
        memory_router_core(r, packet);
    else
        memory_router_lane(r, packet, 1);
    drain(r);
    struct state is = look(r, packet->port, says.out_port);
    if (!end_is_right(r, &says, &was, &is) || !sent_is_right(&says, &was, &is) ||
        !copies_are_right(r, &says, &was, &is))
        complain(packet, control, &says, &was, &is);
    r->explained++;
}
