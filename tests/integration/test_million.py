"""A table of a million routes, and sessions that behave badly in the middle of it: on a real terminal, and without one."""

import os
import re
import signal
import socket

import pytest

from tests.integration.test_sessions import MANY, Pings, ask, connect, rest
from tests.integration.test_terminal import open_terminal  # noqa: F401
from tests.lab.lab import TWO_HOSTS, Lab, two_hosts, wait_until

ROUTES = 1_000_000
# Beyond the table: 64 KB and a step for each of at most 64 sessions, and what the allocator keeps of that.
GROWTH_KB = 12 << 10

pytestmark = pytest.mark.skipif(os.environ.get("FERRYD_BUILD", "release") != "release",
                                reason="with a sanitizer a million routes take too much time and memory")


@pytest.fixture(scope="module")
def router():
    with Lab("ferry-t") as lab:
        h1, r1, _ = two_hosts(lab)
        with open(os.path.join(lab.folder, "routes.txt"), "w", encoding="ascii") as file:
            file.writelines(f"{20 + (i >> 14)}.{i >> 6 & 255}.{(i & 63) << 2}.0/24 via 10.0.2.2\n" for i in range(ROUTES))
        made = lab.router(r1, TWO_HOSTS + 'static-routes-file = "routes.txt";\n', wait=False)
        made.wait_ready(120)
        assert made.json("show ip route summary")["routesTotalFib"] == ROUTES + 2
        h1.ping("10.0.2.2", 1)
        made.h1 = h1
        yield made


def memory_kb(pid, what):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return int(re.search(rf"{what}:\s+(\d+)", status.read()).group(1))


def users(router):
    """Sessions, without the one that asks."""
    return len(router.json("show users")["users"]) - 1


def in_the_middle(terminal):
    """The table begins to come, all of it at once."""
    terminal.run("terminal length 0")
    terminal.keys("show ip route\r")
    terminal.sees("via 10.0.2.2")


@pytest.fixture
def quiet(router):
    """Afterwards everything is as it was: nobody is there, no packet was lost, and at no time was there more memory in use."""
    assert users(router) == 0
    ask(router.socket, "show ip route 20.0.0.0/24\nshow version\n")
    before = router.resident_kb()
    with open(f"/proc/{router.process.pid}/clear_refs", "w", encoding="ascii") as file:
        file.write("5\n")  # the highest is from now on
    with Pings(router.h1, "10.0.2.2") as pings:
        yield
        while pings.going():
            assert ask(router.socket, "show version\n").startswith("ferryd ")
    wait_until(lambda: users(router) == 0, 60, "the end of the sessions")
    assert memory_kb(router.process.pid, "VmHWM") < before + GROWTH_KB
    router.balance()


def test_terminals_that_vanish(router, quiet, open_terminal):
    paging, killed, closed = (open_terminal(router) for _ in range(3))
    paging.keys("show ip route\r")
    paging.stands(":")
    in_the_middle(killed)
    in_the_middle(closed)
    assert users(router) == 3
    for terminal in (paging, killed):
        os.kill(terminal.child.pid, signal.SIGKILL)
    closed.child.ptyproc.fileobj.close()  # as sshd does when the connection is lost
    wait_until(lambda: users(router) == 0, 60, "the end of the sessions")


def test_readers_that_never_read_and_fifty_that_do(router, quiet, open_terminal):
    terminal = open_terminal(router)
    in_the_middle(terminal)  # and from now on nobody reads what comes
    silent = [connect(router.socket) for _ in range(8)]
    for client in silent:
        client.sendall(b"show ip route json\n" * 5)  # some hundred MB each
    clients = [connect(router.socket) for _ in range(MANY)]
    for i, client in enumerate(clients):
        client.sendall(f"show ip route {20 + i}.0.0.0/24\nshow version\n".encode())
        client.shutdown(socket.SHUT_WR)
    for i, client in enumerate(clients):
        answer = rest(client)
        assert f"{20 + i}.0.0.0/24" in answer and "\nferryd " in answer
        client.close()
    wait_until(lambda: users(router) == 1 + len(silent), 60, "the end of the fifty")
    assert memory_kb(terminal.child.pid, "VmRSS") < GROWTH_KB  # ferrysh keeps no more than the router
    for client in silent:
        assert client.recv(1000).startswith(b"{")  # it had its turn
        client.close()
    terminal.child.close(force=True)
