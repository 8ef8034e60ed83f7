/* core: the states of neighbours and what moves them: packets that want to go, ARP that was heard, timers, ports.
 *
 * T is the port's arp_timeout_s. L is 5 s, of a T below 10 s half of it; on long ones up to 5 s more, at random, so
 * that hosts which were learned together are not probed together.
 *
 *   state       timer                     when it fires
 *   incomplete  1 s after each request    asks again, 3 times in all; then what waits is dropped as NEIGHBOUR_FAILED
 *                                         and the entry forgotten: the next packet starts anew
 *   reachable   T - L after it was heard  used since then: probe. Else once more at T: used: probe, else stale
 *   probe       1 s after each request    asks again, 3 times in all, unicast; then the entry is forgotten, used or not
 *   stale       every 5 s, on whole       used meanwhile: probe. Forgotten after T (at most 10 minutes) without use
 *               seconds to fire together
 *   static      none
 *
 * Whatever is heard of a neighbour makes it reachable again. Only an unconfirmed move to another MAC makes it stale,
 * with the new MAC in use already: the first use asks whether it is true. A packet of the core's to a stale neighbour
 * probes it at once.
 *
 * A timer that can not be set for want of memory forgets its entry: hence arm() is the last thing done to one. */
#include "forwarding/neighbour.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forwarding/neighbour_internal.h"

#define REQUESTS      3
#define REQUEST_NS    NS_PER_S
#define LEAD_NS       (5 * NS_PER_S)
#define STALE_POLL_NS (5 * NS_PER_S)
#define STALE_MOST_NS (600 * NS_PER_S)
#define LOG_RATE      1
#define LOG_BURST     10

const char *const neighbour_state_name[] = {"incomplete", "reachable", "stale", "probe", "static"};

/* The table's copy of the port; made at first sight, renewed by neighbours_port_changed. NULL when there is no memory.
 */
static const struct port *known(struct neighbours *n, const struct port *port)
{
    if (n->port[port->number] == NULL)
        n->port[port->number] = port_copy(port);
    return n->port[port->number];
}

__attribute__((format(printf, 3, 4))) static void say(struct neighbours *n, struct now now, const char *format, ...)
{
    if (n->hooks.log == NULL || !bucket_take(&n->log_bucket, LOG_RATE, LOG_BURST, now.ns))
        return;
    char text[200];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    n->hooks.log(n->hooks.context, text);
}

#define MAC_TEXT 18
static const char *mac_text(const uint8_t mac[MAC_LEN], char to[MAC_TEXT])
{
    snprintf(to, MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
    return to;
}

/* ---- timers ---- */

static void fire(struct timer *timer, void *context, struct now now);

static bool arm(struct neighbours *n, struct neighbour *e, uint64_t due_ns, struct now now)
{
    e->timer.fire = fire;
    if (timer_set(n->timers, &e->timer, due_ns))
        return true;
    neighbour_entry_forget(n, e, DROP_NO_MEMORY, now);
    return false;
}

static void ask(struct neighbours *n, struct neighbour *e, struct now now)
{
    const struct port *port = n->port[e->port];
    uint32_t addr = e->addr;
    uint8_t mac[MAC_LEN];
    bool unicast = e->state == NEIGHBOUR_PROBE;
    memcpy(mac, e->mac, MAC_LEN);
    e->asked++;
    e->asked_ns = now.ns;
    if (arm(n, e, now.ns + REQUEST_NS, now))
        n->hooks.request(n->hooks.context, port, addr, unicast ? mac : NULL, now);
}

static void probe(struct neighbours *n, struct neighbour *e, struct now now)
{
    neighbour_entry_move(n, e, NEIGHBOUR_PROBE);
    e->asked = 0;
    ask(n, e, now);
}

static uint64_t life_ns(const struct neighbours *n, const struct neighbour *e)
{
    return n->port[e->port]->arp_timeout_s * NS_PER_S;
}

static uint64_t lead_ns(const struct neighbours *n, uint64_t life)
{
    if (life < 2 * LEAD_NS)
        return life / 2;
    if (life < 8 * LEAD_NS)
        return LEAD_NS;
    return LEAD_NS + n->hooks.random(n->hooks.context) % LEAD_NS;
}

static void arm_reachable(struct neighbours *n, struct neighbour *e, struct now now)
{
    uint64_t life = life_ns(n, e);
    arm(n, e, e->since_ns + life - lead_ns(n, life), now);
}

static void arm_stale(struct neighbours *n, struct neighbour *e, struct now now)
{
    uint64_t due = now.ns + STALE_POLL_NS;
    due += (NS_PER_S - due % NS_PER_S) % NS_PER_S;
    arm(n, e, due < e->until_ns ? due : e->until_ns, now);
}

static void make_stale(struct neighbours *n, struct neighbour *e, struct now now)
{
    uint64_t life = life_ns(n, e);
    neighbour_entry_move(n, e, NEIGHBOUR_STALE);
    e->until_ns = now.ns + (life < STALE_MOST_NS ? life : STALE_MOST_NS);
    arm_stale(n, e, now);
}

static void give_up(struct neighbours *n, struct neighbour *e, struct now now)
{
    n->failed++;
    neighbour_entry_forget(n, e, DROP_NEIGHBOUR_FAILED, now);
}

static void fire_reachable(struct neighbours *n, struct neighbour *e, struct now now)
{
    uint64_t end = e->since_ns + life_ns(n, e);
    if (neighbour_entry_used(n, e))
        probe(n, e, now);
    else if (now.ns < end)
        arm(n, e, end, now);
    else
        make_stale(n, e, now);
}

static void fire_stale(struct neighbours *n, struct neighbour *e, struct now now)
{
    if (neighbour_entry_used(n, e))
        probe(n, e, now);
    else if (now.ns < e->until_ns)
        arm_stale(n, e, now);
    else
        neighbour_entry_forget(n, e, DROP_NEIGHBOUR_QUEUE, now);
}

static void fire(struct timer *timer, void *context, struct now now)
{
    struct neighbour *e = (struct neighbour *)((char *)timer - offsetof(struct neighbour, timer));
    struct neighbours *n = e->table;
    (void)context; /* whoever owns the timers; an entry knows its table */
    switch ((enum neighbour_state)e->state) {
    case NEIGHBOUR_INCOMPLETE:
    case NEIGHBOUR_PROBE:
        if (e->asked < REQUESTS)
            ask(n, e, now);
        else
            give_up(n, e, now);
        return;
    case NEIGHBOUR_REACHABLE:
        fire_reachable(n, e, now);
        return;
    case NEIGHBOUR_STALE:
        fire_stale(n, e, now);
        return;
    case NEIGHBOUR_STATIC:
        return;
    }
}

/* ---- packets ---- */

static void drop(struct neighbours *n, struct packet *packet, enum drop why, struct now now)
{
    n->hooks.drop(n->hooks.context, packet, why, now);
}

static void send_straight(struct neighbours *n, struct neighbour *e, struct packet *packet, struct now now)
{
    packet->adjacency = e->ready;
    e->used_ns = now.ns;
    if (e->state == NEIGHBOUR_STALE)
        probe(n, e, now);
    n->hooks.send(n->hooks.context, packet, now);
}

/* At once, or when a second has passed since an entry that was forgotten asked for the same address. */
static void start_asking(struct neighbours *n, struct neighbour *e, struct now now)
{
    uint64_t before = neighbour_asked_before(n, e->port, e->addr);
    if (before != 0 && now.ns < before + REQUEST_NS)
        arm(n, e, before + REQUEST_NS, now);
    else
        ask(n, e, now);
}

enum drop neighbour_judge(const struct port *port, uint32_t addr)
{
    if (!port->up)
        return DROP_PORT_DOWN;
    bool no_station = port->loopback || addr == 0 || addr_is_multicast(addr) || addr_is_class_e(addr);
    return no_station ? DROP_NEIGHBOUR_FAILED : DROP__COUNT;
}

void neighbour_output(struct neighbours *n, const struct port *port, struct packet *packet, struct now now)
{
    uint32_t addr = packet->nexthop;
    struct neighbour *e = neighbour_entry_find(n, port->number, addr);
    if (e != NULL && e->ready != NULL) {
        send_straight(n, e, packet, now);
        return;
    }
    enum drop why = known(n, port) != NULL ? neighbour_judge(port, addr) : DROP_PORT_DOWN;
    if (why != DROP__COUNT) {
        drop(n, packet, why, now);
        return;
    }
    if (e != NULL) {
        neighbour_queue_put(n, e, packet, now);
        return;
    }
    e = neighbour_entry_new(n, port->number, addr, NEIGHBOUR_INCOMPLETE, &why, now);
    if (e == NULL) {
        drop(n, packet, why, now);
        return;
    }
    neighbour_queue_put(n, e, packet, now);
    start_asking(n, e, now);
}

/* ---- what is heard ---- */

/* What waits goes first, then what lanes have punted meanwhile (it comes to neighbour_output and goes straight out);
 * only then do lanes send by themselves, so that a flow stays in order. */
static void resolve(struct neighbours *n, struct neighbour *e, struct now now)
{
    e->resolving = true;
    neighbour_queue_send(n, e, now);
    if (n->hooks.about_to_publish != NULL)
        n->hooks.about_to_publish(n->hooks.context, now);
    e->resolving = false;
    neighbour_entry_publish(n, e);
}

static bool learn(struct neighbours *n, struct neighbour *e, const struct port *port, const uint8_t mac[MAC_LEN],
                  struct now now)
{
    bool was_known = e->adjacency != NULL;
    memmove(e->mac, mac, MAC_LEN);
    if (!neighbour_entry_ready(n, e, port)) {
        neighbour_entry_forget(n, e, DROP_NO_MEMORY, now);
        return false;
    }
    if (was_known)
        neighbour_entry_publish(n, e);
    else
        resolve(n, e, now);
    return true;
}

static void heard_static(struct neighbours *n, const struct neighbour *e, const uint8_t mac[MAC_LEN], struct now now)
{
    char addr[ADDR_TEXT], was[MAC_TEXT], is[MAC_TEXT];
    if (memcmp(e->mac, mac, MAC_LEN) != 0)
        say(n, now, "%s on %s is at %s by configuration; %s claims it, not believed", addr_text(e->addr, addr),
            n->port[e->port]->name, mac_text(e->mac, was), mac_text(mac, is));
}

static void heard_move(struct neighbours *n, const struct neighbour *e, const uint8_t mac[MAC_LEN], struct now now)
{
    char addr[ADDR_TEXT], was[MAC_TEXT], is[MAC_TEXT];
    say(n, now, "%s on %s moved from %s to %s", addr_text(e->addr, addr), n->port[e->port]->name, mac_text(e->mac, was),
        mac_text(mac, is));
}

void neighbour_heard(struct neighbours *n, const struct port *port, uint32_t addr, const uint8_t mac[MAC_LEN],
                     bool create, bool confirmed, struct now now)
{
    struct neighbour *e = neighbour_entry_find(n, port->number, addr);
    enum drop why;
    if ((e == NULL && !create) || !port->up || port->loopback || known(n, port) == NULL)
        return;
    if (e == NULL)
        e = neighbour_entry_new(n, port->number, addr, NEIGHBOUR_REACHABLE, &why, now);
    if (e == NULL)
        return;
    if (e->state == NEIGHBOUR_STATIC) {
        heard_static(n, e, mac, now);
        return;
    }
    bool moved = e->ready != NULL && memcmp(e->mac, mac, MAC_LEN) != 0;
    if (moved)
        heard_move(n, e, mac, now);
    e->since_ns = now.ns;
    neighbour_entry_move(n, e, NEIGHBOUR_REACHABLE);
    if ((e->ready == NULL || moved) && !learn(n, e, port, mac, now))
        return;
    if (moved && !confirmed)
        make_stale(n, e, now);
    else
        arm_reachable(n, e, now);
}

/* ---- configuration ---- */

bool neighbour_set_static(struct neighbours *n, const struct port *port, uint32_t addr, const uint8_t mac[MAC_LEN],
                          struct now now)
{
    struct neighbour *e = neighbour_entry_find(n, port->number, addr);
    enum drop why;
    if (known(n, port) == NULL)
        return false;
    if (e == NULL)
        e = neighbour_entry_new(n, port->number, addr, NEIGHBOUR_STATIC, &why, now);
    if (e == NULL)
        return false;
    neighbour_entry_move(n, e, NEIGHBOUR_STATIC);
    timer_stop(n->timers, &e->timer);
    e->since_ns = now.ns;
    memcpy(e->mac, mac, MAC_LEN);
    return !port->up || learn(n, e, port, mac, now);
}

void neighbour_unset_static(struct neighbours *n, unsigned port, uint32_t addr, struct now now)
{
    struct neighbour *e = neighbour_entry_find(n, port, addr);
    if (e != NULL && e->state == NEIGHBOUR_STATIC)
        neighbour_entry_forget(n, e, DROP_NEIGHBOUR_QUEUE, now);
}

/* ---- ports ---- */

static bool is_own(const struct port *port, uint32_t addr)
{
    for (unsigned i = 0; i < port->n_addresses; i++)
        if (port->addresses[i].addr == addr)
            return true;
    return false;
}

static bool may_stay(const struct port *port, const struct neighbour *e)
{
    if (e->state == NEIGHBOUR_STATIC)
        return true;
    return port->up && !port->loopback && port_subnet_of(port, e->addr) != NULL && !is_own(port, e->addr);
}

static void entry_port_changed(struct neighbours *n, struct neighbour *e, const struct port *port, bool rewrite,
                               struct now now)
{
    if (!may_stay(port, e)) {
        neighbour_entry_forget(n, e, DROP_PORT_DOWN, now);
        return;
    }
    if (!port->up) {
        neighbour_entry_withdraw(n, e);
        return;
    }
    bool wants = e->state == NEIGHBOUR_STATIC ? e->ready == NULL || rewrite : e->ready != NULL && rewrite;
    if (wants && !learn(n, e, port, e->mac, now))
        return;
    if (e->state == NEIGHBOUR_REACHABLE)
        arm_reachable(n, e, now);
}

/* Walks by address, for what is done to one entry may remove others. */
static struct neighbour *next_of_port(const struct neighbours *n, unsigned port, uint32_t after, bool from_start)
{
    struct neighbour *e = neighbour_entry_after(n, port, after, from_start);
    return e != NULL && e->port == port ? e : NULL;
}

void neighbours_port_changed(struct neighbours *n, const struct port *port, struct now now)
{
    struct port *was = n->port[port->number];
    struct port *is = port_copy(port);
    if (is == NULL) {
        neighbours_port_removed(n, port->number, now); /* better forgotten than wrong */
        return;
    }
    bool rewrite = was == NULL || was->mtu != is->mtu || memcmp(was->mac, is->mac, MAC_LEN) != 0;
    n->port[port->number] = is;
    free(was);
    struct neighbour *e = next_of_port(n, port->number, 0, true);
    while (e != NULL) {
        uint32_t addr = e->addr;
        entry_port_changed(n, e, is, rewrite, now);
        e = next_of_port(n, port->number, addr, false);
    }
}

void neighbours_port_removed(struct neighbours *n, unsigned port, struct now now)
{
    struct neighbour *e;
    while ((e = next_of_port(n, port, 0, true)) != NULL)
        neighbour_entry_forget(n, e, DROP_PORT_DOWN, now);
    free(n->port[port]);
    n->port[port] = NULL;
}

unsigned neighbours_clear(struct neighbours *n, unsigned port, uint32_t addr, struct now now)
{
    unsigned cleared = 0;
    struct neighbour *e = neighbour_entry_after(n, port != PORT_NONE ? port : 0, 0, true);
    while (e != NULL && (port == PORT_NONE || e->port == port)) {
        uint32_t at = e->addr;
        unsigned on = e->port;
        if (e->state != NEIGHBOUR_STATIC && (addr == 0 || at == addr)) {
            neighbour_entry_forget(n, e, DROP_NEIGHBOUR_QUEUE, now);
            cleared++;
        }
        e = neighbour_entry_after(n, on, at, false);
    }
    return cleared;
}

/* ---- looking ---- */

uint64_t neighbours_held(const struct neighbours *n, unsigned port)
{
    return port < PORT_MAX ? n->held[port] : 0;
}

static struct neighbour_view view_of(const struct neighbour *e, struct now now)
{
    struct neighbour_view view = {
        .port = e->port,
        .addr = e->addr,
        .state = (enum neighbour_state)e->state,
        .age_s = now.ns > e->since_ns ? (uint32_t)((now.ns - e->since_ns) / NS_PER_S) : 0,
        .waiting = e->waiting.n,
    };
    memcpy(view.mac, e->mac, MAC_LEN);
    return view;
}

bool neighbour_look(const struct neighbours *n, unsigned port, uint32_t addr, struct neighbour_view *view,
                    struct now now)
{
    const struct neighbour *e = neighbour_entry_find(n, port, addr);
    if (e != NULL)
        *view = view_of(e, now);
    return e != NULL;
}

/* The cursor is one more than port and address of the last one. */
bool neighbours_next(const struct neighbours *n, uint64_t *cursor, struct neighbour_view *view, struct now now)
{
    uint64_t last = *cursor - 1;
    bool from_start = *cursor == 0;
    const struct neighbour *e =
        neighbour_entry_after(n, from_start ? 0 : (unsigned)(last >> 32), (uint32_t)last, from_start);
    if (e == NULL)
        return false;
    *view = view_of(e, now);
    *cursor = ((uint64_t)e->port << 32 | e->addr) + 1;
    return true;
}
