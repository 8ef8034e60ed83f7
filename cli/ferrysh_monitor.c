#include "cli/ferrysh_monitor.h"

#include <curses.h>
#include <langinfo.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <time.h>
#include <unistd.h>

#undef lines /* term.h has a macro for every capability of a terminal */
#undef columns

#include "cli/ferrysh_picture.h"
#include "cli/ferrysh_screen.h"

#define KEY_OF(letter) ((letter)&0x1f) /* with Ctrl */
#define ESCAPE         27
#define ESCAPE_MS      100 /* the rest of a key's sequence comes within this */

#define ROWS_MOST  1000
#define PAIR_GROWS 1

static const int signals[] = {SIGWINCH, SIGTERM, SIGHUP, SIGTSTP};
#define SIGNALS (sizeof signals / sizeof signals[0])

struct monitor {
    struct heard *heard;
    struct sigaction before[SIGNALS];
    sigset_t mask_before;
    SCREEN *screen;
    TERMINAL *terminal_before; /* the line editor's */
    bool colour, looked;
    struct picture_view view;
    struct picture_line *lines;
    struct looks live, frozen; /* as it goes on, and as it was when it was paused */
    char clock[32];
};

/* ---- signals ---- */

/* One that was ignored before, as nohup(1) has it, stays so. That of Ctrl-Z always is: the screen would be left as it
 * is. */
static void hear_signals(struct monitor *m)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < SIGNALS; i++) {
        struct sigaction action = {.sa_handler = signals[i] == SIGTSTP ? SIG_IGN : m->heard->on_signal};
        sigaddset(&set, signals[i]);
        sigaction(signals[i], NULL, &m->before[i]);
        if (m->before[i].sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL);
    }
    m->heard->ended = 0;
    sigprocmask(SIG_BLOCK, &set, &m->mask_before);
}

static void leave_signals(struct monitor *m)
{
    for (size_t i = 0; i < SIGNALS; i++)
        sigaction(signals[i], &m->before[i], NULL);
    sigprocmask(SIG_SETMASK, &m->mask_before, NULL);
}

/* ---- drawing ---- */

static void follow_size(struct monitor *m)
{
    struct winsize size = {0};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0 &&
        (size.ws_row != LINES || size.ws_col != COLS)) {
        resizeterm(size.ws_row, size.ws_col);
        clearok(curscr, TRUE); /* what terminals make of their text then, each in its way, is not to be relied on */
    }
    unsigned rows = (unsigned)LINES < ROWS_MOST ? (unsigned)LINES : ROWS_MOST;
    m->view.columns = (unsigned)COLS;
    if (rows == m->view.rows)
        return;
    struct picture_line *lines = calloc(rows, sizeof *lines);
    if (lines == NULL) /* what there is room for */
        return;
    free(m->lines);
    m->lines = lines;
    m->view.rows = rows;
}

static void draw(struct monitor *m)
{
    const attr_t grows = m->colour ? (attr_t)COLOR_PAIR(PAIR_GROWS) | A_BOLD : A_BOLD;
    const attr_t attributes[] = {[PICTURE_PLAIN] = A_NORMAL,
                                 [PICTURE_HEAD] = A_REVERSE,
                                 [PICTURE_TITLE] = A_BOLD,
                                 [PICTURE_GROWS] = grows,
                                 [PICTURE_FOOT] = A_NORMAL};
    if (!m->looked)
        return;
    picture_draw(m->view.paused ? &m->frozen : &m->live, &m->view, m->lines);
    erase();
    for (unsigned row = 0; row < m->view.rows && row < (unsigned)LINES; row++) {
        attrset((int)attributes[m->lines[row].style]);
        mvaddstr((int)row, 0, m->lines[row].text);
    }
    attrset(A_NORMAL);
    refresh();
}

static void read_clock(struct monitor *m)
{
    time_t now = time(NULL);
    struct tm parts;
    if (localtime_r(&now, &parts) == NULL || strftime(m->clock, sizeof m->clock, "%H:%M:%S", &parts) == 0)
        m->clock[0] = '\0';
}

/* ---- keys ---- */

/* Moves the part of the interfaces that is shown, from where it stands now. */
static void scroll_by(struct monitor *m, int steps, bool pages)
{
    const struct look *look = m->view.paused ? &m->frozen.last : &m->live.last;
    unsigned shown = picture_layout(look, m->view.rows).interfaces, last = look->n_interfaces - shown;
    int first = (int)(m->view.first < last ? m->view.first : last) + steps * (pages && shown > 1 ? (int)shown : 1);
    m->view.first = first < 0 ? 0 : (unsigned)first < last ? (unsigned)first : last;
}

static void pause_or_go_on(struct monitor *m)
{
    m->view.paused = !m->view.paused;
    if (m->view.paused)
        m->frozen = m->live;
    else
        read_clock(m);
}

/* Escape alone leaves; one that begins a sequence that ncurses does not know is passed over, and so is the sequence. */
static bool is_escape_alone(void)
{
    bool alone = true;
    while (getch() != ERR)
        alone = false;
    return alone;
}

/* False: leave. */
static bool take_key(struct monitor *m, int key)
{
    bool keys = m->view.keys;
    m->view.keys = false;
    switch (key) {
    case 'q':
    case 'Q':
    case KEY_OF('C'):
        return false;
    case ESCAPE:
        return !is_escape_alone();
    case '?':
        m->view.keys = !keys;
        break;
    case 'p':
        pause_or_go_on(m);
        break;
    case 's':
        m->view.by_rate = !m->view.by_rate;
        m->view.first = 0;
        break;
    case KEY_UP:
        scroll_by(m, -1, false);
        break;
    case KEY_DOWN:
        scroll_by(m, 1, false);
        break;
    case KEY_PPAGE:
        scroll_by(m, -1, true);
        break;
    case KEY_NPAGE:
        scroll_by(m, 1, true);
        break;
    case KEY_HOME:
        m->view.first = 0;
        break;
    case KEY_END:
        m->view.first = LOOK_INTERFACES;
        break;
    case KEY_OF('L'):
        clearok(curscr, TRUE);
        break;
    case KEY_RESIZE: /* ncurses' own note of what follow_size told it */
        m->view.keys = keys;
        break;
    default:
        break;
    }
    return true;
}

bool monitor_keys(struct monitor *m)
{
    struct pollfd typed = {STDIN_FILENO, POLLIN, 0};
    int key;
    if (poll(&typed, 1, 0) <= 0)
        return true;
    if ((typed.revents & ~POLLIN) != 0) /* the terminal is gone */
        return false;
    while ((key = getch()) != ERR)
        if (!take_key(m, key))
            return false;
    draw(m);
    return true;
}

/* ---- front door ---- */

static bool is_unicode(void)
{
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* newterm(3) would find out too, but forgets to free something then. */
static bool is_known_terminal(TERMINAL *before)
{
    int error;
    if (setupterm(NULL, STDOUT_FILENO, &error) != OK)
        return false;
    TERMINAL *found = set_curterm(before);
    if (found != before)
        del_curterm(found);
    return true;
}

static void begin_terminal(struct monitor *m)
{
    set_escdelay(ESCAPE_MS);
    raw(); /* Ctrl-C and Ctrl-Z are keys */
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    curs_set(0);
    m->colour = m->colour && start_color() == OK && has_colors() && use_default_colors() == OK &&
                init_pair(PAIR_GROWS, COLOR_RED, -1) == OK;
}

struct monitor *monitor_open(struct heard *heard, bool colour)
{
    struct monitor *m = calloc(1, sizeof *m);
    if (m == NULL)
        return NULL;
    *m = (struct monitor){.heard = heard, .colour = colour, .terminal_before = cur_term};
    m->view = (struct picture_view){.blocks = is_unicode(), .clock = m->clock};
    hear_signals(m);
    m->screen = is_known_terminal(m->terminal_before) ? newterm(NULL, stdout, stdin) : NULL;
    if (m->screen == NULL) {
        leave_signals(m);
        free(m);
        return NULL;
    }
    begin_terminal(m);
    follow_size(m);
    return m;
}

void monitor_close(struct monitor *m)
{
    int ended = m->heard->ended;
    endwin();
    delscreen(m->screen);
    set_curterm(m->terminal_before);
    leave_signals(m);
    free(m->lines);
    free(m);
    if (ended)
        raise(ended);
}

void monitor_look(struct monitor *m, const struct look *look)
{
    looks_add(&m->live, look);
    m->looked = true;
    if (m->view.paused)
        return;
    read_clock(m);
    draw(m);
}

void monitor_follow(struct monitor *m)
{
    unsigned rows = m->view.rows, columns = m->view.columns;
    follow_size(m);
    if (m->view.rows != rows || m->view.columns != columns)
        draw(m);
}
