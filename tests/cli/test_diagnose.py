"""`cbench diagnose` on real runs of a small random pipeline."""

import json
import shutil

import numpy as np
import pytest
import yaml

from cbench.record.ceilings import read_ceilings
from cbench.record.cited import cited_entries
from cbench.record.files import parse_record, read_record
from cbench.utils.images import load_image


@pytest.fixture
def track_file(tmp_path, track_values):
    """The small track with generic prompts and a metric that reads texts."""
    track_values["companions"] = {"text": "colour_words", "generic": ["a house", "the sea", "two birds"]}
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(track_values))
    return path


@pytest.fixture
def ran(learn):
    """Runs a method and gives its record's file."""
    return lambda method, track, out: next((learn(track, out, method) / "records").glob(f"*{method}*.json"))


def files(out):
    return {p for p in (out / "store").rglob("images.png")}


def test_more_records_load_the_model_once(cli, ran, track_file, tmp_path, loads):
    for method in ("base", "merge_init"):
        ran(method, track_file, tmp_path)
    loads.clear()
    code, output, error = cli("diagnose", "--track", track_file, "--results", tmp_path)
    assert code == 0 and output.count("measured") == 2, error
    assert sorted(loads) == ["backbone", "colour", "colour_words"]


def test_two_concepts_in_one_image(cli, ran, track_values, tmp_path):
    """A track that asks for pairs has other settings than one that asks for none, but no other digest."""
    from cbench.posthoc.diagnostics import digest_of
    from cbench.track import parse

    plain = tmp_path / "plain.yaml"
    plain.write_text(yaml.safe_dump(track_values))
    track_values["companions"] = {
        "pairs": {"colours": {"caption": "a {} wall", "prompt": "a {} and a {} wall"}}
    }
    track, out = tmp_path / "pairs.yaml", tmp_path / "out"
    track.write_text(yaml.safe_dump(track_values))
    assert parse(track).digest == parse(plain).digest
    assert digest_of(parse(track).companions) != digest_of(parse(plain).companions)
    path = ran("merge_init", track, out)
    before = files(out)
    code, _, error = cli("diagnose", "--track", track, "--results", out)
    assert code == 0 and "sample 12/12" in error, error
    record = read_record(path)
    assert {*map(frozenset, record.companions.pairs)} == {
        frozenset(pair) for pair in (("red", "green"), ("green", "blue"), ("blue", "red"))
    }
    # three pairs and the shared plain prompts, each by the base model and by the final one
    assert len(files(out) - before) == 2 * 3 + 2
    pairs = record.companions.metrics["colour"].pairs
    assert all(len(row) == 3 for row in pairs.model_dump().values())
    assert all(b <= min(x, y) + 1e-9 for b, x, y in zip(pairs.both, pairs.first, pairs.second, strict=True))
    output = cli("show", path)[1]
    assert "two in one image ↑ colour" in output and "two in one image, over one alone ↑ colour" in output
    page = cli("leaderboard", out, "--stats")[1]
    assert "two in one image ↑ colour" in page and "Two in one image: images of prompts that name two" in page
    path.write_text(path.read_text().replace('"alone":', '"lone":'))
    assert cli("show", path)[0] == 2


def test_measures_join_the_record_and_repeat_nothing(cli, ran, track_file, tmp_path):
    out = tmp_path / "out"
    path = ran("merge_init", track_file, out)
    plain, before = read_record(path), files(out)
    code, output, error = cli("diagnose", "--track", track_file, "--results", out)
    assert code == 0 and "measured" in output, error
    # plain prompts (which the three tasks share) and generic ones, by the base model and by the final one
    assert len(files(out) - before) == 4
    measured = read_record(path)
    assert measured.model_copy(update={"companions": None}) == plain
    measures = measured.companions.metrics["colour"]
    assert (
        len(measured.companions.alignment) == len(measures.leakage) == len(measures.confusion) == 3
        and measures.before == ()
    )
    assert -1 <= measures.base_similarity < 1
    diagonal = [row[j] for j, row in enumerate(measures.confusion)]
    assert diagonal == pytest.approx(measured.scores["colour"].rows[-1]), (
        "images against their own references are the last row of S"
    )
    assert "had them already" in cli("diagnose", "--track", track_file, "--results", out)[1]
    assert {("images", key) for key in measured.companions.images} <= cited_entries(measured), (
        "`cbench clean` keeps what a record cites"
    )


def test_before_gives_the_cells_above_the_diagonal(cli, ran, track_file, tmp_path):
    out = tmp_path / "out"
    path = ran("naive", track_file, out)
    assert cli("diagnose", "--track", track_file, "--results", out)[0] == 0
    assert cli("diagnose", "--before", "--track", track_file, "--results", out)[1].count("measured") == 1
    ceilings = read_ceilings(out)
    assert {(one.suite, one.metric) for one in ceilings} <= {
        ("colours", "colour"),
        ("colours", "colour_words"),
    }
    assert ceilings and all(set(one.tasks) <= set(read_record(path).tasks) for one in ceilings)
    record = read_record(path)
    cells = record.companions.metrics["colour"].before
    assert len(cells) == 2 and all(
        cell != base for cell, base in zip(cells, record.scores["colour"].base[1:], strict=True)
    )
    assert (
        "forward transfer" in cli("show", path)[1]
        and "forward transfer" in cli("leaderboard", out, "--stats")[1]
    )


def test_the_base_model_is_where_everything_starts(cli, ran, track_file, tmp_path):
    path = ran("base", track_file, tmp_path / "out")
    assert cli("diagnose", "--before", "--track", track_file, "--results", tmp_path / "out")[0] == 0
    measured, measures = read_record(path), read_record(path).companions.metrics["colour"]
    assert measures.base_similarity == pytest.approx(1) and measures.leakage == measures.leakage_base
    assert measured.companions.alignment == measured.companions.alignment_base
    assert measures.before == pytest.approx(measured.scores["colour"].base[1:])


def test_measures_are_what_their_words_say(cli, ran, track_file, tmp_path):
    """Against a slow reading of the stored images: mean colours by hand."""
    out = tmp_path / "out"
    record = read_record(ran("half_merge", track_file, out))
    assert cli("diagnose", "--track", track_file, "--results", out)[0] == 0
    measured = read_record(out / "records" / record.file_name).companions

    def colour(pixels):
        mean = np.asarray(pixels, dtype=float).mean((0, 1)) + 1
        return mean / np.linalg.norm(mean)

    task, key = record.tasks[0], record.kept.images[-1][0]
    sheet = load_image(out / "store" / "images" / key[:2] / key / "images.png")
    shown = [colour(sheet.crop((x, y, x + 64, y + 64))) for y in (0, 64) for x in (0, 64)]
    grey = np.ones(3) / np.sqrt(3)
    assert measured.alignment[0] == pytest.approx(np.mean([image @ grey for image in shown])), (
        "no plain prompt names a colour"
    )
    references = {
        name: np.mean([colour(load_image(p)) for p in sorted((tmp_path / "stream" / name).iterdir())], axis=0)
        for name in record.tasks
    }
    likeness = [[image @ references[name] for name in record.tasks] for image in shown]
    assert measured.metrics["colour"].confusion[0] == pytest.approx(np.mean(likeness, axis=0))
    assert measured.metrics["colour"].confusion_rate[0] == np.mean(
        [max(row) > row[record.tasks.index(task)] for row in likeness]
    )


def test_without_text_and_generic_prompts(cli, ran, track_values, tmp_path):
    path = tmp_path / "plain.yaml"
    path.write_text(yaml.safe_dump({k: v for k, v in track_values.items() if k != "companions"}))
    stored = ran("merge_init", path, tmp_path / "out")
    assert cli("diagnose", "--track", path, "--results", tmp_path / "out")[0] == 0
    measured = read_record(stored).companions
    assert (
        measured.alignment == ()
        and measured.metrics["colour"].base_similarity is None
        and len(measured.metrics["colour"].leakage) == 3
    )


def test_a_new_metric_is_measured_too(cli, ran, track_file, tmp_path):
    path = ran("merge_init", track_file, tmp_path / "out")
    words = ("--track", track_file, "--results", tmp_path / "out")
    for verb in (["diagnose"], ["score", "--metric", "brightness"], ["diagnose"]):
        assert cli(*verb, *words)[0] == 0
    assert set(read_record(path).companions.metrics) == {"colour", "brightness"}


def test_companions_are_no_part_of_the_protocol(cli, ran, track_file, track_values, tmp_path):
    path = ran("base", track_file, tmp_path / "out")
    other = tmp_path / "other.yaml"
    other.write_text(yaml.safe_dump({**track_values, "companions": {"generic": ["a dog"]}}))
    first, second = (
        cli("diagnose", "--track", name, "--results", tmp_path / "out") and read_record(path)
        for name in (track_file, other)
    )
    assert first.track == second.track and first.companions.digest != second.companions.digest


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (lambda out, data: shutil.rmtree(out / "store" / "adapters"), "adapters"),
        (lambda out, data: shutil.rmtree(out / "store" / "images"), "images"),
        (
            lambda out, data: data["method"].update(version=9),
            "version 9 of merge_init, version 1 is installed",
        ),
        (lambda out, data: data.update(suite_digest="0" * 32), "another version of the stream"),
        (lambda out, data: data["track"].update(digest="0" * 32), "belongs to track tiny with digest"),
    ],
)
def test_what_changed_or_is_gone_is_one_line(cli, ran, track_file, tmp_path, damage, line):
    out = tmp_path / "out"
    path = ran("merge_init", track_file, out)
    data = json.loads(path.read_text())
    del data["seal"], data["source"]
    damage(out, data)
    path.write_text(json.dumps(data))
    code, _, error = cli("diagnose", "--track", track_file, "--results", out)
    assert code == 2 and line in error and "Traceback" not in error and json.loads(path.read_text()) == data


def test_metric_that_reads_no_texts(cli, ran, track_values, tmp_path):
    track_values["companions"] = {"text": "brightness"}
    path = tmp_path / "other.yaml"
    path.write_text(yaml.safe_dump(track_values))
    ran("base", path, tmp_path / "out")
    code, _, error = cli("diagnose", "--track", path, "--results", tmp_path / "out")
    assert code == 2 and "metric brightness reads no texts" in error


def test_record_of_before_the_companions_still_loads(cli, ran, track_file, tmp_path):
    data = json.loads(ran("base", track_file, tmp_path / "out").read_text())
    del data["seal"], data["source"]
    del data["companions"]
    assert parse_record(json.dumps(data), "old").companions is None


def test_drift_of_the_base_model_by_set_metrics(cli, ran, track_values, tmp_path):
    """On the images that the run's diagnostics sample anyway: after the stream against before it."""
    track = tmp_path / "drift.yaml"
    companions = {"generic": ["a house", "the sea"]}

    def diagnosed(method, **more):
        track_values["companions"] = companions | more
        track.write_text(yaml.safe_dump(track_values))
        path = ran(method, track, tmp_path / "out")
        code, output, error = cli("diagnose", "--track", track, "--results", tmp_path / "out")
        assert code == 0, error
        return output, read_record(path).companions

    _, plain = diagnosed("half_merge")
    sampled = files(tmp_path / "out")
    output, drifted = diagnosed("half_merge", drift=["mini_kid", "colour_gap"])
    assert "measured" in output and files(tmp_path / "out") == sampled, "no image is sampled for it"
    assert drifted.digest == plain.digest and drifted.metrics == plain.metrics, "the columns are the same"
    assert plain.drift == {} and set(drifted.drift) == {"mini_kid", "colour_gap"}
    assert drifted.drift["mini_kid"].scale.better == "lower" and drifted.drift["colour_gap"].value > 0
    assert "had them already" in diagnosed("half_merge", drift=["mini_kid", "colour_gap"])[0]
    _, base = diagnosed("base", drift=["mini_kid", "colour_gap"])
    still = {name: one.value for name, one in base.drift.items()}
    assert still == pytest.approx({"mini_kid": 0, "colour_gap": 0}, abs=1e-9)
    table = cli("leaderboard", tmp_path / "out", "--stats")[1].replace("\\", "")
    assert "drift colour_gap (levels) ↓" in table and "Drift: a metric of two sets of images" in table


def test_similarities_are_of_metrics_that_embed(cli, ran, track_values, tmp_path):
    track_values["suites"]["colours"]["metrics"] = ["warmth", "colour", "colour_gap"]
    track = tmp_path / "kinds.yaml"
    track.write_text(yaml.safe_dump(track_values))
    path = ran("base", track, tmp_path / "out")
    for expected in ("measured", "had them already"):
        code, output, error = cli("diagnose", "--track", track, "--results", tmp_path / "out")
        assert code == 0 and expected in output, error
    assert set(read_record(path).companions.metrics) == {"colour"}


@pytest.mark.parametrize(
    ("companions", "line"),
    [
        ({"drift": ["colour"], "generic": ["a house"]}, "metric colour compares no sets of images"),
        ({"drift": ["colour_gap"]}, "drift needs generic prompts"),
        ({"drift": ["colour_gap"] * 2, "generic": ["a house"]}, "drift has duplicates"),
        ({"text": "warmth"}, "metric warmth embeds no images"),
    ],
)
def test_a_metric_that_cannot_measure_it_is_one_line(cli, ran, track_values, tmp_path, companions, line):
    track = tmp_path / "bad.yaml"
    track.write_text(yaml.safe_dump(track_values))
    ran("base", track, tmp_path / "out")
    track.write_text(yaml.safe_dump(track_values | {"companions": companions}))
    code, _, error = cli("diagnose", "--track", track, "--results", tmp_path / "out")
    assert code == 2 and line in error
