"""The study's objects: ten of DreamBooth's thirty subjects (Ruiz et al. 2023; the licence of the photographs
is beside them).

Layout: SUBJECT/*.jpg, in the folder itself or in its subfolder `dataset`, as published
(github.com/google/dreambooth and the hub's copy). Subjects, tokens and prompts are those of Staniszewski et
al. 2024 (arXiv 2410.04891)."""

from pathlib import Path

from cbench.datasets.data_folder import images_of, root_of
from cbench.task import Example, Stream, Task

SUBJECTS = (
    ("colorful_sneaker", "sks", "sneaker"),
    ("fancy_boot", "zwz", "boot"),
    ("backpack", "sbu", "backpack"),
    ("bear_plushie", "uwu", "stuffed animal"),
    ("candle", "pdw", "candle"),
    ("can", "twt", "can"),
    ("pink_sunglasses", "zsn", "glasses"),
    ("berry_bowl", "ofl", "bowl"),
    ("red_cartoon", "psq", "cartoon"),
    ("teapot", "cws", "teapot"),
)
"""Folder, rare token, class."""

PROMPTS = (
    "a {} in a purple wizard outfit",
    "a {} in a police outfit",
    "a {} wearing a santa hat",
    "a {} in a jail",
    "a {} looking into a mirror",
)


def load(options: dict[str, str], home: Path) -> Stream:
    """The ten subjects; references are the training images. Raises BadInput for a missing or empty folder."""
    root = root_of(options, "dreambooth", "SUBJECT/*.jpg")
    root = root / "dataset" if (root / "dataset").is_dir() else root
    return Stream("objects", tuple(_task(root, *subject) for subject in SUBJECTS))


def _task(root: Path, name: str, token: str, kind: str) -> Task:
    images = images_of(root, name)
    return Task(
        name=name,
        examples=tuple(Example(path, f"a photo of {token} {kind}") for path in images),
        references=images,
        prompts=tuple(prompt.format(f"{token} {kind}") for prompt in PROMPTS),
        plain_prompts=tuple(prompt.format(kind) for prompt in PROMPTS),
    )
