"""Training: from a recipe, a network and data to events, metrics and checkpoints."""

import math
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace

import jax

from cnncli.data.dataset import Loaded
from cnncli.networks.network import Network
from cnncli.runs.folder import RunFolder
from cnncli.sizing.size import size
from cnncli.training.events import Compiled, Epoch, Event, Progress, Started, Stopped
from cnncli.training.keeper import Keeper
from cnncli.training.recipe import Recipe
from cnncli.training.session import Session
from cnncli.training.step import State, Tally

SECONDS_BETWEEN_PROGRESS = 0.2
# Calls in flight: enough that the device never waits for Python, few enough that a signal is heeded soon.
IN_FLIGHT = 2


@dataclass(frozen=True)
class Limits:
    """When to end before the recipe does: at a validation accuracy, after seconds, or when `stop()` says so."""

    until: float | None = None
    seconds: float | None = None
    stop: Callable[[], bool] = lambda: False


def fit(
    recipe: Recipe,
    network: Network,
    data: Loaded,
    folder: RunFolder,
    options: dict[str, str],
    limits: Limits | None = None,
    resume: bool = False,
) -> Iterator[Event]:
    """Train, writing metrics and checkpoints into the run folder, and say what happens.

    `data` is the training split, of which the recipe holds out its share; `options` are XLA's. With `resume` the run
    goes on from its last checkpoint, or from the beginning where none was saved yet. Raises UsageError when recipe,
    network and data do not go together, DataError for a damaged checkpoint or a full disk.
    """
    session = Session(recipe, network, data, options)
    with folder.writing(), Keeper(folder) as keeper:
        state = keeper.restore(session.like()) if resume else None
        yield from _Loop(session, keeper, limits or Limits()).run(state or session.initial())


@dataclass(frozen=True)
class _Stretch:
    """A stretch of training, to the end of an epoch or until something ended it."""

    state: State
    tally: Tally
    step: int
    images: int
    seconds: float
    reason: str


class _Loop:
    def __init__(self, session: Session, keeper: Keeper, limits: Limits) -> None:
        self.session, self.keeper, self.limits = session, keeper, limits
        self.began, self.compile_seconds, self.train_seconds = time.monotonic(), 0.0, 0.0

    def run(self, state: State) -> Iterator[Event]:
        """Train from a state to the recipe's end, or to a limit."""
        step, reason = int(state.step), ""
        yield self._started(step)
        if step < self.session.steps:
            self.compile_seconds = self.session.compile(state)
            yield Compiled(self.compile_seconds)
        while step < self.session.steps and not reason:
            stretch = yield from self._stretch(state, step)
            state, step, reason = stretch.state, stretch.step, stretch.reason
            if step % self.session.per_epoch == 0 and reason != "diverged":
                line = self._line(stretch)
                state = replace(state, tally=self.session.where.everywhere(Tally.empty()))
                reason = self._verdict(line, reason)
                if reason != "diverged":
                    self.keeper.record(line, state)
                    yield line
            if reason == "diverged":
                yield from self.keeper.save_best()
            elif reason or step == self.session.steps or self.keeper.due():
                yield from self.keeper.save(state)
        if step == self.session.steps and reason != "diverged":
            reason = "done"
        epoch = -(-step // self.session.per_epoch)
        yield Stopped(reason, step, epoch, self.compile_seconds, self.train_seconds, self.keeper.best)

    def _stretch(self, state: State, step: int) -> Generator[Event, None, _Stretch]:
        """Train to the end of the epoch or until a limit is reached, telling progress now and then."""
        session, first, tally, reason = self.session, step, state.tally, ""
        epoch = step // session.per_epoch
        end, batches = (epoch + 1) * session.per_epoch, session.batches(epoch)
        started = shown = time.monotonic()
        in_flight: deque[tuple[int, Tally]] = deque()
        while step < end and not reason:
            count = min(session.steps_per_call, end - step)
            at = step - epoch * session.per_epoch
            state, tally = session.train(state, batches[at : at + count])
            step += count
            in_flight.append((step, tally))
            if len(in_flight) > IN_FLIGHT:
                done, seen = in_flight.popleft()
                seen.count.block_until_ready()
                if (now := time.monotonic()) - shown > SECONDS_BETWEEN_PROGRESS:
                    shown = now
                    progress = self._progress(done, seen, (done - first) / (now - started))
                    yield progress
                    reason = "" if math.isfinite(progress.loss) else "diverged"
            reason = reason or self._limit()
        jax.block_until_ready(state)
        seconds = time.monotonic() - started
        self.train_seconds += seconds
        # A checkpoint with a loss that is no number would take the place of a good one.
        reason = reason if math.isfinite(float(tally.loss)) else "diverged"
        return _Stretch(state, tally, step, (step - first) * session.recipe.batch_size, seconds, reason)

    def _limit(self) -> str:
        if self.limits.stop():
            return "signal"
        seconds = self.limits.seconds
        return "max-time" if seconds is not None and time.monotonic() - self.began > seconds else ""

    def _verdict(self, line: Epoch, reason: str) -> str:
        """Why training ends with this epoch, if it does; `reason` is what a limit already said."""
        if not math.isfinite(line.val_loss or 0.0):
            return "diverged"
        until = self.limits.until
        return reason or ("until" if until is not None and (line.val_accuracy or 0.0) >= until else "")

    def _started(self, step: int) -> Started:
        session = self.session
        return Started(
            network=session.network.name,
            dataset=session.data.facts.name,
            params=size(session.network).totals.params_with_heads,
            train_count=len(session.train_examples.labels),
            val_count=0 if session.val_examples is None else len(session.val_examples.labels),
            epochs=session.recipe.epochs,
            steps=session.steps,
            step=step,
            devices=f"{session.where.devices} x {session.where.platform}",
        )

    def _progress(self, step: int, tally: Tally, steps_per_second: float) -> Progress:
        session, count = self.session, max(int(tally.count), 1)
        return Progress(
            epoch=-(-step // session.per_epoch),
            epochs=session.recipe.epochs,
            step=step,
            steps=session.steps,
            loss=float(tally.loss) / count,
            accuracy=int(tally.correct) / count,
            images_per_second=steps_per_second * session.recipe.batch_size,
        )

    def _line(self, stretch: _Stretch) -> Epoch:
        val_loss, val_accuracy = self.session.validate(stretch.state)
        count = int(stretch.tally.count)
        return Epoch(
            epoch=stretch.step // self.session.per_epoch,
            step=stretch.step,
            seconds=round(stretch.seconds, 3),
            train_loss=float(stretch.tally.loss) / count,
            train_accuracy=int(stretch.tally.correct) / count,
            val_loss=val_loss,
            val_accuracy=val_accuracy,
            learning_rate=float(self.session.rate(stretch.step - 1)),
            images_per_second=round(stretch.images / stretch.seconds, 1),
        )
