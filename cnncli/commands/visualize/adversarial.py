"""`cnncli visualize adversarial`: images changed a little so that the network says something else."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cnncli.commands import options
from cnncli.commands.source import Source
from cnncli.commands.visualize import looking
from cnncli.commands.visualize.looking import Place, View, look, shown, target
from cnncli.console import terminal
from cnncli.errors import UsageError

if TYPE_CHECKING:
    from cnncli.visualize.adversarial import Plan

# How many images a sheet shows and a curve counts, unless one says.
SHOWN, COUNTED = 8, 1000

HOW, CURVE = "How to attack", "Accuracy against epsilon"

By = Annotated[
    str | None,
    typer.Option(
        "--by",
        metavar="fgsm|pgd|ascent,...",
        help="One or several. Default: pgd; for a curve fgsm,pgd.",
        rich_help_panel=HOW,
    ),
]
BallName = Annotated[str, typer.Option("--ball", metavar="linf|l2", help="What is held small.", rich_help_panel=HOW)]
Epsilon = Annotated[
    str | None,
    typer.Option(
        "--epsilon",
        metavar="E",
        help="Radius, 1 is a pixel's whole range. Default: 8/255, of grey images 0.25; for l2 by size.",
        rich_help_panel=HOW,
    ),
]
Steps = Annotated[
    int | None,
    typer.Option("--steps", min=1, help="Default: 10 of pgd, at most 200 of ascent.", rich_help_panel=HOW),
]
TargetName = Annotated[
    str | None,
    typer.Option(
        "--target",
        metavar="CLASS",
        help="What images shall be taken for. Default: any other class; for ascent the likeliest other.",
        rich_help_panel=HOW,
    ),
]
Curve = Annotated[
    bool,
    typer.Option("--curve", metavar="", help="Draw accuracy against epsilon over a split.", rich_help_panel=CURVE),
]
Epsilons = Annotated[
    str | None, typer.Option("--epsilons", metavar="E,...", help="The curve's radii; draws it.", rich_help_panel=CURVE)
]


def adversarial(
    run: options.RunPath,
    by: By = None,
    ball: BallName = "linf",
    epsilon: Epsilon = None,
    steps: Steps = None,
    wanted: TargetName = None,
    curve: Curve = False,
    epsilons: Epsilons = None,
    image: looking.ImageFiles = None,
    index: looking.Index = None,
    label: looking.ClassName = None,
    count: looking.Count = None,
    seed: looking.Seed = 0,
    split: looking.Split = "test",
    dataset: looking.Dataset = None,
    data_dir: looking.DataDir = None,
    checkpoint: looking.Checkpoint = None,
    out: looking.Out = None,
    force: looking.Force = False,
    device: options.Device = None,
    offline: options.Offline = False,
    json: options.Json = False,
) -> None:
    """Images changed a little so that the network takes them for something else; or its accuracy under attack.

    cnncli visualize adversarial RUN --by fgsm,pgd     cnncli visualize adversarial RUN --curve --ball l2
    """
    curve = curve or epsilons is not None
    if curve and (image or index or label):
        raise UsageError("a curve is about a whole split; leave --image, --index and --class out, --count is how many")
    attacks = _attacks(by or ("fgsm,pgd" if curve else "pgd"), curve, epsilon)
    _check_ball(ball)
    radii = None if epsilons is None else [_radius(word, "--epsilons", ball, 0) for word in epsilons.split(",")]
    radius = None if epsilon is None else _radius(epsilon, "--epsilon", ball)
    if radii is not None and not any(radii):
        raise UsageError("--epsilons: 0 is no attack; expected a larger radius besides, such as 0,0.02")
    if radii and radius:
        raise UsageError("--epsilon is the largest of the radii in --epsilons; expected one of them")
    path = target(out, run, "adversarial-curve" if curve else "adversarial", force)
    view = look(run, "adversarial", Place(checkpoint, dataset, split, Source(data_dir, device, offline)), seed)
    plans = _plans(view, attacks, ball, radius, wanted, steps)
    if curve:
        _draw_curve(view, plans, radii, count or COUNTED, path, json)
    else:
        _draw_sheet(view, plans, count or SHOWN, (image, index, label), path, json)


def _attacks(text: str, curve: bool, epsilon: str | None) -> list[str]:
    """The attacks of `--by`, each once, in their order."""
    from cnncli.visualize.attacks import ATTACKS

    found = list(dict.fromkeys(word.strip() for word in text.split(",")))
    for word in found:
        if word not in ATTACKS:
            raise UsageError(f"--by is '{text}'; expected some of {', '.join(ATTACKS)}")
    if "ascent" in found and curve:
        raise UsageError("--by ascent has no ball, so there is no epsilon to draw against; expected fgsm, pgd or both")
    if found == ["ascent"] and epsilon is not None:
        raise UsageError("--epsilon is about the balls of fgsm and pgd; ascent goes on until the target is reached")
    return found


def _check_ball(ball: str) -> None:
    from cnncli.visualize.attacks import BALLS

    if ball not in BALLS:
        raise UsageError(f"--ball is '{ball}'; expected {' or '.join(BALLS)}")


def _radius(text: str, option: str, ball: str, least: float = 1e-6) -> float:
    """A share such as `0.03` or `8/255`."""
    above, _, below = text.strip().partition("/")
    try:
        radius = float(above) / float(below or 1)
    except (ValueError, ZeroDivisionError):
        radius = -1.0
    most = 1 if ball == "linf" else 1000
    if not least <= radius <= most:
        raise UsageError(f"{option}: '{text}' is no radius; expected a number up to {most}, such as 0.03 or 8/255")
    return radius


def _plans(
    view: View, attacks: list[str], norm: str, radius: float | None, wanted: str | None, steps: int | None
) -> list["Plan"]:
    from cnncli.visualize.adversarial import Plan
    from cnncli.visualize.attacks import STEPS, Ball, usual

    if len(view.facts.classes) < 2:
        raise UsageError(f"{view.name} tells a single class; expected a network that has others to take an image for")
    aim = None if wanted is None else view.subject.label(wanted, "--target")
    ball = Ball(norm, usual(norm, view.subject.network.input) if radius is None else radius)
    if steps is not None and attacks == ["fgsm"]:
        raise UsageError("--steps is for pgd and ascent; fgsm makes a single one")
    return [Plan(by, ball, aim, (by != "fgsm" and steps) or STEPS[by]) for by in attacks]


def _draw_sheet(
    view: View,
    plans: list["Plan"],
    count: int,
    which: tuple[list[str] | None, str | None, str | None],
    path: Path,
    json: bool,
) -> None:
    from cnncli.console import adversarial as documents
    from cnncli.drawing import sheet
    from cnncli.visualize import adversarial
    from cnncli.visualize.judge import Judge

    judge, aim, chosen = Judge(view.subject), plans[0].target, any(which)
    picked = view.picked(count if chosen or aim is None else 2 * count, *which)
    if aim is not None and not (which[0] or which[1]):
        picked = adversarial.without(picked, aim, count)
    before = adversarial.originals(judge, picked)
    attempts = [adversarial.attempt(judge, before, picked.labels, plan, view.seed) for plan in plans]
    classes = view.facts.classes
    aimed = "" if aim is None else f", to be taken for '{classes[aim]}'"
    title = f"{view.name}: {', '.join(plan.words for plan in plans)}{aimed}"
    drawn = adversarial.sheet(picked.names, picked.labels, before, attempts, classes, title)
    sheet.draw(drawn, path, view.about)
    said = adversarial.sentences(picked.labels, before, attempts, classes)
    _tell(path, said, documents.images(picked, before, attempts, classes) if json else None, view)


def _draw_curve(view: View, plans: list["Plan"], radii: list[float] | None, count: int, path: Path, json: bool) -> None:
    from cnncli.console import adversarial as documents
    from cnncli.visualize import epsilons
    from cnncli.visualize.judge import Judge

    aim = plans[0].target
    split = epsilons.chosen(view.data, count, aim, view.seed)
    largest = plans[0].ball.radius
    rising = sorted({radius for radius in radii or [share * largest for share in epsilons.SHARES] if radius > 0})
    judge = Judge(view.subject)
    curves = [epsilons.measured(judge, split, plan, rising, view.seed) for plan in plans]
    classes, where = view.facts.classes, {"dataset": view.dataset, "split": view.place.split}
    aimed = "" if aim is None else f", target '{classes[aim]}', whose own images are left out"
    title = f"{view.name}, {view.dataset} {view.place.split}: accuracy under attack{aimed}"
    epsilons.draw(curves, path, title, view.about)
    _tell(path, epsilons.sentences(curves), {**where, **documents.curves(curves, classes)} if json else None, view)


def _tell(path: Path, said: list[str], document: dict[str, object] | None, view: View) -> None:
    """The picture's path, or a document that has it, as the result."""
    if document is None:
        shown(path, *said)
        return
    where = {"picture": str(path), "run": str(view.folder.path), "checkpoint": view.slot, "seed": view.seed}
    for sentence in said:
        terminal.say(sentence)
    terminal.document({"schema": "cnncli.adversarial/1", **where, **document})
