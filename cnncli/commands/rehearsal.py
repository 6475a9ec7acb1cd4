"""What can be known before a training: its recipe, sizes, memory and time; and which rates it could bear."""

from pathlib import Path

from cnncli import runtime
from cnncli.commands.source import Source
from cnncli.commands.task import Request, resolved
from cnncli.console import terminal
from cnncli.errors import UsageError


def dry_run(request: Request, source: Source, json: bool) -> None:
    """Print the resolved recipe, parameters, steps, memory and a time from a few measured steps; nothing is kept."""
    task = resolved(request, source)
    recipe, network = task.recipe, task.network
    from cnncli.console import rehearsal
    from cnncli.sizing.size import size
    from cnncli.training.freezing import layers
    from cnncli.training.probe import timed
    from cnncli.training.session import Session

    session = Session(recipe, network, task.data, runtime.compiler_options(), task.start)
    counts = session.steps, session.per_epoch, session.bytes, session.where.devices
    rows, stages = layers(network), session.freezing.stages
    learning = tuple((one.epoch, sum(row.params for row in rows if row.path in one.layers)) for one in stages)
    cut = (session.cut.path, size(session.cut.above)) if session.cut else None
    shown = rehearsal.Plan(recipe.to_table(), size(network), *counts, timed(session), learning, cut)
    for note in session.notes:
        terminal.say(f"note: {note}")
    if json:
        terminal.document(rehearsal.document(shown))
    else:
        terminal.result(*rehearsal.lines(shown))


def lr_find(path: Path, request: Request, source: Source) -> None:
    """Train for a moment at rising rates, draw the loss against them, and suggest one."""
    if path.suffix.lower() != ".png":
        raise UsageError(f"--lr-find {path}: expected a name ending in .png")
    if path.exists():
        raise UsageError(f"--lr-find {path} exists already; choose another name")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"--lr-find {path}: there is no folder {path.absolute().parent}")
    task = resolved(request, source)
    recipe, network = task.recipe, task.network
    from cnncli.data.dataset import short
    from cnncli.training.probe import range_test, rising
    from cnncli.training.session import Session
    from cnncli.visualize import rates

    found = range_test(Session(rising(recipe), network, task.data, runtime.compiler_options(), task.start))
    drawn = rates.Rates(found.rates, found.losses, found.smoothed, found.suggested)
    rates.draw(drawn, path, f"{network.name} on {short(recipe.dataset)}, {recipe.optimizer.word}")
    if found.suggested is None:
        terminal.say("the loss never fell: no rate can be suggested")
    else:
        terminal.say(f"the loss was lowest at {10 * found.suggested:.2g}; try --lr {found.suggested:.2g}")
    terminal.line(str(path))
