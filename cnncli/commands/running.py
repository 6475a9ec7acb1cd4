"""A training run from a task: shown as it happens, stoppable, recorded in its folder."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from cnncli import runtime
from cnncli.commands import options
from cnncli.commands.signals import stoppable
from cnncli.commands.task import Task
from cnncli.console import terminal
from cnncli.errors import Bug, DataError, ExpectedNo, Stopped, UsageError, nearest
from cnncli.runs.folder import RunFolder, now

if TYPE_CHECKING:
    from cnncli.training import events
    from cnncli.training.diagnosis import Verdict


@dataclass(frozen=True)
class Way:
    """How a training is run: when to end it, which verdicts are failures, and where metrics go besides."""

    until: float | None = None
    seconds: float | None = None
    fail_on: tuple[str, ...] = ()
    logs: tuple[str, ...] = ()


def way(until: float | None, max_time: str | None, fail_on: str | None, log: str | None) -> Way:
    """The command line's words as values. Raises UsageError for what cannot be."""
    from cnncli.training import logs
    from cnncli.training.diagnosis import KINDS

    if until is not None and not 0 < until <= 1:
        raise UsageError(f"--until is {until:g}; expected a validation accuracy as a fraction, such as 0.99")
    seconds = options.duration(max_time) if max_time else None
    places = _several(log, "--log", logs.LOGS)
    logs.check(places)
    return Way(until, seconds, _several(fail_on, "--fail-on", KINDS), places)


def _several(text: str | None, option: str, known: Iterable[str]) -> tuple[str, ...]:
    words = tuple(word.strip() for word in text.split(",")) if text else ()
    for word in words:
        if word not in known:
            raise UsageError(f"{option}: no '{word}'{nearest(word, known)}")
    return words


def run(task: Task, how: Way) -> "events.Stopped":
    """Train, show and record what happens, and leave run.json and curves.png."""
    from cnncli.console.diagnosis import document
    from cnncli.console.training import Reporter
    from cnncli.training import events
    from cnncli.training.logs import opened as open_logs
    from cnncli.training.loop import Limits, fit

    ended: events.Stopped | None = None
    xla = runtime.compiler_options()
    logging = open_logs(how.logs, task.folder, task.recipe.to_table())
    with _failures(task.folder), stoppable() as stop, Reporter() as report, logging as log:
        limits = Limits(how.until, how.seconds, stop)
        facts = task.facts
        for event in fit(task.recipe, task.network, task.data, task.folder, xla, limits, task.resume, task.start):
            report(event)
            if isinstance(event, events.Frozen):
                facts = _proved(task.folder, facts, event)
            if isinstance(event, events.Epoch):
                log(asdict(event))
            ended = event if isinstance(event, events.Stopped) else ended
    assert ended is not None
    metrics = task.folder.metrics()
    facts = {**facts, **_outcome(ended, metrics, task.facts)}
    task.folder.write_facts({**facts, "diagnosis": document(verdict_of(task.folder, facts))})
    if metrics:
        from cnncli.data.dataset import short
        from cnncli.visualize import curves

        best, title = ended.best.epoch if ended.best else None, f"{task.network.name} on {short(task.recipe.dataset)}"
        curves.draw(metrics, task.folder.path / "curves.png", title, best)
    return ended


@contextmanager
def _failures(folder: RunFolder) -> Iterator[None]:
    """Write into run.json, where that is still possible, that training failed, as on a full disk, or was cut off."""
    try:
        yield
    except (DataError, KeyboardInterrupt) as error:
        status = "interrupted" if isinstance(error, KeyboardInterrupt) else f"failed: {error}"
        with suppress(DataError):
            folder.write_facts({**folder.read_facts(), "status": status})
        raise


def _proved(folder: RunFolder, facts: dict[str, Any], found: "events.Frozen") -> dict[str, Any]:
    """The facts with what is frozen, recorded at a run's beginning and compared ever after; Bug where it differs."""
    first = facts.get("frozen") or asdict(found)
    facts = {**facts, "frozen": {**first, "unchanged": first["sha256"] == found.sha256}}
    folder.write_facts(facts)
    if not facts["frozen"]["unchanged"]:
        raise Bug(f"{folder.path}: what is frozen has changed: its SHA-256 was {first['sha256']}, is {found.sha256}")
    return facts


def _outcome(ended: "events.Stopped", metrics: list[dict[str, Any]], facts: dict[str, Any]) -> dict[str, Any]:
    return {
        "status": "done" if ended.reason in ("done", "early") else f"stopped: {ended.reason}",
        "ended": ended.reason,
        "finished": now(),
        "compile_seconds": round(facts.get("compile_seconds", 0.0) + ended.compile_seconds, 3),
        "train_seconds": round(facts.get("train_seconds", 0.0) + ended.train_seconds, 3),
        "best": asdict(ended.best) if ended.best else None,
        "last": metrics[-1] if metrics else None,
        # What an evaluation gave before the run went on is no longer so.
        "test": None,
    }


_ENDINGS = {
    "done": "trained",
    "early": "stopped early, since nothing got better",
    "until": "stopped by --until",
    "max-time": "stopped by --max-time",
    "signal": "stopped by a signal",
}


def sound(task: Task, ended: "events.Stopped") -> None:
    """Raise what decides the exit code where training diverged or a signal stopped it."""
    path = task.folder.path
    if ended.reason == "diverged":
        there = any(task.folder.slot(slot).is_dir() for slot in ("last", "best"))
        kept = f"the last good checkpoint is in {path}" if there else "there was nothing to save yet"
        raise ExpectedNo(
            f"training diverged in epoch {ended.epoch}, {ended.culprit}: not a number; {kept}; try a lower --lr than "
            f"{task.recipe.optimizer.lr:g}"
        )
    if ended.reason == "signal":
        raise Stopped(f"stopped at step {ended.step}, saved; go on with: cnncli train --resume {path}")


def conclude(task: Task, ended: "events.Stopped", how: Way) -> None:
    """Say how it ended and what to make of it, print the run's path, and raise what decides the exit code."""
    from cnncli.console.diagnosis import sentences

    if ended.reason == "diverged":
        sound(task, ended)
    path, best, verdict = task.folder.path, ended.best, verdict_of(task.folder, task.folder.read_facts())
    chosen = f"; best epoch {best.epoch}: validation accuracy {best.val_accuracy:.2%}" if best else ""
    terminal.say(
        f"{_ENDINGS[ended.reason]}: {ended.train_seconds:.1f} s of training, "
        f"{ended.compile_seconds:.1f} s of compilation{chosen}"
    )
    if frozen := task.folder.read_facts().get("frozen"):
        layers = f"{frozen['layers']:,} frozen layer{'s' * (frozen['layers'] > 1)}"
        kept = f"{frozen['values']:,} values of {layers} are unchanged"
        terminal.say(f"{kept}: SHA-256 {frozen['sha256'][:16]}... before and after")
    for sentence in sentences(verdict):
        terminal.say(sentence)
    terminal.line(str(path))
    sound(task, ended)
    if ended.reason not in ("done", "early"):
        terminal.say(f"go on with: cnncli train --resume {path}")
    terminal.say(f"evaluate it on the test split with: cnncli eval {path}")
    require(verdict, how)


def verdict_of(folder: RunFolder, facts: dict[str, Any]) -> "Verdict":
    """What to make of a run that has ended; by the test split only where nothing was held out."""
    from cnncli.training.diagnosis import diagnose

    best, test = facts.get("best") or {}, facts.get("test") or {}
    return diagnose(folder.metrics(), facts.get("ended", "done"), test.get("accuracy"), best.get("epoch"))


def require(verdict: "Verdict", how: Way) -> None:
    """Raise ExpectedNo for a verdict that `--fail-on` names."""
    if verdict.kind in how.fail_on:
        raise ExpectedNo(f"--fail-on {verdict.kind}: that is how training went")
