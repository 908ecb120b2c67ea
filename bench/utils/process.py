"""Identifies a process so that others can check whether it is alive."""

import os
from functools import cache
from pathlib import Path


@cache
def host_id() -> str:
    """This boot of this kernel and this process namespace: processes with equal ids can see each other."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}.{''.join(filter(str.isdigit, str(Path('/proc/self/ns/pid').readlink())))}"


def start_time(pid: int) -> str:
    """A process's start time, in ticks since the boot; empty if it has ended."""
    try:
        state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if state in "ZX" else rest[18]


def process_id() -> str:
    """A unique id of this process, safe within a file name."""
    return f"{host_id()}.{os.getpid()}.{start_time(os.getpid())}"


def is_dead(owner: str) -> bool:
    """Whether an owner is known to have ended; False for one on another machine, whose state is unknown."""
    boot, _, process = owner.partition(".")
    namespace, _, process = process.partition(".")
    pid, _, start = process.partition(".")
    return f"{boot}.{namespace}" == host_id() and pid.isdigit() and start_time(int(pid)) != start
