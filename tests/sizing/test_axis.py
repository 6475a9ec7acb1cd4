"""One axis: the formula as text, the verdict, and what would fit, against a search through all there is."""

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cnncli.networks.catalogue import find
from cnncli.networks.layers import Conv
from cnncli.networks.network import Network
from cnncli.sizing.axis import Axis, Remedy, axes, pixels, sides
from cnncli.sizing.geometry import fit
from cnncli.sizing.size import size

small = st.integers(1, 30)
pads = st.integers(0, 6)


def axis(length, window, stride=1, before=0, after=None, ceil=False):
    after = before if after is None else after
    return Axis("height", length, window, stride, before, after, fit(length, window, stride, before, after, ceil))


@st.composite
def any_axis(draw):
    length, window, stride, before, after = draw(st.tuples(small, small, small, pads, pads))
    assume(window <= length + before + after)
    return axis(length, window, stride, before, after, draw(st.booleans()))


@pytest.mark.parametrize(
    ("given", "formula"),
    [
        ((32, 5), "(32 - 5 + 2*0)/1 + 1 = 28"),
        ((227, 11, 4), "(227 - 11 + 2*0)/4 + 1 = 55"),
        ((224, 11, 4), "(224 - 11 + 2*0)/4 + 1 = 54.25"),
        ((224, 7, 2, 3), "(224 - 7 + 2*3)/2 + 1 = 112.5"),
        ((32, 5, 1, 1, 2), "(32 - 5 + 1 + 2)/1 + 1 = 31"),
        ((12, 3, 7), "(12 - 3 + 2*0)/7 + 1 = 2.285..."),
        ((10, 3, 6), "(10 - 3 + 2*0)/6 + 1 = 2.166..."),
        ((20, 3, 16), "(20 - 3 + 2*0)/16 + 1 = 2.0625"),
    ],
)
def test_the_formula_has_its_numbers_put_in(given, formula):
    assert axis(*given).formula == formula


@given(any_axis())
def test_the_formula_is_arithmetic_that_comes_out(one):
    left, right = one.formula.split(" = ")
    assert eval(left) == pytest.approx(float(one.fit.exact), rel=1e-12)
    if right.endswith("..."):
        assert 0 < one.fit.exact - Fraction(right.removesuffix("...")) < Fraction("0.001")
    else:
        assert Fraction(right) == one.fit.exact


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        ((227, 11, 4), "fits"),
        ((224, 11, 4), "54.25 rounded down to 54: 1 pixel dropped"),
        ((12, 3, 7), "2.285... rounded down to 2: 2 pixels dropped"),
        ((110, 3, 2, 0, 0, True), "54.5 rounded up to 55: 1 pixel added"),
        ((13, 4, 6, 0, 0, True), "2.5 rounded up to 3: 3 pixels added"),
        ((113, 3, 2, 0, 0, True), "fits"),
        # A third window would start beyond the input, so even here the size is rounded down.
        ((3, 2, 2, 1, 1, True), "2.5 rounded down to 2: 1 pixel dropped"),
    ],
)
def test_the_verdict_says_how_the_size_is_rounded(given, verdict):
    assert axis(*given).verdict == verdict
    assert axis(*given).fits == (verdict == "fits")
    assert axis(*given).misfit == verdict.partition(": ")[2]


@pytest.mark.parametrize(
    ("given", "remedy"),
    [
        ((10, 3, 2), Remedy(9, 11, padding=(0, 1), stride=1)),
        ((10, 3, 2, 0, 0, True), Remedy(9, 11, padding=(0, 1), stride=1)),
        ((224, 11, 4), Remedy(223, 227, padding=(1, 2), stride=3)),
        ((224, 7, 2, 3), Remedy(223, 225, padding=(2, 3), stride=1)),
        ((12, 3, 7), Remedy(10, 17, padding=None, stride=3)),
        ((1, 3, 4, 2), Remedy(None, 3, padding=(1, 1), stride=2)),
        ((9, 4, 3), Remedy(7, 10, padding=(2, 2), stride=1)),
        ((56, 1, 2), Remedy(55, 57, padding=None, stride=1)),
        ((10, 3, 2, 9, 9), Remedy(9, 11, padding=(1, 2), stride=1)),
    ],
)
def test_what_would_fit_instead(given, remedy):
    assert axis(*given).remedy == remedy


@given(any_axis())
def test_every_remedy_is_the_nearest_that_fits(one):
    def at(length=one.size, stride=one.stride, total=one.before + one.after):
        room = length + total - one.window
        return room >= 0 and room % stride == 0

    if at():
        assert (one.fits, one.remedy) == (True, None)
        return
    pads = one.before + one.after
    totals = [total for total in range(2 * one.window - 1) if at(total=total)]
    # The same on both sides where that can be, then the nearest, then the smaller.
    total = min(totals, key=lambda total: (total % 2, abs(total - pads), total), default=None)
    assert one.remedy == Remedy(
        max((length for length in range(1, one.size) if at(length)), default=None),
        next(length for length in range(one.size + 1, one.size + one.stride + 1) if at(length)),
        None if total is None else (total // 2, total - total // 2),
        min(
            (stride for stride in range(1, one.window + 1) if at(stride=stride)), key=lambda s: (abs(s - one.stride), s)
        ),
    )


def test_a_remedy_of_huge_numbers_takes_no_time():
    assert axis(999_999_999, 3, 999_999_998).remedy == Remedy(3, 1_000_000_001, (1, 1), 3)
    assert axis(999_999_999, 399_999_999, 99_999_998).remedy.stride == 100_000_000


def test_the_axes_of_a_network_s_layer():
    row = size(find("alexnet-torchvision")).rows[0]
    height, width = axes(row.input, row.windows)
    assert (height.name, width.name) == ("height", "width")
    assert height.formula == width.formula == "(224 - 11 + 2*2)/4 + 1 = 55.25"
    assert height.verdict == "55.25 rounded down to 55: 1 pixel dropped"


def test_height_and_width_keep_their_own_numbers():
    row = size(Network("n", (9, 12, 1), (Conv(1, (2, 4), (1, 3), (0, 1, 2, 3)),))).rows[0]
    height, width = axes(row.input, row.windows)
    assert height.formula == "(9 - 2 + 0 + 1)/1 + 1 = 9"
    assert width.formula == "(12 - 4 + 2 + 3)/3 + 1 = 5.333..."
    assert (height.verdict, width.verdict) == ("fits", "5.333... rounded down to 5: 1 pixel dropped")


@pytest.mark.parametrize("name", ["lenet5", "zfnet", "googlenet", "resnet20"])
def test_axes_agree_with_the_rows_of_a_network(name):
    for row in size(find(name)).rows:
        if row.windows:
            both = axes(row.input, row.windows)
            assert tuple(one.fit.out for one in both) == row.output[:2]
            assert all(one.fits for one in both) == row.windows.fits
            for one in both:
                again = (one.size, one.window, one.stride, one.before, one.after, bool(one.fit.added))
                assert fit(*again) == one.fit


def test_pixels_and_padding_in_words():
    assert [pixels(1), pixels(2)] == ["1 pixel", "2 pixels"]
    assert [sides(2, 2), sides(0, 1)] == ["padding 2", "padding 0 before and 1 after"]
