/* pure: the router's own addresses and its subnets' broadcasts: an open-addressing hash in one block of memory, a
 * quarter full at most, so that the usual answer ("nothing of ours") takes one load. A slot holds an entry's index and
 * one, 0 if it is empty. */
#include "forwarding/own.h"

#include <stdbool.h>
#include <stdlib.h>

#include "forwarding/fast_path.h"
#include "forwarding/port.h"

struct own_table {
    uint32_t *slots;
    uint32_t mask; /* slots - 1, a power of two less one */
    uint32_t n;
    struct own entries[];
};

static uint32_t slot_of(const struct own_table *table, uint32_t addr)
{
    return (addr * UINT32_C(0x9e3779b1)) >> 7 & table->mask;
}

/* When two ports claim an address: being ours beats being a broadcast, then the narrower subnet, then the lower port.
 */
static bool better(const struct own *a, const struct own *b)
{
    if (a->kind != b->kind)
        return a->kind == OWN_ADDRESS;
    if (a->len != b->len)
        return a->len > b->len;
    return a->port < b->port;
}

static void add(struct own_table *table, struct own own)
{
    uint32_t at = slot_of(table, own.addr);
    for (; table->slots[at] != 0; at = (at + 1) & table->mask) {
        struct own *there = &table->entries[table->slots[at] - 1];
        if (there->addr != own.addr)
            continue;
        if (better(&own, there))
            *there = own;
        return;
    }
    table->entries[table->n++] = own;
    table->slots[at] = table->n;
}

static void add_subnet(struct own_table *table, const struct port *port, struct prefix subnet)
{
    struct own own = {.addr = subnet.addr, .port = port->number, .kind = OWN_ADDRESS, .len = subnet.len};
    add(table, own);
    if (!prefix_has_broadcast(subnet))
        return;
    own.kind = OWN_BROADCAST;
    own.addr = prefix_network(subnet);
    add(table, own);
    own.addr = prefix_broadcast(subnet);
    add(table, own);
}

static bool counts(const struct port *port)
{
    return port != NULL && port->up;
}

struct own_table *own_table_new(const struct port *const ports[], size_t n)
{
    size_t room = 0;
    for (size_t i = 0; i < n; i++)
        if (counts(ports[i]))
            room += ports[i]->n_addresses * (size_t)3;
    size_t slots = 16;
    while (slots < room * 4)
        slots *= 2;

    struct own_table *table =
        calloc(1, sizeof *table + room * sizeof table->entries[0] + slots * sizeof table->slots[0]);
    if (table == NULL)
        return NULL;
    _Static_assert(sizeof(struct own) % sizeof(uint32_t) == 0, "slots follow the entries, aligned");
    table->slots = (uint32_t *)(table->entries + room);
    table->mask = (uint32_t)(slots - 1);
    for (size_t i = 0; i < n; i++)
        for (unsigned a = 0; counts(ports[i]) && a < ports[i]->n_addresses; a++)
            add_subnet(table, ports[i], ports[i]->addresses[a]);
    return table;
}

FAST_PATH const struct own *own_find(const struct own_table *table, uint32_t addr)
{
    if (table == NULL)
        return NULL;
    for (uint32_t at = slot_of(table, addr); table->slots[at] != 0; at = (at + 1) & table->mask) {
        const struct own *own = &table->entries[table->slots[at] - 1];
        if (own->addr == addr)
            return own;
    }
    return NULL;
}

const struct own *own_list(const struct own_table *table, size_t *n)
{
    *n = table != NULL ? table->n : 0;
    return table != NULL ? table->entries : NULL;
}
