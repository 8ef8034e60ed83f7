#define _GNU_SOURCE /* asprintf */
#include "daemon/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAID_MOST 16 /* sentences beside the FINDINGS_KEPT */

struct finding {
    enum config_log_level level;
    bool logged;
    char *text;
    size_t at; /* in text, where a warning is called one when there is no log to do it */
};

/* Takes TEXT over. */
static void keep(struct findings *f, size_t most, struct finding finding)
{
    if (finding.text != NULL && f->list != NULL && f->n < most) {
        f->list[f->n++] = finding;
        return;
    }
    f->lost++;
    free(finding.text);
}

static void report(struct config_errors *self, struct config_place place, bool warning, const char *text)
{
    struct findings *f = (struct findings *)self;
    struct finding finding = {.level = warning ? CONFIG_LOG_WARNING : CONFIG_LOG_ERROR};
    char where[512];
    config_place_text(place, where, sizeof where);
    finding.at = strlen(where);
    if (f->print)
        fprintf(stderr, "%s%s%s\n", where, warning ? "warning: " : "", text);
    else if (asprintf(&finding.text, "%s%s", where, text) < 0)
        f->lost++;
    else
        keep(f, FINDINGS_KEPT, finding);
}

void findings_init(struct findings *f, bool print)
{
    *f = (struct findings){.errors.report = report, .print = print};
    if (!print)
        f->list = calloc(FINDINGS_KEPT + SAID_MOST, sizeof *f->list);
}

void findings_exit(struct findings *f)
{
    for (size_t i = 0; i < f->n; i++)
        free(f->list[i].text);
    free(f->list);
    f->list = NULL;
    f->n = 0;
}

void findings_say(struct findings *f, enum config_log_level level, const char *format, ...)
{
    struct finding finding = {.level = level};
    va_list args;
    va_start(args, format);
    if (vasprintf(&finding.text, format, args) < 0)
        finding.text = NULL;
    va_end(args);
    keep(f, FINDINGS_KEPT + SAID_MOST, finding);
}

void findings_heard(struct findings *f, enum config_log_level level, const char *text)
{
    keep(f, FINDINGS_KEPT + SAID_MOST, (struct finding){.level = level, .logged = true, .text = strdup(text)});
}

void findings_log(const struct findings *f, const struct log *log)
{
    for (size_t i = 0; i < f->n; i++)
        if (!f->list[i].logged)
            log_at(log, f->list[i].level, "%s", f->list[i].text);
}

char *findings_text(const struct findings *f)
{
    char *text = NULL;
    size_t len;
    FILE *to = open_memstream(&text, &len);
    if (to == NULL)
        return NULL;
    for (size_t i = 0; i < f->n; i++) {
        const struct finding *it = &f->list[i];
        fprintf(to, "%s%.*s%s%s", i > 0 ? "\n" : "", (int)it->at, it->text,
                it->level == CONFIG_LOG_WARNING ? "warning: " : "", it->text + it->at);
    }
    if (fclose(to) == 0)
        return text;
    free(text);
    return NULL;
}
