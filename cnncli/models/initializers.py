"""How weights start: the papers' initializations by name."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from flax import nnx

Initializer = Callable[..., jax.Array]


@dataclass(frozen=True)
class Start:
    """How a layer's weights and biases start; the biases are given the layer's fan-in."""

    weight: Initializer
    bias: Callable[[int], Initializer]


def _zero(fan_in: int) -> Initializer:
    return nnx.initializers.zeros_init()


def uniform(limit: float) -> Initializer:
    """Uniform between minus and plus `limit`."""

    def start(key: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype = jnp.float32, **_: object) -> jax.Array:
        return jax.random.uniform(key, shape, dtype, -limit, limit)

    return start


def raised(start: Initializer, by: float) -> Initializer:
    """The same values and `by` more."""
    return lambda *args, **keywords: start(*args, **keywords) + by


# 2.4/F each way, F being the unit's number of inputs (LeCun 1998, appendix A): variance 2.4^2/(3 F^2).
def _lecun_1998(key: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype = jnp.float32, **_: object) -> jax.Array:
    fan_in = 1
    for size in shape[:-1]:
        fan_in *= size
    return uniform(2.4 / fan_in)(key, shape, dtype)


INITIALIZERS: dict[str, Start] = {
    # Glorot and Bengio 2010; Keras's default, biases of zero.
    "glorot-uniform": Start(nnx.initializers.glorot_uniform(), _zero),
    # He et al. 2015, equation 10.
    "he-normal": Start(nnx.initializers.he_normal(), _zero),
    # LeCun et al. 1998, Efficient BackProp, section 4.6.
    "lecun-normal": Start(nnx.initializers.lecun_normal(), _zero),
    # Krizhevsky et al. 2012, section 5; the biases it starts at 1 say so themselves.
    "normal-0.01": Start(nnx.initializers.normal(0.01), _zero),
    "lecun-1998": Start(_lecun_1998, lambda fan_in: uniform(2.4 / fan_in)),
}
