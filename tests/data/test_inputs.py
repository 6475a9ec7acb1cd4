"""From pixels to what a network sees: the numbers of each scaling, padding and resizing."""

import jax.numpy as jnp
import numpy as np
import pytest

from cnncli.data.facts import Facts
from cnncli.data.inputs import SCALINGS, Fit, prepare, scale_for
from cnncli.errors import UsageError

FACTS = Facts("made", "Made up", (2, 2, 3), ("a", "b"), 2, 1, (0.5, 0.4, 0.2), (0.25, 0.5, 0.1), "pad", "nowhere")
IMAGES = np.array([0, 51, 102, 153, 204, 255, 0, 0, 0, 255, 255, 255] * 2, np.uint8).reshape(2, 2, 2, 3)
IMAGES[1] //= 3
SAME = Fit("pad", (2, 2))


def scale(scaling):
    return {name: jnp.asarray(value) for name, value in scale_for(scaling, FACTS, IMAGES).items()}


def prepared(scaling, fit=SAME):
    return np.asarray(prepare(jnp.asarray(IMAGES, jnp.float32), scale(scaling), fit))


def test_unit_is_zero_to_one():
    assert np.allclose(prepared("unit"), IMAGES / 255)


def test_symmetric_is_minus_one_to_one():
    assert np.allclose(prepared("symmetric"), IMAGES / 127.5 - 1, atol=1e-6)


def test_standard_subtracts_the_mean_and_divides_by_the_deviation_of_each_channel():
    first = prepared("standard")[0, 0, 0]
    assert first == pytest.approx([(0 - 0.5) / 0.25, (0.2 - 0.4) / 0.5, (0.4 - 0.2) / 0.1], rel=1e-5)


def test_mean_image_subtracts_the_mean_of_the_images_pixel_by_pixel():
    assert scale_for("mean-image", FACTS, IMAGES)["shift"].shape == (2, 2, 3)
    assert np.allclose(prepared("mean-image"), IMAGES - IMAGES.mean(axis=0), atol=1e-4)
    assert np.allclose(prepared("mean-image").mean(axis=0), 0, atol=1e-4)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_scalings_are_float32(scaling):
    assert {value.dtype for value in scale_for(scaling, FACTS, IMAGES).values()} == {np.dtype("float32")}
    assert prepared(scaling).dtype == np.float32


def test_an_unknown_scaling_is_refused_with_the_known_ones():
    with pytest.raises(UsageError, match="scaling is 'zero'; expected one of unit, symmetric, standard, mean-image"):
        scale_for("zero", FACTS, IMAGES)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_padding_is_centred_around_the_scaled_image(scaling):
    padded = prepared(scaling, Fit("pad", (6, 4)))
    assert padded.shape == (2, 6, 4, 3)
    assert np.array_equal(padded[:, 2:4, 1:3], prepared(scaling))


def test_the_odd_row_of_padding_is_at_the_end():
    padded = prepared("unit", Fit("pad", (3, 2)))
    assert np.array_equal(padded[:, :2], prepared("unit"))
    assert not padded[:, 2].any()


@pytest.mark.parametrize(
    ("scaling", "background"),
    [("unit", [0, 0, 0]), ("symmetric", [-1, -1, -1]), ("standard", [-2, -0.8, -2]), ("mean-image", [0, 0, 0])],
)
def test_padding_is_what_a_black_pixel_becomes(scaling, background):
    padded = prepared(scaling, Fit("pad", (4, 4)))
    assert padded[0, 0, 0] == pytest.approx(background, rel=1e-5)
    assert padded[1, 3, 2] == pytest.approx(background, rel=1e-5)


def resized(pixels, size, how="resize"):
    return Fit(how, size)(jnp.asarray(pixels, jnp.float32)[None, :, :, None])[0, :, :, 0]


def test_resizing_up_is_bilinear():
    # PyTorch's interpolate(..., mode="bilinear", antialias=True) of 0, 10, ..., 80 in three rows.
    large = resized(np.arange(9).reshape(3, 3) * 10, (5, 6))
    assert large[0] == pytest.approx([0, 2.5, 7.5, 12.5, 17.5, 20])
    assert large[1] == pytest.approx([12, 14.5, 19.5, 24.5, 29.5, 32])
    assert large[:, 0] == pytest.approx([0, 12, 30, 48, 60])


def test_resizing_down_is_bilinear_without_aliasing():
    pattern = np.fromfunction(lambda r, c: (r * r + 3 * c * c + r * c) % 17, (6, 6))
    small = resized(pattern, (3, 2)).ravel()
    assert small == pytest.approx([6.3571434, 9.5178576, 8.328125, 7.1875, 10.4642859, 8.8928576])


@pytest.mark.parametrize("how", ["pad", "resize"])
def test_an_image_of_the_networks_size_stays_as_it_is(how):
    pixels = np.arange(6).reshape(2, 3)
    assert np.array_equal(resized(pixels, (2, 3), how), pixels)


def test_an_image_larger_than_the_input_is_resized_even_where_padding_is_asked_for():
    pixels = np.arange(24).reshape(4, 6)
    for size in ((2, 3), (8, 3)):
        assert np.array_equal(resized(pixels, size, "pad"), resized(pixels, size))


def test_mean_image_of_a_resized_image_is_resized_with_it():
    assert np.allclose(prepared("mean-image", Fit("resize", (5, 5))).mean(axis=0), 0, atol=1e-5)
