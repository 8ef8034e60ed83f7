"""make lint: the rules of the house that no compiler checks. Formatting and static analysis are run by the Makefile."""

import os
import re
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FLOORS = ["forwarding", "protocols", "cli", "daemon"]  # from the ground up
FORBIDDEN = {
    "forwarding": r"event2?/|event\.h|evutil|libconfig|netlink/|jansson|histedit|editline|pcap|nettle/",
    "protocols": r"event2?/|event\.h|evutil|libconfig|netlink/|jansson|histedit|editline|pcap",
    "cli": r"libconfig|netlink/",
}
# What undefined symbols of a floor may come from, besides libc and the compiler's own: liburcu (whose inlines call its futexes)
# and, for digests, nettle.
LIBRARIES = {"forwarding": r"^(urcu_qsbr|rcu|compat_futex)_", "protocols": r"^nettle_"}

problems = []


def sources(folder):
    for where, _, names in os.walk(os.path.join(TOP, folder)):
        for name in sorted(names):
            if name.endswith((".c", ".h")):
                yield os.path.relpath(os.path.join(where, name), TOP)


def check_includes():
    for level, floor in enumerate(FLOORS):
        for path in sources(floor):
            with open(os.path.join(TOP, path), encoding="utf-8") as file:
                for number, text in enumerate(file, 1):
                    local = re.match(r'#include "([^/"]+)/', text)
                    if re.match(r'#include "', text) and not (local and local.group(1) in FLOORS):
                        problems.append(f"{path}:{number}: includes are written from the top of the tree")
                    elif local and FLOORS.index(local.group(1)) > level:
                        problems.append(f"{path}:{number}: {floor}/ includes {local.group(1)}/, which is above it")
                    system = re.match(r"#include <([^>]+)>", text)
                    if system and re.match(FORBIDDEN.get(floor, r"^$"), system.group(1)):
                        problems.append(f"{path}:{number}: {floor}/ may not use <{system.group(1)}>")


def check_first_lines():
    for path in sources("forwarding"):
        with open(os.path.join(TOP, path), encoding="utf-8") as file:
            if not re.match(r"/\* (lane|core|pure)\b", file.readline()):
                problems.append(f"{path}:1: the first line says whose it is: /* lane: ..., /* core: ... or /* pure: ...")


def defined(library, flag):
    rows = subprocess.run(["nm", flag, library], capture_output=True, text=True, check=True).stdout
    return {row.split()[-1].split("@")[0] for row in rows.splitlines() if len(row.split()) >= 2 and not row.endswith(":")}


def check_symbols():
    """A floor's undefined symbols are its own, those of the floors below, libc's, and the libraries it may use."""
    libc = set()
    for name in ("libc.so.6", "ld-linux-x86-64.so.2", "libm.so.6", "libgcc_s.so.1"):
        found = subprocess.run(["gcc", f"-print-file-name={name}"], capture_output=True, text=True, check=True).stdout.strip()
        if os.path.exists(found):
            rows = subprocess.run(["nm", "-D", "--defined-only", found], capture_output=True, text=True, check=True).stdout
            libc |= {row.split()[-1].split("@")[0] for row in rows.splitlines() if row}
    below = set()
    for floor, allowed in LIBRARIES.items():
        library = os.path.join(TOP, "build", "release", f"lib{floor}.a")
        below |= defined(library, "--defined-only")
        for symbol in sorted(defined(library, "-u") - below - libc):
            if not re.match(allowed, symbol) and symbol not in ("_GLOBAL_OFFSET_TABLE_",):
                problems.append(f"lib{floor}.a: uses {symbol}, which is neither libc's nor of a floor below")


def check_words():
    for folder in FLOORS + ["tests"]:
        for path in sources(folder):
            with open(os.path.join(TOP, path), encoding="utf-8") as file:
                for number, text in enumerate(file, 1):
                    if re.search(r"\b(strcpy|strcat|sprintf|vsprintf|gets)\(", text):
                        problems.append(f"{path}:{number}: strcpy, strcat and sprintf are not used here")


CONFORMANCE = os.path.join("man", "ferryd-conformance.7")


def has_test(path, name):
    """Whether the file has that function; of a unit test and a case of the simulation, whether it is in the list of cases."""
    with open(os.path.join(TOP, path), encoding="utf-8") as file:
        text = file.read()
    if path.endswith(".py"):
        return re.search(rf"^def {name}\(", text, re.MULTILINE) is not None
    listed = not re.match(r"tests/unit/|tests/sim/cases", path) or re.search(rf",\s+{name}\}}", text)
    return bool(listed) and re.search(rf"^\w[\w ]* {name}\(", text, re.MULTILINE) is not None


def check_conformance():
    """The tests that the table of conformance names exist, every row that is done has one, and rows stand in order."""
    row = order = None
    rows = 0

    def close():
        if row and row["state"] in ("yes", "by choice") and not row["tests"]:
            problems.append(f"{CONFORMANCE}:{row['line']}: no test is named")

    with open(os.path.join(TOP, CONFORMANCE), encoding="utf-8") as file:
        for number, text in enumerate(file, 1):
            head = re.match(r"\.It ([\d.]+) : (.*)$", text)
            test = re.match(r"\.Dl (\S+): (.*)$", text)
            if head or re.match(r"\.S[hs] ", text):
                close()
                row = None
            if text.startswith(".Sh RFC"):
                order = []
            elif head:
                rows += 1
                section = [int(part) for part in head.group(1).split(".")]
                row = {"line": number, "state": head.group(2), "tests": 0}
                if row["state"] not in ("yes", "by choice", "not", "not ours"):
                    problems.append(f"{CONFORMANCE}:{number}: '{row['state']}' is none of the four words")
                if section < order:
                    problems.append(f"{CONFORMANCE}:{number}: section {head.group(1)} stands behind a later one")
                order = section
            elif row and test:
                path = os.path.join("tests", test.group(1))
                row["tests"] += 1
                if not os.path.exists(os.path.join(TOP, path)):
                    problems.append(f"{CONFORMANCE}:{number}: there is no {path}")
                    continue
                problems.extend(f"{CONFORMANCE}:{number}: {path} has no test {name}" for name in test.group(2).split(", ")
                                if not has_test(path, name))
    if rows == 0:
        problems.append(f"{CONFORMANCE}: no row is written as this check expects")


def main():
    check_conformance()
    check_includes()
    check_first_lines()
    check_words()
    check_symbols()
    for problem in problems:
        print(problem)
    print(f"lint: {len(problems)} problem(s)")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
