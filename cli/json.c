#include "cli/json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "forwarding/prefix.h"

/* Nine digits of a real number are what was measured; more are the noise of its binary form. */
#define FLAGS (JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(9))

static int append(const char *bytes, size_t len, void *out)
{
    return evbuffer_add(out, bytes, len);
}

static void write_value(struct json_stream *s, json_t *value)
{
    if (value == NULL || json_dump_callback(value, append, s->out, FLAGS) != 0)
        evbuffer_add(s->out, "null", 4);
    json_decref(value);
}

void json_stream_init(struct json_stream *stream, struct evbuffer *out)
{
    *stream = (struct json_stream){.out = out};
}

/* What stands before a value: a comma, the name. The members of the document itself begin a line each, so that a long
 * answer can be looked through. */
static void lead(struct json_stream *s, const char *name)
{
    if (s->depth > 0) {
        if (s->open[s->depth - 1].filled)
            evbuffer_add(s->out, ",", 1);
        if (s->depth == 1)
            evbuffer_add(s->out, "\n", 1);
        s->open[s->depth - 1].filled = true;
    }
    if (name != NULL) {
        write_value(s, json_text(name));
        evbuffer_add(s->out, ":", 1);
    }
}

static void begin(struct json_stream *s, const char *name, char open, char close)
{
    assert(s->depth < JSON_DEPTH);
    lead(s, name);
    evbuffer_add(s->out, &open, 1);
    s->open[s->depth].close = close;
    s->open[s->depth++].filled = false;
}

void json_begin_object(struct json_stream *stream, const char *name)
{
    begin(stream, name, '{', '}');
}

void json_begin_array(struct json_stream *stream, const char *name)
{
    begin(stream, name, '[', ']');
}

void json_end(struct json_stream *stream)
{
    assert(stream->depth > 0);
    stream->depth--;
    if (stream->depth == 0 && stream->open[0].filled)
        evbuffer_add(stream->out, "\n", 1);
    evbuffer_add(stream->out, &stream->open[stream->depth].close, 1);
    if (stream->depth == 0)
        evbuffer_add(stream->out, "\n", 1);
}

void json_member(struct json_stream *stream, const char *name, json_t *value)
{
    lead(stream, name);
    write_value(stream, value);
}

void json_begin_text(struct json_stream *stream, const char *name)
{
    lead(stream, name);
    evbuffer_add(stream->out, "\"", 1);
}

void json_add_text(struct json_stream *stream, const char *text)
{
    json_t *value = json_text(text);
    char *quoted = value == NULL ? NULL : json_dumps(value, JSON_ENCODE_ANY);
    if (quoted != NULL)
        evbuffer_add(stream->out, quoted + 1, strlen(quoted) - 2);
    free(quoted);
    json_decref(value);
}

void json_end_text(struct json_stream *stream)
{
    evbuffer_add(stream->out, "\"", 1);
}

void json_document(struct json_stream *stream, json_t *value)
{
    write_value(stream, value);
    evbuffer_add(stream->out, "\n", 1);
}

json_t *json_text(const char *text)
{
    json_t *value = json_string(text);
    if (value != NULL)
        return value;
    char *copy = strdup(text);
    if (copy == NULL)
        return NULL;
    for (char *c = copy; *c != '\0'; c++)
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    value = json_string(copy);
    free(copy);
    return value;
}

json_t *json_count(uint64_t n)
{
    return json_integer(n <= INT64_MAX ? (json_int_t)n : INT64_MAX);
}

json_t *json_addr(uint32_t addr)
{
    char text[ADDR_TEXT];
    return json_string(addr_text(addr, text));
}
