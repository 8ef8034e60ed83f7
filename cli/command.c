#include "cli/command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/beginning.h"

/* How well a word fits an entry of the tables; the best wins. */
enum fit { FIT_NONE, FIT_ANY, FIT_ABBREVIATION, FIT_VALUE, FIT_EXACT };

/* On the way through the tables. */
struct walk {
    const struct command_world *world;
    const struct command *const *next;
    struct command_line *line;
    char *pos; /* what has not been read, in line->text */
};

static const struct command json_word = {COMMAND_WORD, "json", "The answer as one JSON document",
                                         .flags = COMMAND_LOOK};

/* ---- what may come next ---- */

static bool used(const struct command_line *line, const struct command *command)
{
    return command_arg_of(line, command) != NULL;
}

/* May the line end at this entry? */
static bool is_end(const struct command *command)
{
    return command != NULL && (command->run != NULL || command->refusal != NULL);
}

static bool takes_json(const struct command_line *line)
{
    return is_end(line->last) && !line->json && (line->last->flags & COMMAND_JSON) != 0;
}

/* Walks over the candidates: start with *i = 0; NULL at the end. */
static const struct command *candidate(const struct walk *w, unsigned *i)
{
    const struct command *const *next = w->line->json ? NULL : w->next;
    unsigned at = 0;
    for (; next != NULL && next[at] != NULL; at++) {
        if (at < *i || used(w->line, next[at]))
            continue;
        *i = at + 1;
        return next[at];
    }
    if (*i > at || !takes_json(w->line))
        return NULL;
    *i = at + 1;
    return &json_word;
}

static bool read_number(const char *word, int64_t min, int64_t max, int64_t *number)
{
    char *end;
    if (*word == '\0' || strspn(word, "-0123456789") != strlen(word))
        return false;
    errno = 0;
    long long value = strtoll(word, &end, 10);
    if (errno != 0 || *end != '\0' || value < min || value > max)
        return false;
    *number = value;
    return true;
}

static bool is_interface(const struct command_world *world, const char *word)
{
    const char *name;
    for (unsigned i = 0; (name = world->interface(world->context, i)) != NULL; i++)
        if (strcmp(name, word) == 0)
            return true;
    return false;
}

static enum fit fit_keyword(const char *keyword, const char *word)
{
    if (strncasecmp(keyword, word, strlen(word)) != 0)
        return FIT_NONE;
    return keyword[strlen(word)] == '\0' ? FIT_EXACT : FIT_ABBREVIATION;
}

static enum fit fit(const struct command_world *world, const struct command *command, const char *word,
                    struct command_arg *arg)
{
    *arg = (struct command_arg){.command = command, .text = word};
    switch (command->kind) {
    case COMMAND_WORD:
        return fit_keyword(command->word, word);
    case COMMAND_IF:
        return is_interface(world, word) ? FIT_VALUE : FIT_NONE;
    case COMMAND_ADDR:
        return addr_parse(word, &arg->addr) ? FIT_VALUE : FIT_NONE;
    case COMMAND_PREFIX:
        return prefix_parse(word, &arg->prefix) ? FIT_VALUE : FIT_NONE;
    case COMMAND_NUMBER:
        return read_number(word, command->min, command->max, &arg->number) ? FIT_VALUE : FIT_NONE;
    case COMMAND_ANY:
    case COMMAND_REST:
        return FIT_ANY;
    }
    return FIT_NONE;
}

/* ---- messages ---- */

/* A text that is appended to and cut at its end, never overrun. */
struct phrase {
    char *to;
    size_t size, len;
};

__attribute__((format(printf, 2, 3))) static void say(struct phrase *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(p->to + p->len, p->size - p->len, format, args);
    va_end(args);
    if (n > 0)
        p->len = (size_t)n < p->size - p->len ? p->len + (size_t)n : p->size - 1;
}

/* Long words are cut: a message is for reading. */
static void say_word(struct phrase *p, const char *word)
{
    say(p, strlen(word) > 40 ? "\"%.40s...\"" : "\"%s\"", word);
}

/* "a", "a or b", "a, b or c": one more of them, LAST or not. */
static void say_item(struct phrase *p, unsigned i, bool last, const char *item)
{
    say(p, "%s%s", i == 0 ? "" : last ? " or " : ", ", item);
}

static void say_interfaces(struct phrase *p, const struct command_world *world)
{
    const char *name;
    unsigned i = 0;
    for (; i < 8 && (name = world->interface(world->context, i)) != NULL; i++)
        say(p, "%s%s", i == 0 ? " (" : ", ", name);
    if (i > 0)
        say(p, world->interface(world->context, i) != NULL ? ", ...)" : ")");
}

static void say_expected(struct phrase *p, const struct walk *w)
{
    const struct command *found[COMMAND_WORDS_MAX], *c;
    unsigned n = 0;
    for (unsigned i = 0; n < COMMAND_WORDS_MAX && (c = candidate(w, &i)) != NULL;)
        if ((c->flags & COMMAND_HIDDEN) == 0)
            found[n++] = c;
    if (n == 0) {
        say(p, "the command ends before it");
        return;
    }
    say(p, "expected ");
    for (unsigned i = 0; i < n; i++) {
        say_item(p, i, i + 1 == n, found[i]->word);
        if (found[i]->kind == COMMAND_IF)
            say_interfaces(p, w->world);
    }
}

static bool expects(const struct walk *w, enum command_kind kind)
{
    const struct command *c;
    for (unsigned i = 0; (c = candidate(w, &i)) != NULL;)
        if (c->kind == kind)
            return true;
    return false;
}

static void unknown_word(const struct walk *w, const char *word, struct command_error *error)
{
    struct phrase p = {error->text, sizeof error->text, 0};
    if (expects(w, COMMAND_IF)) {
        say(&p, "there is no interface ");
        say_word(&p, word);
        say(&p, "; ");
    } else {
        say_word(&p, word);
        say(&p, " is not known here; ");
    }
    say_expected(&p, w);
}

static void ambiguous_word(const struct walk *w, const char *word, enum fit best, unsigned fits,
                           struct command_error *error)
{
    struct phrase p = {error->text, sizeof error->text, 0};
    const struct command *c;
    struct command_arg arg;
    unsigned n = 0;
    say_word(&p, word);
    say(&p, " is ambiguous: ");
    for (unsigned i = 0; (c = candidate(w, &i)) != NULL;)
        if (fit(w->world, c, word, &arg) == best) {
            say_item(&p, n, n + 1 == fits, c->word);
            n++;
        }
}

static void incomplete(const struct walk *w, const char *line, struct command_error *error)
{
    struct phrase p = {error->text, sizeof error->text, 0};
    size_t len = strlen(line);
    while (len > 0 && line[len - 1] == ' ')
        len--;
    error->column = (unsigned)(len + 1);
    say(&p, "the command is incomplete; ");
    say_expected(&p, w);
}

/* ---- reading ---- */

/* Cuts the next word off; NULL at the end. */
static char *next_word(struct walk *w)
{
    w->pos += strspn(w->pos, " \t");
    if (*w->pos == '\0')
        return NULL;
    char *word = w->pos;
    w->pos += strcspn(w->pos, " \t");
    if (*w->pos != '\0')
        *w->pos++ = '\0';
    return word;
}

static char *last_word(const char *line)
{
    size_t at = strlen(line);
    while (at > 0 && (line[at - 1] == ' ' || line[at - 1] == '\t'))
        at--;
    while (at > 0 && line[at - 1] != ' ' && line[at - 1] != '\t')
        at--;
    return (char *)(uintptr_t)line + at;
}

/* As the last of several words. */
static bool ends_with_json(const char *line)
{
    const char *last = last_word(line);
    return last != line && strncasecmp(last, "json", 4) == 0 && strspn(last + 4, " \t") == strlen(last + 4);
}

static bool take(struct walk *w, char *word, const char *typed, struct command_error *error)
{
    struct command_line *line = w->line;
    struct command_arg arg, best_arg = {0};
    enum fit best = FIT_NONE;
    unsigned fits = 0;
    const struct command *c;
    for (unsigned i = 0; (c = candidate(w, &i)) != NULL;) {
        enum fit f = fit(w->world, c, word, &arg);
        if (f == FIT_NONE || f < best)
            continue;
        fits = f == best ? fits + 1 : 1;
        best = f;
        best_arg = arg;
    }
    error->column = (unsigned)(word - line->text);
    if (fits == 0) {
        unknown_word(w, word, error);
        return false;
    }
    if (fits > 1) {
        ambiguous_word(w, word, best, fits, error);
        return false;
    }
    if (best_arg.command == &json_word) {
        line->json = true;
        return true;
    }
    if (line->n == COMMAND_WORDS_MAX) {
        snprintf(error->text, sizeof error->text, "too many words");
        return false;
    }
    if (best_arg.command->kind == COMMAND_REST) {
        size_t at = (size_t)(word - line->text);
        memcpy(word, typed + at, strlen(typed + at) + 1);
        w->pos = word + strlen(word);
        if ((best_arg.command->flags & COMMAND_JSON) != 0 && ends_with_json(word)) {
            line->json = true;
            *last_word(word) = '\0';
        }
    }
    line->args[line->n++] = best_arg;
    line->last = best_arg.command;
    w->next = best_arg.command->next;
    return true;
}

/* Reads the first LEN bytes of TYPED. */
static bool walk(struct walk *w, const struct command *const *root, const struct command_world *world,
                 const char *typed, size_t len, struct command_line *line, struct command_error *error)
{
    line->last = NULL;
    line->json = false;
    line->n = 0;
    *w = (struct walk){.world = world, .next = root, .line = line, .pos = line->text};
    if (len > COMMAND_LINE_MAX) {
        line->text[0] = '\0';
        error->column = 0;
        snprintf(error->text, sizeof error->text, "the line is longer than %d bytes", COMMAND_LINE_MAX);
        return false;
    }
    memcpy(line->text, typed, len);
    line->text[len] = '\0';
    char *word;
    while ((word = next_word(w)) != NULL)
        if (!take(w, word, typed, error))
            return false;
    return true;
}

bool command_match(const struct command *const *root, const struct command_world *world, const char *line,
                   struct command_line *to, struct command_error *error)
{
    struct walk w;
    if (!walk(&w, root, world, line, strlen(line), to, error)) {
        to->json = ends_with_json(line);
        return false;
    }
    if (is_end(to->last))
        return true;
    incomplete(&w, line, error);
    return false;
}

const struct command_arg *command_arg_of(const struct command_line *line, const struct command *argument)
{
    for (unsigned i = 0; i < line->n; i++)
        if (line->args[i].command == argument)
            return &line->args[i];
    return NULL;
}

/* How many characters (of UTF-8) the first LEN bytes of TEXT are. */
static size_t characters(const char *text, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++)
        n += text[i] == '\0' || ((unsigned char)text[i] & 0xc0) != 0x80;
    return n;
}

const char *command_error_text(const struct command_error *error, const char *line, char *to, size_t size)
{
    struct phrase p = {to, size, 0};
    say(&p, "%s", error->text);
    if (strlen(line) <= 200 && error->column <= 201)
        say(&p, "\n  %s\n  %*s^", line, (int)characters(line, error->column), "");
    return to;
}

/* ---- help and completion ---- */

static size_t last_word_at(const char *line)
{
    size_t at = strlen(line);
    while (at > 0 && line[at - 1] != ' ' && line[at - 1] != '\t')
        at--;
    return at;
}

static bool begins_interface(const struct command_world *world, const char *word)
{
    const char *name;
    for (unsigned i = 0; (name = world->interface(world->context, i)) != NULL; i++)
        if (strncmp(name, word, strlen(word)) == 0)
            return true;
    return word[0] == '\0';
}

/* Digits can only make a number larger, so what is above the most already is none of it. */
static bool begins_number(const struct command *c, const char *word)
{
    int64_t number;
    bool minus = c->min < 0 && strcmp(word, "-") == 0;
    return word[0] == '\0' || minus || read_number(word, c->min < 0 ? c->min : 0, c->max, &number);
}

/* May this entry stand where WORD has been typed so far? */
static bool goes_on(const struct command_world *world, const struct command *c, const char *word)
{
    struct beginning beginning;
    if ((c->flags & COMMAND_HIDDEN) != 0)
        return false;
    switch (c->kind) {
    case COMMAND_WORD:
        return strncasecmp(c->word, word, strlen(word)) == 0;
    case COMMAND_IF:
        return begins_interface(world, word);
    case COMMAND_ADDR:
    case COMMAND_PREFIX:
        return beginning_of(word, c->kind == COMMAND_PREFIX, &beginning);
    case COMMAND_NUMBER:
        return begins_number(c, word);
    case COMMAND_ANY:
    case COMMAND_REST:
        return true;
    }
    return false;
}

/* An argument's help names what there is to choose from. */
static void add_help(const struct command_world *world, const struct command *c, struct command_list *to)
{
    char text[256];
    struct phrase p = {text, sizeof text, 0};
    say(&p, "%s", c->help);
    if (c->kind == COMMAND_IF)
        say_interfaces(&p, world);
    to->add(to, c->word, text);
}

bool command_help(const struct command *const *root, const struct command_world *world, const char *line,
                  struct command_list *to, struct command_error *error)
{
    struct command_line read;
    struct walk w;
    const struct command *c;
    size_t at = last_word_at(line);
    if (!walk(&w, root, world, line, at, &read, error))
        return false;
    bool any = false;
    for (unsigned i = 0; (c = candidate(&w, &i)) != NULL;)
        if (goes_on(world, c, line + at)) {
            add_help(world, c, to);
            any = true;
        }
    if (line[at] == '\0' && is_end(read.last)) {
        to->add(to, "<cr>", "run it");
        any = true;
    }
    if (any)
        return true;
    error->column = (unsigned)at;
    unknown_word(&w, line + at, error);
    return false;
}

#define INTERFACES_MAX 64 /* that are offered */

static void complete_interfaces(const struct command_world *world, const char *word, struct command_list *to)
{
    const char *name;
    unsigned n = 0;
    for (unsigned i = 0; n <= INTERFACES_MAX && (name = world->interface(world->context, i)) != NULL; i++)
        if (strncmp(name, word, strlen(word)) == 0)
            to->add(to, n++ < INTERFACES_MAX ? name : COMMAND_MORE, NULL);
}

void command_complete(const struct command *const *root, const struct command_world *world, const char *line,
                      struct command_list *to)
{
    struct command_line read;
    struct command_error error;
    struct walk w;
    const struct command *c;
    size_t at = last_word_at(line);
    if (!walk(&w, root, world, line, at, &read, &error))
        return;
    for (unsigned i = 0; (c = candidate(&w, &i)) != NULL;) {
        if ((c->flags & COMMAND_HIDDEN) != 0)
            continue;
        if (c->kind == COMMAND_IF)
            complete_interfaces(world, line + at, to);
        else if (c->kind == COMMAND_WORD && goes_on(world, c, line + at))
            to->add(to, c->word, c->help);
        else if (c->values != COMMAND_VALUES_NONE && world->values != NULL)
            world->values(world->context, c, line + at, to);
    }
}
