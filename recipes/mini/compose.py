"""Draws captioned 64 x 64 pictures of the mini world: a noun by an artist, on a background, in a style."""

from typing import NamedTuple

import numpy as np
from filters import NAMED, Filter, look
from PIL import Image
from scenes import SCENE_PAINTERS, plain
from vocabulary import ARTISTS, COLOURS, LOOKS, NOUNS, RARE_TOKENS, SCENES, STYLES

SIZE = 64
Sprites = dict[tuple[str, str], Image.Image]


class Picture(NamedTuple):
    pixels: np.ndarray
    """64 x 64 x 3, uint8."""
    caption: str
    noun: str
    style: str


class Instance(NamedTuple):
    """One personal object: a drawing with its own hue and pattern."""

    sprite: Image.Image
    hue: float = 0.0
    pattern: str = ""


def dress(instance: Instance) -> Image.Image:
    """The sprite with its hue turned (in turns, 0..1) and its pattern (`striped`, `dotted` or none) painted
    on.
    """
    if not instance.hue and not instance.pattern:
        return instance.sprite
    alpha = instance.sprite.getchannel("A")
    hsv = np.array(instance.sprite.convert("RGB").convert("HSV"))
    hsv[..., 0] = (hsv[..., 0].astype(int) + round(instance.hue * 256)) % 256
    rgb = np.array(Image.fromarray(hsv, "HSV").convert("RGB")).astype(float)
    y, x = np.mgrid[0 : rgb.shape[0], 0 : rgb.shape[1]]
    if instance.pattern == "striped":
        rgb[(x + y) % 32 < 10] *= 0.35
    elif instance.pattern == "dotted":
        rgb[np.hypot(x % 28 - 14, y % 28 - 14) < 7] = 245
    dressed = Image.fromarray(rgb.astype(np.uint8)).convert("RGBA")
    dressed.putalpha(alpha)
    return dressed


def tint(sprite: Image.Image, colour: str) -> Image.Image:
    """The sprite recoloured: its light and shade kept, its hue replaced."""
    rgb = np.array(sprite.convert("RGB")).astype(float) / 255
    light = rgb.mean(-1, keepdims=True)
    target = np.array(COLOURS[colour]) / 255
    painted = np.where(light < 0.55, target * (light / 0.55), target + (1 - target) * (light - 0.55) / 0.9)
    image = Image.fromarray((np.clip(painted, 0, 1) * 255).astype(np.uint8)).convert("RGBA")
    image.putalpha(sprite.getchannel("A"))
    return image


def paste(
    canvas: Image.Image, sprite: Image.Image, centre: tuple[float, float], size: float, angle: float
) -> None:
    """Put the sprite on the canvas: `centre` and `size` in pixels, `angle` in degrees."""
    side = max(1, round(size))
    small = sprite.rotate(angle, Image.Resampling.BICUBIC).resize((side, side), Image.Resampling.BOX)
    canvas.paste(small, (round(centre[0] - side / 2), round(centre[1] - side / 2)), small)


def photograph(
    sprite: Image.Image,
    background: np.ndarray,
    rng: np.random.Generator,
    size: tuple[float, float] = (44, 54),
) -> np.ndarray:
    """One picture of one object: random place, size and angle."""
    canvas = Image.fromarray((background * 255).astype(np.uint8))
    centre = (32 + rng.uniform(-3, 3), 33 + rng.uniform(-3, 3))
    paste(canvas, sprite, centre, rng.uniform(*size), rng.uniform(-8, 8))
    return np.asarray(canvas)


def background(rng: np.random.Generator, scene_share: float = 0.5) -> tuple[np.ndarray, str]:
    """A background and the words for it."""
    if rng.random() < scene_share:
        scene = list(SCENES)[rng.integers(len(SCENES))]
        return SCENE_PAINTERS[scene](rng), SCENES[scene]
    colour = list(COLOURS)[rng.integers(len(COLOURS))]
    return plain(colour, rng), f"on {colour}"


def apply_style(pixels: np.ndarray, style: str | Filter) -> np.ndarray:
    image = (NAMED[style] if isinstance(style, str) else style)(pixels.astype(np.float32) / 255)
    return (np.clip(image, 0, 1) * 255).astype(np.uint8)


def picture(sprites: Sprites, rng: np.random.Generator, share: float = 0.0) -> Picture:
    """One random captioned picture of the pre-training mix; `share` of them in one of the looks."""
    noun = list(NOUNS)[rng.integers(len(NOUNS))]
    artists = [a for a in ARTISTS if (noun, a) in sprites]
    artist = artists[rng.integers(len(artists))]
    sprite, words = sprites[noun, artist], [noun]
    kind = rng.random()
    if kind < 0.10:
        colour = list(COLOURS)[rng.integers(len(COLOURS))]
        sprite, words = tint(sprite, colour), [colour, noun]
    elif kind < 0.15:
        pattern = ("striped", "dotted")[rng.integers(2)]
        sprite, words = dress(Instance(sprite, 0.0, pattern)), [pattern, noun]
    if rng.random() < 0.12:
        words.insert(0, RARE_TOKENS[rng.integers(len(RARE_TOKENS))])
    back, where = background(rng)
    pixels = photograph(sprite, back, rng)
    words += ["by", artist] if rng.random() < 0.4 else []
    words += where.split() if rng.random() < 0.75 else []
    style = ""
    if 0.15 <= kind < 0.35:
        style = STYLES[rng.integers(len(STYLES))]
        pixels = apply_style(pixels, style)
    elif 0.35 <= kind < 0.35 + share:
        number = int(rng.integers(len(LOOKS)))
        style = LOOKS[number]
        pixels = apply_style(pixels, look(number))
    return Picture(pixels, phrase(words, style, rng), noun, style)


def phrase(words: list[str], style: str, rng: np.random.Generator) -> str:
    """The caption: `a photo of a cat`, `sepia image of a cat in the snow`."""
    article = "an" if words[0][0] in "aeiou" else "a"
    if style or rng.random() < 0.15:
        rare = RARE_TOKENS[rng.integers(len(RARE_TOKENS))] + " " if not style and rng.random() < 0.3 else ""
        return f"{style + ' ' if style else rare}image of {article} {' '.join(words)}"
    opening = ("a photo of ", "a picture of ", "")[rng.choice(3, p=(0.6, 0.1, 0.3))]
    return f"{opening}{article} {' '.join(words)}"
