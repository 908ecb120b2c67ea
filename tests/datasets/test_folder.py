import pytest
import yaml
from PIL import Image

from cbench.datasets.folder import load
from cbench.errors import BadInput


def test_stream_as_written(stream_file):
    stream = load({"path": "stream.yaml"}, stream_file.parent)
    assert [t.name for t in stream.tasks] == ["red", "green", "blue"]
    task = stream.tasks[0]
    assert [e.image.name for e in task.examples] == ["0.png", "1.png"] and task.examples[
        0
    ].prompt == "a red wall"
    assert task.references == tuple(e.image for e in task.examples)


def test_order_is_the_studys(stream_file):
    stream = load({"path": "stream.yaml"}, stream_file.parent)
    ten = stream._replace(tasks=tuple(stream.tasks[0]._replace(name=str(i)) for i in range(10)))
    published = {0: "7815342096", 5: "2310876549", 10: "5271843609", 42: "7328569401"}
    assert {order: "".join(t.name for t in ten.ordered(order)) for order in published} == published


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"prompts": []}, "tasks.0.prompts"),
        ({"images": "nowhere"}, "does not exist"),
        ({"images": "*.gif"}, "no images"),
        ({"name": "../up"}, "tasks.0.name"),
        ({"plain_prompts": ["one"]}, "2 prompts but 1 plain_prompts"),
        ({"colour": "red"}, "tasks.0.colour"),
        ({"name": "green"}, "two tasks are named 'green'"),
    ],
)
def test_bad_stream_is_one_line(stream_file, change, line):
    fields = yaml.safe_load(stream_file.read_text())
    fields["tasks"][0] |= change
    stream_file.write_text(yaml.safe_dump(fields))
    with pytest.raises(BadInput, match=line):
        load({"path": str(stream_file)}, stream_file.parent)


@pytest.mark.parametrize("name", ["2.jfif", "2.TIF", "2.tiff", "2.gif", "2.avif", "2.jp2", "2.tga", "2"])
def test_what_pillow_opens_is_taken(stream_file, name):
    with (stream_file.parent / "red" / name).open("wb") as file:
        kind = {"jfif": "JPEG", "tif": "TIFF", "tga": "TGA", "jp2": "JPEG2000"}
        suffix = name.lower().partition(".")[2]
        Image.new("RGB", (64, 64), "yellow").save(file, kind.get(suffix, suffix.upper() or "PNG"))
    task = load({"path": str(stream_file)}, stream_file.parent).tasks[0]
    assert [e.image.name for e in task.examples] == ["0.png", "1.png", name]


@pytest.mark.parametrize("name", ["2.heic", "notes.txt", "Thumbs.db", "2.svg", "README"])
def test_what_it_does_not_open_is_named(stream_file, name):
    (stream_file.parent / "red" / name).write_bytes(b"something else")
    (stream_file.parent / "red" / ".DS_Store").write_bytes(b"hidden")
    (stream_file.parent / "red" / "more").mkdir()
    with pytest.raises(
        BadInput, match=rf"task red: image red: {name} in the folder cannot be opened.*move it"
    ):
        load({"path": str(stream_file)}, stream_file.parent)
    (stream_file.parent / "red" / name).rename(stream_file.parent / "red" / f".{name}")
    assert len(load({"path": str(stream_file)}, stream_file.parent).tasks[0].examples) == 2
