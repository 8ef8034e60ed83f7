#include "daemon/apply.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/igmp.h"
#include "daemon/interfaces.h"
#include "daemon/rip.h"
#include "daemon/router.h"
#include "daemon/routes.h"

/* Of static routes at the start: what one batch selects at its end is in the caches still, which is not so with all
 * routes in one. */
#define PREFIXES_AT_ONCE 256

/* ---- static ARP ---- */

static int compare_arps(const void *a, const void *b)
{
    const struct config_arp *x = *(const struct config_arp *const *)a, *y = *(const struct config_arp *const *)b;
    if (x->address != y->address)
        return x->address < y->address ? -1 : 1;
    return strcmp(x->interface, y->interface);
}

static void remove_arps(struct router *r, const struct config *before, const struct config *after, struct now now)
{
    if (before == NULL || before->n_arps == 0)
        return;
    size_t n = after->n_arps;
    const struct config_arp **sorted = malloc((n + 1) * sizeof *sorted);
    if (sorted == NULL) {
        log_error(&r->log, "no memory to find the static ARP entries that have gone: they stay");
        return;
    }
    for (size_t i = 0; i < n; i++)
        sorted[i] = &after->arps[i];
    qsort(sorted, n, sizeof *sorted, compare_arps);
    for (size_t i = 0; i < before->n_arps; i++) {
        const struct config_arp *arp = &before->arps[i];
        unsigned port = interfaces_number(r->interfaces, arp->interface);
        if (port != PORT_NONE && bsearch(&arp, sorted, n, sizeof *sorted, compare_arps) == NULL)
            neighbour_unset_static(r->dataplane->neighbours, port, arp->address, now);
    }
    free(sorted);
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
    if (r->rip != NULL)
        rip_service_follow(r->rip, before, now);
    if (r->igmp != NULL)
        igmp_service_follow(r->igmp, before, now);
    return refused;
}

unsigned apply_first(struct router *r)
{
    struct now now = loop_now(r->loop);
    struct routes_change change = {.router = r, .config = r->running};
    apply_follow(r, NULL);
    unsigned refused = interfaces_wait(r->interfaces, now);
    if (!routes_list(&change.want, r->running))
        log_error(&r->log, "no memory for the static routes");
    else
        while (routes_change_some(&change, PREFIXES_AT_ONCE, now))
            ;
    routes_free(&change.want);
    return refused;
}
