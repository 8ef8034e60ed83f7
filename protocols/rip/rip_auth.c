#include "protocols/rip/rip_auth.h"

#include <string.h>

#include "forwarding/bytes.h"
#include "protocols/rip/rip_packet.h"

const char *const rip_auth_mode_name[RIP_AUTH__COUNT] = {
    [RIP_AUTH_NONE] = "none",     [RIP_AUTH_TEXT] = "text",     [RIP_AUTH_MD5] = "md5",       [RIP_AUTH_SHA1] = "sha1",
    [RIP_AUTH_SHA256] = "sha256", [RIP_AUTH_SHA384] = "sha384", [RIP_AUTH_SHA512] = "sha512",
};

#define TYPE_PASSWORD 2
#define PASSWORD_LEN  16

static bool is_within(const struct rip_lifetime *life, uint64_t wall_ms)
{
    return wall_ms >= life->from_ms && (life->until_ms == 0 || wall_ms < life->until_ms);
}

static void password_of(const struct rip_key *key, uint8_t to[PASSWORD_LEN])
{
    memset(to, 0, PASSWORD_LEN);
    memcpy(to, key->secret, key->secret_len < PASSWORD_LEN ? key->secret_len : PASSWORD_LEN);
}

static bool is_equal(const uint8_t *a, const uint8_t *b, size_t len)
{
    uint8_t differ = 0;
    for (size_t i = 0; i < len; i++)
        differ |= a[i] ^ b[i];
    return differ == 0;
}

static enum rip_reject verify_password(const struct rip_auth *auth, const uint8_t *password, uint64_t wall_ms)
{
    enum rip_reject reject = RIP_REJECT_AUTH_TYPE;
    for (unsigned i = 0; i < auth->n; i++) {
        const struct rip_key *key = &auth->keys[i];
        uint8_t expected[PASSWORD_LEN];
        if (key->mode != RIP_AUTH_TEXT)
            continue;
        password_of(key, expected);
        if (!is_equal(password, expected, PASSWORD_LEN))
            reject = reject == RIP_REJECT_AUTH_KEY_LIFETIME ? reject : RIP_REJECT_AUTH_PASSWORD;
        else if (is_within(&key->accept, wall_ms))
            return RIP_ACCEPT;
        else
            reject = RIP_REJECT_AUTH_KEY_LIFETIME;
    }
    return reject;
}

enum rip_reject rip_auth_verify(const struct rip_auth *auth, const uint8_t *message, size_t len,
                                struct rip_auth_seen *seen, bool viable, struct now now, size_t *begin, size_t *end)
{
    (void)seen, (void)viable;
    bool has = load_be16(message + RIP_HEADER) == RIP_FAMILY_AUTH;
    *begin = has ? RIP_HEADER + RIP_AUTH_ENTRY : RIP_HEADER;
    *end = len;
    if (!rip_auth_is_on(auth))
        return has ? RIP_REJECT_AUTH_UNEXPECTED : RIP_ACCEPT;
    if (!has)
        return RIP_REJECT_AUTH_MISSING;
    if (load_be16(message + RIP_HEADER + 2) != TYPE_PASSWORD)
        return RIP_REJECT_AUTH_TYPE;
    return verify_password(auth, message + RIP_HEADER + 4, now.wall_ms);
}

bool rip_auth_sign(const struct rip_auth *auth, struct rip_auth_sent *sent, uint8_t *message, size_t *len, size_t room,
                   struct now now)
{
    (void)sent, (void)len, (void)room;
    for (unsigned i = 0; i < auth->n; i++) {
        const struct rip_key *key = &auth->keys[i];
        if (key->mode != RIP_AUTH_TEXT || !is_within(&key->send, now.wall_ms))
            continue;
        store_be16(message + RIP_HEADER, RIP_FAMILY_AUTH);
        store_be16(message + RIP_HEADER + 2, TYPE_PASSWORD);
        password_of(key, message + RIP_HEADER + 4);
        return true;
    }
    return false;
}
