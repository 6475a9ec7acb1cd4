"""Backward rules: how a signal goes back through a ReLU where one looks into a network instead of training it.

Forward, every rule is the same network. Back through what is linear in its input (convolutions, dense layers, average
pooling, BatchNorm as evaluated) the signal goes as the gradient does, which for a convolution is the transposed one;
local response normalization keeps its own gradient, too. Max-pooling puts the signal at the recorded switch, the first
of equal maxima.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from cnncli.models.pooling import reduce_windows
from cnncli.sizing.report import Windows

# What reaches a ReLU's input, of its input and the signal at its output.
Rule = Callable[[jax.Array, jax.Array], jax.Array]

RULES: dict[str, Rule] = {
    # The derivative: where the unit was active.
    "gradient": lambda x, signal: jnp.where(x > 0, signal, 0),
    # Zeiler and Fergus 2014: the ReLU again, on the way back.
    "deconv": lambda x, signal: jnp.maximum(signal, 0),
    # Springenberg et al. 2015: both.
    "guided": lambda x, signal: jnp.where(x > 0, jnp.maximum(signal, 0), 0),
}


def _with(rule: Rule) -> Callable[[jax.Array], jax.Array]:
    @jax.custom_vjp
    def relu(x: jax.Array) -> jax.Array:
        return jnp.maximum(x, 0)

    def forward(x: jax.Array) -> tuple[jax.Array, jax.Array]:
        return jnp.maximum(x, 0), x

    def backward(x: jax.Array, signal: jax.Array) -> tuple[jax.Array]:
        return (rule(x, signal),)

    relu.defvjp(forward, backward)
    return relu


RELUS = {name: _with(rule) for name, rule in RULES.items()}


def switched_max_pool(x_BxHxWxC: jax.Array, windows: Windows) -> jax.Array:
    """The largest value of each window; the signal goes back to the first of equal ones alone, the switch."""
    return reduce_windows(x_BxHxWxC, windows, lambda one, other: jnp.where(other > one, other, one), -jnp.inf)
