"""The folder of a published data set, and the images in its subfolders."""

from pathlib import Path

from cbench.datasets.folder import image_paths
from cbench.errors import BadInput, unknown
from cbench.resources.paths import data_home


def root_of(options: dict[str, str], name: str, layout: str) -> Path:
    """The data set's folder: `options["path"]` (a relative path starts at the data home), or `name` in the
    data home.

    Raises BadInput, which says where the folder was expected, its layout, and how to set another one."""
    if more := set(options) - {"path"}:
        raise unknown(f"option of dataset {name}", min(more), ["path"])
    root = data_home() / Path(options.get("path", name)).expanduser()
    if not root.is_dir():
        raise BadInput(
            f"dataset {name}: no folder {root} ({layout}); download it with `cbench prepare`, or set "
            "CBENCH_DATA to the folder that contains it"
        )
    return root


def images_of(root: Path, name: str) -> tuple[Path, ...]:
    """The images of one class, sorted. Raises BadInput, with the nearest name, if there are none."""
    if not (root / name).is_dir():
        classes = [p.name for p in root.iterdir() if p.is_dir() and not p.name.startswith(".")]
        raise unknown(f"class in {root}", name, classes)
    return image_paths(name, root, name)
