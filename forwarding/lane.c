/* lane: the fast lane.
 *
 * A burst goes through in steps, all of its packets through each: whose frames they are and whether they are sound, one
 * look-up of all of them together, next hop and new header; then each output port gets what is for it in the order in
 * which it came, in one call. What leaves the way earlier is counted under the reason or punted.
 *
 * Packets too large for their way out are cut into the scratch memory. It is bounded: when it or the list of frames is
 * full, what is in it is sent and its room used anew. A packet in pieces counts as forwarded when all of them were
 * taken, and under the reason of the first refusal otherwise. */
#include "forwarding/lane.h"

#include <stdlib.h>
#include <string.h>

#include "forwarding/ethernet.h"
#include "forwarding/fast_path.h"
#include "forwarding/fib.h"
#include "forwarding/forward.h"
#include "forwarding/fragment.h"
#include "forwarding/lane_internal.h"
#include "forwarding/multicast.h"
#include "forwarding/neighbour.h"
#include "forwarding/port.h"

#define COPIES_RATE   100 /* a second */
#define COPIES_BURST  20
#define AHEAD         4 /* frames that are fetched before they are looked at */
#define REFUSALS_MOST 8 /* in one call's frames, after which the rest counts as refused too */

struct lane *lane_new(unsigned number, const struct tables *tables, struct transmit *transmit)
{
    struct lane *lane = calloc(1, sizeof *lane);
    if (lane == NULL)
        return NULL;
    lane->number = number;
    lane->tables = tables;
    lane->transmit = transmit;
    lane->counters = calloc(1, sizeof *lane->counters);
    lane->neighbour_used = calloc(NEIGHBOUR_MAX, sizeof *lane->neighbour_used);
    lane->multicast_use = calloc(MULTICAST_MAX, sizeof *lane->multicast_use);
    lane->scratch = calloc(1, sizeof *lane->scratch);
    if (!punts_init(&lane->punts) || lane->counters == NULL || lane->neighbour_used == NULL ||
        lane->multicast_use == NULL || lane->scratch == NULL) {
        lane_free(lane);
        return NULL;
    }
    return lane;
}

void lane_free(struct lane *lane)
{
    if (lane == NULL)
        return;
    punts_exit(&lane->punts);
    free(lane->scratch);
    free(lane->multicast_use);
    free(lane->neighbour_used);
    free(lane->counters);
    free(lane);
}

bool lane_leave(struct lane *lane, const struct packet *packet, enum verdict verdict)
{
    if (verdict == VERDICT_DROP) {
        count_drop(lane->counters, packet->port, packet->drop);
        return false;
    }
    if (!punt_put(&lane->punts, packet)) {
        count_drop(lane->counters, packet->port, DROP_PUNT_FULL);
        return false;
    }
    count(&lane->counters->port[packet->port].punted);
    return true;
}

static enum verdict check(struct lane *lane, const struct own_table *own, struct packet *packet)
{
    struct port_counters *counters = &lane->counters->port[packet->port];
    count(&counters->rx_packets);
    count_add(&counters->rx_bytes, packet->wire_len);

    const struct port *port = published(lane->tables->port[packet->port]);
    uint16_t type = 0;
    enum verdict verdict = ethernet_check(port, packet, &type);
    if (verdict != VERDICT_CONTINUE)
        return verdict;
    if (type != ETHERTYPE_IPV4) { /* ARP is for the control sockets */
        packet->drop = DROP_NOT_IP;
        return VERDICT_DROP;
    }
    count(&lane->counters->ip[IP_IN_RECEIVES]);
    return ip_check(lane->tables, own, port, packet);
}

static bool check_burst(struct lane *lane, struct packet *burst, unsigned n)
{
    struct lane_scratch *s = lane->scratch;
    const struct own_table *own = published(lane->tables->own);
    bool punted = false;
    s->n_routed = 0;
    for (unsigned i = 0; i < n && i < AHEAD; i++)
        __builtin_prefetch(burst[i].frame, 1);
    for (unsigned i = 0; i < n; i++) {
        if (i + AHEAD < n)
            __builtin_prefetch(burst[i + AHEAD].frame, 1);
        enum verdict verdict = check(lane, own, &burst[i]);
        if (verdict != VERDICT_CONTINUE) {
            if (verdict == VERDICT_MULTICAST)
                s->multicast |= UINT64_C(1) << i;
            else
                punted |= lane_leave(lane, &burst[i], verdict);
            continue;
        }
        s->routed[s->n_routed] = (uint8_t)i;
        s->dst[s->n_routed] = burst[i].ip.dst;
        s->n_routed++;
    }
    return punted;
}

/* The core is shown what came in, so this comes before ip_commit. The packet's own way is not changed by it. */
static bool copy_for_redirect(struct lane *lane, const struct packet *packet, struct now now)
{
    if (!bucket_take(&lane->copies, COPIES_RATE, COPIES_BURST, now.ns))
        return false;
    struct packet copy = *packet;
    copy.punt = PUNT_REDIRECT;
    return punt_put(&lane->punts, &copy);
}

static void mark_used(struct lane *lane, uint32_t neighbour, uint32_t second)
{
    uint32_t *used = &lane->neighbour_used[neighbour];
    if (__atomic_load_n(used, __ATOMIC_RELAXED) != second) /* no write to a line that the core reads, for nothing */
        __atomic_store_n(used, second, __ATOMIC_RELAXED);
}

static void put_in_group(struct lane_scratch *s, uint8_t at, uint16_t port)
{
    s->next[at] = END;
    s->lost[at] = DROP__COUNT;
    if (s->group_at[port] == 0) {
        s->group[s->n_groups] = (struct group){.port = port, .first = at, .last = at};
        s->group_at[port] = (uint8_t)++s->n_groups;
        return;
    }
    struct group *group = &s->group[s->group_at[port] - 1];
    s->next[group->last] = at;
    group->last = at;
}

static bool route_burst(struct lane *lane, struct packet *burst, struct now now)
{
    struct lane_scratch *s = lane->scratch;
    uint32_t second = (uint32_t)(now.ns / NS_PER_S);
    bool punted = false;
    fib_lookup_burst(lane->tables->fib, s->dst, s->hops, s->n_routed);
    count_add(&lane->counters->ip[IP_IN_FORW_DATAGRAMS], s->n_routed);
    for (unsigned i = 0; i < s->n_routed; i++) {
        struct packet *packet = &burst[s->routed[i]];
        bool redirect = false;
        enum verdict verdict = ip_route(lane->tables, s->hops[i], packet);
        if (verdict == VERDICT_CONTINUE)
            verdict = ip_prepare(lane->tables, packet, &redirect);
        if (verdict != VERDICT_CONTINUE) {
            punted |= lane_leave(lane, packet, verdict);
            continue;
        }
        if (redirect)
            punted |= copy_for_redirect(lane, packet, now);
        ip_commit(packet);
        mark_used(lane, packet->adjacency->number, second);
        put_in_group(s, s->routed[i], packet->out_port);
    }
    return punted;
}

static void count_refused(struct lane *lane, unsigned port, uint8_t of, enum drop why)
{
    struct port_counters *out = &lane->counters->port[port];
    count(why == DROP_TX_FULL ? &out->tx_drops : &out->tx_errors);
    if (lane->scratch->lost[of] == DROP__COUNT)
        lane->scratch->lost[of] = why;
}

/* A frame that the device refuses is skipped, because it may be the only one that it does not like; but a device that
 * refuses many takes no more just now. */
FAST_PATH void lane_flush(struct lane *lane, unsigned port)
{
    struct lane_scratch *s = lane->scratch;
    struct port_counters *out = &lane->counters->port[port];
    enum drop why = DROP_TX_FAILED;
    unsigned at = 0, refusals = 0;
    while (at < s->n_frames && refusals < REFUSALS_MOST) {
        unsigned taken = lane->transmit->send(lane->transmit, port, s->frame + at, s->n_frames - at, &why);
        uint64_t bytes = 0;
        for (unsigned i = at; i < at + taken; i++)
            bytes += s->frame[i]->len;
        count_add(&out->tx_packets, taken);
        count_add(&out->tx_bytes, bytes);
        count_add(&lane->counters->ip[IP_OUT_TRANSMITS], taken);
        at += taken;
        if (at < s->n_frames) {
            count_refused(lane, port, s->of[at++], why);
            refusals++;
        }
    }
    for (; at < s->n_frames; at++)
        count_refused(lane, port, s->of[at], why);
    s->n_frames = s->n_pieces = s->pieces_used = 0;
}

static void queue(struct lane *lane, unsigned port, struct packet *packet, uint8_t of)
{
    struct lane_scratch *s = lane->scratch;
    if (s->n_frames == FRAMES)
        lane_flush(lane, port);
    s->frame[s->n_frames] = packet;
    s->of[s->n_frames] = of;
    s->n_frames++;
}

/* A place for a piece of at most MTU bytes of IP, its IP header aligned to 4. It is taken by queue_piece. */
static uint8_t *room_for_piece(struct lane *lane, unsigned port, uint32_t mtu, struct packet **piece)
{
    struct lane_scratch *s = lane->scratch;
    if (s->n_frames == FRAMES || s->pieces_used + 2 + CUT_PIECE_MAX(mtu) > PIECES_BYTES)
        lane_flush(lane, port);
    *piece = &s->piece[s->n_pieces];
    return s->pieces + s->pieces_used + 2;
}

static void queue_piece(struct lane *lane, unsigned port, uint8_t of)
{
    struct lane_scratch *s = lane->scratch;
    struct packet *piece = &s->piece[s->n_pieces++];
    s->pieces_used += (2 + piece->len + 7) & ~7u;
    queue(lane, port, piece, of);
}

static void lose(struct lane *lane, uint8_t of, enum drop why)
{
    if (lane->scratch->lost[of] == DROP__COUNT)
        lane->scratch->lost[of] = why;
}

/* Fragments WHOLE, which is the packet OF of the burst or a segment of it. */
static void queue_fragments(struct lane *lane, unsigned port, struct packet *whole, uint16_t mtu, uint8_t of)
{
    uint64_t *ip = lane->counters->ip;
    struct cutter cut;
    checksum_complete(whole);
    count(&ip[IP_OUT_FRAG_REQDS]);
    enum drop why = fragment_start(&cut, whole, mtu);
    if (why != DROP__COUNT) {
        lose(lane, of, why);
        return;
    }
    struct packet *piece;
    uint8_t *to = room_for_piece(lane, port, mtu, &piece);
    while (fragment_next(&cut, to, piece)) {
        queue_piece(lane, port, of);
        to = room_for_piece(lane, port, mtu, &piece);
    }
    count(&ip[IP_OUT_FRAG_OKS]);
    count_add(&ip[IP_OUT_FRAG_CREATES], cut.piece);
}

/* Segments that do not fit are fragmented, as they would have been had they come one by one. */
static void queue_segments(struct lane *lane, unsigned port, struct packet *whole, uint16_t mtu, uint8_t of)
{
    struct cutter cut;
    enum drop why = gso_start(&cut, whole);
    if (why != DROP__COUNT) {
        lose(lane, of, why);
        return;
    }
    struct packet segment;
    while (lane->scratch->lost[of] == DROP__COUNT && gso_next(&cut, lane->scratch->segment + 2, &segment)) {
        if (segment.ip.len > mtu) {
            queue_fragments(lane, port, &segment, mtu, of);
            continue;
        }
        struct packet *piece;
        uint8_t *to = room_for_piece(lane, port, mtu, &piece);
        memcpy(to, segment.frame, segment.len);
        *piece = segment;
        piece->frame = to;
        queue_piece(lane, port, of);
    }
}

static void queue_cut(struct lane *lane, unsigned port, struct packet *packet, uint16_t mtu, uint8_t of)
{
    if (packet_is_gso(packet))
        queue_segments(lane, port, packet, mtu, of);
    else
        queue_fragments(lane, port, packet, mtu, of);
}

FAST_PATH void lane_queue(struct lane *lane, unsigned port, struct packet *packet, uint16_t mtu, uint8_t of)
{
    if (!ip_must_cut(packet, mtu))
        queue(lane, port, packet, of);
    else
        queue_cut(lane, port, packet, mtu, of);
}

static void send_group(struct lane *lane, struct packet *burst, const struct group *group)
{
    struct lane_scratch *s = lane->scratch;
    for (unsigned i = group->first; i != END; i = s->next[i]) {
        struct packet *packet = &burst[i];
        if (!ip_must_cut(packet, packet->mtu))
            queue(lane, group->port, packet, (uint8_t)i);
        else
            queue_cut(lane, group->port, packet, packet->mtu, (uint8_t)i);
    }
    lane_flush(lane, group->port);

    for (unsigned i = group->first; i != END; i = s->next[i]) {
        if (s->lost[i] != DROP__COUNT) {
            count_drop(lane->counters, burst[i].port, s->lost[i]);
            continue;
        }
        count(&lane->counters->port[burst[i].port].forwarded);
        count(&lane->counters->ip[IP_OUT_FORW_DATAGRAMS]);
    }
}

FAST_PATH bool lane_forward(struct lane *lane, struct packet *burst, unsigned n, struct now now)
{
    struct lane_scratch *s = lane->scratch;
    bool punted = false;
    if (__builtin_expect(trace_wanted(lane->tables), false))
        punted = trace_burst(lane, burst, n, now);
    punted |= check_burst(lane, burst, n);
    punted |= route_burst(lane, burst, now);
    for (unsigned i = 0; i < s->n_groups; i++) {
        send_group(lane, burst, &s->group[i]);
        s->group_at[s->group[i].port] = 0;
    }
    s->n_groups = 0;
    if (s->multicast != 0)
        punted |= lane_multicast(lane, burst, now);
    return punted;
}
