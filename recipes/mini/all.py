"""Makes the whole mini world, one step after another; run it again and it goes on where it was stopped.

On a GPU it takes about half an hour: `python all.py --work WORK --minutes 9.5`, three times. `--small` tries
every
step with next to no training.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import torch

HERE = Path(__file__).parent
Course = dict[str, str]

CPU: Course = {
    "pictures.py": "",
    "autoencoder.py": "--steps 5500 --batch 16",
    "text_image.py": "--steps 1200 --batch 128",
    "latents.py": "",
    "unet.py": "--steps 50000 --batch 64 --rate 1.5e-3",
    "unet.py --decay 5000": "--batch 64 --rate 1.5e-3",
    "clip_image.py": "--steps 800",
    "likeness.py --what dino": "--steps 800",
    "likeness.py --what csd": "--steps 800",
    "measure.py": "",
}
"""Step -> how long and how much at a time. A step is done once, whatever it says here."""
GPU: Course = CPU | {
    "autoencoder.py": "--steps 6000 --batch 128 --rate 3e-3",
    "text_image.py": "--steps 1500 --batch 256",
    "unet.py": "--steps 12000 --batch 512 --rate 2e-3",
    "unet.py --decay 5000": "--batch 512 --rate 2e-3",
}
SMALL: Course = {
    "pictures.py": "--count 512",
    "autoencoder.py": "--steps 3 --batch 4 --images 64",
    "text_image.py": "--count 512 --steps 3 --batch 16",
    "latents.py": "--count 512",
    "unet.py": "--count 512 --steps 3 --batch 8",
    "unet.py --decay 5000": "--count 512 --decay 2 --batch 8",
    "clip_image.py": "--count 512 --steps 3 --batch 16",
    "likeness.py --what dino": "--groups 16 --steps 3 --batch 4",
    "likeness.py --what csd": "--groups 16 --steps 3 --batch 4",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument(
        "--minutes", type=float, default=1e9, help="stop after so long, between two checkpoints"
    )
    parser.add_argument("--small", action="store_true")
    args = parser.parse_args()
    course = SMALL if args.small else GPU if torch.cuda.is_available() else CPU
    done, end = args.work / "done", time.time() + 60 * args.minutes
    done.mkdir(parents=True, exist_ok=True)
    for step, numbers in course.items():
        mark = done / step.replace(" ", "")
        if mark.exists():
            continue
        script, *options = [*step.split(), *numbers.split()]
        began = time.time()
        command = [sys.executable, HERE / script, "--work", args.work, *options]
        try:
            subprocess.run(
                command, check=True, timeout=max(1.0, end - began), env=os.environ | {"PYTHONUNBUFFERED": "1"}
            )
        except subprocess.TimeoutExpired:
            print(f"{step}: goes on next time", flush=True)
            return
        print(f"{step}: {time.time() - began:.0f} s", flush=True)
        mark.touch()


if __name__ == "__main__":
    main()
