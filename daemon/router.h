/* The router: everything that the parts of the daemon share, made by main and handed down. */
#ifndef DAEMON_ROUTER_H
#define DAEMON_ROUTER_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

#include "cli/cli.h"
#include "cli/config.h"
#include "daemon/guard.h"
#include "daemon/links.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/routes.h"
#include "daemon/save.h"
#include "daemon/worker.h"
#include "forwarding/af_packet.h"
#include "forwarding/dataplane.h"
#include "forwarding/grace.h"
#include "forwarding/lane_thread.h"
#include "protocols/rib.h"

/* As on the command line; NULL: not given. */
struct options {
    const char *config_path;
    const char *socket;
    const char *pidfile;
    bool check; /* -t */
};

struct interfaces;
struct changes;
struct igmp_service;
struct rip_service;

struct router {
    struct options options;
    bool wrote_pidfile;
    int pidfile; /* open and locked while it is ours */
    struct log log;
    unsigned log_lost;          /* what the log counts */
    struct log_lines log_lines; /* the last of it */
    struct config *running;
    struct saved_file file; /* as it was last read or written; the worker's from the start on */
    struct event_base *base;
    struct grace *grace;
    struct loop *loop;
    struct af_packet *af_packet;
    struct dataplane *dataplane;
    struct rib *rib;
    struct rip_service *rip;
    struct igmp_service *igmp;
    struct links *links;
    struct guard *guard;
    struct interfaces *interfaces;
    struct worker *worker;
    struct worker *openers; /* of interfaces */
    struct changes *changes;
    struct saves *saves;
    struct static_routes statics; /* that the RIB has from us */
    struct cli_router view;       /* what the shell sees of all this */
    struct cli *cli;
    struct event *signals[4];
    struct lane_thread *threads[CONFIG_CPUS_MAX];
    unsigned n_threads;
};

/* Builds everything that ROUTER->running describes and begins to forward. ROUTER holds options, log and running, else
 * zeros. False, with every reason logged, when it can not; then router_stop undoes what was done. */
bool router_start(struct router *router);

/* Turns until a signal ends it. */
void router_run(struct router *router);

/* Undoes all; ROUTER may be half built. */
void router_stop(struct router *router);

#endif
