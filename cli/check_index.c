#include <stdlib.h>
#include <string.h>

#include "cli/check.h"

static int compare_names(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    if (order != 0)
        return order;
    return x->interface < y->interface ? -1 : x->interface > y->interface;
}

static bool index_names(struct check *c)
{
    c->names = malloc((c->config->n_interfaces + 1) * sizeof *c->names);
    if (c->names == NULL)
        return false;
    for (size_t i = 0; i < c->config->n_interfaces; i++)
        if (c->config->interfaces[i].name != NULL)
            c->names[c->n_names++] = (struct named){c->config->interfaces[i].name, &c->config->interfaces[i]};
    qsort(c->names, c->n_names, sizeof *c->names, compare_names);
    return true;
}

const struct config_interface *check_interface(const struct check *c, const char *name)
{
    size_t low = 0, high = c->n_names;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(c->names[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < c->n_names && strcmp(c->names[low].name, name) == 0 ? c->names[low].interface : NULL;
}

const char *check_no_host(struct prefix subnet, uint32_t addr)
{
    if (!prefix_has_broadcast(subnet) || !prefix_holds(subnet, addr))
        return NULL;
    if (addr == prefix_network(subnet))
        return "the network address";
    return addr == prefix_broadcast(subnet) ? "the broadcast address" : NULL;
}

static int compare_addresses(const void *a, const void *b)
{
    const struct owned *x = *(struct owned *const *)a, *y = *(struct owned *const *)b;
    if (x->address->prefix.addr != y->address->prefix.addr)
        return x->address->prefix.addr < y->address->prefix.addr ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* A wider subnet before those inside it. */
static int compare_subnets(const void *a, const void *b)
{
    const struct owned *x = *(struct owned *const *)a, *y = *(struct owned *const *)b;
    uint32_t x_network = prefix_network(x->address->prefix), y_network = prefix_network(y->address->prefix);
    if (x_network != y_network)
        return x_network < y_network ? -1 : 1;
    if (x->address->prefix.len != y->address->prefix.len)
        return x->address->prefix.len < y->address->prefix.len ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

static void find_twins(struct check *c)
{
    for (size_t i = 1; i < c->n_owned; i++) {
        const struct owned *before = c->sorted[i - 1];
        if (before->address->prefix.addr == c->sorted[i]->address->prefix.addr)
            c->sorted[i]->twin = before->twin != NULL ? before->twin : before;
    }
}

static void set_rival(struct owned *a, struct owned *b)
{
    struct owned *early = a->order < b->order ? a : b, *late = early == a ? b : a;
    if (late->rival == NULL)
        late->rival = early;
}

/* In SUBNETS a subnet follows the one that it lies in, so those that hold the present one make a chain: of each length
 * at most one, and for it the first interface and one that differs from it are enough to find every rival. */
static void find_rivals(struct owned **subnets, size_t n)
{
    struct {
        struct owned *first, *other;
    } chain[33];
    size_t depth = 0;
    for (size_t i = 0; i < n; i++) {
        struct owned *s = subnets[i];
        struct prefix p = s->address->prefix;
        while (depth > 0 && !prefix_holds(chain[depth - 1].first->address->prefix, p.addr))
            depth--;
        for (size_t k = 0; k < depth; k++) {
            if (chain[k].first->interface != s->interface)
                set_rival(s, chain[k].first);
            else if (chain[k].other != NULL)
                set_rival(s, chain[k].other);
        }
        if (depth > 0 && chain[depth - 1].first->address->prefix.len == p.len) {
            if (chain[depth - 1].first->interface != s->interface && chain[depth - 1].other == NULL)
                chain[depth - 1].other = s;
            continue;
        }
        chain[depth].first = s;
        chain[depth++].other = NULL;
    }
}

static bool index_addresses(struct check *c)
{
    size_t n = 0;
    for (size_t i = 0; i < c->config->n_interfaces; i++)
        n += c->config->interfaces[i].n_addresses;
    c->owned = calloc(n + 1, sizeof *c->owned);
    c->sorted = calloc(n + 1, sizeof(struct owned *));
    if (c->owned == NULL || c->sorted == NULL)
        return false;
    for (size_t i = 0; i < c->config->n_interfaces; i++) {
        const struct config_interface *interface = &c->config->interfaces[i];
        for (size_t k = 0; k < interface->n_addresses; k++, c->n_owned++)
            c->owned[c->n_owned] =
                (struct owned){.interface = interface, .address = &interface->addresses[k], .order = c->n_owned};
    }
    size_t subnets = 0;
    for (size_t i = 0; i < n; i++)
        if (c->owned[i].address->prefix.len < 32)
            c->sorted[subnets++] = &c->owned[i];
    qsort(c->sorted, subnets, sizeof(struct owned *), compare_subnets);
    find_rivals(c->sorted, subnets);
    for (size_t i = 0; i < n; i++)
        c->sorted[i] = &c->owned[i];
    qsort(c->sorted, n, sizeof(struct owned *), compare_addresses);
    find_twins(c);
    return true;
}

static int compare_edges(const void *a, const void *b)
{
    const struct edge *x = a, *y = b;
    return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static bool index_edges(struct check *c)
{
    c->edges = malloc((2 * c->n_owned + 1) * sizeof *c->edges);
    if (c->edges == NULL)
        return false;
    for (size_t i = 0; i < c->n_owned; i++) {
        struct prefix p = c->owned[i].address->prefix;
        if (!prefix_has_broadcast(p))
            continue;
        const uint32_t ends[] = {prefix_network(p), prefix_broadcast(p)};
        for (int k = 0; k < 2; k++)
            c->edges[c->n_edges++] = (struct edge){ends[k], check_no_host(p, ends[k]), c->owned[i].interface};
    }
    qsort(c->edges, c->n_edges, sizeof *c->edges, compare_edges);
    return true;
}

const struct edge *check_edge(const struct check *c, uint32_t addr)
{
    const struct edge wanted = {.addr = addr};
    return bsearch(&wanted, c->edges, c->n_edges, sizeof wanted, compare_edges);
}

const struct owned *check_owned(const struct check *c, uint32_t addr)
{
    size_t low = 0, high = c->n_owned;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c->sorted[middle]->address->prefix.addr < addr)
            low = middle + 1;
        else
            high = middle;
    }
    return low < c->n_owned && c->sorted[low]->address->prefix.addr == addr ? c->sorted[low] : NULL;
}

bool check_index(struct check *c)
{
    return index_names(c) && index_addresses(c) && index_edges(c);
}

void check_free(struct check *c)
{
    free(c->names);
    free(c->owned);
    free(c->sorted);
    free(c->edges);
}
