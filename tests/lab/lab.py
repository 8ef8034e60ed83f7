"""The lab: network namespaces, the veth pairs between them, and ferryds in some of them.

Demo, integration tests and benchmarks all make their networks here. Every namespace carries the lab's own prefix. A janitor
process holds the other end of a pipe: when the process that made the lab ends, however it ends, the janitor ends what still
runs in the lab's namespaces and deletes them.

    with Lab("t") as lab:
        h1, r1 = lab.namespace("h1"), lab.namespace("r1")
        lab.link(h1, "eth0", r1, "r0")
        h1.address("eth0", "10.0.1.2/24")
        h1.route("default", "10.0.1.1")
        router = lab.router(r1, CONFIGURATION)
        router.json("show ip route")
"""

import ctypes
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


class LabError(Exception):
    pass


def run(*command, check=True, timeout=60, stdin=None):
    """Runs a command to its end; its output is returned, and is in the error when it fails."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout,
        input=stdin, stdin=subprocess.DEVNULL if stdin is None else None, check=False)
    if check and done.returncode != 0:
        raise LabError(f"{' '.join(command)}: exit status {done.returncode}\n{done.stdout}")
    return done.stdout


def tool(name):
    """The path of tests/bench/NAME.c's program, which is made when it is missing or old."""
    source, program = os.path.join(TOP, "tests", "bench", f"{name}.c"), os.path.join(TOP, "build", "release", name)
    if not os.path.exists(program) or os.path.getmtime(program) < os.path.getmtime(source):
        os.makedirs(os.path.dirname(program), exist_ok=True)
        made = f"{program}.{os.getpid()}"
        run("gcc", "-O2", "-Wall", "-o", made, source)
        os.replace(made, program)
    return program


def wait_until(condition, timeout=10.0, what="the condition"):
    """Asks again and again until CONDITION answers something true, and returns that."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise LabError(f"{what} did not come true within {timeout} s")
        time.sleep(0.02)


_JANITOR = r"""
import os, signal, subprocess, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
names, folders = [], []
for line in sys.stdin:
    kind, _, value = line.strip().partition(" ")
    if kind == "namespace": names.append(value)
    elif kind == "folder": folders.append(value)
    elif kind == "keep": names, folders = [], []
for name in names:
    pids = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True).stdout.split()
    for pid in pids:
        try: os.kill(int(pid), signal.SIGKILL)
        except (ProcessLookupError, ValueError): pass
    subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL)
for folder in folders:
    subprocess.run(["rm", "-rf", folder])
"""


class Namespace:
    """A network namespace: a host, or the place of a router."""

    def __init__(self, lab, name):
        self.lab = lab
        self.short = name
        self.name = f"{lab.prefix}-{name}"
        lab._tell(f"namespace {self.name}")
        run("ip", "netns", "add", self.name)
        self.run("ip", "link", "set", "lo", "up")
        # traceroute sends all its probes at once. A host answers six of them, and those need not be the first when
        # several lanes carried them.
        self.sysctl("net.ipv4.icmp_ratelimit", 0)
        if not lab.ipv6:
            self.sysctl("net.ipv6.conf.all.disable_ipv6", 1)
            self.sysctl("net.ipv6.conf.default.disable_ipv6", 1)

    def command(self, *command):
        return ("ip", "netns", "exec", self.name) + command

    def run(self, *command, **options):
        return run(*self.command(*command), **options)

    def start(self, *command, **options):
        """Starts a process in the namespace; the lab ends it."""
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.STDOUT)
        options.setdefault("text", True)
        process = subprocess.Popen(self.command(*command), stdin=subprocess.DEVNULL, **options)
        self.lab.processes.append(process)
        return process

    def sysctl(self, key, value):
        self.run("sysctl", "-q", "-w", f"{key}={value}")

    def read_sysctl(self, key):
        return self.run("sysctl", "-n", key).strip()

    def address(self, device, address):
        self.run("ip", "address", "add", address, "dev", device)

    def route(self, prefix, gateway):
        self.run("ip", "route", "replace", prefix, "via", gateway)

    def up(self, device, up=True):
        self.run("ip", "link", "set", device, "up" if up else "down")

    def mac(self, device):
        return json.loads(self.run("ip", "-j", "link", "show", device))[0]["address"]

    def counter(self, device, name):
        """A figure of the kernel's for a device, such as tx_packets."""
        return int(self.run("cat", f"/sys/class/net/{device}/statistics/{name}"))

    def offloads(self, device, on):
        state = "on" if on else "off"
        for feature in ("tx", "sg", "tso", "gso", "gro"):
            self.run("ethtool", "-K", device, feature, state, check=False)

    def socket(self, *arguments):
        """A socket of this namespace, made in a thread that visits it."""
        made = []

        def visit():
            with open(f"/run/netns/{self.name}", "rb") as there:
                if _libc.setns(there.fileno(), CLONE_NEWNET) != 0:
                    made.append(OSError(ctypes.get_errno(), f"setns {self.name}"))
                    return
            try:
                made.append(socket.socket(*arguments))
            except OSError as error:
                made.append(error)

        thread = threading.Thread(target=visit)
        thread.start()
        thread.join()
        if isinstance(made[0], OSError):
            raise made[0]
        return made[0]

    def tap(self, device):
        return Tap(self, device)

    def ping(self, address, count=3, *options, check=True, timeout=60):
        return self.run("ping", "-n", "-c", str(count), "-i", "0.05", "-W", "3", *options, address, check=check,
                        timeout=timeout)


class Tap:
    """A raw socket on a device: frames in and out as bytes, for packets that no program of the system would send."""

    def __init__(self, namespace, device):
        self.socket = namespace.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.bind((device, 3))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.socket.setblocking(False)
        namespace.lab.taps.append(self)

    def send(self, frame):
        self.socket.send(bytes(frame))

    def close(self):
        self.socket.close()

    def frames(self, timeout=1.0):
        """Yields what comes in (not what this namespace sends) until nothing more came for TIMEOUT in all."""
        deadline = time.monotonic() + timeout
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                return
            try:
                frame, address = self.socket.recvfrom(65600)
            except BlockingIOError:
                continue
            if address[2] != socket.PACKET_OUTGOING:
                yield frame

    def expect(self, match, timeout=5.0):
        """The first frame that MATCH (a function of its bytes) takes."""
        for frame in self.frames(timeout):
            found = match(frame)
            if found:
                return found if found is not True else frame
        raise LabError(f"no frame matched within {timeout} s")

    def drain(self):
        for _ in self.frames(0.01):
            pass


class Router:
    """A ferryd in a namespace."""

    def __init__(self, lab, namespace, configuration, options=(), wait=True, lanes=None):
        self.lab = lab
        self.namespace = namespace
        self.socket = os.path.join(lab.folder, f"{namespace.short}.sock")
        self.config = os.path.join(lab.folder, f"{namespace.short}.conf")
        lab.started += 1
        self.log_path = os.path.join(lab.folder, f"{namespace.short}-{lab.started}.log")
        lanes = lanes if lanes is not None else lab.lanes
        if lanes > 1 and "forwarding:" not in configuration:
            configuration += f"\nforwarding: {{ lanes = {lanes}; }};\n"
        self.write(configuration)
        self.options = options
        self.process = None
        self.start(wait)

    def write(self, configuration):
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(configuration)

    def start(self, wait=True):
        before = len(re.findall(r"\bready\b", self.log())) if os.path.exists(self.log_path) else 0
        environment = dict(os.environ)
        environment.setdefault("ASAN_OPTIONS", "detect_leaks=1:exitcode=99:abort_on_error=0")
        environment.setdefault("UBSAN_OPTIONS", "print_stacktrace=1:halt_on_error=1")
        environment.setdefault("TSAN_OPTIONS", "halt_on_error=0:exitcode=66")
        log = open(self.log_path, "a", encoding="utf-8")
        self.process = subprocess.Popen(
            self.namespace.command(self.lab.ferryd, "-c", self.config, "-s", self.socket, *self.options),
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
        log.close()
        self.lab.processes.append(self.process)
        if wait:
            self.wait_ready(times=before + 1)

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def wait_ready(self, timeout=30.0, times=1):
        def ready():
            if self.process.poll() is not None:
                raise LabError(f"ferryd ended with {self.process.returncode}:\n{self.log()}")
            return len(re.findall(r"\bready\b", self.log())) >= times
        wait_until(ready, timeout, "ferryd's 'ready'")

    def wait_log(self, pattern, timeout=10.0):
        return wait_until(lambda: re.search(pattern, self.log()), timeout, f"a log line like {pattern!r}")

    def shell(self, *commands, check=True, timeout=60):
        arguments = [self.lab.ferrysh, "-s", self.socket]
        for command in commands:
            arguments += ["-c", command]
        return run(*arguments, check=check, timeout=timeout)

    def json(self, command):
        return json.loads(self.shell(f"{command} json"))

    def reload(self, configuration):
        self.write(configuration)
        return self.shell("reload configuration")

    def stop(self, timeout=20.0):
        """Asks it to end, and fails if it did not end well (a sanitizer's report changes the exit status)."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout)
        log = self.log()
        if status != 0 or "ERROR: " in log or "WARNING: ThreadSanitizer" in log or "runtime error" in log:
            raise LabError(f"ferryd ended with {status}:\n{log[-20000:]}")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def resident_kb(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1))

    def balance(self):
        """Checks that every port's packets are accounted for; returns `show drops json` without the reasons that are 0.

        Lanes go on counting while the figures are read, so what a last straggler adds between two of them is given time to
        be in both; a packet that is in none stays so, and fails."""
        def adds_up():
            ports = self.json("show drops")
            for port in ports.values():
                b = port["balance"]
                accounted = b["forwarded"] + b["delivered"] + b["arp"] + b["dropped"] + b["held"]
                if b["rxPackets"] != accounted or b["dropped"] != sum(port["drops"].values()):
                    return None
                port["drops"] = {reason: count for reason, count in port["drops"].items() if count}
            return ports
        try:
            return wait_until(adds_up, 3.0)
        except LabError as error:
            raise LabError(f"the counters do not add up: {self.json('show drops')}") from error


class Lab:
    def __init__(self, prefix="lab", ipv6=False, build=None, lanes=None, keep=False, exact=False):
        """Its names begin with PREFIX and, unless that is EXACT, with this process's number."""
        self.prefix = prefix if keep or exact else f"{prefix}{os.getpid()}"
        self.ipv6 = ipv6
        self.keep = keep
        self.build = build or os.environ.get("FERRYD_BUILD", "release")
        self.lanes = lanes if lanes is not None else int(os.environ.get("FERRYD_LANES", "1"))
        folder = os.path.join(TOP, "build", self.build)
        self.ferryd = os.path.join(folder, "ferryd")
        self.ferrysh = os.path.join(folder, "ferrysh")
        self.processes = []
        self.routers = []
        self.started = 0
        self.taps = []
        self.namespaces = {}
        self.folder = tempfile.mkdtemp(prefix=f"{self.prefix}-")
        self.janitor = subprocess.Popen([sys.executable, "-c", _JANITOR], stdin=subprocess.PIPE, text=True,
                                        start_new_session=True)
        self._tell(f"folder {self.folder}")

    def _tell(self, line):
        self.janitor.stdin.write(line + "\n")
        self.janitor.stdin.flush()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            for router in self.routers:
                print(f"---- log of {router.namespace.short}\n{router.log()[-8000:]}", file=sys.stderr)
        try:
            if kind is None and not self.keep:
                for router in self.routers:
                    router.stop()
        finally:
            self.close()

    def namespace(self, name):
        self.namespaces[name] = Namespace(self, name)
        return self.namespaces[name]

    def link(self, a, a_device, b, b_device, mtu=None):
        run("ip", "link", "add", a_device, "netns", a.name, "type", "veth", "peer", "name", b_device, "netns", b.name)
        for namespace, device in ((a, a_device), (b, b_device)):
            if mtu is not None:
                namespace.run("ip", "link", "set", device, "mtu", str(mtu))
            namespace.up(device)

    def router(self, namespace, configuration, **options):
        router = Router(self, namespace, configuration, **options)
        self.routers.append(router)
        return router

    def forget(self, router):
        """The lab no longer stops this router at its end: it has been killed, or was meant to fail."""
        self.routers.remove(router)

    def leave_no(self, folder):
        """FOLDER goes with the lab."""
        self._tell(f"folder {folder}")

    def leave_up(self):
        """From now on nothing is ended or cleaned up."""
        self.keep = True
        self._tell("keep")

    def close(self):
        if self.keep:
            self.janitor.stdin.close()
            self.janitor.wait()
            return
        for tap in self.taps:
            tap.close()
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
        self.janitor.stdin.close()
        self.janitor.wait()


def two_hosts(lab, mtu=(None, None)):
    """h1 (10.0.1.2) - r0 [r1's namespace] r1 - h2 (10.0.2.2); the router's namespace has no address."""
    h1, r1, h2 = lab.namespace("h1"), lab.namespace("r1"), lab.namespace("h2")
    lab.link(h1, "eth0", r1, "r0", mtu[0])
    lab.link(h2, "eth0", r1, "r1", mtu[1])
    h1.address("eth0", "10.0.1.2/24")
    h2.address("eth0", "10.0.2.2/24")
    h1.route("default", "10.0.1.1")
    h2.route("default", "10.0.2.1")
    return h1, r1, h2


TWO_HOSTS = """
hostname = "r1";
interfaces = (
  { name = "r0"; addresses = [ "10.0.1.1/24" ]; },
  { name = "r1"; addresses = [ "10.0.2.1/24" ]; }
);
"""


def line(lab, routers, mtu=None):
    """h1 (10.0.1.2) - ra - rb - ... - h2 (10.0.9.2). Router i has ports `left` and `right`; between router i and i+1
    is 10.0.{100+i}.0/24 with .1 and .2. MTU maps the index of such a link to its MTU. Returns hosts, namespaces and
    configurations (static routes both ways)."""
    mtu = mtu or {}
    h1, h2 = lab.namespace("h1"), lab.namespace("h2")
    spaces = [lab.namespace(f"r{i}") for i in range(routers)]
    lab.link(h1, "eth0", spaces[0], "left")
    for i in range(routers - 1):
        lab.link(spaces[i], "right", spaces[i + 1], "left", mtu.get(i))
    lab.link(spaces[-1], "right", h2, "eth0")
    h1.address("eth0", "10.0.1.2/24")
    h2.address("eth0", "10.0.9.2/24")
    h1.route("default", "10.0.1.1")
    h2.route("default", "10.0.9.1")
    configurations = []
    for i in range(routers):
        left = "10.0.1.1/24" if i == 0 else f"10.0.{99 + i}.2/24"
        right = "10.0.9.1/24" if i == routers - 1 else f"10.0.{100 + i}.1/24"
        routes = []
        if i > 0:
            back = f"10.0.{99 + i}.1"
            routes.append(f'{{ prefix = "10.0.1.0/24"; via = "{back}"; }}')
            routes += [f'{{ prefix = "10.0.{100 + j}.0/24"; via = "{back}"; }}' for j in range(i - 1)]
        if i < routers - 1:
            on = f"10.0.{100 + i}.2"
            routes.append(f'{{ prefix = "10.0.9.0/24"; via = "{on}"; }}')
            routes += [f'{{ prefix = "10.0.{100 + j}.0/24"; via = "{on}"; }}' for j in range(i + 1, routers - 1)]
        configurations.append(
            f'hostname = "r{i}";\ninterfaces = (\n  {{ name = "left"; addresses = [ "{left}" ]; }},\n'
            f'  {{ name = "right"; addresses = [ "{right}" ]; }}\n);\nstatic-routes = (\n  ' + ",\n  ".join(routes) + "\n);\n")
    return h1, h2, spaces, configurations


def require_root():
    if os.geteuid() != 0:
        sys.exit("The lab makes network namespaces and needs root: run it with sudo.")
    for program in ("ip", "ping"):
        if shutil.which(program) is None:
            sys.exit(f"'{program}' is missing: run 'make deps' first.")
