"""Stream files and the images that they name."""

import struct
import zlib

import pytest
import yaml
from PIL import Image

TEXT, NAME = "valid string", "may have"
FIELDS = [
    *[("tasks/0/name", v, NAME) for v in ("", "../up", "a/b", ".x", "a b", "a\x1b[2J", "a\u202eb")],
    ("tasks/0/name", "x" * 81, "80 characters"),
    ("tasks/0/name", 7, TEXT),
    ("tasks/0/name", "green", "two tasks are named 'green'"),
    ("tasks/0/prompt", "", "at least 1 character"),
    ("tasks/0/prompt", None, TEXT),
    ("tasks/0/prompt", ["a"], TEXT),
    ("tasks/0/images", None, "tasks.0.images"),
    ("tasks/0/images", [], "tasks.0.images"),
    ("tasks/0/images", 5, "tasks.0.images"),
    ("tasks/0/images", "nowhere.png", "does not exist"),
    ("tasks/0/images", ["red.png", "nowhere.png"], "does not exist"),
    ("tasks/0/images", "*.gif", "no images"),
    ("tasks/0/images", "/nowhere/*.png", "no images"),
    ("tasks/0/images", "a\0b", "does not exist"),
    ("tasks/0/images", "x" * 300, "File name too long"),
    ("tasks/0/images", "/dev/zero", "does not exist"),
    ("tasks/0/references", [], "tasks.0.references"),
    ("tasks/0/references", "nowhere", "does not exist"),
    ("tasks/0/references", {"a": 1}, "tasks.0.references"),
    ("tasks/0/prompt", "a photo of {}", "task red: {} is left in 'a photo of {}'"),
    ("tasks/0/prompts", ["a {} cat", "a tree"], "task red: {} is left in"),
    ("tasks/1/plain_prompts", ["a {token} cat", "a tree"], "task green: {token} is left in"),
    ("tasks/0/prompts", [], "at least 1 item"),
    ("tasks/0/prompts", "a cat", "valid list"),
    ("tasks/0/prompts", [1], TEXT),
    ("tasks/0/prompts", ["one"], "1 prompts but 2 plain_prompts"),
    ("tasks/0/plain_prompts", ["one", "two", "three"], "2 prompts but 3 plain_prompts"),
    ("tasks/0/plain_prompts", None, "valid list"),
    ("tasks/0/colour", "red", "Extra inputs"),
    ("tasks", [], "at least 1 item"),
    ("tasks", None, "valid list"),
    ("tasks", {"name": "x"}, "valid list"),
    ("tasks/0", None, "valid dictionary"),
    ("name", "../x", NAME),
    ("name", None, TEXT),
    ("more", 1, "Extra inputs"),
]
FILES = [
    (b"", "top level"),
    (b"[]", "top level"),
    (b"tasks: [", "is not YAML"),
    (b"name: a\nname: b", "duplicate key 'name'"),
    (b"a: &a [*a]", "after its aliases are expanded"),
    (b"\xff", "is not text"),
    (b"{" * 3000, "nested too deeply"),
    (b"!!python/object:os.x {}", "is not YAML"),
]
OPTIONS = [
    ({}, "takes one option, path; it was given none"),
    ({"path": 5}, "must be the name of a stream file, not int"),
    ({"path": None}, "must be the name of a stream file, not NoneType"),
    ({"path": ["a"]}, "must be the name of a stream file, not list"),
    ({"path": "a", "more": 1}, "takes one option"),
    ({"file": "a"}, "takes one option"),
    ({"path": "nowhere.yaml"}, "No such file"),
    ({"path": "/"}, "Is a directory"),
    ({"path": "a\0b"}, "null"),
]


def png(width: int, height: int) -> bytes:
    """A PNG whose header promises that many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


IMAGES = {
    "empty": b"",
    "words": b"no image at all",
    "head alone": b"\x89PNG\r\n\x1a\n",
    "bomb": png(60_000, 60_000),
    "half a bomb": png(10_000, 10_000),
    "no pixels": png(0, 0),
    "cut": png(64, 64)[:60],
    "too little data": png(640, 640),
    "gif head": b"GIF89a",
    "bmp head": b"BM" + b"\0" * 20,
    "jpeg head": b"\xff\xd8\xff\xe0",
    "webp head": b"RIFF\x10\0\0\0WEBPVP8 ",
    "script": b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>",
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    "pickle": b"\x80\x04\x95\x00",
    "tiff loop": b"II*\0\x08\0\0\0\x01\0\x00\x01\x03\0\x01\0\0\0\x01\0\0\0\x08\0\0\0",
    "icon": b"\0\0\1\0\1\0" + b"\0" * 10,
}


@pytest.mark.parametrize(("place", "value", "line"), FIELDS)
def test_field(home, hostile, run_words, refused, place, value, line):
    (home / "stream.yaml").write_text(yaml.safe_dump(hostile.put(hostile.stream, place, value)))
    refused(run_words(), line)


@pytest.mark.parametrize(("data", "line"), FILES)
def test_file(home, run_words, refused, data, line):
    (home / "stream.yaml").write_bytes(data)
    assert "stream.yaml" in refused(run_words(), line)


@pytest.mark.parametrize(("options", "line"), OPTIONS)
def test_options(home, hostile, run_words, refused, options, line):
    (home / "tiny.yaml").write_text(
        yaml.safe_dump(hostile.put(hostile.track, "suites/colours/options", options))
    )
    refused(run_words(), line)


@pytest.mark.parametrize("kind", IMAGES)
def test_image(home, run_words, refused, kind):
    (home / "red.png").write_bytes(IMAGES[kind])
    assert "red.png" in refused(run_words(), "cannot be read")


def test_image_of_odd_modes_is_taken(home, cli, run_words):
    """A palette, grey with alpha, 16 bits and CMYK are images: the run goes on to the weights, which are not
    there."""
    kinds = (("P", "a.png"), ("LA", "b.png"), ("I;16", "c.png"), ("CMYK", "d.jpg"), ("1", "e.bmp"))
    for index, (mode, name) in enumerate(kinds):
        Image.new(mode, (40 + index, 40)).save(home / name)
    stream = yaml.safe_load((home / "stream.yaml").read_text())
    stream["tasks"][0]["images"] = ["a.png", "b.png", "c.png", "d.jpg", "e.bmp"]
    (home / "stream.yaml").write_text(yaml.safe_dump(stream))
    from cbench.plan import plans

    assert len(plans(str(home / "tiny.yaml"), "colours", "base", {}, None, None, False, None)) == 1
