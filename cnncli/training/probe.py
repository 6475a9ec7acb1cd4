"""A few measured steps before a training: how long it would take, and which rate it could bear."""

import time
from dataclasses import dataclass, replace
from itertools import count

import jax.numpy as jnp
import optax

from cnncli.training.recipe import Recipe
from cnncli.training.schedules import NoStop, Schedule
from cnncli.training.session import Session
from cnncli.training.step import NEVER, Tally

WARM_UP = 2
# The loss has exploded when it is so many times the smallest one.
EXPLODED = 4.0
# Shares the smoothed loss keeps of what it was, a step.
KEPT = 0.9
# Rates of a range test.
RATES = 200


@dataclass(frozen=True)
class Timing:
    """Seconds of a step, of compiling, of the whole training and of features in it; validation is not in them."""

    step: float
    compile: float
    total: float
    features: float = 0.0


def timed(session: Session, seconds: float = 3.0) -> Timing:
    """Measure steps for some seconds; the session's data is on the device already."""
    state, features = session.initial(), 0.0
    for event in session.featured(state):
        features = event.seconds
    compiling = session.compile(state)
    step, began, warm = 0, 0.0, 0
    for call in count():
        if call == WARM_UP:
            began, warm = time.monotonic(), step
        elif call > WARM_UP and time.monotonic() - began > seconds:
            break
        chunk = session.chunk(step % session.steps)
        state, tally = session.train(state, chunk, step % session.steps)
        tally.count.block_until_ready()
        step += len(chunk)
    each = (time.monotonic() - began) / (step - warm)
    return Timing(each, compiling, features + compiling + each * session.steps, features)


@dataclass(frozen=True)
class Rising(Schedule):
    """Rates that rise by the same factor each step, from a ten-thousandth of the optimizer's rate to a hundredfold."""

    word = "rising"

    def rate(self, lr: float, steps: int) -> optax.Schedule:
        """From step 0 to step RATES."""
        return lambda step: lr * 10.0 ** (-4 + 6 * jnp.minimum(step / RATES, 1.0))


def rising(recipe: Recipe) -> Recipe:
    """The recipe with rising rates, long enough to try them all."""
    return replace(recipe, schedule=Rising(), stop=NoStop(), epochs=RATES + 1)


@dataclass(frozen=True)
class RangeTest:
    """Losses, raw and smoothed, at rates that rise from step to step (Smith 2017), and the rate they suggest."""

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]

    @property
    def suggested(self) -> float | None:
        """A tenth of the rate at which the smoothed loss was smallest; None where it never fell."""
        if len(self.smoothed) < 3:
            return None
        lowest = min(range(len(self.smoothed)), key=self.smoothed.__getitem__)
        return self.rates[lowest] / 10 if self.smoothed[lowest] < self.smoothed[0] else None


def range_test(session: Session) -> RangeTest:
    """Train one step at each rate of a `Rising` schedule until the loss explodes or the rates are over."""
    state = session.initial()
    for _ in session.featured(state):
        pass
    rates: list[float] = []
    losses: list[float] = []
    smoothed: list[float] = []
    average = 0.0
    for step in range(RATES + 1):
        state = replace(state, tally=session.where.everywhere(Tally.empty()))
        state, tally = session.train(state, session.chunk(step)[:1], step)
        loss = float(tally.loss) / int(tally.count)
        if int(tally.bad) != NEVER:
            break
        average = KEPT * average + (1 - KEPT) * loss
        rates.append(float(session.rate(step)))
        losses.append(loss)
        smoothed.append(average / (1 - KEPT ** (step + 1)))
        if smoothed[-1] > EXPLODED * min(smoothed):
            break
    return RangeTest(tuple(rates), tuple(losses), tuple(smoothed))
