/* What ping and traceroute have in common: the host that is meant, the address that is sent from, the packet that an
 * ICMP error quotes, and the timer that wakes them. */
#ifndef CLI_PROBE_H
#define CLI_PROBE_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/job.h"

/* SYMBOL_word, an option of a command with a number: after it come more of the file's OPTIONS, or RUN. */
#define PROBE_NUMBER(symbol, keyword, flag, least, most, help, value_help)                                             \
    static const struct command symbol##_value = {                                                                     \
        COMMAND_NUMBER, "(" #least "-" #most ")", value_help, flag, .min = least,                                      \
        .max = most,    .next = options,          .run = &run};                                                        \
    static const struct command *const symbol##_next[] = {&symbol##_value, NULL};                                      \
    static const struct command symbol##_word = {COMMAND_WORD, keyword, help, .next = symbol##_next}

#define PROBE_ICMP_HEADER 8   /* of echoes and of errors before what they quote */
#define PROBE_HOST_TEXT   320 /* room for the longest name and its address */

struct probe_host {
    uint32_t addr;
    const char *name; /* as typed; NULL when it was an address */
    struct resolve *resolve;
};

/* The host that was given as the one or the other argument of the tables. STEP_MORE: its address is known. STEP_WAIT:
 * the job is woken when it is time to ask again. */
enum step probe_find_host(struct job *job, struct probe_host *host, const struct command *addr,
                          const struct command *name);
void probe_host_exit(struct probe_host *host);

/* "h2 (10.0.2.2)", or the address alone. Returns TO. */
const char *probe_host_text(const struct probe_host *host, char to[PROBE_HOST_TEXT]);

/* The address that was given to send from (0: none), which has to be the router's. STEP_MORE or STEP_REFUSED. */
enum step probe_find_source(struct job *job, const struct command *source, uint32_t *addr);

/* Why the dataplane did not send, a clause. */
const char *probe_why_not(enum send_result result);

/* The beginning of a quoted packet. */
struct probe_quote {
    uint32_t src, dst;
    uint8_t protocol;
    const uint8_t *transport; /* at least 8 bytes */
};

/* The packet that the ICMP error of LEN bytes at MESSAGE is about. The quoted header may be cut or changed by the way,
 * so it is read by hand and without its checksum. False when it is not all there. */
bool probe_read_quote(const uint8_t *message, size_t len, struct probe_quote *to);

/* A timer that wakes JOB; NULL when there is no memory. Set to a time of job_now(). */
struct event *probe_timer_new(struct job *job);
void probe_timer_set(struct event *timer, uint64_t due_ns, struct now now);

#endif
