"""Sharpness: how much fine detail an image has. This file runs in cbench's environment, score.py in its
own."""

from pathlib import Path

from cbench import ImageProgram, Scale


class Sharpness(ImageProgram):
    """Variance of the Laplacian (Pech-Pacheco et al. 2000) of what CLIP sees of an image."""

    name = "sharpness"
    title = "Sharpness"
    scale = Scale(unit="variance of the Laplacian", better="higher", low=0)

    folder = Path(__file__).parent
    command = (".venv/bin/python", "score.py")
    files = ("score.py", "requirements.txt")
    setup = "run examples/program/setup.sh"
