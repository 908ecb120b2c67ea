"""Distillation against its definition, on a UNet."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cbench.backbone.load import open_backbone
from cbench.errors import BadInput
from cbench.method import Memory
from cbench.methods.distill import Distill
from cbench.plugins.hooks import Hooks
from cbench.plugins.methods import make_method
from cbench.stages.train import Denoising, TrainingData, attached, encode_images
from cbench.task import Example, Task
from cbench.track import BackboneSpec, Training
from cbench.update import gaussian

QUICK = settings(max_examples=20, deadline=None)

TASK = Task("t", (Example("0.png", "a t"), Example("1.png", "a t")), (), ("evaluated",), ("a",))
ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")

NUMBERS = Training(rank=2, steps=1, batch=2, learning_rate=0.01, weight_decay=0.0, max_grad_norm=1.0)


@QUICK
@given(learned=st.lists(st.text(min_size=1), max_size=4).map(tuple))
def test_new_images_meet_every_earlier_prompt(learned):
    rehearsal = Distill(weight=0.5).rehearse(Memory(learned=learned), TASK)
    assert (rehearsal is None) == (not learned)
    if rehearsal:
        pairs = [(example.image, prompt) for prompt in learned for example in TASK.examples]
        assert [tuple(e) for e in rehearsal.examples] == pairs
        assert (rehearsal.prompts, rehearsal.weight, rehearsal.target) == ((), 0.5, "model")


def test_dreams_are_rehearsed_towards_the_teacher():
    rehearsal = Distill("dream", 3).rehearse(Memory(learned=("a cat",)), TASK)
    assert (rehearsal.prompts, rehearsal.images_per_prompt, rehearsal.target) == (("a cat",), 3, "model")
    assert rehearsal.examples == ()


def test_without_weight_there_is_no_teacher():
    assert Distill(weight=0).rehearse(Memory(learned=("a cat",)), TASK) is None


def test_the_teacher_has_all_that_was_merged():
    """The runner refuses a teacher that is the base model, which a chain without a frozen update would be."""
    memory = Memory(update={"layer": torch.ones(2, 2)}, learned=("a cat",))
    method = Distill()
    assert method.frozen(memory) is memory.update
    assert Hooks(method).rehearse(memory, TASK, method.frozen(memory)).target == "model"


def test_at_zero_b_the_term_and_its_gradient_are_zero(sdxl_folder):
    backbone = open_backbone(
        BackboneSpec(path=str(sdxl_folder), resolution=64), sdxl_folder.parent, "cpu", ATTENTION
    )
    images = encode_images(backbone, [Image.new("RGB", (64, 64), "red")] * 2, ["a cat", "a dog"])
    shapes = {
        name: (layer.out_features, layer.in_features)
        for name, layer in backbone.denoiser.named_modules()
        if name.endswith(ATTENTION)
    }
    fresh = gaussian(shapes, 2, 0)
    merged = {name: 0.1 * torch.ones(shape) for name, shape in shapes.items()}
    with backbone.folded(merged), attached(backbone, fresh) as live:
        denoising = Denoising(backbone, backbone.denoiser.train(), NUMBERS)
        batch = denoising.draw(TrainingData(images), 2, 0, torch.Generator().manual_seed(0))
        term = torch.nn.functional.mse_loss(denoising.guess(batch), denoising.teacher(batch))
        term.backward()
        assert term == 0 and all(not p.grad.any() for f in live.values() for p in f)


@pytest.mark.parametrize("options", [{"images": "old"}, {"images_per_prompt": "0"}, {"weight": "-1"}])
def test_options_have_bounds(options):
    with pytest.raises(BadInput, match=r"option .* of distill: Input should be"):
        make_method("distill", options)
