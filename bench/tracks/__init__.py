"""The built-in tracks: one YAML file each."""

from pathlib import Path

from cbench.track import Track, parse


def mini() -> Track:
    """The embedded world: 64 x 64 pixels, CPU, nothing to download."""
    return parse(Path(__file__).with_name("mini.yaml"))


def sdxl() -> Track:
    """The study's own protocol: Stable Diffusion XL at 1024 pixels, on a GPU."""
    return parse(Path(__file__).with_name("sdxl.yaml"))


def sd15() -> Track:
    """The same protocol with Stable Diffusion 1.5 at 512 pixels, for smaller GPUs."""
    return parse(Path(__file__).with_name("sd15.yaml"))


def sd35m() -> Track:
    """The same protocol with Stable Diffusion 3.5 medium at 1024 pixels: a rectified-flow transformer."""
    return parse(Path(__file__).with_name("sd35m.yaml"))


def flux2_klein() -> Track:
    """The same protocol with FLUX.2-klein-base-4B at 1024 pixels: a rectified-flow transformer."""
    return parse(Path(__file__).with_name("flux2_klein.yaml"))
