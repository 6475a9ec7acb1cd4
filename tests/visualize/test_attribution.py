"""Attributions by hand: linear networks, a network that sees one bright square, ReLUs that can be added up."""

import jax.numpy as jnp
import numpy as np
import pytest

from cnncli.errors import UsageError
from cnncli.networks.catalogue import find
from cnncli.networks.layers import Activation, Conv, Dense, Flatten, GlobalPool, Pool
from cnncli.networks.network import Network
from cnncli.visualize import attribution
from cnncli.visualize.attribution import (
    METHODS,
    Explainer,
    How,
    attributions,
    completeness,
    lacking,
    patch,
    weighable,
)
from tests.visualize.subjects import subject

LINEAR = Network("linear", (4, 6, 2), (Flatten(), Dense(3)))
RELU = Network("curved", (8, 8, 1), (Conv(4, 3), Activation("relu"), Pool("max", 2, 2), Flatten(), Dense(3)))

# Its first map lights up where nine bright pixels meet, at their middle; the second looks at everything.
SQUARE = Network(
    "square", (16, 16, 1), (Conv(2, 3, padding=1), Activation("relu"), Pool("max", 2, 2), GlobalPool(), Dense(2))
)
KERNEL = np.stack([np.ones((3, 3, 1)), np.full((3, 3, 1), 0.1)], axis=-1)
SQUARE_PARAMS = {
    "conv1": {"kernel": jnp.asarray(KERNEL, jnp.float32), "bias": jnp.asarray([-8.0, 0.0])},
    "dense1": {"kernel": jnp.asarray([[400.0, 0.0], [0.0, 1.0]]), "bias": jnp.asarray([-2.0, 0.0])},
}


def images(network, count=2, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, *network.input), np.uint8)


def planted(row, column):
    """Dim noise and a bright square of 3x3 pixels around a place."""
    found = images(SQUARE, 1) // 5
    found[:, row - 1 : row + 2, column - 1 : column + 2] = 255
    return found


def maps(of, how, methods, pixels, labels):
    explainer = Explainer(of, how)
    return attributions(explainer, methods, of.weights, of.seen(pixels), np.array(labels))


def test_a_linear_networks_gradient_is_its_weights_and_noise_changes_nothing():
    of = subject(LINEAR, seed=3)
    found = maps(of, How(samples=3), ["gradient", "smoothgrad"], images(LINEAR), [2, 0])
    kernel = np.asarray(of.weights[0]["dense1"]["kernel"])
    for at, label in enumerate([2, 0]):
        np.testing.assert_allclose(found["gradient"][at], kernel[:, label].reshape(4, 6, 2), rtol=1e-6)
    np.testing.assert_allclose(found["smoothgrad"], found["gradient"], rtol=1e-5)


@pytest.mark.parametrize("scaling", ["unit", "symmetric"])
def test_a_linear_networks_integrated_gradients_are_weights_times_the_way_from_the_baseline(scaling):
    of, pixels = subject(LINEAR, seed=3, scaling=scaling), images(LINEAR)
    found = maps(of, How(steps=4, baseline=255), ["integrated"], pixels, [1, 1])["integrated"]
    kernel = np.asarray(of.weights[0]["dense1"]["kernel"])[:, 1].reshape(1, 4, 6, 2)
    width = {"unit": 255, "symmetric": 127.5}[scaling]
    np.testing.assert_allclose(found, kernel * (pixels - 255.0) / width, rtol=1e-4, atol=1e-5)


def test_integrated_gradients_take_the_middle_of_each_step():
    network = Network("bent", (1, 1, 1), (Flatten(), Dense(1), Activation("tanh")))
    params = {"dense1": {"kernel": jnp.array([[2.0]]), "bias": jnp.zeros(1)}}
    found = maps(
        subject(network, params, classes=("one",)), How(steps=2), ["integrated"], np.full((1, 1, 1, 1), 255), [0]
    )
    # tanh' = 1 - tanh^2, at a quarter and at three quarters of the way.
    middles = 2 * (1 - np.tanh([0.5, 1.5]) ** 2)
    assert found["integrated"].item() == pytest.approx(middles.mean(), rel=1e-5)


@pytest.mark.parametrize("baseline", [0.0, 127.5])
def test_integrated_gradients_add_up_to_the_difference_of_scores(baseline):
    of, pixels, labels = subject(RELU, seed=1), images(RELU, 4), np.array([0, 1, 2, 0])
    explainer = Explainer(of, How(steps=500, baseline=baseline))
    found = attributions(explainer, ["integrated"], of.weights, of.seen(pixels), labels)["integrated"]
    nothing = np.full((1, 8, 8, 1), baseline, np.float32) / 255
    wanted = of.logits(pixels) - np.asarray(of.model.logits(*of.weights, jnp.asarray(nothing)))
    wanted = wanted[np.arange(4), labels]
    np.testing.assert_allclose(found.sum(axis=(1, 2, 3)), wanted, atol=0.005)
    told = completeness(explainer, of.weights, of.seen(pixels), labels, found)
    np.testing.assert_allclose(told.differences, wanted, rtol=1e-4, atol=1e-6)
    assert told.error == pytest.approx(np.abs(found.sum(axis=(1, 2, 3)) - wanted).max(), abs=1e-5)
    assert told.size == pytest.approx(np.abs(wanted).mean(), rel=1e-4)


def test_few_steps_miss_and_the_error_tells():
    of, pixels, labels = subject(RELU, seed=1), images(RELU, 4), np.zeros(4, np.int64)
    errors = []
    for steps in (1, 500):
        explainer = Explainer(of, How(steps=steps, baseline=127.5))
        found = attributions(explainer, ["integrated"], of.weights, of.seen(pixels), labels)["integrated"]
        errors.append(completeness(explainer, of.weights, of.seen(pixels), labels, found).error)
    assert errors[1] < errors[0] / 10


def test_smoothgrad_is_the_mean_gradient_of_images_with_noise_of_its_seed():
    of, pixels = subject(RELU, seed=1, scaling="symmetric"), images(RELU)
    found = maps(of, How(samples=3, noise=0.25, seed=7), ["smoothgrad"], pixels, [1, 2])["smoothgrad"]
    draw, explainer, total = np.random.default_rng(7), Explainer(of, How()), 0
    for _ in range(3):
        # The pixels' range is 2 as the network sees them.
        x = of.seen(pixels) + 0.25 * 2 * draw.standard_normal((1, 8, 8, 1), np.float32)
        total += np.asarray(METHODS["gradient"](explainer, of.weights, x, jnp.array([1, 2])))
    np.testing.assert_allclose(found, total / 3, rtol=1e-4, atol=1e-6)
    other = maps(of, How(samples=3, noise=0.25, seed=8), ["smoothgrad"], pixels, [1, 2])["smoothgrad"]
    assert np.abs(other - found).max() > 0.01


def test_the_three_rules_add_up_by_hand():
    network = Network("rules", (1, 2, 1), (Flatten(), Dense(3), Activation("relu"), Dense(1)))
    params = {
        # Of x = (1, 0): 1, 2 and -1, so that the last unit is not active.
        "dense1": {"kernel": jnp.array([[1.0, 2.0, -1.0], [5.0, 7.0, 11.0]]), "bias": jnp.zeros(3)},
        "dense2": {"kernel": jnp.array([[10.0], [-100.0], [1000.0]]), "bias": jnp.zeros(1)},
    }
    of = subject(network, params, classes=("one",))
    found = maps(of, How(), ["gradient", "guided", "deconv"], np.array([[[[255], [0]]]], np.uint8), [0])
    assert found["gradient"].ravel().tolist() == [10 - 200, 50 - 700]
    assert found["guided"].ravel().tolist() == [10, 50]
    assert found["deconv"].ravel().tolist() == [10 - 1000, 50 + 11000]


@pytest.mark.parametrize("layer", ["relu1", "pool1"])
@pytest.mark.parametrize("place", [(4, 5), (12, 3)])
def test_grad_cam_lies_on_the_planted_patch(layer, place):
    of = subject(SQUARE, SQUARE_PARAMS, classes=("square", "light"))
    found = maps(of, How(layer), ["grad-cam"], planted(*place), [0])["grad-cam"]
    assert found.shape == (1, 16, 16, 1)
    lit = np.argwhere(found[0, ..., 0] > 0.3 * found.max())
    assert np.abs(lit - place).max() <= 2
    # Elsewhere the first map is dark, and the class does not look at the second.
    far = np.abs(np.indices((16, 16)) - np.array(place)[:, None, None]).max(axis=0) > 3
    assert not found[0, far].any()


def test_grad_cam_is_the_rectified_sum_of_maps_by_their_mean_slopes():
    of, pixels = subject(SQUARE, SQUARE_PARAMS, classes=("square", "light")), planted(7, 7)
    found = maps(of, How("relu1"), ["grad-cam"], pixels, [0])["grad-cam"]
    # The middle shines with 9 - 8 = 1; 64 windows are averaged, each passes its slope on to one of its 4 places.
    assert found[0, 7, 7, 0] == pytest.approx(1.0 * 400 / 64 * 64 / 256, rel=1e-4)


@pytest.mark.parametrize("place", [(4, 5), (10, 6)])
def test_occlusion_finds_the_planted_patch(place):
    of, pixels = subject(SQUARE, SQUARE_PARAMS, classes=("square", "light")), planted(*place)
    found = maps(of, How(window=3, stride=1), ["occlusion"], pixels, [0])["occlusion"][0, ..., 0]
    scores = of.logits(pixels)[0]
    # Whichever patch hides the place, the square is gone and a score of -2 is left.
    drop = 1 / (1 + np.exp(scores[1] - scores[0])) - 1 / (1 + np.exp(scores[1] + 2))
    assert found[place] == pytest.approx(drop, abs=0.02)
    far = np.abs(np.indices((16, 16)) - np.array(place)[:, None, None]).max(axis=0)
    assert found.max() == pytest.approx(drop, abs=0.02)
    assert np.abs(found[far > 3]).max() < 0.05 * drop


def test_occlusion_by_hand_where_patches_do_not_overlap():
    of, pixels = subject(LINEAR, seed=3), images(LINEAR, 1)
    found = maps(of, How(window=2, stride=2), ["occlusion"], pixels, [1])["occlusion"]
    assert found.shape == (1, 4, 6, 1)
    hidden = pixels.astype(np.float32)
    hidden[:, 2:4, 4:6] = 127.5
    shares = []
    for x in (pixels, hidden):
        logits = np.asarray(of.model.logits(*of.weights, jnp.asarray(x, jnp.float32) / 255))[0]
        shares.append(np.exp(logits[1]) / np.exp(logits).sum())
    np.testing.assert_allclose(found[0, 2:4, 4:6, 0], shares[0] - shares[1], atol=1e-6)


def test_patches_reach_the_far_edges():
    found = maps(subject(LINEAR, seed=3), How(window=3, stride=3), ["occlusion"], images(LINEAR, 1), [1])["occlusion"]
    assert np.isfinite(found).all()


def test_the_number_of_images_at_a_time_changes_nothing(monkeypatch):
    of, pixels, labels = subject(SQUARE, SQUARE_PARAMS, classes=("square", "light")), images(SQUARE, 3), [0, 1, 0]
    how = How("relu1", samples=2, steps=2, window=8, stride=8)
    methods = ["guided", "grad-cam", "occlusion"]
    whole = maps(of, how, methods, pixels, labels)
    monkeypatch.setattr(attribution, "BATCH", 2)
    for method, values in maps(of, how, methods, pixels, labels).items():
        np.testing.assert_allclose(values, whole[method], rtol=1e-4, atol=1e-6)
        assert len(values) == 3


def test_large_networks_are_asked_about_few_images_at_a_time():
    assert Explainer(subject(LINEAR), How()).batch == 64
    vgg = type("Of", (), {"network": find("vgg16")})()
    assert Explainer(vgg, How()).batch == 4


def test_methods_that_make_no_sense_are_told():
    assert {method: lacking(find("lenet5-modern"), method) for method in METHODS} == dict.fromkeys(METHODS, "")
    tanh = "about ReLUs, and lenet5 has tanh"
    assert [lacking(find("lenet5"), method) for method in ("guided", "deconv", "grad-cam")] == [tanh, tanh, ""]
    assert lacking(find("linear"), "deconv") == "about ReLUs, and linear has no activations"
    assert lacking(find("mlp"), "grad-cam") == "about feature maps, and mlp has none"


def test_grad_cam_weighs_the_last_maps_or_those_asked_for():
    assert weighable(find("resnet20"), None) == "conv4/block3/relu2"
    # Single values on the way are no maps: LeNet5's C5, and what is left of 32x32 pixels in AlexNet.
    assert weighable(find("lenet5-1998"), None) != "scaled-tanh5"
    assert weighable(find("googlenet"), "inception4a") == "inception4a"
    assert weighable(find("mlp"), None) == ""
    with pytest.raises(UsageError, match=r"--layer f6 gives 84 values.* such as tanh2"):
        weighable(find("lenet5"), "f6")
    with pytest.raises(UsageError, match="no layer 'f7'"):
        weighable(find("lenet5"), "f7")


def test_the_patch_follows_the_image():
    assert patch((32, 32, 3), None, None) == (8, 2)
    assert patch((224, 224, 3), None, None) == (56, 14)
    assert patch((8, 8, 1), None, None) == (2, 1)
    assert patch((1, 1, 1), None, None) == (1, 1)
    assert patch((8, 12, 1), 3, None) == (3, 1)
    with pytest.raises(UsageError, match="--window is 9; expected at most 8"):
        patch((8, 12, 1), 9, None)
    with pytest.raises(UsageError, match="--stride is 4; expected at most the patch's 3"):
        patch((8, 12, 1), 3, 4)
