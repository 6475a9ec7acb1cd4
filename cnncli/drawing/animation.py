"""Several sheets as the frames of one GIF."""

import io
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from numpy.typing import NDArray
from PIL import Image

from cnncli.drawing.figure import written
from cnncli.drawing.sheet import PAGE, Sheet, drawn

# How long a frame stands, and the last, in milliseconds.
FRAME, LAST = 100, 2500


def draw(sheets: Sequence[Sheet], path: Path, about: Mapping[str, str] | None = None) -> None:
    """Draw sheets as a GIF that repeats, with what it is `about` as a comment in the file.

    Raises UsageError for sheets that would be too large, DataError when the file cannot be written.
    """
    frames = [_pixels(sheet) for sheet in sheets]
    size = max(frame.shape[0] for frame in frames), max(frame.shape[1] for frame in frames)
    pictures = [_picture(frame, size) for frame in frames]
    file = io.BytesIO()
    comment = "\n".join(f"{key}: {value}" for key, value in (about or {}).items()).encode()
    times = [FRAME] * (len(pictures) - 1) + [LAST]
    how = {"save_all": True, "append_images": pictures[1:], "duration": times, "loop": 0, "optimize": False}
    pictures[0].save(file, "GIF", comment=comment, **how)
    written(path, file.getvalue())


def _pixels(sheet: Sheet) -> NDArray[np.uint8]:
    canvas = FigureCanvasAgg(drawn(sheet))
    with warnings.catch_warnings():
        # A letter that the font lacks is drawn as a box: no reason to talk about it.
        warnings.filterwarnings("ignore", message="Glyph")
        canvas.draw()  # type: ignore[no-untyped-call]
    colours: NDArray[np.uint8] = np.asarray(canvas.renderer.buffer_rgba())[..., :3]
    return colours


def _picture(frame: NDArray[np.uint8], size: tuple[int, int]) -> Image.Image:
    """A frame on a page of this height and width, in its own 256 colours."""
    page = np.full((*size, 3), PAGE, np.uint8)
    page[: frame.shape[0], : frame.shape[1]] = frame
    return Image.fromarray(page).quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
