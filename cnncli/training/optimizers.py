"""Optimizers and schedules as values, and the Optax transformations they stand for."""

from dataclasses import dataclass
from typing import ClassVar

import optax

from cnncli.networks.checks import Checked, checked, flag, number


@dataclass(frozen=True)
class Optimizer(Checked):
    """Any optimizer; `lr` is its highest learning rate, which the schedule scales."""

    word: ClassVar[str]
    lr: float = checked(number(0))

    def transformation(self, rate: optax.Schedule) -> optax.GradientTransformation:
        """The Optax transformation at a rate that is a function of the step."""
        raise NotImplementedError


@dataclass(frozen=True)
class Sgd(Optimizer):
    """Stochastic gradient descent with momentum; weight decay is added to the gradient (L2)."""

    word = "sgd"
    lr: float = checked(number(0), 0.05)
    momentum: float = checked(number(0, 1), 0.9)
    nesterov: bool = checked(flag, False)
    weight_decay: float = checked(number(0), 0.0)

    def transformation(self, rate: optax.Schedule) -> optax.GradientTransformation:
        """Decay, then momentum, then the rate."""
        descent = optax.sgd(rate, self.momentum or None, self.nesterov)
        return optax.chain(optax.add_decayed_weights(self.weight_decay), descent) if self.weight_decay else descent


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam (Kingma and Ba 2015)."""

    word = "adam"
    lr: float = checked(number(0), 1e-3)
    beta1: float = checked(number(0, 1), 0.9)
    beta2: float = checked(number(0, 1), 0.999)
    epsilon: float = checked(number(0), 1e-8)

    def transformation(self, rate: optax.Schedule) -> optax.GradientTransformation:
        """Optax's Adam."""
        return optax.adam(rate, self.beta1, self.beta2, self.epsilon)


@dataclass(frozen=True)
class AdamW(Optimizer):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019)."""

    word = "adamw"
    lr: float = checked(number(0), 4e-3)
    beta1: float = checked(number(0, 1), 0.9)
    beta2: float = checked(number(0, 1), 0.999)
    epsilon: float = checked(number(0), 1e-8)
    weight_decay: float = checked(number(0), 1e-2)

    def transformation(self, rate: optax.Schedule) -> optax.GradientTransformation:
        """Optax's AdamW."""
        return optax.adamw(rate, self.beta1, self.beta2, self.epsilon, weight_decay=self.weight_decay)


@dataclass(frozen=True)
class Adadelta(Optimizer):
    """Adadelta (Zeiler 2012) with Keras's constants, which are not Optax's."""

    word = "adadelta"
    lr: float = checked(number(0), 1.0)
    rho: float = checked(number(0, 1), 0.95)
    epsilon: float = checked(number(0), 1e-7)

    def transformation(self, rate: optax.Schedule) -> optax.GradientTransformation:
        """Optax's Adadelta."""
        return optax.adadelta(rate, self.rho, self.epsilon)


OPTIMIZERS: dict[str, type[Optimizer]] = {kind.word: kind for kind in (Sgd, Adam, AdamW, Adadelta)}


@dataclass(frozen=True)
class Schedule(Checked):
    """Any schedule of the learning rate."""

    word: ClassVar[str]

    def rate(self, lr: float, steps: int) -> optax.Schedule:
        """The learning rate as a function of the step, over `steps` steps."""
        raise NotImplementedError


@dataclass(frozen=True)
class Constant(Schedule):
    """The same rate throughout."""

    word = "constant"

    def rate(self, lr: float, steps: int) -> optax.Schedule:
        """`lr` at every step."""
        return optax.constant_schedule(lr)


@dataclass(frozen=True)
class Cosine(Schedule):
    """Half a cosine from `lr` to 0, after rising to it along a line for a share `warmup` of the steps."""

    word = "cosine"
    warmup: float = checked(number(0, 1), 0.0)

    def rate(self, lr: float, steps: int) -> optax.Schedule:
        """Warm-up, then the cosine."""
        rise = round(self.warmup * steps)
        fall = optax.cosine_decay_schedule(lr, max(steps - rise, 1))
        return optax.join_schedules([optax.linear_schedule(0.0, lr, rise), fall], [rise]) if rise else fall


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


SCHEDULES: dict[str, type[Schedule]] = {kind.word: kind for kind in (Constant, Cosine, OneCycle)}
