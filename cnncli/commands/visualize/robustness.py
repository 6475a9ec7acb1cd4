"""`cnncli visualize robustness`: accuracy against shifts, rotations, scales, blur and noise."""

from typing import Annotated

import typer

from cnncli.commands import options
from cnncli.commands.source import Source
from cnncli.commands.visualize import looking
from cnncli.commands.visualize.looking import Place, look, shown, target
from cnncli.console import terminal
from cnncli.errors import UsageError

# How many images are counted, unless one says.
COUNTED = 1000


def robustness(
    run: options.RunPath,
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="shift|rotation|scale|blur|noise,...", help="One or several. Default: all."),
    ] = None,
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
    """Accuracy on images that are shifted, turned, scaled, blurred or noisy, against how much they are.

    cnncli visualize robustness RUN     cnncli visualize robustness RUN --by shift,rotation --count 10000
    """
    names = None if by is None else list(dict.fromkeys(word.strip() for word in by.split(",")))
    path = target(out, run, "robustness", force)
    from cnncli.console import robustness as documents
    from cnncli.visualize import robustness
    from cnncli.visualize.changes import CHANGES
    from cnncli.visualize.judge import Judge, sampled

    if unknown := [name for name in names or () if name not in CHANGES]:
        raise UsageError(f"--by: no change '{unknown[0]}'; expected some of {', '.join(CHANGES)}")
    view = look(run, "robustness", Place(checkpoint, dataset, split, Source(data_dir, device, offline)), seed)
    images = sampled(view.data, count or COUNTED, seed)
    sweeps = robustness.measured(Judge(view.subject), images, names or list(CHANGES), seed)
    title = f"{view.name}, {view.dataset} {split}: accuracy on changed images"
    robustness.draw(sweeps, path, title, view.about)
    said = robustness.sentences(sweeps)
    if not json:
        shown(path, *said)
        return
    for sentence in said:
        terminal.say(sentence)
    run_, data = {"run": str(view.folder.path), "checkpoint": view.slot}, {"dataset": view.dataset, "split": split}
    about = {"picture": str(path), **run_, **data, "seed": seed}
    terminal.document({"schema": "cnncli.robustness/1", **about, **documents.document(sweeps)})
