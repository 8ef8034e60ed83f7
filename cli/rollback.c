#include <stdio.h>

#include "cli/ask.h"
#include "cli/text.h"
#include "cli/tree.h"

static const struct command number;

struct back {
    struct ask ask;
    uint64_t until_wall_ms;
};

static enum step begin(struct job *job, struct back *b, unsigned n)
{
    struct cli_past past;
    struct cli_change change = {.kind = CLI_CHANGE_BACK, .back = n, .author = job_author(job)};
    if (!job->router->past(job->router->context, n, &past))
        return job_refuse(job, "there is no past configuration %u: show rollback lists them", n);
    b->until_wall_ms = past.until_wall_ms;
    job->router->change(job->router->context, &change, ask_begin(&b->ask, job));
    return STEP_WAIT;
}

static void log_end(const struct job *job)
{
    const struct back *b = job->state;
    char what[TEXT_SHORT];
    snprintf(what, sizeof what, "rollback %lld", (long long)job_arg(job, &number)->number);
    ask_log_end(&b->ask, what);
}

static enum step rollback(struct job *job)
{
    struct back *b = job->state;
    char until[TEXT_SHORT];
    if (!b->ask.asked) {
        enum step step = begin(job, b, (unsigned)job_arg(job, &number)->number);
        if (step != STEP_WAIT)
            return step;
    }
    if (!b->ask.told)
        return STEP_WAIT;
    log_end(job);
    enum step answer = ask_answer(&b->ask);
    if (!b->ask.good)
        return answer;
    job_print(job, "the configuration that ran until %s runs again; write memory saves it\n",
              text_clock(b->until_wall_ms, until));
    return STEP_DONE;
}

static void end(struct job *job)
{
    struct back *b = job->state;
    if (b->ask.asked && !b->ask.told)
        log_end(job);
    ask_end(&b->ask);
}

static const struct command_run run = {
    .state_size = sizeof(struct back), .step = rollback, .end = end, .hears_interrupt = true};
static const struct command number = {COMMAND_NUMBER, "(1-10)",        "1 is the last that ran before",
                                      .min = 1,       .max = CLI_PAST, .run = &run};
static const struct command *const words[] = {&number, NULL};
const struct command command_rollback = {COMMAND_WORD, "rollback", "Go back to a past configuration", .next = words};
