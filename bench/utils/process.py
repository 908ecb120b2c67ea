"""Owners: which process made something, told so that others can see whether it still lives."""

import os
from functools import cache
from pathlib import Path


@cache
def host_id() -> str:
    """This boot of this kernel, and this process namespace: owners of one place can see each other."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}.{''.join(filter(str.isdigit, str(Path('/proc/self/ns/pid').readlink())))}"


def start_time(pid: int) -> str:
    """When a process started, in ticks since the boot; empty where there is none, or only its exit status is
    left."""
    try:
        state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if state in "ZX" else rest[18]


def process_id() -> str:
    """This process, as no other is called: may be part of a file's name."""
    return f"{host_id()}.{os.getpid()}.{start_time(os.getpid())}"


def is_dead(owner: str) -> bool:
    """Whether an owner is known to have ended; False also for one of another machine, of which nothing is
    known."""
    where, _, process = owner.partition(".")
    namespace, _, process = process.partition(".")
    pid, _, start = process.partition(".")
    return f"{where}.{namespace}" == host_id() and pid.isdigit() and start_time(int(pid)) != start
