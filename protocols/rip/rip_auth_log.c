#include "protocols/rip/rip_auth_log.h"

#include <stdio.h>
#include <time.h>

#include "forwarding/bytes.h"
#include "protocols/rip/rip_auth.h"
#include "protocols/rip/rip_packet.h"

#define QUIET_NS (60 * NS_PER_S)

static const char *const cure[RIP_AUTH_REASONS] = {
    [RIP_REJECT_AUTH_PLACE - RIP_REJECT_AUTH_PLACE] = "the sender is broken",
    [RIP_REJECT_AUTH_UNEXPECTED - RIP_REJECT_AUTH_PLACE] = "configure the same authentication on both sides",
    [RIP_REJECT_AUTH_MISSING - RIP_REJECT_AUTH_PLACE] = "configure the same authentication on both sides",
    [RIP_REJECT_AUTH_TYPE - RIP_REJECT_AUTH_PLACE] = "configure the same mode on both sides",
    [RIP_REJECT_AUTH_PASSWORD - RIP_REJECT_AUTH_PLACE] = "configure the same key on both sides",
    [RIP_REJECT_AUTH_FORMAT - RIP_REJECT_AUTH_PLACE] = "the sender is broken, or the message was cut on the way",
    [RIP_REJECT_AUTH_NO_KEY - RIP_REJECT_AUTH_PLACE] = "configure it here, or another one there",
    [RIP_REJECT_AUTH_KEY_LIFETIME - RIP_REJECT_AUTH_PLACE] = "compare its lifetimes and the clocks of both sides",
    [RIP_REJECT_AUTH_DIGEST - RIP_REJECT_AUTH_PLACE] = "configure the same key on both sides",
    [RIP_REJECT_AUTH_SEQUENCE - RIP_REJECT_AUTH_PLACE] =
        ("if the sender has restarted it is heard again when its routes here have timed out, or at once after "
         "'clear ip rip neighbor'"),
};

/* FRR asks for the table without authentication, whatever it is configured to do. */
static const char *remark(enum rip_reject why, const uint8_t *message)
{
    bool asks = why == RIP_REJECT_AUTH_MISSING && message[0] == RIP_REQUEST;
    return asks ? " (it was a request, which some routers never authenticate: alone it does no harm)" : "";
}

/* " (key 7, sequence number 1339429688)" if the message says so. Where authentication is missing there may be no entry
 * to look at. */
static void name_key(enum rip_reject why, const uint8_t *message, char *to, size_t room)
{
    to[0] = '\0';
    if (why == RIP_REJECT_AUTH_MISSING)
        return;
    const uint8_t *entry = message + rip_entries_at(message[0]);
    if (load_be16(entry) == RIP_FAMILY_AUTH && load_be16(entry + 2) == RIP_AUTH_TYPE_DIGEST)
        snprintf(to, room, " (key %u, sequence number %lu)", entry[6], (unsigned long)load_be32(entry + 8));
}

bool rip_auth_log_refused(struct rip_auth_log *log, enum rip_reject why, const uint8_t *message, struct now now,
                          char text[RIP_AUTH_TEXT_MAX])
{
    unsigned i = why - RIP_REJECT_AUTH_PLACE;
    if (now.ns < log->of[i].next_ns) {
        log->of[i].unsaid++;
        return false;
    }
    char key[64], more[64] = "";
    name_key(why, message, key, sizeof key);
    if (log->of[i].unsaid > 0)
        snprintf(more, sizeof more, "; so were %llu more since this was last said",
                 (unsigned long long)log->of[i].unsaid);
    snprintf(text, RIP_AUTH_TEXT_MAX, "%s%s; %s%s%s", rip_reject_meaning[why], key, cure[i], remark(why, message),
             more);
    log->of[i].next_ns = now.ns + QUIET_NS;
    log->of[i].unsaid = 0;
    return true;
}

/* ---- keys ---- */

struct date {
    char text[40];
};

static struct date date_of(uint64_t wall_ms)
{
    struct date date = {"an unknown time"};
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm;
    if (gmtime_r(&seconds, &tm) != NULL)
        strftime(date.text, sizeof date.text, "%Y-%m-%d %H:%M:%S UTC", &tm);
    return date;
}

static uint64_t first_begin(const struct rip_auth *auth)
{
    uint64_t first = UINT64_MAX;
    for (unsigned i = 0; i < auth->n; i++)
        if (auth->keys[i].send.from_ms < first)
            first = auth->keys[i].send.from_ms;
    return first;
}

static bool state_is_told(struct rip_auth_log *log, const struct rip_auth *auth, const struct rip_keys_status *status,
                          struct now now, bool *warning, char text[RIP_AUTH_TEXT_MAX])
{
    uint8_t key = status->send != NULL ? status->send->id : 0;
    enum rip_keys_state before = log->state;
    if (status->state == before && key == log->key)
        return false;
    log->state = status->state;
    log->key = key;
    *warning = true;
    switch (status->state) {
    case RIP_KEYS_EXPIRED:
        snprintf(text, RIP_AUTH_TEXT_MAX,
                 "key %u expired at %s and no other is valid: it stays in use until one is configured", key,
                 date_of(status->send->send.until_ms).text);
        return true;
    case RIP_KEYS_STOPPED:
        snprintf(text, RIP_AUTH_TEXT_MAX,
                 "key %u expired at %s and no other is valid: nothing is sent until one is configured", key,
                 date_of(status->send->send.until_ms).text);
        return true;
    case RIP_KEYS_NOT_YET:
        snprintf(text, RIP_AUTH_TEXT_MAX,
                 "nothing is sent, because no key is valid before %s and it is %s now: compare lifetimes and clock",
                 date_of(first_begin(auth)).text, date_of(now.wall_ms).text);
        return true;
    case RIP_KEYS_VALID:
        snprintf(text, RIP_AUTH_TEXT_MAX, "messages are signed with key %u from now on", key);
        *warning = false;
        return before != RIP_KEYS_NONE;
    default:
        return false;
    }
}

/* True if KEY is over and was not when it was last looked at. */
static bool has_just_ended(struct rip_auth_log *log, const struct rip_key *key, struct now now)
{
    uint64_t end = rip_keys_end(key), bit = UINT64_C(1) << key->id % 64, *word = &log->ended[key->id / 64];
    bool is = end != 0 && now.wall_ms >= end, was = (*word & bit) != 0;
    *word = is ? *word | bit : *word & ~bit;
    return is && !was;
}

/* RFC 4822 5.1: the end of every key is told, not only of the last. */
static bool end_is_told(struct rip_auth_log *log, const struct rip_auth *auth, const struct rip_keys_status *status,
                        struct now now, char text[RIP_AUTH_TEXT_MAX])
{
    for (unsigned i = 0; i < auth->n; i++) {
        const struct rip_key *key = &auth->keys[i];
        if (!has_just_ended(log, key, now) || (key == status->send && status->state != RIP_KEYS_VALID))
            continue;
        snprintf(text, RIP_AUTH_TEXT_MAX, "key %u expired at %s: it is neither sent with nor accepted any more",
                 key->id, date_of(rip_keys_end(key)).text);
        return true;
    }
    return false;
}

bool rip_auth_log_keys(struct rip_auth_log *log, const struct rip_auth *auth, struct now now, bool *warning,
                       char text[RIP_AUTH_TEXT_MAX])
{
    struct rip_keys_status status = rip_keys_status(auth, now.wall_ms);
    for (unsigned i = 0; log->state == RIP_KEYS_NONE && i < auth->n; i++)
        has_just_ended(log, &auth->keys[i], now); /* before anybody looked: no news */
    if (state_is_told(log, auth, &status, now, warning, text))
        return true;
    *warning = false;
    return end_is_told(log, auth, &status, now, text);
}
