"""`cnncli visualize saliency`: where in an image a network's decision comes from, by the literature's methods."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cnncli.commands import options
from cnncli.commands.source import Source
from cnncli.commands.visualize.looking import (
    Checkpoint,
    ClassName,
    Count,
    DataDir,
    Dataset,
    Force,
    ImageFiles,
    Index,
    Layer,
    Out,
    Place,
    Seed,
    Split,
    View,
    look,
    shown,
    target,
)
from cnncli.errors import UsageError, nearest

if TYPE_CHECKING:
    from cnncli.networks.network import Network
    from cnncli.visualize.attribution import Explainer
    from cnncli.visualize.saliency import Explained, Look

HOW = "How methods look"

NORMS, BASELINES = ("image", "shared", "none"), ("black", "grey", "white")

# Images without a word about how many: fewer of a network of more multiply-adds.
FEW, MANY, LARGE = 4, 8, 200_000_000

Methods = Annotated[
    str | None,
    typer.Option(
        "--by",
        metavar="METHOD,...",
        help="gradient, guided, deconv, smoothgrad, integrated, grad-cam, occlusion. Default: all that make sense.",
    ),
]
Signed = Annotated[bool, typer.Option("--signed", metavar="", help="Show what speaks for and against, in two colours.")]
Norm = Annotated[
    str,
    typer.Option("--norm", metavar="image|shared|none", help="Scale each map by itself, a column alike, or all alike."),
]
Saved = Annotated[Path | None, typer.Option("--save", metavar="FILE.npz", help="Write the maps' values, too.")]
Sanity = Annotated[
    bool,
    typer.Option("--sanity", metavar="", help="Draw what is left of the maps as layers' weights are drawn anew."),
]
Window = Annotated[
    int | None,
    typer.Option("--window", min=1, help="Occlusion's patch. Default: a quarter of the image.", rich_help_panel=HOW),
]
Stride = Annotated[
    int | None, typer.Option("--stride", min=1, help="How far the patch moves at a time.", rich_help_panel=HOW)
]
Samples = Annotated[int, typer.Option("--samples", min=1, help="SmoothGrad's noisy images.", rich_help_panel=HOW)]
Noise = Annotated[
    float, typer.Option("--noise", min=0, help="Their noise, as a share of the pixels' range.", rich_help_panel=HOW)
]
Steps = Annotated[
    int, typer.Option("--steps", min=1, help="Of integrated gradients, from the baseline.", rich_help_panel=HOW)
]
Baseline = Annotated[
    str, typer.Option("--baseline", metavar="black|grey|white", help="Where these start.", rich_help_panel=HOW)
]


def saliency(
    run: options.RunPath,
    by: Methods = None,
    label: ClassName = None,
    signed: Signed = False,
    norm: Norm = "image",
    layer: Layer = None,
    sanity: Sanity = False,
    image: ImageFiles = None,
    index: Index = None,
    count: Count = None,
    window: Window = None,
    stride: Stride = None,
    samples: Samples = 50,
    noise: Noise = 0.15,
    steps: Steps = 64,
    baseline: Baseline = "black",
    save: Saved = None,
    out: Out = None,
    force: Force = False,
    seed: Seed = 0,
    split: Split = "test",
    dataset: Dataset = None,
    data_dir: DataDir = None,
    checkpoint: Checkpoint = None,
    device: options.Device = None,
    offline: options.Offline = False,
) -> None:
    """Which places of images speak for the predicted class, or for --class, by several methods side by side.

    cnncli visualize saliency runs/lenet5-mnist-1     cnncli visualize saliency RUN --by gradient,grad-cam --image china
    """
    path = target(out, run, "sanity" if sanity else "saliency", force)
    kept = target(save, run, "saliency", force, ".npz", option="--save") if save else None
    _check(norm, baseline, noise)
    view = look(run, "saliency", Place(checkpoint, dataset, split, Source(data_dir, device, offline)), seed)
    from cnncli.visualize import saliency as pictures
    from cnncli.visualize.attribution import PIXELS, Explainer, How, patch

    network = view.subject.network
    methods, left_out = _methods(by, network)
    of, sizes = _maps_of(layer, methods, network), patch(network.input, window, stride)
    explainer = Explainer(view.subject, How(of, samples, noise, PIXELS[baseline], steps, *sizes, seed))
    wanted = None if label is None else view.subject.label(label)
    picked = view.picked(count or _count(network), image, index)
    explained = pictures.explain(explainer, picked, methods, wanted)
    draw = _draw_sanity if sanity else _draw
    more, said = draw(view, explainer, explained, pictures.Look(signed, norm), path)
    if kept:
        pictures.save(explained, kept, view.about, more)
    shown(path, *left_out, *said, *([f"the maps' values are in {kept}"] if kept else []))


def _draw(
    view: View, explainer: "Explainer", explained: "Explained", look: "Look", path: Path
) -> tuple[dict[str, Any], list[str]]:
    """Draw the maps; nothing more to save, and what is to be said."""
    from cnncli.drawing import sheet
    from cnncli.visualize import saliency as pictures

    title = f"{view.name}: what the score of {explained.whose} comes from"
    note = pictures.note(explained, explainer.how, look)
    sheet.draw(pictures.sheet(explained, look, title, note), path, view.about)
    return {}, pictures.words(explained)


def _draw_sanity(
    view: View, explainer: "Explainer", explained: "Explained", look: "Look", path: Path
) -> tuple[dict[str, Any], list[str]]:
    """Draw what is left of the maps; the correlations, and what they say."""
    from cnncli.visualize import sanity

    tested = sanity.sanity(explainer, explained, look.signed)
    title = f"{view.name}: what is left of the maps of {explained.whose} without what was learned"
    sanity.draw(tested, explained, path, title, view.about)
    return sanity.arrays(tested), sanity.words(tested)


def _check(norm: str, baseline: str, noise: float) -> None:
    """Refuse what is none of the words or numbers that there are."""
    for option, word, known in (("--norm", norm, NORMS), ("--baseline", baseline, BASELINES)):
        if word not in known:
            raise UsageError(f"{option} is '{word}'; expected {', '.join(known[:-1])} or {known[-1]}")
    if not 0 <= noise < 100:
        raise UsageError(f"--noise is {noise}; expected a share of the pixels' range such as 0.15")


def _methods(by: str | None, network: "Network") -> tuple[list[str], list[str]]:
    """The methods asked for, or all that make sense; and a sentence about those left out, if any are."""
    from cnncli.visualize.attribution import METHODS, lacking

    reasons = {method: reason for method in METHODS if (reason := lacking(network, method))}
    sensible = [method for method in METHODS if method not in reasons]
    if by is None:
        those: dict[str, list[str]] = {}
        for method, reason in reasons.items():
            those.setdefault(reason, []).append(method)
        parts = [f"{' and '.join(methods)} ({reason})" for reason, methods in those.items()]
        return sensible, [f"left out: {'; '.join(parts)}"] if parts else []
    chosen = list(dict.fromkeys(word.strip() for word in by.split(",")))
    for method in chosen:
        if method not in METHODS:
            raise UsageError(f"--by: no method '{method}'{nearest(method, METHODS)}")
        if method in reasons:
            raise UsageError(
                f"--by: {method} is {reasons[method]}; expected {_all(sensible)}, or a network such as lenet5-modern"
            )
    return chosen, []


def _all(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} or {last}"


def _maps_of(layer: str | None, methods: Sequence[str], network: "Network") -> str:
    """The layer whose maps Grad-CAM weighs. Raises UsageError for one that no method looks at."""
    from cnncli.visualize.attribution import weighable

    path = weighable(network, layer)
    if layer and "grad-cam" not in methods:
        raise UsageError(f"--layer is Grad-CAM's, and --by is {','.join(methods)}; expected grad-cam among them")
    return path


def _count(network: "Network") -> int:
    from cnncli.sizing.size import size

    return FEW if size(network).totals.macs > LARGE else MANY
