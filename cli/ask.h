/* A command that asks the daemon to change or save something and waits for the end. */
#ifndef CLI_ASK_H
#define CLI_ASK_H

#include "cli/job.h"

/* In the state of the job; zeroed before the question. */
struct ask {
    struct cli_asker asker; /* first: told() finds the rest by it */
    struct job *job;
    bool asked, told, good;
    char *report; /* NULL: nothing was said, or there was no memory for it */
};

/* The asker to hand to the daemon, which may answer before it returns. */
struct cli_asker *ask_begin(struct ask *ask, struct job *job);

/* After the answer: the reason if it was refused. */
const char *ask_reason(const struct ask *ask);

/* Prints the report of what went well, or refuses with the reason. */
enum step ask_answer(const struct ask *ask);

/* From command_run.end: what was asked for goes on without who asked. */
void ask_end(struct ask *ask);

/* Logs what became of WHAT that was asked for: it is done, refused and why, or nobody waits for the answer any more. */
void ask_log_end(const struct ask *ask, const char *what);

/* Logs what somebody did; the author goes before it. */
void ask_log(const struct job *job, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
