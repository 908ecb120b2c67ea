"""The one door to a method: every hook is asked here, isolated, and its answer is checked before it is
used."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

from cbench.errors import BadInput
from cbench.method import Budget, Kind, Memory, Method, Rehearsal
from cbench.plugins.isolation import isolated, plugin_label
from cbench.plugins.methods import reference
from cbench.plugins.mutation import assert_unmodified
from cbench.plugins.regime import check_memory, shapes_of
from cbench.plugins.source import source_of
from cbench.step_hook import StepHook
from cbench.task import Example, Task

if TYPE_CHECKING:
    import torch

    from cbench.update import Adapter, Update

BEFORE: tuple[Kind, ...] = ("inputs_before",)
AFTER: tuple[Kind, ...] = ("inputs_after", "fisher")


class Hooks:
    """A method's hooks. Each raises BadInput, which names the package and the hook, if the method raises,
    answers with something else than the contract says, or changes what it was handed."""

    def __init__(self, method: Method, evaluation_prompts: Collection[str] = ()) -> None:
        self.method, self.evaluation_prompts = method, frozenset(evaluation_prompts)
        self.label = plugin_label("methods", method.name)

    # before the training ------------------------------------------------------------------------------------

    def frozen(self, memory: Memory) -> "Update":
        """The update under the adapter."""
        return self._update("frozen", memory)

    def start(self, memory: Memory, fresh: "Adapter") -> "Adapter":
        """The adapter from which training starts, of the fresh one's layers and shapes."""
        start = self._ask("start", Mapping, memory, fresh)
        with isolated(f"{self.label} (start)"):
            same = shapes_of(start) == shapes_of(fresh)
        if not same:
            raise BadInput(
                f"{self.label} (start) returned an adapter of other layers or shapes than the fresh one"
            )
        return start

    def examples(self, memory: Memory, task: Task) -> tuple[Example, ...]:
        """The images and captions to train on, at least one."""
        examples = self._ask("examples", tuple, memory, task)
        if not (examples and all(isinstance(e, Example) for e in examples)):
            raise BadInput(f"{self.label} (examples) returned no examples, or something else")
        return examples

    def rehearse(self, memory: Memory, task: Task, frozen: "Update") -> Rehearsal | None:
        """What to rehearse, or None."""
        rehearsal = self._ask("rehearse", Rehearsal | None, memory, task)
        if rehearsal is None:
            return None
        problem = self._problem(rehearsal, memory, frozen)
        if problem:
            raise BadInput(f"{self.label} (rehearse) {problem}")
        return rehearsal

    def _problem(self, rehearsal: Rehearsal, memory: Memory, frozen: "Update") -> str | None:
        examples, prompts = rehearsal.examples, rehearsal.prompts
        leaked = sorted((self.evaluation_prompts - {*memory.learned}) & {*map(str, prompts)})
        checks = {
            "returned neither examples nor prompts; return None to rehearse nothing": bool(
                examples or prompts
            ),
            "returned examples that are none": all(isinstance(e, Example) for e in examples),
            "returned prompts that are no text": all(isinstance(p, str) for p in prompts),
            f"asks for the evaluation prompt {leaked[0] if leaked else ''!r}": not leaked,
            "needs a whole number of images_per_prompt, at least 1": _is_count(rehearsal.images_per_prompt),
            "needs a finite weight above 0": _is_positive(rehearsal.weight),
            "needs the target noise or model": rehearsal.target in ("noise", "model"),
            "needs a frozen update for the target model: without one the teacher is the base model": bool(
                rehearsal.target != "model" or frozen or not memory.learned
            ),
        }
        return next((problem for problem, good in checks.items() if not good), None)

    def budget(self, memory: Memory) -> Budget:
        """Shares of the track's steps and learning rate, within their bounds."""
        budget = self._ask("budget", Budget, memory)
        most = len(memory.learned) + 1 if self.method.regime == "oracle" else 1
        for share, bound in ((budget.steps, most), (budget.rate, 1)):
            if not (_is_positive(share) and share <= bound):
                raise BadInput(
                    f"{self.label} (budget) returned {budget}; shares are above 0 and at most {bound} here"
                )
        return budget

    # in every step of the training --------------------------------------------------------------------------

    def penalty(self, memory: Memory, start: "Adapter") -> StepHook | None:
        """The penalty as a function of the adapter, or None if the method has none with this memory."""
        if type(self.method).penalty is Method.penalty or self._penalty(memory, start, often=False) is None:
            return None
        return self._step_hook(memory, self._penalty)

    def _penalty(self, memory: Memory, adapter: "Adapter", often: bool = True) -> "torch.Tensor | None":
        before = _random_states()
        with isolated(f"{self.label} (penalty)", memory, adapter, often=often):
            term = self.method.penalty(memory, adapter)
            self._refuse_draws("penalty", before)
        if term is not None and getattr(term, "numel", int)() != 1:
            raise BadInput(f"{self.label} (penalty) returned neither None nor a tensor of one number")
        return term

    def project(self, memory: Memory) -> StepHook | None:
        """The projection as a function of the adapter, or None if the method has none."""
        if type(self.method).project is Method.project:
            return None
        return self._step_hook(memory, self._project)

    def _project(self, memory: Memory, adapter: "Adapter") -> "Adapter":
        before = _random_states()
        with isolated(f"{self.label} (project)", memory, adapter, often=True):
            projected = self.method.project(memory, adapter)
            self._refuse_draws("project", before)
        if not isinstance(projected, Mapping):
            raise BadInput(f"{self.label} (project) returned {type(projected).__name__}, not Mapping")
        if shapes_of(projected) != shapes_of(adapter):
            raise BadInput(f"{self.label} (project) returned an adapter of other layers or shapes")
        return projected

    def _refuse_draws(self, hook: str, before: list[Any]) -> None:
        if _random_states() != before:
            raise BadInput(
                f"{self.label} ({hook}) draws random numbers, which would be the same at every step; "
                "draw in keep, from update.generator"
            )

    def _step_hook(self, memory: Memory, hook: Any) -> StepHook:
        source = source_of(self.method)
        identity = [
            reference(self.method).model_dump(mode="json"),
            [source.code, source.model_dump(mode="json")["options"]],
            digest_memory(memory),
        ]
        moved: dict[Any, Memory] = {}

        def call(live: "Adapter") -> Any:
            device = next(iter(live.values())).A.device
            if device not in moved:  # once, not in every step
                moved[device] = on_device(memory, device)
            return hook(moved[device], live)

        return StepHook(call, identity)

    def watched(self, memory: Memory, *hooks: StepHook | None) -> AbstractContextManager[None]:
        """Around a training: BadInput if a hook of its steps wrote into the memory, by whatever library."""
        if not any(hooks):
            return nullcontext()
        return assert_unmodified(f"{self.label} (penalty or project)", memory)

    # after the training -------------------------------------------------------------------------------------

    def keep(self, memory: Memory, trained: "Adapter", task: Task) -> Memory:
        """The memory after the task, as its regime allows it."""
        return self._memory("keep", memory, trained, memory, trained, task)

    def gather(
        self, memory: Memory, kind: Kind, measured: Mapping[str, "torch.Tensor"], like: "Adapter"
    ) -> Memory:
        """The memory with a measurement taken in; `like` is an adapter of the run's shapes."""
        return self._memory("gather", memory, like, memory, kind, measured)

    def _memory(self, hook: str, before: Memory, like: "Adapter", *handed: Any) -> Memory:
        memory = self._ask(hook, Memory, *handed)
        memory = memory._replace(learned=before.learned, tasks=before.tasks, seed=before.seed)
        check_memory(f"{self.label} ({hook})", self.method.regime, memory, like)
        return memory

    def model(self, memory: Memory, task: Task) -> "Update":
        """The update of the model that is asked for images of `task`."""
        return self._update("model", memory, task)

    def models(self, memory: Memory, seen: Sequence[Task]) -> list[tuple["Update", Sequence[Task]]]:
        """The models to sample and the tasks of each: one for all, but an oracle may have one a task.

        BadInput if a method that is no oracle answers the first and the last of two tasks differently."""
        if self.method.regime == "oracle":
            return [(self.model(memory, task), [task]) for task in seen]
        model = self.model(memory, seen[-1])
        if len(seen) == 2 and digest_update(self.model(memory, seen[0])) != digest_update(model):
            raise BadInput(
                f"{self.label} (model) depends on the task that is asked for: only the regime oracle may"
            )
        return [(model, seen)]

    # how a hook is asked ------------------------------------------------------------------------------------

    def _ask(self, hook: str, wanted: Any, *handed: Any, often: bool = False) -> Any:
        with isolated(f"{self.label} ({hook})", *handed, often=often):
            answer = getattr(self.method, hook)(*handed)
        if not isinstance(answer, wanted):
            name = getattr(wanted, "__name__", str(wanted))
            raise BadInput(f"{self.label} ({hook}) returned {type(answer).__name__}, not {name}")
        return answer

    def _update(self, hook: str, *handed: Any) -> "Update":
        import torch

        update = self._ask(hook, Mapping, *handed)
        for layer, change in update.items():
            if not isinstance(change, torch.Tensor) or change.ndim != 2 or not torch.isfinite(change).all():
                raise BadInput(
                    f"{self.label} ({hook}) returned an update for {layer} that is not a finite 2-D tensor"
                )
        return update


def grown(memory: Memory, task: Task) -> Memory:
    """The memory with the task among the learned ones."""
    return memory._replace(learned=(*memory.learned, task.examples[0].prompt))


def on_device(memory: Memory, device: "torch.device") -> Memory:
    """The memory with its tensors on a device; on the CPU they are the same tensors."""
    move = partial(_moved, device=device)
    adapter = memory.adapter and {n: type(f)(*(t.to(device) for t in f)) for n, f in memory.adapter.items()}
    return memory._replace(update=move(memory.update), extra=move(memory.extra), adapter=adapter)


def _moved(tensors: Mapping[str, "torch.Tensor"], device: "torch.device") -> Mapping[str, "torch.Tensor"]:
    return {name: tensor.to(device) for name, tensor in tensors.items()}


def digest_update(update: "Update") -> str:
    """Identity of an update."""
    from cbench.utils.digest import digest_tensors

    return digest_tensors(update)


def digest_memory(memory: Memory) -> str:
    """Identity of a memory: its tensors, its examples, and the runner's own fields."""
    from cbench.update import flat
    from cbench.utils.digest import digest_file, digest_json, digest_tensors

    parts = {f"update.{k}": v for k, v in memory.update.items()}
    parts |= {f"extra.{k}": v for k, v in memory.extra.items()}
    parts |= flat(memory.adapter or {})
    examples = [(digest_file(e.image), e.prompt) for e in memory.examples]
    return digest_json([digest_tensors(parts), examples, memory.learned, memory.tasks, memory.seed])


def _random_states() -> list[Any]:
    """The states of the random generators that code commonly draws from."""
    import random

    import numpy as np
    import torch

    _, key, position, *_ = np.random.get_state()
    states = [random.getstate(), key.tobytes(), position, torch.get_rng_state().numpy().tobytes()]
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        states.append(torch.cuda.get_rng_state().numpy().tobytes())
    return states


def _is_positive(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < float("inf")


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
