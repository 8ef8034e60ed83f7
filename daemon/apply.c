#include "daemon/apply.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/interfaces.h"
#include "daemon/router.h"
#include "daemon/routes.h"

/* Of static routes at the start: what one batch selects at its end is in the caches still, which is not so with all
 * routes in one. */
#define PREFIXES_AT_ONCE 256

/* ---- static ARP ---- */

static const struct config_arp *find_arp(const struct config *config, const struct config_arp *like)
{
    for (size_t i = 0; config != NULL && i < config->n_arps; i++)
        if (config->arps[i].address == like->address && strcmp(config->arps[i].interface, like->interface) == 0)
            return &config->arps[i];
    return NULL;
}

static void remove_arps(struct router *r, const struct config *before, const struct config *after, struct now now)
{
    for (size_t i = 0; before != NULL && i < before->n_arps; i++) {
        const struct config_arp *arp = &before->arps[i];
        unsigned port = interfaces_number(r->interfaces, arp->interface);
        if (find_arp(after, arp) == NULL && port != PORT_NONE)
            neighbour_unset_static(r->dataplane->neighbours, port, arp->address, now);
    }
}

/* Those that are there already are put again: it changes nothing, and their interface may have got a new port. */
static void add_arps(struct router *r, const struct config *config, struct now now)
{
    for (size_t i = 0; i < config->n_arps; i++) {
        const struct config_arp *arp = &config->arps[i];
        char text[ADDR_TEXT];
        unsigned number = interfaces_number(r->interfaces, arp->interface);
        const struct port *port = number == PORT_NONE ? NULL : dataplane_port(r->dataplane, number);
        if (port == NULL || !neighbour_set_static(r->dataplane->neighbours, port, arp->address, arp->mac, now))
            log_error(&r->log, "static ARP %s on %s: no memory or no room for it", addr_text(arp->address, text),
                      arp->interface);
    }
}

/* ---- the difference ---- */

unsigned apply_follow(struct router *r, const struct config *before)
{
    const struct config *config = r->running;
    struct now now = loop_now(r->loop);
    log_configure(&r->log, config);
    r->dataplane->icmp_rate = (uint32_t)config->icmp_rate_limit;
    r->dataplane->icmp_burst = (uint32_t)config->icmp_burst;
    rib_batch_begin(r->rib);
    remove_arps(r, before, config, now);
    unsigned refused = interfaces_apply(r->interfaces, config, now);
    add_arps(r, config, now);
    rib_batch_end(r->rib, now);
    return refused;
}

unsigned apply_first(struct router *r)
{
    struct now now = loop_now(r->loop);
    struct routes_change change = {.router = r, .config = r->running};
    unsigned refused = apply_follow(r, NULL);
    if (!routes_list(&change.want, r->running))
        log_error(&r->log, "no memory for the static routes");
    else
        while (routes_change_some(&change, PREFIXES_AT_ONCE, now))
            ;
    routes_free(&change.want);
    return refused;
}
