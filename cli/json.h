/* JSON answers that stream: a document is opened, one member after the other is written as it is made, and it is
 * closed. Only one member is in memory at a time, whatever the size of the whole. */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <event2/buffer.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define JSON_DEPTH 8

struct json_stream {
    struct evbuffer *out;
    unsigned depth;
    struct {
        char close; /* '}' or ']' */
        bool filled;
    } open[JSON_DEPTH];
};

void json_stream_init(struct json_stream *stream, struct evbuffer *out);

/* Open an object or an array: the document itself (NAME NULL), a member of an object, or (NAME NULL) of an array. */
void json_begin_object(struct json_stream *stream, const char *name);
void json_begin_array(struct json_stream *stream, const char *name);
void json_end(struct json_stream *stream);

/* Writes one member and lets go of VALUE; NULL (there was no memory for it) is written as null. */
void json_member(struct json_stream *stream, const char *name, json_t *value);

/* A member that is a string, said bit by bit. Nothing else is written to the stream until its end. */
void json_begin_text(struct json_stream *stream, const char *name);
void json_add_text(struct json_stream *stream, const char *text);
void json_end_text(struct json_stream *stream);

/* The whole document at once. */
void json_document(struct json_stream *stream, json_t *value);

/* Strings from outside: what is not UTF-8 becomes question marks, since JSON can not carry it. */
json_t *json_text(const char *text);

/* Counters are 64 bits unsigned, JSON integers of jansson signed; the last bit is not worth a crash. */
json_t *json_count(uint64_t n);

json_t *json_addr(uint32_t addr);

#endif
