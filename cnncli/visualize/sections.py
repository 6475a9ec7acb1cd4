"""The sections of a run's report: each method as its command shows it, and the same in words.

A method that makes no sense for a run has its own sentence, which says why, in place of a picture.
"""

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from matplotlib.figure import Figure

from cnncli.data.dataset import Loaded
from cnncli.drawing import sheet
from cnncli.drawing.figure import encoded
from cnncli.drawing.sheet import Sheet
from cnncli.errors import DataError, ExpectedNo, UsageError
from cnncli.evaluation.metrics import Evaluation
from cnncli.runs.metrics import Metrics, points
from cnncli.sizing.size import size
from cnncli.visualize import alternatives, confusion, curves, filters, patches, picked, saliency
from cnncli.visualize.attribution import TITLES, Explainer, How, lacking, patch, weighable
from cnncli.visualize.excited import excited, looked_at
from cnncli.visualize.features import Layer
from cnncli.visualize.mistakes import mistakes
from cnncli.visualize.neighbours import neighbours
from cnncli.visualize.report import Picture, Section, Table
from cnncli.visualize.subject import Subject, not_relu

# Mistakes, queries and neighbours of each, and images that are explained.
MISTAKES, QUERIES, NEIGHBOURS, EXPLAINED = 20, 10, 5, 4

# Some of the methods that the command knows: one by slopes, two of its refinements, one by maps, one by trying.
ATTRIBUTIONS = ("gradient", "guided", "smoothgrad", "grad-cam", "occlusion")


@dataclass(frozen=True)
class Looked:
    """A run that is reported on: where it is, its network and data, how it was trained, what it gave on a split.

    `best` is the epoch of its checkpoint, None where none was chosen; `about` is where its pictures come from.
    """

    run: str
    split: str
    subject: Subject
    data: Loaded
    metrics: Metrics
    best: int | None
    result: Evaluation
    seed: int
    about: Mapping[str, str]

    def picture(self, figure: Figure, seen: str, note: str = "") -> Picture:
        """A figure as a picture of the page."""
        return Picture(encoded(figure, about=self.about), seen, note)

    def sheet(self, found: Sheet, seen: str) -> Picture:
        """A sheet as a picture, its note as text of the page."""
        return self.picture(sheet.drawn(replace(found, title="", note="")), seen, found.note)


# What a section says, its picture and the same as a table.
Parts = tuple[Sequence[str], Picture, Table | None]


def section(name: str, looked: Looked) -> Section:
    """One of SECTIONS for a run."""
    title, make = SECTIONS[name]
    command = shlex.join(["cnncli", "visualize", name, looked.run])
    try:
        said, picture, table = make(looked)
    except (UsageError, DataError, ExpectedNo) as why:
        return Section(name, title, [_sentence(str(why))])
    return Section(name, title, [_sentence(one) for one in said], picture, table, command)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].removesuffix('.')}."


def _curves(looked: Looked) -> Parts:
    if not looked.metrics:
        raise ExpectedNo("this run has no metrics, and so no curves")
    held = any(points(looked.metrics, key) for key in ("val_loss", "val_accuracy"))
    said = [] if held else ["nothing was held out: there are no curves of validation, and the last epoch was kept"]
    figure = curves.drawn(looked.metrics, best=looked.best)
    picture = looked.picture(figure, alternatives.curves(looked.metrics))
    return said, picture, alternatives.epochs(looked.metrics)


def _confusion(looked: Looked) -> Parts:
    result = looked.result
    said = [f"{result.correct:,} of the {result.count:,} images of {looked.data.facts.name} {looked.split} are right"]
    note = "True classes down, predicted classes across; each row is coloured by its shares."
    figure = confusion.drawn(result.confusion, result.classes)
    return said, looked.picture(figure, alternatives.confusion(result), note), alternatives.classes(result)


def _mistakes(looked: Looked) -> Parts:
    network, of = looked.subject.network, len(looked.data.split.labels)
    # Of a network that takes minutes for the split, which was evaluated once already, some images.
    among = looked_at(network, size(network).main[-1], None, of, looked.seed)
    found = mistakes(looked.subject, looked.data, MISTAKES, among=among)
    which = f"{found.images:,} images" + f" of {of:,}, drawn by chance" * (found.images < of)
    if not found.total:
        raise ExpectedNo(f"there is no mistake among {which}")
    said = [f"the {len(found.places)} surest of {found.total:,} mistakes on {which}"]
    picture = looked.sheet(found.sheet(""), alternatives.mistakes(found))
    return said, picture, alternatives.mistaken(found)


def _filters(looked: Looked) -> Parts:
    found = filters.bank(looked.subject, filters.choose(looked.subject.network, None))
    return [], looked.sheet(filters.sheet(found, None, "image", ""), alternatives.filters(found)), None


def _patches(looked: Looked) -> Parts:
    subject, images = looked.subject, looked.data.split.images
    row = patches.layer_of(subject.network, None)
    places = looked_at(subject.network, row, None, len(images), looked.seed)
    rule = "gradient" if not_relu(subject.network) else "guided"
    found = patches.patches(subject, looked.data, excited(subject, images, row, places), rule)
    said = [f"what excites {row.path} most"]
    return said, looked.sheet(found.sheet(""), alternatives.patches(found)), alternatives.exciting(found)


def _saliency(looked: Looked) -> Parts:
    subject, network = looked.subject, looked.subject.network
    reasons = {method: lacking(network, method) for method in ATTRIBUTIONS}
    methods = [method for method, reason in reasons.items() if not reason]
    window, stride = patch(network.input, None, None)
    how = How(weighable(network, None), window=window, stride=stride, seed=looked.seed)
    images, look = picked.drawn(looked.data, EXPLAINED, looked.seed), saliency.Look()
    found = saliency.explain(Explainer(subject, how), images, methods)
    said = [f"what the score of {found.whose} comes from, in {len(images.names)} images of the {looked.split} split"]
    said += [f"{TITLES[method]} is left out: it is {reason}" for method, reason in reasons.items() if reason]
    drawn = saliency.sheet(found, look, "", saliency.note(found, how, look))
    return said, looked.sheet(drawn, alternatives.saliency(found)), alternatives.salient(found)


def _neighbours(looked: Looked) -> Parts:
    subject, data = looked.subject, looked.data
    queries = picked.drawn(data, min(QUERIES, len(data.facts.classes)), looked.seed)
    layer = Layer.of(subject.network, None)
    found = neighbours(subject, data, queries, layer, NEIGHBOURS, None, looked.seed)
    return [], looked.sheet(found.sheet(""), alternatives.neighbours(found)), alternatives.near(found)


SECTIONS: dict[str, tuple[str, Callable[[Looked], Parts]]] = {
    "curves": ("Training curves", _curves),
    "confusion": ("Confusion matrix", _confusion),
    "mistakes": ("Surest mistakes", _mistakes),
    "filters": ("Filters", _filters),
    "patches": ("Exciting patches", _patches),
    "saliency": ("Attributions", _saliency),
    "neighbours": ("Nearest neighbours", _neighbours),
}
