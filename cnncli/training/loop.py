"""Training: from a recipe, a network and data to events, metrics and checkpoints."""

import math
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace

import jax
import numpy as np

from cnncli.data.dataset import Loaded
from cnncli.networks.network import Network
from cnncli.runs.folder import RunFolder
from cnncli.sizing.size import size
from cnncli.training.culprit import in_step, in_validation, repeated
from cnncli.training.events import Compiled, Epoch, Event, Frozen, Progress, Started, Stopped
from cnncli.training.freezing import layers
from cnncli.training.keeper import Keeper
from cnncli.training.proof import proof
from cnncli.training.recipe import Recipe
from cnncli.training.schedules import EarlyStopping, Plateau, Watch
from cnncli.training.session import Session
from cnncli.training.start import Start
from cnncli.training.step import NEVER, State, Tally, watched

SECONDS_BETWEEN_PROGRESS = 0.2
# Calls in flight: enough that the device never waits for Python, few enough that a signal is heeded soon.
IN_FLIGHT = 2
# Longer than this nobody waits to hear in which layer a training went wrong.
SECONDS_TO_REPEAT = 60.0


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
    start: Start | None = None,
) -> Iterator[Event]:
    """Train, writing metrics and checkpoints into the run folder, and say what happens.

    `data` is the training split, of which the recipe holds out its share; `options` are XLA's. With `resume` the run
    goes on from its last checkpoint, or from the beginning where none was saved yet; a `start`, from which it begins
    instead of from new arrays, is saved first of all. Raises UsageError when recipe, network and data do not go
    together, DataError for a damaged checkpoint or a full disk, Bug where what is frozen has changed.
    """
    session = Session(recipe, network, data, options, start)
    with folder.writing(), Keeper(folder, recipe.choose) as keeper:
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
        self.began, self.compile_seconds, self.train_seconds, self.trained = time.monotonic(), 0.0, 0.0, 0
        # What the schedule remembers after each epoch, by the step, for whoever has to repeat them.
        self.paces: dict[int, Watch] = {}

    def run(self, state: State) -> Iterator[Event]:
        """Train from a state to the recipe's end, or to a limit."""
        session, step, culprit = self.session, int(state.step), ""
        yield self._started(step)
        yield from self._frozen(state)
        reason = "early" if self._exhausted(state) else ""
        if step < session.steps and not reason:
            if session.start and step == 0:
                self.keeper.begin(state)
            yield from session.featured(state)
            self.compile_seconds = session.compile(state)
            yield Compiled(self.compile_seconds)
        while step < session.steps and not reason:
            stretch = yield from self._stretch(state, step)
            state, step, reason = stretch.state, stretch.step, stretch.reason
            if step % session.per_epoch == 0 and reason != "diverged":
                line = self._line(stretch)
                state, reason = self._judged(state, line, reason)
                if reason != "diverged":
                    self.keeper.record(line, state)
                    yield line
            if reason == "diverged":
                yield from self.keeper.save_best()
                culprit = self._culprit(stretch)
            elif reason or step == session.steps or self.keeper.due():
                yield from self.keeper.save(state)
        if step == session.steps and reason != "diverged":
            reason = "done"
        yield from self._frozen(state)
        epoch = -(-step // session.per_epoch)
        yield Stopped(reason, step, epoch, self.compile_seconds, self.train_seconds, self.keeper.best, culprit)

    def _frozen(self, state: State) -> Iterator[Frozen]:
        """What never trains, if anything does not."""
        found = proof(state, self.session.freezing.frozen)
        if found.values:
            yield found

    def _exhausted(self, state: State) -> bool:
        """Whether early stopping has had enough."""
        stop = self.session.recipe.stop
        return isinstance(stop, EarlyStopping) and stop.done(_watch(state.patience))

    def _judged(self, state: State, line: Epoch, reason: str) -> tuple[State, str]:
        """What an epoch's end changes: the tally, the rate on a plateau, and whether to go on."""
        recipe, everywhere = self.session.recipe, self.session.where.everywhere
        if not math.isfinite(line.val_loss or 0.0):
            return state, "diverged"
        state = replace(state, tally=everywhere(Tally.empty()))
        if isinstance(recipe.schedule, Plateau):
            pace = recipe.schedule.after(_watch(state.pace), _watched(line, recipe.schedule.by), recipe.optimizer.lr)
            state = replace(state, pace=everywhere(watched(pace)))
            self.paces[line.step] = pace
        if isinstance(recipe.stop, EarlyStopping):
            patience = recipe.stop.after(_watch(state.patience), _watched(line, recipe.stop.by))
            state = replace(state, patience=everywhere(watched(patience)))
        until = self.limits.until
        if self._exhausted(state):
            return state, reason or "early"
        return state, reason or ("until" if until is not None and (line.val_accuracy or 0.0) >= until else "")

    def _culprit(self, stretch: _Stretch) -> str:
        """Where training went wrong; for the layer, what came after the last checkpoint is repeated."""
        session, bad = self.session, int(stretch.tally.bad)
        if bad == NEVER:
            return _joined(f"in validation after step {stretch.step}", in_validation(session, stretch.state))
        state = self.keeper.last(session.like()) or session.initial()
        if (bad - int(state.step)) * self.train_seconds / self.trained > SECONDS_TO_REPEAT:
            return f"in step {bad + 1}"
        state = repeated(session, state, bad, self.paces)
        return _joined(f"in step {bad + 1}", in_step(session.at(bad), state, session.batch(bad)))

    def _stretch(self, state: State, step: int) -> Generator[Event, None, _Stretch]:
        """Train to the end of the epoch or until a limit is reached, telling progress now and then."""
        session, first, tally, reason = self.session, step, state.tally, ""
        end, images = (step // session.per_epoch + 1) * session.per_epoch, 0
        started = shown = time.monotonic()
        in_flight: deque[tuple[int, Tally]] = deque()
        while step < end and not reason:
            chunk = session.chunk(step)
            state, tally = session.train(state, chunk, step)
            step, images = step + len(chunk), images + chunk.size
            in_flight.append((step, tally))
            if len(in_flight) > IN_FLIGHT:
                done, seen = in_flight.popleft()
                seen.count.block_until_ready()
                if (now := time.monotonic()) - shown > SECONDS_BETWEEN_PROGRESS:
                    shown = now
                    progress = self._progress(done, seen, (done - first) / (now - started))
                    yield progress
                    reason = "" if int(seen.bad) == NEVER else "diverged"
            reason = reason or self._limit()
        jax.block_until_ready(state)
        seconds = time.monotonic() - started
        self.train_seconds, self.trained = self.train_seconds + seconds, self.trained + step - first
        # A checkpoint with a loss that is no number would take the place of a good one.
        reason = reason if int(tally.bad) == NEVER else "diverged"
        return _Stretch(state, tally, step, images, seconds, reason)

    def _limit(self) -> str:
        if self.limits.stop():
            return "signal"
        seconds = self.limits.seconds
        return "max-time" if seconds is not None and time.monotonic() - self.began > seconds else ""

    def _started(self, step: int) -> Started:
        session = self.session
        return Started(
            network=session.network.name,
            input="x".join(map(str, session.network.input)),
            dataset=session.data.facts.name,
            params=size(session.network).totals.params_with_heads,
            train_count=len(session.train_examples.labels),
            val_count=0 if session.val_examples is None else len(session.val_examples.labels),
            epochs=session.recipe.epochs,
            steps=session.steps,
            step=step,
            devices=f"{session.where.devices} x {session.where.platform}",
            frozen=sum(row.params for row in layers(session.network) if row.path in session.freezing.frozen),
            notes=session.notes,
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
            learning_rate=float(self.session.rate(stretch.step - 1)) * float(stretch.state.pace["scale"]),
            images_per_second=round(stretch.images / stretch.seconds, 1),
            gradient_norm=float(stretch.tally.gradient) / int(stretch.tally.steps),
        )


def _watch(arrays: dict[str, jax.Array]) -> Watch:
    return Watch(**{key: float(value) for key, value in arrays.items()})


def _watched(line: Epoch, by: str) -> float:
    """What was validated, as precisely as a checkpoint keeps it."""
    return float(np.float32(getattr(line, by)))


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)
