"""The losses of the texts, one value an example, from logits (batch, class) and labels (batch,)."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

Loss = Callable[[jax.Array, jax.Array], jax.Array]

# The constant j of LeCun 1998, equation 9, whose value the paper does not print.
MAP_J = 0.1


def cross_entropy(logits: jax.Array, labels: jax.Array) -> jax.Array:
    """Minus the logarithm of the softmax probability of the label."""
    return jax.nn.logsumexp(logits, axis=-1) - _of_label(logits, labels)


def maximum_a_posteriori(logits: jax.Array, labels: jax.Array) -> jax.Array:
    """LeNet5's criterion: the label's penalty y_D plus log(exp(-j) + sum_i exp(-y_i)) (LeCun 1998, equation 9).

    Logits are minus the penalties, as the radial-basis output gives them.
    """
    return jnp.logaddexp(-MAP_J, jax.nn.logsumexp(logits, axis=-1)) - _of_label(logits, labels)


def _of_label(logits: jax.Array, labels: jax.Array) -> jax.Array:
    return jnp.take_along_axis(logits, labels[:, None], axis=-1)[:, 0]


LOSSES: dict[str, Loss] = {"cross-entropy": cross_entropy, "map": maximum_a_posteriori}
