"""Identifies a process so that others can check whether it is alive."""

import os
import re
from functools import cache
from pathlib import Path


@cache
def host_id() -> str:
    """This boot of this kernel and this process namespace: processes with equal ids can see each other."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}.{''.join(filter(str.isdigit, str(Path('/proc/self/ns/pid').readlink())))}"


def start_time(pid: int) -> str | None:
    """When a process started, in ticks since the boot; empty where only its exit status is left, None where
    there is none or the system hides it (mount option `hidepid`)."""
    try:
        state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return "" if state in "ZX" else rest[18]


def owner_of(pid: int) -> str:
    """A process of this machine, as no other is called: may be part of a file's name."""
    return f"{host_id()}.{pid}.{start_time(pid) or ''}"


def process_id() -> str:
    """This process, as no other is called."""
    return owner_of(os.getpid())


OWNER = re.compile(r"(?P<host>[^.]*\.[^.]*)\.(?P<pid>[0-9]{1,9})\.(?P<start>[0-9]*)")
"""The text of an owner; a process's number has at most seven digits."""


def is_dead(owner: str) -> bool:
    """Whether an owner is known to have ended; False also for one of another machine, of which nothing is
    known."""
    match = OWNER.fullmatch(owner)
    if not match or match["host"] != host_id():
        return False
    if not _answers(int(match["pid"])):
        return True
    return start_time(int(match["pid"])) not in (match["start"], None)


def _answers(pid: int) -> bool:
    """Whether there is a process of this number; one that belongs to somebody else may not be asked, but
    is there."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return True
