"""What is built, as values: counts by kind, how arrays start, and every disagreement with sizing."""

from dataclasses import replace
from math import prod, sqrt

import jax
import numpy as np
import pytest
from flax import nnx
from hypothesis import given

from cnncli.errors import Bug
from cnncli.models import summary
from cnncli.models.initializers import Keys
from cnncli.models.model import model
from cnncli.models.summary import leaves, summarize
from cnncli.networks.catalogue import find
from cnncli.networks.layers import BatchNorm, Branches, Conv, Dense, Flatten, PartialConv, Residual, Subsample
from cnncli.networks.network import INITIALIZATIONS, Network
from cnncli.sizing.size import size
from tests.models import arrays
from tests.strategies import networks


@pytest.mark.parametrize("name", ["lenet5-1998", "alexnet", "googlenet", "vgg16-bn", "resnet50"])
def test_catalogued_networks_are_built_as_sized(name):
    built, totals = summarize(find(name)), size(find(name)).totals
    assert built.count("trained") == built.params == totals.params_with_heads
    assert built.count("statistic") == totals.stats_with_heads
    assert (built.count("frozen"), built.count("random")) == (0, 0)
    assert built.bytes == 4 * (built.params + built.count("statistic"))


@given(networks())
def test_random_networks_are_built_as_sized_and_say_how_each_array_starts(network):
    built = summarize(network)
    assert built.params == size(network).totals.params_with_heads
    assert all(leaf.init for leaf in built.leaves)


def test_arrays_come_in_the_order_of_the_layers_and_are_those_that_are_trained():
    built = summarize(find("resnet20"))
    params, stats = model(find("resnet20")).shapes()
    assert [leaf.path for leaf in built.leaves][:6] == [
        *("conv1/kernel", "bn1/bias", "bn1/mean", "bn1/scale", "bn1/var"),
        "conv2/block1/conv1/kernel",
    ]
    for kind, tree in (("trained", params), ("statistic", stats)):
        shapes = {path: leaf.shape for path, leaf in arrays.leaves(tree).items()}
        assert {leaf.path: leaf.shape for leaf in built.leaves if leaf.kind == kind} == shapes


def test_nothing_is_allocated():
    before = sum(array.nbytes for array in jax.live_arrays())
    assert summarize(find("vgg16")).bytes == 553_430_176
    assert sum(array.nbytes for array in jax.live_arrays()) - before < 1000


class Fixed(nnx.Variable):
    """A kind of array that is none of Flax's own."""


class Mixed(nnx.Module):
    """One array of each kind, the dropout with random state of its own."""

    def __init__(self):
        self.dense = nnx.Linear(2, 3, use_bias=False, rngs=nnx.Rngs(0))
        self.norm = nnx.BatchNorm(3, rngs=nnx.Rngs(0))
        self.codes = Fixed(np.ones((4, 5), np.float32))
        self.dropout = nnx.Dropout(0.5, rngs=nnx.Rngs(0))


def test_arrays_are_counted_by_what_flax_says_they_are():
    counts = {"trained": 0, "statistic": 0, "frozen": 0, "random": 0}
    for leaf in leaves(Mixed()):
        counts[leaf.kind] += leaf.count
    # A key, and how many were drawn from it.
    assert counts == {"trained": 6 + 6, "statistic": 6, "frozen": 20, "random": 2}


# 40 maps that see one input map, 40 that see both; enough weights of each kind to tell how they were drawn.
LAYERS = (
    Conv(64, 5, name="conv"),
    Conv(64, 1, groups=2, bias_start=1, name="raised"),
    BatchNorm(name="norm"),
    PartialConv(((0,),) * 40 + ((0, 1),) * 40, 3, name="partial"),
    Subsample(2, 2, name="subsample"),
    Flatten(),
    Dense(600, name="dense"),
    Dense(500, bias=False, name="last"),
)
FANS = {"conv": (25 * 8, 25 * 64), "raised": (32, 64), "dense": (2000, 600), "last": (600, 500)}


def started(init):
    """Real values by path, beside what the summary says of them."""
    network = Network("n", (16, 16, 8), LAYERS, init=init)
    params, stats = model(network).initialize(1)
    values = {**arrays.leaves(params), **arrays.leaves(stats)}
    said = {leaf.path: leaf.init for leaf in summarize(network).leaves}
    assert said.keys() == values.keys()
    return {path: (said[path], np.asarray(values[path])) for path in said}


def deviation(name, fan_in, fan_out):
    return {
        "glorot-uniform": sqrt(2 / (fan_in + fan_out)),
        "he-normal": sqrt(2 / fan_in),
        "glorot-normal": sqrt(2 / (fan_in + fan_out)),
        "he-uniform": sqrt(2 / fan_in),
        "normal, variance 2/F": sqrt(2 / fan_in),
        "uniform +-1/sqrt(F)": 1 / sqrt(3 * fan_in),
        "lecun-normal": sqrt(1 / fan_in),
        "normal-0.01": 0.01,
        "uniform +-2.4/F": 2.4 / fan_in / sqrt(3),
    }[name]


@pytest.mark.parametrize("init", INITIALIZATIONS)
def test_arrays_start_as_they_say(init):
    for path, (name, values) in started(init).items():
        layer = path.partition("/")[0]
        if name in ("zeros", "ones", "1.0"):
            assert (values == {"zeros": 0, "ones": 1, "1.0": 1}[name]).all(), path
        elif name == "uniform +-2.4/F +1.0":
            assert 0.5 * 2.4 / 32 < np.abs(values - 1).max() <= 2.4 / 32 + 1e-6
        elif name == "uniform +-1/sqrt(F) +1.0":
            assert 0.5 / sqrt(32) < np.abs(values - 1).max() <= 1 / sqrt(32) + 1e-6
        elif path.endswith("kernel") and layer in FANS:
            assert values.std() == pytest.approx(deviation(name, *FANS[layer]), rel=0.06), path
            assert np.abs(values.mean()) < 0.1 * values.std(), path
        else:
            # Few values, whose inputs are no more than those of a 3x3 window on two maps.
            assert name != "zeros"
            assert 0 < np.abs(values).max() < 2.5, path


def test_each_array_has_the_name_of_its_own_initializer():
    alexnet = {leaf.path: leaf.init for leaf in summarize(find("alexnet")).leaves}
    assert (alexnet["conv1/bias"], alexnet["conv2/bias"], alexnet["conv2/kernel"]) == ("zeros", "1.0", "normal-0.01")
    norm = {leaf.path: leaf.init for leaf in summarize(Network("n", (2, 2, 3), (BatchNorm(name="bn"),))).leaves}
    assert norm == {"bn/bias": "zeros", "bn/mean": "zeros", "bn/scale": "ones", "bn/var": "ones"}
    assert {leaf.init for leaf in summarize(find("lenet5-1998")).leaves} == {"uniform +-2.4/F"}


NETWORK = Network(
    "n",
    (6, 6, 2),
    (
        Conv(4, 3, name="conv"),
        BatchNorm(name="bn"),
        Residual((Conv(4, 1, name="body"),)),
        Branches(((), (Conv(2, 1, name="way"),)), name="both"),
        Flatten(name="flat"),
        Dense(5, name="out"),
    ),
)


def sized_otherwise(monkeypatch, changes, **whole):
    """Let sizing say other things of `NETWORK`: fields of rows by path, or of the whole report."""
    report = size(NETWORK)
    rows = tuple(replace(row, **changes.get(row.path, {})) for row in report.rows)
    monkeypatch.setattr(summary, "size", lambda network: replace(report, rows=rows, **whole))


@pytest.mark.parametrize(
    ("changes", "whole", "said"),
    [
        ({"conv": {"params": 77}}, {}, "n: conv: sizing counts 77 parameters, the model has 76"),
        ({"bn": {"stats": 9}}, {}, "n: bn: sizing counts 9 statistics, the model has 8"),
        ({"body": {"params": 0}}, {}, "n: body: sizing counts 0 parameters, the model has 20"),
        ({"conv": {"output": (4, 5, 4)}}, {}, "n: conv: sizing gives 4x5x4, the model 4x4x4"),
        ({"both": {"output": (4, 4, 7)}}, {}, "n: both: sizing gives 4x4x7, the model 4x4x6"),
        ({"both/way": {"path": "road", "params": 0}}, {}, "n: road: sizing gives 4x4x2, the model nothing"),
        ({"out": {"params": 9}, "bn": {"params": 9}}, {}, "n: bn: sizing counts 9 parameters, the model has 8"),
        ({}, {"output": (6,)}, "n: output: sizing gives 6, the model 5"),
    ],
)
def test_a_disagreement_is_a_bug_that_names_the_first_path_and_both_numbers(monkeypatch, changes, whole, said):
    sized_otherwise(monkeypatch, changes, **whole)
    with pytest.raises(Bug) as raised:
        summarize(NETWORK)
    assert str(raised.value) == said


def test_arrays_of_a_layer_that_sizing_does_not_know_are_a_disagreement(monkeypatch):
    report = size(NETWORK)
    rows = tuple(row for row in report.rows if row.path != "both/way")
    monkeypatch.setattr(summary, "size", lambda network: replace(report, rows=rows))
    with pytest.raises(Bug, match="n: both/way: sizing has no such layer, the model has 10 values in it"):
        summarize(NETWORK)


def test_heads_are_checked_as_well(monkeypatch):
    report = size(find("googlenet"))
    head = next(row for row in report.rows if row.head and row.word == "activation")
    rows = tuple(replace(row, output=(1, 2)) if row is head else row for row in report.rows)
    monkeypatch.setattr(summary, "size", lambda network: replace(report, rows=rows))
    with pytest.raises(Bug, match=f"googlenet: {head.path}: sizing gives 1x2, the model {prod(head.output[:1])}x"):
        summarize(find("googlenet"))


def test_keys_are_those_of_flax():
    keys, rngs = Keys(jax.random.key(3)), nnx.Rngs(jax.random.key(3))
    for _ in range(3):
        assert np.array_equal(jax.random.key_data(keys.params()), jax.random.key_data(rngs.params()))
