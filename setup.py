"""Derives the package list from the folders: `bench` is `cbench`, `methods` is `cbench.methods`, ..."""

from pathlib import Path

from setuptools import setup

FOLDERS = {"cbench": "bench"} | {
    f"cbench.{folder}": folder for folder in ("methods", "metrics", "datasets", "leaderboard")
}


def packages() -> list[str]:
    """Every folder that holds Python files, under its import name."""
    return sorted(
        {
            ".".join((name, *file.parent.relative_to(folder).parts))
            for name, folder in FOLDERS.items()
            for file in Path(folder).rglob("*.py")
        }
    )


if __name__ == "__main__":
    setup(packages=packages(), package_dir=FOLDERS)
