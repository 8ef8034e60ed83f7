/* core: IP options, RFC 791 3.1, as a router and as a host handles them (RFC 1812 4.2.2.1, 5.2.4.1, 5.3.13). Record
 * route, timestamp and source routes are acted on; all others pass unchanged.
 *
 * Positions are counted from the first byte of the IP header, which is how a parameter problem points. */
#ifndef FORWARDING_OPTIONS_H
#define FORWARDING_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "forwarding/ip.h"
#include "forwarding/now.h"

struct own_table;

enum {
    OPTION_END = 0,
    OPTION_NOP = 1,
    OPTION_RECORD_ROUTE = 7,
    OPTION_TIMESTAMP = 68,
    OPTION_LOOSE_ROUTE = 131,
    OPTION_STRICT_ROUTE = 137,
    OPTION_ROUTER_ALERT = 148
};

#define OPTIONS_MAX (IP_HEADER_MAX - IP_HEADER_MIN)

/* Where the options that we act on are; 0: not there. */
struct options {
    uint8_t record_route, timestamp, source_route;
    bool strict;
};

/* Finds the options of a header of HEADER bytes and checks them. False when one is malformed: *pointer is the octet at
 * fault. */
bool options_parse(const uint8_t *ip, unsigned header, struct options *options, uint8_t *pointer);

/* The next address of a source route that is not used up; 0: there is none. */
uint32_t options_next_hop(const uint8_t *ip, const struct options *options);

/* Follows a source route while the destination of the header is one of OWN and a next address is left; RECORD is put
 * in each place that is used. Returns the new destination (the old one when there was nothing to follow); the header's
 * checksum is not touched. */
uint32_t options_follow_route(uint8_t *ip, const struct options *options, const struct own_table *own, uint32_t record);

/* Puts RECORD and the time into record route and timestamp options where they want it, or counts the overflow. The
 * header's checksum is not touched. */
void options_stamp(uint8_t *ip, const struct options *options, const struct own_table *own, uint32_t record,
                   struct now now);

/* Computes the checksum of a header anew. */
void options_finish(uint8_t *ip, unsigned header);

/* The options of a datagram that answers one that was received with these: record route and timestamp as they are now,
 * and the part of the source route that was travelled, reversed. *first_hop is where the answer goes first: the last
 * router of the source route, or SRC. Returns bytes at TO, a multiple of 4. */
struct reflected {
    uint8_t bytes[OPTIONS_MAX];
    uint8_t len;
    uint32_t first_hop;
};
void options_reflect(const uint8_t *ip, const struct options *options, bool stamps, uint32_t src, struct reflected *to);

/* Milliseconds since midnight UT, as timestamp options and messages want them. */
uint32_t options_time(struct now now);

#endif
