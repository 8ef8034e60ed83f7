"""ferrysh on a terminal, driven as a person would: keys go in, and what counts is what stands on the screen."""

import copy
import os
import re
import signal
import socket
import stat
import subprocess
import threading

import pexpect
import pyte
import pytest

from tests.lab.lab import TOP, TWO_HOSTS, LabError, wait_until

ROUTES = TWO_HOSTS + "static-routes = (\n" + ",\n".join(
    f'  {{ prefix = "10.9.{i}.0/24"; via = "10.0.2.2"; }}' for i in range(200)) + ',\n  { prefix = "172.16.0.0/12"; type = "blackhole"; }\n);\n'
WAIT = 60


class Screen(pyte.HistoryScreen):
    """With the second screen that terminals have for programs that fill it, and pyte has not."""

    SECOND = 1049

    def set_mode(self, *modes, **options):
        super().set_mode(*modes, **options)
        if self.SECOND in modes:
            self.first = copy.deepcopy(dict(self.buffer)), self.cursor.y, self.cursor.x
            self.buffer.clear()

    def reset_mode(self, *modes, **options):
        super().reset_mode(*modes, **options)
        if self.SECOND in modes:
            rows, self.cursor.y, self.cursor.x = self.first
            self.buffer.clear()
            self.buffer.update(rows)


class Terminal:
    """A program on a terminal of its own, and what stands there."""

    def __init__(self, command, home, rows=24, columns=80, echo=False, **environment):
        variables = {"PATH": os.environ["PATH"], "TERM": "xterm", "LANG": "C.UTF-8", "HOME": str(home), **environment}
        self.screen = Screen(columns, rows, history=5000)
        self.stream = pyte.Stream(self.screen)
        self.raw = ""
        self.child = pexpect.spawn(command[0], list(command[1:]), env=variables, dimensions=(rows, columns), encoding="utf-8",
                                   codec_errors="replace", timeout=WAIT, echo=echo)
        self.child.delaybeforesend = None

    def lines(self):
        return [line.rstrip() for line in self.screen.display]

    def text(self):
        return "\n".join(self.lines()).rstrip()

    def take(self):
        """What has come since."""
        try:
            more = self.child.read_nonblocking(65536, timeout=0.05)
        except pexpect.TIMEOUT:
            return
        except pexpect.EOF:
            return
        self.raw += more
        self.stream.feed(more)

    def until(self, condition, what):
        def holds():
            self.take()
            return condition()
        try:
            return wait_until(holds, WAIT, what)
        except LabError as error:
            raise LabError(f"{error}; the screen:\n{self.text()}") from error

    def sees(self, text):
        """Waits until TEXT stands on the screen, or for a pattern that something there matches it."""
        return self.until(lambda: text.search(self.text()) if isinstance(text, re.Pattern) else text in self.text(), f"{text!r}")

    def line(self):
        """The line with the cursor."""
        return self.screen.display[self.screen.cursor.y].rstrip()

    def stands(self, line):
        """Waits until LINE is what the cursor stands in."""
        self.until(lambda: self.line() == line, f"the line {line!r}")

    def keys(self, text):
        self.child.send(text)

    def run(self, line):
        """Types a line and waits for the prompt after it."""
        self.stands("r1#")
        self.clear()
        self.keys(line)
        self.sees(line)
        self.keys("\r")
        self.until(lambda: len(self.lines()) and self.line() == "r1#" and self.screen.cursor.y > 0, "the prompt")
        return self.text()

    def clear(self):
        """Ctrl-L: an empty screen with the prompt at its top."""
        self.keys("\x0c")
        self.until(lambda: self.screen.cursor.y == 0, "an empty screen")

    def resize(self, rows, columns):
        self.screen.resize(rows, columns)
        self.screen.ensure_vbounds()
        self.child.setwinsize(rows, columns)

    def ends(self):
        def over():
            self.take()
            return not self.child.isalive()
        wait_until(over, WAIT, "the end of the program")
        self.child.close()
        if "Sanitizer" in self.raw:
            raise LabError(self.raw)
        return self.child.exitstatus

    def leave(self):
        self.keys("\x04")
        assert self.ends() == 0


@pytest.fixture
def open_terminal(tmp_path):
    opened = []

    def make(router, rows=24, columns=80, ready=True, **environment):
        command = [router.lab.ferrysh, "-s", router.socket]
        terminal = Terminal(command, tmp_path, rows, columns, **environment)
        opened.append(terminal)
        if ready:
            terminal.stands("r1#")
        return terminal

    yield make
    for terminal in opened:
        terminal.child.close(force=True)


def test_tab_completes_words_and_live_values(make_pair, open_terminal):
    pair = make_pair(ROUTES)
    pair.h1.ping("10.0.2.2", 1)
    t = open_terminal(pair.router)
    t.keys("sh\tip\tro\t172.\t")
    t.stands("r1# show ip route 172.16.0.0/12")
    t.keys("\x15ping 10.0.2\t")
    t.stands("r1# ping 10.0.2.2")
    t.keys("\x15ping 10.0.2.2 source 10.0.1\t")
    t.stands("r1# ping 10.0.2.2 source 10.0.1.1")
    t.keys("\x15clear counters r\t\t")
    t.sees(re.compile(r"^r0  r1$", re.M))
    t.stands("r1# clear counters r")
    # what is one of very many is listed so far, and nothing is guessed
    t.keys("\x15show ip route 10.9.\t")
    t.sees(re.compile(r"10\.9\.0\.0/24 .*10\.9\.1\.0/24"))
    t.sees("...")
    t.stands("r1# show ip route 10.9.")
    t.keys("19\t")
    t.sees("10.9.199.0/24")
    t.stands("r1# show ip route 10.9.19")
    t.keys("\x15")
    t.leave()


def test_configuration_mode_completes_routes_and_ctrl_z_leaves_it(make_pair, open_terminal):
    pair = make_pair(ROUTES)
    t = open_terminal(pair.router)
    t.keys("configure terminal\r")
    t.stands("r1(config)#")
    t.keys("no ip route 172.\t")
    t.stands("r1(config)# no ip route 172.16.0.0/12")
    t.keys("\x1a")
    t.stands("r1#")
    assert "172.16.0.0/12" in pair.router.json("show ip route static")
    t.leave()


def test_a_question_mark_helps_and_leaves_the_line(pair, open_terminal):
    t = open_terminal(pair.router)
    t.keys("show ip ro?")
    t.sees(re.compile(r"^  route +The routing table$", re.M))
    t.stands("r1# show ip ro")
    t.keys("\x15ping 10.0.2.2 count ?")
    t.sees(re.compile(r"^  \(1-1000000\) +Requests", re.M))
    t.stands("r1# ping 10.0.2.2 count")
    t.keys("\x15show interfaces ?")
    t.sees(re.compile(r"^  IF .*\(r0, r1\)$", re.M))
    t.sees("<cr>")
    t.keys("\x15ping\x16?")  # one that belongs to the line
    t.stands("r1# ping?")
    t.keys("\x17show a\x17")  # and back, word by word
    t.stands("r1# show")
    t.keys("\x15")
    assert "is up for" in t.run("show version")
    t.leave()


def test_mistakes_are_pointed_at_where_they_stand(pair, open_terminal):
    t = open_terminal(pair.router)
    for line, word, says in (("show ip rote", "rote", '% "rote" is not known here; expected arp'),
                             ("  show ip rote json", "rote", '% "rote" is not known here'),
                             ("e", "e", '% "e" is ambiguous: end or exit'),
                             ("show ip r", "r", "% \"r\" is ambiguous: rip or route"),
                             ("show interfaces gr\u00fcn", "gr\u00fcn", "% there is no interface"),
                             ("pin\u00f6 x", "pin\u00f6", "% \"pin\u00f6\" is not known here")):
        t.run(line)
        rows = t.lines()
        typed = next(i for i, row in enumerate(rows) if row == f"r1# {line}")
        if "json" not in line:
            assert rows[typed + 1].index("^") == rows[typed].rindex(word), t.text()
            assert rows[typed + 2].startswith(says)
        else:  # the document came between the line and its refusal
            assert says in t.text()
    t.run("show ip")
    assert t.lines()[1].index("^") == len("r1# show ip ") and "incomplete" in t.text()
    t.leave()


def test_history_is_kept_and_searched(pair, open_terminal, tmp_path):
    t = open_terminal(pair.router)
    for line in ("show version", "show ip arp", "show ip arp", " show memory", "show users"):
        t.run(line)
    t.leave()
    path = tmp_path / ".local/state/ferrysh/history"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == "show version\nshow ip arp\nshow users\n"
    t = open_terminal(pair.router)
    t.keys("\x1b[A\x1b[A")
    t.stands("r1# show ip arp")
    t.keys("\x15\x12vers")
    t.sees("show version")
    t.keys("\r")
    t.sees("is up for")
    t.stands("r1#")
    t.leave()
    assert path.read_text().endswith("show users\nshow version\n")
    path.write_text("".join(f"show ip route 10.0.0.{i}\n" for i in range(1000)) + "show ip fib\n")
    t = open_terminal(pair.router)
    t.run("show users")
    t.leave()
    rows = path.read_text().splitlines()
    assert len(rows) == 1000 and rows[-2:] == ["show ip fib", "show users"] and rows[0] == "show ip route 10.0.0.2"


def test_history_that_can_not_be_kept_is_said_once(pair, open_terminal, tmp_path):
    (tmp_path / "file").write_text("")
    t = open_terminal(pair.router, XDG_STATE_HOME=f"{tmp_path}/file")
    assert "history is not kept" in t.run("show users")
    assert "history is not kept" not in t.run("show users")
    t.leave()


def test_long_answers_are_paged(make_pair, open_terminal):
    pair = make_pair(ROUTES)
    t = open_terminal(pair.router, 20, 80)
    t.keys("show ip route\r")
    t.sees("Codes:")
    t.until(lambda: t.line() == ":", "the pager's prompt")
    assert "10.9.0.0/24" in t.text() and "10.9.199.0/24" not in t.text()
    t.keys("q")
    t.stands("r1#")
    t.until(lambda: "10.9.0.0/24" in t.text(), "what was shown stays")
    assert "10.9.199.0/24" not in t.text()
    # all of it, to the end
    t.keys("show ip route\r")
    t.until(lambda: t.line() == ":", "the pager's prompt")
    t.keys("G")
    t.sees("172.16.0.0/12")
    t.keys("q")
    t.stands("r1#")
    # Ctrl-C stops the answer; what came of it can still be read
    t.clear()
    t.keys("show ip route\r")
    t.until(lambda: t.line() == ":", "the pager's prompt")
    before = len(t.raw)
    t.keys("\x03")
    t.until(lambda: len(t.raw) > before and t.line() == ":", "the pager's prompt anew")
    t.keys("q")
    t.stands("r1#")
    # short answers, whoever asks for no pages, and a terminal that has room for all
    assert "logg" in t.run("show logging")
    t.run("terminal length 0")
    t.run("show ip route")
    assert "172.16.0.0/12" in t.text()
    t.run("terminal length 10")
    t.keys("show ip route\r")
    t.until(lambda: t.line() == ":", "the pager's prompt")
    t.keys("q")
    t.stands("r1#")
    t.leave()


def test_a_page_is_as_high_as_the_terminal_is_now(make_pair, open_terminal):
    pair = make_pair(ROUTES)
    t = open_terminal(pair.router, 300, 80)
    assert "172.16.0.0/12" in t.run("show ip route")
    t.resize(15, 80)
    t.keys("\x0c")
    t.stands("r1#")
    t.keys("show ip route\r")
    t.until(lambda: t.line() == ":", "the pager's prompt")
    t.resize(30, 80)
    t.sees("10.9.20.0/24")
    t.until(lambda: t.line() == ":", "the pager's prompt")
    t.keys("q")
    t.stands("r1#")
    t.leave()


def test_the_pager_of_the_users_choice(make_pair, open_terminal, tmp_path):
    pair = make_pair(ROUTES)
    seen = tmp_path / "seen"
    t = open_terminal(pair.router, 20, 80, PAGER=f"tee {seen}")
    t.run("show ip route")
    assert "172.16.0.0/12" in seen.read_text() and seen.read_text().startswith("Codes:")
    seen.unlink()
    t.run("show logging")
    t.run("ping 10.0.2.2 count 1")
    assert not seen.exists()
    t.leave()
    for pager in ("", "/nonexistent/pager -x"):
        t = open_terminal(pair.router, 20, 80, PAGER=pager)
        t.run("show ip route")
        assert "172.16.0.0/12" in t.text()
        t.leave()


def test_a_pager_that_is_left_ends_the_command(make_pair, open_terminal):
    pair = make_pair(ROUTES)
    t = open_terminal(pair.router, 20, 80, PAGER="head -n 3")
    t.run("show ip route")
    assert "10.9.199.0" not in t.text()
    assert "is up for" in t.run("show version")
    t.leave()


def test_an_interrupted_ping_says_what_it_saw(pair, open_terminal):
    t = open_terminal(pair.router)
    t.keys("ping 10.0.2.2 count 1000\r")
    t.sees("icmp_seq=2 ")  # as it comes, though it is less than a page
    t.keys("\x03")
    t.sees("packet loss")
    t.stands("r1#")
    t.keys("show nons\x03")
    t.sees("^C")
    t.stands("r1#")
    assert "is up for" in t.run("show version")
    t.leave()


def test_a_ping_may_fill_more_than_the_screen(pair, open_terminal):
    t = open_terminal(pair.router, 6, 80)
    t.keys("ping 10.0.2.2 count 1000\r")
    t.sees("icmp_seq=8 ")
    t.keys("\x03")
    t.sees("packet loss")
    t.stands("r1#")
    t.leave()


def test_a_window_that_changes_under_a_line(pair, open_terminal):
    line = "ping 10.0.2.2 count 1 size 100 source 10.0.2.1"
    t = open_terminal(pair.router, 24, 80)
    t.keys(line)
    t.stands(f"r1# {line}")
    t.resize(24, 30)
    t.until(lambda: t.lines()[:3] == rows(line, 30), "the line in 30 columns")
    t.keys("\x01s")  # at its beginning, on the row above
    t.until(lambda: t.lines()[:3] == rows("s" + line, 30), "the line with a character more")
    t.keys("\x7f\x05\x7f2")
    t.until(lambda: t.lines()[:3] == rows(line[:-1] + "2", 30), "the line with another end")
    t.resize(24, 25)
    t.until(lambda: t.lines()[:3] == rows(line[:-1] + "2", 25), "the line in 25 columns")
    t.resize(24, 100)
    t.stands(f"r1# {line[:-1]}2")
    t.keys("\x7f1\r")
    t.sees("0% packet loss")
    t.stands("r1#")
    t.leave()


def rows(line, columns):
    """The first three rows of the screen when LINE is typed."""
    text = f"r1# {line}"
    return [text[i:i + columns].rstrip() for i in range(0, 3 * columns, columns)]


def test_colours_are_modest_and_can_be_refused(pair, open_terminal):
    t = open_terminal(pair.router)
    assert t.screen.buffer[0][0].bold
    t.run("bogus")
    row = next(i for i, text in enumerate(t.lines()) if text.startswith("% "))
    assert t.screen.buffer[row][0].fg == "red" and t.screen.buffer[row - 1][4].fg == "red"
    t.leave()
    for plain in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        t = open_terminal(pair.router, **plain)
        t.keys("bogus\r")
        t.sees("is not known here")
        t.stands("r1#")
        assert "\x1b[1m" not in t.raw and "\x1b[31m" not in t.raw
        t.leave()


def test_no_colour_without_a_terminal(pair):
    wrong = subprocess.run([pair.lab.ferrysh, "-s", pair.router.socket, "-c", "bogus"], capture_output=True, text=True, timeout=60,
                           check=False, env={**os.environ, "TERM": "xterm"})
    assert wrong.returncode == 1 and "\x1b" not in wrong.stderr and "\n  bogus\n  ^\n" in wrong.stderr


def test_a_router_that_goes_away_is_told_at_once(make_pair, open_terminal):
    pair = make_pair()
    t = open_terminal(pair.router)
    t.keys("show ver")
    t.stands("r1# show ver")
    pair.router.stop()
    t.sees("ferryd closed the connection")
    assert t.ends() == 2


def test_a_terminal_that_is_closed_ends_its_session(pair, open_terminal):
    t = open_terminal(pair.router)
    t.keys("ping 10.0.2.2 count 1000\r")
    t.sees("icmp_seq=1 ")
    assert sessions(pair) == 2
    t.child.kill(signal.SIGKILL)
    wait_until(lambda: sessions(pair) == 1, WAIT, "the end of the session")
    t = open_terminal(pair.router)
    t.keys("ping 10.0.2.2 count 1000\r")
    t.sees("icmp_seq=1 ")
    t.child.close(force=False)  # the terminal hangs up
    wait_until(lambda: sessions(pair) == 1, WAIT, "the end of the session")


def sessions(pair):
    """How many there are, the one that asks among them."""
    return len(pair.router.json("show users")["users"])


# ---- a router that says just what a test wants ----


class Script:
    """The other end of the socket, in the test's own hands."""

    def __init__(self, folder):
        self.path = f"{folder}/script.sock"
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(1)
        self.listener.settimeout(WAIT)
        self.peer = None

    def greet(self, prompt="r1# "):
        self.peer = self.listener.accept()[0]
        self.peer.settimeout(WAIT)
        assert self.peer.recv(1) == b"\0"
        self.say("P", prompt)

    def say(self, kind, text=""):
        self.peer.sendall(frame(kind, text))

    def hears(self, kind):
        """The text of the next frame, which is of that kind."""
        head = self.receive(5)
        text = self.receive(int.from_bytes(head[1:], "big"))
        assert head[:1] == kind.encode(), (head, text)
        return text.decode()

    def receive(self, count):
        got = b""
        while len(got) < count:
            more = self.peer.recv(count - len(got))
            assert more, "ferrysh closed the connection"
            got += more
        return got

    def answer(self, output, prompt="r1# "):
        for kind, text in (("O", output), ("P", prompt), ("D", "\0")):
            self.say(kind, text)

    def close(self):
        self.listener.close()
        if self.peer is not None:
            self.peer.close()


def frame(kind, text):
    text = text.encode()
    return kind.encode() + len(text).to_bytes(4, "big") + text


@pytest.fixture
def script(tmp_path):
    made = Script(tmp_path)
    yield made
    made.close()


@pytest.fixture
def scripted(lab, script, tmp_path):
    """A terminal on the script."""
    opened = []

    def make(rows=24, columns=80, prompt="r1# ", **environment):
        t = Terminal([lab.ferrysh, "-s", script.path], tmp_path, rows, columns, **environment)
        opened.append(t)
        script.greet(prompt)
        t.stands(prompt.rstrip())
        return t

    yield make
    for t in opened:
        t.child.close(force=True)


def test_lines_of_the_log_come_above_the_prompt(script, scripted):
    t = scripted(10, 30)
    t.keys("ping 10.0.2.2 count 1 size 100 source 10.0.2.1\x1b[D\x1b[D")
    t.sees(re.compile(r"10\.0\.2\.1$"))
    script.say("L", "r0: carrier lost\nr0: is \x1b[2Jdown")
    t.until(lambda: t.lines()[:4] == ["r0: carrier lost", "r0: is .[2Jdown", "r1# ping 10.0.2.2 count 1 size",
                                      " 100 source 10.0.2.1"], "the log above the line")
    t.keys("X\r")
    assert script.hears("C") == "ping 10.0.2.2 count 1 size 100 source 10.0.2X.1"
    script.say("S")
    script.say("O", "one\n")
    script.say("L", "r0: is up\n")
    t.sees("one\nr0: is up")
    script.answer("two\n")
    t.sees("one\nr0: is up\ntwo\nr1#")
    t.leave()


def test_terminal_monitor_while_a_line_is_typed(pair, open_terminal):
    t = open_terminal(pair.router)
    t.run("terminal monitor")
    t.clear()
    t.keys("show ver")
    t.stands("r1# show ver")
    pair.h1.up("eth0", False)
    t.until(lambda: "r0" in t.lines()[0] and t.line() == "r1# show ver", "a line of the log above the prompt")
    t.keys("sion\r")
    t.sees("is up for")
    t.leave()


def test_a_log_waits_until_the_pager_is_left(script, scripted):
    t = scripted(10, 60)
    t.keys("show\r")
    script.hears("C")
    script.say("O", "".join(f"row {i}\n" for i in range(40)))
    t.until(lambda: t.line() == ":", "the pager's prompt")
    script.say("L", "r0: is down\n")
    script.answer("the end\n")
    t.keys("G")
    t.sees("the end")
    assert "is down" not in t.text()
    t.keys("q")
    t.sees("r0: is down\nr1#")
    t.leave()


def test_a_pager_that_is_left_while_nothing_comes(script, scripted):
    t = scripted(10, 60)
    t.keys("show\r")
    script.hears("C")
    script.say("O", "".join(f"row {i}\n" for i in range(40)))
    t.until(lambda: t.line() == ":", "the pager's prompt")
    t.keys("q")
    assert script.hears("I") == ""
    script.say("O", "too late\n")
    script.say("I")
    script.answer("")
    t.stands("r1#")
    assert "too late" not in t.text()
    t.leave()


@pytest.mark.parametrize("key", ["q", "\x03"])
def test_what_is_not_looked_at_waits_in_the_router(script, scripted, key):
    t = scripted(10, 60)
    t.keys("show\r")
    script.hears("C")
    rows, sent = frame("O", "row\n" * 8000), 0
    script.peer.settimeout(2)
    with pytest.raises(TimeoutError):
        while sent < 64 << 20:
            script.peer.sendall(rows)
            sent += len(rows)
    assert 0 < sent < 8 << 20
    script.peer.settimeout(WAIT)
    t.until(lambda: t.line() == ":", "the pager's prompt")
    t.keys(key)
    assert script.hears("I") == ""


def test_ctrl_z_leaves_configuration(script, scripted):
    t = scripted(prompt="r1(config-if)# ")
    t.keys("no shut\x1a")
    assert script.hears("C") == "end"
    t.sees("r1(config-if)# end")
    script.answer("", "r1# ")
    t.stands("r1#")
    t.keys("show\x1a users\r")
    assert script.hears("C") == "show users"
    script.answer("nobody\n")
    t.sees("nobody\nr1#")
    t.leave()


def test_half_a_frame_holds_nobody_up(script, scripted):
    t = scripted()
    script.peer.sendall(b"L\0\0")
    t.keys("show")
    t.stands("r1# show")
    script.peer.sendall(b"\0\5hello")
    t.sees("hello\nr1# show")
    # nobody answers the question: Ctrl-C ends the waiting, and the late answer is not taken for another's
    t.keys("\t")
    assert script.hears("T") == "show"
    t.keys("\x03")
    t.sees("^C\nr1#")
    t.keys("cl\t")
    assert script.hears("T") == "cl"
    script.say("T", "shown\n")
    script.say("T", "clear\n")
    t.stands("r1# clear")
    script.say("Z", "what later servers say is passed over")
    script.peer.sendall(b"O\xff\xff\xff\xff")
    t.sees("ferryd closed the connection")
    assert t.ends() == 2


def test_an_interrupt_gets_through_a_flood(script, scripted):
    t = scripted(PAGER="")
    t.keys("show\r")
    script.hears("C")
    done, frames = threading.Event(), frame("O", "") * 100000

    def flood():  # as fast as can be: there is always something to read
        while not done.is_set():
            script.peer.sendall(frames)

    feeder = threading.Thread(target=flood)
    feeder.start()
    try:
        t.keys("\x03")
        assert script.hears("I") == ""
    finally:
        done.set()
        feeder.join()


# ---- without a terminal ----


def test_scripts_may_say_terminal_length(pair):
    done = subprocess.run([pair.lab.ferrysh, "-s", pair.router.socket], input="# pages\nterminal length 0\nterm len 24\nshow logging\n"
                          "terminal length 1000\nshow version\n", capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and "line 5: " in done.stderr and "(0-512)" in done.stderr and "is up for" not in done.stdout


def test_bash_completes_commands_of_the_router(pair, tmp_path):
    """The script asks the running router."""
    t = Terminal(["bash", "--norc", "--noprofile", "-i"], tmp_path, 24, 130, echo=True)
    t.keys(f"PATH={os.path.dirname(pair.lab.ferrysh)}:$PATH; . {TOP}/etc/ferrysh.bash-completion; PS1='now: '; clear\r")
    t.until(lambda: t.text() == "now:", "the prompt")
    t.keys(f"ferrysh -s {pair.router.socket} -c 'sh ip ro\t")
    t.sees("-c 'sh ip route'")
    t.keys(" -c show\\ ip\\ route\\ conn\t")
    t.sees("-c 'sh ip route' -c show\\ ip\\ route\\ connected")
    t.keys("\x15ferrysh --comp\t")
    t.sees("ferrysh --complete")
    t.keys("\x15exit\r")
    assert t.ends() == 0
