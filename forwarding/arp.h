/* core: ARP packets, RFC 826, 5227 and 1122 2.3.2: what is answered, what is learned from, what is sent. */
#ifndef FORWARDING_ARP_H
#define FORWARDING_ARP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "forwarding/bucket.h"
#include "forwarding/counters.h"
#include "forwarding/debug.h"
#include "forwarding/neighbour.h"
#include "forwarding/now.h"
#include "forwarding/packet.h"
#include "forwarding/port.h"

/* Counted by the core, shown by `show ip traffic`. */
struct arp_stats {
    uint64_t in_requests, in_replies, in_gratuitous; /* each valid packet is one of these */
    uint64_t in_ignored;                             /* of them: neither answered nor of use */
    uint64_t in_malformed, in_bad_sender;            /* also drops */
    uint64_t out_requests, out_replies, out_gratuitous;
    uint64_t out_suppressed; /* requests not sent, for there were too many */
    uint64_t out_failed;     /* the device did not take it */
    uint64_t conflicts;      /* somebody else uses an address of ours */
};

struct arp {
    struct neighbours *neighbours;
    struct transmit *transmit; /* the core's */
    struct arp_stats stats;
    struct bucket requests;    /* all broadcast requests together: a scan must not turn into a storm */
    struct counters *counters; /* the core's, for what is sent; NULL: not counted */
    const struct debug *debug; /* may be NULL */
    /* A conflict was seen: log it (rate-limited by arp) as a sentence. May be NULL. */
    void (*log)(void *context, const char *text);
    /* Whether ADDR is reached by another port than PORT, so that PORT with proxy_arp answers for it (RFC 1027). May be
     * NULL: nothing is answered for. */
    bool (*proxy)(void *context, const struct port *port, uint32_t addr);
    /* Whether a route says that ADDR, which is in no subnet of PORT, is a neighbour there. May be NULL: nothing is. */
    bool (*on_link)(void *context, const struct port *port, uint32_t addr);
    void *context;
    struct bucket logged;
    uint64_t
        defended_ns[PORT_MAX]; /* when a conflict was last answered, RFC 5227 2.4: at most once in 10 s; 0: never */
};

/* Takes a frame of EtherType 0x0806 that came in by PORT: validates, answers, learns. Returns DROP__COUNT when it was a
 * valid ARP packet (counted as arp), else the reason to drop it. */
enum drop arp_input(struct arp *arp, const struct port *port, const struct packet *packet, struct now now);

enum arp_case {
    ARP_OWN, /* sent by PORT itself */
    ARP_CONFLICT,
    ARP_GRATUITOUS,
    ARP_ANSWERED,
    ARP_ANSWERED_FOR, /* proxy ARP */
    ARP_NOT_OURS,     /* a request */
    ARP_REPLY_TO_US,
    ARP_REPLY_TO_OTHERS,
};

/* What arp_input would do. */
struct arp_view {
    enum arp_case what; /* of a valid one */
    bool request;
    uint32_t sender, target;
    uint8_t mac[MAC_LEN];
};
enum drop arp_judge(const struct arp *arp, const struct port *port, const struct packet *packet, struct arp_view *view);

/* Asks for ADDR: broadcast when TO_MAC is NULL, else a unicast probe. The sender is our address in ADDR's subnet.
 * Broadcasts of all ports together are limited. */
void arp_request(struct arp *arp, const struct port *port, uint32_t addr, const uint8_t *to_mac, struct now now);

/* Announces every address of PORT (RFC 5227 3: a request with sender = target), at link up, new address, new MAC. */
void arp_announce(struct arp *arp, const struct port *port, struct now now);

#endif
