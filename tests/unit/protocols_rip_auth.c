#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forwarding/bytes.h"
#include "protocols/rip/rip_auth.h"
#include "protocols/rip/rip_digest.h"
#include "protocols/rip/rip_packet.h"
#include "tests/unit/support/unit.h"

#define NOW_S UINT64_C(1700000000)

static struct now now = {.ns = 1, .wall_ms = NOW_S * 1000};

static struct rip_key key_of(uint8_t id, enum rip_auth_mode mode, const char *secret)
{
    struct rip_key key = {.id = id, .mode = mode, .secret_len = (uint8_t)strlen(secret)};
    memcpy(key.secret, secret, key.secret_len);
    return key;
}

/* LEN bytes that are all different as far as 90 go, and more behind them that do not count. */
static struct rip_key key_of_len(uint8_t id, enum rip_auth_mode mode, unsigned len)
{
    struct rip_key key = {.id = id, .mode = mode, .secret_len = (uint8_t)len};
    for (unsigned i = 0; i < RIP_SECRET_MAX; i++)
        key.secret[i] = (uint8_t)(0x21 + i % 90);
    return key;
}

static struct rip_auth one(const struct rip_key *key)
{
    return (struct rip_auth){.n = 1, .keys = key};
}

static size_t from_hex(const char *hex, uint8_t *to)
{
    size_t len = strlen(hex) / 2;
    for (size_t i = 0; i < len; i++) {
        char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        to[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return len;
}

/* A response with ROUTES routes: 10.9.0.0/16, tag 7, metric 3 first, each other the next /16. */
static struct rip_message response(unsigned routes, bool auth)
{
    struct rip_message m;
    rip_message_begin(&m, RIP_RESPONSE, 2, auth);
    for (unsigned i = 0; i < routes; i++)
        rip_message_add(
            &m,
            &(struct rip_entry){
                .family = RIP_FAMILY_IP, .tag = 7, .addr = 0x0a090000 + (i << 16), .mask = 0xffff0000, .metric = 3});
    return m;
}

static struct rip_message signed_by(const struct rip_auth *auth, unsigned routes)
{
    struct rip_auth_sent sent = {0};
    struct rip_message m = response(routes, true);
    CU_ASSERT_TRUE(rip_auth_sign(auth, &sent, m.bytes, &m.len, sizeof m.bytes, now));
    return m;
}

/* From a neighbour that was never heard. The bytes lie in a block of their own, so that a sanitizer sees what is read
 * beyond them. */
static enum rip_reject verify_bytes(const struct rip_auth *auth, const uint8_t *bytes, size_t len)
{
    struct rip_auth_seen seen = {0};
    size_t begin, end;
    uint8_t *copy = malloc(len + (len == 0));
    memcpy(copy, bytes, len);
    enum rip_reject reject = rip_auth_verify(auth, copy, len, &seen, true, now, &begin, &end);
    if (reject == RIP_ACCEPT) {
        struct rip_header header;
        CU_ASSERT_TRUE(begin >= RIP_HEADER && begin <= end && end <= len);
        reject = rip_header_parse(copy, len, &header);
        if (reject == RIP_ACCEPT)
            reject = rip_entries_check(&header, copy, begin, end);
    } else {
        CU_ASSERT_EQUAL(seen.n, 0);
    }
    free(copy);
    return reject;
}

static enum rip_reject verify(const struct rip_auth *auth, const struct rip_message *m)
{
    return verify_bytes(auth, m->bytes, m->len);
}

static const struct rip_auth no_auth;

/* ---- known answers ---- */

/* Worked out apart from this program, with nothing but hash functions: the digest of a response with one route, by key
 * 9 at NOW_S, for secrets shorter and longer than digest and block. With HASHED the secret is hashed as RFC 4822 2.5
 * (1) says, and else as RFC 2104 does. */
static const struct {
    enum rip_auth_mode mode;
    unsigned secret_len;
    bool hashed;
    const char *digest;
} known[] = {
    {RIP_AUTH_MD5, 6, false, "9144a871e9e90fb8b16fad67a04458bb"},
    {RIP_AUTH_MD5, 16, false, "7790c9829cd7b314025547822c75c156"},
    {RIP_AUTH_MD5, 17, false, "7790c9829cd7b314025547822c75c156"},
    {RIP_AUTH_MD5, 40, false, "7790c9829cd7b314025547822c75c156"},
    {RIP_AUTH_SHA1, 6, false, "830c6c9122b87f6d920014bd2bcb8b996bb33a4b"},
    {RIP_AUTH_SHA1, 20, false, "dab8c27180ffce7c336533d179e0a18fe3cdfc51"},
    {RIP_AUTH_SHA1, 21, false, "6435796000463791ecc2d1badb9df97d96189118"},
    {RIP_AUTH_SHA1, 21, true, "a32217b9bf6a8776793c1382c7690b5836666d5e"},
    {RIP_AUTH_SHA1, 64, false, "92e1607685318bea495b826d6b714f6543555e3b"},
    {RIP_AUTH_SHA1, 64, true, "e58b5a93c5798b8095f62b4b8a0cb450b8e4e7bc"},
    {RIP_AUTH_SHA1, 65, false, "813aa1d61fbcd16417262176e005820ebfc0e974"},
    {RIP_AUTH_SHA256, 6, false, "abd5fa1b5a32426666f9b9a5c3680c2eb8b4a6ab9fd661623e6673d2766ed6cb"},
    {RIP_AUTH_SHA256, 32, false, "c42e3d01a01aae58dbbcd4f88f6abb2f593cca5afb89ab7d40161363c6cc4440"},
    {RIP_AUTH_SHA256, 33, false, "3323c18cfc327145a0ffd51139fee0a7e1d72fa6dd8f7f260641f36049d20d24"},
    {RIP_AUTH_SHA256, 33, true, "21494b8945556acbad77eba1dde87c4ea95a4ab8d39ad212b19da110964b508d"},
    {RIP_AUTH_SHA256, 64, false, "3d1157461d7b89a81ec05e5fc6126e9d2eb875ea57e2319d2a47885bfaf75a6c"},
    {RIP_AUTH_SHA256, 64, true, "5d2727d2e1a42f6a7ab390aef9af5ba645ff8aa5b98dd26462658b36a6424243"},
    {RIP_AUTH_SHA256, 65, false, "65d26dbdfd35b47232c80476bfb4af2ae95b0c00dced4f73bdc93bcb75368b50"},
    {RIP_AUTH_SHA384, 6, false,
     "4675007440bb89deb14dd7299ba0a20c86954d974af716d5eed04ddb608f0e5d03c85fc138c4eb6d7bd65266e433213a"},
    {RIP_AUTH_SHA384, 48, false,
     "faee04b1878094bb18b6c5077becebc1a5c8e22f78e5334297dcdd397d6d99671ba437e3b3959b2d8e30966f2f6f1a8b"},
    {RIP_AUTH_SHA384, 49, false,
     "f1f948560288124ad2bb585d1a9e481271416a4a2afed202b4bc3b39849ee31933a23076a6e49461bd1bf3328f9c6984"},
    {RIP_AUTH_SHA384, 49, true,
     "bfd00a4bb28e812b43e72cd59d1e12fa95bdd3fb7831109595dd2c160377e0a66672b0f7e14ab382744c5b228afcd1ea"},
    {RIP_AUTH_SHA384, 128, false,
     "57a77bc355a18928ea3392209a81a0c447564c91f7942246e3c6a07e0d6e787851fd8dd6864f8e0da53187fdaf5b2684"},
    {RIP_AUTH_SHA384, 128, true,
     "1ab96c16a33744e14c4ad34f5bf4393d1a27bb09e579be879d3f5616d695ff2d1486cea3d65175da093012d2b1af5750"},
    {RIP_AUTH_SHA512, 6, false,
     "93d90dd73e25086efc96dc3f788c396af23a0397c96e92ce28da2eafd41ef4cdd34dad93e13e489d5b7cea32185c5748"
     "d8869749f577ce0c3d755b2d0f677e4f"},
    {RIP_AUTH_SHA512, 64, false,
     "73875187ce6c6d0aa7180daa086773f97ec421858c690b4109f23d31070511627b67d37bd8adabd627eb20dd41881070"
     "a3882091a2f44e1e2ea4fa422488c0e6"},
    {RIP_AUTH_SHA512, 65, false,
     "79802126d17f4ecbee518d21696adce00812c0802f74431e755ee32caeb28e50daa654ad3f9d0e3cc12f0472638f4bf7"
     "4ac8462e139c0ffd52d155fe1fa098fa"},
    {RIP_AUTH_SHA512, 65, true,
     "14a13fb472a41d183b2c57c8bee5dd096ba18c6b9263d4e28f8c32cbe801f9034b21fc64148417b3733fc971ae631d66"
     "3de42804fe56558cffb35eab089249e0"},
    {RIP_AUTH_SHA512, 128, false,
     "a32d3115ff3e3e88bc89718130b5c9f5f7d0a9a9c66a64e125f798f887a560e91e911b40d14ac72fe2a38bb3775130a1"
     "c46c7b5306b1ded82d513e5ba0c2eabf"},
    {RIP_AUTH_SHA512, 128, true,
     "9396f2627be4056e8a9681ae04addcca5404bc72071b2d18224b13c21c6202f4d6579b12e5ea8cc5b120218a680bccb2"
     "958015a3844d29274352e3879e925718"},
};

static void known_answers(void)
{
    for (unsigned i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct rip_key key = key_of_len(9, known[i].mode, known[i].secret_len);
        struct rip_auth auth = one(&key);
        struct rip_message m = signed_by(&auth, 1);
        uint8_t digest[RIP_DIGEST_MAX];
        size_t len = from_hex(known[i].digest, digest);
        CU_ASSERT_EQUAL(len, rip_digest_len(known[i].mode));
        CU_ASSERT_EQUAL(m.len, RIP_HEADER + 2 * RIP_ENTRY + 4 + len);
        bool same = memcmp(m.bytes + m.len - len, digest, len) == 0;
        if (same == known[i].hashed)
            printf("\n  %s with %u bytes\n", rip_auth_mode_name[known[i].mode], known[i].secret_len);
        CU_ASSERT_NOT_EQUAL(same, known[i].hashed);
        memcpy(m.bytes + m.len - len, digest, len);
        CU_ASSERT_EQUAL(verify(&auth, &m), RIP_ACCEPT);
        m.bytes[m.len - 1] ^= 1;
        CU_ASSERT_EQUAL(verify(&auth, &m), RIP_REJECT_AUTH_DIGEST);
    }
}

/* Requests and responses of another router, by key 45, with the first letters of the alphabet as secrets. */
static const struct {
    enum rip_auth_mode mode;
    unsigned letters;
    const char *bytes;
} captured[] = {
    {RIP_AUTH_TEXT, 16, "01020000ffff00026162636465666768696a6b6c6d6e6f700000000000000000000000000000000000000010"},
    {RIP_AUTH_TEXT, 16, "02020000ffff00026162636465666768696a6b6c6d6e6f70000200000a46b200ffffff000000000000000001"},
    {RIP_AUTH_MD5, 16,
     "01020000ffff0003002c2d104fd6133800000000000000000000000000000000000000000000000000000010ffff0001"
     "a2fec865f120880823261369d6c23593"},
    {RIP_AUTH_MD5, 16,
     "02020000ffff0003002c2d104fd6133c0000000000000000000200000a46b200ffffff000000000000000001ffff0001"
     "6d215dd56d27a6f48a51e2c2fcc2af0f"},
    {RIP_AUTH_SHA1, 26,
     "01020000ffff0003002c2d144fd6135100000000000000000000000000000000000000000000000000000010ffff0001"
     "728c5b169a1b39130021a73f7a73bc1beee0e6a2"},
    {RIP_AUTH_SHA1, 26,
     "02020000ffff0003002c2d144fd613540000000000000000000200000a46b200ffffff000000000000000001ffff0001"
     "375c8a50f77f543b2425a695a27d6b953375fc89"},
    {RIP_AUTH_SHA256, 26,
     "01020000ffff0003002c2d204fd6136c00000000000000000000000000000000000000000000000000000010ffff0001"
     "4ae5fb9c970203b85a93812d02586740451abd20cee48a3da46617a0e5505b4b"},
    {RIP_AUTH_SHA256, 26,
     "02020000ffff0003002c2d204fd613700000000000000000000200000a46b200ffffff000000000000000001ffff0001"
     "3965b755535a3375e83a973c60c91693f2de81329e873f7fb7633cb0b3dc3ba2"},
    {RIP_AUTH_SHA384, 26,
     "01020000ffff0003002c2d304fd6138100000000000000000000000000000000000000000000000000000010ffff0001"
     "a1f220f66f72f45be8e0291f2322a1981b6b67bc92797d3b8e05c6838b7e05bc230cabc814708e305470fb276fe34506"},
    {RIP_AUTH_SHA384, 26,
     "02020000ffff0003002c2d304fd613850000000000000000000200000a46b200ffffff000000000000000001ffff0001"
     "64de1dec3632e210025824040b32a947aa8659a1fef392483115c2660386f1834f311df00681e1ccba10b4c177959773"},
    {RIP_AUTH_SHA512, 26,
     "01020000ffff0003002c2d404fd6139500000000000000000000000000000000000000000000000000000010ffff0001"
     "73adb6e35fe607bd0bc5ca2541cc63ecbd0655b177a4e223ef528ea27480e39cee5196bd4e358cb7f185ba499892e683"
     "e756788daa23bf900b015c2d241d2d8e"},
    {RIP_AUTH_SHA512, 26,
     "02020000ffff0003002c2d404fd613990000000000000000000200000a46b200ffffff000000000000000001ffff0001"
     "ad5a5d8aa1a8b0231ec35c1cba6a45fbbee155846b1c724db1b7f02e7365f03875580914676200d1a92fd4995da243ad"
     "202c7a9b806549ad260b21420f8dd83f"},
};

static void another_router(void)
{
    for (unsigned i = 0; i < sizeof captured / sizeof captured[0]; i++) {
        struct rip_key key = key_of(45, captured[i].mode, "abcdefghijklmnopqrstuvwxyz");
        key.secret_len = (uint8_t)captured[i].letters;
        struct rip_auth auth = one(&key);
        struct rip_message m;
        m.len = from_hex(captured[i].bytes, m.bytes);
        CU_ASSERT_EQUAL(verify(&auth, &m), RIP_ACCEPT);
        /* The same comes out here at the same second. */
        bool text = captured[i].mode == RIP_AUTH_TEXT;
        struct rip_auth_sent sent = {0};
        struct rip_message ours = m;
        ours.len -= text ? 0 : 4 + rip_digest_len(captured[i].mode);
        memset(ours.bytes + RIP_HEADER, 0, RIP_AUTH_ENTRY);
        struct now then = {.ns = 1, .wall_ms = UINT64_C(1000) * load_be32(m.bytes + RIP_HEADER + 8) + 999};
        CU_ASSERT_TRUE(rip_auth_sign(&auth, &sent, ours.bytes, &ours.len, sizeof ours.bytes, then));
        CU_ASSERT_EQUAL(ours.len, m.len);
        CU_ASSERT_EQUAL(memcmp(ours.bytes, m.bytes, m.len), 0);
    }
}

/* ---- what is sent ---- */

static void layout(void)
{
    struct rip_key key = key_of(200, RIP_AUTH_SHA256, "secret");
    struct rip_auth auth = one(&key);
    struct rip_message m = signed_by(&auth, 2);
    static const uint8_t entry[] = {2,    2,    0,    0, 0xff, 0xff, 0, 3, 0, 64, 200, 32,
                                    0x65, 0x53, 0xf1, 0, 0,    0,    0, 0, 0, 0,  0,   0};
    static const uint8_t trailer[] = {0xff, 0xff, 0, 1};
    CU_ASSERT_EQUAL(memcmp(m.bytes, entry, sizeof entry), 0);
    CU_ASSERT_EQUAL(memcmp(m.bytes + 64, trailer, sizeof trailer), 0);
    CU_ASSERT_EQUAL(m.len, 64 + 4 + 32);

    key = key_of(0, RIP_AUTH_TEXT, "secret");
    m = signed_by(&auth, 2);
    CU_ASSERT_EQUAL(memcmp(m.bytes + 4, "\xff\xff\0\2secret\0\0\0\0\0\0\0\0\0\0", 20), 0);
    CU_ASSERT_EQUAL(m.len, 64);
}

static void room(void)
{
    struct rip_key key = key_of(1, RIP_AUTH_SHA512, "secret");
    struct rip_auth auth = one(&key);
    struct rip_auth_sent sent = {0};
    struct rip_message m = response(24, true);
    CU_ASSERT_EQUAL(m.left, 0);
    size_t len = m.len, full = len + 4 + 64;
    CU_ASSERT_FALSE(rip_auth_sign(&auth, &sent, m.bytes, &len, full - 1, now));
    CU_ASSERT_EQUAL(len, m.len);
    CU_ASSERT_TRUE(rip_auth_sign(&auth, &sent, m.bytes, &len, full, now));
    CU_ASSERT_EQUAL(len, full);
    CU_ASSERT_TRUE(full <= sizeof m.bytes);
    len = RIP_HEADER;
    CU_ASSERT_FALSE(rip_auth_sign(&auth, &sent, m.bytes, &len, sizeof m.bytes, now));
    CU_ASSERT_FALSE(rip_auth_sign(&no_auth, &sent, m.bytes, &m.len, sizeof m.bytes, now));
}

/* ---- what is refused ---- */

static void every_mode_against_every_other(void)
{
    for (unsigned here = 0; here < RIP_AUTH__COUNT; here++) {
        for (unsigned there = 0; there < RIP_AUTH__COUNT; there++) {
            struct rip_key ours = key_of(1, here, "secret"), theirs = key_of(1, there, "secret");
            struct rip_auth at_us = here != RIP_AUTH_NONE ? one(&ours) : no_auth, at_them = one(&theirs);
            struct rip_message m = there != RIP_AUTH_NONE ? signed_by(&at_them, 3) : response(3, false);
            enum rip_reject expected = here == there            ? RIP_ACCEPT
                                       : here == RIP_AUTH_NONE  ? RIP_REJECT_AUTH_UNEXPECTED
                                       : there == RIP_AUTH_NONE ? RIP_REJECT_AUTH_MISSING
                                                                : RIP_REJECT_AUTH_TYPE;
            CU_ASSERT_EQUAL(verify(&at_us, &m), expected);
        }
    }
}

static void version_1(void)
{
    struct rip_key key = key_of(1, RIP_AUTH_MD5, "secret");
    struct rip_auth auth = one(&key);
    struct rip_message m;
    rip_message_begin(&m, RIP_RESPONSE, 1, false);
    rip_message_add(&m, &(struct rip_entry){.family = RIP_FAMILY_IP, .addr = 0x0a000000, .metric = 1});
    CU_ASSERT_EQUAL(verify(&no_auth, &m), RIP_ACCEPT);
    CU_ASSERT_EQUAL(verify(&auth, &m), RIP_REJECT_AUTH_MISSING);
    store_be16(m.bytes + RIP_HEADER, RIP_FAMILY_AUTH);
    CU_ASSERT_EQUAL(verify(&no_auth, &m), RIP_REJECT_AUTH_UNEXPECTED);
    CU_ASSERT_EQUAL(verify(&auth, &m), RIP_REJECT_AUTH_MISSING);
    /* Whoever has the key has signed a message of version 1: it is none that version 1 knows. */
    m = response(1, true);
    m.bytes[1] = 1;
    struct rip_auth_sent sent = {0};
    CU_ASSERT_TRUE(rip_auth_sign(&auth, &sent, m.bytes, &m.len, sizeof m.bytes, now));
    CU_ASSERT_EQUAL(verify(&auth, &m), RIP_REJECT_AUTH_MISSING);
}

static void place(void)
{
    struct rip_key keys[] = {key_of(1, RIP_AUTH_TEXT, "secret"), key_of(2, RIP_AUTH_SHA1, "secret")};
    for (unsigned mode = 0; mode < 3; mode++) {
        struct rip_auth auth = mode > 0 ? one(&keys[mode - 1]) : no_auth;
        for (unsigned at = 1; at < 4; at++) {
            struct rip_message m = response(4, mode > 0);
            struct rip_auth_sent sent = {0};
            uint8_t *entry = m.bytes + RIP_HEADER + RIP_ENTRY * (at + (mode > 0));
            memset(entry, 0, RIP_ENTRY);
            memcpy(entry, "\xff\xff\0\2secret", 10);
            if (mode > 0)
                CU_ASSERT_TRUE(rip_auth_sign(&auth, &sent, m.bytes, &m.len, sizeof m.bytes, now));
            CU_ASSERT_EQUAL(verify(&auth, &m), RIP_REJECT_AUTH_PLACE);
        }
    }
    /* The right password as the second entry is none. */
    struct rip_auth auth = one(&keys[0]);
    struct rip_message m = response(2, false);
    memcpy(m.bytes + RIP_HEADER + RIP_ENTRY, "\xff\xff\0\2secret\0\0\0\0\0\0\0\0\0\0", RIP_ENTRY);
    CU_ASSERT_EQUAL(verify(&auth, &m), RIP_REJECT_AUTH_MISSING);
}

static void passwords(void)
{
    struct rip_key key = key_of(1, RIP_AUTH_TEXT, "secret"), other = key;
    struct rip_auth auth = one(&key), others = one(&other);
    static const char *const wrong[] = {"", "s", "secre", "secreT", "secrets", "Secret"};
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        other = key_of(1, RIP_AUTH_TEXT, wrong[i]);
        struct rip_message m = signed_by(&others, 1);
        CU_ASSERT_EQUAL(verify(&auth, &m), RIP_REJECT_AUTH_PASSWORD);
    }
    other = key_of(77, RIP_AUTH_TEXT, "secret"); /* a password has no number */
    struct rip_message m = signed_by(&others, 1);
    CU_ASSERT_EQUAL(verify(&auth, &m), RIP_ACCEPT);
    m.bytes[RIP_HEADER + 4 + 6] = 'x';
    CU_ASSERT_EQUAL(verify(&auth, &m), RIP_REJECT_AUTH_PASSWORD);
    key = key_of(1, RIP_AUTH_TEXT, "0123456789abcdefgh");
    other = key_of(1, RIP_AUTH_TEXT, "0123456789abcdef");
    m = signed_by(&others, 1);
    CU_ASSERT_EQUAL(verify(&auth, &m), RIP_ACCEPT);
    store_be16(m.bytes + RIP_HEADER + 2, 4);
    CU_ASSERT_EQUAL(verify(&auth, &m), RIP_REJECT_AUTH_TYPE);
    store_be16(m.bytes + RIP_HEADER + 2, 1);
    CU_ASSERT_EQUAL(verify(&auth, &m), RIP_REJECT_AUTH_TYPE);
}

static void wrong_keys(void)
{
    struct rip_key ours = key_of(1, RIP_AUTH_SHA256, "secret"), theirs = ours;
    struct rip_auth auth = one(&ours), others = one(&theirs);
    theirs.id = 2;
    struct rip_message m = signed_by(&others, 1);
    CU_ASSERT_EQUAL(verify(&auth, &m), RIP_REJECT_AUTH_NO_KEY);
    theirs = key_of(1, RIP_AUTH_SHA256, "Secret");
    m = signed_by(&others, 1);
    CU_ASSERT_EQUAL(verify(&auth, &m), RIP_REJECT_AUTH_DIGEST);
    theirs = ours;
    m = signed_by(&others, 1);
    CU_ASSERT_EQUAL(verify(&auth, &m), RIP_ACCEPT);
    ours.accept.from_ms = now.wall_ms + 1;
    CU_ASSERT_EQUAL(verify(&auth, &m), RIP_REJECT_AUTH_KEY_LIFETIME);
    ours.accept.from_ms = now.wall_ms;
    CU_ASSERT_EQUAL(verify(&auth, &m), RIP_ACCEPT);
    /* A password of the same number is no key for digests. */
    ours.mode = RIP_AUTH_TEXT;
    CU_ASSERT_EQUAL(verify(&auth, &m), RIP_REJECT_AUTH_TYPE);
}

static void two_ways_to_say_a_length(void)
{
    for (enum rip_auth_mode mode = RIP_AUTH_MD5; mode < RIP_AUTH__COUNT; mode++) {
        struct rip_key key = key_of(1, mode, "secret");
        struct rip_auth auth = one(&key);
        size_t len = rip_digest_len(mode);
        for (unsigned said = 0; said < 256; said++) {
            struct rip_message m = signed_by(&auth, 1);
            m.bytes[RIP_HEADER + 7] = (uint8_t)said;
            uint8_t digest[RIP_DIGEST_MAX];
            rip_digest(&key, m.bytes, m.len - len, digest);
            memcpy(m.bytes + m.len - len, digest, len);
            bool right = said == len || said == len + 4;
            CU_ASSERT_EQUAL(verify(&auth, &m), right ? RIP_ACCEPT : RIP_REJECT_AUTH_FORMAT);
        }
    }
}

/* Where the digest is right, for one who has the key. */
static enum rip_reject verify_repaired(const struct rip_auth *auth, struct rip_message m, size_t digest_at)
{
    uint8_t digest[RIP_DIGEST_MAX];
    rip_digest(auth->keys, m.bytes, digest_at, digest);
    memcpy(m.bytes + digest_at, digest, rip_digest_len(auth->keys->mode));
    return verify(auth, &m);
}

static void formats(void)
{
    struct rip_key key = key_of(1, RIP_AUTH_MD5, "secret");
    struct rip_auth auth = one(&key);
    struct rip_message good = signed_by(&auth, 3);
    size_t digest_at = good.len - 16, offset = digest_at - 4;
    for (unsigned wrong = 0; wrong < 65536; wrong++) {
        struct rip_message m = good;
        if (wrong == offset)
            continue;
        store_be16(m.bytes + RIP_HEADER + 4, (uint16_t)wrong);
        CU_ASSERT_EQUAL(verify_repaired(&auth, m, digest_at), RIP_REJECT_AUTH_FORMAT);
    }
    static const uint32_t trailers[] = {0, 0xffff0000, 0xffff0002, 0xffff0003, 0x00020001, 0xffff0101};
    for (unsigned i = 0; i < sizeof trailers / sizeof trailers[0]; i++) {
        struct rip_message m = good;
        store_be32(m.bytes + offset, trailers[i]);
        CU_ASSERT_EQUAL(verify_repaired(&auth, m, digest_at), RIP_REJECT_AUTH_FORMAT);
    }
    for (unsigned more = 1; more <= 4; more++) {
        struct rip_message m = good;
        m.len += more;
        memset(m.bytes + good.len, 0, more);
        CU_ASSERT_EQUAL(verify(&auth, &m), RIP_REJECT_AUTH_FORMAT);
    }
    for (unsigned more = 1; more < RIP_ENTRY; more++) {
        struct rip_message m = response(3, true);
        struct rip_auth_sent sent = {0};
        memset(m.bytes + m.len, 0, more);
        m.len += more;
        CU_ASSERT_TRUE(rip_auth_sign(&auth, &sent, m.bytes, &m.len, sizeof m.bytes, now));
        CU_ASSERT_EQUAL(verify(&auth, &m), RIP_REJECT_AUTH_FORMAT);
    }
    /* An entry alone, and no route behind it, is a whole message. */
    struct rip_message empty = signed_by(&auth, 0);
    CU_ASSERT_EQUAL(verify(&auth, &empty), RIP_ACCEPT);
    /* What must be zero is not looked at: it is covered. */
    empty.bytes[2] = 1;
    empty.bytes[RIP_HEADER + 13] = 1;
    CU_ASSERT_EQUAL(verify_repaired(&auth, empty, empty.len - 16), RIP_ACCEPT);
}

static void every_truncation_and_flip(void)
{
    for (enum rip_auth_mode mode = RIP_AUTH_MD5; mode < RIP_AUTH__COUNT; mode++) {
        struct rip_key key = key_of(5, mode, "secret");
        struct rip_auth auth = one(&key);
        struct rip_message good = signed_by(&auth, 24);
        unsigned taken = 0;
        CU_ASSERT_EQUAL(verify(&auth, &good), RIP_ACCEPT);
        for (size_t len = 0; len < good.len; len++)
            taken += verify_bytes(&auth, good.bytes, len) == RIP_ACCEPT;
        for (size_t bit = 0; bit < good.len * 8; bit++) {
            good.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
            taken += verify(&auth, &good) == RIP_ACCEPT;
            good.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        CU_ASSERT_EQUAL(taken, 0);
        CU_ASSERT_EQUAL(verify(&auth, &good), RIP_ACCEPT);
    }
}

/* ---- sequence numbers ---- */

static enum rip_reject hear(struct rip_auth_seen *seen, const struct rip_auth *auth, uint32_t sequence, bool viable)
{
    struct rip_auth_sent sent = {0};
    struct rip_message m = response(1, true);
    struct rip_auth_seen before;
    memcpy(&before, seen, sizeof before);
    size_t begin, end;
    struct now then = {.ns = 1, .wall_ms = UINT64_C(1000) * sequence};
    CU_ASSERT_TRUE(rip_auth_sign(auth, &sent, m.bytes, &m.len, sizeof m.bytes, then));
    enum rip_reject reject = rip_auth_verify(auth, m.bytes, m.len, seen, viable, now, &begin, &end);
    if (reject == RIP_ACCEPT) {
        CU_ASSERT_EQUAL(seen->of[0].sequence, sequence);
    } else {
        CU_ASSERT_EQUAL(memcmp(&before, seen, sizeof before), 0);
    }
    return reject;
}

static void replay(void)
{
    struct rip_key key = key_of(1, RIP_AUTH_SHA256, "secret");
    struct rip_auth auth = one(&key);
    struct rip_auth_seen seen = {0};
    CU_ASSERT_EQUAL(hear(&seen, &auth, 1000, true), RIP_ACCEPT);
    CU_ASSERT_EQUAL(hear(&seen, &auth, 1000, true), RIP_ACCEPT); /* non-decreasing */
    CU_ASSERT_EQUAL(hear(&seen, &auth, 999, true), RIP_REJECT_AUTH_SEQUENCE);
    CU_ASSERT_EQUAL(hear(&seen, &auth, 0, true), RIP_REJECT_AUTH_SEQUENCE);
    CU_ASSERT_EQUAL(hear(&seen, &auth, UINT32_MAX, true), RIP_ACCEPT);
    CU_ASSERT_EQUAL(hear(&seen, &auth, 1001, true), RIP_REJECT_AUTH_SEQUENCE);
    /* It was away, and begins again. */
    CU_ASSERT_EQUAL(hear(&seen, &auth, 0, false), RIP_ACCEPT);
    CU_ASSERT_EQUAL(hear(&seen, &auth, 1, true), RIP_ACCEPT);
    CU_ASSERT_EQUAL(hear(&seen, &auth, 0, true), RIP_REJECT_AUTH_SEQUENCE);
    CU_ASSERT_EQUAL(hear(&seen, &auth, 900, false), RIP_ACCEPT);
    CU_ASSERT_EQUAL(hear(&seen, &auth, 899, true), RIP_REJECT_AUTH_SEQUENCE);
}

static void numbers_by_key(void)
{
    struct rip_key keys[RIP_SEEN_KEYS + 1];
    struct rip_auth_seen seen = {0};
    for (unsigned i = 0; i <= RIP_SEEN_KEYS; i++)
        keys[i] = key_of((uint8_t)i, RIP_AUTH_SHA1, "secret");
    for (unsigned i = 0; i < RIP_SEEN_KEYS; i++) {
        struct rip_auth auth = one(&keys[i]);
        CU_ASSERT_EQUAL(hear(&seen, &auth, 100 - i, true), RIP_ACCEPT);
        CU_ASSERT_EQUAL(seen.n, i + 1);
    }
    for (unsigned i = 0; i < RIP_SEEN_KEYS; i++) {
        struct rip_auth auth = one(&keys[i]);
        CU_ASSERT_EQUAL(hear(&seen, &auth, 99 - i, true), RIP_REJECT_AUTH_SEQUENCE);
        CU_ASSERT_EQUAL(hear(&seen, &auth, 100 - i, true), RIP_ACCEPT);
    }
    struct rip_auth first = one(&keys[0]), second = one(&keys[1]), more = one(&keys[RIP_SEEN_KEYS]);
    CU_ASSERT_EQUAL(hear(&seen, &first, 100, true), RIP_ACCEPT); /* so that the second was silent longest */
    CU_ASSERT_EQUAL(hear(&seen, &more, 7, true), RIP_ACCEPT);
    CU_ASSERT_EQUAL(seen.n, RIP_SEEN_KEYS);
    CU_ASSERT_EQUAL(hear(&seen, &first, 99, true), RIP_REJECT_AUTH_SEQUENCE);
    CU_ASSERT_EQUAL(hear(&seen, &more, 6, true), RIP_REJECT_AUTH_SEQUENCE);
    CU_ASSERT_EQUAL(hear(&seen, &second, 1, true), RIP_ACCEPT);
}

static void other_keys(void)
{
    struct rip_key before[] = {key_of(1, RIP_AUTH_MD5, "one"), key_of(2, RIP_AUTH_MD5, "two"),
                               key_of(3, RIP_AUTH_MD5, "three"), key_of(4, RIP_AUTH_MD5, "four")};
    struct rip_key after[] = {key_of(2, RIP_AUTH_MD5, "two"), key_of(3, RIP_AUTH_MD5, "other"),
                              key_of(4, RIP_AUTH_SHA1, "four")};
    struct rip_auth_seen seen = {0};
    for (unsigned i = 0; i < 4; i++) {
        struct rip_auth auth = one(&before[i]);
        CU_ASSERT_EQUAL(hear(&seen, &auth, 50, true), RIP_ACCEPT);
    }
    after[0].send.until_ms = 1; /* another lifetime is no other key */
    rip_auth_seen_update(&seen, &(struct rip_auth){.n = 4, .keys = before}, &(struct rip_auth){.n = 3, .keys = after});
    CU_ASSERT_EQUAL(seen.n, 1);
    CU_ASSERT_EQUAL(seen.of[0].key, 2);
    CU_ASSERT_EQUAL(seen.of[0].sequence, 50);
}

static uint32_t sequence_at(struct rip_auth_sent *sent, uint64_t wall_ms)
{
    struct rip_key key = key_of(1, RIP_AUTH_MD5, "secret");
    struct rip_auth auth = one(&key);
    struct rip_message m = response(1, true);
    struct now then = {.ns = 1, .wall_ms = wall_ms};
    CU_ASSERT_TRUE(rip_auth_sign(&auth, sent, m.bytes, &m.len, sizeof m.bytes, then));
    return load_be32(m.bytes + RIP_HEADER + 8);
}

static void a_year_of_updates(void)
{
    struct rip_auth_sent sent = {0};
    uint32_t last = 0;
    for (uint64_t s = NOW_S; s < NOW_S + 365 * 86400; s += 3607) {
        for (unsigned i = 0; i < 3; i++) {
            uint32_t sequence = sequence_at(&sent, s * 1000 + i);
            CU_ASSERT_TRUE_FATAL(sequence >= last);
            last = sequence;
        }
        /* One that restarts now, and has forgotten everything, goes on where it was. */
        struct rip_auth_sent forgotten = {0};
        CU_ASSERT_TRUE_FATAL(sequence_at(&forgotten, s * 1000 + 3) >= last);
    }
}

static void clocks(void)
{
    struct rip_auth_sent sent = {0};
    CU_ASSERT_EQUAL(sequence_at(&sent, 0), 0);
    CU_ASSERT_EQUAL(sequence_at(&sent, NOW_S * 1000), NOW_S);
    CU_ASSERT_EQUAL(sequence_at(&sent, NOW_S * 1000 - 7200000), NOW_S); /* it was set back */
    CU_ASSERT_EQUAL(sequence_at(&sent, NOW_S * 1000 + 1000), NOW_S + 1);
    CU_ASSERT_EQUAL(sequence_at(&sent, UINT64_C(0xfffffffe) * 1000), 0xfffffffe);
    CU_ASSERT_EQUAL(sequence_at(&sent, UINT64_C(0xffffffff) * 1000), 0xffffffff);
    CU_ASSERT_EQUAL(sequence_at(&sent, UINT64_C(0x100000000) * 1000), 0xffffffff);
    CU_ASSERT_EQUAL(sequence_at(&sent, UINT64_MAX), 0xffffffff);
    struct rip_auth_sent forgotten = {0};
    CU_ASSERT_EQUAL(sequence_at(&forgotten, UINT64_C(0x100000005) * 1000), 0xffffffff);
}

static const struct unit_case cases[] = {
    {"digests are those that were worked out apart", known_answers},
    {"messages of another router are accepted, and made the same", another_router},
    {"the entry and the trailer are laid out as RFC 4822 draws them", layout},
    {"what has no room is not signed", room},
    {"every mode refuses every other, and says why", every_mode_against_every_other},
    {"version 1 has no authentication", version_1},
    {"an authentication entry is the first or refused", place},
    {"passwords are compared whole", passwords},
    {"another number, another secret, another time: each has its reason", wrong_keys},
    {"the length of the digest is said with or without the trailer's header", two_ways_to_say_a_length},
    {"offsets and trailers that do not fit are refused even if signed", formats},
    {"every truncation and every flipped bit is refused", every_truncation_and_flip},
    {"a lower sequence number is a replay while the neighbour is there", replay},
    {"each key has its own sequence numbers", numbers_by_key},
    {"keys that were changed begin anew, others do not", other_keys},
    {"a year of updates never decreases, and a restart leaves no gap", a_year_of_updates},
    {"clocks that are set back or run out do not make numbers decrease", clocks},
};

UNIT_MAIN("rip authentication", cases)
