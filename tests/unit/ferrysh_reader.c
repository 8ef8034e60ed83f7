/* The client's reader of frames, against whatever a socket may bring and in whatever pieces. */
#include "cli/ferrysh_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/support/unit.h"

static int ends[2];
static struct frame_reader reader;
static struct frame frame;

static void begin(void)
{
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    reader = (struct frame_reader){0};
}

static void finish(void)
{
    reader_free(&reader);
    close(ends[0]);
    if (ends[1] >= 0)
        close(ends[1]);
}

static enum reader_result next(void)
{
    return reader_next(&reader, ends[0], &frame);
}

static void put(const void *bytes, size_t len)
{
    CU_ASSERT_EQUAL(send(ends[1], bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void hang_up(void)
{
    close(ends[1]);
    ends[1] = -1;
}

static void in_pieces(void)
{
    static const char bytes[] = "O\0\0\0\5helloD\0\0\0\1\0P\0\0\0\0";
    static const size_t len = sizeof bytes - 1;
    for (size_t cut = 0; cut <= len; cut++) {
        begin();
        char types[4] = "";
        unsigned n = 0;
        put(bytes, cut);
        while (next() == READER_FRAME)
            types[n++] = (char)frame.type;
        put(bytes + cut, len - cut);
        while (n < 3 && next() == READER_FRAME) {
            types[n++] = (char)frame.type;
            if (frame.type == FRAME_OUTPUT)
                CU_ASSERT_STRING_EQUAL(frame.text, "hello");
            if (frame.type == FRAME_DONE)
                CU_ASSERT_TRUE(frame.len == 1 && frame.text[0] == '\0');
        }
        CU_ASSERT_EQUAL(memcmp(types, "ODP", 3), 0);
        CU_ASSERT_EQUAL(next(), READER_NOTHING);
        hang_up();
        CU_ASSERT_EQUAL(next(), READER_ENDED);
        CU_ASSERT_EQUAL(errno, ECONNRESET);
        finish();
    }
}

static void lengths(void)
{
    static const uint8_t most[] = {'O', 0, 1, 0, 0}, more[] = {'O', 0, 1, 0, 1}, huge[] = {'O', 0xff, 0xff, 0xff, 0xff};
    char *text = calloc(1, FRAME_TEXT_MAX);
    memset(text, 'x', FRAME_TEXT_MAX);
    begin();
    put(most, sizeof most);
    put(text, FRAME_TEXT_MAX);
    CU_ASSERT_EQUAL(next(), READER_FRAME);
    CU_ASSERT_EQUAL(frame.len, FRAME_TEXT_MAX);
    CU_ASSERT_EQUAL(strlen(frame.text), FRAME_TEXT_MAX);
    put(more, sizeof more);
    CU_ASSERT_EQUAL(next(), READER_ENDED);
    CU_ASSERT_EQUAL(errno, EPROTO);
    finish();
    begin();
    put(huge, sizeof huge);
    CU_ASSERT_EQUAL(next(), READER_ENDED);
    CU_ASSERT_TRUE(reader.room < 100); /* nobody's length is believed with memory */
    finish();
    free(text);
}

/* Noise, half of it with heads that make sense: memory stays bounded and whole (the sanitizers look). */
static void noise(void)
{
    uint8_t bytes[512];
    unsigned seed = 1, frames = 0;
    for (unsigned round = 0; round < 20000; round++) {
        begin();
        size_t len = (size_t)rand_r(&seed) % sizeof bytes;
        for (size_t i = 0; i < len; i++)
            bytes[i] = (uint8_t)rand_r(&seed);
        for (size_t at = 0; round % 2 == 0 && at + FRAME_HEADER < len;) {
            uint32_t text = (uint32_t)rand_r(&seed) % 64;
            frame_header(bytes + at, (enum frame_type)(rand_r(&seed) % 256), text);
            at += FRAME_HEADER + text;
        }
        size_t sent = 0;
        enum reader_result result = READER_NOTHING;
        while (result != READER_ENDED) {
            size_t piece = (size_t)rand_r(&seed) % 97;
            piece = piece > len - sent ? len - sent : piece;
            if (piece > 0)
                put(bytes + sent, piece);
            sent += piece;
            if (sent == len && ends[1] >= 0)
                hang_up();
            while ((result = next()) == READER_FRAME) {
                frames++;
                CU_ASSERT_EQUAL(frame.text[frame.len], '\0');
            }
            CU_ASSERT_TRUE(reader.n <= reader.room && reader.room <= FRAME_HEADER + FRAME_TEXT_MAX + 1);
        }
        finish();
    }
    CU_ASSERT_TRUE(frames > 10000);
}

static const struct unit_case cases[] = {
    {"frames come out whole, however they come in", in_pieces},
    {"a frame has at most 65536 bytes", lengths},
    {"noise does no harm", noise},
};
UNIT_MAIN("reader", cases)
