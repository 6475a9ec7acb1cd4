"""Activations as curves: the vocabulary's, with the derivatives of the books."""

import numpy as np
import pytest
from PIL import Image

from cnncli.models.build import ACTIVATIONS
from cnncli.visualize.activation import FORMULAS, curve, draw, words


def test_every_activation_of_the_vocabulary_has_a_formula():
    assert set(FORMULAS) == set(ACTIVATIONS)


# Value and derivative at 0 from above, and the largest derivative.
KNOWN = {
    "sigmoid": (0.5, 0.25, 0.25),
    "tanh": (0.0, 1.0, 1.0),
    "scaled-tanh": (0.0, 1.7159 * 2 / 3, 1.7159 * 2 / 3),
    "silu": (0.0, 0.5, 1.0998),
    "gelu": (0.0, 0.5, 1.1290),
    "relu": (0.0, 0.0, 1.0),
}


@pytest.mark.parametrize("kind", KNOWN)
def test_values_and_derivatives_are_those_of_the_books(kind):
    found, middle = curve(kind), 500
    assert found.x[middle] == 0
    value, slope, most = KNOWN[kind]
    assert found.value[middle] == pytest.approx(value, abs=1e-6)
    assert found.slope[middle] == pytest.approx(slope, abs=1e-6)
    assert found.slope.max() == pytest.approx(most, abs=1e-4)


def test_derivatives_are_the_slopes_of_the_curves():
    for kind in ("leaky-relu", "elu", "scaled-tanh"):
        found = curve(kind)
        slopes = np.diff(found.value) / np.diff(found.x)
        away = np.abs(found.x[:-1] + 0.005) > 0.02
        np.testing.assert_allclose(slopes[away], ((found.slope[1:] + found.slope[:-1]) / 2)[away], atol=2e-3)


def test_the_largest_derivative_is_said():
    assert words(curve("sigmoid")) == "derivative at most 0.25"
    assert words(curve("scaled-tanh")) == "derivative at most 1.14"


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_a_picture_of_some_of_them(count, tmp_path):
    draw(list(FORMULAS)[:count], tmp_path / "a.png", {"Command": "c"})
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.text["Command"] == "c"
        assert picture.size == ({1: 660, 2: 660, 3: 990, 5: 1320}[count], 660 if count > 4 else 360)
