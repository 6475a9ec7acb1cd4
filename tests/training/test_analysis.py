"""What XLA says of real programs: exact where arithmetic is, and every difference from sizing by its name."""

from dataclasses import replace

import jax
import pytest
from hypothesis import assume, given, settings

from cnncli.errors import UsageError
from cnncli.networks.catalogue import find
from cnncli.networks.layers import (
    AuxiliaryHead,
    Branches,
    Conv,
    Dense,
    Flatten,
    GlobalPool,
    Group,
    PartialConv,
    Residual,
)
from cnncli.networks.network import Network
from cnncli.sizing import workload
from cnncli.sizing.size import size
from cnncli.training.analysis import Apart, analyze
from cnncli.training.optimizers import OPTIMIZERS, Adam, Sgd
from cnncli.training.recipes import default
from cnncli.training.session import heads
from tests.strategies import networks

BATCH = 4


def analysis(network, **recipe):
    return analyze(network, replace(default(network, ""), **recipe), BATCH, {})


def bare(*layers, input=(6, 6, 8)):
    """A network of multiply-adds and nothing else."""
    flatten = () if GlobalPool() in layers else (Flatten(),)
    return Network("bare", input, (*layers, *flatten, Dense(3, bias=False)))


def test_xla_counts_what_sizing_counts_but_for_padding_and_the_first_layers_inputs():
    network = bare(Conv(16, 3, padding=1, bias=False, name="conv"))
    found, batch = analysis(network), 2 * BATCH
    conv, dense = 3 * 3 * 8 * 16, 6 * 6 * 16 * 3
    # Of 3 x 6 taps an axis the first and the last lie on padding.
    taps = 16 * 16
    assert found.forward.sized_flops == batch * (36 * conv + dense)
    assert found.forward.flops == batch * (taps * 8 * 16 + dense)
    assert found.forward.apart == Apart(padding=batch * (taps * 8 * 16 - 36 * conv))
    assert found.forward.rest == 0
    assert found.step.sized_flops == 3 * found.forward.sized_flops
    assert found.step.apart == Apart(2 * found.forward.apart.padding, 0, -batch * 36 * conv)


@pytest.mark.slow
def test_what_remains_is_little_beside_convolutions():
    found = analysis(find("resnet18-cifar"))
    for work, share in ((found.forward, 0.01), (found.step, 0.02)):
        assert 0 < work.rest < share * work.sized_flops
        assert work.flops == work.sized_flops + sum((*vars(work.apart).values(), work.rest))
        assert work.flops_ratio == work.flops / work.sized_flops < 1


def test_zeros_of_a_partial_convolution_and_of_banded_matrices_are_named():
    table = ((0, 1), (2,), (0, 3))
    partial = analysis(Network("n", (6, 6, 4), (PartialConv(table, 3, 2), Flatten(), Dense(2))))
    lacking = 4 * len(table) - 5
    assert partial.forward.apart == Apart(zeros=2 * BATCH * 2 * 2 * 9 * lacking)
    banded = analysis(find("lenet5"))
    assert banded.platform == "cpu"
    assert banded.forward.apart.zeros > 2 * banded.forward.sized_flops
    assert banded.forward.rest < 0.05 * banded.forward.sized_flops


@pytest.mark.parametrize(
    ("network", "first"),
    [
        (bare(Conv(8, 1, bias=False, name="a"), Conv(8, 1, bias=False)), ["a"]),
        (bare(Branches(((Conv(8, 1, name="a"),), (Conv(8, 1, name="b"), Conv(8, 1))))), ["a", "b"]),
        (bare(Residual((Conv(8, 1, name="a"),)), Conv(8, 1)), ["a"]),
        (bare(Group((Group((Conv(8, 1, name="a"),), name="in"),), name="out"), Conv(8, 1)), ["out/in/a"]),
        (Network("gap", (4, 4, 5), (GlobalPool(), Dense(3, name="a"), Dense(2))), ["a"]),
    ],
)
def test_layers_that_see_the_image_need_no_gradient_of_it(network, first):
    rows = {row.path: row for row in size(network).rows}
    assert analysis(network).step.apart.inputs == -2 * BATCH * sum(rows[path].macs for path in first)


def test_auxiliary_heads_are_in_the_training_step_only():
    head = AuxiliaryHead((Flatten(), Dense(3, bias=False)))
    found, main = analysis(bare(head, GlobalPool(), Dense(500))), 8 * 500 + 500 * 3
    assert found.forward.sized_flops == 2 * BATCH * main
    assert found.step.sized_flops == 6 * BATCH * (main + 6 * 6 * 8 * 3)
    assert found.step.apart.inputs == -2 * BATCH * (8 * 500 + 6 * 6 * 8 * 3)


def test_memory_is_that_of_the_real_step_with_its_optimizer():
    mlp, params = find("mlp"), size(find("mlp")).totals.params
    image, parameters = 28 * 28 * 1, 4 * params
    sgd, adam = analysis(mlp, optimizer=Sgd(momentum=0.9)), analysis(mlp, optimizer=Adam())
    assert sgd.forward.arguments == parameters + 4 * BATCH * image
    assert sgd.forward.results == 4 * BATCH * 10
    assert adam.step.arguments - sgd.step.arguments == pytest.approx(parameters, abs=64)
    # Images are bytes and the state is changed in its place.
    assert sgd.step.arguments == pytest.approx(2 * parameters + BATCH * image, abs=256)
    assert sgd.step.results < 1000
    assert (sgd.load.optimizer, adam.load.optimizer) == ("sgd", "adam")


def test_a_run_s_recipe_decides_the_type_and_the_scaling():
    found = analysis(find("mlp"), precision="bfloat16", scaling="mean-image")
    assert found.load.dtype == "bfloat16"
    assert found.forward.sized_bytes < analysis(find("mlp")).forward.sized_bytes


def test_no_array_as_large_as_the_network_is_made():
    before = sum(array.nbytes for array in jax.live_arrays())
    assert analysis(find("alexnet-cifar10")).step.arguments > 3 * 4 * 22_589_642
    assert sum(array.nbytes for array in jax.live_arrays()) - before < 100_000


def test_a_network_that_tells_no_classes_has_no_training_step():
    with pytest.raises(UsageError, match=r"n gives 4x4x2 outputs; .* one number a class"):
        analysis(Network("n", (4, 4, 1), (Conv(2, 1),)))


def test_sizing_knows_every_optimizer():
    assert set(OPTIMIZERS) <= set(workload.OPTIMIZERS)


@pytest.mark.slow
@settings(max_examples=15)
@given(networks())
def test_what_has_a_name_is_never_more_than_there_is(network):
    output = size(network).output
    assume(len(output) == 1 and set(heads(network).values()) <= {output})
    found = analysis(network)
    assert found.forward.rest >= 0
    assert found.step.rest >= 0
