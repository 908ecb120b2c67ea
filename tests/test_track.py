import pytest
import yaml

from cbench.errors import BadInput
from cbench.track import parse


def write(tmp_path, values):
    path = tmp_path / "t.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


def test_digest_is_of_the_protocol_alone(tmp_path, track_values):
    digest = parse(write(tmp_path, track_values)).digest
    track_values["summary"] = "other words"
    track_values["sampling"]["batch"] = 3
    assert parse(write(tmp_path, track_values)).digest == digest
    track_values["training"]["rank"] = 3
    assert parse(write(tmp_path, track_values)).digest != digest


def test_a_suite_may_train_otherwise(tmp_path, track_values):
    plain = parse(write(tmp_path, track_values))
    suite = next(iter(plain.suites))
    assert plain.of(suite) is plain
    track_values["suites"][suite]["training"] = {"steps": plain.training.steps + 7}
    longer = parse(write(tmp_path, track_values))
    assert longer.of(suite).training.steps == plain.training.steps + 7 and longer.training == plain.training
    assert longer.digest != plain.digest


def test_bad_training_of_a_suite_is_named(tmp_path, track_values):
    suite = next(iter(track_values["suites"]))
    track_values["suites"][suite]["training"] = {"steps": 0}
    with pytest.raises(BadInput, match=rf"suites.{suite}.training.steps") as error:
        parse(write(tmp_path, track_values))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("place", "value", "line"),
    [
        ("training", {"rank": 0}, "training.rank"),
        ("training", {"ranks": 1}, "training.ranks"),
        ("sampling", {"steps": "many"}, "sampling.steps"),
        ("backbone", {"dtype": "int8"}, "backbone.dtype"),
    ],
)
def test_bad_field_is_named(tmp_path, track_values, place, value, line):
    track_values[place] |= value
    with pytest.raises(BadInput, match=line):
        parse(write(tmp_path, track_values))


@pytest.mark.parametrize("text", ["", "[1]", "a: [", "name: x"])
def test_bad_file_is_one_line(tmp_path, text):
    path = tmp_path / "t.yaml"
    path.write_text(text)
    with pytest.raises(BadInput) as error:
        parse(path)
    assert "\n" not in str(error.value)
