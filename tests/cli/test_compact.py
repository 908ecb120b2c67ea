"""A compact record, as leaderboards commit them, has numbers and no keys of the store: what needs images says
so, and changes nothing."""

import json
import shutil

import pytest

from cbench.record.files import read_record, record_text
from cbench.record.record import Kept


@pytest.fixture
def compact(learn, track_file, tmp_path):
    out = learn(track_file, tmp_path / "out")
    path = next((out / "records").iterdir())
    path.write_text(record_text(read_record(path).model_copy(update={"kept": Kept()}), indent=None))
    shutil.rmtree(out / "store")
    return path


@pytest.mark.parametrize(
    "words",
    [
        ("score", "--metric", "brightness", "--track", "TRACK", "--results", "OUT"),
        ("diagnose", "--track", "TRACK", "--results", "OUT"),
        ("figures", "OUT", "--track", "TRACK", "--examples", "--out", "FIGURES"),
        ("figures", "OUT", "--track", "TRACK", "--interference", "--out", "FIGURES"),
        ("export", "NAME", "--task", 1, "--track", "TRACK", "--results", "OUT"),
    ],
    ids=lambda words: words[0],
)
def test_what_needs_images_says_so(words, cli, compact, track_file, tmp_path):
    text, out = compact.read_text(), compact.parents[1]
    places = {"TRACK": track_file, "OUT": out, "FIGURES": tmp_path / "figures", "NAME": compact.stem}
    code, _, error = cli(*(places.get(word, word) for word in words))
    assert code == 2 and "names no stored images: it is a compact copy" in error, error
    assert compact.read_text() == text and not (tmp_path / "figures").exists()


def test_what_reads_numbers_alone_works(cli, compact, tmp_path):
    out = compact.parents[1]
    assert (
        cli("leaderboard", out)[0]
        == cli("show", compact)[0]
        == cli("figures", out, "--out", tmp_path / "figures")[0]
        == 0
    )
    assert cli("verify", "--results", out)[0] == 0


def test_keys_of_another_number_of_tasks_are_refused(cli, compact):
    values = json.loads(compact.read_text()) | {
        "kept": {"base_images": ["a" * 32] * 3, "images": [["a" * 32]], "adapters": ["a" * 32]}
    }
    del values["seal"], values["source"]
    compact.write_text(json.dumps(values))
    code, _, error = cli("show", compact)
    assert code == 2 and "have different numbers of tasks" in error
