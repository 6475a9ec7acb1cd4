"""`cnncli visualize curves`: how a run was trained, or several beside each other."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from cnncli import runtime
from cnncli.commands import opened
from cnncli.commands.visualize import looking
from cnncli.commands.visualize.looking import shown, target
from cnncli.errors import DataError, UsageError
from cnncli.runs.folder import RunFolder

# Of more kinds of runs than these a title names the first.
NAMED = 3


def curves(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run folders, as train made them.")],
    out: looking.Out = None,
    force: looking.Force = False,
) -> None:
    """Training curves: loss and accuracy by epoch, of one run or of several laid over each other.

    cnncli visualize curves RUN     cnncli visualize curves runs/lenet5-mnist-* --out all.png
    """
    path = target(out, runs[0] if len(runs) == 1 else None, "curves", force)
    folders = [RunFolder.open_run(run) for run in runs]
    if len({folder.path.resolve() for folder in folders}) < len(folders):
        raise UsageError("a run is given twice; expected each once")
    metrics = [folder.metrics() for folder in folders]
    if imported := [folder for folder in folders if opened.facts(folder)["status"] == opened.IMPORTED]:
        raise UsageError(f"{imported[0].path} has imported weights, which have no curves; expected a run of train")
    if empty := [str(folder.path) for folder, lines in zip(folders, metrics, strict=True) if not lines]:
        raise DataError(f"{', '.join(empty)}: no epoch is trained yet; go on with: cnncli train --resume {empty[0]}")
    from cnncli.visualize.curves import draw, overlay
    from cnncli.visualize.provenance import of_training

    about = of_training(shlex.join(["cnncli", *sys.argv[1:]]), folders, runtime.versions())
    facts = [opened.facts(folder) for folder in folders]
    trained = list(dict.fromkeys(f"{one['network']} on {one['dataset']}" for one in facts))
    title = ", ".join(trained[:NAMED]) + ", ..." * (len(trained) > NAMED)
    if len(folders) > 1:
        overlay([(str(run), lines) for run, lines in zip(runs, metrics, strict=True)], path, title, about)
    else:
        draw(metrics[0], path, title, (facts[0].get("best") or {}).get("epoch"), about)
    shown(path)
