#include <stdio.h>
#include <string.h>

#include "protocols/rip/rip_auth.h"
#include "protocols/rip/rip_auth_log.h"
#include "protocols/rip/rip_packet.h"
#include "tests/unit/support/unit.h"

/* A key by number whose lifetimes are both FROM to UNTIL. */
static struct rip_key key_of(uint8_t id, uint64_t from, uint64_t until)
{
    struct rip_key key = {
        .id = id, .mode = RIP_AUTH_SHA256, .secret_len = 2, .secret = {'k', id}, .send = {from, until}};
    key.accept = key.send;
    return key;
}

static struct rip_auth *auth_of(struct rip_key *keys, unsigned n)
{
    static struct rip_auth auth;
    auth = (struct rip_auth){.n = n, .keys = keys};
    return &auth;
}

/* The number of the key that is sent with at MS; -1: none. */
static int sends(const struct rip_auth *auth, uint64_t ms)
{
    const struct rip_key *key = rip_keys_to_send(auth, ms);
    return key != NULL ? key->id : -1;
}

/* The numbers of the keys that are accepted at MS, a bit each. */
static unsigned accepts(const struct rip_auth *auth, uint64_t ms)
{
    unsigned bits = 0;
    for (unsigned i = 0; i < auth->n; i++)
        if (rip_keys_accepts(auth, &auth->keys[i], ms))
            bits |= 1u << auth->keys[i].id;
    return bits;
}

static void newest(void)
{
    struct rip_key keys[] = {key_of(5, 0, 0), key_of(3, 1000, 5000), key_of(1, 2000, 3000), key_of(2, 2000, 4000),
                             key_of(4, 9000, 0)};
    struct rip_auth *auth = auth_of(keys, 5);
    static const struct {
        uint64_t ms;
        int id;
    } at[] = {{0, 5},    {999, 5},  {1000, 3}, {1999, 3}, {2000, 1}, {2999, 1},
              {3000, 2}, {3999, 2}, {4000, 3}, {5000, 5}, {8999, 5}, {9000, 4}};
    for (unsigned i = 0; i < sizeof at / sizeof at[0]; i++)
        CU_ASSERT_EQUAL(sends(auth, at[i].ms), at[i].id);
    CU_ASSERT_EQUAL(accepts(auth, 0), 1u << 5);
    CU_ASSERT_EQUAL(accepts(auth, 2000), 1u << 5 | 1u << 3 | 1u << 1 | 1u << 2);
    CU_ASSERT_EQUAL(accepts(auth, 3000), 1u << 5 | 1u << 3 | 1u << 2);
    CU_ASSERT_EQUAL(accepts(auth, 9000), 1u << 5 | 1u << 4);
    CU_ASSERT_EQUAL(sends(auth_of(NULL, 0), 5), -1);
}

static void the_last_one_stays(void)
{
    struct rip_key keys[] = {key_of(1, 1000, 2000), key_of(2, 1500, 3000), key_of(3, 1500, 3000), key_of(4, 9000, 0)};
    struct rip_auth *auth = auth_of(keys, 3);
    CU_ASSERT_EQUAL(sends(auth, 999), -1);
    CU_ASSERT_EQUAL(accepts(auth, 999), 0);
    CU_ASSERT_EQUAL(rip_keys_status(auth, 999).state, RIP_KEYS_NOT_YET);
    CU_ASSERT_EQUAL(rip_keys_status(auth, 2999).state, RIP_KEYS_VALID);
    CU_ASSERT_EQUAL(sends(auth, 3000), 2);
    CU_ASSERT_EQUAL(accepts(auth, 3000), 1u << 2 | 1u << 3); /* they ended together */
    CU_ASSERT_EQUAL(sends(auth, UINT64_MAX), 2);
    CU_ASSERT_EQUAL(accepts(auth, UINT64_MAX), 1u << 2 | 1u << 3);
    CU_ASSERT_EQUAL(rip_keys_status(auth, 3000).state, RIP_KEYS_EXPIRED);
    CU_ASSERT_EQUAL(rip_keys_status(auth, 3000).send->id, 2);
    /* Until another begins. */
    auth = auth_of(keys, 4);
    CU_ASSERT_EQUAL(sends(auth, 8999), 2);
    CU_ASSERT_EQUAL(accepts(auth, 8999), 1u << 2 | 1u << 3);
    CU_ASSERT_EQUAL(sends(auth, 9000), 4);
    CU_ASSERT_EQUAL(accepts(auth, 9000), 1u << 4);
    CU_ASSERT_EQUAL(rip_keys_status(auth, 9000).state, RIP_KEYS_VALID);
    CU_ASSERT_EQUAL(rip_keys_status(auth_of(NULL, 0), 9000).state, RIP_KEYS_NONE);
}

/* RFC 4822 5.1: if that is preferred, nothing is used after its end. */
static void the_last_one_ends(void)
{
    struct rip_key keys[] = {key_of(1, 1000, 2000), key_of(2, 1500, 3000), key_of(3, 9000, 0)};
    struct rip_auth auth = {.n = 3, .keys = keys, .fail_secure = true};
    CU_ASSERT_EQUAL(rip_keys_status(&auth, 999).state, RIP_KEYS_NOT_YET);
    CU_ASSERT_EQUAL(sends(&auth, 2999), 2);
    CU_ASSERT_EQUAL(accepts(&auth, 2999), 1u << 2);
    CU_ASSERT_EQUAL(rip_keys_status(&auth, 2999).state, RIP_KEYS_VALID);
    CU_ASSERT_EQUAL(sends(&auth, 3000), -1);
    CU_ASSERT_EQUAL(accepts(&auth, 3000), 0);
    CU_ASSERT_EQUAL(rip_keys_status(&auth, 3000).state, RIP_KEYS_STOPPED);
    CU_ASSERT_EQUAL(rip_keys_status(&auth, 3000).send->id, 2);
    CU_ASSERT_EQUAL(sends(&auth, 9000), 3);
    CU_ASSERT_EQUAL(accepts(&auth, 9000), 1u << 3);
    CU_ASSERT_EQUAL(rip_keys_status(&auth, 9000).state, RIP_KEYS_VALID);
}

/* ---- between two routers ---- */

static enum rip_reject carry(const struct rip_auth *from, struct rip_auth_sent *sent, const struct rip_auth *to,
                             struct rip_auth_seen *seen, uint64_t there_ms, uint64_t here_ms)
{
    struct rip_message m;
    size_t begin, end;
    rip_message_begin(&m, RIP_RESPONSE, 2, true);
    rip_message_add(&m, &(struct rip_entry){.family = RIP_FAMILY_IP, .addr = 0x0a090000, .mask = 0xffff0000});
    CU_ASSERT_TRUE(rip_auth_sign(from, sent, m.bytes, &m.len, sizeof m.bytes, (struct now){1, there_ms}));
    return rip_auth_verify(to, m.bytes, m.len, seen, true, (struct now){1, here_ms}, &begin, &end);
}

/* Two routers whose clocks are 90 s apart change keys every hour, by keys that are accepted for five minutes more at
 * either end. */
static void rollover(void)
{
    enum { HOUR = 3600 * 1000, MARGIN = 300 * 1000, SKEW = 90 * 1000, KEYS = 24 };
    struct rip_key keys[KEYS];
    for (unsigned i = 0; i < KEYS; i++) {
        keys[i] = key_of((uint8_t)(250 + i), (i + 1) * HOUR, (i + 2) * HOUR);
        keys[i].accept.from_ms -= MARGIN;
        keys[i].accept.until_ms += MARGIN;
    }
    const struct rip_auth auth = {.n = KEYS, .keys = keys};
    struct rip_auth_sent sent_a = {0}, sent_b = {0};
    struct rip_auth_seen seen_a = {0}, seen_b = {0};
    unsigned used[256] = {0}, refused = 0;
    for (uint64_t ms = HOUR; ms < (KEYS + 3) * HOUR; ms += 30000) {
        refused += carry(&auth, &sent_a, &auth, &seen_b, ms + SKEW, ms) != RIP_ACCEPT;
        refused += carry(&auth, &sent_b, &auth, &seen_a, ms, ms + SKEW) != RIP_ACCEPT;
        used[rip_keys_to_send(&auth, ms)->id]++;
    }
    CU_ASSERT_EQUAL(refused, 0);
    for (unsigned i = 0; i < KEYS; i++)
        CU_ASSERT_TRUE(used[(uint8_t)(250 + i)] >= 120);
}

static void a_key_is_not_used_before_its_time(void)
{
    struct rip_key key = key_of(1, 1000, 0);
    const struct rip_auth auth = {.n = 1, .keys = &key};
    struct rip_auth_sent sent = {0};
    struct rip_message m;
    rip_message_begin(&m, RIP_RESPONSE, 2, true);
    size_t len = m.len;
    CU_ASSERT_FALSE(rip_auth_sign(&auth, &sent, m.bytes, &m.len, sizeof m.bytes, (struct now){1, 999}));
    CU_ASSERT_EQUAL(m.len, len);
    CU_ASSERT_EQUAL(sent.sequence, 0);
    CU_ASSERT_TRUE(rip_auth_sign(&auth, &sent, m.bytes, &m.len, sizeof m.bytes, (struct now){1, 1000}));
}

/* Passwords have lifetimes too. */
static void passwords(void)
{
    struct rip_key keys[] = {key_of(1, 0, 2000), key_of(2, 1000, 0)};
    keys[0].mode = keys[1].mode = RIP_AUTH_TEXT;
    const struct rip_auth both = {.n = 2, .keys = keys}, old = {.n = 1, .keys = keys};
    struct rip_auth_sent sent = {0};
    struct rip_auth_seen seen = {0};
    CU_ASSERT_EQUAL(carry(&old, &sent, &both, &seen, 0, 1999), RIP_ACCEPT);
    CU_ASSERT_EQUAL(carry(&old, &sent, &both, &seen, 0, 2000), RIP_REJECT_AUTH_KEY_LIFETIME);
    CU_ASSERT_EQUAL(carry(&old, &sent, &old, &seen, 0, 2000), RIP_ACCEPT); /* the last one */
    CU_ASSERT_EQUAL(carry(&both, &sent, &old, &seen, 1000, 1000), RIP_REJECT_AUTH_PASSWORD);
    CU_ASSERT_EQUAL(carry(&both, &sent, &both, &seen, 1000, 999), RIP_REJECT_AUTH_KEY_LIFETIME);
}

/* From passwords to digests: both are keys of one chain for a while. */
static void from_passwords_to_digests(void)
{
    struct rip_key keys[] = {key_of(1, 0, 0), key_of(2, 1000, 0)};
    keys[0].mode = RIP_AUTH_TEXT;
    const struct rip_auth both = {.n = 2, .keys = keys}, old = {.n = 1, .keys = keys}, new = {.n = 1, .keys = keys + 1};
    struct rip_auth_sent sent = {0};
    struct rip_auth_seen seen = {0};
    CU_ASSERT_EQUAL(carry(&old, &sent, &both, &seen, 5000, 5000), RIP_ACCEPT);
    CU_ASSERT_EQUAL(carry(&new, &sent, &both, &seen, 5000, 5000), RIP_ACCEPT);
    CU_ASSERT_EQUAL(carry(&both, &sent, &new, &seen, 5000, 5000), RIP_ACCEPT);
    CU_ASSERT_EQUAL(carry(&old, &sent, &new, &seen, 5000, 5000), RIP_REJECT_AUTH_TYPE);
}

/* ---- what is told ---- */

static void refusals_are_told_once_a_minute(void)
{
    static const uint8_t message[44] = {2, 2, 0, 0, 0xff, 0xff, 0, 3, 0, 44, 7, 16, 0x4f, 0xd6, 0x13, 0x38};
    static const uint8_t bare[24] = {2, 2, 0, 0, 0, 2}, request[24] = {1, 2};
    struct rip_auth_log log = {0};
    char text[RIP_AUTH_TEXT_MAX];
    struct now now = {.ns = 5 * NS_PER_S};
    CU_ASSERT_TRUE(rip_auth_log_refused(&log, RIP_REJECT_AUTH_NO_KEY, message, now, text));
    CU_ASSERT_STRING_EQUAL(text, "no key of that number is configured (key 7, sequence number 1339429688); "
                                 "configure it here, or another one there");
    for (unsigned i = 0; i < 1000; i++) {
        now.ns += 59 * NS_PER_MS;
        CU_ASSERT_FALSE(rip_auth_log_refused(&log, RIP_REJECT_AUTH_NO_KEY, message, now, text));
    }
    /* Others are not held back by it. */
    CU_ASSERT_TRUE(rip_auth_log_refused(&log, RIP_REJECT_AUTH_MISSING, bare, now, text));
    CU_ASSERT_STRING_EQUAL(text, "not authenticated, and this interface demands it; configure the "
                                 "same authentication on both sides");
    now.ns = 65 * NS_PER_S;
    CU_ASSERT_TRUE(rip_auth_log_refused(&(struct rip_auth_log){0}, RIP_REJECT_AUTH_MISSING, request, now, text));
    CU_ASSERT_STRING_EQUAL(text, "not authenticated, and this interface demands it; configure the "
                                 "same authentication on both sides (it was a request, which some routers never "
                                 "authenticate: alone it does no harm)");
    CU_ASSERT_TRUE(rip_auth_log_refused(&log, RIP_REJECT_AUTH_SEQUENCE, message, now, text));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "or at once after 'clear ip rip neighbor'"));
    CU_ASSERT_TRUE(rip_auth_log_refused(&log, RIP_REJECT_AUTH_NO_KEY, message, now, text));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "; so were 1000 more since this was last said"));
    now.ns += 60 * NS_PER_S;
    CU_ASSERT_TRUE(rip_auth_log_refused(&log, RIP_REJECT_AUTH_NO_KEY, message, now, text));
    CU_ASSERT_PTR_NULL(strstr(text, "more"));
}

static void every_reason_is_told(void)
{
    static const uint8_t message[24] = {2, 2};
    struct rip_auth_log log = {0};
    char text[RIP_AUTH_TEXT_MAX];
    for (enum rip_reject why = 0; why <= RIP_ACCEPT; why++) {
        bool ours = why < RIP_REJECT__COUNT && strncmp(rip_reject_name[why], "auth-", 5) == 0;
        CU_ASSERT_EQUAL(rip_reject_is_auth(why), ours);
        if (!ours)
            continue;
        CU_ASSERT_TRUE(rip_auth_log_refused(&log, why, message, (struct now){.ns = 1}, text));
        CU_ASSERT_PTR_NOT_NULL(strstr(text, rip_reject_meaning[why]));
        CU_ASSERT_PTR_NULL(strstr(text, "(null)"));
    }
}

static const char *told(struct rip_auth_log *log, const struct rip_auth *auth, uint64_t ms, bool expect_warning)
{
    static char text[RIP_AUTH_TEXT_MAX];
    bool warning = false;
    if (!rip_auth_log_keys(log, auth, (struct now){.ns = 1, .wall_ms = ms}, &warning, text))
        return "";
    CU_ASSERT_EQUAL(warning, expect_warning);
    return text;
}

static void keys_are_told(void)
{
    enum { DAY = 86400 * 1000 };
    struct rip_key keys[] = {key_of(1, DAY, 3 * DAY), key_of(2, 2 * DAY, 4 * DAY), key_of(3, 6 * DAY, 0)};
    const struct rip_auth auth = {.n = 3, .keys = keys}, none = {.n = 0, .keys = NULL};
    struct rip_auth_log log = {0};
    CU_ASSERT_STRING_EQUAL(told(&log, &none, 0, false), "");
    CU_ASSERT_STRING_EQUAL(told(&log, &auth, 60000, true),
                           "nothing is sent, because no key is valid before 1970-01-02 00:00:00 UTC and it is "
                           "1970-01-01 00:01:00 UTC now: compare lifetimes and clock");
    CU_ASSERT_STRING_EQUAL(told(&log, &auth, 90000, true), "");
    CU_ASSERT_STRING_EQUAL(told(&log, &auth, DAY, false), "messages are signed with key 1 from now on");
    CU_ASSERT_STRING_EQUAL(told(&log, &auth, 2 * DAY, false), "messages are signed with key 2 from now on");
    CU_ASSERT_STRING_EQUAL(told(&log, &auth, 3 * DAY, false),
                           "key 1 expired at 1970-01-04 00:00:00 UTC: it is neither sent with nor accepted any more");
    CU_ASSERT_STRING_EQUAL(told(&log, &auth, 3 * DAY, false), "");
    CU_ASSERT_STRING_EQUAL(told(&log, &auth, 4 * DAY, true),
                           "key 2 expired at 1970-01-05 00:00:00 UTC and no other is valid: it stays in use until one "
                           "is configured");
    CU_ASSERT_STRING_EQUAL(told(&log, &auth, 5 * DAY, true), "");
    CU_ASSERT_STRING_EQUAL(told(&log, &auth, 6 * DAY, false), "messages are signed with key 3 from now on");
    CU_ASSERT_STRING_EQUAL(told(&log, &none, 6 * DAY, false), "");
    CU_ASSERT_STRING_EQUAL(told(&log, &auth, 6 * DAY, false), "");
    CU_ASSERT_STRING_EQUAL(told(&log, &auth, UINT64_MAX, false), "");
    keys[2].send.until_ms = UINT64_MAX;
    CU_ASSERT_PTR_NOT_NULL(strstr(told(&log, &auth, UINT64_MAX, true), "key 3 expired at "));
}

/* Two that end together are told of both, one that is prolonged is told of again, one that was over before is not. */
static void ends_are_told(void)
{
    struct rip_key keys[] = {key_of(1, 0, 1000), key_of(2, 0, 5000), key_of(3, 0, 5000), key_of(200, 4000, 9000)};
    struct rip_auth auth = {.n = 4, .keys = keys};
    struct rip_auth_log log = {0};
    CU_ASSERT_STRING_EQUAL(told(&log, &auth, 2000, false), "");
    CU_ASSERT_STRING_EQUAL(told(&log, &auth, 5000, false), "messages are signed with key 200 from now on");
    CU_ASSERT_PTR_NOT_NULL(strstr(told(&log, &auth, 5000, false), "key 2 expired at 1970-01-01 00:00:05 UTC: "));
    CU_ASSERT_PTR_NOT_NULL(strstr(told(&log, &auth, 5000, false), "key 3 expired at 1970-01-01 00:00:05 UTC: "));
    CU_ASSERT_STRING_EQUAL(told(&log, &auth, 5000, false), "");
    keys[1].accept.until_ms = 7000;
    CU_ASSERT_STRING_EQUAL(told(&log, &auth, 6000, false), "");
    CU_ASSERT_PTR_NOT_NULL(strstr(told(&log, &auth, 7000, false), "key 2 expired at 1970-01-01 00:00:07 UTC: "));
    auth.fail_secure = true;
    CU_ASSERT_STRING_EQUAL(told(&log, &auth, 9000, true),
                           "key 200 expired at 1970-01-01 00:00:09 UTC and no other is valid: nothing is sent until "
                           "one is configured");
    CU_ASSERT_STRING_EQUAL(told(&log, &auth, 9000, true), "");
    log = (struct rip_auth_log){0};
    CU_ASSERT_PTR_NOT_NULL(strstr(told(&log, &auth, 9000, true), "nothing is sent"));
    CU_ASSERT_STRING_EQUAL(told(&log, &auth, 9000, true), "");
}

static const struct unit_case cases[] = {
    {"the key that began last is sent with", newest},
    {"the last key stays in use when it expires", the_last_one_stays},
    {"the last key ends where that is preferred", the_last_one_ends},
    {"keys change every hour and nobody is lost, though clocks differ", rollover},
    {"a key is not used before its time", a_key_is_not_used_before_its_time},
    {"passwords have lifetimes too", passwords},
    {"passwords give way to digests", from_passwords_to_digests},
    {"refusals are told once a minute, each reason by itself", refusals_are_told_once_a_minute},
    {"every reason of authentication is told", every_reason_is_told},
    {"another key is told, and the end of the last one", keys_are_told},
    {"the end of every key is told once", ends_are_told},
};

UNIT_MAIN("rip keys", cases)
