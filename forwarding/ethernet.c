/* pure: whose frame it is. */
#include "forwarding/ethernet.h"

#include <string.h>

#include "forwarding/bytes.h"
#include "forwarding/fast_path.h"

enum { AT_SRC = MAC_LEN, AT_TYPE = 2 * MAC_LEN };

/* Tags that the kernel has left in the bytes: 802.1Q and 802.1ad. */
enum { ETHERTYPE_VLAN = 0x8100, ETHERTYPE_QINQ = 0x88a8 };

static enum verdict drop(struct packet *packet, enum drop why)
{
    packet->drop = why;
    return VERDICT_DROP;
}

FAST_PATH enum verdict ethernet_check(const struct port *port, struct packet *packet, uint16_t *type)
{
    if (packet->wire_len > packet->len)
        return drop(packet, DROP_TRUNCATED);
    if (packet->len < ETHERNET_HEADER)
        return drop(packet, DROP_RUNT);

    const uint8_t *frame = packet->frame;
    *type = load_be16(frame + AT_TYPE);
    if (packet->tagged || *type == ETHERTYPE_VLAN || *type == ETHERTYPE_QINQ)
        return drop(packet, DROP_VLAN);
    if (port == NULL)
        return drop(packet, DROP_PORT_DOWN);
    if (memcmp(frame + AT_SRC, port->mac, MAC_LEN) == 0)
        return drop(packet, DROP_OWN_FRAME);
    if (!ethernet_is_group(frame) && memcmp(frame, port->mac, MAC_LEN) != 0)
        return drop(packet, DROP_OTHER_HOST);
    if (*type != ETHERTYPE_IPV4 && *type != ETHERTYPE_ARP)
        return drop(packet, DROP_NOT_IP);
    if (!port->up)
        return drop(packet, DROP_PORT_DOWN);
    return VERDICT_CONTINUE;
}

void ethernet_write(uint8_t to[ETHERNET_HEADER], const uint8_t dst[6], const uint8_t src[6], uint16_t type)
{
    memcpy(to, dst, MAC_LEN);
    memcpy(to + AT_SRC, src, MAC_LEN);
    store_be16(to + AT_TYPE, type);
}
