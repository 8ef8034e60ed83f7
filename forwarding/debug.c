/* core: see debug.h. */
#include "forwarding/debug.h"

#include <stdarg.h>
#include <stdio.h>

#define TEXT_BYTES 256

void debug_say(const struct debug *debug, enum debug_kind kind, unsigned port, uint32_t addr, const char *format, ...)
{
    char text[TEXT_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    debug->say(debug->context, kind, port, addr, text);
}
