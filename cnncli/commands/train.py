"""`cnncli train`: from names to a run folder."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cnncli import runtime
from cnncli.commands import options
from cnncli.commands.task import Request, Source, Task, finished, new, now, resumed
from cnncli.console import terminal
from cnncli.errors import ExpectedNo, Stopped, UsageError

if TYPE_CHECKING:
    from cnncli.training import events


def train(
    network: Annotated[
        str | None,
        typer.Argument(
            metavar="NETWORK", help="A catalogued name or FILE.toml[:NAME].", autocompletion=options.complete_network
        ),
    ] = None,
    dataset: options.DatasetName = None,
    data_dir: options.DataDir = None,
    recipe: Annotated[str | None, typer.Option("--recipe", help="A built-in name or FILE.toml[:NAME].")] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", help="How often to see each image.")] = None,
    batch_size: Annotated[int | None, typer.Option("--batch-size", help="Images a step.")] = None,
    lr: Annotated[float | None, typer.Option("--lr", help="Highest learning rate.")] = None,
    optimizer: Annotated[str | None, typer.Option("--optimizer", help="sgd, adam, adamw or adadelta.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Of weights, order, augmentation and dropout.")] = None,
    precision: Annotated[str | None, typer.Option("--precision", help="float32 or bfloat16.")] = None,
    set: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Anything else: optimizer.momentum=0.95.")
    ] = None,
    input: options.Input = None,
    classes: options.Classes = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="The run folder to make.")] = None,
    resume: Annotated[Path | None, typer.Option("--resume", metavar="RUN", help="Go on with a stopped run.")] = None,
    until: Annotated[float | None, typer.Option("--until", help="Stop at this validation accuracy (0.99).")] = None,
    max_time: Annotated[str | None, typer.Option("--max-time", help="Stop after 90s, 2m or 1h.")] = None,
    device: options.Device = None,
    offline: options.Offline = False,
) -> None:
    """Train a network; prints the run folder's path.

    cnncli train lenet5 --dataset mnist     cnncli train --resume runs/lenet5-mnist-1
    """
    seconds = options.duration(max_time) if max_time else None
    if until is not None and not 0 < until <= 1:
        raise UsageError(f"--until is {until:g}; expected a validation accuracy as a fraction, such as 0.99")
    flags = {
        "epochs": epochs,
        "batch_size": batch_size,
        "optimizer": optimizer,
        "optimizer.lr": lr,
        "seed": seed,
        "precision": precision,
    }
    settings = {key: value for key, value in flags.items() if value is not None}
    request = Request(network, dataset, recipe, settings, list(set or []), input, classes, out)
    source = Source(data_dir, device, offline)
    if resume is None:
        task = new(request, source, until is not None)
    elif request != Request(None, None, None, {}, [], None, None, None):
        raise UsageError("--resume goes on with the run's own network and recipe; leave what would change them out")
    elif finished(resume):
        terminal.say(f"{resume} is finished; evaluate it on the test split with: cnncli eval {resume}")
        terminal.line(str(resume))
        return
    else:
        task = resumed(resume, source, until is not None)
    with _stoppable() as stop:
        _run(task, until, seconds, stop)


@contextmanager
def _stoppable() -> Iterator[Callable[[], bool]]:
    """Heed Ctrl-C, SIGTERM and a terminal that goes at the next step; a second one interrupts at once."""
    asked: list[int] = []

    def heed(number: int, frame: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    before = {number: signal.signal(number, heed) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _run(task: Task, until: float | None, seconds: float | None, stop: Callable[[], bool]) -> None:
    """Train, show and record what happens, and leave run.json and curves.png."""
    from cnncli.console.training import Reporter
    from cnncli.training import events
    from cnncli.training.loop import Limits, fit

    ended: events.Stopped | None = None
    limits, xla = Limits(until, seconds, stop), runtime.compiler_options()
    with Reporter() as report:
        for event in fit(task.recipe, task.network, task.data, task.folder, xla, limits, task.resume):
            report(event)
            ended = event if isinstance(event, events.Stopped) else ended
    assert ended is not None
    metrics = task.folder.metrics()
    task.folder.write_facts({**task.facts, **_outcome(ended, metrics, task.facts)})
    if metrics:
        from cnncli.visualize import curves

        curves.draw(metrics, task.folder.path / "curves.png", f"{task.network.name} on {task.recipe.dataset}")
    _conclude(task, ended)


def _outcome(ended: "events.Stopped", metrics: list[dict[str, Any]], facts: dict[str, Any]) -> dict[str, Any]:
    return {
        "status": "done" if ended.reason == "done" else f"stopped: {ended.reason}",
        "finished": now(),
        "compile_seconds": round(facts.get("compile_seconds", 0.0) + ended.compile_seconds, 3),
        "train_seconds": round(facts.get("train_seconds", 0.0) + ended.train_seconds, 3),
        "best": asdict(ended.best) if ended.best else None,
        "last": metrics[-1] if metrics else None,
    }


_ENDINGS = {
    "done": "trained",
    "until": "stopped by --until",
    "max-time": "stopped by --max-time",
    "signal": "stopped by a signal",
}


def _conclude(task: Task, ended: "events.Stopped") -> None:
    """Say how it ended, print the run's path, and raise what decides the exit code."""
    path, best = task.folder.path, ended.best
    if ended.reason == "diverged":
        kept = f"the last good checkpoint is in {path}" if task.folder.slot("last").exists() else "nothing was saved"
        raise ExpectedNo(
            f"training diverged in epoch {ended.epoch}: the loss is not a number; {kept}; try a lower --lr than "
            f"{task.recipe.optimizer.lr:g}"
        )
    chosen = f"; best epoch {best.epoch}: validation accuracy {best.val_accuracy:.2%}" if best else ""
    terminal.say(
        f"{_ENDINGS[ended.reason]}: {ended.train_seconds:.1f} s of training, "
        f"{ended.compile_seconds:.1f} s of compilation{chosen}"
    )
    terminal.line(str(path))
    if ended.reason == "signal":
        raise Stopped(f"stopped at step {ended.step}, saved; go on with: cnncli train --resume {path}")
    if ended.reason != "done":
        terminal.say(f"go on with: cnncli train --resume {path}")
    terminal.say(f"evaluate it on the test split with: cnncli eval {path}")
