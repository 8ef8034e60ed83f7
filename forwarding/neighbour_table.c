/* core writes, lanes read: the entries of the neighbour table. Lanes follow the chain of one bucket and take what is
 * published in the entry they find; the core changes one pointer at a time and hands to later() what it unlinked.
 *
 * An entry has a number, the index of the lanes' use marks, from when it first has an adjacency; the number is free
 * again when later() says that no lane can be using the entry.
 *
 * Room. Incomplete entries have a bound of their own, an eighth of the table: one more pushes out the oldest of them.
 * When the table is full there go, the oldest first: an incomplete one that has been silent for a second; a stale one
 * that nobody used (a used one is probed instead); any incomplete one; a reachable one that nobody used since it was
 * heard of. Entries that are static, probed, or reachable and used stay. */
#include <stdlib.h>
#include <string.h>

#include "forwarding/fast_path.h"
#include "forwarding/neighbour_internal.h"

#define INCOMPLETE_SHARE 8
#define INCOMPLETE_LEAST 16
#define EVICT_LOOK_AT    16 /* entries of one state that are looked at to find one to evict */

/* ---- finding ---- */

static uint64_t key_of(unsigned port, uint32_t addr)
{
    return (uint64_t)port << 32 | addr;
}

static size_t index_of(const struct neighbours *n, uint64_t key)
{
    uint64_t mixed = (key ^ n->seed) * UINT64_C(0x9e3779b97f4a7c15);
    mixed ^= mixed >> 32;
    return (size_t)(mixed * UINT64_C(0xd6e8feb86659fd93) >> n->shift);
}

FAST_PATH struct neighbour *neighbour_entry_find(const struct neighbours *n, unsigned port, uint32_t addr)
{
    struct neighbour *e = published(n->bucket[index_of(n, key_of(port, addr))]);
    while (e != NULL && (e->addr != addr || e->port != port))
        e = published(e->next);
    return e;
}

FAST_PATH const struct adjacency *neighbour_find(const struct neighbours *n, unsigned port, uint32_t addr)
{
    const struct neighbour *e = neighbour_entry_find(n, port, addr);
    return e != NULL ? published(e->adjacency) : NULL;
}

bool neighbour_wanted(const struct neighbours *n, unsigned port, uint32_t addr)
{
    return neighbour_entry_find(n, port, addr) != NULL;
}

struct neighbour *neighbour_entry_after(const struct neighbours *n, unsigned port, uint32_t addr, bool from_start)
{
    for (; port < PORT_MAX; port++, from_start = true) {
        if (n->order[port].count == 0)
            continue;
        struct patricia_cursor at = PATRICIA_START;
        if (!from_start)
            at = (struct patricia_cursor){.at = {.addr = addr, .len = 32}, .started = true};
        struct prefix prefix;
        void *e;
        if (patricia_next(&n->order[port], &at, &prefix, &e))
            return e;
    }
    return NULL;
}

/* ---- numbers ---- */

static uint32_t number_take(struct number_pool *pool)
{
    if (pool->n > 0)
        return pool->returned[--pool->n];
    return pool->fresh < NEIGHBOUR_MAX ? pool->fresh++ : NUMBER_NONE;
}

static void release_entry(void *object)
{
    struct neighbour *e = object;
    struct number_pool *pool = e->pool;
    if (e->number != NUMBER_NONE)
        pool->returned[pool->n++] = e->number;
    free(e->ready);
    free(e);
    pool->retired--;
    if (pool->orphan && pool->retired == 0)
        free(pool);
}

/* ---- adjacencies ---- */

bool neighbour_entry_ready(struct neighbours *n, struct neighbour *e, const struct port *port)
{
    if (e->number == NUMBER_NONE)
        e->number = number_take(n->pool);
    struct adjacency *a = e->number != NUMBER_NONE ? malloc(sizeof *a) : NULL;
    if (a == NULL)
        return false;
    *a = (struct adjacency){.addr = e->addr, .port = e->port, .mtu = port->mtu, .number = e->number};
    memcpy(a->ethernet, e->mac, MAC_LEN);
    memcpy(a->ethernet + MAC_LEN, port->mac, MAC_LEN);
    a->ethernet[12] = 0x08;
    a->ethernet[13] = 0x00;
    n->adjacencies += e->ready == NULL;
    if (e->ready != e->adjacency)
        free(e->ready); /* never published */
    e->ready = a;
    return true;
}

void neighbour_entry_publish(struct neighbours *n, struct neighbour *e)
{
    struct adjacency *was = e->adjacency;
    publish(e->adjacency, e->ready);
    if (was != NULL && was != e->ready)
        later(n->later, free, was);
}

void neighbour_entry_withdraw(struct neighbours *n, struct neighbour *e)
{
    if (e->ready == NULL)
        return;
    n->adjacencies--;
    e->ready = NULL;
    neighbour_entry_publish(n, e);
}

/* Lanes mark whole seconds, so only a later second than that of since_ns is surely a use after it. */
bool neighbour_entry_used(const struct neighbours *n, const struct neighbour *e)
{
    if (e->used_ns > e->since_ns)
        return true;
    if (e->number == NUMBER_NONE)
        return false;
    return n->hooks.last_used(n->hooks.context, e->number) / NS_PER_S > e->since_ns / NS_PER_S;
}

/* ---- coming and going ---- */

void neighbour_entry_move(struct neighbours *n, struct neighbour *e, enum neighbour_state state)
{
    TAILQ_REMOVE(&n->list[e->state], e, of_state);
    n->count[e->state]--;
    e->state = (uint8_t)state;
    TAILQ_INSERT_TAIL(&n->list[state], e, of_state);
    n->count[state]++;
}

/* What a forgotten entry was last asked for, so that a new one of the same address does not ask again within a second.
 * One slot for several addresses: a collision forgets the older, which costs one request. */
static size_t asked_slot(const struct neighbours *n, uint64_t key)
{
    return index_of(n, key ^ UINT64_C(0xa5a5a5a5) << 16) & (ASKED_SLOTS - 1);
}

static void remember_asked(struct neighbours *n, const struct neighbour *e)
{
    uint64_t key = key_of(e->port, e->addr);
    size_t slot = asked_slot(n, key);
    if (e->asked_ns == 0)
        return;
    n->asked[slot].key = key;
    n->asked[slot].ns = e->asked_ns;
}

uint64_t neighbour_asked_before(const struct neighbours *n, unsigned port, uint32_t addr)
{
    uint64_t key = key_of(port, addr);
    size_t slot = asked_slot(n, key);
    return n->asked[slot].key == key ? n->asked[slot].ns : 0;
}

void neighbour_entry_forget(struct neighbours *n, struct neighbour *e, enum drop why, struct now now)
{
    struct neighbour **link = &n->bucket[index_of(n, key_of(e->port, e->addr))];
    while (*link != e)
        link = &(*link)->next;
    publish(*link, e->next);

    remember_asked(n, e);
    timer_stop(n->timers, &e->timer);
    TAILQ_REMOVE(&n->list[e->state], e, of_state);
    n->count[e->state]--;
    n->entries--;
    n->adjacencies -= e->ready != NULL;
    patricia_remove(&n->order[e->port], (struct prefix){.addr = e->addr, .len = 32});

    struct waiting_queue waiting = e->waiting;
    n->pool->retired++;
    later(n->later, release_entry, e);
    neighbour_queue_drop(n, &waiting, why, now);
}

static bool evict_if(struct neighbours *n, struct neighbour *e, bool evict, struct now now)
{
    if (!evict)
        return false;
    n->evicted++;
    neighbour_entry_forget(n, e, DROP_NEIGHBOUR_QUEUE, now);
    return true;
}

static bool evict_incomplete(struct neighbours *n, uint64_t silent_ns, struct now now)
{
    struct neighbour *e = TAILQ_FIRST(&n->list[NEIGHBOUR_INCOMPLETE]);
    return e != NULL && evict_if(n, e, now.ns >= e->since_ns + silent_ns, now);
}

/* Used ones go to the end of the list, so that they are not looked at again and again; their timers see to them. */
static bool evict_unused(struct neighbours *n, enum neighbour_state state, struct now now)
{
    for (unsigned i = 0; i < EVICT_LOOK_AT; i++) {
        struct neighbour *e = TAILQ_FIRST(&n->list[state]);
        if (e == NULL)
            return false;
        if (evict_if(n, e, !e->resolving && !neighbour_entry_used(n, e), now))
            return true;
        neighbour_entry_move(n, e, state);
    }
    return false;
}

static bool make_room(struct neighbours *n, enum neighbour_state state, struct now now)
{
    if (state == NEIGHBOUR_INCOMPLETE && n->count[state] >= n->most_incomplete && !evict_incomplete(n, 0, now))
        return false;
    return n->entries < n->most || evict_incomplete(n, NS_PER_S, now) || evict_unused(n, NEIGHBOUR_STALE, now) ||
           evict_incomplete(n, 0, now) || evict_unused(n, NEIGHBOUR_REACHABLE, now);
}

struct neighbour *neighbour_entry_new(struct neighbours *n, unsigned port, uint32_t addr, enum neighbour_state state,
                                      enum drop *why, struct now now)
{
    *why = DROP_NEIGHBOUR_TABLE_FULL;
    if (!make_room(n, state, now))
        return NULL;
    *why = DROP_NO_MEMORY;
    struct neighbour *e = calloc(1, sizeof *e);
    if (e == NULL)
        return NULL;
    if (!patricia_set(&n->order[port], (struct prefix){.addr = addr, .len = 32}, e, NULL)) {
        free(e);
        return NULL;
    }
    e->addr = addr;
    e->port = (uint16_t)port;
    e->state = (uint8_t)state;
    e->number = NUMBER_NONE;
    e->since_ns = now.ns;
    e->table = n;
    e->pool = n->pool;
    TAILQ_INSERT_TAIL(&n->list[state], e, of_state);
    n->count[state]++;
    n->entries++;
    struct neighbour **link = &n->bucket[index_of(n, key_of(port, addr))];
    e->next = *link;
    publish(*link, e);
    return e;
}

/* ---- the table ---- */

static unsigned bucket_bits(unsigned most)
{
    unsigned bits = 6;
    while (1u << bits < most)
        bits++;
    return bits;
}

struct neighbours *neighbours_new(unsigned most, size_t waiting_bytes, const struct neighbour_hooks *hooks,
                                  struct timers *timers, struct later *later)
{
    struct neighbours *n = calloc(1, sizeof *n);
    unsigned bits = bucket_bits(most);
    if (n == NULL)
        return NULL;
    n->bucket = calloc((size_t)1 << bits, sizeof(struct neighbour *));
    n->pool = calloc(1, sizeof *n->pool);
    if (n->bucket == NULL || n->pool == NULL) {
        free(n->bucket);
        free(n->pool);
        free(n);
        return NULL;
    }
    n->shift = 64 - bits;
    n->seed = hooks->random(hooks->context);
    n->most = most < NEIGHBOUR_MAX ? most : NEIGHBOUR_MAX;
    n->most_incomplete = n->most / INCOMPLETE_SHARE;
    if (n->most_incomplete < INCOMPLETE_LEAST)
        n->most_incomplete = INCOMPLETE_LEAST;
    n->waiting_room = waiting_bytes;
    n->hooks = *hooks;
    n->timers = timers;
    n->later = later;
    for (unsigned i = 0; i < NEIGHBOUR_STATES; i++)
        TAILQ_INIT(&n->list[i]);
    for (unsigned i = 0; i < PORT_MAX; i++)
        patricia_init(&n->order[i], &later_at_once);
    return n;
}

static void forget_packet(void *context, struct packet *packet, enum drop why, struct now now)
{
    (void)context, (void)packet, (void)why, (void)now;
}

/* No lane runs any more, but what was retired earlier may still wait in later(). Hooks are not called: their owner is
 * being taken apart too. */
void neighbours_free(struct neighbours *n)
{
    if (n == NULL)
        return;
    struct now never = {0};
    n->hooks.drop = forget_packet;
    for (unsigned state = 0; state < NEIGHBOUR_STATES; state++)
        while (!TAILQ_EMPTY(&n->list[state]))
            neighbour_entry_forget(n, TAILQ_FIRST(&n->list[state]), DROP_NEIGHBOUR_QUEUE, never);
    for (unsigned i = 0; i < PORT_MAX; i++) {
        patricia_clear(&n->order[i], NULL);
        free(n->port[i]);
    }
    n->pool->orphan = true;
    if (n->pool->retired == 0)
        free(n->pool);
    free(n->bucket);
    free(n);
}

struct neighbour_totals neighbours_totals(const struct neighbours *n)
{
    size_t buckets = (size_t)1 << (64 - n->shift), order = 0;
    for (unsigned i = 0; i < PORT_MAX; i++)
        order += n->order[i].count > 0 ? patricia_bytes(&n->order[i]) : 0;
    return (struct neighbour_totals){
        .entries = n->entries,
        .incomplete = n->count[NEIGHBOUR_INCOMPLETE],
        .statics = n->count[NEIGHBOUR_STATIC],
        .evicted = n->evicted,
        .queue_drops = n->queue_drops,
        .failed = n->failed,
        .bytes = sizeof *n + sizeof *n->pool + buckets * sizeof *n->bucket + n->entries * sizeof(struct neighbour) +
                 n->adjacencies * sizeof(struct adjacency) + n->waiting_bytes + order,
    };
}
