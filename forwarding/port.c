/* pure: a port and its addresses. */
#include "forwarding/port.h"

#include <stdlib.h>
#include <string.h>

#include "forwarding/fast_path.h"

static size_t size_of(unsigned n_addresses)
{
    return sizeof(struct port) + n_addresses * sizeof(struct prefix);
}

struct port *port_new(unsigned n_addresses)
{
    struct port *port = calloc(1, size_of(n_addresses));
    if (port != NULL)
        port->n_addresses = n_addresses;
    return port;
}

struct port *port_copy(const struct port *port)
{
    struct port *copy = malloc(size_of(port->n_addresses));
    if (copy != NULL)
        memcpy(copy, port, size_of(port->n_addresses));
    return copy;
}

/* Where a port's own subnets nest, the narrower one knows better. */
FAST_PATH const struct prefix *port_subnet_of(const struct port *port, uint32_t addr)
{
    const struct prefix *best = NULL;
    for (unsigned i = 0; i < port->n_addresses; i++) {
        const struct prefix *subnet = &port->addresses[i];
        if (prefix_holds(*subnet, addr) && (best == NULL || subnet->len > best->len))
            best = subnet;
    }
    return best;
}

uint32_t port_source_for(const struct port *port, uint32_t addr)
{
    const struct prefix *subnet = port_subnet_of(port, addr);
    if (subnet == NULL && port->n_addresses > 0)
        subnet = &port->addresses[0];
    return subnet != NULL ? subnet->addr : 0;
}
