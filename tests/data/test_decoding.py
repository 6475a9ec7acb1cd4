"""Pictures decoded ahead: in their order, few at a time, and what cannot be read beside them."""

import io
import threading
import warnings
from itertools import repeat

import numpy as np
import pytest
from PIL import Image as Pillow

from cnncli.data import decoding
from cnncli.data.decoding import Given, Unreadable, decoded
from cnncli.data.framing import Framing
from cnncli.errors import UsageError


@pytest.fixture
def grey(tmp_path):
    """The file of a grey picture."""

    def saved(value, size=(4, 4)):
        path = tmp_path / f"{value}.png"
        Pillow.new("L", size, value).save(path)
        return Given(str(path))

    return saved


def test_images_come_in_the_order_of_their_pictures(grey):
    pictures = [grey(value, (4 + value, 5)) for value in range(40)]
    found = list(decoded(pictures, Framing((4, 4)), 1, ahead=7))
    assert [image.name for image in found] == [picture.name for picture in pictures]
    assert [image.pixels.tolist() for image in found] == [np.full((4, 4, 1), value).tolist() for value in range(40)]


def test_what_cannot_be_read_stands_in_its_place(grey, tmp_path):
    (tmp_path / "words.png").write_text("words")
    first, bad, last = decoded([grey(1), Given(str(tmp_path / "words.png")), grey(2)], Framing((4, 4)), 1, ahead=2)
    assert isinstance(bad, Unreadable)
    assert bad.reason == f"{tmp_path / 'words.png'}: it is no picture that can be read, or it is damaged"
    assert [image.pixels[0, 0, 0] for image in (first, last)] == [1, 2]


def test_bytes_are_a_picture_whatever_their_name(grey):
    file = io.BytesIO()
    Pillow.new("L", (4, 4), 9).save(file, "PNG")
    (image,) = decoded([Given("china", file.getvalue())], Framing((4, 4)), 1, ahead=1)
    assert (image.name, image.pixels.max()) == ("china", 9)


def test_no_more_than_so_many_are_in_memory(grey, monkeypatch):
    read, taken, most = 0, 0, 0
    lock, found = threading.Lock(), decoding.pictures.read

    def counted(*given):
        nonlocal read, most
        with lock:
            read += 1
            most = max(most, read - taken)
        return found(*given)

    monkeypatch.setattr(decoding.pictures, "read", counted)
    for _ in decoded((grey(value) for value in range(60)), Framing((4, 4)), 1, ahead=5):
        taken += 1
    assert (read, most <= 6) == (60, True)


def test_who_stops_early_waits_for_no_more(grey):
    images = decoded(repeat(grey(1)), Framing((4, 4)), 1, ahead=8)
    assert next(images).pixels.max() == 1
    images.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ThreadPoolExecutor")]


def test_warnings_are_as_they_were(grey):
    before = list(warnings.filters)
    list(decoded([grey(value) for value in range(30)], Framing((4, 4)), 1, ahead=30))
    assert warnings.filters == before


def test_channels_that_no_picture_has_are_said(grey):
    with pytest.raises(UsageError, match="the network takes 2 channels"):
        list(decoded([grey(1)], Framing((4, 4)), 2, ahead=1))
