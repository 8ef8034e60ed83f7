#define PCRE2_CODE_UNIT_WIDTH 8
#include "cli/filter.h"

#include <pcre2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STAGES_MAX    8
#define LINE_BYTES    16384  /* a longer line is taken as several */
#define SECTION_BYTES 65536  /* a longer section is taken as several */
#define TURN_STEPS    20000  /* of the matcher in a call, before a further line has to wait: below a millisecond */
#define MATCH_STEPS   100000 /* of it, for a line and all that it lets go on: some milliseconds */
#define STEP_BYTES    16     /* that are skipped or copied cost as much as a step */
#define MATCH_KB      1024   /* of memory for matching */

enum kind { BEGIN, COUNT, EXCLUDE, INCLUDE, SECTION, KINDS };

static const struct {
    const char *word, *help;
    bool needs_expression;
} kinds[KINDS] = {
    [BEGIN] = {"begin", "From the first line that matches", true},
    [COUNT] = {"count", "How many lines there are, or match", false},
    [EXCLUDE] = {"exclude", "Lines that do not match", true},
    [INCLUDE] = {"include", "Lines that match", true},
    [SECTION] = {"section", "Sections with a line that matches", true},
};

/* Of libconfig text as of tables a section is a line that is not indented with all that follows indented, and within
 * it an entry between braces. */
struct section {
    char *bytes; /* of the section so far, SECTION_BYTES */
    size_t n;
    bool matches; /* some line of it */
    bool whole;   /* its head did: all of it is wanted, entries and end */
};

struct stage {
    enum kind kind;
    pcre2_code *code; /* NULL: every line matches */
    pcre2_match_data *data;
    bool begun;
    uint64_t count;
    struct section section;
};

struct filter {
    struct stage stage[STAGES_MAX];
    unsigned n;
    pcre2_match_context *limits;
    struct evbuffer *rest; /* a line whose end has not come, and lines that wait for the next call */
    struct evbuffer *out;  /* of the call */
    size_t steps;          /* of the call */
    size_t at;             /* where in the line the matcher was last */
    bool behind;           /* lines wait */
    bool too_costly;
};

/* ---- reading them ---- */

const char *filter_find(const char *line)
{
    for (const char *at = line; (at = strchr(at, '|')) != NULL; at++)
        if (at != line && at[-1] == ' ' && (at[1] == ' ' || at[1] == '\0'))
            return at;
    return NULL;
}

static bool refuse(char *why, size_t size, const char *what)
{
    snprintf(why, size, "%s: what may follow | is begin RE, count [RE], exclude RE, include RE or section RE", what);
    return false;
}

/* A matcher that goes back and forth is stopped by what it does at each item of the expression. What it compares with
 * an earlier group is no item, so such expressions are not taken. */
static bool compile(struct stage *stage, const char *text, size_t len, char *why, size_t size)
{
    int error;
    PCRE2_SIZE at;
    uint32_t back = 0;
    stage->code = pcre2_compile((PCRE2_SPTR)text, len, PCRE2_AUTO_CALLOUT, &error, &at, NULL);
    if (stage->code == NULL) {
        PCRE2_UCHAR reason[128];
        pcre2_get_error_message(error, reason, sizeof reason);
        snprintf(why, size, "%.*s is no regular expression: %s at character %zu", (int)len, text, (const char *)reason,
                 (size_t)at + 1);
        return false;
    }
    if (pcre2_pattern_info(stage->code, PCRE2_INFO_BACKREFMAX, &back) != 0 || back > 0) {
        snprintf(why, size, "%.*s refers back to what a group has matched, which a filter does not do", (int)len, text);
        return false;
    }
    stage->data = pcre2_match_data_create(1, NULL);
    if (stage->data == NULL)
        snprintf(why, size, "the system gave no memory");
    return stage->data != NULL;
}

/* TEXT is what stands between two pipes. */
static bool read_stage(struct stage *stage, const char *text, size_t len, char *why, size_t size)
{
    while (len > 0 && *text == ' ')
        text++, len--;
    while (len > 0 && text[len - 1] == ' ')
        len--;
    size_t word = strcspn(text, " ");
    if (word > len)
        word = len;
    if (word == 0)
        return refuse(why, size, "nothing stands behind the pipe");
    for (stage->kind = 0; stage->kind < KINDS; stage->kind++)
        if (strncmp(kinds[stage->kind].word, text, word) == 0 && word <= strlen(kinds[stage->kind].word))
            break;
    char what[64];
    snprintf(what, sizeof what, "%.*s is no filter", word < 40 ? (int)word : 40, text);
    if (stage->kind == KINDS)
        return refuse(why, size, what);
    const char *expression = text + word;
    len -= word;
    while (len > 0 && *expression == ' ')
        expression++, len--;
    snprintf(what, sizeof what, "%s needs an expression", kinds[stage->kind].word);
    if (len == 0 && kinds[stage->kind].needs_expression)
        return refuse(why, size, what);
    if (stage->kind == SECTION && (stage->section.bytes = malloc(SECTION_BYTES)) == NULL) {
        snprintf(why, size, "the system gave no memory");
        return false;
    }
    return len == 0 || compile(stage, expression, len, why, size);
}

static bool read_stages(struct filter *filter, const char *text, char *why, size_t size)
{
    while (text != NULL) {
        text++;
        const char *next = filter_find(text);
        if (filter->n == STAGES_MAX) {
            snprintf(why, size, "there are more than %d filters", STAGES_MAX);
            return false;
        }
        size_t len = next != NULL ? (size_t)(next - text) : strlen(text);
        if (!read_stage(&filter->stage[filter->n++], text, len, why, size))
            return false;
        text = next;
    }
    return true;
}

/* The library's own limit is for each place where a match may begin, and a line has many. */
static int count_steps(pcre2_callout_block *block, void *context)
{
    struct filter *filter = context;
    size_t at = block->current_position, skipped = at > filter->at ? at - filter->at : filter->at - at;
    filter->at = at;
    filter->steps += 1 + skipped / STEP_BYTES;
    return filter->steps > MATCH_STEPS ? PCRE2_ERROR_MATCHLIMIT : 0;
}

struct filter *filter_new(const char *text, char *why, size_t why_size)
{
    struct filter *filter = calloc(1, sizeof *filter);
    snprintf(why, why_size, "the system gave no memory");
    if (filter == NULL)
        return NULL;
    filter->rest = evbuffer_new();
    filter->limits = pcre2_match_context_create(NULL);
    if (filter->rest == NULL || filter->limits == NULL || !read_stages(filter, text, why, why_size)) {
        filter_free(filter);
        return NULL;
    }
    pcre2_set_callout(filter->limits, count_steps, filter);
    pcre2_set_match_limit(filter->limits, MATCH_STEPS);
    pcre2_set_heap_limit(filter->limits, MATCH_KB);
    return filter;
}

void filter_free(struct filter *filter)
{
    if (filter == NULL)
        return;
    for (unsigned i = 0; i < filter->n; i++) {
        pcre2_code_free(filter->stage[i].code);
        pcre2_match_data_free(filter->stage[i].data);
        free(filter->stage[i].section.bytes);
    }
    pcre2_match_context_free(filter->limits);
    if (filter->rest != NULL)
        evbuffer_free(filter->rest);
    free(filter);
}

/* ---- a line on its way ---- */

static void pass(struct filter *filter, unsigned at, const char *line, size_t len);

static bool matches(struct filter *filter, struct stage *stage, const char *line, size_t len)
{
    if (stage->code == NULL)
        return true;
    if (filter->too_costly)
        return false;
    filter->at = 0;
    int result = pcre2_match(stage->code, (PCRE2_SPTR)line, len, 0, 0, stage->data, filter->limits);
    filter->too_costly = result < 0 && result != PCRE2_ERROR_NOMATCH;
    return result >= 0;
}

static void pass_section(struct filter *filter, unsigned at)
{
    struct section *section = &filter->stage[at].section;
    const char *line = section->bytes, *end = section->bytes + section->n;
    while (section->matches && line < end) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        pass(filter, at + 1, line, (size_t)(stop - line));
        line = stop + 1;
    }
    section->n = 0;
    section->matches = section->whole;
}

static void take_into_section(struct filter *filter, unsigned at, const char *line, size_t len)
{
    struct section *section = &filter->stage[at].section;
    size_t indent = 0;
    while (indent < len && line[indent] == ' ')
        indent++;
    char first = indent < len ? line[indent] : ' ';
    bool head = indent == 0 && first != ')' && first != '}';
    if (head || first == '{' || indent == 0 || section->n + len + 1 > SECTION_BYTES)
        pass_section(filter, at);
    bool matched = matches(filter, &filter->stage[at], line, len);
    if (head)
        section->whole = section->matches = matched;
    section->matches |= matched;
    memcpy(section->bytes + section->n, line, len);
    section->bytes[section->n + len] = '\n';
    section->n += len + 1;
}

/* From stage AT on. When some line could not be decided upon, nothing follows. */
static void pass(struct filter *filter, unsigned at, const char *line, size_t len)
{
    if (filter->too_costly)
        return;
    if (at == filter->n) {
        evbuffer_add(filter->out, line, len);
        evbuffer_add(filter->out, "\n", 1);
        return;
    }
    struct stage *stage = &filter->stage[at];
    filter->steps += 1 + len / STEP_BYTES;
    switch (stage->kind) {
    case BEGIN:
        stage->begun = stage->begun || matches(filter, stage, line, len);
        if (stage->begun)
            pass(filter, at + 1, line, len);
        break;
    case COUNT:
        stage->count += matches(filter, stage, line, len);
        break;
    case EXCLUDE:
        if (!matches(filter, stage, line, len)) /* if that is known: pass looks */
            pass(filter, at + 1, line, len);
        break;
    case INCLUDE:
        if (matches(filter, stage, line, len))
            pass(filter, at + 1, line, len);
        break;
    case SECTION:
        take_into_section(filter, at, line, len);
        break;
    case KINDS:
        break;
    }
}

/* The next line of what has come; false when its end has not. */
static bool next_line(struct filter *filter, char line[LINE_BYTES], size_t *len)
{
    struct evbuffer_ptr end = evbuffer_search(filter->rest, "\n", 1, NULL);
    bool ends = end.pos >= 0 && (size_t)end.pos <= LINE_BYTES;
    if (!ends && evbuffer_get_length(filter->rest) <= LINE_BYTES)
        return false;
    *len = ends ? (size_t)end.pos : LINE_BYTES;
    evbuffer_remove(filter->rest, line, *len);
    if (ends)
        evbuffer_drain(filter->rest, 1);
    return true;
}

static void pass_lines(struct filter *filter)
{
    char line[LINE_BYTES];
    size_t len;
    filter->behind = false;
    while (!filter->behind && next_line(filter, line, &len)) {
        pass(filter, 0, line, len);
        filter->behind = filter->steps >= TURN_STEPS;
    }
}

void filter_take(struct filter *filter, struct evbuffer *in, struct evbuffer *out)
{
    filter->out = out;
    filter->steps = 0;
    evbuffer_add_buffer(filter->rest, in);
    pass_lines(filter);
}

bool filter_is_behind(const struct filter *filter)
{
    return filter->behind;
}

size_t filter_holds(const struct filter *filter)
{
    return evbuffer_get_length(filter->rest);
}

bool filter_end(struct filter *filter, struct evbuffer *out, char *why, size_t why_size)
{
    filter->out = out;
    filter->steps = 0;
    if (evbuffer_get_length(filter->rest) > 0)
        evbuffer_add(filter->rest, "\n", 1);
    pass_lines(filter);
    for (unsigned i = 0; i < filter->n; i++) {
        struct stage *stage = &filter->stage[i];
        char text[24];
        snprintf(text, sizeof text, "%llu", (unsigned long long)stage->count);
        if (stage->kind == COUNT)
            pass(filter, i + 1, text, strlen(text));
        else if (stage->kind == SECTION)
            pass_section(filter, i);
    }
    if (filter->too_costly)
        snprintf(why, why_size,
                 "matching the expression costs too much: what was shown is not all; a simpler one will do");
    return !filter->too_costly;
}

/* ---- help ---- */

void filter_offer(const char *text, struct command_list *to)
{
    for (const char *next; (next = filter_find(text + 1)) != NULL;)
        text = next;
    text++;
    text += strspn(text, " ");
    size_t len = strlen(text);
    size_t word = strcspn(text, " ");
    for (enum kind kind = 0; kind < KINDS; kind++) {
        if (strncmp(kinds[kind].word, text, word) != 0)
            continue;
        if (word == len)
            to->add(to, kinds[kind].word, kinds[kind].help);
        else
            to->add(to, "RE", "A regular expression, as of Perl");
    }
}
