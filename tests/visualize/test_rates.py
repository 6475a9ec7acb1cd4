import numpy as np
import pytest
from PIL import Image

from cnncli.errors import DataError
from cnncli.visualize.rates import Rates, draw

RATES = tuple(10.0 ** (-5 + at / 20) for at in range(100))
SMOOTHED = tuple(0.3 + 2 * abs(1 - at / 70) for at in range(100))
NOISY = tuple(loss + 0.1 * (-1) ** at for at, loss in enumerate(SMOOTHED))
ORANGE = (213, 94, 0)


def drawn(tmp_path, found):
    path = tmp_path / "rates.png"
    draw(found, path, "a $network on data, sgd")
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        return np.asarray(picture.convert("RGB")).astype(int)


def columns(picture, colour):
    """The columns in which a colour stands from top to bottom of the axes."""
    return np.flatnonzero((np.abs(picture - colour).sum(axis=2) < 40).sum(axis=0) > 200)


def test_the_suggestion_is_a_line_at_its_rate(tmp_path):
    low, high = (drawn(tmp_path, Rates(RATES, NOISY, SMOOTHED, rate)) for rate in (1e-4, 1e-2))
    assert low.shape == (450, 800, 3)
    assert 1 <= len(columns(low, ORANGE)) <= 3
    # Two of five decades to the right.
    between = columns(high, ORANGE).mean() - columns(low, ORANGE).mean()
    assert between == pytest.approx(2 / 5 * 640, rel=0.1)


def test_without_a_suggestion_there_is_no_line(tmp_path):
    assert len(columns(drawn(tmp_path, Rates(RATES, NOISY, SMOOTHED, None)), ORANGE)) == 0


def test_a_loss_that_explodes_leaves_the_picture_as_it_is(tmp_path):
    calm = drawn(tmp_path, Rates(RATES, NOISY, SMOOTHED, None))
    wild = drawn(tmp_path, Rates(RATES, (*NOISY[:-1], 1e9), (*SMOOTHED[:-1], 1e9), None))
    # The numbers at both axes are the same, and the curve where it is calm.
    assert np.array_equal(calm[:, :70], wild[:, :70])
    assert np.array_equal(calm[395:], wild[395:])
    assert np.abs(calm - wild)[150:390, :600].mean() < 3


def test_a_single_loss_and_one_of_nothing_can_be_drawn(tmp_path):
    assert drawn(tmp_path, Rates((1e-3,), (2.0,), (2.0,), None)).size
    assert drawn(tmp_path, Rates((1e-3, 1e-2), (0.0, 0.0), (0.0, 0.0), None)).size


def test_what_cannot_be_drawn_or_written_is_one_line(tmp_path):
    with pytest.raises(DataError, match="the very first step gave no finite loss"):
        draw(Rates((), (), (), None), tmp_path / "rates.png", "")
    with pytest.raises(DataError, match=r"absent/rates.png cannot be written: No such file"):
        draw(Rates(RATES, NOISY, SMOOTHED, None), tmp_path / "absent" / "rates.png", "")
    assert list(tmp_path.iterdir()) == []
