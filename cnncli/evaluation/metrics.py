"""What is counted from predictions: exact, whole numbers first, one division at the end."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Predictions:
    """What a network says of each example of a split, in the split's order.

    `labels`, `predicted` and `top5` (whether the label is among the five largest logits) are (count,); `loss` too.
    """

    labels: NDArray[np.int32]
    predicted: NDArray[np.int32]
    top5: NDArray[np.bool_]
    loss: NDArray[np.float32]


@dataclass(frozen=True)
class OfClass:
    """One class: of `count` examples `correct` were recognized; `predicted` were given this label, rightly or not."""

    name: str
    count: int
    correct: int
    predicted: int

    @property
    def recall(self) -> float:
        """The share of the class that was recognized."""
        return self.correct / self.count if self.count else 0.0

    @property
    def precision(self) -> float:
        """The share of the predictions of this class that were right."""
        return self.correct / self.predicted if self.predicted else 0.0


@dataclass(frozen=True)
class Evaluation:
    """What a network does on a split: `confusion[label][prediction]` counts examples; the rest follows from it."""

    classes: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    loss: float
    top5_correct: int | None

    @property
    def count(self) -> int:
        """How many examples were evaluated."""
        return sum(map(sum, self.confusion))

    @property
    def correct(self) -> int:
        """How many got their label as the largest logit."""
        return sum(row[label] for label, row in enumerate(self.confusion))

    @property
    def accuracy(self) -> float:
        """Top-1 accuracy, a fraction."""
        return self.correct / self.count

    @property
    def top5(self) -> float | None:
        """Top-5 accuracy, a fraction; None with five classes or fewer, where it says nothing."""
        return None if self.top5_correct is None else self.top5_correct / self.count

    @property
    def per_class(self) -> tuple[OfClass, ...]:
        """Counts for each class."""
        return tuple(
            OfClass(name, sum(row), row[label], sum(other[label] for other in self.confusion))
            for label, (name, row) in enumerate(zip(self.classes, self.confusion, strict=True))
        )


def evaluated(predictions: Predictions, classes: tuple[str, ...]) -> Evaluation:
    """Count predictions."""
    table = np.zeros((len(classes), len(classes)), np.int64)
    np.add.at(table, (predictions.labels, predictions.predicted), 1)
    return Evaluation(
        classes,
        tuple(tuple(int(count) for count in row) for row in table),
        float(np.mean(predictions.loss, dtype=np.float64)),
        int(predictions.top5.sum()) if len(classes) > 5 else None,
    )
