"""What pictures show, in words and as tables, for those who do not see them."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cnncli.evaluation.metrics import Evaluation, OfClass
from cnncli.runs.metrics import Metrics, points
from cnncli.visualize.attribution import TITLES
from cnncli.visualize.confusion import WRITTEN, mixed_up
from cnncli.visualize.filters import Bank
from cnncli.visualize.mistakes import Mistakes, sure
from cnncli.visualize.neighbours import Neighbours
from cnncli.visualize.patches import Patch, Patches
from cnncli.visualize.report import Table
from cnncli.visualize.saliency import Explained, flat

# Rows of a table at most, and what a sentence lists at most.
ROWS, LISTED = 50, 5

# The figures of an epoch, as their columns are called, and whether they are shares.
EPOCH = {
    "train_loss": ("training loss", False),
    "val_loss": ("validation loss", False),
    "train_accuracy": ("training accuracy", True),
    "val_accuracy": ("validation accuracy", True),
}


def curves(metrics: Metrics) -> str:
    """Where each curve begins and ends."""
    known = {key: curve for key in EPOCH if (curve := points(metrics, key))}
    parts = [f"{EPOCH[key][0]} {_course(key, curve)}" for key, curve in known.items()]
    return f"Charts by epoch, {len(metrics)} in all: {'; '.join(parts)}."


def _course(key: str, curve: Sequence[tuple[int, float]]) -> str:
    first, last = _figure(key, curve[0][1]), _figure(key, curve[-1][1])
    return f"goes from {first} to {last}" if len(curve) > 1 else f"is {first}"


def _figure(key: str, value: float) -> str:
    return f"{value:.2%}" if EPOCH[key][1] else f"{value:.4g}"


def epochs(metrics: Metrics) -> Table:
    """The curves' values, of many epochs some."""
    keys = [key for key in EPOCH if points(metrics, key)]
    values = {key: dict(points(metrics, key)) for key in keys}
    every = [int(line["epoch"]) for line in metrics]
    chosen = sorted({every[at] for at in np.linspace(0, len(every) - 1, min(ROWS, len(every))).round().astype(int)})
    some = f", {len(chosen)} of {len(every)} epochs" * (len(chosen) < len(every))
    rows = [
        (str(epoch), *(_figure(key, values[key][epoch]) if epoch in values[key] else "" for key in keys))
        for epoch in chosen
    ]
    return Table(f"The curves in numbers{some}", ["epoch", *(EPOCH[key][0] for key in keys)], rows)


def confusion(result: Evaluation) -> str:
    """How dark the diagonal is, and what stands beside it."""
    weakest = min(result.per_class, key=lambda one: one.recall)
    pairs = mixed_up(result.confusion, LISTED)
    said = [
        f"A matrix of {len(result.classes)} true classes, down, by as many predicted ones, across. "
        f"{result.accuracy:.2%} of the images are on the diagonal, which is palest at {weakest.name}, with "
        f"{weakest.recall:.1%} of its class"
    ]
    if pairs:
        listed = ", ".join(
            f"{result.classes[true]} as {result.classes[taken]} ({count:,})" for count, true, taken in pairs
        )
        said.append(f"The largest counts beside it: {listed}")
    if len(result.classes) > WRITTEN:
        said.append("Counts are shown by colour alone")
    return ". ".join(said) + "."


def classes(result: Evaluation) -> Table:
    """A row a class; of many classes those that are recognized least."""
    rows = list(zip(result.per_class, result.confusion, strict=True))
    some = ""
    if len(rows) > ROWS:
        rows = sorted(rows, key=lambda row: row[0].recall)[:ROWS]
        some = f", the {ROWS} of {len(result.classes)} that are recognized least"
    heads = ("class", "images", "recognized", "of its predictions right", "most often taken for")
    return Table(f"The classes in numbers{some}", heads, [_class(result, *row) for row in rows])


def _class(result: Evaluation, one: OfClass, counts: Sequence[int]) -> tuple[str, ...]:
    others = [(count, name) for count, name in zip(counts, result.classes, strict=True) if name != one.name and count]
    most, name = max(others, key=lambda other: other[0], default=(0, ""))
    return one.name, f"{one.count:,}", f"{one.recall:.1%}", f"{one.precision:.1%}", f"{name} ({most:,})" if most else ""


def filters(bank: Bank) -> str:
    """What the tiles are, how far their weights go, and whether one sees shapes or noise."""
    weights = bank.weights
    shape = "x".join(map(str, weights.shape[1:3]))
    kind = "slices in grey, a line a filter" if bank.pictures is None else "tiles"
    if bank.pictures is not None:
        kind += " in grey" if bank.pictures.shape[-1] == 1 else " in colour"
    said = [f"Weights of {bank.row.path} as {kind}, {shape} each, from {weights.min():.2g} to {weights.max():.2g}"]
    if (alike := smoothness(weights)) is not None:
        seen = "even shapes" if alike > 0.5 else "rough shapes" if alike > 0.2 else "nothing but noise to the eye"
        said.append(f"Weights beside each other correlate by {alike:.2f}: {seen}")
    return ". ".join(said) + "."


def smoothness(weights: NDArray[np.float32]) -> float | None:
    """How weights (filter, height, width, channel) beside each other correlate; None where none are, or all alike."""
    pairs = [(weights[:, 1:], weights[:, :-1]), (weights[:, :, 1:], weights[:, :, :-1])]
    one, other = (np.concatenate([pair[at].ravel() for pair in pairs]) for at in (0, 1))
    if one.size < 2 or not one.std() or not other.std():
        return None
    return float(np.corrcoef(one, other)[0, 1])


def mistakes(found: Mistakes) -> str:
    """What the surest mistakes are."""
    rows = mistaken(found).rows
    listed = ", ".join(f"{true} taken for {taken}" for _, true, taken, _ in rows[:LISTED])
    more = " and others" * (len(rows) > LISTED)
    return f"{len(rows)} image{'s' * (len(rows) > 1)}, the surest mistake first: {listed}{more}."


def mistaken(found: Mistakes) -> Table:
    """A row a mistake."""
    names, labels = found.data.facts.classes, found.data.split.labels
    rows = [
        (f"#{place}", names[labels[place]], names[label], sure(float(probability)))
        for place, label, probability in zip(found.places, found.predicted, found.probabilities, strict=True)
    ]
    return Table("The mistakes in words", ("image", "class", "taken for", "probability"), rows)


def neighbours(found: Neighbours) -> str:
    """What stands in a line, and how many frames say that the class is the same."""
    queries, k = found.found[0].shape
    said = f"{queries} images, a line each, beside their {k} nearest by pixels and their {k} nearest by features."
    if found.shown:
        pixels, features = found.shown
        said += f" Framed as of the same class are {pixels} by pixels and {features} by features."
    return said


def near(found: Neighbours) -> Table:
    """A row a query, with the classes of its neighbours."""
    names, labels = found.data.facts.classes, found.data.split.labels
    rows = [
        (name, *(", ".join(names[labels[place]] for place in one[at]) for one in found.found))
        for at, name in enumerate(found.queries.names)
    ]
    return Table("The neighbours' classes, near first", ("image", "by pixels", "by features"), rows)


def patches(found: Patches) -> str:
    """What stands in a line, and of which classes the patches are."""
    row = found.excited.row
    each = "map" if len(row.output) == 3 else "unit"
    lines = f"{len(found.found)} lines, one for each of some {each}s of {row.path}"
    said = f"{lines}: on the left the patches that excite it most, on the right what goes back to them."
    first = (f"{name}: {Counter(one.label for one in cut).most_common(1)[0][0]}" for name, cut in found.found.items())
    return f"{said} The most frequent class in each, {'; '.join(first)}."


def exciting(found: Patches) -> Table:
    """A row a map: the classes of its patches and its activations."""
    rows = [
        (name, _classes(one), f"{one[0].value:.3g} to {one[-1].value:.3g}" if len(one) > 1 else f"{one[0].value:.3g}")
        for name, one in found.found.items()
    ]
    return Table("The patches' classes", ("map", "classes, with their patches", "activations"), rows)


def _classes(found: Sequence[Patch]) -> str:
    return ", ".join(f"{label} ({count})" for label, count in Counter(one.label for one in found).most_common())


def saliency(explained: Explained) -> str:
    """What stands in a line, and what each image is predicted as."""
    methods = ", ".join(TITLES[method] for method in explained.maps)
    predicted = (
        f"{name} predicted as {explained.classes[label]}"
        for name, label in zip(explained.picked.names, explained.predicted, strict=True)
    )
    return f"{len(explained.picked.names)} images, a line each, beside maps by {methods}: {', '.join(predicted)}."


def salient(explained: Explained) -> Table:
    """A row an image: where each method's map is, and how much of the image it covers."""
    flats = {method: flat(maps, False) for method, maps in explained.maps.items()}
    rows = [
        (f"{name}, predicted as {explained.classes[label]}", *(where(values[at]) for values in flats.values()))
        for at, (name, label) in enumerate(zip(explained.picked.names, explained.predicted, strict=True))
    ]
    caption = "Where each map has its middle, and half of its weight on how much of the image"
    return Table(caption, ["image", *(TITLES[method] for method in flats)], rows)


def where(values: NDArray[np.float32]) -> str:
    """Where the middle of the magnitudes (height, width) is, and on how much of the image half of their sum is."""
    sizes = np.abs(values, dtype=np.float64)
    if not (total := sizes.sum()):
        return "all zero"
    down, across = (float(sizes.sum(1 - axis) @ _centres(sizes.shape[axis])) / total for axis in (0, 1))
    place = f"{_third(down, 'top', 'bottom')} {_third(across, 'left', 'right')}".strip() or "middle"
    half = int(np.searchsorted(np.sort(sizes, axis=None)[::-1].cumsum(), total / 2)) + 1
    return f"{place}, half on {half / sizes.size:.0%}"


def _centres(side: int) -> NDArray[np.float64]:
    return (np.arange(side) + 0.5) / side


def _third(share: float, before: str, behind: str) -> str:
    # The middle of a map with some weight everywhere is near the image's: less than a third off means something.
    return before if share < 0.42 else behind if share > 0.58 else ""
