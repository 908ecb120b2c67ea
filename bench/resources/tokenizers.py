"""A pipeline's tokenizers, without its weights."""

from importlib import import_module
from typing import Any

from cbench.errors import BadInput
from cbench.resources.locate import locate
from cbench.resources.pipeline_files import components
from cbench.track import BackboneSpec
from cbench.utils.files import ASSETS
from cbench.utils.text import one_line


def open_tokenizers(spec: BackboneSpec) -> list[Any]:
    """The tokenizers of a track's pipeline, in the index's order. Raises BadInput if the pipeline is not here
    or one of them cannot be read."""
    folder = locate(spec, ASSETS)
    kinds = {name: kind for name, kind in components(folder).items() if name.startswith("tokenizer")}
    try:
        return [
            getattr(import_module(library), kind).from_pretrained(folder / name, local_files_only=True)
            for name, (library, kind) in kinds.items()
        ]
    except (ImportError, OSError, LookupError, ValueError, TypeError, AttributeError) as error:
        raise BadInput(f"the tokenizers in {folder} cannot be loaded: {one_line(error, 300)}") from error
