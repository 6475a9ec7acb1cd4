"""Nearest neighbours in pixel space beside those in feature space, and how many of them are of the same class."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnncli.data.dataset import Loaded
from cnncli.data.framing import Framing
from cnncli.drawing.palette import GREEN, ORANGE
from cnncli.drawing.sheet import Line, Panel, Sheet
from cnncli.visualize.features import Layer, raw, sample
from cnncli.visualize.picked import Picked
from cnncli.visualize.subject import Subject

# Images that neighbours are looked for among, and images that are asked for theirs where shares are counted.
AMONG, ASKED = 10_000, 1_000
SPACES = ("pixels", "features")


@dataclass(frozen=True)
class Share:
    """Of the neighbours of so many queries, those of the query's class."""

    same: int
    of: int
    queries: int

    def __str__(self) -> str:
        return f"{self.same:,} of {self.of:,} ({self.same / self.of:.1%})"


@dataclass(frozen=True)
class Neighbours:
    """Queries and the places in the split of their neighbours (query, k) by pixels and by features, near first.

    `shown` and `counted` are the shares of the same class in both spaces, of these queries and of many; empty where no
    query's class is known. `apart` says of each space whether its images differ at all.
    """

    queries: Picked
    data: Loaded
    layer: Layer
    among: int
    found: tuple[NDArray[np.int64], ...]
    shown: tuple[Share, ...]
    counted: tuple[Share, ...]
    apart: tuple[bool, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """What it comes to."""
        said = []
        for space, apart in zip(SPACES, self.apart, strict=True):
            if not apart:
                said.append(f"all images are the same by {space}: which of them are nearest means nothing there")
        for which, shares in (("the {} queries shown", self.shown), ("{} drawn by chance", self.counted)):
            if shares:
                both = ", ".join(f"by {space} {one}" for space, one in zip(SPACES, shares, strict=True))
                queries = which.format(f"{shares[0].queries:,}")
                said.append(f"neighbours of the same class, of {queries}: {both}")
        return tuple(said)

    def sheet(self, title: str) -> Sheet:
        """A line a query: itself, its neighbours by pixels, and those by features."""
        lines = [self._line(at) for at in range(len(self.queries.images))]
        heads = ["query", *(f"{space} {rank + 1}" for space in SPACES for rank in range(self.found[0].shape[1]))]
        note = (
            f"Among {self.among:,} images by Euclidean distance; features: {self.layer.values:,} values of "
            f"{self.layer.path}. "
        ) + "A frame and a word say whether a neighbour is of the query's class. " * bool(self.shown)
        return Sheet(lines, title, note + " ".join(one[0].upper() + one[1:] + "." for one in self.sentences), heads)

    def _line(self, at: int) -> Line:
        label, split = self.queries.labels[at], self.data.split
        name = self.queries.names[at] if label is None else self.data.facts.classes[label]
        number = f"#{self.queries.places[at]}" if self.queries.places else ""
        groups = (
            tuple(self._panel(split.images[place], split.labels[place], label) for place in one[at])
            for one in self.found
        )
        return Line(name, ((Panel(self.queries.images[at], number),), *groups))

    def _panel(self, image: NDArray[np.uint8], label: int, wanted: int | None) -> Panel:
        name = self.data.facts.classes[label]
        if wanted is None:
            return Panel(image, name)
        return Panel(image, f"{name}\nsame", GREEN) if label == wanted else Panel(image, f"{name}\nother", ORANGE)


def neighbours(
    subject: Subject, data: Loaded, queries: Picked, layer: Layer, k: int, images: int | None, seed: int
) -> Neighbours:
    """The `k` nearest images of a split to each query, among `images` of it drawn by chance; none is its own.

    Pictures of files are brought to the size of the split's images first. Raises UsageError for more images than fit in
    memory, DataError for a network that gives no finite numbers.
    """
    places = sample(len(data.split.labels), layer.count(images, data, AMONG), seed)
    labels, size = data.split.labels[places], data.split.images.shape[1:3]
    framing = Framing((size[0], size[1]))
    asked = np.stack([framing(image) if image.shape[:2] != size else image for image in queries.images])
    both = np.concatenate([asked, data.split.images[places]])
    where = {int(place): at for at, place in enumerate(places)}
    own = [where.get(place) for place in queries.places] or [None] * len(asked)
    many = sample(len(labels), ASKED, seed)
    found, of_many, apart = [], [], []
    for vectors in (raw(both), layer.vectors(subject, both)):
        among = vectors[len(asked) :]
        found.append(nearest(vectors[: len(asked)], among, k, own))
        of_many.append(nearest(among[many], among, k, many.tolist()))
        apart.append(bool(np.ptp(among, axis=0).any()))
    shown = shares(queries.labels, [labels[one] for one in found])
    counted = shares(labels[many].tolist(), [labels[one] for one in of_many])
    return Neighbours(
        queries, data, layer, len(places), tuple(places[one] for one in found), shown, counted, tuple(apart)
    )


def nearest(
    queries: NDArray[np.float32], among: NDArray[np.float32], k: int, own: Sequence[int | None]
) -> NDArray[np.int64]:
    """The `k` nearest of `among` for each query (count, values) by Euclidean distance, exactly: (count, k), near first.

    `own[i]` is where query i itself stands in `among`, None where it does not: it is left out. Fewer than `k` where
    there are no more.
    """
    from sklearn.neighbors import NearestNeighbors

    k = min(k, len(among) - any(at is not None for at in own))
    index = NearestNeighbors(n_neighbors=min(k + 1, len(among)), algorithm="brute").fit(among)
    # An image that is there twice has its copy as a neighbour: only the query's own place is left out.
    rows = [row[row != at][:k] for row, at in zip(index.kneighbors(queries)[1], own, strict=True)]
    return np.stack(rows).astype(np.int64)


def shares(labels: Sequence[int | None], found: Sequence[NDArray[np.int32]]) -> tuple[Share, ...]:
    """How many of the labels (query, k) of neighbours in each space are the query's; none where no class is known."""
    known = [at for at, label in enumerate(labels) if label is not None]
    wanted = np.array([labels[at] for at in known])[:, None]
    return tuple(Share(int((one[known] == wanted).sum()), one[known].size, len(known)) for one in found if known)
