/* core writes, lanes read: multicast forwarding, RFC 1112 and RFC 1812 5.2.1.3 and 5.3.13. A stream is the packets of
 * one source to one group. Each has an entry, which says by which port it comes in and by which ports it leaves; lanes
 * forward by it and count under its number.
 *
 * A packet of a stream without an entry is handed to the core, which makes one and sends the packet by it. Which port a
 * stream comes in by follows from the unicast route to its source (reverse path); which ports want it is asked of the
 * floor above. A stream that nobody wants has an entry too: so it costs a lane one look-up, and the core nothing.
 *
 * Never forwarded are 224.0.0.0/24, a time to live of 1, what came by the wrong port, and groups beyond a boundary. No
 * ICMP error is ever sent about any of it. */
#ifndef FORWARDING_MULTICAST_H
#define FORWARDING_MULTICAST_H

#include <stdbool.h>
#include <stdint.h>

#include "forwarding/counters.h"
#include "forwarding/now.h"
#include "forwarding/packet.h"
#include "forwarding/prefix.h"
#include "forwarding/tables.h"

struct dataplane;
struct multicast;
struct multicast_way;
struct port;

#define MULTICAST_MAX 16384 /* entries are numbered 0..MULTICAST_MAX-1 */

/* ---- what the floor above sets ---- */

/* A set of ports. */
struct port_set {
    uint64_t word[PORT_MAX / 64];
};

static inline void port_set_add(struct port_set *set, unsigned port)
{
    set->word[port / 64] |= UINT64_C(1) << (port % 64);
}

static inline bool port_set_has(const struct port_set *set, unsigned port)
{
    return (set->word[port / 64] >> (port % 64) & 1) != 0;
}

/* What is asked when a stream needs a decision. It comes empty but for IN. */
struct multicast_decision {
    uint16_t in;         /* the port towards SRC by the unicast routes; may be changed. Never PORT_NONE */
    struct port_set out; /* to be filled: who wants it. IN itself, ports that are not there, and those that a boundary
                            cuts off are taken out afterwards */
};

/* Says by which ports what SRC sends to GROUP is to leave. It looks and changes nothing: it is asked for explanations,
 * too. An RFC 4605 proxy adds its upstream port when IN is another one. */
typedef void multicast_decide(void *context, uint32_t src, uint32_t group, struct multicast_decision *decision);

struct multicast_settings {
    bool enabled;             /* false: all of it is dropped as DROP_MULTICAST, and there are no entries */
    multicast_decide *decide; /* NULL: nobody wants anything */
    void *context;            /* handed to decide() */
    uint32_t limit;           /* most entries, 1..MULTICAST_MAX. Unwanted streams have at most half of them */
    uint32_t new_rate;        /* new entries a second for what comes by one port, wanted and unwanted streams apart;
                                 0: no limit */
    uint32_t new_burst;       /* and at once */
    uint32_t idle_s;          /* an entry without packets is forgotten after so many seconds */
    uint32_t unwanted_idle_s; /* the same, of a stream that nobody wants */
};

/* Disabled, and what is good for most. */
extern const struct multicast_settings multicast_defaults;

/* Takes SETTINGS, a copy. Entries live on, and are decided anew. */
void multicast_configure(struct dataplane *d, const struct multicast_settings *settings, struct now now);

/* What a port asks of multicast packets. */
struct multicast_port {
    uint8_t ttl_threshold; /* leaves by it only with a received time to live above this; 0 is the same as 1 */
    unsigned n_boundaries;
    const struct prefix *boundaries; /* groups that neither come in nor leave by it (RFC 2365) */
};

/* Takes SETTINGS of port NUMBER, a copy with its boundaries; NULL: none. They are kept whether or not the port is
 * there. False when there is no memory, and nothing has changed. */
bool multicast_set_port(struct dataplane *d, unsigned number, const struct multicast_port *settings, struct now now);

/* Who wants a stream has changed: of SRC to GROUP; SRC 0: of all sources to GROUP; GROUP 0 as well: anything. Entries
 * are decided anew, some at once and the rest by the next calls of dataplane_run. To be called after the change.
 * Changes of ports are heard of without it, and those of unicast routes within a second; whoever knows of one can be
 * quicker. */
void multicast_changed(struct dataplane *d, uint32_t src, uint32_t group, struct now now);

/* Forgets entries, chosen in the same way. */
void multicast_clear(struct dataplane *d, uint32_t src, uint32_t group);

/* ---- looking ---- */

struct multicast_view {
    uint32_t src, group;
    uint16_t in;       /* PORT_NONE: no route leads to its source */
    uint32_t upstream; /* the neighbour on IN towards SRC; SRC itself when it is on that link, or no route */
    enum drop why;     /* DROP__COUNT: it is forwarded; else why all of it is dropped */
    unsigned n_out;    /* ports by which it leaves: */
    struct port_set out;
    uint8_t ttl_least;       /* a packet needs more than this to leave by any port */
    uint64_t packets, bytes; /* came in by IN; bytes of IP */
    uint64_t wrong_port;     /* packets that came by another port */
    uint64_t low_ttl;        /* packets with too little time to live for any port */
    uint64_t lost;           /* copies that did not leave: too big with don't-fragment, port down, or refused */
    uint64_t rate_packets;   /* a second, by IN, over the last rate_ns: */
    uint64_t rate_bits;      /* of IP */
    uint64_t rate_ns;        /* 5 to 10 s; in a big table up to 16, of a new stream its age; 0: less than a second */
    uint64_t age_ns;         /* since the entry was made */
    uint64_t idle_ns;        /* since the last packet, good to a second */
};

/* Walks by group and source, safe against any change between two steps: the next entry after GROUP and SRC of *view
 * (both 0: the first) into *view. False at the end. */
bool multicast_next(const struct dataplane *d, struct multicast_view *view, struct now now);

/* Exactly this entry. */
bool multicast_look(const struct dataplane *d, uint32_t src, uint32_t group, struct multicast_view *view,
                    struct now now);

/* What a new entry would say of a packet of SRC to GROUP that comes by PORT, were it made now, in *way; the caller
 * frees it. NULL when there is no memory. Returns DROP__COUNT, or DROP_MULTICAST_LIMIT when none would be made. */
enum drop multicast_foresee(const struct dataplane *d, unsigned port, uint32_t src, uint32_t group,
                            struct multicast_way **way, uint32_t *upstream, struct now now);

struct multicast_summary {
    unsigned entries, unwanted;            /* unwanted ones are among the entries */
    uint64_t made, aged, evicted, refused; /* refused: for a limit */
};
struct multicast_summary multicast_summary(const struct dataplane *d);

/* ---- what lanes and the core forward by ---- */

/* One port by which a stream leaves. */
struct multicast_out {
    uint16_t port;
    uint8_t threshold; /* at least 1 */
};

/* Where a stream goes. Immutable; a change publishes a new one. */
struct multicast_way {
    uint32_t number; /* index of struct multicast_use; used again only after a grace period */
    uint16_t in;
    uint8_t ttl_least; /* the least threshold of out[]; 255 if there is none */
    enum drop why;     /* with n 0 */
    unsigned n;
    struct multicast_out out[];
};

/* What a thread counts under a number; it is the only writer. */
struct multicast_use {
    uint64_t packets, bytes, wrong_port, low_ttl, lost;
    uint32_t used, wrong; /* the last second (now.ns / NS_PER_S, cut to 32 bits) of either; 0: never */
};

/* The way of a stream; NULL when there is none yet that lanes may see. */
const struct multicast_way *multicast_find(const struct multicast *m, uint32_t src, uint32_t group);

/* What WAY says of PACKET, of its stream. CONTINUE: it leaves by those out[] whose threshold is below its time to live.
 * PUNT: OPTIONS. DROP: as packet->drop says. Nothing is changed in the bytes. */
enum verdict multicast_judge(const struct multicast_way *way, struct packet *packet);

/* What the way says of PACKET, which ip_check has called multicast. multicast_judge's answer, or PUNT: MULTICAST and
 * *way NULL when there is none yet; DROP: MULTICAST and *way NULL when it is switched off. */
enum verdict ip_multicast(const struct tables *tables, struct packet *packet, const struct multicast_way **way);

/* Counts it in USE, which is of way->number. VERDICT is multicast_judge's. */
void multicast_count(struct multicast_use *use, const struct packet *packet, enum verdict verdict, struct now now);

/* Why a packet can not leave by OUT, which wants it; DROP__COUNT: it can. OUT may be NULL. */
enum drop multicast_obstacle(const struct port *out, const struct packet *packet);

/* Readies the bytes of a packet that ip_multicast lets pass: time to live, checksum, and an Ethernet header that lacks
 * only its source. Then, for each port that it leaves by in turn, that source; the frame is sent before the next one.
 * 01:00:5e and the low 23 bits of the group, RFC 1112 6.4. */
void multicast_commit(struct packet *packet);
void multicast_address(struct packet *packet, const uint8_t port_mac[6]);

/* Counts the end of a packet whose copies were sent. LEFT: one of them at least did leave. LOST: the first reason why
 * one did not; DROP__COUNT: all did. */
void multicast_end(struct counters *counters, const struct packet *packet, bool left, enum drop lost);

#endif
