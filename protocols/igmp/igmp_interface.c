/* Interfaces: up, down, other settings, and the intervals that follow from them (RFC 9776 8). */
#include <stdlib.h>
#include <string.h>

#include "protocols/igmp/igmp_internal.h"

#define MTU_MIN 68

const struct igmp_interface_settings igmp_interface_settings_default = {
    .version = 3,
    .robustness = 2,
    .query_interval_ms = 125000,
    .response_interval_ms = 10000,
    .last_member_interval_ms = 1000,
    .querier = true,
    .compatibility = true,
    .report_limit = 10000,
};

/* ---- intervals ---- */

uint64_t igmp_membership_interval(const struct igmp_interface *i) /* 8.4 */
{
    return i->robustness * i->query_interval_ns + 2 * i->response_interval_ns;
}

uint64_t igmp_older_host_interval(const struct igmp_interface *i) /* 8.13 */
{
    return i->robustness * i->query_interval_ns + i->response_interval_ns;
}

uint64_t igmp_other_querier_interval(const struct igmp_interface *i) /* 8.5 */
{
    return i->robustness * i->query_interval_ns + i->response_interval_ns / 2;
}

uint64_t igmp_last_member_interval(const struct igmp_interface *i)
{
    return i->settings->last_member_interval_ms * NS_PER_MS;
}

unsigned igmp_last_member_count(const struct igmp_interface *i)
{
    return i->settings->last_member_count != 0 ? i->settings->last_member_count : i->robustness;
}

uint64_t igmp_last_member_time(const struct igmp_interface *i) /* 8.10 */
{
    return igmp_last_member_count(i) * igmp_last_member_interval(i);
}

/* ---- settings ---- */

static int compare_statics(const void *a, const void *b)
{
    const struct igmp_static *x = a, *y = b;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    return x->source < y->source ? -1 : x->source > y->source;
}

/* One block, to be freed with free(); statics in order, those that can be none left out. */
static struct igmp_interface_settings *copy_settings(const struct igmp_interface_settings *settings)
{
    size_t room = settings->n_statics * sizeof(struct igmp_static);
    struct igmp_interface_settings *copy = malloc(sizeof *copy + room);
    if (copy == NULL)
        return NULL;
    struct igmp_static *statics = (struct igmp_static *)(copy + 1);
    *copy = *settings;
    copy->statics = statics;
    copy->n_statics = 0;
    for (unsigned i = 0; i < settings->n_statics; i++)
        if (addr_is_multicast(settings->statics[i].group) && !igmp_is_link_local(settings->statics[i].group))
            statics[copy->n_statics++] = settings->statics[i];
    qsort(statics, copy->n_statics, sizeof statics[0], compare_statics);
    if (copy->robustness == 0)
        copy->robustness = 1; /* 8.1: MUST NOT be zero */
    return copy;
}

struct igmp_interface *igmp_interface_find(const struct igmp *igmp, unsigned port)
{
    return port < igmp->n_interfaces ? igmp->interfaces[port] : NULL;
}

static struct igmp_interface *interface_new(struct igmp *igmp, unsigned port)
{
    struct igmp_interface *i = calloc(1, sizeof *i);
    if (i == NULL)
        return NULL;
    i->igmp = igmp;
    i->port = (uint16_t)port;
    patricia_init(&i->groups, &later_at_once);
    patricia_init(&i->host.members, &later_at_once);
    igmp->interfaces[port] = i;
    if (port >= igmp->n_interfaces)
        igmp->n_interfaces = port + 1;
    return i;
}

bool igmp_interface_set(struct igmp *igmp, unsigned port, const struct igmp_interface_settings *settings,
                        struct now now)
{
    if (port >= PORT_MAX)
        return false;
    struct igmp_interface_settings *copy = copy_settings(settings);
    struct igmp_interface *i = igmp_interface_find(igmp, port);
    if (copy != NULL && i == NULL)
        i = interface_new(igmp, port);
    if (copy == NULL || i == NULL) {
        free(copy);
        return false;
    }
    struct igmp_interface_settings *was = i->settings;
    bool always = was != NULL && was->forward_always;
    i->settings = copy;
    igmp_groups_configured(i, now);
    free(was);
    igmp_querier_configured(i, now);
    if (i->up && always != copy->forward_always && !i->querier)
        igmp->hooks.changed(igmp->hooks.context, port, 0, now);
    return true;
}

void igmp_interface_free(struct igmp_interface *i)
{
    igmp_querier_stop(i);
    igmp_groups_free(i);
    igmp_host_stop(i);
    i->igmp->interfaces[i->port] = NULL;
    free(i->buckets);
    free(i->addresses);
    free(i->settings);
    free(i);
}

void igmp_interface_remove(struct igmp *igmp, unsigned port, struct now now)
{
    struct igmp_interface *i = igmp_interface_find(igmp, port);
    if (i == NULL)
        return;
    bool was_up = i->up;
    i->up = false;
    i->settings->n_statics = 0;
    igmp_groups_forget(i, now);
    igmp_interface_free(i);
    if (was_up)
        igmp->hooks.changed(igmp->hooks.context, port, 0, now);
}

/* ---- up and down ---- */

void igmp_interface_role(struct igmp_interface *i, struct now now)
{
    bool upstream = i->igmp->settings->upstream == i->port;
    if (upstream == i->upstream)
        return;
    i->upstream = upstream;
    if (upstream) {
        igmp_querier_stop(i);
        igmp_groups_forget(i, now);
    }
    if (!i->up)
        return;
    igmp_host_stop(i);
    igmp_host_start(i, now);
    if (!upstream)
        igmp_querier_start(i, now);
    igmp_proxy_review(i->igmp);
    i->igmp->hooks.changed(i->igmp->hooks.context, i->port, 0, now);
}

bool igmp_interface_up(struct igmp *igmp, unsigned port, const struct prefix *addresses, unsigned n, uint32_t mtu,
                       struct now now)
{
    struct igmp_interface *i = igmp_interface_find(igmp, port);
    if (i == NULL || igmp->stopping)
        return true;
    if (n == 0) {
        igmp_interface_down(igmp, port, now);
        return true;
    }
    struct prefix *copy = malloc(n * sizeof *copy);
    if (copy == NULL)
        return false;
    memcpy(copy, addresses, n * sizeof *copy);
    bool same = i->up && i->addresses[0].addr == copy[0].addr;
    free(i->addresses);
    i->addresses = copy;
    i->n_addresses = n;
    i->room = (mtu > MTU_MIN ? mtu : MTU_MIN) - IGMP_IP_HEADER;
    if (i->room > IGMP_MESSAGE_MAX)
        i->room = IGMP_MESSAGE_MAX;
    if (same)
        return true;
    bool was_up = i->up;
    i->up = true;
    i->upstream = igmp->settings->upstream == port;
    if (!was_up)
        igmp_host_start(i, now);
    if (!i->upstream)
        igmp_querier_start(i, now);
    if (!was_up)
        igmp_proxy_review(igmp);
    igmp->hooks.changed(igmp->hooks.context, port, 0, now);
    return true;
}

void igmp_interface_down(struct igmp *igmp, unsigned port, struct now now)
{
    struct igmp_interface *i = igmp_interface_find(igmp, port);
    if (i == NULL || !i->up)
        return;
    i->up = false;
    igmp_querier_stop(i);
    igmp_host_stop(i);
    igmp_groups_forget(i, now);
    igmp_proxy_review(igmp); /* what is static here counts no more */
    igmp->hooks.changed(igmp->hooks.context, port, 0, now);
}

bool igmp_interface_is_own(const struct igmp_interface *i, uint32_t addr)
{
    for (unsigned j = 0; j < i->n_addresses; j++)
        if (i->addresses[j].addr == addr)
            return true;
    return false;
}

bool igmp_interface_is_near(const struct igmp_interface *i, uint32_t addr)
{
    for (unsigned j = 0; j < i->n_addresses; j++)
        if (prefix_holds(i->addresses[j], addr))
            return true;
    return false;
}

bool igmp_send(struct igmp_interface *i, uint32_t dst, const uint8_t *message, size_t len, struct now now)
{
    const struct igmp_hooks *hooks = &i->igmp->hooks;
    bool sent = hooks->send(hooks->context, i->port, i->addresses[0].addr, dst, message, len, now);
    if (!sent)
        i->counters.out_failed++;
    return sent;
}

bool igmp_join(struct igmp *igmp, unsigned port, uint32_t group, bool on, struct now now)
{
    struct igmp_interface *i = igmp_interface_find(igmp, port);
    if (i == NULL || !addr_is_multicast(group))
        return false;
    return igmp_host_join(i, group, on, now);
}
