"""capture: what an interface sends and receives, in a file that tcpdump reads, while the router forwards."""

import os
import re
import signal
import socket
import stat
import struct
import subprocess
import time

import pytest
from scapy.layers.inet import ICMP, IP
from scapy.layers.l2 import Dot1Q, Ether

from tests.lab.lab import TWO_HOSTS, run, wait_until

SPEAK = """
import socket, sys
client = socket.socket(socket.AF_UNIX)
client.connect(sys.argv[1])
client.sendall(sys.argv[2].encode() + b"\\n")
client.shutdown(socket.SHUT_WR)
while more := client.recv(65536):
    sys.stdout.write(more.decode())
    sys.stdout.flush()
"""


class Capture:
    """A capture that runs in a session of its own, from the moment that it sees everything."""

    def __init__(self, pair, interface, options="", name=None):
        self.path = os.path.join(pair.lab.folder, name or f"{interface}.pcapng")
        self.process = subprocess.Popen(
            [pair.lab.ferrysh, "-s", pair.router.socket, "-c", f"capture {interface} {self.path} {options}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        pair.lab.processes.append(self.process)
        self.said = self.process.stdout.readline()
        assert self.said.startswith(f"capturing on {interface} into {self.path}"), self.said + self.process.stdout.read()

    def end(self):
        """Its answer after an interrupt, or by itself."""
        self.process.send_signal(signal.SIGINT)
        return self.answer()

    def answer(self):
        return self.said + self.process.communicate(timeout=60)[0]

    def lines(self, *expression):
        return lines(self.path, *expression)


def lines(path, *expression):
    """What tcpdump finds in a file: it must not complain about it."""
    # from its standard input, for what tcpdump may open itself differs between systems
    with open(path, "rb") as file:
        done = subprocess.run(["tcpdump", "-n", "-e", "-r", "-", *expression], stdin=file, capture_output=True, text=True,
                              timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def blocks(path):
    """Types and bodies of all blocks of a pcapng file, which has to end with a whole one."""
    with open(path, "rb") as file:
        data = file.read()
    found, at = [], 0
    while at < len(data):
        kind, length = struct.unpack_from("<II", data, at)
        assert length >= 12 and length % 4 == 0 and struct.unpack_from("<I", data, at + length - 4) == (length,)
        found.append((kind, data[at + 8:at + length - 4]))
        at += length
    return found


def directions(path):
    """Of each packet: 1 came in, 2 went out."""
    return [struct.unpack("<HHII", body[-12:])[2] & 3 for kind, body in blocks(path) if kind == 6]


def packet(body):
    length = struct.unpack_from("<I", body, 12)[0]
    return body[20:20 + length]


def whole(path):
    found = [kind for kind, _ in blocks(path)]
    return found[:2] == [0x0a0d0d0a, 1] and found[-1] == 5


def refusal(pair, command):
    done = subprocess.run([pair.lab.ferrysh, "-s", pair.router.socket, "-c", command], capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode == 1 and not done.stdout, done
    return done.stderr


class Watcher:
    """What packet taps see of a device sending."""

    def __init__(self, namespace, device):
        self.tap = namespace.tap(device)

    def sent(self):
        n = 0
        while True:
            try:
                frame, address = self.tap.socket.recvfrom(65600)
            except BlockingIOError:
                return n
            n += address[2] == socket.PACKET_OUTGOING and frame[12:14] == b"\x08\x00"


def test_both_directions_on_both_ports(pair):
    pair.h1.ping("10.0.2.2", 1)
    captures = [Capture(pair, "r0"), Capture(pair, "r1")]
    assert "5 received" in pair.h1.ping("10.0.2.2", 5)
    for port, capture in zip(("r0", "r1"), captures):
        text = capture.end()
        assert capture.process.returncode == 0, text
        assert re.search(rf"\d+ packets \(\d+ bytes\) captured on {port}, 0 dropped by the kernel", text), text
        assert "ended: interrupted" in text
        requests = capture.lines("icmp[icmptype] == icmp-echo")
        replies = capture.lines("icmp[icmptype] == icmp-echoreply")
        assert len(requests) == 5 and len(replies) == 5, capture.lines()
        towards = pair.mac[port] + " > " + pair.host_mac[port]
        assert all((towards in line) == (port == "r1") for line in requests)
        assert all((towards in line) == (port == "r0") for line in replies)
        assert whole(capture.path)
        assert stat.S_IMODE(os.stat(capture.path).st_mode) == 0o600 and os.stat(capture.path).st_uid == 0
        assert f"{os.stat(capture.path).st_size} bytes" in text
        assert directions(capture.path).count(1) >= 5 and directions(capture.path).count(2) >= 5


def test_a_filter_takes_what_it_says(pair):
    pair.h1.ping("10.0.2.2", 1)
    only = Capture(pair, "r0", "filter icmp[icmptype] == icmp-echo and host 10.0.2.2", "only")
    inbound = Capture(pair, "r0", "filter inbound and icmp[icmptype] | 8 == 8", "inbound")
    assert "filter \"inbound and icmp[icmptype] | 8 == 8\"" in inbound.said
    pair.h1.ping("10.0.2.2", 4)
    pair.h1.ping("10.0.1.1", 2)
    only.end()
    inbound.end()
    assert len(only.lines()) == 4 and all("echo request" in line for line in only.lines())
    assert len(inbound.lines()) == 6 and directions(inbound.path) == [1] * 6


def test_frames_with_a_vlan_tag_have_it(pair):
    tagged = Capture(pair, "r0", "filter vlan 7 and icmp", "tagged")
    every = Capture(pair, "r0", "", "every")
    echo = Dot1Q(vlan=7, prio=5) / IP(src="10.7.0.2", dst="10.7.0.1") / ICMP() / bytes(range(32))
    frames = [bytes(Ether(src=pair.host_mac["r0"], dst=pair.mac["r0"]) / echo), bytes(Ether(dst=pair.host_mac["r0"]) / echo)]
    for namespace, device, frame in ((pair.h1, "eth0", frames[0]), (pair.r1, "r0", frames[1])):
        namespace.tap(device).send(frame)
    pair.h1.ping("10.0.2.2", 2)
    tagged.end()
    every.end()
    assert len(tagged.lines()) == 2 and all("vlan 7, p 5" in line for line in tagged.lines())
    assert directions(tagged.path) == [1, 2]
    assert [packet(body) for kind, body in blocks(tagged.path) if kind == 6] == frames
    assert len(every.lines("vlan 7 and icmp")) == 2 and len(every.lines("icmp")) == 4


def test_a_count_ends_it(pair):
    capture = Capture(pair, "r1", "count 7 filter icmp")
    pair.h1.ping("10.0.2.2", 10)
    text = capture.answer()
    assert capture.process.returncode == 0 and text.count("7 packets") == 2 and "Ctrl-C" in capture.said
    assert len(capture.lines()) == 7 and whole(capture.path)


def test_what_is_refused(pair):
    folder = pair.lab.folder
    there = os.path.join(folder, "there")
    with open(there, "w", encoding="ascii") as file:
        file.write("keep me")
    os.symlink(os.path.join(folder, "nowhere"), os.path.join(folder, "link"))
    assert "File exists" in (text := refusal(pair, f"capture r0 {there}")) and "choose another name" in text
    assert "File exists" in refusal(pair, f"capture r0 {folder}/link")
    with open(there, encoding="ascii") as file:
        assert file.read() == "keep me"
    assert not os.path.exists(os.path.join(folder, "nowhere"))
    assert "does not begin with /" in refusal(pair, "capture r0 here.pcapng")
    assert "not its folder" in refusal(pair, f"capture r0 {folder}/none/f")
    assert "there is no interface" in refusal(pair, f"capture r7 {folder}/f")
    assert "syntax error" in (text := refusal(pair, f"capture r0 {folder}/f filter icmp and and")) and text.startswith("%")
    assert "no word of the filter language" in refusal(pair, f"capture r0 {folder}/f filter host example.net")
    assert not os.path.exists(os.path.join(folder, "f"))


def test_a_loopback_and_a_missing_device_have_nothing_to_capture(make_pair):
    pair = make_pair(TWO_HOSTS.replace("interfaces = (", """interfaces = ( { name = "lo0"; type = "loopback"; },
                                                              { name = "later"; },"""))
    for name in ("lo0", "later"):
        assert "has no device to capture from" in refusal(pair, f"capture {name} {pair.lab.folder}/f")


def test_captures_are_few(pair):
    captures = [Capture(pair, "r0", "", f"c{i}") for i in range(4)]
    assert "which is the most: end one of them" in refusal(pair, f"capture r1 {pair.lab.folder}/f")
    captures[0].end()
    captures.append(Capture(pair, "r1", "", "c4"))
    for capture in captures[1:]:
        capture.end()


def test_taps_see_what_is_sent_while_a_capture_runs_and_only_then(pair):
    watch = Watcher(pair.r1, "r1")

    def seen():
        watch.sent()
        assert "3 received" in pair.h1.ping("10.0.2.2", 3)
        return watch.sent()

    pair.h1.ping("10.0.2.2", 1)
    assert seen() == 0
    first, second = Capture(pair, "r1", "", "first"), Capture(pair, "r1", "", "second")
    assert seen() == 3
    first.end()
    assert seen() == 3
    pair.router.reload(TWO_HOSTS + 'forwarding: { qdisc-bypass = "on"; };\n' if pair.lab.lanes == 1 else
                       TWO_HOSTS + f'forwarding: {{ qdisc-bypass = "on"; lanes = {pair.lab.lanes}; }};\n')
    assert seen() == 3
    second.end()
    wait_until(lambda: seen() == 0, 20, "the way around the qdisc")
    assert "3 received" in pair.h1.ping("10.0.2.2", 3)


def test_a_session_that_hangs_up_ends_it(pair):
    capture = Capture(pair, "r0", "filter icmp")
    pair.h1.ping("10.0.2.2", 3)
    capture.process.kill()
    wait_until(lambda: whole(capture.path), 20, "the end of the file")
    assert len(capture.lines()) == 6


def test_a_plain_client_that_hangs_up_ends_it(pair):
    path = os.path.join(pair.lab.folder, "plain")
    client = subprocess.Popen(["/usr/bin/python3", "-c", SPEAK, pair.router.socket, f"capture r0 {path} filter icmp"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    pair.lab.processes.append(client)
    assert client.stdout.readline().startswith("capturing on r0")
    pair.h1.ping("10.0.2.2", 3)  # it has said all that it will, and that does not end the capture
    client.kill()
    wait_until(lambda: whole(path), 20, "the end of the file")
    assert len(lines(path)) == 6


def test_the_end_of_the_router_ends_it(pair):
    capture = Capture(pair, "r0", "filter icmp")
    pair.h1.ping("10.0.2.2", 3)
    pair.router.stop()
    pair.lab.forget(pair.router)
    assert whole(capture.path) and len(capture.lines()) == 6


def test_the_end_of_the_device_ends_it(pair):
    capture = Capture(pair, "r1", "filter icmp")
    pair.h1.ping("10.0.2.2", 3)
    pair.r1.run("ip", "link", "del", "r1")
    text = capture.answer()
    assert "ended: the device is gone" in text and capture.process.returncode == 0
    assert whole(capture.path) and len(capture.lines()) == 6
    pair.lab.link(pair.h2, "eth0", pair.r1, "r1")
    pair.h2.address("eth0", "10.0.2.2/24")
    pair.h2.route("default", "10.0.2.1")
    watch = Watcher(pair.r1, "r1")
    wait_until(lambda: "3 received" in pair.h1.ping("10.0.2.2", 3, check=False), 30, "forwarding by the new device")
    assert watch.sent() == 0


def test_a_device_that_comes_back_during_a_capture_of_its_name_is_looked_at_too(pair):
    """The old capture ends; the next begins on the new device."""
    Capture(pair, "r1", "filter icmp", "old")
    pair.r1.run("ip", "link", "del", "r1")
    pair.lab.link(pair.h2, "eth0", pair.r1, "r1")
    pair.h2.address("eth0", "10.0.2.2/24")
    pair.h2.route("default", "10.0.2.1")
    wait_until(lambda: "1 received" in pair.h1.ping("10.0.2.2", 1, check=False), 30, "forwarding by the new device")
    new = Capture(pair, "r1", "filter icmp", "new")
    pair.h1.ping("10.0.2.2", 2)
    new.end()
    assert len(new.lines()) == 4


def test_a_device_that_goes_down_and_up_does_not_end_it(pair):
    capture = Capture(pair, "r1", "filter icmp")
    pair.h1.ping("10.0.2.2", 1)
    pair.r1.up("r1", False)
    pair.r1.up("r1")
    wait_until(lambda: "1 received" in pair.h1.ping("10.0.2.2", 1, check=False), 30, "forwarding again")
    capture.end()
    assert len(capture.lines()) >= 4


def test_an_interface_that_is_no_longer_configured_ends_it(pair):
    capture = Capture(pair, "r1", "filter icmp")
    pair.h1.ping("10.0.2.2", 1)
    pair.router.reload(re.sub(r',\s*\{ name = "r1".*\n', "\n", TWO_HOSTS) +
                       (f"forwarding: {{ lanes = {pair.lab.lanes}; }};\n" if pair.lab.lanes > 1 else ""))
    assert "ended: the interface is no longer configured" in capture.answer()
    assert whole(capture.path) and len(capture.lines()) == 2


def test_a_full_disk_ends_it_with_a_sentence(lab, make_pair):
    small = os.path.join(lab.folder, "small")
    os.mkdir(small)
    run("mount", "-t", "tmpfs", "-o", "size=64k", "none", small)
    try:
        pair = make_pair()
        capture = Capture(pair, "r0", "", "small/full")
        pair.h1.run("ping", "-q", "-n", "-c", "200", "-i", "0.002", "-s", "1400", "10.0.2.2")
        text = capture.answer()
        assert capture.process.returncode == 1 and "No space left on device" in text
        assert "up to there can be read" in text
        assert 10 < len(capture.lines("icmp")) < 100 and blocks(capture.path)
        assert "3 received" in pair.h1.ping("10.0.2.2", 3)
        pair.router.stop()
        lab.forget(pair.router)
    finally:
        run("umount", "-l", small)


def test_it_never_writes_more_than_a_hundred_megabytes(pair):
    capture = Capture(pair, "r0")
    pair.h2.start("iperf3", "-s", stdout=subprocess.DEVNULL)
    wait_until(lambda: "LISTEN" in pair.h2.run("ss", "-Hltn", "sport", "=", "5201"), 20, "iperf3's server")
    deadline = time.monotonic() + 300
    while capture.process.poll() is None:  # it may lose what comes faster than it can write
        assert time.monotonic() < deadline
        assert "iperf Done" in pair.h1.run("iperf3", "-c", "10.0.2.2", "-n", "150M", timeout=300)
    text = capture.answer()
    size = os.stat(capture.path).st_size
    assert "the file has reached 100 MB" in text and capture.process.returncode == 0
    assert 99_900_000 < size <= 100_000_000 and whole(capture.path)
    pair.router.balance()


@pytest.mark.skipif(not os.path.exists("/usr/bin/python3"), reason="another user's client is the system's python")
def test_the_file_is_of_whoever_asked_for_it(make_pair):
    """A member of the group may write where they could write themselves, and nowhere else."""
    pair = make_pair(TWO_HOSTS + 'cli: { group = "daemon"; };\n')
    nobody, group = 65534, 1
    theirs, ours = os.path.join(pair.lab.folder, "theirs"), os.path.join(pair.lab.folder, "ours")
    os.chmod(pair.lab.folder, 0o711)
    os.mkdir(theirs)
    os.chown(theirs, nobody, nobody)
    os.mkdir(ours)
    os.chmod(ours, 0o755)

    def ask(path):
        return subprocess.run(["/usr/bin/python3", "-c", SPEAK, pair.router.socket, f"capture r0 {path} count 1 filter icmp"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=True,
                              user=nobody, group=group, extra_groups=[]).stdout

    pinging = pair.h1.start("ping", "-n", "-i", "0.2", "10.0.2.2", stdout=subprocess.DEVNULL)
    assert "1 packets" in ask(f"{theirs}/mine")
    assert os.stat(f"{theirs}/mine").st_uid == nobody and stat.S_IMODE(os.stat(f"{theirs}/mine").st_mode) == 0o600
    assert "Permission denied" in ask(f"{ours}/yours")
    assert not os.path.exists(f"{ours}/yours")
    pinging.kill()
    # only the capture's thread was them
    Capture(pair, "r0", "", "ours/root").end()
    assert os.stat(f"{ours}/root").st_uid == 0
