"""Images reconstructed from what layers make of them: what a layer keeps, and what it forgets.

After Mahendran and Vedaldi 2015, with their two regularizers, the alpha-norm and total variation.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from cnncli.drawing.sheet import Line, Panel, Sheet
from cnncli.visualize.ascent import Ascent, Canvas, Climb, climb
from cnncli.visualize.layers import row_of, trunk
from cnncli.visualize.objectives import Likeness
from cnncli.visualize.subject import Subject, activations

# From so many layers, unless one says from which.
SPREAD = 6


@dataclass(frozen=True)
class Inversion:
    """Images (count, height, width, channel) uint8 at the network's size, and a climb from noise to their features.

    The climb has the images of the first path first; `empty` (path, count) says where all features are zero.
    """

    paths: tuple[str, ...]
    images: NDArray[np.uint8]
    climb: Climb
    empty: NDArray[np.bool_]

    def distances(self, step: int = -1) -> NDArray[np.float32]:
        """How far the features are from the wanted ones, as shares of their norm: (path, count)."""
        return np.asarray(np.sqrt(-self.climb.scores[step]).reshape(self.empty.shape), np.float32)


def spread(subject: Subject, wanted: Sequence[str] = ()) -> list[str]:
    """The layers to invert, by their paths: those wanted, or about six stages from the first to the last.

    Raises UsageError for a layer that there is not.
    """
    if wanted:
        return list(dict.fromkeys(row_of(subject.network, path).path for path in wanted))
    stages = [row.path for row in trunk(subject.network)]
    places = np.linspace(0, len(stages) - 1, min(SPREAD, len(stages))).round()
    return [stages[int(place)] for place in places]


def invert(
    subject: Subject, images: NDArray[np.uint8], paths: Sequence[str], how: Ascent, seed: int, frames: int = 1
) -> Inversion:
    """Reconstruct images of any size from the features at each path, all at once, from the same noise.

    The noise deviates as the images' own pixels do.
    """
    canvas = Canvas.of(subject)
    pixels = canvas.pixels(images, subject)
    features = subject.jit(lambda weights, x: activations(subject.model, weights, x, list(paths)))
    found = features(subject.weights, canvas.seen(pixels))
    wanted = tuple(found[path] for path in paths)
    noise = canvas.noise(len(images), seed, float(jnp.std(pixels)))
    made = climb(subject, Likeness(tuple(paths), wanted), jnp.tile(noise, (len(paths), 1, 1, 1)), how, seed, frames)
    empty = np.stack([~np.any(np.asarray(each).reshape(len(images), -1), axis=1) for each in wanted])
    return Inversion(tuple(paths), _bytes(pixels), made, empty)


def sheets(found: Inversion, names: Sequence[str], said: Sheet) -> list[Sheet]:
    """A sheet for each kept step, with the title and note of one: the images, and each from shallow to deep."""
    pages = []
    heads = ("original", *(path.rpartition("/")[0] or path for path in found.paths))
    for step, images in found.climb.kept:
        made = images.reshape(len(found.paths), len(found.images), *images.shape[1:])
        apart = found.distances(step)
        lines = []
        for place, name in enumerate(names):
            panels = tuple(
                Panel(made[at, place], "all zero" if found.empty[at, place] else share(apart[at, place]))
                for at in range(len(found.paths))
            )
            lines.append(Line(name, ((Panel(found.images[place]),), panels)))
        pages.append(Sheet(lines, said.title, f"{said.note}; step {step}", heads))
    return pages


def share(distance: float) -> str:
    """A relative distance in percent."""
    return f"{100 * distance:.2g} %" if distance < 0.995 else f"{100 * distance:.0f} %"


def _bytes(pixels: jax.Array) -> NDArray[np.uint8]:
    return np.asarray(jnp.round(255 * jnp.clip(pixels, 0, 1)), np.uint8)
