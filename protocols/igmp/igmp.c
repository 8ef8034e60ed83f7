/* The instance: its settings, its time, the slices of long work, and the doors for forwarding. */
#include "protocols/igmp/igmp.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/igmp/igmp_internal.h"

#define SLICE_TIMERS 200
#define SLICE_PROXY  200

static const struct prefix ssm_default[] = {{0xe8000000, 8}};

const struct igmp_settings igmp_settings_default = {.upstream = PORT_NONE, .n_ssm = 1, .ssm = ssm_default};

uint64_t igmp_random(struct igmp *igmp)
{
    uint64_t z = igmp->random += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint64_t igmp_delay(struct igmp *igmp, uint64_t most_ns)
{
    return 1 + (most_ns > 0 ? igmp_random(igmp) % most_ns : 0);
}

void igmp_log(struct igmp *igmp, enum igmp_level level, unsigned port, uint32_t addr, const char *format, ...)
{
    if (igmp->hooks.log == NULL)
        return;
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    igmp->hooks.log(igmp->hooks.context, level, port, addr, text);
}

/* One block, to be freed with free(). */
static struct igmp_settings *copy_settings(const struct igmp_settings *settings)
{
    unsigned n = settings->n_ssm < IGMP_SSM_MAX ? settings->n_ssm : IGMP_SSM_MAX;
    struct igmp_settings *copy = malloc(sizeof *copy + n * sizeof(struct prefix));
    if (copy == NULL)
        return NULL;
    *copy = *settings;
    copy->n_ssm = n;
    copy->ssm = memcpy(copy + 1, n > 0 ? settings->ssm : ssm_default, n * sizeof(struct prefix));
    return copy;
}

struct igmp *igmp_new(const struct igmp_settings *settings, uint64_t seed, const struct igmp_hooks *hooks)
{
    struct igmp *igmp = calloc(1, sizeof *igmp);
    if (igmp == NULL)
        return NULL;
    igmp->settings = copy_settings(settings);
    if (igmp->settings == NULL) {
        free(igmp);
        return NULL;
    }
    igmp->hooks = *hooks;
    igmp->random = seed;
    timers_init(&igmp->timers, igmp);
    slab_pool_init(&igmp->group_pool, sizeof(struct igmp_group));
    slab_pool_init(&igmp->tracked_pool, sizeof(struct igmp_tracked));
    slab_pool_init(&igmp->member_pool, sizeof(struct igmp_member));
    return igmp;
}

void igmp_free(struct igmp *igmp)
{
    if (igmp == NULL)
        return;
    for (unsigned i = 0; i < igmp->n_interfaces; i++)
        if (igmp->interfaces[i] != NULL)
            igmp_interface_free(igmp->interfaces[i]);
    timers_exit(&igmp->timers);
    slab_pool_exit(&igmp->group_pool);
    slab_pool_exit(&igmp->tracked_pool);
    slab_pool_exit(&igmp->member_pool);
    free(igmp->settings);
    free(igmp);
}

bool igmp_configure(struct igmp *igmp, const struct igmp_settings *settings, struct now now)
{
    struct igmp_settings *copy = copy_settings(settings);
    if (copy == NULL)
        return false;
    free(igmp->settings);
    igmp->settings = copy;
    for (unsigned i = 0; i < igmp->n_interfaces; i++)
        if (igmp->interfaces[i] != NULL)
            igmp_interface_role(igmp->interfaces[i], now);
    return true;
}

void igmp_debug(struct igmp *igmp, unsigned kinds)
{
    igmp->debug = kinds;
}

bool igmp_is_ssm(const struct igmp *igmp, uint32_t group)
{
    for (unsigned i = 0; i < igmp->settings->n_ssm; i++)
        if (prefix_holds(igmp->settings->ssm[i], group))
            return true;
    return false;
}

uint64_t igmp_run(struct igmp *igmp, struct now now)
{
    bool more = igmp_proxy_run(igmp, SLICE_PROXY, now);
    timers_run(&igmp->timers, now, SLICE_TIMERS);
    for (unsigned i = 0; igmp->batches && i < igmp->n_interfaces; i++)
        if (igmp->interfaces[i] != NULL)
            igmp_report_flush(igmp->interfaces[i], now);
    igmp->batches = false;
    if (more || igmp->dirty != NULL)
        return now.ns;
    uint64_t due = timers_due(&igmp->timers);
    return due < NEVER_NS - 1 ? due : NEVER_NS; /* groups that wait for nothing have a timer, too */
}

/* ---- the end ---- */

static struct igmp_interface *upstream_of(const struct igmp *igmp)
{
    struct igmp_interface *i = igmp_interface_find(igmp, igmp->settings->upstream);
    return i != NULL && i->up ? i : NULL;
}

void igmp_stop(struct igmp *igmp, struct now now)
{
    struct igmp_interface *upstream = upstream_of(igmp);
    igmp->stopping = true;
    for (unsigned i = 0; i < igmp->n_interfaces; i++)
        if (igmp->interfaces[i] != NULL && igmp->interfaces[i] != upstream)
            igmp_querier_stop(igmp->interfaces[i]);
    igmp->reviewing = false;
    while (igmp->dirty != NULL) {
        struct igmp_member *member = igmp->dirty;
        igmp->dirty = member->next_dirty;
        member->dirty = false;
        igmp_member_reap(member);
    }
    uint32_t group = 0;
    struct igmp_member_view view;
    while (upstream != NULL && igmp_next_member(igmp, upstream->port, &group, &view)) {
        struct igmp_member *member = igmp_member_find(upstream, view.group);
        member->joined = false;
        igmp_host_set(upstream, view.group, false, NULL, 0, now);
    }
}

bool igmp_is_stopped(const struct igmp *igmp)
{
    const struct igmp_interface *upstream = upstream_of(igmp);
    return igmp->stopping && (upstream == NULL || upstream->host.members.count == 0);
}

/* ---- clear ---- */

static void clear(struct igmp_interface *interface, uint32_t group, struct now now)
{
    struct igmp_group *one = group != 0 ? igmp_group_find(interface, group) : NULL;
    if (one != NULL)
        igmp_group_forget(one, now);
    if (group == 0) {
        igmp_groups_forget(interface, now);
        interface->igmp->hooks.changed(interface->igmp->hooks.context, interface->port, 0, now);
    }
    interface->complete_ns = now.ns + igmp_membership_interval(interface);
    if (!interface->querier)
        return;
    struct igmp_query query = {.group = group};
    igmp_querier_send(interface, &query, now);
}

void igmp_clear(struct igmp *igmp, unsigned port, uint32_t group, struct now now)
{
    for (unsigned i = 0; i < igmp->n_interfaces; i++)
        if (igmp->interfaces[i] != NULL && igmp->interfaces[i]->up && (port == i || port == PORT_NONE))
            clear(igmp->interfaces[i], group, now);
}

void igmp_clear_counters(struct igmp *igmp)
{
    for (unsigned i = 0; i < igmp->n_interfaces; i++)
        if (igmp->interfaces[i] != NULL)
            igmp->interfaces[i]->counters = (struct igmp_interface_counters){0};
    memset(igmp->rejects, 0, sizeof igmp->rejects);
    igmp->no_interface = 0;
}

/* ---- for forwarding ---- */

static bool brings(const struct igmp_interface *interface)
{
    return interface->up && !interface->upstream && (interface->querier || interface->settings->forward_always);
}

bool igmp_wants(const struct igmp *igmp, unsigned port, uint32_t source, uint32_t group)
{
    const struct igmp_interface *interface = igmp_interface_find(igmp, port);
    if (interface == NULL || !brings(interface))
        return false;
    const struct igmp_group *found = igmp_group_find(interface, group);
    return found != NULL && igmp_group_wants(found, source);
}

unsigned igmp_ports(const struct igmp *igmp, uint32_t source, uint32_t group, uint64_t ports[IGMP_PORT_WORDS])
{
    unsigned n = 0;
    memset(ports, 0, IGMP_PORT_WORDS * sizeof ports[0]);
    for (unsigned i = 0; i < igmp->n_interfaces; i++)
        if (igmp->interfaces[i] != NULL && igmp_wants(igmp, i, source, group)) {
            ports[i / 64] |= UINT64_C(1) << i % 64;
            n++;
        }
    return n;
}

bool igmp_has_members(const struct igmp *igmp, unsigned port, uint32_t group)
{
    const struct igmp_interface *interface = igmp_interface_find(igmp, port);
    return interface != NULL && interface->up && !interface->upstream && igmp_group_find(interface, group) != NULL;
}

bool igmp_is_querier(const struct igmp *igmp, unsigned port)
{
    const struct igmp_interface *interface = igmp_interface_find(igmp, port);
    return interface != NULL && interface->up && interface->querier;
}

unsigned igmp_upstream(const struct igmp *igmp)
{
    return upstream_of(igmp) != NULL ? igmp->settings->upstream : PORT_NONE;
}
