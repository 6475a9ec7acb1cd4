"""How arrays start: the papers' initializations by name."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

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
    """How a layer's weights and biases start; the biases are given the layer's fan-in."""

    weight: Initializer
    bias: Callable[[int], Initializer]


def _zero(fan_in: int) -> Initializer:
    return ZEROS


# 2.4/F each way, F being the unit's number of inputs (LeCun 1998, appendix A): variance 2.4^2/(3 F^2).
def _lecun_1998(fan_in: int | None = None) -> Initializer:
    """Uniform within 2.4/F; F is `fan_in`, or else what the array's own shape says."""

    def draw(key: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype) -> jax.Array:
        limit = 2.4 / (fan_in or prod(shape[:-1]))
        return jax.random.uniform(key, shape, dtype, -limit, limit)

    return Initializer("uniform +-2.4/F", draw)


def raised(start: Initializer, by: float) -> Initializer:
    """The same values and `by` more."""
    if not by:
        return start
    name = str(float(by)) if start is ZEROS else f"{start.name} {float(by):+}"
    return Initializer(name, lambda *what: start(*what) + by)


INITIALIZERS: dict[str, Start] = {
    # Glorot and Bengio 2010; Keras's default, biases of zero.
    "glorot-uniform": Start(Initializer("glorot-uniform", nnx.initializers.glorot_uniform()), _zero),
    # He et al. 2015, equation 10.
    "he-normal": Start(Initializer("he-normal", nnx.initializers.he_normal()), _zero),
    # LeCun et al. 1998, Efficient BackProp, section 4.6.
    "lecun-normal": Start(Initializer("lecun-normal", nnx.initializers.lecun_normal()), _zero),
    # Krizhevsky et al. 2012, section 5; the biases it starts at 1 say so themselves.
    "normal-0.01": Start(Initializer("normal-0.01", nnx.initializers.normal(0.01)), _zero),
    "lecun-1998": Start(_lecun_1998(), _lecun_1998),
}
