"""The gate against real damage: a plugin's method is broken in its source, run anew and held against the
baseline of the sound one."""

import json
import shutil
import sys
from pathlib import Path

import pytest
import yaml

from cbench.record.files import read_record
from cbench.store.store import Store

KEEP = "return Memory(update="
SEEDS = (0, 5)
DAMAGES = {
    "wrong alpha": {"self.share * change": "4 * self.share * change"},
    "B not reset": {
        KEEP: "return Memory(adapter=trained, update=",
        "    def keep(": "    def start(self, memory, fresh):\n"
        '        """B as the task before left it."""\n'
        "        earlier = memory.adapter or fresh\n"
        "        return {n: factors._replace(B=earlier[n].B) for n, factors in fresh.items()}\n\n"
        "    def keep(",
    },
}


@pytest.fixture
def track_file(cli, tmp_path, track_values, stream_file):
    """A world where a score says how far the weights have moved, which seeds agree on: its references are the
    base model's own images."""
    path, out, fields = tmp_path / "tiny.yaml", tmp_path / "world", yaml.safe_load(stream_file.read_text())
    for task in fields["tasks"]:
        task |= {"prompts": task["prompts"][:1], "plain_prompts": task["plain_prompts"][:1]}
    track_values["training"] |= {
        "rank": 8,
        "steps": 1,
        "learning_rate": 0.03,
    }  # few weights or many steps would let the seeds differ more
    track_values["sampling"] |= {"images_per_prompt": 1}
    track_values["suites"]["colours"]["metrics"] = ["pixels"]
    path.write_text(yaml.safe_dump(track_values))
    stream_file.write_text(yaml.safe_dump(fields))
    assert cli("run", "--method", "base", "--suite", "colours", "--track", path, "--results", out)[0] == 0
    record = read_record(next((out / "records").iterdir()))
    keys = dict(zip(record.tasks, record.kept.base_images, strict=True))
    for task in fields["tasks"]:
        task["references"] = [str(Store(out / "store").require("images", keys[task["name"]]) / "images.png")]
    stream_file.write_text(yaml.safe_dump(fields))
    return path


@pytest.fixture
def install(plugin_site, tmp_path, monkeypatch):
    """Puts another build of the example plugin in front: its method's source with some words replaced."""

    def put(name: str, words: dict[str, str]) -> None:
        site = shutil.copytree(plugin_site, tmp_path / "sites" / name)
        source = site / "cbench_example" / "method.py"
        text = source.read_text()
        for old, new in words.items():
            assert text.count(old) == 1
            text = text.replace(old, new)
        source.write_text(text)
        for module in [m for m in sys.modules if m.split(".")[0] == "cbench_example"]:
            monkeypatch.delitem(sys.modules, module)
        monkeypatch.syspath_prepend(site)

    return put


def test_a_sound_method_passes_and_each_damaged_one_is_caught(cli, install, track_file, tmp_path):
    def run(out: Path) -> Path:
        for seed in SEEDS:
            words = (
                "--method",
                "half_merge",
                "--suite",
                "colours",
                "--track",
                track_file,
                "--seed",
                seed,
                "--results",
                out,
            )
            assert cli("run", *words)[0] == 0
        return out

    baseline = tmp_path / "baseline.json"
    assert cli("check", run(tmp_path / "first"), "--baseline", baseline, "--update")[0] == 0
    install("sound", {})
    assert cli("check", run(tmp_path / "again"), "--baseline", baseline, "--exact")[0] == 0, (
        "the same method gives the same numbers"
    )
    for name, words in DAMAGES.items():
        install(name, words)
        code, fields, error = cli("check", run(tmp_path / name), "--baseline", baseline, "--json")
        outcomes = json.loads(fields)["outcomes"]
        assert code == 1 and "check failed" in error, f"{name}: {outcomes}"
        assert {outcome["verdict"] for outcome in outcomes} == {"worse"}, f"{name}: {outcomes}"
