"""Static routes as the shell shows them and packets follow them."""

import json
import socket

from tests.integration.packets import IP, UDP, Raw, fragment, ip, parse, to_router
from tests.lab.lab import Lab, wait_until

ECMP = """
hostname = "r1";
interfaces = ( { name = "r0"; addresses = "10.0.1.1/24"; }, { name = "r1"; addresses = "10.0.2.1/24"; } );
static-routes = (
  { prefix = "10.9.0.0/16"; via = [ "10.0.2.11", "10.0.2.12" ]; },
  { prefix = "10.10.0.0/16"; via = "10.9.0.1"; },
  { prefix = "10.66.0.0/16"; type = "blackhole"; },
  { prefix = "10.7.0.0/16"; interface = "r1"; },
  { prefix = "10.8.0.0/16"; via = "10.77.0.1"; }
);
static-arp = (
  { interface = "r1"; address = "10.0.2.11"; mac = "02:00:00:00:00:11"; },
  { interface = "r1"; address = "10.0.2.12"; mac = "02:00:00:00:00:12"; }
);
"""


def test_route_json_has_the_shape_of_frr(make_pair):
    pair = make_pair(ECMP)
    routes = pair.router.json("show ip route")
    connected = routes["10.0.1.0/24"][0]
    assert connected["protocol"] == "connected" and connected["selected"] and connected["installed"]
    assert connected["nexthops"][0]["directlyConnected"] is True and "ip" not in connected["nexthops"][0]
    assert connected["nexthops"][0]["interfaceName"] == "r0"
    both = routes["10.9.0.0/16"][0]
    assert both["distance"] == 1 and [h["ip"] for h in both["nexthops"]] == ["10.0.2.11", "10.0.2.12"]
    assert all(h["fib"] and h["active"] and h["interfaceName"] == "r1" for h in both["nexthops"])
    hops = routes["10.10.0.0/16"][0]["nexthops"]
    assert hops[0]["ip"] == "10.9.0.1" and hops[0]["recursive"] is True
    assert {h["ip"] for h in hops if h.get("resolver")} == {"10.0.2.11", "10.0.2.12"}
    hole = routes["10.66.0.0/16"][0]["nexthops"][0]
    assert hole["unreachable"] is True and hole["blackhole"] is True
    dead = routes["10.8.0.0/16"][0]
    assert not dead.get("installed") and not dead["nexthops"][0].get("active")
    assert pair.router.json("show ip route 10.99.0.1") == {}
    assert list(pair.router.json("show ip route 10.9.3.4")) == ["10.9.0.0/16"]
    assert list(pair.router.json("show ip route static")) == ["10.7.0.0/16", "10.8.0.0/16", "10.9.0.0/16", "10.10.0.0/16", "10.66.0.0/16"]


def test_flows_spread_over_equal_cost_next_hops_and_fragments_keep_together(make_pair):
    pair = make_pair(ECMP)
    tap, out = pair.h1.tap("eth0"), pair.h2.tap("eth0")
    for port in range(200):
        tap.send(to_router(pair, "r0", IP(src="10.0.1.2", dst="10.9.0.5", id=port) / UDP(sport=1000 + port, dport=9)))
    flows = {}
    for frame in out.frames(1.0):
        if ip(dst="10.9.0.5")(frame):
            flows[parse(frame)[UDP].sport] = frame[:6]
    assert len(flows) == 200
    counts = [list(flows.values()).count(bytes.fromhex(f"0200000000{n}")) for n in ("11", "12")]
    assert min(counts) > 60
    # The same flow takes the same way again, whole.
    for _ in range(10):
        tap.send(to_router(pair, "r0", IP(src="10.0.1.2", dst="10.9.0.5", id=999) / UDP(sport=1001, dport=9)))
    assert {f[:6] for f in out.frames(0.5) if ip(id=999)(f)} == {flows[1001]}
    for source in range(20):
        parts = fragment(IP(src="10.0.1.2", dst="10.9.0.6", id=2000 + source) / UDP(sport=source, dport=9) / Raw(b"x" * 2000), fragsize=600)
        for part in parts:
            tap.send(to_router(pair, "r0", part))
    ways = {}
    for frame in out.frames(1.0):
        if ip(dst="10.9.0.6")(frame):
            ways.setdefault(parse(frame)[IP].id, set()).add(frame[:6])
    assert len(ways) == 20 and all(len(way) == 1 for way in ways.values())


def test_reload_applies_the_difference_and_a_bad_file_changes_nothing(make_pair):
    pair = make_pair(ECMP)
    before = pair.router.json("show ip route")["10.9.0.0/16"][0]
    pair.router.reload(ECMP.replace("10.66.0.0/16", "10.65.0.0/16"))
    routes = pair.router.json("show ip route")
    assert "10.65.0.0/16" in routes and "10.66.0.0/16" not in routes
    assert routes["10.9.0.0/16"][0]["nexthops"] == before["nexthops"]
    pair.router.write(ECMP.replace("10.9.0.0/16", "10.9.0.1/16"))
    text = pair.router.shell("reload configuration", check=False)
    assert f"{pair.router.config}:5:" in text
    assert json.dumps(pair.router.json("show ip route")["10.65.0.0/16"][0]["nexthops"])
    assert "10.65.0.0/16" in pair.router.shell("show running-config")


def test_running_config_is_of_one_piece_whatever_is_reloaded_meanwhile(lab: Lab):
    """A reader that stops in the middle of it gets the rest of what it began with."""
    from tests.lab.lab import two_hosts
    h1, r1, _ = two_hosts(lab)
    n = 20_000
    head = 'hostname = "r1";\ninterfaces = ( { name = "r0"; addresses = "10.0.1.1/24"; }, { name = "r1"; addresses = "10.0.2.1/24"; } );\n'

    def routes(gateway):
        return head + "static-routes = (\n" + ",\n".join(
            f'  {{ prefix = "11.{i >> 12 & 255}.{i >> 4 & 255}.{(i & 15) << 4}/28"; via = "{gateway}"; }}' for i in range(n)) + "\n);\n"
    router = lab.router(r1, routes("10.0.2.2"))
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(60)
    client.connect(router.socket)
    client.sendall(b"show running-config\n")
    text = client.recv(4096)
    router.reload(routes("10.0.2.3"))
    assert '"10.0.2.3"' in router.shell("show running-config")
    router.reload(head)
    client.shutdown(socket.SHUT_WR)
    while piece := client.recv(65536):
        text += piece
    assert text.count(b'via = "10.0.2.2"') == n and b"10.0.2.3" not in text
    assert "10.0.2.2" not in router.shell("show running-config")
    assert " 0% packet loss" in h1.ping("10.0.1.1", 3)


def test_a_hundred_thousand_static_routes_load_quickly(lab: Lab):
    from tests.lab.lab import two_hosts
    _, r1, _ = two_hosts(lab)
    n = 100_000 if lab.build == "release" else 5_000
    routes = ",\n".join(f'  {{ prefix = "11.{i >> 12 & 255}.{i >> 4 & 255}.{(i & 15) << 4}/28"; via = "10.0.2.2"; }}' for i in range(n))
    router = lab.router(r1, 'hostname = "r1";\ninterfaces = ( { name = "r0"; addresses = "10.0.1.1/24"; }, { name = "r1"; addresses = "10.0.2.1/24"; } );\n'
                        f"static-routes = (\n{routes}\n);\n")
    summary = router.shell("show ip route summary")
    assert str(n) in summary.replace(",", "")
    wait_until(lambda: len(router.json("show ip route static")) == n, timeout=20, what="all routes in JSON")
