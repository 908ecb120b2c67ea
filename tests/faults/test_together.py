"""Two processes on one results folder."""

from cbench.store.lease import busy


def test_two_runs_of_one_chain(start, finish, command, bytes_of, tmp_path):
    """The second waits for the first, and finds the record."""
    out = tmp_path / "out"
    begun = [start(command(out)) for _ in range(2)]
    for process, log in begun:
        process.join(300)
        assert process.exitcode == 0, log.read_text()
    assert finish(command(tmp_path / "alone"))[0] == 0
    assert bytes_of(out) == bytes_of(tmp_path / "alone")
    made = [log.read_text().count("train 3/3") for _, log in begun]
    assert sorted(made) == [0, 1], "one of them did the work"
    assert not [p for p in out.rglob("claims/*") if busy(p)] and not list(
        (out / "store" / "partial").iterdir()
    )


def test_chains_of_one_folder_share_their_beginning(start, finish, command, bytes_of, tmp_path):
    """Two methods that begin alike, side by side: the first task's adapter and the base model's images are
    made once."""
    out, apart = tmp_path / "out", tmp_path / "apart"
    begun = [start(command(out, method=method)) for method in ("naive", "merge_init")]
    for process, log in begun:
        process.join(300)
        assert process.exitcode == 0, log.read_text()
    for method in ("naive", "merge_init"):
        assert finish(command(apart, method=method))[0] == 0
    assert bytes_of(out) == bytes_of(apart)
