/* RIP messages: RFC 1058 3.1, RFC 2453 3.6 and 4. Bytes here, host order everywhere else. Authentication's bytes are
 * rip_auth.h's. */
#ifndef PROTOCOLS_RIP_PACKET_H
#define PROTOCOLS_RIP_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "forwarding/prefix.h"
#include "protocols/rip/rip_auth.h"
#include "protocols/rip/rip_reject.h"

#define RIP_HEADER      4
#define RIP_ENTRY       20
#define RIP_ENTRIES_MAX 25
#define RIP_MESSAGE_MAX (RIP_HEADER + RIP_ENTRIES_MAX * RIP_ENTRY + RIP_TRAILER_MAX)

enum rip_command { RIP_REQUEST = 1, RIP_RESPONSE = 2 };
enum rip_family { RIP_FAMILY_NONE = 0, RIP_FAMILY_IP = 2, RIP_FAMILY_AUTH = 0xffff };

struct rip_header {
    enum rip_command command;
    uint8_t version; /* 1 or 2; what says more is read as 2 (RFC 2453 5) */
};

struct rip_entry {
    uint16_t family, tag;
    uint32_t addr, mask, next_hop, metric;
};

/* Looks at a message of LEN bytes; on RIP_ACCEPT it has at least one entry. */
enum rip_reject rip_header_parse(const uint8_t *message, size_t len, struct rip_header *header);

/* Looks at the entries between BEGIN and END as a whole: whole ones, none of authentication, and with version 1 nothing
 * where zero must be in those of IP. */
enum rip_reject rip_entries_check(const struct rip_header *header, const uint8_t *message, size_t begin, size_t end);

/* The entry at AT, which has RIP_ENTRY bytes. */
struct rip_entry rip_entry_get(const uint8_t *at);

/* The prefix of the network that ENTRY names, heard on SUBNET, an address of ours: without a mask it is the subnet's
 * own, or the natural one, or a host's (RFC 1058 3.2). */
enum rip_reject rip_entry_prefix(const struct rip_entry *entry, uint8_t version, struct prefix subnet,
                                 struct prefix *prefix);

/* The network of class A, B or C that ADDR belongs to. */
struct prefix rip_classful(uint32_t addr);

/* What a number without a mask means to one who hears it on SUBNET (RFC 1058 3.2). */
uint8_t rip_guess_len(uint32_t addr, struct prefix subnet);

/* ---- building ---- */

struct rip_message {
    uint8_t bytes[RIP_MESSAGE_MAX];
    size_t len;
    uint8_t version;
    unsigned left; /* entries that still fit */
};

/* AUTH: room for an authentication entry is left in front. */
void rip_message_begin(struct rip_message *m, enum rip_command command, uint8_t version, bool auth);

/* Version 1 sends neither tag, mask nor next hop. There must be room. */
void rip_message_add(struct rip_message *m, const struct rip_entry *entry);

#endif
