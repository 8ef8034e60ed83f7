"""IP options on the slow path."""

import pytest

from tests.integration.packets import ICMP, IP, Raw, icmp, ip, to_router, with_options


def record_route(slots):
    return b"\x07" + bytes([3 + 4 * slots, 4]) + b"\0" * (4 * slots) + b"\0"


def send(pair, options, identity=50):
    pair.h1.ping("10.0.2.2", 1)
    tap, out = pair.h1.tap("eth0"), pair.h2.tap("eth0")
    packet = IP(src="10.0.1.2", dst="10.0.2.2", id=identity) / ICMP() / Raw(b"data")
    tap.send(to_router(pair, "r0", Raw(with_options(packet, options)), type=0x0800))
    return tap, out


def options_of(packet):
    raw = bytes(packet[IP])
    return raw[20:(raw[0] & 15) * 4]


def test_record_route_gets_the_outgoing_address(pair):
    text = pair.h1.run("ping", "-n", "-R", "-c", "1", "-W", "3", "10.0.2.2")
    assert "10.0.2.1" in text and "10.0.1.1" in text
    _, out = send(pair, record_route(3))
    got = options_of(out.expect(ip(id=50)))
    assert got[:3] == b"\x07\x0f\x08" and got[3:7] == bytes([10, 0, 2, 1])


def test_timestamps_are_filled(pair):
    for flag in ("tsonly", "tsandaddr"):
        text = pair.h1.run("ping", "-n", "-T", flag, "-c", "1", "-W", "3", "10.0.2.2")
        assert "1 received" in text
    _, out = send(pair, b"\x44\x0c\x05\x01" + b"\0" * 8)
    got = options_of(out.expect(ip(id=50)))
    assert got[2] == 13 and got[4:8] == bytes([10, 0, 2, 1]) and got[8:12] != b"\0\0\0\0"


def test_a_full_timestamp_counts_the_overflow(pair):
    _, out = send(pair, b"\x44\x08\x09\x00" + b"\x01\x02\x03\x04")
    assert options_of(out.expect(ip(id=50)))[3] == 0x10


@pytest.mark.parametrize("kind", [0x83, 0x89])
def test_source_routes_are_refused(pair, kind):
    tap, _ = send(pair, bytes([kind, 7, 4, 10, 0, 2, 2, 0]))
    assert tap.expect(icmp(3, 5))[IP].src == "10.0.1.1"
    assert pair.router.balance()["r0"]["drops"]["source-route"] == 1


@pytest.mark.parametrize("options", [b"\x94\x04\x00\x00", b"\x5e\x04\xaa\xbb"])
def test_router_alert_and_unknown_options_pass_unchanged(pair, options):
    _, out = send(pair, options)
    assert options_of(out.expect(ip(id=50))) == options


@pytest.mark.parametrize("options, pointer", [
    (b"\x07\x02\x04\x00", 20),                                   # length too small: the type octet
    (b"\x07\x28\x04\x00", 20),                                   # length beyond the header
    (b"\x07\x07\x03\x00\x00\x00\x00\x00", 22),                   # bad pointer: the pointer octet
    (b"\x01\x44\x08\x09\xf0\x00\x00\x00\x00\x00\x00\x00", 24),   # overflow count full
    (b"\x07\x07\x04\0\0\0\0\x07\x07\x04\0\0\0\0\0\0", 27),          # a second one of a kind
])
def test_malformed_options_are_answered_with_the_pointer(pair, options, pointer):
    tap, _ = send(pair, options)
    error = tap.expect(icmp(12, 0))
    assert error[ICMP].ptr == pointer
    assert pair.router.balance()["r0"]["drops"]["bad-option"] == 1
