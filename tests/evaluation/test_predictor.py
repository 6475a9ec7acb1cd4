"""Predictions of images without labels: evaluation's own figures, by batches of one size."""

import jax
import numpy as np
import pytest

from cnncli import runtime
from cnncli.data.decoding import Image
from cnncli.errors import DataError
from cnncli.evaluation import predictor as module
from cnncli.evaluation.evaluate import Evaluator, Examples
from cnncli.evaluation.predictor import Batch, Predictor, Ranked
from cnncli.networks.layers import Activation, Conv, Dense, Flatten, Group
from cnncli.networks.network import Network
from cnncli.visualize.subject import activation
from tests.visualize.subjects import subject

NETWORK = Network(
    "n", (6, 6, 1), (Group((Conv(2, 3, name="conv"), Activation("relu")), name="stage"), Flatten(), Dense(3, name="d"))
)


def pictures(count):
    pixels = np.random.default_rng(0).integers(0, 256, (count, 6, 6, 1), np.uint8)
    return [Image(f"{place}.png", one) for place, one in enumerate(pixels)], pixels


def joined(batches):
    return [np.concatenate(parts) for parts in zip(*((one.logits, one.features) for one in batches), strict=True)]


@pytest.mark.parametrize("batch_size", [1, 3, 7])
def test_the_labels_are_those_of_evaluation(batch_size):
    trained, (images, pixels) = subject(NETWORK).trained, pictures(7)
    evaluator = Evaluator(trained.model, trained.fit, trained.loss, trained.where, 4, runtime.compiler_options())
    examples = Examples.placed(pixels, np.zeros(7, np.int32), trained.where)
    expected = evaluator.predict(trained.params, trained.stats, trained.scale, examples)
    batches = list(Predictor(trained, batch_size, {}).over(images))
    assert [one.labels[0] for batch in batches for one in batch.ranked(1)] == expected.predicted.tolist()
    # The examples' label is 0: cross-entropy is minus the logarithm of its probability.
    shares = [dict(zip(one.labels, one.probabilities, strict=True))[0] for batch in batches for one in batch.ranked(3)]
    assert np.allclose(-np.log(shares), expected.loss, rtol=1e-5)
    assert [image.name for batch in batches for image in batch.images] == [image.name for image in images]


def test_one_program_is_compiled(monkeypatch):
    traced, found = [], module.prepare

    def counted(images, *given):
        traced.append(images.shape)
        return found(images, *given)

    monkeypatch.setattr(module, "prepare", counted)
    assert [len(one.images) for one in Predictor(subject(NETWORK).trained, 3, {}).over(pictures(8)[0])] == [3, 3, 2]
    assert traced == [(3, 6, 6, 1)]


@pytest.mark.parametrize(("path", "shape"), [("stage/conv", (4, 4, 2)), ("stage", (4, 4, 2)), ("d", (3,))])
def test_features_are_what_the_layer_gives(path, shape):
    looked, (images, pixels) = subject(NETWORK), pictures(5)
    _, features = joined(Predictor(looked.trained, 2, {}, path).over(images))
    expected = activation(looked.model, looked.weights, looked.seen(pixels), path)
    assert (features.shape, features.dtype) == ((5, *shape), np.float32)
    assert np.allclose(features, jax.device_get(expected), rtol=1e-5, atol=1e-6)


def test_without_a_path_there_are_no_features():
    logits, features = joined(Predictor(subject(NETWORK).trained, 2, {}).over(pictures(5)[0]))
    assert (logits.shape, features.shape) == ((5, 3), (5, 0))


def test_no_images_are_no_batches():
    assert list(Predictor(subject(NETWORK).trained, 2, {}).over([])) == []


def test_classes_are_ranked_by_their_softmax():
    images, _ = pictures(2)
    logits = np.log(np.array([[1, 5, 4], [2, 1, 2]], np.float32))
    first, second = Batch(tuple(images), logits, np.zeros((2, 0), np.float32)).ranked(2)
    assert (first.name, first.labels) == ("0.png", (1, 2))
    assert first.probabilities == pytest.approx((0.5, 0.4))
    # Of equal ones the earlier, as argmax has it.
    assert second == Ranked("1.png", (0, 2), pytest.approx((0.4, 0.4)))


def test_more_classes_than_there_are_give_all_and_large_logits_no_overflow():
    images, _ = pictures(1)
    (found,) = Batch(tuple(images), np.array([[900, -900]], np.float32), np.zeros((1, 0), np.float32)).ranked(9)
    assert (found.labels, found.probabilities) == ((0, 1), (1.0, 0.0))


def test_a_network_that_has_diverged_is_said():
    looked = subject(NETWORK)
    params = jax.tree.map(lambda leaf: leaf * np.nan, looked.trained.params)
    with pytest.raises(DataError, match="the network's logits are not finite: this checkpoint's training has diverged"):
        list(Predictor(subject(NETWORK, params).trained, 2, {}).over(pictures(1)[0]))
