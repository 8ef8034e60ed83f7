/* IGMP messages: RFC 1112 appendix I, RFC 2236 2, RFC 9776 4. Bytes here, host order everywhere else. */
#ifndef PROTOCOLS_IGMP_PACKET_H
#define PROTOCOLS_IGMP_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocols/igmp/igmp_reject.h"

#define IGMP_HEADER       8  /* a message of version 1 or 2, or the head of a report of version 3 */
#define IGMP_QUERY_HEADER 12 /* a query of version 3 without its sources */
#define IGMP_RECORD       8  /* without its sources */
#define IGMP_MESSAGE_MAX  1480
#define IGMP_IP_HEADER    24 /* with the router alert option */

enum igmp_type {
    IGMP_TYPE_QUERY = 0x11,
    IGMP_TYPE_V1_REPORT = 0x12,
    IGMP_TYPE_V2_REPORT = 0x16,
    IGMP_TYPE_LEAVE = 0x17,
    IGMP_TYPE_V3_REPORT = 0x22,
};

/* RFC 9776 4.2.13, as on the wire. */
enum igmp_record_type { IGMP_IS_IN = 1, IGMP_IS_EX, IGMP_TO_IN, IGMP_TO_EX, IGMP_ALLOW, IGMP_BLOCK };

/* RFC 9776 4.1.1 and 4.1.7: 0..127 as they are, beyond that 4 bits of mantissa and 3 of exponent, up to 31744. What has
 * no code gets that of the next lower value. */
#define IGMP_CODE_MAX 31744
uint32_t igmp_code_value(uint8_t code);
uint8_t igmp_code_of(uint32_t value);

/* A message that was found to be well-formed. */
struct igmp_message {
    enum igmp_type type;
    uint8_t version;      /* of a query, 1 to 3: RFC 9776 7.1 */
    uint32_t group;       /* of a query, 0: a general one; of a report of version 1 or 2 and of a leave */
    uint32_t max_resp_ms; /* of a query */
    bool suppress;        /* the S flag */
    uint8_t robustness;   /* QRV; 0: not said */
    uint32_t interval_s;  /* QQI; 0: not said */
    uint16_t n;           /* sources of a query, or records of a report of version 3 */
    const uint8_t *bytes; /* of these; whole ones, as many as N says */
};

/* Looks at a message of LEN bytes: everything that is wrong with its bytes alone. What is beyond its end by its own
 * account is summed and not looked at (RFC 9776 4.1.10, 4.2.12). */
enum igmp_reject igmp_message_parse(const uint8_t *message, size_t len, struct igmp_message *to);

struct igmp_record {
    uint8_t type; /* may be unknown */
    uint16_t n;
    uint32_t group;
    const uint8_t *sources; /* of the wire */
};

/* Takes the next record at *AT, which begins as message->bytes; to be called message->n times. */
struct igmp_record igmp_record_next(const uint8_t **at);

/* ---- building ---- */

/* Both answer the length, with the checksum in place. TO has IGMP_MESSAGE_MAX bytes. */
struct igmp_query {
    uint8_t version;
    uint32_t group;
    uint32_t max_resp_ms; /* rounded down to what can be said, but never to 0 (that would be version 1's) */
    bool suppress;
    uint8_t robustness; /* beyond 7: not said */
    uint32_t interval_s;
    unsigned n; /* sources, only with version 3 */
    const uint32_t *sources;
};
size_t igmp_query_put(const struct igmp_query *query, uint8_t *to);

/* A report of version 1 or 2, or a leave. */
size_t igmp_short_put(enum igmp_type type, uint32_t group, uint8_t *to);

/* A report of version 3 that grows by records. */
struct igmp_report {
    uint8_t bytes[IGMP_MESSAGE_MAX];
    size_t len;  /* IGMP_HEADER: empty */
    size_t room; /* it may grow to */
    uint16_t n;  /* records */
};
void igmp_report_begin(struct igmp_report *report, size_t room);

/* How many sources a record may have that is added now; -1 if there is no room for any record. */
int igmp_report_room(const struct igmp_report *report);
void igmp_report_add(struct igmp_report *report, enum igmp_record_type type, uint32_t group, const uint32_t *sources,
                     unsigned n);
void igmp_report_finish(struct igmp_report *report);

#endif
