"""The daemon's options and the shell as a script meets them."""

import json
import os
import signal
import socket
import subprocess

import pytest

from tests.lab.lab import TOP, TWO_HOSTS, wait_until

SHOWS = ["show version", "show interfaces", "show interfaces r0", "show ip interface brief", "show ip route", "show ip route summary",
         "show ip fib", "show ip fib summary", "show ip arp", "show ip traffic", "show drops", "show drops r0", "show memory",
         "show processes", "show users", "show tech-support"]


def plain(path, text, shutdown=True):
    """What a plain client of the socket (socat) gets for TEXT."""
    client = socket.socket(socket.AF_UNIX)
    client.connect(path)
    client.settimeout(20)
    client.sendall(text.encode())
    if shutdown:
        client.shutdown(socket.SHUT_WR)
    answer = b""
    while True:
        more = client.recv(65536)
        if not more:
            return answer.decode()
        answer += more


def ferrysh(pair, *arguments, stdin=None):
    return subprocess.run([pair.lab.ferrysh, *arguments], input=stdin, capture_output=True, text=True, timeout=30, check=False)


def test_every_show_command_answers_in_text_and_json(pair):
    pair.h1.ping("10.0.2.2", 2)
    for command in SHOWS:
        assert pair.router.shell(command).strip()
        json.loads(pair.router.shell(f"{command} json"))
    assert 'name = "r0"' in pair.router.shell("show running-config")


def test_abbreviations_of_the_trade(pair):
    for short, long in (("sh ip ro", "show ip route"), ("sh ip int br", "show ip interface brief"), ("sh run", "show running-config")):
        assert pair.router.shell(short).split("\n")[:1] == pair.router.shell(long).split("\n")[:1]


def test_json_fields_of_interfaces_and_arp(pair):
    pair.h1.ping("10.0.2.2", 2)
    r0 = pair.router.json("show interfaces")["r0"]
    assert r0["administrativeStatus"] == "up" and r0["operationalStatus"] == "up"
    assert r0["hardwareAddress"] == pair.mac["r0"] and r0["mtu"] == 1500
    assert r0["ipAddresses"] == [{"address": "10.0.1.1/24"}]
    assert set(r0["counters"]) == {"rxPackets", "rxBytes", "rxDrops", "rxErrors", "txPackets", "txBytes", "txDrops", "txErrors"}
    entry = [e for e in pair.router.json("show ip arp")["entries"] if e["address"] == "10.0.2.2"][0]
    assert entry["state"] == "reachable" and entry["mac"] == pair.host_mac["r1"] and entry["age"] >= 0
    traffic = pair.router.json("show ip traffic")
    assert set(traffic) == {"ip", "icmp", "arp", "udp", "igmp", "rip"}
    assert traffic["ip"]["inForwDatagrams"] >= 4 and traffic["icmp"]["outRateLimited"] == 0


def test_exit_status_of_ferrysh(pair):
    path = pair.router.socket
    assert ferrysh(pair, "-s", path, "-c", "show version").returncode == 0
    wrong = ferrysh(pair, "-s", path, "-c", "show nonsense", "-c", "show version")
    assert wrong.returncode == 1 and "%" in wrong.stderr and "nonsense" in wrong.stderr and not wrong.stdout.strip()
    assert ferrysh(pair, "-s", path + ".not", "-c", "show version").returncode == 2
    assert ferrysh(pair, "--bogus").returncode == 2
    script = ferrysh(pair, "-s", path, stdin="! a comment\nshow version\nshow rubbish\nshow version\n")
    assert script.returncode == 1 and "3" in script.stderr


def test_a_plain_client_gets_text_and_refusals(pair):
    text = plain(pair.router.socket, "show version\nnonsense\nshow ip interface brief\n")
    assert "ferryd" in text and "\n% " in text and "10.0.1.1" in text
    assert json.loads(plain(pair.router.socket, "show ip route json\n"))
    assert "\x1b" not in text


def test_ping_from_the_shell(pair):
    text = pair.router.shell("ping 10.0.2.2 count 3")
    assert "3" in text and "0%" in text
    lost = ferrysh(pair, "-s", pair.router.socket, "-c", "ping 10.0.2.99 count 1")
    assert "100%" in lost.stdout + lost.stderr
    assert "3/4" in (text := pair.router.shell("ping 10.0.2.2 count 1 size 3000 df", check=False)) or "large" in text.lower() or "MTU" in text
    assert "0%" in pair.router.shell("ping 10.0.2.2 count 2 size 5000")
    assert "0%" in pair.router.shell("ping 10.0.1.1 count 1")


def test_an_interrupt_that_comes_twice_is_one(pair):
    """timeout(1) and shells send it to the process and to its group."""
    ping = subprocess.Popen([pair.lab.ferrysh, "-s", pair.router.socket, "-c", "ping 10.0.2.2 count 1000"],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    pair.lab.processes.append(ping)
    while "icmp_seq=1 " not in ping.stdout.readline():
        assert ping.poll() is None
    pair.router.process.send_signal(signal.SIGSTOP)  # so that it can not answer the first before the second comes
    ping.send_signal(signal.SIGINT)
    wait_until(lambda: not pending(ping.pid, signal.SIGINT), what="the first interrupt taken")
    ping.send_signal(signal.SIGINT)
    wait_until(lambda: not pending(ping.pid, signal.SIGINT), what="the second interrupt taken")
    pair.router.process.send_signal(signal.SIGCONT)
    out, err = ping.communicate(timeout=20)
    assert "packet loss" in out and err == "" and ping.returncode == 0


def pending(pid, number):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        masks = [int(line.split()[1], 16) for line in status if line.startswith(("SigPnd", "ShdPnd"))]
    return any(mask >> (number - 1) & 1 for mask in masks)


def test_slow_and_vanished_readers_harm_nobody(pair):
    slow = []
    for _ in range(20):
        client = socket.socket(socket.AF_UNIX)
        client.connect(pair.router.socket)
        client.sendall(b"show ip traffic\nshow interfaces\nshow drops\n" * 60)
        slow.append(client)
    assert " 0% packet loss" in pair.h1.ping("10.0.2.2", 20)
    assert pair.router.json("show version")
    for client in slow[:10]:
        client.close()
    assert pair.router.json("show version")
    for client in slow[10:]:
        client.close()


def test_junk_on_the_socket_is_refused(pair):
    noise = os.urandom(20000).replace(b"\n", b"x") + b"\n"
    for junk in (noise, b"\0" + noise, b"show version\r\n\r\n\r\n", b"\xff" * 5000 + b"\n"):
        client = socket.socket(socket.AF_UNIX)
        client.connect(pair.router.socket)
        try:
            client.sendall(junk)
            client.shutdown(socket.SHUT_WR)
            client.settimeout(10)
            while client.recv(65536):
                pass
        except OSError:
            pass
        client.close()
    assert pair.router.json("show version")


def daemon(pair_or_lab, *arguments, namespace=None):
    command = [pair_or_lab.ferryd, *arguments]
    if namespace is not None:
        command = list(namespace.command(*command))
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_t_checks_only_and_prints_every_error(lab, tmp_path):
    good, bad = tmp_path / "good.conf", tmp_path / "bad.conf"
    good.write_text(TWO_HOSTS)
    bad.write_text('interfaces = (\n  { name = "r0"; addresses = "10.0.1.0/24"; mtu = 12; },\n  { name = "r0"; colour = 1; }\n);\n')
    assert daemon(lab, "-t", "-c", str(good)).returncode == 0
    done = daemon(lab, "-t", "-c", str(bad))
    text = done.stdout + done.stderr
    assert done.returncode == 1
    assert text.count(f"{bad}:2: ") == 2 and text.count(f"{bad}:3: ") == 2 and "colour" in text
    started = daemon(lab, "-c", str(bad), "-s", str(tmp_path / "s"))
    assert started.returncode == 1 and f"{bad}:3: " in started.stderr
    assert daemon(lab, "-t", "-c", str(tmp_path / "none.conf")).returncode == 1
    assert daemon(lab, "--nonsense").returncode == 2
    assert daemon(lab, "-h").returncode == 0
    assert "ferryd" in daemon(lab, "-V").stdout


@pytest.mark.parametrize("sample", sorted(f for f in os.listdir(os.path.join(TOP, "etc")) if f.endswith(".conf")))
def test_samples_are_valid(lab, sample):
    done = daemon(lab, "-t", "-c", os.path.join(TOP, "etc", sample))
    assert done.returncode == 0, done.stderr


def test_the_installed_unit_starts_the_installed_daemon(lab, tmp_path):
    if lab.build != "release":
        pytest.skip("only the release build is installed")
    subprocess.run(["make", "-s", "-C", TOP, "install", f"DESTDIR={tmp_path}", "PREFIX=/opt/r"], check=True, stdout=subprocess.DEVNULL)
    unit = (tmp_path / "opt/r/lib/systemd/system/ferryd.service").read_text()
    command = next(line.partition("=")[2] for line in unit.splitlines() if line.startswith("ExecStart="))
    assert "@" not in command and os.access(f"{tmp_path}{command.split()[0]}", os.X_OK)


def test_signals_and_pid_file(make_pair, tmp_path):
    pid = tmp_path / "pid"
    pair = make_pair(options=("-p", str(pid), "-l", "debug"))
    assert int(pid.read_text()) == pair.router.process.pid
    pair.router.process.send_signal(signal.SIGUSR1)
    pair.router.wait_log(r"10\.0\.1\.0/24")
    pair.router.write(TWO_HOSTS.replace('hostname = "r1"', 'hostname = "renamed"'))
    pair.router.process.send_signal(signal.SIGHUP)
    wait_until(lambda: 'hostname = "renamed"' in pair.router.shell("show running-config"), what="the new hostname")
    pair.router.stop()
    assert not pid.exists() and not os.path.exists(pair.router.socket)


def test_clear_counters(pair):
    pair.h1.ping("10.0.2.2", 3)
    pair.router.shell("clear counters")
    assert pair.router.json("show interfaces")["r0"]["counters"]["rxPackets"] == 0
    pair.h1.ping("10.0.2.2", 3)
    assert pair.router.json("show interfaces")["r0"]["counters"]["rxPackets"] >= 3
    pair.router.balance()
