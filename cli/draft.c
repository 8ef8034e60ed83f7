#include "cli/draft.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/session.h"
#include "cli/text.h"

#define COPIED_A_STEP 512 /* entries of lists; less than a millisecond */

static void clear(struct draft *draft)
{
    if (draft->base != NULL)
        draft->router->release(draft->router->context, draft->base);
    config_copy_end(&draft->copier);
    config_free(draft->config);
    edit_free(draft->edits);
}

static void begin(struct draft *draft, const struct cli_router *router)
{
    *draft = (struct draft){.router = router, .base = router->hold(router->context)};
}

struct draft *draft_new(const struct cli_router *router)
{
    struct draft *draft = malloc(sizeof *draft);
    if (draft != NULL)
        begin(draft, router);
    return draft;
}

void draft_free(struct draft *draft)
{
    if (draft == NULL)
        return;
    clear(draft);
    free(draft);
}

void draft_restart(struct draft *draft)
{
    clear(draft);
    begin(draft, draft->router);
}

const struct config *draft_config(const struct draft *draft)
{
    return draft->config != NULL ? draft->config : draft->base;
}

enum step draft_prepare(struct draft *draft)
{
    if (draft->config != NULL)
        return STEP_DONE;
    draft->copier.from = draft->base;
    switch (config_copy_some(&draft->copier, COPIED_A_STEP, &draft->config)) {
    case CONFIG_COPY_MORE:
        return STEP_MORE;
    case CONFIG_COPY_FAILED:
        return STEP_REFUSED;
    case CONFIG_COPY_DONE:
        break;
    }
    return STEP_DONE;
}

bool draft_add(struct draft *draft, const struct command_line *line, const char *subject, char *why, size_t why_size)
{
    if (draft->n == DRAFT_EDITS_MAX) {
        snprintf(why, why_size, "a session takes at most %d changes: commit these before the next", DRAFT_EDITS_MAX);
        return false;
    }
    struct edit *edit = edit_new(line, subject);
    if (edit == NULL) {
        snprintf(why, why_size, "the system gave no memory");
        return false;
    }
    if (!edit_apply(edit, draft->config, why, why_size)) {
        edit_free(edit);
        return false;
    }
    if (draft->last == NULL)
        draft->edits = edit;
    else
        draft->last->next = edit;
    draft->last = edit;
    draft->n++;
    return true;
}

enum step draft_leave(struct job *job)
{
    struct session *s = job->session;
    char text[TEXT_SHORT];
    if (s->draft != NULL && s->draft->n > 0)
        return job_refuse(job, "%s not committed: commit applies what this session changed, abort drops it",
                          text_count(s->draft->n, "change is", "changes are", text));
    draft_free(s->draft);
    s->draft = NULL;
    return STEP_DONE;
}
