"""Finds the folder of a published data set, and the images in its folders."""

from pathlib import Path

from cbench.datasets.folder import image_paths
from cbench.errors import BadInput, unknown
from cbench.resources.paths import data_home


def root_of(options: dict[str, str], name: str, layout: str) -> Path:
    """The data set's folder: `options["path"]` (a relative one starts at the data home), or `name` in the
    data home.

    BadInput says where it was looked for, what its layout is, and how to name another place.
    """
    if set(options) - {"path"}:
        raise unknown(f"option of dataset {name}", min(set(options) - {"path"}), ["path"])
    root = data_home() / Path(options.get("path", name)).expanduser()
    if not root.is_dir():
        raise BadInput(
            f"dataset {name}: no folder {root} ({layout}); fetch it with `cbench prepare`, or set "
            "CBENCH_DATA to where it lies"
        )
    return root


def images_of(root: Path, name: str) -> tuple[Path, ...]:
    """The images of one class, sorted; BadInput where its folder is missing (the nearest is suggested) or
    empty."""
    if not (root / name).is_dir():
        raise unknown(
            f"class in {root}",
            name,
            [p.name for p in root.iterdir() if p.is_dir() and not p.name.startswith(".")],
        )
    return image_paths(name, root, name)
