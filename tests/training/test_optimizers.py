"""Optimizers do what their papers say, step by step, with the rate and the weight decay where they belong."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from cnncli.models.model import model
from cnncli.networks.layers import Activation, BatchNorm, Conv, Dense, Flatten, PartialConv, Pool, Subsample
from cnncli.networks.network import Network
from cnncli.training import optimizers
from cnncli.training.optimizers import (
    OPTIMIZERS,
    Adadelta,
    Adagrad,
    Adam,
    AdamW,
    AlexNetSgd,
    Lars,
    Lion,
    Muon,
    RmsProp,
    Sgd,
    by_rate,
)
from tests.models.arrays import leaves

START = {"layer": {"kernel": np.array([[1.0, -2.0], [0.5, 3.0]]), "bias": np.array([0.3, -0.7])}}
# Three steps down a quadratic; rates that fall, and what a plateau makes of them.
RATES, SCALES = (1.0, 0.8, 0.6), (1.0, 0.5, 0.5)


def gradient(params):
    """The slope of the quadratic: steeper for some weights than for others."""
    return jax.tree.map(lambda one: (one - 0.2) * np.linspace(0.5, 2, one.size).reshape(one.shape), params)


def descend(transformation, scales=SCALES, start=START, slope=gradient):
    """The parameters after each step."""
    params = jax.tree.map(lambda one: jnp.asarray(one, jnp.float32), start)
    state, path = transformation.init(params), []
    for scale in scales:
        extra = {} if scale is None else {"scale": jnp.float32(scale)}
        updates, state = transformation.update(slope(params), state, params, **extra)
        params = optax.apply_updates(params, updates)
        path.append(params)
    return path


def by_hand(rule, lr):
    """The same in float64 by a rule (array's name, weights, gradient, rate, memory) -> weights."""
    params, memory, path = START["layer"], {"kernel": {}, "bias": {}}, []
    for rate, scale in zip(RATES, SCALES, strict=True):
        slopes = gradient(params)
        params = {name: rule(name, w, slopes[name], lr * rate * scale, memory[name]) for name, w in params.items()}
        path.append({"layer": params})
    return path


def sgd(name, w, g, e, memory, nesterov=False):
    g = g + 0.1 * w
    v = memory["v"] = 0.9 * memory.get("v", 0) + g
    return w - e * (g + 0.9 * v if nesterov else v)


def alexnet(name, w, g, e, memory):
    v = memory["v"] = 0.9 * memory.get("v", 0) - 0.0005 * e * w - e * g
    return w + v


def adadelta(name, w, g, e, memory):
    squares = memory["squares"] = 0.95 * memory.get("squares", 0) + 0.05 * g**2
    move = np.sqrt(memory.get("moves", 0) + 1e-7) / np.sqrt(squares + 1e-7) * g
    memory["moves"] = 0.95 * memory.get("moves", 0) + 0.05 * move**2
    return w - e * move


def adagrad(name, w, g, e, memory):
    squares = memory["squares"] = memory.get("squares", 0.1) + g**2
    return w - e * g / np.sqrt(squares + 1e-7)


def rmsprop(name, w, g, e, memory):
    squares = memory["squares"] = 0.9 * memory.get("squares", 0) + 0.1 * g**2
    v = memory["v"] = 0.7 * memory.get("v", 0) + e * g / np.sqrt(squares + 1e-7)
    return w - v


def adam(name, w, g, e, memory, decay=0.0):
    memory["t"] = memory.get("t", 0) + 1
    m = memory["m"] = 0.9 * memory.get("m", 0) + 0.1 * g
    v = memory["v"] = 0.999 * memory.get("v", 0) + 0.001 * g**2
    move = m / (1 - 0.9 ** memory["t"]) / (np.sqrt(v / (1 - 0.999 ** memory["t"])) + 1e-8)
    return w - e * (move + decay * w)


def lion(name, w, g, e, memory):
    m = memory.get("m", 0)
    memory["m"] = 0.99 * m + 0.01 * g
    return w - e * (np.sign(0.9 * m + 0.1 * g) + 0.1 * w)


def lars(name, w, g, e, memory):
    if name == "kernel":
        g = g + 5e-4 * w
        g = g * 0.001 * np.linalg.norm(w) / np.linalg.norm(g)
    v = memory["v"] = 0.9 * memory.get("v", 0) + e * g
    return w - v


def muon(name, w, g, e, memory):
    """Kernels; biases by Adam with Nesterov's momentum."""
    t = memory["t"] = memory.get("t", 0) + 1
    beta = 0.95 if name == "kernel" else 0.9
    m = memory["m"] = beta * memory.get("m", 0) + (1 - beta) * g
    ahead = beta * m / (1 - beta ** (t + 1)) + (1 - beta) * g / (1 - beta**t)
    if name == "kernel":
        x = ahead / np.linalg.norm(ahead)
        for _ in range(5):
            square = x @ x.T
            x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
        move = 0.2 * np.sqrt(max(w.shape)) * x
    else:
        v = memory["v"] = 0.999 * memory.get("v", 0) + 0.001 * g**2
        move = ahead / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return w - e * (move + 0.01 * w)


@pytest.mark.parametrize(
    ("optimizer", "rule"),
    [
        (Sgd(0.1, weight_decay=0.1), sgd),
        (Sgd(0.1, nesterov=True, weight_decay=0.1), partial(sgd, nesterov=True)),
        (AlexNetSgd(), alexnet),
        (Adadelta(), adadelta),
        (Adagrad(), adagrad),
        (RmsProp(momentum=0.7), rmsprop),
        (Adam(), adam),
        (AdamW(), partial(adam, decay=0.01)),
        (Lion(), lion),
        (Lars(), lars),
        (Muon(), muon),
    ],
)
def test_three_steps_are_those_by_hand_at_a_rate_that_falls_and_is_scaled(optimizer, rule):
    path = descend(optimizer.transformation(lambda step: optimizer.lr * jnp.array(RATES)[step]))
    for got, wanted in zip(path, by_hand(rule, optimizer.lr), strict=True):
        jax.tree.map(partial(np.testing.assert_allclose, rtol=2e-5), got, wanted)


RATE = optax.cosine_decay_schedule(0.3, 4)


@pytest.mark.parametrize(
    ("optimizer", "theirs"),
    [
        (Sgd(), optax.sgd(RATE, 0.9)),
        (Sgd(momentum=0.0), optax.sgd(RATE)),
        (Sgd(nesterov=True), optax.sgd(RATE, 0.9, nesterov=True)),
        (Sgd(weight_decay=0.1), optax.chain(optax.add_decayed_weights(0.1), optax.sgd(RATE, 0.9))),
        (Adadelta(), optax.adadelta(RATE, 0.95, 1e-7)),
        (Adagrad(), optax.adagrad(RATE)),
        (RmsProp(momentum=0.5), optax.rmsprop(RATE, eps=1e-7, momentum=0.5)),
        (Adam(), optax.adam(RATE)),
        (AdamW(), optax.adamw(RATE, weight_decay=1e-2)),
        (Lion(), optax.lion(RATE, weight_decay=0.1)),
        (Lars(decay="all"), optax.lars(RATE, 5e-4)),
        (
            Muon(),
            optax.contrib.muon(
                RATE,
                weight_decay=0.01,
                adam_weight_decay=0.01,
                muon_weight_dimension_numbers=optimizers.matrices,
                consistent_rms=0.2,
            ),
        ),
    ],
)
def test_without_a_scale_optimizers_are_optaxs_own(optimizer, theirs):
    ours = descend(optimizer.transformation(RATE), [None] * 3)
    for got, wanted in zip(ours, descend(theirs, [None] * 3), strict=True):
        jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-6), got, wanted)


@pytest.mark.parametrize(("optimizer", "left"), [(Sgd(0.1), 0.5), (AlexNetSgd(0.1, weight_decay=0.0), 1.0)])
def test_half_the_scale_halves_what_was_gathered_for_sgd_but_not_for_alexnet(optimizer, left):
    def moves(last):
        def slope(params):
            # A push in the first step, and none after.
            return jax.tree.map(lambda one: (one == 0).astype(jnp.float32), params)

        steps = descend(optimizer.transformation(lambda step: 0.1), (1.0, last), {"w": np.zeros(1)}, slope)
        return float(steps[1]["w"][0] - steps[0]["w"][0])

    assert moves(1.0) == pytest.approx(-0.9 * 0.1)
    assert moves(0.5) == pytest.approx(left * moves(1.0))


DECAYING = [kind for kind in OPTIMIZERS.values() if hasattr(kind, "weight_decay")]
LAYERS = (
    *(PartialConv(((0,), (0, 1)), 3, name="c"), Subsample(2, 2, name="s"), Conv(2, 1, name="d")),
    *(BatchNorm(name="n"), Flatten(), Dense(3, name="out")),
)


@pytest.mark.parametrize("kind", DECAYING, ids=lambda kind: kind.word)
@pytest.mark.parametrize("which", ["all", "weights"])
def test_decay_of_the_weights_spares_biases_normalization_and_coefficients(kind, which):
    params = jax.tree.map(lambda one: np.ones(one.shape), model(Network("n", (6, 6, 2), LAYERS)).shapes()[0])
    transformation = kind(lr=0.1, weight_decay=0.5, decay=which).transformation(lambda step: 0.1)
    [after] = descend(transformation, [1.0], params, partial(jax.tree.map, jnp.zeros_like))
    spared = {"c/bias", "s/bias", "s/scale", "d/bias", "n/scale", "n/bias", "out/bias"} if which == "weights" else set()
    assert {path for path, leaf in leaves(after).items() if (leaf == 1).all()} == spared
    assert {path for path, leaf in leaves(after).items() if (leaf < 1).all()} == set(leaves(params)) - spared


def test_muon_reads_a_convolution_as_one_matrix_of_its_windows():
    kernel = np.random.default_rng(0).normal(size=(3, 2, 2, 5))
    [after] = descend(
        Muon(1.0, weight_decay=0.0).transformation(lambda step: 1.0), [1.0], {"kernel": kernel}, lambda x: x
    )
    move = np.asarray(kernel - after["kernel"]).reshape(12, 5)
    sizes = np.linalg.svd(move, compute_uv=False) / (0.2 * np.sqrt(12))
    assert sizes.min() > 0.6
    assert sizes.max() < 1.25


@pytest.mark.parametrize(
    ("optimizer", "copies"),
    [
        *((Sgd(), 1), (Sgd(momentum=0.0), 0), (AlexNetSgd(), 1), (Adadelta(), 2), (Adagrad(), 1), (RmsProp(), 1)),
        *((RmsProp(momentum=0.9), 2), (Adam(), 2), (AdamW(), 2), (Lion(), 1), (Lars(), 1), (Muon(), 1)),
    ],
)
def test_no_more_is_kept_than_the_rule_needs(optimizer, copies):
    state = optimizer.transformation(lambda step: 0.1).init({"kernel": jnp.zeros((50, 100))})
    sizes = [leaf.size for leaf in jax.tree.leaves(state)]
    assert sizes.count(5000) == copies
    assert sum(size for size in sizes if size != 5000) < 10


def test_the_rate_is_that_of_the_step_and_a_bfloat16_stays_one():
    transformation = by_rate(lambda step: 0.5 * (step + 1))
    state = transformation.init(None)
    moves = []
    for _ in range(3):
        update, state = transformation.update(jnp.ones(1, jnp.bfloat16), state, scale=jnp.float32(2.0))
        moves.append(float(update[0]))
    assert moves == [-1.0, -2.0, -3.0]
    assert update.dtype == jnp.bfloat16
    assert int(state.count) == 3


CONVNET = (Conv(6, 3, name="c"), Activation("relu"), Pool("max", 2, 2), Flatten(), Dense(10, name="out"))


@pytest.fixture(scope="module")
def convnet(digits):
    """A small network, and its loss and gradient on some digits."""
    built = model(Network("n", (8, 8, 1), CONVNET))
    images, labels = digits.split.images[:64] / 255.0, digits.split.labels[:64]

    def loss(params):
        logits = built.logits(params, {}, jnp.asarray(images, jnp.float32))
        return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(logits, labels))

    return built, jax.jit(jax.value_and_grad(loss))


@pytest.mark.parametrize("word", OPTIMIZERS)
def test_every_optimizer_teaches_a_convnet_something_in_twenty_steps(convnet, word):
    built, slope = convnet
    optimizer = OPTIMIZERS[word]()
    transformation = optimizer.transformation(lambda step: optimizer.lr)
    params, _ = built.initialize(0)
    state, update, losses = transformation.init(params), jax.jit(transformation.update), []
    for _ in range(20):
        loss, slopes = slope(params)
        updates, state = update(slopes, state, params, scale=1.0)
        params = optax.apply_updates(params, updates)
        losses.append(float(loss))
    assert losses[-1] < 0.97 * losses[0]
