/* The configuration's RIP becomes the engine's settings: names of lists and chains become what they name. Whatever is
 * put together for that is let go of after the call, since the engine takes a copy. */
#include "daemon/rip.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "cli/schema.h"
#include "daemon/interfaces.h"
#include "daemon/log.h"
#include "daemon/router.h"
#include "forwarding/bytes.h"
#include "forwarding/checksum.h"

#define UDP_HEADER     8
#define DATAGRAM_MAX   1480
#define TOS_CONTROL    0xc0 /* RFC 1812 5.3.3: internetwork control */
#define TTL_NEIGHBOUR  64
#define GOODBYE_SLICES 64 /* of a port that is about to go */

struct rip_service {
    struct router *router;
    struct rip *rip; /* NULL: not wanted, or there was no memory for it */
    bool leaving;    /* it says goodbye, and is freed then */
    bool on[PORT_MAX];
};

/* ---- settings ---- */

/* Memory that settings point to while they are handed over. */
struct made {
    struct made_block {
        struct made_block *next;
        _Alignas(max_align_t) char bytes[];
    } * first;
    bool failed;
};

/* Zeroed, for N; NULL for none. */
static void *make(struct made *made, size_t n, size_t size)
{
    if (n == 0)
        return NULL;
    struct made_block *block = calloc(1, sizeof *block + n * size);
    made->failed = made->failed || block == NULL;
    if (block == NULL)
        return NULL;
    block->next = made->first;
    made->first = block;
    return block->bytes;
}

static void unmake(struct made *made)
{
    while (made->first != NULL) {
        struct made_block *next = made->first->next;
        free(made->first);
        made->first = next;
    }
}

static const struct rip_prefix_list *make_list(struct made *made, const struct config *config, const char *name)
{
    const struct config_prefix_list *from = name == NULL ? NULL : config_prefix_list_find(config, name);
    if (from == NULL)
        return NULL;
    struct rip_prefix_list *list = make(made, 1, sizeof *list);
    struct rip_prefix_rule *rules = make(made, from->n_rules, sizeof *rules);
    if (made->failed)
        return NULL;
    for (size_t i = 0; i < from->n_rules; i++)
        rules[i] = (struct rip_prefix_rule){.permit = from->rules[i].action == CONFIG_PERMIT,
                                            .prefix = from->rules[i].prefix,
                                            .ge = (uint8_t)from->rules[i].ge,
                                            .le = (uint8_t)from->rules[i].le};
    *list = (struct rip_prefix_list){.n = (unsigned)from->n_rules, .rules = rules};
    return list;
}

static void set_secret(struct rip_key *key, const char *secret)
{
    size_t len;
    key->secret_len = config_secret(secret, key->secret, &len) ? (uint8_t)len : 0;
}

static void set_lifetime(struct rip_lifetime *lifetime, const char *text)
{
    if (text != NULL)
        config_lifetime(text, &lifetime->from_ms, &lifetime->until_ms);
}

static struct rip_auth make_auth(struct made *made, const struct config *config, const struct config_rip_interface *c)
{
    const struct config_key_chain *chain = c->key_chain == NULL ? NULL : config_key_chain_find(config, c->key_chain);
    size_t n = c->auth_mode == RIP_AUTH_NONE ? 0 : chain != NULL ? chain->n_keys : 1;
    struct rip_key *keys = make(made, n, sizeof *keys);
    if (keys == NULL)
        return (struct rip_auth){0};
    if (chain == NULL) {
        keys[0].id = (uint8_t)c->key_id;
        keys[0].mode = (enum rip_auth_mode)c->auth_mode;
        set_secret(&keys[0], c->key);
    }
    for (size_t i = 0; chain != NULL && i < n; i++) {
        const struct config_key *from = &chain->keys[i];
        keys[i].id = (uint8_t)from->id;
        keys[i].mode = (enum rip_auth_mode)(from->algorithm == CONFIG_UNSAID ? c->auth_mode : from->algorithm);
        set_secret(&keys[i], from->secret);
        set_lifetime(&keys[i].send, from->send);
        set_lifetime(&keys[i].accept, from->accept);
    }
    return (struct rip_auth){.n = (unsigned)n, .keys = keys, .fail_secure = chain != NULL && chain->fail_secure};
}

static void make_offsets(struct made *made, const struct config *config, const struct config_rip_interface *c,
                         struct rip_interface_settings *s)
{
    struct rip_offset *in = make(made, c->n_offsets, sizeof *in), *out = make(made, c->n_offsets, sizeof *out);
    for (size_t i = 0; !made->failed && i < c->n_offsets; i++) {
        const struct config_rip_offset *from = &c->offsets[i];
        struct rip_offset offset = {.add = (uint8_t)from->metric, .list = make_list(made, config, from->list)};
        if (from->direction == CONFIG_IN)
            in[s->n_offsets_in++] = offset;
        else
            out[s->n_offsets_out++] = offset;
    }
    s->offsets_in = in;
    s->offsets_out = out;
}

static uint8_t mask_of(int64_t versions)
{
    static const uint8_t of[] = {[CONFIG_RIP_1] = RIP_V1, [CONFIG_RIP_2] = RIP_V2, [CONFIG_RIP_1_2] = RIP_V1 | RIP_V2};
    return of[versions];
}

static struct rip_interface_settings make_interface(struct made *made, const struct config *config,
                                                    const struct config_interface *interface)
{
    const struct config_rip_interface *c = &interface->rip;
    struct rip_interface_settings s = rip_interface_settings_default;
    int64_t of_router = config->rip.version == 1 ? CONFIG_RIP_1 : CONFIG_RIP_2;
    struct prefix *summaries = make(made, c->n_summaries, sizeof *summaries);
    s.passive = c->passive;
    s.loopback = interface->type == CONFIG_LOOPBACK;
    s.send = mask_of(c->send_version == CONFIG_UNSAID ? of_router : c->send_version);
    s.receive = mask_of(c->receive_version);
    s.broadcast = c->v2_broadcast;
    s.split_horizon = (enum rip_split_horizon)c->split_horizon;
    s.metric_in = (uint8_t)c->metric_in;
    s.metric_out = (uint8_t)c->metric_out;
    s.auto_summary = c->auto_summary;
    s.triggered = c->triggered;
    s.auth = make_auth(made, config, c);
    s.list_in = make_list(made, config, c->filter_in);
    s.list_out = make_list(made, config, c->filter_out);
    make_offsets(made, config, c, &s);
    for (size_t i = 0; summaries != NULL && i < c->n_summaries; i++)
        summaries[i] = c->summaries[i].prefix;
    s.n_summaries = summaries == NULL ? 0 : (unsigned)c->n_summaries;
    s.summaries = summaries;
    return s;
}

static void make_redistribution(struct made *made, const struct config *config, struct rip_settings *s)
{
    static const enum rib_protocol of[] = {RIB_CONNECTED, RIB_STATIC}; /* as schema_redistributed */
    for (size_t i = 0; i < config->rip.n_redistribute; i++) {
        const struct config_redistribute *from = &config->rip.redistribute[i];
        s->redistribute[of[from->protocol]] = (struct rip_redistribute){.on = true,
                                                                        .metric = (uint8_t)from->metric,
                                                                        .tag = (uint16_t)from->tag,
                                                                        .list = make_list(made, config, from->list)};
    }
}

static struct rip_settings make_settings(struct made *made, const struct config *config)
{
    const struct config_rip *c = &config->rip;
    struct rip_settings s = rip_settings_default;
    uint32_t *neighbors = make(made, c->n_neighbors, sizeof *neighbors);
    struct rip_distance *distances = make(made, c->n_distances, sizeof *distances);
    s.update_s = (uint32_t)c->update;
    s.timeout_s = (uint32_t)c->timeout;
    s.garbage_s = (uint32_t)c->garbage;
    s.holddown_s = (uint32_t)c->hold_down;
    s.distance = (uint8_t)c->distance;
    s.ecmp = (uint8_t)c->ecmp;
    s.default_metric = (uint8_t)c->default_metric;
    s.default_information = c->default_information;
    s.max_routes = (uint32_t)c->route_limit;
    s.max_routes_altogether = (uint32_t)c->table_limit;
    make_redistribution(made, config, &s);
    for (size_t i = 0; neighbors != NULL && i < c->n_neighbors; i++)
        neighbors[i] = c->neighbors[i].address;
    for (size_t i = 0; distances != NULL && i < c->n_distances; i++)
        distances[i] = (struct rip_distance){.source = c->distances[i].source,
                                             .distance = (uint8_t)c->distances[i].distance,
                                             .list = make_list(made, config, c->distances[i].list)};
    s.n_neighbors = (unsigned)c->n_neighbors;
    s.neighbors = neighbors;
    s.n_distances = (unsigned)c->n_distances;
    s.distances = distances;
    return s;
}

/* ---- what the engine asks ---- */

static bool send_message(void *context, unsigned port, uint32_t src, uint32_t dst, uint16_t dst_port,
                         const uint8_t *message, size_t len, struct now now)
{
    const struct rip_service *s = context;
    struct dataplane *d = s->router->dataplane;
    const struct port *p = dataplane_port(d, port);
    const struct prefix *subnet = p == NULL ? NULL : port_subnet_of(p, dst);
    bool group = addr_is_multicast(dst) || addr_is_limited_broadcast(dst) ||
                 (subnet != NULL && prefix_has_broadcast(*subnet) && prefix_broadcast(*subnet) == dst);
    uint8_t udp[DATAGRAM_MAX];
    size_t whole = UDP_HEADER + len;
    if (p == NULL || whole > sizeof udp)
        return false;
    store_be16(udp, RIP_PORT);
    store_be16(udp + 2, dst_port);
    store_be16(udp + 4, (uint16_t)whole);
    store_be16(udp + 6, 0);
    memcpy(udp + UDP_HEADER, message, len);
    uint32_t sum = checksum_pseudo(0, src, dst, PROTO_UDP, (uint32_t)whole);
    uint16_t checksum = checksum_finish(checksum_add(sum, udp, whole));
    store_be16(udp + 6, checksum == 0 ? 0xffff : checksum);
    struct datagram datagram = {
        .src = src,
        .dst = dst,
        .protocol = PROTO_UDP,
        .tos = TOS_CONTROL,
        .ttl = group ? 1 : TTL_NEIGHBOUR,
        .port = (uint16_t)port,
        .data = udp,
        .len = whole,
    };
    return dataplane_send(d, &datagram, now) == SEND_OK;
}

static const char *port_name(void *context, unsigned port)
{
    const struct rip_service *s = context;
    const struct port *p = port < PORT_MAX ? dataplane_port(s->router->dataplane, port) : NULL;
    return p == NULL ? "-" : p->name;
}

static const struct {
    enum debug_kind kind;
    enum rip_debug rip;
} debug_kinds[] = {
    {DEBUG_RIP_EVENTS, RIP_DEBUG_EVENTS}, {DEBUG_RIP_PACKETS, RIP_DEBUG_PACKETS}, {DEBUG_RIP_ROUTES, RIP_DEBUG_ROUTES}};

static void log_sentence(void *context, enum rip_level level, unsigned port, uint32_t addr, const char *text)
{
    static const enum config_log_level of[] = {
        [RIP_WARNING] = CONFIG_LOG_WARNING, [RIP_NOTICE] = CONFIG_LOG_NOTICE, [RIP_INFO] = CONFIG_LOG_INFO};
    const struct rip_service *s = context;
    char from[ADDR_TEXT] = "";
    if (addr != 0)
        addr_text(addr, from);
    const char *where = port == PORT_NONE ? "" : port_name(context, port);
    log_at(&s->router->log, of[level], "RIP%s%s%s%s: %s", port == PORT_NONE ? "" : " on ", where,
           addr == 0 ? "" : ", neighbour ", from, text);
}

/* A route names its network itself. */
static void debug_line(void *context, enum rip_debug kind, unsigned port, uint32_t addr, const char *text)
{
    const struct rip_service *s = context;
    char about[ADDR_TEXT] = "";
    if (kind != RIP_DEBUG_ROUTES && addr != 0)
        addr_text(addr, about);
    for (unsigned i = 0; i < sizeof debug_kinds / sizeof debug_kinds[0]; i++)
        if (debug_kinds[i].rip == kind)
            debug_if(&s->router->dataplane->debug, debug_kinds[i].kind, port, addr, "rip%s%s%s%s: %s",
                     port == PORT_NONE ? "" : " ", port == PORT_NONE ? "" : port_name(context, port),
                     about[0] == '\0' ? "" : " ", about, text);
}

/* ---- following ---- */

struct rip_service *rip_service_new(struct router *router)
{
    struct rip_service *s = calloc(1, sizeof *s);
    if (s != NULL)
        s->router = router;
    return s;
}

static void end(struct rip_service *s, struct now now)
{
    rip_free(s->rip, now);
    s->rip = NULL;
    s->leaving = false;
    memset(s->on, 0, sizeof s->on);
}

void rip_service_free(struct rip_service *s, struct now now)
{
    if (s == NULL)
        return;
    end(s, now);
    free(s);
}

static bool begin(struct rip_service *s, const struct rip_settings *settings)
{
    uint64_t seed;
    if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
        return false;
    struct rip_hooks hooks = {
        .context = s, .send = send_message, .log = log_sentence, .debug = debug_line, .port_name = port_name};
    s->rip = rip_new(s->router->rib, settings, seed, &hooks);
    return s->rip != NULL;
}

static bool same_rip(const struct config *a, const struct config *b)
{
    return schema_same(schema_find(&schema_root, "rip"), a, b) &&
           schema_same(schema_find(&schema_root, "prefix-lists"), a, b);
}

static bool follow_settings(struct rip_service *s, const struct config *before, struct now now)
{
    const struct config *config = s->router->running;
    struct made made = {0};
    if (s->leaving)
        end(s, now); /* what it had not yet said its neighbours hear from the next one */
    if (s->rip != NULL && before != NULL && same_rip(before, config))
        return true;
    struct rip_settings settings = make_settings(&made, config);
    bool good = !made.failed && (s->rip == NULL ? begin(s, &settings) : rip_configure(s->rip, &settings, now));
    unmake(&made);
    return good;
}

/* Whether it is up, and with which addresses. */
static bool follow_port(struct rip_service *s, unsigned port, struct now now)
{
    const struct port *p = dataplane_port(s->router->dataplane, port);
    if (p != NULL && p->up)
        return rip_interface_up(s->rip, port, p->addresses, p->n_addresses, now);
    rip_interface_down(s->rip, port, now);
    return true;
}

static bool follow_interface(struct rip_service *s, const struct config_interface *c, struct now now)
{
    unsigned port = interfaces_number(s->router->interfaces, c->name);
    struct made made = {0};
    if (port == PORT_NONE)
        return true;
    if (!c->rip.enabled) {
        if (s->on[port])
            rip_interface_remove(s->rip, port, now);
        s->on[port] = false;
        return true;
    }
    struct rip_interface_settings settings = make_interface(&made, s->router->running, c);
    bool good = !made.failed && rip_interface_set(s->rip, port, &settings, now);
    unmake(&made);
    s->on[port] = s->on[port] || good;
    return good && follow_port(s, port, now);
}

void rip_service_follow(struct rip_service *s, const struct config *before, struct now now)
{
    const struct config *config = s->router->running;
    if (!config->rip.enabled) {
        if (s->rip != NULL && !s->leaving)
            rip_service_stop(s, now);
        return;
    }
    if (!follow_settings(s, before, now))
        log_error(&s->router->log, "RIP: no memory for its settings, which stay as they were");
    for (size_t i = 0; s->rip != NULL && i < config->n_interfaces; i++)
        if (!follow_interface(s, &config->interfaces[i], now))
            log_error(&s->router->log, "RIP: no memory for interface %s", config->interfaces[i].name);
}

void rip_service_port_changed(struct rip_service *s, unsigned port, struct now now)
{
    if (s == NULL || s->rip == NULL || s->leaving || !s->on[port])
        return;
    if (!follow_port(s, port, now))
        log_error(&s->router->log, "RIP: no memory for the addresses of %s", port_name(s, port));
}

void rip_service_port_goes(struct rip_service *s, unsigned port, struct now now)
{
    if (s == NULL || s->rip == NULL || !s->on[port])
        return;
    rip_interface_remove(s->rip, port, now);
    rip_interface_hurry(s->rip, port);
    s->on[port] = false;
    for (unsigned i = 0; i < GOODBYE_SLICES && rip_run(s->rip, now) <= now.ns; i++)
        ;
    rip_interface_down(s->rip, port, now);
}

/* ---- packets and time ---- */

bool rip_service_input(struct rip_service *s, const struct packet *packet, struct now now)
{
    if (s == NULL || s->rip == NULL || packet->port >= PORT_MAX || !s->on[packet->port])
        return false; /* one who leaves hears acknowledgements */
    const uint8_t *udp = packet_ip(packet) + packet->ip.header;
    size_t len = load_be16(udp + 4);
    struct rip_datagram datagram = {
        .port = packet->port, .src = packet->ip.src, .dst = packet->ip.dst, .src_port = load_be16(udp)};
    rip_input(s->rip, &datagram, udp + UDP_HEADER, len - UDP_HEADER, now);
    return true;
}

uint64_t rip_service_run(void *context, struct now now)
{
    struct rip_service *s = context;
    if (s->rip == NULL)
        return NEVER_NS;
    unsigned wanted = 0;
    for (unsigned i = 0; i < sizeof debug_kinds / sizeof debug_kinds[0]; i++)
        if ((s->router->dataplane->debug.on & 1u << debug_kinds[i].kind) != 0)
            wanted |= debug_kinds[i].rip;
    rip_debug(s->rip, wanted);
    uint64_t due_ns = rip_run(s->rip, now);
    if (s->leaving && rip_is_stopped(s->rip)) {
        end(s, now);
        return NEVER_NS;
    }
    return due_ns;
}

void rip_service_stop(struct rip_service *s, struct now now)
{
    if (s == NULL || s->rip == NULL)
        return;
    s->leaving = true;
    rip_stop(s->rip, now);
}

bool rip_service_is_stopped(void *context)
{
    const struct rip_service *s = context;
    return s->rip == NULL;
}

struct rip *rip_service_rip(const struct rip_service *s)
{
    return s == NULL || s->leaving ? NULL : s->rip;
}
