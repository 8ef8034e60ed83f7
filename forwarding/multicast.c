/* core: what becomes of a stream, and when that is asked again. The port by which it comes in is the one towards its
 * source (RPF). Of several that lead there equally well it is the one by which it did come; once decided, the choice
 * stays as long as that port is one of them. */
#include "forwarding/multicast.h"

#include <stdlib.h>
#include <string.h>

#include "forwarding/core.h"
#include "forwarding/multicast_internal.h"

#define REDECIDE_MOST  256  /* entries at a stretch */
#define HELD_BACK_MOST 1024 /* packets after which hidden entries are revealed though lanes have handed over more */

const struct multicast_settings multicast_defaults = {
    .limit = 4096, .new_rate = 100, .new_burst = 200, .idle_s = 210, .unwanted_idle_s = 30};

/* ---- deciding ---- */

struct decided {
    uint16_t in;
    uint32_t upstream;
    bool choice;
    enum drop why;
    unsigned n;
    struct multicast_out out[PORT_MAX];
};

static bool is_usable(const struct dataplane *d, unsigned number)
{
    const struct port *port = dataplane_port(d, number);
    return port != NULL && port->up && !port->loopback;
}

/* The port towards SRC: PREFERRED if it is one, else the first. */
static void find_upstream(const struct dataplane *d, uint32_t src, unsigned preferred, struct decided *to)
{
    const struct nexthop_group *group = fib_lookup(d->tables.fib, src, NULL);
    to->in = PORT_NONE;
    to->upstream = src;
    to->choice = false;
    for (unsigned i = 0; group != NULL && i < group->n; i++) {
        const struct nexthop *hop = &group->hop[i];
        if (!is_usable(d, hop->port))
            continue;
        to->choice |= to->in != PORT_NONE && hop->port != to->in;
        if (to->in != PORT_NONE && (hop->port != preferred || to->in == preferred))
            continue;
        to->in = hop->port;
        to->upstream = hop->gateway != 0 ? hop->gateway : src;
    }
}

static bool is_beyond(const struct dataplane *d, unsigned port, uint32_t group)
{
    const struct multicast_port_state *state = &d->multicast->port[port];
    for (unsigned i = 0; i < state->n_boundaries; i++)
        if (prefix_holds(state->boundaries[i], group))
            return true;
    return false;
}

/* The ports of WANTED that it may leave by. True if a boundary cuts one off. */
static bool choose_out(const struct dataplane *d, uint32_t group, const struct port_set *wanted, struct decided *to)
{
    bool cut = false;
    for (unsigned word = 0; word < PORT_MAX / 64; word++) {
        for (uint64_t left = wanted->word[word]; left != 0; left &= left - 1) {
            unsigned port = word * 64 + (unsigned)__builtin_ctzll(left);
            const struct port *out = dataplane_port(d, port);
            if (port == to->in || out == NULL || out->loopback)
                continue;
            if (is_beyond(d, port, group)) {
                cut = true;
                continue;
            }
            uint8_t threshold = d->multicast->port[port].threshold;
            to->out[to->n++] =
                (struct multicast_out){.port = (uint16_t)port, .threshold = threshold > 1 ? threshold : 1};
        }
    }
    return cut;
}

static void decide(const struct dataplane *d, uint32_t src, uint32_t group, unsigned preferred, struct decided *to)
{
    const struct multicast_settings *settings = &d->multicast->settings;
    to->n = 0;
    find_upstream(d, src, preferred, to);
    to->why = DROP_MULTICAST_PORT;
    if (to->in == PORT_NONE)
        return;
    struct multicast_decision decision = {.in = to->in};
    if (settings->decide != NULL)
        settings->decide(settings->context, src, group, &decision);
    if (decision.in != to->in) {
        to->in = decision.in < PORT_MAX ? decision.in : PORT_NONE;
        to->upstream = src;
        to->choice = false;
        if (to->in == PORT_NONE)
            return;
    }
    to->why = DROP_MULTICAST_BOUNDARY;
    if (is_beyond(d, to->in, group))
        return;
    bool cut = choose_out(d, group, &decision.out, to);
    if (to->n > 0)
        to->why = DROP__COUNT;
    else if (!cut)
        to->why = DROP_MULTICAST_UNWANTED;
}

static uint8_t least_threshold(const struct multicast_out *out, unsigned n)
{
    uint8_t least = UINT8_MAX;
    for (unsigned i = 0; i < n; i++)
        if (out[i].threshold < least)
            least = out[i].threshold;
    return least;
}

/* NULL when there is no memory. */
static struct multicast_way *way_of(const struct decided *decided)
{
    struct multicast_way *way = malloc(sizeof *way + decided->n * sizeof way->out[0]);
    if (way == NULL)
        return NULL;
    *way = (struct multicast_way){.in = decided->in,
                                  .ttl_least = least_threshold(decided->out, decided->n),
                                  .why = decided->why,
                                  .n = decided->n};
    memcpy(way->out, decided->out, decided->n * sizeof way->out[0]);
    return way;
}

static bool is_same(const struct multicast_way *way, const struct decided *decided)
{
    if (way->in != decided->in || way->why != decided->why || way->n != decided->n)
        return false;
    for (unsigned i = 0; i < way->n; i++)
        if (way->out[i].port != decided->out[i].port || way->out[i].threshold != decided->out[i].threshold)
            return false;
    return true;
}

/* ---- deciding anew ---- */

/* Without memory it stays as it was until it is asked again. */
static void decide_anew(struct dataplane *d, struct multicast_entry *e)
{
    struct decided decided;
    decide(d, e->src, e->group, e->ready->in, &decided);
    e->upstream = decided.upstream;
    e->choice = decided.choice;
    if (is_same(e->ready, &decided))
        return;
    struct multicast_way *way = way_of(&decided);
    if (way != NULL)
        multicast_entry_turn(d->multicast, e, way);
}

static void redecide(struct dataplane *d, struct now now)
{
    struct multicast *m = d->multicast;
    struct multicast_entry *e;
    for (unsigned i = 0; i < REDECIDE_MOST && (e = TAILQ_FIRST(&m->stale)) != NULL; i++) {
        TAILQ_REMOVE(&m->stale, e, of_stale);
        e->stale = false;
        decide_anew(d, e);
    }
    if (!TAILQ_EMPTY(&m->stale))
        timer_set(&d->timers, &m->redecide, now.ns);
}

static void redecide_fired(struct timer *timer, void *context, struct now now)
{
    (void)timer;
    redecide(context, now);
}

/* FIRST: before those that were marked for a change of everything. */
static void mark(struct multicast *m, struct multicast_entry *e, bool first)
{
    if (e->stale && !first)
        return;
    if (e->stale)
        TAILQ_REMOVE(&m->stale, e, of_stale);
    e->stale = true;
    if (first)
        TAILQ_INSERT_HEAD(&m->stale, e, of_stale);
    else
        TAILQ_INSERT_TAIL(&m->stale, e, of_stale);
}

/* The entries that SRC and GROUP name, where 0 is any: order[*from] to order[*to - 1]. */
static void find_range(const struct multicast *m, uint32_t src, uint32_t group, unsigned *from, unsigned *to)
{
    *from = group == 0 ? 0 : multicast_place(m, src, group);
    if (group == 0)
        *to = multicast_entries(m);
    else if (src == 0)
        *to = multicast_place(m, 0, group + 1);
    else
        *to = *from + (multicast_entry_find(m, src, group) != NULL);
}

void multicast_changed(struct dataplane *d, uint32_t src, uint32_t group, struct now now)
{
    struct multicast *m = d->multicast;
    unsigned from, to;
    find_range(m, src, group, &from, &to);
    for (unsigned i = from; i < to; i++)
        mark(m, m->order[i], group != 0);
    redecide(d, now);
}

void multicast_clear(struct dataplane *d, uint32_t src, uint32_t group)
{
    unsigned from, to;
    find_range(d->multicast, src, group, &from, &to);
    while (to > from)
        multicast_entry_forget(d->multicast, d->multicast->order[--to]);
}

void multicast_port_changed(struct dataplane *d, struct now now)
{
    multicast_changed(d, 0, 0, now);
}

/* ---- time ---- */

static void sweep_fired(struct timer *timer, void *context, struct now now)
{
    struct dataplane *d = context;
    struct multicast *m = d->multicast;
    multicast_sweep(d, now);
    if (m->fib_seen != fib_changes(d->tables.fib)) {
        m->fib_seen = fib_changes(d->tables.fib);
        multicast_changed(d, 0, 0, now);
    }
    if (multicast_entries(m) > 0)
        timer_set(&d->timers, timer, now.ns + NS_PER_S);
}

/* ---- new entries ---- */

static bool take_token(struct multicast *m, unsigned port, bool wanted, struct now now)
{
    return bucket_take(&m->port[port].fresh[wanted], m->settings.new_rate, m->settings.new_burst, now.ns);
}

const struct multicast_way *multicast_learn(struct dataplane *d, const struct packet *packet, struct now now)
{
    struct multicast *m = d->multicast;
    const struct ip *ip = &packet->ip;
    struct multicast_entry *e = multicast_entry_find(m, ip->src, ip->dst);
    m->held_back++;
    if (e != NULL)
        return e->ready;
    struct decided decided;
    decide(d, ip->src, ip->dst, packet->port, &decided);
    struct multicast_way *way = take_token(m, packet->port, decided.n > 0, now) ? way_of(&decided) : NULL;
    e = way != NULL ? multicast_entry_new(d, ip->src, ip->dst, way, now) : NULL;
    if (e == NULL) {
        m->refused++;
        return NULL;
    }
    e->upstream = decided.upstream;
    e->choice = decided.choice;
    if (!timer_is_set(&m->sweep)) {
        m->fib_seen = fib_changes(d->tables.fib);
        timer_set(&d->timers, &m->sweep, now.ns + NS_PER_S);
    }
    return e->ready;
}

void multicast_settle(struct dataplane *d)
{
    struct multicast *m = d->multicast;
    if (TAILQ_EMPTY(&m->hidden))
        return;
    for (unsigned i = 0; i < d->n_lanes && m->held_back < HELD_BACK_MOST; i++)
        if (punt_stats(&d->lanes[i]->punts, PUNT_CLASS_MULTICAST).bytes != 0)
            return;
    multicast_reveal(m);
}

/* ---- settings ---- */

/* More than the limit allows, unwanted ones first. */
static void trim(struct multicast *m)
{
    while (multicast_entries(m) > m->settings.limit)
        multicast_entry_forget(m, TAILQ_FIRST(&m->list[m->n[false] == 0]));
}

void multicast_configure(struct dataplane *d, const struct multicast_settings *settings, struct now now)
{
    struct multicast *m = d->multicast;
    m->settings = *settings;
    if (m->settings.limit == 0 || m->settings.limit > MULTICAST_MAX)
        m->settings.limit = MULTICAST_MAX;
    m->sweep.fire = sweep_fired;
    m->redecide.fire = redecide_fired;
    publish(d->tables.multicast, settings->enabled ? m : NULL);
    if (!settings->enabled)
        multicast_clear(d, 0, 0);
    trim(m);
    multicast_changed(d, 0, 0, now);
}

bool multicast_set_port(struct dataplane *d, unsigned number, const struct multicast_port *settings, struct now now)
{
    static const struct multicast_port none = {0};
    if (number >= PORT_MAX)
        return false;
    if (settings == NULL)
        settings = &none;
    struct multicast_port_state *state = &d->multicast->port[number];
    struct prefix *boundaries = calloc(settings->n_boundaries + 1, sizeof *boundaries);
    if (boundaries == NULL)
        return false;
    for (unsigned i = 0; i < settings->n_boundaries; i++)
        boundaries[i] = settings->boundaries[i];
    free(state->boundaries);
    state->boundaries = boundaries;
    state->n_boundaries = settings->n_boundaries;
    state->threshold = settings->ttl_threshold;
    multicast_changed(d, 0, 0, now);
    return true;
}

/* ---- looking ---- */

static void view_out(struct multicast_view *view, const struct multicast_out *out, unsigned n)
{
    view->out = (struct port_set){0};
    for (unsigned i = 0; i < n; i++)
        port_set_add(&view->out, out[i].port);
    view->n_out = n;
    view->ttl_least = least_threshold(out, n);
}

static void view_rate(struct multicast_view *view, const struct multicast_sample *then, struct now now)
{
    uint64_t ms = (now.ns - then->at_ns) / NS_PER_MS;
    if (ms < 1000)
        return;
    view->rate_ns = now.ns - then->at_ns;
    view->rate_packets = (view->packets - then->packets) * 1000 / ms;
    view->rate_bits = (view->bytes - then->bytes) * 8 * 1000 / ms;
}

static void view_entry(const struct dataplane *d, const struct multicast_entry *e, struct multicast_view *view,
                       struct now now)
{
    struct multicast_use use = multicast_entry_use(d, e);
    uint32_t last = use.used > use.wrong ? use.used : use.wrong, second = (uint32_t)(now.ns / NS_PER_S);
    *view = (struct multicast_view){
        .src = e->src,
        .group = e->group,
        .in = e->ready->in,
        .upstream = e->upstream,
        .why = e->ready->why,
        .packets = use.packets,
        .bytes = use.bytes,
        .wrong_port = use.wrong_port,
        .low_ttl = use.low_ttl,
        .lost = use.lost,
        .age_ns = now.ns - e->made_ns,
        .idle_ns = second > last ? (second - last) * NS_PER_S : 0,
    };
    view_out(view, e->ready->out, e->ready->n);
    view_rate(view, &e->then, now);
}

bool multicast_next(const struct dataplane *d, struct multicast_view *view, struct now now)
{
    const struct multicast *m = d->multicast;
    unsigned at = multicast_place(m, view->src, view->group);
    if (at < multicast_entries(m) && m->order[at]->src == view->src && m->order[at]->group == view->group)
        at++;
    if (at >= multicast_entries(m))
        return false;
    view_entry(d, m->order[at], view, now);
    return true;
}

bool multicast_look(const struct dataplane *d, uint32_t src, uint32_t group, struct multicast_view *view,
                    struct now now)
{
    const struct multicast_entry *e = multicast_entry_find(d->multicast, src, group);
    if (e != NULL)
        view_entry(d, e, view, now);
    return e != NULL;
}

enum drop multicast_foresee(const struct dataplane *d, unsigned port, uint32_t src, uint32_t group,
                            struct multicast_way **way, uint32_t *upstream, struct now now)
{
    const struct multicast *m = d->multicast;
    struct decided decided;
    decide(d, src, group, port, &decided);
    bool wanted = decided.n > 0;
    struct bucket tokens = m->port[port].fresh[wanted];
    *upstream = decided.upstream;
    *way = way_of(&decided);
    bool room = bucket_take(&tokens, m->settings.new_rate, m->settings.new_burst, now.ns) && *way != NULL &&
                multicast_has_room(d, wanted, now);
    return room ? DROP__COUNT : DROP_MULTICAST_LIMIT;
}

struct multicast_summary multicast_summary(const struct dataplane *d)
{
    const struct multicast *m = d->multicast;
    return (struct multicast_summary){
        .entries = multicast_entries(m),
        .unwanted = m->n[false],
        .made = m->made,
        .aged = m->aged,
        .evicted = m->evicted,
        .refused = m->refused,
    };
}
