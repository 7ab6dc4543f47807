"""What the updates of a first boot do to a boot script: they hold apt's locks at the wrong time.

First the lock of the lists, until the boot script has been refused nine times, once more than it tries anything else;
then dpkg's, until somebody has
waited for it for three seconds. What was seen is written down for the test.
"""

import fcntl
import os
import socket
import time
from pathlib import Path

LOG = Path("/var/log/lab1-flow-bootstrap.log")


def lock(path):
    file = open(path, "w")
    fcntl.lockf(file, fcntl.LOCK_EX)
    return file


def waits(ready):
    deadline = time.monotonic() + 120
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(ready.__name__)
        time.sleep(0.1)


def refused():
    return LOG.exists() and "attempt 9 failed: packages update" in LOG.read_text()


def installing():
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"install" in words and words[0].endswith(b"apt-get"):
            return True
    return False


lists, dpkg = lock("/var/lib/apt/lists/lock"), lock("/var/lib/dpkg/lock-frontend")
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
    notify.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
waits(refused)
lists.close()
waits(installing)
time.sleep(3)
seen = "waited" if installing() else "gave up"
dpkg.close()
Path("/var/log/first-boot-updates.seen").write_text(f"refused {seen}\n")
