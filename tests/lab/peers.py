"""Other routers of the lab: FRR's zebra with ripd, and BIRD, each in a namespace, with everything of theirs in a folder."""

import json
import os
import pwd
import re
import tempfile

from tests.lab.lab import LabError, run, wait_until


def _folder(lab, owner=None):
    folder = tempfile.mkdtemp(prefix=f"{lab.prefix}-peer-", dir="/tmp")
    os.chmod(folder, 0o755)
    if owner is not None:
        entry = pwd.getpwnam(owner)
        os.chown(folder, entry.pw_uid, entry.pw_gid)
    lab.leave_no(folder)
    return folder


class Frr:
    """FRR speaking RIP, or what another DAEMON of it speaks. CONFIGURATION is the daemon's; what zebra has to know is ZEBRA."""

    def __init__(self, namespace, configuration, zebra="", daemon="ripd"):
        self.namespace = namespace
        self.folder = _folder(namespace.lab, "frr")
        self.processes = {}
        namespace.sysctl("net.ipv4.ip_forward", 1)
        for name, text in (("zebra", zebra), (daemon, configuration)):
            with open(f"{self.folder}/{name}.conf", "w", encoding="utf-8") as file:
                file.write(f"hostname {namespace.short}\n{text}")
            self.start(name)

    def start(self, daemon):
        options = ["-i", f"{self.folder}/{daemon}.pid", "-z", f"{self.folder}/zserv.api", "--vty_socket", self.folder,
                   "-f", f"{self.folder}/{daemon}.conf", "-N", self.namespace.name, "--log", f"file:{self.folder}/{daemon}.log"]
        self.processes[daemon] = self.namespace.start(f"/usr/lib/frr/{daemon}", *options)
        wait_until(lambda: os.path.exists(f"{self.folder}/{daemon}.vty"), 30, f"{daemon}'s vty")
        if daemon == "zebra":
            wait_until(lambda: os.path.exists(f"{self.folder}/zserv.api"), 30, "zebra's socket")

    def vtysh(self, *commands, daemon="ripd"):
        arguments = ["vtysh", "--vty_socket", self.folder, "-d", daemon]
        for command in commands:
            arguments += ["-c", command]
        return self.namespace.run(*arguments)

    def routes(self):
        """Prefix to (metric, next hops) of RIP's routes that zebra uses."""
        text = self.vtysh("show ip route rip json", daemon="zebra")
        routes = json.loads(text[text.index("{"):])
        return {prefix: (entries[0]["metric"], sorted(hop["ip"] for hop in entries[0]["nexthops"] if hop.get("fib")))
                for prefix, entries in routes.items() if entries[0].get("selected")}

    def log(self):
        text = ""
        for daemon in self.processes:
            with open(f"{self.folder}/{daemon}.log", encoding="utf-8", errors="replace") as file:
                text += file.read()
        return text


class Bird:
    """BIRD with a configuration of its own."""

    def __init__(self, namespace, configuration):
        self.namespace = namespace
        self.folder = _folder(namespace.lab)
        namespace.sysctl("net.ipv4.ip_forward", 1)
        with open(f"{self.folder}/bird.conf", "w", encoding="utf-8") as file:
            file.write(configuration)
        self.process = namespace.start("/usr/sbin/bird", "-f", "-c", f"{self.folder}/bird.conf", "-s",
                                       f"{self.folder}/bird.ctl", "-P", f"{self.folder}/bird.pid")
        wait_until(lambda: os.path.exists(f"{self.folder}/bird.ctl"), 30, "BIRD's socket")

    def birdc(self, command):
        return run("/usr/sbin/birdc", "-s", f"{self.folder}/bird.ctl", "-r", *command.split())

    def routes(self, protocol="rip1"):
        """Prefix to (metric, next hops) of the RIP routes that it uses."""
        found, prefix = {}, None
        for line in self.birdc(f"show route protocol {protocol} primary").splitlines():
            head = re.match(r"(\d+\.\d+\.\d+\.\d+/\d+)\s.*\(\d+/(\d+)\)", line)
            if head:
                prefix = head.group(1)
                found[prefix] = (int(head.group(2)), [])
            via = re.search(r"via (\S+) on", line)
            if via and prefix:
                found[prefix][1].append(via.group(1))
        return {prefix: (metric, sorted(hops)) for prefix, (metric, hops) in found.items()}


def require_frr():
    if not os.path.exists("/usr/lib/frr/ripd"):
        raise LabError("FRR's ripd is missing: make deps")
