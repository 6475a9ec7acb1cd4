"""What a training leaves on disk is what it can go on from: the last state whole, and the best arrays."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cnncli.errors import DataError
from cnncli.networks.catalogue import find
from cnncli.networks.layers import Activation, BatchNorm, Dense, Flatten
from cnncli.networks.network import Network, adapt
from cnncli.training import keeper as module
from cnncli.training.events import Epoch
from cnncli.training.keeper import Keeper
from cnncli.training.recipe import changed
from cnncli.training.session import Session


@pytest.fixture
def session(recipe, digits):
    """Normalization and an average, so that a state has every array it can have."""
    network = Network("n", (8, 8, 1), (Flatten(), Dense(32), BatchNorm(), Activation("relu"), Dense(10)))
    return Session(changed(recipe, {"average": 0.5}), network, digits, {})


def line(epoch, accuracy, loss=0.5):
    return Epoch(epoch, 20 * epoch, 1.0, 0.4, 0.9, loss, accuracy, 0.01, 1000.0, 1.0)


def stepped(session, state, count=1):
    for _ in range(count):
        state, _ = session.train(state, session.chunk(int(state.step)))
    return state


def same(one, other):
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def test_a_state_comes_back_whole_with_its_metrics(training, session):
    folder, state = training.folder(), stepped(session, session.initial(), 3)
    with Keeper(folder) as keeper:
        keeper.record(line(1, 0.5), state)
        assert [saved.best for saved in keeper.save(state)] == [True, False]
        best = keeper.best
    folder.append_metrics({"epoch": 2, "step": 40})
    with Keeper(folder) as keeper:
        assert keeper.best is None
        found = keeper.restore(session.like())
        assert same(found, state)
        assert keeper.best == best
    # A line that was written after the checkpoint will be written again.
    assert folder.metrics() == []


def test_lines_up_to_the_checkpoint_are_kept(training, session):
    folder, state = training.folder(), stepped(session, session.initial(), 20)
    with Keeper(folder) as keeper:
        keeper.record(line(1, 0.5), state)
        list(keeper.save(state))
    with Keeper(folder) as keeper:
        keeper.restore(session.like())
    assert [one["epoch"] for one in folder.metrics()] == [1]


def test_where_nothing_was_saved_there_is_nothing_to_go_on_from(training, session):
    folder = training.folder()
    folder.append_metrics({"epoch": 1, "step": 20})
    with Keeper(folder) as keeper:
        assert keeper.restore(session.like()) is None
        assert keeper.best is None
    assert folder.metrics() == []


def test_the_best_arrays_are_those_of_their_epoch_and_saved_once(training, session):
    folder, like = training.folder(), session.like()
    with Keeper(folder) as keeper:
        first = stepped(session, session.initial())
        average, statistics = jax.tree.map(jnp.copy, (first.average, first.average_stats))
        keeper.record(line(1, 0.8), first)
        # The step uses up the state that was the best.
        second = stepped(session, first)
        keeper.record(line(2, 0.7), second)
        assert [(saved.step, saved.best) for saved in keeper.save(second)] == [(20, True), (2, False)]
        assert list(keeper.save_best()) == []
        assert keeper.best.epoch == 1
        found = keeper._best_slot.restore_params(like.evaluated, {"stats": like.stats, "scale": like.scale})
    assert same(found.params, average)
    assert same(found.stats["stats"], statistics)
    assert not same(found.params, second.average)


@pytest.mark.parametrize(("choose", "epoch"), [("accuracy", 2), ("loss", 3)])
def test_the_best_is_chosen_as_was_asked(training, session, choose, epoch):
    state = session.initial()
    with Keeper(training.folder(), choose) as keeper:
        for one in (line(1, 0.5, 0.9), line(2, 0.9, 0.8), line(3, 0.6, 0.3)):
            keeper.record(one, state)
        assert keeper.best.epoch == epoch


def test_without_validation_there_is_no_best(training, session):
    folder, state = training.folder(), session.initial()
    with Keeper(folder) as keeper:
        keeper.record(Epoch(1, 20, 1.0, 0.4, 0.9, None, None, 0.01, 1000.0, 1.0), state)
        assert [saved.best for saved in keeper.save(state)] == [False]
        assert keeper.best is None
    assert not folder.slot("best").exists()


def test_the_first_checkpoint_is_due_at_once_and_the_next_after_a_while(training, session, monkeypatch):
    now = 1000.0
    monkeypatch.setattr(module.time, "monotonic", lambda: now)
    with Keeper(training.folder()) as keeper:
        assert keeper.due()
        list(keeper.save(session.initial()))
        now += module.SECONDS_BETWEEN_SAVES
        assert not keeper.due()
        now += 0.1
        assert keeper.due()


def test_another_networks_state_is_not_restored(training, session, recipe, digits):
    folder = training.folder()
    with Keeper(folder) as keeper:
        list(keeper.save(session.initial()))
    other = Session(recipe, adapt(find("lenet5"), (32, 32, 1), 10), digits, {})
    with Keeper(folder) as keeper, pytest.raises(DataError, match="last"):
        keeper.last(other.like())
