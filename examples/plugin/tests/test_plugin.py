"""The method against its formula, the metric on plain colours."""

import torch
from my_plugin.method import FadingMerge
from my_plugin.metric import Palette
from PIL import Image

from cbench import Factors, Memory, Task

TASK = Task(name="cat", examples=(), references=(), prompts=("a sks cat",), plain_prompts=("a cat",))


def adapter(seed):
    generator = torch.Generator().manual_seed(seed)
    return {"layer": Factors(torch.randn(2, 4, generator=generator), torch.randn(3, 2, generator=generator))}


def test_fading_merge_is_its_formula():
    method, first, second = FadingMerge(decay=0.5), adapter(1), adapter(2)
    memory = method.keep(method.keep(Memory(), first, TASK), second, TASK)
    expected = 0.5 * first["layer"].B @ first["layer"].A + second["layer"].B @ second["layer"].A
    torch.testing.assert_close(method.model(memory, TASK)["layer"], expected)


def test_palette_knows_colours():
    red, darker_red, blue = Palette("cpu").embed(
        [Image.new("RGB", (8, 8), colour) for colour in ("red", (250, 5, 5), "blue")]
    )
    assert red @ darker_red > 0.9 * (red @ red)
    assert red @ blue < 0.1 * (red @ red)
