/* What a router may send, as RFC 2453 has it: 3.6 (25 entries, 24 behind authentication), 3.8 (a regular update each
 * update interval, 15 % either way), 3.10.1 (a second at least between triggered updates), 3.9.1 (one reply to one
 * request), RFC 4822 (sequence numbers do not decrease).
 *
 * On which occasion a message was sent, the engine's counters tell; how much and when is counted here. A message is
 * looked at when the engine has counted it: at the next one, or when the call of the engine is over. */
#include <inttypes.h>
#include <stdio.h>

#include "forwarding/bytes.h"
#include "protocols/rip/rip_packet.h"
#include "tests/sim/sim.h"

#define JOB_GAP_NS   (12 * NS_PER_MS) /* longer than between two bursts of one job */
#define DAMPER_NS    NS_PER_S
#define LATE_NS      NS_PER_S
#define REPLIES_MOST 100000

#define AUTH_TEXT   2
#define AUTH_DIGEST 3

/* ---- what a message looks like ---- */

static bool has_auth(const uint8_t *message, size_t len)
{
    size_t header = rip_entries_at(message[0]);
    return message[1] == 2 && len >= header + RIP_ENTRY && load_be16(message + header) == RIP_FAMILY_AUTH;
}

/* The number of its routes; 0 if it is broken. */
static unsigned count_routes(struct sim *sim, const struct sim_router *router, const uint8_t *message, size_t len)
{
    size_t header = rip_entries_at(message[0]), end = len;
    unsigned is_signed = has_auth(message, len) ? 1 : 0;
    if (is_signed > 0 && load_be16(message + header + 2) == AUTH_DIGEST)
        end = load_be16(message + header + 4);
    unsigned entries = (unsigned)((end - header) / RIP_ENTRY), routes = entries - is_signed;
    bool too_few = rip_is_update(message[0]) ? entries < is_signed : entries <= is_signed;
    if (end > len || (end - header) % RIP_ENTRY != 0 || entries > RIP_ENTRIES_MAX || too_few)
        sim_fail(sim, "router %u sends a message of %zu bytes, which are %u entries", router->number, len, entries);
    return routes;
}

static void check_sequence(struct sim *sim, struct sim_router *router, struct sim_limits *limits,
                           const uint8_t *message, size_t len)
{
    const uint8_t *entry = message + rip_entries_at(message[0]);
    if (!has_auth(message, len) || load_be16(entry + 2) != AUTH_DIGEST)
        return;
    uint32_t sequence = load_be32(entry + 8);
    if (sequence < limits->sequence)
        sim_fail(sim, "router %u goes from sequence number %u to %u", router->number, limits->sequence, sequence);
    limits->sequence = sequence;
}

void sim_limits_sent(struct sim *sim, struct sim_router *router, unsigned port, uint32_t dst, const uint8_t *message,
                     size_t len)
{
    sim_limits_settle(sim, router);
    bool update = len > 0 && rip_is_update(message[0]);
    if (len < (update ? RIP_HEADER + RIP_UPDATE_HEADER : RIP_HEADER + RIP_ENTRY) || len > RIP_MESSAGE_MAX ||
        message[1] < 1 || message[1] > 2) {
        sim_fail(sim, "router %u sends %zu bytes of version %u", router->number, len, message[1]);
        return;
    }
    check_sequence(sim, router, &router->ports[port].limits, message, len);
    if (update != router->ports[port].settings.triggered)
        sim_fail(sim, "router %u sends command %u by port %u, which is %striggered", router->number, message[0], port,
                 update ? "not " : "");
    if (update) { /* as often as it must be, until there is nothing to say */
        count_routes(sim, router, message, len);
        sim->exchanged++;
        return;
    }
    router->pending = (struct sim_pending){
        .is = true,
        .port = port,
        .command = message[0],
        .version = message[1],
        .dst = dst,
        .entries = count_routes(sim, router, message, len),
    };
}

/* ---- how many, and when ---- */

static unsigned entries_max(const struct sim_port *port, unsigned version)
{
    return version == 2 && port->settings.auth.n > 0 ? RIP_ENTRIES_MAX - 1 : RIP_ENTRIES_MAX;
}

/* A job is over: all of its messages but the last to each address were full. */
static void close_job(struct sim *sim, const struct sim_router *router, unsigned number, struct sim_job *job,
                      unsigned version)
{
    unsigned most = entries_max(&router->ports[number], version);
    for (unsigned i = 0; i < job->n_targets && !job->disturbed; i++) {
        const struct sim_target *t = &job->targets[i];
        if (t->messages != (t->entries + most - 1) / most)
            sim_fail(sim, "router %u took %u messages for %u entries by port %u", router->number, t->messages,
                     t->entries, number);
        if (t->entries > sim->n_prefixes)
            sim_fail(sim, "router %u sent %u entries in one update, of %u prefixes", router->number, t->entries,
                     sim->n_prefixes);
    }
    job->n_targets = 0;
    job->disturbed = false;
}

static void add_to_job(struct sim_job *job, const struct sim_pending *message, uint64_t ns)
{
    unsigned i = 0;
    while (i < job->n_targets && job->targets[i].dst != message->dst)
        i++;
    job->last_ns = ns;
    if (i == SIM_TARGETS)
        return;
    if (i == job->n_targets)
        job->targets[job->n_targets++] = (struct sim_target){.dst = message->dst};
    job->targets[i].messages++;
    job->targets[i].entries += message->entries;
}

static void is_update(struct sim *sim, struct sim_router *router, struct sim_stream *stream)
{
    const struct sim_pending *m = &router->pending;
    struct sim_job *job = &stream->update;
    uint64_t period = router->settings.update_s * NS_PER_S, since = sim->now.ns - job->began_ns;
    if (job->last_ns == 0 || sim->now.ns - job->last_ns > JOB_GAP_NS) {
        close_job(sim, router, m->port, job, m->version);
        if (stream->free_updates > 0)
            stream->free_updates--;
        else if (since < period / 100 * 85)
            sim_fail(sim, "router %u sends an update by port %u %.3f s after the last", router->number, m->port,
                     (double)since / (double)NS_PER_S);
        else if (sim->resting_ns > 0 && job->began_ns > sim->resting_ns && since > period / 100 * 115 + LATE_NS)
            sim_fail(sim, "router %u has sent no update by port %u for %.3f s", router->number, m->port,
                     (double)since / (double)NS_PER_S);
        job->began_ns = sim->now.ns;
        sim->updates++;
    }
    add_to_job(job, m, sim->now.ns);
}

static void is_triggered(struct sim *sim, struct sim_router *router, struct sim_stream *stream)
{
    const struct sim_pending *m = &router->pending;
    struct sim_job *job = &stream->triggered;
    if (job->last_ns == 0 || sim->now.ns - job->last_ns > JOB_GAP_NS) {
        close_job(sim, router, m->port, job, m->version);
        if (!stream->free_triggered && job->last_ns != 0 && sim->now.ns - job->last_ns < DAMPER_NS)
            sim_fail(sim, "router %u sends a triggered update by port %u %.3f s after the last", router->number,
                     m->port, (double)(sim->now.ns - job->last_ns) / (double)NS_PER_S);
        stream->free_triggered = false;
        job->began_ns = sim->now.ns;
        sim->triggered++;
    }
    add_to_job(job, m, sim->now.ns);
}

static void take_one(struct sim *sim, const struct sim_router *router, unsigned *left, const char *what)
{
    if (*left == 0)
        sim_fail(sim, "router %u sends more %s by port %u than it may", router->number, what, router->pending.port);
    else
        --*left;
}

void sim_limits_settle(struct sim *sim, struct sim_router *router)
{
    struct sim_pending *m = &router->pending;
    struct rip_interface_view view;
    if (!m->is)
        return;
    m->is = false;
    struct sim_limits *limits = &router->ports[m->port].limits;
    struct sim_stream *stream = &limits->streams[m->version - 1];
    if (!rip_find_interface(router->rip, m->port, &view))
        return; /* that was its goodbye */
    const struct rip_interface_counters *is = &view.counters, *was = &limits->counters;
    if (is->out_updates != was->out_updates)
        is_update(sim, router, stream);
    else if (is->out_triggered != was->out_triggered)
        is_triggered(sim, router, stream);
    else if (is->out_replies != was->out_replies)
        take_one(sim, router, &limits->replies, "replies");
    else if (is->out_requests != was->out_requests)
        take_one(sim, router, &limits->requests, "requests");
    else
        sim_fail(sim, "router %u did not count what it sent by port %u", router->number, m->port);
    limits->counters = *is;
}

/* ---- what is allowed ---- */

void sim_limits_touch(struct sim *sim, struct sim_router *router, unsigned port)
{
    struct sim_limits *limits = &router->ports[port].limits;
    struct rip_interface_view view;
    for (unsigned i = 0; i < 2; i++) {
        struct sim_stream *stream = &limits->streams[i];
        stream->free_updates = 2; /* a goodbye and a welcome */
        stream->free_triggered = true;
        stream->update.disturbed = stream->triggered.disturbed = true;
    }
    limits->requests += 2 * SIM_TARGETS;
    if (router->alive && rip_find_interface(router->rip, port, &view))
        limits->counters = view.counters;
    else
        limits->counters = (struct rip_interface_counters){0};
    (void)sim;
}

void sim_limits_asked(struct sim *sim, struct sim_router *router, unsigned port)
{
    struct sim_limits *limits = &router->ports[port].limits;
    if (limits->replies < REPLIES_MOST)
        limits->replies += sim->n_prefixes / (RIP_ENTRIES_MAX - 1) + 1;
}

void sim_limits_memory(struct sim *sim, const struct sim_router *router)
{
    struct rip_status s = rip_status(router->rip);
    size_t members = 0;
    for (unsigned i = 0; i < router->n_ports; i++)
        members += sim->wires[router->ports[i].wire].n - 1;
    if (s.routes > sim->n_prefixes || s.neighbours > members || s.paths > members * sim->n_prefixes ||
        s.learned + s.unreachable > s.routes)
        sim_fail(sim, "router %u has %zu routes, %zu paths and %u neighbours", router->number, s.routes, s.paths,
                 s.neighbours);
}
