/* What RFC 2091's exchange does in time: asking, telling, repeating, giving up, saying goodbye. */
#include "protocols/rip/rip_peer.h"

#define RETRIES_EVEN   6                 /* then it waits twice as long each time */
#define RETRY_DOUBLED  3                 /* at most */
#define GOODBYE_NS     (500 * NS_PER_MS) /* between two flushes of one who leaves */
#define GOODBYES       3
#define BURST_MESSAGES 16 /* goodbyes are not waited for */
#define BURST_GAP_NS   NS_PER_MS
#define GROUP_ASKS     10 /* without an answer; then it is polled */

static uint64_t retry_ns(unsigned tries)
{
    unsigned doubled = tries < RETRIES_EVEN ? 0 : tries - RETRIES_EVEN + 1;
    return RIP_PEER_RETRY_NS << (doubled < RETRY_DOUBLED ? doubled : RETRY_DOUBLED);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static bool has_waited(const struct rip *rip, uint64_t since_ns, struct now now)
{
    return now.ns - since_ns >= rip->settings->timeout_s * NS_PER_S;
}

static bool has_room(const struct rip *rip, const struct rip_neighbour *neighbour)
{
    const struct rip_settings *s = rip->settings;
    return rip->n_paths < s->max_routes_altogether && (s->max_routes == 0 || neighbour->n_paths < s->max_routes);
}

void rip_triggered_lacks(const struct rip *rip, struct rip_neighbour *neighbour, struct now now)
{
    if (!has_room(rip, neighbour) && neighbour->lacks_ns == 0)
        neighbour->lacks_ns = now.ns + RIP_PEER_POLL_NS;
}

static void look_for_room(const struct rip *rip, struct rip_peer *peer, struct now now)
{
    struct rip_neighbour *n = peer->neighbour;
    if (n->lacks_ns == 0 || now.ns < n->lacks_ns)
        return;
    n->lacks_ns = has_room(rip, n) ? 0 : now.ns + RIP_PEER_POLL_NS;
    if (n->lacks_ns == 0 && !peer->down)
        rip_peer_want(peer, now);
}

static uint64_t run_asking(struct rip *rip, struct rip_peer *peer, struct now now)
{
    look_for_room(rip, peer, now);
    if (!peer->asking)
        return peer->neighbour->lacks_ns != 0 ? peer->neighbour->lacks_ns : NEVER_NS;
    if (now.ns < peer->ask_ns)
        return peer->ask_ns;
    if (!peer->down && has_waited(rip, peer->asking_ns, now)) {
        rip_peer_go_down(rip, peer, now);
        return peer->ask_ns;
    }
    if (peer->asked > 0)
        rip_peer_count_again(peer);
    rip_peer_ask(rip, peer, now);
    peer->ask_ns = now.ns + (peer->down ? RIP_PEER_POLL_NS : retry_ns(peer->asked));
    peer->asked++;
    return peer->ask_ns;
}

static uint64_t run_flight(struct rip *rip, struct rip_peer *peer, struct now now)
{
    if (now.ns < peer->retry_ns)
        return peer->retry_ns;
    if (has_waited(rip, peer->since_ns, now)) {
        rip_peer_go_down(rip, peer, now);
        return peer->ask_ns;
    }
    if (peer->outlet.n_entries > rip_peer_entries_max(peer->neighbour->interface)) {
        rip_peer_must_flush(peer); /* it is to be signed since: there is less room */
        return now.ns;
    }
    rip_peer_count_again(peer);
    peer->retry_ns = now.ns + retry_ns(++peer->tries);
    rip_peer_send(rip, peer, now);
    return peer->retry_ns;
}

static uint64_t run_telling(struct rip *rip, struct rip_peer *peer, struct now now)
{
    if (peer->down)
        return NEVER_NS;
    if (peer->in_flight)
        return run_flight(rip, peer, now);
    if (peer->must_flush) {
        rip_peer_launch(rip, peer, true, now);
        return peer->retry_ns;
    }
    if (peer->must_repeat)
        rip_walk_begin(rip, peer, false);
    peer->must_repeat = false;
    if (!rip_walk_is_pending(rip, peer))
        return NEVER_NS;
    unsigned most = rip_peer_entries_max(peer->neighbour->interface);
    bool more = rip_walk_on(rip, peer, most);
    if (more && peer->outlet.n_entries < most)
        return now.ns;
    if (peer->outlet.n_entries == 0)
        return NEVER_NS;
    rip_peer_launch(rip, peer, false, now);
    return peer->retry_ns;
}

/* Says without waiting what there is to say. True: that was all. */
static bool say_unreachable(struct rip *rip, struct rip_peer *peer, struct now now)
{
    unsigned most = rip_peer_entries_max(peer->neighbour->interface);
    peer->retry_ns = now.ns;
    for (unsigned i = 0; peer->all && i < BURST_MESSAGES; i++) {
        bool more = rip_walk_on(rip, peer, most);
        if (peer->outlet.n_entries == 0)
            return !more;
        rip_peer_launch(rip, peer, false, now);
        peer->in_flight = false;
        peer->outlet.n_entries = 0;
        peer->retry_ns = now.ns + BURST_GAP_NS;
    }
    return !peer->all;
}

/* Returns when to go on; NEVER_NS: it is done. */
static uint64_t run_goodbye(struct rip *rip, struct rip_peer *peer, struct now now)
{
    if (peer->goodbyes > 0 && !peer->in_flight)
        return NEVER_NS;
    if (now.ns < peer->retry_ns)
        return peer->retry_ns;
    if (peer->goodbyes == GOODBYES)
        return NEVER_NS;
    if (peer->goodbyes == 0 && !say_unreachable(rip, peer, now))
        return peer->retry_ns;
    if (peer->goodbyes++ == 0) {
        rip_peer_launch(rip, peer, true, now);
    } else {
        rip_peer_count_again(peer);
        rip_peer_send(rip, peer, now);
    }
    peer->retry_ns = now.ns + GOODBYE_NS;
    return peer->retry_ns;
}

static uint64_t run_peer(struct rip *rip, struct rip_peer *peer, struct now now)
{
    if (!peer->leaving)
        return earlier(run_asking(rip, peer, now), run_telling(rip, peer, now));
    uint64_t due = run_goodbye(rip, peer, now);
    if (due == NEVER_NS)
        rip_peer_close(rip, peer);
    return due;
}

static uint64_t run_group(struct rip *rip, struct rip_interface *interface, struct now now)
{
    struct rip_circuit *c = &interface->circuit;
    if (!c->on || interface->settings->passive)
        return NEVER_NS;
    for (const struct rip_neighbour *n = rip_with_peer(interface->neighbours); n != NULL; n = rip_with_peer(n->next))
        if (rip_triggered_is_alive(n))
            return NEVER_NS;
    if (now.ns >= c->ask_ns) {
        rip_peer_ask_group(rip, interface, now);
        c->ask_ns = now.ns + (c->asked < GROUP_ASKS ? retry_ns(c->asked) : RIP_PEER_POLL_NS);
        c->asked++;
    }
    return c->ask_ns;
}

static uint64_t run_circuit(struct rip *rip, struct rip_interface *interface, struct now now)
{
    unsigned peers = interface->circuit.peers;
    uint64_t due = run_group(rip, interface, now);
    for (struct rip_neighbour *n = rip_with_peer(interface->neighbours); n != NULL; n = rip_with_peer(n->next))
        due = earlier(due, run_peer(rip, n->peer, now));
    if (interface->circuit.peers > 0 || peers == 0)
        return due;
    if (!rip_interface_reap(rip, interface)) /* the last one has left: updates may begin */
        rip_interface_refresh(rip, interface, now);
    return now.ns;
}

uint64_t rip_triggered_run(struct rip *rip, struct now now)
{
    uint64_t due = NEVER_NS;
    for (unsigned i = 0; i < rip->n_interfaces; i++) {
        struct rip_interface *interface = rip->interfaces[i];
        if (interface == NULL || (!interface->circuit.on && interface->circuit.peers == 0) ||
            interface->outlets[0].open || interface->outlets[1].open) /* these are to say goodbye first */
            continue;
        due = earlier(due, run_circuit(rip, interface, now));
    }
    return due;
}
