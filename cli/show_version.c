#include <inttypes.h>

#include "cli/job.h"
#include "cli/text.h"
#include "cli/tree.h"

static const char *hostname_of(const struct job *job)
{
    const struct config *config = job->router->running(job->router->context);
    return config != NULL && config->hostname != NULL ? config->hostname : "";
}

static enum step show_version(struct job *job)
{
    const struct cli_router *router = job->router;
    uint64_t seconds = (job_now(job).ns - router->started_ns) / NS_PER_S;
    char uptime[TEXT_SHORT];
    text_duration(seconds, uptime);
    if (job->line->json) {
        json_document(&job->json,
                      json_pack("{s:s, s:o, s:o, s:s, s:o, s:i}", "program", "ferryd", "version",
                                json_text(router->version), "hostname", json_text(hostname_of(job)), "uptime", uptime,
                                "uptimeSeconds", json_count(seconds), "lanes", (int)router->dataplane->n_lanes));
        return STEP_DONE;
    }
    job_print(job, "ferryd %s\n", router->version);
    job_print(job, "%s is up for %s, %u forwarding %s\n", hostname_of(job), uptime, router->dataplane->n_lanes,
              router->dataplane->n_lanes == 1 ? "lane" : "lanes");
    job_print(job, "configuration of the start: %s\n", router->config_path);
    return STEP_DONE;
}

static const struct command_run run = {.step = show_version};
const struct command command_show_version = {COMMAND_WORD, "version", "Version, hostname and uptime", COMMAND_SHOW,
                                             .run = &run};
