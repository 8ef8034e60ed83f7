"""A big table from static-routes-file: read, followed by packets, changed by a reload, shown to readers good and bad."""

import json
import os
import random
import select
import socket

import pytest

from tests.integration.packets import IP, UDP, ip, parse, to_router
from tests.lab.lab import two_hosts, wait_until

N = 100_000
CHANGED = range(7, N, 100)  # a thousand, each with one behind it that does not change
HEAD = 'hostname = "r1";\ninterfaces = ( { name = "r0"; addresses = "10.0.1.1/24"; }, { name = "r1"; addresses = "10.0.2.1/24"; } );\n'
ARPS = "static-arp = (\n" + ",\n".join(
    f'  {{ interface = "r1"; address = "10.0.2.{n}"; mac = "02:00:00:00:00:{n}"; }}' for n in range(11, 16)) + "\n);\n"
CONFIGURATION = HEAD + ARPS + 'static-routes = ( { prefix = "99.0.0.0/8"; via = "10.0.2.11"; } );\nstatic-routes-file = "routes.txt";\n'


def table():
    """Prefixes that do not lie in each other, each with the last octet of its gateway, or None for a blackhole."""
    chance = random.Random(1812)
    return [(f"{20 + (i >> 14)}.{i >> 6 & 255}.{(i & 63) << 2}.0/{chance.choice((22, 23, 24))}",
             None if i % 50 == 3 else chance.randrange(11, 15)) for i in range(N)]


def changed(routes):
    routes = list(routes)
    for i in CHANGED:
        routes[i] = (routes[i][0], 15)
    return routes


class Table:
    def __init__(self, lab):
        self.h1, self.r1, self.h2 = two_hosts(lab)
        self.mac = {port: self.r1.mac(port) for port in ("r0", "r1")}
        self.host_mac = {"r0": self.h1.mac("eth0"), "r1": self.h2.mac("eth0")}
        self.routes = table()
        self.path = os.path.join(lab.folder, "routes.txt")
        self.write(self.routes)
        self.router = lab.router(self.r1, CONFIGURATION, wait=False)
        self.router.wait_ready(120)

    def write(self, routes, more=""):
        lines = [f"{prefix} blackhole" if gateway is None else f"{prefix} via 10.0.2.{gateway}" for prefix, gateway in routes]
        random.Random(5).shuffle(lines)
        with open(self.path, "w", encoding="ascii") as file:
            file.write("# made by a test\n" + "\n".join(lines) + "\n" + more)

    def in_use(self):
        return self.router.json("show ip route summary")["routesTotalFib"]


@pytest.fixture
def big(lab):
    return Table(lab)


def follow(big, routes, which):
    """Packets to the routes of these numbers leave by their gateways."""
    tap, out = big.h1.tap("eth0"), big.h2.tap("eth0")
    wanted = {}
    for i in which:
        prefix, gateway = routes[i]
        destination = prefix.rsplit(".", 1)[0] + ".9"
        if gateway is not None:
            wanted[destination] = bytes.fromhex(f"0200000000{gateway}")
        tap.send(to_router(big, "r0", IP(src="10.0.1.2", dst=destination, id=i % 65536) / UDP(sport=9, dport=9)))
    tap.send(to_router(big, "r0", IP(src="10.0.1.2", dst="99.9.9.9") / UDP(sport=9, dport=9)))
    found = {}
    for frame in out.frames(30):
        if ip(src="10.0.1.2")(frame):
            found[parse(frame)[IP].dst] = frame[:6]
        if len(found) == len(wanted) + 1:
            break
    assert found.pop("99.9.9.9") == bytes.fromhex("020000000011")
    assert found == wanted


def seconds(route):
    hours, minutes, rest = route[0]["uptime"].split(":")
    return int(hours) * 3600 + int(minutes) * 60 + int(rest)


def test_packets_follow_it_and_a_reload_changes_only_what_differs(big):
    sample = list(range(0, N, 997)) + list(CHANGED)[:100]
    router = big.router
    assert big.in_use() == N + 3
    assert router.shell("show running-config").count("\n") < 40
    assert 'static-routes-file = "routes.txt";' in router.shell("show running-config")
    memory = router.json("show memory")
    assert memory["routesFile"]["routes"] == N and memory["routesFile"]["bytes"] < 17 * N
    assert memory["rib"]["bytes"] + memory["fib"]["bytes"] < 160 * N
    follow(big, big.routes, sample)
    first = big.routes[0][0]
    wait_until(lambda: seconds(router.json(f"show ip route {first}")[first]) >= 2, 60, "an uptime of two seconds")
    routes = changed(big.routes)
    big.write(routes)
    router.shell("reload configuration", timeout=120)
    assert big.in_use() == N + 3
    follow(big, routes, sample)
    shown = router.json("show ip route static")
    assert len(shown) == N + 1
    for i in CHANGED:
        # What is shown later is older by two seconds at least if it was left alone.
        assert shown[routes[i][0]][0]["nexthops"][0]["ip"] == "10.0.2.15"
        assert seconds(shown[routes[i + 1][0]]) >= seconds(shown[routes[i][0]]) + 2, routes[i]


def test_a_bad_table_changes_nothing_and_its_lines_are_told(big):
    router, at = big.router, big.path
    bad = [f"{at}:{N + 2}: next hop 10.0.2.1 is our own address, of 'r1'",
           f"{at}:{N + 3}: route 99.0.0.0/8 of distance 1 is there twice (first on {router.config}:10)",
           f"{at}:{N + 4}: 'via', 'blackhole', 'unreachable' or 'prohibit' is expected, not 'to'"]
    os.chmod(os.path.dirname(at), 0o755)  # of a private file no words are told
    big.write(changed(big.routes), "98.0.0.0/8 via 10.0.2.1\n99.0.0.0/8 via 10.0.2.12\n97.0.0.0/8 to 10.0.2.12\n")
    checked = big.r1.run(big.router.lab.ferryd, "-t", "-c", router.config, check=False, timeout=120)
    reloaded = router.shell("reload configuration", check=False, timeout=120)
    for line in bad:
        assert line in checked and line in reloaded
    os.unlink(at)
    missing = f"{router.config}:11: routes file {at}: cannot open it: No such file or directory"
    assert missing in router.shell("reload configuration", check=False, timeout=120)
    assert big.in_use() == N + 3
    follow(big, big.routes, list(CHANGED)[:20])


def test_sessions_that_vanish_within_the_table_harm_nobody(big):
    for i in range(20):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(60)
        client.connect(big.router.socket)
        client.sendall(b"show ip route json\n" if i % 2 else b"show ip route\n")
        assert client.recv(4096)
        client.close()
    assert " 0% packet loss" in big.h1.ping("10.0.1.1", 3)
    wait_until(lambda: big.router.shell("show users").count("\n") <= 3, 60, "the end of those sessions")
    assert len(json.loads(big.router.shell("show ip route static json", timeout=120))) == N + 1


def test_readers_that_never_read_take_no_memory(big):
    before = big.router.resident_kb()
    clients = []
    for _ in range(20):
        client = socket.socket(socket.AF_UNIX)
        client.connect(big.router.socket)
        client.sendall(b"show ip route json\n")
        clients.append(client)
    for client in clients:
        assert select.select([client], [], [], 60)[0]
    # Who reads has had it all by now; so would they, 20 MB each.
    assert len(json.loads(big.router.shell("show ip route static json", timeout=120))) == N + 1
    if big.router.lab.build == "release":  # sanitizers keep what was freed
        assert big.router.resident_kb() < before + 30_000
    assert " 0% packet loss" in big.h1.ping("10.0.1.1", 3)
    for client in clients:
        client.close()


def test_a_table_that_goes_takes_its_routes_along(big):
    big.router.write(HEAD)
    big.router.shell("reload configuration", timeout=120)
    assert big.in_use() == 2
