/* The rings between a lane and the core. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "forwarding/punt.h"
#include "tests/unit/support/unit.h"

static uint8_t storage[ETHERNET_HEADER + IP_PACKET_MAX];

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

/* A packet whose bytes and fields follow from NUMBER. */
static struct packet numbered(uint8_t *bytes, uint32_t number, uint32_t len, enum punt why)
{
    for (uint32_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(number * 31 + i);
    return (struct packet){
        .frame = bytes, .len = len, .wire_len = len, .punt = why, .nexthop = number, .port = (uint16_t)(number % 1024)};
}

static bool is_numbered(const struct packet *packet, uint32_t number, uint32_t len)
{
    if (packet->nexthop != number || packet->len != len || packet->port != number % 1024)
        return false;
    for (uint32_t i = 0; i < len; i++)
        if (packet->frame[i] != (uint8_t)(number * 31 + i))
            return false;
    return true;
}

static void a_packet_comes_out_as_it_went_in(void)
{
    struct punts punts;
    CU_ASSERT_TRUE_FATAL(punts_init(&punts));
    CU_ASSERT_TRUE(punts_empty(&punts));
    struct packet in = numbered(storage, 7, 98, PUNT_RESOLVE);
    in.out_port = 3;
    in.ip = (struct ip){.src = 1, .dst = 2, .len = 84, .header = 20, .ttl = 9};
    in.vnet.gso_size = 1448;
    in.mtu = 576;
    in.adjacency = (const struct adjacency *)storage;
    CU_ASSERT_TRUE(punt_put(&punts, &in));
    CU_ASSERT_FALSE(punts_empty(&punts));
    memset(storage, 0, 98); /* the ring has its own copy */

    struct packet out;
    CU_ASSERT_FALSE(punt_get(&punts, PUNT_CLASS_LOCAL, &out));
    CU_ASSERT_TRUE_FATAL(punt_get(&punts, PUNT_CLASS_RESOLVE, &out));
    CU_ASSERT_TRUE(is_numbered(&out, 7, 98));
    CU_ASSERT_EQUAL(out.punt, PUNT_RESOLVE);
    CU_ASSERT_EQUAL(out.out_port, 3);
    CU_ASSERT_EQUAL(out.ip.dst, 2);
    CU_ASSERT_EQUAL(out.ip.ttl, 9);
    CU_ASSERT_EQUAL(out.vnet.gso_size, 1448);
    CU_ASSERT_EQUAL(out.mtu, 576);
    CU_ASSERT_PTR_NULL(out.adjacency);
    CU_ASSERT_EQUAL((uintptr_t)packet_ip(&out) % 4, 0);

    struct packet again; /* it stays until it is done with */
    CU_ASSERT_TRUE(punt_get(&punts, PUNT_CLASS_RESOLVE, &again));
    CU_ASSERT_PTR_EQUAL(again.frame, out.frame);
    punt_done(&punts, PUNT_CLASS_RESOLVE);
    CU_ASSERT_FALSE(punt_get(&punts, PUNT_CLASS_RESOLVE, &out));
    CU_ASSERT_TRUE(punts_empty(&punts));
    punts_exit(&punts);
}

static void only_what_answers_with_an_error_is_cut_to_a_quote(void)
{
    struct punts punts;
    CU_ASSERT_TRUE_FATAL(punts_init(&punts));
    for (enum punt why = 0; why < PUNT__COUNT; why++) {
        struct packet in = numbered(storage, why, sizeof storage, why);
        CU_ASSERT_TRUE(punt_put(&punts, &in));
        struct packet out;
        CU_ASSERT_TRUE_FATAL(punt_get(&punts, punt_class_of(why), &out));
        bool whole = punt_class_of(why) != PUNT_CLASS_ERROR && punt_class_of(why) != PUNT_CLASS_TRACE;
        CU_ASSERT_TRUE(is_numbered(&out, why, whole ? sizeof storage : PUNT_QUOTE));
        CU_ASSERT_EQUAL(out.wire_len, sizeof storage);
        punt_done(&punts, punt_class_of(why));
        CU_ASSERT_PTR_NOT_NULL(punt_name[why]);
    }
    punts_exit(&punts);
}

static void order_and_bytes_survive_many_turns_of_the_ring(void)
{
    struct punts punts;
    CU_ASSERT_TRUE_FATAL(punts_init(&punts));
    uint32_t random = 1, put = 0, got = 0;
    uint32_t *lens = calloc(20000, sizeof *lens);
    const uint8_t *first = NULL;
    size_t room = punt_stats(&punts, PUNT_CLASS_LOCAL).room;
    bool right = true;
    while (got < 20000) {
        for (uint32_t n = next_random(&random) % 40; n > 0 && put < 20000; n--) {
            uint32_t len = next_random(&random) % (put % 50 == 0 ? (uint32_t)sizeof storage : 2000);
            struct packet in = numbered(storage, put, len, PUNT_LOCAL);
            if (!punt_put(&punts, &in))
                break;
            lens[put++] = len;
        }
        struct packet out;
        for (uint32_t n = next_random(&random) % 40; n > 0 && punt_get(&punts, PUNT_CLASS_LOCAL, &out); n--) {
            if (first == NULL)
                first = out.frame; /* at the very start of the ring */
            right = right && is_numbered(&out, got, lens[got]) && (uintptr_t)packet_ip(&out) % 4 == 0 &&
                    out.frame >= first && out.frame + out.len < first + room;
            got++;
            punt_done(&punts, PUNT_CLASS_LOCAL);
        }
    }
    CU_ASSERT_TRUE(right);
    CU_ASSERT_TRUE(punts_empty(&punts));
    CU_ASSERT_EQUAL(punt_stats(&punts, PUNT_CLASS_LOCAL).put, 20000);
    free(lens);
    punts_exit(&punts);
}

static void a_full_ring_refuses_and_leaves_the_others_alone(void)
{
    struct punts punts;
    CU_ASSERT_TRUE_FATAL(punts_init(&punts));
    unsigned put = 0;
    struct packet flood = numbered(storage, 5, 60, PUNT_TTL);
    while (punt_put(&punts, &flood))
        put++;
    struct punt_stats stats = punt_stats(&punts, PUNT_CLASS_ERROR);
    CU_ASSERT_EQUAL(stats.put, put);
    CU_ASSERT_EQUAL(stats.full, 1);
    CU_ASSERT_TRUE(stats.bytes <= stats.room);
    CU_ASSERT_TRUE(stats.room - stats.bytes < 1000); /* it was full indeed */

    struct packet local = numbered(storage, 6, 60, PUNT_LOCAL);
    CU_ASSERT_TRUE(punt_put(&punts, &local));

    struct packet out;
    flood = numbered(storage, 5, 60, PUNT_TTL);
    CU_ASSERT_TRUE(punt_get(&punts, PUNT_CLASS_ERROR, &out));
    punt_done(&punts, PUNT_CLASS_ERROR);
    CU_ASSERT_TRUE(punt_put(&punts, &flood));
    unsigned got = 0;
    while (punt_get(&punts, PUNT_CLASS_ERROR, &out)) {
        got++;
        punt_done(&punts, PUNT_CLASS_ERROR);
    }
    CU_ASSERT_EQUAL(got, put);
    CU_ASSERT_EQUAL(punt_stats(&punts, PUNT_CLASS_ERROR).bytes, 0);
    punts_exit(&punts);
}

#define CROSSING 200000

static void *produce(void *arg)
{
    struct punts *punts = arg;
    static uint8_t bytes[2000];
    uint32_t random = 99;
    for (uint32_t i = 0; i < CROSSING;) {
        struct packet in = numbered(bytes, i, 20 + next_random(&random) % 300, PUNT_OPTIONS);
        while (!punt_put(punts, &in))
            sched_yield();
        i++;
    }
    return NULL;
}

static void two_threads_lose_and_change_nothing(void)
{
    struct punts punts;
    CU_ASSERT_TRUE_FATAL(punts_init(&punts));
    pthread_t producer;
    CU_ASSERT_EQUAL_FATAL(pthread_create(&producer, NULL, produce, &punts), 0);
    uint32_t random = 99, got = 0;
    bool right = true;
    while (got < CROSSING) {
        struct packet out;
        if (!punt_get(&punts, PUNT_CLASS_SLOW, &out)) {
            sched_yield();
            continue;
        }
        right = right && is_numbered(&out, got, 20 + next_random(&random) % 300);
        memset(out.frame, 0, out.len); /* the core may write where it reads */
        punt_done(&punts, PUNT_CLASS_SLOW);
        got++;
    }
    pthread_join(producer, NULL);
    CU_ASSERT_TRUE(right);
    CU_ASSERT_TRUE(punts_empty(&punts));
    punts_exit(&punts);
}

static const struct unit_case all[] = {
    {"a packet comes out as it went in", a_packet_comes_out_as_it_went_in},
    {"only what answers with an error is cut to a quote", only_what_answers_with_an_error_is_cut_to_a_quote},
    {"order and bytes survive many turns of the ring", order_and_bytes_survive_many_turns_of_the_ring},
    {"a full ring refuses and leaves the others alone", a_full_ring_refuses_and_leaves_the_others_alone},
    {"two threads lose and change nothing", two_threads_lose_and_change_nothing},
};
UNIT_MAIN("punt", all)
