"""The mean of all tasks' updates, kept as a running mean.

tau_t = tau_{t-1} + a_t (B_t A_t - tau_{t-1}), W_t = W_0 + tau_t, with a_t = 1/t: the uniform soup of adapters
that were each trained on W_0 (Wortsman et al. 2022, arXiv 2203.05482).

`trained_on` (base): `merged` trains the adapter on W_{t-1} instead, tau_t = tau_{t-1} + a_t B_t A_t
(Dziadzio et al. 2024, arXiv 2412.06712; with a_t = 1/t it is P&M of Qiu et al. 2025, arXiv 2505.22389, with
the identity for the Fisher matrix). `beta` (none): a constant a_t for t > 1, which is an exponential moving
average; no value is published for this setting, tune it."""

from dataclasses import dataclass
from typing import Literal

from cbench.method import Memory, Method
from cbench.options import Share
from cbench.task import Task
from cbench.update import Adapter, Update, add, product, scaled


@dataclass(frozen=True)
class Average(Method):
    """Every task weighs the same, or later ones more."""

    trained_on: Literal["base", "merged"] = "base"
    beta: Share | None = None

    name = "average"
    title = "Running average"
    family = "merging"
    source = "Wortsman et al. 2022, arXiv 2203.05482"

    def frozen(self, memory: Memory) -> Update:
        """Nothing, or the mean."""
        return {} if self.trained_on == "base" else memory.update

    def keep(self, memory: Memory, trained: Adapter, task: Task) -> Memory:
        """The mean with the new task in it."""
        first = not memory.learned
        share = 1.0 if first else self.beta or 1 / (len(memory.learned) + 1)
        earlier = scaled(memory.update, 1 - share) if self.trained_on == "base" else memory.update
        return Memory(update=add(earlier, scaled(product(trained), share)))
