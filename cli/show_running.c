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

#define PIECE (8 * 1024) /* of the startup configuration a step */

/* ---- running ---- */

/* Returns the next part of the text, to be freed; NULL when there was no memory. */
static char *write_part(struct config_writer *writer, bool *more)
{
    char *text = NULL;
    size_t len;
    FILE *to = open_memstream(&text, &len);
    if (to == NULL)
        return NULL;
    *more = config_write_some(writer, to, JOB_ROWS);
    bool good = !ferror(to);
    if (fclose(to) == 0 && good)
        return text;
    free(text);
    return NULL;
}

static void begin_running(struct job *job, struct config_writer *writer)
{
    writer->config = job->router->hold(job->router->context);
    if (!job->line->json)
        return;
    json_begin_object(&job->json, NULL);
    json_begin_text(&job->json, "config");
}

static void end_running_json(struct job *job)
{
    json_end_text(&job->json);
    json_end(&job->json);
}

static enum step show_running(struct job *job)
{
    struct config_writer *writer = job->state;
    bool more = false;
    if (job_first(job))
        begin_running(job, writer);
    char *text = write_part(writer, &more);
    if (text == NULL) {
        job->failed = true; /* what has been said can not be taken back */
    } else if (job->line->json) {
        json_add_text(&job->json, text);
    } else {
        job_print(job, "%s", text);
    }
    free(text);
    if (more)
        return STEP_MORE;
    if (job->line->json)
        end_running_json(job);
    return STEP_DONE;
}

static void release_running(struct job *job)
{
    struct config_writer *writer = job->state;
    if (writer->config != NULL)
        job->router->release(job->router->context, writer->config);
}

/* ---- startup ---- */

struct text {
    char *bytes;
    size_t len;
};

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
    .state_size = sizeof(struct config_writer), .step = show_running, .end = release_running};
const struct command command_show_running = {COMMAND_WORD, "running-config", "The configuration in use", COMMAND_JSON,
                                             .run = &run_running};

static const struct command_run run_startup = {
    .state_size = sizeof(struct file), .step = show_startup, .end = end_file};
const struct command command_show_startup = {COMMAND_WORD, "startup-config", "The configuration file", COMMAND_JSON,
                                             .run = &run_startup};
