/* lane: copies of packets for whoever follows them, made before anything is done with the packets. */
#include "forwarding/lane.h"
#include "forwarding/trace.h"

static bool is_wanted(const struct tables *tables, const struct packet *packet)
{
    for (unsigned i = 0; i < TRACE_WATCHES; i++) {
        const struct trace_watch *watch = published(tables->watch[i]);
        if (watch != NULL &&
            (watch->wants == NULL || watch->wants(watch, packet->port, packet->frame, packet->len, packet->wire_len)))
            return true;
    }
    return false;
}

bool trace_takes(const struct tables *tables, struct trace_budget *budget, const struct packet *packet, struct now now)
{
    if (!bucket_take(&budget->looks, TRACE_LOOKS, TRACE_LOOKS_BURST, now.ns)) {
        count(&budget->missed);
        return false;
    }
    if (!is_wanted(tables, packet))
        return false;
    if (bucket_take(&budget->copies, TRACE_COPIES, TRACE_COPIES_BURST, now.ns))
        return true;
    count(&budget->missed);
    return false;
}

bool trace_burst(struct lane *lane, const struct packet *burst, unsigned n, struct now now)
{
    bool copied = false;
    for (unsigned i = 0; i < n; i++) {
        if (!trace_takes(lane->tables, &lane->trace, &burst[i], now))
            continue;
        struct packet copy = burst[i];
        copy.punt = PUNT_TRACE;
        copy.nexthop = copy.len; /* a field without a use yet: the record keeps fewer bytes, and says so in its len */
        if (punt_put(&lane->punts, &copy))
            copied = true;
        else
            count(&lane->trace.missed);
    }
    return copied;
}
