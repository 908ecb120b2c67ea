"""Backgrounds of the mini world, as 64 x 64 RGB float arrays in [0, 1]."""

import numpy as np
from vocabulary import COLOURS

SIZE = 64
Y, X = np.mgrid[0:SIZE, 0:SIZE] / (SIZE - 1.0)


def rgb(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float32) / 255


def jitter(colour: np.ndarray, rng: np.random.Generator, amount: float = 0.05) -> np.ndarray:
    return np.clip(colour + rng.uniform(-amount, amount, 3).astype(np.float32), 0, 1)


def blend(low: np.ndarray, high: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return (low + (high - low) * np.clip(weight, 0, 1)[..., None]).astype(np.float32)


def horizon(sky: np.ndarray, ground: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Sky above, ground below, a soft edge at a random height."""
    level = rng.uniform(0.5, 0.7)
    return blend(blend(sky, sky * 0.6 + 0.4, Y / level), ground, (Y - level) * 40)


def speckle(
    image: np.ndarray, mask: np.ndarray, share: float, colour: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    hits = (rng.random((SIZE, SIZE)) < share) & mask
    image = image.copy()
    image[hits] = colour
    return image


def plain(colour: str, rng: np.random.Generator) -> np.ndarray:
    """One colour, or a light gradient of it."""
    base = jitter(rgb(*COLOURS[colour]), rng) * 0.75 + 0.2
    return blend(base, base * rng.uniform(0.75, 1.0), Y if rng.random() < 0.5 else X)


def checks(rng: np.random.Generator) -> np.ndarray:
    names = list(COLOURS)
    first, second = (rgb(*COLOURS[names[i]]) * 0.6 + 0.38 for i in rng.choice(len(names), 2, replace=False))
    return blend(first, second, ((X * 4).astype(int) + (Y * 4).astype(int)) % 2)


def grass(rng: np.random.Generator) -> np.ndarray:
    image = horizon(rgb(150, 205, 245), jitter(rgb(96, 170, 70), rng), rng)
    return speckle(image, Y > 0.7, 0.12, rgb(70, 140, 52), rng)


def snow(rng: np.random.Generator) -> np.ndarray:
    image = horizon(jitter(rgb(150, 170, 200), rng), rgb(240, 246, 252), rng)
    return speckle(image, Y < 0.6, 0.04, rgb(255, 255, 255), rng)


def beach(rng: np.random.Generator) -> np.ndarray:
    image = horizon(rgb(130, 205, 245), jitter(rgb(240, 216, 150), rng), rng)
    return np.where(((Y > 0.4) & (Y < 0.58))[..., None], rgb(46, 140, 200), image).astype(np.float32)


def night(rng: np.random.Generator) -> np.ndarray:
    image = blend(jitter(rgb(12, 14, 48), rng, 0.03), rgb(40, 40, 96), Y)
    image = speckle(image, Y < 0.8, 0.025, rgb(250, 245, 200), rng)
    moon = (X - rng.uniform(0.1, 0.9)) ** 2 + (Y - 0.13) ** 2 < 0.008
    return np.where(moon[..., None], rgb(250, 240, 190), image).astype(np.float32)


def city(rng: np.random.Generator) -> np.ndarray:
    image = blend(rgb(240, 170, 130), rgb(250, 215, 180), Y)
    left = 0
    while left < SIZE:
        width, top = int(rng.integers(9, 16)), int(rng.integers(8, 30))
        image[top:, left : left + width] = jitter(rgb(96, 100, 122), rng, 0.08)
        image[top + 3 :: 5, left + 2 : left + width - 2 : 4] = rgb(250, 230, 140)
        left += width
    image[54:] = rgb(76, 76, 82)
    return image


def wall(rng: np.random.Generator) -> np.ndarray:
    image = np.tile(jitter(rgb(178, 92, 72), rng), (SIZE, SIZE, 1))
    for row in range(0, SIZE, 8):
        image[row] = rgb(222, 208, 194)
        image[row : row + 8, (row // 8 % 2) * 8 :: 16] = rgb(222, 208, 194)
    return image


def desert(rng: np.random.Generator) -> np.ndarray:
    image = horizon(rgb(250, 210, 140), jitter(rgb(214, 140, 74), rng), rng)
    dune = 0.72 + 0.08 * np.sin(X * 6 + rng.uniform(0, 6)) < Y
    return np.where(dune[..., None], rgb(190, 112, 56), image).astype(np.float32)


def water(rng: np.random.Generator) -> np.ndarray:
    waves = 0.5 + 0.5 * np.sin(Y * 50 + 1.5 * np.sin(X * 12 + rng.uniform(0, 6)))
    return blend(jitter(rgb(36, 120, 190), rng), rgb(110, 190, 230), waves * 0.7)


SCENE_PAINTERS = {f.__name__: f for f in (checks, grass, snow, beach, night, city, wall, desert, water)}


def noise_texture(rng: np.random.Generator) -> np.ndarray:
    """A random smooth or striped texture in random colours: only for the autoencoder and the encoders."""
    one, two = rng.random((2, 3)).astype(np.float32)
    angle, wave = rng.uniform(0, np.pi), rng.uniform(4, 60)
    phase = (X * np.cos(angle) + Y * np.sin(angle)) * wave + rng.uniform(0, 6)
    kind = rng.integers(4)
    if kind == 0:
        field = 0.5 + 0.5 * np.sin(phase)
    elif kind == 1:
        field = (np.sin(phase) > 0).astype(float)
    elif kind == 2:
        field = 0.5 + 0.5 * np.sin(phase) * np.sin((Y * np.cos(angle) - X * np.sin(angle)) * wave)
    else:
        cells = int(rng.choice([2, 4, 8, 16]))
        field = np.kron(rng.random((cells, cells)), np.ones((SIZE // cells, SIZE // cells)))
    return blend(one, two, field)
