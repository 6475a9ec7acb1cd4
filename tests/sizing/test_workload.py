"""Memory against published figures, against what Optax keeps, and against a schedule played through."""

from dataclasses import dataclass, replace
from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnncli.errors import UsageError
from cnncli.networks.catalogue import CATALOGUE, find
from cnncli.networks.layers import AuxiliaryHead, Branches, Conv, Dense, Flatten, Group, Pool, Residual
from cnncli.networks.network import Network
from cnncli.sizing.size import size
from cnncli.sizing.workload import OPTIMIZERS, Workload, cost
from tests.strategies import networks

MIB = 2**20


def activations(name):
    """Of the main path, the input among them."""
    report = size(find(name))
    return prod(report.network.input) + sum(row.activations for row in report.main)


def test_activations_of_vgg16_are_the_published_ones():
    assert activations("vgg16") == 15_237_608
    assert cost(size(find("vgg16")), Workload()).activations == 15_237_608 * 4


@pytest.mark.parametrize(
    ("name", "mebibytes"), [("vgg16", 58.13), ("alexnet", 3.57), ("googlenet", 18.29), ("resnet50", 43.74)]
)
def test_activations_in_mebibytes(name, mebibytes):
    assert round(activations(name) * 4 / MIB, 2) == mebibytes


def test_a_batch_is_split_over_devices_and_the_fullest_counts():
    assert [Workload(batch=128, devices=devices).images for devices in (1, 2, 3, 128, 1000)] == [128, 64, 43, 1, 1]
    report = size(find("lenet5"))
    one, split = cost(report, Workload(43)), cost(report, Workload(128, devices=3))
    assert (split.activations, split.working, split.training) == (one.activations, one.working, one.training)
    # The operations are those of all devices.
    assert split.forward_flops == 2 * 128 * 416_520


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_halves_activations_alone(dtype):
    report = size(find("resnet50"))
    full, half = cost(report, Workload(8)), cost(report, Workload(8, dtype))
    assert half == replace(full, activations=full.activations // 2, working=full.working // 2)


def test_memory_adds_up():
    found = cost(size(find("resnet50")), Workload(2, optimizer="adam"))
    params, stats = 4 * 25_557_032, 4 * 53_120
    assert (found.params, found.stats, found.gradients, found.optimizer) == (params, stats, params, 2 * params)
    assert found.training == 4 * params + stats + found.activations
    assert (found.inference_params, found.inference_stats) == (params, stats)
    assert found.inference == params + stats + found.working


def test_heads_are_trained_and_not_there_for_inference():
    head = AuxiliaryHead((Flatten(), Dense(5)))
    bare, headed = (size(Network("n", (3, 3, 2), (Conv(2, 1), *way, Flatten(), Dense(4)))) for way in ((), (head,)))
    less, more = cost(bare, Workload(3)), cost(headed, Workload(3))
    assert more.params - less.params == 4 * (18 * 5 + 5)
    assert more.activations - less.activations == 4 * 3 * 5
    assert more.inference == less.inference
    assert more.forward_flops == less.forward_flops == 2 * 3 * (9 * 4 + 18 * 4)
    assert more.training_flops - less.training_flops == 3 * 2 * 3 * 18 * 5


def test_training_takes_three_forward_passes():
    found = cost(size(find("alexnet")), Workload(128))
    assert found.forward_flops == 2 * 128 * 724_406_816
    assert found.training_flops == 3 * found.forward_flops


def test_optimizers_keep_as_many_arrays_as_optax_does():
    import jax
    import jax.numpy as jnp

    from cnncli.training import optimizers

    params = {"kernel": jnp.zeros((3, 5)), "bias": jnp.zeros(7)}
    shapes = {array.shape for array in params.values()}
    assert set(OPTIMIZERS) == set(optimizers.OPTIMIZERS)
    for name, kind in optimizers.OPTIMIZERS.items():
        state = kind().transformation(lambda step: 0.1).init(params)
        kept = [leaf.size for leaf in jax.tree.leaves(state) if leaf.shape in shapes]
        assert sum(kept) == OPTIMIZERS[name] * (15 + 7) + 7 * (name == "muon"), name


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"batch": 0}, "--batch is 0; expected a whole number of at least 1"),
        ({"batch": 2**31}, "--batch is 2147483648; expected a whole number below 2^31"),
        ({"devices": -1}, "--devices is -1; expected a whole number of at least 1"),
        ({"dtype": "int8"}, "--dtype is 'int8'; expected one of float32, bfloat16, float16"),
        ({"optimizer": "lyon"}, f"--optimizer is 'lyon'; expected one of {', '.join(OPTIMIZERS)}"),
    ],
)
def test_workloads_that_cannot_be_are_refused(values, message):
    with pytest.raises(UsageError) as error:
        Workload(**values)
    assert str(error.value) == message


def working(*layers, input=(4, 4, 2)):
    """Values of one image at the fullest layer of a forward pass."""
    return cost(size(Network("n", input, layers)), Workload()).working // 4


def test_a_chain_holds_a_layer_and_what_it_reads():
    assert working(Conv(3, 1), Conv(5, 1)) == 16 * (3 + 5)
    assert working(Flatten()) == 32


def test_a_shortcut_waits_for_its_body():
    # Behind the first convolution its input still waits to be added.
    assert working(Residual((Conv(2, 3, padding=1), Conv(2, 3, padding=1)))) == 3 * 32
    assert working(Residual((Conv(2, 3, padding=1),))) == 2 * 32


def test_branches_wait_for_each_other():
    ways = ((Conv(3, 1),), (Conv(1, 1), Conv(5, 3, padding=1)), (Pool("max", 3, 1, 1),))
    # At the pooling: what two ways gave, 48 and 80, its input and its output.
    assert working(Branches(ways)) == 48 + 80 + 32 + 32


def test_an_empty_way_holds_its_input_once_wherever_it_stands():
    first, last = Branches(((), (Conv(3, 1),), (Conv(2, 1),))), Branches(((Conv(3, 1),), (Conv(2, 1),), ()))
    assert working(first) == working(last) == 32 + 48 + 32
    # The input is concatenated, so it waits for the second convolution too.
    assert working(Branches(((), (Conv(3, 1), Conv(3, 1))))) == 48 + 48 + 32
    assert working(Residual((), (Conv(2, 1),))) == working(Residual((Conv(2, 1),))) == 64


@dataclass(eq=False)
class Array:
    """Something in memory; two of the same size are two."""

    size: int


def played(network):
    """The values alive at the fullest layer, by going through the layers and remembering who needs which array."""
    rows, most = iter(size(network).main), 0

    def through(layers, array, needed):
        nonlocal most
        for layer in layers:
            match layer:
                case Group():
                    array = through(layer.layers, array, needed)
                case AuxiliaryHead():
                    pass
                case Branches():
                    array = forked(layer.branches, array, needed)
                case Residual():
                    array = forked((layer.body, layer.shortcut), array, needed)
                case _:
                    row = next(rows)
                    made = Array(prod(row.output))
                    if row.activations:
                        most = max(most, sum(one.size for one in {*needed, array, made}))
                    array = made
        return array

    def forked(ways, array, needed):
        ends = []
        for place, way in enumerate(ways, 1):
            later = [array] if place < len(ways) else []
            ends.append(through(way, array, [*needed, *ends, *later]))
        return Array(prod(next(rows).output))

    image = Array(prod(network.input))
    through(network.layers, image, [])
    assert next(rows, None) is None
    return most or image.size


@given(networks(3), st.integers(1, 5))
def test_memory_of_inference_is_that_of_the_schedule(network, batch):
    assert cost(size(network), Workload(batch, "bfloat16")).working == played(network) * batch * 2


@pytest.mark.parametrize("name", CATALOGUE)
def test_memory_of_inference_of_the_catalogue_is_that_of_the_schedule(name):
    assert cost(size(find(name)), Workload()).working == played(find(name)) * 4
