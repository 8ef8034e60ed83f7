#include "protocols/igmp/igmp_packet.h"

#include <string.h>

#include "forwarding/bytes.h"
#include "forwarding/checksum.h"
#include "forwarding/prefix.h"

#define CODE_FLOAT      0x80u
#define V1_MAX_RESP_MS  10000 /* RFC 9776 7.2.1 */
#define FLAG_SUPPRESS   0x08u
#define QRV_MAX         7
#define MS_OF_A_TENTH   100
#define V2_MAX_RESP_MAX 255

/* ---- codes ---- */

uint32_t igmp_code_value(uint8_t code)
{
    if (code < CODE_FLOAT)
        return code;
    return ((code & 0x0fu) | 0x10u) << ((code >> 4 & 7u) + 3);
}

uint8_t igmp_code_of(uint32_t value)
{
    if (value < CODE_FLOAT)
        return (uint8_t)value;
    if (value >= IGMP_CODE_MAX)
        return UINT8_MAX;
    unsigned exponent = 0;
    while (value >> (exponent + 3) > 0x1f)
        exponent++;
    return (uint8_t)(CODE_FLOAT | exponent << 4 | (value >> (exponent + 3) & 0x0f));
}

/* ---- reading ---- */

static enum igmp_reject parse_query(const uint8_t *message, size_t len, struct igmp_message *to)
{
    uint8_t code = message[1];
    if (len == IGMP_HEADER) {
        to->version = code == 0 ? 1 : 2;
        to->max_resp_ms = code == 0 ? V1_MAX_RESP_MS : code * (uint32_t)MS_OF_A_TENTH;
        return IGMP_ACCEPT;
    }
    if (len < IGMP_QUERY_HEADER)
        return IGMP_REJECT_LENGTH;
    to->version = 3;
    to->max_resp_ms = igmp_code_value(code) * MS_OF_A_TENTH;
    to->suppress = (message[8] & FLAG_SUPPRESS) != 0;
    to->robustness = message[8] & QRV_MAX;
    to->interval_s = igmp_code_value(message[9]);
    to->n = load_be16(message + 10);
    to->bytes = message + IGMP_QUERY_HEADER;
    return len - IGMP_QUERY_HEADER >= to->n * (size_t)4 ? IGMP_ACCEPT : IGMP_REJECT_LENGTH;
}

/* Every record is walked before one is used: a message is wrong as a whole. */
static enum igmp_reject parse_report(const uint8_t *message, size_t len, struct igmp_message *to)
{
    to->version = 3;
    to->n = load_be16(message + 6);
    to->bytes = message + IGMP_HEADER;
    struct reader r = reader_of(to->bytes, len - IGMP_HEADER);
    for (unsigned i = 0; i < to->n; i++) {
        uint8_t type, aux;
        uint16_t sources;
        if (!reader_u8(&r, &type) || !reader_u8(&r, &aux) || !reader_be16(&r, &sources) ||
            !reader_skip(&r, 4 + 4 * (size_t)sources + 4 * (size_t)aux))
            return IGMP_REJECT_LENGTH;
    }
    return IGMP_ACCEPT;
}

enum igmp_reject igmp_message_parse(const uint8_t *message, size_t len, struct igmp_message *to)
{
    *to = (struct igmp_message){0};
    if (len < IGMP_HEADER)
        return IGMP_REJECT_SHORT;
    if (checksum_fold(checksum_add(0, message, len)) != 0xffff)
        return IGMP_REJECT_CHECKSUM;
    to->type = message[0];
    to->group = load_be32(message + 4);
    switch (message[0]) {
    case IGMP_TYPE_QUERY:
        return parse_query(message, len, to);
    case IGMP_TYPE_V1_REPORT:
        to->version = 1;
        return IGMP_ACCEPT;
    case IGMP_TYPE_V2_REPORT:
    case IGMP_TYPE_LEAVE:
        to->version = 2;
        return IGMP_ACCEPT;
    case IGMP_TYPE_V3_REPORT:
        to->group = 0;
        return parse_report(message, len, to);
    default:
        return IGMP_REJECT_TYPE;
    }
}

struct igmp_record igmp_record_next(const uint8_t **at)
{
    const uint8_t *record = *at;
    uint16_t n = load_be16(record + 2);
    *at += IGMP_RECORD + 4 * (size_t)n + 4 * (size_t)record[1];
    return (struct igmp_record){
        .type = record[0], .n = n, .group = load_be32(record + 4), .sources = record + IGMP_RECORD};
}

/* ---- building ---- */

static void put_checksum(uint8_t *message, size_t len)
{
    store_be16(message + 2, 0);
    store_be16(message + 2, checksum_finish(checksum_add(0, message, len)));
}

static void put_sources(uint8_t *to, const uint32_t *sources, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        store_be32(to + 4 * (size_t)i, sources[i]);
}

static uint8_t max_resp_code(const struct igmp_query *query)
{
    uint32_t tenths = query->max_resp_ms / MS_OF_A_TENTH;
    if (query->version == 1)
        return 0;
    if (tenths == 0)
        tenths = 1;
    if (query->version == 3)
        return igmp_code_of(tenths);
    return tenths < V2_MAX_RESP_MAX ? (uint8_t)tenths : V2_MAX_RESP_MAX;
}

size_t igmp_query_put(const struct igmp_query *query, uint8_t *to)
{
    size_t len = IGMP_HEADER;
    to[0] = IGMP_TYPE_QUERY;
    to[1] = max_resp_code(query);
    store_be32(to + 4, query->group);
    if (query->version == 3) {
        len = IGMP_QUERY_HEADER + 4 * (size_t)query->n;
        to[8] =
            (uint8_t)((query->suppress ? FLAG_SUPPRESS : 0) | (query->robustness <= QRV_MAX ? query->robustness : 0u));
        to[9] = igmp_code_of(query->interval_s);
        store_be16(to + 10, (uint16_t)query->n);
        put_sources(to + IGMP_QUERY_HEADER, query->sources, query->n);
    }
    put_checksum(to, len);
    return len;
}

size_t igmp_short_put(enum igmp_type type, uint32_t group, uint8_t *to)
{
    to[0] = (uint8_t)type;
    to[1] = 0;
    store_be32(to + 4, group);
    put_checksum(to, IGMP_HEADER);
    return IGMP_HEADER;
}

void igmp_report_begin(struct igmp_report *report, size_t room)
{
    report->len = IGMP_HEADER;
    report->room = room < IGMP_MESSAGE_MAX ? room : IGMP_MESSAGE_MAX;
    report->n = 0;
    memset(report->bytes, 0, IGMP_HEADER);
    report->bytes[0] = IGMP_TYPE_V3_REPORT;
}

int igmp_report_room(const struct igmp_report *report)
{
    size_t left = report->room - report->len;
    return left < IGMP_RECORD ? -1 : (int)((left - IGMP_RECORD) / 4);
}

void igmp_report_add(struct igmp_report *report, enum igmp_record_type type, uint32_t group, const uint32_t *sources,
                     unsigned n)
{
    uint8_t *at = report->bytes + report->len;
    at[0] = (uint8_t)type;
    at[1] = 0;
    store_be16(at + 2, (uint16_t)n);
    store_be32(at + 4, group);
    put_sources(at + IGMP_RECORD, sources, n);
    report->len += IGMP_RECORD + 4 * (size_t)n;
    report->n++;
}

void igmp_report_finish(struct igmp_report *report)
{
    store_be16(report->bytes + 6, report->n);
    put_checksum(report->bytes, report->len);
}
