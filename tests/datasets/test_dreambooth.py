import re

import pytest
from PIL import Image

from cbench.datasets.dreambooth import SUBJECTS, load
from cbench.errors import BadInput
from cbench.plugins.check_images import check_images

ORDERS = {
    0: "berry_bowl red_cartoon fancy_boot can bear_plushie candle backpack colorful_sneaker teapot "
    "pink_sunglasses",
    42: "berry_bowl bear_plushie backpack red_cartoon can pink_sunglasses teapot candle colorful_sneaker "
    "fancy_boot",
}


@pytest.fixture
def folder(tmp_path):
    for index, (name, _, _) in enumerate(SUBJECTS):
        (tmp_path / "db" / "dataset" / name).mkdir(parents=True)
        Image.new("RGB", (40, 40), (index, 0, 0)).save(tmp_path / "db" / "dataset" / name / "00.jpg")
    return tmp_path / "db"


def test_the_studys_words(folder):
    stream = load({"path": str(folder)}, folder)
    assert len(stream.tasks) == 10
    bear = next(t for t in stream.tasks if t.name == "bear_plushie")
    assert bear.examples[0].prompt == "a photo of uwu stuffed animal"
    assert bear.prompts[0] == "a uwu stuffed animal in a purple wizard outfit"
    assert bear.prompts[4] == "a uwu stuffed animal looking into a mirror"
    assert bear.plain_prompts[3] == "a stuffed animal in a jail"
    assert bear.references == tuple(e.image for e in bear.examples)


@pytest.mark.parametrize("order", ORDERS)
def test_orders_of_the_study(folder, order):
    assert " ".join(t.name for t in load({"path": str(folder)}, folder).ordered(order)) == ORDERS[order]


def test_data_home_is_where_the_variable_says(folder, monkeypatch):
    monkeypatch.setenv("CBENCH_DATA", str(folder.parent))
    assert load({"path": "db"}, folder) == load({"path": str(folder)}, folder)
    with pytest.raises(BadInput, match=r"no folder .*dreambooth.*CBENCH_DATA"):
        load({}, folder)


def test_missing_class_and_unknown_option(folder):
    teapot = folder / "dataset" / "teapot"
    teapot.rename(teapot.with_name("teapots"))
    with pytest.raises(BadInput, match=re.escape("unknown class in") + ".*'teapot'; did you mean 'teapots'"):
        load({"path": str(folder)}, folder)
    with pytest.raises(BadInput, match="unknown option of dataset dreambooth 'pat'"):
        load({"pat": "x"}, folder)


def test_empty_class(folder):
    (folder / "dataset" / "can" / "00.jpg").unlink()
    with pytest.raises(BadInput, match="task can: no images in"):
        load({"path": str(folder)}, folder)


def test_on_the_photographs(photographs, monkeypatch):
    monkeypatch.setenv("CBENCH_DATA", str(photographs))
    stream = load({}, photographs)
    assert all(4 <= len(t.examples) <= 6 for t in stream.tasks)
    check_images(stream)
