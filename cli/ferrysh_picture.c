#define _GNU_SOURCE /* wcwidth */
#include "cli/ferrysh_picture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "cli/ferrysh_screen.h"
#include "cli/text.h"

/* ---- a line ---- */

struct pen {
    struct picture_line *line;
    size_t len;
    unsigned column, columns;
};

static struct pen pen_on(struct picture_line *line, enum picture_style style, const struct picture_view *view)
{
    *line = (struct picture_line){.style = style};
    return (struct pen){line, 0, 0, view->columns < PICTURE_COLUMNS ? view->columns : PICTURE_COLUMNS};
}

/* What fits into the next MOST columns. */
static void put_some(struct pen *pen, const char *text, unsigned most)
{
    mbstate_t state = {0};
    size_t left = strlen(text);
    unsigned end = pen->columns - pen->column < most ? pen->columns : pen->column + most;
    while (left > 0) {
        wchar_t c;
        size_t n = mbrtowc(&c, text, left, &state);
        int width = n > 0 && n <= left ? wcwidth(c) : -1;
        if (width <= 0 || pen->column + (unsigned)width > end || pen->len + n >= sizeof pen->line->text)
            break;
        memcpy(pen->line->text + pen->len, text, n);
        pen->len += n;
        pen->column += (unsigned)width;
        text += n;
        left -= n;
    }
    pen->line->text[pen->len] = '\0';
}

static void put(struct pen *pen, const char *text)
{
    put_some(pen, text, PICTURE_COLUMNS);
}

static void skip_to(struct pen *pen, unsigned column)
{
    while (pen->column < column && pen->column < pen->columns)
        put(pen, " ");
}

static void put_left(struct pen *pen, const char *text, unsigned width)
{
    unsigned end = pen->column + width;
    put_some(pen, text, width);
    skip_to(pen, end);
}

static void put_right(struct pen *pen, const char *text, unsigned width)
{
    size_t takes = screen_width(text, strlen(text));
    skip_to(pen, pen->column + (takes < width ? width - (unsigned)takes : 0));
    put(pen, text);
}

/* At the right end, if there is room beside what stands there. */
static void put_at_end(struct pen *pen, const char *text)
{
    size_t takes = screen_width(text, strlen(text));
    if (pen->column + takes + 2 > pen->columns)
        return;
    skip_to(pen, pen->columns - (unsigned)takes);
    put(pen, text);
}

/* ---- bars ---- */

/* How high N is beside MOST. Something is never drawn as nothing. */
static void put_height(struct pen *pen, uint64_t n, uint64_t most, bool blocks)
{
    static const char *const block[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const ascii[] = {" ", ".", ".", ":", ":", "+", "+", "#", "#"};
    unsigned height = n == 0 || most == 0 ? 0 : 1 + (unsigned)((double)n / (double)most * 7.5);
    height = height > 8 ? 8 : height;
    put(pen, blocks ? block[height] : ascii[height]);
}

/* SHARE of WIDTH columns, filled from the left. */
static void put_share(struct pen *pen, double share, unsigned width, bool blocks)
{
    static const char *const part[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    unsigned end = pen->column + width, eighths = (unsigned)(share * width * 8 + 0.5);
    if (!blocks)
        eighths = (eighths + 4) / 8 * 8;
    for (; eighths >= 8; eighths -= 8)
        put(pen, blocks ? "█" : "#");
    put(pen, part[eighths]);
    skip_to(pen, end);
}

/* ---- where things stand ---- */

/* Each takes what it wants, and where that is too much for the room they go halves. */
static void share_room(unsigned room, const unsigned *wants, unsigned *gets, unsigned n)
{
    bool more = true;
    while (room > 0 && more) {
        more = false;
        for (unsigned i = 0; i < n && room > 0; i++) {
            if (gets[i] == wants[i])
                continue;
            gets[i]++;
            room--;
            more = true;
        }
    }
}

struct picture_layout picture_layout(const struct look *look, unsigned rows)
{
    unsigned wants[] = {look->n_interfaces, look->n_drops, look->n_top}, gets[3] = {0};
    unsigned room = rows > 3 ? rows - 3 : 0, parts = 1 + (look->n_drops > 0) + (look->n_top > 0), blanks = 0;
    if (room < 4 || room < parts * 2) { /* too low for all: the interfaces alone */
        parts = 1;
        wants[1] = wants[2] = 0;
    }
    room -= parts - 1; /* titles */
    if (room >= parts * 4) {
        room -= parts;
        blanks = 1;
    }
    share_room(room, wants, gets, 3);
    return (struct picture_layout){gets[0], gets[1], gets[2], blanks};
}

/* ---- interfaces ---- */

static uint64_t rate_of(const struct look_interface *interface)
{
    return interface->rx_bits + interface->tx_bits;
}

/* Stable, so that what is equal does not jump about. */
static void sort_interfaces(const struct look *look, bool by_rate, unsigned order[LOOK_INTERFACES])
{
    for (unsigned i = 0; i < look->n_interfaces; i++) {
        unsigned at = i;
        for (; by_rate && at > 0; at--) {
            if (rate_of(&look->interfaces[order[at - 1]]) >= rate_of(&look->interfaces[i]))
                break;
            order[at] = order[at - 1];
        }
        order[at] = i;
    }
}

struct columns {
    unsigned name;
    bool packets;
    unsigned past; /* looks that are drawn */
};

#define RATE_WIDTH 12 /* "999.9 Mbit/s" */
#define PACKETS    8  /* "999.9 M", and a space before it */
#define NAME_LEAST 9  /* "Interface" */
#define NAME_MOST  15
#define PAST_LEAST 10 /* "Last 60 s", and some sense */

static struct columns choose_columns(const struct look *look, unsigned width)
{
    struct columns columns = {.name = NAME_LEAST};
    for (unsigned i = 0; i < look->n_interfaces; i++) {
        size_t takes = screen_width(look->interfaces[i].name, strlen(look->interfaces[i].name));
        if (takes > columns.name)
            columns.name = takes < NAME_MOST ? (unsigned)takes : NAME_MOST;
    }
    unsigned used = columns.name + 1 + 5 + 2 * (1 + RATE_WIDTH);
    columns.packets = used + 2 * PACKETS <= width;
    if (columns.packets)
        used += 2 * PACKETS;
    if (used + 2 + PAST_LEAST <= width)
        columns.past = width - used - 2 < LOOK_PAST ? width - used - 2 : LOOK_PAST;
    return columns;
}

static void draw_interface_title(struct pen *pen, const struct columns *columns)
{
    static const char *const way[] = {"In", "Out"};
    char past[TEXT_SHORT];
    put_left(pen, "Interface", columns->name);
    put(pen, " State");
    for (unsigned i = 0; i < 2; i++) {
        put(pen, " ");
        put_right(pen, way[i], RATE_WIDTH);
        if (columns->packets)
            put_right(pen, "pkt/s", PACKETS);
    }
    if (columns->past > 0) {
        snprintf(past, sizeof past, "  Last %u s", columns->past);
        put(pen, past);
    }
}

static void draw_rate(struct pen *pen, uint64_t bits, uint64_t packets, bool with_packets)
{
    char text[TEXT_SHORT];
    put(pen, " ");
    put_right(pen, text_rate(bits, "bit/s", text), RATE_WIDTH);
    if (with_packets)
        put_right(pen, text_number(packets, text), PACKETS);
}

static void draw_interface(struct pen *pen, const struct look_interface *interface, const uint64_t past[LOOK_PAST],
                           const struct columns *columns, bool blocks)
{
    uint64_t most = 0;
    put_left(pen, interface->name, columns->name);
    put(pen, interface->up ? " up   " : " down ");
    draw_rate(pen, interface->rx_bits, interface->rx_packets, columns->packets);
    draw_rate(pen, interface->tx_bits, interface->tx_packets, columns->packets);
    if (columns->past == 0)
        return;
    for (unsigned i = 0; i < LOOK_PAST; i++)
        most = past[i] > most ? past[i] : most;
    put(pen, "  ");
    for (unsigned i = LOOK_PAST - columns->past; i < LOOK_PAST; i++)
        put_height(pen, past[i], most, blocks);
}

/* ---- drops and destinations ---- */

static void draw_drop(struct pen *pen, const struct look_drop *drop)
{
    char text[TEXT_SHORT];
    put_left(pen, drop->reason, 24);
    snprintf(text, sizeof text, "%llu", (unsigned long long)drop->count);
    put_right(pen, text, 20);
    put(pen, " ");
    put_right(pen, text_rate(drop->per_second, "/s", text), 11);
}

/* Those that grow come first, lest they be the ones that there is no room for. */
static void draw_drops(const struct look *look, unsigned n, struct picture_line *lines, const struct picture_view *view)
{
    unsigned row = 0;
    for (unsigned grows = 2; grows-- > 0;) {
        for (unsigned i = 0; i < look->n_drops && row < n; i++) {
            if ((look->drops[i].per_second > 0) != (grows == 1))
                continue;
            struct pen pen = pen_on(&lines[row++], grows == 1 ? PICTURE_GROWS : PICTURE_PLAIN, view);
            draw_drop(&pen, &look->drops[i]);
        }
    }
}

static void draw_top(struct pen *pen, const struct look_top *top, bool blocks)
{
    char text[TEXT_SHORT];
    put_left(pen, top->prefix, 18);
    snprintf(text, sizeof text, "%.1f %%", top->bytes * 100);
    put_right(pen, text, 9);
    snprintf(text, sizeof text, "%.1f %%", top->packets * 100);
    put_right(pen, text, 10);
    put(pen, "  ");
    unsigned left = pen->columns - pen->column;
    put_share(pen, top->bytes, left < 40 ? left : 40, blocks);
}

/* ---- the whole ---- */

static void draw_head(struct pen *pen, const struct look *look, const struct picture_view *view)
{
    char text[TEXT_SHORT];
    put_some(pen, look->hostname, 40);
    put(pen, "  up ");
    put(pen, text_duration(look->seconds, text));
    if (view->paused)
        put(pen, "  paused");
    put_at_end(pen, view->clock);
    skip_to(pen, pen->columns);
}

static void draw_foot(struct pen *pen, const struct look *look, unsigned first, unsigned shown,
                      const struct picture_view *view)
{
    char text[96];
    put(pen, view->paused ? "q quit  p go on" : "q quit  p pause");
    put(pen, view->by_rate ? "  s as configured" : "  s by rate");
    put(pen, "  ? keys");
    if (shown < look->n_interfaces) {
        snprintf(text, sizeof text, "interfaces %u-%u of %u", first + (shown > 0), first + shown, look->n_interfaces);
        put_at_end(pen, text);
    }
}

static void draw_keys(struct picture_line *lines, const struct picture_view *view)
{
    static const char *const keys[] = {
        "q, Esc, Ctrl-C    leave",
        "p                 pause, and go on",
        "s                 sort interfaces by rate, or as they are configured",
        "Up, Down          one interface up or down, when there are more than lines",
        "PgUp, PgDn        a screen of them",
        "Home, End         the first, the last",
        "Ctrl-L            draw the screen anew",
        "?                 these keys; any other key goes back",
    };
    for (unsigned i = 0; i < sizeof keys / sizeof keys[0] && i + 3 < view->rows; i++) {
        struct pen pen = pen_on(&lines[i + 2], PICTURE_PLAIN, view);
        put(&pen, keys[i]);
    }
}

/* The parts between the first line and the last; returns the first interface that is shown. */
static unsigned draw_parts(const struct looks *looks, const struct picture_layout *layout,
                           const struct picture_view *view, struct picture_line *lines)
{
    const struct look *look = &looks->last;
    struct columns columns = choose_columns(look, view->columns);
    unsigned order[LOOK_INTERFACES], last = look->n_interfaces - layout->interfaces, row = 1 + layout->blanks;
    unsigned first = view->first < last ? view->first : last;
    struct pen pen = pen_on(&lines[row++], PICTURE_TITLE, view);
    draw_interface_title(&pen, &columns);
    sort_interfaces(look, view->by_rate, order);
    for (unsigned i = 0; i < layout->interfaces; i++) {
        unsigned at = order[first + i];
        pen = pen_on(&lines[row++], PICTURE_PLAIN, view);
        draw_interface(&pen, &look->interfaces[at], looks->past[at], &columns, view->blocks);
    }
    if (layout->drops > 0) {
        row += layout->blanks;
        pen = pen_on(&lines[row++], PICTURE_TITLE, view);
        put_left(&pen, "Dropped", 24);
        put_right(&pen, "Packets", 20);
        put_right(&pen, "Rate", 12);
        draw_drops(look, layout->drops, lines + row, view);
        row += layout->drops;
    }
    if (layout->top > 0) {
        row += layout->blanks;
        pen = pen_on(&lines[row++], PICTURE_TITLE, view);
        put_left(&pen, "Destination", 18);
        put_right(&pen, "Bytes", 9);
        put_right(&pen, "Packets", 10);
        put(&pen, "  Share of bytes");
        for (unsigned i = 0; i < layout->top; i++) {
            pen = pen_on(&lines[row++], PICTURE_PLAIN, view);
            draw_top(&pen, &look->top[i], view->blocks);
        }
    }
    return first;
}

void picture_draw(const struct looks *looks, const struct picture_view *view, struct picture_line *lines)
{
    const struct look *look = &looks->last;
    struct picture_layout layout = picture_layout(look, view->rows);
    unsigned first = 0;
    for (unsigned i = 0; i < view->rows; i++)
        pen_on(&lines[i], PICTURE_PLAIN, view);
    if (view->rows == 0)
        return;
    if (view->keys)
        draw_keys(lines, view);
    else if (view->rows > 2)
        first = draw_parts(looks, &layout, view, lines);
    if (view->rows > 1) {
        struct pen pen = pen_on(&lines[view->rows - 1], PICTURE_FOOT, view);
        draw_foot(&pen, look, first, layout.interfaces, view);
    }
    struct pen pen = pen_on(&lines[0], PICTURE_HEAD, view);
    draw_head(&pen, look, view);
}
