/* What is let in and out and how it is changed on the way; and copies of settings, which are made in one block: a first
 * pass adds up what they need, a second one fills it. */
#include <stdlib.h>
#include <string.h>

#include "protocols/rip/rip_internal.h"

const struct rip_settings rip_settings_default = {
    .update_s = 30,
    .timeout_s = 180,
    .garbage_s = 120,
    .distance = 120,
    .ecmp = 1,
    .default_metric = 1,
    .max_routes_altogether = 200000,
};

const struct rip_interface_settings rip_interface_settings_default = {
    .send = RIP_V2,
    .receive = RIP_V1 | RIP_V2,
    .split_horizon = RIP_SPLIT_POISONED,
};

const char *const rip_split_horizon_name[RIP_SPLIT__COUNT] = {
    [RIP_SPLIT_OFF] = "off",
    [RIP_SPLIT_SIMPLE] = "simple",
    [RIP_SPLIT_POISONED] = "poisoned-reverse",
};

/* ---- lists ---- */

static bool matches(const struct rip_prefix_rule *rule, struct prefix prefix)
{
    if (prefix.len < rule->prefix.len || !prefix_holds(rule->prefix, prefix.addr))
        return false;
    if (rule->ge == 0 && rule->le == 0)
        return prefix.len == rule->prefix.len;
    return prefix.len >= rule->ge && prefix.len <= (rule->le != 0 ? rule->le : 32);
}

bool rip_policy_permits(const struct rip_prefix_list *list, struct prefix prefix)
{
    if (list == NULL)
        return true;
    for (unsigned i = 0; i < list->n; i++)
        if (matches(&list->rules[i], prefix))
            return list->rules[i].permit;
    return false;
}

unsigned rip_policy_offset(const struct rip_offset *offsets, unsigned n, struct prefix prefix)
{
    for (unsigned i = 0; i < n; i++)
        if (rip_policy_permits(offsets[i].list, prefix))
            return offsets[i].add;
    return 0;
}

uint8_t rip_policy_distance(const struct rip_settings *settings, uint32_t source, struct prefix prefix)
{
    const struct rip_distance *best = NULL;
    for (unsigned i = 0; i < settings->n_distances; i++) {
        const struct rip_distance *d = &settings->distances[i];
        if (prefix_holds(d->source, source) && rip_policy_permits(d->list, prefix) &&
            (best == NULL || d->source.len > best->source.len))
            best = d;
    }
    return best != NULL ? best->distance : settings->distance;
}

/* ---- copies ---- */

struct block {
    uint8_t *bytes; /* NULL in the first pass */
    size_t used;
};

static void *take(struct block *b, const void *from, size_t size)
{
    if (from == NULL || size == 0)
        return NULL;
    void *at = b->bytes != NULL ? b->bytes + b->used : NULL;
    if (at != NULL)
        memcpy(at, from, size);
    b->used += (size + 15) & ~(size_t)15;
    return at;
}

static const struct rip_prefix_list *take_list(struct block *b, const struct rip_prefix_list *from)
{
    struct rip_prefix_list *list = take(b, from, sizeof *from);
    const struct rip_prefix_rule *rules =
        from != NULL ? take(b, from->rules, from->n * sizeof(struct rip_prefix_rule)) : NULL;
    if (list != NULL)
        list->rules = rules;
    return list;
}

static const struct rip_offset *take_offsets(struct block *b, const struct rip_offset *from, unsigned n)
{
    struct rip_offset *offsets = take(b, from, n * sizeof *from);
    for (unsigned i = 0; i < n; i++) {
        const struct rip_prefix_list *list = take_list(b, from[i].list);
        if (offsets != NULL)
            offsets[i].list = list;
    }
    return offsets;
}

static void take_settings(struct block *b, const struct rip_settings *from)
{
    struct rip_settings unused, *to = take(b, from, sizeof *from);
    if (to == NULL)
        to = &unused;
    for (unsigned i = 0; i < RIB_PROTOCOL__COUNT; i++)
        to->redistribute[i].list = take_list(b, from->redistribute[i].list);
    struct rip_distance *distances = take(b, from->distances, from->n_distances * sizeof(struct rip_distance));
    for (unsigned i = 0; i < from->n_distances; i++) {
        const struct rip_prefix_list *list = take_list(b, from->distances[i].list);
        if (distances != NULL)
            distances[i].list = list;
    }
    to->distances = distances;
    to->neighbors = take(b, from->neighbors, from->n_neighbors * sizeof(uint32_t));
}

static void take_interface_settings(struct block *b, const struct rip_interface_settings *from)
{
    struct rip_interface_settings unused, *to = take(b, from, sizeof *from);
    if (to == NULL)
        to = &unused;
    to->auth.keys = take(b, from->auth.keys, from->auth.n * sizeof(struct rip_key));
    to->list_in = take_list(b, from->list_in);
    to->list_out = take_list(b, from->list_out);
    to->offsets_in = take_offsets(b, from->offsets_in, from->n_offsets_in);
    to->offsets_out = take_offsets(b, from->offsets_out, from->n_offsets_out);
    to->summaries = take(b, from->summaries, from->n_summaries * sizeof(struct prefix));
}

static uint32_t between(uint32_t least, uint32_t value, uint32_t most)
{
    return value < least ? least : value > most ? most : value;
}

/* What the engine divides by and counts to is never out of range, whatever it was told. */
static void clamp(struct rip_settings *s)
{
    s->update_s = between(1, s->update_s, UINT32_MAX);
    s->timeout_s = between(1, s->timeout_s, UINT32_MAX);
    s->garbage_s = between(1, s->garbage_s, UINT32_MAX);
    s->ecmp = (uint8_t)between(1, s->ecmp, FIB_HOPS_MAX);
    s->default_metric = (uint8_t)between(1, s->default_metric, RIP_INFINITY - 1);
    s->default_information_metric = (uint8_t)between(0, s->default_information_metric, RIP_INFINITY - 1);
    for (unsigned i = 0; i < RIB_PROTOCOL__COUNT; i++)
        s->redistribute[i].metric = (uint8_t)between(0, s->redistribute[i].metric, RIP_INFINITY - 1);
}

struct rip_settings *rip_settings_copy(const struct rip_settings *settings)
{
    struct block block = {0};
    take_settings(&block, settings);
    block.bytes = malloc(block.used);
    block.used = 0;
    if (block.bytes == NULL)
        return NULL;
    take_settings(&block, settings);
    clamp((struct rip_settings *)block.bytes);
    return (struct rip_settings *)block.bytes;
}

struct rip_interface_settings *rip_interface_settings_copy(const struct rip_interface_settings *settings)
{
    struct block block = {0};
    take_interface_settings(&block, settings);
    block.bytes = malloc(block.used);
    block.used = 0;
    struct rip_interface_settings *copy = (struct rip_interface_settings *)block.bytes;
    if (copy == NULL)
        return NULL;
    take_interface_settings(&block, settings);
    if (copy->triggered)
        copy->split_horizon = RIP_SPLIT_POISONED; /* RFC 2091 3.3 */
    return copy;
}
