"""Features of many images in two dimensions, by principal components or by t-SNE, a colour and a marker a class."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from cnncli.data.dataset import Loaded
from cnncli.drawing.figure import TEXT, blank, plain, save
from cnncli.drawing.names import shortened
from cnncli.drawing.palette import tint
from cnncli.errors import UsageError
from cnncli.visualize import curves
from cnncli.visualize.features import Layer, sample
from cnncli.visualize.samples import CLASSES
from cnncli.visualize.subject import Subject

WAYS = ("pca", "tsne")

# Images that are shown, and the fewest that have a shape at all.
IMAGES, FEWEST = 2_000, 5

# t-SNE starts from so many principal components, as its authors do (van der Maaten and Hinton 2008), who advise a
# perplexity of 5 to 50.
COMPONENTS, PERPLEXITY = 50, 30

# In pixels: how wide the points are, a letter of the legend, and what stands beside and above. Points are at least
# half as high as wide, and at most as high.
WIDE, LETTER, BESIDE, ABOVE = 700, 9, 90, 110
FLATTEST = 0.5

# A class's name is written where of so many points more are its own than any other's.
AROUND = 25

# Two more than curves have, so that ten classes have a colour each; eyes that see fewer have the markers.
COLOURS = (*curves.COLOURS, "#882255", "#C8B400")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", "*", ">", "p")


@dataclass(frozen=True)
class Embedding:
    """Points (count, 2) with their labels; `by` which way, from which layer.

    `variance` is the share of the features' variance that each axis of principal components has.
    """

    points: NDArray[np.float32]
    labels: NDArray[np.int32]
    by: str
    layer: Layer
    variance: tuple[float, float] | None = None

    @property
    def sentence(self) -> str:
        """What it shows."""
        count = len(np.unique(self.labels))
        classes = f"{count} classes" if count > 1 else "one class"
        what = f"{len(self.labels):,} images of {classes} by {self.layer.values:,} features at {self.layer.path}"
        if self.variance is None:
            return f"{what}: t-SNE keeps neighbours together; distances between groups mean little"
        return f"{what}: two principal components with {sum(self.variance):.1%} of the variance"


def embedding(subject: Subject, data: Loaded, layer: Layer, by: str, images: int | None, seed: int) -> Embedding:
    """Features of `images` of a split, drawn by chance, in two dimensions; of CLASSES classes where there are more.

    Raises UsageError for a layer, or for images, that have no two dimensions; DataError for a network that gives no
    finite numbers.
    """
    places = sample(len(data.split.labels), layer.count(images, data, IMAGES), seed)
    there = np.unique(data.split.labels[places])
    if len(there) > CLASSES:
        chosen = np.random.default_rng(seed).choice(there, CLASSES, replace=False)
        of_chosen = np.flatnonzero(np.isin(data.split.labels, chosen))
        places = of_chosen[sample(len(of_chosen), len(places), seed)]
    labels = data.split.labels[places]
    vectors = layer.vectors(subject, data.split.images[places])
    return projected(vectors, labels, layer, by, seed)


def projected(vectors: NDArray[np.float32], labels: NDArray[np.int32], layer: Layer, by: str, seed: int) -> Embedding:
    """Vectors (count, values) in two dimensions."""
    if vectors.shape[1] < 2 or len(vectors) < FEWEST:
        raise UsageError(
            f"{len(vectors)} images by {vectors.shape[1]} values at {layer.path} have no shape to show; expected at "
            f"least {FEWEST} images and a layer of 2 values"
        )
    if not np.ptp(vectors, axis=0).any():
        raise UsageError(f"{layer.path} gives the same for every image: it is dead; expected another --layer")
    if by == "pca":
        points, variance = _components(vectors, 2, seed)
        return Embedding(points, labels, by, layer, (float(variance[0]), float(variance[1])))
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    if vectors.shape[1] > COMPONENTS:
        vectors, _ = _components(vectors, min(COMPONENTS, len(vectors)), seed)
    perplexity = min(PERPLEXITY, (len(vectors) - 1) / 3)
    # For so few points more threads gain little, and where others compute they wait for each other in every step.
    with threadpool_limits(1):
        points = TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(vectors)
    return Embedding(points, labels, by, layer)


def _components(vectors: NDArray[np.float32], count: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The first principal components, and the share of the variance that each has."""
    from sklearn.decomposition import PCA

    pca = PCA(count, random_state=seed)
    return pca.fit_transform(vectors), pca.explained_variance_ratio_


def draw(
    found: Embedding, classes: Sequence[str], path: Path, title: str = "", about: Mapping[str, str] | None = None
) -> None:
    """Draw an embedding as a PNG, each class's name in the legend, and at its points where they are by themselves.

    Raises DataError when the file cannot be written.
    """
    there = [int(label) for label in np.unique(found.labels)]
    names = [shortened(classes[label]) for label in there]
    wide = max(WIDE + BESIDE + LETTER * max(map(len, names)), (LETTER + 2) * len(title))
    across, down = np.ptp(found.points, axis=0)
    figure = blank(wide, WIDE * min(max(down / across, FLATTEST), 1) + ABOVE)
    axes = figure.subplots()
    for at, label in enumerate(there):
        look: dict[str, Any] = {"color": COLOURS[at % len(COLOURS)], "marker": MARKERS[at % len(MARKERS)]}
        x, y = found.points[found.labels == label].T
        axes.scatter(x, y, 18, alpha=0.65, linewidths=0, label=names[at], **look)
    for at, label in enumerate(there):
        if (place := middle(found.points, found.labels, label)) is not None:
            _name(axes, names[at], place, COLOURS[at % len(COLOURS)])
    _dress(axes, found)
    legend = figure.legend(loc="outside right upper", fontsize=TEXT - 1, frameon=False, markerscale=2)
    for handle in filter(None, legend.legend_handles):
        handle.set_alpha(1)
    axes.set_title(title, fontsize=TEXT + 1, pad=10, parse_math=False)
    save(figure, path, about=about)


def middle(points: NDArray[np.float32], labels: NDArray[np.int32], label: int) -> NDArray[np.float32] | None:
    """The point of a class's own nearest to their median; None where more of those around it are another class's."""
    own = points[labels == label]
    place: NDArray[np.float32] = own[np.linalg.norm(own - np.median(own, axis=0), axis=1).argmin()]
    around = np.linalg.norm(points - place, axis=1).argsort(kind="stable")[:AROUND]
    counts = np.bincount(labels[around])
    return place if counts[label] == counts.max() else None


def _name(axes: Axes, name: str, place: NDArray[np.float32], colour: str) -> None:
    """A class's name at a place, readable over points."""
    around = [withStroke(linewidth=3, foreground="white")]
    axes.annotate(
        name,
        (float(place[0]), float(place[1])),
        ha="center",
        va="center",
        color=tint(colour, -0.4),
        fontsize=TEXT,
        weight="bold",
        path_effects=around,
        parse_math=False,
    )


def _dress(axes: Axes, found: Embedding) -> None:
    """Axes that mean something, or none."""
    plain(axes)
    axes.set_aspect("equal", "datalim")
    if found.variance is None:
        axes.tick_params(length=0, labelbottom=False, labelleft=False)
        axes.set_xlabel("t-SNE: neighbours stay together, distances between groups mean little", fontsize=TEXT - 1)
        return
    for axis, word, part in zip((axes.xaxis, axes.yaxis), ("first", "second"), found.variance, strict=True):
        axis.set_label_text(f"{word} principal component: {part:.1%} of the variance", fontsize=TEXT)
