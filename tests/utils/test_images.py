import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageColor

from cbench.errors import BadInput
from cbench.utils.images import crop_at, grid, load_image, read_sheet, square, write_sheet


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 999))
def test_sheet_loses_nothing(tmp_path_factory, rows, columns, seed):
    images = np.random.default_rng(seed).integers(0, 256, (rows * columns, 8, 8, 3), dtype=np.uint8)
    path = tmp_path_factory.mktemp("sheet") / "images.png"
    write_sheet(images, columns, path)
    assert Image.open(path).size == (columns * 8, rows * 8)
    assert np.array_equal(np.stack([np.asarray(image) for image in read_sheet(path, 8)]), images)


def test_image_is_turned_as_its_exif_says_and_rgb(tmp_path):
    image = Image.new("L", (4, 2))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "a.jpg", exif=exif)
    found = load_image(tmp_path / "a.jpg")
    assert found.size == (2, 4) and found.mode == "RGB"


def test_16_bits_of_grey_are_scaled(tmp_path):
    Image.fromarray(np.array([[0, 128, 129, 32896, 65535]], dtype=np.uint16)).save(tmp_path / "a.png")
    assert np.asarray(load_image(tmp_path / "a.png"))[0].tolist() == [[v] * 3 for v in (0, 0, 1, 128, 255)]


def test_what_is_transparent_lies_on_white(tmp_path):
    """Red: opaque, half and hidden; a palette and a colour that stands for nothing."""
    colours = np.array([[[255, 0, 0, 255], [255, 0, 0, 127], [255, 0, 0, 0]]], dtype=np.uint8)
    Image.fromarray(colours).save(tmp_path / "a.png")
    assert np.asarray(load_image(tmp_path / "a.png"))[0].tolist() == [
        [255, 0, 0],
        [255, 128, 128],
        [255, 255, 255],
    ]
    palette = Image.fromarray(np.array([[0, 1]], dtype=np.uint8), "P")
    palette.putpalette([255, 0, 0, 0, 0, 255])
    palette.save(tmp_path / "p.png", transparency=0)
    assert np.asarray(load_image(tmp_path / "p.png"))[0].tolist() == [[255, 255, 255], [0, 0, 255]]
    Image.fromarray(colours[..., :3] // 2).save(tmp_path / "k.png", transparency=(127, 0, 0))
    assert np.unique(np.asarray(load_image(tmp_path / "k.png"))).tolist() == [255]


@pytest.mark.parametrize("data", [b"", b"no image", b"\x89PNG\r\n\x1a\n"])
def test_broken_image_is_named(tmp_path, data):
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(BadInput, match=r"a\.png cannot be read"):
        load_image(tmp_path / "a.png")


def test_square_takes_the_centre():
    image = Image.new("RGB", (30, 10), "white")
    image.paste("red", (10, 0, 20, 10))
    assert np.unique(np.asarray(square(image, 10)).reshape(-1, 3), axis=0).tolist() == [[255, 0, 0]]


def test_grid_keeps_a_gap():
    assert grid([[Image.new("RGB", (8, 8))] * 3] * 2).size == (28, 18)


@pytest.mark.parametrize(
    "place, corner", [((0.5, 0.5), (0, 32)), ((0.0, 0.0), (0, 0)), ((1.0, 1.0), (0, 64))]
)
def test_a_crop_says_where_it_is_from(place, corner):
    image = Image.new("RGB", (256, 128), "red")
    image.paste("blue", (128, 0, 256, 128))
    crop = crop_at(image, 64, "bilinear", place)
    assert crop.image.size == (64, 64) and crop.original == (128, 256) and crop.corner == corner
    expected = {0: "red", 64: "blue"}.get(corner[1])
    if expected:
        assert crop.image.getpixel((32, 32)) == ImageColor.getrgb(expected)


def test_the_centre_crop_is_that_of_square():
    pixels = np.random.default_rng(0).integers(0, 255, (96, 96, 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    assert np.array_equal(crop_at(image, 48, "bicubic", (0.5, 0.5)).image, square(image, 48))
