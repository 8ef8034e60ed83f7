/* A running command as its handler sees it. The handler's step prints a few rows and says how to go on (enum step); the
 * session calls it only while its reader keeps up. */
#ifndef CLI_JOB_H
#define CLI_JOB_H

#include <event2/buffer.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/cli.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/mode.h"

#define JOB_ROWS 32 /* rows that a step looks at before it lets others run */

struct session;

struct job {
    const struct cli_router *router;
    struct session *session;
    const struct command_line *line;
    struct evbuffer *out;
    struct json_stream json; /* ready for use; a refused command has written nothing to it */
    void *state;             /* command_run.state_size zeroed bytes */
    unsigned steps;          /* that were begun before this one */
    bool interrupted;        /* for commands that hear it */
    bool failed;             /* nothing was refused, but the exit status is 1 */
    bool hides_keys;         /* the answer is for others: keys and passwords are left out */
    char *refusal;
};

static inline bool job_first(const struct job *job)
{
    return job->steps == 0;
}

void job_print(struct job *job, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A line, broken as text_wrap does when it is long, unless filters are to take it: they look at lines. TEXT stands AT
 * columns from the left. */
void job_print_wrapped(struct job *job, const char *text, size_t at, size_t indent);

void job_write(struct job *job, const void *bytes, size_t len);

/* Refuses the command: a sentence without its stop. Returns STEP_REFUSED. */
enum step job_refuse(struct job *job, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What was said for that argument of the tables, or NULL. */
const struct command_arg *job_arg(const struct job *job, const struct command *argument);

/* From an event or a hook: step is to be called again. What was printed meanwhile goes out then. */
void job_wake(struct job *job);

/* False while the reader is behind: events and hooks print nothing then. */
bool job_has_room(const struct job *job);

/* Who runs the command. */
struct cli_author job_author(const struct job *job);

/* Where the session stands, and SUBJECT that the mode is about ("": nothing). Entering takes effect with the next
 * line. */
const struct mode *job_mode(const struct job *job);
const char *job_subject(const struct job *job);
void job_enter(struct job *job, const struct mode *mode, const char *subject);

/* The session's answers are to be shown so many lines at a time; 0: all at once. */
void job_page_length(struct job *job, unsigned lines);

/* Prints a line if there is a change that waits to be confirmed. */
void job_tell_unconfirmed(struct job *job);

/* The other end is closed altogether. A client that has only finished speaking still listens. */
bool job_left_alone(const struct job *job);

struct event_base *job_base(const struct job *job);

struct now job_now(const struct job *job);

/* A monotonic clock to measure with, nanoseconds: job_now() stands still within a turn of the daemon's loop. */
uint64_t job_clock_ns(void);

/* The configured interface of that name. */
bool job_link(const struct job *job, const char *name, struct cli_link *link);

/* The name of a port, "-" for none. */
const char *job_port_name(const struct job *job, unsigned port);

#endif
