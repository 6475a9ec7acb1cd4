"""`cnncli size`: networks' shapes, parameters and multiply-adds by arithmetic, or the bare calculator."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from cnncli.commands import options
from cnncli.commands.calculator import Asked, calculate
from cnncli.commands.quiz import QUESTIONS, Quizzed, ask
from cnncli.console import comparison, grid, sizing, terminal
from cnncli.console.size_document import document
from cnncli.console.sizing import Sheet
from cnncli.errors import ExpectedNo, UsageError, nearest
from cnncli.networks import toml
from cnncli.sizing.inputs import nearest_fit
from cnncli.sizing.report import Report
from cnncli.sizing.roofline import PROFILES, peak
from cnncli.sizing.size import show
from cnncli.sizing.size import size as sized
from cnncli.sizing.workload import BYTES, OPTIMIZERS, Workload

CALCULATOR, COST, LAYOUT, QUIZ = "Calculator", "Memory and time", "What is shown", "Quiz"


def _flag(name: str, help: str, panel: str | None = None) -> Any:
    return typer.Option(name, metavar="", help=help, rich_help_panel=panel)


def _option(name: str, metavar: str, help: str, panel: str | None = None) -> Any:
    return typer.Option(name, metavar=metavar, help=help, rich_help_panel=panel)


Networks = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[NETWORK|RUN]...",
        help="Catalogued names, FILE.toml[:NAME] or run folders; none for the calculator.",
        autocompletion=options.complete_network,
    ),
]
Input = Annotated[
    str | None,
    _option("--input", "SIZE[,SIZE]...", "Input: N, HxW or HxWxC, in pixels and channels; several to compare."),
]
Columns = Annotated[str | None, _option("--columns", "A,B,...", "Columns to show, or all.", LAYOUT)]
Depth = Annotated[
    int | None, typer.Option("--depth", min=1, help="Fold groups below this depth.", rich_help_panel=LAYOUT)
]
Format = Annotated[str | None, _option("--format", "|".join(grid.FORMATS), "How to write it.", LAYOUT)]
Explain = Annotated[bool, _flag("--explain", "Each figure's formula with its numbers.", LAYOUT)]
Diff = Annotated[bool, _flag("--diff", "Lay two networks row against row.", LAYOUT)]
As = Annotated[str | None, _option("--as", "toml", "Write the network out as TOML, to copy and change.", LAYOUT)]
Quiz = Annotated[bool, _flag("--quiz", "Hide figures of one network and check answers.", QUIZ)]
Questions = Annotated[
    int | None, typer.Option("--questions", min=1, help=f"How many, {QUESTIONS} by default.", rich_help_panel=QUIZ)
]
Seed = Annotated[
    int | None, typer.Option("--seed", min=0, help="The same number draws the same questions.", rich_help_panel=QUIZ)
]
Strict = Annotated[
    bool, _flag("--strict", "Exit 1 when a layer's windows do not fit, or a quiz's answer is not right.")
]
Batch = Annotated[int | None, typer.Option("--batch", min=1, help="Images a batch.", rich_help_panel=COST)]
Dtype = Annotated[str | None, _option("--dtype", "|".join(BYTES), "Type of activations.", COST)]
Optimizer = Annotated[str | None, _option("--optimizer", "|".join(OPTIMIZERS), "Optimizer, for its state.", COST)]
Devices = Annotated[
    int | None, typer.Option("--devices", min=1, help="Devices that share a batch.", rich_help_panel=COST)
]
Roofline = Annotated[
    str | None,
    _option("--roofline", "TFLOPS,GB_PER_S", f"Floor times on a device: its limits, or {', '.join(PROFILES)}.", COST),
]
Filter = Annotated[str | None, _option("--filter", "F", "Window of a convolution, N or HxW.", CALCULATOR)]
Pool = Annotated[str | None, _option("--pool", "F", "Window of a pooling, N or HxW.", CALCULATOR)]
Stride = Annotated[str | None, _option("--stride", "S", "Stride, 1, N or HxW.", CALCULATOR)]
Pad = Annotated[str | None, _option("--pad", "P", "Padding: 0, N, HxW or TxBxLxR.", CALCULATOR)]
Same = Annotated[bool, _flag("--same", "The padding that keeps the size, divided by the stride.", CALCULATOR)]
Ceil = Annotated[bool, _flag("--ceil", "Round a pooling's output up.", CALCULATOR)]
Filters = Annotated[int | None, _option("--filters", "N", "Number of filters.", CALCULATOR)]


def size(
    networks: Networks = None,
    input: Input = None,
    classes: options.Classes = None,
    strict: Strict = False,
    columns: Columns = None,
    depth: Depth = None,
    explain: Explain = False,
    diff: Diff = False,
    format: Format = None,
    json: options.Json = False,
    as_: As = None,
    quiz: Quiz = False,
    questions: Questions = None,
    seed: Seed = None,
    batch: Batch = None,
    dtype: Dtype = None,
    optimizer: Optimizer = None,
    devices: Devices = None,
    roofline: Roofline = None,
    filter: Filter = None,
    pool: Pool = None,
    stride: Stride = None,
    pad: Pad = None,
    same: Same = False,
    ceil: Ceil = False,
    filters: Filters = None,
) -> None:
    """Size networks by arithmetic, layer by layer; or windows alone.

    cnncli size alexnet     cnncli size vgg16 resnet50     cnncli size --input 227 --filter 11 --stride 4
    """
    written, asked = _format(format, json), Asked(filter, pool, stride, pad, same, filters, ceil)
    given = {"--batch": batch, "--dtype": dtype, "--optimizer": optimizer, "--devices": devices}
    dtype, optimizer = "float32" if dtype is None else dtype, "sgd" if optimizer is None else optimizer
    load = Workload(batch or 1, dtype, optimizer, devices or 1)
    shown = {"--columns": columns, "--depth": depth, "--roofline": roofline}
    shown |= {"--as": as_, "--explain": explain, "--diff": diff}
    if not networks:
        owned = {**given, **shown, "--classes": classes, "--quiz": quiz, "--questions": questions, "--seed": seed}
        _calculate(input, asked, _named(owned), written)
        return
    if misplaced := asked.given():
        raise UsageError(f"{misplaced[0]} belongs to the calculator, which takes no network; leave out one of them")
    limit = None if roofline is None else peak(roofline, load.dtype)
    how = Sheet(load, any(value is not None for value in given.values()), limit, columns, depth, explain)
    reports = _reports(networks, input, classes)
    if (quizzed := Quizzed(quiz, questions, seed, strict)).wanted():
        others = {**given, "--roofline": roofline, "--as": as_, "--explain": explain, "--diff": diff}
        ask(reports, how, written, quizzed, _named(others))
        return
    _agree(_named({**given, **shown}), written)
    if as_ is not None:
        _as(as_, reports)
    elif diff:
        _diff(reports, how, written)
    else:
        _print(reports, how, written)
    if strict:
        _strictly(reports)


def _named(options: Mapping[str, object]) -> list[str]:
    """The options that were written."""
    return [name for name, value in options.items() if value is not None and value is not False]


def _agree(named: Sequence[str], format: str) -> None:
    """Refuse options of which one would be ignored."""
    kept = ("--depth", "--diff") if format != "json" else set(named) - {"--columns", "--explain"}
    refused = {
        "--as": [*(name for name in named if name != "--as"), *([f"--format {format}"] if format != "table" else [])],
        "--diff": [name for name in named if name not in kept],
        "--explain": [name for name in named if name == "--columns"],
    }
    for owner, others in refused.items():
        if owner in named and others:
            raise UsageError(f"{owner} and {others[0]} do not go together; leave out one of them")


def _format(format: str | None, json: bool) -> str:
    if json and format not in (None, "json"):
        raise UsageError(f"--json and --format {format} are two formats; leave out one of them")
    if format is not None and format not in grid.FORMATS:
        raise UsageError(f"--format is '{format}'{nearest(format, grid.FORMATS)}")
    return "json" if json else format or "table"


def _calculate(input: str | None, asked: Asked, misplaced: Sequence[str], format: str) -> None:
    if misplaced:
        raise UsageError(f"{misplaced[0]} belongs to a network; the calculator takes none")
    if format not in ("table", "json"):
        raise UsageError(f"--format {format} belongs to a network; the calculator has text and --json")
    calculate(input, asked, format == "json")


def _reports(names: Sequence[str], input: str | None, classes: int | None) -> list[Report]:
    """Each network at each input."""
    sizes = [None] if input is None else input.split(",")
    return [sized(options.network_or_run(name, one, classes)) for name in names for one in sizes]


def _as(language: str, reports: Sequence[Report]) -> None:
    if language != "toml":
        raise UsageError(f"--as is '{language}'; expected toml")
    names = [report.network.name for report in reports]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"--as toml: two networks are called '{twice}', and a file holds one; write them one by one")
    terminal.line("\n".join(toml.write(report.network) for report in reports).rstrip("\n"))


def _diff(reports: Sequence[Report], how: Sheet, format: str) -> None:
    if len(reports) != 2:
        raise UsageError(f"--diff lays two networks row against row; {len(reports)} given")
    left, right = reports
    if format == "json":
        terminal.document(comparison.difference_document(left, right, how))
    elif format == "table":
        terminal.result(*comparison.against(left, right, how))
    else:
        terminal.line(grid.written(comparison.difference(left, right, how), format))


def _print(reports: Sequence[Report], how: Sheet, format: str) -> None:
    one = reports[0] if len(reports) == 1 else None
    if how.explain and (one is None or format not in ("table", "json")):
        raise UsageError("--explain explains one network, as text or --json")
    if how.depth and one is None and format != "json":
        raise UsageError("--depth folds the layers of one network, or of two under --diff")
    match format:
        case "json":
            terminal.document(document(one, how) if one else comparison.documents(reports, how))
        case "table":
            terminal.result(*(sizing.sheet(one, how) if one else comparison.beside(reports, how)))
        case _:
            for note in sizing.notes(one) if one and format != "md" else ():
                terminal.say(note)
            terminal.line(sizing.text(one, how, format) if one else comparison.text(reports, how, format))


def _strictly(reports: Sequence[Report]) -> None:
    """Answer no where windows do not fit."""
    unfit = [(report, row.path) for report in reports for row in report.unfit]
    if not unfit:
        return
    names = {id(report): f"{report.network.name}@{show(report.network.input)} " for report in reports}
    paths = ", ".join(path if len(reports) == 1 else names[id(report)] + path for report, path in unfit)
    said = f"--strict: the windows of {len(unfit)} layer{'s' * (len(unfit) > 1)} do not fit their input: {paths}"
    found = nearest_fit(reports[0].network) if len(reports) == 1 else None
    raise ExpectedNo(said + (f"; every window fits at --input {show(found)}" if found else ""))
