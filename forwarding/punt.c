/* lane writes, core reads: the rings between a lane and the core.
 *
 * Head and tail count all bytes ever written and freed, so full and empty differ without a spare byte. A record is
 * never split: where it would not fit before the end of the ring, a mark says "go on at the start". Each side has its
 * cache line, and the lane looks at the core's only when the tail that it remembers leaves no room. Memory comes from
 * mmap, so that a ring costs nothing until it is used. */
#include "forwarding/punt.h"

#include <string.h>
#include <sys/mman.h>

#include "forwarding/counters.h"

#define CACHE_LINE 64

struct punt_ring {
    _Alignas(CACHE_LINE) uint64_t head; /* the lane's */
    uint64_t tail_seen;
    uint64_t put, full;
    _Alignas(CACHE_LINE) uint64_t tail; /* the core's */
    _Alignas(CACHE_LINE) uint64_t size; /* bytes that follow, a power of two */
    _Alignas(CACHE_LINE) uint8_t bytes[];
};

/* What comes before the bytes of a frame. Multiples of 8, so the IP header behind 2 + 14 bytes is aligned too. */
struct record {
    uint64_t size; /* of all of it, a multiple of 8; WRAP: the next record is at the start of the ring */
    struct packet packet;
};
#define WRAP     0
#define FRAME_AT (sizeof(struct record) + 2)
_Static_assert(sizeof(struct record) % 8 == 0, "frames in a ring would be misaligned");

static const size_t ring_size[PUNT_CLASS__COUNT] = {
    [PUNT_CLASS_LOCAL] = 1 << 20,   [PUNT_CLASS_SLOW] = 512 << 10,    [PUNT_CLASS_RESOLVE] = 1 << 20,
    [PUNT_CLASS_ERROR] = 512 << 10, [PUNT_CLASS_MULTICAST] = 1 << 20, [PUNT_CLASS_TRACE] = 512 << 10,
};

const char *const punt_name[PUNT__COUNT] = {
#define X(symbol, class, name, whole) [PUNT_##symbol] = name,
    PUNT_REASONS(X)
#undef X
};

const char *const punt_class_name[PUNT_CLASS__COUNT] = {
    [PUNT_CLASS_LOCAL] = "local", [PUNT_CLASS_SLOW] = "slow",           [PUNT_CLASS_RESOLVE] = "resolve",
    [PUNT_CLASS_ERROR] = "error", [PUNT_CLASS_MULTICAST] = "multicast", [PUNT_CLASS_TRACE] = "trace",
};

static const struct {
    enum punt_class class;
    bool whole;
} reason[PUNT__COUNT] = {
#define X(symbol, class, name, whole) [PUNT_##symbol] = {PUNT_CLASS_##class, whole},
    PUNT_REASONS(X)
#undef X
};

enum punt_class punt_class_of(enum punt why)
{
    return reason[why].class;
}

static struct punt_ring *ring_new(size_t size)
{
    void *at = mmap(NULL, sizeof(struct punt_ring) + size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return NULL;
    struct punt_ring *ring = at;
    ring->size = size;
    return ring;
}

bool punts_init(struct punts *punts)
{
    *punts = (struct punts){0};
    for (unsigned i = 0; i < PUNT_CLASS__COUNT; i++) {
        punts->ring[i] = ring_new(ring_size[i]);
        if (punts->ring[i] == NULL) {
            punts_exit(punts);
            return false;
        }
    }
    return true;
}

void punts_exit(struct punts *punts)
{
    for (unsigned i = 0; i < PUNT_CLASS__COUNT; i++)
        if (punts->ring[i] != NULL)
            munmap(punts->ring[i], sizeof(struct punt_ring) + punts->ring[i]->size);
    *punts = (struct punts){0};
}

static uint8_t *bytes_at(struct punt_ring *ring, uint64_t position)
{
    return ring->bytes + (position & (ring->size - 1));
}

static uint64_t left_before_end(const struct punt_ring *ring, uint64_t position)
{
    return ring->size - (position & (ring->size - 1));
}

static bool has_room(struct punt_ring *ring, uint64_t need)
{
    if (ring->head + need - ring->tail_seen <= ring->size)
        return true;
    ring->tail_seen = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
    return ring->head + need - ring->tail_seen <= ring->size;
}

bool punt_put(struct punts *punts, const struct packet *packet)
{
    struct punt_ring *ring = punts->ring[punt_class_of(packet->punt)];
    uint32_t len = packet->len;
    if (!reason[packet->punt].whole && len > PUNT_QUOTE)
        len = PUNT_QUOTE;
    uint64_t size = (FRAME_AT + len + 7) & ~UINT64_C(7);
    uint64_t left = left_before_end(ring, ring->head);
    uint64_t skip = size > left ? left : 0;
    if (!has_room(ring, skip + size)) {
        count(&ring->full);
        return false;
    }

    if (skip > 0)
        memcpy(bytes_at(ring, ring->head), &(uint64_t){WRAP}, sizeof(uint64_t));
    uint8_t *at = bytes_at(ring, ring->head + skip);
    struct record record = {.size = size, .packet = *packet};
    record.packet.len = len;
    memcpy(at, &record, sizeof record);
    memcpy(at + FRAME_AT, packet->frame, len);
    count(&ring->put);
    __atomic_store_n(&ring->head, ring->head + skip + size, __ATOMIC_RELEASE);
    return true;
}

static uint64_t record_size(struct punt_ring *ring)
{
    uint64_t size;
    memcpy(&size, bytes_at(ring, ring->tail), sizeof size);
    return size;
}

bool punt_get(struct punts *punts, enum punt_class class, struct packet *packet)
{
    struct punt_ring *ring = punts->ring[class];
    uint64_t head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
    if (ring->tail == head)
        return false;
    /* A mark is published together with the record behind it. */
    if (record_size(ring) == WRAP)
        __atomic_store_n(&ring->tail, ring->tail + left_before_end(ring, ring->tail), __ATOMIC_RELEASE);
    uint8_t *at = bytes_at(ring, ring->tail);
    struct record record;
    memcpy(&record, at, sizeof record);
    *packet = record.packet;
    packet->frame = at + FRAME_AT;
    packet->adjacency = NULL;
    return true;
}

void punt_done(struct punts *punts, enum punt_class class)
{
    struct punt_ring *ring = punts->ring[class];
    __atomic_store_n(&ring->tail, ring->tail + record_size(ring), __ATOMIC_RELEASE);
}

static uint64_t bytes_in(const struct punt_ring *ring)
{
    /* The tail first: so it can not be ahead of the head, whoever asks. */
    uint64_t tail = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
    return __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE) - tail;
}

bool punts_empty(const struct punts *punts)
{
    for (unsigned i = 0; i < PUNT_CLASS__COUNT; i++)
        if (bytes_in(punts->ring[i]) != 0)
            return false;
    return true;
}

struct punt_stats punt_stats(const struct punts *punts, enum punt_class class)
{
    const struct punt_ring *ring = punts->ring[class];
    return (struct punt_stats){
        .put = count_read(&ring->put), .full = count_read(&ring->full), .bytes = bytes_in(ring), .room = ring->size};
}
