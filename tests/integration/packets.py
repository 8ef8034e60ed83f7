"""Odd packets by scapy, and what to look for in the answers."""

import struct

from scapy.config import conf

conf.ipv6_enabled = False

from scapy.layers.inet import ICMP, IP, TCP, UDP, fragment  # noqa: E402,F401
from scapy.layers.l2 import ARP, Dot1Q, Ether  # noqa: E402,F401
from scapy.packet import Raw  # noqa: E402,F401


def to_router(pair, port, packet, **ether):
    """PACKET in a frame from the host on PORT to the router."""
    return Ether(src=pair.host_mac[port], dst=pair.mac[port], **ether) / packet


def with_options(packet, options):
    """The bytes of an IP packet, OPTIONS (a multiple of 4 bytes, however wrong) put into its header."""
    raw = bytearray(bytes(packet))
    raw[20:20] = options
    raw[0] += len(options) // 4
    raw[2:4] = len(raw).to_bytes(2, "big")
    raw[10:12] = b"\0\0"
    raw[10:12] = header_checksum(raw[:20 + len(options)])
    return bytes(raw)


def header_checksum(header):
    total = sum(int.from_bytes(header[i:i + 2], "big") for i in range(0, len(header), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return (~total & 0xFFFF).to_bytes(2, "big")


def parse(frame):
    return Ether(frame)


def icmp(type_, code=None, source=None):
    """Matches an ICMP message; the answer of Tap.expect is the parsed packet."""
    def match(frame):
        if frame[12:14] != b"\x08\x00" or len(frame) < 34 or frame[23] != 1:
            return False
        try:
            packet = Ether(frame)
        except (struct.error, IndexError, ValueError):  # scapy takes offence at what an error quotes
            packet = Ether(frame[:14 + (frame[14] & 15) * 4 + 8])
        if ICMP not in packet or packet[ICMP].type != type_ or (code is not None and packet[ICMP].code != code):
            return False
        return packet if source is None or packet[IP].src == source else False
    return match


def ip(**fields):
    """Matches an IPv4 packet by header fields."""
    def match(frame):
        if frame[12:14] != b"\x08\x00":
            return False
        packet = Ether(frame)
        return packet if IP in packet and all(getattr(packet[IP], k) == v for k, v in fields.items()) else False
    return match


def arp(**fields):
    def match(frame):
        if frame[12:14] != b"\x08\x06":
            return False
        packet = Ether(frame)
        return packet if all(getattr(packet[ARP], k) == v for k, v in fields.items()) else False
    return match
