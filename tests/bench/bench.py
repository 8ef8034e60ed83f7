"""make bench: ferryd beside the kernel's own forwarding, in turn, in one run, on one lab.

Ratios count; absolute figures depend on the machine and on what else it does. BENCH_ROUNDS (5) sets the rounds."""

import json
import os
import re
import statistics
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from tests.lab.lab import TOP, TWO_HOSTS, Lab, require_root, run, two_hosts, wait_until  # noqa: E402

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
BLAST = os.path.join(TOP, "build", "release", "blast")
SINK = "10.0.2.9"  # an address on h2's network that h2's kernel has not: what arrives is counted by its device and dropped


class Bench:
    def __init__(self, lab, name):
        self.lab, self.name = lab, name
        self.h1, self.r1, self.h2 = two_hosts(lab)
        self.sink_mac = self.h2.mac("eth0")
        self.prepare()
        self.h1.ping("10.0.2.2", 3)

    def tcp(self):
        server = self.h2.start("iperf3", "-s", "-1")
        wait_until(lambda: ":5201" in self.h2.run("ss", "-ltn"), what="iperf3's server")
        end = json.loads(self.h1.run("iperf3", "-J", "-c", "10.0.2.2", "-t", "3"))["end"]
        server.wait(10)
        return end["sum_received"]["bits_per_second"] / 1e9

    def blast(self, rate, seconds):
        """Packets sent, and packets that came out at h2."""
        before = self.h2.counter("eth0", "rx_packets")
        text = self.h1.run(BLAST, "eth0", self.r1.mac("r0"), "10.0.1.2", SINK, str(rate), str(seconds))
        sent, took = text.split()
        self.settle()
        return int(sent), self.h2.counter("eth0", "rx_packets") - before, float(took)

    def settle(self):
        """Waits until nothing more comes out."""
        seen = [-1]

        def still():
            count = self.h2.counter("eth0", "rx_packets")
            same = count == seen[0]
            seen[0] = count
            return same
        wait_until(still, what="the last packet")

    def ping(self, count, interval):
        text = self.h1.run("ping", "-n", "-c", str(count), "-i", interval, "10.0.2.2")
        return statistics.median(float(ms) for ms in re.findall(r"time=([\d.]+) ms", text))


class Kernel(Bench):
    def prepare(self):
        self.r1.sysctl("net.ipv4.ip_forward", 1)
        self.r1.address("r0", "10.0.1.1/24")
        self.r1.address("r1", "10.0.2.1/24")
        self.r1.run("ip", "neigh", "replace", SINK, "lladdr", self.sink_mac, "dev", "r1")


class Ferryd(Bench):
    def prepare(self):
        self.router = self.lab.router(
            self.r1, TWO_HOSTS + f'static-arp = ( {{ interface = "r1"; address = "{SINK}"; mac = "{self.sink_mac}"; }} );\n')


def resident(ports):
    with Lab("ferry-m", build="release", lanes=1) as lab:
        host, r1 = lab.namespace("h1"), lab.namespace("r1")
        for i in range(ports):
            lab.link(host, f"e{i}", r1, f"r{i}")
        entries = ",\n".join(f'{{ name = "r{i}"; addresses = "10.1.{i}.1/24"; }}' for i in range(ports))
        router = lab.router(r1, f'hostname = "r1";\ninterfaces = (\n{entries}\n);\n')
        host.address("e0", "10.1.0.2/24")
        host.ping("10.1.0.1", 2)
        return router.resident_kb() / 1024


def verdict(good):
    return "ok" if good else "MISSED"


def main():
    require_root()
    os.makedirs(os.path.dirname(BLAST), exist_ok=True)
    run("gcc", "-O2", "-Wall", "-o", BLAST, os.path.join(TOP, "tests", "bench", "blast.c"))
    figures = {(who, what): [] for who in ("kernel", "ferryd") for what in ("tcp", "rate", "ping", "fast ping")}
    losses = []
    for number in range(ROUNDS):
        # One lab at a time: an idle router beside the one that is measured would still cost wake-ups.
        for name, kind in (("kernel", Kernel), ("ferryd", Ferryd)):
            with Lab("ferry-b", build="release", lanes=1) as lab:
                bench = kind(lab, name)
                figures[name, "ping"].append(bench.ping(20, "1"))  # ping's own pace
                figures[name, "fast ping"].append(bench.ping(200, "0.01"))
                figures[name, "tcp"].append(bench.tcp())
                _, arrived, took = bench.blast(0, 2)
                figures[name, "rate"].append(arrived / took)
                if name == "ferryd":
                    third = int(figures["kernel", "rate"][-1] / 3)
                    sent, arrived, _ = bench.blast(third, 3)
                    losses.append(max(0, sent - arrived) / sent * 100)
                    bench.router.balance()
        print(f"round {number + 1} of {ROUNDS}: " + ", ".join(
            f"{who} {what} {figures[who, what][-1]:.6g}" for who, what in figures) + f", loss {losses[-1]:.4f} %", flush=True)

    middle = {key: statistics.median(values) for key, values in figures.items()}
    tcp = middle["ferryd", "tcp"] / middle["kernel", "tcp"]
    rate = middle["ferryd", "rate"] / middle["kernel", "rate"]
    ping = middle["ferryd", "ping"] / middle["kernel", "ping"]
    fast_ping = middle["ferryd", "fast ping"] / middle["kernel", "fast ping"]
    loss = statistics.median(losses)
    two, fifty = resident(2), resident(50)
    rows = [
        ("TCP, one stream, Gbit/s", f"{middle['kernel', 'tcp']:.1f}", f"{middle['ferryd', 'tcp']:.1f}", f"{tcp:.2f}", ">= 0.5", tcp >= 0.5),
        ("64-byte UDP, highest rate, Mpps", f"{middle['kernel', 'rate'] / 1e6:.2f}", f"{middle['ferryd', 'rate'] / 1e6:.2f}", f"{rate:.2f}", "", True),
        ("loss at a third of the kernel's rate, %", "", f"{loss:.4f}", "", "<= 0.01", loss <= 0.01),
        ("ping, one a second, median, ms", f"{middle['kernel', 'ping']:.3f}", f"{middle['ferryd', 'ping']:.3f}", f"{ping:.2f}",
         "<= 1.9", ping <= 1.9),
        ("ping, 100 a second, median, ms", f"{middle['kernel', 'fast ping']:.3f}", f"{middle['ferryd', 'fast ping']:.3f}",
         f"{fast_ping:.2f}", "", True),
        ("resident with 2 ports, MB", "", f"{two:.0f}", "", "<= 32", two <= 32),
        ("resident with 50 ports, MB", "", f"{fifty:.0f}", "", "<= 256", fifty <= 256),
    ]
    print(f"\n{'':42}{'kernel':>10}{'ferryd':>10}{'ratio':>8}  {'bar':10}")
    for what, kernel, ferryd, ratio, bar, good in rows:
        print(f"{what:42}{kernel:>10}{ferryd:>10}{ratio:>8}  {bar:10}{verdict(good) if bar else ''}")
    return 0 if all(row[-1] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
