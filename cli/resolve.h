/* A host's name becomes its IPv4 address: by /etc/hosts, else by the name servers of /etc/resolv.conf (libevent's
 * evdns), which nobody but who asked waits for. The servers are asked by the kernel of the router's namespace, where
 * the router's own addresses and routes do not count. */
#ifndef CLI_RESOLVE_H
#define CLI_RESOLVE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct job;
struct resolve; /* one look-up */

LIST_HEAD(resolves, resolve);

enum resolve_state { RESOLVE_WAITING, RESOLVE_FOUND, RESOLVE_FAILED };

/* Looks NAME up for JOB, which is woken when the state changes. NULL when there is no memory. */
struct resolve *resolve_begin(struct job *job, const char *name);

enum resolve_state resolve_state(const struct resolve *resolve);
uint32_t resolve_addr(const struct resolve *resolve);
const char *resolve_why(const struct resolve *resolve); /* when it failed: a sentence without its stop */

/* It is not to be used any more, and its job is not woken any more. NULL is allowed. */
void resolve_end(struct resolve *resolve);

/* Frees what has ended and waited for the event loop, which will not run again. */
void resolves_free(struct resolves *resolves);

#endif
