/* What the files of config_check share.
 *
 *   config_check.c       every key, and what it has to do with others
 *   check_routes_file.c  the table of static-routes-file
 *   check_rip.c          RIP, its prefix lists and key chains
 *   check_multicast.c    IGMP and multicast forwarding
 *   check_index.c        what is looked for, put in order: interfaces by name, addresses by value */
#ifndef CLI_CHECK_H
#define CLI_CHECK_H

#include "cli/config.h"

/* An address of an interface. Twin and rival stand earlier: the same address, and a subnet of another interface that
 * shares addresses with this one's. */
struct owned {
    const struct config_interface *interface;
    const struct config_address *address;
    size_t order;
    const struct owned *twin, *rival;
};

struct named {
    const char *name;
    const struct config_interface *interface;
};

/* The first or last address of a subnet, which no host has. */
struct edge {
    uint32_t addr;
    const char *what;
    const struct config_interface *interface;
};

struct check {
    const struct config *config;
    struct config_errors *errors;
    struct named *names; /* sorted */
    size_t n_names;
    struct owned *owned;   /* in the order of the configuration */
    struct owned **sorted; /* by address */
    size_t n_owned;
    struct edge *edges; /* sorted */
    size_t n_edges;
};

/* Builds all indexes. False when there is no memory; check_free either way. */
bool check_index(struct check *c);
void check_free(struct check *c);

/* The first interface of that name, the first to have that address, a subnet that begins or ends with it; or NULL. */
const struct config_interface *check_interface(const struct check *c, const char *name);
const struct owned *check_owned(const struct check *c, uint32_t addr);
const struct edge *check_edge(const struct check *c, uint32_t addr);

/* Why no host of SUBNET can have ADDR (RFC 1122 3.2.1.3; RFC 3021 for /31), as what it is; NULL if one can, or if it is
 * not in it. */
const char *check_no_host(struct prefix subnet, uint32_t addr);

/* ---- config_check.c ---- */

#define CHECK_FIRST_SIZE 256

/* " (first on line 7)": where the other of two is; nothing if that is not known. */
const char *check_first_text(struct config_place first, struct config_place second, char *to, size_t size);

/* Of a static route: its prefix, and the I-th of its next hops. */
void check_route_prefix(const struct check *c, struct prefix prefix, struct config_place place);
void check_route_hop(const struct check *c, const uint32_t *via, unsigned i, struct config_place place);

/* Why no host can have ADDR, as what it is; NULL if one can. */
const char *check_no_unicast(uint32_t addr);

struct config_place check_place(struct config_place place, struct config_place other);

/* ---- check_rip.c ---- */

void check_rip(const struct check *c);

/* ---- check_multicast.c ---- */

void check_multicast(const struct check *c);

/* ---- check_routes_file.c ---- */

/* False when there is no memory. */
bool check_routes_file(const struct check *c);

#endif
