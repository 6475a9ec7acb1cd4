"""A test of attributions (Adebayo et al. 2018): what is left of them when a network's weights are drawn anew.

They are drawn from the top layer down, each layer with all above it. A map that hardly changes does not show what was
learned.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from textwrap import wrap
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.stats import rankdata
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cnncli.drawing.figure import DOTS_PER_INCH, TEXT, plain, save
from cnncli.drawing.palette import tint
from cnncli.networks.network import Network
from cnncli.sizing.size import size
from cnncli.visualize.attribution import TITLES, Explainer, Maps, attributions
from cnncli.visualize.curves import COLOURS
from cnncli.visualize.saliency import HEADS, Explained, coloured, flat, overlaid
from cnncli.visualize.subject import Weights

# So many layers at most are stopped at on the way down.
STOPS = 10
# Another draw than a run's: one of the same seed would be the very weights that its training began with.
OTHER = 2**20
# What keeps this much of its order while half of the layers are drawn anew hardly changes.
HARDLY = 0.7

# In pixels: a map and its column, the curves' height, a letter, a line of the title, what stands around, and beside.
MAP, COLUMN, CURVES, LETTER, LINE, MARGIN, LEGEND = 72, 80, 300, 8, 24, 16, 230


@dataclass(frozen=True)
class Sanity:
    """Down to which layers weights were drawn anew, and by method what was left then.

    `correlations` (layer, image) are of ranks, NaN where a map is the same everywhere; `maps` (1 + layer, height,
    width) are the first image's, the original before the others.
    """

    layers: tuple[str, ...]
    correlations: Mapping[str, NDArray[np.float32]]
    maps: Mapping[str, Maps]
    signed: bool

    def left(self, method: str) -> NDArray[np.float32]:
        """The mean correlation after each layer over the images that have one, NaN where none has."""
        values = self.correlations[method]
        some = np.isfinite(values).any(axis=1)
        found = np.full(len(values), np.nan, np.float32)
        found[some] = np.nanmean(values[some], axis=1)
        return found


def stops(network: Network) -> list[tuple[str, frozenset[str]]]:
    """Layers with weights from the top down, at most STOPS, and the paths of each and of all above it."""
    rows = [row for row in size(network).rows if not row.head]
    starts = [place for place, row in enumerate(rows) if row.params and row.word != "batch-norm"][::-1]
    chosen = np.unique(np.linspace(0, len(starts) - 1, min(STOPS, len(starts))).round().astype(int))
    return [(rows[starts[at]].path, frozenset(row.path for row in rows[starts[at] :])) for at in chosen]


def redrawn(weights: Weights, fresh: Weights, paths: frozenset[str]) -> Weights:
    """The weights, those of some layers replaced by fresh ones."""

    def either(where: tuple[Any, ...], old: jax.Array, new: jax.Array) -> jax.Array:
        # Between parameters or statistics and an array's name stands the path of its layer.
        return new if "/".join(str(part.key) for part in where[1:-1]) in paths else old

    found: Weights = jax.tree.map_with_path(either, weights, fresh)
    return found


def rank_correlations(one: Maps, other: Maps) -> NDArray[np.float32]:
    """Spearman's rank correlation of each image's two maps (batch, height, width); NaN where one is constant."""
    ranks = [np.asarray(_ranks(jnp.asarray(maps.reshape(len(maps), -1))), np.float64) for maps in (one, other)]
    a, b = (each - each.mean(axis=1, keepdims=True) for each in ranks)
    spread = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    found = np.divide((a * b).sum(axis=1), spread, out=np.full(len(a), np.nan), where=spread > 0)
    return np.asarray(found, np.float32)


_ranks = jax.jit(partial(rankdata, axis=1))


def sanity(explainer: Explainer, explained: Explained, signed: bool) -> Sanity:
    """Explain the same classes of the same images with more and more layers drawn anew, as the network starts them."""
    subject, methods = explainer.subject, list(explained.maps)
    fresh = subject.jit(subject.model.initialize)(explainer.how.seed + OTHER)
    # Placed as the weights are: else each mixture of the two would be compiled for by itself.
    fresh = jax.tree.map(lambda new, old: jax.device_put(new, old.sharding), fresh, subject.weights)
    x = subject.seen(explained.picked.images)
    original = {method: flat(explained.maps[method], signed) for method in methods}
    found: dict[str, list[NDArray[np.float32]]] = {method: [] for method in methods}
    maps = {method: [original[method][0]] for method in methods}
    way = stops(subject.network)
    for _, paths in way:
        now = attributions(explainer, methods, redrawn(subject.weights, fresh, paths), x, explained.labels)
        for method in methods:
            values = flat(now[method], signed)
            found[method].append(rank_correlations(original[method], values))
            maps[method].append(values[0])
    layers = tuple(path for path, _ in way)
    stacked = {method: np.stack(values) for method, values in found.items()}
    return Sanity(layers, stacked, {method: np.stack(values) for method, values in maps.items()}, signed)


def words(tested: Sanity) -> list[str]:
    """What is left with half of the layers drawn anew and with all, and which methods hardly change."""
    half = (len(tested.layers) + 1) // 2 - 1
    left = {method: tested.left(method)[[half, -1]] for method in tested.correlations}
    shares = "; ".join(f"{TITLES[method]} {_said(upper)}, {_said(every)}" for method, (upper, every) in left.items())
    said = [f"rank correlation with the original maps, the upper half of the layers drawn anew and all: {shares}"]
    stubborn = [TITLES[method] for method, (upper, _) in left.items() if upper >= HARDLY]
    if not stubborn:
        return [*said, "the maps of every method change with the weights"]
    named = " and ".join(filter(None, (", ".join(stubborn[:-1]), stubborn[-1])))
    said.append(f"{named}: the maps hardly change, they show the image more than what the upper layers have learned")
    if TITLES["integrated"] in stubborn:
        said.append("integrated gradients are multiplied by the image, which stays")
    return said


def _said(correlation: float) -> str:
    return f"{correlation:.2f}" if np.isfinite(correlation) else "nothing"


def arrays(tested: Sanity) -> dict[str, NDArray[Any]]:
    """The correlations (layer, image) by method, as `sanity/METHOD`, and the layers."""
    named = {f"sanity/{method}": values for method, values in tested.correlations.items()}
    return {**named, "sanity/layers": np.array(tested.layers)}


def draw(tested: Sanity, explained: Explained, path: Path, title: str, about: Mapping[str, str]) -> None:
    """Draw the mean correlations as curves, and the first image's maps below, as a PNG.

    Raises DataError when the file cannot be written.
    """
    names = ("as trained", *tested.layers)
    methods = list(tested.correlations)
    left = MARGIN + 9 * max(len(HEADS[method]) for method in methods) + 12
    wide, tall = COLUMN * len(names), COLUMN * (len(methods) + 1)
    upright = LETTER * max(map(len, names)) > COLUMN
    between = LETTER * max(map(len, names)) + 40 if upright else 60
    width = left + wide + LEGEND
    lines = wrap(title, width // (LETTER + 1) - 4)
    height = MARGIN + LINE * len(lines) + CURVES + between + tall + MARGIN
    figure = Figure(figsize=(width / DOTS_PER_INCH, height / DOTS_PER_INCH), dpi=DOTS_PER_INCH)
    FigureCanvasAgg(figure)
    corner = (MARGIN / width, 1 - MARGIN / 2 / height)
    figure.text(*corner, "\n".join(lines), fontsize=TEXT + 1, va="top", parse_math=False)
    box = (left / width, (tall + between + MARGIN) / height, wide / width, CURVES / height)
    _curves(figure.add_axes(box), tested, names, upright)
    _maps(figure.add_axes((left / width, MARGIN / height, wide / width, tall / height)), tested, explained)
    save(figure, path, about=about)


def _curves(axes: Axes, tested: Sanity, names: Sequence[str], upright: bool) -> None:
    """The mean correlation of each method from 1 on, by the layer that weights were drawn anew down to."""
    plain(axes)
    for method, colour in zip(tested.correlations, COLOURS, strict=False):
        values = [1.0, *tested.left(method)]
        axes.plot(values, "o-", color=colour, linewidth=2.2, markersize=4, label=HEADS[method], clip_on=False)
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.set_ylim(min(-0.05, axes.get_ylim()[0]), 1.03)
    axes.set_xticks(range(len(names)), names, rotation=90 if upright else 0, parse_math=False)
    axes.set_xlabel("layers drawn anew, down to", fontsize=TEXT - 1)
    count = next(iter(tested.correlations.values())).shape[1]
    axes.set_ylabel(f"rank correlation, mean of {count}", fontsize=TEXT - 1)
    axes.legend(fontsize=TEXT - 1, frameon=False, loc="upper left", bbox_to_anchor=(1.01, 1))


def _maps(axes: Axes, tested: Sanity, explained: Explained) -> None:
    """The first image, and below it its maps, each by its own maximum, a line a method and a column a layer."""
    image = explained.pixels[0]
    _put(axes, 0, 0, np.broadcast_to(image[..., :1], (*image.shape[:2], 3)) if image.shape[2] < 3 else image[..., :3])
    for line, (method, maps) in enumerate(tested.maps.items(), start=1):
        for column, values in enumerate(maps):
            most = float(np.abs(values).max())
            pixels = overlaid(values, most, image) if method == "grad-cam" else coloured(values, most, tested.signed)
            _put(axes, column, line, pixels)
            if not most:
                axes.text(column, line, "all zero", ha="center", va="center", fontsize=TEXT - 5)
    axes.set_xlim(-0.5, len(tested.layers) + 0.5)
    axes.set_ylim(len(tested.maps) + 0.5, -0.5)
    axes.set_yticks(range(len(tested.maps) + 1), ["image", *(HEADS[method] for method in tested.maps)])
    for label, colour in zip(axes.get_yticklabels(), ("#000000", *COLOURS), strict=False):
        label.set(color=tint(colour, -0.2), fontsize=TEXT - 1)
    axes.set_xticks([])
    axes.patch.set_visible(False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _put(axes: Axes, column: int, line: int, pixels: NDArray[np.uint8]) -> None:
    half = MAP / COLUMN / 2
    extent = (column - half, column + half, line + half, line - half)
    axes.imshow(pixels, extent=extent, interpolation="nearest" if max(pixels.shape) <= MAP else "antialiased")
