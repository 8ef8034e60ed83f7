#include "protocols/rip/rip_packet.h"

#include <string.h>

#include "forwarding/bytes.h"
#include "protocols/rip/rip.h"

/* ---- reading ---- */

enum rip_reject rip_header_parse(const uint8_t *message, size_t len, struct rip_header *header)
{
    struct reader r = reader_of(message, len);
    uint8_t command, version;
    if (len < RIP_HEADER + RIP_ENTRY || !reader_u8(&r, &command) || !reader_u8(&r, &version))
        return RIP_REJECT_SHORT;
    if (version == 0)
        return RIP_REJECT_VERSION;
    if (command != RIP_REQUEST && command != RIP_RESPONSE)
        return RIP_REJECT_COMMAND;
    *header = (struct rip_header){.command = command, .version = version == 1 ? 1 : 2};
    return RIP_ACCEPT;
}

struct rip_entry rip_entry_get(const uint8_t *at)
{
    return (struct rip_entry){
        .family = load_be16(at),
        .tag = load_be16(at + 2),
        .addr = load_be32(at + 4),
        .mask = load_be32(at + 8),
        .next_hop = load_be32(at + 12),
        .metric = load_be32(at + 16),
    };
}

enum rip_reject rip_entries_check(const struct rip_header *header, const uint8_t *message, size_t begin, size_t end)
{
    if (begin > end || (end - begin) % RIP_ENTRY != 0)
        return RIP_REJECT_LENGTH;
    if (header->version == 1 && load_be16(message + 2) != 0)
        return RIP_REJECT_MUST_BE_ZERO;
    for (size_t at = begin; at < end; at += RIP_ENTRY) {
        struct rip_entry entry = rip_entry_get(message + at);
        bool zeros = entry.family == RIP_FAMILY_IP || entry.family == RIP_FAMILY_NONE; /* others have addresses there */
        if (header->version == 1 && zeros && (entry.tag != 0 || entry.mask != 0 || entry.next_hop != 0))
            return RIP_REJECT_MUST_BE_ZERO;
        if (header->version > 1 && entry.family == RIP_FAMILY_AUTH)
            return RIP_REJECT_AUTH_PLACE;
    }
    return RIP_ACCEPT;
}

struct prefix rip_classful(uint32_t addr)
{
    uint8_t len = addr >> 31 == 0 ? 8 : addr >> 30 == 2 ? 16 : 24;
    return (struct prefix){.addr = addr & prefix_mask(len), .len = len};
}

static bool is_mask(uint32_t mask)
{
    uint32_t hosts = ~mask;
    return (hosts & (hosts + 1)) == 0;
}

static uint8_t mask_len(uint32_t mask)
{
    return mask == 0 ? 0 : (uint8_t)(32 - __builtin_ctz(mask));
}

uint8_t rip_guess_len(uint32_t addr, struct prefix subnet)
{
    if (addr == 0)
        return 0;
    struct prefix network = rip_classful(addr);
    if (network.addr == addr)
        return network.len;
    bool inside = prefix_holds(network, subnet.addr) && subnet.len > network.len;
    return inside && (addr & ~prefix_mask(subnet.len)) == 0 ? subnet.len : 32;
}

/* RFC 2453 3.9.2: unicast, and neither net 0 (but the default route) nor 127. */
static bool is_destination(struct prefix prefix)
{
    if (prefix.len == 0)
        return prefix.addr == 0;
    return !addr_is_this_network(prefix.addr) && !addr_is_loopback(prefix.addr) && !addr_is_multicast(prefix.addr) &&
           !addr_is_class_e(prefix.addr);
}

enum rip_reject rip_entry_prefix(const struct rip_entry *entry, uint8_t version, struct prefix subnet,
                                 struct prefix *prefix)
{
    if (entry->family != RIP_FAMILY_IP)
        return RIP_REJECT_FAMILY;
    if (!is_mask(entry->mask))
        return RIP_REJECT_MASK;
    bool masked = version > 1 && (entry->mask != 0 || entry->addr == 0);
    *prefix = (struct prefix){.addr = entry->addr,
                              .len = masked ? mask_len(entry->mask) : rip_guess_len(entry->addr, subnet)};
    if (prefix_network(*prefix) != prefix->addr)
        return RIP_REJECT_HOST_BITS;
    if (!is_destination(*prefix))
        return RIP_REJECT_ADDRESS;
    return RIP_ACCEPT;
}

/* ---- building ---- */

void rip_message_begin(struct rip_message *m, enum rip_command command, uint8_t version, bool auth)
{
    m->version = version;
    m->left = auth ? RIP_ENTRIES_MAX - 1 : RIP_ENTRIES_MAX;
    m->len = auth ? RIP_HEADER + RIP_AUTH_ENTRY : RIP_HEADER;
    memset(m->bytes, 0, m->len);
    m->bytes[0] = (uint8_t)command;
    m->bytes[1] = version;
}

void rip_message_add(struct rip_message *m, const struct rip_entry *entry)
{
    uint8_t *at = m->bytes + m->len;
    bool full = m->version > 1;
    store_be16(at, entry->family);
    store_be16(at + 2, full ? entry->tag : 0);
    store_be32(at + 4, entry->addr);
    store_be32(at + 8, full ? entry->mask : 0);
    store_be32(at + 12, full ? entry->next_hop : 0);
    store_be32(at + 16, entry->metric);
    m->len += RIP_ENTRY;
    m->left--;
}
