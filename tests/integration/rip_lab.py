"""What the tests of RIP share: configurations, tables, and messages as they are on the wire."""

import ipaddress
import struct
import threading

from tests.lab.lab import LabError, wait_until

FAST = "timers: { update = 1; timeout = 6; garbage = 4; };"
SLOW = ""  # 30, 180 and 120 seconds: what is quick in these tests is not so because something timed out


def configuration(name, interfaces, rip=FAST, more=""):
    """INTERFACES: device to (address, text of its rip group, None for no RIP)."""
    entries = []
    for device, (address, group) in interfaces.items():
        kind = ' type = "loopback";' if device.startswith("lo") else ""
        group = "" if group is None else f" rip: {{ {group} }};"
        entries.append(f'{{ name = "{device}";{kind} addresses = "{address}";{group} }}')
    return f'hostname = "{name}";\n{more}\ninterfaces = (\n  ' + ",\n  ".join(entries) + f"\n);\nrip: {{ {rip} }};\n"


def key(mode, secret="swordfish", number=7):
    """An authentication group."""
    return f'authentication: {{ mode = "{mode}"; key-id = {number}; key = "{secret}"; }};'


def learned(router):
    """Prefix to (metric, next hops) of the RIP routes that are in use."""
    routes = router.json("show ip route rip")
    return {prefix: (entries[0]["metric"], sorted(hop["ip"] for hop in entries[0]["nexthops"]))
            for prefix, entries in routes.items() if entries[0]["selected"]}


def knows(router, prefix, yes=True):
    wait_until(lambda: (prefix in learned(router)) == yes, 60, f"{prefix} {'at' if yes else 'gone from'} {router.namespace.short}")


def neighbour(router, address):
    return next((n for n in router.json("show ip rip neighbors")["neighbors"] if n["address"] == address), None)


def paths(router, prefix):
    """Who teaches it PREFIX, used or waiting: sender to (metric, next hop, tag)."""
    return {row["from"]: (row["metric"], row["nextHop"], row["tag"]) for row in router.json("show ip rip")["routes"]
            if row["prefix"] == prefix and row["type"] == "normal" and row["metric"] < 16}


def refused(router, address):
    """What it refused of ADDRESS: reason to count."""
    return (neighbour(router, address) or {"rejects": {}})["rejects"]


def taught(peer, expected, timeout=60):
    """Waits for PEER's table to say of each prefix of EXPECTED (metric, next hops, tag), or None: it is not there."""
    def says():
        table = peer.table()
        return all(table.get(prefix) == row for prefix, row in expected.items())
    try:
        wait_until(says, timeout)
    except LabError:
        table = peer.table()
        raise LabError("the peer has " + ", ".join(f"{p}: {table.get(p)}, not {row}" for p, row in expected.items()
                                                   if table.get(p) != row)) from None


class Message:
    """A RIP message as it was on the wire. Entries: prefix (in version 1 the bare number) to (metric, next hop, tag)."""

    def __init__(self, frame):
        data = frame[14 + (frame[14] & 15) * 4 + 8:14 + int.from_bytes(frame[16:18], "big")]
        self.src, self.dst = (str(ipaddress.IPv4Address(frame[at:at + 4])) for at in (26, 30))
        self.is_response, self.version = data[0] == 2, data[1]
        self.entries = {}
        self.password = self.key = self.said_length = self.digest_length = None
        end = len(data)
        if data[4:8] == b"\xff\xff\0\2":
            self.password = data[8:24].rstrip(b"\0").decode()
        elif data[4:8] == b"\xff\xff\0\3":
            end, self.key, self.said_length = struct.unpack("!HBB", data[8:12])
            self.digest_length = len(data) - end - 4
        for at in range(4, end, 20):
            family, tag, addr, mask, hop, metric = struct.unpack("!HHIIII", data[at:at + 20])
            if family == 0xFFFF:
                continue
            text = str(ipaddress.IPv4Address(addr)) + (f"/{bin(mask).count('1')}" if self.version > 1 else "")
            self.entries[text] = (metric, str(ipaddress.IPv4Address(hop)), tag)


def response(condition=lambda message: True):
    """Matches a RIP response for which CONDITION holds; the answer of Tap.expect is the Message."""
    def match(frame):
        if frame[12:14] != b"\x08\x00" or frame[23] != 17 or frame[36:38] != b"\x02\x08":
            return False
        message = Message(frame)
        return message if message.is_response and condition(message) else False
    return match


def says(prefix, *entry):
    """A response that has PREFIX, with (metric, next hop, tag) if that is given."""
    return response(lambda message: message.entries.get(prefix, ()) == entry if entry else prefix in message.entries)


class Watch:
    """What changes in the kernel's table of a peer, told by the kernel: nothing between two looks is missed."""

    def __init__(self, namespace):
        self.process = namespace.start("ip", "-o", "monitor", "route")
        self.lines = []
        self.thread = threading.Thread(target=lambda: self.lines.extend(self.process.stdout), daemon=True)
        self.thread.start()

    def changes(self, prefix):
        """The lines about PREFIX so far; ends the watch."""
        self.process.terminate()
        self.thread.join()
        return [line for line in self.lines if prefix.removesuffix("/32") in line]


class Ladder:
    """One ferryd and one peer with many links between them, a rung for each way that they can speak: name to (our rip
    group, the peer's lines for its interface). Rung N is 10.0.N.0/24 from 1 up, with .1 for us and .2 for the peer; on the
    loopbacks are 10.255.0.1 and 10.255.0.2. Both use and list all ways of equal cost. MAKE_PEER(namespace, {device: lines})."""

    def __init__(self, lab, rungs, make_peer, rip=FAST + " ecmp = 16;", more=""):
        self.rungs, self.rip, self.more = rungs, rip, more
        self.number = {name: number for number, name in enumerate(rungs, 1)}
        self.r1, self.space = lab.namespace("r1"), lab.namespace("p2")
        for n in self.number.values():
            lab.link(self.r1, f"r{n}", self.space, f"eth{n}")
            self.space.address(f"eth{n}", f"10.0.{n}.2/24")
        self.space.address("lo", "10.255.0.2/32")
        self.taps = {name: self.r1.tap(f"r{n}") for name, n in self.number.items()}
        self.peer = make_peer(self.space, {f"eth{n}": rungs[name][1] for name, n in self.number.items()})
        self.router = lab.router(self.r1, self.configuration())

    def configuration(self, **groups):
        """GROUPS: rung to another rip group."""
        interfaces = {f"r{n}": (f"10.0.{n}.1/24", groups.get(name, self.rungs[name][0])) for name, n in self.number.items()}
        return configuration("r1", {**interfaces, "lo0": ("10.255.0.1/32", "")}, self.rip, self.more)

    def ours(self, name):
        return f"10.0.{self.number[name]}.1"

    def theirs(self, name):
        return f"10.0.{self.number[name]}.2"

    def agree(self, names):
        """On the rungs NAMES, and on no others, either learns the other's loopback."""
        wanted = {self.theirs(name): (2, self.theirs(name), 0) for name in names}
        try:
            wait_until(lambda: paths(self.router, "10.255.0.2/32") == wanted, 60)
        except LabError:
            raise LabError(f"learned {paths(self.router, '10.255.0.2/32')}, not {wanted}") from None
        taught(self.peer, {"10.255.0.1/32": (2, sorted(self.ours(name) for name in names), 0)})


def switch(lab, ports):
    """A bridge; PORTS: namespace to (its device, its address, or None where ferryd has it)."""
    space = lab.namespace("sw")
    space.run("ip", "link", "add", "br0", "type", "bridge")
    space.up("br0")
    for number, (peer, (device, address)) in enumerate(ports.items()):
        lab.link(peer, device, space, f"p{number}")
        space.run("ip", "link", "set", f"p{number}", "master", "br0")
        if address is not None:
            peer.address(device, address)
    return space
