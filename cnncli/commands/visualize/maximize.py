"""`cnncli visualize maximize`: images that a network answers most strongly."""

from collections import Counter
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cnncli.commands import options
from cnncli.commands.source import Source
from cnncli.commands.visualize import climbing, looking
from cnncli.commands.visualize.climbing import HOW, NATURAL
from cnncli.commands.visualize.looking import Place, View, look, numbers, shown, target
from cnncli.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cnncli.visualize.ascent import Ascent
    from cnncli.visualize.maximize import Targets

# Where one can start, in words.
STARTS = {"noise": "noise", "zero": "zero", "mean": "the mean image", "facet": "the means of facets"}
WHAT = "What is maximized"

# How many images by default, and of how many values each has the network fewer of them.
MANY, FEW, LARGE = 10, 4, 128 * 128 * 3
FACETS = 4


Classes = Annotated[
    list[str] | None,
    typer.Option("--class", metavar="CLASS", help="A name or number; may be repeated.", rich_help_panel=WHAT),
]
Layer = Annotated[
    str | None,
    typer.Option("--layer", metavar="PATH", help="Units of a layer, as cnncli size prints it.", rich_help_panel=WHAT),
]
Unit = Annotated[
    str | None, typer.Option("--unit", metavar="N,...", help="Which. Default: the first.", rich_help_panel=WHAT)
]
Middle = Annotated[
    bool, typer.Option("--middle", metavar="", help="The unit in the middle of a map.", rich_help_panel=WHAT)
]
Start = Annotated[
    str | None, typer.Option("--start", metavar="|".join(STARTS), help="Default: noise.", rich_help_panel=HOW)
]
Facets = Annotated[
    int | None,
    typer.Option("--facets", min=1, max=10, help="An image from each facet of a class.", rich_help_panel=HOW),
]
L2 = Annotated[float, typer.Option("--l2", min=0, help="Weight of squared pixels.", rich_help_panel=NATURAL)]
Blurred = Annotated[
    float, typer.Option("--blur", min=0, help="Deviation in pixels, such as 0.5.", rich_help_panel=NATURAL)
]
Every = Annotated[int, typer.Option("--every", min=1, help="Steps from blur to blur.", rich_help_panel=NATURAL)]
Decay = Annotated[float, typer.Option("--decay", min=0, max=1, help="Share lost in a step.", rich_help_panel=NATURAL)]
Centred = Annotated[
    float,
    typer.Option("--centre", min=0, help="Weigh steps by a Gaussian of this share of sides.", rich_help_panel=NATURAL),
]


def maximize(
    run: options.RunPath,
    label: Classes = None,
    layer: Layer = None,
    unit: Unit = None,
    middle: Middle = False,
    start: Start = None,
    facets: Facets = None,
    steps: climbing.Steps = 200,
    rate: climbing.Rate = 0.05,
    tv: climbing.Variation = 0.5,
    l2: L2 = 0.0,
    jitter: climbing.Jitter = None,
    blur: Blurred = 0.0,
    every: Every = 10,
    decay: Decay = 0.0,
    centre: Centred = 0.0,
    seed: looking.Seed = 0,
    split: looking.Split = "test",
    dataset: looking.Dataset = None,
    data_dir: looking.DataDir = None,
    checkpoint: looking.Checkpoint = None,
    out: climbing.Out = None,
    force: looking.Force = False,
    device: options.Device = None,
    offline: options.Offline = False,
) -> None:
    """Images that raise the score of a class, or of any unit, as far as it goes.

    cnncli visualize maximize RUN --out classes.gif     cnncli visualize maximize RUN --class cat --facets 4
    """
    start = _start(start, facets, layer)
    _check(layer, unit, middle, label)
    path = target(out, run, "maximize", force, ".png", ".gif")
    view = look(run, "maximize", Place(checkpoint, dataset, split, Source(data_dir, device, offline)), seed)

    from cnncli.visualize.ascent import Ascent
    from cnncli.visualize.regularizers import Blur, Centre, Power, TotalVariation

    pulls = (*((TotalVariation(tv, 1.5),) if tv else ()), *((Power(l2),) if l2 else ()))
    roll = climbing.jitter(jitter, view.subject.network)
    blurred, weights = Blur(blur, every) if blur else None, Centre(centre) if centre else None
    how = Ascent(steps, rate, pulls, roll, blurred, decay, weights)
    each = (facets or FACETS) if start == "facet" else 1
    _draw(view, _targets(view, label, layer, unit, middle, each), how, start, path)


def _start(start: str | None, facets: int | None, layer: str | None) -> str:
    """Where to start."""
    if start is not None and start not in STARTS:
        raise UsageError(f"--start is '{start}'; expected one of {', '.join(STARTS)}")
    if facets and start not in (None, "facet"):
        raise UsageError(f"--facets starts from facets of a class, --start is {start}; expected one of them")
    found = start or ("facet" if facets else "noise")
    if found == "facet" and layer:
        raise UsageError("facets are those of a class; leave --layer out, or expected --start mean")
    return found


def _check(layer: str | None, unit: str | None, middle: bool, label: list[str] | None) -> None:
    """Refuse a mixture of classes and units."""
    if layer and label:
        raise UsageError("--class is for classes, --layer for units of a layer; expected one of them")
    if not layer and (unit or middle):
        raise UsageError("--unit and --middle are for units of a layer; expected --layer besides")


def _targets(
    view: View, label: list[str] | None, layer: str | None, unit: str | None, middle: bool, each: int
) -> "Targets":
    """What is maximized; `each` image of a class starts from a facet of it."""
    from cnncli.visualize import maximize

    subject = view.subject
    many = FEW if prod(subject.network.input) > LARGE else MANY
    if layer:
        return maximize.units(subject, layer, numbers(unit, "--unit") if unit else (), middle, many)
    labels = [subject.label(word) for word in label or ()] or range(min(many, len(view.facts.classes)))
    return maximize.classes(subject, labels, each)


def _starts(view: View, targets: "Targets", start: str) -> "NDArray[np.uint8] | None":
    """The images that are started from, where there are any."""
    import numpy as np

    from cnncli.visualize import maximize

    match start:
        case "mean" if targets.labels:
            return np.stack([maximize.mean(view.data, label) for label in targets.labels])
        case "mean":
            return np.repeat(maximize.mean(view.data)[None], len(targets.names), axis=0)
        case "facet":
            labels, each = list(dict.fromkeys(targets.labels)), Counter(targets.labels)
            found = (maximize.facets(view.subject, view.data, label, each[label], view.seed) for label in labels)
            return np.concatenate(list(found))
        case _:
            return None


def _draw(view: View, targets: "Targets", how: "Ascent", start: str, path: Path) -> None:
    from cnncli.drawing.sheet import Sheet
    from cnncli.visualize import maximize
    from cnncli.visualize.ascent import climb, span, words

    starts = _starts(view, targets, start)
    begin = maximize.begin(view.subject, len(targets.names), starts, start == "noise", view.seed)
    found = climb(view.subject, targets.objective, begin, how, view.seed, climbing.frames(path))
    rose = f"scores of {span(found.scores[0])} became {span(found.scores[-1])}"
    about = Sheet([], f"{view.name}: images that raise {targets.what}", f"from {STARTS[start]}; {words(how)}; {rose}")
    # What is started from is shown as the network sees it, with its padding.
    before = None if starts is None else view.subject.pixels(view.subject.seen(starts))
    climbing.draw(maximize.sheets(view.subject, targets, found, before, about), path, view.about)
    shown(path, *filter(None, [f"In {how.steps} steps {rose}.", maximize.dead(targets, found)]))
