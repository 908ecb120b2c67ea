"""The embedded world as it ships: its streams, its encoders, its pipeline, and a first task of it."""

import numpy as np
import pytest

from cbench.plan import open_track
from cbench.plugins import registry
from cbench.plugins.encoders import embed
from cbench.plugins.streams import open_stream
from cbench.record.files import read_record
from cbench.utils.files import ASSETS
from cbench.utils.images import load_image

MINI = open_track("mini")


@pytest.fixture(scope="module", params=["objects", "styles"])
def stream(request):
    return request.param, open_stream(MINI, request.param)


def test_ten_tasks_of_five_images_and_five_prompts(stream):
    _, listed = stream
    assert len(listed.tasks) == 10
    for task in listed.tasks:
        assert (
            len(task.examples)
            == len({e.image for e in task.examples})
            == len(task.prompts)
            == len(task.plain_prompts)
            == 5
        )
        assert all(
            load_image(path).size == (64, 64)
            for path in {*task.references, *(e.image for e in task.examples)}
        )


def test_objects_have_a_token_of_their_own():
    tasks = open_stream(MINI, "objects").tasks
    tokens = [task.prompts[0].removeprefix("a photo of a ").split()[0] for task in tasks]
    assert len(set(tokens)) == 10
    assert not any(token in task.plain_prompts[0] for token, task in zip(tokens, tasks, strict=True))


def test_references_of_a_style_show_what_no_task_trains_on():
    tasks = open_stream(MINI, "styles").tasks
    trained = {task.examples[0].prompt.split()[-1] for task in tasks}
    for task in tasks:
        shown = {path.stem for path in task.references}
        assert len(shown) >= 8 and not shown & trained


@pytest.mark.parametrize(("suite", "metric"), [("objects", "mini_dino"), ("styles", "mini_csd")])
def test_encoder_tells_the_concepts_of_its_suite_apart(suite, metric):
    encoder = registry.load("metrics", metric)("cpu")
    found = [
        embed(encoder, [load_image(p) for p in task.references]) for task in open_stream(MINI, suite).tasks
    ]
    means = np.array([[(a @ b.T).mean() for b in found] for a in found])
    same = np.mean([(f @ f.T)[~np.eye(len(f), dtype=bool)].mean() for f in found])
    assert same > 0.6 and same - means[~np.eye(10, dtype=bool)].mean() > 0.4


def test_loads_and_samples_with_the_stock_call():
    from diffusers import DiffusionPipeline

    pipeline = DiffusionPipeline.from_pretrained(ASSETS / "mini" / "pipeline", local_files_only=True)
    images = pipeline(
        prompt="a photo of a cat", height=64, width=64, num_inference_steps=2, output_type="np"
    ).images
    assert images.shape == (1, 64, 64, 3) and images.std() > 0.05


def test_package_data_stays_small():
    assert sum(path.stat().st_size for path in ASSETS.rglob("*") if path.is_file()) < 60e6


def test_first_task_is_learned(cli, tmp_path):
    code, _, error = cli(
        "run", "--method", "naive", "--suite", "objects", "--limit-tasks", "1", "--results", tmp_path
    )
    assert code == 0, error
    scores = read_record(next((tmp_path / "records").iterdir())).scores["mini_dino"]
    assert scores.rows[0][0] > scores.base[0]
