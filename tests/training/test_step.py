"""One step of training, against the same step by hand."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cnncli.data.augment import NoAugmentation
from cnncli.data.inputs import Fit
from cnncli.data.placement import placement
from cnncli.evaluation.evaluate import Examples
from cnncli.models.model import model
from cnncli.networks.layers import AuxiliaryHead, BatchNorm, Dense, Flatten
from cnncli.networks.network import Network
from cnncli.training.optimizers import Constant, Sgd
from cnncli.training.step import Program, train_step, train_steps

SCALE = {"shift": np.zeros(1, np.float32), "factor": np.full(1, 1 / 255, np.float32)}
IMAGES = np.arange(4 * 2 * 2, dtype=np.uint8).reshape(4, 2, 2, 1) * 15
LABELS = np.array([0, 1, 2, 1], np.int32)


def program(*layers, lr=0.5):
    network = Network("tiny", (2, 2, 1), layers)
    transformation = Sgd(lr=lr, momentum=0.0).transformation(Constant().rate(lr, 1))
    return Program(
        model(network), transformation, NoAugmentation(), Fit("pad", (2, 2)), "cross-entropy", placement().split()
    )


def test_a_step_of_a_linear_classifier_is_the_one_by_hand():
    """If this fails, training changed: decide whether that was meant, and say so where the results are."""
    linear = program(Flatten(), Dense(3, name="out"))
    before = linear.initial(SCALE, 3)
    after = train_step(linear, before, Examples(jnp.asarray(IMAGES), jnp.asarray(LABELS)))

    x = IMAGES.reshape(4, 4) / 255.0
    logits = x @ np.asarray(before.params["out"]["kernel"], np.float64)
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    wrong = (shares - np.eye(3)[LABELS]) / 4
    np.testing.assert_allclose(
        after.params["out"]["kernel"], before.params["out"]["kernel"] - 0.5 * x.T @ wrong, rtol=1e-5, atol=1e-6
    )
    np.testing.assert_allclose(after.params["out"]["bias"], -0.5 * wrong.sum(0), rtol=1e-5, atol=1e-6)
    assert float(after.tally.loss) == pytest.approx(-np.log(shares[np.arange(4), LABELS]).sum(), rel=1e-5)
    assert int(after.tally.correct) == int((logits.argmax(1) == LABELS).sum())
    assert (int(after.step), int(after.tally.count)) == (1, 4)


def test_an_auxiliary_head_is_trained_by_its_weight():
    def change(weight):
        both = program(Flatten(), AuxiliaryHead((Dense(3, name="side"),), weight=weight, name="head"), Dense(3))
        before = both.initial(SCALE, 3)
        after = train_step(both, before, Examples(jnp.asarray(IMAGES), jnp.asarray(LABELS)))
        return after.params["head"]["side"]["kernel"] - before.params["head"]["side"]["kernel"]

    np.testing.assert_allclose(change(0.6), 2 * change(0.3), rtol=1e-4, atol=1e-7)
    assert float(jnp.abs(change(0.3)).max()) > 1e-3


def test_statistics_move_on_with_the_step():
    normed = program(Flatten(), BatchNorm(name="norm", momentum=0.75), Dense(3))
    after = train_step(normed, normed.initial(SCALE, 3), Examples(jnp.asarray(IMAGES), jnp.asarray(LABELS)))
    np.testing.assert_allclose(after.stats["norm"]["mean"], 0.25 * IMAGES.reshape(4, 4).mean(0) / 255, rtol=1e-5)


def test_steps_in_one_call_are_the_steps_one_by_one():
    linear = program(Flatten(), Dense(3))
    images, labels = jnp.asarray(IMAGES), jnp.asarray(LABELS)
    batches = jnp.array([[0, 1], [2, 3], [1, 2]])
    call = jax.jit(partial(train_steps, linear))
    together, tally = call(linear.initial(SCALE, 3), images, labels, batches)
    state = linear.initial(SCALE, 3)
    for batch in batches:
        state, _ = call(state, images, labels, batch[None])
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-6, atol=1e-7), together, state)
    assert int(tally.count) == 6
