#include "cli/top.h"

#include <stdlib.h>
#include <string.h>

#include "forwarding/bytes.h"
#include "forwarding/ethernet.h"
#include "forwarding/ip.h"
#include "forwarding/trace.h"

#define SAMPLES  4096 /* of a second; newer ones take the place of the oldest */
#define PREFIXES 256  /* different ones among them; what does not fit is only part of the whole */

struct sample {
    uint32_t dst, bytes; /* atomic: any lane writes */
};

struct top {
    struct trace_watch watch; /* first */
    unsigned n;               /* atomic: samples since the last reading */
    struct sample sample[SAMPLES];
};

static bool take(const struct trace_watch *self, unsigned port, const uint8_t *frame, uint32_t len, uint32_t wire_len)
{
    (void)port;
    struct top *top = (struct top *)(uintptr_t)self; /* ours, and its counter and samples are made for any thread */
    if (len < ETHERNET_HEADER + IP_HEADER_MIN || load_be16(frame + ETHERNET_HEADER - 2) != ETHERTYPE_IPV4)
        return false;
    struct sample *sample = &top->sample[__atomic_fetch_add(&top->n, 1, __ATOMIC_RELAXED) % SAMPLES];
    __atomic_store_n(&sample->dst, load_be32(frame + ETHERNET_HEADER + IP_AT_DST), __ATOMIC_RELAXED);
    __atomic_store_n(&sample->bytes, wire_len, __ATOMIC_RELAXED);
    return false;
}

static void explained(struct trace_watch *self, const struct traced *traced, struct now now)
{
    (void)self;
    (void)traced;
    (void)now;
}

static void release(struct trace_watch *self)
{
    free(self);
}

struct top *top_start(struct dataplane *d)
{
    struct top *top = calloc(1, sizeof *top);
    if (top == NULL)
        return NULL;
    top->watch = (struct trace_watch){.wants = take, .explained = explained, .release = release};
    if (trace_start(d, &top->watch))
        return top;
    free(top);
    return NULL;
}

void top_stop(struct dataplane *d, struct top *top)
{
    if (top != NULL)
        trace_stop(d, &top->watch);
}

/* ---- reading ---- */

struct tally {
    struct prefix prefix;
    uint64_t packets, bytes;
};

static struct tally *tally_of(struct tally *tallies, unsigned *n, struct prefix prefix)
{
    for (unsigned i = 0; i < *n; i++)
        if (prefix_equal(tallies[i].prefix, prefix))
            return &tallies[i];
    if (*n == PREFIXES)
        return NULL;
    tallies[*n] = (struct tally){.prefix = prefix};
    return &tallies[(*n)++];
}

static int by_bytes(const void *a, const void *b)
{
    const struct tally *left = a, *right = b;
    return (left->bytes < right->bytes) - (left->bytes > right->bytes);
}

unsigned top_read(struct top *top, const struct fib *fib, struct top_row rows[TOP_ROWS])
{
    struct tally tallies[PREFIXES] = {0};
    unsigned n = 0, samples = __atomic_exchange_n(&top->n, 0, __ATOMIC_RELAXED);
    uint64_t packets = 0, bytes = 0;
    if (samples > SAMPLES)
        samples = SAMPLES;
    for (unsigned i = 0; i < samples; i++) {
        struct prefix prefix;
        uint32_t len = __atomic_load_n(&top->sample[i].bytes, __ATOMIC_RELAXED);
        packets++;
        bytes += len;
        if (fib_lookup(fib, __atomic_load_n(&top->sample[i].dst, __ATOMIC_RELAXED), &prefix) == NULL)
            continue;
        struct tally *tally = tally_of(tallies, &n, prefix);
        if (tally != NULL) {
            tally->packets++;
            tally->bytes += len;
        }
    }
    qsort(tallies, n, sizeof *tallies, by_bytes);
    if (n > TOP_ROWS)
        n = TOP_ROWS;
    for (unsigned i = 0; i < n; i++)
        rows[i] = (struct top_row){tallies[i].prefix, (double)tallies[i].packets / (double)packets,
                                   (double)tallies[i].bytes / (double)(bytes > 0 ? bytes : 1)};
    return n;
}
