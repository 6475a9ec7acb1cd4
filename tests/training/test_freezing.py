"""What is frozen stays as it is to the bit, and what the words of a recipe name."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from cnncli.errors import UsageError
from cnncli.models.arrays import flat, only
from cnncli.models.model import model
from cnncli.networks.catalogue import find
from cnncli.networks.layers import AuxiliaryHead, Dense, Dropout, Flatten
from cnncli.networks.network import without
from cnncli.runs.digests import digests
from cnncli.training.freezing import freezing, head, idle_heads, inside_heads, layers
from cnncli.training.proof import proof
from cnncli.training.recipe import changed
from cnncli.training.session import Session
from tests.training.nets import SMALL


def learning(network, freeze, thaw="", epochs=9):
    """The layers with parameters that train from the first epoch on."""
    first = freezing(network, freeze, thaw, epochs).stages[0].layers
    return [row.path for row in layers(network) if row.params and row.path in first]


def stepped(session, state, count=3):
    """The state after some steps."""
    for step in range(count):
        state, _ = session.train(state, session.chunk(step)[:1], step)
    return state


@pytest.mark.parametrize(
    ("network", "freeze", "left"),
    [
        ("resnet20", "all-but-head", ["fc"]),
        ("alexnet", "all-but-head", ["fc8"]),
        ("lenet5-1998", "all-but-head", ["f6"]),
        ("googlenet", "all-but-head", ["head4a/fc2", "head4d/fc2", "fc"]),
        ("alexnet", "conv5", ["fc6", "fc7", "fc8"]),
        ("alexnet", "pool5", ["fc6", "fc7", "fc8"]),
        ("alexnet", "conv*", ["fc6", "fc7", "fc8"]),
        ("alexnet", "conv[1-3]", ["conv4", "conv5", "fc6", "fc7", "fc8"]),
        ("resnet18", "conv4", [f"conv5/block1/{name}" for name in ("conv1", "bn1", "conv2", "bn2")]),
        ("lenet5", "c1", ["c3", "c5", "f6", "output"]),
        ("lenet5", "f6", ["output"]),
        ("lenet5", "", ["c1", "c3", "c5", "f6", "output"]),
    ],
)
def test_what_is_left_to_train(network, freeze, left):
    assert learning(find(network), freeze)[: len(left)] == left


def test_a_pattern_freezes_no_more_than_it_matches():
    frozen = freezing(find("resnet20"), "*bn*", "", 1).frozen
    assert frozen == {row.path for row in layers(find("resnet20")) if row.word == "batch-norm"}


def test_up_to_a_layer_everything_is_frozen_dropout_too_but_none_behind_it():
    assert freezing(SMALL, "block", "", 1).frozen == {"conv1", "bn1", "relu1", "block/a", "block/norm", "block/drop"}
    # The head begins behind the last layer with parameters below it: its dropout stays.
    assert freezing(SMALL, "all-but-head", "", 1).frozen == {"conv1", "bn1", "relu1", "block/a", "block/norm"}


def test_layers_thaw_in_stages_each_at_its_earliest_word():
    found = freezing(find("alexnet"), "fc7", "conv5=4, conv*=6, fc6=4", 6)
    trained = {row.path for row in layers(find("alexnet")) if row.params}
    assert [(stage.epoch, sorted(stage.layers & trained)) for stage in found.stages] == [
        (1, ["fc8"]),
        (4, ["conv5", "fc6"]),
        (6, ["conv1", "conv2", "conv3", "conv4"]),
    ]
    assert found.frozen & trained == {"fc7"}
    assert found.at(3) - found.at(4) == {"conv5", "fc6"}
    assert found.at(6) == found.at(60) == found.frozen


@pytest.mark.parametrize(
    ("freeze", "thaw", "said"),
    [
        ("conv6", "", "freeze: no layer or group 'conv6'; did you mean 'conv5'"),
        ("all-but-heads", "", "did you mean 'all-but-head'?"),
        ("fc8", "", "freeze is 'fc8': nothing is left to train; to train the head alone: all-but-head"),
        ("*", "conv1=2", "freeze is '*': nothing is left to train"),
        ("conv5", "conv6=2", "thaw: no layer or group 'conv6'; did you mean 'conv5'"),
        ("conv5", "fc6=2", "thaw: 'fc6' is not frozen"),
        ("", "fc6=2", "thaw: 'fc6' is not frozen"),
        ("conv5", "conv5=1", "thaw: conv5=1; expected an epoch from 2 to 9, the recipe's last"),
        ("conv5", "conv5=10", "thaw: conv5=10; expected an epoch from 2 to 9"),
        ("conv5", "conv5=x", "thaw: conv5=x; expected an epoch"),
        ("conv5", "conv5", "thaw is 'conv5'; expected words with their values, such as conv5=4"),
    ],
)
def test_words_that_name_nothing_are_refused_in_one_line(freeze, thaw, said):
    with pytest.raises(UsageError) as refused:
        freezing(find("alexnet"), freeze, thaw, 9)
    assert said in str(refused.value)


def test_heads_with_nothing_to_train_below_them_are_idle():
    googlenet = find("googlenet")
    assert head(googlenet) == {"head4a/fc2", "head4d/fc2", "fc"}
    for freeze, idle in (
        ("all-but-head", ("head4a", "head4d")),
        ("inception4c", ("head4a",)),
        ("inception3b", ()),
        ("", ()),
    ):
        assert idle_heads(googlenet, freezing(googlenet, freeze, "", 9).frozen) == idle
    assert idle_heads(googlenet, freezing(googlenet, "all-but-head", "inception3a=2", 9).frozen) == ()
    left = without(googlenet, ("head4a", "head4d"))
    assert inside_heads(left) == {}
    assert [row.path for row in layers(left)] == [row.path for row in layers(googlenet) if not row.head]
    with pytest.raises(UsageError, match="'head4a/fc1' is of an auxiliary head; expected a layer of the main path"):
        freezing(googlenet, "head4a/fc1", "", 9)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "muon", "lars"])
def test_frozen_layers_keep_parameters_and_statistics_and_have_no_optimizer_state(recipe, digits, optimizer):
    settings = {"freeze": "block", "optimizer": optimizer, "augment": "mirror", "average": 0.9, "clip_norm": 1.0}
    session = Session(changed(recipe, settings), SMALL, digits, {})
    before = session.initial()
    arrays = digests((before.params, before.stats))
    optimizer_names = " ".join(digests(before.optimizer))
    assert "fc" in optimizer_names
    assert not any(name in optimizer_names for name in ("conv1", "bn1", "block"))
    proved = proof(before, session.freezing.frozen)
    # Two convolutions of 9 values a link with biases, and two normalizations of four values a map.
    assert (proved.layers, proved.values) == (4, 9 * 4 + 4 + 9 * 24 + 6 + 4 * 4 + 4 * 6)
    after = stepped(session, before)
    assert proof(after, session.freezing.frozen) == proved
    changed_ = {name for name, digest in digests((after.params, after.stats)).items() if digest != arrays[name]}
    assert changed_ == {"0/fc/kernel", "0/fc/bias"}


def test_without_freezing_statistics_move(recipe, digits):
    session = Session(changed(recipe, {"freeze": "conv1"}), SMALL, digits, {})
    before = {(path, name): np.asarray(array) for path, name, array in flat(session.initial().stats)}
    after = stepped(session, session.initial()).stats
    assert all(not np.array_equal(before[path, name], array) for path, name, array in flat(after))


def test_a_frozen_normalization_and_dropout_do_as_in_evaluation():
    x = np.random.default_rng(0).normal(size=(5, 8, 8, 1)).astype(np.float32)
    everything = frozenset(row.path for row in layers(SMALL))
    plain, frozen = model(SMALL), model(SMALL, frozen=everything)
    params, stats = plain.initialize(1)
    output, after = frozen.train(params, stats, x, jax.random.key(0))
    assert np.array_equal(output.logits, plain.logits(params, stats, x))
    assert digests(after) == digests(stats)
    # One at a time: the other dropout and normalization still train.
    one, after = model(SMALL, frozen=frozenset({"bn1", "dropout"})).train(params, stats, x, jax.random.key(0))
    assert digests(only(after, {"bn1"})) == digests(only(stats, {"bn1"}))
    assert digests(only(after, {"block/norm"})) != digests(only(stats, {"block/norm"}))
    assert not np.allclose(one.logits, output.logits)


def test_frozen_dropout_draws_nothing_and_the_heads_own_goes_on():
    network = replace(
        SMALL, layers=(Dropout(0.5, name="early"), Flatten(), Dropout(0.5, name="late"), Dense(10, name="fc"))
    )
    x, key = np.ones((64, 8, 8, 1), np.float32), jax.random.key(0)
    seen = {}

    def tap(path, value):
        seen[path] = value
        return value

    built = model(network, frozen=frozenset({"early"}))
    built.train(*built.initialize(0), x, key, tap)
    assert np.array_equal(seen["early"], x)
    assert np.unique(seen["late"]).tolist() == [0, 2]


def test_the_proof_sees_a_single_bit(recipe, digits):
    session = Session(changed(recipe, {"freeze": "block"}), SMALL, digits, {})
    state = session.initial()
    kernel = np.array(state.params["conv1"]["kernel"])
    kernel.view(np.uint32)[0, 0, 0, 0] ^= 1
    params = {**state.params, "conv1": {**state.params["conv1"], "kernel": kernel}}
    other = proof(replace(state, params=params), session.freezing.frozen)
    assert other.sha256 != proof(state, session.freezing.frozen).sha256


def test_a_head_that_hangs_on_nothing_is_found_by_its_path():
    network = replace(
        SMALL, layers=(*SMALL.layers[:3], AuxiliaryHead((Flatten(), Dense(10)), name="side"), *SMALL.layers[3:])
    )
    assert set(inside_heads(network).values()) == {"side"}
    assert head(network) == {"side/dense1", "fc"}
