/* What the families of commands of configuration mode share: how a line becomes an edit, and what edits do. */
#ifndef CLI_CONFIGURE_H
#define CLI_CONFIGURE_H

#include "cli/ask.h"
#include "cli/edit.h"
#include "cli/schema.h"

/* ---- running a line (edit_run.c) ---- */

/* RUN of every command that has an edit: done to the session's draft if it has one, otherwise to what is running. */
extern const struct command_run edit_run;

/* The same for a command that goes on after its edit; the state begins with a struct ask. */
enum step edit_step(struct job *job);
void edit_end(struct job *job);

/* A line as it is logged: keywords in full. Returns TO. */
const char *edit_text(const struct command_line *line, const char *subject, char *to, size_t size);

/* ---- doing an edit, in whatever thread (edit_key.c); what is refused leaves the configuration as it was ---- */

/* Sets the key that command_edit.key names, as a path from the top ("log.level"; "interfaces.mtu" is of the interface
 * whose mode it is), to what the last word says, or with `no` back to its default. A list's values stand in one word
 * with commas; "" is the empty text. */
bool edit_key(const struct edit *edit, struct config *config, char *why, size_t why_size);
#define EDIT_KEY(path) (&(const struct command_edit){edit_key, path})
#define EDIT(function) (&(const struct command_edit){function, NULL})

/* The row of that path, or NULL. */
const struct schema_key *edit_schema(const char *path);

/* Does the line begin with `no`? */
bool edit_undoes(const struct edit *edit);

/* What was said for that argument of the tables, or NULL. */
const struct command_arg *edit_arg(const struct edit *edit, const struct command *argument);

/* The interface whose mode it is. NULL, with a sentence in WHY, if it is gone. */
struct config_interface *edit_interface(const struct edit *edit, struct config *config, char *why, size_t why_size);

/* The length of a mask. False, with a sentence in WHY, if it has holes. */
bool edit_mask(const struct command_arg *mask, uint8_t *len, char *why, size_t why_size);

/* Always false. */
bool edit_refuse(char *why, size_t why_size, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* ---- tables of commands that set one key ---- */

/* WORD (LOW-HIGH), and no WORD. */
#define NUMBER_KEY(symbol, path, keyword, text, low, high)                                                             \
    static const struct command symbol##_value = {                                                                     \
        COMMAND_NUMBER,   "(" #low "-" #high ")", text, .min = low, .max = high,                                       \
        .run = &edit_run, .edit = EDIT_KEY(path)};                                                                     \
    VALUE_KEY(symbol, path, keyword, text)

/* WORD and any one word, or the rest of the line. */
#define TEXT_KEY(symbol, path, keyword, text, argument_kind, argument, argument_text)                                  \
    static const struct command symbol##_value = {argument_kind, argument, argument_text, .run = &edit_run,            \
                                                  .edit = EDIT_KEY(path)};                                             \
    VALUE_KEY(symbol, path, keyword, text)

#define VALUE_KEY(symbol, path, keyword, text)                                                                         \
    static const struct command *const symbol##_values[] = {&symbol##_value, NULL};                                    \
    WORDS_KEY(symbol, path, keyword, text)

/* WORD and one of the words of symbol_values, each a KEY_WORD. */
#define WORDS_KEY(symbol, path, keyword, text)                                                                         \
    static const struct command symbol = {COMMAND_WORD, keyword, text, .next = symbol##_values};                       \
    static const struct command symbol##_no = {                                                                        \
        COMMAND_WORD, keyword, text, .next = symbol##_values, .run = &edit_run, .edit = EDIT_KEY(path)}
#define KEY_WORD(symbol, path, keyword, text)                                                                          \
    static const struct command symbol = {COMMAND_WORD, keyword, text, .run = &edit_run, .edit = EDIT_KEY(path)}

/* A word whose feature is not there yet, with anything behind it. */
#define LATER_WORD(symbol, keyword, text, why)                                                                         \
    static const struct command symbol##_rest = {COMMAND_REST, "...", "What belongs to it", COMMAND_HIDDEN,            \
                                                 .refusal = why};                                                      \
    static const struct command *const symbol##_words[] = {&symbol##_rest, NULL};                                      \
    static const struct command symbol = {COMMAND_WORD,           keyword,       text, COMMAND_HIDDEN,                 \
                                          .next = symbol##_words, .refusal = why}

#endif
