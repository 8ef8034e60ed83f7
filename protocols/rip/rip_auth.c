/* A message that is signed with a digest:
 *
 *     header | entry: 0xffff, 3, offset of the trailer, key, length of the digest, sequence number | routes
 *            | trailer: 0xffff, 1, digest
 *
 * (The header of RFC 2091's messages is eight bytes long; the offset counts from the beginning all the same.)
 *
 * The digest is over all that is before it. Some say the length of the whole trailer where that of the digest belongs;
 * both are taken (RFC 2082 was read in two ways).
 *
 * Sequence numbers are seconds since 1970, so that a router that has restarted need not remember its last one, and is
 * not refused by neighbours who do. They do not decrease when the clock is set back, and end at the highest (in 2106)
 * rather than begin again: equal ones are taken, lower ones are not. */
#include "protocols/rip/rip_auth.h"

#include <string.h>

#include "forwarding/bytes.h"
#include "protocols/rip/rip_digest.h"
#include "protocols/rip/rip_packet.h"

/* From the beginning of the entry. */
#define AT_TYPE     2
#define AT_PASSWORD 4
#define AT_OFFSET   4
#define AT_KEY      6
#define AT_LENGTH   7
#define AT_SEQUENCE 8
#define AT_RESERVED 12

#define PASSWORD_LEN   16
#define RESERVED_LEN   8
#define TRAILER_HEADER 4
#define TRAILER_TYPE   1

_Static_assert(AT_RESERVED + RESERVED_LEN == RIP_AUTH_ENTRY, "the entry is filled");

/* ---- passwords ---- */

static void password_of(const struct rip_key *key, uint8_t to[PASSWORD_LEN])
{
    memset(to, 0, PASSWORD_LEN);
    memcpy(to, key->secret, key->secret_len < PASSWORD_LEN ? key->secret_len : PASSWORD_LEN);
}

/* A password says no number: it may be that of any key. */
static enum rip_reject verify_password(const struct rip_auth *auth, const uint8_t *password, uint64_t wall_ms)
{
    bool any = false, right = false, accepted = false;
    for (unsigned i = 0; i < auth->n; i++) {
        const struct rip_key *key = &auth->keys[i];
        uint8_t expected[PASSWORD_LEN];
        if (key->mode != RIP_AUTH_TEXT)
            continue;
        password_of(key, expected);
        bool equal = rip_digest_equal(password, expected, PASSWORD_LEN);
        any = true;
        right |= equal;
        accepted |= equal && rip_keys_accepts(auth, key, wall_ms);
    }
    if (!any)
        return RIP_REJECT_AUTH_TYPE;
    if (!right)
        return RIP_REJECT_AUTH_PASSWORD;
    return accepted ? RIP_ACCEPT : RIP_REJECT_AUTH_KEY_LIFETIME;
}

/* ---- sequence numbers ---- */

static unsigned find_seen(const struct rip_auth_seen *seen, uint8_t key)
{
    unsigned i = 0;
    while (i < seen->n && seen->of[i].key != key)
        i++;
    return i;
}

static void see(struct rip_auth_seen *seen, uint8_t key, uint32_t sequence)
{
    unsigned at = find_seen(seen, key);
    if (at == seen->n && seen->n < RIP_SEEN_KEYS)
        seen->n++;
    if (at == RIP_SEEN_KEYS)
        at--;
    memmove(&seen->of[1], &seen->of[0], at * sizeof seen->of[0]);
    seen->of[0].key = key;
    seen->of[0].sequence = sequence;
}

static const struct rip_key *find_same(const struct rip_auth *auth, const struct rip_key *key)
{
    const struct rip_key *other = rip_keys_find(auth, key->id);
    return other != NULL && rip_keys_same(key, other) ? other : NULL;
}

void rip_auth_seen_update(struct rip_auth_seen *seen, const struct rip_auth *before, const struct rip_auth *after)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < seen->n; i++) {
        const struct rip_key *key = rip_keys_find(before, seen->of[i].key);
        if (key != NULL && find_same(after, key) != NULL)
            seen->of[kept++] = seen->of[i];
    }
    seen->n = kept;
}

static uint32_t next_sequence(struct rip_auth_sent *sent, uint64_t wall_ms)
{
    uint64_t seconds = wall_ms / 1000;
    uint32_t sequence = seconds < UINT32_MAX ? (uint32_t)seconds : UINT32_MAX;
    if (sequence > sent->sequence)
        sent->sequence = sequence;
    return sent->sequence;
}

/* ---- digests ---- */

/* False unless there is a trailer behind whole entries. */
static bool find_trailer(const uint8_t *message, size_t len, size_t *offset)
{
    size_t header = rip_entries_at(message[0]);
    *offset = load_be16(message + header + AT_OFFSET);
    return *offset >= header + RIP_AUTH_ENTRY && (*offset - header) % RIP_ENTRY == 0 &&
           *offset + TRAILER_HEADER <= len && load_be16(message + *offset) == RIP_FAMILY_AUTH &&
           load_be16(message + *offset + 2) == TRAILER_TYPE;
}

/* SAID is how long the digest is by the entry, LEN how long it is. Those of another algorithm are no broken ones. */
static enum rip_reject check_lengths(const struct rip_key *key, size_t said, size_t len)
{
    bool known = false;
    if (said != len && said != len + TRAILER_HEADER)
        return RIP_REJECT_AUTH_FORMAT;
    for (unsigned mode = RIP_AUTH_MD5; mode < RIP_AUTH__COUNT; mode++)
        known |= len == rip_digest_len(mode);
    if (!known)
        return RIP_REJECT_AUTH_FORMAT;
    return len == rip_digest_len(key->mode) ? RIP_ACCEPT : RIP_REJECT_AUTH_TYPE;
}

/* RFC 4822 2.3.2. One key is tried and no more (3.2). */
static enum rip_reject verify_digest(const struct rip_auth *auth, const uint8_t *message, size_t len,
                                     struct rip_auth_seen *seen, bool viable, uint64_t wall_ms, size_t *end)
{
    const uint8_t *entry = message + rip_entries_at(message[0]);
    uint8_t id = entry[AT_KEY];
    uint32_t sequence = load_be32(entry + AT_SEQUENCE);
    const struct rip_key *key = rip_keys_find(auth, id);
    if (!find_trailer(message, len, end))
        return RIP_REJECT_AUTH_FORMAT;
    if (key == NULL)
        return RIP_REJECT_AUTH_NO_KEY;
    if (!rip_keys_accepts(auth, key, wall_ms))
        return RIP_REJECT_AUTH_KEY_LIFETIME;
    size_t covered = *end + TRAILER_HEADER;
    enum rip_reject reject = check_lengths(key, entry[AT_LENGTH], len - covered);
    if (reject != RIP_ACCEPT)
        return reject;
    if (!rip_digest_is_right(key, message, covered, message + covered))
        return RIP_REJECT_AUTH_DIGEST;
    unsigned last = find_seen(seen, id);
    if (viable && last < seen->n && sequence < seen->of[last].sequence)
        return RIP_REJECT_AUTH_SEQUENCE;
    see(seen, id, sequence);
    return RIP_ACCEPT;
}

static bool has_digest_keys(const struct rip_auth *auth)
{
    for (unsigned i = 0; i < auth->n; i++)
        if (auth->keys[i].mode > RIP_AUTH_TEXT)
            return true;
    return false;
}

enum rip_reject rip_auth_verify(const struct rip_auth *auth, const uint8_t *message, size_t len,
                                struct rip_auth_seen *seen, bool viable, struct now now, size_t *begin, size_t *end)
{
    size_t header = len > 0 ? rip_entries_at(message[0]) : RIP_HEADER;
    size_t least = header == RIP_HEADER ? RIP_ENTRY : 0; /* RFC 2091's may have no entries */
    if (len < header + least)
        return RIP_REJECT_SHORT;
    const uint8_t *entry = message + header;
    bool has = len >= header + RIP_AUTH_ENTRY && load_be16(entry) == RIP_FAMILY_AUTH;
    *begin = has ? header + RIP_AUTH_ENTRY : header;
    *end = len;
    if (!rip_auth_is_on(auth))
        return has ? RIP_REJECT_AUTH_UNEXPECTED : RIP_ACCEPT;
    if (!has || message[1] == 1)
        return RIP_REJECT_AUTH_MISSING;
    switch (load_be16(entry + AT_TYPE)) {
    case RIP_AUTH_TYPE_PASSWORD:
        return verify_password(auth, entry + AT_PASSWORD, now.wall_ms);
    case RIP_AUTH_TYPE_DIGEST:
        if (!has_digest_keys(auth))
            return RIP_REJECT_AUTH_TYPE;
        return verify_digest(auth, message, len, seen, viable, now.wall_ms, end);
    default:
        return RIP_REJECT_AUTH_TYPE;
    }
}

/* ---- signing ---- */

static bool sign_with_digest(const struct rip_key *key, uint32_t sequence, uint8_t *message, size_t *len, size_t room)
{
    size_t offset = *len, digest_len = rip_digest_len(key->mode);
    if (offset > UINT16_MAX || offset + TRAILER_HEADER + digest_len > room)
        return false;
    uint8_t *entry = message + rip_entries_at(message[0]);
    store_be16(entry + AT_TYPE, RIP_AUTH_TYPE_DIGEST);
    store_be16(entry + AT_OFFSET, (uint16_t)offset);
    entry[AT_KEY] = key->id;
    entry[AT_LENGTH] = (uint8_t)digest_len;
    store_be32(entry + AT_SEQUENCE, sequence);
    memset(entry + AT_RESERVED, 0, RESERVED_LEN);
    store_be16(message + offset, RIP_FAMILY_AUTH);
    store_be16(message + offset + 2, TRAILER_TYPE);
    uint8_t digest[RIP_DIGEST_MAX];
    rip_digest(key, message, offset + TRAILER_HEADER, digest);
    memcpy(message + offset + TRAILER_HEADER, digest, digest_len);
    *len = offset + TRAILER_HEADER + digest_len;
    return true;
}

bool rip_auth_sign(const struct rip_auth *auth, struct rip_auth_sent *sent, uint8_t *message, size_t *len, size_t room,
                   struct now now)
{
    const struct rip_key *key = rip_keys_to_send(auth, now.wall_ms);
    size_t header = rip_entries_at(message[0]);
    if (key == NULL || *len < header + RIP_AUTH_ENTRY || *len > room)
        return false;
    uint8_t *entry = message + header;
    store_be16(entry, RIP_FAMILY_AUTH);
    if (key->mode != RIP_AUTH_TEXT)
        return sign_with_digest(key, next_sequence(sent, now.wall_ms), message, len, room);
    store_be16(entry + AT_TYPE, RIP_AUTH_TYPE_PASSWORD);
    password_of(key, entry + AT_PASSWORD);
    return true;
}
