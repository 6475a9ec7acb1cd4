"""`cnncli summary`: what a network becomes when it is built, and what a run made of it."""

from pathlib import Path
from typing import Annotated

import typer

from cnncli import runtime
from cnncli.commands import opened, options
from cnncli.console import summary as shown
from cnncli.console import terminal
from cnncli.runs.folder import RunFolder


def summary(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NETWORK|RUN",
            help="A catalogued name, FILE.toml[:NAME] or a run folder.",
            autocompletion=options.complete_network,
        ),
    ],
    input: options.Input = None,
    classes: options.Classes = None,
    json: options.Json = False,
) -> None:
    """Build a network without allocating it and show its parameters; of a run, also how it was trained."""
    network = options.network_or_run(name, input, classes)
    run = RunFolder.open_run(Path(name)) if Path(name).is_dir() else None
    runtime.configure("cpu")
    from cnncli.models.summary import summarize

    facts, recipe = None, None
    if run:
        facts, recipe = opened.facts(run), opened.recipe(run).to_table()
    built = summarize(network)
    if json:
        terminal.document(shown.document(built, facts, recipe))
    else:
        terminal.result(*shown.tables(built, facts, recipe))
