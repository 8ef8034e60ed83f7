/* monitor, and where traffic goes. */
#include "cli/top.h"
#include "forwarding/ethernet.h"
#include "forwarding/trace.h"
#include "tests/unit/support/shell.h"

static struct shell s;

/* N packets to DST come by, so that whoever looks over the lanes' shoulders sees them. */
static void pass(const char *dst, unsigned n, uint32_t bytes)
{
    uint8_t frame[ETHERNET_HEADER + 20] = {0};
    store_be16(frame + 12, ETHERTYPE_IPV4);
    store_be32(frame + ETHERNET_HEADER + 16, addr_of(dst));
    for (unsigned i = 0; i < n; i++)
        for (unsigned w = 0; w < TRACE_WATCHES; w++)
            if (s.r.d->tables.watch[w] != NULL)
                CU_ASSERT_FALSE(s.r.d->tables.watch[w]->wants(s.r.d->tables.watch[w], 0, frame, sizeof frame, bytes));
}

static void destinations_are_shared_out_by_prefix(void)
{
    shell_begin(&s);
    struct top *top = top_start(s.r.d);
    struct top_row rows[TOP_ROWS];
    CU_ASSERT_PTR_NOT_NULL_FATAL(top);
    pass("10.0.1.7", 10, 100);
    pass("10.0.1.8", 20, 100);
    pass("10.0.2.1", 10, 700);
    pass("192.0.2.1", 10, 0); /* no route: only part of the whole */
    CU_ASSERT_EQUAL(top_read(top, s.r.d->tables.fib, rows), 2);
    CU_ASSERT_EQUAL(rows[0].prefix.addr, addr_of("10.0.2.0"));
    CU_ASSERT_DOUBLE_EQUAL(rows[0].bytes, 0.7, 0.001);
    CU_ASSERT_DOUBLE_EQUAL(rows[0].packets, 0.2, 0.001);
    CU_ASSERT_EQUAL(rows[1].prefix.addr, addr_of("10.0.1.0"));
    CU_ASSERT_DOUBLE_EQUAL(rows[1].packets, 0.6, 0.001);
    CU_ASSERT_EQUAL(top_read(top, s.r.d->tables.fib, rows), 0); /* each packet once */
    pass("10.0.1.7", 100000, 1500);
    CU_ASSERT_EQUAL(top_read(top, s.r.d->tables.fib, rows), 1);
    CU_ASSERT_DOUBLE_EQUAL(rows[0].bytes, 1, 0.001);
    top_stop(s.r.d, top);
    CU_ASSERT_EQUAL(s.r.d->tables.watches, 0);
    shell_end(&s);
}

/* What FD has got when a look that the clock allows is over; valid until the next call. */
static const char *heard(int fd, const char *until)
{
    static char text[8192];
    size_t len = 0;
    for (unsigned tries = 0; tries < 500; tries++) {
        ssize_t n = shell_receive(&s, fd, text + len, sizeof text - len - 1);
        len += n > 0 ? (size_t)n : 0;
        text[len] = '\0';
        if (strstr(text, until) != NULL)
            break;
        s.r.now.ns += NS_PER_S / 10;
        usleep(10000);
    }
    return text;
}

static void looks_are_text_for_plain_clients(void)
{
    shell_begin(&s);
    int fd = shell_connect(&s);
    shell_send(fd, "monitor count 1\n", 16);
    const char *text = heard(fd, "\n\n");
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "Interface        State    In bit/s       pkt/s   Out bit/s       pkt/s\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\nr0               up              0           0           0           0\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\ngone0            down "));
    CU_ASSERT_EQUAL(s.r.d->tables.watches, 0);
    close(fd);
    shell_end(&s);
}

/* The first look in which something went somewhere; NULL when there is none within some seconds. */
static json_t *look_with_top(int fd)
{
    static uint8_t bytes[65536];
    size_t n = 0, at = 0;
    for (unsigned tries = 0; tries < 500; tries++) {
        ssize_t got = shell_receive(&s, fd, bytes + n, sizeof bytes - n);
        n += got > 0 ? (size_t)got : 0;
        while (n - at >= FRAME_HEADER && n - at - FRAME_HEADER >= load_be32(bytes + at + 1)) {
            const char *text = (const char *)bytes + at + FRAME_HEADER;
            uint32_t len = load_be32(bytes + at + 1);
            json_t *look = bytes[at] == FRAME_SCREEN ? json_loadb(text, len, 0, NULL) : NULL;
            if (json_array_size(json_object_get(look, "top")) > 0)
                return look;
            json_decref(look);
            at += FRAME_HEADER + len;
        }
        s.r.now.ns += NS_PER_S / 10;
        usleep(10000);
    }
    return NULL;
}

static void looks_are_documents_for_a_screen(void)
{
    shell_begin(&s);
    int fd = shell_connect(&s);
    shell_send(fd, "\0C\0\0\0\7monitor", 13);
    shell_turn(&s);
    shell_turn(&s);
    CU_ASSERT_EQUAL(s.r.d->tables.watches, 1);
    pass("10.0.2.9", 3, 100);
    json_t *look = look_with_top(fd);
    CU_ASSERT_PTR_NOT_NULL_FATAL(look);
    CU_ASSERT_EQUAL(json_array_size(json_object_get(look, "interfaces")), 4);
    json_t *top = json_array_get(json_object_get(look, "top"), 0);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(top, "prefix")), "10.0.2.0/24");
    json_decref(look);
    close(fd); /* in the middle: nothing of it is left */
    shell_turn(&s);
    shell_turn(&s);
    CU_ASSERT_EQUAL(s.r.d->tables.watches, 0);
    shell_end(&s);
}

static const struct unit_case cases[] = {
    {"destinations are shared out by prefix", destinations_are_shared_out_by_prefix},
    {"looks are text for plain clients", looks_are_text_for_plain_clients},
    {"looks are documents for a screen", looks_are_documents_for_a_screen},
};
UNIT_MAIN("monitor", cases)
