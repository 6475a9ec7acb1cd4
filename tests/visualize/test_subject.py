"""A subject: what it sees of an image and the way back, what its layers give, and whole splits in batches."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cnncli.errors import UsageError
from cnncli.networks.layers import Activation, Conv, Dense, Flatten
from cnncli.networks.network import Network
from cnncli.visualize import subject as subjects
from cnncli.visualize.subject import activation, activations, nudged
from tests.visualize.subjects import subject

# y = relu(x . (1, -1)), then three classes: y, -y and 2y + 1.
CHAIN = Network("chain", (1, 1, 2), (Flatten(), Dense(1, name="d"), Activation("relu", name="r"), Dense(3, name="e")))
PARAMS = {
    "d": {"kernel": jnp.array([[1.0], [-1.0]]), "bias": jnp.zeros(1)},
    "e": {"kernel": jnp.array([[1.0, -1.0, 2.0]]), "bias": jnp.array([0.0, 0.0, 1.0])},
}
# Pixels (255, 51) and (0, 255): seen as (1, 0.2) and (0, 1).
PIXELS = np.array([[[[255, 51]]], [[[0, 255]]]], np.uint8)


@pytest.fixture(scope="module")
def chain():
    return subject(CHAIN, PARAMS)


def test_it_sees_scaled_pixels_and_gives_logits(chain):
    np.testing.assert_allclose(chain.seen(PIXELS).reshape(2, 2), [[1, 0.2], [0, 1]])
    np.testing.assert_allclose(chain.logits(PIXELS), [[0.8, -0.8, 2.6], [0, 0, 1]], rtol=1e-6)


@pytest.mark.parametrize("scaling", ["unit", "symmetric", "standard", "mean-image"])
def test_pixels_come_back_as_they_were(scaling):
    looked = subject(Network("n", (5, 4, 3), (Flatten(), Dense(3))), scaling=scaling)
    images = np.random.default_rng(0).integers(0, 256, (7, 5, 4, 3), np.uint8)
    np.testing.assert_array_equal(looked.pixels(looked.seen(images)), images)


def test_smaller_images_are_seen_in_the_middle_and_come_back_so():
    looked = subject(Network("n", (4, 4, 1), (Flatten(), Dense(3))), scaling="symmetric")
    images = np.full((1, 2, 2, 1), 200, np.uint8)
    expected = np.zeros((4, 4), np.uint8)
    expected[1:3, 1:3] = 200
    np.testing.assert_array_equal(looked.pixels(looked.seen(images))[0, ..., 0], expected)


def test_values_beyond_an_images_are_kept_and_as_pixels_cut_off(chain):
    low, high = chain.bounds
    beyond = jnp.concatenate([2 * high, high / 2, low - high])
    np.testing.assert_allclose(chain.values(beyond)[:, 0, 0, 0], [510, 127.5, -255])
    assert chain.pixels(beyond)[:, 0, 0, 0].tolist() == [255, 128, 0]


def test_activations_are_those_of_their_layers(chain):
    x = chain.seen(PIXELS)
    found = activations(chain.model, chain.weights, x, ["d", "r"])
    np.testing.assert_allclose(found["d"], [[0.8], [-1]], rtol=1e-6)
    np.testing.assert_allclose(found["r"], [[0.8], [0]], rtol=1e-6)
    np.testing.assert_array_equal(activation(chain.model, chain.weights, x, "input"), x)


@pytest.mark.parametrize(
    ("path", "slope"),
    # Of the third class 2y + 1 in respect of y, of the ReLU's input, and of the image.
    [("r", [[2], [2]]), ("d", [[2], [0]]), ("input", [[2, -2], [0, 0]])],
)
def test_slopes_in_respect_of_a_layer(chain, path, slope):
    x = chain.seen(PIXELS)
    at = activation(chain.model, chain.weights, x, path)

    def score(by):
        return nudged(chain.model, chain.weights, x, path, by)[:, 2].sum()

    np.testing.assert_allclose(jax.grad(score)(jnp.zeros_like(at)).reshape(2, -1), slope)


def test_a_split_is_looked_at_in_batches_of_one_shape(chain):
    images = np.random.default_rng(0).integers(0, 256, (11, 1, 1, 2), np.uint8)
    shapes = []

    def each(weights, x):
        shapes.append(x.shape)
        return {"sum": x.sum(axis=(1, 2, 3)), "seen": x}

    found = chain.over(images, each, batch=4)
    assert shapes == [(4, 1, 1, 2)]
    np.testing.assert_allclose(found["sum"], images.sum(axis=(1, 2, 3)) / 255, rtol=1e-6)
    assert found["seen"].shape == (11, 1, 1, 2)


def test_fewer_are_looked_at_together_where_activations_are_large(monkeypatch):
    looked = subject(Network("n", (4, 4, 1), (Conv(5, 1), Flatten(), Dense(3))))
    assert looked.together == 2**28 // 80
    monkeypatch.setattr(subjects, "MOST_VALUES", 250)
    assert looked.together == 3
    monkeypatch.setattr(subjects, "MOST_VALUES", 10)
    assert looked.together == 1
    assert looked.logits(np.zeros((3, 4, 4, 1), np.uint8)).shape == (3, 3)


@pytest.mark.parametrize(("word", "label"), [("ant", 0), ("cat", 2), ("1", 1)])
def test_a_class_has_a_name_and_a_number(chain, word, label):
    assert chain.label(word) == label


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("cats", "--class: no 'cats'; did you mean 'cat'"),
        ("3", "--class: no '3'; known: ant, bee, cat"),
        ("-1", "--class: no '-1'; known"),
    ],
)
def test_a_class_that_does_not_exist_is_said(chain, word, said):
    with pytest.raises(UsageError, match=said):
        chain.label(word)


def test_digits_are_names_before_they_are_numbers():
    looked = subject(Network("n", (1, 1, 1), (Flatten(), Dense(2))), classes=("1", "0"))
    assert (looked.label("1"), looked.label("0")) == (0, 1)


def test_rules_about_relus_are_refused_where_there_are_others(chain):
    assert chain.by("guided").network == CHAIN
    for layers, kind in (((Activation("tanh"), Dense(3)), "tanh"), ((Dense(3),), "none")):
        other = subject(Network("other", (1, 1, 2), (Flatten(), *layers)))
        with pytest.raises(UsageError, match=f"the rule 'deconv' is about ReLUs and other has {kind}; expected --rule"):
            other.by("deconv")
        assert other.by("gradient").network.name == "other"
