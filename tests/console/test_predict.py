"""Probabilities as people read them."""

import pytest

from cnncli.console.predict import meaning, percent, tables
from cnncli.evaluation.predictor import Ranked


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (1.0, "> 99.99%"),
        (0.99996, "> 99.99%"),
        (0.9999, "99.99%"),
        (0.5, "50.00%"),
        (0.0001, "0.01%"),
        (0.00009, "< 0.01%"),
        (0.0, "< 0.01%"),
    ],
)
def test_nothing_is_rounded_to_certainty(share, said):
    assert percent(share) == said


def test_it_is_said_what_probabilities_are():
    assert meaning("cross-entropy") == meaning("mean-squared-error") == "softmax of the logits"
    assert meaning("map").startswith("softmax of minus the penalties")


def test_where_names_do_not_fit_beside_classes_they_stand_above(monkeypatch):
    ranked = [Ranked("a.png", (1, 0), (0.75, 0.25)), Ranked("b.png", (0, 1), (0.99999, 0.00001))]
    about = {"run": "run", "checkpoint": "best", "step": 3, "probability": "softmax of the logits"}
    shown = {}
    for width in (40, 20):
        monkeypatch.setattr("cnncli.console.terminal.width", lambda width=width: width)
        header, body = tables(ranked, ("cat", "dog"), about)
        assert header.plain == "run  best (step 3); probability: softmax of the logits"
        shown[width] = [line.split() for line in body.plain.splitlines()]
    assert shown[40][1:] == [
        *(["a.png", "dog", "75.00%"], ["cat", "25.00%"], ["b.png", "cat", ">", "99.99%"], ["dog", "<", "0.01%"])
    ]
    assert shown[20] == [
        *(["a.png"], ["75.00%", "dog"], ["25.00%", "cat"], ["b.png"], [">", "99.99%", "cat"], ["<", "0.01%", "dog"])
    ]
