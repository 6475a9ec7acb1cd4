"""How arrays start: the papers' initializations by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod, sqrt

import jax
import jax.numpy as jnp
from flax import nnx


@dataclass(frozen=True)
class Initializer:
    """The first values of an array: `name` says what they are, `draw` makes them of a key, a shape and a dtype."""

    name: str
    draw: Callable[..., jax.Array]

    def __call__(
        self, key: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype = jnp.float32, **_: object
    ) -> jax.Array:
        """The values, as Flax asks for them."""
        return self.draw(key, shape, dtype)


class Keys:
    """The keys that arrays are drawn by, one after the other: those of `nnx.Rngs`, which takes six times as long.

    For every key it traces, it searches all that was traced before, 2 of ResNet152's 2.5 seconds.
    """

    def __init__(self, key: jax.Array) -> None:
        self.key, self.drawn = key, 0

    def params(self) -> jax.Array:
        """The next key."""
        self.drawn += 1
        return jax.random.fold_in(self.key, self.drawn - 1)


ZEROS = Initializer("zeros", nnx.initializers.zeros_init())
ONES = Initializer("ones", nnx.initializers.ones_init())


@dataclass(frozen=True)
class Start:
    """How a layer's weights and biases start; the biases are given the layer's fan-in.

    `other` says which layers start otherwise, by their word (`dense`) or by word and path (`conv conv2`).
    """

    weight: Initializer
    bias: Callable[[int], Initializer]
    other: Mapping[str, "Start"] = field(default_factory=dict)

    def of(self, word: str, path: str) -> "Start":
        """How the layer of this word and path starts."""
        return self.other.get(f"{word} {path}") or self.other.get(word) or self


def _zero(fan_in: int) -> Initializer:
    return ZEROS


def _one(fan_in: int) -> Initializer:
    return ONES


def _within(name: str, limit: Callable[[int], float]) -> Start:
    """Weights and biases uniform within plus and minus a limit that follows from the fan-in."""

    def among(fan_in: int | None = None) -> Initializer:
        def draw(key: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype) -> jax.Array:
            # Weights tell their fan-in themselves, biases do not.
            most = limit(fan_in or prod(shape[:-1]))
            return jax.random.uniform(key, shape, dtype, -most, most)

        return Initializer(name, draw)

    return Start(among(), among)


def raised(start: Initializer, by: float) -> Initializer:
    """The same values and `by` more; what an initialization starts at 1 by itself stays there."""
    if not by or start is ONES:
        return start
    name = str(float(by)) if start is ZEROS else f"{start.name} {float(by):+}"
    return Initializer(name, lambda *what: start(*what) + by)


_NORMAL_001 = Initializer("normal-0.01", nnx.initializers.normal(0.01))
# As PyTorch draws it: of all the normal distribution, where Keras and Flax cut it off at two deviations.
_HE_UNCUT = Initializer("normal, variance 2/F", nnx.initializers.variance_scaling(2.0, "fan_in", "normal"))

INITIALIZERS: dict[str, Start] = {
    # Glorot and Bengio 2010, equation 16; Keras's default, biases of zero.
    "glorot-uniform": Start(Initializer("glorot-uniform", nnx.initializers.glorot_uniform()), _zero),
    # The same variance, as Keras draws it: cut off at two deviations.
    "glorot-normal": Start(Initializer("glorot-normal", nnx.initializers.glorot_normal()), _zero),
    # He et al. 2015, equation 10.
    "he-normal": Start(Initializer("he-normal", nnx.initializers.he_normal()), _zero),
    "he-uniform": Start(Initializer("he-uniform", nnx.initializers.he_uniform()), _zero),
    # LeCun et al. 1998, Efficient BackProp, section 4.6.
    "lecun-normal": Start(Initializer("lecun-normal", nnx.initializers.lecun_normal()), _zero),
    # Krizhevsky et al. 2012, section 5; the biases it starts at 1 say so themselves.
    "normal-0.01": Start(_NORMAL_001, _zero),
    # 2.4/F each way, F being the unit's number of inputs (LeCun 1998, appendix A): variance 2.4^2/(3 F^2).
    "lecun-1998": _within("uniform +-2.4/F", lambda fan_in: 2.4 / fan_in),
    # PyTorch's own for convolutions and dense layers: He's uniform with a slope of sqrt(5), which comes to this.
    "torch": _within("uniform +-1/sqrt(F)", lambda fan_in: 1 / sqrt(fan_in)),
    # The third article's of AlexNet: the paper's convolutions, but He's dense layers, all with biases of 1.
    "torch-article": Start(
        _NORMAL_001,
        _zero,
        {"dense": Start(_HE_UNCUT, _one), **{f"conv conv{place}": Start(_NORMAL_001, _one) for place in (2, 4, 5)}},
    ),
}
