#include "forwarding/options.h"

#include <stdlib.h>
#include <string.h>

#include "forwarding/bytes.h"
#include "forwarding/checksum.h"
#include "forwarding/own.h"
#include "forwarding/port.h"
#include "tests/unit/support/frames.h"
#include "tests/unit/support/unit.h"

/* 10.0.1.1/24 and 10.0.2.1/24 are ours; time is 01:00:00.005 UT on some day. */
#define NOW    ((struct now){.ns = 1, .wall_ms = 86400000ull * 20000 + 3600005})
#define STAMP  0x00, 0x36, 0xee, 0x85
#define RECORD 0x0a000201

static struct own_table *own_new(void)
{
    static struct port *port;
    port = port_new(2);
    port->up = true;
    port->addresses[0] = (struct prefix){0x0a000101, 24};
    port->addresses[1] = (struct prefix){0x0a000201, 24};
    const struct port *ports[] = {port};
    struct own_table *own = own_table_new(ports, 1);
    free(port);
    return own;
}

/* A header with LEN bytes of options, padded, to DST. Returns its length. */
static unsigned header_with(uint8_t ip[IP_HEADER_MAX], const uint8_t *options, unsigned len, uint32_t dst)
{
    uint8_t padded[OPTIONS_MAX] = {0};
    memcpy(padded, options, len);
    struct ip fields = {.src = 0x0a000102,
                        .dst = dst,
                        .header = (uint8_t)(IP_HEADER_MIN + (len + 3) / 4 * 4),
                        .len = (uint16_t)(IP_HEADER_MIN + (len + 3) / 4 * 4),
                        .ttl = 64,
                        .protocol = 17};
    ip_write(ip, &fields, padded);
    return fields.header;
}

static void malformed(void)
{
    static const struct {
        const char *name;
        uint8_t bytes[40];
        unsigned len;
        uint8_t pointer;
    } table[] = {
        {"length missing", {1, 1, 1, 7}, 4, 23},
        {"length 0", {7, 0, 4, 0}, 4, 20},
        {"length 1", {99, 1, 0, 0}, 4, 20},
        {"beyond the header", {1, 7, 8, 4}, 4, 21},
        {"unknown, beyond the header", {222, 5, 0, 0}, 4, 20},
        {"record route without a pointer", {7, 2, 1, 1}, 4, 20},
        {"record route, pointer 3", {7, 7, 3, 0, 0, 0, 0}, 7, 22},
        {"record route, part of a place left", {7, 6, 4, 0, 0, 0}, 6, 22},
        {"record route twice", {7, 3, 4, 7, 3, 4}, 6, 23},
        {"timestamp without flags", {68, 3, 5, 0}, 4, 20},
        {"timestamp, pointer 4", {68, 8, 4, 0, 0, 0, 0, 0}, 8, 22},
        {"timestamp, part of a place left", {68, 8, 6, 0, 0, 0, 0, 0}, 8, 22},
        {"timestamp with address, part of a place left", {68, 8, 5, 1, 0, 0, 0, 0}, 8, 22},
        {"timestamp for given addresses, part of a place left", {68, 8, 5, 3, 0, 0, 0, 0}, 8, 22},
        {"timestamp, overflow full", {68, 8, 9, 0xf0, 0, 0, 0, 0}, 8, 23},
        {"timestamp twice", {68, 4, 5, 0, 68, 4, 5, 0}, 8, 24},
        {"source route, pointer 0", {131, 7, 0, 10, 0, 9, 9}, 7, 22},
        {"source route, part of an address", {137, 5, 4, 10, 0}, 5, 22},
        {"two source routes", {131, 3, 4, 131, 3, 4}, 6, 23},
        {"loose and strict", {131, 3, 4, 1, 137, 3, 4}, 7, 24},
    };
    for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++) {
        uint8_t ip[IP_HEADER_MAX], pointer = 0;
        struct options options;
        unsigned header = header_with(ip, table[i].bytes, table[i].len, 0x0a000909);
        bool ok = options_parse(ip, header, &options, &pointer);
        if (ok || pointer != table[i].pointer)
            printf("\n%s: %s, pointer %u\n", table[i].name, ok ? "accepted" : "refused", pointer);
        CU_ASSERT_FALSE(ok);
        CU_ASSERT_EQUAL(pointer, table[i].pointer);
    }
}

static void harmless(void)
{
    static const struct {
        uint8_t bytes[40];
        unsigned len;
    } table[] = {
        {{148, 4, 0, 0}, 4},                               /* router alert */
        {{130, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 11},        /* security */
        {{222, 6, 1, 2, 3, 4}, 6},                         /* nobody's */
        {{1, 1, 0, 7, 0, 0, 0, 0}, 8},                     /* what follows the end is no option */
        {{68, 8, 5, 2, 0, 0, 0, 0}, 8},                    /* a timestamp of flags that nobody defined */
        {{68, 12, 13, 0xf3, 10, 0, 9, 9, 0, 0, 0, 0}, 12}, /* given addresses, used up: no overflow */
    };
    struct own_table *own = own_new();
    for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++) {
        uint8_t ip[IP_HEADER_MAX], was[IP_HEADER_MAX], pointer;
        struct options options;
        unsigned header = header_with(ip, table[i].bytes, table[i].len, 0x0a000909);
        memcpy(was, ip, header);
        CU_ASSERT_TRUE(options_parse(ip, header, &options, &pointer));
        options_stamp(ip, &options, own, RECORD, NOW);
        options_finish(ip, header);
        CU_ASSERT_EQUAL(memcmp(ip, was, header), 0);
    }
    free(own);
}

static void stamps(void)
{
    static const struct {
        const char *name;
        unsigned len;
        uint8_t bytes[40], after[40];
    } table[] = {
        {"record route, first place", 11, {7, 11, 4}, {7, 11, 8, 10, 0, 2, 1}},
        {"record route, last place", 11, {7, 11, 8, 9, 9, 9, 9}, {7, 11, 12, 9, 9, 9, 9, 10, 0, 2, 1}},
        {"record route, full", 7, {7, 7, 8, 9, 9, 9, 9}, {7, 7, 8, 9, 9, 9, 9}},
        {"timestamp", 12, {68, 12, 5, 0}, {68, 12, 9, 0, STAMP}},
        {"timestamp full counts", 8, {68, 8, 9, 0x10, 1, 2, 3, 4}, {68, 8, 9, 0x20, 1, 2, 3, 4}},
        {"timestamp counts to fifteen", 8, {68, 8, 9, 0xe1, 1, 2, 3, 4}, {68, 8, 9, 0xf1, 1, 2, 3, 4}},
        {"timestamp and address", 12, {68, 12, 5, 1}, {68, 12, 13, 1, 10, 0, 2, 1, STAMP}},
        {"given address, ours",
         20,
         {68, 20, 5, 3, 10, 0, 1, 1, 0, 0, 0, 0, 10, 0, 2, 1},
         {68, 20, 13, 3, 10, 0, 1, 1, STAMP, 10, 0, 2, 1}},
        {"given address, not ours", 12, {68, 12, 5, 3, 10, 0, 1, 9}, {68, 12, 5, 3, 10, 0, 1, 9}},
        {"both, behind others",
         20,
         {1, 148, 4, 0, 0, 7, 7, 4, 0, 0, 0, 0, 68, 8, 5, 0},
         {1, 148, 4, 0, 0, 7, 7, 8, 10, 0, 2, 1, 68, 8, 9, 0, STAMP}},
    };
    struct own_table *own = own_new();
    for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++) {
        uint8_t ip[IP_HEADER_MAX], pointer;
        struct options options;
        unsigned header = header_with(ip, table[i].bytes, table[i].len, 0x0a000909);
        CU_ASSERT_TRUE(options_parse(ip, header, &options, &pointer));
        options_stamp(ip, &options, own, RECORD, NOW);
        options_finish(ip, header);
        bool right = memcmp(ip + IP_HEADER_MIN, table[i].after, table[i].len) == 0;
        if (!right)
            printf("\n%s\n", table[i].name);
        CU_ASSERT_TRUE(right);
        CU_ASSERT_EQUAL(checksum_fold(checksum_add(0, ip, header)), 0xffff);
    }
    free(own);
}

static void source_routes(void)
{
    static const struct {
        const char *name;
        unsigned len;
        uint32_t dst, next;
        uint8_t bytes[40], after[40];
    } table[] = {
        {"next of two",
         11,
         0x0a000101,
         0x09090909,
         {131, 11, 4, 9, 9, 9, 9, 8, 8, 8, 8},
         {131, 11, 8, 10, 0, 2, 1, 8, 8, 8, 8}},
        {"last",
         11,
         0x0a000101,
         0x08080808,
         {137, 11, 8, 9, 9, 9, 9, 8, 8, 8, 8},
         {137, 11, 12, 9, 9, 9, 9, 10, 0, 2, 1}},
        {"used up", 7, 0x0a000101, 0x0a000101, {131, 7, 8, 9, 9, 9, 9}, {131, 7, 8, 9, 9, 9, 9}},
        {"not to us", 7, 0x09090909, 0x09090909, {131, 7, 4, 8, 8, 8, 8}, {131, 7, 4, 8, 8, 8, 8}},
        {"by ourselves to another",
         11,
         0x0a000101,
         0x08080808,
         {131, 11, 4, 10, 0, 2, 1, 8, 8, 8, 8},
         {131, 11, 12, 10, 0, 2, 1, 10, 0, 2, 1}},
        {"empty", 3, 0x0a000101, 0x0a000101, {131, 3, 4}, {131, 3, 4}},
    };
    struct own_table *own = own_new();
    for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++) {
        uint8_t ip[IP_HEADER_MAX], pointer;
        struct options options;
        unsigned header = header_with(ip, table[i].bytes, table[i].len, table[i].dst);
        CU_ASSERT_TRUE(options_parse(ip, header, &options, &pointer));
        uint32_t next = options_follow_route(ip, &options, own, RECORD);
        bool right = next == table[i].next && load_be32(ip + IP_AT_DST) == next &&
                     memcmp(ip + IP_HEADER_MIN, table[i].after, table[i].len) == 0;
        if (!right)
            printf("\n%s\n", table[i].name);
        CU_ASSERT_TRUE(right);
    }
    free(own);
}

static void reflections(void)
{
    static const struct {
        const char *name;
        bool stamps;
        unsigned len, after_len;
        uint32_t first_hop;
        uint8_t bytes[40], after[40];
    } table[] = {
        {"recorded route and time go along, others do not",
         true,
         20,
         16,
         0x0a000102,
         {148, 4, 0, 0, 7, 7, 8, 9, 9, 9, 9, 68, 8, 9, 0, 1, 2, 3, 4},
         {7, 7, 8, 9, 9, 9, 9, 68, 8, 9, 0, 1, 2, 3, 4, 0}},
        {"an error reflects only the way", false, 8, 0, 0x0a000102, {7, 7, 8, 9, 9, 9, 9}, {0}},
        {"three routers backwards",
         true,
         15,
         16,
         0x03030303,
         {131, 15, 16, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3},
         {131, 15, 4, 2, 2, 2, 2, 1, 1, 1, 1, 10, 0, 1, 2, 0}},
        {"one router", true, 7, 8, 0x01010101, {137, 7, 8, 1, 1, 1, 1}, {137, 7, 4, 10, 0, 1, 2, 0}},
        {"only what was travelled",
         true,
         11,
         8,
         0x01010101,
         {131, 11, 8, 1, 1, 1, 1, 2, 2, 2, 2},
         {131, 7, 4, 10, 0, 1, 2, 0}},
        {"a sender that put itself first",
         true,
         11,
         8,
         0x01010101,
         {131, 11, 12, 10, 0, 1, 2, 1, 1, 1, 1},
         {131, 7, 4, 10, 0, 1, 2, 0}},
        {"nothing travelled", true, 7, 0, 0x0a000102, {131, 7, 4, 1, 1, 1, 1}, {0}},
        {"a pointer far beyond", true, 7, 8, 0x01010101, {131, 7, 255, 1, 1, 1, 1}, {131, 7, 4, 10, 0, 1, 2, 0}},
    };
    for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++) {
        uint8_t ip[IP_HEADER_MAX], pointer;
        struct options options;
        struct reflected back;
        unsigned header = header_with(ip, table[i].bytes, table[i].len, 0x0a000101);
        CU_ASSERT_TRUE(options_parse(ip, header, &options, &pointer));
        options_reflect(ip, &options, table[i].stamps, 0x0a000102, &back);
        bool right = back.first_hop == table[i].first_hop && back.len == table[i].after_len &&
                     memcmp(back.bytes, table[i].after, back.len) == 0;
        if (!right)
            printf("\n%s: %u bytes by %x\n", table[i].name, back.len, back.first_hop);
        CU_ASSERT_TRUE(right);
    }
}

/* Under the sanitizers: nothing that a header can hold makes any of it leave the header. */
static void random_bytes(void)
{
    struct own_table *own = own_new();
    srand(7);
    for (unsigned i = 0; i < 200000; i++) {
        static const uint8_t kinds[] = {0, 1, 7, 68, 131, 137, 148, 200};
        uint8_t bytes[OPTIONS_MAX], pointer = 0;
        unsigned len = (unsigned)rand() % 10 * 4 + 4;
        for (unsigned b = 0; b < len; b++)
            bytes[b] = (uint8_t)(rand() % 4 == 0 ? rand() : rand() % 3 == 0 ? kinds[rand() % 8] : rand() % 14);
        uint8_t *ip = malloc(IP_HEADER_MIN + len);
        uint8_t whole[IP_HEADER_MAX];
        unsigned header = header_with(whole, bytes, len, 0x0a000101);
        memcpy(ip, whole, header);
        struct options options;
        if (options_parse(ip, header, &options, &pointer)) {
            struct reflected back;
            options_reflect(ip, &options, true, 0x0a000102, &back);
            CU_ASSERT_TRUE_FATAL(back.len <= len);
            options_follow_route(ip, &options, own, RECORD);
            options_stamp(ip, &options, own, RECORD, NOW);
            CU_ASSERT_TRUE_FATAL(options_parse(ip, header, &options, &pointer) || pointer >= IP_HEADER_MIN);
        } else {
            CU_ASSERT_TRUE_FATAL(pointer >= IP_HEADER_MIN && pointer < header);
        }
        free(ip);
    }
    free(own);
}

static const struct unit_case cases[] = {
    {"a malformed option is refused, pointing at the octet at fault", malformed},
    {"options that are not ours to act on stay as they are", harmless},
    {"record route and timestamp are filled", stamps},
    {"a source route is followed from our address", source_routes},
    {"an answer carries what was recorded and the route backwards", reflections},
    {"random bytes do no harm", random_bytes},
};

UNIT_MAIN("options", cases)
