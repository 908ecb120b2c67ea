"""A stream in the user's own folder: a YAML file with the concepts, and the images. The mini track's streams
have this format.

```yaml
name: objects
tasks:
  - name: teapot
    prompt: a photo of a sks teapot      # the caption of every training image
    images: [teapot/1.png, teapot/2.png] # or a folder, or a glob
    references: teapot                   # optional; default: the training images
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
    """One task in the file."""

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


def image_paths(images: str | list[str], home: Path, task: str) -> tuple[Path, ...]:
    """The image files that a folder, a glob or a list names, sorted (a list keeps its order). Raises BadInput
    if there are none."""
    names = images if isinstance(images, list) else [images]
    paths: list[Path] = []
    for name in names:
        try:
            paths += _matches(name, home)
        except (OSError, ValueError) as error:  # a name too long, or one that no file can have
            raise BadInput(f"task {task}: image {one_line(name, 120)}: {one_line(error, 250)}") from error
    if not paths:
        raise BadInput(f"task {task}: no images in {one_line(home / names[0])}")
    for path in paths:
        if not path.is_file():
            raise BadInput(f"task {task}: image {one_line(path)} does not exist")
    return tuple(paths)


def _matches(name: str, home: Path) -> list[Path]:
    path = home / name
    if path.is_dir():
        files = sorted(p for p in path.iterdir() if p.is_file() and not p.name.startswith("."))
        others = [p for p in files if p.suffix.lower() not in SUFFIXES and not is_image(p)]
        if others:
            more = f" and {len(others) - 1} more" if len(others) > 1 else ""
            raise ValueError(
                f"{others[0].name}{more} in the folder cannot be opened as an image; convert it (to PNG or "
                "JPEG), move it away, or list the images by name"
            )
        return files
    if "*" not in name:
        return [path]
    matches = glob(name, root_dir=home, recursive=True)  # noqa: PTH207 - a name may be absolute
    return sorted(home / match for match in matches)


def parse(path: Path) -> StreamFile:
    """The stream file. Raises BadInput with the file and the invalid field."""
    try:
        return StreamFile.model_validate(read_yaml(path, "stream file"))
    except ValidationError as error:
        raise BadInput(f"stream file {path}: {first_error(error)}") from error


def load(options: dict[str, Any], home: Path) -> Stream:
    """The stream of the YAML file `options["path"]`; a relative path starts at `home`."""
    if set(options) != {"path"}:
        raise BadInput(f"dataset folder takes one option, path; it was given {sorted(options) or 'none'}")
    if not isinstance(options["path"], str):
        kind = type(options["path"]).__name__
        raise BadInput(f"dataset folder: path must be the name of a stream file, not {kind}")
    path = home / options["path"]
    stream = parse(path)
    names = [task.name for task in stream.tasks]
    duplicates = sorted({name for name in names if names.count(name) > 1})
    if duplicates:
        raise BadInput(f"stream file {path}: two tasks are named {duplicates[0]!r}")
    return Stream(stream.name, tuple(_task(task, path.parent) for task in stream.tasks))


def _task(task: TaskFile, home: Path) -> Task:
    if len(task.prompts) != len(task.plain_prompts):
        raise BadInput(
            f"task {task.name}: {len(task.prompts)} prompts but {len(task.plain_prompts)} plain_prompts"
        )
    images = image_paths(task.images, home, task.name)
    references = images if task.references is None else image_paths(task.references, home, task.name)
    return Task(
        name=task.name,
        examples=tuple(Example(path, task.prompt) for path in images),
        references=references,
        prompts=tuple(task.prompts),
        plain_prompts=tuple(task.plain_prompts),
    )
