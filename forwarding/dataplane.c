/* core: the dataplane as a whole: its life, its ports, its counters, and the hooks by which its parts call each other.
 */
#include "forwarding/dataplane.h"

#include <stdlib.h>
#include <string.h>

#include "forwarding/core.h"
#include "forwarding/multicast_internal.h"

#define NEIGHBOUR_WAITING_BYTES (4 * 1024 * 1024)
#define REASSEMBLY_BYTES        (4 * 1024 * 1024)
#define REASSEMBLY_BY_SOURCE    (1024 * 1024)
#define ICMP_RATE               1000
#define ICMP_BURST              50
#define LOG_RATE                10
#define LOG_BURST               50

/* splitmix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014. */
uint64_t dataplane_random(struct dataplane *d)
{
    uint64_t z = d->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* What the network can trigger must not fill a log. */
static void log_limited(struct dataplane *d, enum dataplane_level level, const char *text)
{
    if (d->hooks.log != NULL && bucket_take(&d->log_bucket, LOG_RATE, LOG_BURST, d->scratch->now_ns))
        d->hooks.log(d->hooks.context, level, text);
}

static void log_notice(void *context, const char *text)
{
    log_limited(context, DATAPLANE_NOTICE, text);
}

static void log_warning(void *context, const char *text)
{
    log_limited(context, DATAPLANE_WARNING, text);
}

/* ---- hooks of the neighbours ---- */

static void neighbour_send(void *context, struct packet *packet, struct now now)
{
    core_routed(context, packet, now);
}

static void neighbour_drop(void *context, struct packet *packet, enum drop why, struct now now)
{
    struct icmp_error error = {.type = ICMP_UNREACHABLE, .code = UNREACHABLE_HOST};
    if (why == DROP_NEIGHBOUR_FAILED)
        core_refuse(context, packet, why, error, now);
    else
        core_drop(context, packet, why);
}

static void neighbour_request(void *context, const struct port *port, uint32_t addr, const uint8_t *to_mac,
                              struct now now)
{
    struct dataplane *d = context;
    arp_request(&d->arp, port, addr, to_mac, now);
}

static void neighbour_about_to_publish(void *context, struct now now)
{
    core_drain_resolve(context, now);
}

static uint64_t neighbour_last_used(void *context, uint32_t number)
{
    const struct dataplane *d = context;
    uint32_t last = d->scratch->neighbour_used[number];
    for (unsigned i = 0; i < d->n_lanes; i++) {
        uint32_t used = __atomic_load_n(&d->lanes[i]->neighbour_used[number], __ATOMIC_RELAXED);
        if (used > last)
            last = used;
    }
    return last * NS_PER_S;
}

static uint64_t neighbour_random(void *context)
{
    return dataplane_random(context);
}

/* For proxy ARP, RFC 1027: ADDR is ours, or we would forward to it, and not back to where the question came from. A
 * default route leads to what is not forwarded, too: to answer for a link-local address would take it from its link. */
static bool is_behind_another(void *context, const struct port *port, uint32_t addr)
{
    const struct dataplane *d = context;
    const struct own *own = own_find(published(d->tables.own), addr);
    if (own != NULL || !addr_is_forwardable(addr))
        return own != NULL && own->kind == OWN_ADDRESS;
    const struct nexthop_group *group = fib_lookup(d->tables.fib, addr, NULL);
    bool reachable = false;
    for (unsigned i = 0; group != NULL && i < group->n; i++) {
        const struct port *out = dataplane_port(d, group->hop[i].port);
        if (group->hop[i].port == port->number)
            return false;
        reachable |= out != NULL && out->up && !out->loopback;
    }
    return reachable;
}

/* For ARP: ADDR is a neighbour on PORT by a route that names no gateway, or is a gateway that was sent to, of a route
 * that says by which port it is. */
static bool is_on_link(void *context, const struct port *port, uint32_t addr)
{
    const struct dataplane *d = context;
    if (!addr_is_forwardable(addr))
        return false;
    if (neighbour_wanted(d->neighbours, port->number, addr))
        return true;
    const struct nexthop_group *group = fib_lookup(d->tables.fib, addr, NULL);
    for (unsigned i = 0; group != NULL && i < group->n; i++)
        if (group->hop[i].port == port->number && group->hop[i].gateway == 0)
            return true;
    return false;
}

/* ---- hooks of reassembly ---- */

static void fragment_used(void *context, unsigned port, struct now now)
{
    (void)now;
    struct core_scratch *s = ((struct dataplane *)context)->scratch;
    if (s->used < REASSEMBLY_FRAGMENTS)
        s->used_port[s->used++] = (uint16_t)port;
}

static void fragment_dropped(void *context, unsigned port, enum drop why, struct now now)
{
    (void)now;
    struct dataplane *d = context;
    count_drop(d->counters, port, why);
}

static void fragments_timed_out(void *context, const struct packet *first, struct now now)
{
    if (first != NULL)
        icmp_error(context, first, (struct icmp_error){.type = ICMP_TIME_EXCEEDED, .code = 1}, now);
}

/* ---- life ---- */

static bool lanes_new(struct dataplane *d, const struct dataplane_settings *settings)
{
    d->lanes = calloc(settings->lanes + 1, sizeof *d->lanes);
    if (d->lanes == NULL)
        return false;
    for (unsigned i = 0; i < settings->lanes; i++) {
        d->lanes[i] = lane_new(i, &d->tables, settings->lane_transmit[i]);
        if (d->lanes[i] == NULL)
            return false;
        d->n_lanes = i + 1;
    }
    return true;
}

static bool parts_new(struct dataplane *d, const struct dataplane_settings *settings)
{
    const struct neighbour_hooks neighbour_hooks = {
        .context = d,
        .send = neighbour_send,
        .drop = neighbour_drop,
        .request = neighbour_request,
        .about_to_publish = neighbour_about_to_publish,
        .last_used = neighbour_last_used,
        .log = log_notice,
        .random = neighbour_random,
    };
    const struct reassembly_hooks reassembly_hooks = {
        .context = d, .used = fragment_used, .dropped = fragment_dropped, .timed_out = fragments_timed_out};

    d->scratch = calloc(1, sizeof *d->scratch);
    d->counters = calloc(1, sizeof *d->counters);
    d->cleared = calloc(1, sizeof *d->cleared);
    d->tables.fib = fib_new(d->later);
    d->neighbours = d->tables.neighbours =
        neighbours_new(NEIGHBOUR_MAX, NEIGHBOUR_WAITING_BYTES, &neighbour_hooks, &d->timers, d->later);
    d->reassembly = reassembly_new(REASSEMBLY_BYTES, REASSEMBLY_BY_SOURCE, &reassembly_hooks, &d->timers);
    if (d->scratch == NULL || d->counters == NULL || d->cleared == NULL || d->tables.fib == NULL ||
        d->neighbours == NULL || d->reassembly == NULL)
        return false;
    d->scratch->ip_id = (uint16_t)dataplane_random(d);
    d->tables.flow_seed = dataplane_random(d);
    d->multicast = multicast_new(d->later, ~d->tables.flow_seed);
    return d->multicast != NULL && lanes_new(d, settings);
}

struct dataplane *dataplane_new(const struct dataplane_settings *settings)
{
    struct dataplane *d = calloc(1, sizeof *d);
    if (d == NULL)
        return NULL;
    d->later = settings->later;
    d->transmit = settings->core_transmit;
    d->random = settings->seed;
    d->hooks = settings->hooks;
    d->icmp_rate = ICMP_RATE;
    d->icmp_burst = ICMP_BURST;
    timers_init(&d->timers, d);
    if (!parts_new(d, settings)) {
        dataplane_free(d);
        return NULL;
    }
    d->arp.neighbours = d->neighbours;
    d->arp.transmit = d->transmit;
    d->arp.counters = d->counters;
    d->arp.debug = &d->debug;
    d->arp.log = log_warning;
    d->arp.proxy = is_behind_another;
    d->arp.on_link = is_on_link;
    d->arp.context = d;
    return d;
}

void dataplane_free(struct dataplane *d)
{
    if (d == NULL)
        return;
    for (unsigned i = 0; i < d->n_lanes; i++)
        lane_free(d->lanes[i]);
    d->n_lanes = 0; /* for the hooks of what is freed below */
    free(d->lanes);
    if (d->scratch != NULL)
        host_free_looped(d);
    reassembly_free(d->reassembly);
    multicast_free(d->multicast, &d->timers);
    if (d->neighbours != NULL)
        neighbours_free(d->neighbours);
    if (d->tables.fib != NULL)
        fib_free(d->tables.fib);
    timers_exit(&d->timers);
    for (unsigned i = 0; i < PORT_MAX; i++)
        free((void *)(uintptr_t)d->tables.port[i]);
    free((void *)(uintptr_t)d->tables.own);
    free(d->cleared);
    free(d->counters);
    free(d->scratch);
    free(d);
}

/* ---- ports ---- */

const struct port *dataplane_port(const struct dataplane *d, unsigned number)
{
    return number < PORT_MAX ? d->tables.port[number] : NULL;
}

const struct port *dataplane_port_by_name(const struct dataplane *d, const char *name)
{
    for (unsigned i = 0; i < PORT_MAX; i++)
        if (d->tables.port[i] != NULL && strncmp(d->tables.port[i]->name, name, PORT_NAME) == 0)
            return d->tables.port[i];
    return NULL;
}

/* Publishes PORT (or nothing) at NUMBER, and the own addresses that follow. False when there is no memory for them. */
static bool put_port(struct dataplane *d, unsigned number, struct port *port)
{
    const struct port *ports[PORT_MAX];
    memcpy(ports, d->tables.port, sizeof ports);
    ports[number] = port;
    struct own_table *own = own_table_new(ports, PORT_MAX);
    if (own == NULL)
        return false;
    void *was_port = (void *)(uintptr_t)d->tables.port[number];
    void *was_own = (void *)(uintptr_t)d->tables.own;
    publish(d->tables.port[number], port);
    publish(d->tables.own, own);
    if (was_port != NULL)
        later(d->later, free, was_port);
    if (was_own != NULL)
        later(d->later, free, was_own);
    return true;
}

static bool has_address(const struct port *port, uint32_t addr)
{
    for (unsigned i = 0; i < port->n_addresses; i++)
        if (port->addresses[i].addr == addr)
            return true;
    return false;
}

/* RFC 5227 3 and RFC 826: neighbours should hear of it when the link comes up, or what they knew of us has changed. */
static bool wants_announcing(const struct port *was, const struct port *is)
{
    if (!is->up || is->loopback)
        return false;
    if (was == NULL || !was->up || memcmp(was->mac, is->mac, MAC_LEN) != 0)
        return true;
    for (unsigned i = 0; i < is->n_addresses; i++)
        if (!has_address(was, is->addresses[i].addr))
            return true;
    return false;
}

bool dataplane_set_port(struct dataplane *d, const struct port *settings, struct now now)
{
    if (settings->number >= PORT_MAX)
        return false;
    d->scratch->now_ns = now.ns;
    const struct port *was = d->tables.port[settings->number];
    bool announce = wants_announcing(was, settings), fresh = was == NULL;
    struct port *port = port_copy(settings);
    if (port == NULL || !put_port(d, settings->number, port)) {
        free(port);
        return false;
    }
    if (fresh)
        dataplane_clear_counters(d, port->number);
    neighbours_port_changed(d->neighbours, port, now);
    multicast_port_changed(d, now);
    if (announce)
        arp_announce(&d->arp, port, now);
    return true;
}

void dataplane_remove_port(struct dataplane *d, unsigned number, struct now now)
{
    if (dataplane_port(d, number) == NULL)
        return;
    if (!put_port(d, number, NULL)) {
        /* Its addresses stay ours until the next change; the port itself goes all the same. */
        void *was = (void *)(uintptr_t)d->tables.port[number];
        publish(d->tables.port[number], NULL);
        later(d->later, free, was);
    }
    neighbours_port_removed(d->neighbours, number, now);
    multicast_port_changed(d, now);
}

/* ---- time ---- */

uint64_t dataplane_run(struct dataplane *d, struct now now, unsigned most)
{
    d->scratch->now_ns = now.ns;
    timers_run(&d->timers, now, most);
    return host_run_looped(d, now, most) ? now.ns : timers_due(&d->timers);
}

/* ---- counters ---- */

#define PORT_ROWS (sizeof(struct port_counters) / sizeof(uint64_t))
_Static_assert(sizeof(struct port_counters) % sizeof(uint64_t) == 0, "port_counters are uint64_t and nothing else");

static void add_rows(const uint64_t *from, uint64_t *to, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] += count_read(&from[i]);
}

static void subtract_rows(const uint64_t *from, uint64_t *to, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] -= from[i] < to[i] ? from[i] : to[i];
}

static void port_sum(const struct dataplane *d, unsigned port, struct port_counters *sum)
{
    *sum = (struct port_counters){0};
    add_rows((const uint64_t *)&d->counters->port[port], (uint64_t *)sum, PORT_ROWS);
    for (unsigned i = 0; i < d->n_lanes; i++)
        add_rows((const uint64_t *)&d->lanes[i]->counters->port[port], (uint64_t *)sum, PORT_ROWS);
}

static void ip_sum(const struct dataplane *d, uint64_t sum[IP_STAT__COUNT])
{
    memset(sum, 0, IP_STAT__COUNT * sizeof *sum);
    add_rows(d->counters->ip, sum, IP_STAT__COUNT);
    for (unsigned i = 0; i < d->n_lanes; i++)
        add_rows(d->lanes[i]->counters->ip, sum, IP_STAT__COUNT);
}

void dataplane_port_counters(const struct dataplane *d, unsigned port, struct port_counters *sum)
{
    if (port >= PORT_MAX) {
        *sum = (struct port_counters){0};
        return;
    }
    port_sum(d, port, sum);
    subtract_rows((const uint64_t *)&d->cleared->port[port], (uint64_t *)sum, PORT_ROWS);
    /* What the kernel had no room for came in, too. */
    uint64_t full = d->ring_full[port] - d->ring_full_cleared[port];
    sum->drop[DROP_RING_FULL] += full;
    sum->rx_packets += full;
}

uint64_t dataplane_ip_stat(const struct dataplane *d, enum ip_stat which)
{
    uint64_t sum[IP_STAT__COUNT];
    ip_sum(d, sum);
    subtract_rows(d->cleared->ip, sum, IP_STAT__COUNT);
    return sum[which];
}

uint64_t dataplane_held(const struct dataplane *d, unsigned port)
{
    struct port_counters sum;
    if (port >= PORT_MAX)
        return 0;
    port_sum(d, port, &sum);
    uint64_t in_rings = sum.punted > sum.taken ? sum.punted - sum.taken : 0;
    return in_rings + neighbours_held(d->neighbours, port) + reassembly_held(d->reassembly, port);
}

static void clear_port(struct dataplane *d, unsigned port)
{
    port_sum(d, port, &d->cleared->port[port]);
    /* Packets that wait will be counted where they end: after this, so they count as received after this. */
    d->cleared->port[port].rx_packets -= dataplane_held(d, port);
    d->ring_full_cleared[port] = d->ring_full[port];
}

static void clear_icmp(struct icmp *icmp)
{
    icmp->in_msgs = icmp->in_errors = icmp->out_msgs = icmp->out_errors = icmp->out_rate_limited = 0;
    memset(icmp->in, 0, sizeof icmp->in);
    memset(icmp->out, 0, sizeof icmp->out);
}

void dataplane_clear_counters(struct dataplane *d, unsigned port)
{
    if (port != PORT_NONE) {
        if (port < PORT_MAX)
            clear_port(d, port);
        return;
    }
    for (unsigned i = 0; i < PORT_MAX; i++)
        clear_port(d, i);
    ip_sum(d, d->cleared->ip);
    clear_icmp(&d->icmp);
    d->arp.stats = (struct arp_stats){0};
    d->udp = (struct udp_stats){0};
}
