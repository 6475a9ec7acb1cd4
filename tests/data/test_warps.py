"""Changes that move pixels: where each comes from, within the bounds, and with nothing else changed."""

from math import atan2, cos, degrees, hypot, pi, radians, sin, sqrt

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage, stats

from cnncli.data import warps
from cnncli.data.warps import (
    Affine,
    Crop,
    Elastic,
    Mirror,
    Rescale,
    ResizedCrop,
    Rotate,
    Shear,
    Shift,
    bilinear,
    smoothing,
)

KEY = jax.random.key(7)
MANY = 200


def images(height=9, width=8, channels=2, batch=4):
    return jnp.asarray(np.random.default_rng(0).integers(0, 256, (batch, height, width, channels)), jnp.float32)


def changed(augment, x):
    # A program that is run once is not worth XLA's efforts.
    call = jax.jit(augment.images, compiler_options={"xla_backend_optimization_level": 0})
    return np.asarray(call(KEY, x))


def moved(image, down, along):
    """The image moved by whole pixels over a background of zeros."""
    height, width, _ = image.shape
    framed = np.pad(image, ((height, height), (width, width), (0, 0)))
    return framed[height - down : 2 * height - down, width - along : 2 * width - along]


@pytest.mark.parametrize("augment", [Shift(2), Crop(2)])
def test_a_shift_and_a_crop_move_each_image_by_whole_pixels_up_to_their_bound_each_way(augment):
    x = images(batch=MANY)
    ways = {(down, along) for down in range(-2, 3) for along in range(-2, 3)}
    found = set()
    for before, after in zip(np.asarray(x), changed(augment, x), strict=True):
        (way,) = [way for way in ways if np.array_equal(moved(before, *way), after)]
        found.add(way)
    assert found == ways


def test_a_shift_loses_nothing_but_what_leaves_the_frame():
    x = jnp.zeros((MANY, 9, 8, 1)).at[:, 2:7, 2:6].set(images(5, 4, 1, MANY))
    assert np.array_equal(changed(Shift(2), x).sum(axis=(1, 2)), x.sum(axis=(1, 2)))


def test_a_shift_of_more_than_the_image_moves_it_by_at_most_its_size():
    x = jnp.full((MANY, 2, 1, 1), 255.0)
    # One move in five leaves all rows where they are, and one in five all columns.
    whole = (changed(Shift(1000), x) == 255).all(axis=(1, 2, 3)).mean()
    assert whole == pytest.approx(1 / 25, abs=0.04)


def test_a_mirror_swaps_left_and_right_in_as_many_images_as_its_probability_says():
    x = np.asarray(images(batch=MANY))
    after = changed(Mirror(0.3), x)
    swapped = [np.array_equal(one, other[:, ::-1]) for one, other in zip(after, x, strict=True)]
    same = [np.array_equal(one, other) for one, other in zip(after, x, strict=True)]
    assert all(a != b for a, b in zip(swapped, same, strict=True))
    assert np.mean(swapped) == pytest.approx(0.3, abs=0.1)


def test_a_mirror_twice_is_the_image():
    x = images()
    assert np.array_equal(changed(Mirror(1), x), x[:, :, ::-1])
    assert np.array_equal(changed(Mirror(1), changed(Mirror(1), x)), x)


def parts(augment, height, width, batch=1000):
    """Of many resized crops the top, left, height and width in pixels, read off an image of its own coordinates."""
    rows, columns = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
    x = jnp.broadcast_to(jnp.asarray(np.stack([rows, columns], -1), jnp.float32), (batch, height, width, 2))
    after = changed(augment, x).astype(np.float64)
    assert np.allclose(after[:, :, :1, 0], after[:, :, :, 0])
    assert np.allclose(after[:, :1, :, 1], after[:, :, :, 1])
    # Far from the rim, where places are held inside the image.
    low, high = height // 3, 2 * height // 3
    down = (after[:, high, 0, 0] - after[:, low, 0, 0]) / (high - low)
    top = after[:, low, 0, 0] + 0.5 - (low + 0.5) * down
    low, high = width // 3, 2 * width // 3
    along = (after[:, 0, high, 1] - after[:, 0, low, 1]) / (high - low)
    left = after[:, 0, low, 1] + 0.5 - (low + 0.5) * along
    return top, left, down * height, along * width


@pytest.mark.parametrize("shape", [(40, 40), (30, 60)])
def test_resized_crops_have_areas_and_ratios_within_their_bounds(shape):
    top, left, height, width = parts(ResizedCrop((0.2, 0.9), (0.5, 2.0)), *shape)
    assert min(top.min(), left.min()) > -1e-3
    assert max((top + height).max() - shape[0], (left + width).max() - shape[1]) < 1e-3
    area, ratio = height * width / (shape[0] * shape[1]), width / height
    assert stats.kstest(area, stats.uniform(0.2, 0.7).cdf).pvalue > 0.001
    assert ratio.min() > 0.5 - 1e-3
    assert ratio.max() < 2 + 1e-3
    if shape == (40, 40):
        # The ratio is limited by what fits, alike for wide and for high parts.
        assert np.log(ratio[area < 0.5]).mean() == pytest.approx(0, abs=0.06)
        assert np.log(ratio[area < 0.5]).std() == pytest.approx(2 * np.log(2) / sqrt(12), abs=0.05)


def test_a_ratio_that_fits_no_part_comes_as_near_as_it_can():
    _, _, height, width = parts(ResizedCrop((1, 1), (1, 1)), 20, 60, batch=3)
    assert np.allclose(height, 20)
    assert np.allclose(width, 60)


def test_resized_crops_lie_anywhere():
    top, left, height, width = parts(ResizedCrop((0.3, 0.3), (1, 1)), 40, 40)
    assert stats.kstest(top / (40 - height), "uniform").pvalue > 0.001
    assert stats.kstest(left / (40 - width), "uniform").pvalue > 0.001


def test_a_resized_crop_shows_the_edge_to_the_rim_and_no_background():
    assert np.allclose(changed(ResizedCrop(), jnp.full((50, 7, 7, 1), 200.0)), 200)


def dots_after(augment, down, along):
    """Where a dot (row, column from the middle of 41x41) is found, by its centre of mass, in many changed images."""
    x = jnp.zeros((MANY, 41, 41, 1)).at[:, 20 + down, 20 + along].set(255.0)
    return np.array([ndimage.center_of_mass(one[..., 0]) for one in changed(augment, x)]) - 20


@pytest.mark.parametrize("augment", [Affine(30, 0, 0, 0), Rotate(30)])
def test_rotation_keeps_the_distance_and_stays_within_its_degrees(augment):
    found = dots_after(augment, 0, 15)
    angles = np.array([degrees(atan2(down, along)) for down, along in found])
    assert np.allclose([hypot(*dot) for dot in found], 15, atol=0.3)
    assert -31 < angles.min() < -27
    assert 27 < angles.max() < 31


@pytest.mark.parametrize("augment", [Affine(0, 0.2, 0, 0), Rescale(0.2)])
def test_scale_changes_each_axis_within_its_share(augment):
    found = dots_after(augment, 15, 15)
    assert found.min() == pytest.approx(15 * 0.8, abs=0.5)
    assert found.max() == pytest.approx(15 * 1.2, abs=0.5)
    assert abs(found[:, 0] - found[:, 1]).max() > 2


@pytest.mark.parametrize("augment", [Affine(0, 0, 0.4, 0), Shear(0.4)])
def test_shear_moves_sideways_by_its_share_of_a_row(augment):
    found = dots_after(augment, 10, 0)
    assert np.allclose(found[:, 0], 10, atol=0.01)
    assert found[:, 1].min() == pytest.approx(-4, abs=0.2)
    assert found[:, 1].max() == pytest.approx(4, abs=0.2)


def test_movement_stays_within_its_share_of_the_image():
    found = dots_after(Affine(0, 0, 0, 0.1), 0, 0)
    assert found.min() == pytest.approx(-4.1, abs=0.1)
    assert found.max() == pytest.approx(4.1, abs=0.1)


@pytest.mark.parametrize(("sign", "turns"), [(1, 1), (-1, -1)])
def test_ninety_degrees_are_a_quarter_turn(monkeypatch, sign, turns):
    monkeypatch.setattr(warps, "_each_way", lambda key, shape: jnp.full(shape, float(sign)))
    pattern = images(7, 7)
    assert np.allclose(changed(Rotate(90), pattern), np.rot90(pattern, turns, axes=(2, 1)), atol=0.01)


def sources(matrix, height, width):
    """For each pixel the place it comes from, under a matrix about the middle; and scipy's offset for the same."""
    middle = np.array([(height - 1) / 2, (width - 1) / 2])
    places = np.argwhere(np.ones((height, width))) - middle
    found = jnp.asarray(places @ matrix.T + middle, jnp.float32).reshape(height, width, 2)
    rows, columns = (jnp.broadcast_to(found[..., axis], (4, height, width)) for axis in (0, 1))
    return rows, columns, middle - matrix @ middle


@pytest.mark.parametrize("angle", [10, 33, -120])
def test_interpolation_is_scipys(angle):
    x = images(9, 8)
    turn = np.array([[cos(radians(angle)), -sin(radians(angle))], [sin(radians(angle)), cos(radians(angle))]])
    rows, columns, offset = sources(turn, 9, 8)
    turned = np.asarray(bilinear(x, rows, columns))
    for image, one in np.ndindex(4, 2):
        expected = ndimage.affine_transform(x[image, :, :, one], turn, offset, order=1, mode="grid-constant")
        assert np.allclose(turned[image, :, :, one], expected, atol=0.01)


def seen(value, *places):
    """What a 2x2 image of one value shows at four places."""
    rows, columns = (jnp.array(axis, jnp.float32).reshape(1, 2, 2) for axis in zip(*places, strict=True))
    return bilinear(jnp.full((1, 2, 2, 1), value), rows, columns).ravel().tolist()


def test_outside_the_image_there_is_nothing():
    assert seen(255.0, (-1, 0), (0, 5), (1e6, 1e6), (-1e30, 0)) == [0, 0, 0, 0]


def test_the_edge_fades_into_the_background():
    assert seen(100.0, (-0.25, 0), (0, 1.5), (0, 0), (0.5, 0.5)) == [75, 50, 100, 100]


@pytest.mark.parametrize(("size", "sigma"), [(28, 4.0), (28, 1.0), (5, 4.0), (1, 2.0)])
def test_smoothing_is_scipys_gaussian_on_a_ring(size, sigma):
    noise = np.random.default_rng(1).uniform(-1, 1, size)
    expected = ndimage.gaussian_filter1d(noise, sigma, mode="wrap", truncate=4)
    assert np.allclose(smoothing(size, sigma) @ noise, expected, atol=1e-6)


def test_elastic_displacements_are_as_large_and_as_smooth_as_the_paper_s():
    fields = np.asarray(Elastic(34, 4).fields(KEY, (100, 32, 40)))
    deviation = 34 / (4 * sqrt(12 * pi))
    assert deviation == pytest.approx(1.384, abs=0.001)
    assert fields.mean() == pytest.approx(0, abs=0.02)
    # Everywhere alike, at the edges too.
    assert np.allclose(fields.std(axis=(0, 1, 3)), deviation, rtol=0.15)
    assert fields.std() == pytest.approx(deviation, rel=0.03)
    # A Gaussian of 4 pixels with itself is one of 4 sqrt(2).
    neighbours = (fields[..., 4:] * fields[..., :-4]).mean() / deviation**2
    assert neighbours == pytest.approx(np.exp(-(4**2) / (4 * 4**2)), abs=0.05)
    down, along = fields
    assert abs((down * along).mean()) / deviation**2 < 0.05


def test_an_elastic_distortion_shows_what_its_fields_point_at():
    x, elastic = images(12, 10), Elastic(20, 2)
    fields = np.asarray(elastic.fields(KEY, x.shape[:3]))
    after = changed(elastic, x)
    grid = np.mgrid[:12, :10]
    for image, one in np.ndindex(4, 2):
        expected = ndimage.map_coordinates(
            np.asarray(x[image, :, :, one]), grid + fields[:, image], order=1, mode="grid-constant"
        )
        assert np.allclose(after[image, :, :, one], expected, atol=0.01)
