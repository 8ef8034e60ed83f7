/* core: IP options: one parser that finds and checks, and small functions that each change one kind in place. */
#include "forwarding/options.h"

#include <string.h>

#include "forwarding/bytes.h"
#include "forwarding/checksum.h"
#include "forwarding/own.h"

/* Offsets inside an option. */
enum { AT_LENGTH = 1, AT_POINTER = 2, AT_FLAGS = 3 };

enum { ROUTE_FIRST = 4, TIMESTAMP_FIRST = 5 }; /* the least legal pointers; a pointer counts from 1 */

enum { TIMESTAMP_ONLY = 0, TIMESTAMP_ADDRESS = 1, TIMESTAMP_PRESPECIFIED = 3 };

#define OVERFLOW_FULL 15
#define DAY_MS        UINT64_C(86400000)

uint32_t options_time(struct now now)
{
    return (uint32_t)(now.wall_ms % DAY_MS);
}

static bool is_own(const struct own_table *own, uint32_t addr)
{
    const struct own *found = own_find(own, addr);
    return found != NULL && found->kind == OWN_ADDRESS;
}

/* Bytes that a timestamp of these FLAGS takes; 0 for flags that nobody defined. */
static unsigned stamp_size(uint8_t flags)
{
    switch (flags) {
    case TIMESTAMP_ONLY:
        return 4;
    case TIMESTAMP_ADDRESS:
    case TIMESTAMP_PRESPECIFIED:
        return 8;
    default:
        return 0;
    }
}

/* A list of given addresses that is used up is not short of room. */
static bool counts_overflow(uint8_t flags)
{
    return flags == TIMESTAMP_ONLY || flags == TIMESTAMP_ADDRESS;
}

/* Record route and source routes: room left must be a whole address. */
static bool route_valid(const uint8_t *option, unsigned len, unsigned *fault)
{
    unsigned pointer = option[AT_POINTER];
    *fault = AT_POINTER;
    return pointer >= ROUTE_FIRST && (pointer > len || pointer + 3 <= len);
}

static bool timestamp_valid(const uint8_t *option, unsigned len, unsigned *fault)
{
    unsigned pointer = option[AT_POINTER];
    *fault = AT_POINTER;
    if (pointer < TIMESTAMP_FIRST)
        return false;
    uint8_t flags = option[AT_FLAGS] & 0xf;
    if (pointer > len) {
        *fault = AT_FLAGS;
        return !counts_overflow(flags) || option[AT_FLAGS] >> 4 < OVERFLOW_FULL;
    }
    unsigned size = stamp_size(flags);
    return pointer + (size != 0 ? size : 4) - 1 <= len;
}

bool options_parse(const uint8_t *ip, unsigned header, struct options *options, uint8_t *pointer)
{
    *options = (struct options){0};
    unsigned at = IP_HEADER_MIN;
    while (at < header && ip[at] != OPTION_END) {
        const uint8_t *option = ip + at;
        if (option[0] == OPTION_NOP) {
            at++;
            continue;
        }
        *pointer = (uint8_t)at;
        unsigned len = at + 1 < header ? option[AT_LENGTH] : 0;
        if (len < 2 || at + len > header)
            return false;

        uint8_t *place = NULL;
        unsigned least = 3, fault = 0;
        bool (*valid)(const uint8_t *, unsigned, unsigned *) = route_valid;
        switch (option[0]) {
        case OPTION_RECORD_ROUTE:
            place = &options->record_route;
            break;
        case OPTION_LOOSE_ROUTE:
        case OPTION_STRICT_ROUTE: /* loose and strict are one kind: RFC 1812 5.2.4.1 */
            place = &options->source_route;
            options->strict = option[0] == OPTION_STRICT_ROUTE;
            break;
        case OPTION_TIMESTAMP:
            place = &options->timestamp;
            least = 4;
            valid = timestamp_valid;
            break;
        default:
            break;
        }
        if (place != NULL) {
            if (*place != 0 || len < least)
                return false;
            if (!valid(option, len, &fault)) {
                *pointer = (uint8_t)(at + fault);
                return false;
            }
            *place = (uint8_t)at;
        }
        at += len;
    }
    return true;
}

uint32_t options_next_hop(const uint8_t *ip, const struct options *options)
{
    const uint8_t *route = ip + options->source_route;
    if (options->source_route == 0 || route[AT_POINTER] > route[AT_LENGTH])
        return 0;
    return load_be32(route + route[AT_POINTER] - 1);
}

uint32_t options_follow_route(uint8_t *ip, const struct options *options, const struct own_table *own, uint32_t record)
{
    uint32_t dst = load_be32(ip + IP_AT_DST);
    uint8_t *route = ip + options->source_route;
    uint32_t next;
    while (is_own(own, dst) && (next = options_next_hop(ip, options)) != 0) {
        store_be32(route + route[AT_POINTER] - 1, is_own(own, next) ? next : record);
        route[AT_POINTER] = (uint8_t)(route[AT_POINTER] + 4);
        dst = next;
    }
    store_be32(ip + IP_AT_DST, dst);
    return dst;
}

static void stamp_route(uint8_t *option, uint32_t record)
{
    unsigned pointer = option[AT_POINTER];
    if (pointer > option[AT_LENGTH])
        return;
    store_be32(option + pointer - 1, record);
    option[AT_POINTER] = (uint8_t)(pointer + 4);
}

static void stamp_time(uint8_t *option, const struct own_table *own, uint32_t record, uint32_t time)
{
    unsigned pointer = option[AT_POINTER];
    uint8_t flags = option[AT_FLAGS] & 0xf;
    unsigned size = stamp_size(flags);
    if (size == 0)
        return;
    if (pointer > option[AT_LENGTH]) {
        if (counts_overflow(flags))
            option[AT_FLAGS] = (uint8_t)(option[AT_FLAGS] + 0x10);
        return;
    }
    uint8_t *slot = option + pointer - 1;
    if (flags == TIMESTAMP_PRESPECIFIED && !is_own(own, load_be32(slot)))
        return;
    if (flags == TIMESTAMP_ADDRESS)
        store_be32(slot, record);
    store_be32(slot + size - 4, time);
    option[AT_POINTER] = (uint8_t)(pointer + size);
}

void options_stamp(uint8_t *ip, const struct options *options, const struct own_table *own, uint32_t record,
                   struct now now)
{
    if (options->record_route != 0)
        stamp_route(ip + options->record_route, record);
    if (options->timestamp != 0)
        stamp_time(ip + options->timestamp, own, record, options_time(now));
}

void options_finish(uint8_t *ip, unsigned header)
{
    store_be16(ip + IP_AT_CHECKSUM, 0);
    store_be16(ip + IP_AT_CHECKSUM, checksum_finish(checksum_add(0, ip, header)));
}

static void append(struct reflected *to, const uint8_t *option, unsigned len)
{
    memcpy(to->bytes + to->len, option, len);
    to->len = (uint8_t)(to->len + len);
}

/* RFC 1812 4.2.2.1 (c): the answer goes to the last router first, and its route is the others backwards and then SRC. A
 * sender that wrongly put itself at the head of the route is left out there. */
static void reverse_route(const uint8_t *option, uint32_t src, struct reflected *to)
{
    unsigned travelled = (option[AT_POINTER] - ROUTE_FIRST) / 4u, room = (option[AT_LENGTH] - 3u) / 4;
    if (travelled > room)
        travelled = room;
    const uint8_t *hops = option + 3;
    if (travelled > 0 && load_be32(hops) == src) {
        hops += 4;
        travelled--;
    }
    if (travelled == 0)
        return;
    to->first_hop = load_be32(hops + 4 * (travelled - 1));
    uint8_t reversed[OPTIONS_MAX] = {option[0], (uint8_t)(3 + 4 * travelled), ROUTE_FIRST};
    for (unsigned i = 0; i + 1 < travelled; i++)
        memcpy(reversed + 3 + 4 * i, hops + 4 * (travelled - 2 - i), 4);
    store_be32(reversed + 3 + 4 * (travelled - 1), src);
    append(to, reversed, 3 + 4 * travelled);
}

void options_reflect(const uint8_t *ip, const struct options *options, bool stamps, uint32_t src, struct reflected *to)
{
    *to = (struct reflected){.first_hop = src};
    if (options->source_route != 0)
        reverse_route(ip + options->source_route, src, to);
    if (stamps && options->record_route != 0)
        append(to, ip + options->record_route, ip[options->record_route + AT_LENGTH]);
    if (stamps && options->timestamp != 0)
        append(to, ip + options->timestamp, ip[options->timestamp + AT_LENGTH]);
    to->len = (uint8_t)((to->len + 3) & ~3); /* the rest is OPTION_END */
}
