/* One connection to the shell: what it sends is cut into commands, a command runs as a job, and the answers go back in
 * the protocol that it speaks. Sessions are freed in one place only, the server's turn. */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include "cli/access.h"
#include "cli/cli.h"
#include "cli/filter.h"
#include "cli/frame.h"
#include "cli/job.h"
#include "cli/mode.h"
#include "cli/rates.h"
#include "cli/resolve.h"

#define SESSIONS_MAX    64
#define SESSION_HISTORY 100 /* lines that `show history` remembers */

/* Output beyond this waits in the command, not in memory; it goes on when half of that has left. */
#define SESSION_OUTPUT_HIGH (64 * 1024)

enum session_protocol { SESSION_UNDECIDED, SESSION_PLAIN, SESSION_FRAMED };

/* What a session wants to hear of one kind. */
struct session_debug {
    bool on, has_prefix;
    char interface[MODE_SUBJECT]; /* "": of all */
    struct prefix prefix;
};

struct session {
    TAILQ_ENTRY(session) link;
    struct cli *cli;
    unsigned number;
    struct bufferevent *io;
    struct evbuffer *out;      /* of the current step, not yet in frames */
    struct evbuffer *filtered; /* what came through the filter of it */
    struct event *idle;
    struct access_peer peer;
    enum session_protocol protocol;
    bool ended;    /* nothing more will come in */
    bool skipping; /* the rest of a line that was too long */
    bool leaving;  /* the running command is the last */
    bool closing;  /* nothing more is taken; freed when the output has left */
    bool gone;     /* to be freed at once */

    bool busy;      /* a command runs */
    bool waiting;   /* until job_wake() */
    bool over;      /* but for what its filter has still to look at */
    enum step step; /* what it returned last */
    struct job job;
    struct command_line line;
    struct filter *filter; /* of its answer; NULL: none */

    const struct mode *mode;
    char subject[MODE_SUBJECT]; /* what the mode is about; "": nothing */
    struct draft *draft;        /* of configure session; NULL: none */

    bool hears_log;
    enum config_log_level log_level; /* down to which */
    struct session_debug debug[DEBUG__COUNT];
    struct bucket debug_bucket;
    uint64_t packets_missed; /* trace_missed() when it was last told of it */
    unsigned untold;         /* lines that it should have heard */

    char *history[SESSION_HISTORY];
    unsigned history_n; /* ever said */
    uint64_t since_ns, last_ns;
};

TAILQ_HEAD(sessions, session);

struct cli {
    struct event_base *base;
    const struct cli_router *router;
    struct evconnlistener *listener;
    struct event *turn;  /* some session can go on */
    struct event *retry; /* accepting again, after descriptors ran out or too many came */
    struct bucket accepts;
    struct event *second;
    struct rates *rates;          /* sampled each second */
    struct packet_watch *packets; /* debug packet; NULL: nobody wants it */
    char path[108];
    dev_t device; /* of the socket, so that only our own is removed */
    ino_t inode;
    struct access_rules access;
    int64_t idle_s;
    struct sessions sessions;
    struct resolves resolves; /* host names that are looked up */
    unsigned n_sessions, last_number;
};

/* Takes FD over. NULL when there is no memory (FD is closed). */
struct session *session_new(struct cli *cli, int fd);
void session_free(struct session *session);

/* Could it do something now? */
bool session_runnable(const struct session *session);

/* Does one thing: reads a line or a frame, or takes the running command one step. */
void session_step(struct session *session);

/* Everything is said and sent. */
bool session_finished(const struct session *session);

void session_restart_idle(struct session *session);

/* What sessions want to hear has changed. False when packets can not be followed for them: there is no memory, or too
 * many follow packets already. */
bool session_debug_changed(struct cli *cli);

/* Soon calls session_step for whoever is runnable. */
void cli_schedule(struct cli *cli);

#endif
