#include "protocols/rip/rip_keys.h"

#include <string.h>

const char *const rip_auth_mode_name[RIP_AUTH__COUNT] = {
    [RIP_AUTH_NONE] = "none",     [RIP_AUTH_TEXT] = "text",     [RIP_AUTH_MD5] = "md5",       [RIP_AUTH_SHA1] = "sha1",
    [RIP_AUTH_SHA256] = "sha256", [RIP_AUTH_SHA384] = "sha384", [RIP_AUTH_SHA512] = "sha512",
};

static bool has_begun(struct rip_lifetime lifetime, uint64_t wall_ms)
{
    return wall_ms >= lifetime.from_ms;
}

static bool has_ended(struct rip_lifetime lifetime, uint64_t wall_ms)
{
    return lifetime.until_ms != 0 && wall_ms >= lifetime.until_ms;
}

static bool is_valid(struct rip_lifetime lifetime, uint64_t wall_ms)
{
    return has_begun(lifetime, wall_ms) && !has_ended(lifetime, wall_ms);
}

/* Both are valid, or both have ended. */
static bool sends_rather(const struct rip_key *key, const struct rip_key *than, bool valid)
{
    uint64_t a = valid ? key->send.from_ms : key->send.until_ms, b = valid ? than->send.from_ms : than->send.until_ms;
    return a != b ? a > b : key->id < than->id;
}

/* Of those that have begun: a valid one, or the one that ended last. */
static const struct rip_key *best_to_send(const struct rip_auth *auth, uint64_t wall_ms)
{
    const struct rip_key *best = NULL;
    bool best_valid = false;
    for (unsigned i = 0; i < auth->n; i++) {
        const struct rip_key *key = &auth->keys[i];
        if (!has_begun(key->send, wall_ms))
            continue;
        bool valid = is_valid(key->send, wall_ms);
        if (best == NULL || (valid != best_valid ? valid : sends_rather(key, best, valid))) {
            best = key;
            best_valid = valid;
        }
    }
    return best;
}

const struct rip_key *rip_keys_to_send(const struct rip_auth *auth, uint64_t wall_ms)
{
    const struct rip_key *key = best_to_send(auth, wall_ms);
    return key != NULL && auth->fail_secure && has_ended(key->send, wall_ms) ? NULL : key;
}

bool rip_keys_accepts(const struct rip_auth *auth, const struct rip_key *key, uint64_t wall_ms)
{
    if (!has_begun(key->accept, wall_ms))
        return false;
    if (!has_ended(key->accept, wall_ms))
        return true;
    if (auth->fail_secure)
        return false;
    for (unsigned i = 0; i < auth->n; i++) {
        struct rip_lifetime other = auth->keys[i].accept;
        if (is_valid(other, wall_ms) || (has_ended(other, wall_ms) && other.until_ms > key->accept.until_ms))
            return false;
    }
    return true;
}

const struct rip_key *rip_keys_find(const struct rip_auth *auth, uint8_t id)
{
    for (unsigned i = 0; i < auth->n; i++)
        if (auth->keys[i].id == id && auth->keys[i].mode > RIP_AUTH_TEXT)
            return &auth->keys[i];
    return NULL;
}

bool rip_keys_same(const struct rip_key *a, const struct rip_key *b)
{
    return a->id == b->id && a->mode == b->mode && a->secret_len == b->secret_len &&
           memcmp(a->secret, b->secret, a->secret_len) == 0;
}

struct rip_keys_status rip_keys_status(const struct rip_auth *auth, uint64_t wall_ms)
{
    struct rip_keys_status status = {.state = RIP_KEYS_NONE};
    if (auth->n == 0)
        return status;
    status.send = best_to_send(auth, wall_ms);
    if (status.send == NULL)
        status.state = RIP_KEYS_NOT_YET;
    else if (!has_ended(status.send->send, wall_ms))
        status.state = RIP_KEYS_VALID;
    else
        status.state = auth->fail_secure ? RIP_KEYS_STOPPED : RIP_KEYS_EXPIRED;
    return status;
}

uint64_t rip_keys_end(const struct rip_key *key)
{
    uint64_t send = key->send.until_ms, accept = key->accept.until_ms;
    if (send == 0 || accept == 0)
        return 0;
    return send > accept ? send : accept;
}
