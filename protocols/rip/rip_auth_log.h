/* What authentication tells people (RFC 4822 2.3.2, 5.1, 5.6): why messages are refused, at most once a minute for each
 * interface and reason, however many addresses they come from; when another key is sent with, and when one ends or none
 * is left. The caller says which interface, and whose message. */
#ifndef PROTOCOLS_RIP_AUTH_LOG_H
#define PROTOCOLS_RIP_AUTH_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "forwarding/now.h"
#include "protocols/rip/rip_keys.h"
#include "protocols/rip/rip_reject.h"

#define RIP_AUTH_REASONS  (RIP_REJECT_AUTH_SEQUENCE - RIP_REJECT_AUTH_PLACE + 1)
#define RIP_AUTH_TEXT_MAX 320 /* bytes of a sentence, its end included */

/* Of an interface. All zero: nothing was said yet. */
struct rip_auth_log {
    struct {
        uint64_t next_ns; /* quiet until then */
        uint64_t unsaid;  /* messages since the last sentence */
    } of[RIP_AUTH_REASONS];
    enum rip_keys_state state; /* as it was last said */
    uint8_t key;
    uint64_t ended[256 / 64]; /* a bit for each key whose end was said, or is long past */
};

static inline bool rip_reject_is_auth(enum rip_reject why)
{
    return why >= RIP_REJECT_AUTH_PLACE && why <= RIP_REJECT_AUTH_SEQUENCE;
}

/* WHY a MESSAGE, which has a header and an entry at least, was refused: one of the reasons of authentication. True:
 * TEXT is to be logged; false: it is too early for another. */
bool rip_auth_log_refused(struct rip_auth_log *log, enum rip_reject why, const uint8_t *message, struct now now,
                          char text[RIP_AUTH_TEXT_MAX]);

/* Call at every regular update, and when keys were changed, again and again until it is false. True: TEXT is to be
 * logged, as a warning if *warning. */
bool rip_auth_log_keys(struct rip_auth_log *log, const struct rip_auth *auth, struct now now, bool *warning,
                       char text[RIP_AUTH_TEXT_MAX]);

#endif
