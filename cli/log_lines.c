#include "cli/log_lines.h"

#include <stdlib.h>
#include <string.h>

void log_lines_add(struct log_lines *lines, enum config_log_level level, const char *text)
{
    char *copy = strdup(text);
    if (copy == NULL)
        return;
    struct log_line *line = &lines->line[lines->n++ % LOG_LINES];
    free(line->text);
    *line = (struct log_line){.level = level, .text = copy};
}

void log_lines_exit(struct log_lines *lines)
{
    for (unsigned i = 0; i < LOG_LINES; i++)
        free(lines->line[i].text);
}
