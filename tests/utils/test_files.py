"""Atomic writes: what they replace, and what they write into."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from cbench.utils.files import make_folder, open_file, write_atomically, write_file


def test_a_link_stays_and_its_target_is_written(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "target").write_text("old")
    for name, target in (("link", "far/target"), ("next", "link"), ("dangling", "far/new")):
        (tmp_path / name).symlink_to(target)
        write_atomically(tmp_path / name, name)
        assert (tmp_path / name).is_symlink() and (tmp_path / target).read_text() == name
    assert sorted(p.name for p in (tmp_path / "far").iterdir()) == ["new", "target"]


def test_a_fifo_takes_the_content_and_stays(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    seen = []
    reader = threading.Thread(target=lambda: seen.append((tmp_path / "fifo").open().read()))
    reader.start()
    write_file(tmp_path / "fifo", "x" * 200_000)
    reader.join(30)
    assert seen == ["x" * 200_000] and (tmp_path / "fifo").is_fifo()


def test_a_device_takes_the_content_and_stays():
    write_atomically(Path("/dev/null"), "x")
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("into", ["pipe", "file"])
@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_standard_output_by_its_name(tmp_path, into, name):
    program = "import sys; from pathlib import Path; from cbench.utils.files import write_file\n"
    program += "print('before'); write_file(Path(sys.argv[1]), 'content\\n'); print('after')"
    words = [sys.executable, "-c", program, name]
    if into == "pipe":
        printed = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    else:
        with (tmp_path / "out").open("w") as file:
            subprocess.run(words, stdout=file, check=True)
        printed = (tmp_path / "out").read_text()
    assert printed == "before\ncontent\nafter\n"


def test_folders_and_names_are_flushed(tmp_path, monkeypatch):
    flushed, fsync = [], os.fsync

    def flush(handle):
        flushed.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", flush)
    make_folder(tmp_path / "a" / "b")
    assert sorted(flushed) == [str(tmp_path), str(tmp_path / "a")]
    write_atomically(tmp_path / "a" / "b" / "file", "x")
    assert flushed[-1] == str(tmp_path / "a" / "b"), "after the rename"


def test_a_fifo_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(OSError, match="is a FIFO"):
        open_file(tmp_path / "fifo")
