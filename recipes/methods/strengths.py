"""The default strengths of the penalties, from one task of the mini track alone: no stream was tuned on.

    python recipes/methods/strengths.py RESULTS

RESULTS has runs of `merge_init` on both suites. A strength is such that the penalty of the first task's own
change equals the denoising loss that is left after it; the default is the geometric mean over the suites,
rounded to one digit."""

import sys
from pathlib import Path

import torch
from tabulate import tabulate
from torch.nn.functional import mse_loss

from cbench.backbone.load import open_backbone
from cbench.entries import cited_entry, open_adapter
from cbench.plan import plans
from cbench.results import Results
from cbench.stages.measure import measure_fisher
from cbench.stages.train import Denoising, TrainingData, attached
from cbench.training_images import encoded
from cbench.update import flat, gaussian, product
from cbench.utils.files import ASSETS

DRAWS, BATCHES = 16, 8


def strengths(suite, adapter):
    """Method -> the strength by which the first task's change costs its own loss."""
    plan = plans("mini", suite, "merge_init", {}, 0, 0, False, None)[0]
    track = plan.track.of(suite)
    settings = track.training
    backbone = open_backbone(track.backbone, ASSETS, "cpu", settings.layers)
    images = encoded(backbone, track, plan.tasks[0].examples, 0)
    shapes = backbone.layers(settings)
    start, other = (gaussian(shapes, settings.rank, seed) for seed in (0, 1))
    fisher = measure_fisher(
        backbone, {}, adapter, images, DRAWS, torch.Generator().manual_seed(0), "AB", settings
    )
    before, after, update = flat(start), flat(adapter), product(adapter)
    loss, draws = 0.0, torch.Generator().manual_seed(1)
    with backbone.folded({}), attached(backbone, adapter), torch.no_grad():
        denoising = Denoising(backbone, backbone.denoiser, settings)
        for _ in range(BATCHES):
            batch = denoising.draw(TrainingData(images), settings.batch, 0, draws)
            loss += float(mse_loss(denoising.guess(batch), denoising.target(batch))) / BATCHES
    weighted = sum(float((F * (after[k] - before[k]).square()).sum()) for k, F in fisher.items())
    mean = sum(float(F.sum()) for F in fisher.values()) / sum(F.numel() for F in fisher.values())
    costs = {
        "l2": sum(float(change.square().sum()) for change in update.values()),
        "ewc": weighted / 2,
        "ewc(over_mean=true)": weighted / 2 / mean,
        "c_lora": sum(float(change.pow(4).sum()) for change in update.values()),
        "n_lora": sum(float(change.abs().sum()) for change in update.values()),
        "o_lora": sum(float((adapter[n].A @ other[n].A.T).abs().sum()) for n in adapter),
    }
    return {"loss": loss} | {method: loss / cost for method, cost in costs.items()}


if __name__ == "__main__":
    results = Results(Path(sys.argv[1]))
    rows = []
    for record in results.records():
        if (record.track.name, record.method.name, record.order, record.seed) == ("mini", "merge_init", 0, 0):
            entry = cited_entry(results.store, "adapters", record.stored.adapters[0])
            rows.append({"suite": record.suite} | strengths(record.suite, open_adapter(entry)))
    mean = {key: (rows[0][key] * rows[1][key]) ** 0.5 for key in rows[0] if key != "suite"}
    print(tabulate([*rows, {"suite": "geometric mean"} | mean], headers="keys", floatfmt=".2g"))
