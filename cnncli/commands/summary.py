"""`cnncli summary`: what a network becomes when it is built, what XLA makes of it, and what runs made of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cnncli import runtime
from cnncli.commands import opened, options
from cnncli.console import runs, terminal
from cnncli.console import summary as shown
from cnncli.errors import UsageError
from cnncli.networks.catalogue import CATALOGUE
from cnncli.networks.network import Network
from cnncli.runs.folder import RunFolder
from cnncli.sizing.size import size

if TYPE_CHECKING:
    from cnncli.training.analysis import Analysis
    from cnncli.training.recipe import Recipe

BATCH = 32


def summary(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NETWORK|RUN",
            help="A catalogued name, FILE.toml[:NAME] or a run folder; or several run folders.",
            autocompletion=options.complete_network,
        ),
    ],
    input: options.Input = None,
    classes: options.Classes = None,
    xla: Annotated[
        bool, typer.Option("--xla", metavar="", help="Compile it, and set XLA's FLOPs and memory beside sizing's.")
    ] = False,
    batch: Annotated[
        int | None, typer.Option("--batch", min=1, help=f"With --xla: images. A run's batch size, else {BATCH}.")
    ] = None,
    device: options.Device = None,
    json: options.Json = False,
) -> None:
    """Build a network without allocating it and show its arrays; of runs, also how they were trained.

    cnncli summary resnet18 --xla     cnncli summary runs/*
    """
    given = {"--input": input, "--classes": classes, "--xla": xla or None, "--batch": batch, "--device": device}
    if len(names) > 1:
        _compare(names, [option for option, value in given.items() if value is not None], json)
        return
    if not xla and (idle := [option for option in ("--batch", "--device") if given[option] is not None]):
        raise UsageError(f"{idle[0]} says how to compile a network: add --xla")
    folder = RunFolder.open_run(Path(names[0])) if Path(names[0]).is_dir() else None
    if folder and (input or classes):
        raise UsageError("--input and --classes change a network; a run has its own: leave them out")
    network = options.network_or_run(names[0], input, classes)
    runtime.configure(device if xla else "cpu")
    runtime.devices()
    from cnncli.models.summary import summarize

    facts, recipe = (opened.facts(folder), opened.recipe(folder)) if folder else (None, None)
    run = shown.Run(facts, recipe.to_table()) if facts and recipe else None
    built = summarize(network)
    found = _analyzed(network, recipe, batch) if xla else None
    if json:
        terminal.document(shown.document(built, run, found))
    else:
        terminal.result(*shown.tables(built, run, found))


def _analyzed(network: Network, recipe: "Recipe | None", batch: int | None) -> "Analysis":
    """What XLA says of a network trained by its run's recipe, or by the default one."""
    from cnncli.training.analysis import analyze
    from cnncli.training.recipe import on_device
    from cnncli.training.recipes import default

    batch = batch or (recipe.batch_size if recipe else BATCH)
    chosen = on_device(recipe or default(network, ""), runtime.devices()[0].platform)
    return analyze(network, chosen, batch, runtime.compiler_options())


def _compare(names: list[str], given: list[str], json: bool) -> None:
    """Show runs beside each other."""
    _check_runs(names)
    if given:
        raise UsageError(f"{given[0]} belongs to one network; {len(names)} runs are given")
    runtime.configure("cpu")
    entries = []
    for name in names:
        folder = RunFolder.open_run(Path(name))
        facts, epochs, network = opened.facts(folder), opened.recipe(folder).epochs, opened.network(folder)
        entries.append(runs.Entry(name, facts, epochs, size(network).totals.params_with_heads))
    if json:
        terminal.document(runs.document(entries))
    else:
        terminal.result(runs.table(entries))


def _check_runs(names: list[str]) -> None:
    """Refuse networks, which another command compares."""
    networks = [name for name in names if not Path(name).is_dir() and _is_network(name)]
    if len(networks) == len(names):
        raise UsageError(f"summary shows one network at a time; compare them with: cnncli size {' '.join(names)}")
    if networks:
        raise UsageError(
            f"'{networks[0]}' is a network; only runs go beside each other (cnncli size compares networks)"
        )


def _is_network(name: str) -> bool:
    return name in CATALOGUE or name.partition(":")[0].endswith(".toml")
