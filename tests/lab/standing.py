"""Labs that are left up to play with: what they have in common. CHECK=1 tries one and takes it away, DOWN=1 takes away one that
was left up, and LAB=name gives it another name, so that several can stand side by side."""

import glob
import os
import re
import shutil
import signal
import sys
import tempfile

from tests.lab.demo import show
from tests.lab.lab import Lab, LabError, require_root, run, wait_until


def namespaces(prefix):
    return re.findall(rf"^({re.escape(prefix)}-\w+)", run("ip", "netns"), re.MULTILINE)


def take_down(prefix):
    names = namespaces(prefix)

    def pids():
        return [int(pid) for name in names for pid in run("ip", "netns", "pids", name).split()]

    for sign in (signal.SIGTERM, signal.SIGKILL):
        for pid in pids():
            try:
                os.kill(pid, sign)
            except ProcessLookupError:
                pass
        try:
            wait_until(lambda: not pids(), 10, "the end of what runs in the lab")
            break
        except LabError:
            pass
    for name in names:
        run("ip", "netns", "del", name)
    for place in {tempfile.gettempdir(), "/tmp"}:
        for folder in glob.glob(os.path.join(glob.escape(place), f"{prefix}-*")):
            if re.fullmatch(rf"{prefix}-(peer-)?\w{{8}}", os.path.basename(folder)):  # as the lab and its peers make them
                shutil.rmtree(folder, ignore_errors=True)
    print(f"The lab is gone ({len(names)} namespaces)." if names else "There is no such lab.")


def wants(name):
    return os.environ.get(name, "0") not in ("", "0")


class Standing:
    """`make COMMAND`: DRAWING is shown, build(lab) makes the network and waits for it, check(net) tries it, and
    tell(lab, net, down) says how to play with it."""

    def __init__(self, command, default, drawing, build, check, tell, require=lambda: None):
        self.command, self.default, self.drawing = command, default, drawing
        self.build, self.check, self.tell, self.require = build, check, tell, require

    def down(self, prefix):
        """What takes that lab down."""
        return f"sudo make {self.command} DOWN=1" + ("" if prefix == self.default else f" LAB={prefix}")

    def run(self):
        require_root()
        prefix = os.environ.get("LAB") or self.default
        if not re.fullmatch(r"[a-z][a-z0-9]{0,15}", prefix):
            raise LabError(f"LAB={prefix}: a name has up to 16 small letters and digits")
        if wants("DOWN"):
            take_down(prefix)
            return
        self.require()
        check = wants("CHECK")
        if not check and namespaces(prefix):
            raise LabError(f"it is up already; {self.down(prefix)} takes it down")
        with Lab(f"{prefix}-check" if check else prefix, exact=not check, build=None if check else "release") as lab:
            print(self.drawing)
            net = self.build(lab)
            if check:
                self.check(net)
            else:
                text = self.tell(lab, net, self.down(prefix))
                lab.leave_up()
                show("The lab stays up", text)
        if check:
            print("\nIt all worked. Nothing is left behind.")

    def main(self):
        try:
            self.run()
        except LabError as error:
            sys.exit(f"make {self.command} failed: {error}")
