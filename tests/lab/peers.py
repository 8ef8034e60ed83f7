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
        with open(f"{self.folder}/{daemon}.out", "a", encoding="utf-8") as out:  # it may outlive us
            self.processes[daemon] = self.namespace.start(f"/usr/lib/frr/{daemon}", *options, stdout=out)
        wait_until(lambda: os.path.exists(f"{self.folder}/{daemon}.vty"), 30, f"{daemon}'s vty")
        if daemon == "zebra":
            wait_until(lambda: os.path.exists(f"{self.folder}/zserv.api"), 30, "zebra's socket")

    def kill(self, daemon="ripd"):
        """Ends it without a goodbye."""
        self.processes[daemon].kill()
        self.processes[daemon].wait()

    def configure(self, *commands):
        self.vtysh("configure terminal", *commands, "end")

    def start_all(self):
        """Both daemons again, after kill_all() or stop()."""
        for daemon in ("zebra", "ripd"):
            for left in (f"{self.folder}/{daemon}.vty", f"{self.folder}/zserv.api" if daemon == "zebra" else None):
                if left is not None and os.path.exists(left):
                    os.unlink(left)
            self.start(daemon)

    def stop(self):
        """As their service is stopped: zebra last."""
        for daemon in ("ripd", "zebra"):
            self.processes[daemon].terminate()
            self.processes[daemon].wait(20)

    def kill_all(self):
        for process in self.processes.values():
            process.kill()
        for process in self.processes.values():
            process.wait()

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

    def table(self):
        """Prefix to (metric, next hops, tag) of what it has learned and believes."""
        found = {}
        for line in self.vtysh("show ip rip").splitlines():
            row = re.match(r"R\(n\) (\S+)\s+(\S+)\s+(\d+) \S+\s+(\d+) \d+:\d+$", line.rstrip())
            if row and int(row.group(3)) < 16:
                prefix, hop, metric, tag = row.groups()
                hops = found.get(prefix, (0, [], 0))[1] + [hop]
                found[prefix] = (int(metric), sorted(hops), int(tag))
        return found

    def bad_packets(self, address):
        """What it refused of ADDRESS; None if it never heard of it."""
        row = re.search(rf"^    {re.escape(address)} +(\d+) ", self.vtysh("show ip rip status"), re.MULTILINE)
        return int(row.group(1)) if row else None

    def log(self):
        text = ""
        for daemon in self.processes:
            with open(f"{self.folder}/{daemon}.log", encoding="utf-8", errors="replace") as file:
                text += file.read()
        return text


class Bird:
    """BIRD with a configuration of its own. What it says goes to a file."""

    def __init__(self, namespace, configuration):
        self.namespace = namespace
        self.folder = _folder(namespace.lab)
        self.process = None
        namespace.sysctl("net.ipv4.ip_forward", 1)
        self._write(configuration)
        self.start()

    def _write(self, configuration):
        with open(f"{self.folder}/bird.conf", "w", encoding="utf-8") as file:
            file.write(f'log "{self.folder}/bird.log" all;\n{configuration}')
        run("/usr/sbin/bird", "-p", "-c", f"{self.folder}/bird.conf")

    def start(self):
        if os.path.exists(f"{self.folder}/bird.ctl"):
            os.unlink(f"{self.folder}/bird.ctl")
        self.process = self.namespace.start("/usr/sbin/bird", "-f", "-c", f"{self.folder}/bird.conf", "-s",
                                            f"{self.folder}/bird.ctl", "-P", f"{self.folder}/bird.pid")
        wait_until(lambda: "ready" in self.birdc("show status", check=False), 30, "BIRD's socket")

    def stop(self):
        self.process.terminate()
        self.process.wait(20)

    def kill(self):
        """Ends it without a goodbye."""
        self.process.kill()
        self.process.wait()

    def configure(self, configuration):
        self._write(configuration)
        answer = self.birdc("configure")
        if "Reconfig" not in answer:
            raise LabError(f"BIRD does not take its configuration: {answer}")

    def birdc(self, command, check=True):
        return run("/usr/sbin/birdc", "-s", f"{self.folder}/bird.ctl", *command.split(), check=check)

    def table(self, protocol="rip1"):
        """Prefix to (metric, next hops, tag) of the RIP routes that it uses."""
        found, prefix = {}, None
        for line in self.birdc(f"show route protocol {protocol} primary all").splitlines():
            head = re.match(r"(\d+\.\d+\.\d+\.\d+/\d+)\s", line)
            if head:
                prefix = head.group(1)
                found[prefix] = [0, [], 0]
            via = re.search(r"via (\S+) on", line)
            attribute = re.search(r"RIP\.(metric|tag): (\w+)", line)
            if via and prefix:
                found[prefix][1].append(via.group(1))
            if attribute and attribute.group(1) == "metric":
                found[prefix][0] = int(attribute.group(2))
            elif attribute:
                found[prefix][2] = int(attribute.group(2), 16)
        return {prefix: (metric, sorted(hops), tag) for prefix, (metric, hops, tag) in found.items()}

    def routes(self, protocol="rip1"):
        """Prefix to (metric, next hops) of the RIP routes that it uses."""
        return {prefix: (metric, hops) for prefix, (metric, hops, _) in self.table(protocol).items()}

    def log(self):
        with open(f"{self.folder}/bird.log", encoding="utf-8", errors="replace") as file:
            return file.read()


def require_frr():
    if not os.path.exists("/usr/lib/frr/ripd"):
        raise LabError("FRR's ripd is missing: make deps")
