"""What goes together, which images come in which step, and what a recipe makes of the program."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from cnncli.data.dataset import Loaded, Split
from cnncli.errors import UsageError
from cnncli.networks.layers import AuxiliaryHead, Dense, Flatten
from cnncli.networks.network import adapt
from cnncli.training.recipe import changed
from cnncli.training.session import Session, heads


@pytest.fixture
def session(recipe, mlp, digits):
    """Sessions of the mlp on digits."""
    return lambda **settings: Session(changed(recipe, settings), mlp, digits, {})


@pytest.mark.parametrize(("last_batch", "seen"), [("leave", 1280), ("train", 1295)])
@pytest.mark.parametrize("steps_per_call", [1, 7, 64])
def test_an_epoch_has_every_image_once_or_leaves_the_last_few(session, last_batch, seen, steps_per_call):
    one = session(last_batch=last_batch)
    one.steps_per_call = steps_per_call
    epochs = []
    step = 0
    for epoch in range(2):
        chunks = []
        while step < (epoch + 1) * one.per_epoch:
            chunks.append(one.chunk(step))
            step += len(chunks[-1])
        assert step == (epoch + 1) * one.per_epoch
        assert {chunk.shape[1] for chunk in chunks} == {64, seen % 64 or 64}
        epochs.append(np.concatenate([chunk.ravel() for chunk in chunks]))
    assert all(len(epoch) == len(set(epoch)) == seen for epoch in epochs)
    assert not np.array_equal(*epochs)


def test_the_images_of_a_step_are_those_it_is_trained_on(session):
    one = session(last_batch="train")
    for step in (0, 20, 21):
        found = one.batch(step)
        assert np.array_equal(found.images, one.train_examples.images[one.chunk(step)[0]])
        assert len(found.labels) == (15 if step == 20 else 64)


def test_every_call_of_a_training_is_compiled_before_it(session):
    one = session(last_batch="train", epochs=3)
    one.steps_per_call = 8
    made = []
    one._compile = lambda state, *call: made.append(call) or one._calls.update({call: None})
    one.compile(one.initial())
    assert sorted(made) == [(0, (1, 15)), (0, (4, 64)), (0, (8, 64))]
    # Going on within an epoch, the calls are others until its end.
    made.clear()
    one.compile(replace(one.initial(), step=jax.numpy.int32(5)))
    assert made == [(0, (7, 64))]


def test_a_phase_is_compiled_once_before_the_training(session):
    one = session(last_batch="train", epochs=9, freeze="hidden", thaw="hidden=6")
    one.steps_per_call = 8
    made = []
    one._compile = lambda state, *call: made.append(call) or one._calls.update({call: None})
    one.compile(one.initial())
    assert made == [(phase, shape) for phase in (0, 1) for shape in ((8, 64), (4, 64), (1, 15))]
    assert [one.phase(step) for step in (0, 5 * 21 - 1, 5 * 21, 9 * 21 - 1)] == [0, 0, 1, 1]
    assert (one.at(0).frozen, one.at(5 * 21).frozen) == ({"flatten1", "hidden"}, {"flatten1"})
    made.clear()
    one._calls.clear()
    one.compile(replace(one.initial(), step=jax.numpy.int32(5 * 21)))
    assert {phase for phase, _ in made} == {1}


def test_classes_are_weighed_as_they_are_trained_on(recipe, mlp, digits):
    few = digits.split.labels != 3
    few[np.flatnonzero(~few)[:50]] = True
    data = Loaded(digits.facts, Split(digits.split.images[few], digits.split.labels[few]), "")
    assert Session(recipe, mlp, data, {}).program.objective.class_weights == ()
    one = Session(changed(recipe, {"class_weights": "balanced"}), mlp, data, {})
    weights, counts = one.program.objective.class_weights, np.bincount(one.train_examples.labels)
    assert np.allclose(weights * counts, counts.sum() / 10)
    assert weights[3] == max(weights)


def test_memory_of_a_state_is_that_of_its_arrays(session):
    plain, averaged = session(optimizer="sgd"), session(optimizer="sgd", average=0.9)
    params = 4 * 9610
    assert averaged.bytes - plain.bytes == params
    assert 2 * params < plain.bytes < 2 * params + 200


def test_what_the_dataset_holds_out_itself_is_what_is_validated_on(recipe, mlp, digits):
    images, labels = digits.split.images, digits.split.labels
    data = replace(digits, split=Split(images[:1000], labels[:1000]), held=Split(images[1000:], labels[1000:]))
    one = Session(recipe, mlp, data, {})
    assert np.array_equal(one.train_examples.images, images[:1000])
    assert np.array_equal(one.val_examples.labels, labels[1000:])
    assert one.per_epoch == 1000 // 64
    # Without validation nothing is chosen, whatever there is.
    plain = Session(changed(recipe, {"validation": 0.0}), mlp, data, {})
    assert (len(plain.train_examples.labels), plain.val_examples) == (1000, None)
    with pytest.raises(UsageError, match="batch_size is 1001; expected at most the 1,000 images"):
        Session(changed(recipe, {"batch_size": 1001}), mlp, data, {})


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"batch_size": 5000}, "batch_size is 5000; expected at most the 1,295 images there are to train on"),
        ({"accumulate": 3}, "accumulate is 3; expected a divisor of the 64 images a step"),
        ({"accumulate": 128}, "accumulate is 128; expected a divisor of the 64 images a step"),
        ({"validation": 0.0, "stop": "early"}, "early stopping, a plateau and a choice by loss need images"),
        ({"validation": 0.0, "schedule": "plateau"}, "need images to validate on: validation=0.1"),
        ({"validation": 0.0, "choose": "loss"}, "need images to validate on: validation=0.1"),
        ({"validation": 0.001}, "validation = 0.001 of the 142 training images of class 0 is 0; expected at least one"),
        ({"validation": 0.999}, "validation = 0.999 of the 142 training images of class 0 is 142; expected at least"),
    ],
)
def test_a_recipe_that_cannot_be_is_refused_in_one_line(session, settings, said):
    with pytest.raises(UsageError) as refused:
        session(**settings)
    assert said in str(refused.value)


def test_a_network_that_does_not_suit_the_data_is_refused_with_what_would(recipe, mlp, digits):
    with pytest.raises(UsageError, match="takes 3 channels, digits has 1: add --input 8x8x1"):
        Session(recipe, adapt(mlp, (8, 8, 3)), digits, {})
    with pytest.raises(UsageError, match="gives 7 outputs, digits has 10 classes: add --classes 10"):
        Session(recipe, adapt(mlp, classes=7), digits, {})


def test_an_auxiliary_head_of_other_classes_is_refused(recipe, mlp, digits):
    head = AuxiliaryHead((Flatten(), Dense(3)), name="early")
    assert heads(replace(mlp, layers=(head, *mlp.layers))) == {"early": (3,)}
    with pytest.raises(UsageError, match=r"mlp: head 'early' gives 3 outputs; expected 10"):
        Session(recipe, replace(mlp, layers=(head, *mlp.layers)), digits, {})
