#define _GNU_SOURCE /* wcwidth */
#include "cli/ferrysh_screen.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "cli/ferrysh_look.h"
#include "cli/ferrysh_monitor.h"

#define RED   "\033[31m"
#define PLAIN "\033[0m"

static bool has_colour(int fd)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    if (no != NULL && no[0] != '\0')
        return false;
    return isatty(fd) && term != NULL && term[0] != '\0' && strcmp(term, "dumb") != 0;
}

void screen_begin(struct screen *s, bool interactive, struct heard *heard)
{
    *s = (struct screen){.interactive = interactive, .heard = heard};
    s->out_colour = has_colour(STDOUT_FILENO);
    s->err_colour = has_colour(STDERR_FILENO);
    pager_init(&s->pager);
    if (!interactive || !isatty(STDOUT_FILENO))
        s->pager.length = 0;
}

void screen_end(struct screen *s)
{
    pager_free(&s->pager);
}

size_t screen_columns(void)
{
    struct winsize size = {0};
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

size_t screen_width(const char *text, size_t len)
{
    mbstate_t state = {0};
    size_t width = 0;
    while (len > 0) {
        wchar_t c;
        size_t n = mbrtowc(&c, text, len, &state);
        if (n == 0 || n > len) { /* no character: a byte that is shown somehow */
            state = (mbstate_t){0};
            c = L'?';
            n = 1;
        }
        int columns = wcwidth(c);
        width += columns > 0 ? (size_t)columns : 0;
        text += n;
        len -= n;
    }
    return width;
}

/* ---- answers ---- */

void screen_start(struct screen *s)
{
    pager_start_command(&s->pager);
}

bool screen_output(struct screen *s, const char *text, size_t len)
{
    s->typed = NULL;
    if (s->monitor != NULL && pager_keep_late(&s->pager, text))
        return true;
    return pager_write(&s->pager, text, len, &s->heard->interrupted);
}

void screen_stream(struct screen *s)
{
    pager_stream(&s->pager);
}

static void leave_monitor(struct screen *s)
{
    if (s->monitor == NULL)
        return;
    monitor_close(s->monitor);
    s->monitor = NULL;
    pager_uncover(&s->pager);
}

void screen_finish(struct screen *s)
{
    leave_monitor(s);
    pager_finish(&s->pager);
}

void screen_discard(struct screen *s)
{
    leave_monitor(s);
    pager_discard(&s->pager);
}

/* ---- looks ---- */

static bool can_be_filled(void)
{
    const char *term = getenv("TERM");
    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && term != NULL && term[0] != '\0' &&
           strcmp(term, "dumb") != 0;
}

static bool enter_monitor(struct screen *s)
{
    if (!can_be_filled() || s->pager.pid != 0)
        return false;
    screen_stream(s); /* what was said before stands above */
    s->monitor = monitor_open(s->heard, s->out_colour);
    if (s->monitor != NULL)
        pager_cover(&s->pager);
    return s->monitor != NULL;
}

static bool print_look(struct screen *s, const char *text, size_t len)
{
    char *line = look_line(text, len);
    if (line == NULL)
        return false;
    screen_stream(s);
    bool wanted = screen_output(s, line, strlen(line));
    free(line);
    return wanted;
}

bool screen_look(struct screen *s, const char *text, size_t len)
{
    struct look look;
    if (!look_read(&look, text, len)) {
        screen_complain(s, "ferryd sent a look that can not be read");
        return false;
    }
    s->typed = NULL;
    if (s->monitor == NULL && !enter_monitor(s))
        return print_look(s, text, len);
    monitor_look(s->monitor, &look);
    return true;
}

int screen_keys_fd(const struct screen *s)
{
    return s->monitor != NULL ? STDIN_FILENO : -1;
}

bool screen_heard(struct screen *s)
{
    if (s->monitor == NULL)
        return true;
    if (s->heard->ended) {
        leave_monitor(s);
        return true;
    }
    monitor_follow(s->monitor);
    return monitor_keys(s->monitor);
}

/* ---- refusals ---- */

/* Bytes of the first N characters of TEXT. */
static size_t bytes_of(const char *text, size_t n)
{
    size_t at = 0;
    for (; n > 0 && text[at] != '\0'; n--)
        do
            at++;
        while (((unsigned char)text[at] & 0xc0) == 0x80);
    return at;
}

/* When TEXT ends with LINE and a caret below it: true, the length of what is before, and under which character. */
static bool read_caret(const char *text, const char *line, size_t *sentence, size_t *character)
{
    size_t len = strlen(line);
    *sentence = strcspn(text, "\n");
    const char *at = text + *sentence;
    if (strncmp(at, "\n  ", 3) != 0 || strncmp(at + 3, line, len) != 0 || strncmp(at + 3 + len, "\n  ", 3) != 0)
        return false;
    at += 3 + len + 3;
    *character = strspn(at, " ");
    return strcmp(at + *character, "^") == 0;
}

/* The caret goes under the line where it stands, if it stands on one row right above. */
static bool point(const struct screen *s, const char *text, size_t *sentence)
{
    size_t character;
    if (s->typed == NULL || !isatty(STDERR_FILENO) || !read_caret(text, s->typed, sentence, &character))
        return false;
    size_t line = strlen(s->typed), len = bytes_of(s->typed, character);
    size_t at = s->typed_at + screen_width(s->typed, len) + (len == line && character > 0);
    if (at >= screen_columns() || s->typed_at + screen_width(s->typed, line) >= screen_columns())
        return false;
    fprintf(stderr, "%*s%s^%s\n", (int)at, "", s->err_colour ? RED : "", s->err_colour ? PLAIN : "");
    return true;
}

void screen_refusal(struct screen *s, const char *where, const char *text)
{
    size_t len;
    screen_finish(s);
    if (!point(s, text, &len))
        len = strlen(text);
    fprintf(stderr, "%s%% %s%.*s%s\n", s->err_colour ? RED : "", where, (int)len, text, s->err_colour ? PLAIN : "");
    s->typed = NULL;
}

/* ---- at any time ---- */

/* Nothing of a log's bytes may steer the terminal. */
static char *clean_lines(const char *text)
{
    size_t len = strlen(text);
    char *clean = malloc(len + 2);
    if (clean == NULL)
        return NULL;
    for (size_t i = 0; i < len; i++)
        clean[i] =
            ((unsigned char)text[i] < 0x20 && text[i] != '\n' && text[i] != '\t') || text[i] == 0x7f ? '.' : text[i];
    if (len > 0 && text[len - 1] != '\n')
        clean[len++] = '\n';
    clean[len] = '\0';
    return clean;
}

void screen_log(struct screen *s, const char *text)
{
    char *lines = clean_lines(text);
    if (lines == NULL)
        return;
    if (s->hide != NULL)
        s->hide(s->editor);
    if (!pager_keep_late(&s->pager, lines)) {
        FILE *to = s->interactive ? stdout : stderr;
        fputs(lines, to);
        fflush(to);
    }
    if (s->show != NULL)
        s->show(s->editor);
    s->typed = NULL;
    free(lines);
}

void screen_complain(struct screen *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    screen_finish(s);
    if (s->hide != NULL)
        fputc('\n', stderr);
    fputs("ferrysh: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}
