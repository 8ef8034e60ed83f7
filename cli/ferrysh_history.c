#define _GNU_SOURCE /* memrchr */
#include "cli/ferrysh_history.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/frame.h"

#define FILE_MAX ((size_t)HISTORY_LINES * (FRAME_ASK_MAX + 1))

/* ---- the file as a whole ---- */

/* Makes the folders of PATH, as far as the last slash. */
static void make_folders(char *path)
{
    for (char *at = path + 1; (at = strchr(at, '/')) != NULL; at++) {
        *at = '\0';
        mkdir(path, 0700);
        *at = '/';
    }
}

void history_file_find(struct history_file *file)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    int n = 0;
    if (state != NULL && state[0] == '/')
        n = snprintf(file->path, sizeof file->path, "%s/ferrysh/history", state);
    else if (home != NULL && home[0] == '/')
        n = snprintf(file->path, sizeof file->path, "%s/.local/state/ferrysh/history", home);
    if (n <= 0 || (size_t)n >= sizeof file->path)
        file->path[0] = '\0';
}

/* Somebody who stopped in the middle must not hold others up for long. */
static bool lock(int fd)
{
    static const struct timespec pause = {.tv_nsec = 10000000};
    for (unsigned i = 0; i < 20; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return true;
        nanosleep(&pause, NULL);
    }
    return false;
}

/* The end of the file, whole lines of at most FILE_MAX bytes. To be freed; NULL on failure. */
static char *read_all(int fd, size_t *len)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return NULL;
    if (!S_ISREG(st.st_mode)) {
        errno = EINVAL;
        return NULL;
    }
    size_t size = (size_t)st.st_size, have = 0;
    off_t from = size > FILE_MAX ? (off_t)(size - FILE_MAX) : 0;
    size -= (size_t)from;
    char *text = malloc(size + 1);
    while (text != NULL && have < size) {
        ssize_t n = pread(fd, text + have, size - have, from + (off_t)have);
        if (n <= 0)
            break;
        have += (size_t)n;
    }
    if (text != NULL && from > 0) { /* it begins in the middle of a line */
        char *end = memchr(text, '\n', have);
        size_t cut = end != NULL ? (size_t)(end - text) + 1 : have;
        memmove(text, text + cut, have - cut);
        have -= cut;
    }
    *len = have;
    return text;
}

/* ---- lines ---- */

/* A line that a terminal can be given back as it is. */
static bool is_plain(const char *line)
{
    for (; *line != '\0'; line++)
        if ((unsigned char)*line < 0x20 || *line == 0x7f)
            return false;
    return true;
}

void history_file_read(const struct history_file *file, void (*add)(void *context, const char *line), void *context)
{
    size_t len = 0;
    int fd = file->path[0] != '\0' ? open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
    char *text = fd >= 0 ? read_all(fd, &len) : NULL;
    if (fd >= 0)
        close(fd);
    if (text == NULL)
        return;
    text[len] = '\0';
    for (char *line = text; line < text + len;) {
        char *end = line + strcspn(line, "\n");
        char *next = end + 1;
        *end = '\0';
        if (end > line && end - line <= FRAME_ASK_MAX && is_plain(line))
            add(context, line);
        line = next;
    }
    free(text);
}

/* Is LINE the last of TEXT? */
static bool is_last(const char *text, size_t len, const char *line)
{
    size_t line_len = strlen(line);
    return len > line_len && text[len - 1] == '\n' && memcmp(text + len - 1 - line_len, line, line_len) == 0 &&
           (len - 1 == line_len || text[len - 2 - line_len] == '\n');
}

/* Where the last N lines of TEXT begin. */
static size_t last_lines(const char *text, size_t len, unsigned n)
{
    size_t at = len;
    for (; at > 0; n--) {
        const char *before = memrchr(text, '\n', at - 1);
        if (n == 0)
            return at;
        at = before != NULL ? (size_t)(before - text) + 1 : 0;
    }
    return 0;
}

static bool write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0) {
            text += n;
            len -= (size_t)n;
        }
    }
    return true;
}

/* Puts LINE behind what FD holds; when that is too much, what is oldest goes. */
static bool put(int fd, const char *line)
{
    size_t len;
    char *text = read_all(fd, &len);
    if (text == NULL)
        return false;
    bool good = true;
    if (!is_last(text, len, line)) {
        struct stat st;
        size_t from = last_lines(text, len, HISTORY_LINES - 1);
        bool anew = from > 0 || (fstat(fd, &st) == 0 && (size_t)st.st_size != len);
        if (anew)
            good = lseek(fd, 0, SEEK_SET) == 0 && ftruncate(fd, 0) == 0 && write_all(fd, text + from, len - from);
        else
            good = lseek(fd, 0, SEEK_END) >= 0;
        bool open_end = len > 0 && text[len - 1] != '\n';
        good = good && (!open_end || write_all(fd, "\n", 1)) && write_all(fd, line, strlen(line)) &&
               write_all(fd, "\n", 1);
    }
    free(text);
    return good;
}

void history_file_add(struct history_file *file, const char *line)
{
    if (file->path[0] == '\0' || !is_plain(line))
        return;
    make_folders(file->path);
    int fd = open(file->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);
    bool good = fd >= 0 && (!lock(fd) || (fchmod(fd, 0600) == 0 && put(fd, line)));
    if (!good) {
        fprintf(stderr, "ferrysh: the history is not kept: %s: %s\n", file->path, strerror(errno));
        file->path[0] = '\0';
    }
    if (fd >= 0)
        close(fd);
}
