"""What a run is to do."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cbench.results import Results


def test_many_look_at_one_folder(tmp_path: Path):
    """Processes that start together on one results folder do not take each other's probe away, and leave
    nothing."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(Results.check, [Results(tmp_path / "out")] * 400))
    assert [path.relative_to(tmp_path).as_posix() for path in sorted(tmp_path.rglob("*"))] == [
        "out",
        "out/records",
    ]
