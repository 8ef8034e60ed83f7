/* Two tasks for an interface, the sockets and then the shield: so of many interfaces all sockets come before all
 * shields. The sockets' grace periods are shared by those who wait for one at the same time, the shields' can not be,
 * and each of these lasts twice as long while there are others: in this order fifty interfaces take half the time. */
#include "daemon/opening.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/interfaces.h"

struct unshielding {
    struct guard *guard;
    int shield;
};

static void unshield(void *data)
{
    struct unshielding *u = data;
    guard_unshield(u->guard, u->shield);
    free(u);
}

void opening_unshield(struct router *router, int shield)
{
    if (shield < 0)
        return;
    struct unshielding *u = malloc(sizeof *u);
    if (u != NULL) {
        *u = (struct unshielding){.guard = router->guard, .shield = shield};
        if (worker_do(router->openers, unshield, NULL, u))
            return;
        free(u);
    }
    guard_unshield(router->guard, shield);
}

/* ---- in threads ---- */

static void make_sockets(void *data)
{
    struct opening *o = data;
    o->port = af_packet_prepare(o->router->af_packet, o->ifindex, o->name, o->bypass, o->refused, sizeof o->refused);
}

static void put_shield(void *data)
{
    struct opening *o = data;
    o->shield = guard_shield(o->router->guard, o->ifindex, o->unshielded, sizeof o->unshielded);
}

/* ---- in the core ---- */

static void discard(struct opening *o)
{
    opening_unshield(o->router, o->shield);
    if (o->port != NULL)
        af_packet_discard(o->port);
    free(o);
}

static void opened(void *data)
{
    struct opening *o = data;
    o->done = true;
    if (o->interface == NULL)
        discard(o);
    else
        interfaces_opened(o->router->interfaces, o->interface);
}

static void sockets_made(void *data)
{
    struct opening *o = data;
    if (o->interface != NULL && o->port != NULL && worker_do(o->router->openers, put_shield, opened, o))
        return;
    if (o->port != NULL)
        snprintf(o->refused, sizeof o->refused, "no memory to open it");
    opened(o);
}

bool opening_begin(struct router *router, struct interface *i, const struct link *link, bool bypass)
{
    struct opening *o = calloc(1, sizeof *o);
    if (o == NULL)
        return false;
    *o = (struct opening){.router = router, .interface = i, .ifindex = link->index, .bypass = bypass, .shield = -1};
    memcpy(o->name, i->name, sizeof o->name);
    if (!worker_do(router->openers, make_sockets, sockets_made, o)) {
        free(o);
        return false;
    }
    i->opening = o;
    return true;
}

void opening_end(struct interface *i)
{
    struct opening *o = i->opening;
    i->opening = NULL;
    if (o == NULL)
        return;
    o->interface = NULL;
    if (o->done)
        discard(o);
}
