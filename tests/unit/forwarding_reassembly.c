#include "forwarding/reassembly.h"

#include <stdlib.h>
#include <string.h>

#include "forwarding/bytes.h"
#include "forwarding/counters.h"
#include "tests/unit/support/frames.h"
#include "tests/unit/support/unit.h"

#define DATA_MAX 66000

/* What the hooks heard. */
static struct {
    unsigned used, dropped[DROP__COUNT], timeouts, timeouts_with_first;
} heard;

static struct timers timers;
static struct reassembly *table;
static struct now now;
static uint8_t pattern[DATA_MAX];

static void on_used(void *context, unsigned port, struct now at)
{
    (void)context, (void)port, (void)at;
    heard.used++;
}

static void on_dropped(void *context, unsigned port, enum drop why, struct now at)
{
    (void)context, (void)port, (void)at;
    heard.dropped[why]++;
}

static void on_timed_out(void *context, const struct packet *first, struct now at)
{
    (void)context, (void)at;
    heard.timeouts++;
    heard.timeouts_with_first += first != NULL && ip_offset(&first->ip) == 0;
}

static void begin(size_t total, size_t by_source)
{
    const struct reassembly_hooks hooks = {.used = on_used, .dropped = on_dropped, .timed_out = on_timed_out};
    memset(&heard, 0, sizeof heard);
    for (unsigned i = 0; i < DATA_MAX; i++)
        pattern[i] = (uint8_t)(i * 31 + i / 251);
    now = (struct now){.ns = 1000 * NS_PER_S};
    timers_init(&timers, NULL);
    table = reassembly_new(total, by_source, &hooks, &timers);
}

static void end(void)
{
    reassembly_free(table);
    CU_ASSERT_EQUAL(timers_due(&timers), NEVER_NS);
    timers_exit(&timers);
}

struct piece {
    uint32_t src;
    uint16_t id, port;
    unsigned at, len;
    bool more;
    const uint8_t *data; /* NULL: the pattern's */
    const uint8_t *options;
    uint8_t options_len;
};

static bool give(struct piece p, struct packet *whole)
{
    struct frame_spec spec = {
        .src = p.src != 0 ? p.src : 0x0a000102,
        .dst = 0x0a000101,
        .id = p.id,
        .protocol = 99,
        .fragment = (uint16_t)(p.at / 8 | (p.more ? IP_MF : 0)),
        .data = p.data != NULL ? p.data : pattern + p.at,
        .len = p.len,
        .options = p.options,
        .options_len = p.options_len,
    };
    struct packet packet = frame_new(p.port, &spec);
    if (p.len == 0) { /* which the description can not say */
        packet.len -= 28;
        store_be16(packet_ip(&packet) + IP_AT_LENGTH, 20);
        store_be16(packet_ip(&packet) + IP_AT_CHECKSUM, 0);
        struct ip ip = {.src = spec.src, .dst = spec.dst, .len = 20, .fragment = spec.fragment, .header = 20};
        ip_write(packet_ip(&packet), &ip, NULL);
    }
    CU_ASSERT_EQUAL_FATAL(ip_parse(packet_ip(&packet), packet.len - ETHERNET_HEADER, &packet.ip), DROP__COUNT);
    struct packet ignored;
    bool complete = reassembly_add(table, &packet, whole != NULL ? whole : &ignored, now);
    frame_free(&packet);
    return complete;
}

static bool is_pattern(const struct packet *whole, unsigned len)
{
    struct ip ip;
    return ip_parse(packet_ip(whole), whole->len - ETHERNET_HEADER, &ip) == DROP__COUNT && ip.fragment == 0 &&
           ip.len == ip.header + len && whole->ip.len == ip.len && whole->len == ETHERNET_HEADER + (uint32_t)ip.len &&
           memcmp(packet_ip(whole) + ip.header, pattern, len) == 0;
}

static void any_order(void)
{
    static const unsigned orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    begin(1 << 20, 1 << 20);
    for (unsigned o = 0; o < 6; o++) {
        struct packet whole;
        for (unsigned i = 0; i < 3; i++) {
            unsigned n = orders[o][i];
            bool complete =
                give((struct piece){.id = (uint16_t)o, .at = n * 16, .len = n < 2 ? 16 : 5, .more = n < 2}, &whole);
            CU_ASSERT_EQUAL(complete, i == 2);
        }
        CU_ASSERT_TRUE(is_pattern(&whole, 37));
    }
    CU_ASSERT_EQUAL(heard.used, 18);
    CU_ASSERT_EQUAL(reassembly_totals(table).bytes, 0);
    CU_ASSERT_EQUAL(reassembly_totals(table).datagrams, 0);
    end();
}

static void first_header_and_port(void)
{
    static const uint8_t options[] = {148, 4, 0, 0};
    struct packet whole;
    begin(1 << 20, 1 << 20);
    give((struct piece){.at = 8, .len = 8, .port = 7}, NULL);
    CU_ASSERT_EQUAL(reassembly_held(table, 7), 1);
    CU_ASSERT_TRUE(
        give((struct piece){.at = 0, .len = 8, .more = true, .port = 5, .options = options, .options_len = 4}, &whole));
    CU_ASSERT_EQUAL(whole.ip.header, 24);
    CU_ASSERT_EQUAL(whole.port, 5);
    CU_ASSERT_TRUE(is_pattern(&whole, 16));
    CU_ASSERT_EQUAL(reassembly_held(table, 7), 0);
    end();
}

static void other_datagrams_apart(void)
{
    begin(1 << 20, 1 << 20);
    give((struct piece){.id = 1, .at = 0, .len = 8, .more = true}, NULL);
    CU_ASSERT_FALSE(give((struct piece){.id = 2, .at = 8, .len = 8}, NULL));
    CU_ASSERT_FALSE(give((struct piece){.id = 1, .src = 0x0a000103, .at = 8, .len = 8}, NULL));
    CU_ASSERT_TRUE(give((struct piece){.id = 1, .at = 8, .len = 8}, NULL));
    CU_ASSERT_EQUAL(reassembly_totals(table).datagrams, 2);
    end();
}

static void duplicates(void)
{
    struct packet whole;
    begin(1 << 20, 1 << 20);
    give((struct piece){.at = 0, .len = 16, .more = true}, NULL);
    give((struct piece){.at = 0, .len = 16, .more = true}, NULL);
    give((struct piece){.at = 32, .len = 3}, NULL);
    give((struct piece){.at = 32, .len = 3}, NULL);
    CU_ASSERT_EQUAL(heard.dropped[DROP_FRAGMENT_DUPLICATE], 2);
    CU_ASSERT_TRUE(give((struct piece){.at = 16, .len = 16, .more = true}, &whole));
    CU_ASSERT_TRUE(is_pattern(&whole, 35));
    end();
}

static void overlap(void)
{
    begin(1 << 20, 1 << 20);
    give((struct piece){.at = 0, .len = 16, .more = true}, NULL);
    give((struct piece){.at = 8, .len = 16, .more = true}, NULL);
    CU_ASSERT_EQUAL(heard.dropped[DROP_FRAGMENT_OVERLAP], 2);
    CU_ASSERT_FALSE(give((struct piece){.at = 0, .len = 16, .more = true}, NULL));
    CU_ASSERT_FALSE(give((struct piece){.at = 16, .len = 4}, NULL));
    CU_ASSERT_EQUAL(heard.dropped[DROP_FRAGMENT_OVERLAP], 4);
    now.ns += 61 * NS_PER_S;
    timers_run(&timers, now, 100);
    CU_ASSERT_EQUAL(heard.timeouts, 0);
    give((struct piece){.at = 0, .len = 16, .more = true}, NULL);
    CU_ASSERT_TRUE(give((struct piece){.at = 16, .len = 4}, NULL));
    end();
}

static void same_place_other_bytes(void)
{
    static const uint8_t evil[16] = "not the pattern";
    begin(1 << 20, 1 << 20);
    give((struct piece){.at = 0, .len = 16, .more = true}, NULL);
    give((struct piece){.at = 0, .len = 16, .more = true, .data = evil}, NULL);
    CU_ASSERT_EQUAL(heard.dropped[DROP_FRAGMENT_OVERLAP], 2);
    CU_ASSERT_FALSE(give((struct piece){.at = 16, .len = 4}, NULL));
    end();
}

static void malformed(void)
{
    begin(1 << 20, 1 << 20);
    give((struct piece){.at = 0, .len = 12, .more = true}, NULL);
    CU_ASSERT_EQUAL(heard.dropped[DROP_FRAGMENT_MALFORMED], 1);
    give((struct piece){.at = 65528, .len = 8, .data = pattern}, NULL);
    CU_ASSERT_EQUAL(heard.dropped[DROP_FRAGMENT_MALFORMED], 2);
    give((struct piece){.at = 16, .len = 0, .more = true}, NULL);
    CU_ASSERT_EQUAL(heard.dropped[DROP_FRAGMENT_MALFORMED], 3);
    CU_ASSERT_EQUAL(reassembly_totals(table).bytes, 0);
    end();
}

static void contradictions(void)
{
    begin(1 << 20, 1 << 20);
    give((struct piece){.at = 16, .len = 8}, NULL);
    give((struct piece){.at = 24, .len = 8}, NULL);               /* beyond the end */
    give((struct piece){.at = 0, .len = 8}, NULL);                /* another end, earlier */
    give((struct piece){.at = 16, .len = 8, .more = true}, NULL); /* the end, which is not the end */
    CU_ASSERT_EQUAL(heard.dropped[DROP_FRAGMENT_MALFORMED], 3);
    CU_ASSERT_TRUE(give((struct piece){.at = 0, .len = 16, .more = true}, NULL));
    give((struct piece){.id = 2, .at = 32, .len = 8, .more = true}, NULL);
    give((struct piece){.id = 2, .at = 16, .len = 8}, NULL); /* an end before what has come */
    CU_ASSERT_EQUAL(heard.dropped[DROP_FRAGMENT_MALFORMED], 4);
    end();
}

static void too_long_by_first_header(void)
{
    static const uint8_t options[40] = {1, 1, 1, 1};
    begin(1 << 20, 1 << 20);
    give((struct piece){.at = 65504, .len = 11, .data = pattern}, NULL);
    for (unsigned at = 8; at < 65504; at += 1024)
        give((struct piece){.at = at, .len = at + 1024 > 65504 ? 65504 - at : 1024, .more = true}, NULL);
    CU_ASSERT_EQUAL(heard.dropped[DROP_FRAGMENT_MALFORMED], 0);
    CU_ASSERT_FALSE(give((struct piece){.at = 0, .len = 8, .more = true, .options = options, .options_len = 40}, NULL));
    CU_ASSERT_TRUE(heard.dropped[DROP_FRAGMENT_MALFORMED] > 60);
    CU_ASSERT_EQUAL(reassembly_totals(table).bytes, 0);
    end();
}

static void largest(void)
{
    struct packet whole;
    bool complete = false;
    begin(1 << 20, 1 << 20);
    for (unsigned at = 0; at < 65515; at += 1480)
        complete = give(
            (struct piece){.at = at, .len = at + 1480 < 65515 ? 1480 : 65515 - at, .more = at + 1480 < 65515}, &whole);
    CU_ASSERT_TRUE_FATAL(complete);
    CU_ASSERT_TRUE(is_pattern(&whole, 65515));
    end();
}

static void timeout(void)
{
    begin(1 << 20, 1 << 20);
    give((struct piece){.id = 1, .at = 0, .len = 8, .more = true}, NULL);
    give((struct piece){.id = 2, .at = 8, .len = 8}, NULL);
    now.ns += 59 * NS_PER_S;
    give((struct piece){.id = 1, .at = 8, .len = 8, .more = true}, NULL); /* gains no time */
    timers_run(&timers, now, 100);
    CU_ASSERT_EQUAL(heard.timeouts, 0);
    now.ns += NS_PER_S;
    timers_run(&timers, now, 100);
    CU_ASSERT_EQUAL(heard.timeouts, 2);
    CU_ASSERT_EQUAL(heard.timeouts_with_first, 1);
    CU_ASSERT_EQUAL(heard.dropped[DROP_FRAGMENT_TIMEOUT], 3);
    CU_ASSERT_EQUAL(reassembly_totals(table).datagrams, 0);
    end();
}

static void source_bound(void)
{
    begin(1 << 20, 8192);
    give((struct piece){.src = 0x0a000909, .id = 1, .at = 0, .len = 1000, .more = true}, NULL);
    for (unsigned i = 0; i < 100; i++)
        give((struct piece){.id = (uint16_t)i, .at = 0, .len = 1000, .more = true}, NULL);
    CU_ASSERT_TRUE(heard.dropped[DROP_FRAGMENT_EVICTED] >= 92);
    CU_ASSERT_TRUE(give((struct piece){.id = 99, .at = 1000, .len = 8}, NULL));
    CU_ASSERT_FALSE(give((struct piece){.id = 0, .at = 1000, .len = 8}, NULL));
    CU_ASSERT_TRUE(give((struct piece){.src = 0x0a000909, .id = 1, .at = 1000, .len = 8}, NULL));
    end();
}

static void total_bound(void)
{
    begin(65536, 16384);
    for (unsigned i = 0; i < 4000; i++) {
        give((struct piece){.src = 0x0b000000 + i, .at = 8, .len = 8}, NULL);
        CU_ASSERT_TRUE_FATAL(reassembly_totals(table).bytes <= 65536);
    }
    CU_ASSERT_TRUE(heard.dropped[DROP_FRAGMENT_EVICTED] > 3000);
    give((struct piece){.id = 1, .at = 0, .len = 1000, .more = true}, NULL);
    CU_ASSERT_TRUE(give((struct piece){.id = 1, .at = 1000, .len = 8}, NULL));
    end();
}

static void more_than_all(void)
{
    begin(4096, 4096);
    for (unsigned i = 0; i < 10; i++)
        give((struct piece){.at = i * 1000, .len = 1000, .more = true}, NULL);
    CU_ASSERT_TRUE(heard.dropped[DROP_FRAGMENT_EVICTED] >= 4);
    CU_ASSERT_TRUE(reassembly_totals(table).bytes <= 4096);
    end();
}

static void tiny_fragments(void)
{
    begin(16 << 20, 16 << 20);
    for (unsigned i = 0; i < 3000; i++)
        give((struct piece){.at = 16 * i + 8, .len = 8, .more = true}, NULL);
    CU_ASSERT_TRUE(reassembly_held(table, 0) <= REASSEMBLY_FRAGMENTS);
    CU_ASSERT_EQUAL(heard.dropped[DROP_FRAGMENT_EVICTED], 3000);
    now.ns += 60 * NS_PER_S;
    timers_run(&timers, now, 10);
    end();
}

/* The twin: a map of bytes. Random cuts in random order must come out whole exactly when the map is full. */
static void random_orders(void)
{
    srand(4711);
    begin(1 << 20, 1 << 20);
    for (unsigned round = 0; round < 300; round++) {
        unsigned cut[64], n = 0, len = (unsigned)rand() % 4000 + 1;
        for (unsigned at = 0; at < len && n < 63; at += 8 * ((unsigned)rand() % 40 + 1))
            cut[n++] = at;
        cut[n] = len;
        static uint8_t map[DATA_MAX];
        memset(map, 0, sizeof map);
        unsigned have = 0;
        for (bool complete = false; !complete;) {
            unsigned i = (unsigned)rand() % n;
            struct packet whole;
            complete =
                give((struct piece){.id = (uint16_t)round, .at = cut[i], .len = cut[i + 1] - cut[i], .more = i + 1 < n},
                     &whole);
            for (unsigned at = cut[i]; at < cut[i + 1]; at++) {
                have += !map[at];
                map[at] = 1;
            }
            CU_ASSERT_EQUAL_FATAL(complete, have == len);
            if (complete)
                CU_ASSERT_TRUE_FATAL(is_pattern(&whole, len));
        }
    }
    CU_ASSERT_EQUAL(reassembly_totals(table).datagrams, 0);
    end();
}

/* Whatever comes: it stays within bounds, and every fragment is accounted for. */
static void random_garbage(void)
{
    srand(99);
    begin(40000, 20000);
    unsigned given = 20000;
    for (unsigned i = 0; i < given; i++) {
        give((struct piece){.src = 0x0a000100 + (unsigned)rand() % 5,
                            .id = (uint16_t)(rand() % 7),
                            .at = (unsigned)rand() % 12 * 8,
                            .len = (unsigned)rand() % 4 * 8 + 8,
                            .more = rand() % 4 != 0},
             NULL);
        CU_ASSERT_TRUE_FATAL(reassembly_totals(table).bytes <= 40000);
        now.ns += (unsigned)rand() % 100 * NS_PER_MS * 10;
        timers_run(&timers, now, 3);
    }
    uint64_t ended = heard.used + reassembly_held(table, 0);
    for (unsigned i = 0; i < DROP__COUNT; i++)
        ended += heard.dropped[i];
    CU_ASSERT_EQUAL(ended, given);
    end();
}

static const struct unit_case cases[] = {
    {"fragments come in any order", any_order},
    {"the first fragment's header and port are the datagram's", first_header_and_port},
    {"fragments of other datagrams are kept apart", other_datagrams_apart},
    {"an exact duplicate is ignored", duplicates},
    {"an overlap drops the datagram until its time is up", overlap},
    {"other bytes at the same place are an overlap", same_place_other_bytes},
    {"impossible fragments are dropped", malformed},
    {"what contradicts the length is dropped", contradictions},
    {"a datagram that its own options make too long is dropped", too_long_by_first_header},
    {"65,535 bytes come together", largest},
    {"60 seconds from the first arrival; an error only if the first fragment came", timeout},
    {"a source over its bound loses its own oldest", source_bound},
    {"a flood from many sources does not lock out a new one", total_bound},
    {"one datagram alone can not pass the bound", more_than_all},
    {"tiny fragments do not pile up", tiny_fragments},
    {"random orders come out as a map of bytes says", random_orders},
    {"random garbage stays in bounds and is accounted for", random_garbage},
};

UNIT_MAIN("reassembly", cases)
