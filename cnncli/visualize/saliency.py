"""Attributions as a sheet: a line an image, a column a method, on scales that can be compared."""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
from matplotlib.colors import Colormap, LinearSegmentedColormap, to_rgb
from numpy.typing import NDArray

from cnncli.drawing.figure import written
from cnncli.drawing.names import shortened
from cnncli.drawing.palette import BLUE, ORANGE, tint
from cnncli.drawing.sheet import CELL, PAGE, Line, Panel, Sheet, shown
from cnncli.errors import DataError
from cnncli.visualize.attribution import TITLES, Completeness, Explainer, How, Maps, attributions, batched, completeness
from cnncli.visualize.confusion import BLUES
from cnncli.visualize.picked import Picked

# What the full colour stands for.
NORMS = {
    "image": "each map goes to its own maximum, which stands below it",
    "shared": "all maps of a column go to the largest value among them",
    "none": "all maps go to the largest value among them, whatever the method",
}

# What stands above a column: names that are not much wider than it.
HEADS = TITLES | {"integrated": "int. gradients"}

# Blue against, white for nothing, orange for: told apart by colour-blind eyes. An odd number has white in its middle.
AROUND_ZERO = LinearSegmentedColormap.from_list(
    "around zero", [tint(BLUE, -0.5), BLUE, "#FFFFFF", ORANGE, tint(ORANGE, -0.5)], N=257
)
# Integrated gradients may miss the score's change by this share of it.
CLOSE = 0.05
# How much of Grad-CAM's colour covers the grey image at most.
COVER = 0.7

# In pixels: the largest cell, so that an image of 224 pixels is seen whole, and the height of a bar of colours.
LARGEST, BAR = 256, 10

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Look:
    """How maps become colours: `signed` or as magnitudes, with one of NORMS."""

    signed: bool = False
    norm: str = "image"


@dataclass(frozen=True)
class Explained:
    """Images as the network sees them, the probabilities (image, class), the classes explained and the maps by method.

    `complete` is there where gradients were integrated.
    """

    picked: Picked
    classes: Sequence[str]
    pixels: Pixels
    probabilities: NDArray[np.float32]
    labels: NDArray[np.int64]
    maps: Mapping[str, Maps]
    complete: Completeness | None

    @property
    def predicted(self) -> NDArray[np.int64]:
        """The most probable class of each image."""
        return np.asarray(self.probabilities.argmax(axis=1), np.int64)

    @property
    def whose(self) -> str:
        """The class that is explained, in words."""
        if (self.labels == self.predicted).all():
            return "the predicted class"
        return f"'{self.classes[self.labels[0]]}'"


def explain(explainer: Explainer, picked: Picked, methods: Sequence[str], label: int | None = None) -> Explained:
    """Attribute the score of a class, or of each image's predicted one, by some methods.

    Raises DataError where the network's scores are not finite.
    """
    subject = explainer.subject
    x, none = subject.seen(picked.images), np.zeros(len(picked.images), np.int64)
    logits = batched(explainer, lambda x, _: explainer.logits(subject.weights, x), x, none)
    if not np.isfinite(logits).all():
        raise DataError("the network's scores of these images are not finite; expected a run that did not diverge")
    labels = logits.argmax(axis=1) if label is None else np.full(len(logits), label)
    maps = attributions(explainer, methods, subject.weights, x, labels)
    complete = None
    if "integrated" in maps:
        complete = completeness(explainer, subject.weights, x, labels, maps["integrated"])
    probabilities = np.asarray(jax.nn.softmax(logits))
    return Explained(picked, subject.facts.classes, subject.pixels(x), probabilities, labels, maps, complete)


def flat(maps: Maps, signed: bool) -> Maps:
    """A value a place (batch, height, width): the channels' sum, or the largest of their magnitudes."""
    found: Maps = maps.sum(axis=-1) if signed else np.abs(maps).max(axis=-1)
    return found


def scales(flats: Mapping[str, Maps], norm: str) -> dict[str, NDArray[np.float32]]:
    """By method the magnitude (batch,) that has the full colour: a map's own, the column's, or that of all."""
    own = {method: np.abs(values).max(axis=(1, 2)) for method, values in flats.items()}
    if norm == "image":
        return own
    most = {method: values.max() for method, values in own.items()}
    if norm == "none":
        most = dict.fromkeys(most, max(most.values()))
    return {method: np.full_like(values, most[method]) for method, values in own.items()}


def coloured(values: Maps, scale: float, signed: bool) -> Pixels:
    """Values (height, width) in colours: white to dark, or blue, white and orange around zero."""
    share = values / (scale or 1.0)
    return _in(AROUND_ZERO, (share + 1) / 2) if signed else _in(BLUES, share)


def overlaid(values: Maps, scale: float, image: Pixels) -> Pixels:
    """Values (height, width) of 0 and more in orange over the image in grey."""
    grey = image.mean(axis=-1, keepdims=True)
    cover = COVER * values[..., None] / (scale or 1.0)
    return np.asarray(np.round(grey * (1 - cover) + 255 * np.array(to_rgb(ORANGE)) * cover), np.uint8)


def sheet(explained: Explained, look: Look, title: str, note: str) -> Sheet:
    """A line an image: itself, then its maps under their methods' names; the colours' meaning in the last line."""
    flats = {method: flat(maps, look.signed) for method, maps in explained.maps.items()}
    scale = scales(flats, look.norm)
    cell = max(CELL, min(LARGEST, *explained.pixels.shape[1:3]))
    lines = []
    for at, name in enumerate(explained.picked.names):
        panels = tuple(_map(explained, look, method, at, flats[method], scale[method]) for method in flats)
        lines.append(Line(name, ((_image(explained, at),), panels)))
    wide = shown(explained.pixels.shape[1:], cell)[1]
    bars = tuple(_bar(method, look, float(scale[method][0]), wide) for method in flats)
    lines.append(Line("", ((Panel(np.full((BAR, wide), PAGE, np.uint8)),), bars)))
    return Sheet(lines, title, note, ("", *(HEADS[method] for method in flats)), cell)


def note(explained: Explained, how: How, look: Look) -> str:
    """What the sheet shows, in words."""
    said = ["Each place counts by the sum of its channels, orange for the class and blue against it"]
    if not look.signed:
        said = ["Each place counts by the largest magnitude among its channels"]
    said.append(NORMS[look.norm])
    details = {
        "smoothgrad": f"SmoothGrad: {how.samples} images with noise of {how.noise:g} of the pixels' range",
        "integrated": f"integrated gradients: {how.steps} steps; {_added_up(explained)}",
        "grad-cam": f"Grad-CAM: maps of {how.layer}",
        "occlusion": f"occlusion: drop of the class's probability behind a grey patch of {how.window} pixels",
    }
    said += [words for method, words in details.items() if method in explained.maps]
    true, predicted = explained.picked.labels, explained.predicted
    if any(one not in (None, other) for one, other in zip(true, predicted, strict=True)):
        said.append("orange frame: predicted wrongly")
    return "; ".join(said) + "."


def words(explained: Explained) -> list[str]:
    """What is to be known about the maps besides."""
    return [f"integrated gradients: {_added_up(explained)}"] if explained.complete else []


def _added_up(explained: Explained) -> str:
    if not (complete := explained.complete):
        return ""
    more = "; more --steps come closer" if complete.error > CLOSE * complete.size else ""
    return (
        f"their sums miss the score's change from the baseline by {_short(complete.error)} at most, where it is "
        f"{_short(complete.size)} on average{more}"
    )


def save(explained: Explained, path: Path, about: Mapping[str, str], more: Mapping[str, NDArray[np.float32]]) -> None:
    """Write the maps as they are, by method, as an NPZ file, with all that is known about each image.

    `images` are as the network sees them, as pixels; `labels` are the true classes, -1 where they are not known. Raises
    DataError when it cannot be written.
    """
    content, known = io.BytesIO(), explained.picked.labels
    arrays = {
        "images": explained.pixels,
        "paths": np.array(explained.picked.names),
        "labels": np.array([-1 if label is None else label for label in known], np.int64),
        "predicted": explained.predicted,
        "explained": explained.labels,
        "probabilities": explained.probabilities,
        "classes": np.array(explained.classes),
        "about": np.array(json.dumps(dict(about))),
    }
    np.savez_compressed(content, allow_pickle=False, **dict(explained.maps), **arrays, **dict(more))
    written(path, content.getvalue(), "file")


def _image(explained: Explained, at: int) -> Panel:
    """The image, what it is said to be and what is explained; framed where that is wrong."""
    true, predicted, label = explained.picked.labels[at], int(explained.predicted[at]), int(explained.labels[at])
    said = [f"predicted {_share(explained, at, predicted)}"]
    if true is not None:
        said.insert(0, f"true {shortened(explained.classes[true])}")
    if label != predicted:
        said.append(f"explained {_share(explained, at, label)}")
    return Panel(explained.pixels[at], "\n".join(said), ORANGE if true not in (None, predicted) else "")


def _share(explained: Explained, at: int, label: int) -> str:
    return f"{shortened(explained.classes[label])}, {explained.probabilities[at, label]:.0%}"


def _map(explained: Explained, look: Look, method: str, at: int, flats: Maps, scale: NDArray[np.float32]) -> Panel:
    """A map in colours; what it goes to is said where each has its own scale, and whether it is dead."""
    values, most = flats[at], float(scale[at])
    if method == "grad-cam":
        pixels = overlaid(values, most, explained.pixels[at])
    else:
        pixels = coloured(values, most, look.signed)
    if not values.any():
        return Panel(pixels, "all zero")
    return Panel(pixels, f"to {_short(most)}" if look.norm == "image" else "")


def _bar(method: str, look: Look, scale: float, wide: int) -> Panel:
    """The colours of a column from the least to the most."""
    top = "maximum" if look.norm == "image" else _short(scale)
    rising = np.linspace(0, 1, wide, dtype=np.float32)[None].repeat(BAR, axis=0)
    if method == "grad-cam":
        return Panel(overlaid(rising, 1, np.full((BAR, wide, 1), 128, np.uint8)), f"0 to {top}")
    if look.signed:
        return Panel(coloured(2 * rising - 1, 1, True), f"- to + {top}")
    return Panel(coloured(rising, 1, False), f"0 to {top}")


def _short(value: float) -> str:
    return f"{value:.2g}"


def _in(colours: Colormap, share: NDArray[np.floating[Any]]) -> Pixels:
    return np.asarray(np.round(255 * colours(share)[..., :3]), np.uint8)
