/* pure: the addresses that are the router's own, and the broadcasts of its subnets. One small immutable table that
 * lanes ask about the destination and the source of each packet; the core makes a new one whenever a port changes. */
#ifndef FORWARDING_OWN_H
#define FORWARDING_OWN_H

#include <stddef.h>
#include <stdint.h>

struct port;
struct own_table;

enum own_kind {
    OWN_NOTHING,
    OWN_ADDRESS,   /* ours: deliver */
    OWN_BROADCAST, /* all ones or all zeros in the host part of an attached subnet (RFC 1812 4.2.3.1; not of /31 and
                      /32) */
};

struct own {
    uint32_t addr;
    uint16_t port; /* whose subnet it is */
    uint8_t kind;  /* enum own_kind */
    uint8_t len;   /* of the subnet */
};

/* Builds the table of all addresses of ports that are up. PORTS may hold NULL. NULL when there is no memory. Free with
 * free(). */
struct own_table *own_table_new(const struct port *const ports[], size_t n);

/* What ADDR is; NULL when it is nothing of ours. Safe on a NULL table. */
const struct own *own_find(const struct own_table *table, uint32_t addr);

/* Entries in no order, for tables that are shown: *n of them. */
const struct own *own_list(const struct own_table *table, size_t *n);

#endif
