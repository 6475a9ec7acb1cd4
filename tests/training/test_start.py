"""What is taken from another network's arrays: by path and shape, all of it but a head of other classes."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from cnncli.errors import DataError
from cnncli.models.model import model
from cnncli.networks.catalogue import find
from cnncli.networks.layers import Activation, Dense, GlobalPool
from cnncli.networks.network import adapt, without
from cnncli.runs.digests import digests
from cnncli.training.recipe import changed
from cnncli.training.session import Session
from cnncli.training.start import start
from tests.training.nets import SMALL

NETWORK, FEWER = SMALL, adapt(SMALL, classes=4)


def arrays(network, seed=5):
    return model(network).initialize(seed)


def test_all_is_taken_where_all_matches():
    found = start(NETWORK, *arrays(NETWORK))
    assert (found.taken, found.new) == (("conv1", "bn1", "block/a", "block/norm", "fc"), ())
    assert digests((found.params, found.stats)) == digests(arrays(NETWORK))


def test_a_head_of_other_classes_is_new():
    found = start(FEWER, *arrays(NETWORK))
    assert (found.taken, found.new) == (("conv1", "bn1", "block/a", "block/norm"), ("fc",))
    assert found.params.keys() == {"conv1", "bn1", "block"}


def test_a_session_begins_with_what_is_taken_and_draws_the_rest(recipe, digits):
    params, stats = arrays(FEWER)
    stats = jax.tree.map(lambda one: one + 1, stats)
    scale = {"shift": np.array([7.0], np.float32), "factor": np.array([0.5], np.float32)}
    found = start(NETWORK, params, stats, scale)
    session = Session(changed(recipe, {"average": 0.9}), NETWORK, digits, {}, found)
    state, fresh = session.initial(), Session(recipe, NETWORK, digits, {}).initial()
    for name in ("conv1", "bn1", "block"):
        assert digests(state.params[name]) == digests(params[name]) == digests(state.average[name])
    assert digests(state.params["fc"]) == digests(fresh.params["fc"])
    assert digests(state.stats) == digests(stats)
    assert digests(state.scale) == digests(scale)


def other(place, layer):
    """The network with another layer at a place."""
    return replace(NETWORK, layers=(*NETWORK.layers[:place], layer, *NETWORK.layers[place + 1 :]))


@pytest.mark.parametrize(
    ("network", "said"),
    [
        (adapt(NETWORK, (8, 8, 3)), "conv1/kernel is 3x3x1x4, the network takes 3x3x3x4"),
        (other(0, replace(NETWORK.layers[0], name="first")), "it lacks first; the network has no conv1"),
        (other(1, Activation("relu")), "the network has no bn1"),
        (other(0, replace(NETWORK.layers[0], bias=False)), "the network has no conv1"),
    ],
)
def test_any_other_difference_is_refused_and_named(network, said):
    with pytest.raises(DataError) as refused:
        start(network, *arrays(NETWORK))
    assert str(refused.value) == f"what it starts from does not match small: {said}"


def test_a_head_whose_inputs_differ_is_no_head_of_other_classes():
    params, stats = arrays(NETWORK)
    params["fc"] = {"kernel": np.zeros((7, 4), np.float32), "bias": np.zeros(4, np.float32)}
    with pytest.raises(DataError, match=r"fc/kernel is 7x4, the network takes 6x10"):
        start(NETWORK, params, stats)


def test_of_a_head_alone_nothing_is_left():
    linear = replace(NETWORK, layers=(GlobalPool(), Dense(10, name="fc")))
    with pytest.raises(DataError, match="has nothing for small but a head of other classes"):
        start(linear, *arrays(adapt(linear, classes=3)))


def test_auxiliary_heads_may_be_missing_or_left_over():
    network = adapt(find("googlenet"), (224, 224, 3), 10)
    params, stats = model(network).shapes()
    bare = without(network, ("head4a", "head4d"))
    spare = {"head4a/conv", "head4a/fc1", "head4a/fc2", "head4d/conv", "head4d/fc1", "head4d/fc2"}
    assert start(bare, params, stats, spare=spare).new == ()
    with pytest.raises(DataError, match="the network has no head4a/conv, head4a/fc1, head4a/fc2, head4d/conv"):
        start(bare, params, stats)
    less = {name: inside for name, inside in params.items() if not name.startswith("head")}
    assert set(start(network, less, stats).new) == spare
