"""IGMP beside other routers: FRR's pimd and Linux's bridge as queriers, snooping between us and the hosts, a proxy below a PIM router."""

import time

from tests.integration.test_igmp import FAST, GROUP, Listener, Sender, multicast_seen
from tests.lab.lab import wait_until
from tests.lab.peers import Frr, _folder

QUERIER = "ip igmp query-interval 4\n ip igmp query-max-response-time 10\n"


class Pim(Frr):
    """FRR's zebra and pimd."""

    def __init__(self, namespace, configuration):  # pylint: disable=super-init-not-called
        self.namespace = namespace
        self.folder = _folder(namespace.lab, "frr")
        self.processes = {}
        namespace.sysctl("net.ipv4.ip_forward", 1)
        for daemon, text in (("zebra", ""), ("pimd", configuration)):
            with open(f"{self.folder}/{daemon}.conf", "w", encoding="utf-8") as file:
                file.write(f"hostname {namespace.short}\n{text}")
            self.start(daemon)

    def igmp(self, what):
        return self.vtysh(f"show ip igmp {what}", daemon="pimd")

    def end(self):
        self.processes["pimd"].terminate()
        self.processes["pimd"].wait(10)


def on_a_wire(lab, ours, version=3, peer_address="10.0.9.5"):
    """A bridge with a ferryd (OURS), FRR (PEER_ADDRESS) and a host; returns them."""
    wire, r1, peer, host = lab.namespace("wire"), lab.namespace("r1"), lab.namespace("peer"), lab.namespace("host")
    wire.run("ip", "link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
    wire.up("br0")
    for number, space in enumerate((r1, peer, host)):
        lab.link(space, "eth0", wire, f"p{number}")
        wire.run("ip", "link", "set", f"p{number}", "master", "br0")
    peer.address("eth0", f"{peer_address}/24")
    host.address("eth0", "10.0.9.100/24")
    router = lab.router(r1, f'''hostname = "r1";
interfaces = ( {{ name = "eth0"; addresses = "{ours}/24"; igmp: {{ version = {version}; {FAST} }}; }} );
multicast: {{ }};
''')
    pim = Pim(peer, f"interface eth0\n ip pim\n ip igmp\n ip igmp version {version}\n {QUERIER}")
    return router, pim, host


def querier(router):
    found = router.json("show ip igmp interfaces")["eth0"]
    return found["querierIp"], found["querier"]


def test_we_win_against_pimd_and_it_takes_over(lab):
    router, pim, host = on_a_wire(lab, "10.0.9.1")
    wait_until(lambda: "other" in pim.igmp("interface"), 30, "pimd giving way")
    assert querier(router) == ("10.0.9.1", True)
    listener = Listener(host, "10.0.9.100")
    for who in (lambda: GROUP in str(router.json("show ip igmp groups")), lambda: GROUP in pim.igmp("groups")):
        wait_until(who, 30, "the group at both")
    router.kill()
    wait_until(lambda: "local" in pim.igmp("interface"), 40, "pimd taking over")
    assert GROUP in pim.igmp("groups")
    router.start()
    wait_until(lambda: "other" in pim.igmp("interface"), 30, "pimd giving way again")
    wait_until(lambda: GROUP in str(router.json("show ip igmp groups")), 30, "the group at the router that came back")
    listener.close()


def test_we_lose_against_pimd_and_take_over(lab):
    router, pim, host = on_a_wire(lab, "10.0.9.9")
    wait_until(lambda: querier(router) == ("10.0.9.5", False), 30, "pimd being the querier")
    listener = Listener(host, "10.0.9.100")
    wait_until(lambda: GROUP in str(router.json("show ip igmp groups")), 30, "the group")
    pim.end()
    wait_until(lambda: querier(router) == ("10.0.9.9", True), 40, "the takeover")
    before = router.json("show ip igmp interfaces")["eth0"]["counters"]["inReportsV3"]
    wait_until(lambda: router.json("show ip igmp interfaces")["eth0"]["counters"]["inReportsV3"] > before, 30, "an answer to our queries")
    assert GROUP in str(router.json("show ip igmp groups"))
    listener.close()


def test_version_two_beside_pimd(lab):
    router, pim, host = on_a_wire(lab, "10.0.9.1", version=2)
    wait_until(lambda: "other" in pim.igmp("interface"), 30, "pimd giving way")
    listener = Listener(host, "10.0.9.100")
    for who in (lambda: GROUP in str(router.json("show ip igmp groups")), lambda: GROUP in pim.igmp("groups")):
        wait_until(who, 30, "the group at both")
    assert router.json("show ip igmp groups")["eth0"]["groups"][0]["version"] == 2
    listener.leave()
    wait_until(lambda: GROUP not in str(router.json("show ip igmp groups")), 20, "the leave")


def test_a_querier_of_another_version_is_warned_of(lab):
    router, pim, _ = on_a_wire(lab, "10.0.9.9", version=3)
    pim.vtysh("configure terminal", "interface eth0", "ip igmp version 2", daemon="pimd")
    router.wait_log("version", 40)
    assert router.json("show ip igmp interfaces")["eth0"]["counters"]["versionMismatches"] > 0


def snooping(lab, net_options=None):
    """h1 - r0 [r1] r1 - bridge with snooping - h2, h3."""
    r1, source, wire = lab.namespace("r1"), lab.namespace("h1"), lab.namespace("wire")
    lab.link(source, "eth0", r1, "r0")
    lab.link(wire, "p0", r1, "r1")
    source.address("eth0", "10.0.1.2/24")
    wire.run("ip", "link", "add", "br0", "type", "bridge", "mcast_snooping", "1", "mcast_igmp_version", "3")
    wire.up("br0")
    wire.run("ip", "link", "set", "p0", "master", "br0")
    hosts = []
    for number in (2, 3):
        host = lab.namespace(f"h{number}")
        lab.link(host, "eth0", wire, f"p{number}")
        wire.run("ip", "link", "set", f"p{number}", "master", "br0")
        host.address("eth0", f"10.0.2.{number}/24")
        hosts.append(host)
    router = lab.router(r1, f'''hostname = "r1";
interfaces = (
  {{ name = "r0"; addresses = "10.0.1.1/24"; }},
  {{ name = "r1"; addresses = "10.0.2.{(net_options or {}).get("ours", 1)}/24"; igmp: {{ {FAST} }}; }}
);
multicast: {{ }};
''')
    return router, source, wire, hosts


def test_a_snooping_bridge_keeps_working_because_we_query(lab):
    router, source, wire, hosts = snooping(lab)
    listener = Listener(hosts[0], "10.0.2.2")
    wait_until(lambda: GROUP in str(router.json("show ip igmp groups")), 30, "the group")
    wait_until(lambda: "p0" in wire.run("bridge", "mdb", "show"), 30, "the bridge seeing a router")  # by our queries
    tap = hosts[1].tap("eth0")
    sender = Sender(source)
    sender.send()
    assert listener.next() == 1
    multicast_seen(tap)
    begun = time.monotonic()
    while time.monotonic() - begun < 12:  # several times the query interval, and the bridge's memory without queries
        number = sender.send()
        assert listener.next() == number
        time.sleep(0.5)
    assert multicast_seen(tap) == 0  # the bridge snoops: the other host's wire is quiet
    router.balance()


def test_a_bridge_that_queries_is_an_elected_querier(lab):
    router, _, wire, hosts = snooping(lab, {"ours": 9})
    wire.address("br0", "10.0.2.4/24")
    wire.run("ip", "link", "set", "br0", "type", "bridge", "mcast_querier", "1", "mcast_query_use_ifaddr", "1",
             "mcast_query_interval", "400", "mcast_query_response_interval", "100", "mcast_startup_query_interval", "100")
    wait_until(lambda: router.json("show ip igmp interfaces")["r1"]["querierIp"] == "10.0.2.4", 40, "the bridge being querier")
    assert router.json("show ip igmp interfaces")["r1"]["querier"] is False
    wire.run("ip", "link", "set", "br0", "type", "bridge", "mcast_querier", "0")
    wait_until(lambda: router.json("show ip igmp interfaces")["r1"]["querier"], 40, "the takeover")
    listener = Listener(hosts[0], "10.0.2.2")
    wait_until(lambda: GROUP in str(router.json("show ip igmp groups")), 30, "the group")
    listener.close()


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
    pim = Pim(frr, "ip pim rp 10.1.0.1 224.0.0.0/4\n"
                   "interface f0\n ip pim\n ip igmp\n!\n"
                   f"interface f1\n ip pim\n ip igmp\n {QUERIER}")
    listener = Listener(host, "10.3.0.2")
    wait_until(lambda: GROUP in pim.igmp("groups"), 40, "the group at FRR")
    sender = Sender(source, "10.1.0.2")
    listener.socket.settimeout(0.2)

    def arrives():
        sender.send()
        try:
            return listener.next()
        except TimeoutError:
            return None
    wait_until(arrives, 40, "the stream through FRR and the proxy")
    listener.drain()
    number = sender.send(10)
    assert [listener.next() for _ in range(10)][-1] == number
    listener.leave()
    wait_until(lambda: GROUP not in pim.igmp("groups"), 40, "the leave at FRR")
    router.balance()
