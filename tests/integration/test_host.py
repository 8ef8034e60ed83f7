"""The router as a host: what is addressed to it is put together and answered."""

import random
import socket

import pytest

from tests.integration.packets import ICMP, IP, TCP, UDP, Raw, fragment, header_checksum, icmp, ip, parse, to_router
from tests.lab.lab import LabError, wait_until


@pytest.mark.parametrize("size", [0, 56, 1472, 1473, 9000, 65507])
def test_echo_of_every_size(pair, size):
    assert " 0% packet loss" in pair.h1.ping("10.0.1.1", 2, "-s", str(size), "-M", "dont")
    pair.router.balance()


def test_echo_to_the_address_of_another_port_is_answered(pair):
    assert " 0% packet loss" in pair.h1.ping("10.0.2.1", 2)


def test_ttl_does_not_matter_to_local_delivery(pair):
    assert " 0% packet loss" in pair.h1.ping("10.0.2.1", 1, "-t", "1")


def test_echo_to_broadcast_and_multicast_is_ignored(pair):
    tap = pair.h1.tap("eth0")
    for destination in ("10.0.1.255", "255.255.255.255", "224.0.0.1"):
        tap.send(to_router(pair, "r0", IP(src="10.0.1.2", dst=destination) / ICMP()))
    with pytest.raises(LabError):
        tap.expect(icmp(0), timeout=0.4)


def test_icmp_timestamp_is_answered(pair):
    tap = pair.h1.tap("eth0")
    tap.send(to_router(pair, "r0", IP(src="10.0.1.2", dst="10.0.1.1") / ICMP(type=13, id=3, seq=4, ts_ori=77)))
    reply = tap.expect(icmp(14))[ICMP]
    assert (reply.id, reply.seq, reply.ts_ori) == (3, 4, 77)
    assert 0 < reply.ts_rx < 86400000


@pytest.mark.parametrize("type_", [15, 17])
def test_information_and_mask_requests_are_ignored(pair, type_):
    tap = pair.h1.tap("eth0")
    tap.send(to_router(pair, "r0", IP(src="10.0.1.2", dst="10.0.1.1") / ICMP(type=type_) / Raw(b"\0" * 4)))
    with pytest.raises(LabError):
        tap.expect(icmp(type_ + 1), timeout=0.4)


def test_udp_to_a_closed_port_is_port_unreachable(pair):
    client = pair.h1.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.connect(("10.0.1.1", 4000))
    client.settimeout(5)
    client.send(b"anybody?")
    with pytest.raises(ConnectionRefusedError):
        client.recv(10)
    client.close()


def test_tcp_to_a_closed_port_is_reset(pair):
    client = pair.h1.socket(socket.AF_INET, socket.SOCK_STREAM)
    client.settimeout(5)
    with pytest.raises(ConnectionRefusedError):
        client.connect(("10.0.1.1", 4000))
    client.close()


def test_an_unknown_protocol_is_protocol_unreachable(pair):
    tap = pair.h1.tap("eth0")
    tap.send(to_router(pair, "r0", IP(src="10.0.1.2", dst="10.0.1.1", proto=200) / Raw(b"x" * 30)))
    assert tap.expect(icmp(3, 2))[IP].src == "10.0.1.1"
    assert pair.router.balance()["r0"]["drops"] == {"unknown-protocol": 1}


def pieces(identity, size=4000):
    return fragment(IP(src="10.0.1.2", dst="10.0.1.1", id=identity) / ICMP(id=identity, seq=1) / Raw(b"q" * size), fragsize=1000)


def test_fragments_in_any_order_with_duplicates(pair):
    tap = pair.h1.tap("eth0")
    parts = pieces(31) + pieces(31)[:2]
    random.Random(1).shuffle(parts)
    # The duplicates must not come when the datagram is already whole: they would begin another.
    last = max(part.frag for part in parts)
    parts.sort(key=lambda part: part.frag == last)
    for part in parts:
        tap.send(to_router(pair, "r0", part))
    got = [f for f in tap.frames(1.5) if ip(src="10.0.1.1", proto=1)(f)]
    assert got and parse(got[0])[IP].flags == "MF"
    assert pair.router.json("show ip traffic")["ip"]["reasmOKs"] == 1
    assert pair.router.balance()["r0"]["drops"] == {"fragment-duplicate": 2}


def test_overlapping_fragments_drop_the_datagram(pair):
    tap = pair.h1.tap("eth0")
    parts = pieces(32)
    evil = parts[1].copy()
    evil.frag -= 1
    for part in (parts[0], parts[1], evil, *parts[2:]):
        tap.send(to_router(pair, "r0", part))
    with pytest.raises(LabError):
        tap.expect(icmp(0), timeout=0.5)
    drops = wait_until(lambda: pair.router.balance()["r0"]["drops"], what="the drops")
    assert drops["fragment-overlap"] >= 4
    assert " 0% packet loss" in pair.h1.ping("10.0.1.1", 1, "-s", "5000")


def test_a_flood_of_fragments_does_not_lock_out_its_own_source(pair):
    tap = pair.h1.tap("eth0")
    tap.socket.setblocking(True)
    first = bytearray(bytes(to_router(pair, "r0", pieces(1)[0])))
    for identity in range(20000):
        first[18:20] = identity.to_bytes(2, "big")
        first[24:26] = b"\0\0"
        first[24:26] = header_checksum(first[14:34])
        tap.send(first)
    pair.router.balance()  # none of them still lies in a ring; those that were kept lie in reassembly for a minute
    assert " 0% packet loss" in pair.h1.ping("10.0.1.1", 2, "-s", "20000")
    pair.router.balance()


def test_errors_about_fragmentation_are_not_starved_by_others(make_pair):
    pair = make_pair("""
hostname = "r1";
interfaces = ( { name = "r0"; addresses = "10.0.1.1/24"; }, { name = "r1"; addresses = "10.0.2.1/24"; mtu = 1280; } );
icmp: { rate-limit = 10; burst = 5; };
""")
    tap = pair.h1.tap("eth0")
    for _ in range(50):
        tap.send(to_router(pair, "r0", IP(src="10.0.1.2", dst="10.99.0.1") / UDP(dport=9)))
    tap.send(to_router(pair, "r0", IP(src="10.0.1.2", dst="10.0.2.2", flags="DF") / UDP(dport=9) / Raw(b"x" * 1400)))
    types = [parse(f)[ICMP].code for f in tap.frames(1.0) if icmp(3)(f)]
    assert 4 in types
    assert 4 <= types.count(0) <= 20
    assert pair.router.json("show ip traffic")["icmp"]["outRateLimited"] > 20
