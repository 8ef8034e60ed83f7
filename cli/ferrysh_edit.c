/* The interactive session: libedit edits the line, the server says what Tab and `?` mean. While the line is edited the
 * connection is watched too, so that a session which the server closes ends at once, and what it says is shown.
 *
 * Signals are blocked but while a key is waited for (and in the connection, while an answer is): none is missed. */
#define _GNU_SOURCE /* ppoll */
#include <errno.h>
#include <histedit.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

#include "cli/ferrysh.h"
#include "cli/ferrysh_history.h"

#define BOLD  "\033[1m"
#define PLAIN "\033[0m"
#define QUIET '\1' /* around what takes no columns in a prompt */

struct editor {
    struct connection *connection;
    struct screen *screen;
    EditLine *edit;
    History *history;
    struct history_file file;
    size_t columns; /* of the terminal, as libedit knows it */
    char prompt[PROMPT_MAX + 16];
};

static struct editor *editor_of(EditLine *edit)
{
    struct editor *e = NULL;
    el_get(edit, EL_CLIENTDATA, &e);
    return e;
}

/* ---- the prompt, and the line on the screen ---- */

/* Bold, but for its last space: libedit wants a character after the escape sequence. */
static char *prompt(EditLine *edit)
{
    struct editor *e = editor_of(edit);
    const char *text = e->connection->prompt;
    size_t len = strlen(text);
    bool bold = e->screen->out_colour && len > 1 && text[len - 1] == ' ';
    if (bold)
        snprintf(e->prompt, sizeof e->prompt, "%c" BOLD "%c%.*s%c" PLAIN "%c ", QUIET, QUIET, (int)len - 1, text, QUIET,
                 QUIET);
    else
        snprintf(e->prompt, sizeof e->prompt, "%s", text);
    return e->prompt;
}

static bool can_move(void)
{
    const char *term = getenv("TERM");
    return term != NULL && term[0] != '\0' && strcmp(term, "dumb") != 0;
}

/* From where the cursor is to the beginning of the prompt, and nothing is left below. */
static void hide_line(void *context)
{
    struct editor *e = context;
    const LineInfo *line = el_line(e->edit);
    size_t columns = screen_columns() > e->columns ? screen_columns() : e->columns;
    size_t at = screen_width(e->connection->prompt, strlen(e->connection->prompt)) +
                screen_width(line->buffer, (size_t)(line->cursor - line->buffer));
    if (!can_move()) {
        fputc('\n', stdout);
        return;
    }
    if (at >= columns)
        printf("\033[%zuA", at / columns);
    fputs("\r\033[J", stdout);
}

static void show_line(void *context)
{
    struct editor *e = context;
    fflush(stdout);
    el_set(e->edit, EL_REFRESH);
}

static void resize(struct editor *e)
{
    e->connection->heard->resized = 0;
    hide_line(e);
    el_resize(e->edit);
    e->columns = screen_columns();
    show_line(e);
}

/* ---- keys ---- */

/* One character of the terminal, as libedit wants it: 1, 0 at the end, -1 on an error. */
static int read_character(EditLine *edit, wchar_t *to)
{
    struct editor *e = editor_of(edit);
    const struct heard *heard = e->connection->heard;
    mbstate_t state = {0};
    sigset_t none;
    sigemptyset(&none);
    for (;;) {
        struct pollfd wait[] = {{STDIN_FILENO, POLLIN, 0}, {e->connection->fd, POLLIN, 0}};
        char byte;
        int ready = ppoll(wait, 2, NULL, &none);
        if (heard->interrupted)
            return -1;
        if (heard->resized)
            resize(e);
        if (ready < 0 && errno != EINTR)
            return -1;
        if (ready < 0)
            continue;
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

/* What the server says about the line so far; NULL, and what the key does then in *RESULT. */
static char *ask(EditLine *edit, enum frame_type type, const char *line, unsigned char *result)
{
    struct connection *connection = editor_of(edit)->connection;
    char *text = line != NULL ? connection_ask(connection, type, line) : NULL;
    *result = text == NULL && (connection->lost || connection->heard->interrupted) ? CC_EOF : CC_REFRESH_BEEP;
    return text;
}

static unsigned char help(EditLine *edit, int key)
{
    unsigned char result;
    char *line = typed(edit);
    char *text = ask(edit, FRAME_HELP, line, &result);
    (void)key;
    free(line);
    if (text == NULL)
        return result;
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

/* In as many columns as the terminal has room for. */
static void list_candidates(const char *text)
{
    size_t widest = 0, n = 0;
    for (const char *at = text; *at != '\0'; at += *at == '\n') {
        size_t len = strcspn(at, "\n");
        widest = len > widest ? len : widest;
        at += len;
    }
    size_t across = screen_columns() / (widest + 2);
    for (const char *at = text; *at != '\0'; at += *at == '\n', n++) {
        size_t len = strcspn(at, "\n");
        printf("%s%-*.*s", n % (across > 0 ? across : 1) == 0 ? "\n" : "  ", (int)widest, (int)len, at);
        at += len;
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
    unsigned char result;
    char *line = typed(edit);
    char *text = ask(edit, FRAME_COMPLETE, line, &result);
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

/* A prompt such as "r1(config-if)# ". */
static bool in_configuration(const struct connection *connection)
{
    size_t len = strlen(connection->prompt);
    return len >= 3 && connection->prompt[len - 3] == ')';
}

/* Ctrl-Z: what was typed is dropped. */
static unsigned char leave_configuration(EditLine *edit, int key)
{
    (void)key;
    struct editor *e = editor_of(edit);
    if (!in_configuration(e->connection))
        return CC_REFRESH_BEEP;
    hide_line(e);
    bool replaced = el_replacestr(edit, "end") == 0;
    show_line(e);
    if (!replaced)
        return CC_ERROR;
    printf("\n");
    fflush(stdout);
    return CC_NEWLINE;
}

/* ---- the session ---- */

/* libedit copies names and help of added functions, and never frees them. */
static void add_keys(EditLine *edit)
{
#ifdef __SANITIZE_ADDRESS__
    __lsan_disable();
#endif
    el_set(edit, EL_ADDFN, "ferry-help", "what may follow", help);
    el_set(edit, EL_ADDFN, "ferry-complete", "complete the word", complete);
    el_set(edit, EL_ADDFN, "ferry-end", "leave configuration", leave_configuration);
#ifdef __SANITIZE_ADDRESS__
    __lsan_enable();
#endif
    el_set(edit, EL_BIND, "?", "ferry-help", NULL);
    el_set(edit, EL_BIND, "^I", "ferry-complete", NULL);
    el_set(edit, EL_BIND, "^Z", "ferry-end", NULL);
    el_set(edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
    el_set(edit, EL_BIND, "^W", "ed-delete-prev-word", NULL);
}

static void remember(void *context, const char *line)
{
    struct editor *e = context;
    HistEvent event;
    history(e->history, &event, H_ENTER, line);
}

static bool begin(struct editor *e)
{
    HistEvent event;
    e->edit = el_init("ferrysh", stdin, stdout, stderr);
    e->history = history_init();
    if (e->edit == NULL || e->history == NULL)
        return false;
    history(e->history, &event, H_SETSIZE, HISTORY_LINES);
    history(e->history, &event, H_SETUNIQUE, 1);
    history_file_find(&e->file);
    history_file_read(&e->file, remember, e);
    el_set(e->edit, EL_CLIENTDATA, e);
    el_set(e->edit, EL_PROMPT_ESC, prompt, QUIET);
    el_set(e->edit, EL_EDITOR, "emacs");
    el_set(e->edit, EL_SIGNAL, 0);
    el_set(e->edit, EL_HIST, history, e->history);
    el_set(e->edit, EL_GETCFN, read_character);
    add_keys(e->edit);
    e->columns = screen_columns();
    return true;
}

static void end(struct editor *e)
{
    if (e->history != NULL)
        history_end(e->history);
    if (e->edit != NULL)
        el_end(e->edit);
}

/* The terminal as it is while a line is edited. Before the prompt, so that a fast typist's keys are not echoed twice;
 * Ctrl-Z is a key like others then. */
static void prepare_terminal(struct editor *e)
{
    struct termios mode;
    el_set(e->edit, EL_PREP_TERM, 1);
    if (tcgetattr(STDIN_FILENO, &mode) != 0)
        return;
    mode.c_cc[VSUSP] = _POSIX_VDISABLE;
    tcsetattr(STDIN_FILENO, TCSANOW, &mode);
}

/* The next line, as libedit gives it; NULL at the end. */
static const char *read_line(struct editor *e)
{
    int n = 0;
    e->screen->hide = hide_line;
    e->screen->show = show_line;
    prepare_terminal(e);
    const char *line = el_gets(e->edit, &n);
    e->screen->hide = e->screen->show = NULL;
    return n > 0 ? line : NULL;
}

/* Runs what was typed. */
static void run_line(struct editor *e, const char *typed_line)
{
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
    if (line[0] != ' ') {
        remember(e, line);
        history_file_add(&e->file, line);
    }
    e->screen->typed = line;
    e->screen->typed_at = screen_width(e->connection->prompt, strlen(e->connection->prompt));
    connection_run(e->connection, line, "");
    e->screen->typed = NULL;
}

static void edit_lines(struct editor *e)
{
    struct connection *connection = e->connection;
    while (!connection->lost) {
        connection->heard->interrupted = 0;
        const char *line = read_line(e);
        if (connection->heard->interrupted) { /* Ctrl-C forgets the line */
            printf("^C\n");
            el_reset(e->edit);
            continue;
        }
        if (line == NULL)
            break;
        run_line(e, line);
    }
    if (!connection->lost)
        printf("\n");
}

enum status edit_run(struct connection *connection)
{
    struct editor e = {.connection = connection, .screen = connection->screen, .columns = 80};
    sigset_t signals, before;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGWINCH);
    sigprocmask(SIG_BLOCK, &signals, &before);
    e.screen->editor = &e;
    bool good = begin(&e);
    if (good)
        edit_lines(&e);
    else
        fprintf(stderr, "ferrysh: the line editor can not start\n");
    end(&e);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return !good || (connection->lost && !connection->left) ? STATUS_NO_DAEMON : STATUS_GOOD;
}
