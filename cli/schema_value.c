#include "cli/schema.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* A text put together in a buffer that may be too small: what does not fit is cut off. */
struct text {
    char *to;
    size_t size, len;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *format, ...)
{
    if (t->len >= t->size)
        return;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(t->to + t->len, t->size - t->len, format, args);
    va_end(args);
    if (n > 0)
        t->len += (size_t)n;
}

static void add_wants(struct text *t, const struct schema_key *key)
{
    switch (key->kind) {
    case SCHEMA_BOOL:
        add(t, "true or false");
        break;
    case SCHEMA_INTEGER:
        add(t, "an integer from %" PRId64 " to %" PRId64, key->min, key->max);
        break;
    case SCHEMA_DECIMAL:
        add(t, "a number from %" PRId64 " to %" PRId64, key->min, key->max);
        break;
    case SCHEMA_STRING:
        if (key->min > 0)
            add(t, "%s (%" PRId64 " to %" PRId64 " bytes)", key->form, key->min, key->max);
        else
            add(t, "%s (at most %" PRId64 " bytes)", key->form, key->max);
        break;
    case SCHEMA_ENUM:
        for (const char *const *word = key->words; *word != NULL; word++)
            add(t, "%s\"%s\"", word == key->words ? "" : word[1] == NULL ? " or " : ", ", *word);
        break;
    case SCHEMA_ADDRESS:
        add(t, "an address such as \"10.0.0.1\"");
        break;
    case SCHEMA_PREFIX:
        add(t, "an address and a length such as \"10.0.0.1/24\"");
        break;
    case SCHEMA_MAC:
        add(t, "an Ethernet address such as \"02:00:00:00:00:09\"");
        break;
    case SCHEMA_GROUP:
        add(t, "a group { ... }");
        break;
    case SCHEMA_ENTRIES:
        add(t, "a list of groups ( { ... }, ... )");
        break;
    }
    if (key->unit != NULL)
        add(t, " (%s)", key->unit);
}

const char *schema_wants(const struct schema_key *key, char *to, size_t size)
{
    struct text t = {.to = to, .size = size};
    add(&t, "%s", "");
    add_wants(&t, key);
    return to;
}

#define QUOTE_TEXT 64

/* What somebody wrote, fit to be shown: cut, and without control characters. */
static const char *quote(const char *text, char to[QUOTE_TEXT])
{
    size_t n = strnlen(text, QUOTE_TEXT - 4);
    for (size_t i = 0; i < n; i++)
        to[i] = (unsigned char)text[i] < ' ' || text[i] == 0x7f ? '?' : text[i];
    snprintf(to + n, QUOTE_TEXT - n, "%s", text[n] == '\0' ? "" : "...");
    return to;
}

/* "'mtu' wants an integer from 68 to 65535 (bytes), not FORMAT". */
__attribute__((format(printf, 4, 5))) static bool refuse(const struct schema_key *key, char *why, size_t size,
                                                         const char *format, ...)
{
    struct text t = {.to = why, .size = size};
    add(&t, "'%s' wants ", key->name);
    add_wants(&t, key);
    add(&t, ", not ");
    if (t.len >= size)
        return false;
    va_list args;
    va_start(args, format);
    vsnprintf(why + t.len, size - t.len, format, args);
    va_end(args);
    return false;
}

bool schema_set_integer(const struct schema_key *key, int64_t value, void *at, char *why, size_t why_size)
{
    if (key->kind == SCHEMA_DECIMAL)
        return schema_set_decimal(key, (double)value, at, why, why_size);
    if (key->kind != SCHEMA_INTEGER)
        return refuse(key, why, why_size, "an integer");
    if (value < key->min || value > key->max)
        return refuse(key, why, why_size, "%" PRId64, value);
    memcpy(at, &value, sizeof value);
    return true;
}

bool schema_set_decimal(const struct schema_key *key, double value, void *at, char *why, size_t why_size)
{
    if (key->kind != SCHEMA_DECIMAL)
        return refuse(key, why, why_size, "a decimal");
    if (!(value >= (double)key->min && value <= (double)key->max))
        return refuse(key, why, why_size, "%g", value);
    memcpy(at, &value, sizeof value);
    return true;
}

static bool refuse_text(const struct schema_key *key, char *why, size_t size, const char *text)
{
    char to[QUOTE_TEXT];
    if (key->secret)
        return refuse(key, why, size, "what was said");
    return refuse(key, why, size, "\"%s\"", quote(text, to));
}

static bool parse_number(const struct schema_key *key, const char *text, void *at, char *why, size_t why_size)
{
    char *end;
    if (key->kind == SCHEMA_DECIMAL) {
        double value = strtod(text, &end);
        if (end == text || *end != '\0' || !isfinite(value))
            return refuse_text(key, why, why_size, text);
        return schema_set_decimal(key, value, at, why, why_size);
    }
    bool digits = text[0] != '\0' && strspn(text, "0123456789") == strlen(text);
    if (!digits || strlen(text) > 18)
        return refuse_text(key, why, why_size, text);
    return schema_set_integer(key, strtoll(text, NULL, 10), at, why, why_size);
}

static bool parse_bool(const struct schema_key *key, const char *text, bool *at, char *why, size_t why_size)
{
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        return refuse_text(key, why, why_size, text);
    *at = text[0] == 't';
    return true;
}

static bool acceptable_string(const struct schema_key *key, const char *text)
{
    int64_t len = (int64_t)strlen(text);
    return len >= key->min && len <= key->max && (key->valid == NULL || len == 0 || key->valid(text));
}

static bool parse_string(const struct schema_key *key, const char *text, char **at, char *why, size_t why_size)
{
    if (!acceptable_string(key, text))
        return refuse_text(key, why, why_size, text);
    char *copy = NULL;
    if (text[0] != '\0') {
        copy = strdup(text);
        if (copy == NULL) {
            snprintf(why, why_size, "out of memory");
            return false;
        }
    }
    free(*at);
    *at = copy;
    return true;
}

static bool parse_enum(const struct schema_key *key, const char *text, int64_t *at, char *why, size_t why_size)
{
    for (int64_t i = 0; key->words[i] != NULL; i++)
        if (strcmp(key->words[i], text) == 0) {
            *at = i;
            return true;
        }
    return refuse_text(key, why, why_size, text);
}

static bool parse_address(const struct schema_key *key, const char *text, uint32_t *at, char *why, size_t why_size)
{
    uint32_t addr;
    if (!addr_parse(text, &addr))
        return refuse_text(key, why, why_size, text);
    *at = addr;
    return true;
}

static bool parse_prefix(const struct schema_key *key, const char *text, struct prefix *at, char *why, size_t why_size)
{
    uint32_t addr;
    if (addr_parse(text, &addr)) {
        snprintf(why, why_size, "'%s' wants an address and a length such as \"10.0.0.1/24\": \"%s\" has no length",
                 key->name, text);
        return false;
    }
    struct prefix prefix;
    if (!prefix_parse(text, &prefix))
        return refuse_text(key, why, why_size, text);
    at->addr = prefix.addr;
    at->len = prefix.len;
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Six pairs of hex digits with the same separator, ':' or '-'. */
static bool parse_mac(const struct schema_key *key, const char *text, uint8_t at[6], char *why, size_t why_size)
{
    uint8_t mac[6];
    bool good = strlen(text) == 17 && (text[2] == ':' || text[2] == '-');
    for (int i = 0; good && i < 6; i++) {
        int high = hex_digit(text[3 * i]), low = hex_digit(text[3 * i + 1]);
        good = high >= 0 && low >= 0 && (i == 5 || text[3 * i + 2] == text[2]);
        if (good)
            mac[i] = (uint8_t)(high << 4 | low);
    }
    if (!good)
        return refuse_text(key, why, why_size, text);
    memcpy(at, mac, sizeof mac);
    return true;
}

bool schema_parse(const struct schema_key *key, const char *text, void *at, char *why, size_t why_size)
{
    switch (key->kind) {
    case SCHEMA_BOOL:
        return parse_bool(key, text, at, why, why_size);
    case SCHEMA_INTEGER:
    case SCHEMA_DECIMAL:
        return parse_number(key, text, at, why, why_size);
    case SCHEMA_STRING:
        return parse_string(key, text, at, why, why_size);
    case SCHEMA_ENUM:
        return parse_enum(key, text, at, why, why_size);
    case SCHEMA_ADDRESS:
        return parse_address(key, text, at, why, why_size);
    case SCHEMA_PREFIX:
        return parse_prefix(key, text, at, why, why_size);
    case SCHEMA_MAC:
        return parse_mac(key, text, at, why, why_size);
    case SCHEMA_GROUP:
    case SCHEMA_ENTRIES:
        break;
    }
    return refuse_text(key, why, why_size, text);
}

static bool acceptable_number(const struct schema_key *key, int64_t value, char *why, size_t why_size)
{
    if ((value >= key->min && value <= key->max) || (value == key->initial && !key->required))
        return true;
    return refuse(key, why, why_size, "%" PRId64, value);
}

static size_t count_words(const struct schema_key *key)
{
    size_t n = 0;
    while (key->words[n] != NULL)
        n++;
    return n;
}

bool schema_acceptable(const struct schema_key *key, const void *at, char *why, size_t why_size)
{
    int64_t number;
    const char *string;
    switch (key->kind) {
    case SCHEMA_INTEGER:
        memcpy(&number, at, sizeof number);
        return acceptable_number(key, number, why, why_size);
    case SCHEMA_ENUM:
        memcpy(&number, at, sizeof number);
        if ((number >= 0 && (size_t)number < count_words(key)) || (number == key->initial && !key->required))
            return true;
        return refuse(key, why, why_size, "number %" PRId64, number);
    case SCHEMA_STRING:
        memcpy(&string, at, sizeof string);
        if (string == NULL && !key->required && (key->min == 0 || key->initial_text == NULL))
            return true;
        if (string != NULL && acceptable_string(key, string))
            return true;
        return refuse_text(key, why, why_size, string == NULL ? "" : string);
    default:
        return true;
    }
}

const char *schema_text(const struct schema_key *key, const void *at, char to[SCHEMA_TEXT])
{
    int64_t number;
    double decimal;
    uint32_t addr;
    struct prefix prefix;
    const char *string;
    const uint8_t *mac = at;
    char addr_to[PREFIX_TEXT];
    to[0] = '\0';
    switch (key->kind) {
    case SCHEMA_BOOL:
        return *(const bool *)at ? "true" : "false";
    case SCHEMA_INTEGER:
        memcpy(&number, at, sizeof number);
        snprintf(to, SCHEMA_TEXT, "%" PRId64, number);
        break;
    case SCHEMA_DECIMAL:
        memcpy(&decimal, at, sizeof decimal);
        snprintf(to, SCHEMA_TEXT, "%.9g", decimal);
        if (strpbrk(to, ".e") == NULL) /* libconfig tells the two kinds of number apart by the point */
            snprintf(to, SCHEMA_TEXT, "%.1f", decimal);
        break;
    case SCHEMA_STRING:
        memcpy(&string, at, sizeof string);
        return string == NULL ? "" : string;
    case SCHEMA_ENUM:
        memcpy(&number, at, sizeof number);
        return number >= 0 && (size_t)number < count_words(key) ? key->words[number] : "";
    case SCHEMA_ADDRESS:
        memcpy(&addr, at, sizeof addr);
        snprintf(to, SCHEMA_TEXT, "%s", addr_text(addr, addr_to));
        break;
    case SCHEMA_PREFIX:
        memcpy(&prefix, at, sizeof prefix);
        snprintf(to, SCHEMA_TEXT, "%s", prefix_text(prefix, addr_to));
        break;
    case SCHEMA_MAC:
        snprintf(to, SCHEMA_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
        break;
    case SCHEMA_GROUP:
    case SCHEMA_ENTRIES:
        break;
    }
    return to;
}
