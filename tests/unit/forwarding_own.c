#include <stdarg.h>
#include <stdlib.h>

#include "forwarding/own.h"
#include "forwarding/port.h"
#include "tests/unit/support/frames.h"
#include "tests/unit/support/unit.h"

/* A port that is up, with the addresses of a list that ends in NULL. */
static struct port *port_of(unsigned number, ...)
{
    struct prefix addresses[8];
    unsigned n = 0;
    va_list list;
    va_start(list, number);
    for (const char *text; (text = va_arg(list, const char *)) != NULL; n++)
        if (n == 8 || !prefix_parse(text, &addresses[n]))
            abort();
    va_end(list);
    struct port *port = port_new(n);
    if (port == NULL)
        abort();
    port->number = (uint16_t)number;
    port->up = true;
    for (unsigned i = 0; i < n; i++)
        port->addresses[i] = addresses[i];
    return port;
}

static unsigned kind(const struct own_table *table, const char *addr)
{
    const struct own *own = own_find(table, addr_of(addr));
    return own != NULL ? own->kind : OWN_NOTHING;
}

static void addresses_and_broadcasts(void)
{
    struct port *p0 = port_of(0, "10.0.1.1/24", "10.0.11.1/31", NULL), *p2 = port_of(2, "10.255.0.1/32", NULL);
    const struct port *ports[] = {p0, NULL, p2};
    struct own_table *table = own_table_new(ports, 3);
    CU_ASSERT_PTR_NOT_NULL_FATAL(table);
    CU_ASSERT_EQUAL(kind(table, "10.0.1.1"), OWN_ADDRESS);
    CU_ASSERT_EQUAL(kind(table, "10.0.1.255"), OWN_BROADCAST);
    CU_ASSERT_EQUAL(kind(table, "10.0.1.0"), OWN_BROADCAST);
    CU_ASSERT_EQUAL(kind(table, "10.0.1.2"), OWN_NOTHING);
    CU_ASSERT_EQUAL(kind(table, "10.0.11.1"), OWN_ADDRESS);
    CU_ASSERT_EQUAL(kind(table, "10.0.11.0"), OWN_NOTHING); /* RFC 3021 */
    CU_ASSERT_EQUAL(kind(table, "10.255.0.1"), OWN_ADDRESS);
    CU_ASSERT_EQUAL(kind(table, "0.0.0.0"), OWN_NOTHING);
    CU_ASSERT_EQUAL(own_find(table, addr_of("10.255.0.1"))->port, 2);
    CU_ASSERT_EQUAL(own_find(table, addr_of("10.0.1.255"))->len, 24);
    size_t n;
    const struct own *list = own_list(table, &n);
    CU_ASSERT_EQUAL(n, 5);
    for (size_t i = 0; i < n; i++)
        CU_ASSERT_PTR_EQUAL(own_find(table, list[i].addr), &list[i]);
    free(table);
    free(p0);
    free(p2);
}

static void only_of_ports_that_are_up(void)
{
    struct port *p = port_of(0, "10.0.1.1/24", NULL);
    p->up = false;
    const struct port *ports[] = {p};
    struct own_table *table = own_table_new(ports, 1);
    size_t n;
    CU_ASSERT_EQUAL(kind(table, "10.0.1.1"), OWN_NOTHING);
    own_list(table, &n);
    CU_ASSERT_EQUAL(n, 0);
    free(table);
    free(p);
    CU_ASSERT_PTR_NULL(own_find(NULL, 1));
    own_list(NULL, &n);
    CU_ASSERT_EQUAL(n, 0);
}

static void collisions(void)
{
    struct port *p0 = port_of(0, "10.0.0.1/8", NULL), *p1 = port_of(1, "10.255.255.255/32", "10.0.0.9/24", NULL);
    for (int turn = 0; turn < 2; turn++) {
        const struct port *ports[] = {turn == 0 ? p0 : p1, turn == 0 ? p1 : p0};
        struct own_table *table = own_table_new(ports, 2);
        CU_ASSERT_EQUAL(kind(table, "10.255.255.255"), OWN_ADDRESS);
        CU_ASSERT_EQUAL(own_find(table, addr_of("10.0.0.0"))->port, 1);
        free(table);
    }
    free(p0);
    free(p1);
}

static void many(void)
{
    enum { N = 300 };
    const struct port *ports[N];
    struct port *mine[N];
    for (unsigned i = 0; i < N; i++) {
        mine[i] = port_of(i, "10.0.0.1/24", NULL);
        mine[i]->addresses[0].addr += i << 8;
        ports[i] = mine[i];
    }
    struct own_table *table = own_table_new(ports, N);
    unsigned found = 0;
    for (uint32_t addr = addr_of("10.0.0.0"); addr < addr_of("10.2.0.0"); addr++)
        found += own_find(table, addr) != NULL;
    CU_ASSERT_EQUAL(found, N * 3);
    free(table);
    for (unsigned i = 0; i < N; i++)
        free(mine[i]);
}

static void speaking_from(void)
{
    struct port *p = port_of(0, "10.0.1.1/16", "192.168.0.1/24", "10.0.2.1/24", NULL), *none = port_of(1, NULL);
    CU_ASSERT_EQUAL(port_source_for(p, addr_of("192.168.0.77")), addr_of("192.168.0.1"));
    CU_ASSERT_EQUAL(port_source_for(p, addr_of("10.0.2.77")), addr_of("10.0.2.1"));
    CU_ASSERT_EQUAL(port_source_for(p, addr_of("10.0.3.77")), addr_of("10.0.1.1"));
    CU_ASSERT_EQUAL(port_source_for(p, addr_of("8.8.8.8")), addr_of("10.0.1.1"));
    CU_ASSERT_PTR_NULL(port_subnet_of(p, addr_of("8.8.8.8")));
    CU_ASSERT_EQUAL(port_source_for(none, addr_of("8.8.8.8")), 0);
    struct port *copy = port_copy(p);
    CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
    CU_ASSERT_EQUAL(copy->n_addresses, 3);
    CU_ASSERT_TRUE(prefix_equal(copy->addresses[2], p->addresses[2]));
    free(copy);
    free(p);
    free(none);
}

static const struct unit_case cases[] = {
    {"addresses and both broadcasts of a subnet are known, of /31 and /32 the address only", addresses_and_broadcasts},
    {"a port that is down owns nothing", only_of_ports_that_are_up},
    {"an address beats a broadcast, the narrower subnet the wider, in any order", collisions},
    {"hundreds of subnets are found and nothing else is", many},
    {"a port speaks from the receiver's subnet, else from its primary address", speaking_from},
};

UNIT_MAIN("own", cases)
