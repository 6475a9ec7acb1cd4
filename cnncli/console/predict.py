"""Predictions as tables and documents."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.text import Text

from cnncli.console import terminal
from cnncli.console.grid import GAP, Column, Grid, table

if TYPE_CHECKING:
    from cnncli.data.decoding import Unreadable
    from cnncli.evaluation.predictor import Ranked


@dataclass(frozen=True)
class _Line:
    """One class of one picture; the picture is named with the first."""

    image: str
    name: str
    probability: float


def meaning(loss: str) -> str:
    """What the probabilities of a network trained by a loss are."""
    if loss == "map":
        return "softmax of minus the penalties, without the criterion's constant for what is no class"
    return "softmax of the logits"


def tables(ranked: Sequence["Ranked"], classes: Sequence[str], about: dict[str, Any]) -> list[RenderableType]:
    """What the numbers are, then a line for each of the most probable classes of each picture.

    Where the terminal is too narrow for names beside classes, they stand above them.
    """
    lines = tuple(
        _Line("" if rank else one.name, classes[label], share)
        for one in ranked
        for rank, (label, share) in enumerate(zip(one.labels, one.probabilities, strict=True))
    )
    columns: tuple[Column[_Line], ...] = (
        Column("image", "image", lambda line: line.image),
        Column("class", "class", lambda line: line.name),
        Column("probability", "probability", lambda line: percent(line.probability), "number"),
    )
    said = f"{about['run']}  {about['checkpoint']} (step {about['step']}); probability: {about['probability']}"
    grid = Grid(columns, lines)
    fits = sum(grid.widths) + len(GAP) * (len(columns) - 1) <= terminal.width()
    return [Text(said), table(grid) if fits else _stacked(lines)]


def _stacked(lines: Sequence[_Line]) -> Text:
    """Each picture's name, and its classes below."""
    classes = [f"{percent(line.probability):>10}{GAP}{line.name}" for line in lines]
    named = zip(lines, classes, strict=True)
    return Text("\n".join(f"{line.image}\n{one}" if line.image else one for line, one in named))


def percent(share: float) -> str:
    """A probability in percent, neither rounded up to certainty nor down to impossibility."""
    if not 0.0001 <= share < 0.99995:
        return "< 0.01%" if share < 0.5 else "> 99.99%"
    return f"{share:.2%}"


def document(
    ranked: Sequence["Ranked"], skipped: Sequence["Unreadable"], classes: Sequence[str], about: dict[str, Any]
) -> dict[str, Any]:
    """`cnncli.predict/1`."""
    return {
        "schema": "cnncli.predict/1",
        **about,
        "images": [
            {
                "image": one.name,
                "predictions": [
                    {"class": classes[label], "label": label, "probability": share}
                    for label, share in zip(one.labels, one.probabilities, strict=True)
                ],
            }
            for one in ranked
        ],
        "skipped": [{"image": one.name, "reason": one.reason} for one in skipped],
    }
