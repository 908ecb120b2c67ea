"""Fetches the artists' icon sets from the npm registry and renders the nouns as 128 x 128 RGBA sprites."""

import io
import json
import subprocess
import tarfile
from functools import cache
from pathlib import Path

import numpy as np
import resvg_py
from PIL import Image
from vocabulary import ARTISTS, NOUNS, PAINTERS

SIZE = 128
VERSIONS = {
    "noto": "1.2.9",
    "noto-v1": "1.2.5",
    "twemoji": "1.2.5",
    "fluent-emoji": "1.2.7",
    "fluent-emoji-flat": "1.2.6",
    "emojione": "1.2.3",
    "fxemoji": "1.2.2",
}


def fetch(folder: Path) -> None:
    """Download the pinned packages with `npm pack` into `folder`; what is there already is kept."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, version in VERSIONS.items():
        if not (folder / f"iconify-json-{name}-{version}.tgz").exists():
            subprocess.run(
                ["npm", "pack", "--silent", f"@iconify-json/{name}@{version}"], cwd=folder, check=True
            )


@cache
def icons(folder: Path, icon_set: str) -> dict:
    """The `icons.json` of one set."""
    with tarfile.open(folder / f"iconify-json-{icon_set}-{VERSIONS[icon_set]}.tgz") as archive:
        member = archive.extractfile("package/icons.json")
        assert member is not None
        return json.load(member)


def render(folder: Path, icon_set: str, name: str, size: int = SIZE) -> Image.Image | None:
    """One icon as an RGBA image cropped to its drawing and centred on a square, or None where the set lacks
    it."""
    data = icons(folder, icon_set)
    alias = data.get("aliases", {}).get(name)
    icon = data["icons"].get(alias["parent"] if alias else name)
    if icon is None:
        return None
    width, height = icon.get("width", data.get("width", 16)), icon.get("height", data.get("height", 16))
    space = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    svg = f'<svg {space} viewBox="0 0 {width} {height}">{icon["body"]}</svg>'
    image = Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg, width=size)))).convert("RGBA")
    box = image.getchannel("A").getbbox()
    if box is None:
        return None
    image = image.crop(box)
    image.thumbnail((size, size))
    square = Image.new("RGBA", (size, size))
    square.paste(image, ((size - image.width) // 2, (size - image.height) // 2))
    return square


def sprites(folder: Path) -> dict[tuple[str, str], Image.Image]:
    """(noun, artist) -> sprite, for every pair that exists, the held-out ones among them."""
    candidates = {
        (noun, artist): render(folder, ARTISTS[artist], icon)
        for noun, icon in NOUNS.items()
        for artist in ARTISTS
    }
    return {pair: image for pair, image in candidates.items() if image is not None}


def known(pairs: dict[tuple[str, str], Image.Image]) -> dict[tuple[str, str], Image.Image]:
    """The sprites that pre-training may see."""
    return {(noun, artist): image for (noun, artist), image in pairs.items() if artist in PAINTERS}


def extras(folder: Path, count: int, seed: int = 0) -> list[Image.Image]:
    """Random other icons of all sets (none of the world's nouns), for the autoencoder and the instance
    encoder."""
    taken = set(NOUNS.values())
    names = [
        (s, n)
        for s in ARTISTS.values()
        for n in sorted(icons(folder, s)["icons"])
        if n not in taken and "skin" not in n
    ]
    picks = np.random.default_rng(seed).permutation(len(names))[: count * 2]
    candidates = (render(folder, *names[i]) for i in picks)
    return [image for image in candidates if image is not None][:count]
