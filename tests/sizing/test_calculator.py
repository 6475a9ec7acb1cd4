"""The bare calculator: the formula as text, the verdict, and what would fit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnncli.errors import UsageError
from cnncli.networks.layers import Conv
from cnncli.networks.network import Network
from cnncli.sizing.calculator import Remedy, calculate
from cnncli.sizing.size import size

small = st.integers(1, 30)
sides = st.tuples(*[st.integers(0, 3)] * 4)


@pytest.mark.parametrize(
    ("given", "formula"),
    [
        (((32,), 5), "(32 - 5 + 2*0)/1 + 1 = 28"),
        (((7,), 3), "(7 - 3 + 2*0)/1 + 1 = 5"),
        (((10,), 3, 2), "(10 - 3 + 2*0)/2 + 1 = 4.5"),
        (((10,), 3, 1), "(10 - 3 + 2*0)/1 + 1 = 8"),
        (((227,), 11, 4), "(227 - 11 + 2*0)/4 + 1 = 55"),
        (((224,), 11, 4), "(224 - 11 + 2*0)/4 + 1 = 54.25"),
        (((224,), 7, 2, 3), "(224 - 7 + 2*3)/2 + 1 = 112.5"),
        (((32,), 5, 1, (1, 2, 1, 2)), "(32 - 5 + 1 + 2)/1 + 1 = 31"),
        (((12,), 3, 7), "(12 - 3 + 2*0)/7 + 1 = 2.285..."),
        (((10,), 3, 6), "(10 - 3 + 2*0)/6 + 1 = 2.166..."),
    ],
)
def test_the_formula_has_its_numbers_put_in(given, formula):
    answer = calculate(*given)
    assert answer.rows.formula == answer.columns.formula == formula


def test_a_size_that_fits():
    answer = calculate((32,), 5)
    assert answer.fits
    assert answer.out == (28, 28)
    assert answer.rows.remedy is None
    assert (answer.params, answer.macs) == (None, None)


def test_a_size_that_does_not_fit_is_rounded_down():
    answer = calculate((10,), 3, 2)
    assert not answer.fits
    assert answer.out == (4, 4)


@pytest.mark.parametrize(
    ("given", "remedy"),
    [
        (((10,), 3, 2), Remedy(9, 11, padding=(0, 1), stride=1)),
        (((224,), 11, 4), Remedy(223, 227, padding=(1, 2), stride=3)),
        (((224,), 7, 2, 3), Remedy(223, 225, padding=(2, 3), stride=1)),
        (((12,), 3, 7), Remedy(10, 17, padding=None, stride=3)),
        (((1,), 3, 4, 2), Remedy(None, 3, padding=(1, 1), stride=2)),
        (((9,), 4, 3), Remedy(7, 10, padding=(2, 2), stride=1)),
    ],
)
def test_what_would_fit_instead(given, remedy):
    assert calculate(*given).rows.remedy == remedy


def test_axes_are_judged_apart():
    answer = calculate((3, 4), 2, (1, 3))
    assert (answer.rows.fits, answer.columns.fits, answer.fits) == (True, False, False)
    assert calculate((3, 4), 2).out == (2, 3)


def test_costs_are_known_with_channels_and_filters():
    answer = calculate((32, 32, 3), 5, filters=20)
    assert (answer.out, answer.params, answer.macs) == ((28, 28, 20), 1_520, 28 * 28 * 1_500)
    assert calculate((32,), 5, filters=20).out == (28, 28, 20)
    assert calculate((32,), 5, filters=20).params is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (((3,), 5), "height: a window of 5 on an input of 3: it is larger than what it looks at"),
        (((5, 3), 5), "width: a window of 5 on an input of 3"),
        (((0,), 5), r"input is \(0,\); expected a size, height and width, or height, width and channels"),
        (((1, 2, 3, 4), 5), "input is .1, 2, 3, 4.; expected"),
        ((32, 5), "input is 32; expected"),
        (((32,), 0), "filter is 0; expected a whole number of at least 1, or two: height, width"),
        (((32,), 5, 0), "stride is 0; expected a whole number of at least 1"),
        (((32,), 5, 1, -1), "padding is -1; expected a whole number of at least 0"),
        (((32,), 5, 1, 0, 0), "filters is 0; expected a whole number of at least 1"),
    ],
)
def test_what_cannot_be_is_refused(given, message):
    with pytest.raises(UsageError, match=message):
        calculate(*given)


@given(small, small, small, sides)
def test_every_remedy_fits(length, window, stride, padding):
    if window > length + min(padding[0] + padding[1], padding[2] + padding[3]):
        return
    for axis, pads in zip(("rows", "columns"), (padding[:2] + padding[:2], padding[2:] + padding[2:]), strict=True):
        remedy = getattr(calculate((length,), window, stride, padding), axis).remedy
        if remedy is None:
            continue
        assert calculate((remedy.larger,), window, stride, pads).fits
        assert calculate((length,), window, remedy.stride, pads).fits
        assert remedy.smaller is None or calculate((remedy.smaller,), window, stride, pads).fits
        assert remedy.padding is None or calculate((length,), window, stride, remedy.padding * 2).fits


@given(st.tuples(small, small, small), st.tuples(small, small), st.tuples(small, small), sides, small)
def test_the_calculator_agrees_with_sizing(shape, window, stride, padding, filters):
    if window[0] > shape[0] or window[1] > shape[1]:
        return
    answer = calculate(shape, window, stride, padding, filters)
    row = size(Network("n", shape, (Conv(filters, window, stride, padding),))).rows[0]
    assert (answer.out, answer.params, answer.macs, answer.fits) == (row.output, row.params, row.macs, row.windows.fits)
