"""Pictures of any size and mode become images of one or three channels, or one line that says why not."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from cnncli.data import pictures
from cnncli.errors import DataError, UsageError

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 128, 0), (0, 0, 255), (255, 255, 255)


def two(first, second, mode="RGB"):
    """A picture of two pixels beside each other."""
    picture = Image.new(mode, (2, 1))
    picture.putpixel((0, 0), first)
    picture.putpixel((1, 0), second)
    return picture


def palette(**saved):
    """Two pixels, red and blue, as numbers of a palette."""
    picture = two(1, 2, "P")
    picture.putpalette([9, 9, 9, *RED, *BLUE])
    return picture, saved


# Each as a picture, how it is saved, and the colours that are read.
MODES = {
    "grey": (two(7, 200, "L"), {}, [(7, 7, 7), (200, 200, 200)]),
    "colour": (two(RED, BLUE), {}, [RED, BLUE]),
    "one bit": (two(0, 1, "1"), {}, [(0, 0, 0), WHITE]),
    "palette": (*palette(), [RED, BLUE]),
    "palette with a transparent colour": (*palette(transparency=1), [WHITE, BLUE]),
    "palette with half a colour": (*palette(transparency=bytes([255, 255, 127])), [RED, (128, 128, 255)]),
    "grey with transparency": (two((7, 255), (7, 0), "LA"), {}, [(7, 7, 7), WHITE]),
    "colour with transparency": (two((*RED, 255), (*BLUE, 127), "RGBA"), {}, [RED, (128, 128, 255)]),
    "a transparent colour": (two(RED, BLUE), {"transparency": RED}, [WHITE, BLUE]),
    "sixteen bits": (two(256 * 7 + 255, 65535, "I;16"), {}, [(7, 7, 7), WHITE]),
}


@pytest.mark.parametrize(("picture", "saved", "colours"), MODES.values(), ids=MODES)
def test_every_mode_of_a_png_is_read_as_colours(picture, saved, colours, tmp_path):
    picture.save(tmp_path / "two.png", **saved)
    found = pictures.read(str(tmp_path / "two.png"), 3)
    assert (found.shape, found.dtype) == ((1, 2, 3), np.uint8)
    assert found[0].tolist() == [list(colour) for colour in colours]


def test_colours_become_grey_for_a_network_of_one_channel(tmp_path):
    two(GREEN, WHITE).save(tmp_path / "two.png")
    found = pictures.read(str(tmp_path / "two.png"), 1)
    # Of green the eye sees 0.587.
    assert found[..., 0].tolist() == [[75, 255]]


def test_a_print_of_four_inks_is_read(tmp_path):
    Image.new("CMYK", (8, 8), (255, 0, 255, 0)).save(tmp_path / "inks.jpg", quality=100)
    red, green, blue = pictures.read(str(tmp_path / "inks.jpg"), 3)[4, 4]
    assert green > 200 > 100 > max(red, blue)


@pytest.mark.parametrize("mode", ["LAB", "YCbCr"])
@pytest.mark.parametrize(("channels", "grey"), [(1, [116]), (3, [90, 130, 110])])
def test_other_ways_to_write_colours_are_read(mode, channels, grey, tmp_path):
    Image.new("RGB", (8, 8), (90, 130, 110)).convert(mode).save(tmp_path / "green.tiff")
    found = pictures.read(str(tmp_path / "green.tiff"), channels)
    assert np.abs(found[4, 4].astype(int) - grey).max() <= 4


def test_numbers_of_32_bits_and_floats_go_from_least_to_greatest(tmp_path):
    two(-5, 5, "I").save(tmp_path / "whole.tiff")
    two(0.25, 0.75, "F").save(tmp_path / "floats.tiff")
    for name in ("whole.tiff", "floats.tiff"):
        assert pictures.read(str(tmp_path / name), 1)[..., 0].tolist() == [[0, 255]]
    Image.new("F", (2, 2), 0.3).save(tmp_path / "flat.tiff")
    assert not pictures.read(str(tmp_path / "flat.tiff"), 1).any()


# EXIF's word for how a camera was held, and where the upper left pixel of what it saw comes to be.
TURNED = {1: (0, 0), 3: (1, 2), 6: (0, 1), 8: (2, 0)}


@pytest.mark.parametrize(("orientation", "place"), TURNED.items())
def test_a_photograph_is_turned_as_the_camera_was(orientation, place, tmp_path):
    pixels = np.zeros((16, 24, 3), np.uint8)
    pixels[:8, :8] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(tmp_path / "turned.jpg", exif=exif, quality=100)
    found = pictures.read(str(tmp_path / "turned.jpg"), 1)
    assert found.shape[:2] == ((16, 24) if orientation in (1, 3) else (24, 16))
    blocks = found[4::8, 4::8, 0] > 128
    assert np.argwhere(blocks).tolist() == [list(place)]


def test_of_an_animation_the_first_frame_is_read(tmp_path):
    frames = [Image.new("RGB", (4, 4), colour) for colour in (RED, BLUE)]
    frames[0].save(tmp_path / "moves.gif", save_all=True, append_images=frames[1:])
    assert pictures.read(str(tmp_path / "moves.gif"), 3)[0, 0].tolist() == list(RED)


@pytest.mark.parametrize("name", pictures.PHOTOGRAPHS)
def test_two_photographs_come_along(name):
    assert pictures.read(name, 3).shape == (427, 640, 3)
    assert pictures.read(name, 1).shape == (427, 640, 1)


def declared(width, height):
    """A PNG of a few bytes that claims to have so many pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def noise():
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    return Image.fromarray(pixels)


def saved(picture, path, **how):
    picture.save(path, **how)
    return path.read_bytes()


BROKEN = {
    "words": (lambda path: b"not a picture", "it is no picture that can be read, or it is damaged"),
    "nothing": (lambda path: b"", "it is no picture that can be read, or it is damaged"),
    "half a png": (lambda path: saved(noise(), path, format="PNG")[:900], "or it is damaged"),
    "half a jpeg": (lambda path: saved(noise(), path, format="JPEG")[:700], "or it is damaged"),
    "more than we read": (lambda path: declared(10_001, 10_000), "too many pixels; expected at most 100,000,000"),
    "more than pillow reads": (lambda path: declared(60_000, 60_000), "too many pixels; expected at most 100,000,000"),
    "a program": (lambda path: saved(noise(), path, format="EPS"), "is a PostScript program, which is not run"),
}


@pytest.mark.parametrize(("made", "reason"), BROKEN.values(), ids=BROKEN)
@pytest.mark.filterwarnings("error")
def test_what_is_no_picture_is_one_line_with_its_name(made, reason, tmp_path):
    path = tmp_path / "broken.png"
    path.write_bytes(made(path))
    with pytest.raises(DataError, match=reason) as refused:
        pictures.read(str(path), 3)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_decoder_that_fails_in_its_own_way_is_a_damaged_file(tmp_path, monkeypatch):
    noise().save(tmp_path / "fine.png")

    def fails(*_):
        raise NotImplementedError("unknown pixel format")

    monkeypatch.setattr(pictures.ImageOps, "exif_transpose", fails)
    with pytest.raises(DataError, match=r"fine\.png: it is no picture"):
        pictures.read(str(tmp_path / "fine.png"), 3)


def test_what_is_not_there_or_not_a_file_is_said(tmp_path):
    with pytest.raises(DataError, match=r"there is no picture .*cat\.png; expected a file, or one of china, flower"):
        pictures.read(str(tmp_path / "cat.png"), 3)
    with pytest.raises(DataError, match="Is a directory"):
        pictures.read(str(tmp_path), 3)
    with pytest.raises(DataError, match="File name too long"):
        pictures.read("x" * 5000, 3)


def test_a_file_that_may_not_be_read_is_said(tmp_path, monkeypatch):
    def forbidden(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(pictures.Image, "open", forbidden)
    with pytest.raises(DataError, match=r"cat\.png: Permission denied"):
        pictures.read(str(tmp_path / "cat.png"), 3)


def test_a_network_of_other_channels_takes_no_picture():
    with pytest.raises(UsageError, match="the network takes 2 channels; a picture has 1 or 3"):
        pictures.read("china", 2)


GREY = {"grey", "one bit", "grey with transparency", "sixteen bits"}


@pytest.mark.parametrize(("name", "picture", "saved"), [(name, *MODES[name][:2]) for name in MODES], ids=MODES)
def test_the_header_tells_what_is_grey(name, picture, saved, tmp_path):
    picture.save(tmp_path / "two.png", **saved)
    assert pictures.header(tmp_path / "two.png") == pictures.Header((1, 2), name in GREY)


def test_a_palette_of_greys_is_grey(tmp_path):
    picture = two(0, 1, "P")
    picture.putpalette([9, 9, 9, 200, 200, 200])
    picture.save(tmp_path / "greys.png")
    assert pictures.header(tmp_path / "greys.png").grey


@pytest.mark.parametrize(("orientation", "size"), [(1, (16, 24)), (3, (16, 24)), (6, (24, 16)), (8, (24, 16))])
def test_the_header_has_the_size_of_the_turned_picture(orientation, size, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (24, 16)).save(tmp_path / "turned.jpg", exif=exif)
    assert pictures.header(tmp_path / "turned.jpg").size == size
    assert pictures.read(str(tmp_path / "turned.jpg"), 3).shape[:2] == size


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("content", [b"", b"words", declared(60_000, 60_000)], ids=["nothing", "words", "a bomb"])
def test_what_is_no_picture_has_no_header(content, tmp_path):
    (tmp_path / "broken.png").write_bytes(content)
    assert pictures.header(tmp_path / "broken.png") is None
    assert pictures.header(tmp_path / "absent.png") is None
