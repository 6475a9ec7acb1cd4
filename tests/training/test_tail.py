"""Where a network is cut, and that a head trained on features is the head trained on images."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from cnncli.networks.catalogue import find
from cnncli.networks.layers import Dense, Dropout, Flatten
from cnncli.networks.network import adapt
from cnncli.runs.digests import digests
from cnncli.training import session as session_module
from cnncli.training.culprit import in_step, in_validation
from cnncli.training.freezing import freezing
from cnncli.training.recipe import changed
from cnncli.training.session import Session
from cnncli.training.tail import cut
from tests.training.nets import SMALL


def place(network, freeze, thaw=""):
    found = cut(network, freezing(network, freeze, thaw, 9))
    return (found.path, found.shape) if found else None


@pytest.mark.parametrize(
    ("network", "freeze", "thaw", "where"),
    [
        ("resnet20", "all-but-head", "", ("pool", (1, 1, 64))),
        ("alexnet", "all-but-head", "", ("relu7", (1, 1, 4096))),
        ("googlenet-torchvision", "all-but-head", "", ("inception4a", (14, 14, 512))),
        ("vgg11", "pool5", "", ("flatten1", (1, 1, 25088))),
        ("lenet5", "c3", "", ("flatten1", (1, 1, 400))),
        ("resnet20", "conv3", "", ("conv3", (16, 16, 32))),
        # Not within a group, and not for the little that the first layers do.
        ("resnet20", "conv3/block2", "", ("conv2", (32, 32, 16))),
        ("resnet20", "bn1", "", None),
        ("resnet20", "*bn*", "", None),
        ("resnet20", "all-but-head", "conv4=2", ("conv3", (16, 16, 32))),
        ("resnet20", "all-but-head", "*=2", None),
        ("resnet20", "", "", None),
    ],
)
def test_a_network_is_cut_as_high_as_nothing_below_ever_trains(network, freeze, thaw, where):
    assert place(find(network), freeze, thaw) == where


def test_never_above_a_dropout_that_drops():
    assert place(SMALL, "block") == ("pool", (1, 1, 6))
    # The dropout in the block drops, and the first convolution has but a little of the work.
    assert place(SMALL, "block/norm") is None
    assert place(SMALL, "dropout") == ("dropout", (1, 1, 6))


def trained(session, steps=60):
    state = session.initial()
    for _ in session.featured(state):
        pass
    session.compile(state)
    for step in range(steps):
        state, tally = session.train(state, session.chunk(step)[:1], step)
    return state, tally


@pytest.mark.parametrize("accumulate", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_head_trained_on_features_is_the_one_trained_on_images(recipe, digits, monkeypatch, accumulate):
    settings = {"freeze": "block", "augment": "none", "last_batch": "train", "average": 0.9, "accumulate": accumulate}
    asked = changed(recipe, settings)
    cached = Session(asked, SMALL, digits, {})
    ours, ours_seen = trained(cached)
    monkeypatch.setattr(session_module, "cut", lambda *_: None)
    plain = Session(asked, SMALL, digits, {})
    theirs, theirs_seen = trained(plain)
    assert (cached.cut.path, plain.cut) == ("pool", None)
    # The dropout in the head drops the same units, so that all is the same but for rounding.
    for one, other in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-4, atol=2e-5)
    below = {"conv1", "bn1", "block"}
    for one, other in ((ours.params, theirs.params), (ours.stats, theirs.stats), (ours.average, theirs.average)):
        assert digests({key: one[key] for key in below & one.keys()}) == digests(
            {key: other[key] for key in below & one.keys()}
        )
    assert int(ours_seen.correct) == pytest.approx(int(theirs_seen.correct), abs=2)
    assert cached.validate(ours) == pytest.approx(plain.validate(theirs), rel=1e-3)


def test_features_are_told_as_they_are_made(recipe, digits):
    session = Session(changed(recipe, {"freeze": "block", "augment": "none"}), SMALL, digits, {})
    events = list(session.featured(session.initial()))
    assert [event.done for event in events] == [*range(100, 1300, 100), 1295, 1395, 1437]
    assert {event.count for event in events} == {1437}
    assert session.train_examples.images.shape == (1295, 1, 1, 6)
    assert session.val_examples.images.shape == (142, 1, 1, 6)
    assert list(Session(recipe, SMALL, digits, {}).featured(session.initial())) == []


def test_why_nothing_is_cached_is_said(recipe, digits, monkeypatch):
    augmented = Session(changed(recipe, {"freeze": "block", "augment": "mirror"}), SMALL, digits, {})
    assert augmented.cut is None
    assert augmented.notes == (
        "up to pool nothing ever trains: with --augment none that part is computed once instead of in every epoch",
    )
    monkeypatch.setattr(session_module, "LIMIT", 1437 * 6 * 4 - 1)
    large = Session(changed(recipe, {"freeze": "block", "augment": "none"}), SMALL, digits, {})
    assert large.cut is None
    assert "features of all images up to pool would take" in large.notes[0]
    assert Session(changed(recipe, {"augment": "none"}), SMALL, digits, {}).notes == ()


def test_what_goes_wrong_in_a_tail_is_found_there(recipe, digits):
    session = Session(changed(recipe, {"freeze": "block", "augment": "none"}), SMALL, digits, {})
    state, _ = trained(session, 1)
    assert in_step(session.at(1), state, session.batch(1)) == in_validation(session, state) == ""
    spoiled = replace(state, params={**state.params, "fc": jax.tree.map(lambda one: one * np.nan, state.params["fc"])})
    assert in_step(session.at(1), spoiled, session.batch(1)) == "first in layer fc"
    assert in_validation(session, spoiled) == "first in layer fc"


def test_the_tail_of_a_vector_is_the_network_without_what_is_below():
    network = adapt(
        replace(SMALL, layers=(*SMALL.layers[:-2], Dense(8, name="hidden"), Dropout(0.2), Dense(3, name="fc")))
    )
    found = cut(network, freezing(network, "all-but-head", "", 1))
    assert [layer.name for layer in found.above.named()] == ["flatten1", "dropout1", "fc"]
    assert isinstance(found.above.layers[0], Flatten)
    assert found.below.layers + found.above.layers[1:] == network.named()
