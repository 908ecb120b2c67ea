"""A stream in a folder of one's own: a YAML file with the concepts, beside it the images. The mini track's
streams are such folders.

```yaml
name: objects
tasks:
  - name: teapot
    prompt: a photo of a sks teapot      # the caption of every training image
    images: [teapot/1.png, teapot/2.png] # or a folder, or a glob
    references: teapot                   # optional; the training images where absent
    prompts: [a sks teapot on the beach]
    plain_prompts: [a teapot on the beach]
```
"""

from glob import glob
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cbench.errors import BadInput
from cbench.task import Example, Stream, Task
from cbench.utils.images import is_image
from cbench.utils.names import Slug
from cbench.utils.text import first_error, one_line, read_yaml

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}
"""Names of images that are taken without a look; what is wrong with one is said where all are opened."""
Texts = Annotated[list[str], Field(min_length=1)]


class TaskFile(BaseModel):
    """One task as the file tells it."""

    model_config = ConfigDict(extra="forbid")
    name: Slug
    prompt: str = Field(min_length=1)
    images: str | Texts
    references: str | Texts | None = None
    prompts: Texts
    plain_prompts: Texts


class StreamFile(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid")
    name: Slug
    tasks: Annotated[list[TaskFile], Field(min_length=1)]


def image_paths(told: str | list[str], home: Path, task: str) -> tuple[Path, ...]:
    """The image files that a folder, a glob or a list names, sorted (a list keeps its order); BadInput where
    there is none."""
    names = told if isinstance(told, list) else [told]
    paths: list[Path] = []
    for name in names:
        try:
            paths += _found(name, home)
        except (OSError, ValueError) as error:  # a name too long, or one that no file can have
            raise BadInput(f"task {task}: image {one_line(name, 120)}: {one_line(error, 250)}") from error
    if not paths:
        raise BadInput(f"task {task}: no images in {one_line(home / names[0])}")
    for path in paths:
        if not path.is_file():
            raise BadInput(f"task {task}: image {one_line(path)} does not exist")
    return tuple(paths)


def _found(name: str, home: Path) -> list[Path]:
    place = home / name
    if place.is_dir():
        files = sorted(p for p in place.iterdir() if p.is_file() and not p.name.startswith("."))
        others = [p for p in files if p.suffix.lower() not in SUFFIXES and not is_image(p)]
        if others:
            more = f" and {len(others) - 1} more" if len(others) > 1 else ""
            raise ValueError(
                f"{others[0].name}{more} in the folder cannot be opened as an image; convert it (to PNG or "
                "JPEG), move it away, or list the images by name"
            )
        return files
    if "*" not in name:
        return [place]
    matches = glob(name, root_dir=home, recursive=True)  # noqa: PTH207 - a name may be absolute
    return sorted(home / match for match in matches)


def parse(path: Path) -> StreamFile:
    """The stream file; BadInput names the file and the field that is wrong."""
    try:
        return StreamFile.model_validate(read_yaml(path, "stream file"))
    except ValidationError as error:
        raise BadInput(f"stream file {path}: {first_error(error)}") from error


def load(options: dict[str, Any], home: Path) -> Stream:
    """The stream of the YAML file `options["path"]`, a relative path starting at `home`."""
    if set(options) != {"path"}:
        raise BadInput(f"dataset folder takes one option, path; got {sorted(options) or 'none'}")
    if not isinstance(options["path"], str):
        raise BadInput(
            f"dataset folder: path is {type(options['path']).__name__}, not the name of a stream file"
        )
    path = home / options["path"]
    told = parse(path)
    names = [t.name for t in told.tasks]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise BadInput(f"stream file {path}: two tasks are named {twice[0]!r}")
    return Stream(told.name, tuple(_task(task, path.parent) for task in told.tasks))


def _task(told: TaskFile, home: Path) -> Task:
    if len(told.prompts) != len(told.plain_prompts):
        raise BadInput(
            f"task {told.name}: {len(told.prompts)} prompts but {len(told.plain_prompts)} plain_prompts"
        )
    images = image_paths(told.images, home, told.name)
    references = images if told.references is None else image_paths(told.references, home, told.name)
    return Task(
        name=told.name,
        examples=tuple(Example(path, told.prompt) for path in images),
        references=references,
        prompts=tuple(told.prompts),
        plain_prompts=tuple(told.plain_prompts),
    )
