"""A training from its first event to its last, its limits, and what it leaves on disk."""

from dataclasses import asdict, replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cnncli.data.dataset import Loaded
from cnncli.errors import DataError, UsageError
from cnncli.models.model import model
from cnncli.networks.network import adapt
from cnncli.runs.checkpoints import Checkpoints
from cnncli.training.culprit import repeated
from cnncli.training.events import Best, Compiled, Epoch, Featured, Frozen, Progress, Saved, Started, Stopped
from cnncli.training.keeper import Keeper
from cnncli.training.loop import Limits, fit
from cnncli.training.recipe import changed
from cnncli.training.schedules import Watch
from cnncli.training.session import Session
from cnncli.training.start import start
from cnncli.training.step import watched


def kept(training, folder, slot="last", **settings):
    """Everything in a checkpoint, as a flat list of arrays."""
    like = Session(changed(training.recipe, settings), training.network, training.data, {}).like()
    if slot == "best":
        with Checkpoints(folder.slot(slot)) as checkpoints:
            restored = checkpoints.restore_params(like.evaluated, {"stats": like.stats, "scale": like.scale})
        return jax.tree.leaves((restored.params, restored.stats))
    with Keeper(folder) as keeper:
        return jax.tree.leaves(keeper.last(like))


# Everything that a checkpoint must hold, or that is a function of seed and step. The last of 21 batches has 16 images.
EVERYTHING = {
    "average": 0.95,
    "accumulate": 2,
    "label_smoothing": 0.1,
    "clip_norm": 1.0,
    "class_weights": "balanced",
    "last_batch": "train",
    "validation": 0.0883,
    "choose": "loss",
    "optimizer": "sgd",
    "optimizer.lr": 0.3,
    "schedule": "plateau",
    "schedule.patience": 0,
    "schedule.minimum_change": 0.2,
    "schedule.factor": 0.5,
    "augment": "shift, mixup",
    "stop": "early",
    "stop.patience": 2,
    "stop.minimum_change": 0.2,
    "epochs": 12,
}


# The same for layers that are frozen, thaw in the second epoch, and train at different rates.
THAWING = {
    "freeze": "hidden",
    "thaw": "hidden=2",
    "lr_shares": "head=1, rest=0.1",
    "average": 0.9,
    "augment": "shift",
    "optimizer": "adamw",
    "clip_norm": 1.0,
}


def stopped_after(calls):
    """Limits that ask for an end after so many calls."""
    asked = iter(range(10**6))
    return Limits(stop=lambda: next(asked) + 1 >= calls)


def on_disk(folder):
    return {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()}


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def lines(folder):
    """The metrics without what a clock decides."""
    timed = ("seconds", "images_per_second")
    return [{key: value for key, value in line.items() if key not in timed} for line in folder.metrics()]


def test_a_training_tells_what_happens_and_learns(training):
    folder = training.folder()
    events = list(training.events(folder))
    kinds = [type(event) for event in events if not isinstance(event, Progress)]
    assert kinds[:2] == [Started, Compiled]
    assert kinds.count(Epoch) == 3
    assert kinds[-3:] == [Saved, Saved, Stopped]
    started, stopped = events[0], events[-1]
    assert (started.params, started.train_count, started.val_count) == (64 * 128 + 128 + 1290, 1295, 142)
    assert (started.steps, stopped.step, stopped.reason) == (60, 60, "done")
    epochs = [event for event in events if isinstance(event, Epoch)]
    assert epochs[-1].val_accuracy > 0.7 > epochs[0].train_accuracy
    assert [asdict(epoch) for epoch in epochs] == folder.metrics()


def test_the_best_checkpoint_is_that_of_the_best_line(training):
    folder = training.folder()
    events = list(training.events(folder))
    best = max(folder.metrics(), key=lambda line: (line["val_accuracy"], -line["val_loss"]))
    with Checkpoints(folder.slot("best")) as checkpoints:
        meta = checkpoints.meta()
    assert meta["step"] == best["step"]
    assert meta["best"] == {key: best[key] for key in ("epoch", "step", "val_accuracy", "val_loss")}
    assert asdict(events[-1].best) == meta["best"]


def test_without_validation_nothing_is_chosen(training):
    folder = training.folder()
    list(training.events(folder, validation=0.0, epochs=1))
    assert folder.metrics()[0]["val_accuracy"] is None
    assert not folder.slot("best").exists()
    assert folder.slot("last").exists()


def test_until_ends_with_the_epoch_that_reaches_it(training):
    folder = training.folder()
    events = list(training.events(folder, Limits(until=0.5), epochs=50))
    assert events[-1].reason == "until"
    accuracies = [line["val_accuracy"] for line in folder.metrics()]
    assert accuracies[-1] >= 0.5
    assert all(accuracy < 0.5 for accuracy in accuracies[:-1])


def test_time_ends_a_training(training):
    events = list(training.events(training.folder(), Limits(seconds=1e-9)))
    assert (events[-1].reason, events[-1].step) == ("max-time", 1)


@pytest.mark.parametrize("calls", [1, 20, 33])
def test_stopped_anywhere_and_resumed_it_ends_in_the_same_bits(training, calls):
    whole = training.folder()
    list(training.events(whole))

    broken = training.folder()
    events = list(training.events(broken, stopped_after(calls)))
    assert (events[-1].reason, events[-1].step) == ("signal", calls)
    resumed = list(training.events(broken, resume=True))
    assert (resumed[0].step, resumed[-1].step) == (calls, 60)

    assert same(kept(training, whole), kept(training, broken))
    assert same(kept(training, whole, "best"), kept(training, broken, "best"))
    assert lines(whole) == lines(broken)


@pytest.mark.parametrize("calls", [20, pytest.param(42, marks=pytest.mark.slow)])
def test_with_everything_on_it_also_ends_in_the_same_bits(training, calls):
    whole, broken = training.folder(), training.folder()
    ended = list(training.events(whole, **EVERYTHING))[-1]
    # Early stopping ends it, after the rate has come down.
    assert ended.reason == "early"
    rates = [line["learning_rate"] for line in lines(whole)]
    assert rates[0] == pytest.approx(0.3)
    assert rates[-1] <= 0.15
    assert ended.step == 21 * len(rates) > 63

    events = list(training.events(broken, stopped_after(calls), **EVERYTHING))
    assert (events[-1].reason, events[-1].step) == ("signal", calls)
    resumed = list(training.events(broken, resume=True, **EVERYTHING))
    assert (resumed[0].step, resumed[-1].reason) == (calls, "early")
    assert same(kept(training, whole, **EVERYTHING), kept(training, broken, **EVERYTHING))
    assert same(kept(training, whole, "best", **EVERYTHING), kept(training, broken, "best", **EVERYTHING))
    assert lines(whole) == lines(broken)


@pytest.mark.parametrize(
    "calls", [pytest.param(9, marks=pytest.mark.slow), 20, pytest.param(25, marks=pytest.mark.slow)]
)
def test_frozen_and_thawed_it_also_ends_in_the_same_bits(training, calls):
    whole, broken = training.folder(), training.folder()
    list(training.events(whole, **THAWING))
    events = list(training.events(broken, stopped_after(calls), **THAWING))
    assert (events[-1].reason, events[-1].step) == ("signal", calls)
    list(training.events(broken, resume=True, **THAWING))
    assert same(kept(training, whole, **THAWING), kept(training, broken, **THAWING))
    assert same(kept(training, whole, "best", **THAWING), kept(training, broken, "best", **THAWING))
    assert lines(whole) == lines(broken)


def test_a_layer_stays_as_it_is_until_the_epoch_in_which_it_thaws(training):
    session = Session(changed(training.recipe, THAWING), training.network, training.data, {})
    first = np.array(session.initial().params["hidden"]["kernel"])
    moved = []
    for calls in (20, 21):
        folder = training.folder()
        list(training.events(folder, stopped_after(calls), **THAWING))
        with Keeper(folder) as keeper:
            state = keeper.last(session.like())
        assert np.array_equal(state.params["hidden"]["kernel"], state.average["hidden"]["kernel"]) == (calls == 20)
        moved.append(np.abs(np.asarray(state.params["hidden"]["kernel"]) - first).max())
    # Twenty steps make the first epoch.
    assert moved[0] == 0 < moved[1]


@pytest.mark.slow
def test_a_step_that_went_wrong_is_repeated_in_its_phase(training):
    how = {**THAWING, "optimizer": "sgd", "clip_norm": 0.0, "lr_shares": ""}
    session = Session(changed(training.recipe, how), training.network, training.data, {})
    state = session.initial()
    for step in range(45):
        state, _ = session.train(state, session.chunk(step), step)
    again = repeated(session, session.initial(), 45, {})
    assert same(jax.tree.leaves(again.params), jax.tree.leaves(state.params))
    folder = training.folder()
    list(training.events(folder, stopped_after(21), **{**how, "optimizer.lr": 0.01}))
    # The second step of the second phase, at a rate that throws the weights away.
    ended = list(training.events(folder, resume=True, **{**how, "optimizer.lr": 1e30}))[-1]
    assert (ended.reason, ended.culprit) == ("diverged", "in step 23, first in layer output")


def test_a_training_that_starts_from_other_arrays_can_be_gone_on_with_without_them(training):
    """However soon it was stopped: what it starts from is saved first of all."""
    params, stats = model(training.network).initialize(7)
    begun = start(training.network, params, stats)

    def run(folder, limits=None, **how):
        return list(fit(training.recipe, training.network, training.data, folder, {}, limits, **how))

    whole, broken = training.folder(), training.folder()
    run(whole, start=begun)
    session = Session(training.recipe, training.network, training.data, {}, begun)
    with Keeper(broken) as keeper:
        keeper.begin(session.initial())
    # As a kill in the first epoch leaves it.
    run(broken, resume=True)
    assert same(kept(training, whole), kept(training, broken))
    assert same(jax.tree.leaves(session.initial().params), jax.tree.leaves(params))
    drawn = training.folder()
    run(drawn)
    assert not same(kept(training, whole), kept(training, drawn))


def test_what_is_frozen_is_told_before_and_after(training):
    folder = training.folder()
    events = list(training.events(folder, freeze="hidden", augment="none", average=0.9))
    first, last = (event for event in events if isinstance(event, Frozen))
    assert first == last
    assert (first.layers, first.values) == (1, 64 * 128 + 128)
    assert events[0].frozen == 64 * 128 + 128
    kinds = [type(event) for event in events if not isinstance(event, Progress)]
    assert kinds[:4] == [Started, Frozen, Featured, Featured]
    assert kinds.index(Compiled) == 2 + kinds.count(Featured)
    assert kinds[-2:] == [Frozen, Stopped]
    assert not any(isinstance(event, Frozen) for event in training.events(training.folder(), epochs=1))


def test_what_early_stopping_ended_is_not_gone_on_with(training):
    folder = training.folder()
    how = {"stop": "early", "stop.patience": 1, "stop.minimum_change": 100.0}
    ended = list(training.events(folder, **how))
    assert (ended[-1].reason, ended[-1].epoch) == ("early", 2)
    before = lines(folder)
    again = list(training.events(folder, resume=True, **how))
    assert [type(event) for event in again] == [Started, Stopped]
    assert (again[-1].reason, again[-1].step, lines(folder)) == ("early", 40, before)


def test_a_stop_in_the_epoch_that_ends_it_early_is_a_stop(training):
    """As a kill between the checkpoint and run.json would be: resumed, it has nothing left to do."""
    folder, how = training.folder(), {"stop": "early", "stop.patience": 1, "stop.minimum_change": 100.0}
    assert list(training.events(folder, stopped_after(40), **how))[-1].reason == "signal"
    again = list(training.events(folder, resume=True, **how))
    assert [type(event) for event in again] == [Started, Stopped]
    assert again[-1].reason == "early"


def test_the_rate_comes_down_on_a_plateau(training):
    folder = training.folder()
    how = {"schedule": "plateau", "schedule.patience": 1, "schedule.minimum_change": 0.99, "schedule.factor": 0.1}
    list(training.events(folder, optimizer="sgd", epochs=6, **how))
    # The first epoch is an improvement; one that is not is borne, the second is not.
    assert [line["learning_rate"] for line in lines(folder)] == pytest.approx([0.05] * 3 + [0.005] * 2 + [0.0005])


def test_the_best_epoch_is_chosen_as_the_recipe_says(training):
    for choose, key in (("loss", lambda line: -line["val_loss"]), ("accuracy", lambda line: line["val_accuracy"])):
        folder = training.folder()
        ended = list(training.events(folder, choose=choose, epochs=6, **{"optimizer.lr": 0.05}))[-1]
        assert key(asdict(ended.best)) == max(map(key, folder.metrics()))


def test_one_epoch_beats_another_by_accuracy_then_loss_or_by_loss():
    assert Best(2, 20, 0.9, 0.4).beats(Best(1, 10, 0.5, 0.1), "accuracy")
    assert Best(3, 30, 0.9, 0.3).beats(Best(2, 20, 0.9, 0.4), "accuracy")
    assert not Best(4, 40, 0.9, 0.3).beats(Best(3, 30, 0.9, 0.3), "accuracy")
    assert not Best(2, 20, 0.9, 0.4).beats(Best(1, 10, 0.5, 0.1), "loss")
    assert Best(2, 20, 0.4, 0.09).beats(Best(1, 10, 0.5, 0.1), "loss")
    assert Best(1, 10, 0.1, 9.0).beats(None, "loss")


def test_checkpoints_and_validation_have_the_average_and_training_goes_on_with_the_weights(training):
    plain, averaged, how = training.folder(), training.folder(), {"epochs": 1, "average": 0.9}
    list(training.events(plain, epochs=1))
    list(training.events(averaged, **how))
    session = Session(changed(training.recipe, how), training.network, training.data, {})
    with Keeper(plain) as one, Keeper(averaged) as other:
        raw = one.last(Session(changed(training.recipe, {"epochs": 1}), training.network, training.data, {}).like())
        state = other.last(session.like())
    assert same(jax.tree.leaves(state.params), jax.tree.leaves(raw.params))
    assert not same(jax.tree.leaves(state.average), jax.tree.leaves(raw.params))
    assert session.validate(state) == (averaged.metrics()[0]["val_loss"], averaged.metrics()[0]["val_accuracy"])
    assert averaged.metrics()[0]["val_loss"] != plain.metrics()[0]["val_loss"]
    # What evaluation reads as parameters, in either slot.
    saved = jax.tree.leaves((state.average, state.stats, state.scale))
    for slot in ("best", "last"):
        with Checkpoints(averaged.slot(slot)) as checkpoints:
            found = checkpoints.restore_params(state.average, {"stats": state.stats, "scale": state.scale})
        assert same(jax.tree.leaves((found.params, found.stats)), saved)


def test_a_finished_run_has_nothing_to_resume(training):
    folder = training.folder()
    list(training.events(folder))
    before = lines(folder)
    events = list(training.events(folder, resume=True))
    assert [type(event) for event in events] == [Started, Stopped]
    assert (events[-1].reason, lines(folder)) == ("done", before)


def test_seeds_differ_and_repeat(training):
    runs = []
    for seed in (0, 1, 0):
        folder = training.folder()
        list(training.events(folder, seed=seed, epochs=1))
        runs.append(lines(folder))
    assert runs[0] == runs[2] != runs[1]


def test_a_loss_that_is_no_number_ends_training_and_saves_nothing(training):
    folder = training.folder()
    events = list(training.events(folder, **{"optimizer": "sgd", "optimizer.lr": 1e30}))
    # After the first step the weights are some 1e30, and so is what the first layer gives; the second multiplies both.
    assert (events[-1].reason, events[-1].culprit) == ("diverged", "in step 2, first in layer output")
    assert folder.metrics() == []
    assert not folder.slot("last").exists()


def test_the_step_that_went_wrong_is_found_from_the_last_checkpoint_and_nothing_there_is_touched(training):
    folder, good = training.folder(), {"optimizer": "sgd", "optimizer.lr": 0.01}
    list(training.events(folder, stopped_after(25), **good))
    before = on_disk(folder)
    events = list(training.events(folder, resume=True, **{**good, "optimizer.lr": 1e30}))
    assert (events[-1].reason, events[-1].culprit) == ("diverged", "in step 27, first in layer output")
    assert (events[-1].epoch, events[-1].best.epoch) == (2, 1)
    assert on_disk(folder) == before
    assert list(training.events(folder, resume=True, **good))[-1].reason == "done"


def test_a_validation_that_is_no_number_names_its_layer(training):
    """The last step of the epoch throws the weights away, and no training loss is there to show it."""
    folder, good = training.folder(), {"optimizer": "sgd", "optimizer.lr": 0.01}
    list(training.events(folder, stopped_after(39), **good))
    events = list(training.events(folder, resume=True, **{**good, "optimizer.lr": 1e30}))
    assert events[-1].culprit == "in validation after step 40, first in layer output"
    assert [line["epoch"] for line in folder.metrics()] == [1]


def test_steps_are_repeated_to_the_bit_across_epochs_whose_end_changed_the_rate(training):
    session = Session(changed(training.recipe, {"schedule": "plateau"}), training.network, training.data, {})
    state, paces = session.initial(), {20: Watch(scale=0.5), 40: Watch(scale=0.125)}
    for step in range(45):
        if step in paces:
            state = replace(state, pace=session.where.everywhere(watched(paces[step])))
        state, _ = session.train(state, session.chunk(step))
    again = repeated(session, session.initial(), 45, paces)
    assert same(jax.tree.leaves(again.params), jax.tree.leaves(state.params))
    without = repeated(session, session.initial(), 45, {})
    assert not same(jax.tree.leaves(without.params), jax.tree.leaves(state.params))


@pytest.mark.parametrize("calls", [2, 20])
def test_a_stop_does_not_save_a_loss_that_is_no_number(training, calls):
    folder = training.folder()
    events = list(training.events(folder, stopped_after(calls), **{"optimizer": "sgd", "optimizer.lr": 1e30}))
    assert [type(event) for event in events if not isinstance(event, Progress)] == [Started, Compiled, Stopped]
    assert events[-1].reason == "diverged"
    assert folder.metrics() == []
    assert not folder.slot("last").exists()


def test_a_good_epoch_before_divergence_is_kept(training, monkeypatch):
    """However short it was."""
    folder, asked = training.folder(), iter(range(10**6))
    spoil = Session.train

    def train(session, state, batches, step):
        if next(asked) == 25:
            state = replace(state, params=jax.tree.map(lambda leaf: leaf * jnp.nan, state.params))
        return spoil(session, state, batches, step)

    monkeypatch.setattr(Session, "train", train)
    events = list(training.events(folder))
    assert [event.best for event in events if isinstance(event, Saved)] == [True, False]
    assert (events[-1].reason, events[-1].best.epoch) == ("diverged", 1)
    # Repeated, the step goes well: no layer is to blame.
    assert events[-1].culprit == "in step 26"
    for slot in ("best", "last"):
        with Checkpoints(folder.slot(slot)) as checkpoints:
            assert checkpoints.meta()["step"] == 20


@pytest.mark.parametrize(
    "steps", [7, pytest.param(20, marks=pytest.mark.slow), pytest.param(64, marks=pytest.mark.slow)]
)
def test_calls_of_many_steps_train_as_calls_of_one(training, monkeypatch, steps):
    one, many = training.folder(), training.folder()
    list(training.events(one))
    made = Session.__init__

    def init(session, *arguments):
        made(session, *arguments)
        session.steps_per_call = steps

    monkeypatch.setattr(Session, "__init__", init)
    asked = iter(range(10**6))
    stopped = list(training.events(many, Limits(stop=lambda: next(asked) == 1)))[-1]
    assert stopped.reason == "signal"
    list(training.events(many, resume=True))
    for ours, theirs in zip(lines(many), lines(one), strict=True):
        assert ours == pytest.approx(theirs, rel=1e-4)


def test_a_limit_at_the_last_step_is_no_stop(training):
    asked = iter(range(10**6))
    events = list(training.events(training.folder(), Limits(stop=lambda: next(asked) == 59)))
    assert (events[-1].reason, events[-1].step) == ("done", 60)


def test_a_damaged_checkpoint_is_not_resumed(training):
    folder = training.folder()
    list(training.events(folder, epochs=1))
    data = max(
        (path for path in folder.slot("last").rglob("*") if path.is_file()), key=lambda path: path.stat().st_size
    )
    content = bytearray(data.read_bytes())
    content[len(content) // 2] ^= 1
    data.write_bytes(content)
    with pytest.raises(DataError, match="last"):
        list(training.events(folder, resume=True, epochs=1))


def test_two_processes_do_not_train_the_same_run(training):
    folder = training.folder()
    with folder.writing(), pytest.raises(UsageError, match="another process"):
        list(training.events(folder))


def test_what_does_not_go_together_is_refused_before_anything_compiles(training):
    folder = training.folder()
    with pytest.raises(UsageError, match="batch_size is 5000; expected at most the 1,295 images"):
        list(training.events(folder, batch_size=5000))
    with pytest.raises(UsageError, match="takes 3 channels, digits has 1: add --input 8x8x1"):
        Session(training.recipe, adapt(training.network, (8, 8, 3)), training.data, {})
    with pytest.raises(UsageError, match="gives 7 outputs, digits has 10 classes: add --classes 10"):
        Session(training.recipe, adapt(training.network, classes=7), training.data, {})


def test_data_is_only_read(digits: Loaded):
    assert not digits.split.images.flags.writeable
