/* The messages of RFC 2091's exchange. */
#include "protocols/rip/rip_peer.h"

static void send(struct rip *rip, struct rip_interface *interface, struct rip_message *m, uint32_t src, uint32_t dst,
                 uint64_t *counter, struct now now)
{
    const struct rip_auth *auth = &interface->settings->auth;
    rip_interface_watch_keys(rip, interface, now);
    bool sent = (!rip_peer_signs(interface) ||
                 rip_auth_sign(auth, &interface->sent, m->bytes, &m->len, sizeof m->bytes, now)) &&
                rip->hooks.send(rip->hooks.context, interface->port, src, dst, RIP_PORT, m->bytes, m->len, now);
    ++*(sent ? counter : &interface->counters.out_failed);
    rip_debug_if(rip, RIP_DEBUG_PACKETS, interface->port, dst, "%s version %u %s, %zu bytes",
                 sent ? "sent" : "could not send", m->version, rip_command_text(m->bytes[0]), m->len);
}

static void send_to(struct rip *rip, struct rip_peer *peer, struct rip_message *m, uint64_t *counter, struct now now)
{
    struct rip_interface *interface = peer->neighbour->interface;
    const struct prefix *subnet = rip_interface_subnet_of(interface, peer->neighbour->address);
    if (subnet != NULL)
        send(rip, interface, m, subnet->addr, peer->neighbour->address, counter, now);
}

/* With one entry that means everything, as in a request of RFC 2453 3.9.1: there are routers that insist on it. */
static void begin_request(const struct rip_interface *interface, struct rip_message *m)
{
    struct rip_entry everything = {.metric = RIP_INFINITY};
    rip_message_begin(m, RIP_UPDATE_REQUEST, rip_peer_version(interface), rip_peer_signs(interface));
    rip_message_add(m, &everything);
}

void rip_peer_ask_group(struct rip *rip, struct rip_interface *interface, struct now now)
{
    for (unsigned i = 0; i < interface->n_addresses; i++) {
        struct prefix address = interface->addresses[i];
        struct rip_message m;
        if (address.len == 32)
            continue;
        bool broadcast = rip_peer_version(interface) == 1 || interface->settings->broadcast;
        uint32_t all = prefix_has_broadcast(address) ? prefix_broadcast(address) : UINT32_MAX;
        begin_request(interface, &m);
        send(rip, interface, &m, address.addr, broadcast ? all : RIP_GROUP, &interface->counters.out_requests, now);
    }
}

void rip_peer_ask(struct rip *rip, struct rip_peer *peer, struct now now)
{
    struct rip_interface *interface = peer->neighbour->interface;
    struct rip_message m;
    begin_request(interface, &m);
    send_to(rip, peer, &m, &interface->counters.out_requests, now);
}

void rip_peer_acknowledge(struct rip *rip, struct rip_peer *peer, const struct rip_header *header, struct now now)
{
    struct rip_interface *interface = peer->neighbour->interface;
    struct rip_message m;
    rip_message_begin(&m, RIP_UPDATE_ACK, rip_peer_version(interface), rip_peer_signs(interface));
    rip_message_number(&m, header->flush, header->sequence);
    send_to(rip, peer, &m, &interface->counters.out_acks, now);
}

/* What is in flight, for the first time or again: with what holds of it still, since nothing newer was sent. */
void rip_peer_send(struct rip *rip, struct rip_peer *peer, struct now now)
{
    struct rip_interface *interface = peer->neighbour->interface;
    struct rip_message m;
    rip_message_begin(&m, RIP_UPDATE_RESPONSE, rip_peer_version(interface), rip_peer_signs(interface));
    rip_message_number(&m, peer->flush, peer->sent);
    for (unsigned i = 0; i < peer->outlet.n_entries && m.left > 0; i++) {
        rip_message_add(&m, &peer->outlet.entries[i]);
        interface->counters.out_routes++;
    }
    send_to(rip, peer, &m, &interface->counters.out_changes, now);
}

void rip_peer_count_again(struct rip_peer *peer)
{
    peer->retransmissions++;
    peer->neighbour->interface->counters.retransmissions++;
}

void rip_peer_launch(struct rip *rip, struct rip_peer *peer, bool flush, struct now now)
{
    peer->in_flight = true;
    peer->flush = flush;
    peer->sent++;
    peer->tries = 0;
    peer->since_ns = now.ns;
    peer->retry_ns = now.ns + RIP_PEER_RETRY_NS;
    rip_peer_send(rip, peer, now);
}
