"""traceroute and ping from a router's own shell, over three ferryds in a row, with names from a name server beside the first."""

import json
import os
import re
import signal
import subprocess

import pytest

from tests.lab.lab import line, wait_until

# Knows h2.lab and mid.lab and no other name; says when it is there.
NAME_SERVER = r"""
import socket
names = {b"\x02h2\x03lab\0": "10.0.9.2", b"\x03mid\x03lab\0": "10.0.100.2"}
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
print("ready", flush=True)
while True:
    question, asker = server.recvfrom(512)
    name = question[12:question.index(b"\0", 12) + 1].lower()
    end = 12 + len(name) + 4
    if name.startswith(b"\x06silent"):
        continue
    address = names.get(name)
    head = question[:2] + (b"\x81\x80" if address else b"\x81\x83") + b"\0\1" + (b"\0\1" if address else b"\0\0") + b"\0\0\0\0"
    answer = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(address) if address else b""
    server.sendto(head + question[12:end] + answer, asker)
"""


class Row:
    def __init__(self, lab):
        self.lab = lab
        self.h1, self.h2, self.spaces, self.configurations = line(lab, 3)
        self.routers = []

    def swallow_at_last(self):
        """The last router throws away what goes to h2."""
        self.configurations[2] = self.configurations[2].replace(
            "static-routes = (", 'static-routes = ( { prefix = "10.0.9.2/32"; type = "blackhole"; },')

    def start(self, resolv_conf="nameserver 127.0.0.1\nsearch lab\n"):
        # `ip netns exec` shows it to the router as /etc/resolv.conf
        folder = f"/etc/netns/{self.spaces[0].name}"
        self.lab.leave_no(folder)
        os.makedirs(folder)
        with open(os.path.join(folder, "resolv.conf"), "w", encoding="ascii") as file:
            file.write(resolv_conf)
        self.routers = [self.lab.router(space, text) for space, text in zip(self.spaces, self.configurations)]
        return self.routers[0]

    def name_server(self):
        process = self.spaces[0].start("/usr/bin/python3", "-c", NAME_SERVER)
        assert process.stdout.readline() == "ready\n"


@pytest.fixture
def row(lab):
    return Row(lab)


HOPS = ["10.0.100.2", "10.0.101.2", "10.0.9.2"]


def hops(text):
    """The rows of a traceroute without their times."""
    return [re.sub(r"\s+[\d.]+ ms", " ms", row).split() for row in text.splitlines()[1:]]


def test_udp_shows_each_hop_and_the_host(row):
    router = row.start()
    text = router.shell("traceroute 10.0.9.2")
    assert text.startswith("traceroute to 10.0.9.2 from 10.0.100.1, 30 hops max, 60 byte packets\n")
    assert hops(text) == [[str(i + 1), hop, "ms", "ms", "ms"] for i, hop in enumerate(HOPS)]


def test_icmp_from_another_address_and_a_later_hop(row):
    router = row.start()
    assert hops(router.shell("traceroute 10.0.9.2 icmp source 10.0.1.1 first-ttl 2 probes 1")) == [
        ["2", HOPS[1], "ms"], ["3", HOPS[2], "ms"]]
    assert hops(router.shell("traceroute 10.0.1.1 probes 1")) == [["1", "10.0.1.1", "ms"]]


def test_json_names_who_answered(row):
    router = row.start()
    answer = router.json("traceroute 10.0.9.2 probes 2")
    assert [[probe["address"] for probe in hop["probes"]] for hop in answer["hops"]] == [[hop, hop] for hop in HOPS]
    assert answer["reached"] is True
    assert all(probe["rtt"] > 0 and probe["mark"] is None for hop in answer["hops"] for probe in hop["probes"])


def test_a_way_that_ends_has_its_mark(row):
    row.configurations[1] = row.configurations[1].replace('prefix = "10.0.9.0/24"; via = "10.0.101.2"',
                                                          'prefix = "10.0.9.0/24"; type = "prohibit"')
    router = row.start()
    text = router.shell("traceroute 10.0.9.2 probes 1", check=False)
    assert hops(text) == [["1", HOPS[0], "ms", "!X"]]


def test_a_host_that_is_not_there_has_its_mark(row):
    router = row.start()
    text = router.shell("traceroute 10.0.9.77 probes 1", check=False)
    assert hops(text) == [["1", HOPS[0], "ms"], ["2", HOPS[1], "ms"], ["3", HOPS[1], "ms", "!H"]]


def test_a_narrow_link_tells_its_mtu(lab):
    _, _, spaces, configurations = line(lab, 3, {1: 1280})
    router = [lab.router(space, text) for space, text in zip(spaces, configurations)][0]
    text = router.shell("traceroute 10.0.9.2 probes 1 size 1400 df", check=False)
    assert hops(text) == [["1", HOPS[0], "ms"], ["2", HOPS[0], "ms", "!F-1280"]]


def test_a_silent_hop_is_a_star(row):
    row.swallow_at_last()
    router = row.start()
    text = router.shell("traceroute 10.0.9.2 probes 2 max-ttl 3 timeout 1", check=False)
    assert hops(text) == [["1", HOPS[0], "ms", "ms"], ["2", "*", "*"], ["3", "*", "*"]]


def test_ctrl_c_ends_it_where_it_is(row):
    row.swallow_at_last()
    router = row.start()
    process = subprocess.Popen([row.lab.ferrysh, "-s", router.socket, "-c", "traceroute 10.0.9.2 timeout 60"],
                               stdout=subprocess.PIPE, text=True)
    row.lab.processes.append(process)
    assert process.stdout.readline().startswith("traceroute to")
    assert " 10.0.100.2 " in process.stdout.readline()  # as soon as it is known
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 1


def test_names_are_looked_up(row):
    router = row.start()
    row.name_server()
    assert router.shell("traceroute h2.lab probes 1").startswith("traceroute to h2.lab (10.0.9.2) from 10.0.100.1")
    assert "2 packets transmitted, 2 received" in router.shell("ping mid count 2 interval 10")
    assert "no such name" in router.shell("ping nobody.lab", check=False)
    assert json.loads(router.shell("traceroute h2 json"))["host"] == "h2"


def test_no_name_server_is_told(row):
    router = row.start("nameserver 10.0.1.2\n")
    text = router.shell("ping h2.lab", check=False)
    assert "no name server is within reach (10.0.1.2: Network is unreachable)" in text


def test_a_look_up_holds_nobody_up_and_ends_with_its_session(row):
    router = row.start()
    row.name_server()
    process = subprocess.Popen([row.lab.ferrysh, "-s", router.socket, "-c", "ping silent.lab"], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)
    row.lab.processes.append(process)
    wait_until(lambda: len(router.json("show users")["users"]) > 1, what="the session that waits")
    assert "1 received" in router.shell("ping 10.0.100.2 count 1")
    process.kill()
    wait_until(lambda: len(router.json("show users")["users"]) == 1, what="its end")
    again = subprocess.Popen([row.lab.ferrysh, "-s", router.socket, "-c", "ping silent.lab"], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True)
    row.lab.processes.append(again)
    wait_until(lambda: len(router.json("show users")["users"]) > 1, what="the session that waits")
    # and the router's end with a look-up under way is clean: the lab looks at how it stops
