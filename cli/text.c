#include "cli/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

const char *text_duration(uint64_t seconds, char to[TEXT_SHORT])
{
    uint64_t minutes = seconds / 60, hours = minutes / 60, days = hours / 24, weeks = days / 7;
    if (days == 0)
        snprintf(to, TEXT_SHORT, "%02u:%02u:%02u", (unsigned)hours, (unsigned)(minutes % 60), (unsigned)(seconds % 60));
    else if (weeks == 0)
        snprintf(to, TEXT_SHORT, "%ud%02uh%02um", (unsigned)days, (unsigned)(hours % 24), (unsigned)(minutes % 60));
    else
        snprintf(to, TEXT_SHORT, "%02" PRIu64 "w%ud%02uh", weeks, (unsigned)(days % 7), (unsigned)(hours % 24));
    return to;
}

const char *text_clock(uint64_t wall_ms, char to[TEXT_SHORT])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts;
    if (localtime_r(&seconds, &parts) == NULL || strftime(to, TEXT_SHORT, "%Y-%m-%d %H:%M:%S", &parts) == 0)
        snprintf(to, TEXT_SHORT, "?");
    return to;
}

const char *text_size(uint64_t bytes, char to[TEXT_SHORT])
{
    static const char *const unit[] = {"KB", "MB", "GB", "TB", "PB", "EB"};
    if (bytes < 1024) {
        snprintf(to, TEXT_SHORT, "%u B", (unsigned)bytes);
        return to;
    }
    double value = (double)bytes / 1024;
    unsigned i = 0;
    /* 1023.95 would be written as 1024.0 of the smaller unit */
    for (; value >= 1023.95; i++)
        value /= 1024;
    snprintf(to, TEXT_SHORT, "%.1f %s", value, unit[i]);
    return to;
}

const char *text_rate(uint64_t per_second, const char *unit, char to[TEXT_SHORT])
{
    static const char prefix[] = "kMGTPE";
    if (per_second < 1000) {
        snprintf(to, TEXT_SHORT, "%u %.15s", (unsigned)per_second, unit);
        return to;
    }
    double value = (double)per_second / 1000;
    unsigned i = 0;
    for (; value >= 999.95; i++)
        value /= 1000;
    snprintf(to, TEXT_SHORT, "%.1f %c%.15s", value, prefix[i], unit);
    return to;
}

const char *text_number(uint64_t n, char to[TEXT_SHORT])
{
    text_rate(n, "", to);
    size_t len = strlen(to);
    if (len > 0 && to[len - 1] == ' ')
        to[len - 1] = '\0';
    return to;
}

const char *text_mac(const uint8_t mac[6], char to[TEXT_SHORT])
{
    snprintf(to, TEXT_SHORT, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
    return to;
}

const char *text_count(uint64_t n, const char *one, const char *many, char to[TEXT_SHORT])
{
    snprintf(to, TEXT_SHORT, "%" PRIu64 " %s", n, n == 1 ? one : many);
    return to;
}

const char *text_row(const struct text_column *columns, unsigned n, const char *const *cells, char to[TEXT_ROW])
{
    size_t len = 0;
    for (unsigned i = 0; i < n; i++) {
        const char *cell = cells != NULL ? cells[i] : columns[i].title;
        int width = columns[i].right ? columns[i].width : -columns[i].width;
        int wrote = snprintf(to + len, TEXT_ROW - 1 - len, "%s%*s", i == 0 ? "" : "  ", width, cell);
        if (wrote < 0 || (size_t)wrote >= TEXT_ROW - 1 - len) {
            len = TEXT_ROW - 2;
            break;
        }
        len += (size_t)wrote;
    }
    while (len > 0 && to[len - 1] == ' ')
        len--;
    to[len] = '\n';
    to[len + 1] = '\0';
    return to;
}

const char *text_wrap(const char *text, size_t at, size_t indent, char *to, size_t size)
{
    size_t len = 0;
    bool begun = at > 0; /* the line has a word, or something before it */
    to[0] = '\0';
    while (*text != '\0') {
        size_t gap = strspn(text, " "), word = strcspn(text + gap, " ");
        bool breaks = begun && gap > 0 && at + gap + word > TEXT_COLUMNS;
        int n = snprintf(to + len, size - len, "%s%*s%.*s", breaks ? "\n" : "", (int)(breaks ? indent : gap), "",
                         (int)word, text + gap);
        if (n < 0 || (size_t)n >= size - len) {
            to[len] = '\0';
            break;
        }
        len += (size_t)n;
        at = (breaks ? indent : at + gap) + word;
        begun = true;
        text += gap + word;
    }
    return to;
}
