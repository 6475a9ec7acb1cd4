"""Random changes to images: within their bounds, by their key, and with nothing else changed."""

from math import atan2, cos, degrees, hypot, radians, sin

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage

from cnncli.data.augment import AUGMENTATIONS, Affine, NoAugmentation, Shift, bilinear
from cnncli.errors import UsageError

KEY = jax.random.key(7)
MANY = 200


def images(height=9, width=8, channels=2, batch=4):
    return jnp.asarray(np.random.default_rng(0).integers(0, 256, (batch, height, width, channels)), jnp.float32)


def moved(image, down, along):
    """The image moved by whole pixels over a background of zeros."""
    height, width, _ = image.shape
    framed = np.pad(image, ((height, height), (width, width), (0, 0)))
    return framed[height - down : 2 * height - down, width - along : 2 * width - along]


def moves(most, batch):
    """Which moves a shift made of each image, found by trying all."""
    x = images(batch=batch)
    ways = [(down, along) for down in range(-most, most + 1) for along in range(-most, most + 1)]
    found = []
    for before, after in zip(np.asarray(x), np.asarray(Shift(most)(KEY, x)), strict=True):
        (way,) = [way for way in ways if np.array_equal(moved(before, *way), after)]
        found.append(way)
    return found


def test_no_augmentation_gives_the_images_back():
    x = images()
    assert NoAugmentation()(KEY, x) is x


def test_a_shift_moves_each_image_by_whole_pixels_up_to_its_bound_each_way():
    found = moves(2, MANY)
    assert set(found) == {(down, along) for down in range(-2, 3) for along in range(-2, 3)}


def test_a_shift_loses_nothing_but_what_leaves_the_frame():
    x = jnp.zeros((MANY, 9, 8, 1)).at[:, 2:7, 2:6].set(images(5, 4, 1, MANY))
    assert np.array_equal(Shift(2)(KEY, x).sum(axis=(1, 2)), x.sum(axis=(1, 2)))


@pytest.mark.parametrize("still", [Shift(0), Affine(0, 0, 0, 0)])
@pytest.mark.parametrize("size", [(9, 8), (8, 9), (1, 1)])
def test_bounds_of_zero_change_nothing(still, size):
    x = images(*size)
    assert np.array_equal(still(KEY, x), x)


@pytest.mark.parametrize("augment", [Shift(2), Affine()])
def test_changes_are_drawn_by_the_key(augment):
    x = images()
    assert np.array_equal(augment(KEY, x), augment(KEY, x))
    assert not np.array_equal(augment(KEY, x), augment(jax.random.key(8), x))


@pytest.mark.parametrize("augment", [Shift(2), Affine()])
def test_each_image_is_changed_in_its_own_way(augment):
    x = jnp.broadcast_to(images(batch=1), (8, 9, 8, 2))
    assert len({np.asarray(one).tobytes() for one in augment(KEY, x)}) > 4


@pytest.mark.parametrize("augment", [Shift(20), Affine(), Affine(180, 0.9, 2.0, 0.99)])
def test_values_stay_those_of_pixels(augment):
    changed = np.asarray(augment(KEY, images(batch=50)))
    assert changed.shape == (50, 9, 8, 2)
    assert changed.min() >= 0
    assert changed.max() <= 255 + 1e-3


def dots_after(augment, down, along):
    """Where a dot (row, column from the middle of 41x41) is found, by its centre of mass, in many changed images."""
    x = jnp.zeros((MANY, 41, 41, 1)).at[:, 20 + down, 20 + along].set(255.0)
    return np.array([ndimage.center_of_mass(one[..., 0]) for one in np.asarray(augment(KEY, x))]) - 20


def test_rotation_keeps_the_distance_and_stays_within_its_degrees():
    found = dots_after(Affine(30, 0, 0, 0), 0, 15)
    angles = np.array([degrees(atan2(down, along)) for down, along in found])
    assert np.allclose([hypot(*dot) for dot in found], 15, atol=0.3)
    assert -31 < angles.min() < -27
    assert 27 < angles.max() < 31


def test_scale_changes_each_axis_within_its_share():
    found = dots_after(Affine(0, 0.2, 0, 0), 15, 15)
    assert found.min() == pytest.approx(15 * 0.8, abs=0.5)
    assert found.max() == pytest.approx(15 * 1.2, abs=0.5)
    assert abs(found[:, 0] - found[:, 1]).max() > 2


def test_shear_moves_sideways_by_its_share_of_a_row():
    found = dots_after(Affine(0, 0, 0.4, 0), 10, 0)
    assert np.allclose(found[:, 0], 10, atol=0.01)
    assert found[:, 1].min() == pytest.approx(-4, abs=0.2)
    assert found[:, 1].max() == pytest.approx(4, abs=0.2)


def test_movement_stays_within_its_share_of_the_image():
    found = dots_after(Affine(0, 0, 0, 0.1), 0, 0)
    assert found.min() == pytest.approx(-4.1, abs=0.1)
    assert found.max() == pytest.approx(4.1, abs=0.1)


def sources(matrix, height, width):
    """For each pixel the place it comes from, under a matrix about the middle; and scipy's offset for the same."""
    middle = np.array([(height - 1) / 2, (width - 1) / 2])
    places = np.argwhere(np.ones((height, width))) - middle
    return jnp.asarray(places @ matrix.T + middle, jnp.float32), middle - matrix @ middle


def test_a_quarter_turn_is_exact():
    x = images(7, 7)
    places, _ = sources(np.array([[0.0, 1.0], [-1.0, 0.0]]), 7, 7)
    turned = bilinear(x, jnp.broadcast_to(places, (4, *places.shape)))
    assert np.array_equal(turned, np.rot90(x, axes=(1, 2)))


@pytest.mark.parametrize("angle", [10, 33, -120])
def test_interpolation_is_scipys(angle):
    x = images(9, 8)
    turn = np.array([[cos(radians(angle)), -sin(radians(angle))], [sin(radians(angle)), cos(radians(angle))]])
    places, offset = sources(turn, 9, 8)
    turned = np.asarray(bilinear(x, jnp.broadcast_to(places, (4, *places.shape))))
    for image, one in np.ndindex(4, 2):
        expected = ndimage.affine_transform(x[image, :, :, one], turn, offset, order=1, mode="grid-constant")
        assert np.allclose(turned[image, :, :, one], expected, atol=0.01)


def test_outside_the_image_there_is_nothing():
    far = jnp.array([[[-1.0, 0.0], [0.0, 5.0], [1e6, 1e6], [-1e6, 0.0]]])
    assert not bilinear(jnp.full((1, 2, 2, 1), 255.0), far).any()


def test_the_edge_fades_into_the_background():
    half = jnp.array([[[-0.25, 0.0], [0.0, 1.5], [0.0, 0.0], [0.5, 0.5]]])
    assert bilinear(jnp.full((1, 2, 2, 1), 100.0), half).ravel().tolist() == [75, 50, 100, 100]


@pytest.mark.parametrize(("name", "kind"), [("none", NoAugmentation), ("shift", Shift), ("affine", Affine)])
def test_augmentations_have_their_names(name, kind):
    assert AUGMENTATIONS[name] is kind


@pytest.mark.parametrize(
    ("kind", "bounds", "message"),
    [
        (Shift, {"pixels": -1}, "augment 'shift': pixels is -1; expected a whole number of at least 0"),
        (Shift, {"pixels": 1.5}, "augment 'shift': pixels is 1.5; expected a whole number"),
        (Affine, {"scale": 1.0}, "augment 'affine': scale is 1.0; expected a number of at least 0 and below 1"),
        (Affine, {"degrees": -1}, "augment 'affine': degrees is -1; expected a number of at least 0"),
    ],
)
def test_bounds_that_cannot_be_are_refused(kind, bounds, message):
    with pytest.raises(UsageError, match=message):
        kind(**bounds)
