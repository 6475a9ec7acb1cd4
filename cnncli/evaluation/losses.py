"""The losses of the texts, one value an example, from logits and targets (batch, class), and what makes the targets."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

# Each row of targets is a distribution over the classes: its numbers add up to 1.
Loss = Callable[[jax.Array, jax.Array], jax.Array]

# The constant j of LeCun 1998, equation 9, whose value the paper does not print.
MAP_J = 0.1


def cross_entropy(logits: jax.Array, targets: jax.Array) -> jax.Array:
    """Minus the logarithm of a class's softmax probability, expected over the targets."""
    return jax.nn.logsumexp(logits, axis=-1) - jnp.sum(targets * logits, axis=-1)


def mean_squared_error(logits: jax.Array, targets: jax.Array) -> jax.Array:
    """The mean over the classes of the squared difference of softmax probability and target, as Keras has it."""
    return jnp.mean((jax.nn.softmax(logits, axis=-1) - targets) ** 2, axis=-1)


def maximum_a_posteriori(logits: jax.Array, targets: jax.Array) -> jax.Array:
    """LeNet5's criterion: a class's penalty y_D plus log(exp(-j) + sum_i exp(-y_i)) (LeCun 1998, equation 9).

    Logits are minus the penalties, as the radial-basis output gives them; y_D is expected over the targets.
    """
    return jnp.logaddexp(-MAP_J, jax.nn.logsumexp(logits, axis=-1)) - jnp.sum(targets * logits, axis=-1)


LOSSES: dict[str, Loss] = {
    "cross-entropy": cross_entropy,
    "mean-squared-error": mean_squared_error,
    "map": maximum_a_posteriori,
}


def targets(labels: jax.Array, classes: int, smoothing: float = 0.0) -> jax.Array:
    """Targets (batch, class) of labels (batch,), a share `smoothing` spread over all classes (Szegedy et al. 2016)."""
    return (1 - smoothing) * jax.nn.one_hot(labels, classes) + smoothing / classes


def class_weights(labels: NDArray[np.int32], classes: int, how: str) -> NDArray[np.float64]:
    """What an example of each class counts for (class,): 1, or, "balanced", as much as all of another class together.

    Balanced weights are 1 on average over the examples; a class without examples has the weight 0.
    """
    if how == "none":
        return np.ones(classes)
    counts = np.bincount(labels, minlength=classes)
    return np.where(counts > 0, len(labels) / (np.maximum(counts, 1) * np.count_nonzero(counts)), 0.0)
