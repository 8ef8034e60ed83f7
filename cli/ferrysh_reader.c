#include "cli/ferrysh_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

static enum reader_result ended(int error)
{
    errno = error;
    return READER_ENDED;
}

/* Reads until N bytes are there, and not one more: what follows is the next frame's. */
static enum reader_result fill(struct frame_reader *r, int fd, size_t n)
{
    if (r->room < n + 1) {
        uint8_t *more = realloc(r->bytes, n + 1);
        if (more == NULL)
            return ended(ENOMEM);
        r->bytes = more;
        r->room = n + 1;
    }
    while (r->n < n) {
        ssize_t got = recv(fd, r->bytes + r->n, n - r->n, MSG_DONTWAIT);
        if (got > 0)
            r->n += (size_t)got;
        else if (got == 0)
            return ended(ECONNRESET);
        else if (errno == EAGAIN || errno == EWOULDBLOCK)
            return READER_NOTHING;
        else if (errno != EINTR)
            return READER_ENDED;
    }
    return READER_FRAME;
}

enum reader_result reader_next(struct frame_reader *r, int fd, struct frame *frame)
{
    enum reader_result result = fill(r, fd, FRAME_HEADER);
    if (result != READER_FRAME)
        return result;
    uint32_t len = load_be32(r->bytes + 1);
    if (len > FRAME_TEXT_MAX)
        return ended(EPROTO);
    result = fill(r, fd, FRAME_HEADER + (size_t)len);
    if (result != READER_FRAME)
        return result;
    char *text = (char *)r->bytes + FRAME_HEADER;
    text[len] = '\0';
    *frame = (struct frame){.type = (enum frame_type)r->bytes[0], .len = len, .text = text};
    r->n = 0;
    return READER_FRAME;
}

void reader_free(struct frame_reader *r)
{
    free(r->bytes);
    *r = (struct frame_reader){0};
}
