"""Image-space styles: functions of a 64 x 64 RGB float array in [0, 1]. The named ones are fixed;
`random_style` draws new ones.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
from scipy import ndimage
from vocabulary import LOOKS

Filter = Callable[[np.ndarray], np.ndarray]
SIZE = 64
Y, X = np.mgrid[0:SIZE, 0:SIZE]
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)


def luma(image: np.ndarray) -> np.ndarray:
    return image @ LUMA


def edges(image: np.ndarray) -> np.ndarray:
    """Edge strength in [0, 1], the strongest colour channel's."""
    gradient = np.hypot(ndimage.sobel(image, 0), ndimage.sobel(image, 1)).max(-1)
    return np.clip(gradient / 2.0, 0, 1)


def ramp(value: np.ndarray, *stops: tuple[int, int, int]) -> np.ndarray:
    """Colour map through the given stops, spread evenly over [0, 1]."""
    points = np.linspace(0, 1, len(stops))
    channels = [np.interp(value, points, [stop[c] / 255 for stop in stops]) for c in range(3)]
    return np.stack(channels, -1).astype(np.float32)


def cells(image: np.ndarray, size: int) -> np.ndarray:
    """The mean of each size x size block, spread over the block again."""
    small = image.reshape(SIZE // size, size, SIZE // size, size, 3).mean((1, 3))
    return small.repeat(size, 0).repeat(size, 1)


# Known to pre-training --------------------------------------------------------------------------------------


def pixel(image: np.ndarray) -> np.ndarray:
    return cells(image, 4)


def sepia(image: np.ndarray) -> np.ndarray:
    return ramp(luma(image), (40, 22, 8), (170, 124, 78), (255, 240, 208))


def outline(image: np.ndarray) -> np.ndarray:
    return image * (1 - np.clip(edges(image) * 1.6, 0, 1))[..., None]


def watercolour(image: np.ndarray) -> np.ndarray:
    soft = ndimage.median_filter(ndimage.gaussian_filter(image, (1.5, 1.5, 0)), (5, 5, 1))
    return np.clip(soft * 0.7 + 0.28, 0, 1)


def mono(image: np.ndarray) -> np.ndarray:
    return np.repeat(luma(image)[..., None], 3, -1)


def negative(image: np.ndarray) -> np.ndarray:
    return 1 - image


def poster(image: np.ndarray) -> np.ndarray:
    return np.round(np.clip((image - 0.5) * 1.5 + 0.5, 0, 1) * 2) / 2


def sketch(image: np.ndarray) -> np.ndarray:
    return np.repeat((1 - np.clip(edges(image) * 1.5, 0, 1))[..., None], 3, -1) * np.array([0.97, 0.97, 0.93])


# Candidates for the streams: held out of pre-training. Smooth, for the autoencoder blurs what is finer than
# about six pixels, and no stronger than the content can bear. `candidates.py` measures them.


def blur(image: np.ndarray, sigma: float) -> np.ndarray:
    return ndimage.gaussian_filter(image, (sigma, sigma, 0)[: image.ndim])


def mixed(image: np.ndarray, colour: np.ndarray, share: np.ndarray) -> np.ndarray:
    """The image with a share (64 x 64, 0 to 1) of another colour."""
    return image * (1 - share[..., None]) + colour * share[..., None]


def neon(image: np.ndarray) -> np.ndarray:
    glow = np.clip(blur(edges(image), 1.0) * 3, 0, 1)[..., None]
    hue = image / (image.max(-1, keepdims=True) + 1e-3)
    night = image * np.array([0.12, 0.05, 0.2]) + np.array([0.05, 0.0, 0.1])
    return glow * (hue * 0.6 + np.array([0.45, 0.1, 0.5])) + night


def blueprint(image: np.ndarray) -> np.ndarray:
    line = np.clip(blur(edges(image), 0.9) * 2.6, 0, 1)
    grid = ((X % 16 < 2) | (Y % 16 < 2)) * 0.2
    return ramp(blur(np.maximum(line, grid), 0.5), (18, 52, 140), (235, 244, 255))


def duotone(image: np.ndarray) -> np.ndarray:
    return ramp(luma(image), (60, 0, 110), (230, 60, 120), (255, 226, 70))


def emboss(image: np.ndarray) -> np.ndarray:
    grey = blur(luma(image), 0.7)
    relief = 0.55 + 2.2 * (grey - np.roll(grey, (2, 2), (0, 1)))
    return np.clip(relief, 0, 1)[..., None] * np.array([0.78, 0.7, 0.56])


def mosaic(image: np.ndarray) -> np.ndarray:
    light = ((X // 8 + Y // 8) % 2)[..., None]
    return cells(image, 8) * 0.8 + light * 0.25


def thermal(image: np.ndarray) -> np.ndarray:
    heat = blur(luma(image), 0.8)
    return ramp(heat, (0, 0, 60), (0, 120, 220), (0, 220, 120), (250, 230, 0), (230, 20, 0))


def glitch(image: np.ndarray) -> np.ndarray:
    grey = luma(image)
    left, right = np.roll(grey, -4, 1), np.roll(grey, 4, 1)
    return np.stack([right, left, left], -1)


def chalk(image: np.ndarray) -> np.ndarray:
    board, stroke = np.array([0.13, 0.25, 0.2]), np.clip(blur(edges(image), 0.9) * 2.4, 0, 1)
    return mixed(board + image * 0.25, image * 0.35 + 0.6, stroke)


def frost(image: np.ndarray) -> np.ndarray:
    return ramp(
        np.clip(luma(image) * 0.8 + edges(image), 0, 1), (60, 110, 170), (190, 225, 245), (255, 255, 255)
    )


def stencil(image: np.ndarray) -> np.ndarray:
    grey = blur(luma(image), 1.2)
    return np.where((grey > grey.mean())[..., None], [0.95, 0.55, 0.15], [0.1, 0.1, 0.1])


def comic(image: np.ndarray) -> np.ndarray:
    flat = np.round(np.clip(image * 1.2, 0, 1) * 3) / 3
    dots = 1 / (1 + np.exp(2 * (np.hypot(X % 12 - 5.5, Y % 12 - 5.5) - 3)))
    return flat - dots[..., None] * np.array([0.0, 0.25, 0.35])


def dusk(image: np.ndarray) -> np.ndarray:
    height = (Y / (SIZE - 1))[..., None]
    return image * 0.45 + 0.55 * (
        np.array([0.25, 0.1, 0.5]) * (1 - height) + np.array([1, 0.45, 0.1]) * height
    )


def jade(image: np.ndarray) -> np.ndarray:
    return ramp(1 - luma(image), (228, 250, 226), (40, 160, 120), (4, 44, 40))


def ember(image: np.ndarray) -> np.ndarray:
    return ramp(1 - luma(image), (20, 4, 4), (150, 16, 8), (250, 120, 10), (255, 240, 150))


def lunar(image: np.ndarray) -> np.ndarray:
    return ramp(1 - luma(image), (10, 12, 40), (90, 100, 150), (235, 238, 250))


def candy(image: np.ndarray) -> np.ndarray:
    return image[..., [2, 0, 1]] * 0.8 + np.array([0.35, 0.1, 0.27])


def opal(image: np.ndarray) -> np.ndarray:
    return 0.55 + 0.45 * np.cos(2 * np.pi * (blur(luma(image), 0.6)[..., None] + np.array([0, 1, 2]) / 3))


def velvet(image: np.ndarray) -> np.ndarray:
    light = np.clip(1.25 - 0.9 * np.hypot(X - 31.5, Y - 31.5) ** 2 / 32**2, 0.05, 1)[..., None]
    return (image * np.array([1.0, 0.35, 0.5]) + np.array([0.12, 0.0, 0.05])) * light


def winter(image: np.ndarray) -> np.ndarray:
    flakes = np.cos(X * np.pi / 8) * np.cos(Y * np.pi / 8) > 0.6
    return blur(np.clip(image * 0.5 + np.array([0.35, 0.42, 0.5]) + 0.35 * flakes[..., None], 0, 1), 0.7)


def cameo(image: np.ndarray) -> np.ndarray:
    outside = 1 / (1 + np.exp(-8 * (((X - 31.5) / 26) ** 2 + ((Y - 31.5) / 29) ** 2 - 1)))
    return mixed(image, np.array([0.93, 0.85, 0.7]), outside)


def retro(image: np.ndarray) -> np.ndarray:
    bands = np.array([[0.1, 0.55, 0.55], [0.95, 0.55, 0.2], [0.96, 0.86, 0.6]])[Y * 3 // SIZE]
    return bands * (0.25 + 0.95 * luma(image)[..., None])


def rust(image: np.ndarray) -> np.ndarray:
    field = np.sin(X * 0.28 + 1.3 * np.sin(Y * 0.21)) * np.sin(Y * 0.31 + 0.9 * np.sin(X * 0.17))
    return mixed(image, np.array([0.62, 0.28, 0.1]), np.clip(2 * field + 0.2, 0, 1) * 0.75)


def crayon(image: np.ndarray) -> np.ndarray:
    return mixed(image, np.ones(3), 0.35 + 0.35 * np.sin((X + Y) * np.pi / 5))


def haze(image: np.ndarray) -> np.ndarray:
    return mixed(image, np.array([0.95, 0.95, 1.0]), 0.75 * np.clip(1.2 * Y / (SIZE - 1) - 0.1, 0, 1))


def ink(image: np.ndarray) -> np.ndarray:
    return ramp(1 / (1 + np.exp(-10 * (blur(luma(image), 0.8) - 0.5))), (30, 20, 60), (245, 240, 225))


SHOWS_THROUGH = {
    "neon": 0.45,
    "blueprint": 0.5,
    "emboss": 0.35,
    "mosaic": 0.5,
    "thermal": 0.3,
    "chalk": 0.2,
    "frost": 0.5,
    "stencil": 0.4,
    "jade": 0.35,
    "ember": 0.4,
    "lunar": 0.5,
    "candy": 0.3,
    "opal": 0.4,
    "velvet": 0.15,
    "winter": 0.35,
    "retro": 0.35,
    "crayon": 0.4,
    "ink": 0.2,
}
"""How much of the picture itself shows through, so that its content is still named."""


def visible(style: Filter, share: float) -> Filter:
    """The style with a share of the picture itself."""
    return lambda image: np.clip(style(image), 0, 1) * (1 - share) + image * share


CANDIDATES: dict[str, Filter] = {
    f.__name__: visible(f, SHOWS_THROUGH.get(f.__name__, 0.0))
    for f in (
        *(neon, blueprint, duotone, emboss, mosaic, thermal, glitch, chalk, frost, stencil, comic),
        *(dusk, jade, ember, lunar, candy, opal, velvet, winter, cameo, retro, rust, crayon, haze, ink),
    )
}
NAMED: dict[str, Filter] = CANDIDATES | {
    f.__name__: f for f in (pixel, sepia, outline, watercolour, mono, negative, poster, sketch)
}


# Random styles, for the encoders and the autoencoder --------------------------------------------------------


def _palette(rng: np.random.Generator) -> Filter:
    stops = [tuple(int(v) for v in rng.integers(0, 256, 3)) for _ in range(int(rng.integers(2, 5)))]
    return lambda image: ramp(luma(image), *stops)  # type: ignore[arg-type]


def _mix(rng: np.random.Generator) -> Filter:
    matrix = np.eye(3) * rng.uniform(0, 1) + rng.uniform(-0.6, 0.9, (3, 3))
    shift = rng.uniform(-0.2, 0.4, 3)
    return lambda image: np.clip(image @ matrix + shift, 0, 1)


def _lines(rng: np.random.Generator) -> Filter:
    ground, ink = rng.random((2, 3))
    gain, keep = rng.uniform(1, 2.5), rng.uniform(0, 0.5)
    return lambda image: (
        (ground + (ink - ground) * np.clip(edges(image) * gain, 0, 1)[..., None]) * (1 - keep) + image * keep
    )


def _blocks(rng: np.random.Generator) -> Filter:
    size, gap, colour = int(rng.choice([2, 4, 8])), int(rng.integers(0, 2)), rng.random(3)
    grid = ((X % size < gap) | (Y % size < gap))[..., None]
    return lambda image: np.where(grid, colour, cells(image, size))


def _texture(rng: np.random.Generator) -> Filter:
    angle, wave, strength = rng.uniform(0, np.pi), rng.uniform(0.4, 2.2), rng.uniform(0.2, 0.7)
    one = np.sin((X * np.cos(angle) + Y * np.sin(angle)) * wave)
    two = np.sin((Y * np.cos(angle) - X * np.sin(angle)) * wave) if rng.random() < 0.5 else 1.0
    field, colour = ((one * two > rng.uniform(-0.3, 0.6)) * strength)[..., None], rng.random(3)
    return lambda image: image * (1 - field) + colour * field


def _levels(rng: np.random.Generator) -> Filter:
    steps, gain = int(rng.integers(1, 4)), rng.uniform(0.8, 1.8)
    return lambda image: np.round(np.clip((image - 0.5) * gain + 0.5, 0, 1) * steps) / steps


def _soft(rng: np.random.Generator) -> Filter:
    sigma, lift = rng.uniform(0.8, 2.2), rng.uniform(0, 0.3)
    return lambda image: np.clip(ndimage.gaussian_filter(image, (sigma, sigma, 0)) * (1 - lift) + lift, 0, 1)


def _relief(rng: np.random.Generator) -> Filter:
    step, gain, tint = tuple(int(v) for v in rng.integers(1, 4, 2)), rng.uniform(1, 3), rng.uniform(0.4, 1, 3)

    def apply(image: np.ndarray) -> np.ndarray:
        grey = luma(image)
        return np.clip(0.5 + gain * (grey - np.roll(grey, step, (0, 1))), 0, 1)[..., None] * tint

    return apply


def random_style(rng: np.random.Generator) -> Filter:
    """A new style: one to three random families, one after another."""
    families = (_palette, _mix, _lines, _blocks, _texture, _levels, _soft, _relief)
    picks = [families[i](rng) for i in rng.choice(len(families), int(rng.integers(1, 4)), replace=False)]

    def apply(image: np.ndarray) -> np.ndarray:
        for step in picks:
            image = step(image)
        return np.clip(image, 0, 1)

    return apply


def probes() -> list[np.ndarray]:
    """Plain things on plain grounds: dark on light, light on dark, and two with little contrast."""
    colours = (
        ((0.85, 0.85, 0.85), (0.75, 0.15, 0.2), (0.1, 0.2, 0.5)),
        ((0.1, 0.12, 0.25), (0.95, 0.8, 0.3), (0.9, 0.9, 0.95)),
        ((0.45, 0.75, 0.5), (0.55, 0.35, 0.2), (0.95, 0.6, 0.75)),
        ((0.95, 0.8, 0.55), (0.3, 0.5, 0.85), (0.15, 0.15, 0.15)),
    )
    images = []
    for ground, thing, detail in colours:
        image = np.full((SIZE, SIZE, 3), ground)
        image[13:46, 18:51] = thing
        image[26:36, 27:37] = detail
        images.append(image)
    return images


def shape(image: np.ndarray) -> np.ndarray:
    """The edges that are left when fine texture is blurred away."""
    return edges(ndimage.gaussian_filter(image, (1.2, 1.2, 0)))


def keeps(style: Filter, image: np.ndarray) -> float:
    """How well the outlines of an image stand out in the style: correlation of the edges, none where they
    have faded.
    """
    before, after = shape(image), shape(style(image))
    return (
        float(np.corrcoef(before.ravel(), after.ravel())[0, 1]) if after.max() > 0.5 * before.max() else 0.0
    )


@cache
def drawn_looks(count: int) -> tuple[Filter, ...]:
    """Fixed random styles that leave outlines where they were and look neither like no style at all nor like
    one another.
    """
    images = probes()
    styles: list[Filter] = []
    views = [np.stack(images)]
    for attempt in range(20_000):
        style = random_style(np.random.default_rng((21, attempt)))
        kept, view = [keeps(style, image) for image in images], np.stack([style(image) for image in images])
        if (
            np.mean(kept) > 0.68
            and min(kept) > 0.5
            and min(np.abs(view - other).mean() for other in views) > 0.13
        ):
            styles.append(style)
            views.append(view)
        if len(styles) == count:
            return tuple(styles)
    raise ValueError(f"only {len(styles)} looks of {count}")


def look(number: int) -> Filter:
    """The fixed random style of a word of `LOOKS`, by its number."""
    return drawn_looks(len(LOOKS))[number]
