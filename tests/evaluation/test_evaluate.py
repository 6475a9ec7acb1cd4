"""Exact evaluation: the same counts whatever the batch size and the number of devices."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from cnncli.data.inputs import Fit
from cnncli.data.placement import placement
from cnncli.evaluation.evaluate import Evaluator, Examples
from cnncli.evaluation.metrics import evaluated
from cnncli.models.model import model
from cnncli.networks.layers import Dense, Flatten
from cnncli.networks.network import Network

COUNT, CLASSES = 10, 7
NETWORK = Network("n", (4, 4, 1), (Flatten(), Dense(CLASSES, name="out")))
UNIT = {"shift": np.zeros(1, np.float32), "factor": np.full(1, 1 / 255, np.float32)}


def predict(batch_size):
    """Ten random images, 3x3 padded to 4x4, through fixed random weights."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (COUNT, 3, 3, 1), np.uint8)
    labels = random.integers(0, CLASSES, COUNT).astype(np.int32)
    weights = random.normal(size=(16, CLASSES)).astype(np.float32)
    where = placement()
    evaluator = Evaluator(model(NETWORK), Fit("pad", (4, 4)), "cross-entropy", where, batch_size, {})
    params = where.everywhere({"out": {"kernel": weights, "bias": np.zeros(CLASSES, np.float32)}})
    predictions = evaluator.predict(params, {}, where.everywhere(UNIT), Examples.placed(images, labels, where))
    return predictions, np.pad(images[..., 0], ((0, 0), (0, 1), (0, 1))).reshape(COUNT, 16) / 255 @ weights


@pytest.mark.parametrize("batch_size", [1, 7, COUNT, 64])
def test_every_example_is_predicted_whatever_the_batch_size(batch_size):
    predictions, logits = predict(batch_size)
    own = logits[np.arange(COUNT), predictions.labels]
    assert predictions.predicted.tolist() == logits.argmax(axis=1).tolist()
    assert predictions.top5.tolist() == ((logits > own[:, None]).sum(axis=1) < 5).tolist()
    assert predictions.loss == pytest.approx(np.log(np.exp(logits).sum(axis=1)) - own, rel=1e-5)


def counted(batch_size):
    """What is counted, as JSON has it."""
    predictions, _ = predict(batch_size)
    evaluation = evaluated(predictions, tuple("abcdefg"))
    return {"confusion": [list(row) for row in evaluation.confusion], "top5": evaluation.top5_correct}


def test_eight_devices_count_as_one_does():
    code = (
        "import json, jax; from tests.evaluation.test_evaluate import counted; "
        "print(json.dumps([jax.device_count(), counted(3), counted(16)]))"
    )
    environment = os.environ | {"XLA_FLAGS": "--xla_force_host_platform_device_count=8", "JAX_PLATFORMS": "cpu"}
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [8, counted(COUNT), counted(COUNT)]


# Without layers of its own this network gives its pixels, scaled, as logits.
IDENTITY = Network("identity", (1, 1, 6), (Flatten(),))


def of_pixels(pixels, label, factor=1.0):
    """Predictions of one image whose pixels, times a factor a class, are the logits."""
    where = placement()
    evaluator = Evaluator(model(IDENTITY), Fit("pad", (1, 1)), "cross-entropy", where, 1, {})
    scale = {"shift": jnp.zeros(6), "factor": jnp.broadcast_to(jnp.asarray(factor, jnp.float32), 6)}
    images = np.array(pixels, np.uint8).reshape(1, 1, 1, 6)
    return evaluator.predict({}, {}, scale, Examples.placed(images, np.array([label], np.int32), where))


def test_the_fifth_largest_logit_is_among_the_top_five_and_the_sixth_is_not():
    assert of_pixels([60, 50, 40, 30, 20, 10], label=4).top5.tolist() == [True]
    assert of_pixels([60, 50, 40, 30, 20, 10], label=5).top5.tolist() == [False]


def test_ties_count_against_the_network():
    assert of_pixels([60, 50, 40, 30, 20, 20], label=4).top5.tolist() == [False]


@pytest.mark.parametrize("lost", [[0, 1, 2, 3, 4, 5], [2], [0, 1, 3, 4, 5]], ids=["all", "its own", "the others"])
def test_nan_is_not_among_the_top_five(lost):
    factor = np.where(np.isin(np.arange(6), lost), np.nan, 1)
    assert of_pixels([1, 2, 3, 4, 5, 6], label=2, factor=factor).top5.tolist() == [False]


def test_a_nan_logit_gives_a_nan_loss():
    assert np.isnan(of_pixels([1, 2, 3, 4, 5, 6], label=2, factor=[1, np.nan, 1, 1, 1, 1]).loss).all()
