#define _GNU_SOURCE /* pipe2, ppoll */
#include "cli/ferrysh_pager.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define HELD_MAX (256 * 1024) /* whatever the height of the terminal */
#define LATE_MAX (64 * 1024)

void pager_init(struct pager *p)
{
    *p = (struct pager){.length = -1, .fd = -1};
}

void pager_free(struct pager *p)
{
    pager_discard(p);
    pager_finish(p);
    free(p->held);
    free(p->late);
    pager_init(p);
}

/* ---- how much is a page ---- */

static struct winsize terminal_size(void)
{
    struct winsize size = {0};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0)
        size = (struct winsize){.ws_row = 24, .ws_col = 80};
    return size;
}

static void count_rows(struct pager *p, const char *text, size_t len, unsigned columns)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (p->escape) {
            p->escape = c < 0x40 || c == '[';
        } else if (c == 0x1b) {
            p->escape = true;
        } else if (c == '\n') {
            p->rows++;
            p->column = 0;
        } else if (c == '\t') {
            p->column += 8 - p->column % 8;
        } else if ((c & 0xc0) != 0x80) { /* the first byte of a character */
            p->column++;
        }
        if (p->column > columns) {
            p->rows++;
            p->column -= columns;
        }
    }
}

/* Is what is held more than a page? The last row of the terminal is the prompt's. */
static bool is_long(const struct pager *p, unsigned terminal_rows)
{
    unsigned rows = p->rows + (p->column > 0);
    unsigned page = p->length > 0 ? (unsigned)p->length : terminal_rows > 1 ? terminal_rows - 1u : 1;
    return rows > page || p->n_held > HELD_MAX;
}

static bool hold(struct pager *p, const char *text, size_t len)
{
    if (p->n_held + len > p->room) {
        char *more = realloc(p->held, p->n_held + len);
        if (more == NULL)
            return false;
        p->held = more;
        p->room = p->n_held + len;
    }
    memcpy(p->held + p->n_held, text, len);
    p->n_held += len;
    return true;
}

/* ---- the program ---- */

static bool is_program(const char *folder, size_t folder_len, const char *name, size_t len)
{
    char path[1024];
    int n =
        snprintf(path, sizeof path, "%.*s%s%.*s", (int)folder_len, folder, folder_len > 0 ? "/" : "", (int)len, name);
    return n > 0 && (size_t)n < sizeof path && access(path, X_OK) == 0;
}

/* Is the first word of COMMAND a program that can be found? */
static bool can_run(const char *command)
{
    size_t len = strcspn(command, " \t");
    const char *path = getenv("PATH");
    if (memchr(command, '/', len) != NULL)
        return is_program("", 0, command, len);
    if (path == NULL || len == 0)
        return false;
    for (;;) {
        size_t folder = strcspn(path, ":");
        if (is_program(path, folder, command, len))
            return true;
        if (path[folder] == '\0')
            return false;
        path += folder + 1;
    }
}

/* NULL: there is none. An empty $PAGER is a wish for none. */
static const char *pager_command(void)
{
    const char *command = getenv("PAGER");
    if (command == NULL)
        command = "less";
    return can_run(command) ? command : NULL;
}

/* F: end by itself if all fits; R: colours; X: leave the text on the screen. Whoever set LESS knows better. */
static void set_options(int length)
{
    char options[32];
    if (length > 0)
        snprintf(options, sizeof options, "-FRX -z%d", length);
    else
        snprintf(options, sizeof options, "-FRX");
    setenv("LESS", options, 0);
}

static void become_pager(const char *command, int length, int from)
{
    sigset_t none;
    sigemptyset(&none);
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    set_options(length);
    dup2(from, STDIN_FILENO);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

static bool start(struct pager *p)
{
    const char *command = pager_command();
    int ends[2];
    if (command == NULL || pipe2(ends, O_CLOEXEC) != 0)
        return false;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        become_pager(command, p->length, ends[0]);
    close(ends[0]);
    if (pid < 0) {
        close(ends[1]);
        return false;
    }
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    signal(SIGPIPE, SIG_IGN);
    p->pid = pid;
    p->fd = ends[1];
    return true;
}

static void print(const char *text, size_t len)
{
    if (len == 0)
        return;
    fwrite(text, 1, len, stdout);
    fflush(stdout);
}

static void print_late(struct pager *p)
{
    print(p->late, p->n_late);
    p->n_late = 0;
}

static void wait_for(struct pager *p)
{
    if (p->pid == 0)
        return;
    close(p->fd);
    while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    signal(SIGPIPE, SIG_DFL);
    p->pid = 0;
    p->fd = -1;
    print_late(p);
}

/* As much as it takes and when it takes it. False when it has been left, or *interrupted. */
static bool feed(struct pager *p, const char *text, size_t len, const volatile sig_atomic_t *interrupted)
{
    sigset_t none;
    sigemptyset(&none);
    while (len > 0) {
        ssize_t n = write(p->fd, text, len);
        if (n >= 0) {
            text += n;
            len -= (size_t)n;
        } else if (errno == EAGAIN) {
            struct pollfd wait = {p->fd, POLLOUT, 0};
            (void)ppoll(&wait, 1, NULL, &none);
            if (*interrupted)
                return false;
        } else if (errno != EINTR) {
            p->quit = true;
            wait_for(p);
            return false;
        }
    }
    return true;
}

/* ---- front door ---- */

static void print_held(struct pager *p)
{
    print(p->held, p->n_held);
    pager_discard(p);
}

void pager_start_command(struct pager *p)
{
    pager_discard(p);
    p->streaming = p->quit = false;
}

bool pager_write(struct pager *p, const char *text, size_t len, const volatile sig_atomic_t *interrupted)
{
    if (p->quit || len == 0)
        return !p->quit;
    if (p->pid != 0)
        return feed(p, text, len, interrupted);
    if (p->streaming || p->length == 0 || !hold(p, text, len)) {
        print(text, len);
        return true;
    }
    struct winsize size = terminal_size();
    count_rows(p, text, len, size.ws_col);
    if (!is_long(p, size.ws_row))
        return true;
    if (!start(p)) {
        pager_stream(p);
        return true;
    }
    bool all = feed(p, p->held, p->n_held, interrupted);
    pager_discard(p);
    return all;
}

void pager_stream(struct pager *p)
{
    print_held(p);
    p->streaming = true;
}

void pager_discard(struct pager *p)
{
    p->n_held = 0;
    p->rows = p->column = 0;
    p->escape = false;
}

void pager_finish(struct pager *p)
{
    print_held(p);
    wait_for(p);
}

void pager_cover(struct pager *p)
{
    p->covered = true;
}

void pager_uncover(struct pager *p)
{
    p->covered = false;
    print_late(p);
}

bool pager_keep_late(struct pager *p, const char *text)
{
    size_t len = strlen(text);
    if (p->pid == 0 && !p->covered)
        return false;
    if (p->n_late + len > LATE_MAX)
        return true;
    char *more = realloc(p->late, p->n_late + len);
    if (more == NULL)
        return true;
    memcpy(more + p->n_late, text, len);
    p->late = more;
    p->n_late += len;
    return true;
}
