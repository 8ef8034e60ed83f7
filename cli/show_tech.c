/* show tech-support: what whoever is asked for help wants to see, in one answer. It runs the commands that show it, one
 * after the other, each in steps as by itself, so that it costs no more memory than the one that runs. The answer is
 * made to be given away: keys are left out of it. */
#include <stdlib.h>

#include "cli/job.h"
#include "cli/tree.h"

static const char *const lines[] = {
    "show version",
    "show running-config",
    "show interfaces",
    "show interfaces rates",
    "show ip interface brief",
    "show ip route summary",
    "show ip fib summary",
    "show ip arp",
    "show ip traffic",
    "show drops",
    "show memory",
    "show processes",
    "show logging",
    "show users",
    "show debugging",
};
#define LINES (sizeof lines / sizeof lines[0])

struct support {
    unsigned next; /* of LINES */
    bool runs;     /* the one before NEXT */
    struct command_line line;
    struct job job; /* of that one */
};

static const char *no_interface(const void *context, unsigned i)
{
    (void)context, (void)i;
    return NULL;
}

static bool begin(struct job *job, struct support *support)
{
    static const struct command_world world = {.interface = no_interface};
    struct command_error error;
    const char *line = lines[support->next];
    if (!command_match(command_exec, &world, line, &support->line, &error))
        return false;
    support->line.json = job->line->json;
    support->job = *job;
    support->job.line = &support->line;
    support->job.steps = 0;
    support->job.hides_keys = true;
    support->job.refusal = NULL;
    json_stream_init(&support->job.json, job->out);
    size_t size = support->line.last->run->state_size;
    support->job.state = calloc(1, size > 0 ? size : 1);
    if (support->job.state == NULL)
        return false;
    support->runs = true;
    if (job->line->json)
        job_print(job, "%s\"%s\":", support->next > 0 ? "," : "{", line);
    else
        job_print(job, "%s---------------- %s ----------------\n\n", support->next > 0 ? "\n" : "", line);
    support->next++;
    return true;
}

static void end_line(struct support *support)
{
    if (!support->runs)
        return;
    const struct command_run *run = support->line.last->run;
    support->runs = false;
    if (run->end != NULL)
        run->end(&support->job);
    free(support->job.state);
    free(support->job.refusal);
}

/* One that is refused does not keep the others from being shown. */
static void say_refused(struct job *job, struct support *support)
{
    const char *why = support->job.refusal != NULL ? support->job.refusal : "the system gave no memory";
    job->failed = true;
    if (job->line->json)
        json_document(&support->job.json, json_pack("{s:o}", "error", json_text(why)));
    else
        job_print(job, "%% %s\n", why);
}

static enum step show(struct job *job)
{
    struct support *support = job->state;
    if (!support->runs && support->next == LINES) {
        if (job->line->json)
            job_print(job, "}\n");
        return STEP_DONE;
    }
    if (!support->runs && !begin(job, support))
        return job_refuse(job, "the system gave no memory");
    enum step step = support->line.last->run->step(&support->job);
    support->job.steps++;
    if (step == STEP_WAIT)
        return STEP_WAIT;
    if (step == STEP_REFUSED)
        say_refused(job, support);
    if (step == STEP_REFUSED || step == STEP_DONE) {
        job->failed |= support->job.failed;
        end_line(support);
    }
    return STEP_MORE;
}

static void end(struct job *job)
{
    end_line(job->state);
}

static const struct command_run run = {.state_size = sizeof(struct support), .step = show, .end = end};
const struct command command_show_tech = {COMMAND_WORD, "tech-support", "All that whoever helps will ask for",
                                          COMMAND_JSON, .run = &run};
