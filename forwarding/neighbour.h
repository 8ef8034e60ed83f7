/* core writes, lanes read: neighbours, which are the stations of the attached networks and their MAC addresses: RFC
 * 826, RFC 1122 2.3.2, RFC 5227. This is the table, its states and its timers; arp.h is the packets.
 *
 *   incomplete   asked for, not known yet; up to NEIGHBOUR_WAITING packets wait, the newest kept
 *   reachable    known; lanes have its adjacency
 *   stale        its time ran out unused, or nobody confirmed it; still used, the first use probes it
 *   probe        used while stale, or used before its time ran out: unicast requests are on their way; still published
 *   static       by configuration: never asked for, aged, learned over or evicted */
#ifndef FORWARDING_NEIGHBOUR_H
#define FORWARDING_NEIGHBOUR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "forwarding/now.h"
#include "forwarding/packet.h"
#include "forwarding/port.h"
#include "forwarding/publish.h"
#include "forwarding/timers.h"

#define NEIGHBOUR_MAX     65536 /* numbers 0..NEIGHBOUR_MAX-1 */
#define NEIGHBOUR_WAITING 64    /* packets that wait for one neighbour; at least 3 are kept whatever the pool holds */

enum neighbour_state { NEIGHBOUR_INCOMPLETE, NEIGHBOUR_REACHABLE, NEIGHBOUR_STALE, NEIGHBOUR_PROBE, NEIGHBOUR_STATIC };
extern const char *const neighbour_state_name[]; /* as in JSON */

/* What a lane needs to send to a neighbour. Immutable; a change of MAC publishes a new one. */
struct adjacency {
    uint32_t addr;
    uint16_t port;
    uint16_t mtu;                      /* of the port, when this was made */
    uint32_t number;                   /* index of the lanes' use marks; used again only after a grace period */
    uint8_t ethernet[ETHERNET_HEADER]; /* destination, source, 0x0800: ready to copy */
};

struct neighbours;

/* Hooks may call neighbour_output and whatever looks; they must not clear, remove or change ports, nor hear. */
struct neighbour_hooks {
    void *context;
    /* One waiting packet may go: its adjacency is set. Called oldest first. The packet's bytes are the table's until it
     * returns. */
    void (*send)(void *context, struct packet *packet, struct now now);
    /* One waiting packet will not go, for WHY; DROP_NEIGHBOUR_FAILED wants a host unreachable. */
    void (*drop)(void *context, struct packet *packet, enum drop why, struct now now);
    /* Ask for ADDR on PORT: broadcast when TO_MAC is NULL, else unicast. The sender address is the hook's to choose. */
    void (*request)(void *context, const struct port *port, uint32_t addr, const uint8_t *to_mac, struct now now);
    /* Between sending the waiting packets of a neighbour and publishing it: let what lanes have punted meanwhile go
     * first. */
    void (*about_to_publish)(void *context, struct now now);
    /* When a lane last used the adjacency of this number, as now.ns, cut to whole seconds; 0: never. Marks that a
     * number had before it was given to another neighbour do no harm: only later seconds count. */
    uint64_t (*last_used)(void *context, uint32_t number);
    /* A sentence about a moved neighbour or an attempt on a static one; rate-limited by the table. */
    void (*log)(void *context, const char *text);
    uint64_t (*random)(void *context);
};

/* MOST bounds the table (1..NEIGHBOUR_MAX), WAITING_BYTES the packets that wait in all. NULL when there is no memory.
 */
struct neighbours *neighbours_new(unsigned most, size_t waiting_bytes, const struct neighbour_hooks *hooks,
                                  struct timers *timers, struct later *later);
void neighbours_free(struct neighbours *n);

/* The adjacency of ADDR on port PORT, or NULL. Lanes call this. */
const struct adjacency *neighbour_find(const struct neighbours *n, unsigned port, uint32_t addr);

/* Whether there is an entry of ADDR on port PORT, known or still asked for. */
bool neighbour_wanted(const struct neighbours *n, unsigned port, uint32_t addr);

/* Sends PACKET (routed: nexthop is set, and PORT is its out_port's; its bytes are copied if it has to wait) when its
 * neighbour is known, by hook send; else queues it and asks. Here and below the table copies of PORT what it needs.
 * Every packet ends in exactly one call of send or drop, now or later. */
void neighbour_output(struct neighbours *n, const struct port *port, struct packet *packet, struct now now);

/* Why a packet to ADDR out of PORT would not even be asked for; DROP__COUNT: it would. */
enum drop neighbour_judge(const struct port *port, uint32_t addr);

/* What an ARP packet says: ADDR is at MAC. CREATE: an entry is made if there is none (it was a request to us, or a
 * reply that we asked for); otherwise only an existing one is updated. CONFIRMED: it answers us, so it is proof of
 * reachability. An unconfirmed one that says what is known restarts the timeout all the same (RFC 1122 2.3.2.1); one
 * that says something else is believed at once, and asked at its first use. */
void neighbour_heard(struct neighbours *n, const struct port *port, uint32_t addr, const uint8_t mac[MAC_LEN],
                     bool create, bool confirmed, struct now now);

/* A static entry, put or taken away. False when there is no memory or no room. They survive link flaps. */
bool neighbour_set_static(struct neighbours *n, const struct port *port, uint32_t addr, const uint8_t mac[MAC_LEN],
                          struct now now);
void neighbour_unset_static(struct neighbours *n, unsigned port, uint32_t addr, struct now now);

/* The port changed (MAC, MTU: adjacencies are made anew), or went down or lost a subnet (dynamic entries that no
 * address of PORT covers are dropped, all of them when it is down; static ones are withdrawn from lanes while it is
 * down). */
void neighbours_port_changed(struct neighbours *n, const struct port *port, struct now now);
void neighbours_port_removed(struct neighbours *n, unsigned port, struct now now);

/* Forgets dynamic entries: of all ports or PORT (PORT_NONE: all), of all addresses or ADDR (0: all). Packets that
 * waited are dropped as NEIGHBOUR_QUEUE. Returns how many entries. */
unsigned neighbours_clear(struct neighbours *n, unsigned port, uint32_t addr, struct now now);

/* How many waiting packets came in by PORT: the balance's "held". */
uint64_t neighbours_held(const struct neighbours *n, unsigned port);

struct neighbour_view {
    uint16_t port;
    uint32_t addr;
    uint8_t mac[MAC_LEN]; /* none while incomplete */
    enum neighbour_state state;
    uint32_t age_s; /* since it was last confirmed (made, if never) */
    unsigned waiting;
};

/* Walks in order of port and address; survives any change between two steps. Start with *cursor = 0; false at the end.
 */
bool neighbours_next(const struct neighbours *n, uint64_t *cursor, struct neighbour_view *view, struct now now);

/* Where a walk begins that leaves out ports before PORT, and of PORT the addresses before ADDR. */
static inline uint64_t neighbours_cursor_at(unsigned port, uint32_t addr)
{
    return (uint64_t)port << 32 | addr;
}

/* One of them. False when there is none. */
bool neighbour_look(const struct neighbours *n, unsigned port, uint32_t addr, struct neighbour_view *view,
                    struct now now);

struct neighbour_totals {
    unsigned entries, incomplete, statics;
    uint64_t evicted, queue_drops, failed, bytes;
};
struct neighbour_totals neighbours_totals(const struct neighbours *n);

#endif
