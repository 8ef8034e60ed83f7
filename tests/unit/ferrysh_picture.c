/* What monitor shows, without a terminal: looks go in, and lines of text come out. */
#include "cli/ferrysh_picture.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ferrysh_screen.h"
#include "tests/unit/support/unit.h"

static struct looks looks;
static struct look next;
static struct picture_line lines[100];
static struct picture_view view;

static void begin(unsigned rows, unsigned columns)
{
    CU_ASSERT_PTR_NOT_NULL_FATAL(setlocale(LC_CTYPE, "C.UTF-8"));
    memset(&looks, 0, sizeof looks);
    memset(&next, 0, sizeof next);
    snprintf(next.hostname, sizeof next.hostname, "r1");
    view = (struct picture_view){.rows = rows, .columns = columns, .blocks = true, .clock = "12:34:56"};
}

static void add_interface(const char *name, uint64_t bits)
{
    struct look_interface *interface = &next.interfaces[next.n_interfaces++];
    *interface = (struct look_interface){.up = true, .rx_bits = bits, .rx_packets = bits / 1000};
    snprintf(interface->name, sizeof interface->name, "%s", name);
}

static void add_drop(const char *reason, uint64_t count, uint64_t per_second)
{
    struct look_drop *drop = &next.drops[next.n_drops++];
    *drop = (struct look_drop){.count = count, .per_second = per_second};
    snprintf(drop->reason, sizeof drop->reason, "%s", reason);
}

static void add_top(const char *prefix, double bytes, double packets)
{
    struct look_top *top = &next.top[next.n_top++];
    *top = (struct look_top){.packets = packets, .bytes = bytes};
    snprintf(top->prefix, sizeof top->prefix, "%s", prefix);
}

/* Nothing is wider than the screen, at whatever size. */
static void draw(void)
{
    CU_ASSERT_TRUE_FATAL(view.rows <= 100);
    picture_draw(&looks, &view, lines);
    for (unsigned i = 0; i < view.rows; i++)
        CU_ASSERT_TRUE(screen_width(lines[i].text, strlen(lines[i].text)) <= view.columns);
}

static void is(unsigned row, const char *text)
{
    size_t len = strlen(lines[row].text);
    while (len > 0 && lines[row].text[len - 1] == ' ')
        lines[row].text[--len] = '\0';
    CU_ASSERT_STRING_EQUAL(lines[row].text, text);
}

static void the_whole(void)
{
    begin(18, 80);
    next.seconds = 90061;
    add_interface("r0", 1500000);
    add_interface("lo0", 0);
    next.interfaces[1].up = false;
    add_drop("no-route", 5, 0);
    add_drop("ttl", 70, 7);
    add_top("10.0.2.0/24", 0.5, 0.25);
    looks_add(&looks, &next);
    next.interfaces[0].rx_bits = 750000;
    looks_add(&looks, &next);
    draw();
    is(0, "r1  up 1d01h01m                                                         12:34:56");
    is(1, "");
    is(2, "Interface State           In   pkt/s          Out   pkt/s  Last 21 s");
    is(3, "r0        up    750.0 kbit/s   1.5 k      0 bit/s       0                     █▄");
    is(4, "lo0       down       0 bit/s       0      0 bit/s       0");
    is(5, "");
    is(6, "Dropped                              Packets        Rate");
    is(7, "ttl                                       70        7 /s");
    is(8, "no-route                                   5        0 /s");
    is(9, "");
    is(10, "Destination           Bytes   Packets  Share of bytes");
    is(11, "10.0.2.0/24          50.0 %    25.0 %  ████████████████████");
    is(12, "");
    is(17, "q quit  p pause  s by rate  ? keys");
    CU_ASSERT_EQUAL(lines[0].style, PICTURE_HEAD);
    CU_ASSERT_EQUAL(lines[7].style, PICTURE_GROWS);
    CU_ASSERT_EQUAL(lines[8].style, PICTURE_PLAIN);
    view.blocks = false;
    draw();
    is(3, "r0        up    750.0 kbit/s   1.5 k      0 bit/s       0                     #:");
    is(11, "10.0.2.0/24          50.0 %    25.0 %  ####################");
}

static void every_size(void)
{
    begin(0, 0);
    for (unsigned i = 0; i < 40; i++) {
        char name[16];
        snprintf(name, sizeof name, "interface%u\u00fc", i);
        add_interface(name, i * 1000);
        add_drop(name, i, i % 2);
        if (i < LOOK_TOP)
            add_top(name, i / 40., 1);
    }
    for (unsigned i = 0; i < 70; i++)
        looks_add(&looks, &next);
    for (unsigned rows = 0; rows <= 100; rows++) {
        for (unsigned columns = 1; columns <= 150; columns += 1 + columns / 12) {
            view.rows = rows;
            view.columns = columns;
            view.first = rows * 7;
            view.keys = columns % 5 == 0;
            draw();
        }
        struct picture_layout layout = picture_layout(&looks.last, rows);
        unsigned parts = 1 + (layout.drops > 0) + (layout.top > 0);
        if (rows > 3)
            CU_ASSERT_TRUE(2 + parts * (1 + layout.blanks) + layout.interfaces + layout.drops + layout.top <= rows);
        CU_ASSERT_TRUE(rows < 4 || layout.interfaces > 0);
    }
    view.columns = 100000;
    draw();
}

static void what_is_scrolled_and_sorted(void)
{
    begin(8, 60);
    add_interface("a0", 10);
    add_interface("b0", 30);
    add_interface("c0", 20);
    add_interface("d0", 30);
    add_interface("e0", 0);
    add_interface("f0", 5);
    looks_add(&looks, &next);
    view.first = 4;
    draw();
    CU_ASSERT_EQUAL(strncmp(lines[3].text, "c0", 2), 0);
    is(7, "q quit  p pause  s by rate  ? keys       interfaces 3-6 of 6");
    view.first = 0;
    view.by_rate = true;
    draw();
    for (unsigned i = 0; i < 4; i++)
        CU_ASSERT_EQUAL(lines[3 + i].text[0], "bdca"[i]);
}

/* What was before belongs to the name, wherever in the list that is. */
static void the_past_goes_with_the_name(void)
{
    begin(10, 80);
    add_interface("a0", 1);
    add_interface("b0", 2);
    looks_add(&looks, &next);
    next.n_interfaces = 0;
    add_interface("b0", 4);
    add_interface("n0", 8);
    add_interface("a0", 16);
    looks_add(&looks, &next);
    CU_ASSERT_TRUE(looks.past[0][LOOK_PAST - 2] == 2 && looks.past[0][LOOK_PAST - 1] == 4);
    CU_ASSERT_TRUE(looks.past[1][LOOK_PAST - 2] == 0 && looks.past[1][LOOK_PAST - 1] == 8);
    CU_ASSERT_TRUE(looks.past[2][LOOK_PAST - 2] == 1 && looks.past[2][LOOK_PAST - 1] == 16);
}

static bool reads(const char *text)
{
    return look_read(&next, text, strlen(text));
}

#define INTERFACE(name, rx)                                                                                            \
    "{\"name\":\"" name "\",\"up\":true,\"rxBits\":" rx ",\"rxPackets\":1,\"txBits\":2,\"txPackets\":3}"
#define LOOK(interfaces, rest)                                                                                         \
    "{\"hostname\":\"r1\",\"seconds\":1,\"interfaces\":[" interfaces "],\"drops\":[],\"top\":[]" rest "}"

static void fields_are_checked(void)
{
    begin(10, 80);
    CU_ASSERT_TRUE(reads(LOOK("", "")));
    CU_ASSERT_TRUE(reads(LOOK(INTERFACE("r0", "5"), ",\"later\":{}")));
    CU_ASSERT_EQUAL(next.interfaces[0].rx_bits, 5);
    CU_ASSERT_TRUE(reads(LOOK(INTERFACE("a\\u001b[2J\\u009b\\u0085\\u007f\\u202ez", "-5"), "")));
    CU_ASSERT_STRING_EQUAL(next.interfaces[0].name, "a.[2J....z");
    CU_ASSERT_EQUAL(next.interfaces[0].rx_bits, 0);
    CU_ASSERT_TRUE(reads(LOOK(INTERFACE("r0", "9223372036854775807"), "")));
    CU_ASSERT_EQUAL(next.interfaces[0].rx_bits, LOOK_MOST);
    CU_ASSERT_FALSE(reads(LOOK(INTERFACE("r0", "1e400"), "")));
    CU_ASSERT_FALSE(reads(LOOK(INTERFACE("r0", "\"5\""), "")));
    CU_ASSERT_FALSE(reads(LOOK("3", "")));
    CU_ASSERT_FALSE(reads(LOOK("{}", "")));
    CU_ASSERT_FALSE(reads("[]"));
    CU_ASSERT_FALSE(reads(""));
    CU_ASSERT_FALSE(reads("{\"hostname\":\"r1\",\"seconds\":1,\"interfaces\":{},\"drops\":[],\"top\":[]}"));
}

static void lists_are_bounded(void)
{
    char *text = malloc(65536 * 2);
    size_t len = 0;
    begin(10, 80);
    len += (size_t)snprintf(text, 65536,
                            "{\"hostname\":\"%0500d\",\"seconds\":1,\"drops\":[],\"top\":[],\"interfaces\":[", 0);
    for (unsigned i = 0; i < 600; i++)
        len += (size_t)snprintf(text + len, 200, "%s" INTERFACE("%0100d", "1"), i > 0 ? "," : "", 0);
    snprintf(text + len, 3, "]}");
    CU_ASSERT_TRUE(reads(text));
    CU_ASSERT_EQUAL(next.n_interfaces, LOOK_INTERFACES);
    CU_ASSERT_EQUAL(strlen(next.interfaces[0].name), LOOK_TEXT - 1);
    CU_ASSERT_EQUAL(strlen(next.hostname), sizeof next.hostname - 1);
    free(text);
}

static void a_look_is_one_line(void)
{
    static const char text[] = "{ \"a\":\n [1, 0.25, \"\\u009bx\\n\"] }";
    char *line = look_line(text, sizeof text - 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(line);
    CU_ASSERT_STRING_EQUAL(line, "{\"a\":[1,0.25,\"\\u009Bx\\n\"]}\n");
    free(line);
    CU_ASSERT_PTR_NULL(look_line("[]", 2));
    CU_ASSERT_PTR_NULL(look_line("{", 1));
}

static const struct unit_case cases[] = {
    {"the whole picture", the_whole},
    {"every size", every_size},
    {"what is scrolled and sorted", what_is_scrolled_and_sorted},
    {"the past goes with the name", the_past_goes_with_the_name},
    {"fields are checked", fields_are_checked},
    {"lists are bounded", lists_are_bounded},
    {"a look is one line", a_look_is_one_line},
};
UNIT_MAIN("picture", cases)
