import numpy as np
import pytest
from PIL import Image

from cbench.errors import BadInput
from cbench.plugins.check_images import check_images
from cbench.task import Example, Stream, Task
from cbench.utils.images import load_image


def picture(path, seed, size=(40, 40), **options):
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)).save(
        path, **options
    )
    return path


def stream(*tasks):
    def task(name, own, references):
        return Task(name, tuple(Example(p, "a") for p in own), tuple(references), ("a",), ("b",))

    return Stream("s", tuple(task(f"t{n}", *files) for n, files in enumerate(tasks)))


def test_sound_images_pass_and_references_may_be_the_training_images(tmp_path):
    one, two = picture(tmp_path / "1.png", 1), picture(tmp_path / "2.png", 2)
    check_images(stream(([one], [one, two]), ([two], [one, two])))


def test_every_trouble_is_told_with_its_path(tmp_path):
    one, twin = picture(tmp_path / "1.png", 1), picture(tmp_path / "twin.png", 1)
    tiny, broken = picture(tmp_path / "tiny.png", 3, (40, 31)), tmp_path / "broken.jpg"
    broken.write_bytes(b"\\xff\\xd8nothing")
    with pytest.raises(BadInput) as error:
        check_images(stream(([one, tiny], [one]), ([twin, broken], [twin])))
    message = str(error.value)
    assert "\n" not in message and f"{twin} is the same picture as {one}" in message
    assert f"{tiny} is too small: 40 x 31 pixels" in message and f"{broken} cannot be read" in message


def test_a_cut_file_is_broken(tmp_path):
    path = picture(tmp_path / "cut.jpg", 1)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(BadInput, match=r"cut\.jpg cannot be read"):
        check_images(stream(([path], [path])))


def test_turned_and_multi_picture_files_come_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = picture(tmp_path / "turned.jpg", 1, (60, 40), exif=exif)
    frames = [Image.new("RGB", (64, 48), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "two.mpo", format="MPO", save_all=True, append_images=frames[1:])
    (tmp_path / "two.mpo").rename(tmp_path / "two.jpg")
    assert Image.open(tmp_path / "two.jpg").format == "MPO"
    assert load_image(turned).size == (40, 60)
    first = load_image(tmp_path / "two.jpg")
    assert first.size == (64, 48) and first.getpixel((9, 9))[0] > 200
    check_images(stream(([turned, tmp_path / "two.jpg"], [turned])))


def test_long_lists_are_cut(tmp_path):
    paths = [picture(tmp_path / f"{n}.png", n, (9, 9)) for n in range(8)]
    with pytest.raises(BadInput, match=r"; and 3 more$"):
        check_images(stream((paths, paths)))
