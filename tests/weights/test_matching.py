import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings

from cnncli.errors import DataError
from cnncli.networks.catalogue import find
from cnncli.networks.layers import AuxiliaryHead, BatchNorm, Conv, Dense, Flatten
from cnncli.networks.network import Network, adapt
from cnncli.weights.layout import slots
from cnncli.weights.matching import classes, fitting, matched
from tests.strategies import networks
from tests.weights.states import keras_names, state_of
from tests.weights.test_layout import arrays_of

HEAD = AuxiliaryHead((Flatten(), Dense(3, name="fc")), name="aux")
SMALL = Network(
    "small", (4, 4, 2), (Conv(3, 3, name="conv"), BatchNorm(name="bn"), HEAD, Flatten(), Dense(3, name="fc"))
)


def file_of(network):
    """A file with our names."""
    return {slot.key: array for slot, array in arrays_of(network)}


def problems(found):
    return found.missing, found.heads, found.leftover, found.mismatched


@settings(max_examples=50)
@given(networks())
def test_our_own_names_fit_any_network_bit_for_bit(network):
    tensors = file_of(network)
    if not tensors:
        return
    found = matched(tensors, network)
    assert (found.names, problems(found), found.fits) == ("cnncli", ((),) * 4, True)
    assert all(np.array_equal(found.arrays[slot], tensors[slot.key]) for slot in slots(network))


def test_arrays_are_nested_by_path():
    found = matched(file_of(SMALL), SMALL)
    assert set(found.params) == {"conv", "bn", "aux", "fc"}
    assert set(found.stats) == {"bn"} and set(found.stats["bn"]) == {"mean", "var"}
    assert found.params["aux"]["fc"]["kernel"].shape == (12, 3)


@pytest.mark.parametrize("prefix", ["module.", "model.", "backbone.", "module.model.", "net._orig_mod."])
def test_what_wrappers_put_before_names_is_no_part_of_them(prefix):
    network = find("resnet18")
    found = matched({prefix + name: tensor for name, tensor in state_of(network).items()}, network)
    assert (found.names, problems(found)) == ("torchvision", ((),) * 4)


def test_a_name_without_a_wrapper_comes_first():
    tensors = file_of(SMALL) | {"model.conv/kernel": np.zeros((3, 3, 2, 3), np.float32)}
    found = matched(tensors, SMALL)
    assert found.params["conv"]["kernel"].any()
    assert found.leftover == ("model.conv/kernel",)


@pytest.mark.parametrize("kind", [np.float16, ml_dtypes.bfloat16, np.float64])
def test_other_precisions_become_float32(kind):
    tensors = {name: (array % 16).astype(kind) for name, array in file_of(SMALL).items()}
    found = matched(tensors, SMALL)
    assert {array.dtype for array in found.arrays.values()} == {np.dtype(np.float32)}
    assert np.array_equal(found.params["fc"]["kernel"], file_of(SMALL)["fc/kernel"] % 16)


def test_counters_and_the_state_of_optimizers_are_passed_over():
    other = {"bn1.num_batches_tracked": np.zeros(()), "total_ops": np.zeros(1), "layer1.total_params": np.zeros(1)}
    assert matched(file_of(SMALL) | other | {"optimizer_weights/m/conv2d": np.zeros(1)}, SMALL).leftover == ()


def test_of_two_names_for_one_array_one_is_left_over(keras):
    tensors = file_of(SMALL)
    twice = {f"module.{name}": array for name, array in tensors.items()} | {"model.fc/bias": tensors["fc/bias"]}
    assert matched(twice, SMALL).leftover == ("module.fc/bias",)
    assert matched(keras | {"again/conv2d/bias:0": keras["conv2d/bias:0"]}, ALEXNET).leftover == (
        "again/conv2d/bias:0",
    )


def test_what_is_missing_and_left_over_is_named():
    tensors = file_of(SMALL)
    tensors["other"] = tensors.pop("bn/var")
    found = matched(tensors, SMALL)
    assert problems(found) == (("bn/var",), (), ("other",), ())
    assert not found.fits


def test_auxiliary_heads_are_no_need():
    tensors = file_of(SMALL)
    del tensors["aux/fc/bias"]
    tensors["aux/fc/kernel"] = np.zeros((12, 7), np.float32)
    found = matched(tensors, SMALL)
    assert problems(found) == ((), ("aux/fc/kernel", "aux/fc/bias"), (), ())
    assert found.fits and "aux" not in found.params


def test_another_shape_is_told_in_our_layout():
    network = find("resnet18")
    state = state_of(network)
    state |= {
        "fc.weight": state["fc.weight"][:10],
        "conv1.weight": state["conv1.weight"][:, :, :5],
        "bn1.bias": np.zeros(()),
    }
    assert matched(state, network).mismatched == (
        "conv1/kernel: the file has 5x7x3x64, the network takes 7x7x3x64",
        "bn1/bias: the file has one number, the network takes 64",
        "fc/kernel: the file has 512x10, the network takes 512x1000",
    )


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (np.zeros(3, np.int8), "the file has numbers of type int8"),
        (np.zeros(3, bool), "the file has numbers of type bool"),
        (np.zeros(3, np.complex64), "the file has numbers of type complex64"),
        (np.array([0, np.nan, 0], np.float32), "the file has values that are not finite"),
        (np.array([0, 1e300, 0]), "the file has values that are not finite in float32"),
    ],
)
def test_what_is_no_weight_does_not_match(value, said):
    (sentence,) = matched(file_of(SMALL) | {"conv/bias": value}, SMALL).mismatched
    assert sentence.startswith(f"conv/bias: {said}")


def test_a_file_of_other_names_is_refused_with_those_that_are_known():
    with pytest.raises(DataError) as refused:
        matched({f"blocks.{number}.attn.qkv": np.zeros(1) for number in range(5)}, find("resnet18"))
    assert str(refused.value) == (
        "no name of resnet18 in it: expected torchvision's such as conv1.weight or Hugging Face's such as "
        "resnet.embedder.embedder.convolution.weight or cnncli's such as conv1/kernel; it has blocks.0.attn.qkv, "
        "blocks.1.attn.qkv, blocks.2.attn.qkv, ..."
    )


def test_torchvisions_bottlenecks_are_not_those_of_the_paper():
    with pytest.raises(DataError, match="no name of resnet50-v1 in it: expected cnncli's such as conv1/kernel"):
        matched(state_of(find("resnet50")), find("resnet50-v1"))


def test_the_classes_of_a_file():
    network = find("resnet18")
    state = state_of(adapt(network, classes=7))
    assert classes(state, network) == 7
    assert classes(file_of(SMALL), SMALL) == 3
    del state["fc.weight"]
    assert classes(state, network) is None
    # Its last dense layer gives what is compared with codes, one a class.
    assert classes(file_of(find("lenet5-1998")), find("lenet5-1998")) is None


def test_the_network_that_takes_all_of_a_file():
    deep = state_of(adapt(find("resnet34"), classes=5))
    assert matched(deep, adapt(find("resnet18"), classes=5)).fits
    assert fitting(deep) == "resnet34"
    assert fitting(file_of(SMALL)) is None
    del deep["layer1.0.conv1.weight"]
    assert fitting(deep) is None


ALEXNET = find("alexnet-cifar10")


@pytest.fixture(scope="module")
def keras():
    """Every array of the article's AlexNet by Keras's name, each of other values."""
    values = {slot: np.full(slot.shape, place, np.float32) for place, slot in enumerate(slots(ALEXNET))}
    return {name: values[slot] for name, slot in keras_names(ALEXNET)}


def renumbered(name):
    """`conv2d_2/kernel:0` and the file's earlier layers, as a process names them that has made nine before."""
    layer, part = name.split("/")
    kind, _, number = layer.rpartition("_")
    kind, number = (kind, int(number)) if number.isdigit() else (layer, 0)
    return f"model_weights/{kind}_{number + 9}/sequential_1/{kind}_{number + 9}/{part}"


NUMBERS = ("kernel", "bias"), ("gamma", "beta", "moving_mean", "moving_variance")


def kept_by_keras_3(name):
    layer, part = name.removesuffix(":0").split("/")
    return f"layers/{layer}/vars/{NUMBERS['norm' in layer].index(part)}"


@pytest.mark.parametrize("rename", [str, renumbered, kept_by_keras_3])
def test_keras_layers_count_by_their_order(keras, rename):
    found = matched({rename(name): array for name, array in keras.items()}, ALEXNET)
    assert (found.names, problems(found)) == ("Keras", ((),) * 4)
    assert [array.flat[0] for array in (found.arrays[slot] for slot in slots(ALEXNET))] == list(range(len(keras)))


def test_keras_bare_list_is_in_the_order_of_layers(keras):
    ordered = sorted(keras.values(), key=lambda array: array.flat[0])
    found = matched({f"arr_{place}": array for place, array in enumerate(ordered)}, ALEXNET)
    assert (found.names, problems(found)) == ("Keras", ((),) * 4)
    assert np.array_equal(found.params["fc8"]["kernel"], ordered[-2])


def test_a_layer_too_many_is_left_over(keras):
    extra = {"conv2d_5/kernel:0": np.zeros(1), "dense_2/gamma:0": np.zeros(1), "embedding/kernel:0": np.zeros(1)}
    assert set(matched(keras | extra, ALEXNET).leftover) == set(extra)


def test_other_networks_are_not_matched_by_order(keras):
    with pytest.raises(DataError, match="no name of lenet5 in it"):
        matched(keras, find("lenet5"))
