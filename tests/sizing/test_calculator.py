"""The bare calculator: sizes and costs of one convolution or pooling, and the padding that `same` chooses."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cnncli.errors import UsageError
from cnncli.networks.layers import Conv, Pool
from cnncli.networks.network import Network
from cnncli.sizing.calculator import Question, calculate, same
from cnncli.sizing.geometry import TooSmall
from cnncli.sizing.size import size

small = st.integers(1, 30)
sides = st.tuples(*[st.integers(0, 3)] * 4)


def answer(*given, **named):
    return calculate(Question(*given, **named))


def test_a_size_that_fits():
    found = answer((32,), 5)
    assert found.fits
    assert found.out == (28, 28)
    assert (found.params, found.macs) == (None, None)


def test_a_size_that_does_not_fit_is_rounded():
    found = answer((10,), 3, 2)
    assert not found.fits
    assert found.out == (4, 4)
    assert answer((10,), 3, 2, pool=True, ceil=True).out == (5, 5)


def test_axes_are_judged_apart():
    found = answer((3, 4), 2, (1, 3))
    assert (found.rows.fits, found.columns.fits, found.fits) == (True, False, False)
    assert (found.rows.name, found.columns.name) == ("height", "width")
    assert answer((3, 4), 2).out == (2, 3)
    padded = answer((3, 5), (2, 4), (1, 2), (0, 1, 2, 3))
    assert (padded.rows.formula, padded.columns.formula) == (
        "(3 - 2 + 0 + 1)/1 + 1 = 3",
        "(5 - 4 + 2 + 3)/2 + 1 = 4",
    )


def test_costs_are_known_with_channels_and_filters():
    found = answer((32, 32, 3), 5, filters=20)
    assert (found.out, found.params, found.macs) == ((28, 28, 20), 1_520, 28 * 28 * 1_500)
    alone = answer((32,), 5, filters=20)
    assert (alone.out, alone.params, alone.macs) == ((28, 28, 20), None, None)
    assert answer((32, 32, 3), 5).out == (28, 28)


def test_pooling_has_no_parameters_and_keeps_the_channels():
    found = answer((28, 28, 6), 2, 2, pool=True)
    assert (found.out, found.params, found.macs) == ((14, 14, 6), 0, 0)
    assert answer((28,), 2, 2, pool=True).out == (14, 14)


@pytest.mark.parametrize(
    ("given", "padding"),
    [
        ((32, 1, 1), (0, 0)),
        ((32, 3, 1), (1, 1)),
        ((32, 5, 1), (2, 2)),
        ((32, 2, 1), (0, 1)),
        ((224, 7, 2), (2, 3)),
        ((225, 7, 2), (3, 3)),
        ((10, 1, 4), (0, 0)),
    ],
)
def test_same_chooses_the_padding(given, padding):
    assert same(*given) == padding


@given(small, small, small)
def test_same_gives_the_input_divided_by_the_stride_rounded_up(length, window, stride):
    found = answer((length,), window, stride, None)
    assert found.out == ((length + stride - 1) // stride,) * 2
    # Only a stride that jumps over pixels can leave some at the end.
    assert found.fits or stride > window
    if stride == 1 and window % 2:
        assert found.question.sides == ((window - 1) // 2,) * 4


@given(st.tuples(small, small), st.tuples(small, small), st.tuples(small, small))
def test_same_pads_as_xla_does(shape, window, stride):
    from jax.lax import padtype_to_pads

    top, bottom, left, right = Question(shape, window, stride, None).sides
    assert [(top, bottom), (left, right)] == padtype_to_pads(shape, window, stride, "SAME")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (((0,), 5), r"input is \(0,\); expected a size, height and width, or height, width and channels"),
        (((1, 2, 3, 4), 5), "input is .1, 2, 3, 4.; expected"),
        ((32, 5), "input is 32; expected"),
        (((32,), 0), "window is 0; expected a whole number of at least 1, or two: height, width"),
        (((32,), 5, 0), "stride is 0; expected a whole number of at least 1"),
        (((32,), 5, 1, -1), "padding is -1; expected a whole number of at least 0"),
        (((32,), 5, 1, 0, 0), "filters is 0; expected a whole number of at least 1"),
        (((4,), 2, 2, 2, None, True), "padding is 2; a pooling window of 2x2 would see nothing but padding"),
        (((4,), (2, 3), 2, (0, 3), None, True), "a pooling window of 2x3 would see nothing but padding"),
    ],
)
def test_what_cannot_be_is_refused(given, message):
    with pytest.raises(UsageError, match=message):
        answer(*given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            ((3,), 5),
            "height: impossible: a window of 5 on an input of 3: .*; an input of 5 or padding 1 would be enough",
        ),
        (((5, 3), 5, 2), "width: impossible: a window of 5 on an input of 3"),
        (((4,), 11, 1, 1), "an input of 9 or padding 3 before and 4 after would be enough"),
    ],
)
def test_what_is_impossible_says_what_would_be_enough(given, message):
    with pytest.raises(TooSmall, match=message):
        answer(*given)


@given(small, small, small, st.tuples(*[st.integers(0, 3)] * 2))
def test_what_would_be_enough_is_the_least(length, window, stride, pads):
    assume(window > length + sum(pads))
    with pytest.raises(TooSmall) as impossible:
        answer((length,), window, stride, pads * 2)
    enough, least = window - sum(pads), window - length
    assert f"an input of {enough} or padding {least // 2}" in str(impossible.value)
    assert answer((enough,), window, stride, pads * 2).out == (1, 1)
    assert answer((length,), window, stride, _halves(least)).out == (1, 1)
    for short, padding in ((enough - 1, pads * 2), (length, _halves(least - 1))):
        with pytest.raises(TooSmall):
            answer((short,), window, stride, padding)


def _halves(total):
    return (total // 2, total - total // 2) * 2


@given(st.tuples(small, small, small), st.tuples(small, small), st.tuples(small, small), sides, small)
def test_the_calculator_agrees_with_sizing(shape, window, stride, padding, filters):
    assume(window[0] <= shape[0] and window[1] <= shape[1])
    found = answer(shape, window, stride, padding, filters)
    row = size(Network("n", shape, (Conv(filters, window, stride, padding),))).rows[0]
    assert (found.out, found.params, found.macs, found.fits) == (row.output, row.params, row.macs, row.windows.fits)


@given(st.tuples(small, small, small), st.tuples(small, small), st.tuples(small, small), sides, st.booleans())
def test_the_calculator_agrees_with_sizing_on_pooling(shape, window, stride, padding, ceil):
    assume(window[0] <= shape[0] and window[1] <= shape[1])
    network = Network("n", shape, (Pool("max", window, stride, padding, ceil),))
    try:
        row = size(network).rows[0]
    except UsageError:
        with pytest.raises(UsageError, match="nothing but padding"):
            answer(shape, window, stride, padding, pool=True, ceil=ceil)
        return
    found = answer(shape, window, stride, padding, pool=True, ceil=ceil)
    assert (found.out, found.params, found.macs, found.fits) == (row.output, 0, 0, row.windows.fits)
    assert (found.rows.fit, found.columns.fit) == (row.windows.rows, row.windows.columns)
