"""A run's own lines are all that a terminal shows."""


def test_no_library_speaks_on_the_terminal(cli, track_file, tmp_path):
    code, _, told = cli(
        "run",
        "--method",
        "naive",
        "--suite",
        "colours",
        "--track",
        track_file,
        "--limit-tasks",
        "1",
        "--out",
        tmp_path,
    )
    assert code == 0 and "train 1/1" in told
    assert not any(word in told for word in ("Loading", "torch_dtype", "torchvision"))
