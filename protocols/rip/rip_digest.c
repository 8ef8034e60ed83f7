/* A secret longer than the digest but not than the hash's block is hashed first by RFC 4822 2.5 (1), and is not by
 * RFC 2104, which the routers that people have go by (BIRD does). So we sign by RFC 2104 and take both. Secrets of any
 * other length come to the same. */
#include "protocols/rip/rip_digest.h"

#include <nettle/hmac.h>
#include <nettle/md5.h>
#include <nettle/memops.h>
#include <nettle/nettle-meta.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>
#include <string.h>

union context {
    struct md5_ctx md5;
    struct sha1_ctx sha1;
    struct sha256_ctx sha256;
    struct sha512_ctx sha512; /* SHA-384 too */
};

static const struct nettle_hash *hash_of(enum rip_auth_mode mode)
{
    switch (mode) {
    case RIP_AUTH_MD5:
        return &nettle_md5;
    case RIP_AUTH_SHA1:
        return &nettle_sha1;
    case RIP_AUTH_SHA256:
        return &nettle_sha256;
    case RIP_AUTH_SHA384:
        return &nettle_sha384;
    case RIP_AUTH_SHA512:
        return &nettle_sha512;
    default:
        return NULL;
    }
}

size_t rip_digest_len(enum rip_auth_mode mode)
{
    const struct nettle_hash *hash = hash_of(mode);
    return hash != NULL ? hash->digest_size : 0;
}

/* The message with the key, filled with zeros, where the digest will be. */
static void keyed_md5(const struct rip_key *key, const uint8_t *message, size_t len, uint8_t *digest)
{
    struct md5_ctx md5;
    uint8_t secret[MD5_DIGEST_SIZE] = {0};
    memcpy(secret, key->secret, key->secret_len < sizeof secret ? key->secret_len : sizeof secret);
    md5_init(&md5);
    md5_update(&md5, len, message);
    md5_update(&md5, sizeof secret, secret);
    md5_digest(&md5, sizeof secret, digest);
}

/* The message with Apad where the digest will be. */
static void hmac(const struct nettle_hash *hash, const uint8_t *secret, size_t secret_len, const uint8_t *message,
                 size_t len, uint8_t *digest)
{
    static const uint8_t apad[4] = {0x87, 0x8f, 0xe1, 0xf3};
    union context outer, inner, state;
    nettle_hmac_set_key(&outer, &inner, &state, hash, secret_len, secret);
    nettle_hmac_update(&state, hash, len, message);
    for (size_t i = 0; i < hash->digest_size; i += sizeof apad)
        nettle_hmac_update(&state, hash, sizeof apad, apad);
    nettle_hmac_digest(&outer, &inner, &state, hash, hash->digest_size, digest);
}

static void hash_of_secret(const struct nettle_hash *hash, const struct rip_key *key, uint8_t *to)
{
    union context state;
    hash->init(&state);
    hash->update(&state, key->secret_len, key->secret);
    hash->digest(&state, hash->digest_size, to);
}

void rip_digest(const struct rip_key *key, const uint8_t *message, size_t len, uint8_t digest[RIP_DIGEST_MAX])
{
    if (key->mode == RIP_AUTH_MD5)
        keyed_md5(key, message, len, digest);
    else
        hmac(hash_of(key->mode), key->secret, key->secret_len, message, len, digest);
}

bool rip_digest_equal(const uint8_t *a, const uint8_t *b, size_t len)
{
    return memeql_sec(a, b, len) != 0;
}

bool rip_digest_is_right(const struct rip_key *key, const uint8_t *message, size_t len, const uint8_t *digest)
{
    const struct nettle_hash *hash = hash_of(key->mode);
    uint8_t right[RIP_DIGEST_MAX], secret[RIP_DIGEST_MAX];
    rip_digest(key, message, len, right);
    if (rip_digest_equal(right, digest, hash->digest_size))
        return true;
    if (key->mode == RIP_AUTH_MD5 || key->secret_len <= hash->digest_size || key->secret_len > hash->block_size)
        return false;
    hash_of_secret(hash, key, secret);
    hmac(hash, secret, hash->digest_size, message, len, right);
    return rip_digest_equal(right, digest, hash->digest_size);
}
