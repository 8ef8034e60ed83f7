"""monitor: the full screen of ferrysh on a terminal, and lines of JSON elsewhere."""

import json
import os
import re
import signal
import subprocess
import threading

import pexpect
import pytest

from tests.integration.test_terminal import WAIT, frame, open_terminal, script, scripted  # noqa: F401
from tests.lab.lab import TWO_HOSTS, wait_until

OPENS, CLOSES = "\x1b[?1049h", "\x1b[?1049l"  # the second screen that terminals have for such programs
DROPPING = TWO_HOSTS + 'static-routes = ( { prefix = "10.66.0.0/16"; type = "blackhole"; } );\n'


def interface(name, rate=0, up=True):
    return {"name": name, "up": up, "rxBits": rate, "rxPackets": rate // 1000, "txBits": 0, "txPackets": 0}


def look(interfaces=(interface("r0"),), drops=(), top=(), **more):
    return json.dumps({"hostname": "r1", "seconds": 90061, "interfaces": list(interfaces), "drops": list(drops), "top": list(top), **more})


def named(t):
    """The interfaces on the screen, from the top."""
    return [line.split()[0] for line in t.lines()[1:] if re.match(r"\S+ +(up|down) ", line)]


def flood(pair, destination):
    """Packets through the router for as long as the test can last."""
    return pair.h1.start("ping", "-q", "-f", "-i", "0.002", "-w", "600", destination)


@pytest.fixture
def watching(script, scripted):  # noqa: F811
    """A terminal on a script that is asked for looks, which fill the screen."""
    def make(first, rows=24, columns=80, **environment):
        t = scripted(rows, columns, **{"TERM": "screen", **environment})
        t.keys("monitor\r")
        assert script.hears("C") == "monitor"
        script.say("V", first)
        t.sees("q quit")
        return t

    return make


def leave(t, script, key="q"):  # noqa: F811
    t.keys(key)
    assert script.hears("I") == ""
    t.until(lambda: CLOSES in t.raw, "the end of the full screen")
    script.say("V", look([interface("late")]))
    script.say("I")
    script.answer("")
    t.stands("r1#")
    assert t.raw.count(OPENS) == t.raw.count(CLOSES) and "late" not in t.raw


def test_the_router_at_a_glance(make_pair, open_terminal):  # noqa: F811
    pair = make_pair(DROPPING)
    t = open_terminal(pair.router, 24, 100, TERM="screen")
    t.run("show version")
    flood(pair, "10.0.2.2")
    flood(pair, "10.66.0.1")
    t.keys("monitor\r")
    t.sees(re.compile(r"^r1  up \d\d:\d\d:\d\d .* \d\d:\d\d:\d\d$", re.M))
    t.sees(re.compile(r"^r0 +up +\d[\d.]* [kM]bit/s +[1-9]\S*( k)? +\d[\d.]* [kM]bit/s.*[▁-█]", re.M))
    t.sees(re.compile(r"^10\.0\.2\.0/24 +\d+\.\d % +\d+\.\d %  [█-▏]", re.M))
    t.sees(re.compile(r"^blackhole +\d+ +[1-9]\d* /s$", re.M))
    assert named(t) == ["r0", "r1"]
    pair.h2.up("eth0", False)
    t.sees(re.compile(r"^r1 +down ", re.M))
    t.keys("q")
    t.stands("r1#")
    assert CLOSES in t.raw
    assert "is up for" in t.run("show version")
    t.leave()


@pytest.mark.parametrize("key", ["q", "Q", "\x03", "\x1b"])
def test_keys_that_leave(script, watching, key):  # noqa: F811
    t = watching(look())
    leave(t, script, key)
    t.keys("show version\r")  # the line editor has its terminal again
    assert script.hears("C") == "show version"
    script.answer("one\n")
    t.sees("show version\none\nr1#")
    t.leave()


def test_a_key_gets_through_a_flood(script, watching):  # noqa: F811
    t = watching(look())
    done, frames = threading.Event(), frame("Z", "") * 100000

    def flood_frames():
        while not done.is_set():
            script.peer.sendall(frames)

    feeder = threading.Thread(target=flood_frames)
    feeder.start()
    try:
        t.keys("q")
        assert script.hears("I") == ""
    finally:
        done.set()
        feeder.join()


def test_a_terminal_that_hangs_up_ends_it(pair, open_terminal):  # noqa: F811
    t = open_terminal(pair.router, TERM="screen")
    t.keys("monitor\r")
    t.sees("q quit")
    assert len(pair.router.json("show users")["users"]) == 2
    t.child.close(force=False)
    wait_until(lambda: len(pair.router.json("show users")["users"]) == 1, WAIT, "the end of the session")


def test_more_interfaces_than_lines(script, watching):  # noqa: F811
    many = [interface(f"r{i}", 1000 * ((i * 7) % 30)) for i in range(30)]
    t = watching(look(many), 10, 80)
    t.until(lambda: named(t) == [f"r{i}" for i in range(6)], "the first ones")
    assert "interfaces 1-6 of 30" in t.text()
    for key, first in (("\x1b[B", 1), ("\x1b[6~", 7), ("\x1b[5~", 1), ("\x1b[A", 0), ("\x1b[A", 0), ("\x1b[4~", 24), ("\x1b[B", 24),
                       ("\x1b[1~", 0)):
        t.keys(key.replace("[B", "OB").replace("[A", "OA"))
        t.until(lambda: named(t) == [f"r{i}" for i in range(first, first + 6)], f"those from {first}")
    t.keys("s")
    t.until(lambda: named(t) == [f"r{i}" for i in (17, 4, 21, 8, 25, 12)], "the busiest first")
    t.keys("s\x1bOB")
    t.until(lambda: named(t) == [f"r{i}" for i in range(1, 7)], "the order of the configuration")
    leave(t, script)
    t.leave()


def test_the_window_is_followed(script, watching):  # noqa: F811
    many = [interface(f"r{i}") for i in range(30)]
    t = watching(look(many), 10, 80)
    t.resize(20, 120)
    t.until(lambda: len(named(t)) == 16 and t.lines()[19].endswith("interfaces 1-16 of 30"), "a higher picture")
    assert t.screen.display[0].rstrip().endswith(t.text().splitlines()[0][-8:]) and len(t.screen.display[0].rstrip()) == 120
    t.resize(5, 30)
    t.until(lambda: named(t) == ["r0", "r1"] and t.lines()[4].startswith("q quit"), "a low one")
    t.resize(1, 3)
    t.until(lambda: t.text() == "r1", "the least that there is")
    t.resize(24, 80)
    t.until(lambda: len(named(t)) == 20, "and back")
    leave(t, script)
    t.leave()


def test_a_pause_and_the_keys(script, watching):  # noqa: F811
    t = watching(look())
    t.keys("p")
    t.sees("  paused")
    script.say("V", look([interface("r0"), interface("new0")]))
    script.say("L", "r0: is up\n")  # read after the look
    t.keys("?")
    t.sees(re.compile(r"^s +sort interfaces by rate", re.M))
    t.keys("?")
    t.until(lambda: named(t) == ["r0"], "the picture as it was")
    t.keys("p")
    t.until(lambda: named(t) == ["r0", "new0"] and "paused" not in t.text(), "it goes on")
    assert "r0: is up" not in t.text()
    leave(t, script)
    t.sees("r0: is up")
    t.leave()


@pytest.mark.parametrize("no_colour", [False, True])
def test_drops_that_grow_stand_out(script, watching, no_colour):  # noqa: F811
    drops = [{"reason": "no-route", "count": 5, "perSecond": 0}, {"reason": "ttl", "count": 70, "perSecond": 7}]
    t = watching(look(drops=drops), **({"NO_COLOR": "1"} if no_colour else {}))
    t.sees(re.compile(r"^ttl +70 +7 /s\nno-route +5 +0 /s$", re.M))
    row = next(i for i, line in enumerate(t.lines()) if line.startswith("ttl"))
    assert t.screen.buffer[row][0].fg == ("default" if no_colour else "red")
    assert t.screen.buffer[row + 1][0].fg == "default"
    leave(t, script)
    t.leave()


def test_a_locale_without_blocks(script, watching):  # noqa: F811
    top = [{"prefix": "10.0.2.0/24", "packets": 0.25, "bytes": 0.5}]
    t = watching(look([interface("r0", 10**6)], top=top), LANG="C", LC_ALL="C")
    t.sees(re.compile(r"^r0 +up +1\.0 Mbit/s .* #$", re.M))
    t.sees(re.compile(r"^10\.0\.2\.0/24 +50\.0 % +25\.0 %  #{20}$", re.M))
    leave(t, script)
    t.leave()


def test_what_a_look_says_steers_no_terminal(script, watching):  # noqa: F811
    evil = "e\x1b[2J\x9b1m\x07\u202eth\n0"
    t = watching(look([interface(evil)], [{"reason": evil, "count": -5, "perSecond": 1 << 62}],
                      [{"prefix": evil, "packets": -1, "bytes": 7e300}], hostname=evil, later=[{"than": None}]))
    t.until(lambda: named(t) == ["e.[2J.1m..th.0"], "dots")
    assert t.text().startswith("e.[2J.1m..th.0  up ") and "999.9 P/s" in t.text() and "100.0 %" in t.text()
    leave(t, script)
    t.leave()


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"hostname":"r1"', look(interfaces=[{"name": "r0"}]), look(seconds="1"),
                                  look(top=[3]), look().replace('"drops": []', '"drops": {}'), look(interfaces=[{**interface("r0"), "up": 1}]),
                                  "[" * 60000])
def test_a_look_that_is_none_ends_it(script, watching, text):  # noqa: F811
    t = watching(look())
    script.say("V", text)
    assert script.hears("I") == ""
    t.sees("ferrysh: ferryd sent a look that can not be read")
    assert CLOSES in t.raw
    script.say("I")
    script.answer("")
    t.stands("r1#")
    t.leave()


def test_a_refusal_restores_the_screen(script, watching):  # noqa: F811
    t = watching(look())
    script.say("O", "said meanwhile\n")
    script.say("R", "the system gave no memory")
    script.say("P", "r1# ")
    script.say("D", "\1")
    t.sees("said meanwhile\n% the system gave no memory\nr1#")
    assert t.raw.index(CLOSES) < t.raw.index("said meanwhile")
    t.leave()


def test_a_router_that_goes_away_restores_the_screen(make_pair, open_terminal):  # noqa: F811
    pair = make_pair()
    t = open_terminal(pair.router, TERM="screen")
    t.keys("monitor\r")
    t.sees("q quit")
    pair.lab.forget(pair.router)
    pair.router.kill()
    t.sees("ferrysh: ferryd closed the connection")
    assert t.ends() == 2
    assert t.raw.index(CLOSES) < t.raw.index("closed the connection")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_restore_the_screen(script, watching, number):  # noqa: F811
    t = watching(look())
    t.child.kill(signal.SIGTSTP)  # is not heard: the picture stays
    script.say("V", look([interface("r0"), interface("new0")]))
    t.until(lambda: named(t) == ["r0", "new0"], "the next look")
    t.child.kill(number)
    assert t.ends() is None and t.child.signalstatus == number
    assert CLOSES in t.raw


def test_an_interrupt_restores_the_screen(script, watching):  # noqa: F811
    t = watching(look())
    t.child.kill(signal.SIGINT)
    assert script.hears("I") == ""
    t.until(lambda: CLOSES in t.raw, "the end of the full screen")
    script.say("I")
    script.answer("")
    t.stands("r1#")
    t.leave()


def test_a_command_of_the_command_line_fills_the_screen_too(pair, tmp_path):
    child = pexpect.spawn(pair.lab.ferrysh, ["-s", pair.router.socket, "-c", "monitor count 2"], timeout=WAIT,
                          env={"PATH": os.environ["PATH"], "TERM": "screen", "LANG": "C.UTF-8"}, encoding="utf-8")
    child.expect_exact(OPENS)
    child.expect_exact("q quit")
    child.expect_exact(CLOSES)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


@pytest.mark.parametrize("term", ["dumb", "", "no-such-terminal"])
def test_a_terminal_that_can_not_be_filled_gets_lines(pair, open_terminal, term):  # noqa: F811
    t = open_terminal(pair.router, 24, 1000, TERM=term)
    t.keys("monitor count 1\r")
    t.sees(re.compile(r'^\{"hostname":"r1","seconds":.*\}$', re.M))
    t.stands("r1#")
    t.leave()


def test_elsewhere_each_look_is_a_line_of_json(pair):
    flood(pair, "10.0.2.2")
    with subprocess.Popen([pair.lab.ferrysh, "-s", pair.router.socket, "-c", "monitor"], stdout=subprocess.PIPE, text=True) as process:
        def carries():
            seen = json.loads(process.stdout.readline())
            return seen["interfaces"][0]["rxBits"] > 0 and "10.0.2.0/24" in [row["prefix"] for row in seen["top"]]
        wait_until(carries, WAIT, "traffic in a look")
        process.send_signal(signal.SIGINT)
        assert process.wait(WAIT) == 0
    done = subprocess.run([pair.lab.ferrysh, "-s", pair.router.socket, "-c", "monitor count 2"], capture_output=True, text=True,
                          timeout=WAIT, check=True)
    looks = [json.loads(line) for line in done.stdout.splitlines()]
    assert [seen["hostname"] for seen in looks] == ["r1", "r1"]
    assert [row["name"] for row in looks[1]["interfaces"]] == ["r0", "r1"]


class Tmux:
    """A tmux of the test's own, with one window."""

    def __init__(self, folder, *command, rows, columns):
        self.path = f"{folder}/tmux.sock"
        environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(folder), "SHELL": "/bin/sh", "TERM": "screen"}
        subprocess.run(["tmux", "-u", "-S", self.path, "-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows),
                        *command], env=environment, check=True, timeout=WAIT)

    def do(self, *words):
        return subprocess.run(["tmux", "-S", self.path, *words], capture_output=True, text=True, check=True, timeout=WAIT).stdout

    def text(self):
        return self.do("capture-pane", "-p").rstrip()

    def sees(self, pattern):
        try:
            return wait_until(lambda: re.search(pattern, self.text(), re.M), WAIT, pattern)
        except AssertionError:
            raise
        except Exception as error:
            raise AssertionError(f"{error}; the screen:\n{self.text()}") from error


@pytest.fixture
def in_tmux(tmp_path):
    opened = []

    def make(*command, rows=24, columns=80):
        opened.append(Tmux(tmp_path, *command, rows=rows, columns=columns))
        return opened[-1]

    yield make
    for tmux in opened:
        tmux.do("kill-server")


def test_in_a_real_terminal(pair, in_tmux):
    flood(pair, "10.0.2.2")
    t = in_tmux(pair.lab.ferrysh, "-s", pair.router.socket, rows=24, columns=100)
    t.sees(r"^r1#$")
    t.do("send-keys", "show version", "Enter")
    t.sees(r"is up for[^$]*^r1#$")
    before = t.text()
    t.do("send-keys", "monitor", "Enter")
    t.sees(r"^r0 +up +[1-9][\d.]* [kM]bit/s +[1-9].*[▁-█]")
    t.sees(r"^10\.0\.2\.0/24 +\d+\.\d % +\d+\.\d %  [█-▏]")
    assert "is up for" not in t.text()
    t.do("resize-window", "-x", "60", "-y", "12")
    wait_until(lambda: len(t.text().splitlines()) == 12 and t.text().splitlines()[-1].startswith("q quit"), WAIT, "a smaller picture")
    t.sees(r"^r0 +up +[1-9][\d.]* [kM]bit/s")
    assert max(len(line) for line in t.text().splitlines()) == 60
    t.do("resize-window", "-x", "100", "-y", "24")
    wait_until(lambda: len(t.text().splitlines()) == 24, WAIT, "the picture as it was")
    t.do("send-keys", "q")
    t.sees(r"^r1# monitor\nr1#$")
    assert t.text() == f"{before} monitor\nr1#"
