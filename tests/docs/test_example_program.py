"""The example of a metric in an environment of its own: its pins exclude cbench's, and it runs all the
same."""

import os
import shutil
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement
from PIL import Image

from cbench.record.files import read_record

EXAMPLE = Path(__file__).parents[2] / "examples" / "program"


def test_its_pins_exclude_cbench() -> None:
    """No environment can have both: the reason for a program."""
    lines = (EXAMPLE / "my_program" / "requirements.txt").read_text().split()
    pins = {pin.name: str(pin.specifier).removeprefix("==") for pin in map(Requirement, lines)}
    ours = {need.name: need.specifier for need in map(Requirement, requires("cbench") or [])}
    assert not ours["transformers"].contains(pins["transformers"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pip has put the example, with the environment that its own script makes."""
    source = tmp_path_factory.mktemp("program") / "program"
    shutil.copytree(EXAMPLE, source, ignore=shutil.ignore_patterns(".venv", "*.egg-info", "build"))
    made = subprocess.run(
        [source / "setup.sh"], env=os.environ | {"PYTHON": sys.executable}, capture_output=True, text=True
    )
    if made.returncode and any(
        w in made.stderr for w in ("No matching distribution", "Connection", "timed out")
    ):
        pytest.skip(f"the package registry does not answer: {made.stderr.strip().splitlines()[-1]}")
    assert made.returncode == 0, made.stderr
    return source


def laplacian_variance(path: Path) -> float:
    """The definition, without transformers: CLIP's resize, crop and normalisation by hand."""
    image = Image.open(path).convert("RGB").resize((224, 224), Image.Resampling.BICUBIC)
    mean, std = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
    grey = ((np.asarray(image) / 255 - mean) / std).mean(2)
    padded = [
        -4 * grey[i, j] + grey[i - 1, j] + grey[i + 1, j] + grey[i, j - 1] + grey[i, j + 1]
        for i in range(1, 223)
        for j in range(1, 223)
    ]
    return float(np.var(padded))


@pytest.mark.slow
def test_it_scores_stored_images(site: Path, cli, track_file, tmp_path, monkeypatch) -> None:
    # the entry point, as an installed package has it; the files stay beside their environment
    monkeypatch.syspath_prepend(site)
    info = site / "my_cbench_program-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-cbench-program\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text("[cbench.metrics]\nsharpness = my_program.metric:Sharpness\n")
    words = ("--track", track_file, "--results", tmp_path / "out")
    assert cli("run", "--method", "base", "--suite", "colours", *words)[0] == 0
    code, output, error = cli("score", "--metric", "sharpness", *words)
    assert code == 0 and "scored" in output, error
    record = read_record(next((tmp_path / "out" / "records").iterdir()))
    assert len(record.provenance.metrics["sharpness"]) == 32
    key = record.kept.base_images[0]
    sheet = Image.open(tmp_path / "out" / "store" / "images" / key[:2] / key / "images.png")
    variances = []
    for x in (0, 64):
        for y in (0, 64):
            sheet.crop((x, y, x + 64, y + 64)).save(tmp_path / "one.png")
            variances.append(laplacian_variance(tmp_path / "one.png"))
    assert record.scores["sharpness"].base[0] == pytest.approx(np.mean(variances), rel=1e-2)


@pytest.mark.slow
def test_without_its_environment_it_says_what_to_run(site: Path, monkeypatch) -> None:
    monkeypatch.syspath_prepend(site)
    from my_program.metric import Sharpness

    from cbench.errors import BadInput

    monkeypatch.setattr(Sharpness, "folder", EXAMPLE.parent)
    with pytest.raises(BadInput, match=r"its program .* is not there; run examples/program/setup\.sh"):
        Sharpness("cpu")
