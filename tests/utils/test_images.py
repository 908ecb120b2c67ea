import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageColor

from cbench.errors import BadInput
from cbench.utils.digest import digest_file
from cbench.utils.files import ASSETS
from cbench.utils.images import (
    crop_at,
    digest_image,
    grid,
    is_image,
    is_srgb,
    load_image,
    read_sheet,
    square,
    write_sheet,
)

PRIMARIES = {
    "Display P3": [(0.51512, 0.2412, -0.00105), (0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407)],
    "Adobe RGB": [(0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457)],
    "sRGB": [(0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.7141)],
}
"""The primaries of a colour space as profiles write them, relative to D50."""
COLOURS = np.array([[[200, 100, 50], [60, 120, 90], [128, 128, 128], [255, 255, 255], [0, 0, 0]]], np.uint8)


def profile(name):
    """A profile of these primaries, with the tones of sRGB."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    (count,) = struct.unpack_from(">I", data, 128)
    tags = [struct.unpack_from(">4sI", data, 132 + 12 * i) for i in range(count)]
    places = dict(tags)
    for tag, numbers in zip((b"rXYZ", b"gXYZ", b"bXYZ"), PRIMARIES[name], strict=True):
        struct.pack_into(">3i", data, places[tag] + 8, *(round(v * 65536) for v in numbers))
    return bytes(data)


def as_srgb(colours, name):
    """What the colours of a space are in sRGB, by hand."""
    values = colours / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    there = linear @ np.array(PRIMARIES[name]) @ np.linalg.inv(np.array(PRIMARIES["sRGB"]))
    there = np.clip(there, 0, 1)
    return 255 * np.where(there <= 0.0031308, there * 12.92, 1.055 * there ** (1 / 2.4) - 0.055)


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


def test_committed_images_are_read_as_ever():
    paths = sorted((ASSETS / "mini" / "streams").rglob("*.png"))
    assert len(paths) > 50
    for path in paths:
        with Image.open(path) as image:
            assert image.mode == "RGB" and np.array_equal(np.asarray(load_image(path)), np.asarray(image))
        assert digest_image(path) == digest_file(path)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "bmp", "jfif", "gif"])
@pytest.mark.parametrize("mode", ["RGB", "L", "P"])
def test_ordinary_images_do_not_move_by_a_bit(tmp_path, suffix, mode):
    """Also where they say that they are sRGB."""
    pixels = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    image = Image.fromarray(pixels).convert(mode)
    if suffix in ("jpg", "jfif") and mode == "P":
        return
    for more in ({}, {"icc_profile": profile("sRGB")}):
        image.save(tmp_path / f"a.{suffix}", **more)
        with Image.open(tmp_path / f"a.{suffix}") as plain:
            wanted = np.asarray(plain.convert("RGB"))
        assert np.array_equal(np.asarray(load_image(tmp_path / f"a.{suffix}")), wanted)
        assert digest_image(tmp_path / f"a.{suffix}") == digest_file(tmp_path / f"a.{suffix}")


@pytest.mark.parametrize("name", ["Display P3", "Adobe RGB"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_colour_profiles_are_followed(tmp_path, name, mode):
    image = Image.fromarray(COLOURS).convert(mode) if mode != "P" else Image.fromarray(COLOURS).quantize(5)
    image.save(tmp_path / "a.png", icc_profile=profile(name))
    found = np.asarray(load_image(tmp_path / "a.png")).astype(int)
    wanted = as_srgb(np.asarray(image.convert("RGB")), name)
    assert np.abs(found - wanted).max() <= 2 and np.abs(wanted - COLOURS).max() > 8
    assert not is_srgb(profile(name)) and digest_image(tmp_path / "a.png") != digest_file(tmp_path / "a.png")


def test_a_profile_and_transparency(tmp_path):
    pixels = np.array([[[200, 100, 50, 255], [200, 100, 50, 127], [200, 100, 50, 0]]], np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png", icc_profile=profile("Display P3"))
    found = np.asarray(load_image(tmp_path / "a.png"))[0].astype(int)
    colour = as_srgb(np.array([200, 100, 50]), "Display P3")
    for row, alpha in zip(found, (1, 127 / 255, 0), strict=True):
        assert np.abs(row - (alpha * colour + (1 - alpha) * 255)).max() <= 2


def test_grey_with_a_profile_of_colours_stays_grey(tmp_path):
    Image.fromarray(COLOURS[..., 0]).save(tmp_path / "a.png", icc_profile=profile("Display P3"))
    found = np.asarray(load_image(tmp_path / "a.png"))
    assert np.abs(found.astype(int) - COLOURS[..., :1]).max() <= 1


def test_lab_is_read_as_it_looks(tmp_path):
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    there = ImageCms.buildTransform(srgb, lab, "RGB", "LAB")
    ImageCms.applyTransform(Image.fromarray(COLOURS), there).save(tmp_path / "a.tif")
    found = np.asarray(load_image(tmp_path / "a.tif")).astype(int)
    assert np.abs(found - COLOURS).max() <= 6


@pytest.mark.parametrize(
    ("save", "line"),
    [
        (lambda path: Image.new("F", (40, 40), 0.5).save(path), "32-bit floating point"),
        (lambda path: Image.new("I", (40, 40), 9).save(path), "32-bit integer"),
        (
            lambda path: Image.new("RGB", (40, 40)).save(path, icc_profile=b"junk"),
            "colour profile cannot be used",
        ),
        (
            lambda path: Image.new("CMYK", (40, 40)).save(path, icc_profile=profile("Adobe RGB")),
            "its colour profile is for RGB and the image is CMYK",
        ),
        (
            lambda path: Image.new("L", (40, 40)).save(
                path, save_all=True, append_images=[Image.new("L", (40, 40))]
            ),
            "several frames",
        ),
    ],
)
def test_what_has_no_one_picture_is_refused_by_name(tmp_path, save, line):
    save(tmp_path / "a.tif")
    with pytest.raises(BadInput, match=rf"a\.tif cannot be read: .*{line}.*; save "):
        load_image(tmp_path / "a.tif")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "I;16"])
@pytest.mark.parametrize("suffix", ["tif", "png", "jp2", "avif", "webp"])
def test_a_picture_of_any_mode_looks_the_same(tmp_path, mode, suffix):
    """Where Pillow writes the mode into the format."""
    if mode == "I;16":
        if suffix in ("avif", "webp"):
            return  # Pillow writes white
        image = Image.fromarray(np.full((40, 40), 200 * 257, np.uint16))
    else:
        image = Image.new("RGB", (40, 40), (200, 200, 200))
        image = image.quantize().convert(mode) if mode in ("P", "PA") else image.convert(mode)
    try:
        image.save(tmp_path / f"a.{suffix}")
    except (OSError, ValueError, KeyError):
        return
    try:
        Image.open(tmp_path / f"a.{suffix}").load()
    except OSError:  # before 13, Pillow does not read its own TIFF of YCbCr
        with pytest.raises(BadInput, match=r"a\.\w+ cannot be read"):
            load_image(tmp_path / f"a.{suffix}")
        return
    if mode != "1":
        found = np.asarray(load_image(tmp_path / f"a.{suffix}")).astype(int)
        assert np.abs(found - 200).max() <= 4


def test_what_pillow_opens_is_an_image(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.gif")
    (tmp_path / "a.gif").rename(tmp_path / "a")
    (tmp_path / "b.png").write_text("words")
    assert is_image(tmp_path / "a") and not is_image(tmp_path / "b.png") and not is_image(tmp_path / "c")
