"""The images that a network is most confidently wrong about."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnncli.data.dataset import Loaded
from cnncli.drawing.names import shortened
from cnncli.drawing.sheet import Line, Panel, Sheet
from cnncli.errors import DataError
from cnncli.visualize.subject import Subject

# Images beside each other.
ACROSS = 5


@dataclass(frozen=True)
class Mistakes:
    """Images of a split, the surest mistake first: `places` in the split, `predicted` labels and their probabilities.

    `total` counts all mistakes on `images` looked at.
    """

    data: Loaded
    places: NDArray[np.int64]
    predicted: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    total: int
    images: int

    def sheet(self, title: str, note: str = "") -> Sheet:
        """The images in lines of ACROSS, each with its true class, the predicted one and that one's probability."""
        panels = [self._panel(at) for at in range(len(self.places))]
        lines = [Line("", (tuple(panels[at : at + ACROSS]),)) for at in range(0, len(panels), ACROSS)]
        return Sheet(lines, title, note)

    def _panel(self, at: int) -> Panel:
        classes, place = self.data.facts.classes, self.places[at]
        true, predicted = (shortened(classes[label]) for label in (self.data.split.labels[place], self.predicted[at]))
        return Panel(
            self.data.split.images[place],
            f"#{place}: {true}\ntaken for {predicted}\nprobability {sure(self.probabilities[at])}",
        )


def sure(probability: float) -> str:
    """A probability in percent, never rounded up to certainty."""
    for digits in range(1, 8):
        if (text := f"{probability:.{digits}%}") != f"{1:.{digits}%}":
            return text
    return "above 99.9999999%"


def mistakes(
    subject: Subject, data: Loaded, count: int, only: int | None = None, among: NDArray[np.int64] | None = None
) -> Mistakes:
    """The `count` mistakes of the highest softmax probability, on the images of one class where `only` is given.

    Of the whole split, or of the images at the places `among` others.

    Raises DataError for a network that gives no finite numbers.
    """
    looked = np.arange(len(data.split.labels)) if among is None else among
    looked = looked if only is None else looked[data.split.labels[looked] == only]
    logits = subject.logits(data.split.images[looked]).astype(np.float64)
    if not np.isfinite(logits).all():
        raise DataError("the network's logits are not finite: this checkpoint's training has diverged")
    predicted = logits.argmax(axis=1)
    # Minus the logarithm of the highest probability, exactly: it tells apart what rounds to 1.
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.put_along_axis(odds, predicted[:, None], 0, axis=1)
    doubt = np.log1p(odds.sum(axis=1))
    wrong = np.flatnonzero(predicted != data.split.labels[looked])
    first = wrong[np.argsort(doubt[wrong], kind="stable")][:count]
    return Mistakes(data, looked[first], predicted[first], np.exp(-doubt[first]), len(wrong), len(looked))
