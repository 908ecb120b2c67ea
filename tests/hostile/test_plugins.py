"""Plugins that are wrong in every way before torch is needed; what they do to a run is in tests/faults."""

import os
import random
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from PIL import Image

from cbench.errors import BadInput
from cbench.plugins.encoders import embed

HEAD = "import os, sys, random\nfrom dataclasses import dataclass, field\nfrom pathlib import Path\n"
HEAD += "from cbench.method import Method, Memory\nfrom cbench.task import Task, Stream, Example\n"
HEAD += "from cbench.track import Track\n"
GOOD = "name, title = 'odd', 'Odd'; trains = False"
METHODS = [
    ("raise RuntimeError('no')", "fails to load its method 'odd': RuntimeError: no"),
    ("raise RuntimeError('\\x1b[31m\\n' * 9)", "fails to load its method 'odd': RuntimeError"),
    ("sys.exit(0)", "fails to load its method 'odd': SystemExit: 0"),
    ("import nowhere", "fails to load its method 'odd': ModuleNotFoundError"),
    ("def (", "fails to load its method 'odd': SyntaxError"),
    ("other = 1", "fails to load its method 'odd': AttributeError"),
    ("odd = 5", "it is not a subclass"),
    ("odd = Method", "the name of its class is None"),
    ("class odd: name = 'odd'", "it is not a subclass"),
    ("class odd(Method): name, title = 'even', 'E'", "the name of its class is 'even'"),
    ("class odd(Method): name = 'odd'", "needs a title of type str"),
    ("class odd(Method): name, title = 'odd', 5", "needs a title of type str"),
    ("class odd(Method): name, title, version = 'odd', 'O', '1'", "needs a version of type int"),
    ("class odd(Method): name, title, regime = 'odd', 'O', None", "needs a regime of type str"),
    (
        "class odd(Method): name, title, regime, trains = 'odd', 'O', 'free', False",
        "regime: Input should be 'strict'",
    ),
    (
        f"@dataclass(frozen=True)\nclass odd(Method):\n  x: list = field(default_factory=list)\n  {GOOD}",
        "options.x",
    ),
    (f"@dataclass(frozen=True)\nclass odd(Method):\n  x: int\n  {GOOD}", "failed: TypeError"),
    (
        f"@dataclass(frozen=True)\nclass odd(Method):\n  {GOOD}\n  def __post_init__(self): 1 / 0",
        "failed: ZeroDivisionError",
    ),
    (
        f"@dataclass(frozen=True)\nclass odd(Method):\n  {GOOD}\n  def __post_init__(self): sys.exit(0)",
        "failed: SystemExit",
    ),
    (f"@dataclass(frozen=True)\nclass odd(Method):\n  x: 'Nowhere' = 1\n  {GOOD}", "failed: NameError"),
]
TASK = "Task('a', (Example(Path(HOME) / 'red.png', 'p'),), (Path(HOME) / 'red.png',), ('x',), ('y',))"
SUITES = [
    ("raise OSError(28, 'No space left on device')", "failed: OSError"),
    ("raise KeyboardError", "failed: NameError"),
    ("sys.exit(0)", "failed: SystemExit"),
    ("return None", "returned NoneType, not a stream"),
    ("return []", "returned list, not a stream"),
    ("return Stream('s', ())", "returned Stream, not a stream with tasks"),
    ("return Stream('s', [1])", "tasks"),
    (f"return Stream('s', ({TASK}._replace(name='../up'),))", "may have"),
    (f"return Stream('s', ({TASK}._replace(name=5),))", "valid string"),
    (f"return Stream('s', ({TASK}, {TASK}))", "two tasks are named 'a'"),
    (f"return Stream('s', ({TASK}._replace(prompts=(1,)),))", "valid string"),
    (f"return Stream('s', ({TASK}._replace(prompts='text'),))", "valid tuple"),
    (f"return Stream('s', ({TASK}._replace(examples=('a',)),))", "examples"),
    (f"return Stream('s', ({TASK}._replace(references=(Path('/nowhere.png'),)),))", "cannot be read"),
    ("while True: raise RecursionError('deep')", "failed: RecursionError"),
]
TRACKS = [
    ("1 / 0", "failed: ZeroDivisionError"),
    ("return {}", "is no Track"),
    ("return None", "is no Track"),
    ("sys.exit()", "failed: SystemExit"),
]


class Broken:
    """A metric that gives what it is told to."""

    name, title, digest = "odd", "Odd", "1"

    def __init__(self, answer):
        self.answer = answer

    def embed(self, images):
        return self.answer(images)


def leave(images):
    raise SystemExit(0)


METRICS = [
    (lambda images: None, "returned ()"),
    (lambda images: [[1.0]], "returned (1, 1) for 2 images"),
    (lambda images: [1.0, 2.0], "returned (2,) for 2 images"),
    (lambda images: [[1.0], [float("nan")]], "not finite"),
    (lambda images: [[1.0], [float("inf")]], "not finite"),
    (lambda images: [[0.0, 0.0], [1.0, 0.0]], "length zero"),
    (lambda images: [["a"], ["b"]], "failed: ValueError"),
    (lambda images: [[1.0], [1.0, 2.0]], "failed: ValueError"),
    (lambda images: images.clear() or [], "returned (0,) for 2 images"),
    (lambda images: 1 / 0, "failed: ZeroDivisionError"),
    (leave, "failed: SystemExit"),
    (lambda images: np.zeros((2, 3, 4)), "returned (2, 3, 4)"),
    (lambda images: np.empty((2, 0)), "length zero"),
]


@pytest.fixture
def plug(home, monkeypatch):
    """Installs a package with one module and one entry point."""

    def install(kind: str, source: str, name: str = "odd") -> None:
        site = home / "site"
        (site / "odd-1.0.dist-info").mkdir(parents=True)
        (site / "odd-1.0.dist-info" / "METADATA").write_text(
            "Metadata-Version: 2.1\nName: odd-package\nVersion: 1.0\n"
        )
        (site / "odd-1.0.dist-info" / "entry_points.txt").write_text(
            f"[cbench.{kind}]\n{name} = odd_module:odd\n"
        )
        (site / "odd_module.py").write_text(f"{HEAD}HOME = {str(home)!r}\n{source}\n")
        monkeypatch.syspath_prepend(site)

    yield install
    import sys

    sys.modules.pop("odd_module", None)


@pytest.mark.parametrize(("source", "line"), METHODS)
def test_method(plug, refused, run_words, source, line):
    plug("methods", source)
    assert "odd-package" in refused(run_words("--method", "odd"), line)


@pytest.mark.parametrize(("source", "line"), SUITES)
def test_suite(plug, home, hostile, refused, run_words, source, line):
    plug("suites", f"def odd(options, home):\n  {source}")
    values = hostile.put(hostile.track, "suites/colours/dataset", "odd")
    (home / "tiny.yaml").write_text(yaml.safe_dump(values))
    refused(run_words(), line)


@pytest.mark.parametrize(("source", "line"), TRACKS)
def test_track(plug, refused, run_words, cli, source, line):
    plug("tracks", f"def odd():\n  {source}")
    assert "odd-package" in refused(run_words("--track", "odd"), line)
    code, output, _ = cli("ls")
    assert code == 0 and "merge_init" in output and "odd" in output, "a broken track never takes `ls` down"


@pytest.mark.parametrize(("answer", "line"), METRICS)
def test_metric(answer, line):
    with pytest.raises(BadInput) as error:
        embed(Broken(answer), [Image.new("RGB", (2, 2))] * 2)
    assert line in str(error.value) and "metric 'odd'" in str(error.value)


def test_fence_puts_back_what_a_plugin_changes(capsys, tmp_path):
    def rude(images):
        random.seed(1)
        np.random.seed(1)
        os.chdir(tmp_path)
        np.seterr(all="raise")
        print("garbage \x1b[31m")
        return [[1.0]] * 2

    before = SimpleNamespace(
        random=random.getstate(),
        numpy=np.random.get_state()[1].tolist(),
        folder=Path.cwd(),
        errors=np.geterr(),
    )
    embed(Broken(rude), [Image.new("RGB", (2, 2))] * 2)
    assert random.getstate() == before.random and np.random.get_state()[1].tolist() == before.numpy
    assert Path.cwd() == before.folder and np.geterr() == before.errors
    assert capsys.readouterr().out == "", "standard output belongs to cbench: a program may read it"
