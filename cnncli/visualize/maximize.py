"""Images that a network answers most strongly: for its classes, or for units of any layer."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from cnncli.data.dataset import Loaded
from cnncli.drawing.names import shortened
from cnncli.drawing.sheet import Line, Panel, Sheet
from cnncli.errors import UsageError
from cnncli.visualize.ascent import Canvas, Climb
from cnncli.visualize.features import Layer
from cnncli.visualize.layers import row_of
from cnncli.visualize.objectives import ClassScore, Objective, UnitScore
from cnncli.visualize.subject import Subject

# How many images stand on a line of a sheet.
ACROSS = 10
# A facet is the mean of so many images around its centre (Nguyen et al. 2016), out of so many of the class.
NEAREST, MEMBERS = 15, 1000


@dataclass(frozen=True)
class Targets:
    """What each image of a climb shall raise: an objective, what that is in words, and each image's name.

    `labels` are the classes where it is those' scores; `across` is how many stand on a line.
    """

    objective: Objective
    what: str
    names: tuple[str, ...]
    labels: tuple[int, ...] = ()
    across: int = ACROSS

    def captions(self, subject: Subject, images: NDArray[np.uint8], scores: NDArray[np.float32]) -> list[str]:
        """Lines under images: a class's name with its probability for the very pixels, or a unit's with its score."""
        if not self.labels:
            return [f"{name}\n{score:.3g}" for name, score in zip(self.names, scores, strict=True)]
        chances = np.asarray(jax.nn.softmax(subject.logits(images)))[np.arange(len(images)), list(self.labels)]
        return [f"{name}\n{percent(chance)}" for name, chance in zip(self.names, chances, strict=True)]


def percent(share: float) -> str:
    """A probability in words that claim no certainty."""
    return f"{100 * share:.1f} %" if share <= 0.9995 else "> 99.9 %"


def classes(subject: Subject, labels: Sequence[int], each: int = 1) -> Targets:
    """As many images as wanted for each of some classes; a line for each class where they are several."""
    repeated = tuple(label for label in labels for _ in range(each))
    names = tuple(shortened(subject.facts.classes[label]) for label in repeated)
    objective = ClassScore(jnp.asarray(repeated, jnp.int32))
    return Targets(objective, "the score of a class", names, repeated, each if each > 1 else ACROSS)


def units(subject: Subject, path: str, chosen: Sequence[int], middle: bool, most: int = ACROSS) -> Targets:
    """An image for each of some units of a layer, or its first ones: for a map's mean, or the unit in its `middle`.

    Raises UsageError for a layer or units that there are not.
    """
    row = row_of(subject.network, path)
    count, kind = row.output[-1], "map" if len(row.output) == 3 else "unit"
    if middle and kind == "unit":
        raise UsageError(f"--middle: {path} gives a vector; expected a layer that gives maps, or no --middle")
    for unit in chosen:
        if unit >= count:
            raise UsageError(f"--unit {unit}: {path} has {count:,} {kind}s, 0 to {count - 1}")
    places = tuple(chosen) or tuple(range(min(most, count)))
    objective = UnitScore(row.path, jnp.asarray(places, jnp.int32), middle)
    what = f"the unit in the middle of a map of {path}" if middle else f"a {kind} of {path}"
    return Targets(objective, what, tuple(f"{kind} {place}" for place in places))


def mean(data: Loaded, label: int | None = None) -> NDArray[np.uint8]:
    """The mean image of a class, or of a whole split. Raises UsageError for a class without images."""
    images = data.split.images
    if label is not None:
        images = images[_members(data, label)]
    return np.asarray(images.mean(axis=0, dtype=np.float64).round(), np.uint8)


def facets(subject: Subject, data: Loaded, label: int, count: int, seed: int) -> NDArray[np.uint8]:
    """What a class looks like in several ways, the most frequent first: (count, height, width, channel) uint8.

    k-means over what the last layer with weights looks at, then the mean of the images nearest to each centre, as in
    Nguyen et al. 2016, who reduce features by t-SNE first. Raises UsageError for a class with fewer images.
    """
    from sklearn.cluster import KMeans

    members = np.random.default_rng(seed).permutation(_members(data, label))
    if len(members) < count:
        raise UsageError(f"--facets {count}: '{data.facts.classes[label]}' has {len(members):,} images in the split")
    layer = Layer.of(subject.network, None)
    images = data.split.images[members[: layer.count(None, data, MEMBERS)]]
    found = KMeans(count, n_init=4, random_state=seed).fit(vectors := layer.vectors(subject, images))
    away = found.transform(vectors)
    order = np.argsort(-np.bincount(found.labels_, minlength=count), kind="stable")
    nearest = [np.argsort(np.where(found.labels_ == facet, away[:, facet], np.inf), kind="stable") for facet in order]
    sizes = [min(NEAREST, int(np.count_nonzero(found.labels_ == facet))) for facet in order]
    means = [images[near[:size]].mean(axis=0, dtype=np.float64) for near, size in zip(nearest, sizes, strict=True)]
    return np.asarray(np.round(means), np.uint8)


def _members(data: Loaded, label: int) -> NDArray[np.int64]:
    places = np.flatnonzero(data.split.labels == label)
    if not len(places):
        raise UsageError(f"--class: the split has no image of '{data.facts.classes[label]}'")
    return places


def begin(subject: Subject, count: int, starts: NDArray[np.uint8] | None, noise: bool, seed: int) -> jax.Array:
    """Pixels to climb from: those of images, or noise around what the network sees as zero, or that itself."""
    canvas = Canvas.of(subject)
    if starts is not None:
        return jnp.clip(canvas.pixels(starts, subject), 0, 1)
    return canvas.noise(count, seed) if noise else jnp.repeat(canvas.zero, count, axis=0)


def sheets(
    subject: Subject, targets: Targets, climb: Climb, starts: NDArray[np.uint8] | None, said: Sheet
) -> list[Sheet]:
    """A sheet for each kept step of a climb, with the title, note and cell of one, and what was started from.

    An image that no step changed is drawn as the empty one it says.
    """
    blank = np.asarray(jnp.round(255 * Canvas.of(subject).zero), np.uint8)[0]
    pages, digits = [], len(str(climb.kept[-1][0]))
    for step, images in climb.kept:
        captions = targets.captions(subject, images, climb.scores[step])
        panels = [
            Panel(blank, f"{name}\nno gradient") if flat else Panel(image, caption)
            for image, caption, name, flat in zip(images, captions, targets.names, climb.flat, strict=True)
        ]
        lines: list[Line] = []
        for first in range(0, len(panels), targets.across):
            some = slice(first, first + targets.across)
            if starts is not None:
                lines.append(Line("start", (tuple(map(Panel, starts[some])),)))
            lines.append(Line(f"step {step:{digits}}", (tuple(panels[some]),)))
        pages.append(replace(said, lines=lines))
    return pages


def dead(targets: Targets, climb: Climb) -> str:
    """Which targets had no gradient in any step, in words; nothing where all had one."""
    names = [name for name, flat in zip(targets.names, climb.flat, strict=True) if flat]
    if not names:
        return ""
    return (
        f"No gradient in any step, so there is nothing to see: {', '.join(dict.fromkeys(names))}. Such a unit is dead, "
        "or only not active where this started: try --start noise, --start mean, another --seed, or the layer before "
        "its activation."
    )
