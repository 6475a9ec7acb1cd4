"""One step of training, against the same step by hand."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cnncli.data.augment import Augment
from cnncli.data.inputs import Fit
from cnncli.data.mixing import Mixup
from cnncli.data.placement import placement
from cnncli.evaluation.evaluate import Examples
from cnncli.models.model import model
from cnncli.networks.layers import AuxiliaryHead, BatchNorm, Dense, Dropout, Flatten
from cnncli.networks.network import Network
from cnncli.training import step as step_module
from cnncli.training.optimizers import Sgd
from cnncli.training.schedules import Constant
from cnncli.training.step import (
    NEVER,
    Objective,
    Program,
    Tally,
    gradients,
    looped,
    parts,
    prepared,
    train_step,
    train_steps,
)

SCALE = {"shift": np.zeros(1, np.float32), "factor": np.full(1, 1 / 255, np.float32)}
IMAGES = np.arange(4 * 2 * 2, dtype=np.uint8).reshape(4, 2, 2, 1) * 15
LABELS = np.array([0, 1, 2, 1], np.int32)
X = IMAGES.reshape(4, 4) / 255.0
BATCH = Examples(jnp.asarray(IMAGES), jnp.asarray(LABELS))


def program(*layers, lr=0.5, **how):
    network = Network("tiny", (2, 2, 1), layers)
    transformation = Sgd(lr=lr, momentum=0.0).transformation(Constant().rate(lr, 1))
    how = {"augment": Augment(), "objective": Objective(), **how}
    return Program(model(network), transformation, fit=Fit("pad", (2, 2)), batch=placement().split(), **how)


def linear(**how):
    return program(Flatten(), Dense(3, name="out"), **how)


ONE_HOT = np.eye(3)[LABELS]


def by_hand(state, targets=ONE_HOT, weights=(1, 1, 1, 1)):
    """Loss, and the gradients of kernel and bias, of the linear classifier's weighted mean cross-entropy."""
    shares = np.array(weights) / np.sum(weights)
    logits = X @ np.asarray(state.params["out"]["kernel"], np.float64)
    softmax = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    wrong = shares[:, None] * (softmax - targets)
    return -(shares[:, None] * targets * np.log(softmax)).sum(), X.T @ wrong, wrong.sum(0)


def moved(before, after, lr=0.5):
    """The gradients that a step went down along."""
    return [
        (np.asarray(before.params["out"][key]) - np.asarray(after.params["out"][key])) / lr
        for key in ("kernel", "bias")
    ]


def close(ours, theirs, rtol=1e-5):
    jax.tree.map(partial(np.testing.assert_allclose, rtol=rtol, atol=1e-6), ours, theirs)


def test_a_step_of_a_linear_classifier_is_the_one_by_hand():
    """If this fails, training changed: decide whether that was meant, and say so where the results are."""
    before = linear().initial(SCALE, 3)
    after = train_step(linear(), before, BATCH)
    loss, kernel, bias = by_hand(before)
    close(moved(before, after), [kernel, bias])
    tally = after.tally
    assert float(tally.loss) == pytest.approx(4 * loss, rel=1e-5)
    assert int(tally.correct) == int(((X @ np.asarray(before.params["out"]["kernel"])).argmax(1) == LABELS).sum())
    assert float(tally.gradient) == pytest.approx(np.sqrt((kernel**2).sum() + (bias**2).sum()), rel=1e-5)
    assert (int(after.step), int(tally.count), int(tally.steps), int(tally.bad)) == (1, 4, 1, NEVER)


def test_augmentation_sees_pixels_of_the_networks_size_before_they_are_scaled():
    def brighter(key, x, wanted):
        # What padding brought in is still a black pixel.
        return x + jnp.where(x == 0, 0.0, 255.0), wanted

    made = program(Flatten(), Dense(3, name="out"), augment=brighter)
    made = replace(made, fit=Fit("pad", (4, 4)))
    x, wanted = prepared(made, linear().initial(SCALE, 3), BATCH)
    seen = np.pad(IMAGES.astype(np.float32), ((0, 0), (1, 1), (1, 1), (0, 0)))
    np.testing.assert_allclose(x, (seen + 255.0 * (seen > 0)) / 255, rtol=1e-5)
    np.testing.assert_allclose(wanted, ONE_HOT)


def test_a_tally_is_summed_over_steps():
    state = linear().initial(SCALE, 3)
    first = train_step(linear(), state, BATCH)
    alone = train_step(linear(), replace(first, tally=Tally.empty()), BATCH).tally
    both = train_step(linear(), first, BATCH).tally
    assert float(both.gradient) == pytest.approx(float(first.tally.gradient) + float(alone.gradient), rel=1e-6)
    assert float(both.loss) == pytest.approx(float(first.tally.loss) + float(alone.loss), rel=1e-6)
    assert (int(both.steps), int(both.count)) == (2, 8)


def test_smoothed_labels_are_learned_as_by_hand():
    smooth = linear(objective=Objective(smoothing=0.3))
    before = smooth.initial(SCALE, 3)
    after = train_step(smooth, before, BATCH)
    loss, *slopes = by_hand(before, targets=0.7 * np.eye(3)[LABELS] + 0.1)
    close(moved(before, after), slopes)
    assert float(after.tally.loss) == pytest.approx(4 * loss, rel=1e-5)


def test_classes_count_by_their_weights_as_by_hand():
    weighted = linear(objective=Objective(class_weights=(4.0, 0.5, 1.0)))
    before = weighted.initial(SCALE, 3)
    after = train_step(weighted, before, BATCH)
    loss, *slopes = by_hand(before, weights=(4, 0.5, 1, 0.5))
    close(moved(before, after), slopes)
    assert float(after.tally.loss) == pytest.approx(4 * loss, rel=1e-5)
    close(weighted.objective.shares(jnp.array([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])), np.array([2.25, 1.0]) / 3.25)


@pytest.mark.parametrize("share", [0.5, 2.0])
def test_a_gradient_is_clipped_to_its_norm_as_by_hand(share):
    before = linear().initial(SCALE, 3)
    _, *slopes = by_hand(before)
    norm = np.sqrt(sum((slope**2).sum() for slope in slopes))
    after = train_step(linear(clip_norm=float(share * norm)), before, BATCH)
    close(moved(before, after), [min(share, 1) * slope for slope in slopes])
    # What is told is the norm before.
    assert float(after.tally.gradient) == pytest.approx(norm, rel=1e-5)


def test_the_average_of_the_weights_is_the_one_by_hand_over_three_steps():
    averaging = linear(average=0.15)
    state = averaging.initial(SCALE, 3)
    average = np.asarray(state.params["out"]["kernel"], np.float64)
    assert np.array_equal(state.evaluated["out"]["kernel"], average.astype(np.float32))
    # A share of step / (10 + step) at first: 1/11, 2/12, then at most the one asked for.
    for kept in (1 / 11, 0.15, 0.15):
        state = train_step(averaging, state, BATCH)
        average = kept * average + (1 - kept) * np.asarray(state.params["out"]["kernel"])
        close(state.average["out"]["kernel"], average, rtol=1e-6)
    assert state.evaluated is state.average
    plain = linear().initial(SCALE, 3)
    assert plain.average == {}
    assert plain.evaluated is plain.params


def test_statistics_are_averaged_with_the_weights_they_belong_to():
    averaging = program(Flatten(), BatchNorm(name="norm"), Dense(3), average=0.15)
    state = averaging.initial(SCALE, 3)
    average = np.asarray(state.stats["norm"]["mean"], np.float64)
    for kept in (1 / 11, 0.15, 0.15):
        state = train_step(averaging, state, BATCH)
        average = kept * average + (1 - kept) * np.asarray(state.stats["norm"]["mean"])
        close(state.evaluated_stats["norm"]["mean"], average, rtol=1e-6)
    plain = program(Flatten(), BatchNorm(name="norm"), Dense(3)).initial(SCALE, 3)
    assert plain.evaluated_stats is plain.stats


def test_smoothed_labels_leave_a_class_its_weight():
    objective = Objective(smoothing=0.1, class_weights=(100 / 198, 50.0))
    shares = objective.shares(objective.targets(jnp.array([0] * 99 + [1]), 2))
    assert float(shares[:99].sum()) == pytest.approx(0.5, rel=1e-5)


@pytest.mark.parametrize("count", [2, 3, 4, 9])
@pytest.mark.parametrize("weights", [(), (4.0, 0.5, 1.0)])
def test_a_batch_in_parts_is_the_whole_batch(count, weights):
    """Whether the parts are equal or not, and where there are fewer images than parts."""
    objective = Objective(smoothing=0.1, class_weights=weights)
    whole, apart = (linear(objective=objective, accumulate=parts) for parts in (1, count))
    before = whole.initial(SCALE, 3)
    close(train_step(apart, before, BATCH), train_step(whole, before, BATCH), rtol=1e-6)


def test_parts_have_every_image_once_and_draw_what_they_drop_by_themselves():
    before = linear().initial(SCALE, 3)
    for count in (1, 2, 3, 4):
        split = parts(linear(accumulate=count), before, 4)
        assert sorted(at for mine, _ in split for at in range(4)[mine]) == [0, 1, 2, 3]
        assert len({jax.random.key_data(key).tobytes() for _, key in split}) == count


def test_statistics_go_from_part_to_part():
    normed = program(Flatten(), BatchNorm(name="norm", momentum=0.75), Dense(3), accumulate=2)
    after = train_step(normed, normed.initial(SCALE, 3), BATCH)
    one, two = X[::2].mean(0), X[1::2].mean(0)
    close(after.stats["norm"]["mean"], 0.75 * 0.25 * one + 0.25 * two)


def test_parts_in_a_loop_are_those_one_after_the_other(monkeypatch):
    both = program(
        Flatten(), BatchNorm(name="norm"), Dropout(0.5), AuxiliaryHead((Dense(3),)), Dense(3, name="out"), accumulate=2
    )
    state = both.initial(SCALE, 3)
    seen = jnp.asarray(IMAGES / 255.0, jnp.float32), both.objective.targets(BATCH.labels, 3)
    unrolled = gradients(both, state, *seen, BATCH.labels)
    asked = []
    monkeypatch.setattr(step_module.jax, "default_backend", lambda: "gpu")
    monkeypatch.setattr(step_module, "looped", lambda *what: asked.append(what) or looped(*what))
    close(gradients(both, state, *seen, BATCH.labels), unrolled)
    assert len(asked) == 1


def test_mixed_images_are_learned_by_their_mixed_labels(monkeypatch):
    mixed = linear(augment=Augment((Mixup(),)))
    before = mixed.initial(SCALE, 3)
    x, wanted = step_module.prepared(mixed, before, BATCH)
    assert not np.allclose(x.reshape(4, 4), X)
    after = train_step(mixed, before, BATCH)
    logits = np.asarray(x).reshape(4, 4) @ np.asarray(before.params["out"]["kernel"])
    softmax = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    close(moved(before, after)[1], (softmax - np.asarray(wanted)).mean(0))


def test_the_schedules_pace_multiplies_the_rate():
    before = linear().initial(SCALE, 3)
    slowed = replace(before, pace={**before.pace, "scale": jnp.float32(0.25)})
    _, *slopes = by_hand(before)
    close(moved(before, train_step(linear(), slowed, BATCH)), [0.25 * slope for slope in slopes])


def test_an_auxiliary_head_is_trained_by_its_weight():
    def change(weight):
        both = program(Flatten(), AuxiliaryHead((Dense(3, name="side"),), weight=weight, name="head"), Dense(3))
        before = both.initial(SCALE, 3)
        after = train_step(both, before, BATCH)
        return after.params["head"]["side"]["kernel"] - before.params["head"]["side"]["kernel"]

    np.testing.assert_allclose(change(0.6), 2 * change(0.3), rtol=1e-4, atol=1e-7)
    assert float(jnp.abs(change(0.3)).max()) > 1e-3


def test_statistics_move_on_with_the_step():
    normed = program(Flatten(), BatchNorm(name="norm", momentum=0.75), Dense(3))
    after = train_step(normed, normed.initial(SCALE, 3), BATCH)
    np.testing.assert_allclose(after.stats["norm"]["mean"], 0.25 * X.mean(0), rtol=1e-5)


def test_steps_in_one_call_are_the_steps_one_by_one():
    images, labels = jnp.asarray(IMAGES), jnp.asarray(LABELS)
    batches = jnp.array([[0, 1], [2, 3], [1, 2]])
    averaging = linear(average=0.9)
    call = jax.jit(partial(train_steps, averaging))
    together, tally = call(averaging.initial(SCALE, 3), images, labels, batches)
    state = averaging.initial(SCALE, 3)
    for batch in batches:
        state, _ = call(state, images, labels, batch[None])
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-6, atol=1e-7), together, state)
    assert int(tally.count) == 6


@pytest.mark.parametrize(("value", "first"), [(np.nan, 5), (np.inf, 5), (3e38, 5), (0.1, NEVER)])
def test_the_first_step_that_is_not_finite_is_remembered(value, first):
    state = linear().initial(SCALE, 3)
    kernel = jnp.full((4, 3), value).at[0, 0].multiply(-1)
    state = replace(state, params={"out": {**state.params["out"], "kernel": kernel}}, step=jnp.int32(5))
    state = train_step(linear(), state, BATCH)
    assert int(state.tally.bad) == first
    assert int(train_step(linear(), state, BATCH).tally.bad) == first
