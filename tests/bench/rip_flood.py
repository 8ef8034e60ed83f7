"""A router under a flood of RIP messages, valid and broken (rip_flood.c says which), beside the same without a flood and
with as many ordinary UDP packets to the router, in turn, in one run.

    h1 - r0 [router] r1 - h2        r2 - neighbour (FRR), from where the flood comes as well

What is forwarded from h1 to h2, as much as goes, is the figure; the flood takes processor time from its own sender too,
so the ratio that says something is that of the two floods. Of the router is told how its memory grew, the least number of
the neighbour's routes at any time, and the longest that the shell took to answer. ROUNDS (3), RATE (50000 a second)."""

import os
import statistics
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from tests.lab.lab import Lab, require_root, tool, two_hosts, wait_until  # noqa: E402
from tests.lab.peers import Frr, require_frr  # noqa: E402

ROUNDS = int(os.environ.get("ROUNDS", "3"))
RATE = os.environ.get("RATE", "50000")
SECONDS = 8
ROUTES = 1000
SINK = "10.0.2.9"  # an address on h2's network that h2's kernel has not
FLOODS = {"none": None, "UDP": "u", "RIP": "ncatmpor", "RIP, spoofed": "ncatmpors", "RIP, signed": "ncatmpor"}


def neighbour(router):
    rows = router.json("show ip rip neighbors")["neighbors"]
    return next((row for row in rows if row["address"] == "10.0.9.2"), {"routes": 0})


def measure(name):
    with Lab("ferry-fb", build="release", lanes=1) as lab:
        h1, r1, h2 = two_hosts(lab)
        n = lab.namespace("n")
        lab.link(n, "eth0", r1, "r2")
        n.address("eth0", "10.0.9.2/24")
        signed = name.endswith("signed")
        n.run("ip", "-batch", "-", stdin="".join(f"route add blackhole 20.{i >> 8}.{i & 255}.0/24\n" for i in range(ROUTES)))
        Frr(n, ("key chain k\n key 1\n  key-string swordfish\ninterface eth0\n ip rip authentication mode md5 auth-length rfc\n"
                " ip rip authentication key-chain k\n" if signed else "") +
            "router rip\n version 2\n timers basic 5 30 20\n network eth0\n redistribute kernel\n")
        authentication = 'authentication: { mode = "md5"; key = "swordfish"; };' if signed else ""
        router = lab.router(r1, 'hostname = "r1";\ninterfaces = (\n  { name = "r0"; addresses = "10.0.1.1/24"; },\n'
                            '  { name = "r1"; addresses = "10.0.2.1/24"; },\n'
                            f'  {{ name = "r2"; addresses = "10.0.9.1/24"; rip: {{ {authentication} }}; }}\n);\n'
                            'rip: { timers: { update = 5; timeout = 30; garbage = 20; }; };\n'
                            f'static-arp = ( {{ interface = "r1"; address = "{SINK}"; mac = "{h2.mac("eth0")}"; }} );\n')
        wait_until(lambda: neighbour(router)["routes"] == ROUTES, 60, "the neighbour's routes")
        memory = router.resident_kb()
        kinds = FLOODS[name]
        flood = n.start(tool("rip_flood"), "eth0", r1.mac("r2"), "10.0.9.1", RATE, str(SECONDS), kinds) if kinds else None
        before = h2.counter("eth0", "rx_packets")
        begin = time.monotonic()
        blast = h1.start(tool("blast"), "eth0", r1.mac("r0"), "10.0.1.2", SINK, "0", str(SECONDS))
        least, slowest = ROUTES, 0.0
        while blast.poll() is None:
            asked = time.monotonic()
            least = min(least, neighbour(router)["routes"])
            slowest = max(slowest, time.monotonic() - asked)
            time.sleep(0.2)
        took = time.monotonic() - begin
        rate = (h2.counter("eth0", "rx_packets") - before) / took
        sent = flood.communicate(timeout=30)[0].split()[0] if flood else "0"
        full = router.json("show drops")["r2"]["drops"]["ring-full"]
        print(f"  {name:13} {rate / 1e3:7.0f} kpps forwarded; {sent} of the flood sent, {full} not taken; memory {memory / 1024:.0f} "
              f"to {router.resident_kb() / 1024:.0f} MB; neighbour's routes at least {least} of {ROUTES}; "
              f"shell {slowest * 1e3:.0f} ms", flush=True)
        return rate, least, slowest


def main():
    require_root()
    require_frr()
    figures = {name: [] for name in FLOODS}
    for number in range(ROUNDS):
        print(f"round {number + 1} of {ROUNDS}, flood of {RATE} a second", flush=True)
        for name in FLOODS:
            figures[name].append(measure(name))
    middle = {name: statistics.median(rate for rate, _, _ in rows) for name, rows in figures.items()}
    print(f"\n{'flood':14}{'kpps':>8}{'to none':>9}{'to UDP':>9}{'least routes':>14}{'shell, ms':>11}")
    for name, rows in figures.items():
        print(f"{name:14}{middle[name] / 1e3:>8.0f}{middle[name] / middle['none']:>9.2f}{middle[name] / middle['UDP']:>9.2f}"
              f"{min(row[1] for row in rows):>14}{max(row[2] for row in rows) * 1e3:>11.0f}")
    return 0 if all(row[1] == ROUTES for rows in figures.values() for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
