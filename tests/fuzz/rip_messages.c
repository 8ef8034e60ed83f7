#include "tests/fuzz/rip_messages.h"

#include <stdlib.h>
#include <string.h>

#include "forwarding/bytes.h"
#include "protocols/rip/rip_digest.h"
#include "tests/fuzz/rip_captured.h"

#define NOW_MS UINT64_C(1700000000000)

/* ---- keys and seeds ---- */

static void add_key(struct rip_key *key, uint8_t id, enum rip_auth_mode mode, size_t secret_len)
{
    *key = (struct rip_key){.id = id, .mode = mode, .secret_len = (uint8_t)secret_len};
    for (size_t i = 0; i < secret_len; i++)
        key->secret[i] = (uint8_t)(id * 31 + i * 7 + 1);
}

static void make_keys(struct rip_listeners *l)
{
    unsigned n = 0;
    for (enum rip_auth_mode mode = RIP_AUTH_TEXT; mode < RIP_AUTH__COUNT; mode++)
        add_key(&l->keys[n++], (uint8_t)mode, mode, 9 + 6 * mode);
    add_key(&l->keys[n++], 40, RIP_AUTH_SHA1, 33); /* longer than the digest */
    add_key(&l->keys[n++], 41, RIP_AUTH_SHA512, 128);
    add_key(&l->keys[n++], 42, RIP_AUTH_MD5, 16);
    l->keys[n - 1].accept = (struct rip_lifetime){.from_ms = 1, .until_ms = NOW_MS};
    if (n != RIP_KEYS)
        abort();
    l->of[0].auth = (struct rip_auth){0};
    for (unsigned i = 0; i < n - 1; i++)
        l->of[1 + i].auth = (struct rip_auth){.n = 1, .keys = &l->keys[i]};
    l->of[n].auth = (struct rip_auth){.n = n, .keys = l->keys};
}

static struct rip_message message_of(enum rip_command command, uint8_t version, unsigned routes, bool auth)
{
    struct rip_message m;
    rip_message_begin(&m, command, version, auth);
    for (unsigned i = 0; i < routes && m.left > 0; i++)
        rip_message_add(&m, &(struct rip_entry){.family = RIP_FAMILY_IP,
                                                .tag = (uint16_t)i,
                                                .addr = 0x0a000000 + (i << 16),
                                                .mask = 0xffff0000,
                                                .next_hop = i == 3 ? 0x0a000001 : 0,
                                                .metric = 1 + i % 16});
    return m;
}

static void add_seed(struct rip_listeners *l, const struct rip_message *m)
{
    if (l->n_seeds == RIP_SEEDS)
        abort();
    struct rip_seed *seed = &l->seeds[l->n_seeds++];
    memcpy(seed->bytes, m->bytes, m->len);
    seed->len = m->len;
}

/* Of RFC 2091: each command without authentication, with the password, and with three digests. */
static void make_update_seeds(struct rip_listeners *l)
{
    static const unsigned keys[] = {RIP_KEYS, 0, 1, 3, 5};
    unsigned n = 0;
    for (enum rip_command command = RIP_UPDATE_REQUEST; command <= RIP_UPDATE_ACK; command++)
        for (unsigned i = 0; i < sizeof keys / sizeof keys[0]; i++, n++) {
            bool has_key = keys[i] < RIP_KEYS;
            struct rip_auth auth = {.n = 1, .keys = has_key ? &l->keys[keys[i]] : NULL};
            struct rip_auth_sent sent = {0};
            struct rip_message m = message_of(command, 2, command == RIP_UPDATE_RESPONSE ? i * 6 : 0, has_key);
            if (command != RIP_UPDATE_REQUEST)
                rip_message_number(&m, i % 2 == 1, (uint16_t)(n * 1000));
            if (has_key && !rip_auth_sign(&auth, &sent, m.bytes, &m.len, sizeof m.bytes, l->now))
                abort();
            add_seed(l, &m);
        }
}

static void make_seeds(struct rip_listeners *l)
{
    static const unsigned routes[] = {0, 1, 5, 24};
    for (unsigned i = 0; i < 4; i++) {
        struct rip_message m = message_of(RIP_RESPONSE, 1 + (i & 1), routes[i] + 1, false);
        add_seed(l, &m);
        for (unsigned k = 0; k < RIP_KEYS; k++) {
            struct rip_auth auth = {.n = 1, .keys = &l->keys[k]};
            struct rip_auth_sent sent = {0};
            m = message_of(k == 3 ? RIP_REQUEST : RIP_RESPONSE, 2, routes[i], true);
            if (!rip_auth_sign(&auth, &sent, m.bytes, &m.len, sizeof m.bytes, l->now))
                abort();
            add_seed(l, &m);
        }
    }
}

static void add_captured(struct rip_listeners *l)
{
    for (size_t i = 0; i < RIP_CAPTURED; i++) {
        struct rip_message m = {.len = rip_captured[i].len};
        memcpy(m.bytes, rip_captured[i].bytes, rip_captured[i].len);
        add_seed(l, &m);
    }
}

void rip_listeners_make(struct rip_listeners *l)
{
    *l = (struct rip_listeners){.now = {.ns = NS_PER_S, .wall_ms = NOW_MS}};
    make_keys(l);
    make_seeds(l);
    make_update_seeds(l);
    add_captured(l);
}

bool rip_message_repair(const struct rip_listeners *l, uint8_t *bytes, size_t len)
{
    const struct rip_auth all = {.n = RIP_KEYS, .keys = l->keys};
    size_t header = len > 0 ? rip_entries_at(bytes[0]) : RIP_HEADER;
    if (len < header + RIP_AUTH_ENTRY)
        return false;
    const struct rip_key *key = rip_keys_find(&all, bytes[header + 6]);
    size_t covered = load_be16(bytes + header + 4) + (size_t)4;
    if (key == NULL || covered + rip_digest_len(key->mode) > len)
        return false;
    uint8_t digest[RIP_DIGEST_MAX];
    rip_digest(key, bytes, covered, digest);
    memcpy(bytes + covered, digest, rip_digest_len(key->mode));
    return true;
}

/* ---- listening ---- */

static bool is_seed(const struct rip_listeners *l, const uint8_t *bytes, size_t len)
{
    for (unsigned i = 0; i < l->n_seeds; i++)
        if (l->seeds[i].len == len && memcmp(l->seeds[i].bytes, bytes, len) == 0)
            return true;
    return false;
}

static bool has_digest(const uint8_t *bytes, size_t len)
{
    const uint8_t *entry = bytes + rip_entries_at(bytes[0]);
    return (size_t)(entry - bytes) + RIP_AUTH_ENTRY <= len && load_be16(entry) == RIP_FAMILY_AUTH &&
           load_be16(entry + 2) == RIP_AUTH_TYPE_DIGEST;
}

static void read_entries(const uint8_t *bytes, uint8_t version, size_t begin, size_t end)
{
    const struct prefix subnet = {.addr = 0x0a000001, .len = 24};
    for (size_t at = begin; at < end; at += RIP_ENTRY) {
        struct rip_entry entry = rip_entry_get(bytes + at);
        struct prefix prefix;
        if (version > 1 && entry.family == RIP_FAMILY_AUTH)
            abort();
        if (rip_entry_prefix(&entry, version, subnet, &prefix) == RIP_ACCEPT &&
            (prefix.len > 32 || (prefix.addr & ~prefix_mask(prefix.len)) != 0))
            abort();
    }
}

static enum rip_reject listen(struct rip_listeners *l, struct rip_listener *who, const uint8_t *bytes, size_t len,
                              bool viable, bool repaired)
{
    struct rip_header header;
    struct rip_auth_seen before;
    size_t begin, end;
    memcpy(&before, &who->seen, sizeof before);
    enum rip_reject reject = rip_header_parse(bytes, len, &header);
    if (reject != RIP_ACCEPT)
        return reject;
    reject = rip_auth_verify(&who->auth, bytes, len, &who->seen, viable, l->now, &begin, &end);
    if (reject != RIP_ACCEPT) {
        if (memcmp(&before, &who->seen, sizeof before) != 0)
            abort();
        return reject;
    }
    if (begin < rip_entries_at(bytes[0]) || begin > end || end > len || who->seen.n > RIP_SEEN_KEYS)
        abort();
    if (rip_auth_is_on(&who->auth) && has_digest(bytes, len) && !repaired && !is_seed(l, bytes, len))
        abort();
    reject = rip_entries_check(&header, bytes, begin, end);
    if (reject == RIP_ACCEPT)
        read_entries(bytes, header.version, begin, end);
    return reject;
}

void rip_listeners_hear(struct rip_listeners *l, const uint8_t *bytes, size_t len, bool viable, bool repaired)
{
    for (unsigned i = 0; i < RIP_LISTENERS; i++) {
        /* A block of its own, so that a sanitizer sees what is read beyond it. */
        char text[RIP_AUTH_TEXT_MAX];
        uint8_t *copy = malloc(len + (len == 0));
        if (copy == NULL)
            abort();
        memcpy(copy, bytes, len);
        enum rip_reject reject = listen(l, &l->of[i], copy, len, viable, repaired);
        if (rip_reject_is_auth(reject) && rip_auth_log_refused(&l->of[i].log, reject, copy, l->now, text) &&
            strlen(text) >= sizeof text - 1)
            abort();
        l->met[reject]++;
        free(copy);
    }
}
