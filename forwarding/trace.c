/* core: following packets: who follows, and what he is told. */
#include "forwarding/trace.h"

#include <string.h>

#include "forwarding/core.h"
#include "forwarding/dataplane.h"

static void release(void *watch)
{
    ((struct trace_watch *)watch)->release(watch);
}

bool trace_start(struct dataplane *d, struct trace_watch *watch)
{
    for (unsigned i = 0; i < TRACE_WATCHES; i++) {
        if (d->tables.watch[i] != NULL)
            continue;
        publish(d->tables.watch[i], watch);
        publish(d->tables.watches, d->tables.watches + 1);
        return true;
    }
    return false;
}

void trace_stop(struct dataplane *d, struct trace_watch *watch)
{
    for (unsigned i = 0; i < TRACE_WATCHES; i++) {
        if (d->tables.watch[i] != watch)
            continue;
        publish(d->tables.watches, d->tables.watches - 1);
        publish(d->tables.watch[i], NULL);
        later(d->later, release, watch);
        return;
    }
}

uint64_t trace_missed(const struct dataplane *d)
{
    uint64_t missed = count_read(&d->scratch->trace.missed);
    for (unsigned i = 0; i < d->n_lanes; i++)
        missed += count_read(&d->lanes[i]->trace.missed);
    return missed;
}

static void tell(struct dataplane *d, const struct traced *traced, struct now now)
{
    const struct packet *packet = traced->packet;
    uint32_t len = packet->len < traced->kept ? packet->len : traced->kept;
    for (unsigned i = 0; i < TRACE_WATCHES; i++) {
        struct trace_watch *watch = d->tables.watch[i];
        if (watch != NULL &&
            (watch->wants == NULL || watch->wants(watch, packet->port, packet->frame, len, packet->wire_len)))
            watch->explained(watch, traced, now);
    }
}

/* AS_CAME has its bytes elsewhere, and KEPT of them only; it is explained in the core's own memory, where all that its
 * lengths speak of is there to be read. */
static void follow(struct dataplane *d, const struct packet *as_came, uint32_t kept, bool control, struct now now)
{
    struct packet work = *as_came, shown = *as_came;
    if (work.len > FRAME_ROOM)
        work.len = FRAME_ROOM;
    if (kept > work.len)
        kept = work.len;
    work.frame = d->scratch->work + FRAME_ALIGN;
    if (kept > 0)
        memcpy(work.frame, as_came->frame, kept);
    memset(work.frame + kept, 0, work.len - kept);
    explain(d, &work, kept, control, now, &d->scratch->explanation);
    shown.ip = d->scratch->explanation.ip;
    tell(d, &(struct traced){.packet = &shown, .kept = kept, .control = control, .why = &d->scratch->explanation}, now);
}

void trace_control(struct dataplane *d, const struct packet *packet, struct now now)
{
    if (trace_takes(&d->tables, &d->scratch->trace, packet, now))
        follow(d, packet, packet->len, true, now);
}

void trace_copy(struct dataplane *d, const struct packet *copy, struct now now)
{
    struct packet as_came = *copy;
    as_came.len = copy->nexthop;
    if (trace_wanted(&d->tables))
        follow(d, &as_came, copy->len, false, now);
}
