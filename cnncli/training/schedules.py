"""The learning rate over a training, and what validation changes in it: a lower rate on a plateau, an early end."""

from dataclasses import dataclass, replace
from math import inf
from typing import Any, ClassVar

import jax.numpy as jnp
import optax

from cnncli.networks.checks import Checked, checked, number, one_of, whole

# What may be watched from epoch to epoch.
WATCHED = ("val_loss", "val_accuracy")
# PyTorch leaves a rate alone that would change by less.
NEGLIGIBLE = 1e-8


@dataclass(frozen=True)
class Watch:
    """What is remembered of validation from epoch to epoch.

    `best` is the best value so far, an accuracy with a minus sign, so that less is better; `bad` counts the epochs
    since; `scale` multiplies the learning rate; for `cooldown` epochs more none counts as bad.
    """

    best: float = inf
    bad: float = 0
    scale: float = 1.0
    cooldown: float = 0


def _cost(value: float, by: str) -> float:
    return -value if by == "val_accuracy" else value


@dataclass(frozen=True)
class Schedule(Checked):
    """Any schedule of the learning rate."""

    word: ClassVar[str]

    def rate(self, lr: float, steps: int) -> optax.Schedule:
        """The learning rate as a function of the step, over `steps` steps."""
        raise NotImplementedError


@dataclass(frozen=True)
class Warmed(Schedule):
    """A schedule that first rises from 0 to the rate along a line, for a share `warmup` of the steps."""

    warmup: float = checked(number(0, 1), 0.0)

    def rate(self, lr: float, steps: int) -> optax.Schedule:
        """Warm-up, then the rest."""
        rise = round(self.warmup * steps)
        rest = self.after_warmup(lr, rise, steps)
        return optax.join_schedules([optax.linear_schedule(0.0, lr, rise), rest], [rise]) if rise else rest

    def after_warmup(self, lr: float, rise: int, steps: int) -> optax.Schedule:
        """The rate from step `rise` on, as a function of the steps since."""
        raise NotImplementedError


@dataclass(frozen=True)
class Constant(Warmed):
    """The same rate throughout."""

    word = "constant"

    def after_warmup(self, lr: float, rise: int, steps: int) -> optax.Schedule:
        """`lr` at every step."""
        return optax.constant_schedule(lr)


def _shares(value: Any) -> tuple[float, ...]:
    expected = ValueError("shares of the training in ascending order, each at least 0 and below 1: [0.5, 0.75]")
    if not isinstance(value, list | tuple):
        raise expected
    try:
        shares = tuple(number(0, 1)(share) for share in value)
    except ValueError:
        raise expected from None
    if list(shares) != sorted(shares):
        raise expected
    return shares


@dataclass(frozen=True)
class Stepwise(Warmed):
    """The rate is multiplied by `factor` at each of the shares `at` of all steps."""

    word = "step"
    at: tuple[float, ...] = checked(_shares, (0.5, 0.75))
    factor: float = checked(number(0, 1), 0.1)

    def after_warmup(self, lr: float, rise: int, steps: int) -> optax.Schedule:
        """`lr` times the factor to the power of the shares gone by."""
        drops = [round(share * steps) - rise for share in self.at]
        levels = [lr * self.factor**count for count in range(len(drops) + 1)]
        return lambda step: jnp.asarray(levels)[jnp.sum(step >= jnp.asarray(drops))]


@dataclass(frozen=True)
class Cosine(Warmed):
    """Half a cosine from the rate down to a share `end` of it."""

    word = "cosine"
    end: float = checked(number(0, 1), 0.0)

    def after_warmup(self, lr: float, rise: int, steps: int) -> optax.Schedule:
        """The cosine over what the warm-up leaves."""
        return optax.cosine_decay_schedule(lr, max(steps - rise, 1), self.end)


@dataclass(frozen=True)
class OneCycle(Schedule):
    """Up to `lr` along a cosine for a share `rise` of the steps, then down to nearly 0 (Smith and Topin 2018)."""

    word = "one-cycle"
    rise: float = checked(number(0, 1), 0.25)
    start: float = checked(number(0, 1), 0.04)

    def rate(self, lr: float, steps: int) -> optax.Schedule:
        """From `start` of the rate to the rate, then to a ten-thousandth of it."""
        up = round(self.rise * steps)
        fall = optax.cosine_decay_schedule(lr, max(steps - up, 1), alpha=1e-4)
        if not up:
            return fall
        # A falling cosine from lr to start * lr, run backwards.
        climb = optax.cosine_decay_schedule(lr, up, alpha=self.start)
        return optax.join_schedules([lambda step: climb(up - step), fall], [up])


@dataclass(frozen=True)
class Plateau(Constant):
    """The rate is multiplied by `factor` once validation has not improved for more than `patience` epochs.

    As PyTorch's ReduceLROnPlateau with its relative threshold: an improvement is one by more than a share
    `minimum_change` of the best value. The rate is not lowered below `minimum`, and epochs are not counted for
    `cooldown` epochs after it was.
    """

    word = "plateau"
    factor: float = checked(number(0, 1), 0.1)
    patience: int = checked(whole(0), 10)
    minimum: float = checked(number(0), 0.0)
    minimum_change: float = checked(number(0, 1), 1e-4)
    cooldown: int = checked(whole(0), 0)
    by: str = checked(one_of(*WATCHED), "val_loss")

    def after(self, watch: Watch, value: float, lr: float) -> Watch:
        """What is remembered after an epoch with this validation value, at a rate of `lr` times the watch's scale."""
        cost = _cost(value, self.by)
        better = cost < watch.best * (1 + _cost(-self.minimum_change, self.by))
        best = cost if better else watch.best
        bad = 0 if better or watch.cooldown > 0 else watch.bad + 1
        if bad <= self.patience:
            return Watch(best, bad, watch.scale, max(watch.cooldown - 1, 0))
        old = lr * watch.scale
        new = max(old * self.factor, self.minimum)
        return Watch(best, 0, new / lr if old - new > NEGLIGIBLE else watch.scale, self.cooldown)


SCHEDULES: dict[str, type[Schedule]] = {kind.word: kind for kind in (Constant, Stepwise, Cosine, OneCycle, Plateau)}


@dataclass(frozen=True)
class Stop(Checked):
    """Any rule for ending a training before its last epoch."""

    word: ClassVar[str]


@dataclass(frozen=True)
class NoStop(Stop):
    """Every epoch is trained."""

    word = "none"


@dataclass(frozen=True)
class EarlyStopping(Stop):
    """End after `patience` epochs in a row that were not better than the best by more than `minimum_change`.

    As Keras's EarlyStopping; the change is absolute.
    """

    word = "early"
    patience: int = checked(whole(1), 7)
    minimum_change: float = checked(number(0), 0.0)
    by: str = checked(one_of(*WATCHED), "val_loss")

    def after(self, watch: Watch, value: float) -> Watch:
        """What is remembered after an epoch with this validation value."""
        cost = _cost(value, self.by)
        better = cost + self.minimum_change < watch.best
        return replace(watch, best=cost, bad=0) if better else replace(watch, bad=watch.bad + 1)

    def done(self, watch: Watch) -> bool:
        """Whether to end here."""
        return watch.bad >= self.patience


STOPS: dict[str, type[Stop]] = {kind.word: kind for kind in (NoStop, EarlyStopping)}
