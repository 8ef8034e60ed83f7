/* Lifetimes of keys as the configuration has them. They are UTC: two routers in different zones shall change keys at
 * the same moment. */
#include <string.h>

#include "cli/config.h"

#define DAY_MS 86400000ull

/* N digits. False if there are fewer. */
static bool take_number(const char **at, unsigned n, unsigned *to)
{
    *to = 0;
    for (; n > 0; n--, (*at)++) {
        if (**at < '0' || **at > '9')
            return false;
        *to = *to * 10 + (unsigned)(**at - '0');
    }
    return true;
}

static bool take_sign(const char **at, char sign)
{
    if (**at != sign)
        return false;
    (*at)++;
    return true;
}

static unsigned days_of(unsigned year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

static bool take_date(const char **at, uint64_t *days)
{
    unsigned year, month, day;
    if (!take_number(at, 4, &year) || !take_sign(at, '-') || !take_number(at, 2, &month) || !take_sign(at, '-') ||
        !take_number(at, 2, &day))
        return false;
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > days_of(year, month))
        return false;
    *days = day - 1;
    for (unsigned y = 1970; y < year; y++)
        *days += 337 + days_of(y, 2);
    for (unsigned m = 1; m < month; m++)
        *days += days_of(year, m);
    return true;
}

static bool take_time(const char **at, uint64_t *ms)
{
    unsigned hour, minute, second = 0;
    *ms = 0;
    if (**at != ' ' && **at != 'T')
        return true;
    (*at)++;
    if (!take_number(at, 2, &hour) || !take_sign(at, ':') || !take_number(at, 2, &minute))
        return false;
    if (take_sign(at, ':') && !take_number(at, 2, &second))
        return false;
    take_sign(at, 'Z');
    *ms = ((uint64_t)hour * 3600 + minute * 60 + second) * 1000;
    return hour < 24 && minute < 60 && second < 60;
}

static bool take_moment(const char **at, uint64_t *ms)
{
    uint64_t days, rest;
    if (!take_date(at, &days) || !take_time(at, &rest))
        return false;
    *ms = days * DAY_MS + rest;
    return *ms > 0;
}

bool config_lifetime(const char *text, uint64_t *from_ms, uint64_t *until_ms)
{
    *from_ms = *until_ms = 0;
    if (*text != '.' && !take_moment(&text, from_ms))
        return false;
    if (!take_sign(&text, '.') || !take_sign(&text, '.'))
        return false;
    if (*text != '\0' && !take_moment(&text, until_ms))
        return false;
    return *text == '\0' && (*until_ms == 0 || *until_ms > *from_ms);
}
