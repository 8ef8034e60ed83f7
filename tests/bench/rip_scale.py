"""RIP with many routes: ferryd beside FRR and BIRD, which also speak to each other, in turn, in one run.

    h1 - sender - receiver - h2

The sender has ROUTES (10000) routes before the receiver starts. Measured are, for each pair of programs:

  learned   seconds from the receiver's first RIP packet until its forwarding table has all routes
  CPU       milliseconds of each one's processes for a regular update, over several of them
  memory    bytes a route that the receiver's processes are larger by than with 10 routes
  lost      of a stream of UDP packets through both routers while the routes are learned

ROUNDS (3) sets the rounds. Ratios count: those that follow a figure are to FRR with FRR, or BIRD with BIRD. A receiver whose
socket is too small for what the sender sends at once learns the rest from later updates, or never: PATIENCE ends that."""

import contextlib
import ctypes
import json
import os
import re
import socket
import statistics
import struct
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from tests.lab.lab import Lab, require_root, tool, wait_until  # noqa: E402
from tests.lab.peers import Bird, Frr, require_frr  # noqa: E402

ROUNDS = int(os.environ.get("ROUNDS", "3"))
ROUTES = int(os.environ.get("ROUTES", "10000"))
FEW = 10
UPDATE = 5     # seconds, the least that FRR takes
UPDATES = 3    # regular updates over which CPU time is taken
RATE = 4000    # packets a second
STREAM = 4     # seconds
PATIENCE = 25  # seconds that a receiver may take
SINK = "10.0.3.9"  # nobody's address on h2's network: what arrives is counted and dropped
SO_TIMESTAMPNS, SO_ATTACH_FILTER = 35, 26
LINK = {"sender": "10.0.2.1", "receiver": "10.0.2.2"}


def prefixes(n):
    return [f"20.{i >> 8}.{i & 255}.0/24" for i in range(n)]


class Watch:
    """RIP packets that come in by a device: when, from whom, and how long they are."""

    def __init__(self, namespace, device):
        self.socket = namespace.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        program = [(0x28, 0, 0, 12), (0x15, 0, 5, 0x0800), (0x30, 0, 0, 23), (0x15, 0, 3, 17), (0x28, 0, 0, 36),
                   (0x15, 0, 1, 520), (0x06, 0, 0, 64), (0x06, 0, 0, 0)]
        code = b"".join(struct.pack("HBBI", *step) for step in program)
        kept = ctypes.create_string_buffer(code)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HxxxxxxP", len(program), ctypes.addressof(kept)))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE
        self.socket.bind((device, 3))
        self.socket.setblocking(False)
        namespace.lab.taps.append(self)
        self.seen = []  # (seconds, source, length of the IP packet)

    def close(self):
        self.socket.close()

    def read(self):
        with contextlib.suppress(BlockingIOError):
            while True:
                frame, control, _, _ = self.socket.recvmsg(64, 64)
                seconds, nanoseconds = struct.unpack("qq", control[0][2])
                self.seen.append((seconds + nanoseconds / 1e9, socket.inet_ntoa(frame[26:30]), struct.unpack("!H", frame[16:18])[0]))
        return self.seen

    def bursts(self, source):
        """When regular updates of SOURCE ended, so far: a message, and nothing in the second after it."""
        times = [at for at, who, _ in self.read() if who == source]
        return [at for at, after in zip(times, times[1:] + [time.time()]) if after - at > 1]

    def wait_burst(self, source, more=1):
        have = len(self.bursts(source))
        wait_until(lambda: len(self.bursts(source)) >= have + more, (UPDATE + 3) * (more + 1), f"{more} updates of {source}")


def cpu_seconds(pids):
    total = 0
    for pid in pids:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as file:
                total += int(file.read().split()[0])
    return total / 1e9


def resident(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            total += int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")
    return total


class OfKernel:
    """What FRR and BIRD share: the kernel forwards, and its table is counted."""

    def prepare(self, lab, namespace, role):
        namespace.sysctl("net.ipv4.ip_forward", 1)
        namespace.address("left", "10.0.1.1/24" if role == "sender" else "10.0.2.2/24")
        namespace.address("right", "10.0.2.1/24" if role == "sender" else "10.0.3.1/24")
        if role == "sender":
            namespace.route("10.0.3.0/24", LINK["receiver"])
        else:
            namespace.run("ip", "neigh", "replace", SINK, "lladdr", lab.sink_mac, "dev", "right")
        self.own = self.prefixes_in(namespace.run("cat", "/proc/net/fib_triestat"))

    @staticmethod
    def prefixes_in(text):
        return int(text.split("Main:")[1].split("Prefixes:")[1].split()[0])

    def count(self):
        with open(f"/proc/{self.pids[0]}/net/fib_triestat", encoding="ascii") as file:
            return self.prefixes_in(file.read()) - self.own


class FrrSide(OfKernel):
    name = "FRR"

    def __init__(self, lab, namespace, role, n):
        self.prepare(lab, namespace, role)
        device = "right" if role == "sender" else "left"
        if role == "sender":
            namespace.run("ip", "-batch", "-", stdin="".join(f"route add blackhole {p}\n" for p in prefixes(n)))
        self.router = Frr(namespace, f"router rip\n version 2\n timers basic {UPDATE} 180 120\n network {device}\n" +
                          (" redistribute kernel\n" if role == "sender" else ""))
        self.pids = [p.pid for p in self.router.processes.values()]

    def offered(self):
        return self.router.vtysh("show ip rip").count("20.")


class BirdSide(OfKernel):
    name = "BIRD"

    def __init__(self, lab, namespace, role, n):
        self.prepare(lab, namespace, role)
        device = "right" if role == "sender" else "left"
        routes = "".join(f"  route {p} blackhole;\n" for p in prefixes(n)) if role == "sender" else ""
        self.router = Bird(namespace, f'router id {LINK[role]};\nprotocol device {{ }}\n'
                           'protocol kernel { ipv4 { export where source = RTS_RIP; import none; }; }\n'
                           f'protocol static {{ ipv4;\n{routes}}}\n'
                           f'protocol rip {{ ipv4 {{ import all; export all; }};\n  interface "{device}" {{ update time {UPDATE}; '
                           'timeout time 180; garbage time 120; poison reverse no; }; }\n')
        self.pids = [self.router.process.pid]

    def offered(self):
        return int(re.search(r"(\d+) of", self.router.birdc("show route count")).group(1))


class FerrydSide:
    name = "ferryd"

    def __init__(self, lab, namespace, role, n):
        sends = role == "sender"
        left, right = ("10.0.1.1/24", "10.0.2.1/24") if sends else ("10.0.2.2/24", "10.0.3.1/24")
        rip = 'rip: { split-horizon = "simple"; };'
        text = 'hostname = "r";\ninterfaces = (\n' + \
            f'  {{ name = "left"; addresses = "{left}"; {"" if sends else rip} }},\n' + \
            f'  {{ name = "right"; addresses = "{right}"; {rip if sends else ""} }}\n);\n' + \
            f'rip: {{ timers: {{ update = {UPDATE}; timeout = 180; garbage = 120; }};' + \
            (' redistribute = ( { protocol = "static"; } );' if sends else "") + ' };\n'
        if sends:
            path = os.path.join(lab.folder, "routes")
            with open(path, "w", encoding="ascii") as file:
                file.write("".join(f"{p} blackhole\n" for p in prefixes(n)))
            text += f'static-routes-file = "{path}";\nstatic-routes = ( {{ prefix = "10.0.3.0/24"; via = "{LINK["receiver"]}"; }} );\n'
        else:
            text += f'static-arp = ( {{ interface = "right"; address = "{SINK}"; mac = "{lab.sink_mac}"; }} );\n'
        self.router = lab.router(namespace, text)
        self.pids = [self.router.process.pid]
        self.shell = socket.socket(socket.AF_UNIX)
        self.shell.connect(self.router.socket)

    def ask(self, command):
        """By a connection that stays: a process for each question would take the processor from whoever is measured."""
        self.shell.sendall(f"{command} json\n".encode())
        text = b""
        while True:
            text += self.shell.recv(65536)
            with contextlib.suppress(ValueError):
                return json.loads(text[text.index(b"{"):text.rindex(b"}") + 1])

    def count(self):
        return self.ask("show ip fib summary")["prefixes"] - 2  # and two connected networks

    def offered(self):
        return self.ask("show ip rip status")["routes"]


class Pair:
    """A sender that has its routes, and then a receiver that learns N of them."""

    def __init__(self, lab, sender, receiver, n, stream):
        h1, s, r, h2 = (lab.namespace(name) for name in ("h1", "s", "r", "h2"))
        lab.link(h1, "eth0", s, "left")
        lab.link(s, "right", r, "left")
        lab.link(r, "right", h2, "eth0")
        lab.sink_mac = h2.mac("eth0")
        h1.address("eth0", "10.0.1.2/24")
        h2.run("nft", "-f", "-", stdin="table netdev t { chain c { type filter hook ingress device eth0 priority 0; udp dport 9 counter drop; }; }\n")
        self.lab, self.h1, self.s, self.r, self.h2, self.n = lab, h1, s, r, h2, n
        self.watch = Watch(r, "left")   # what the sender says
        self.asked = Watch(s, "right")  # what the receiver says
        self.sender = sender(lab, s, "sender", n)
        wait_until(lambda: self.sender.offered() >= n, 60, "the sender's routes")
        self.watch.wait_burst(LINK["sender"])
        before = time.time()
        self.receiver = receiver(lab, r, "receiver", n)
        if stream:
            self.blast = h1.start(tool("blast"), "eth0", s.mac("left"), "10.0.1.2", SINK, str(RATE), str(STREAM))
        end = time.time() + PATIENCE
        while self.receiver.count() < n and time.time() < end:
            time.sleep(0.005)
        end = time.time()
        self.missing = max(0, n - self.receiver.count())
        asked = next(at for at, who, _ in self.asked.read() if at > before and who == LINK["receiver"])
        self.learned = end - asked

    def lost(self):
        text, _ = self.blast.communicate(timeout=STREAM + 30)
        sent = int(text.split()[0])

        def arrived():
            return int(self.h2.run("nft", "list", "ruleset").split("packets ")[1].split()[0])
        with contextlib.suppress(Exception):
            wait_until(lambda: arrived() >= sent, 3)
        return sent, sent - arrived()

    def cpu(self):
        """Milliseconds of sender and receiver for one update."""
        self.watch.wait_burst(LINK["sender"])
        before = cpu_seconds(self.sender.pids), cpu_seconds(self.receiver.pids)
        seen = len(self.watch.bursts(LINK["sender"]))
        self.watch.wait_burst(LINK["sender"], UPDATES)
        after = cpu_seconds(self.sender.pids), cpu_seconds(self.receiver.pids)
        n = len(self.watch.bursts(LINK["sender"])) - seen
        return [(b - a) / n * 1000 for a, b in zip(before, after)]


def measure(sender, receiver, figures):
    with Lab("ferry-sf", build="release", lanes=1) as lab:
        few = resident(Pair(lab, sender, receiver, FEW, False).receiver.pids)
    with Lab("ferry-sm", build="release", lanes=1) as lab:
        pair = Pair(lab, sender, receiver, ROUTES, True)
        sent, lost = pair.lost()
        cpu = pair.cpu()
        memory = (resident(pair.receiver.pids) - few) / (ROUTES - FEW)
        figures.setdefault((sender.name, receiver.name, "missing"), []).append(pair.missing)
    for what, value in (("learned", pair.learned), ("sender", cpu[0]), ("receiver", cpu[1]), ("memory", memory),
                        ("sent", sent), ("lost", lost)):
        figures.setdefault((sender.name, receiver.name, what), []).append(value)
    print(f"  {sender.name:>6} -> {receiver.name:6}: learned {pair.learned:.3f} s, CPU {cpu[0]:.1f} and {cpu[1]:.1f} ms, "
          f"{memory:.0f} bytes a route, lost {lost} of {sent}" +
          (f"; {pair.missing} routes were not learned" if pair.missing else ""), flush=True)


def main():
    require_root()
    require_frr()
    pairs = [(FrrSide, FrrSide), (FrrSide, FerrydSide), (FerrydSide, FrrSide), (BirdSide, BirdSide), (BirdSide, FerrydSide),
             (FerrydSide, BirdSide), (FerrydSide, FerrydSide)]
    figures = {}
    for number in range(ROUNDS):
        print(f"round {number + 1} of {ROUNDS}, {ROUTES} routes", flush=True)
        for sender, receiver in pairs:
            measure(sender, receiver, figures)
    middle = {key: statistics.median(values) for key, values in figures.items()}
    print(f"\n{'sender':>8}    {'receiver':9}{'learned, s':>12}{'ratio':>7}{'sender, ms':>12}{'ratio':>7}"
          f"{'receiver, ms':>14}{'ratio':>7}{'bytes a route':>15}{'ratio':>7}{'lost':>6}")
    good = True
    for sender, receiver in pairs:
        row = {what: middle[sender.name, receiver.name, what] for what in ("learned", "sender", "receiver", "memory")}
        others = [side.name for side in (sender, receiver) if side is not FerrydSide]
        peer = others[0] if others else None
        cells = []
        for what, form in (("learned", ".3f"), ("sender", ".1f"), ("receiver", ".1f"), ("memory", ".0f")):
            reference = middle[peer, peer, what] if peer else 0
            ratio = f"{row[what] / reference:.2f}" if reference else ""
            cells.append((format(row[what], form), "<" + ratio if what == "learned" and peer and any(figures[peer, peer, "missing"]) else ratio))
        if any(figures[sender.name, receiver.name, "missing"]):
            cells[0] = (">" + cells[0][0], "")  # not all of them, in at least one round
        lost = sum(figures[sender.name, receiver.name, "lost"])
        good = good and lost == 0
        print(f"{sender.name:>8} -> {receiver.name:9}{cells[0][0]:>12}{cells[0][1]:>7}{cells[1][0]:>12}{cells[1][1]:>7}"
              f"{cells[2][0]:>14}{cells[2][1]:>7}{cells[3][0]:>15}{cells[3][1]:>7}{lost:>6}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
