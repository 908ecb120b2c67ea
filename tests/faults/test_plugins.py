"""Methods that raise, leave, answer nonsense, change what is handed to them or the world around them, in real
runs."""

import pytest

from cbench.record.files import read_record

RUDE = """
class odd(MergeInit):
    name, title = "odd", "Odd"

    def rude(self):
        torch.set_default_dtype(torch.float64); torch.manual_seed(1)
        torch.set_grad_enabled(False); torch.set_num_threads(1)
        random.seed(1); np.random.seed(1); os.chdir("/"); print("garbage")

    def frozen(self, memory): self.rude(); return super().frozen(memory)
    def start(self, memory, fresh): self.rude(); return super().start(memory, fresh)
    def keep(self, memory, trained, task): self.rude(); return super().keep(memory, trained, task)
    def model(self, memory, task): self.rude(); return super().model(memory, task)
"""
WRONG = {
    "raises": (
        "def keep(self, memory, trained, task): raise RuntimeError('no \\x1b[31m')",
        "(keep) failed: RuntimeError: no [31m",
    ),
    "leaves": ("def start(self, memory, fresh): raise SystemExit(0)", "(start) failed: SystemExit"),
    "forgets": ("def keep(self, memory, trained, task): pass", "(keep) returned NoneType, not Memory"),
    "no update": ("def model(self, memory, task): return None", "(model) returned NoneType, not Mapping"),
    "no tensors": ("def model(self, memory, task): return {'a': 1}", "is not a finite 2-D tensor"),
    "not finite": (
        "def model(self, memory, task): return {k: v / 0 for k, v in memory.update.items()}",
        "is not a finite 2-D tensor",
    ),
    "no examples": ("def examples(self, memory, task): return ()", "(examples) returned no examples"),
    "unknown layer": (
        "def model(self, memory, task): return {'nowhere': torch.zeros(2, 2)}",
        "an update of nowhere, a layer that this backbone does not have",
    ),
    "wrong shape": (
        "def model(self, memory, task): return {k: v[:1, :1] for k, v in memory.update.items()}",
        "has shape (1, 1), the layer of this backbone",
    ),
    "wrong start": (
        "def start(self, memory, fresh): return {}",
        "(start) returned an adapter of other layers or shapes",
    ),
    "mutates": (
        (
            "def keep(self, memory, trained, task): [f.B.mul_(2) for f in trained.values()]; return "
            "super().keep(memory, trained, task)"
        ),
        "modified tensors that it was given",
    ),
    "mutates through numpy": (
        "def keep(self, memory, trained, task):\n"
        "        for f in trained.values(): f.B.numpy()[:] *= -1\n"
        "        return super().keep(memory, trained, task)",
        "(keep) modified tensors that it was given",
    ),
    "mutates what holds them": (
        "def model(self, memory, task): memory.update.popitem(); return memory.update",
        "(model) modified tensors that it was given",
    ),
    "penalty": ("def penalty(self, memory, adapter): return torch.tensor(float('nan'))", "the loss is nan"),
    "penalty of text": (
        "def penalty(self, memory, adapter): return 'much'",
        "(penalty) returned neither None nor a tensor of one number",
    ),
    "out of memory": ("def keep(self, memory, trained, task): raise MemoryError", "out of memory"),
}


def test_rude_method_gives_the_numbers_of_the_polite_one(cli, command, plug, tmp_path):
    plug(RUDE)
    found = []
    for method in ("merge_init", "odd"):
        code, out, error = cli(*command(tmp_path / method, "--json", method=method))
        assert code == 0, error
        assert "garbage" not in out
        found.append(read_record(next((tmp_path / method / "records").iterdir())))
    assert found[0].kept == found[1].kept and found[0].scores == found[1].scores


@pytest.mark.parametrize("kind", WRONG)
def test_wrong_method_is_one_line(cli, command, plug, tmp_path, kind):
    source, line = WRONG[kind]
    plug(f'\nclass odd(MergeInit):\n    name, title = "odd", "Odd"\n    {source}\n')
    code, _, error = cli(*command(tmp_path / "out", "--limit-tasks", "1", method="odd"))
    lines = [told for told in error.splitlines() if told.startswith("cbench: ")]
    assert code == (3 if kind == "out of memory" else 2) and len(lines) == 1 and line in lines[0], error
    assert (
        "Traceback" not in error
        and "\x1b[31m" not in lines[0]
        and not list((tmp_path / "out" / "records").glob("*.json"))
    )


def test_method_that_writes_into_its_memory_while_a_task_trains_is_named(cli, command, plug, tmp_path):
    rude = "def penalty(self, memory, adapter): [m.numpy().put(0, 9.0) for m in memory.update.values()]"
    plug(f'\nclass odd(MergeInit):\n    name, title = "odd", "Odd"\n    {rude}\n')
    code, _, error = cli(*command(tmp_path / "out", method="odd"))
    assert code == 2 and "(penalty) modified tensors that it was given" in error
    assert read_record(next((tmp_path / "out" / "records").iterdir())).learned == 1
