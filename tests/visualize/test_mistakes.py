"""Mistakes: the surest first, by probabilities computed by hand, and a sheet that says what was taken for what."""

import jax.numpy as jnp
import numpy as np
import pytest

from cnncli.errors import DataError
from cnncli.networks.layers import Dense, Flatten
from cnncli.networks.network import Network
from cnncli.visualize.mistakes import ACROSS, mistakes, sure
from tests.visualize.subjects import loaded, subject

# The logits of three classes are ten times the three pixels, as shares of 255.
NETWORK = Network("n", (1, 3, 1), (Flatten(), Dense(3, name="d")))
PARAMS = {"d": {"kernel": 10 * jnp.eye(3), "bias": jnp.zeros(3)}}
PIXELS = [(255, 0, 0), (0, 255, 0), (51, 102, 0), (0, 0, 102), (0, 255, 255), (255, 0, 0)]
LABELS = [0, 0, 0, 1, 2, 2]


@pytest.fixture(scope="module")
def data():
    return loaded(np.array(PIXELS).reshape(6, 1, 3, 1), LABELS)


@pytest.fixture(scope="module")
def looked():
    return subject(NETWORK, PARAMS)


def softmax(*logits):
    return np.exp(max(logits)) / np.exp(logits).sum()


def test_the_surest_mistakes_come_first(looked, data):
    found = mistakes(looked, data, 10)
    # Image 4 is a tie of bee and cat: the first is predicted, as evaluation does.
    assert (found.places.tolist(), found.predicted.tolist()) == ([1, 5, 3, 2, 4], [1, 0, 2, 1, 1])
    expected = [softmax(0, 10, 0), softmax(0, 10, 0), softmax(0, 0, 4), softmax(2, 4, 0), softmax(0, 10, 10)]
    np.testing.assert_allclose(found.probabilities, expected, rtol=1e-6)
    assert (found.total, found.images) == (5, 6)


def test_only_so_many_and_only_of_one_class(looked, data):
    found = mistakes(looked, data, 2)
    assert (found.places.tolist(), found.total) == ([1, 5], 5)
    of_ants = mistakes(looked, data, 9, only=0)
    assert (of_ants.places.tolist(), of_ants.total, of_ants.images) == ([1, 2], 2, 3)


def test_probabilities_that_round_to_one_are_told_apart(data):
    sharp = subject(NETWORK, {"d": {"kernel": 60 * jnp.eye(3), "bias": jnp.array([0.0, 10.0, 0.0])}})
    found = mistakes(sharp, data, 2)
    assert found.probabilities.tolist() == [1, 1]
    # Image 1 leads by 70, image 5 by 50.
    assert found.places.tolist() == [1, 5]


def test_a_perfect_network_has_none(looked, data):
    right = loaded(data.split.images[:1], [0])
    found = mistakes(looked, right, 5)
    assert (found.total, found.images, len(found.places)) == (0, 1, 0)


def test_a_network_that_diverged_is_said(data):
    broken = subject(NETWORK, {"d": {"kernel": jnp.eye(3), "bias": jnp.array([0.0, jnp.nan, 0.0])}})
    with pytest.raises(DataError, match="the network's logits are not finite: this checkpoint's training has diverged"):
        mistakes(broken, data, 5)


def test_a_sheet_says_what_was_taken_for_what(looked, data):
    sheet = mistakes(looked, data, 2).sheet("title", "note")
    (line,) = sheet.lines
    assert [panel.caption for panel in line.panels] == [
        "#1: ant\ntaken for bee\nprobability 99.99%",
        "#5: cat\ntaken for ant\nprobability 99.99%",
    ]
    assert line.panels[0].pixels.reshape(-1).tolist() == [0, 255, 0]
    assert (sheet.title, sheet.note) == ("title", "note")


def test_lines_are_filled_one_after_the_other(looked):
    many = loaded(np.tile([0, 255, 0], 12).reshape(12, 1, 3, 1), [0] * 12)
    assert [len(line.panels) for line in mistakes(looked, many, 12).sheet("").lines] == [ACROSS, ACROSS, 2]


@pytest.mark.parametrize(
    ("probability", "said"),
    [(0.5, "50.0%"), (0.9994, "99.9%"), (0.99991, "99.99%"), (1 - 1e-7, "99.99999%"), (1.0, "above 99.9999999%")],
)
def test_nothing_is_rounded_to_certainty(probability, said):
    assert sure(probability) == said
