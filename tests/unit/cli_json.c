#include "cli/json.h"

#include <string.h>

#include "tests/unit/support/unit.h"

static struct evbuffer *out;
static struct json_stream stream;

static void begin(void)
{
    out = evbuffer_new();
    json_stream_init(&stream, out);
}

/* What was written, read again: one document and nothing after it. To be let go of. */
static json_t *written(void)
{
    json_error_t error;
    size_t len = evbuffer_get_length(out);
    json_t *document = json_loadb((const char *)evbuffer_pullup(out, -1), len, JSON_REJECT_DUPLICATES, &error);
    CU_ASSERT_PTR_NOT_NULL(document);
    evbuffer_free(out);
    return document;
}

static void empty_object(void)
{
    begin();
    json_begin_object(&stream, NULL);
    json_end(&stream);
    CU_ASSERT_EQUAL(evbuffer_get_length(out), 3);
    CU_ASSERT_EQUAL(memcmp(evbuffer_pullup(out, 3), "{}\n", 3), 0);
    json_t *document = written();
    CU_ASSERT_TRUE(json_is_object(document) && json_object_size(document) == 0);
    json_decref(document);
}

static void empty_array(void)
{
    begin();
    json_begin_object(&stream, NULL);
    json_begin_array(&stream, "entries");
    json_end(&stream);
    json_end(&stream);
    json_t *document = written();
    CU_ASSERT_TRUE(json_is_array(json_object_get(document, "entries")));
    json_decref(document);
}

static void nested(void)
{
    begin();
    json_begin_object(&stream, NULL);
    json_member(&stream, "a", json_integer(1));
    json_begin_array(&stream, "list");
    json_member(&stream, NULL, json_string("x"));
    json_member(&stream, NULL, json_pack("{s:[i,i]}", "k", 1, 2));
    json_end(&stream);
    json_begin_object(&stream, "o");
    json_member(&stream, "b", json_true());
    json_end(&stream);
    json_member(&stream, "quote\"d", NULL);
    json_end(&stream);
    json_t *document = written();
    json_t *expected =
        json_pack("{s:i, s:[s,{s:[i,i]}], s:{s:b}, s:n}", "a", 1, "list", "x", "k", 1, 2, "o", "b", 1, "quote\"d");
    CU_ASSERT_TRUE(json_equal(document, expected));
    json_decref(document);
    json_decref(expected);
}

static void not_utf8(void)
{
    begin();
    json_document(&stream, json_pack("{s:o}", "text",
                                     json_text("a\xff\xfe"
                                               "b")));
    json_t *document = written();
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(document, "text")), "a??b");
    json_decref(document);
}

static void counters(void)
{
    begin();
    json_document(&stream, json_pack("[o,o]", json_count(1), json_count(UINT64_MAX)));
    json_t *document = written();
    CU_ASSERT_EQUAL(json_integer_value(json_array_get(document, 0)), 1);
    CU_ASSERT_EQUAL(json_integer_value(json_array_get(document, 1)), INT64_MAX);
    json_decref(document);
}

static void reals(void)
{
    begin();
    json_document(&stream, json_pack("{s:f}", "rtt", 0.142493));

    struct evbuffer_ptr at = evbuffer_search(out, ":0.142493}", 10, NULL);
    CU_ASSERT_TRUE(at.pos > 0);
    json_decref(written());
}

static const struct unit_case cases[] = {
    {"an empty object is {}", empty_object},
    {"an empty list is there", empty_array},
    {"nested members make one document", nested},
    {"what is not UTF-8 does not break the document", not_utf8},
    {"counters are numbers, the largest too", counters},
    {"real numbers have the digits that were measured", reals},
};
UNIT_MAIN("json", cases)
