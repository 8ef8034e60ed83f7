"""Devices come, go and change; routes and neighbours follow."""

import signal

from tests.lab.lab import TWO_HOSTS, run, two_hosts, wait_until


def routes(router):
    return {p: r for p, r in router.json("show ip route").items() if any(x["installed"] for x in r)}


def oper(router, name):
    return router.json("show interfaces")[name]["operationalStatus"]


def test_a_device_that_goes_down_withdraws_its_routes_and_neighbours_and_comes_back(pair):
    pair.h1.ping("10.0.2.2", 1)
    pair.r1.up("r1", False)
    wait_until(lambda: "10.0.2.0/24" not in routes(pair.router), what="the route's withdrawal")
    assert not [e for e in pair.router.json("show ip arp")["entries"] if e["interface"] == "r1"]
    assert oper(pair.router, "r1") == "down"
    assert "Destination Net Unreachable" in pair.h1.run("ping", "-n", "-c", "1", "-W", "2", "10.0.2.2", check=False)
    pair.r1.up("r1")
    wait_until(lambda: "10.0.2.0/24" in routes(pair.router), what="the route's return")
    assert " 0% packet loss" in pair.h1.ping("10.0.2.2", 3)


def test_carrier_lost_on_the_other_side_counts_as_down(pair):
    pair.h2.up("eth0", False)
    wait_until(lambda: oper(pair.router, "r1") == "down", what="the loss of carrier")
    assert "10.0.2.0/24" not in routes(pair.router)
    pair.h2.up("eth0")
    pair.h2.route("default", "10.0.2.1")
    wait_until(lambda: oper(pair.router, "r1") == "up", what="the carrier's return")
    assert " 0% packet loss" in pair.h1.ping("10.0.2.2", 3)


def test_a_device_made_again_under_its_name_is_picked_up(pair):
    pair.h1.ping("10.0.2.2", 1)
    before = pair.router.json("show interfaces")["r1"]["index"]
    pair.r1.run("ip", "link", "del", "r1")
    wait_until(lambda: "10.0.2.0/24" not in routes(pair.router), what="the route's withdrawal")
    pair.r1.run("ip", "link", "add", "dummy-gap", "type", "bridge")  # so that the index cannot be the same by chance
    pair.lab.link(pair.h2, "eth0", pair.r1, "r1")
    pair.h2.address("eth0", "10.0.2.2/24")
    pair.h2.route("default", "10.0.2.1")
    wait_until(lambda: oper(pair.router, "r1") == "up", what="the new device")
    assert pair.router.json("show interfaces")["r1"]["index"] != before
    assert " 0% packet loss" in pair.h1.ping("10.0.2.2", 3)
    pair.router.balance()


def test_a_device_that_is_not_there_yet_is_pending(lab):
    h1, r1 = lab.namespace("h1"), lab.namespace("r1")
    lab.link(h1, "eth0", r1, "r0")
    h1.address("eth0", "10.0.1.2/24")
    h1.route("default", "10.0.1.1")
    router = lab.router(r1, TWO_HOSTS)
    assert "pending" in router.shell("show interfaces r1")
    assert " 0% packet loss" in h1.ping("10.0.1.1", 1)
    h2 = lab.namespace("h2")
    lab.link(h2, "eth0", r1, "r1")
    h2.address("eth0", "10.0.2.2/24")
    h2.route("default", "10.0.2.1")
    wait_until(lambda: oper(router, "r1") == "up", what="the new device")
    assert " 0% packet loss" in h1.ping("10.0.2.2", 3)


def test_names_bind_through_renames(pair):
    pair.r1.up("r1", False)
    pair.r1.run("ip", "link", "set", "r1", "name", "other")
    pair.r1.up("other")
    wait_until(lambda: "pending" in pair.router.shell("show interfaces r1"), what="the port's loss")
    pair.r1.up("other", False)
    pair.r1.run("ip", "link", "set", "other", "name", "r1")
    pair.r1.up("r1")
    wait_until(lambda: oper(pair.router, "r1") == "up", what="the port's return")
    assert " 0% packet loss" in pair.h1.ping("10.0.2.2", 3)


def test_a_device_that_left_and_came_back_unnoticed_is_opened_anew(pair):
    """The kernel's news of it are lost among too many others, and it has its old index: only its sockets know."""
    side = pair.lab.namespace("side")
    pair.r1.run("ip", "link", "add", "noise", "type", "bridge")
    before = pair.router.json("show interfaces")["r0"]["index"]
    pair.router.process.send_signal(signal.SIGSTOP)
    pair.r1.run("ip", "-batch", "-", stdin="link set noise mtu 1400\nlink set noise mtu 1500\n" * 1500)
    pair.r1.run("ip", "link", "set", "r0", "netns", side.name)
    side.run("ip", "link", "set", "r0", "netns", pair.r1.name)
    pair.r1.up("r0")
    pair.router.process.send_signal(signal.SIGCONT)
    pair.router.wait_log("the kernel left out news of devices")
    assert pair.router.json("show interfaces")["r0"]["index"] == before
    wait_until(lambda: " 0% packet loss" in pair.h1.run("ping", "-n", "-c", "1", "-W", "1", "10.0.2.2", check=False), what="the device's return")
    pair.router.balance()


def test_mtu_and_mac_changes_are_followed(pair):
    pair.h1.ping("10.0.2.2", 1)
    pair.r1.run("ip", "link", "set", "r1", "mtu", "1400")
    wait_until(lambda: pair.router.json("show interfaces")["r1"]["mtu"] == 1400, what="the new MTU")
    tap = pair.h2.tap("eth0")
    pair.r1.up("r1", False)
    pair.r1.run("ip", "link", "set", "r1", "address", "02:00:00:00:0a:0b")
    pair.r1.up("r1")
    announced = tap.expect(lambda f: f[12:14] == b"\x08\x06" and f[6:12] == bytes.fromhex("020000000a0b"))
    assert announced
    assert pair.router.json("show interfaces")["r1"]["hardwareAddress"] == "02:00:00:00:0a:0b"
    assert " 0% packet loss" in pair.h1.ping("10.0.2.2", 3)


def test_a_loopback_needs_no_device_and_answers(make_pair):
    pair = make_pair("""
hostname = "r1";
interfaces = (
  { name = "r0"; addresses = "10.0.1.1/24"; },
  { name = "r1"; addresses = "10.0.2.1/24"; },
  { name = "lo0"; type = "loopback"; addresses = "10.255.0.1/32"; }
);
""")
    assert " 0% packet loss" in pair.h1.ping("10.255.0.1", 2)
    assert oper(pair.router, "lo0") == "up"
    assert "10.255.0.1/32" in routes(pair.router)


def test_a_floating_static_takes_over_and_gives_back(make_pair):
    pair = make_pair("""
hostname = "r1";
interfaces = ( { name = "r0"; addresses = "10.0.1.1/24"; }, { name = "r1"; addresses = "10.0.2.1/24"; } );
static-routes = (
  { prefix = "10.9.0.0/16"; via = "10.0.2.2"; },
  { prefix = "10.9.0.0/16"; via = "10.0.1.2"; distance = 250; }
);
""")

    def gateway():
        return [r["nexthops"][0]["ip"] for r in pair.router.json("show ip route")["10.9.0.0/16"] if r["installed"]]

    assert gateway() == ["10.0.2.2"]
    pair.r1.up("r1", False)
    wait_until(lambda: gateway() == ["10.0.1.2"], what="the floating static")
    pair.r1.up("r1")
    wait_until(lambda: gateway() == ["10.0.2.2"], what="the better route's return")


def test_fifty_ports(lab):
    r1 = lab.namespace("r1")
    host = lab.namespace("h1")
    for i in range(50):
        run("ip", "link", "add", f"e{i}", "netns", host.name, "type", "veth", "peer", "name", f"r{i}", "netns", r1.name)
        r1.up(f"r{i}")
        host.up(f"e{i}")
    entries = ",\n".join(f'  {{ name = "r{i}"; addresses = "10.1.{i}.1/24"; }}' for i in range(50))
    router = lab.router(r1, f'hostname = "r1";\ninterfaces = (\n{entries}\n);\n')
    assert all(oper(router, f"r{i}") == "up" for i in range(0, 50, 7))
    if lab.build == "release":
        rings = (50 * 4 + 8 << 10) * (lab.lanes - 1)  # which each further lane has of its own
        assert router.resident_kb() - rings < 256 << 10
    host.address("e49", "10.1.49.2/24")
    assert " 0% packet loss" in host.ping("10.1.49.1", 2)
