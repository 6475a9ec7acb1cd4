"""`cnncli train`: from names to a run folder."""

from pathlib import Path
from typing import Annotated

import typer

from cnncli.commands import opened, options, rehearsal, reproducing
from cnncli.commands.running import Way, conclude, require, run, verdict_of, way
from cnncli.commands.source import Source
from cnncli.commands.task import Request, finished, going_on, new
from cnncli.console import terminal
from cnncli.errors import UsageError
from cnncli.runs.folder import RunFolder

REHEARSAL, TUNING = "Before training", "A network that is trained already"

NetworkName = Annotated[
    str | None,
    typer.Argument(
        metavar="NETWORK", help="A catalogued name or FILE.toml[:NAME].", autocompletion=options.complete_network
    ),
]
RecipeName = Annotated[str | None, typer.Option("--recipe", help="A built-in name or FILE.toml[:NAME].")]
Epochs = Annotated[int | None, typer.Option("--epochs", help="How often to see each image.")]
BatchSize = Annotated[int | None, typer.Option("--batch-size", help="Images a step.")]
Rate = Annotated[
    str | None, typer.Option("--lr", metavar="RATE", help="Highest learning rate; or of groups: head=0.1,rest=0.001.")
]
OptimizerName = Annotated[
    str | None, typer.Option("--optimizer", metavar="NAME", help="sgd, adam, adamw, lion, muon and others.")
]
Seed = Annotated[int | None, typer.Option("--seed", help="Of weights, order, augmentation and dropout.")]
Precision = Annotated[str | None, typer.Option("--precision", help="float32 or bfloat16.")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Anything else: optimizer.momentum=0.95.")
]
Augmentation = Annotated[str | None, typer.Option("--augment", help='Changes to images: "crop(padding=4), mirror".')]
Only = Annotated[str | None, typer.Option("--only", metavar="CLASS,...", help="Of the dataset these classes.")]
PerClass = Annotated[int | None, typer.Option("--per-class", min=1, help="Of each class so many training images.")]
From = Annotated[
    Path | None,
    typer.Option("--from", metavar="RUN|WEIGHTS", help="Start from a trained network.", rich_help_panel=TUNING),
]
Freeze = Annotated[
    str | None,
    typer.Option(
        "--freeze",
        metavar="LAYERS",
        help="all-but-head, a layer or group (all up to it), or a pattern: conv*.",
        rich_help_panel=TUNING,
    ),
]
Thaw = Annotated[
    str | None,
    typer.Option(
        "--thaw",
        metavar="LAYERS=EPOCH,...",
        help="Train frozen layers from an epoch on: conv5=4,conv4=8.",
        rich_help_panel=TUNING,
    ),
]
Resume = Annotated[Path | None, typer.Option("--resume", metavar="RUN", help="Go on with a stopped run.")]
Until = Annotated[float | None, typer.Option("--until", help="Stop at this validation accuracy (0.99).")]
MaxTime = Annotated[str | None, typer.Option("--max-time", help="Stop after 90s, 2m or 1h.")]
FailOn = Annotated[
    str | None,
    typer.Option("--fail-on", metavar="VERDICT,...", help="Exit 1 for these: overfit, plateau, ..."),
]
Log = Annotated[str | None, typer.Option("--log", metavar="csv,tensorboard,wandb", help="Write metrics there, too.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", metavar="", help="Show the recipe, sizes and time.", rich_help_panel=REHEARSAL)
]
LrFind = Annotated[
    Path | None,
    typer.Option("--lr-find", metavar="FILE.png", help="Draw the loss at rising rates.", rich_help_panel=REHEARSAL),
]
Reproduce = Annotated[str | None, typer.Option("--reproduce", metavar="CLAIM", help="Check a published figure.")]
Seeds = Annotated[int | None, typer.Option("--seeds", min=1, help="Runs of --reproduce: 5 unless said otherwise.")]

SEEDS = 5


def train(
    network: NetworkName = None,
    dataset: options.DatasetName = None,
    data_dir: options.DataDir = None,
    recipe: RecipeName = None,
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    lr: Rate = None,
    optimizer: OptimizerName = None,
    seed: Seed = None,
    precision: Precision = None,
    augment: Augmentation = None,
    set: Settings = None,
    input: options.Input = None,
    classes: options.Classes = None,
    only: Only = None,
    per_class: PerClass = None,
    start: From = None,
    freeze: Freeze = None,
    thaw: Thaw = None,
    out: options.Out = None,
    resume: Resume = None,
    until: Until = None,
    max_time: MaxTime = None,
    fail_on: FailOn = None,
    log: Log = None,
    dry_run: DryRun = False,
    lr_find: LrFind = None,
    reproduce: Reproduce = None,
    seeds: Seeds = None,
    skip_bad: options.SkipBad = False,
    device: options.Device = None,
    offline: options.Offline = False,
    json: options.Json = False,
) -> None:
    """Train a network; prints the run folder's path.

    cnncli train lenet5 --dataset mnist     cnncli train --resume runs/lenet5-mnist-1
    """
    flags = {"epochs": epochs, "batch_size": batch_size, "optimizer": optimizer, "seed": seed, **_rates(lr)}
    flags |= {"precision": precision, "augment": augment, "only": only, "per_class": per_class}
    flags |= {"freeze": freeze, "thaw": thaw}
    settings = {key: value for key, value in flags.items() if value is not None}
    request = Request(network, dataset, recipe, settings, list(set or []), input, classes, out, start)
    source, how = Source(data_dir, device, offline, skip_bad), way(until, max_time, fail_on, log)
    modes = {"--reproduce": reproduce, "--resume": resume, "--dry-run": dry_run, "--lr-find": lr_find}
    mode = _one([name for name, value in modes.items() if value])
    _check(mode, how, json, seeds, request)
    if reproduce is not None:
        reproducing.reproduce(reproduce, seeds or SEEDS, request, source, how, json)
    elif resume is not None:
        _resume(resume, request, source, how)
    elif dry_run:
        rehearsal.dry_run(request, source, json)
    elif lr_find is not None:
        rehearsal.lr_find(lr_find, request, source)
    else:
        task = new(request, source, how.until is not None)
        conclude(task, run(task, how), how)


def _rates(text: str | None) -> dict[str, float | str]:
    """The settings of a rate, or of rates of groups: the highest, and the shares of it."""
    if text is None:
        return {}
    named = [word.rpartition("=")[::2] for word in text.split(",")]
    try:
        rates = {word.strip(): float(rate) for word, rate in named}
    except ValueError:
        raise UsageError(
            f"--lr is '{text}'; expected a valid number, or those of groups: head=0.1,rest=0.001"
        ) from None
    # As in 0,1 for a tenth, or with a group that comes again.
    if len(rates) < len(named):
        raise UsageError(f"--lr is '{text}'; expected one rate, such as 0.1, or one for each group, and no group twice")
    if list(rates) == [""]:
        if not 0 < (rate := rates[""]) < 1e308:
            raise UsageError(f"--lr is {rate:g}; expected a {'finite ' * (rate >= 1e308)}rate above 0")
        return {"optimizer.lr": rate}
    if "" in rates or "rest" not in rates or not all(0 < rate < 1e308 for rate in rates.values()):
        raise UsageError(f"--lr is '{text}'; expected a rate above 0 for each group, and for the rest: rest=0.001")
    highest = max(rates.values())
    return {
        "optimizer.lr": highest,
        "lr_shares": ", ".join(f"{word}={rate / highest:.12g}" for word, rate in rates.items()),
    }


def _one(modes: list[str]) -> str:
    if len(modes) > 1:
        raise UsageError(f"{' and '.join(modes)} do not go together; give one of them")
    return modes[0] if modes else ""


def _check(mode: str, how: Way, json: bool, seeds: int | None, request: Request) -> None:
    """Refuse what would go unheeded."""
    if json and mode not in ("--dry-run", "--reproduce"):
        raise UsageError("--json belongs to --dry-run and --reproduce; a training prints its run's path")
    if request.start and mode == "--reproduce":
        raise UsageError("--reproduce trains its network from the beginning; leave --from out")
    if seeds is not None and mode != "--reproduce":
        raise UsageError("--seeds belongs to --reproduce; a training has one, --seed")
    if mode in ("--dry-run", "--lr-find") and (how != Way() or request.out):
        raise UsageError(f"{mode} makes no run; --out, --until, --max-time, --fail-on and --log are for a training")
    if mode == "--reproduce" and how != Way(logs=how.logs):
        raise UsageError("--reproduce trains to the end of its recipe; leave --until, --max-time and --fail-on out")


def _resume(path: Path, request: Request, source: Source, how: Way) -> None:
    if request != Request(None, None, None, {}, [], None, None, None):
        raise UsageError("--resume goes on with the run's own network and recipe; leave what would change them out")
    if finished(path):
        terminal.say(f"{path} is finished; evaluate it on the test split with: cnncli eval {path}")
        terminal.line(str(path))
        folder = RunFolder(path)
        require(verdict_of(folder, opened.facts(folder)), how)
        return
    task = going_on(path, source, how.until is not None)
    conclude(task, run(task, how), how)
