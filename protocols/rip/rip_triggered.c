/* RFC 2091's exchange with the peers of an interface.
 *
 * Towards us: a peer is asked for everything until its flush comes; after that its update responses are taken and
 * acknowledged. From us: a flush without routes, and once it is acknowledged everything, and then what changes, one
 * message at a time (RFC 2091 3.5). Who does not acknowledge or answer for as long as a route lives without updates is
 * down: what it told goes, and it is asked from time to time. Whatever it says then begins all of it again.
 *
 * RFC 2091 says nothing of messages that come twice or late. A flush that did would make routes time out that nobody
 * tells again, and an old response would bring back what is no longer so. Hence the highest sequence number and the 63
 * below it are remembered: what came before is acknowledged and not read again, and what does not fit makes us ask. */
#include "protocols/rip/rip_triggered.h"

#include <stdlib.h>

#include "protocols/rip/rip_peer.h"

#define WINDOW 64

const char *const rip_exchange_name[RIP_EXCHANGE__COUNT] = {
    [RIP_EXCHANGE_NONE] = "none",       [RIP_EXCHANGE_DOWN] = "down",         [RIP_EXCHANGE_FLUSHING] = "flushing",
    [RIP_EXCHANGE_SENDING] = "sending", [RIP_EXCHANGE_COMPLETE] = "complete", [RIP_EXCHANGE_LEAVING] = "leaving",
};

/* ---- states ---- */

void rip_peer_want(struct rip_peer *peer, struct now now)
{
    if (!peer->asking)
        peer->asking_ns = now.ns;
    peer->asking = true;
    peer->asked = 0;
    peer->ask_ns = now.ns;
}

void rip_peer_must_flush(struct rip_peer *peer)
{
    peer->must_flush = true;
    peer->must_repeat = peer->in_flight = false;
    peer->outlet.n_entries = 0;
}

static void begin_exchange(struct rip *rip, struct rip_peer *peer, struct now now)
{
    peer->down = peer->leaving = peer->asking = false;
    rip_walk_keep(rip, peer, true);
    rip_peer_must_flush(peer);
    rip_peer_want(peer, now);
}

static struct rip_peer *open_peer(struct rip *rip, struct rip_neighbour *neighbour, struct now now)
{
    struct rip_peer *peer = neighbour->interface->circuit.peers < RIP_PEERS_MAX ? calloc(1, sizeof *peer) : NULL;
    if (peer == NULL)
        return NULL;
    peer->neighbour = neighbour;
    peer->outlet.version = rip_peer_version(neighbour->interface);
    peer->sent = (uint16_t)rip_random(rip);
    if (!rip_walk_open(rip, peer)) {
        free(peer);
        return NULL;
    }
    neighbour->peer = peer;
    neighbour->interface->circuit.peers++;
    begin_exchange(rip, peer, now);
    return peer;
}

void rip_peer_close(struct rip *rip, struct rip_peer *peer)
{
    rip_walk_close(rip, peer);
    peer->neighbour->interface->circuit.peers--;
    peer->neighbour->peer = NULL;
    free(peer);
}

void rip_triggered_close_all(struct rip *rip, struct rip_interface *interface)
{
    for (struct rip_neighbour *n = rip_with_peer(interface->neighbours); n != NULL; n = rip_with_peer(n->next))
        rip_peer_close(rip, n->peer);
}

/* It does not answer: RFC 2091 6.3. */
void rip_peer_go_down(struct rip *rip, struct rip_peer *peer, struct now now)
{
    struct rip_neighbour *n = peer->neighbour;
    rip_log(rip, RIP_WARNING, n->interface->port, n->address,
            "does not answer: its routes are given up, and it is asked every %u seconds",
            (unsigned)(RIP_PEER_POLL_NS / NS_PER_S));
    peer->down = true;
    peer->heard = peer->flushed = peer->in_flight = false;
    peer->asking = true;
    peer->ask_ns = now.ns + RIP_PEER_POLL_NS;
    rip_walk_keep(rip, peer, false);
    rip_permanent_flush(rip, n, 0, now);
}

/* Told that all of it is unreachable, each route once, and then to forget the rest in case some of that is lost. */
static void leave(struct rip *rip, struct rip_peer *peer, struct now now)
{
    if (peer->leaving)
        return;
    peer->leaving = true;
    peer->in_flight = peer->asking = false;
    peer->retry_ns = now.ns;
    peer->goodbyes = 0;
    rip_walk_begin(rip, peer, false);
}

bool rip_triggered_is_on(const struct rip *rip, const struct rip_interface *interface)
{
    const struct rip_interface_settings *s = interface->settings;
    return s->triggered && interface->up && !interface->removed && !rip->stopping && !s->loopback && s->send != 0;
}

bool rip_triggered_is_alive(const struct rip_neighbour *neighbour)
{
    return neighbour->peer != NULL && neighbour->peer->heard && !neighbour->peer->down;
}

static bool is_configured(const struct rip *rip, uint32_t address)
{
    for (unsigned i = 0; i < rip->settings->n_neighbors; i++)
        if (rip->settings->neighbors[i] == address)
            return true;
    return false;
}

static void refresh_peer(struct rip *rip, struct rip_peer *peer, bool on, struct now now)
{
    const struct rip_interface *interface = peer->neighbour->interface;
    bool reachable = interface->up && rip_interface_subnet_of(interface, peer->neighbour->address) != NULL;
    bool wanted = on && (!interface->settings->passive || is_configured(rip, peer->neighbour->address));
    peer->outlet.version = rip_peer_version(interface);
    if (!reachable || (!wanted && peer->down))
        rip_peer_close(rip, peer);
    else if (!wanted)
        leave(rip, peer, now);
    else if (peer->leaving)
        begin_exchange(rip, peer, now);
}

void rip_triggered_refresh(struct rip *rip, struct rip_interface *interface, struct now now)
{
    bool on = rip_triggered_is_on(rip, interface);
    for (struct rip_neighbour *n = rip_with_peer(interface->neighbours); n != NULL; n = rip_with_peer(n->next))
        refresh_peer(rip, n->peer, on, now);
    if (on && !interface->circuit.on)
        interface->circuit = (struct rip_circuit){.peers = interface->circuit.peers, .ask_ns = now.ns};
    interface->circuit.on = on;
    for (unsigned i = 0; on && i < rip->settings->n_neighbors; i++) {
        uint32_t address = rip->settings->neighbors[i];
        if (rip_interface_subnet_of(interface, address) == NULL || rip_interface_is_own(interface, address))
            continue;
        struct rip_neighbour *n = rip_neighbour_get(interface, address, now);
        if (n != NULL && n->peer == NULL)
            open_peer(rip, n, now);
    }
}

void rip_triggered_restart(struct rip *rip, struct rip_interface *interface, struct now now)
{
    interface->circuit.asked = 0;
    interface->circuit.ask_ns = now.ns;
    for (struct rip_neighbour *n = rip_with_peer(interface->neighbours); n != NULL; n = rip_with_peer(n->next))
        if (!n->peer->leaving)
            begin_exchange(rip, n->peer, now);
}

void rip_triggered_tell_all(struct rip_interface *interface)
{
    for (struct rip_neighbour *n = rip_with_peer(interface->neighbours); n != NULL; n = rip_with_peer(n->next))
        n->peer->must_repeat = true;
}

void rip_triggered_ask_all(struct rip_interface *interface, uint32_t address, struct now now)
{
    for (struct rip_neighbour *n = rip_with_peer(interface->neighbours); n != NULL; n = rip_with_peer(n->next))
        if (!n->peer->leaving && !n->peer->down && (address == 0 || n->address == address))
            rip_peer_want(n->peer, now);
}

/* ---- what comes in ---- */

static void take_request(struct rip *rip, struct rip_peer *peer, struct now now)
{
    if (!peer->in_flight || !peer->flush) {
        rip_peer_must_flush(peer);
    } else { /* which answers this */
        rip_peer_count_again(peer);
        rip_peer_send(rip, peer, now);
    }
}

static enum rip_reject take_ack(struct rip *rip, struct rip_peer *peer, const struct rip_header *header)
{
    if (!peer->in_flight || header->sequence != peer->sent || header->flush != peer->flush)
        return RIP_REJECT_TRIGGERED_ACK;
    peer->neighbour->interface->counters.in_acks++;
    peer->in_flight = false;
    peer->outlet.n_entries = 0;
    if (!peer->flush || peer->leaving)
        return RIP_ACCEPT;
    peer->must_flush = false;
    rip_walk_begin(rip, peer, true);
    return RIP_ACCEPT;
}

/* Who counts from a lower number has begun anew, or this is late: which of both, the answer will tell. The same number
 * with nothing in between is either a repetition, and taking it twice is as good as once, or of a new beginning. */
static void take_flush(struct rip *rip, struct rip_peer *peer, uint16_t sequence, struct now now)
{
    int16_t ahead = (int16_t)(sequence - peer->sequence);
    bool again = peer->flushed && peer->only_flush && ahead == 0;
    peer->duplicates += again;
    rip_permanent_flush(rip, peer->neighbour, rip->settings->timeout_s * NS_PER_S, now);
    if (!peer->flushed || ahead > 0)
        peer->asking = false;
    else if (!again)
        rip_peer_want(peer, now);
    peer->flushed = peer->only_flush = true;
    peer->sequence = sequence;
    peer->seen = 1;
}

/* *news: it did not come before. */
static enum rip_reject take_change(struct rip_peer *peer, uint16_t sequence, bool *news, struct now now)
{
    int16_t ahead = (int16_t)(sequence - peer->sequence);
    if (!peer->flushed || ahead <= -WINDOW) {
        if (!peer->asking)
            rip_peer_want(peer, now);
        return RIP_REJECT_TRIGGERED_ORDER;
    }
    if (ahead > 0) {
        peer->seen = ahead < WINDOW ? peer->seen << ahead | 1 : 1;
        peer->sequence = sequence;
        peer->only_flush = false;
        *news = true;
        return RIP_ACCEPT;
    }
    uint64_t bit = UINT64_C(1) << -ahead;
    *news = (peer->seen & bit) == 0;
    peer->seen |= bit;
    peer->only_flush = peer->only_flush && !*news;
    return RIP_ACCEPT;
}

static enum rip_reject take_response(struct rip *rip, struct rip_peer *peer, const struct rip_header *header,
                                     bool *news, struct now now)
{
    enum rip_reject reject = RIP_ACCEPT;
    *news = header->flush;
    if (header->flush)
        take_flush(rip, peer, header->sequence, now);
    else
        reject = take_change(peer, header->sequence, news, now);
    if (reject != RIP_ACCEPT)
        return reject;
    peer->duplicates += !*news;
    rip_peer_acknowledge(rip, peer, header, now);
    return RIP_ACCEPT;
}

enum rip_reject rip_triggered_input(struct rip *rip, struct rip_neighbour *neighbour, const struct rip_header *header,
                                    bool *news, struct now now)
{
    struct rip_peer *peer = neighbour->peer;
    if (peer == NULL && header->command == RIP_UPDATE_ACK)
        return RIP_REJECT_TRIGGERED_ACK;
    if (peer == NULL)
        peer = open_peer(rip, neighbour, now);
    if (peer == NULL)
        return RIP_REJECT_TRIGGERED_PEERS;
    if (peer->leaving)
        return header->command == RIP_UPDATE_ACK ? take_ack(rip, peer, header) : RIP_ACCEPT;
    if (peer->down)
        begin_exchange(rip, peer, now);
    peer->heard = true;
    neighbour->version = header->version;
    if (neighbour->heard_ns != 0) /* else its first response is going to be told of */
        neighbour->heard_ns = now.ns;
    switch (header->command) {
    case RIP_UPDATE_REQUEST:
        take_request(rip, peer, now);
        return RIP_ACCEPT;
    case RIP_UPDATE_RESPONSE:
        return take_response(rip, peer, header, news, now);
    default:
        return take_ack(rip, peer, header);
    }
}

/* ---- looking ---- */

static enum rip_exchange state_of(const struct rip *rip, const struct rip_peer *peer)
{
    if (peer->leaving)
        return RIP_EXCHANGE_LEAVING;
    if (peer->down)
        return RIP_EXCHANGE_DOWN;
    if (peer->must_flush)
        return RIP_EXCHANGE_FLUSHING;
    return peer->in_flight || peer->must_repeat || rip_walk_is_pending(rip, peer) ? RIP_EXCHANGE_SENDING
                                                                                  : RIP_EXCHANGE_COMPLETE;
}

struct rip_exchange_view rip_triggered_view(const struct rip *rip, const struct rip_neighbour *neighbour)
{
    const struct rip_peer *peer = neighbour->peer;
    if (peer == NULL)
        return (struct rip_exchange_view){.state = RIP_EXCHANGE_NONE};
    return (struct rip_exchange_view){
        .state = state_of(rip, peer),
        .asking = peer->asking,
        .sequence = peer->sent,
        .unanswered = peer->in_flight ? peer->tries : 0,
        .retransmissions = peer->retransmissions,
        .duplicates = peer->duplicates,
    };
}
