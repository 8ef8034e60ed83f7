"""IGMP beside other routers: FRR's pimd and Linux's bridge as queriers, snooping between us and the hosts, a proxy below a PIM router."""

import json
import socket

import pytest
from scapy.layers.inet import IPOption_Router_Alert

from tests.integration.packets import IP, Ether, Raw, header_checksum
from tests.integration.test_igmp import GROUP, Listener, Sender, multicast_seen
from tests.lab.lab import wait_until
from tests.lab.peers import Frr

pytestmark = pytest.mark.one_build  # it waits for timers of others

# Another querier is missed after robustness x interval + half the response time (RFC 9776 8.5): 4.5 s here, 6.5 s beside pimd's.
FAST = "query-interval = 2; query-response-interval = 1.0; last-member-query-interval = 0.5;"
# pimd takes an interval only if it is longer than the response time that it has by then.
PIM = "ip pim\n ip igmp\n ip igmp query-max-response-time 10\n ip igmp query-interval 3\n"


def igmp(router, port="eth0"):
    return router.json("show ip igmp interfaces")[port]


def querier(router, port="eth0"):
    found = igmp(router, port)
    return found["querierIp"], found.get("querier", False)


def groups(router, port="eth0"):
    return {entry["group"]: entry for entry in router.json("show ip igmp groups").get(port, {"groups": []})["groups"]}


class Pim(Frr):
    """FRR's pimd."""

    def __init__(self, namespace, configuration):
        super().__init__(namespace, configuration, daemon="pimd")

    def vtysh(self, *commands, daemon="pimd"):
        return super().vtysh(*commands, daemon=daemon)

    def shown(self, what):
        text = self.vtysh(f"show ip igmp {what} json")
        return json.loads(text[text.index("{"):])

    def querier(self, port="eth0"):
        found = self.shown("interface")[port]
        return found["querierIp"], found.get("querier", False)

    def groups(self, port="eth0"):
        return {entry["group"] for entry in self.shown("groups").get(port, {"groups": []})["groups"]}


def again(router):
    router.start(wait=False)
    router.wait_ready(times=2)


def ask(host, device, source, version):
    """A general query by a host, which is nobody's business to send."""
    message = b"\x11\x0a\0\0\0\0\0\0" + (b"\x02\x02\0\0" if version == 3 else b"")
    message = message[:2] + header_checksum(message) + message[4:]
    packet = IP(src=source, dst="224.0.0.1", ttl=1, proto=2, options=IPOption_Router_Alert()) / Raw(message)
    host.tap(device).send(bytes(Ether(src=host.mac(device), dst="01:00:5e:00:00:01") / packet))


def queriers_seen(tap, seconds):
    """The sources of the general queries on a wire within that time."""
    return {socket.inet_ntoa(frame[26:30]) for frame in tap.frames(seconds)
            if frame[12:14] == b"\x08\x00" and frame[23] == 2 and frame[14 + 4 * (frame[14] & 15)] == 0x11
            and frame[30:34] == socket.inet_aton("224.0.0.1")}


class Wire:
    """r1 with a ferryd (10.0.9.OURS), pimd (10.0.9.5) and a host on one wire."""

    def __init__(self, lab, ours, version):
        wire, self.r1, peer, self.host = (lab.namespace(name) for name in ("wire", "r1", "peer", "host"))
        wire.run("ip", "link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
        wire.up("br0")
        for number, space in enumerate((self.r1, peer, self.host)):
            lab.link(space, "eth0", wire, f"p{number}")
            wire.run("ip", "link", "set", f"p{number}", "master", "br0")
        peer.address("eth0", "10.0.9.5/24")
        self.host.address("eth0", "10.0.9.100/24")
        self.address = f"10.0.9.{ours}"
        self.router = lab.router(self.r1, f'''hostname = "r1";
interfaces = ( {{ name = "eth0"; addresses = "{self.address}/24"; igmp: {{ version = {version}; {FAST} }}; }} );
multicast: {{ }};
''')
        self.pim = Pim(peer, f"interface eth0\n {PIM} ip igmp version {version}\n")

    def agree(self, winner):
        wait_until(lambda: querier(self.router) == (winner, winner == self.address), 30, f"{winner} being the querier for us")
        wait_until(lambda: self.pim.querier() == (winner, winner != self.address), 30, f"{winner} being the querier for pimd")

    def know(self, yes=True):
        wait_until(lambda: (GROUP in groups(self.router)) == yes, 30, "the group at ferryd" if yes else "the leave at ferryd")
        wait_until(lambda: (GROUP in self.pim.groups()) == yes, 30, "the group at pimd" if yes else "the leave at pimd")


@pytest.mark.parametrize("version", [2, 3])
def test_pimd_gives_way_and_takes_over(lab, version):
    wire = Wire(lab, 1, version)
    wire.agree("10.0.9.1")
    heard = igmp(wire.router)["counters"][f"inQueriesV{version}"]
    ask(wire.host, "eth0", "10.0.9.100", version)  # of a higher address: heard, and nothing else
    wait_until(lambda: igmp(wire.router)["counters"][f"inQueriesV{version}"] > heard, 10, "the query")
    assert querier(wire.router) == ("10.0.9.1", True)
    listener = Listener(wire.host, "10.0.9.100")
    wire.know()
    wire.router.kill()
    wait_until(lambda: wire.pim.querier() == ("10.0.9.5", True), 30, "pimd taking over")
    wait_until(lambda: GROUP in wire.pim.groups(), 30, "an answer to pimd")
    again(wire.router)
    wire.agree("10.0.9.1")
    wire.know()
    assert groups(wire.router)[GROUP]["version"] == version
    listener.leave()
    wire.know(False)


@pytest.mark.parametrize("version", [2, 3])
def test_we_give_way_to_pimd_and_take_over(lab, version):
    wire = Wire(lab, 9, version)
    wire.agree("10.0.9.5")
    # Version 3 carries the querier's interval, and it holds for all; version 2 does not.
    assert igmp(wire.router)["queryInterval"] == (3 if version == 3 else 2)
    listener = Listener(wire.host, "10.0.9.100")
    wire.know()
    tap = wire.host.tap("eth0")
    assert queriers_seen(tap, 3.5) == {"10.0.9.5"}
    wire.pim.processes["pimd"].kill()
    wait_until(lambda: querier(wire.router) == ("10.0.9.9", True), 30, "the takeover")
    assert igmp(wire.router)["queryInterval"] == 2
    report = f"inReportsV{version}"
    before = igmp(wire.router)["counters"][report]
    wait_until(lambda: igmp(wire.router)["counters"][report] > before, 30, "an answer to our queries")
    assert GROUP in groups(wire.router)
    listener.leave()
    wait_until(lambda: GROUP not in groups(wire.router), 30, "the leave")


def test_a_querier_of_another_version_is_warned_of(lab):
    wire = Wire(lab, 9, 3)
    wire.agree("10.0.9.5")
    assert igmp(wire.router)["counters"]["versionMismatches"] == 0
    wire.pim.vtysh("configure terminal", "interface eth0", "ip igmp version 2")
    wire.router.wait_log(r"10\.0\.9\.5 asks in version 2 of IGMP, and this interface is set to 3", 40)
    assert igmp(wire.router)["counters"]["versionMismatches"] > 0


class Snooping:
    """h1 - r0 [r1] r1 - a bridge that snoops - h2, h3."""

    def __init__(self, lab, ours=1, start=True, bridge=()):
        self.lab = lab
        self.r1, self.source, self.wire = lab.namespace("r1"), lab.namespace("h1"), lab.namespace("wire")
        lab.link(self.source, "eth0", self.r1, "r0")
        lab.link(self.wire, "p0", self.r1, "r1")
        self.source.address("eth0", "10.0.1.2/24")
        self.wire.run("ip", "link", "add", "br0", "type", "bridge", "mcast_snooping", "1", *bridge)
        self.wire.run("ip", "link", "set", "p0", "master", "br0")
        self.hosts = []
        for number in (2, 3):
            host = lab.namespace(f"h{number}")
            lab.link(host, "eth0", self.wire, f"p{number}")
            self.wire.run("ip", "link", "set", f"p{number}", "master", "br0")
            host.address("eth0", f"10.0.2.{number}/24")
            self.hosts.append(host)
        self.tap = self.hosts[1].tap("eth0")
        self.ours = ours
        self.router = None
        if start:
            self.wire.up("br0")
            self.begin()

    def begin(self):
        self.router = self.lab.router(self.r1, f'''hostname = "r1";
interfaces = (
  {{ name = "r0"; addresses = "10.0.1.1/24"; }},
  {{ name = "r1"; addresses = "10.0.2.{self.ours}/24"; igmp: {{ {FAST} }}; }}
);
multicast: {{ }};
''')


def bridge_knows(wire):
    """The ports to routers and the members that a snooping bridge has seen."""
    found = wire.run("bridge", "-d", "-j", "mdb", "show")
    return '"p0"' in found.partition('"router"')[2], GROUP in found


def test_a_snooping_bridge_keeps_working_because_we_query(lab):
    # The bridge forgets a member after 5 s and a querier after 4 s without messages; then it floods.
    net = Snooping(lab, bridge=("mcast_membership_interval", "500", "mcast_querier_interval", "400"))
    listener = Listener(net.hosts[0], "10.0.2.2")
    wait_until(lambda: GROUP in groups(net.router, "r1"), 30, "the group")
    wait_until(lambda: bridge_knows(net.wire) == (True, True), 30, "the bridge seeing a router and a member")
    sender = Sender(net.source)

    def quiet():
        multicast_seen(net.tap)
        number = sender.send()
        return listener.next() == number and multicast_seen(net.tap) == 0
    wait_until(quiet, 30, "the bridge no longer flooding")  # it trusts a new querier only after the response time
    begun = igmp(net.router, "r1")["counters"]["outGeneralQueries"]
    while igmp(net.router, "r1")["counters"]["outGeneralQueries"] < begun + 3:  # longer than the bridge's memory
        number = sender.send()
        assert listener.next() == number
        assert bridge_knows(net.wire) == (True, True)
    assert multicast_seen(net.tap) == 0  # it snoops: the other host's wire is quiet
    listener.leave()
    wait_until(lambda: GROUP not in groups(net.router, "r1"), 30, "the leave through the bridge")
    net.router.balance()


def bridge_queries(version):
    return ("mcast_igmp_version", str(version), "mcast_querier", "1", "mcast_query_use_ifaddr", "1", "mcast_query_interval", "200",
            "mcast_query_response_interval", "100", "mcast_startup_query_interval", "100", "mcast_querier_interval", "450")


@pytest.mark.parametrize("version", [2, 3])
def test_we_give_way_to_a_bridge_that_queries_and_take_over(lab, version):
    # A bridge begins to ask only where nobody does, so it comes first.
    net = Snooping(lab, 9, start=False, bridge=bridge_queries(version))
    net.wire.address("br0", "10.0.2.4/24")
    net.wire.up("br0")
    assert net.tap.expect(lambda frame: frame[26:30] == socket.inet_aton("10.0.2.4") and frame[23] == 2 and frame[38] == 0x11, 10)
    net.begin()
    wait_until(lambda: querier(net.router, "r1") == ("10.0.2.4", False), 30, "the bridge being the querier")
    listener = Listener(net.hosts[0], "10.0.2.2")
    wait_until(lambda: GROUP in groups(net.router, "r1"), 30, "the group")
    assert groups(net.router, "r1")[GROUP]["version"] == version
    net.wire.run("ip", "link", "set", "br0", "type", "bridge", "mcast_querier", "0")
    wait_until(lambda: querier(net.router, "r1") == ("10.0.2.9", True), 30, "the takeover")
    reports = igmp(net.router, "r1")["counters"]
    wait_until(lambda: sum(igmp(net.router, "r1")["counters"][f"inReportsV{v}"] - reports[f"inReportsV{v}"] for v in (2, 3)) > 0, 30,
               "an answer to our queries")
    number = Sender(net.source).send()
    assert listener.next() == number


def test_a_bridge_gives_way_to_us_and_takes_over(lab):
    net = Snooping(lab, 1, start=False, bridge=bridge_queries(3))
    net.wire.address("br0", "10.0.2.4/24")
    net.wire.up("br0")
    wait_until(lambda: "10.0.2.4" in queriers_seen(net.tap, 0.5), 10, "the bridge asking")
    net.begin()
    wait_until(lambda: queriers_seen(net.tap, 2.5) == {"10.0.2.1"}, 30, "the bridge giving way")
    assert querier(net.router, "r1") == ("10.0.2.1", True)
    net.router.kill()
    wait_until(lambda: "10.0.2.4" in queriers_seen(net.tap, 0.5), 30, "the bridge taking over")
    again(net.router)
    wait_until(lambda: queriers_seen(net.tap, 2.5) == {"10.0.2.1"}, 30, "the bridge giving way again")


def test_a_proxy_below_a_pim_router(lab):
    """source - FRR (PIM) - r1 (proxy) - host."""
    source, frr, r1, host = (lab.namespace(name) for name in ("src", "frr", "r1", "dst"))
    lab.link(source, "eth0", frr, "f0")
    lab.link(frr, "f1", r1, "u0")
    lab.link(host, "eth0", r1, "d0")
    source.address("eth0", "10.1.0.2/24")
    frr.address("f0", "10.1.0.1/24")
    frr.address("f1", "10.2.0.1/24")
    host.address("eth0", "10.3.0.2/24")
    source.route("default", "10.1.0.1")
    router = lab.router(r1, f'''hostname = "r1";
interfaces = ( {{ name = "u0"; addresses = "10.2.0.2/24"; }}, {{ name = "d0"; addresses = "10.3.0.1/24"; igmp: {{ {FAST} }}; }} );
static-routes = ( {{ prefix = "0.0.0.0/0"; via = "10.2.0.1"; }} );
multicast: {{ upstream = "u0"; }};
''')
    pim = Pim(frr, f"ip pim rp 10.1.0.1 224.0.0.0/4\ninterface f0\n {PIM}!\ninterface f1\n {PIM}")
    listener = Listener(host, "10.3.0.2")
    wait_until(lambda: GROUP in pim.groups("f1"), 40, "the group at FRR")
    sender = Sender(source, "10.1.0.2")
    listener.socket.settimeout(0.2)

    def arrives():
        sender.send()
        try:
            return listener.next()
        except TimeoutError:
            return None
    wait_until(arrives, 40, "the stream through FRR and the proxy")
    # While pimd moves from the tree of the group to that of the source, packets are lost before they come to us.
    tap = r1.tap("u0")
    listener.drain()
    number = sender.send(10)
    assert [listener.next() for _ in range(10)][-1] == number
    assert multicast_seen(tap) == 10
    listener.leave()
    wait_until(lambda: GROUP not in pim.groups("f1"), 40, "the leave at FRR")
    router.balance()
