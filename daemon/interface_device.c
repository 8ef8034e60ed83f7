/* What an interface has to do with its device: what is in the way of using it, opening and closing. */
#include <linux/if_arp.h>
#include <stdio.h>
#include <string.h>

#include "daemon/interface.h"
#include "daemon/interfaces.h"
#include "daemon/opening.h"

#define MTU_LEAST    68 /* RFC 791 3.2 */
#define COMMAND_ROOM 96 /* of one "ip addr del" and what may follow it */

/* Every command that helps, as long as there is room. */
static enum obstacle refuse_kernel_addresses(const struct link *link, char *why, size_t size)
{
    char text[PREFIX_TEXT];
    size_t len = (size_t)snprintf(why, size, "the kernel has IPv4 addresses of its own on it; take them away:");
    for (size_t a = 0; a < link->n_addresses; a++) {
        if (size - len < COMMAND_ROOM) {
            snprintf(why + len, size - len, " and %zu more", link->n_addresses - a);
            break;
        }
        len += (size_t)snprintf(why + len, size - len, "%s ip addr del %s dev %s", a > 0 ? " &&" : "",
                                prefix_text(link->addresses[a], text), link->name);
    }
    return REFUSED;
}

static bool is_member(const struct link *master)
{
    /* A VRF only steers the kernel's own routing; the others take their members' frames before anybody else. */
    return master != NULL && strcmp(master->kind, "vrf") != 0;
}

/* What the device itself is like. */
static enum obstacle look_at_device(const struct router *router, const struct link *link, char *why, size_t size)
{
    if (link == NULL) {
        snprintf(why, size, "there is no device of that name");
        return WAITING;
    }
    if (link->hardware != ARPHRD_ETHER) {
        snprintf(why, size,
                 "the device is not Ethernet: ferryd forwards between Ethernet devices only; take it out of "
                 "the configuration");
        return REFUSED;
    }
    const struct link *master = link->master == 0 ? NULL : links_find_index(router->links, link->master);
    if (is_member(master)) {
        snprintf(why, size,
                 "the device belongs to the %s %s, which takes its frames: configure %s instead, or ip link set %s "
                 "nomaster",
                 master->kind[0] != '\0' ? master->kind : "device", master->name, master->name, link->name);
        return REFUSED;
    }
    if (link->mtu < MTU_LEAST) {
        snprintf(why, size, "the device's MTU %u is less than the 68 bytes of IPv4: ip link set %s mtu 1500",
                 (unsigned)link->mtu, link->name);
        return REFUSED;
    }
    if (link->n_addresses > 0)
        return refuse_kernel_addresses(link, why, size);
    return NONE;
}

/* What keeps an open interface from forwarding. */
enum obstacle interface_state(const struct interface *i, const struct link *link, char *why, size_t size)
{
    if (i->config->shutdown) {
        snprintf(why, size, "shut down by configuration");
        return SHUTDOWN;
    }
    if (link != NULL && !link->up) {
        snprintf(why, size, "the device is down: ip link set %s up", link->name);
        return DEVICE_DOWN;
    }
    if (link != NULL && !link->carrier) {
        snprintf(why, size, "the device has no carrier: look at its cable or its other end");
        return NO_CARRIER;
    }
    why[0] = '\0';
    return NONE;
}

/* The kernel's forwarding is harmless behind the shield, and would forward everything twice without it. */
static enum obstacle look_at_forwarding(struct router *router, struct interface *i, char *why, size_t size)
{
    char cure[96];
    if (!guard_kernel_forwards(i->name)) {
        i->said_forwarding = false;
        return NONE;
    }
    guard_forwarding_cure(i->name, cure, sizeof cure);
    if (i->shield < 0) {
        snprintf(why, size, "the kernel forwards what comes in by it as well, and nothing can keep it from that: %s",
                 cure);
        return REFUSED;
    }
    if (!i->said_forwarding)
        log_notice(&router->log,
                   "interface %s: the kernel's own forwarding is on, but it gets no IPv4 from here while ferryd runs "
                   "(%s switches it off)",
                   i->name, cure);
    i->said_forwarding = true;
    return NONE;
}

/* ---- opening and closing ---- */

void interface_close(struct router *router, struct interface *i)
{
    if (i->ifindex != 0) {
        loop_unwatch_port(router->loop, i->number);
        af_packet_close(router->af_packet, i->number);
        /* What was lost to the end is this interface's, and not the next one's that gets the number. */
        router->dataplane->ring_full[i->number] = af_packet_ring_full(router->af_packet, i->number);
    }
    i->ifindex = 0;
    opening_end(i);
    opening_unshield(router, i->shield);
    i->shield = -1;
    guard_release(&i->held);
}

bool interface_wants_bypass(const struct router *router, const struct link *link)
{
    if (interfaces_is_tapped(router->interfaces, link->name))
        return false;
    switch ((enum config_qdisc_bypass)router->running->qdisc_bypass) {
    case CONFIG_BYPASS_ON:
        return true;
    case CONFIG_BYPASS_OFF:
        return false;
    case CONFIG_BYPASS_AUTO:
        break;
    }
    return link->noqueue;
}

static enum obstacle begin_opening(struct router *router, struct interface *i, const struct link *link, char *why,
                                   size_t size)
{
    if (!guard_claim(router->guard, &i->held, i->name, why, size))
        return REFUSED;
    /* Where there is no shield that might keep the kernel from forwarding, it is known now what comes of it. */
    if (!guard_has_shield(router->guard) && look_at_forwarding(router, i, why, size) == REFUSED)
        return REFUSED;
    if (opening_begin(router, i, link, interface_wants_bypass(router, link)))
        return OPENING;
    snprintf(why, size, "no memory to open it");
    return REFUSED;
}

static bool take_port(struct router *router, struct interface *i, char *why, size_t size)
{
    struct opening *o = i->opening;
    struct af_port *port = o->port;
    o->port = NULL;
    if (port == NULL) {
        memcpy(why, o->refused, size < sizeof o->refused ? size : sizeof o->refused);
        return false;
    }
    if (!af_packet_take(router->af_packet, port, i->number, i->name, why, size))
        return false;
    i->ifindex = o->ifindex;
    i->bypass = o->bypass;
    if (loop_watch_port(router->loop, i->number))
        return true;
    snprintf(why, size, "no memory to watch its control socket");
    return false;
}

static enum obstacle end_opening(struct router *router, struct interface *i, char *why, size_t size)
{
    struct opening *o = i->opening;
    i->shield = o->shield;
    o->shield = -1;
    if (i->shield < 0 && !i->said_unshielded) {
        if (o->unshielded[0] != '\0')
            log_notice(&router->log, "interface %s: the kernel also sees its IPv4 and ARP: %s", i->name, o->unshielded);
        i->said_unshielded = true;
    }
    enum obstacle obstacle = look_at_forwarding(router, i, why, size);
    if (obstacle == NONE && !take_port(router, i, why, size))
        obstacle = REFUSED;
    opening_end(i);
    return obstacle;
}

/* A device that can be used: opens it, or looks how far that is. */
static enum obstacle open_device(struct router *router, struct interface *i, const struct link *link, char *why,
                                 size_t size)
{
    if (i->ifindex != 0)
        return look_at_forwarding(router, i, why, size);
    enum obstacle obstacle = OPENING;
    if (i->opening == NULL)
        obstacle = begin_opening(router, i, link, why, size);
    else if (i->opening->done)
        obstacle = end_opening(router, i, why, size);
    if (obstacle == OPENING)
        snprintf(why, size, "it is being opened");
    return obstacle;
}

static bool is_outdated(const struct router *router, const struct interface *i, const struct link *link)
{
    if (i->opening != NULL)
        return i->opening->ifindex != link->index;
    return i->ifindex != 0 && (i->ifindex != link->index || !af_packet_hears(router->af_packet, i->number));
}

enum obstacle interface_look(struct router *router, struct interface *i, const struct link *link, char *why,
                             size_t size)
{
    enum obstacle obstacle = look_at_device(router, link, why, size);
    if (obstacle != NONE || is_outdated(router, i, link))
        interface_close(router, i);
    if (obstacle == NONE)
        obstacle = open_device(router, i, link, why, size);
    if (obstacle == REFUSED)
        interface_close(router, i);
    return obstacle != NONE ? obstacle : interface_state(i, link, why, size);
}
