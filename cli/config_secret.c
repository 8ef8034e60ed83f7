/* Secrets as the configuration has them: as they are, or "hex:" and two digits a byte (RFC 4822 5.6), as what people
 * can type has few bits a byte. */
#include <string.h>

#include "cli/config.h"

#define PREFIX "hex:"

static int digit_of(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c == '\0' ? NULL : strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);
    return at == NULL ? -1 : (int)(at - digits);
}

static bool decode(const char *digits, uint8_t to[CONFIG_SECRET_MAX], size_t *len)
{
    size_t n = strlen(digits);
    if (n == 0 || n % 2 != 0 || n / 2 > CONFIG_SECRET_MAX)
        return false;
    for (size_t i = 0; i < n / 2; i++) {
        int high = digit_of(digits[2 * i]), low = digit_of(digits[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        to[i] = (uint8_t)(high << 4 | low);
    }
    *len = n / 2;
    return true;
}

bool config_secret(const char *text, uint8_t to[CONFIG_SECRET_MAX], size_t *len)
{
    if (strncmp(text, PREFIX, strlen(PREFIX)) == 0)
        return decode(text + strlen(PREFIX), to, len);
    *len = strlen(text);
    if (*len > CONFIG_SECRET_MAX)
        return false;
    memcpy(to, text, *len);
    return true;
}
