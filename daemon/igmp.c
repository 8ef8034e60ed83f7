/* The configuration's IGMP becomes the engine's settings, and its multicast the dataplane's. See igmp.h.
 *
 * A proxy's upstream interface is one of the engine's whether or not the configuration runs IGMP on it: there the
 * router is a host (RFC 4605 4.1). */
#include "daemon/igmp.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "cli/schema.h"
#include "daemon/interfaces.h"
#include "daemon/log.h"
#include "daemon/router.h"
#include "forwarding/multicast.h"

#define TOS_CONTROL 0xc0 /* RFC 9776 4: internetwork control */

enum { OPTION_END = 0, OPTION_NOP = 1, OPTION_ROUTER_ALERT = 148 }; /* RFC 791 3.1, RFC 2113 */

static const uint8_t router_alert[4] = {OPTION_ROUTER_ALERT, 4, 0, 0};
static const struct prefix ssm_range = {.addr = 0xe8000000, .len = 8}; /* RFC 4607 */

struct igmp_service {
    struct router *router;
    struct igmp *igmp; /* NULL: not wanted, or there was no memory for it */
    bool leaving;      /* it leaves the upstream's groups, and is freed then */
    bool on[PORT_MAX];
};

/* ---- settings ---- */

static uint32_t milliseconds(double seconds)
{
    return (uint32_t)(seconds * 1000 + 0.5);
}

static struct igmp_interface_settings make_interface(const struct config_igmp_interface *c, struct igmp_static *statics)
{
    struct igmp_interface_settings s = igmp_interface_settings_default;
    s.version = (uint8_t)c->version;
    s.robustness = (uint8_t)c->robustness;
    s.query_interval_ms = milliseconds((double)c->query_interval);
    s.response_interval_ms = milliseconds(c->response_interval);
    s.last_member_interval_ms = milliseconds(c->last_member_interval);
    s.last_member_count = (uint8_t)c->last_member_count;
    s.startup_interval_ms = milliseconds((double)c->startup_interval);
    s.startup_count = (uint8_t)c->startup_count;
    s.querier = c->querier;
    s.require_router_alert = c->require_router_alert;
    s.fast_leave = c->fast_leave;
    s.group_limit = (uint32_t)c->group_limit;
    s.source_limit = (uint32_t)c->source_limit;
    s.tracked_limit = (uint32_t)c->host_limit;
    s.report_limit = (uint32_t)c->report_limit;
    for (size_t i = 0; i < c->n_static_groups; i++)
        statics[i] = (struct igmp_static){.group = c->static_groups[i].address};
    s.statics = statics;
    s.n_statics = (unsigned)c->n_static_groups;
    return s;
}

static bool is_upstream(const struct config *config, const struct config_interface *c)
{
    return config->multicast.upstream != NULL && strcmp(config->multicast.upstream, c->name) == 0;
}

static bool wanted(const struct config *config, const struct config_interface *c)
{
    return c->type != CONFIG_LOOPBACK && (c->igmp.enabled || is_upstream(config, c));
}

static bool wanted_anywhere(const struct config *config)
{
    for (size_t i = 0; i < config->n_interfaces; i++)
        if (wanted(config, &config->interfaces[i]))
            return true;
    return false;
}

/* ---- what the engine asks ---- */

static bool send_message(void *context, unsigned port, uint32_t src, uint32_t dst, const uint8_t *message, size_t len,
                         struct now now)
{
    const struct igmp_service *s = context;
    struct datagram datagram = {
        .src = src,
        .dst = dst,
        .protocol = PROTO_IGMP,
        .tos = TOS_CONTROL,
        .ttl = 1,
        .df = true,
        .port = (uint16_t)port,
        .options = router_alert,
        .options_len = sizeof router_alert,
        .data = message,
        .len = len,
    };
    return dataplane_send(s->router->dataplane, &datagram, now) == SEND_OK;
}

static void changed(void *context, unsigned port, uint32_t group, struct now now)
{
    const struct igmp_service *s = context;
    (void)port;
    multicast_changed(s->router->dataplane, 0, group, now);
}

static const char *port_name(const struct igmp_service *s, unsigned port)
{
    const struct port *p = port < PORT_MAX ? dataplane_port(s->router->dataplane, port) : NULL;
    return p == NULL ? "-" : p->name;
}

static void log_sentence(void *context, enum igmp_level level, unsigned port, uint32_t addr, const char *text)
{
    static const enum config_log_level of[] = {
        [IGMP_WARNING] = CONFIG_LOG_WARNING, [IGMP_NOTICE] = CONFIG_LOG_NOTICE, [IGMP_INFO] = CONFIG_LOG_INFO};
    const struct igmp_service *s = context;
    char from[ADDR_TEXT] = "";
    if (addr != 0)
        addr_text(addr, from);
    const char *where = port == PORT_NONE ? "" : port_name(s, port);
    if (level == IGMP_DEBUG)
        debug_if(&s->router->dataplane->debug, DEBUG_IGMP, port, addr, "igmp%s%s%s%s: %s", port == PORT_NONE ? "" : " ",
                 where, addr == 0 ? "" : " ", from, text);
    else
        log_at(&s->router->log, of[level], "IGMP%s%s%s%s: %s", port == PORT_NONE ? "" : " on ", where,
               addr == 0 ? "" : ", neighbour ", from, text);
}

/* ---- what the dataplane asks ---- */

_Static_assert(sizeof(struct port_set) == IGMP_PORT_WORDS * sizeof(uint64_t), "a set of ports is the same to both");

/* RFC 4605 4.2: to the downstream interfaces that want it, and what comes in by one of them upstream as well. */
static void decide(void *context, uint32_t src, uint32_t group, struct multicast_decision *decision)
{
    const struct igmp_service *s = context;
    if (s->igmp == NULL || s->leaving)
        return;
    igmp_ports(s->igmp, src, group, decision->out.word);
    unsigned upstream = igmp_upstream(s->igmp);
    if (upstream != PORT_NONE && upstream != decision->in)
        port_set_add(&decision->out, upstream);
}

/* ---- following ---- */

struct igmp_service *igmp_service_new(struct router *router)
{
    struct igmp_service *s = calloc(1, sizeof *s);
    if (s != NULL)
        s->router = router;
    return s;
}

static void end(struct igmp_service *s, struct now now)
{
    igmp_free(s->igmp);
    s->igmp = NULL;
    s->leaving = false;
    memset(s->on, 0, sizeof s->on);
    multicast_changed(s->router->dataplane, 0, 0, now);
}

void igmp_service_free(struct igmp_service *s)
{
    if (s == NULL)
        return;
    igmp_free(s->igmp);
    free(s);
}

static bool follow_settings(struct igmp_service *s, struct now now)
{
    const struct config_multicast *c = &s->router->running->multicast;
    struct prefix ranges[IGMP_SSM_MAX] = {ssm_range};
    unsigned n = 1;
    for (size_t i = 0; i < c->n_ssm_ranges && n < IGMP_SSM_MAX; i++)
        ranges[n++] = c->ssm_ranges[i].prefix;
    unsigned upstream = c->upstream == NULL ? PORT_NONE : interfaces_number(s->router->interfaces, c->upstream);
    struct igmp_settings settings = {.upstream = upstream, .n_ssm = n, .ssm = ranges};
    if (s->leaving)
        end(s, now); /* what it had not yet left runs out */
    if (s->igmp != NULL)
        return igmp_configure(s->igmp, &settings, now);
    uint64_t seed;
    if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
        return false;
    struct igmp_hooks hooks = {.context = s, .send = send_message, .changed = changed, .log = log_sentence};
    s->igmp = igmp_new(&settings, seed, &hooks);
    return s->igmp != NULL;
}

/* Whether it is up, and with which addresses. */
static bool follow_port(struct igmp_service *s, unsigned port, struct now now)
{
    const struct port *p = dataplane_port(s->router->dataplane, port);
    if (p != NULL && p->up)
        return igmp_interface_up(s->igmp, port, p->addresses, p->n_addresses, p->mtu, now);
    igmp_interface_down(s->igmp, port, now);
    return true;
}

static bool follow_interface(struct igmp_service *s, const struct config_interface *c, struct now now)
{
    unsigned port = interfaces_number(s->router->interfaces, c->name);
    if (port == PORT_NONE)
        return true;
    if (!wanted(s->router->running, c)) {
        if (s->on[port])
            igmp_interface_remove(s->igmp, port, now);
        s->on[port] = false;
        return true;
    }
    struct igmp_static *statics = calloc(c->igmp.n_static_groups + 1, sizeof *statics);
    if (statics == NULL)
        return false;
    struct igmp_interface_settings settings = make_interface(&c->igmp, statics);
    bool good = igmp_interface_set(s->igmp, port, &settings, now);
    free(statics);
    s->on[port] = s->on[port] || good;
    return good && follow_port(s, port, now);
}

static bool follow_boundaries(struct igmp_service *s, const struct config_interface *c, struct now now)
{
    const struct config_multicast_interface *m = &c->multicast;
    unsigned port = interfaces_number(s->router->interfaces, c->name);
    if (port == PORT_NONE)
        return true;
    struct prefix *boundaries = calloc(m->n_boundaries + 1, sizeof *boundaries);
    if (boundaries == NULL)
        return false;
    for (size_t i = 0; i < m->n_boundaries; i++)
        boundaries[i] = m->boundaries[i].prefix;
    struct multicast_port settings = {.ttl_threshold = (uint8_t)m->ttl_threshold,
                                      .n_boundaries = (unsigned)m->n_boundaries,
                                      .boundaries = boundaries};
    bool good = multicast_set_port(s->router->dataplane, port, &settings, now);
    free(boundaries);
    return good;
}

static void follow_forwarding(struct igmp_service *s, const struct config *before, struct now now)
{
    const struct config *config = s->router->running;
    const struct schema_key *key = schema_find(&schema_root, "multicast");
    if (before != NULL && schema_same(key, before, config))
        return;
    struct multicast_settings settings = multicast_defaults;
    settings.enabled = config->multicast.enabled;
    settings.decide = decide;
    settings.context = s;
    settings.limit = (uint32_t)config->multicast.route_limit;
    settings.idle_s = (uint32_t)config->multicast.idle_timeout;
    multicast_configure(s->router->dataplane, &settings, now);
}

void igmp_service_follow(struct igmp_service *s, const struct config *before, struct now now)
{
    const struct config *config = s->router->running;
    follow_forwarding(s, before, now);
    for (size_t i = 0; i < config->n_interfaces; i++)
        if (!follow_boundaries(s, &config->interfaces[i], now))
            log_error(&s->router->log, "multicast: no memory for the boundaries of %s", config->interfaces[i].name);
    if (!wanted_anywhere(config)) {
        igmp_service_stop(s, now);
        return;
    }
    if (!follow_settings(s, now))
        log_error(&s->router->log, "IGMP: no memory for its settings, which stay as they were");
    for (size_t i = 0; s->igmp != NULL && i < config->n_interfaces; i++)
        if (!follow_interface(s, &config->interfaces[i], now))
            log_error(&s->router->log, "IGMP: no memory for interface %s", config->interfaces[i].name);
}

void igmp_service_port_changed(struct igmp_service *s, unsigned port, struct now now)
{
    if (s == NULL || s->igmp == NULL || s->leaving || !s->on[port])
        return;
    if (!follow_port(s, port, now))
        log_error(&s->router->log, "IGMP: no memory for the addresses of %s", port_name(s, port));
}

void igmp_service_port_goes(struct igmp_service *s, unsigned port, struct now now)
{
    if (s == NULL)
        return;
    if (s->igmp != NULL && s->on[port])
        igmp_interface_remove(s->igmp, port, now);
    s->on[port] = false;
    (void)multicast_set_port(s->router->dataplane, port, NULL, now);
}

/* ---- packets and time ---- */

static bool has_router_alert(const struct packet *packet)
{
    const uint8_t *ip = packet_ip(packet);
    for (unsigned at = IP_HEADER_MIN; at + 1 < packet->ip.header && ip[at] != OPTION_END;) {
        if (ip[at] == OPTION_ROUTER_ALERT)
            return true;
        if (ip[at] != OPTION_NOP && ip[at + 1] < 2)
            return false;
        at += ip[at] == OPTION_NOP ? 1 : ip[at + 1];
    }
    return false;
}

void igmp_service_input(struct igmp_service *s, const struct packet *packet, struct now now)
{
    if (s == NULL || s->igmp == NULL || s->leaving || packet->port >= PORT_MAX || !s->on[packet->port])
        return;
    struct igmp_datagram datagram = {.port = packet->port,
                                     .src = packet->ip.src,
                                     .dst = packet->ip.dst,
                                     .ttl = packet->ip.ttl,
                                     .router_alert = has_router_alert(packet)};
    igmp_input(s->igmp, &datagram, packet_ip(packet) + packet->ip.header, packet->ip.len - (size_t)packet->ip.header,
               now);
}

uint64_t igmp_service_run(struct igmp_service *s, struct now now)
{
    if (s->igmp == NULL)
        return NEVER_NS;
    bool said = (s->router->dataplane->debug.on & 1u << DEBUG_IGMP) != 0;
    igmp_debug(s->igmp, said ? IGMP_DEBUG_EVENTS | IGMP_DEBUG_PACKETS | IGMP_DEBUG_GROUPS : 0);
    uint64_t due_ns = igmp_run(s->igmp, now);
    if (s->leaving && igmp_is_stopped(s->igmp)) {
        end(s, now);
        return NEVER_NS;
    }
    return due_ns;
}

void igmp_service_stop(struct igmp_service *s, struct now now)
{
    if (s == NULL || s->igmp == NULL || s->leaving)
        return;
    s->leaving = true;
    igmp_stop(s->igmp, now);
    multicast_changed(s->router->dataplane, 0, 0, now);
}

bool igmp_service_is_stopped(const struct igmp_service *s)
{
    return s == NULL || s->igmp == NULL;
}

struct igmp *igmp_service_igmp(const struct igmp_service *s)
{
    return s == NULL || s->leaving ? NULL : s->igmp;
}
