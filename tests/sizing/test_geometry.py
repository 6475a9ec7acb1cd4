"""Windows over a line of pixels: sizes rounded down and up, what is dropped or added, and receptive fields."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnncli.errors import UsageError
from cnncli.sizing.geometry import Field, Fit, fit

small = st.integers(1, 40)
sides = st.integers(0, 5)


def test_windows_that_fit():
    assert fit(7, 3, 1) == Fit(Fraction(5), 5)
    assert fit(10, 3, 1) == Fit(Fraction(8), 8)
    assert fit(227, 11, 4) == Fit(Fraction(55), 55)


@pytest.mark.parametrize(
    ("given", "exact", "out", "dropped"),
    [
        ((10, 3, 2), "4.5", 4, 1),
        ((224, 7, 2, 3, 3), "112.5", 112, 1),  # ResNet and GoogLeNet, conv1
        ((224, 11, 4), "54.25", 54, 1),  # AlexNet as the paper prints it
        ((224, 11, 4, 2, 2), "55.25", 55, 1),  # AlexNet of torchvision
        ((224, 7, 2, 1, 1), "110.5", 110, 1),  # ZFNet, conv1
        ((32, 3, 2, 1, 1), "16.5", 16, 1),  # CIFAR ResNets
        ((16, 3, 2, 1, 1), "8.5", 8, 1),
        ((32, 11, 4), "6.25", 6, 1),  # AlexNet of the Keras article
        ((6, 3, 2), "2.5", 2, 1),
        ((12, 3, 7), "16/7", 2, 2),
    ],
)
def test_rounded_down_the_end_is_dropped(given, exact, out, dropped):
    assert fit(*given) == Fit(Fraction(exact), out, dropped=dropped)


@pytest.mark.parametrize(
    ("given", "exact", "out", "added"),
    [
        ((112, 3, 2), "55.5", 56, 1),  # GoogLeNet's pools
        ((110, 3, 2), "54.5", 55, 1),  # ZFNet's
        ((26, 3, 2), "12.5", 13, 1),
    ],
)
def test_rounded_up_the_end_is_added(given, exact, out, added):
    assert fit(*given, ceil=True) == Fit(Fraction(exact), out, added=added)


def test_rounded_up_no_window_starts_in_the_trailing_padding():
    # Exactly 2.5, but the third window would start at pixel 4 of 1 + 3: PyTorch gives 2 as well.
    assert fit(3, 2, 2, 1, 1, ceil=True) == Fit(Fraction("2.5"), 2, dropped=1)
    assert fit(4, 2, 2, 1, 1, ceil=True) == Fit(Fraction(3), 3)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((3, 5, 1), "a window of 5 on an input of 3: it is larger than what it looks at"),
        ((3, 7, 1, 1, 2), r"a window of 7 on an input of 3 with padding 1\+2: it is larger"),
    ],
)
def test_a_window_larger_than_its_padded_input_is_refused(given, message):
    with pytest.raises(UsageError, match=message):
        fit(*given)


@given(small, small)
def test_half_a_window_of_padding_keeps_the_size(size, reach):
    window = 2 * reach + 1
    assert fit(size, window, 1, (window - 1) // 2, (window - 1) // 2).out == size


@given(small, small, small, sides, sides, st.booleans())
def test_windows_and_what_is_dropped_or_added_make_up_the_padded_input(size, window, stride, before, after, ceil):
    padded = size + before + after
    if window > padded:
        return
    found = fit(size, window, stride, before, after, ceil)
    assert (found.out - 1) * stride + window == padded - found.dropped + found.added
    assert found.exact == Fraction(padded - window, stride) + 1
    assert not (found.dropped and found.added)
    assert (found.dropped + found.added == 0) == (found.exact.denominator == 1)


def test_three_small_windows_see_as_much_as_a_large_one():
    assert Field().through(3, 1).through(3, 1).through(3, 1) == Field().through(7, 1) == Field(7, 1)


def test_a_stride_moves_neighbours_apart():
    assert Field().through(11, 4).through(3, 2) == Field(19, 8)


def test_where_ways_meet_the_longest_counts():
    assert Field(5, 2).joined(Field(3, 2)) == Field(5, 2)


def test_padding_moves_the_first_field_out_of_the_image():
    field = Field().through(7, 2, 3).through(3, 2, 1)
    assert field == Field(11, 4, -5)
    assert field.of(0) == range(-5, 6)
    assert field.of(2) == range(3, 14)


def test_where_ways_meet_their_fields_are_covered():
    # A window of 3 with padding before it, and one of 3 without.
    assert Field(3, 1, -2).joined(Field(3, 1, 0)) == Field(5, 1, -2)
    assert Field(3, 2, -1).joined(Field(1, 2, 0), units=8) == Field(3, 2, -1)


def test_where_jumps_differ_the_field_of_every_unit_is_covered():
    slow, fast = Field(2, 1, 0), Field(1, 2, 0)
    both = slow.joined(fast, units=2)
    assert both == Field(3, 2, -1)
    for unit in range(2):
        assert set(slow.of(unit)) | set(fast.of(unit)) <= set(both.of(unit))
