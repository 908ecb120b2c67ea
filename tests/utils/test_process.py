"""Owners that live, died, or cannot be seen."""

import os
import subprocess
import sys

import pytest

from cbench.utils import process
from cbench.utils.process import host_id, is_dead, owner_of, process_id


def test_the_living_and_the_dead():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = owner_of(child.pid)
    assert not is_dead(owner) and not is_dead(process_id())
    assert is_dead(f"{host_id()}.{child.pid}.1"), "its number has come again"
    child.communicate(b"\n")
    assert is_dead(owner)


def test_who_is_hidden_lives_while_the_system_knows_the_number(monkeypatch):
    """Under hidepid the folder of another's process is not there, and a signal to it is not permitted."""

    def not_permitted(pid: int, number: int) -> None:
        raise PermissionError

    owner = owner_of(os.getppid())
    monkeypatch.setattr(process, "start_time", lambda pid: None)
    assert not is_dead(owner)
    monkeypatch.setattr(os, "kill", not_permitted)
    assert not is_dead(owner)


@pytest.mark.parametrize("pid", ["²", "٧", "1" * 20, "-1", "", "1.5.6", "x"])
def test_odd_digits_are_no_owner_of_this_machine(pid):
    assert not is_dead(f"{host_id()}.{pid}.5"), "nothing is known of it: its claim ends by its age"
