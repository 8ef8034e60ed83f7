"""Packets of real programs cross the router, byte for byte but for what a router changes."""

import json

import pytest

from tests.integration.packets import ICMP, IP, UDP, Ether, Raw, icmp, ip, to_router
from tests.lab.lab import wait_until


def iperf(pair, *options, seconds=1, to="10.0.2.2"):
    server = pair.h2.start("iperf3", "-s", "-1")
    wait_until(lambda: ":5201" in pair.h2.run("ss", "-ltn"), what="iperf3's server")
    text = pair.h1.run("iperf3", "-J", "-c", to, "-t", str(seconds), *options, timeout=30 + seconds)
    result = json.loads(text[text.index("{"):])  # a warning may stand before it
    server.wait(10)
    assert "error" not in result, result["error"]
    return result["end"]


def test_ping_loses_nothing_and_counters_equal_the_senders(pair):
    text = pair.h1.ping("10.0.2.2", 50)
    assert "50 received, 0% packet loss" in text
    assert "ttl=63" in text
    ports = pair.router.balance()
    # What the hosts sent besides echo: nothing but ARP, so the router's count equals theirs exactly.
    for namespace, port in ((pair.h1, "r0"), (pair.h2, "r1")):
        assert ports[port]["balance"]["rxPackets"] == namespace.counter("eth0", "tx_packets")
        assert ports[port]["balance"]["forwarded"] == 50
        assert ports[port]["balance"]["dropped"] == 0


def test_traceroute_names_the_router(pair):
    text = pair.h1.run("traceroute", "-n", "-N", "1", "-q", "1", "10.0.2.2")
    assert [row.split()[1] for row in text.splitlines()[1:]] == ["10.0.1.1", "10.0.2.2"]


@pytest.mark.parametrize("offloads", ["default", "off", "mixed"])
def test_tcp_works_whatever_the_offloads(pair, offloads):
    if offloads != "default":
        pair.h1.offloads("eth0", False)
        pair.r1.offloads("r0", False)
    if offloads == "off":
        pair.h2.offloads("eth0", False)
        pair.r1.offloads("r1", False)
    for direction in ((), ("-R",)):
        end = iperf(pair, *direction)
        # A stalled stream delivers next to nothing; one that works delivers far more than this in a second, sanitized too.
        assert end["sum_received"]["bytes"] > 5_000_000
    pair.router.balance()


@pytest.mark.parametrize("mtu", [1500, 1280])
@pytest.mark.parametrize("checksum", ["noudpcsum", "udpcsum"])
def test_tcp_in_a_tunnel_between_the_hosts_works_with_offloads(make_pair, mtu, checksum):
    pair = make_pair(mtu=(None, mtu))
    for host, remote, inside in ((pair.h1, "10.0.2.2", "10.5.0.1/24"), (pair.h2, "10.0.1.2", "10.5.0.2/24")):
        host.run("ip", "link", "add", "t0", "type", "vxlan", "id", "5", "dstport", "4789", "remote", remote, checksum)
        host.address("t0", inside)
        host.up("t0")
    for direction in ((), ("-R",)):
        assert iperf(pair, *direction, to="10.5.0.2")["sum_received"]["bytes"] > 5_000_000
    assert not any("bad-offload" in port["drops"] for port in pair.router.balance().values())


def test_udp_datagrams_larger_than_the_mtu_arrive_whole(pair):
    end = iperf(pair, "-u", "-b", "20M", "-l", "8000")
    assert end["sum"]["packets"] > 100
    assert end["sum"]["lost_packets"] == 0


def test_large_pings_are_carried_as_fragments(pair):
    assert " 0% packet loss" in pair.h1.ping("10.0.2.2", 3, "-s", "20000")


def test_forwarding_changes_only_ttl_checksum_and_macs(pair):
    tap = pair.h2.tap("eth0")
    pair.h1.ping("10.0.2.2", 1)
    sent = IP(src="10.0.1.2", dst="10.0.2.2", tos=0x5C, id=4711, ttl=17, flags="DF") / UDP(sport=5, dport=6, chksum=0) / Raw(b"abc")
    pair.h1.tap("eth0").send(to_router(pair, "r0", sent))
    got = tap.expect(ip(id=4711))
    expected = IP(bytes(sent))
    expected.ttl = 16
    del expected.chksum
    assert bytes(got[IP])[:31] == bytes(IP(bytes(expected)))
    assert got.src == pair.mac["r1"] and got.dst == pair.host_mac["r1"]


def test_ethernet_padding_is_not_forwarded_as_data(pair):
    pair.h1.ping("10.0.2.2", 1)
    tap = pair.h2.tap("eth0")
    frame = bytes(to_router(pair, "r0", IP(src="10.0.1.2", dst="10.0.2.2", id=4712) / UDP(dport=9) / Raw(b"x")))
    pair.h1.tap("eth0").send(frame + b"PADDINGPADDING")
    assert b"PADDING" not in bytes(tap.expect(ip(id=4712)))


@pytest.mark.parametrize("ttl", [0, 1])
def test_ttl_that_runs_out_is_answered(pair, ttl):
    tap = pair.h1.tap("eth0")
    sent = IP(src="10.0.1.2", dst="10.0.2.2", ttl=ttl, id=4713) / UDP(sport=7, dport=9) / Raw(b"quoted")
    tap.send(to_router(pair, "r0", sent))
    error = tap.expect(icmp(11, 0))
    assert error[IP].src == "10.0.1.1"
    assert bytes(error[ICMP].payload).startswith(bytes(sent)[:28])
    assert pair.router.balance()["r0"]["drops"]["ttl-exceeded"] == 1


ROUTES = """
hostname = "r1";
interfaces = (
  { name = "r0"; addresses = [ "10.0.1.1/24" ]; },
  { name = "r1"; addresses = [ "10.0.2.1/24" ]; }
);
static-routes = (
  { prefix = "10.66.0.0/16"; type = "blackhole"; },
  { prefix = "10.67.0.0/16"; type = "unreachable"; },
  { prefix = "10.68.0.0/16"; type = "prohibit"; }
);
"""


@pytest.mark.parametrize("destination, code, reason", [
    ("10.99.0.1", 0, "no-route"), ("10.67.0.1", 1, "unreachable"), ("10.68.0.1", 13, "prohibited"), ("10.66.0.1", None, "blackhole")])
def test_unroutable_destinations_get_the_right_code(make_pair, destination, code, reason):
    pair = make_pair(ROUTES)
    tap = pair.h1.tap("eth0")
    tap.send(to_router(pair, "r0", IP(src="10.0.1.2", dst=destination) / UDP(dport=9)))
    if code is None:
        assert not [f for f in tap.frames(0.5) if icmp(3)(f)]
    else:
        assert tap.expect(icmp(3, code))[IP].src == "10.0.1.1"
    assert pair.router.balance()["r0"]["drops"][reason] == 1


def test_a_neighbour_that_does_not_answer_is_host_unreachable(pair):
    text = pair.h1.run("ping", "-n", "-c", "3", "-i", "0.2", "-W", "5", "10.0.2.77", check=False)
    assert text.count("Destination Host Unreachable") == 3
    assert pair.router.balance()["r0"]["drops"]["neighbour-failed"] == 3


def test_df_and_too_big_names_the_mtu(lab, make_pair):
    pair = make_pair()
    pair.r1.run("ip", "link", "set", "r1", "mtu", "1280")
    pair.h2.run("ip", "link", "set", "eth0", "mtu", "1280")
    wait_until(lambda: pair.router.json("show interfaces")["r1"]["mtu"] == 1280, what="the new MTU")
    tap = pair.h1.tap("eth0")
    tap.send(to_router(pair, "r0", IP(src="10.0.1.2", dst="10.0.2.2", flags="DF") / UDP(dport=9) / Raw(b"x" * 1400)))
    error = tap.expect(icmp(3, 4))
    assert error[ICMP].nexthopmtu == 1280
    assert len(error[IP]) <= 576
    assert " 0% packet loss" in pair.h1.ping("10.0.2.2", 2, "-s", "1400", "-M", "dont")


MARTIANS = [
    ("127.0.0.1", "10.0.2.2", "martian-source"), ("224.0.0.1", "10.0.2.2", "martian-source"),
    ("0.0.0.0", "10.0.2.2", "martian-source"), ("10.0.1.255", "10.0.2.2", "martian-source"),
    ("255.255.255.255", "10.0.2.2", "martian-source"), ("250.0.0.1", "10.0.2.2", "martian-source"),
    ("10.0.1.1", "10.0.2.2", "own-source"), ("10.0.2.1", "10.0.2.2", "own-source"),
    ("10.0.1.2", "127.0.0.1", "martian-destination"), ("10.0.1.2", "0.0.0.0", "martian-destination"),
    ("10.0.1.2", "250.0.0.1", "martian-destination"), ("10.0.1.2", "169.254.7.7", "link-local"),
    ("169.254.7.7", "10.0.2.2", "link-local"), ("10.0.1.2", "10.0.2.255", "directed-broadcast"),
    ("10.0.1.2", "239.1.1.1", "multicast"),
]


def test_martians_are_dropped_in_silence_and_counted(pair):
    tap, other = pair.h1.tap("eth0"), pair.h2.tap("eth0")
    for source, destination, _ in MARTIANS:
        tap.send(to_router(pair, "r0", IP(src=source, dst=destination) / UDP(dport=9)))
    wanted = {}
    for _, _, reason in MARTIANS:
        wanted[reason] = wanted.get(reason, 0) + 1
    wait_until(lambda: pair.router.balance()["r0"]["drops"] == wanted, what=f"the drops {wanted}")
    assert not [f for f in tap.frames(0.2) if icmp(3)(f)]
    assert not [f for f in other.frames(0.1) if f[12:14] == b"\x08\x00"]


def test_frames_that_are_not_ours_are_told_apart(pair):
    tap = pair.h1.tap("eth0")
    good = IP(src="10.0.1.2", dst="10.0.2.2") / UDP(dport=9)
    ours, host = pair.mac["r0"], pair.host_mac["r0"]
    tap.send(Ether(src=host, dst="ff:ff:ff:ff:ff:ff") / good)
    tap.send(Ether(src=host, dst="01:00:5e:01:01:01") / good)
    tap.send(Ether(src=host, dst="02:00:00:00:00:77") / good)
    tap.send(Ether(src=ours, dst=ours) / good)
    tap.send(Ether(src=host, dst=ours, type=0x88B5) / Raw(b"x" * 50))
    tap.send(bytes(Ether(src=host, dst=ours, type=0x8100))[:14] + b"\x00\x07\x08\x00" + bytes(good))
    wanted = {"link-broadcast": 2, "other-host": 1, "own-frame": 1, "not-ip": 1, "vlan-tagged": 1}
    wait_until(lambda: pair.router.balance()["r0"]["drops"] == wanted, what=f"the drops {wanted}")


def test_priority_tagged_frames_are_ours(pair):
    pair.h1.ping("10.0.2.2", 1)
    tap = pair.h2.tap("eth0")
    good = IP(src="10.0.1.2", dst="10.0.2.2", id=4720) / UDP(dport=9)
    header = bytes(Ether(src=pair.host_mac["r0"], dst=pair.mac["r0"], type=0x8100))[:14]
    pair.h1.tap("eth0").send(header + b"\xe0\x00\x08\x00" + bytes(good))
    tap.expect(ip(id=4720))


def test_broken_headers_are_counted_by_reason(pair):
    tap = pair.h1.tap("eth0")
    good = bytes(to_router(pair, "r0", IP(src="10.0.1.2", dst="10.0.2.2") / UDP(dport=9) / Raw(b"x" * 20)))

    def changed(at, value):
        return good[:at] + value + good[at + len(value):]

    tap.send(changed(14, b"\x65"))          # version 6
    tap.send(changed(14, b"\x44"))          # header of 16 bytes
    tap.send(changed(16, b"\x00\x10"))      # total length below the header's
    tap.send(changed(16, b"\x05\xdc"))      # total length beyond the frame
    tap.send(changed(24, b"\xde\xad"))      # checksum
    wanted = {"ip-version": 1, "ip-header-length": 1, "ip-length": 2, "ip-checksum": 1}
    wait_until(lambda: pair.router.balance()["r0"]["drops"] == wanted, what=f"the drops {wanted}")
    assert pair.router.json("show interfaces")["r0"]["counters"]["rxErrors"] == 5


def test_redirect_when_the_next_hop_is_on_the_senders_network(make_pair):
    pair = make_pair(ROUTES.replace("static-routes = (", 'static-routes = (\n  { prefix = "10.50.0.0/16"; via = "10.0.1.3"; },'))
    h3 = pair.h1.tap("eth0")
    pair.h1.address("eth0", "10.0.1.3/24")
    h3.send(to_router(pair, "r0", IP(src="10.0.1.2", dst="10.50.0.1", id=4730) / UDP(dport=9)))
    redirect = h3.expect(icmp(5, 1))
    assert redirect[IP].src == "10.0.1.1" and redirect[ICMP].gw == "10.0.1.3"
    assert pair.router.balance()["r0"]["balance"]["forwarded"] >= 1
