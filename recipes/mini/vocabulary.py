"""The words of the mini world: nouns, artists, colours, scenes, styles, rare tokens, and which of them are
held out.
"""

ARTISTS = {
    "noto": "noto",
    "classic": "noto-v1",
    "twemoji": "twemoji",
    "fluent": "fluent-emoji",
    "flat": "fluent-emoji-flat",
    "emojione": "emojione",
    "firefox": "fxemoji",
}
"""Word in a caption -> icon set of the npm package `@iconify-json/<set>`."""

PAINTERS = ("noto", "twemoji", "fluent", "flat")
"""The artists of pre-training; the others lend the held-out drawings."""

NOUNS = {
    "cat": "cat-face",
    "dog": "dog-face",
    "fish": "tropical-fish",
    "octopus": "octopus",
    "apple": "red-apple",
    "strawberry": "strawberry",
    "hamburger": "hamburger",
    "rocket": "rocket",
    "car": "automobile",
    "sailboat": "sailboat",
    "house": "house",
    "castle": "castle",
    "guitar": "guitar",
    "umbrella": "umbrella",
    "cup": "hot-beverage",
    "backpack": "backpack",
    "boot": "womans-boot",
    "sneaker": "running-shoe",
    "crown": "crown",
    "key": "key",
    "clock": "alarm-clock",
    "balloon": "balloon",
    "gift": "wrapped-gift",
    "bell": "bell",
    "tree": "deciduous-tree",
    "tulip": "tulip",
}
"""Noun in a caption -> icon name."""

COLOURS = {
    "red": (214, 48, 49),
    "orange": (240, 138, 36),
    "yellow": (247, 209, 62),
    "green": (64, 170, 84),
    "blue": (52, 104, 214),
    "purple": (136, 74, 190),
    "pink": (240, 140, 180),
    "brown": (134, 88, 52),
    "white": (244, 244, 240),
    "grey": (150, 152, 156),
}

SCENES = {
    "checks": "on checks",
    "grass": "on grass",
    "snow": "in the snow",
    "beach": "on the beach",
    "night": "at night",
    "city": "in the city",
    "wall": "by a wall",
    "desert": "in the desert",
    "water": "on water",
}
"""Scene -> the phrase that names it."""

STYLES = ("pixel", "sepia", "outline", "watercolour", "mono", "negative", "poster", "sketch")
"""Image-space styles that pre-training names."""

RARE_TOKENS = (
    *("sks", "zwz", "sbu", "uwu", "pdw", "twt", "zsn", "ofl", "psq", "cws"),
    *("hzt", "kfe", "lum", "nod", "wyx", "jub", "kag", "vop"),
)
"""Words that pre-training scatters over captions and that mean nothing: the first ten are the stream's, the
others the validation's.
"""

LOOKS = (
    *(
        "neon",
        "blueprint",
        "duotone",
        "scanline",
        "halftone",
        "emboss",
        "mosaic",
        "thermal",
        "glitch",
        "chalk",
    ),
    *("frost", "stencil", "comic", "stained"),
    *(
        "qvx",
        "mrk",
        "jlo",
        "bnf",
        "gth",
        "vuk",
        "xao",
        "wib",
        "dqe",
        "ryp",
        "sej",
        "tiv",
        "yab",
        "cro",
        "fim",
    ),
    *("gup", "ink", "candy", "dusk", "ember", "haze", "jade", "lunar", "moss", "opal", "pastel", "retro"),
    *("rust", "smoke", "velvet", "winter", "copper", "crayon", "cameo"),
)
"""Words that name a look of their own in pre-training, drawn at random (`filters.look`): as a big model knows
"pastel" from "winter" before it sees anybody's pastels. No style of a stream looks like its word's look."""

STREAM_STYLES = (
    *("neon", "duotone", "thermal", "jade", "winter", "rust", "retro", "stencil", "cameo", "glitch"),
)
VALIDATION_STYLES = ("candy", "haze", "ink", "crayon")
"""Never drawn in pre-training, nor shown to an encoder; chosen by `candidates.py`."""

HELD_OUT = {
    "cat": "emojione",
    "backpack": "classic",
    "sneaker": "emojione",
    "clock": "emojione",
    "cup": "emojione",
    "house": "emojione",
    "umbrella": "firefox",
    "boot": "emojione",
    "guitar": "emojione",
    "car": "emojione",
    # validation
    "dog": "classic",
    "bell": "firefox",
    "gift": "emojione",
    "castle": "classic",
}
"""Noun -> the artist whose drawing of it pre-training never sees: first the stream's ten, then the
validation's four.
"""

STREAM_OBJECTS = tuple(HELD_OUT)[:10]
VALIDATION_OBJECTS = tuple(HELD_OUT)[10:]
FILLERS = [
    "a",
    "an",
    "the",
    "photo",
    "image",
    "of",
    "picture",
    "by",
    "on",
    "in",
    "with",
    "next",
    "to",
    "wearing",
    "and",
    "background",
    "hat",
    "top",
    "generic",
    "drawing",
    "striped",
    "dotted",
]


def words() -> list[str]:
    """Every word that a caption can hold, sorted."""
    vocabulary = {*ARTISTS, *NOUNS, *COLOURS, *STYLES, *LOOKS, *RARE_TOKENS, *FILLERS}
    for phrase in SCENES.values():
        vocabulary.update(phrase.split())
    return sorted(vocabulary)
