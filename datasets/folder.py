"""A stream in a folder of one's own: a YAML file with the concepts, beside it the images. The mini track's streams are such folders.

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

from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cbench.errors import BadInput
from cbench.record import Slug
from cbench.task import Example, Stream, Task

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}
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
    """The image files that a folder, a glob or a list names, sorted (a list keeps its order); BadInput where there is none."""
    names = told if isinstance(told, list) else [told]
    paths: list[Path] = []
    for name in names:
        place = home / name
        if place.is_dir():
            paths += sorted(p for p in place.iterdir() if p.suffix.lower() in SUFFIXES and not p.name.startswith("."))
        else:
            paths += sorted(home.glob(name)) if "*" in name else [place]
    if not paths:
        raise BadInput(f"task {task}: no images in {home / names[0]}")
    for path in paths:
        if not path.is_file():
            raise BadInput(f"task {task}: image {path} does not exist")
    return tuple(paths)


def parse(path: Path) -> StreamFile:
    """The stream file; BadInput names the file and the field that is wrong."""
    try:
        return StreamFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise BadInput(f"stream file {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadInput(f"stream file {path} is not YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInput(f"stream file {path}: {'.'.join(map(str, first['loc'])) or 'top level'}: {first['msg']}") from error


def load(options: dict[str, str], home: Path) -> Stream:
    """The stream of the YAML file `options["path"]`, a relative path starting at `home`."""
    if set(options) != {"path"}:
        raise BadInput(f"dataset folder takes one option, path; got {sorted(options) or 'none'}")
    path = home / options["path"]
    told = parse(path)
    names = [t.name for t in told.tasks]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise BadInput(f"stream file {path}: two tasks are named {twice[0]!r}")
    return Stream(told.name, tuple(_task(task, path.parent) for task in told.tasks))


def _task(told: TaskFile, home: Path) -> Task:
    if len(told.prompts) != len(told.plain_prompts):
        raise BadInput(f"task {told.name}: {len(told.prompts)} prompts but {len(told.plain_prompts)} plain_prompts")
    images = image_paths(told.images, home, told.name)
    references = images if told.references is None else image_paths(told.references, home, told.name)
    return Task(
        name=told.name,
        examples=tuple(Example(path, told.prompt) for path in images),
        references=references,
        prompts=tuple(told.prompts),
        plain_prompts=tuple(told.plain_prompts),
    )
