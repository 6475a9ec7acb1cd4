"""The range test as a picture: the loss at rising rates."""

from dataclasses import dataclass
from pathlib import Path

from cnncli.drawing.figure import BLUE, ORANGE, TEXT, blank, plain, save
from cnncli.errors import DataError


@dataclass(frozen=True)
class Rates:
    """Losses, raw and smoothed, at rates that rise from step to step (Smith 2017), and the rate they suggest."""

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    suggested: float | None


def draw(found: Rates, path: Path, title: str) -> None:
    """Draw losses, raw and smoothed, against the rate, as a PNG of 800x450 pixels with the suggestion marked.

    Raises DataError where there is not a single finite loss, or the file cannot be written.
    """
    if not found.rates:
        raise DataError("the very first step gave no finite loss: there is nothing to draw")
    figure = blank(800, 450)
    axes = figure.subplots()
    plain(axes)
    axes.set_xscale("log")
    axes.plot(found.rates, found.losses, color=BLUE, linewidth=0.8, alpha=0.5, label="loss of each batch")
    axes.plot(found.rates, found.smoothed, color=BLUE, linewidth=2.2, label="smoothed")
    if found.suggested is not None:
        axes.axvline(found.suggested, color=ORANGE, linewidth=2, label=f"suggested: {found.suggested:.2g}")
    axes.set_xlabel("learning rate", fontsize=TEXT)
    axes.set_ylabel("loss", fontsize=TEXT)
    # What explodes may leave the picture.
    axes.set_ylim(0, 1.8 * (found.smoothed[0] or 1.0))
    axes.legend(fontsize=TEXT, edgecolor="none")
    figure.suptitle(title, fontsize=TEXT + 2, parse_math=False)
    save(figure, path)
