"""The Flax reader against sizing: parameters, statistics and shapes of catalogued and random networks, by path."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings

from cnncli.models.model import model
from cnncli.networks.catalogue import CATALOGUE, find
from cnncli.networks.layers import (
    AuxiliaryHead,
    BatchNorm,
    Branches,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalPool,
    Group,
    Residual,
)
from cnncli.networks.network import Network, walk
from cnncli.sizing.size import size
from tests.models.arrays import counts, leaves
from tests.strategies import networks

BATCH = 2


def images(network):
    return jax.ShapeDtypeStruct((BATCH, *network.input), jnp.float32)


def tapped_shapes(network):
    """The shapes of a forward pass's activations, without the batch, and of its logits; nothing is computed."""
    built, seen = model(network), {}

    def tap(path, x):
        seen[path] = x.shape[1:]
        return x

    logits = jax.eval_shape(lambda *arrays: built.logits(*arrays, tap=tap), *built.shapes(), images(network))
    return seen, logits.shape[1:]


def head_shapes(network):
    """Weight and shape of each auxiliary head's logits in training."""
    built, weights = model(network), []

    def heads(params, stats, x):
        output, _ = built.train(params, stats, x, jax.random.key(0))
        weights.extend(weight for weight, _ in output.heads)
        return [logits for _, logits in output.heads]

    shapes = jax.eval_shape(heads, *built.shapes(), images(network))
    return [(weight, shape.shape) for weight, shape in zip(weights, shapes, strict=True)]


def assert_as_sized(network):
    report, (params, stats) = size(network), model(network).shapes()
    assert counts(params) == {row.path: row.params for row in report.rows if row.params}
    assert counts(stats) == {row.path: row.stats for row in report.rows if row.stats}
    assert sum(counts(params).values()) == report.totals.params_with_heads
    assert sum(counts(stats).values()) == report.totals.stats_with_heads


def assert_flows_as_sized(network):
    report = size(network)
    seen, logits = tapped_shapes(network)
    rows = {row.path: row.output for row in report.rows}
    assert logits == report.output
    assert {path: shape for path, shape in seen.items() if path in rows} == {
        row.path: row.output for row in report.rows if not row.head
    }


@pytest.mark.parametrize("name", CATALOGUE)
def test_catalogued_networks_have_the_parameters_that_sizing_counts(name):
    assert_as_sized(find(name))


@pytest.mark.parametrize("name", CATALOGUE)
def test_catalogued_networks_have_the_shapes_that_sizing_says(name):
    assert_flows_as_sized(find(name))


@given(networks())
def test_random_networks_have_the_parameters_that_sizing_counts(network):
    assert_as_sized(network)


@given(networks())
def test_random_networks_have_the_shapes_that_sizing_says(network):
    assert_flows_as_sized(network)


@pytest.mark.slow
@settings(max_examples=500)
@given(networks())
def test_many_random_networks_have_the_shapes_that_sizing_says(network):
    assert_flows_as_sized(network)


@given(networks())
def test_every_auxiliary_head_gives_logits_in_training(network):
    given_weights = [layer.weight for layer in walk(network.layers) if isinstance(layer, AuxiliaryHead)]
    assert [weight for weight, _ in head_shapes(network)] == given_weights


def test_parameters_are_named_by_the_layers_paths():
    params, stats = model(find("lenet5")).shapes()
    names = [f"{layer}/{kind}" for layer in ("c1", "c3", "c5", "f6", "output") for kind in ("bias", "kernel")]
    assert sorted(leaves(params)) == names
    assert leaves(params)["c3/kernel"].shape == (5, 5, 6, 16)
    assert leaves(stats) == {}


def test_paths_go_into_groups_and_through_branches_and_residuals_without_a_name():
    inside = (Conv(4, 1, name="3x3"), BatchNorm(name="bn"))
    tree = Group((Branches((inside, (Residual((Conv(2, 1, name="body"),)),))),), name="inception4a")
    params, stats = model(Network("n", (4, 4, 2), (tree,))).shapes()
    assert counts(params) == {"inception4a/3x3": 12, "inception4a/bn": 8, "inception4a/body": 6}
    assert sorted(leaves(stats)) == ["inception4a/bn/mean", "inception4a/bn/var"]


@pytest.mark.parametrize("name", ["set_view", "train", "items", "1", "3x3", "é"])
def test_a_layer_may_be_called_as_flax_calls_its_own(name):
    network = Network("n", (4, 4, 1), (Group((Conv(2, 3, name=name), Dropout(0.5)), name="group"), GlobalPool()))
    assert_as_sized(network)
    assert_flows_as_sized(network)


HEADED = Network(
    "headed",
    (4, 4, 1),
    (Conv(2, 3, name="conv"), AuxiliaryHead((Flatten(), Dense(3)), 0.4, name="head"), Flatten(), Dense(5, name="out")),
)


def test_auxiliary_heads_are_in_training_only():
    assert head_shapes(HEADED) == [(0.4, (BATCH, 3))]
    seen, logits = tapped_shapes(HEADED)
    assert not [path for path in seen if path.startswith("head")]
    assert logits == (5,)


def test_a_tap_sees_a_group_as_a_whole():
    seen, _ = tapped_shapes(Network("n", (4, 4, 1), (Group((Conv(2, 3), Conv(3, 2)), name="block"),)))
    assert seen == {"block/conv1": (2, 2, 2), "block/conv2": (1, 1, 3), "block": (1, 1, 3)}


def test_a_tap_can_put_another_value_in_its_place():
    network = Network("n", (1, 1, 1), (Flatten(name="flat"), Dense(1, name="out")))
    params = {"out": {"kernel": jnp.array([[3.0]]), "bias": jnp.array([1.0])}}
    logits = model(network).logits(
        params, {}, jnp.full((1, 1, 1, 1), 2.0), lambda path, x: 10 * x if path == "flat" else x
    )
    assert logits.tolist() == [[61.0]]


def of(layer, x, params=None, stats=None):
    """One layer in training and in evaluation: (output, new statistics, logits)."""
    built = model(Network("one", x.shape[1:], (layer,)))
    params, stats = params or {}, stats or {}
    output, after = built.train(params, stats, x, jax.random.key(1))
    return output.logits, after, built.logits(params, stats, x)


def test_dropout_keeps_the_expectation_in_training():
    trained, _, _ = of(Dropout(0.25), jnp.ones((1, 100, 100, 1)))
    assert sorted(np.unique(trained)) == pytest.approx([0, 4 / 3])
    assert float(trained.mean()) == pytest.approx(1, abs=0.03)


def test_dropout_does_nothing_in_evaluation():
    x = jnp.arange(12.0).reshape(1, 2, 6, 1)
    assert np.array_equal(of(Dropout(0.9), x)[2], x)


def test_dropout_is_drawn_by_the_key():
    built = model(Network("n", (20, 20, 1), (Dropout(0.5),)))
    one, same, other = (
        built.train({}, {}, jnp.ones((1, 20, 20, 1)), jax.random.key(key))[0].logits for key in (1, 1, 2)
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_layers_do_not_drop_the_same_units():
    built = model(Network("n", (20, 20, 1), (Branches(((Dropout(0.5),), (Dropout(0.5),))),)))
    both = built.train({}, {}, jnp.ones((1, 20, 20, 1)), jax.random.key(0))[0].logits
    assert not np.array_equal(both[..., 0], both[..., 1])


NORM = {"norm": {"scale": jnp.array([2.0]), "bias": jnp.array([1.0])}}
RUNNING = {"norm": {"mean": jnp.array([5.0]), "var": jnp.array([4.0])}}


def normalized(x):
    return of(BatchNorm(0.75, 0.0, name="norm"), x, NORM, RUNNING)


def test_momentum_is_the_share_of_the_running_statistics_that_is_kept():
    _, after, _ = normalized(jnp.array([1.0, 3.0]).reshape(2, 1, 1, 1))
    assert after["norm"]["mean"] == pytest.approx(0.75 * 5 + 0.25 * 2)
    assert after["norm"]["var"] == pytest.approx(0.75 * 4 + 0.25 * 1)


def test_batch_norm_uses_the_batch_in_training_and_the_running_statistics_in_evaluation():
    trained, _, evaluated = normalized(jnp.array([1.0, 3.0]).reshape(2, 1, 1, 1))
    assert trained.ravel() == pytest.approx([-1, 3])
    assert evaluated.ravel() == pytest.approx([2 * (1 - 5) / 2 + 1, 2 * (3 - 5) / 2 + 1])


def test_a_model_computes_in_its_dtype_and_keeps_parameters_and_logits_in_float32():
    built, seen = model(HEADED, jnp.bfloat16), {}

    def tap(path, x):
        seen[path] = x.dtype
        return x

    params, stats = built.shapes()
    logits = jax.eval_shape(lambda *arrays: built.logits(*arrays, tap=tap), params, stats, images(HEADED))
    assert set(seen.values()) == {jnp.dtype("bfloat16")}
    assert {leaf.dtype for leaf in jax.tree.leaves(params)} == {logits.dtype} == {jnp.dtype("float32")}


def test_models_of_equal_networks_are_equal_so_that_compiled_functions_are_shared():
    assert model(find("lenet5")) == model(find("lenet5"))
    assert hash(model(find("lenet5"))) == hash(model(find("lenet5")))
    assert model(find("lenet5")) != model(find("lenet5-modern"))
