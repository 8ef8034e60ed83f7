/* show running-config and show startup-config. Both may hold keys, so looking at them takes the right to change them.
 */
#define _GNU_SOURCE /* O_CLOEXEC */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/job.h"
#include "cli/tree.h"

#define PIECE (8 * 1024)

/* ---- running ---- */

struct text {
    char *bytes;
    size_t len, at;
};

static bool write_text(const struct job *job, struct text *text)
{
    FILE *to = open_memstream(&text->bytes, &text->len);
    if (to == NULL)
        return false;
    bool good = config_write(job->router->running(job->router->context), to);
    return fclose(to) == 0 && good;
}

static enum step show_running(struct job *job)
{
    struct text *text = job->state;
    if (job_first(job) && !write_text(job, text))
        return job_refuse(job, "the configuration can not be written out: no memory");
    if (job->line->json) {
        json_document(&job->json, json_pack("{s:o}", "config", json_text(text->bytes)));
        return STEP_DONE;
    }
    size_t n = text->len - text->at < PIECE ? text->len - text->at : PIECE;
    job_write(job, text->bytes + text->at, n);
    text->at += n;
    return text->at < text->len ? STEP_MORE : STEP_DONE;
}

static void end_text(struct job *job)
{
    struct text *text = job->state;
    free(text->bytes);
}

/* ---- startup ---- */

struct file {
    int fd; /* one more than the descriptor: 0 is none */
    struct text text;
};

/* A FIFO or a device in the file's place must not hold the router up. */
static bool open_file(const char *path, struct file *file, const char **why)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        *why = strerror(errno);
        return false;
    }
    file->fd = fd + 1;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        return true;
    *why = "it is not a regular file";
    return false;
}

static void keep(struct text *text, const char *bytes, size_t len)
{
    char *more = realloc(text->bytes, text->len + len + 1);
    if (more == NULL)
        return;
    memcpy(more + text->len, bytes, len);
    text->bytes = more;
    text->len += len;
    text->bytes[text->len] = '\0';
}

static enum step finish_startup(struct job *job, const struct file *file)
{
    if (job->line->json)
        json_document(&job->json, json_pack("{s:o, s:o}", "path", json_text(job->router->config_path), "config",
                                            json_text(file->text.bytes != NULL ? file->text.bytes : "")));
    return STEP_DONE;
}

static enum step show_startup(struct job *job)
{
    struct file *file = job->state;
    const char *path = job->router->config_path, *why;
    char bytes[PIECE];
    if (job_first(job) && !open_file(path, file, &why))
        return job_refuse(job, "%s can not be read: %s", path, why);
    ssize_t n = read(file->fd - 1, bytes, sizeof bytes);
    if (n < 0)
        return job_refuse(job, "%s can not be read: %s", path, strerror(errno));
    if (n == 0)
        return finish_startup(job, file);
    if (job->line->json)
        keep(&file->text, bytes, (size_t)n);
    else
        job_write(job, bytes, (size_t)n);
    return STEP_MORE;
}

static void end_file(struct job *job)
{
    struct file *file = job->state;
    if (file->fd > 0)
        close(file->fd - 1);
    free(file->text.bytes);
}

/* ---- the tables ---- */

static const struct command_run run_running = {
    .state_size = sizeof(struct text), .step = show_running, .end = end_text};
const struct command command_show_running = {COMMAND_WORD, "running-config", "The configuration in use", COMMAND_JSON,
                                             .run = &run_running};

static const struct command_run run_startup = {
    .state_size = sizeof(struct file), .step = show_startup, .end = end_file};
const struct command command_show_startup = {COMMAND_WORD, "startup-config", "The configuration file", COMMAND_JSON,
                                             .run = &run_startup};
