"""What is added to a record while another process works on its run."""

import subprocess
import sys
import time

import pytest
import yaml

from cbench.record.files import read_record, record_text
from cbench.results import Results
from cbench.store.lease import lease

CHILD = """
import sys
from pathlib import Path
from cbench.results import Results
with Results(Path(sys.argv[2])).locked(sys.argv[1]) as record:
    print(record.costs.train_seconds)
"""


@pytest.fixture
def ran(cli, track_file, tmp_path):
    assert (
        cli("run", "--method", "base", "--suite", "colours", "--track", track_file, "--results", tmp_path)[0]
        == 0
    )
    return next((tmp_path / "records").iterdir())


def test_waits_for_the_run_and_sees_what_it_wrote(ran, tmp_path):
    record = read_record(ran)
    with lease(tmp_path / "claims" / ran.stem):
        other = subprocess.Popen(
            [sys.executable, "-c", CHILD, ran.name, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        time.sleep(3)
        assert other.poll() is None
        ran.write_text(
            record_text(
                record.model_copy(update={"costs": record.costs.model_copy(update={"train_seconds": 7.5})})
            )
        )
    assert other.communicate(timeout=60)[0].strip() == "7.5"


def test_lets_the_run_go_on_after_it(ran, tmp_path):
    with Results(tmp_path).locked(ran.name) as record:
        assert record.file_name == ran.name
    assert not (tmp_path / "claims" / ran.stem).exists()


def test_a_large_track_does_not_begin_on_a_cpu_by_itself(cli, track_values, tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    track_values["backbone"]["resolution"] = 512
    (tmp_path / "large.yaml").write_text(yaml.safe_dump(track_values))
    words = (
        "run",
        "--method",
        "base",
        "--suite",
        "colours",
        "--track",
        tmp_path / "large.yaml",
        "--results",
        tmp_path / "out",
    )
    code, _, error = cli(*words)
    assert (
        code == 2
        and "needs a GPU" in error
        and "--device cpu" in error
        and not list((tmp_path / "out").glob("store/*/*/*"))
    )
