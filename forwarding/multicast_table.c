/* core writes, lanes read: the entries of multicast forwarding. Lanes follow the chain of one bucket and take the way
 * that is published in the entry they find; the core changes one pointer at a time and hands to later() what it
 * unlinked. A new entry is hidden from them for a moment: they go on handing its packets to the core, until it has sent
 * those that it was given before. So a stream keeps its order.
 *
 * Room. Wanted and unwanted streams have a list each, through which a hand goes as in a clock: an entry that was used
 * lately goes to the end, another is forgotten when its time has come or room is needed. An unwanted stream makes room
 * only among its own, of which there are at most half the limit, and only where one has been silent. A wanted one takes
 * the place of any unwanted one, which costs that one another look of the core; else of a wanted one that has been
 * silent for long. What is live and wanted stays, whatever floods. */
#include <stdlib.h>
#include <string.h>

#include "forwarding/core.h"
#include "forwarding/multicast_internal.h"

#define LOOK_AT           16 /* entries, to find one to evict */
#define SILENT_S          10 /* a wanted stream without packets for so long may be evicted */
#define SILENT_UNWANTED_S 2
#define SWEEP_SHARE       8 /* a sweep looks at this part of the entries */
#define SWEEP_LEAST       16
#define SAMPLE_GAP_NS     (5 * NS_PER_S) /* at least, between two samples of an entry */
#define NUMBER_NONE       UINT32_MAX

/* ---- finding ---- */

unsigned multicast_place(const struct multicast *m, uint32_t src, uint32_t group)
{
    uint64_t key = (uint64_t)group << 32 | src;
    unsigned from = 0, to = multicast_entries(m);
    while (from < to) {
        unsigned middle = from + (to - from) / 2;
        const struct multicast_entry *e = m->order[middle];
        if (((uint64_t)e->group << 32 | e->src) < key)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

/* ---- life ---- */

struct multicast *multicast_new(struct later *later, uint64_t seed)
{
    struct multicast *m = calloc(1, sizeof *m);
    if (m == NULL)
        return NULL;
    m->later = later;
    m->seed = seed;
    m->settings = multicast_defaults;
    m->bucket = calloc(MULTICAST_BUCKETS, sizeof *m->bucket);
    m->order = calloc(MULTICAST_MAX, sizeof(struct multicast_entry *));
    m->use = calloc(MULTICAST_MAX, sizeof *m->use);
    m->numbers = calloc(1, sizeof *m->numbers);
    slab_pool_init(&m->pool, (sizeof(struct multicast_entry) + 7) & ~7u);
    TAILQ_INIT(&m->list[false]);
    TAILQ_INIT(&m->list[true]);
    TAILQ_INIT(&m->stale);
    TAILQ_INIT(&m->hidden);
    if (m->bucket == NULL || m->order == NULL || m->use == NULL || m->numbers == NULL) {
        multicast_free(m, NULL);
        return NULL;
    }
    return m;
}

void multicast_free(struct multicast *m, struct timers *timers)
{
    if (m == NULL)
        return;
    if (timers != NULL) {
        timer_stop(timers, &m->sweep);
        timer_stop(timers, &m->redecide);
    }
    while (multicast_entries(m) > 0)
        multicast_entry_forget(m, m->order[multicast_entries(m) - 1]);
    slab_pool_exit(&m->pool);
    if (m->numbers != NULL && m->numbers->retired > 0)
        m->numbers->orphan = true;
    else
        free(m->numbers);
    for (unsigned i = 0; i < PORT_MAX; i++)
        free(m->port[i].boundaries);
    free(m->use);
    free(m->order);
    free(m->bucket);
    free(m);
}

/* ---- numbers ---- */

static uint32_t number_take(struct multicast_numbers *numbers)
{
    if (numbers->n > 0)
        return numbers->returned[--numbers->n];
    return numbers->fresh < MULTICAST_MAX ? numbers->fresh++ : NUMBER_NONE;
}

static void release_entry(void *object)
{
    struct multicast_entry *e = object;
    struct multicast_numbers *numbers = e->numbers;
    numbers->returned[numbers->n++] = e->number;
    free(e->ready);
    slab_free(e);
    numbers->retired--;
    if (numbers->orphan && numbers->retired == 0)
        free(numbers);
}

/* ---- what was counted ---- */

static void add_use(struct multicast_use *sum, const struct multicast_use *use)
{
    sum->packets += count_read(&use->packets);
    sum->bytes += count_read(&use->bytes);
    sum->wrong_port += count_read(&use->wrong_port);
    sum->low_ttl += count_read(&use->low_ttl);
    sum->lost += count_read(&use->lost);
    uint32_t used = __atomic_load_n(&use->used, __ATOMIC_RELAXED),
             wrong = __atomic_load_n(&use->wrong, __ATOMIC_RELAXED);
    if (used > sum->used)
        sum->used = used;
    if (wrong > sum->wrong)
        sum->wrong = wrong;
}

static struct multicast_use sum_of(const struct dataplane *d, uint32_t number)
{
    struct multicast_use sum = {0};
    add_use(&sum, &d->multicast->use[number]);
    for (unsigned i = 0; i < d->n_lanes; i++)
        add_use(&sum, &d->lanes[i]->multicast_use[number]);
    return sum;
}

struct multicast_use multicast_entry_use(const struct dataplane *d, const struct multicast_entry *e)
{
    struct multicast_use sum = sum_of(d, e->number);
    uint32_t made = (uint32_t)(e->made_ns / NS_PER_S);
    sum.packets -= e->base.packets;
    sum.bytes -= e->base.bytes;
    sum.wrong_port -= e->base.wrong_port;
    sum.low_ttl -= e->base.low_ttl;
    sum.lost -= e->base.lost;
    if (sum.used < made)
        sum.used = made;
    if (sum.wrong < made)
        sum.wrong = made;
    return sum;
}

/* Seconds without a packet by the right port. */
static uint32_t silent_for(const struct dataplane *d, const struct multicast_entry *e, struct now now)
{
    uint32_t second = (uint32_t)(now.ns / NS_PER_S), used = multicast_entry_use(d, e).used;
    return second > used ? second - used : 0;
}

/* ---- coming and going ---- */

static void put_in_list(struct multicast *m, struct multicast_entry *e)
{
    e->wanted = e->ready->n > 0;
    TAILQ_INSERT_TAIL(&m->list[e->wanted], e, of_kind);
    m->n[e->wanted]++;
}

static void put_last(struct multicast *m, struct multicast_entry *e)
{
    TAILQ_REMOVE(&m->list[e->wanted], e, of_kind);
    TAILQ_INSERT_TAIL(&m->list[e->wanted], e, of_kind);
}

/* An entry of a kind that has been silent for so long, among the first few. */
static struct multicast_entry *find_silent(const struct dataplane *d, bool wanted, uint32_t seconds, struct now now)
{
    struct multicast_entry *e = TAILQ_FIRST(&d->multicast->list[wanted]);
    for (unsigned i = 0; i < LOOK_AT && e != NULL; i++, e = TAILQ_NEXT(e, of_kind))
        if (silent_for(d, e, now) >= seconds)
            return e;
    return NULL;
}

/* Is there room, or whose place would be taken? Neither: false. */
static bool find_room(const struct dataplane *d, bool wanted, struct multicast_entry **instead, struct now now)
{
    const struct multicast *m = d->multicast;
    unsigned limit = m->settings.limit, most_unwanted = (limit + 1) / 2;
    *instead = NULL;
    if (multicast_entries(m) < limit && (wanted || m->n[false] < most_unwanted))
        return true;
    *instead = find_silent(d, false, SILENT_UNWANTED_S, now);
    if (*instead == NULL && wanted) {
        *instead = TAILQ_FIRST(&m->list[false]);
        if (*instead == NULL)
            *instead = find_silent(d, true, SILENT_S, now);
    }
    return *instead != NULL;
}

bool multicast_has_room(const struct dataplane *d, bool wanted, struct now now)
{
    struct multicast_entry *instead;
    return find_room(d, wanted, &instead, now);
}

/* The hand passes those that were looked at before the one that was found; when there was none, all of them. */
static void pass(struct multicast *m, bool wanted, const struct multicast_entry *found)
{
    for (unsigned i = 0; i < LOOK_AT; i++) {
        struct multicast_entry *e = TAILQ_FIRST(&m->list[wanted]);
        if (e == NULL || e == found)
            return;
        put_last(m, e);
    }
}

static bool make_room(struct dataplane *d, bool wanted, struct now now)
{
    struct multicast *m = d->multicast;
    struct multicast_entry *instead;
    bool room = find_room(d, wanted, &instead, now);
    if (!room)
        pass(m, wanted, NULL);
    if (instead == NULL)
        return room;
    pass(m, instead->wanted, instead);
    m->evicted++;
    multicast_entry_forget(m, instead);
    return true;
}

static void insert_in_order(struct multicast *m, struct multicast_entry *e)
{
    unsigned n = multicast_entries(m), at = multicast_place(m, e->src, e->group);
    memmove(&m->order[at + 1], &m->order[at], (n - at) * sizeof(struct multicast_entry *));
    m->order[at] = e;
}

struct multicast_entry *multicast_entry_new(struct dataplane *d, uint32_t src, uint32_t group,
                                            struct multicast_way *way, struct now now)
{
    struct multicast *m = d->multicast;
    struct multicast_entry *e = make_room(d, way->n > 0, now) ? slab_alloc(&m->pool) : NULL;
    uint32_t number = e != NULL ? number_take(m->numbers) : NUMBER_NONE;
    if (number == NUMBER_NONE) {
        slab_free(e);
        free(way);
        return NULL;
    }
    way->number = number;
    *e = (struct multicast_entry){.ready = way,
                                  .hidden = true,
                                  .src = src,
                                  .group = group,
                                  .number = number,
                                  .made_ns = now.ns,
                                  .then.at_ns = now.ns,
                                  .lately.at_ns = now.ns,
                                  .numbers = m->numbers};
    e->base = sum_of(d, number);
    struct multicast_entry **bucket = &m->bucket[multicast_bucket(m, src, group)];
    e->next = *bucket;
    insert_in_order(m, e);
    put_in_list(m, e);
    if (TAILQ_EMPTY(&m->hidden))
        m->held_back = 0;
    TAILQ_INSERT_TAIL(&m->hidden, e, of_hidden);
    m->made++;
    publish(*bucket, e);
    return e;
}

void multicast_reveal(struct multicast *m)
{
    struct multicast_entry *e;
    while ((e = TAILQ_FIRST(&m->hidden)) != NULL) {
        TAILQ_REMOVE(&m->hidden, e, of_hidden);
        e->hidden = false;
        publish(e->way, e->ready);
    }
}

void multicast_entry_turn(struct multicast *m, struct multicast_entry *e, struct multicast_way *way)
{
    struct multicast_way *was = e->ready;
    way->number = e->number;
    TAILQ_REMOVE(&m->list[e->wanted], e, of_kind);
    m->n[e->wanted]--;
    e->ready = way;
    put_in_list(m, e);
    if (!e->hidden)
        publish(e->way, way);
    later(m->later, free, was);
}

void multicast_entry_forget(struct multicast *m, struct multicast_entry *e)
{
    struct multicast_entry **at = &m->bucket[multicast_bucket(m, e->src, e->group)];
    while (*at != e)
        at = &(*at)->next;
    publish(*at, e->next);
    unsigned place = multicast_place(m, e->src, e->group);
    memmove(&m->order[place], &m->order[place + 1],
            (multicast_entries(m) - place - 1) * sizeof(struct multicast_entry *));
    TAILQ_REMOVE(&m->list[e->wanted], e, of_kind);
    m->n[e->wanted]--;
    if (e->stale)
        TAILQ_REMOVE(&m->stale, e, of_stale);
    if (e->hidden)
        TAILQ_REMOVE(&m->hidden, e, of_hidden);
    e->numbers->retired++;
    later(m->later, release_entry, e);
}

/* ---- time ---- */

/* A stream that comes only by another port than the one that was chosen among equals: it may have moved there. */
static bool has_moved(const struct dataplane *d, const struct multicast_entry *e, const struct multicast_use *use,
                      struct now now)
{
    return e->choice && silent_for(d, e, now) >= SILENT_S && use->wrong >= use->used + SILENT_S;
}

static void sample(struct multicast_entry *e, const struct multicast_use *use, struct now now)
{
    if (now.ns - e->lately.at_ns < SAMPLE_GAP_NS)
        return;
    e->then = e->lately;
    e->lately = (struct multicast_sample){.at_ns = now.ns, .packets = use->packets, .bytes = use->bytes};
}

static void look_at(struct dataplane *d, struct multicast_entry *e, struct now now)
{
    struct multicast *m = d->multicast;
    struct multicast_use use = multicast_entry_use(d, e);
    uint32_t last = use.used > use.wrong ? use.used : use.wrong, second = (uint32_t)(now.ns / NS_PER_S);
    uint32_t most = e->wanted ? m->settings.idle_s : m->settings.unwanted_idle_s;
    if ((second > last && second - last >= most) || has_moved(d, e, &use, now)) {
        m->aged++;
        multicast_entry_forget(m, e);
    } else {
        sample(e, &use, now);
        put_last(m, e);
    }
}

void multicast_sweep(struct dataplane *d, struct now now)
{
    struct multicast *m = d->multicast;
    for (unsigned wanted = 0; wanted < 2; wanted++) {
        unsigned n = m->n[wanted] / SWEEP_SHARE + SWEEP_LEAST;
        if (n > m->n[wanted])
            n = m->n[wanted];
        while (n-- > 0)
            look_at(d, TAILQ_FIRST(&m->list[wanted]), now);
    }
}
