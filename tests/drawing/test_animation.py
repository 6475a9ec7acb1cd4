"""Animations: a frame for each sheet, all of one size, that say where they come from."""

import numpy as np
import pytest
from PIL import Image

from cnncli.drawing import animation
from cnncli.drawing.sheet import Line, Panel, Sheet
from cnncli.errors import DataError


def page(name, value):
    return Sheet([Line(name, ((Panel(np.full((4, 4), value, np.uint8)),),))], "a title")


def test_a_frame_for_each_sheet(tmp_path):
    path = tmp_path / "moving.gif"
    animation.draw([page("a", 0), page("longer", 120), page("b", 255)], path, {"Command": "cnncli", "Seed": "3"})
    with Image.open(path) as found:
        assert (found.format, found.n_frames, found.info["loop"]) == ("GIF", 3, 0)
        assert found.info["comment"] == b"Command: cnncli\nSeed: 3"
        times, middles = [], []
        for at in range(3):
            found.seek(at)
            times.append(found.info["duration"])
            frame = np.asarray(found.convert("L"))
            middles.append({0, 120, 255} & set(frame[60, 60:160].tolist()))
    assert times == [animation.FRAME, animation.FRAME, animation.LAST]
    assert middles == [{0}, {120}, {255}]


def test_the_same_sheets_are_the_same_bytes(tmp_path):
    for name in ("one.gif", "two.gif"):
        animation.draw([page("a", 0), page("b", 9)], tmp_path / name)
    assert (tmp_path / "one.gif").read_bytes() == (tmp_path / "two.gif").read_bytes()


def test_what_cannot_be_written_is_said(tmp_path):
    with pytest.raises(DataError, match="cannot be written"):
        animation.draw([page("a", 0)], tmp_path)
