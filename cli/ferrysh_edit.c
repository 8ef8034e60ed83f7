/* The interactive session: libedit edits the line, the server says what Tab and `?` mean. While the line is edited the
 * connection is watched too, so that a session which the server closes ends at once. */
#define _GNU_SOURCE
#include <errno.h>
#include <histedit.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/ferrysh.h"

#define HISTORY_LINES 1000

struct editor {
    struct connection *connection;
    volatile int *interrupted;
    EditLine *edit;
    History *history;
    char path[512]; /* of the history; "": it is not kept */
};

static struct editor *editor_of(EditLine *edit)
{
    struct editor *e = NULL;
    el_get(edit, EL_CLIENTDATA, &e);
    return e;
}

/* ---- what libedit asks ---- */

static char *prompt(EditLine *edit)
{
    return editor_of(edit)->connection->prompt;
}

/* One character of the terminal, as libedit wants it: 1, 0 at the end, -1 on an error. */
static int read_character(EditLine *edit, wchar_t *to)
{
    struct editor *e = editor_of(edit);
    mbstate_t state = {0};
    for (;;) {
        struct pollfd wait[] = {{STDIN_FILENO, POLLIN, 0}, {e->connection->fd, POLLIN, 0}};
        char byte;
        if (poll(wait, 2, -1) < 0)
            return -1;
        if (wait[1].revents != 0 && !connection_heard(e->connection))
            return 0;
        if (wait[0].revents == 0)
            continue;
        ssize_t n = read(STDIN_FILENO, &byte, 1);
        if (n <= 0)
            return (int)n;
        size_t used = mbrtowc(to, &byte, 1, &state);
        if (used == (size_t)-2)
            continue;
        if (used == (size_t)-1)
            *to = L'?';
        return 1;
    }
}

/* The line up to the cursor; to be freed. */
static char *typed(EditLine *edit)
{
    const LineInfo *line = el_line(edit);
    return strndup(line->buffer, (size_t)(line->cursor - line->buffer));
}

static unsigned char help(EditLine *edit, int key)
{
    char *line = typed(edit);
    char *text = line != NULL ? connection_ask(editor_of(edit)->connection, FRAME_HELP, line) : NULL;
    (void)key;
    free(line);
    if (text == NULL)
        return CC_EOF;
    printf("?\n%s", text);
    fflush(stdout);
    free(text);
    return CC_REDISPLAY;
}

/* How far all lines of TEXT agree. */
static size_t common_prefix(const char *text)
{
    size_t common = strcspn(text, "\n");
    for (const char *at = text; *at != '\0';) {
        size_t i = 0;
        while (i < common && at[i] == text[i])
            i++;
        common = i;
        at += strcspn(at, "\n");
        at += *at == '\n';
    }
    return common;
}

static void list_candidates(const char *text)
{
    printf("\n");
    for (const char *at = text; *at != '\0';) {
        int len = (int)strcspn(at, "\n");
        printf("%.*s%s", len, at, "  ");
        at += len;
        at += *at == '\n';
    }
    printf("\n");
    fflush(stdout);
}

static unsigned char apply(EditLine *edit, const char *text, const char *word)
{
    size_t have = strlen(word), common = common_prefix(text);
    bool only = text[strcspn(text, "\n")] == '\n' && text[strcspn(text, "\n") + 1] == '\0';
    char add[256];
    if (text[0] == '\0')
        return CC_REFRESH_BEEP;
    if (common > have || only) {
        /* an abbreviation in capitals is typed anew as the word is */
        el_deletestr(edit, (int)have);
        snprintf(add, sizeof add, "%.*s%s", (int)common, text, only ? " " : "");
        return el_insertstr(edit, add) == 0 ? CC_REFRESH : CC_REFRESH_BEEP;
    }
    list_candidates(text);
    return CC_REDISPLAY;
}

static unsigned char complete(EditLine *edit, int key)
{
    char *line = typed(edit);
    char *text = line != NULL ? connection_ask(editor_of(edit)->connection, FRAME_COMPLETE, line) : NULL;
    unsigned char result = CC_EOF;
    (void)key;
    if (text != NULL) {
        size_t at = strlen(line);
        while (at > 0 && line[at - 1] != ' ' && line[at - 1] != '\t')
            at--;
        result = apply(edit, text, line + at);
    }
    free(text);
    free(line);
    return result;
}

/* ---- history ---- */

/* Makes the folders of PATH, as far as the last slash. */
static void make_folders(char *path)
{
    for (char *at = path + 1; (at = strchr(at, '/')) != NULL; at++) {
        *at = '\0';
        mkdir(path, 0700);
        *at = '/';
    }
}

static void find_history(char *path, size_t size)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    path[0] = '\0';
    int n = 0;
    if (state != NULL && state[0] == '/')
        n = snprintf(path, size, "%s/ferrysh_history", state);
    else if (home != NULL && home[0] == '/')
        n = snprintf(path, size, "%s/.local/state/ferrysh_history", home);
    if (n < 0 || (size_t)n >= size)
        path[0] = '\0';
    if (path[0] != '\0')
        make_folders(path);
}

static void save_history(struct editor *e)
{
    HistEvent event;
    if (e->path[0] == '\0')
        return;
    mode_t mask = umask(077);
    history(e->history, &event, H_SAVE, e->path);
    umask(mask);
}

/* ---- the session ---- */

static bool begin(struct editor *e)
{
    HistEvent event;
    e->edit = el_init("ferrysh", stdin, stdout, stderr);
    e->history = history_init();
    if (e->edit == NULL || e->history == NULL)
        return false;
    history(e->history, &event, H_SETSIZE, HISTORY_LINES);
    history(e->history, &event, H_SETUNIQUE, 1);
    find_history(e->path, sizeof e->path);
    if (e->path[0] != '\0')
        history(e->history, &event, H_LOAD, e->path);
    el_set(e->edit, EL_CLIENTDATA, e);
    el_set(e->edit, EL_PROMPT, prompt);
    el_set(e->edit, EL_EDITOR, "emacs");
    el_set(e->edit, EL_SIGNAL, 0);
    el_set(e->edit, EL_HIST, history, e->history);
    el_set(e->edit, EL_GETCFN, read_character);
    el_set(e->edit, EL_ADDFN, "ferry-help", "what may follow", help);
    el_set(e->edit, EL_ADDFN, "ferry-complete", "complete the word", complete);
    el_set(e->edit, EL_BIND, "?", "ferry-help", NULL);
    el_set(e->edit, EL_BIND, "^I", "ferry-complete", NULL);
    el_set(e->edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
    return true;
}

static void end(struct editor *e)
{
    if (e->history != NULL)
        history_end(e->history);
    if (e->edit != NULL)
        el_end(e->edit);
}

/* Runs what was typed. */
static void run_line(struct editor *e, const char *typed_line)
{
    HistEvent event;
    char line[FRAME_ASK_MAX + 1];
    size_t len = strcspn(typed_line, "\n");
    while (len > 0 && typed_line[len - 1] == ' ')
        len--;
    if (len > FRAME_ASK_MAX) {
        fprintf(stderr, "%% the line is longer than %d bytes\n", FRAME_ASK_MAX);
        return;
    }
    memcpy(line, typed_line, len);
    line[len] = '\0';
    if (line[strspn(line, " \t")] == '\0')
        return;
    history(e->history, &event, H_ENTER, line);
    save_history(e);
    *e->interrupted = 0;
    connection_run(e->connection, line, "", e->interrupted);
}

enum status edit_run(struct connection *connection, volatile int *interrupted)
{
    struct editor e = {.connection = connection, .interrupted = interrupted};
    if (!begin(&e)) {
        fprintf(stderr, "ferrysh: the line editor can not start\n");
        end(&e);
        return STATUS_NO_DAEMON;
    }
    while (!connection->lost) {
        int n;
        *interrupted = 0;
        const char *line = el_gets(e.edit, &n);
        if (*interrupted) { /* Ctrl-C forgets the line */
            printf("^C\n");
            el_reset(e.edit);
            continue;
        }
        if (line == NULL || n <= 0)
            break;
        run_line(&e, line);
    }
    if (!connection->lost)
        printf("\n");
    end(&e);
    return connection->lost && !connection->left ? STATUS_NO_DAEMON : STATUS_GOOD;
}
