"""The built-in tracks: one YAML file each."""

from pathlib import Path

from cbench.track import Track, parse


def mini() -> Track:
    """The embedded world: 64 x 64 pixels, CPU, nothing to download."""
    return parse(Path(__file__).with_name("mini.yaml"))
