#include <ctype.h>
#include <string.h>

#include "cli/config.h"

#define HIDDEN "\"*\""

static bool is_secret(const char *name, size_t len)
{
    static const char *const names[] = {"key", "password", "secret"};
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strlen(names[i]) == len && strncmp(names[i], name, len) == 0)
            return true;
    return false;
}

static size_t name_length(const char *at)
{
    size_t len = 0;
    while (isalnum((unsigned char)at[len]) || at[len] == '-' || at[len] == '_')
        len++;
    return len;
}

/* With both quotes; to the end where the last one is missing. */
static size_t string_length(const char *at)
{
    size_t len = 1;
    while (at[len] != '\0' && at[len] != '"')
        len += at[len] == '\\' && at[len + 1] != '\0' ? 2 : 1;
    return len + (at[len] == '"');
}

void config_hide_keys(char *text)
{
    char *to = text;
    bool secret = false;
    for (const char *at = text; *at != '\0';) {
        size_t name = name_length(at), len = name > 0 ? name : *at == '"' ? string_length(at) : 1;
        if (name > 0)
            secret = is_secret(at, name);
        if (*at == '"' && secret && len >= sizeof HIDDEN - 1) {
            memcpy(to, HIDDEN, sizeof HIDDEN - 1);
            to += sizeof HIDDEN - 1;
        } else {
            memmove(to, at, len);
            to += len;
        }
        at += len;
    }
    *to = '\0';
}
