/* pure: addresses and prefixes to and from text. */
#include "forwarding/prefix.h"

#include <stdio.h>

/* Reads a decimal number of at most MOST, without sign or leading zeros. NULL if there is none, else where it ends. */
static const char *number_parse(const char *text, unsigned most, unsigned *to)
{
    if (*text < '0' || *text > '9')
        return NULL;
    if (text[0] == '0' && text[1] >= '0' && text[1] <= '9')
        return NULL; /* inet_aton would read it as octal: too ambiguous to guess */
    unsigned n = 0;
    for (; *text >= '0' && *text <= '9'; text++) {
        n = n * 10 + (unsigned)(*text - '0');
        if (n > most)
            return NULL;
    }
    *to = n;
    return text;
}

static const char *quads_parse(const char *text, uint32_t *addr)
{
    uint32_t a = 0;
    for (int i = 0; i < 4; i++) {
        unsigned quad;
        if (i > 0 && *text++ != '.')
            return NULL;
        text = number_parse(text, 255, &quad);
        if (text == NULL)
            return NULL;
        a = a << 8 | quad;
    }
    *addr = a;
    return text;
}

bool addr_parse(const char *text, uint32_t *addr)
{
    uint32_t a;
    const char *end = quads_parse(text, &a);
    if (end == NULL || *end != '\0')
        return false;
    *addr = a;
    return true;
}

bool prefix_parse(const char *text, struct prefix *p)
{
    uint32_t addr;
    unsigned len;
    const char *end = quads_parse(text, &addr);
    if (end == NULL || *end != '/')
        return false;
    end = number_parse(end + 1, 32, &len);
    if (end == NULL || *end != '\0')
        return false;
    *p = (struct prefix){.addr = addr, .len = (uint8_t)len};
    return true;
}

const char *addr_text(uint32_t addr, char to[ADDR_TEXT])
{
    snprintf(to, ADDR_TEXT, "%u.%u.%u.%u", addr >> 24, addr >> 16 & 0xff, addr >> 8 & 0xff, addr & 0xff);
    return to;
}

const char *prefix_text(struct prefix p, char to[PREFIX_TEXT])
{
    snprintf(to, PREFIX_TEXT, "%u.%u.%u.%u/%u", p.addr >> 24, p.addr >> 16 & 0xff, p.addr >> 8 & 0xff, p.addr & 0xff,
             p.len & 63u);
    return to;
}
