"""What the recipe's trainings share: half-precision models with full-precision weights, Muon, averages,
checkpoints that resume.
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from multiprocessing import Pool
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
if DEVICE.type == "cpu":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1)))


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


def orthogonal(matrices: Tensor) -> Tensor:
    """n x rows x columns (rows <= columns) with all singular values near one: five Newton-Schulz steps
    (Jordan et al. 2024).
    """
    x = matrices.bfloat16()
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(5):
        square = x @ x.mT
        x = torch.baddbmm(
            x, torch.baddbmm(square, square, square, beta=-4.7750, alpha=2.0315), x, beta=3.4445
        )
    return x.float()


def matrix(weight: Tensor) -> Tensor:
    """A view with a row for each output: kernels lie in memory with the channels last."""
    return weight.permute(0, 2, 3, 1).view(len(weight), -1) if weight.ndim == 4 else weight


class Optimizer:
    """Muon for hidden matrices and kernels, AdamW for the rest, with full-precision weights of a model in
    half precision.

    Muon's update is scaled by .2 sqrt(longer side), which makes one rate right for both (Liu et al. 2025).
    The model computes in bf16
    throughout; `weights` are what the steps add up in, `average` their exponential average.
    """

    def __init__(self, model: nn.Module, decay: float = 0.1, horizon: int = 1000, muon: bool = True) -> None:
        self.live = {n: p for n, p in model.named_parameters() if p.requires_grad}
        self.buffers = dict(model.named_buffers())
        self.weights = {n: p.detach().float().clone() for n, p in self.live.items()}
        self.average = {n: w.clone() for n, w in self.weights.items()}
        self.first = {n: torch.zeros_like(w) for n, w in self.weights.items()}
        apart = ("embeddings.", "conv_in.", "conv_out.")
        self.matrices = [
            n for n, w in self.weights.items() if muon and w.ndim > 1 and not any(a in n for a in apart)
        ]
        self.rest = [n for n in self.weights if n not in set(self.matrices)]
        self.second = {n: torch.zeros_like(self.weights[n]) for n in self.rest}
        self.decay, self.horizon, self.step_count = decay, horizon, 0
        self.shapes: dict[tuple[int, int], list[str]] = {}
        for name in self.matrices:
            rows, columns = matrix(self.weights[name]).shape
            self.shapes.setdefault((min(rows, columns), max(rows, columns)), []).append(name)

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """One step from the gradients that the model holds, which it then drops."""
        self.step_count += 1
        gradients = {n: p.grad.float() for n, p in self.live.items()}
        for parameter in self.live.values():
            parameter.grad = None
        self._muon(gradients, rate)
        self._adam(gradients, rate)
        self.show_weights()
        if self.step_count % 4 == 0:
            keep = min(1 - 1 / self.horizon, (1 + self.step_count) / (10 + self.step_count)) ** 4
            torch._foreach_lerp_(list(self.average.values()), list(self.weights.values()), 1 - keep)

    def _muon(self, gradients: dict[str, Tensor], rate: float) -> None:
        for (rows, columns), names in self.shapes.items():
            fresh, momenta = [gradients[n] for n in names], [self.first[n] for n in names]
            torch._foreach_lerp_(momenta, fresh, 0.05)
            flat = [matrix(g.lerp(m, 0.95)) for g, m in zip(fresh, momenta, strict=True)]
            updates = orthogonal(torch.stack([f if len(f) == rows else f.T for f in flat]))
            turned = [u if len(f) == rows else u.T for u, f in zip(updates, flat, strict=True)]
            weights = [matrix(self.weights[n]) for n in names]
            torch._foreach_mul_(weights, 1 - rate * self.decay)
            torch._foreach_add_(weights, turned, alpha=-rate * 0.2 * columns**0.5)

    def _adam(self, gradients: dict[str, Tensor], rate: float) -> None:
        fresh, weights = [gradients[n] for n in self.rest], [self.weights[n] for n in self.rest]
        first, second = [self.first[n] for n in self.rest], [self.second[n] for n in self.rest]
        torch._foreach_lerp_(first, fresh, 0.1)
        torch._foreach_mul_(second, 0.99)
        torch._foreach_addcmul_(second, fresh, fresh, 0.01)
        spread = torch._foreach_sqrt(second)
        torch._foreach_div_(spread, (1 - 0.99**self.step_count) ** 0.5)
        torch._foreach_add_(spread, 1e-8)
        if tables := [w for w in weights if w.ndim > 1]:
            torch._foreach_mul_(tables, 1 - rate * self.decay)
        torch._foreach_addcdiv_(weights, first, spread, -rate / (1 - 0.9**self.step_count))

    def state(self) -> dict[str, object]:
        names = ("weights", "average", "first", "second", "buffers", "step_count")
        return {name: getattr(self, name) for name in names}

    @torch.no_grad()
    def load(self, state: dict) -> None:
        for part in ("weights", "average", "first", "second", "buffers"):
            for name, value in getattr(self, part).items():
                value.copy_(state[part][name])
        self.step_count = state["step_count"]
        self.show_weights()

    @torch.no_grad()
    def show_average(self) -> None:
        """Let the model compute with the averaged weights, until the next `show_weights`."""
        torch._foreach_copy_(list(self.live.values()), list(self.average.values()))

    @torch.no_grad()
    def show_weights(self) -> None:
        torch._foreach_copy_(list(self.live.values()), list(self.weights.values()))

    @torch.no_grad()
    def give_average(self, model: nn.Module) -> nn.Module:
        """A model in full precision, with the averaged weights now (and the trained one's running
        statistics).
        """
        for name, parameter in model.named_parameters():
            if name in self.average:
                parameter.copy_(self.average[name])
        for name, buffer in model.named_buffers():
            buffer.copy_(self.buffers[name])
        return model


def halve(model: nn.Module) -> nn.Module:
    """The model on the training's device in bf16, but for batch normalisation, whose running statistics need
    more.
    """
    model = model.to(DEVICE, torch.bfloat16, memory_format=torch.channels_last)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.float()
    return model


def rate_at(step: int, total: int, peak: float, warm: int = 200, fall: float = 0.4) -> float:
    """Linear warm-up, then a constant rate, then a linear fall to zero over the last `fall` of the steps."""
    return peak * max(0.0, min(1.0, (step + 1) / warm, (total - step) / max(1.0, fall * total)))


def save(path: Path, state: dict) -> None:
    """Write a checkpoint so that a stop in the middle leaves the last one whole."""
    torch.save(state, path.with_suffix(".partial"))
    path.with_suffix(".partial").replace(path)


def steps(optimizer: Optimizer, path: Path, total: int, every: int, losses: list[Tensor]) -> Iterator[int]:
    """Counts a training's steps; logs and saves a checkpoint `every` steps; resumes from the last."""
    if path.exists():
        optimizer.load(torch.load(path, weights_only=True, map_location=DEVICE))
    began = time.time()
    for step in range(optimizer.step_count, total):
        yield step
        if (step + 1) % every == 0 or step + 1 == total:
            loss = float(torch.stack(losses).mean())
            losses.clear()
            print(
                json.dumps(
                    {
                        "step": step + 1,
                        "of": total,
                        "seconds": round(time.time() - began),
                        "loss": round(loss, 4),
                    }
                ),
                flush=True,
            )
            save(path, optimizer.state())
