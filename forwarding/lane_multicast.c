/* lane: multicast packets of a burst, replicated without a copy of their bytes. A frame is the same for all ports but
 * for the source address in its Ethernet header; so each port in turn gets all that is for it in one call, and then the
 * same frames are readdressed for the next one. */
#include "forwarding/fast_path.h"
#include "forwarding/lane_internal.h"
#include "forwarding/multicast.h"
#include "forwarding/port.h"

/* What becomes of the packets: bits of the burst. */
struct fate {
    uint64_t left;             /* by one port at least */
    enum drop why[LANE_BURST]; /* the first reason why a copy did not leave; DROP__COUNT: all did */
    uint32_t number[LANE_BURST];
};

#define BIT(i) (UINT64_C(1) << (i))

static unsigned take_first(uint64_t *bits)
{
    unsigned i = (unsigned)__builtin_ctzll(*bits);
    *bits &= *bits - 1;
    return i;
}

static void share_out(struct lane_scratch *s, const struct multicast_way *way, unsigned i, uint8_t ttl)
{
    for (unsigned k = 0; k < way->n; k++) {
        unsigned port = way->out[k].port;
        if (ttl <= way->out[k].threshold)
            continue;
        if (s->copies[port] == 0)
            s->out[s->n_out++] = (uint16_t)port;
        s->copies[port] |= BIT(i);
    }
}

static void send_copies(struct lane *lane, struct packet *burst, unsigned number, uint64_t copies, struct fate *fate)
{
    struct lane_scratch *s = lane->scratch;
    const struct port *out = published(lane->tables->port[number]);
    for (uint64_t left = copies; left != 0;) {
        unsigned i = take_first(&left);
        s->lost[i] = multicast_obstacle(out, &burst[i]);
        if (s->lost[i] != DROP__COUNT)
            continue;
        multicast_address(&burst[i], out->mac);
        lane_queue(lane, number, &burst[i], out->mtu, (uint8_t)i);
    }
    lane_flush(lane, number);
    for (uint64_t left = copies; left != 0;) {
        unsigned i = take_first(&left);
        if (s->lost[i] == DROP__COUNT) {
            fate->left |= BIT(i);
            continue;
        }
        count(&lane->multicast_use[fate->number[i]].lost);
        if (fate->why[i] == DROP__COUNT)
            fate->why[i] = s->lost[i];
    }
}

FAST_PATH bool lane_multicast(struct lane *lane, struct packet *burst, struct now now)
{
    struct lane_scratch *s = lane->scratch;
    struct fate fate = {0};
    uint64_t sent = 0, all = s->multicast;
    bool punted = false;
    s->multicast = 0;
    s->n_out = 0;
    while (all != 0) {
        unsigned i = take_first(&all);
        struct packet *packet = &burst[i];
        const struct multicast_way *way;
        count(&lane->counters->ip[IP_IN_FORW_DATAGRAMS]);
        enum verdict verdict = ip_multicast(lane->tables, packet, &way);
        if (way != NULL && verdict != VERDICT_PUNT) /* what is punted is counted by the core */
            multicast_count(&lane->multicast_use[way->number], packet, verdict, now);
        if (verdict != VERDICT_CONTINUE) {
            punted |= lane_leave(lane, packet, verdict);
            continue;
        }
        sent |= BIT(i);
        fate.number[i] = way->number;
        fate.why[i] = DROP__COUNT;
        share_out(s, way, i, packet->ip.ttl);
        multicast_commit(packet);
    }
    for (unsigned i = 0; i < s->n_out; i++) {
        send_copies(lane, burst, s->out[i], s->copies[s->out[i]], &fate);
        s->copies[s->out[i]] = 0;
    }
    while (sent != 0) {
        unsigned i = take_first(&sent);
        multicast_end(lane->counters, &burst[i], (fate.left & BIT(i)) != 0, fate.why[i]);
    }
    return punted;
}
