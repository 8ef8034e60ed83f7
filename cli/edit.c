#include "cli/edit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The words of a line point into its text. */
static void own_words(struct command_line *line, const struct command_line *from)
{
    for (unsigned i = 0; i < line->n; i++)
        line->args[i].text = line->text + (from->args[i].text - from->text);
}

struct edit *edit_new(const struct command_line *line, const char *subject)
{
    struct edit *edit = malloc(sizeof *edit);
    if (edit == NULL)
        return NULL;
    edit->next = NULL;
    edit->line = *line;
    own_words(&edit->line, line);
    snprintf(edit->subject, sizeof edit->subject, "%s", subject);
    return edit;
}

void edit_free(struct edit *first)
{
    while (first != NULL) {
        struct edit *next = first->next;
        free(first);
        first = next;
    }
}

struct edit *edit_copy(const struct edit *first)
{
    struct edit *copies = NULL, **end = &copies;
    for (; first != NULL; first = first->next) {
        *end = edit_new(&first->line, first->subject);
        if (*end == NULL) {
            edit_free(copies);
            return NULL;
        }
        end = &(*end)->next;
    }
    return copies;
}

bool edit_apply(const struct edit *first, struct config *config, char *why, size_t why_size)
{
    for (const struct edit *edit = first; edit != NULL; edit = edit->next)
        if (!edit->line.last->edit->apply(edit, config, why, why_size))
            return false;
    return true;
}
