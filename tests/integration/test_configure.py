"""Configuring over the socket: what packets do changes with what is said, whole or not at all."""

import json
import os
import re
import socket

import pytest

from tests.lab.lab import LabError, wait_until


class Session:
    """A plain session that stays open between commands."""

    def __init__(self, router):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(router.socket)

    def say(self, *lines):
        """The answer to all of LINES. What no mode refuses follows them: its answer is the end of theirs."""
        text = ""
        self.socket.sendall("".join(f"{line}\n" for line in (*lines, "show version json")).encode())
        while not re.search(r'(^|\n){"program".*\n$', text):
            more = self.socket.recv(65536).decode()
            if not more:
                raise LabError(f"the session ended: {text}")
            text += more
        return text[:text.rindex('{"program"')]

    def close(self):
        self.socket.close()


def answers(host, address):
    return " 0% packet loss" in host.ping(address, 2, check=False)


def silent(host, address):
    return "100% packet loss" in host.run("ping", "-n", "-c", "1", "-W", "1", address, check=False)


def running(router):
    return router.shell("show running-config")


def test_an_address_is_answered_for_while_it_is_configured(pair):
    pair.h1.address("eth0", "10.0.3.2/24")
    assert silent(pair.h1, "10.0.3.1")
    assert pair.router.shell("configure terminal", "interface r0", "ip address 10.0.3.1/24") == ""
    assert answers(pair.h1, "10.0.3.1") and answers(pair.h1, "10.0.1.1")
    assert list(pair.router.json("show ip route 10.0.3.9")) == ["10.0.3.0/24"]
    pair.router.shell("conf t", "int r0", "no ip address 10.0.3.1/24")
    assert silent(pair.h1, "10.0.3.1") and answers(pair.h1, "10.0.1.1")
    pair.router.shell("conf t", "int r0", "shut")
    assert silent(pair.h1, "10.0.1.1")
    pair.router.shell("conf t", "int r0", "no shut")
    wait_until(lambda: answers(pair.h1, "10.0.1.1"), 20, "an answer after no shutdown")


def test_packets_follow_a_route_while_it_is_configured(pair):
    pair.h2.run("ip", "address", "add", "10.9.0.1/32", "dev", "lo")
    assert not answers(pair.h1, "10.9.0.1")
    pair.router.shell("configure terminal", "ip route 10.9.0.0/16 10.0.2.2")
    assert answers(pair.h1, "10.9.0.1")
    pair.router.shell("configure terminal", "ip route 10.9.0.0/16 10.0.2.3", "no ip route 10.9.0.0/16 10.0.2.2")
    assert [hop["ip"] for hop in pair.router.json("show ip route 10.9.0.0/16")["10.9.0.0/16"][0]["nexthops"]] == ["10.0.2.3"]
    pair.router.shell("configure terminal", "no ip route 10.9.0.0/16")
    assert "10.9.0.0/16" not in pair.router.json("show ip route") and not answers(pair.h1, "10.9.0.1")


def test_routes_of_a_file_come_and_go_with_its_name(pair):
    folder, _, _ = pair.router.config.rpartition("/")
    with open(f"{folder}/routes.txt", "w", encoding="utf-8") as file:
        file.write("10.9.0.0/16 via 10.0.2.2\n")
    with open(f"{folder}/wrong.txt", "w", encoding="utf-8") as file:
        file.write("# one\n10.9.0.0/16 via\n")
    pair.router.shell("configure terminal", "static-routes-file routes.txt")
    assert "10.9.0.0/16" in pair.router.json("show ip route static")
    assert "wrong.txt:2: " in pair.router.shell("configure terminal", "static-routes-file wrong.txt", check=False)
    assert "cannot open" in pair.router.shell("configure terminal", "static-routes-file none.txt", check=False)
    assert "10.9.0.0/16" in pair.router.json("show ip route static") and '"routes.txt"' in running(pair.router)
    pair.router.shell("configure terminal", "no static-routes-file")
    assert pair.router.json("show ip route static") == {}


def test_an_interface_is_configured_before_its_device_is_there(pair):
    pair.router.shell("conf t", "interface r7", "ip address 10.0.7.1/24", "description later", "interface lo0", "ip address 10.255.0.1/32")
    assert answers(pair.h1, "10.255.0.1")
    pair.lab.link(pair.h1, "eth7", pair.r1, "r7")
    pair.h1.address("eth7", "10.0.7.2/24")
    wait_until(lambda: answers(pair.h1, "10.0.7.1"), 20, "an answer of r7")
    pair.router.shell("conf t", "no interface r7", "no interface lo0")
    assert silent(pair.h1, "10.0.7.1") and "r7" not in pair.router.json("show interfaces")


def test_a_refused_command_changes_nothing(pair):
    before = running(pair.router)
    for lines, reason in ((["interface r1", "ip address 10.0.1.1/24"], "is there twice"),
                          (["interface r1", "ip address 10.0.1.9/24"], "10.0.1"),
                          (["no interface r9"], "there is no interface"),
                          (["ip route 10.9.0.0/16 10.0.1.1"], "our own address"),
                          (["hostname -"], "wants a host name"),
                          (["interface r0", "ip urpf strict"], "not supported yet")):
        text = pair.router.shell("configure terminal", *lines, check=False)
        assert reason in text, text
        assert running(pair.router) == before
    assert answers(pair.h1, "10.0.2.2")
    assert re.search(r"uid 0, session \d+: interface r1: ip address 10\.0\.1\.1/24: refused: ", pair.router.log())
    assert " error: " not in pair.router.log()


def test_a_draft_takes_effect_as_one_change(pair):
    before = running(pair.router)
    session = Session(pair.router)
    lines = ["configure session", "hostname edge", "interface r0", "no ip address 10.0.1.1/24", "ip address 10.0.1.9/24"]
    assert session.say(*lines) == ""
    assert running(pair.router) == before and answers(pair.h1, "10.0.1.1")
    changes = session.say("show changes")
    assert '+ hostname = "edge"' in changes and "10.0.1.9/24" in changes
    assert "are not committed" in session.say("end")
    session.say("commit")
    assert answers(pair.h1, "10.0.1.9") and silent(pair.h1, "10.0.1.1")
    assert 'hostname = "edge"' in running(pair.router)
    assert "1 change is dropped" in session.say("hostname other", "abort")
    assert 'hostname = "edge"' in running(pair.router)
    session.close()
    assert re.search(r"uid 0, session \d+: interface r0: ip address 10\.0\.1\.9/24\n", pair.router.log())


def test_two_sessions_that_change_the_same_are_in_conflict(pair):
    mine, theirs = Session(pair.router), Session(pair.router)
    assert mine.say("configure session", "interface r0", "mtu 1400", "description mine") == ""
    assert theirs.say("configure session", "interface r0", "mtu 1300", "interface r1", "description theirs", "commit") == "2 interfaces changed\n"
    refusal = mine.say("commit")
    assert refusal.startswith("% ") and "mtu" in refusal and "abort" in refusal
    assert "mtu = 1300" in running(pair.router) and "mine" not in running(pair.router)
    assert "mtu = 1400" in mine.say("show changes")
    mine.say("abort", "configure session", "interface r0", "description mine", "commit")
    text = running(pair.router)
    assert "mtu = 1300" in text and '"mine"' in text and '"theirs"' in text
    mine.close()
    theirs.close()


def test_commit_confirmed_waits_to_be_confirmed(pair):
    text = pair.router.shell("configure session", "hostname edge", "commit confirmed 5")
    assert "it is undone in 5 minutes" in text
    waiting = pair.router.json("show rollback")["unconfirmed"]
    assert 200 < waiting["seconds"] <= 300 and waiting["uid"] == 0
    assert "unless somebody commits" in pair.router.shell("configure terminal")
    assert "is confirmed" in pair.router.shell("commit")
    assert pair.router.json("show rollback")["unconfirmed"] is None
    assert 'hostname = "edge"' in running(pair.router)


def test_going_back_and_saving(pair):
    first = running(pair.router)
    pair.router.shell("configure terminal", "hostname edge", "interface r0", "ip address 10.0.3.1/24")
    assert [row["how"] for row in pair.router.json("show rollback")["rollbacks"]][:2] == ["commands", "commands"]
    paths = [change["path"] for change in pair.router.json("show rollback 2")["changes"]]
    assert "hostname" in paths and any("addresses" in path for path in paths)
    pair.router.shell("write memory")
    with open(pair.router.config, encoding="utf-8") as file:
        assert file.read() == running(pair.router)
    pair.router.shell("rollback 2")
    assert running(pair.router) == first
    changes = pair.router.shell("show changes")
    assert '- hostname = "edge"' in changes and '+ hostname = "r1"' in changes
    copy = pair.router.config.replace(".conf", "-copy.conf")
    pair.router.shell(f"copy running-config {copy}")
    with open(copy, encoding="utf-8") as file:
        assert file.read() == first
    with open(pair.router.config, "a", encoding="utf-8") as file:
        file.write("# edited by hand\n")
    assert pair.router.shell("write memory", check=False).startswith("%")
    pair.router.shell("write memory force")
    pair.router.stop()
    pair.router.start(wait=False)
    pair.router.wait_ready(times=2)
    assert running(pair.router) == first


def test_json_of_changes_is_one_document(pair):
    for command in ("show changes json", "show rollback json"):
        assert isinstance(json.loads(pair.router.shell(command)), dict)


def test_a_copy_elsewhere_says_that_it_lacks_its_routes(pair):
    router, folder = pair.router, os.path.dirname(pair.router.config)
    with open(os.path.join(folder, "table.txt"), "w", encoding="utf-8") as file:
        file.write("10.50.0.0/16 blackhole\n")
    os.mkdir(os.path.join(folder, "other"))
    router.shell("configure terminal", "static-routes-file table.txt")
    assert "table.txt" not in router.shell(f"copy running-config {folder}/copy.conf")
    assert "its routes file table.txt is looked for beside it" in router.shell(f"copy running-config {folder}/other/copy.conf")


def test_a_script_that_ends_without_commit_is_told(pair):
    router = pair.router
    text = router.shell("configure session", "hostname lost", check=False)
    assert "1 change is not committed" in text
    with pytest.raises(LabError, match="1 change is not committed"):
        router.shell("configure session", "interface r0", "description lost")
    assert "lost" not in running(router)
    router.wait_log("session [0-9]+: 1 change is dropped: the session ended without commit")
    router.shell("configure session", "hostname kept", "commit")
    router.shell("configure session", "hostname lost", "abort")
    router.shell("exit")
    assert 'hostname = "kept"' in running(router)


def test_no_next_hop_is_not_every_next_hop(pair):
    router = pair.router
    router.shell("configure terminal", "ip route 10.9.0.0/16 10.0.2.2", "ip route 10.9.0.0/16 10.0.2.3")
    for command in ("ip route 10.9.0.0/16 0.0.0.0", "no ip route 10.9.0.0/16 0.0.0.0", "ip route 10.9.0.0/16 r1 0.0.0.0"):
        assert "0.0.0.0 is no next hop" in router.shell("configure terminal", command, check=False)
    assert 'via = [ "10.0.2.2", "10.0.2.3" ]' in running(router)


def test_what_stands_in_the_way_is_said_once_and_to_whom_it_concerns(pair):
    router = pair.router
    assert "interface lo does not forward: the device is not Ethernet" in router.shell("configure terminal", "interface lo")
    assert "there is no device of that name" in router.shell("configure terminal", "interface gone0")
    assert "mtu = 9000 is more than the device's" in router.shell("configure terminal", "interface r0", "mtu 9000")
    assert 'group "ferry-no-such"' in router.shell("configure terminal", "cli group ferry-no-such")
    before = len(router.log())
    assert router.shell("configure terminal", "hostname other") == ""
    router.shell("reload configuration")
    log = router.wait_log("(?m)uid 0, session [0-9]+: reload configuration$").string[before:]
    changed = log[:log.index("hostname other")]
    assert "warning" not in changed
