"""The study's styles: ten of UnlearnCanvas's sixty (Zhang et al. 2024), each learned from five images of one
object.

Layout: STYLE/OBJECT/1.jpg .. 20.jpg, or the hub's parquet files (OPTML-Group/UnlearnCanvas), whose captions
name style and object. The study's random draw (Staniszewski et al. 2024, arXiv 2410.04891) is pinned by name:
one folder more or less would change the draw."""

from pathlib import Path

from cbench.datasets import canvas_parquet
from cbench.datasets.data_folder import root_of
from cbench.errors import BadInput, unknown
from cbench.task import Example, Stream, Task

DRAWN = {
    "Byzantine": ("Butterfly", (19, 17, 13, 15, 9)),
    "Palette_Knife": ("Architectures", (12, 11, 20, 9, 2)),
    "Ink_Art": ("Flowers", (2, 17, 10, 4, 12)),
    "Blossom_Season": ("Flame", (20, 11, 7, 18, 2)),
    "Artist_Sketch": ("Statues", (8, 15, 11, 10, 16)),
    "Winter": ("Birds", (18, 11, 16, 12, 20)),
    "Dadaism": ("Human", (17, 4, 2, 14, 7)),
    "Dapple": ("Bears", (2, 15, 17, 11, 14)),
    "Meteor_Shower": ("Horses", (7, 16, 14, 4, 20)),
    "Pastel": ("Towers", (17, 7, 16, 19, 10)),
}
"""Style -> the object to learn it from, and the numbers of its training images."""

REFERENCES = {
    "Cats": 1,
    "Dogs": 4,
    "Fishes": 13,
    "Frogs": 11,
    "Jellyfish": 5,
    "Rabbits": 12,
    "Sandwiches": 17,
    "Sea": 1,
    "Trees": 17,
    "Waterfalls": 14,
}
"""Object -> the number of its image, the same in every style. No style is learned from these objects."""

PROMPTS = tuple("{} image of a " + thing for thing in ("wizard", "policeman", "santa hat", "clock", "mirror"))


def wanted(style: str) -> list[tuple[str, int]]:
    """The study's images of a style, as (object, number): five training images, then ten references."""
    thing, numbers = DRAWN[style]
    return [(thing, number) for number in numbers] + list(REFERENCES.items())


def load(options: dict[str, str], home: Path) -> Stream:
    """The ten styles. Raises BadInput for a missing style, object or image."""
    root = root_of(options, "unlearn_canvas", "STYLE/OBJECT/1.jpg .. 20.jpg, or the hub's parquet files")
    parquets = sorted(root.rglob("*.parquet"))
    if parquets:
        images = {(style, *image) for style in DRAWN for image in wanted(style)}
        root = canvas_parquet.extract(parquets, images, root / "drawn")
    return Stream("styles", tuple(_task(root, style) for style in DRAWN))


def words(name: str) -> str:
    """A folder's name as written in prompts: `Ink_Art` -> `ink art`."""
    return name.lower().replace("_", " ")


def _task(root: Path, style: str) -> Task:
    thing, numbers = DRAWN[style]
    prompt = f"{words(style)} image of {words(thing)}"
    return Task(
        name=style,
        examples=tuple(Example(_image(root, style, thing, number), prompt) for number in numbers),
        references=tuple(_image(root, style, other, number) for other, number in REFERENCES.items()),
        prompts=tuple(p.format(words(style)) for p in PROMPTS),
        plain_prompts=tuple(p.removeprefix("{} ") for p in PROMPTS),
    )


def _image(root: Path, style: str, thing: str, number: int) -> Path:
    for folder, name, kind in ((root, style, "style"), (root / style, thing, "object")):
        if not (folder / name).is_dir():
            raise unknown(f"{kind} in {folder}", name, [p.name for p in folder.iterdir() if p.is_dir()])
    path = root / style / thing / f"{number}.jpg"
    if not path.is_file():
        raise BadInput(f"dataset unlearn_canvas: image {path} does not exist")
    return path
