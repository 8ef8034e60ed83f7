/* core: the way of a multicast packet, gone dry, by the same functions as lane_multicast.c and core_multicast.c. */
#include <stdlib.h>
#include <string.h>

#include "forwarding/core.h"
#include "forwarding/explain_internal.h"
#include "forwarding/multicast_internal.h"
#include "forwarding/options.h"

#define COPIES_SAID 16 /* by name; the rest only counted, so that the list of steps keeps its bound */

static void note_stream(struct walk *w, const struct multicast_way *way, uint32_t upstream, bool fresh)
{
    struct explain_step *step = add(w, EXPLAIN_STREAM);
    step->port = way->in;
    step->addr = w->packet->ip.src;
    step->stream.group = w->packet->ip.dst;
    step->stream.upstream = upstream;
    step->stream.fresh = fresh;
    step->stream.why = way->why;
    step->stream.n_out = way->n;
}

static bool options_are_sound(struct walk *w)
{
    struct options options;
    note_punt(w, PUNT_OPTIONS);
    enum drop why = core_multicast_options(w->d, w->packet, &options);
    if (why != DROP__COUNT) {
        drop(w, why);
        return false;
    }
    struct explain_step *step = add(w, EXPLAIN_OPTIONS);
    step->options.record_route = options.record_route != 0;
    step->options.timestamp = options.timestamp != 0;
    return true;
}

static void rewrite(struct walk *w)
{
    struct packet *packet = w->packet;
    struct explain_step *step = add(w, EXPLAIN_REWRITE);
    step->rewrite.was_ttl = packet->ip.ttl;
    multicast_commit(packet);
    step->rewrite.ttl = packet->ip.ttl;
    memcpy(step->rewrite.dst, packet->frame, MAC_LEN);
}

/* One copy; the first that leaves is the one whose port and address the explanation names. */
static enum drop copy(struct walk *w, const struct multicast_out *out, uint8_t ttl, uint32_t *frames,
                      struct explain_step *rewritten)
{
    struct packet *packet = w->packet;
    const struct port *port = dataplane_port(w->d, out->port);
    uint32_t segments, pieces;
    *frames = 1;
    if (ttl <= out->threshold)
        return DROP_MULTICAST_TTL;
    enum drop why = multicast_obstacle(port, packet);
    if (why != DROP__COUNT)
        return why;
    packet->mtu = port->mtu;
    why = explain_cut(w, &segments, &pieces);
    if (pieces > 0)
        *frames = pieces;
    if (why == DROP__COUNT && w->to->out_port == PORT_NONE) {
        w->to->out_port = out->port;
        memcpy(rewritten->rewrite.src, port->mac, MAC_LEN);
    }
    return why;
}

static void note_copy(struct walk *w, const struct multicast_out *out, enum drop why, uint32_t frames)
{
    struct explain_step *step = add(w, EXPLAIN_COPY);
    step->port = out->port;
    step->mtu = w->packet->mtu;
    step->copy.threshold = out->threshold;
    step->copy.why = why;
    step->copy.frames = frames;
}

static void replicate(struct walk *w, const struct multicast_way *way)
{
    enum drop lost = DROP__COUNT;
    uint8_t ttl = w->packet->ip.ttl;
    rewrite(w);
    struct explain_step *rewritten = &w->to->step[w->to->n - 1];
    for (unsigned i = 0; i < way->n; i++) {
        uint32_t frames;
        enum drop why = copy(w, &way->out[i], ttl, &frames, rewritten);
        if (i < COPIES_SAID)
            note_copy(w, &way->out[i], why, frames);
        if (lost == DROP__COUNT && why != DROP_MULTICAST_TTL)
            lost = why;
    }
    if (way->n > COPIES_SAID)
        add(w, EXPLAIN_COPY)->n = way->n - COPIES_SAID;
    if (w->to->out_port != PORT_NONE)
        end(w, EXPLAIN_FORWARDED);
    else
        drop(w, lost);
}

static void by_way(struct walk *w, const struct multicast_way *way)
{
    switch (multicast_judge(way, w->packet)) {
    case VERDICT_DROP:
        drop(w, w->packet->drop);
        return;
    case VERDICT_PUNT: /* OPTIONS */
        if (!options_are_sound(w))
            return;
        break;
    case VERDICT_CONTINUE:
    case VERDICT_MULTICAST:
        break;
    }
    replicate(w, way);
}

static void by_new_entry(struct walk *w)
{
    const struct ip *ip = &w->packet->ip;
    struct multicast_way *way;
    uint32_t upstream;
    note_punt(w, PUNT_MULTICAST);
    enum drop why = multicast_foresee(w->d, w->packet->port, ip->src, ip->dst, &way, &upstream, w->now);
    if (way != NULL)
        note_stream(w, way, upstream, true);
    if (why != DROP__COUNT || way == NULL)
        drop(w, DROP_MULTICAST_LIMIT);
    else
        by_way(w, way);
    free(way);
}

void explain_multicast(struct walk *w)
{
    const struct ip *ip = &w->packet->ip;
    const struct multicast_entry *e = multicast_entry_find(w->d->multicast, ip->src, ip->dst);
    if (e == NULL) {
        by_new_entry(w);
        return;
    }
    if (e->hidden)
        note_punt(w, PUNT_MULTICAST);
    note_stream(w, e->ready, e->upstream, false);
    by_way(w, e->ready);
}
