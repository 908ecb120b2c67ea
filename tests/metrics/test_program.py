"""Metrics that are programs: the three requests, and every way in which a program can fail, each in one line.
The programs are small scripts, run by the interpreter of the tests."""

import os
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from cbench.errors import BadInput
from cbench.metrics.program import EncoderProgram, ImageProgram, SetProgram
from cbench.plugins import metrics
from cbench.plugins.metrics import compare_sets, load_metric, score_images
from cbench.scale import Scale

LEVELS = Scale(unit="levels", better="higher", low=0, high=255)
IMAGES = [Image.new("RGB", (3, 2), (level, 0, 0)) for level in (10, 20, 30)]
LOOP = "import json, sys\nfor line in sys.stdin:\n    r = json.loads(line)\n    "


def program(tmp_path, script, base=ImageProgram, **parts):
    """A metric whose program is the script."""
    folder = tmp_path / "program"
    folder.mkdir(exist_ok=True)
    (folder / "score.py").write_text(script)
    about = {
        "name": "odd",
        "title": "Odd",
        "scale": LEVELS,
        "folder": folder,
        "command": (sys.executable, "score.py"),
        "files": ("score.py",),
    }
    return type("Odd", (base,), about | parts)


REDS = (
    "from PIL import Image\n"
    + LOOP
    + "reds = [Image.open(p).getpixel((0, 0))[0] for p in r['images']]\n"
    + "    print(json.dumps({'scores': [x + len(p) for x, p in zip(reds, r['prompts'])]}), flush=True)\n"
)


def test_images_and_prompts_go_in_numbers_come_out(tmp_path):
    metric = program(tmp_path, REDS)("cpu")
    for images in (IMAGES, IMAGES[:1]):
        assert metric.score(images, ["", "a", "ab"][: len(images)]) == [10, 21, 32][: len(images)]


def test_it_is_loaded_once_and_ends_with_the_metric(tmp_path):
    script = (
        "import os\n" + LOOP + "print(json.dumps({'scores': [os.getpid()] * len(r['images'])}), flush=True)"
    )
    metric = program(tmp_path, script)("cpu")
    pids = {int(n) for _ in range(3) for n in metric.score(IMAGES, ["a"] * 3)}
    (pid,) = pids
    os.kill(pid, 0)
    metric._program.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_one_that_answers_once_is_started_again(tmp_path):
    script = "import json, sys\nr = json.loads(sys.stdin.readline())\nprint(json.dumps({'scores': [1] * 3}))"
    metric = program(tmp_path, script)("cpu")
    for pause in (0, 0, 0.2):
        time.sleep(pause)
        assert metric.score(IMAGES, ["a"] * 3) == [1, 1, 1]


def test_two_sets(tmp_path):
    script = (
        LOOP
        + "number = 10 * len(r['images']) + len(r['others']) + 100 * r['paired']\n"
        + "    print(json.dumps({'score': number}), flush=True)"
    )
    metric = program(tmp_path, script, SetProgram)("cpu")
    assert metric.compare(IMAGES, IMAGES[:2], False) == 32 and metric.compare(IMAGES, IMAGES, True) == 133


def test_embeddings(tmp_path):
    script = LOOP + "print(json.dumps({'embeddings': [[1, 2]] * len(r['images'])}), flush=True)"
    assert np.array_equal(program(tmp_path, script, EncoderProgram)("cpu").embed(IMAGES), [[1, 2]] * 3)


def test_other_output_is_ignored(tmp_path):
    script = (
        "print('loading')\n"
        + LOOP
        + "print('100 %', [1]); print(json.dumps({'scores': [1] * 3}), flush=True)"
    )
    assert program(tmp_path, script)("cpu").score(IMAGES, ["a"] * 3) == [1, 1, 1]


def test_it_does_not_see_our_packages(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/of/ours")
    script = (
        "import os\n"
        + LOOP
        + "print(json.dumps({'scores': [float('PYTHONPATH' in os.environ)] * 3}), flush=True)"
    )
    assert program(tmp_path, script)("cpu").score(IMAGES, ["a"] * 3) == [0, 0, 0]


@pytest.mark.parametrize(
    ("script", "line"),
    [
        (
            "import nowhere_at_all",
            "ended with exit code 1 before it answered: ModuleNotFoundError: No module",
        ),
        ("raise SystemExit(3)", "ended with exit code 3 before it answered"),
        ("pass", "ended with exit code 0 before it answered"),
        ("import os; os.kill(os.getpid(), 9)", "ended by signal 9 before it answered"),
        (LOOP + "1 / 0", "ended with exit code 1 before it answered: ZeroDivisionError: division by zero"),
        (LOOP + "print('{broken', flush=True); break", "ended with exit code 0 before it answered"),
        (LOOP + "print('{}', flush=True)", "answered without 'scores' ({})"),
        (LOOP + 'print(\'{"error": "no weights"}\', flush=True)', "its program says: no weights"),
        (LOOP + "print('{\"scores\": [1, 2]}', flush=True)", "returned 2 scores for 3 images"),
        (LOOP + "print('{\"scores\": 1}', flush=True)", "returned no list of scores for 3 images"),
        (LOOP + "print('{\"scores\": [1, NaN, 2]}', flush=True)", "returned nan, which is not finite"),
        (LOOP + 'print(\'{"scores": [1, "a", 2]}\', flush=True)', "failed: ValueError"),
        (LOOP + "print('{\"scores\": [1, 256, 2]}', flush=True)", "returned 256, outside its scale"),
        ("import time; time.sleep(60)", "gave no answer in 0.5 seconds"),
        ("import time\nwhile not time.sleep(0.01): print('still here', flush=True)", "gave no answer in 0.5"),
    ],
)
def test_a_program_that_fails_is_one_line(tmp_path, script, line):
    metric = program(tmp_path, script, seconds=0.5 if "sleep" in script else 600)("cpu")
    with pytest.raises(BadInput) as error:
        score_images("odd", metric, LEVELS, IMAGES, ["a"] * 3)
    assert line in str(error.value) and "metric" in str(error.value) and "\n" not in str(error.value)


def test_one_that_dies_later_is_an_error_too(tmp_path):
    script = "import sys\nsys.stdin.readline()\nprint('{\"scores\": [1, 1, 1]}', flush=True)\nsys.exit(4)"
    metric = program(tmp_path, script)("cpu")
    assert metric.score(IMAGES, ["a"] * 3) == [1, 1, 1]
    with pytest.raises(BadInput, match="ended with exit code 4 before it answered"):
        metric.score(IMAGES, ["a"] * 3)


@pytest.mark.parametrize(
    ("parts", "line"),
    [
        (
            {"command": (".venv/bin/python", "x.py"), "setup": "run ./setup.sh"},
            "is not there; run ./setup.sh",
        ),
        ({"command": ("no-such-program",)}, "no-such-program is not there; create its environment"),
        ({"command": ("./score.py",)}, "score.py is not there"),
        ({"files": ("score.py", "requirements.txt")}, "requirements.txt cannot be read: No such file"),
    ],
)
def test_what_is_missing_is_said_before_anything_runs(tmp_path, monkeypatch, parts, line):
    cls = program(tmp_path, REDS, **parts)
    monkeypatch.setattr(metrics.registry, "load", lambda kind, name: cls)
    with pytest.raises(BadInput) as error:
        load_metric("odd", "cpu")
    assert line in str(error.value) and "\n" not in str(error.value)


def test_a_long_request_that_nobody_reads_has_its_time_limit_too(tmp_path):
    metric = program(tmp_path, "import time; time.sleep(60)", seconds=0.5)("cpu")
    with pytest.raises(BadInput, match=r"gave no answer in 0\.5 seconds"):
        metric.score(IMAGES, ["x" * 200_000] * 3)


def test_the_digest_is_of_the_program(tmp_path):
    one = program(tmp_path, REDS)("cpu").digest
    assert program(tmp_path, REDS)("cpu").digest == one
    assert program(tmp_path, REDS + "\n")("cpu").digest != one
    assert program(tmp_path, REDS, command=(sys.executable, "-u", "score.py"))("cpu").digest != one


def test_what_it_started_ends_with_it(tmp_path):
    script = (
        "import subprocess\nchild = subprocess.Popen(['sleep', '60'])\n"
        + LOOP
        + "print(json.dumps({'scores': [child.pid] * 3}), flush=True)"
    )
    metric = program(tmp_path, script, scale=Scale(unit="u", better="higher"))("cpu")
    pid = int(metric.score(IMAGES, ["a"] * 3)[0])
    metric._program.stop()
    deadline = time.monotonic() + 10
    while _runs(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _runs(pid)


def _runs(pid):
    """Whether a process runs; one that ended and was not asked for its exit code does not."""
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return bool(done.stdout.strip()) and not done.stdout.startswith("Z")


def test_a_set_that_gives_no_number(tmp_path):
    script = LOOP + "print(json.dumps({'score': None}), flush=True)"
    metric = program(tmp_path, script, SetProgram)("cpu")
    with pytest.raises(BadInput, match="failed: TypeError"):
        compare_sets("odd", metric, LEVELS, IMAGES, IMAGES, False)
