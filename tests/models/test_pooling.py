"""Pools of each kind against a loop over windows, and PyTorch's adaptive windows."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnncli.errors import Bug
from cnncli.models.pooling import adaptive_pool, l2_pool, max_pool, pool, sum_pool
from cnncli.networks.checks import four_sides, two
from cnncli.networks.layers import Pool
from cnncli.networks.network import Network
from cnncli.sizing.size import size
from tests.strategies import pools

JOIN = {
    "max": np.max,
    "average": np.mean,
    "l1": lambda pixels: np.sum(np.abs(pixels)),
    "l2": lambda pixels: np.sqrt(np.sum(pixels**2)),
}


def windows_of(layer, shape):
    return size(Network("n", shape, (layer,))).rows[0].windows


def pooled(layer, x):
    windows = windows_of(layer, x.shape[1:])
    return np.asarray(jax.jit(lambda x: pool(layer.kind, x, windows, layer.count_padding))(x))


def pooled_naively(layer, x):
    """Window by window: what lies in the image, or for an average that counts padding in image and padding."""
    rows, columns, maps = size(Network("n", x.shape[1:], (layer,))).output
    (tall, wide), (down, along) = two(layer.window), two(layer.stride)
    top, bottom, left, right = four_sides(layer.padding)
    if layer.kind == "average" and layer.count_padding:
        x = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
        top, left = 0, 0
    y = np.empty((len(x), rows, columns, maps), np.float32)
    for image, row, column, one in np.ndindex(y.shape):
        first, start = row * down - top, column * along - left
        seen = x[image, max(first, 0) : first + tall, max(start, 0) : start + wide, one]
        y[image, row, column, one] = JOIN[layer.kind](seen) if seen.size else 0
    return y


@st.composite
def cases(draw):
    shape = draw(st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 2)))
    return shape, draw(pools(shape))


@settings(max_examples=60)
@given(cases())
def test_a_pool_joins_the_pixels_of_each_window(case):
    shape, layer = case
    x = np.random.default_rng(0).normal(size=(2, *shape)).astype(np.float32)
    assert np.allclose(pooled(layer, x), pooled_naively(layer, x), atol=1e-5)


def one_to(count, *shape):
    return np.arange(1, count + 1, dtype=np.float32).reshape(1, *shape, 1)


def test_an_average_leaves_padding_out_unless_it_is_counted():
    x = one_to(4, 2, 2)
    assert pooled(Pool("average", 2, 2, 1), x).ravel().tolist() == [1, 2, 3, 4]
    assert pooled(Pool("average", 2, 2, 1, count_padding=True), x).ravel().tolist() == [0.25, 0.5, 0.75, 1]


def test_what_rounding_up_imagines_is_never_counted():
    for counted in (False, True):
        layer = Pool("average", (1, 2), (1, 2), ceil=True, count_padding=counted)
        assert pooled(layer, one_to(3, 1, 3)).ravel().tolist() == [1.5, 3]


def test_a_maximum_of_negative_values_is_not_the_paddings_zero():
    assert pooled(Pool("max", 3, 2, 1), -one_to(4, 2, 2)).ravel().tolist() == [-1]


def gradient(join, layer, x):
    windows = windows_of(layer, x.shape[1:])
    return np.asarray(jax.grad(lambda x: jnp.sum(join(x, windows)))(x))[0, ..., 0]


def test_the_gradient_of_a_maximum_goes_to_the_largest():
    x = np.array([[1, 5, 2], [4, 3, 9]], np.float32).reshape(1, 2, 3, 1)
    assert gradient(max_pool, Pool("max", 2, 1), x).tolist() == [[0, 1, 0], [0, 0, 1]]


def test_the_gradient_of_equal_maxima_is_shared():
    shares = gradient(max_pool, Pool("max", 2, 2), np.ones((1, 2, 2, 1), np.float32))
    assert shares.tolist() == [[0.25, 0.25], [0.25, 0.25]]


def test_the_gradient_of_a_sum_counts_the_windows_that_see_a_pixel():
    assert gradient(sum_pool, Pool("l1", 2, 1), one_to(9, 3, 3)).tolist() == [[1, 2, 1], [2, 4, 2], [1, 2, 1]]


def test_the_gradient_of_an_l2_pool_is_finite_at_zero():
    x = np.zeros((1, 2, 4, 1), np.float32)
    x[0, :, 2:, 0] = [[3, 0], [0, 4]]
    assert gradient(l2_pool, Pool("l2", 2, 2), x).ravel() == pytest.approx([0, 0, 0.6, 0, 0, 0, 0, 0.8])


# (r^2 + 3 c^2 + r c) mod 17 in 5 rows and 7 columns.
PATTERN = np.fromfunction(lambda r, c: (r * r + 3 * c * c + r * c) % 17, (5, 7)).astype(np.float32)


def test_adaptive_pooling_has_pytorchs_windows():
    small = adaptive_pool(jnp.asarray(PATTERN)[None, :, :, None], (2, 3))[0, :, :, 0]
    assert small[0] == pytest.approx([5.7777778, 9.1111116, 8.1111116], rel=1e-6)
    assert small[1] == pytest.approx([8.2222223, 6.1111111, 9.1111116], rel=1e-6)


def test_adaptive_pooling_to_a_larger_size_repeats_pixels_as_pytorch_does():
    large = adaptive_pool(jnp.asarray(PATTERN)[None, :, :, None], (6, 8))[0, :, :, 0]
    assert large.shape == (6, 8)
    assert large[0] == pytest.approx([0, 1.5, 7.5, 11, 12, 10.5, 6.5, 6], rel=1e-6)
    assert large[1] == pytest.approx([0.5, 2.25, 8.75, 12.75, 10, 9, 9.75, 9.5], rel=1e-6)


def test_adaptive_pooling_to_the_same_size_changes_nothing():
    x = jnp.asarray(PATTERN)[None, :, :, None]
    assert np.array_equal(adaptive_pool(x, (5, 7)), x)


def test_there_is_no_other_kind():
    with pytest.raises(Bug, match="median"):
        pool("median", jnp.ones((1, 2, 2, 1)), windows_of(Pool("max", 2, 2), (2, 2, 1)), False)
