"""Broken frames of every kind that ferryd parses, through a port of the running daemon (the sanitized build gets the most)."""

import os
import random
import socket
import struct

from tests.integration.packets import ARP, ICMP, IP, TCP, UDP, Dot1Q, Ether, Raw, fragment, header_checksum
from tests.lab.lab import wait_until
from scapy.contrib.igmp import IGMP
from scapy.contrib.igmpv3 import IGMPv3, IGMPv3gr, IGMPv3mr
from scapy.layers.inet import IPOption
from scapy.layers.rip import RIP, RIPEntry

PACKET_VNET_HDR = 15
NO_OFFLOAD = bytes(10)


def seeds(ours, host):
    """(virtio_net_hdr, frame) of each kind."""
    e = Ether(src=host, dst=ours)
    group = Ether(src=host, dst="01:00:5e:00:00:01")
    broadcast = Ether(src=host, dst="ff:ff:ff:ff:ff:ff")
    to = {"src": "10.0.1.2", "dst": "10.0.2.2"}
    us = {"src": "10.0.1.2", "dst": "10.0.1.1"}
    quoted = IP(src="10.0.1.1", dst="10.0.1.2") / UDP(sport=1, dport=2) / Raw(b"q" * 8)
    packets = [
        e / IP(**to) / UDP(dport=9) / Raw(b"x" * 40), e / IP(**to, flags="DF") / UDP(dport=9) / Raw(b"x" * 1400),
        e / IP(**to) / TCP(dport=80, options=[("MSS", 1460), ("SAckOK", b"")]), e / IP(**to, ttl=1) / ICMP(),
        e / IP(src="10.0.1.2", dst="10.99.0.1") / UDP(), e / IP(src="10.0.1.2", dst="10.0.2.77") / UDP(),
        e / IP(src="10.0.1.2", dst="10.0.1.3") / UDP(),
        e / IP(**us) / ICMP() / Raw(b"ping" * 20), e / IP(**us) / ICMP(type=13), e / IP(**us) / ICMP(type=17) / Raw(b"\0" * 4),
        e / IP(**us) / ICMP(type=3, code=3) / quoted, e / IP(**us) / ICMP(type=11) / quoted, e / IP(**us) / ICMP(type=5, gw="10.0.1.9") / quoted,
        e / IP(**us) / UDP(dport=4000) / Raw(b"u" * 30), e / IP(**us) / TCP(dport=22, flags="S"), e / IP(**us) / TCP(dport=22, flags="PA") / Raw(b"t" * 9),
        e / IP(**us, proto=99) / Raw(b"?" * 20), broadcast / IP(src="10.0.1.2", dst="10.0.1.255") / UDP(dport=520) / RIP(cmd=2, version=2) / RIPEntry(addr="10.5.0.0", mask="255.255.0.0", metric=2),
        group / IP(src="10.0.1.2", dst="224.0.0.1", ttl=1, options=IPOption(b"\x94\x04\0\0")) / IGMP(type=0x16, gaddr="239.1.1.1"),
        group / IP(src="10.0.1.2", dst="224.0.0.22", ttl=1, options=IPOption(b"\x94\x04\0\0")) / IGMPv3(type=0x22) / IGMPv3mr(records=[IGMPv3gr(maddr="239.1.1.1", srcaddrs=["10.0.1.9"])]),
        broadcast / ARP(op=1, hwsrc=host, psrc="10.0.1.2", pdst="10.0.1.1"), e / ARP(op=2, hwsrc=host, psrc="10.0.1.2", hwdst=ours, pdst="10.0.1.1"),
        broadcast / ARP(op=1, hwsrc=host, psrc="10.0.1.2", pdst="10.0.1.2"), e / Dot1Q(vlan=7) / IP(**to) / UDP(), e / Dot1Q(vlan=0, prio=5) / IP(**to) / UDP(),
    ]
    for options in (b"\x07\x0f\x04" + bytes(12) + b"\0", b"\x44\x14\x05\x01" + bytes(16), b"\x44\x14\x05\x03\x0a\0\x02\x01" + bytes(12),
                    b"\x83\x07\x04\x0a\x00\x02\x02\x00", b"\x89\x07\x04\x0a\x00\x02\x02\x00", b"\x94\x04\0\0", b"\x82\x0b" + bytes(9) + b"\0", b"\x01\x01\x01\x00"):
        packets.append(e / IP(**to, options=IPOption(options)) / ICMP() / Raw(b"o" * 20))
        packets.append(e / IP(**us, options=IPOption(options)) / ICMP() / Raw(b"o" * 20))
    for whole in (IP(**us, id=7) / ICMP() / Raw(b"f" * 3000), IP(**to, id=8) / UDP(dport=9) / Raw(b"f" * 3000)):
        packets += [e / part for part in fragment(whole, fragsize=800)]
    made = [(NO_OFFLOAD, bytes(p)) for p in packets]
    tcp = bytes(e / IP(**to) / TCP(dport=80, flags="PA") / Raw(b"g" * 8000))
    udp = bytes(e / IP(**us) / UDP(dport=80) / Raw(b"g" * 4000))
    made.append((struct.pack("=BBHHHH", 1, 1, 54, 1400, 34, 16), tcp))
    made.append((struct.pack("=BBHHHH", 1, 5, 42, 1000, 34, 6), udp))
    made.append((struct.pack("=BBHHHH", 1, 0, 0, 0, 34, 16), tcp[:1000]))
    return made


def mutate(rng, vnet, frame):
    frame = bytearray(frame)
    kind = rng.randrange(8)
    if kind == 0:
        frame = frame[:rng.randrange(14, len(frame) + 1)]
    elif kind == 1:
        frame += rng.randbytes(rng.randrange(1, 60))
    elif kind == 2 and len(frame) > 34:
        frame[14:16] = rng.randbytes(2)
    elif kind == 3 and len(frame) > 34:
        frame[16:18] = rng.randbytes(2)
    elif kind == 4 and len(frame) > 34:
        frame[20:22] = rng.randbytes(2)
    elif kind == 5 and vnet != NO_OFFLOAD:
        vnet = bytearray(vnet)
        vnet[rng.randrange(10)] = rng.randrange(256)
    for _ in range(rng.randrange(6)):
        at = rng.randrange(min(len(frame), 90))
        if at >= 12 or rng.random() < 0.05:
            frame[at] = rng.choice((0, 0xFF, rng.randrange(256), frame[at] ^ (1 << rng.randrange(8))))
    if rng.random() < 0.7 and len(frame) >= 34 and frame[12:14] == b"\x08\x00":
        # Most get a right header checksum again, so that what is behind it is reached too.
        end = 14 + max(20, min(frame[14] & 15, (len(frame) - 14) // 4) * 4)
        frame[24:26] = b"\0\0"
        frame[24:26] = header_checksum(frame[14:end])
    if frame[12:14] in (b"\x81\x00", b"\x88\xa8") and len(frame) < 20:
        frame += bytes(20 - len(frame))  # the kernel itself drops a shorter one, before any packet socket sees it
    return bytes(vnet), bytes(frame)


def test_broken_frames_crash_nothing_and_are_all_accounted_for(make_pair):
    pair = make_pair("""
hostname = "r1";
interfaces = (
  { name = "r0"; addresses = "10.0.1.1/24"; source-route = true; mask-reply = true; directed-broadcast = true; },
  { name = "r1"; addresses = "10.0.2.1/24"; directed-broadcast = true; mtu = 1000; }
);
""")
    count = int(os.environ.get("MUTATIONS", "210000" if pair.lab.build == "asan" else "20000"))
    rng = random.Random(20)
    pair.h1.ping("10.0.2.2", 1)
    out = pair.h1.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    out.setsockopt(socket.SOL_PACKET if hasattr(socket, "SOL_PACKET") else 263, PACKET_VNET_HDR, 1)
    out.bind(("eth0", 0))
    kinds = seeds(pair.mac["r0"], pair.host_mac["r0"])
    sent = refused = 0
    while sent < count:
        vnet, frame = mutate(rng, *rng.choice(kinds))
        try:
            out.send(vnet + frame)
            sent += 1
        except OSError:  # the kernel does not send every nonsense
            refused += 1
            assert refused < count
    out.close()

    def all_seen():
        return pair.router.json("show interfaces")["r0"]["counters"]["rxPackets"] == pair.h1.counter("eth0", "tx_packets")
    wait_until(all_seen, 30, "the router's count being the sender's")
    ports = pair.router.balance()
    assert len(ports["r0"]["drops"]) > 15
    pair.router.shell("clear ip arp")  # some of the frames were ARP packets that moved a neighbour
    assert " 0% packet loss" in pair.h1.ping("10.0.2.2", 3)
    # A piece of a broken datagram that happens to have the identification of one of these spoils it, but not the next.
    wait_until(lambda: " 0% packet loss" in pair.h1.ping("10.0.1.1", 3, "-s", "4000", check=False), what="large pings")
