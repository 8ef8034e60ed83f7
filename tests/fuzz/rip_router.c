#include "tests/fuzz/rip_router.h"

#include <stdlib.h>
#include <string.h>

#include "forwarding/fib.h"
#include "protocols/rip/rip.h"

#define PATHS_MAX     1000
#define NEIGHBOUR_MAX 100
#define RUNS_MAX      10000 /* until there must be nothing more to do at one time */

struct rip_router {
    const struct rip_listeners *listeners;
    struct fib *fib;
    struct rib *rib;
    struct rip *rip;
};

static uint32_t address(unsigned interface, uint8_t host)
{
    return 0x0a000000u | interface << 8 | host;
}

/* ---- what it says ---- */

static bool send_message(void *context, unsigned port, uint32_t src, uint32_t dst, uint16_t dst_port,
                         const uint8_t *message, size_t len, struct now now)
{
    const struct rip_router *r = context;
    struct rip_auth_seen seen = {0};
    struct rip_header header;
    size_t begin, end;
    (void)dst, (void)dst_port;
    if (port >= RIP_LISTENERS || src != address(port, 1) || len > RIP_MESSAGE_MAX)
        abort();
    if (rip_header_parse(message, len, &header) != RIP_ACCEPT)
        abort();
    enum rip_reject reject =
        rip_auth_verify(&r->listeners->of[port].auth, message, len, &seen, false, now, &begin, &end);
    if (reject != RIP_ACCEPT && reject != RIP_REJECT_AUTH_KEY_LIFETIME)
        abort();
    return true;
}

/* ---- the router ---- */

struct rip_router *rip_router_new(const struct rip_listeners *l)
{
    struct rip_router *r = calloc(1, sizeof *r);
    if (r == NULL)
        abort();
    struct rip_settings settings = rip_settings_default;
    struct rip_hooks hooks = {.context = r, .send = send_message};
    settings.max_routes = NEIGHBOUR_MAX;
    settings.max_routes_altogether = PATHS_MAX;
    r->listeners = l;
    r->fib = fib_new(&later_at_once);
    r->rib = r->fib == NULL ? NULL : rib_new(r->fib, &later_at_once);
    r->rip = r->rib == NULL ? NULL : rip_new(r->rib, &settings, 1, &hooks);
    if (r->rip == NULL)
        abort();
    for (unsigned i = 0; i < RIP_LISTENERS; i++) {
        struct rip_interface_settings interface = rip_interface_settings_default;
        struct prefix prefix = {.addr = address(i, 1), .len = 24};
        interface.auth = l->of[i].auth;
        rib_port_changed(r->rib, i, true, l->now);
        if (!rip_interface_set(r->rip, i, &interface, l->now) || !rip_interface_up(r->rip, i, &prefix, 1, l->now))
            abort();
    }
    return r;
}

void rip_router_free(struct rip_router *r, struct now now)
{
    rip_free(r->rip, now);
    rib_free(r->rib);
    fib_free(r->fib);
    free(r);
}

static void run(struct rip_router *r, struct now now)
{
    for (unsigned i = 0; rip_run(r->rip, now) <= now.ns; i++)
        if (i == RUNS_MAX)
            abort();
}

/* Messages that it has taken. */
static uint64_t taken(const struct rip_router *r, unsigned interface)
{
    struct rip_interface_view view;
    if (!rip_find_interface(r->rip, interface, &view))
        abort();
    return view.counters.in_requests + view.counters.in_responses;
}

/* Whether a stranger could have made it: whoever has none of the keys must not change anything where one is demanded.
 */
static bool must_refuse(const struct rip_router *r, unsigned interface, const uint8_t *bytes, size_t len,
                        struct now now)
{
    struct rip_auth_seen seen = {0};
    struct rip_header header;
    size_t begin, end;
    return rip_header_parse(bytes, len, &header) != RIP_ACCEPT ||
           rip_auth_verify(&r->listeners->of[interface].auth, bytes, len, &seen, false, now, &begin, &end) !=
               RIP_ACCEPT;
}

void rip_router_hear(struct rip_router *r, struct rip_origin origin, const uint8_t *bytes, size_t len, struct now now)
{
    run(r, now);
    struct rip_datagram datagram = {
        .port = origin.interface,
        .src = origin.host != 0 ? address(origin.interface, origin.host) : 0xc0000209,
        .dst = RIP_GROUP,
        .src_port = origin.other_port ? 4711 : RIP_PORT,
    };
    struct rip_status before = rip_status(r->rip);
    uint64_t taken_before = taken(r, origin.interface);
    rip_input(r->rip, &datagram, bytes, len, now);
    struct rip_status after = rip_status(r->rip);
    bool refused = origin.host <= 1 || must_refuse(r, origin.interface, bytes, len, now);
    if (refused &&
        (after.changes != before.changes || after.paths != before.paths || taken(r, origin.interface) != taken_before))
        abort();
    if (after.paths > PATHS_MAX || after.neighbours > RIP_NEIGHBOURS_MAX * RIP_LISTENERS)
        abort();
    run(r, now);
}
