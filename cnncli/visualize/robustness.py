"""Accuracy on images that are shifted, turned, scaled, blurred and noisy: how invariant a network is, measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from cnncli.data.dataset import Split
from cnncli.drawing.figure import BLUE, TEXT, blank, save
from cnncli.visualize.accuracies import SURE, Accuracy, dress, half_lost, line
from cnncli.visualize.attacks import keys
from cnncli.visualize.changes import CHANGES
from cnncli.visualize.judge import Judge, batches

# Panels beside each other, and the size of each in pixels.
ABREAST, WIDE, HIGH = 3, 420, 360
# At least as wide as a title; and its height with that of the note.
LEAST, TITLE = 700, 70


@dataclass(frozen=True)
class Sweep:
    """A kind of change, the accuracy at each of its strengths, that of no change among them, and an example of each.

    Where a change has several directions, an accuracy is the mean of them. Examples are (strength, height, width,
    channel) uint8, of the first direction.
    """

    change: str
    points: tuple[Accuracy, ...]
    examples: NDArray[np.uint8]

    @property
    def clean(self) -> Accuracy:
        """What there is without a change."""
        return next(point for point in self.points if point.strength == CHANGES[self.change].none)


def measured(judge: Judge, split: Split, names: Sequence[str], seed: int) -> list[Sweep]:
    """Change all images of a split at all strengths of some kinds of change, and count which are recognized."""
    count, chances = len(split.labels), keys(seed, len(split.labels))
    height, width = split.images.shape[1:3]
    strengths = {name: CHANGES[name].strengths_for((height, width)) for name in names}
    hits = {name: np.zeros(len(strengths[name])) for name in names}
    for at, new in batches(count, judge.batch(count)):
        x, labels = jnp.asarray(split.images[at], jnp.float32), split.labels[at[:new]]
        clean = _right(judge, x, labels)
        for name in names:
            for place, strength in enumerate(strengths[name]):
                changed = CHANGES[name].changed(x, chances[at], strength)
                # Counted once, not for each kind again.
                every = [clean] if changed[0] is x else [_right(judge, one, labels) for one in changed]
                hits[name][place] += sum(every) / len(every)
    return [
        Sweep(
            name,
            tuple(
                Accuracy(strength, float(hit), count) for strength, hit in zip(strengths[name], hits[name], strict=True)
            ),
            _examples(name, split.images[:1], chances[:1], strengths[name]),
        )
        for name in names
    ]


def _examples(name: str, image: NDArray[np.uint8], keys: jax.Array, strengths: Sequence[float]) -> NDArray[np.uint8]:
    """One image at each strength, in the first direction."""
    x = jnp.asarray(image, jnp.float32)
    every = [CHANGES[name].changed(x, keys, strength)[0][0] for strength in strengths]
    return np.asarray(jnp.clip(jnp.round(jnp.stack(every)), 0, 255), np.uint8)


def _right(judge: Judge, x: jax.Array, labels: NDArray[np.int32]) -> int:
    """How many of the first images are recognized, as many as there are labels."""
    return int(np.count_nonzero(np.argmax(judge.logits(x), axis=-1)[: len(labels)] == labels))


def draw(sweeps: Sequence[Sweep], path: Path, title: str, about: Mapping[str, str] | None = None) -> None:
    """Draw a panel for each kind of change, over one image at each strength, as a PNG.

    Raises DataError when the file cannot be written.
    """
    across = min(ABREAST, len(sweeps))
    down = -(-len(sweeps) // across)
    figure = blank(max(LEAST, WIDE * across), HIGH * down + TITLE)
    cells = figure.add_gridspec(down, across)
    for place, sweep in enumerate(sweeps):
        parts = cells[divmod(place, across)].subgridspec(2, 1, height_ratios=[5, 1])
        axes = figure.add_subplot(parts[0])
        dress(axes, CHANGES[sweep.change].unit, sweep.clean.share / 2)
        axes.xaxis.label.set_fontsize(TEXT - 2)
        line(axes, sweep.points, BLUE)
        if not place % across:
            axes.set_ylabel(f"accuracy, n = {sweep.clean.count:,}", fontsize=TEXT)
        _strip(figure.add_subplot(parts[1]), sweep)
    figure.suptitle(title, fontsize=TEXT + 2, parse_math=False)
    figure.supxlabel(f"dotted: half of the accuracy without a change; {SURE}", fontsize=TEXT - 3)
    save(figure, path, about=about)


def _strip(axes: Axes, sweep: Sweep) -> None:
    """Examples beside each other, each over its strength."""
    width, channels = sweep.examples.shape[2:]
    gap = -(-width // 10)
    images = sweep.examples[..., :3] if channels >= 3 else sweep.examples[..., :1].repeat(3, axis=-1)
    framed = np.pad(images, ((0, 0), (0, 0), (0, gap), (0, 0)), constant_values=255)
    axes.imshow(np.concatenate(framed, axis=1)[:, :-gap], interpolation="nearest")
    middles = [(width + gap) * place + (width - 1) / 2 for place in range(len(images))]
    axes.set_xticks(middles, [f"{point.strength:g}" for point in sweep.points], fontsize=TEXT - 4)
    axes.set_yticks([])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def sentences(sweeps: Sequence[Sweep]) -> list[str]:
    """Where less than half of the accuracy is left, in words."""
    clean, lost, kept = sweeps[0].clean, [], []
    for sweep in sweeps:
        change = CHANGES[sweep.change]
        found = half_lost(sweep.points, change.none)
        lost += [change.said.format(at) for at in found]
        ends = [one for one in (sweep.points[0], sweep.points[-1]) if one.strength != change.none]
        kept += [f"{change.said.format(one.strength)} ({one.share:.2%})" for one in ends] if not found else []
    lines = [f"Accuracy is {clean.share:.2%} on {clean.count:,} images as they are"]
    lines += [f"it falls below half of that at {', '.join(lost)}"] if lost else []
    return lines + ([f"it stays above half of that up to {', '.join(kept)}"] if kept else [])
