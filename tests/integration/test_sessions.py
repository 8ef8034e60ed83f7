"""Many sessions, sessions that vanish, sessions that never read: everybody else gets answers, forwarding notices nothing and
memory stays where it was."""

import grp
import json
import os
import pwd
import select
import socket
import subprocess
import sys

import pytest

from tests.lab.lab import TWO_HOSTS, wait_until

ROUTES = 20_000
MANY = 50
# What sessions may cost beyond what they hold (64 KB and a step each) is the allocator's; sanitizers have much of that.
GROWTH_KB = {"release": 24 << 10}.get(os.environ.get("FERRYD_BUILD", "release"), 96 << 10)


def connect(path):
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(120)
    client.connect(path)
    return client


def rest(client):
    answer = b""
    while more := client.recv(65536):
        answer += more
    return answer.decode()


def ask(path, text):
    with connect(path) as client:
        client.sendall(text.encode())
        client.shutdown(socket.SHUT_WR)
        return rest(client)


class Pings:
    """Through the router, for as long as the body of a with lasts, in rounds: no answer may be missing."""

    def __init__(self, host, address):
        self.host, self.address, self.sent = host, address, 0

    def __enter__(self):
        self.start()
        return self

    def start(self):
        self.process = self.host.start("ping", "-n", "-c", "100", "-i", "0.02", "-W", "10", self.address)

    def going(self):
        """True while at least one round is not over; each that is over is looked at."""
        if self.process.poll() is None:
            return True
        self.end()
        return False

    def end(self):
        out, _ = self.process.communicate(timeout=120)
        assert " 0% packet loss" in out, out
        self.sent += 100

    def __exit__(self, kind, value, trace):
        if kind is None and self.process.stdout and not self.process.stdout.closed:
            self.end()


@pytest.fixture
def big(make_pair, lab, monkeypatch):
    """A router with a long table. A small quarantine of the sanitizer's: what is freed is to be seen as free."""
    monkeypatch.setenv("ASAN_OPTIONS", "detect_leaks=1:exitcode=99:abort_on_error=0:quarantine_size_mb=4")
    with open(os.path.join(lab.folder, "routes.txt"), "w", encoding="ascii") as file:
        for i in range(ROUTES):
            file.write(f"{20 + (i >> 14)}.{i >> 6 & 255}.{(i & 63) << 2}.0/24 via 10.0.2.2\n")
    made = make_pair(TWO_HOSTS + 'static-routes-file = "routes.txt";\n')
    wait_until(lambda: made.router.json("show ip route summary")["routesTotalFib"] == ROUTES + 2, 60, "the table in use")
    made.h1.ping("10.0.2.2", 1)
    return made


def test_fifty_sessions_at_once_all_get_their_answers(pair):
    commands = ["show version", "show interfaces", "show ip route", "show ip traffic", "show drops", "show users"]
    pair.h1.ping("10.0.2.2", 1)
    clients = [connect(pair.router.socket) for _ in range(MANY)]
    answers = {client: b"" for client in clients}
    with Pings(pair.h1, "10.0.2.2"):
        for command in commands * 3:  # all at the same time, over and over
            for client in clients:
                client.sendall(f"{command} json\n".encode())
        for client in clients:
            client.shutdown(socket.SHUT_WR)
        waiting = set(clients)
        while waiting:
            ready = select.select(list(waiting), [], [], 120)[0]
            assert ready, f"{len(waiting)} sessions got no answer"
            for client in ready:
                more = client.recv(65536)
                answers[client] += more
                if not more:
                    waiting.remove(client)
    for client, answer in answers.items():
        client.close()
        decoder, text, documents = json.JSONDecoder(), answer.decode(), []
        while text.strip():
            document, end = decoder.raw_decode(text.lstrip())
            documents.append(document)
            text = text.lstrip()[end:]
        assert len(documents) == 3 * len(commands)
        assert documents[0]["program"] == "ferryd" and "r0" in documents[1] and "10.0.1.0/24" in documents[2]
        assert "ip" in documents[3] and "balance" in documents[4]["r0"]
    pair.router.balance()


def test_sessions_that_vanish_or_never_read_cost_nothing(big):
    router = big.router
    whole = len(ask(router.socket, "show ip route json\n"))
    assert whole > 100 * ROUTES
    vanish(router)
    before = router.resident_kb()
    silent = []
    for _ in range(12):  # what they ask for would be some hundred MB
        client = connect(router.socket)
        client.sendall(b"show ip route json\n" * 20)
        silent.append(client)
    vanished = 0
    with Pings(big.h1, "10.0.2.2") as pings:
        while pings.going() or vanished < 30:
            vanish(router)
            vanished += 1
            assert len(ask(router.socket, "show ip route 20.0.0.0/24 json\nshow version\n")) > 100
    wait_until(lambda: len(router.json("show users")["users"]) == len(silent) + 1, 60, "the end of the sessions that vanished")
    assert len(ask(router.socket, "show ip route json\n")) > 100 * ROUTES
    assert router.resident_kb() < before + GROWTH_KB
    for client in silent:
        assert client.recv(1000).startswith(b"{")  # it had its turn
        client.close()
    wait_until(lambda: len(router.json("show users")["users"]) == 1, 60, "the end of those that never read")
    assert router.resident_kb() < before + GROWTH_KB
    router.balance()


def vanish(router):
    """A session that goes in the middle of a long table."""
    client = connect(router.socket)
    client.sendall(b"show ip route\n")
    assert client.recv(20_000).startswith(b"Codes: ")
    client.close()


CLIENT = """
import socket, sys
client = socket.socket(socket.AF_UNIX)
client.connect(sys.argv[1])
try:
    client.sendall(sys.argv[2].encode())
    client.shutdown(socket.SHUT_WR)
except OSError:
    pass  # turned away already; what was said can be read all the same
try:
    while more := client.recv(65536):
        sys.stdout.write(more.decode())
except ConnectionResetError:
    pass  # nobody will read what was asked
"""


def ask_as(router, groups, text):
    """What somebody who is not root and belongs to GROUPS is told."""
    nobody = pwd.getpwnam("nobody")
    return subprocess.run([sys.executable, "-c", CLIENT, router.socket, text], user=nobody.pw_uid, group=nobody.pw_gid, extra_groups=groups,
                          cwd="/", capture_output=True, text=True, timeout=60, check=True).stdout


def test_strangers_are_refused_with_a_sentence_and_the_group_is_not(make_pair, lab):
    os.chmod(lab.folder, 0o755)
    group = grp.getgrnam("daemon")  # stands in for ferry
    router = make_pair(TWO_HOSTS + f'cli: {{ group = "{group.gr_name}"; }};\n').router
    nobody = pwd.getpwnam("nobody").pw_uid
    refusal = ask_as(router, [], "show version\n")
    assert refusal == (f"% root and members of group daemon may look; you are uid {nobody}: usermod -aG daemon USER, and log in anew\n")
    assert ask_as(router, [group.gr_gid], "show version\n").startswith("ferryd ")
    assert 'name = "r0"' in ask_as(router, [group.gr_gid], "show running-config\n")
    router.reload(TWO_HOSTS + 'cli: { group = "no-such-group-here"; };\n')
    assert "root (group no-such-group-here does not exist) may look" in ask_as(router, [group.gr_gid], "show version\n")
