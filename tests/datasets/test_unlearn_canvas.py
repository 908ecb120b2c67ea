"""The draw is replayed over the data set's own folder names; small images stand for the 24,000 pictures."""

import random
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cbench.datasets import canvas_parquet
from cbench.datasets.unlearn_canvas import DRAWN, REFERENCES, load, wanted
from cbench.errors import BadInput

STYLES = """
Abstractionism Artist_Sketch Blossom_Season Blue_Blooming Bricks Byzantine Cartoon Cold_Warm
Color_Fantasy Comic_Etch Crayon Crypto_Punks Cubism Dadaism Dapple Defoliation Dreamweave
Early_Autumn Expressionism Fauvism Foliage_Patchwork French Glowing_Sunset Gorgeous_Love Greenfield
Impasto Impressionism Ink_Art Joy Liquid_Dreams Magic_Cube Meta_Physics Meteor_Shower Monet Mosaic
Neon_Lines On_Fire Palette_Knife Pastel Pencil_Drawing Picasso Pointillism Pop_Art Rainwash
Realistic_Watercolor Red_Blue_Ink Rust Sketch Sponge_Dabbed Structuralism Superstring Surrealism
Techno Ukiyoe Van_Gogh Vibrant_Flow Warm_Love Warm_Smear Watercolor Winter
""".split()  # noqa: SIM905
OBJECTS = """
Architectures Bears Birds Butterfly Cats Dogs Fishes Flame Flowers Frogs Horses Human Jellyfish
Rabbits Sandwiches Sea Statues Towers Trees Waterfalls
""".split()  # noqa: SIM905


def draw(styles, objects):
    """The study's draw: Python's random, seed 42, over sorted folder names."""
    rng = random.Random(42)
    own = rng.sample(sorted(objects), 10)
    chosen = rng.sample(sorted(styles), 10)
    numbers = rng.choices(range(1, 21), k=10)
    files = sorted(f"{n}.jpg" for n in range(1, 21))
    drawn = {
        s: (o, tuple(int(f.removesuffix(".jpg")) for f in rng.sample(files, 5)))
        for s, o in zip(chosen, own, strict=True)
    }
    return drawn, dict(zip([o for o in sorted(objects) if o not in own], numbers, strict=True))


def test_what_is_pinned_is_what_the_study_drew():
    drawn, references = draw(STYLES, OBJECTS)
    assert len(STYLES) == 60 and len(OBJECTS) == 20
    assert list(drawn.items()) == list(DRAWN.items()) and list(references.items()) == list(REFERENCES.items())


def test_a_folder_more_would_change_the_draw_and_leaves_the_pinned_alone():
    assert draw([*STYLES, "Zebra", "Yarn", "Xylograph", "Woodcut"], OBJECTS)[0] != DRAWN


def picture(style, thing, number):
    seed = abs(hash((style, thing, number))) % 2**32
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (40, 40, 3), dtype=np.uint8))


def keys():
    return [(style, *which) for style in DRAWN for which in wanted(style)]


@pytest.fixture
def folder(tmp_path):
    for style, thing, number in keys():
        path = tmp_path / "canvas" / style / thing / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture(style, thing, number).save(path)
    (tmp_path / "canvas" / "Seed_Images").mkdir()
    (tmp_path / "canvas" / ".DS_Store").write_bytes(b"")
    (tmp_path / "canvas" / "metadata.jsonl").write_text("")
    return tmp_path / "canvas"


def test_the_studys_words(folder):
    stream = load({"path": str(folder)}, folder)
    ink = next(t for t in stream.tasks if t.name == "Ink_Art")
    assert [e.image.name for e in ink.examples] == ["2.jpg", "17.jpg", "10.jpg", "4.jpg", "12.jpg"]
    assert (
        ink.examples[0].prompt == "ink art image of flowers"
        and ink.prompts[2] == "ink art image of a santa hat"
    )
    assert len(ink.references) == 10 and ink.references[0].parts[-2:] == ("Cats", "1.jpg")
    assert ink.plain_prompts[0] == "image of a wizard"


@pytest.mark.parametrize(
    ("lost", "line"),
    [
        ("Winter", "unknown style in .* 'Winter'"),
        ("Winter/Birds", "unknown object in .*Winter 'Birds'"),
        ("Winter/Birds/18.jpg", r"image .*Winter/Birds/18\.jpg does not exist"),
    ],
)
def test_what_is_missing_is_named(folder, lost, line):
    (folder / lost).rename(folder.parent / "away")
    with pytest.raises(BadInput, match=line):
        load({"path": str(folder)}, folder)


def write_parquet(folder, rows, group):
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    folder.mkdir(parents=True)
    for index in range(2):
        part = rows[index::2]
        table = pa.table({"image": [r[0] for r in part], "text": [r[1] for r in part]})
        parquet.write_table(table, folder / f"train-{index}.parquet", row_group_size=group)


def caption(style, thing):
    article = "An" if thing[0] in "AEIOU" else "A"
    return f"{article} {thing} image in {style.replace('_', ' ')} style."


def test_parquet_of_the_hub_gives_the_same_bytes_as_the_folder(folder, tmp_path):
    rows = [
        ({"bytes": (folder / s / o / f"{n}.jpg").read_bytes(), "path": f"{s}_{o}_{n}.jpg"}, caption(s, o))
        for s, o, n in keys()
    ]
    rows += [
        ({"bytes": b"x", "path": "1.jpg"}, "A seed photograph"),
        ({"bytes": b"x", "path": "1.jpg"}, caption("Rust", "Sea")),
    ]
    random.Random(0).shuffle(rows)
    write_parquet(tmp_path / "hub" / "data", rows, 7)
    one, two = load({"path": str(folder)}, folder), load({"path": str(tmp_path / "hub")}, folder)
    for a, b in zip(one.tasks, two.tasks, strict=True):
        assert (a.name, a.prompts) == (b.name, b.prompts)
        assert [p.read_bytes() for p in a.references] == [p.read_bytes() for p in b.references]
        assert [e.image.read_bytes() for e in a.examples] == [e.image.read_bytes() for e in b.examples]
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.jpg")}
    load({"path": str(tmp_path / "hub")}, folder)
    assert before == {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.jpg")}


def test_two_processes_may_extract_at_once(folder, tmp_path, monkeypatch):
    """While one writes its first image, the other comes and writes them all."""
    rows = [
        ({"bytes": (folder / s / o / f"{n}.jpg").read_bytes(), "path": f"{n}.jpg"}, caption(s, o))
        for s, o, n in keys()
    ]
    write_parquet(tmp_path / "hub", rows, 100)
    plain, met = Path.replace, []

    def replace(path, target):
        if not met:
            met.append(path)
            load({"path": str(tmp_path / "hub")}, folder)
        return plain(path, target)

    monkeypatch.setattr(Path, "replace", replace)
    stream = load({"path": str(tmp_path / "hub")}, folder)
    assert len(stream.tasks) == 10 and met
    assert {p.suffix for p in (tmp_path / "hub" / "drawn").rglob("*") if p.is_file()} == {".jpg"}


def test_rows_without_file_names_are_counted(tmp_path):
    rows = [({"bytes": bytes([n]), "path": None}, caption("Dapple", "Bears")) for n in range(1, 4)]
    write_parquet(tmp_path / "hub", [rows[0], rows[2], rows[1]], 1)
    files = sorted((tmp_path / "hub").iterdir())
    found = canvas_parquet.find(files, {("Dapple", "Bears", n) for n in (2, 3)})
    assert found == {("Dapple", "Bears", 2): (files[0], 1, 0), ("Dapple", "Bears", 3): (files[1], 0, 0)}


@pytest.mark.parametrize("content", [b"", b"PAR1 nothing"])
def test_broken_or_partial_parquet_is_one_line(tmp_path, content):
    pytest.importorskip("pyarrow")
    (tmp_path / "train.parquet").write_bytes(content)
    with pytest.raises(BadInput, match=re.escape(str(tmp_path / "train.parquet"))):
        load({"path": str(tmp_path)}, tmp_path)


def test_partial_download_says_what_is_missing(tmp_path):
    write_parquet(
        tmp_path / "hub", [({"bytes": b"x", "path": "19.jpg"}, caption("Byzantine", "Butterfly"))] * 2, 7
    )
    with pytest.raises(BadInput, match=r"149 images are not in .* check that every file was downloaded"):
        load({"path": str(tmp_path / "hub")}, tmp_path)
