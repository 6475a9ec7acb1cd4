"""Rows of images of one size with their names: originals, and changed ones beside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnncli.drawing import sheet
from cnncli.drawing.sheet import CELL, GAP, Line, Panel, Sheet


@dataclass(frozen=True)
class Row:
    """A name, images (count, height, width, channels) uint8 as they are, and changed ones with a caption each.

    Captions have lines; there may be none at all.
    """

    name: str
    originals: NDArray[np.uint8]
    changed: NDArray[np.uint8]
    captions: tuple[str, ...] = ()

    @property
    def line(self) -> Line:
        """The row as a sheet has it."""
        captions = self.captions or ("",) * len(self.changed)
        changed = tuple(Panel(image, caption) for image, caption in zip(self.changed, captions, strict=True))
        return Line(self.name, (tuple(Panel(image) for image in self.originals), changed))


def check(rows: int, columns: int, shape: tuple[int, int]) -> None:
    """Raise UsageError where a grid of images of this height and width would be too large a picture."""
    height, width = sheet.shown(shape, max(CELL, *shape))
    sheet.bounded(columns * (width + GAP), rows * (height + GAP))


def draw(rows: Sequence[Row], path: Path, title: str = "") -> None:
    """Draw rows as a PNG, each pixel as a square of whole pixels; DataError when the file cannot be written."""
    longest = max(max(row.originals.shape[1:3]) for row in rows)
    sheet.draw(Sheet([row.line for row in rows], title, cell=max(CELL, longest)), path)
