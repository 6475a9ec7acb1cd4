"""Optimizers as values, and the Optax transformations they stand for."""

from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import optax

from cnncli.networks.checks import Checked, checked, flag, number, one_of

# What weight decay makes smaller: every parameter, or the kernels alone, sparing biases and normalization.
DECAYS = ("all", "weights")


def by_rate(rate: optax.Schedule) -> optax.GradientTransformationExtraArgs:
    """Updates times minus the rate of the step, and times `scale`, an argument of `update`; the state counts steps."""

    def init(params: Any) -> optax.ScaleByScheduleState:
        return optax.ScaleByScheduleState(jnp.zeros((), jnp.int32))

    def update(updates: Any, state: Any, params: Any = None, *, scale: jax.Array | float = 1.0, **_: Any) -> Any:
        size = -rate(state.count) * scale
        updates = jax.tree.map(lambda one: jnp.asarray(size, one.dtype) * one, updates)
        return updates, optax.ScaleByScheduleState(optax.safe_increment(state.count))

    return optax.GradientTransformationExtraArgs(init, update)


def kernels(params: Any) -> Any:
    """Which arrays of nested dicts are kernels: a tree of true and false."""
    return jax.tree_util.tree_map_with_path(lambda path, _: path[-1].key == "kernel", params)


def decayed(share: float, which: str) -> optax.GradientTransformation:
    """Updates plus a share of the parameters, of all or of the kernels."""
    mask = kernels if which == "weights" else None
    return optax.add_decayed_weights(share, mask) if share else optax.identity()


def momentum(kept: float, nesterov: bool = False) -> optax.GradientTransformation:
    """Updates plus `kept` of the sum so far; no sum is held in memory where nothing is kept."""
    return optax.trace(kept, nesterov) if kept else optax.identity()


def matrices(params: Any) -> Any:
    """How Muon reads each array: a kernel of a dense layer or convolution as inputs by outputs, any other not at all.

    A partial convolution's kernel holds links (height, width, link), which are no matrix.
    """

    def axes(array: jax.Array) -> optax.contrib.MuonDimensionNumbers | None:
        inputs = tuple(range(array.ndim - 1))
        return optax.contrib.MuonDimensionNumbers(inputs, array.ndim - 1) if array.ndim in (2, 4) else None

    return jax.tree.map(axes, params)


@dataclass(frozen=True)
class Optimizer(Checked):
    """Any optimizer; `lr` is its highest learning rate, which the schedule scales."""

    word: ClassVar[str]
    lr: float = checked(number(0))

    def transformation(self, rate: optax.Schedule) -> optax.GradientTransformationExtraArgs:
        """The Optax transformation at a rate that is a function of the step.

        Its `update(gradients, state, params, scale=1.0)` multiplies the rate of that step by `scale`, where the rate
        stands in the rule.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Sgd(Optimizer):
    """Stochastic gradient descent with momentum; weight decay is added to the gradient (L2)."""

    word = "sgd"
    lr: float = checked(number(0), 0.05)
    momentum: float = checked(number(0, 1), 0.9)
    nesterov: bool = checked(flag, False)
    weight_decay: float = checked(number(0), 0.0)
    decay: str = checked(one_of(*DECAYS), "all")

    def transformation(self, rate: optax.Schedule) -> optax.GradientTransformationExtraArgs:
        """Decay, then momentum, then the rate."""
        decay = decayed(self.weight_decay, self.decay)
        return optax.chain(decay, momentum(self.momentum, self.nesterov), by_rate(rate))


@dataclass(frozen=True)
class AlexNetSgd(Optimizer):
    """AlexNet's own rule (Krizhevsky et al. 2012, section 5): v <- m v - d e w - e g, then w <- w + v.

    The rate e stands inside the velocity v, so a smaller rate leaves the steps already gathered as they are.
    """

    word = "alexnet-sgd"
    lr: float = checked(number(0), 0.01)
    momentum: float = checked(number(0, 1), 0.9)
    weight_decay: float = checked(number(0), 5e-4)
    decay: str = checked(one_of(*DECAYS), "all")

    def transformation(self, rate: optax.Schedule) -> optax.GradientTransformationExtraArgs:
        """Decay, then the rate, then momentum."""
        return optax.chain(decayed(self.weight_decay, self.decay), by_rate(rate), momentum(self.momentum))


@dataclass(frozen=True)
class Adadelta(Optimizer):
    """Adadelta (Zeiler 2012) with Keras's constants, which are not Optax's."""

    word = "adadelta"
    lr: float = checked(number(0), 1.0)
    rho: float = checked(number(0, 1), 0.95)
    epsilon: float = checked(number(0), 1e-7)

    def transformation(self, rate: optax.Schedule) -> optax.GradientTransformationExtraArgs:
        """Optax's Adadelta."""
        return optax.chain(optax.scale_by_adadelta(self.rho, self.epsilon), by_rate(rate))


@dataclass(frozen=True)
class Adagrad(Optimizer):
    """Adagrad (Duchi et al. 2011) with Keras's constants but for the rate; the sum of squares starts at `start`."""

    word = "adagrad"
    lr: float = checked(number(0), 0.05)
    start: float = checked(number(0), 0.1)
    epsilon: float = checked(number(0), 1e-7)

    def transformation(self, rate: optax.Schedule) -> optax.GradientTransformationExtraArgs:
        """Optax's Adagrad."""
        return optax.chain(optax.scale_by_rss(self.start, self.epsilon), by_rate(rate))


@dataclass(frozen=True)
class RmsProp(Optimizer):
    """RMSprop (Tieleman and Hinton 2012) as Keras has it: epsilon inside the root, the rate inside the momentum."""

    word = "rmsprop"
    lr: float = checked(number(0), 1e-3)
    rho: float = checked(number(0, 1), 0.9)
    momentum: float = checked(number(0, 1), 0.0)
    epsilon: float = checked(number(0), 1e-7)

    def transformation(self, rate: optax.Schedule) -> optax.GradientTransformationExtraArgs:
        """Optax's RMSprop."""
        return optax.chain(optax.scale_by_rms(self.rho, self.epsilon), by_rate(rate), momentum(self.momentum))


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam (Kingma and Ba 2015)."""

    word = "adam"
    lr: float = checked(number(0), 1e-3)
    beta1: float = checked(number(0, 1), 0.9)
    beta2: float = checked(number(0, 1), 0.999)
    epsilon: float = checked(number(0), 1e-8)

    def transformation(self, rate: optax.Schedule) -> optax.GradientTransformationExtraArgs:
        """Optax's Adam."""
        return optax.chain(optax.scale_by_adam(self.beta1, self.beta2, self.epsilon), by_rate(rate))


@dataclass(frozen=True)
class AdamW(Optimizer):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019), which the rate scales."""

    word = "adamw"
    lr: float = checked(number(0), 4e-3)
    beta1: float = checked(number(0, 1), 0.9)
    beta2: float = checked(number(0, 1), 0.999)
    epsilon: float = checked(number(0), 1e-8)
    weight_decay: float = checked(number(0), 1e-2)
    decay: str = checked(one_of(*DECAYS), "all")

    def transformation(self, rate: optax.Schedule) -> optax.GradientTransformationExtraArgs:
        """Optax's AdamW."""
        adam = optax.scale_by_adam(self.beta1, self.beta2, self.epsilon)
        return optax.chain(adam, decayed(self.weight_decay, self.decay), by_rate(rate))


@dataclass(frozen=True)
class Lion(Optimizer):
    """Lion (Chen et al. 2023): the sign of a momentum; it wants a smaller rate than AdamW and a larger decay."""

    word = "lion"
    lr: float = checked(number(0), 1e-3)
    beta1: float = checked(number(0, 1), 0.9)
    beta2: float = checked(number(0, 1), 0.99)
    weight_decay: float = checked(number(0), 0.1)
    decay: str = checked(one_of(*DECAYS), "all")

    def transformation(self, rate: optax.Schedule) -> optax.GradientTransformationExtraArgs:
        """Optax's Lion."""
        lion = optax.scale_by_lion(self.beta1, self.beta2)
        return optax.chain(lion, decayed(self.weight_decay, self.decay), by_rate(rate))


@dataclass(frozen=True)
class Lars(Optimizer):
    """LARS (You et al. 2017), for large batches: each array moves by a share `trust` of its own norm.

    With decay of the weights alone, biases and normalization move by the plain gradient, as is usual.
    """

    word = "lars"
    lr: float = checked(number(0), 1.0)
    momentum: float = checked(number(0, 1), 0.9)
    trust: float = checked(number(0), 1e-3)
    weight_decay: float = checked(number(0), 5e-4)
    decay: str = checked(one_of(*DECAYS), "weights")

    def transformation(self, rate: optax.Schedule) -> optax.GradientTransformationExtraArgs:
        """Optax's LARS: decay, trust, then the rate, then momentum."""
        adapted = optax.scale_by_trust_ratio(trust_coefficient=self.trust)
        adapted = optax.masked(adapted, kernels) if self.decay == "weights" else adapted
        decay = decayed(self.weight_decay, self.decay)
        return optax.chain(decay, adapted, by_rate(rate), momentum(self.momentum))


@dataclass(frozen=True)
class Muon(Optimizer):
    """Muon (Jordan et al. 2024): kernels move by their momentum made orthogonal, other parameters by Adam (Nesterov's).

    A convolution's kernel is one matrix, of all that its window sees by its maps. Orthogonal updates are brought to a
    root mean square `rms` of the rate (Liu et al. 2025), which is about Adam's, so that one rate suits both.
    """

    word = "muon"
    lr: float = checked(number(0), 0.02)
    momentum: float = checked(number(0, 1), 0.95)
    rms: float = checked(number(0), 0.2)
    weight_decay: float = checked(number(0), 1e-2)
    decay: str = checked(one_of(*DECAYS), "all")

    def transformation(self, rate: optax.Schedule) -> optax.GradientTransformationExtraArgs:
        """Optax's Muon."""
        # It would descend by a rate of its own; at minus one it gives the bare direction.
        muon = optax.contrib.muon(
            -1.0, beta=self.momentum, consistent_rms=self.rms, muon_weight_dimension_numbers=matrices
        )
        return optax.chain(muon, decayed(self.weight_decay, self.decay), by_rate(rate))


OPTIMIZERS: dict[str, type[Optimizer]] = {
    kind.word: kind for kind in (Sgd, AlexNetSgd, Adadelta, Adagrad, RmsProp, Adam, AdamW, Lion, Lars, Muon)
}
