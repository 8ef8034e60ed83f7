"""ARP on the wire: RFC 826, 1122 2.3.2, 5227."""

import pytest

from tests.integration.packets import ARP, IP, UDP, Ether, arp, header_checksum, icmp, ip, parse, to_router
from tests.lab.lab import TWO_HOSTS, LabError, wait_until

H3 = "02:00:00:00:00:33"


def entries(router):
    return {(e["interface"], e["address"]): e for e in router.json("show ip arp")["entries"]}


def ask(target, sender="10.0.1.2", mac=H3, destination="ff:ff:ff:ff:ff:ff"):
    return Ether(src=mac, dst=destination) / ARP(op=1, hwsrc=mac, psrc=sender, pdst=target)


def test_addresses_are_announced_when_the_link_comes_up(lab):
    from tests.lab.lab import two_hosts
    h1, r1, _ = two_hosts(lab)
    tap = h1.tap("eth0")
    lab.router(r1, TWO_HOSTS)
    announced = tap.expect(arp(op=1, psrc="10.0.1.1", pdst="10.0.1.1"))
    assert announced.src == r1.mac("r0") and announced.dst == "ff:ff:ff:ff:ff:ff"


@pytest.mark.parametrize("sender, target, answered", [
    ("10.0.1.2", "10.0.1.1", True),
    ("0.0.0.0", "10.0.1.1", True),    # a probe, RFC 5227
    ("10.0.1.2", "10.0.2.1", False),  # ours, but of another interface
    ("10.0.1.2", "10.0.1.9", False),  # somebody else's
    ("10.7.7.7", "10.0.1.1", False),  # a sender that is not of this network
])
def test_who_is_answered(pair, sender, target, answered):
    tap = pair.h1.tap("eth0")
    tap.send(ask(target, sender))
    if answered:
        reply = tap.expect(arp(op=2, psrc=target))
        assert reply[ARP].hwsrc == pair.mac["r0"] and reply.dst == H3
    else:
        with pytest.raises(LabError):
            tap.expect(arp(op=2), timeout=0.4)
    learned = ("r0", sender) in entries(pair.router)
    assert learned == (answered and sender != "0.0.0.0")


def test_a_route_by_an_interface_makes_neighbours_of_its_destinations(make_pair):
    pair = make_pair(TWO_HOSTS + 'static-routes = ( { prefix = "172.18.0.0/16"; interface = "r1"; } );')
    pair.h2.address("eth0", "172.18.3.3/32")
    assert " 0% packet loss" in pair.h1.ping("172.18.3.3", 2)
    assert entries(pair.router)[("r1", "172.18.3.3")]["mac"] == pair.host_mac["r1"]
    other = pair.h2.tap("eth0")
    other.send(ask("10.0.2.1", "172.18.3.4"))
    assert other.expect(arp(op=2, psrc="10.0.2.1")).dst == H3
    tap = pair.h1.tap("eth0")
    tap.send(ask("10.0.1.1", "172.18.3.5"))  # the route is by the other port
    wait_until(lambda: pair.router.balance()["r0"]["drops"].get("arp-sender") == 1, what="the drop")
    assert ("r0", "172.18.3.5") not in entries(pair.router)


def test_a_gateway_outside_the_subnets_is_found_by_the_interface_of_its_route(make_pair):
    pair = make_pair(TWO_HOSTS + 'static-routes = ( { prefix = "172.19.0.0/16"; via = "192.168.99.1"; interface = "r1"; } );')
    pair.h2.address("eth0", "192.168.99.1/32")
    pair.h2.address("lo", "172.19.0.1/32")
    assert " 0% packet loss" in pair.h1.ping("172.19.0.1", 2)
    assert entries(pair.router)[("r1", "192.168.99.1")]["mac"] == pair.host_mac["r1"]


def test_gratuitous_arp_updates_but_never_creates(pair):
    tap = pair.h1.tap("eth0")
    tap.send(Ether(src=H3, dst="ff:ff:ff:ff:ff:ff") / ARP(op=1, hwsrc=H3, psrc="10.0.1.9", pdst="10.0.1.9"))
    pair.h1.ping("10.0.1.1", 1)
    assert ("r0", "10.0.1.9") not in entries(pair.router)
    tap.send(Ether(src=H3, dst="ff:ff:ff:ff:ff:ff") / ARP(op=1, hwsrc=H3, psrc="10.0.1.2", pdst="10.0.1.2"))
    wait_until(lambda: entries(pair.router)[("r0", "10.0.1.2")]["mac"] == H3, what="the new MAC")


def test_waiting_packets_are_sent_in_order_when_the_neighbour_answers(pair):
    tap, other = pair.h1.tap("eth0"), pair.h2.tap("eth0")
    for i in range(3):
        tap.send(to_router(pair, "r0", IP(src="10.0.1.2", dst="10.0.2.50", id=100 + i) / UDP(dport=9)))
    other.expect(arp(op=1, pdst="10.0.2.50", psrc="10.0.2.1"))
    other.send(Ether(src=H3, dst=pair.mac["r1"]) / ARP(op=2, hwsrc=H3, psrc="10.0.2.50", hwdst=pair.mac["r1"], pdst="10.0.2.1"))
    seen = []
    for frame in other.frames(3):
        packet = parse(frame)
        if IP in packet and packet[IP].dst == "10.0.2.50":
            assert packet.dst == H3
            seen.append(packet[IP].id)
            if len(seen) == 3:
                break
    assert seen == [100, 101, 102]


def test_requests_are_three_and_a_second_apart_then_each_sender_is_told(pair):
    tap, other = pair.h1.tap("eth0"), pair.h2.tap("eth0")
    for i in range(2):
        tap.send(to_router(pair, "r0", IP(src="10.0.1.2", dst="10.0.2.60", id=200 + i) / UDP(dport=9)))
    errors = []
    for frame in tap.frames(6):
        error = icmp(3, 1)(frame)
        if error:
            errors.append(error)
        if len(errors) == 2:
            break
    assert len(errors) == 2
    requests = [f for f in other.frames(0.2) if arp(op=1, pdst="10.0.2.60")(f)]
    assert len(requests) == 3


def test_an_address_conflict_is_logged_and_defended(pair):
    tap = pair.h1.tap("eth0")
    tap.send(Ether(src=H3, dst="ff:ff:ff:ff:ff:ff") / ARP(op=1, hwsrc=H3, psrc="10.0.1.1", pdst="10.0.1.1"))
    pair.router.wait_log(r"10\.0\.1\.1.*02:00:00:00:00:33")
    tap.expect(arp(op=1, psrc="10.0.1.1", pdst="10.0.1.1"))
    assert ("r0", "10.0.1.1") not in entries(pair.router)


def test_static_entries_are_used_and_not_learned_over(make_pair):
    pair = make_pair("""
hostname = "r1";
interfaces = ( { name = "r0"; addresses = "10.0.1.1/24"; }, { name = "r1"; addresses = "10.0.2.1/24"; } );
static-arp = ( { interface = "r1"; address = "10.0.2.40"; mac = "02:00:00:00:00:40"; } );
""")
    other = pair.h2.tap("eth0")
    other.send(ask("10.0.2.1", "10.0.2.40"))
    other.expect(arp(op=2))
    pair.h1.tap("eth0").send(to_router(pair, "r0", IP(src="10.0.1.2", dst="10.0.2.40", id=7) / UDP(dport=9)))
    assert other.expect(ip(id=7)).dst == "02:00:00:00:00:40"
    entry = entries(pair.router)[("r1", "10.0.2.40")]
    assert entry["state"] == "static" and entry["mac"] == "02:00:00:00:00:40"


def test_a_reload_takes_away_the_static_entries_that_went_and_no_other(make_pair):
    ports = 'hostname = "r1";\ninterfaces = ( { name = "r0"; addresses = "10.0.1.1/24"; }, { name = "r1"; addresses = "10.0.2.1/24"; } );\n'

    def with_entries(*entries_):
        listed = ", ".join(f'{{ interface = "{i}"; address = "{a}"; mac = "02:00:00:00:00:40"; }}' for i, a in entries_)
        return ports + f"static-arp = ( {listed} );\n"

    def static(router):
        return {key for key, entry in entries(router).items() if entry["state"] == "static"}

    first, second, third = ("r1", "10.0.2.40"), ("r1", "10.0.2.30"), ("r0", "10.0.1.50")
    pair = make_pair(with_entries(first, second, third))
    assert static(pair.router) == {first, second, third}
    pair.router.reload(with_entries(third, first))
    assert static(pair.router) == {first, third}
    pair.router.reload(with_entries(second))
    assert static(pair.router) == {second}
    pair.router.reload(ports)
    assert not static(pair.router)


def test_a_live_flow_is_probed_by_unicast_before_its_neighbour_expires(make_pair):
    pair = make_pair("""
hostname = "r1";
interfaces = ( { name = "r0"; addresses = "10.0.1.1/24"; arp-timeout = 4; }, { name = "r1"; addresses = "10.0.2.1/24"; arp-timeout = 4; } );
""")
    other = pair.h2.tap("eth0")
    ping = pair.h1.start("ping", "-n", "-i", "0.1", "-c", "80", "10.0.2.2")
    probe = other.expect(lambda f: f[12:14] == b"\x08\x06" and f[21] == 1 and f[:6] != b"\xff" * 6, timeout=10)
    assert parse(probe).dst == pair.host_mac["r1"] and parse(probe)[ARP].pdst == "10.0.2.2"
    text = ping.communicate()[0]
    assert "80 received" in text


def test_a_scan_leaves_the_table_bounded_and_live_neighbours_in_it(make_pair):
    pair = make_pair("""
hostname = "r1";
interfaces = ( { name = "r0"; addresses = "10.0.1.1/24"; }, { name = "r1"; addresses = [ "10.0.2.1/24", "10.64.0.1/16" ]; } );
""")
    pair.h1.ping("10.0.2.2", 1)
    before = pair.router.resident_kb()
    tap = pair.h1.tap("eth0")
    tap.socket.setblocking(True)
    frame = bytearray(bytes(to_router(pair, "r0", IP(src="10.0.1.2", dst="10.64.0.2") / UDP(dport=9, chksum=0))))
    for i in range(2, 20002):
        address = (10 << 24) | (64 << 16) | i
        frame[30:34] = address.to_bytes(4, "big")
        frame[24:26] = b"\0\0"
        frame[24:26] = header_checksum(frame[14:34])
        tap.send(frame)
    assert " 0% packet loss" in pair.h1.ping("10.0.2.2", 5)
    assert entries(pair.router)[("r1", "10.0.2.2")]["state"] == "reachable"
    if pair.lab.build == "release":
        assert pair.router.resident_kb() - before < 16 << 10
    wait_until(lambda: not [e for e in entries(pair.router).values() if e["state"] == "incomplete"], timeout=15, what="the scan's end")
    pair.router.balance()
