/* core: reassembly. A datagram keeps its fragments, whole frames, in a list sorted by offset; no two of them overlap,
 * so it is complete when the bytes it holds are as many as its last fragment says.
 *
 * Memory: everything is charged to the source and to the table at what it really costs, so that tiny fragments are not
 * cheap. Who is over the bound of a source pays with the oldest datagrams of that source, and the table with its oldest
 * of all; the newest always gets in, so a flood can delay its own datagrams but not keep them out for good.
 *
 * A datagram in which fragments overlapped, or came in absurd numbers, is "dead": it holds nothing any more and stays
 * until its time is up, only to drop what else comes of it. */
#include "forwarding/reassembly.h"

#include <stdlib.h>
#include <string.h>

#include "forwarding/bytes.h"
#include "forwarding/checksum.h"
#include "forwarding/counters.h"

#define BUCKETS 1024 /* a power of two */

#define MALLOC_COST 16 /* what the allocator adds to a block, about */

#define FRAME_ALIGN 2 /* bytes before the Ethernet header, so that the IP header is aligned to 4 */

struct fragment {
    struct fragment *next;
    uint32_t start, end; /* of its data in the datagram's */
    uint32_t len;        /* of the frame */
    uint16_t port;
    struct ip ip;
    uint8_t frame[];
};

struct source {
    struct source *next; /* in its bucket */
    uint32_t addr;
    size_t bytes;
    struct datagram *oldest, *newest;
};

struct datagram {
    struct timer timer;    /* first: the timer is the datagram */
    struct datagram *next; /* in its bucket */
    struct datagram *older, *newer;
    struct datagram *older_of_source, *newer_of_source;
    struct reassembly *table;
    struct source *source;
    uint32_t dst;
    uint16_t id;
    uint8_t protocol;
    enum drop dead; /* DROP__COUNT: alive */
    struct fragment *first, *last;
    unsigned n;
    uint32_t held; /* bytes of data */
    uint32_t end;  /* of the data; 0 until the last fragment came */
    size_t bytes;
};

struct reassembly {
    struct reassembly_hooks hooks;
    struct timers *timers;
    size_t total, by_source;
    size_t bytes;
    unsigned datagrams;
    struct datagram *bucket[BUCKETS];
    struct source *sources[BUCKETS];
    struct datagram *oldest, *newest;
    uint64_t held[PORT_MAX];
    uint8_t whole[FRAME_ALIGN + ETHERNET_HEADER + IP_PACKET_MAX];
};

/* Where the table lies in memory is not for outsiders to know, so neither is who shares a bucket; and no behaviour
 * depends on it. */
static unsigned bucket_of(const struct reassembly *r, uint32_t a, uint32_t b, uint32_t c)
{
    uint64_t h = (uintptr_t)r;
    const uint32_t words[] = {a, b, c};
    for (unsigned i = 0; i < 3; i++) {
        h = (h ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 29;
    }
    return (unsigned)(h >> 32) & (BUCKETS - 1);
}

static unsigned datagram_bucket(const struct reassembly *r, uint32_t src, uint32_t dst, uint16_t id, uint8_t protocol)
{
    return bucket_of(r, src, dst, (uint32_t)id << 8 | protocol);
}

static void charge(struct datagram *g, size_t bytes)
{
    g->bytes += bytes;
    g->source->bytes += bytes;
    g->table->bytes += bytes;
}

static void refund(struct datagram *g, size_t bytes)
{
    g->bytes -= bytes;
    g->source->bytes -= bytes;
    g->table->bytes -= bytes;
}

static size_t fragment_cost(uint32_t frame_len)
{
    return sizeof(struct fragment) + FRAME_ALIGN + frame_len + MALLOC_COST;
}

#define DATAGRAM_COST (sizeof(struct datagram) + sizeof(struct source) + 2 * MALLOC_COST)

/* ---- sources ---- */

static struct source *source_get(struct reassembly *r, uint32_t addr)
{
    struct source **at = &r->sources[bucket_of(r, addr, 0, 0)];
    for (struct source *s = *at; s != NULL; s = s->next)
        if (s->addr == addr)
            return s;
    struct source *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->addr = addr;
    s->next = *at;
    *at = s;
    return s;
}

static void source_put(struct reassembly *r, struct source *source)
{
    if (source->oldest != NULL)
        return;
    struct source **at = &r->sources[bucket_of(r, source->addr, 0, 0)];
    while (*at != source)
        at = &(*at)->next;
    *at = source->next;
    free(source);
}

/* ---- datagrams ---- */

static struct datagram *datagram_find(const struct reassembly *r, const struct ip *ip)
{
    struct datagram *g = r->bucket[datagram_bucket(r, ip->src, ip->dst, ip->id, ip->protocol)];
    while (g != NULL &&
           (g->source->addr != ip->src || g->dst != ip->dst || g->id != ip->id || g->protocol != ip->protocol))
        g = g->next;
    return g;
}

static void timed_out(struct timer *timer, void *context, struct now now);

static struct datagram *datagram_new(struct reassembly *r, const struct ip *ip, struct now now)
{
    struct datagram *g = calloc(1, sizeof *g);
    struct source *source = g != NULL ? source_get(r, ip->src) : NULL;
    if (source == NULL) {
        free(g);
        return NULL;
    }
    g->timer.fire = timed_out;
    if (!timer_set(r->timers, &g->timer, now.ns + REASSEMBLY_TIMEOUT_S * NS_PER_S)) {
        source_put(r, source);
        free(g);
        return NULL;
    }
    g->table = r;
    g->source = source;
    g->dst = ip->dst;
    g->id = ip->id;
    g->protocol = ip->protocol;
    g->dead = DROP__COUNT;

    struct datagram **at = &r->bucket[datagram_bucket(r, ip->src, ip->dst, ip->id, ip->protocol)];
    g->next = *at;
    *at = g;
    g->older = r->newest;
    *(r->newest != NULL ? &r->newest->newer : &r->oldest) = g;
    r->newest = g;
    g->older_of_source = source->newest;
    *(source->newest != NULL ? &source->newest->newer_of_source : &source->oldest) = g;
    source->newest = g;
    r->datagrams++;
    charge(g, DATAGRAM_COST);
    return g;
}

/* Lets go of all fragments: dropped for WHY, or used when that is DROP__COUNT. */
static void datagram_empty(struct datagram *g, enum drop why, struct now now)
{
    const struct reassembly_hooks *hooks = &g->table->hooks;
    while (g->first != NULL) {
        struct fragment *f = g->first;
        g->first = f->next;
        g->n--;
        g->table->held[f->port]--;
        refund(g, fragment_cost(f->len));
        if (why == DROP__COUNT)
            hooks->used(hooks->context, f->port, now);
        else
            hooks->dropped(hooks->context, f->port, why, now);
        free(f);
    }
    g->last = NULL;
    g->held = 0;
}

static void datagram_free(struct datagram *g)
{
    struct reassembly *r = g->table;
    timer_stop(r->timers, &g->timer);
    struct datagram **at = &r->bucket[datagram_bucket(r, g->source->addr, g->dst, g->id, g->protocol)];
    while (*at != g)
        at = &(*at)->next;
    *at = g->next;
    *(g->older != NULL ? &g->older->newer : &r->oldest) = g->newer;
    *(g->newer != NULL ? &g->newer->older : &r->newest) = g->older;
    *(g->older_of_source != NULL ? &g->older_of_source->newer_of_source : &g->source->oldest) = g->newer_of_source;
    *(g->newer_of_source != NULL ? &g->newer_of_source->older_of_source : &g->source->newest) = g->older_of_source;
    refund(g, DATAGRAM_COST);
    r->datagrams--;
    source_put(r, g->source);
    free(g);
}

static void datagram_drop(struct datagram *g, enum drop why, struct now now)
{
    datagram_empty(g, why, now);
    datagram_free(g);
}

static void datagram_kill(struct datagram *g, enum drop why, struct now now)
{
    datagram_empty(g, why, now);
    g->dead = why;
}

static struct packet packet_of(struct fragment *f)
{
    return (struct packet){
        .frame = f->frame + FRAME_ALIGN, .len = f->len, .wire_len = f->len, .port = f->port, .ip = f->ip};
}

static void timed_out(struct timer *timer, void *context, struct now now)
{
    (void)context;
    struct datagram *g = (struct datagram *)timer;
    const struct reassembly_hooks *hooks = &g->table->hooks;
    if (g->first != NULL) {
        struct packet first = packet_of(g->first);
        hooks->timed_out(hooks->context, g->first->start == 0 ? &first : NULL, now);
    }
    datagram_drop(g, DROP_FRAGMENT_TIMEOUT, now);
}

/* Makes room for COST more bytes of G. False when G itself had to go: it alone is more than may be held. */
static bool make_room(struct datagram *g, size_t cost, struct now now)
{
    struct reassembly *r = g->table;
    struct source *source = g->source;
    while (source->bytes + cost > r->by_source) {
        struct datagram *victim = source->oldest != g ? source->oldest : g->newer_of_source;
        datagram_drop(victim != NULL ? victim : g, DROP_FRAGMENT_EVICTED, now);
        if (victim == NULL)
            return false;
    }
    while (r->bytes + cost > r->total) {
        struct datagram *victim = r->oldest != g ? r->oldest : g->newer;
        datagram_drop(victim != NULL ? victim : g, DROP_FRAGMENT_EVICTED, now);
        if (victim == NULL)
            return false;
    }
    return true;
}

/* ---- fragments ---- */

static struct fragment *fragment_new(const struct packet *packet, uint32_t start, uint32_t end)
{
    uint32_t len = ETHERNET_HEADER + (uint32_t)packet->ip.len;
    struct fragment *f = malloc(sizeof *f + FRAME_ALIGN + len);
    if (f == NULL)
        return NULL;
    *f = (struct fragment){.start = start, .end = end, .len = len, .port = packet->port, .ip = packet->ip};
    memcpy(f->frame + FRAME_ALIGN, packet->frame, len);
    return f;
}

static const uint8_t *data_of(const struct fragment *f)
{
    return f->frame + FRAME_ALIGN + ETHERNET_HEADER + f->ip.header;
}

/* Where in the list a fragment that begins at START belongs: after *that, which may be NULL. In order is the usual
 * case, so the tail is asked first. */
static struct fragment *before(const struct datagram *g, uint32_t start)
{
    if (g->last != NULL && g->last->start < start)
        return g->last;
    struct fragment *before = NULL;
    for (struct fragment *f = g->first; f != NULL && f->start < start; f = f->next)
        before = f;
    return before;
}

static bool same(const struct fragment *f, const struct packet *packet, uint32_t end)
{
    return f->end == end && memcmp(data_of(f), packet_ip(packet) + packet->ip.header, end - f->start) == 0;
}

/* What is wrong with a fragment of START..END beside those that G has; DROP__COUNT: nothing. */
static enum drop judge(const struct datagram *g, const struct packet *packet, uint32_t start, uint32_t end,
                       const struct fragment *prev)
{
    bool more = (packet->ip.fragment & IP_MF) != 0;
    if (g->end != 0 && (end > g->end || (end == g->end) == more))
        return DROP_FRAGMENT_MALFORMED;
    if (!more && g->last != NULL && g->last->end > end)
        return DROP_FRAGMENT_MALFORMED;
    const struct fragment *next = prev != NULL ? prev->next : g->first;
    if (next != NULL && next->start == start && same(next, packet, end))
        return more || g->end != 0 ? DROP_FRAGMENT_DUPLICATE : DROP_FRAGMENT_MALFORMED;
    if ((prev != NULL && prev->end > start) || (next != NULL && next->start < end))
        return DROP_FRAGMENT_OVERLAP;
    return DROP__COUNT;
}

static void insert(struct datagram *g, struct fragment *f, struct fragment *prev)
{
    struct fragment **at = prev != NULL ? &prev->next : &g->first;
    f->next = *at;
    *at = f;
    if (f->next == NULL)
        g->last = f;
    g->n++;
    g->held += f->end - f->start;
    if ((f->ip.fragment & IP_MF) == 0)
        g->end = f->end;
    g->table->held[f->port]++;
    charge(g, fragment_cost(f->len));
}

/* Puts the datagram together, with the first fragment's headers. False when those headers make it too long. */
static bool assemble(struct datagram *g, struct packet *whole)
{
    struct reassembly *r = g->table;
    uint8_t *frame = r->whole + FRAME_ALIGN;
    struct ip ip = g->first->ip;
    uint32_t len = ip.header + g->end;
    if (len > IP_PACKET_MAX)
        return false;
    memcpy(frame, g->first->frame + FRAME_ALIGN, ETHERNET_HEADER + (size_t)ip.header);
    for (const struct fragment *f = g->first; f != NULL; f = f->next)
        memcpy(frame + ETHERNET_HEADER + ip.header + f->start, data_of(f), f->end - f->start);
    ip.len = (uint16_t)len;
    ip.fragment = 0;

    uint8_t *header = frame + ETHERNET_HEADER;
    store_be16(header + IP_AT_LENGTH, ip.len);
    store_be16(header + IP_AT_FRAGMENT, 0);
    store_be16(header + IP_AT_CHECKSUM, 0);
    store_be16(header + IP_AT_CHECKSUM, checksum_finish(checksum_add(0, header, ip.header)));
    *whole = (struct packet){.frame = frame,
                             .len = ETHERNET_HEADER + len,
                             .wire_len = ETHERNET_HEADER + len,
                             .port = g->first->port,
                             .ip = ip};
    return true;
}

/* RFC 791 3.2, RFC 1858: what no datagram can contain. */
static bool fragment_valid(const struct packet *packet)
{
    const struct ip *ip = &packet->ip;
    if (packet->port >= PORT_MAX || ip->len <= ip->header || packet->len < ETHERNET_HEADER + (uint32_t)ip->len)
        return false;
    if ((ip->fragment & IP_MF) != 0 && (ip->len - ip->header) % 8 != 0)
        return false;
    return ip_offset(ip) + ip->len <= IP_PACKET_MAX;
}

/* Takes it in; DROP__COUNT, or why not. *g is NULL when the datagram did not survive it. */
static enum drop add(struct reassembly *r, const struct packet *packet, struct datagram **to, struct now now)
{
    *to = NULL;
    if (!fragment_valid(packet))
        return DROP_FRAGMENT_MALFORMED;
    uint32_t start = ip_offset(&packet->ip);
    uint32_t end = start + packet->ip.len - packet->ip.header;

    struct datagram *g = datagram_find(r, &packet->ip);
    if (g == NULL)
        g = datagram_new(r, &packet->ip, now);
    if (g == NULL)
        return DROP_NO_MEMORY;
    if (g->dead != DROP__COUNT)
        return g->dead;

    struct fragment *prev = before(g, start);
    enum drop why = judge(g, packet, start, end, prev);
    if (why == DROP__COUNT && g->n == REASSEMBLY_FRAGMENTS)
        why = DROP_FRAGMENT_EVICTED;
    if (why == DROP_FRAGMENT_OVERLAP || why == DROP_FRAGMENT_EVICTED)
        datagram_kill(g, why, now);
    if (why != DROP__COUNT)
        return why;

    if (!make_room(g, fragment_cost(ETHERNET_HEADER + (uint32_t)packet->ip.len), now))
        return DROP_FRAGMENT_EVICTED;
    struct fragment *f = fragment_new(packet, start, end);
    if (f == NULL)
        return DROP_NO_MEMORY;
    insert(g, f, prev);
    *to = g;
    return DROP__COUNT;
}

bool reassembly_add(struct reassembly *r, const struct packet *fragment, struct packet *whole, struct now now)
{
    struct datagram *g;
    enum drop why = add(r, fragment, &g, now);
    if (why != DROP__COUNT)
        r->hooks.dropped(r->hooks.context, fragment->port, why, now);
    if (g == NULL || g->end == 0 || g->held != g->end)
        return false;
    bool fits = assemble(g, whole);
    datagram_drop(g, fits ? DROP__COUNT : DROP_FRAGMENT_MALFORMED, now);
    return fits;
}

enum drop reassembly_judge(const struct reassembly *r, const struct packet *fragment, struct reassembly_view *view)
{
    *view = (struct reassembly_view){0};
    if (!fragment_valid(fragment))
        return DROP_FRAGMENT_MALFORMED;
    uint32_t start = ip_offset(&fragment->ip);
    uint32_t end = start + fragment->ip.len - fragment->ip.header;
    bool last = (fragment->ip.fragment & IP_MF) == 0;
    const struct datagram *g = datagram_find(r, &fragment->ip);
    view->n = 1;
    view->held = end - start;
    view->end = last ? end : 0;
    if (g == NULL)
        return DROP__COUNT; /* a first one can not be all: it has MF, or begins behind another */
    view->n += g->n;
    view->held += g->held;
    if (!last)
        view->end = g->end;
    if (g->dead != DROP__COUNT)
        return g->dead;
    enum drop why = judge(g, fragment, start, end, before(g, start));
    if (why != DROP__COUNT)
        return why;
    return g->n == REASSEMBLY_FRAGMENTS ? DROP_FRAGMENT_EVICTED : DROP__COUNT;
}

/* ---- life and looks ---- */

struct reassembly *reassembly_new(size_t total, size_t by_source, const struct reassembly_hooks *hooks,
                                  struct timers *timers)
{
    struct reassembly *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    r->hooks = *hooks;
    r->timers = timers;
    r->total = total;
    r->by_source = by_source;
    return r;
}

void reassembly_free(struct reassembly *r)
{
    if (r == NULL)
        return;
    for (struct datagram *g = r->oldest, *newer; g != NULL; g = newer) {
        newer = g->newer;
        for (struct fragment *f = g->first, *next; f != NULL; f = next) {
            next = f->next;
            free(f);
        }
        timer_stop(r->timers, &g->timer);
        free(g);
    }
    for (unsigned i = 0; i < BUCKETS; i++)
        for (struct source *s = r->sources[i], *next; s != NULL; s = next) {
            next = s->next;
            free(s);
        }
    free(r);
}

uint64_t reassembly_held(const struct reassembly *r, unsigned port)
{
    return port < PORT_MAX ? r->held[port] : 0;
}

struct reassembly_totals reassembly_totals(const struct reassembly *r)
{
    return (struct reassembly_totals){.datagrams = r->datagrams, .bytes = r->bytes};
}
