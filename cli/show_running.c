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

static void finish_running_json(struct job *job)
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
    if (text != NULL && job->hides_keys)
        config_hide_keys(text);
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
        finish_running_json(job);
    return STEP_DONE;
}

static void release_running(struct job *job)
{
    struct config_writer *writer = job->state;
    if (writer->config != NULL)
        job->router->release(job->router->context, writer->config);
}

/* ---- startup ---- */

#define PIECE     (8 * 1024) /* a step */
#define UTF8_MOST 4

struct file {
    int fd; /* one more than the descriptor: 0 is none */
    bool begun;
    char bytes[PIECE + 1];
    size_t n; /* the beginning of a character, whose end is in the next piece */
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

/* How many bytes at the end of BYTES begin a character of UTF-8 that goes on after them. */
static size_t unfinished(const char *bytes, size_t len)
{
    for (size_t back = 1; back < UTF8_MOST && back <= len; back++) {
        unsigned char c = (unsigned char)bytes[len - back];
        if ((c & 0xc0) == 0x80)
            continue;
        size_t needs = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
        return needs > back ? back : 0;
    }
    return 0;
}

static void add_json(struct job *job, struct file *file, size_t len, bool end)
{
    size_t left = end ? 0 : unfinished(file->bytes, len);
    char tail[UTF8_MOST];
    memcpy(tail, file->bytes + len - left, left);
    file->bytes[len - left] = '\0';
    json_add_text(&job->json, file->bytes);
    memcpy(file->bytes, tail, left);
    file->n = left;
}

static void begin_startup_json(struct job *job, struct file *file)
{
    file->begun = true;
    json_begin_object(&job->json, NULL);
    json_member(&job->json, "path", json_text(job->router->config_path));
    json_begin_text(&job->json, "config");
}

static enum step show_startup(struct job *job)
{
    struct file *file = job->state;
    const char *path = job->router->config_path, *why;
    if (job_first(job) && !open_file(path, file, &why))
        return job_refuse(job, "%s can not be read: %s", path, why);
    ssize_t n = read(file->fd - 1, file->bytes + file->n, PIECE - file->n);
    if (n < 0 && job_first(job))
        return job_refuse(job, "%s can not be read: %s", path, strerror(errno));
    job->failed = n < 0; /* what has been said can not be taken back */
    bool end = n <= 0;
    if (!job->line->json) {
        job_write(job, file->bytes, end ? 0 : (size_t)n);
        return end ? STEP_DONE : STEP_MORE;
    }
    if (!file->begun)
        begin_startup_json(job, file);
    add_json(job, file, file->n + (end ? 0 : (size_t)n), end);
    if (!end)
        return STEP_MORE;
    json_end_text(&job->json);
    json_end(&job->json);
    return STEP_DONE;
}

static void end_file(struct job *job)
{
    struct file *file = job->state;
    if (file->fd > 0)
        close(file->fd - 1);
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
