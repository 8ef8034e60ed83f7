"""What is changed in the shell and what is in the file: reloads that say what differs, saving, and what is in saving's way."""

import os
import re
import signal


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def append(path, text):
    with open(path, "a", encoding="utf-8") as file:
        file.write(text)


def test_a_reload_says_what_differs_and_what_is_lost(make_pair):
    router = make_pair().router
    router.shell("configure terminal", "hostname core")
    text = router.shell("reload configuration")
    assert "changes that were not saved are gone: hostname" in text
    assert "was read and applied: hostname changed" in text
    assert "nothing differs" in router.shell("reload configuration")
    append(router.config, 'static-routes = ( { prefix = "10.50.0.0/16"; type = "blackhole"; } );\n')
    router.process.send_signal(signal.SIGHUP)
    router.wait_log("was read and applied: route 10.50.0.0/16 added")


def test_what_was_saved_runs_after_a_restart(make_pair):
    router = make_pair().router
    before = read(router.config)
    router.shell("configure terminal", "hostname core", "ip route 10.50.0.0/16 blackhole", "interface r0", "description to h1", "mtu 1400")
    running = router.shell("show running-config")
    text = router.shell("write memory")
    assert "was saved to" in text and f"{router.config}.1" in text
    assert read(f"{router.config}.1") == before
    assert 'hostname = "core";' in read(router.config)
    assert "nothing differs" in router.shell("reload configuration")
    router.stop()
    router.start(wait=False)
    router.wait_ready(times=2)
    assert router.shell("show running-config") == running


def test_a_file_that_somebody_edits_is_not_overwritten(make_pair):
    router = make_pair().router
    router.shell("configure terminal", "hostname core")
    append(router.config, 'icmp: { burst = 7; };\n')
    text = router.shell("write memory", check=False)
    assert "changed by somebody" in text and "write memory force" in text
    assert "burst = 7" in read(router.config)
    router.shell("write memory force")
    assert "burst" not in read(router.config) and "burst = 7" in read(f"{router.config}.1")


def test_other_files_are_written_with_care(make_pair):
    router = make_pair().router
    folder = os.path.dirname(router.config)
    copy, diary = os.path.join(folder, "copy.conf"), os.path.join(folder, "diary.conf")
    append(diary, "dear diary\n")
    assert "was saved to" in router.shell(f"copy running-config {copy}")
    assert os.stat(copy).st_mode & 0o777 == 0o640 and "interfaces" in read(copy)
    assert "no configuration" in router.shell(f"copy running-config {diary}", check=False)
    assert read(diary) == "dear diary\n"


def test_a_change_that_waits_holds_up_a_reload(make_pair):
    router = make_pair().router
    router.shell("configure session", "hostname core", "commit confirmed 5")
    assert re.search(r"waits to be confirmed until \d\d:\d\d:\d\d.*commit", router.shell("reload configuration", check=False))
    assert "commit" in router.shell("write memory", check=False)
    router.process.send_signal(signal.SIGHUP)
    router.wait_log("was not read: .* waits to be confirmed")
    router.shell("commit")
    router.shell("write memory")
    assert 'hostname = "core";' in read(router.config)


def test_a_file_that_is_a_mount_of_its_own_is_saved(make_pair):
    """As in a container: the file alone is from outside, and no other can take its name."""
    router = make_pair().router
    router.stop()
    outside = f"{router.config}.outside"
    os.rename(router.config, outside)
    append(router.config, "interfaces = ( );\n")
    before = read(outside)
    ferryd, router.lab.ferryd = router.lab.ferryd, f"{router.config}.sh"
    with open(router.lab.ferryd, "w", encoding="utf-8") as script:
        script.write(f"#!/bin/sh\nexec unshare -m sh -c 'mount --make-rprivate / && mount --bind \"{outside}\" \"{router.config}\" "
                     f"&& exec \"{ferryd}\" \"$@\"' sh \"$@\"\n")
    os.chmod(router.lab.ferryd, 0o755)
    try:
        router.start(wait=False)
        router.wait_ready(times=2)
    finally:
        router.lab.ferryd = ferryd
    router.shell("configure terminal", "hostname core")
    router.shell("write memory")
    assert 'hostname = "core";' in read(outside) and read(f"{router.config}.1") == before
    assert "nothing differs" in router.shell("reload configuration")
