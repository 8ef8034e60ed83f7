"""make bench-multicast: 1,000 streams to 20 interfaces, beside the kernel's own multicast forwarding (entries by smcroute).

    h - r0 [router] r1..r20 - sinks        the copies that the sinks' devices take are counted

In turn, in one run; ratios count. Processor time is the whole machine's, the sender's too, so it says little on a machine that
does something else. Then one interface whose host joins 10,000 groups. ROUNDS (3), SECONDS (4)."""

import os
import shutil
import socket
import statistics
import struct
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from tests.lab.lab import Lab, require_root, tool, wait_until  # noqa: E402

ROUNDS = int(os.environ.get("ROUNDS", "3"))
SECONDS = int(os.environ.get("SECONDS", "4"))
PORTS, STREAMS, JOINED = 20, 1000, 10000
BASE = struct.unpack("!I", socket.inet_aton("239.1.0.0"))[0]


def group(i):
    return socket.inet_ntoa(struct.pack("!I", BASE + i))


def busy():
    """Seconds that the machine's processors were not idle."""
    with open("/proc/stat", encoding="ascii") as stat:
        fields = [int(word) for word in stat.readline().split()[1:]]
    return (sum(fields[:8]) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


def arrived(sinks):
    return sum(int(count) for count in sinks.run(
        "sh", "-c", "cat /sys/class/net/e*/statistics/rx_packets").split())


def by_kernel(lab, r1):
    r1.sysctl("net.ipv4.ip_forward", 1)
    r1.address("r0", "10.0.1.1/24")
    for i in range(1, PORTS + 1):
        r1.address(f"r{i}", f"10.1.{i}.1/24")
    to = " ".join(f"r{i}" for i in range(1, PORTS + 1))
    path, control = os.path.join(lab.folder, "smcroute.conf"), os.path.join(lab.folder, "smcroute.sock")
    with open(path, "w", encoding="ascii") as file:
        file.writelines(f"mroute from r0 source 10.0.1.2 group {group(i)} to {to}\n" for i in range(STREAMS))
    r1.start("smcrouted", "-n", "-f", path, "-u", control, "-P", os.path.join(lab.folder, "smcroute.pid"))
    wait_until(lambda: r1.run("ip", "mroute", "show").count("239.1.") >= STREAMS, 30, "smcroute's entries")


def by_ferryd(lab, r1):
    groups = ", ".join(f'"{group(i)}"' for i in range(STREAMS))
    entries = ['{ name = "r0"; addresses = "10.0.1.1/24"; }']
    entries += [f'{{ name = "r{i}"; addresses = "10.1.{i}.1/24"; igmp: {{ static-groups = [ {groups} ]; }}; }}'
                for i in range(1, PORTS + 1)]
    begin = time.monotonic()
    lab.router(r1, 'hostname = "r1";\ninterfaces = (\n' + ",\n".join(entries) + "\n);\nmulticast: { };\n")
    return time.monotonic() - begin


def replicate(kind):
    """Copies a second, processor time of a million copies in seconds, and what the kind's set-up answers."""
    with Lab("ferry-mb", build="release", lanes=1) as lab:
        h, r1, sinks = lab.namespace("h"), lab.namespace("r1"), lab.namespace("s")
        lab.link(h, "eth0", r1, "r0")
        for i in range(1, PORTS + 1):
            lab.link(sinks, f"e{i}", r1, f"r{i}")
        h.address("eth0", "10.0.1.2/24")
        loading = kind(lab, r1)

        def blast(rate, seconds):
            text = h.run(tool("blast"), "eth0", r1.mac("r0"), "10.0.1.2", group(0), str(rate), str(seconds), str(STREAMS))
            return float(text.split()[1])
        # A router takes up so many new streams a second: the measurement begins when each gets through to all sinks.
        def all_through():
            before = arrived(sinks)
            blast(4000, STREAMS / 4000 + 0.1)
            return arrived(sinks) - before >= PORTS * STREAMS
        wait_until(all_through, 30, "copies of every stream")
        before, was_busy = arrived(sinks), busy()
        took = blast(0, SECONDS)
        copies, worked = arrived(sinks) - before, busy() - was_busy
        return copies / took, worked / copies * 1e6, loading


def report(first, count, source="10.0.1.2"):
    """A v3 report of COUNT groups, each joined (CHANGE_TO_EXCLUDE of nothing; RFC 9776 4.2)."""
    message = struct.pack("!BBHHH", 0x22, 0, 0, 0, count) + b"".join(
        struct.pack("!BBHI", 4, 0, 0, BASE + first + i) for i in range(count))

    def sum16(data):
        total = sum(struct.unpack(f"!{len(data) // 2}H", data))
        while total >> 16:
            total = (total & 0xffff) + (total >> 16)
        return total ^ 0xffff
    message = message[:2] + struct.pack("!H", sum16(message)) + message[4:]
    header = struct.pack("!BBHHHBBH4s4s4s", 0x46, 0xc0, 24 + len(message), 0, 0, 1, 2, 0, socket.inet_aton(source),
                         socket.inet_aton("224.0.0.22"), b"\x94\x04\x00\x00")
    header = header[:10] + struct.pack("!H", sum16(header)) + header[12:]
    return bytes.fromhex("01005e000016") + bytes.fromhex("020000000002") + b"\x08\x00" + header + message


def join():
    """Seconds until all groups are there, growth in kB, seconds of `show ip igmp groups`, and the groups that it shows."""
    with Lab("ferry-mj", build="release", lanes=1) as lab:
        h, r1 = lab.namespace("h"), lab.namespace("r1")
        lab.link(h, "eth0", r1, "r0")
        router = lab.router(r1, 'hostname = "r1";\ninterfaces = ( { name = "r0"; addresses = "10.0.1.1/24"; '
                            'igmp: { query-interval = 600; }; } );\nmulticast: { };\n')
        tap = h.tap("eth0")
        memory = router.resident_kb()

        def shown():
            return len(router.json("show ip igmp groups").get("r0", {"groups": []})["groups"])
        begin = time.monotonic()
        for first in range(0, JOINED, 100):
            tap.send(report(first, 100))
        try:
            wait_until(lambda: shown() >= JOINED, 15, "the groups")
        except Exception as error:
            print(error, router.shell("show ip igmp groups", check=False)[:400])
        took, begin = time.monotonic() - begin, time.monotonic()
        count = shown()
        return took, router.resident_kb() - memory, time.monotonic() - begin, count


def flood(device, rate, seconds):
    """Sends reports of ever other groups, as a process of its own; prints how many."""
    out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    out.bind((device, 0))
    frames = [report(i, 1, "10.0.3.2") for i in range(1 << 16)]
    begin, sent = time.monotonic(), 0
    while (now := time.monotonic() - begin) < seconds:
        due = int(now * rate)
        if sent >= due:
            time.sleep(0.0002)
        while sent < due:
            out.send(frames[sent & 0xffff])
            sent += 1
    print(sent, flush=True)


def storm():
    """Share of a unicast stream (a third of the highest rate) that arrives without and with a storm, share of a live listener's
    stream during it, the storm's reports a second, resident kB before and after, and the groups that it left."""
    with Lab("ferry-ms", build="release", lanes=1) as lab:
        h, r1, s, n, live = (lab.namespace(name) for name in ("h", "r1", "s", "n", "l"))
        for i, host in enumerate((h, s, n, live)):
            lab.link(host, "eth0", r1, f"r{i}")
            host.address("eth0", f"10.0.{i + 1}.2/24")
        entries = ", ".join(f'{{ name = "r{i}"; addresses = "10.0.{i + 1}.1/24"; igmp: {{ }}; }}' for i in range(4))
        router = lab.router(r1, f'hostname = "r1";\ninterfaces = ( {entries} );\nmulticast: {{ }};\nstatic-arp = ( {{ interface = '
                            f'"r1"; address = "10.0.2.9"; mac = "{s.mac("eth0")}"; }} );\n')
        listener = live.socket(socket.AF_INET, socket.SOCK_DGRAM)
        listener.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton("239.200.0.1") + socket.inet_aton("10.0.4.2"))
        wait_until(lambda: "239.200.0.1" in router.shell("show ip igmp groups"), 10, "the listener's group")

        def start(to, rate, seconds):
            return h.start(tool("blast"), "eth0", r1.mac("r0"), "10.0.1.2", to, str(rate), str(seconds))

        def unicast(rate, seconds):
            before = s.counter("eth0", "rx_packets")
            sent, took = start("10.0.2.9", rate, seconds).communicate(timeout=60)[0].split()
            time.sleep(0.3)  # what is still in rings
            got = s.counter("eth0", "rx_packets") - before
            return got / float(took), got / int(sent)
        third = int(unicast(0, 2)[0] / 3)
        without, memory = unicast(third, SECONDS)[1], router.resident_kb()
        reports = n.start(sys.executable, os.path.abspath(__file__), "--flood", "eth0", "50000", str(SECONDS + 2))
        wait_until(lambda: n.counter("eth0", "tx_packets") > 1000, 20, "the storm")
        before, stream = live.counter("eth0", "rx_packets"), start("239.200.0.1", 1000, SECONDS)
        within = unicast(third, SECONDS)[1]
        sent = int(stream.communicate(timeout=60)[0].split()[0])
        heard = live.counter("eth0", "rx_packets") - before
        listener.close()
        rate = int(reports.communicate(timeout=60)[0].split()[0]) / (SECONDS + 2)
        groups = len(router.json("show ip igmp groups")["r2"]["groups"])
        return third, without, within, heard / sent, rate, memory, router.resident_kb(), groups


def main():
    if sys.argv[1:2] == ["--flood"]:
        return flood(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    require_root()
    if shutil.which("smcrouted") is None:
        sys.exit("'smcrouted' is missing: install the package smcroute.")
    figures = {"kernel": [], "ferryd": []}
    for number in range(ROUNDS):
        for name, kind in (("kernel", by_kernel), ("ferryd", by_ferryd)):
            figures[name].append(replicate(kind))
        print(f"round {number + 1} of {ROUNDS}: " + ", ".join(
            f"{name} {rows[-1][0] / 1e3:.0f} k copies a second, {rows[-1][1]:.2f} s of processors a million"
            for name, rows in figures.items()) + f"; ready after {figures['ferryd'][-1][2]:.2f} s", flush=True)
    rate, cost = ({name: statistics.median(row[i] for row in rows) for name, rows in figures.items()} for i in (0, 1))
    took, memory, show, count = join()
    ratio = rate["ferryd"] / rate["kernel"]
    rows = [
        (f"{STREAMS} streams to {PORTS} ports, kcopies a second", rate["kernel"] / 1e3, rate["ferryd"] / 1e3, ratio, ">= 0.8", ratio >= 0.8),
        ("processor seconds a million copies", cost["kernel"], cost["ferryd"], cost["ferryd"] / cost["kernel"], "", True)]
    print(f"\n{'':46}{'kernel':>10}{'ferryd':>10}{'ratio':>8}  bar")
    for what, kernel, ferryd, share, bar, good in rows:
        print(f"{what:46}{kernel:>10.2f}{ferryd:>10.2f}{share:>8.2f}  {bar:8}{('ok' if good else 'MISSED') if bar else ''}")
    good = count == JOINED
    print(f"{count} of {JOINED} groups joined in {took:.2f} s, {memory} kB more, shown in {show:.2f} s  {'ok' if good else 'MISSED'}")
    third, without, within, heard, rate, before, after, groups = storm()
    kept = within / without >= 0.95 and heard >= 0.99 and after - before < 32 << 10 and groups > 1000
    print(f"storm of {rate:.0f} reports a second: of {third} packets a second {without:.4f} arrive without it, {within:.4f} with it; "
          f"listener's stream {heard:.4f}; resident {before} to {after} kB with {groups} groups  {'ok' if kept else 'MISSED'}")
    return 0 if good and kept and all(row[-1] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
