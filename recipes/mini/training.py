"""What the recipe's trainings share: data arrays on disk, a schedule, an exponential average, checkpoints that resume."""

import json
import time
from collections.abc import Callable, Iterator
from multiprocessing import Pool
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def autocast() -> torch.autocast:
    """bf16 where the hardware multiplies it natively; weights stay in fp32."""
    return torch.autocast(DEVICE.type, torch.bfloat16)


def build_array(path: Path, count: int, draw: Callable[[int], np.ndarray], workers: int) -> np.ndarray:
    """The uint8 array of `draw(i)` for i < count, built once by several processes and kept at `path`."""
    if not path.exists():
        with Pool(workers) as pool:
            rows = np.stack(pool.map(draw, range(count), chunksize=64))
        np.save(path.with_suffix(".partial.npy"), rows)
        path.with_suffix(".partial.npy").rename(path)
    return np.load(path, mmap_mode="r")


def to_tensor(pixels: np.ndarray) -> Tensor:
    """n x 64 x 64 x 3 uint8 -> n x 3 x 64 x 64 float in [-1, 1]."""
    return torch.from_numpy(np.array(pixels)).to(DEVICE).permute(0, 3, 1, 2).float() / 127.5 - 1


def rate(step: int, total: int, peak: float, warm: int = 200) -> float:
    """Linear warm-up, then a constant rate, then a linear fall to nothing over the last 40 % of the steps."""
    return peak * min(1.0, step / warm, (total - step) / (0.4 * total))


class Average:
    """Exponential moving average of a model's weights."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay, self.state = decay, {k: v.detach().clone() for k, v in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        decay = min(self.decay, (1 + step) / (10 + step))
        for key, value in model.state_dict().items():
            if value.is_floating_point():
                self.state[key].lerp_(value, 1 - decay)
            else:
                self.state[key].copy_(value)


def steps(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    average: Average,
    path: Path,
    total: int,
    peak: float,
    log: Callable[[int], str],
    every: int,
) -> Iterator[int]:
    """Counts the steps of a training: sets the rate, averages, logs, saves a checkpoint `every` steps; starts where the last ended."""
    start = 0
    if path.exists():
        saved = torch.load(path, weights_only=True, map_location=DEVICE)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        average.state, start = saved["average"], saved["step"]
    began = time.time()
    for step in range(start, total):
        for group in optimizer.param_groups:
            group["lr"] = rate(step, total, peak)
        yield step
        average.update(model, step)
        if (step + 1) % every == 0 or step + 1 == total:
            print(json.dumps({"step": step + 1, "of": total, "seconds": round(time.time() - began), "loss": log(step)}), flush=True)
            saved = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "average": average.state, "step": step + 1}
            torch.save(saved, path.with_suffix(".partial"))
            path.with_suffix(".partial").rename(path)
