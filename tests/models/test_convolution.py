"""Convolutions against XLA's own: values and both gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jax import lax

from cnncli.models.convolution import PartialConv, banded, banded_where_faster, convolution_for
from cnncli.models.initializers import INITIALIZERS
from cnncli.networks.lenet import C3_TABLE

DIMENSIONS = ("NHWC", "HWIO", "NHWC")


def xla(x, kernel, padding):
    return lax.conv_general_dilated(x, kernel, (1, 1), padding, dimension_numbers=DIMENSIONS)


def tap_by_tap(x, kernel, padding):
    """A convolution as the sum of its taps: where padding is as wide as the window, XLA's own gradient is wrong."""
    x = jnp.pad(x, ((0, 0), *padding, (0, 0)))
    rows, columns = (x.shape[axis] - kernel.shape[axis - 1] + 1 for axis in (1, 2))
    taps = np.ndindex(*kernel.shape[:2])
    return sum(x[:, down : down + rows, along : along + columns] @ kernel[down, along] for down, along in taps)


def normal(seed, shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@jax.jit(static_argnums=(0, 3))
def with_gradients(convolve, x, kernel, padding):
    """The output, and the gradients to the image and to the kernel of a sum weighted at random."""
    y, back = jax.vjp(lambda x, kernel: convolve(x, kernel, padding), x, kernel)
    return y, *back(jnp.cos(jnp.arange(y.size, dtype=jnp.float32)).reshape(y.shape))


@st.composite
def cases(draw):
    side, pad, channels = st.integers(1, 8), st.sampled_from([0, 0, 1, 2]), st.integers(1, 3)
    padding = ((draw(pad), draw(pad)), (draw(pad), draw(pad)))
    height, width = draw(side), draw(side)
    tall = draw(st.integers(1, min(4, height + sum(padding[0]))))
    wide = draw(st.integers(1, min(4, width + sum(padding[1]))))
    maps = draw(channels)
    return (draw(st.integers(1, 2)), height, width, maps), (tall, wide, maps, draw(channels)), padding


@settings(max_examples=30)
@given(cases())
@example(((2, 1, 1, 2), (2, 2, 2, 2), ((2, 0), (2, 0))))
def test_a_banded_convolution_is_the_convolution_with_its_gradients(case):
    image, kernel, padding = case
    x, k = normal(0, image), normal(1, kernel)
    expected = with_gradients(tap_by_tap, x, k, padding)
    for ours, theirs in zip(with_gradients(banded, x, k, padding), expected, strict=True):
        assert np.allclose(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("padding", [((2, 0), (2, 0)), ((0, 3), (1, 0)), ((1, 1), (2, 2))])
def test_padding_as_wide_as_the_window_leaves_gradients_right(padding):
    def convolve(x, kernel, padding):
        return banded_where_faster(x, kernel, (1, 1), padding, dimension_numbers=DIMENSIONS)

    x, k = normal(0, (2, 5, 5, 2)), normal(1, (2, 2, 2, 3))
    expected = with_gradients(tap_by_tap, x, k, padding)
    for ours, theirs in zip(with_gradients(convolve, x, k, padding), expected, strict=True):
        assert np.allclose(ours, theirs, rtol=1e-4, atol=1e-4)


def uses_xla(image, kernel, groups=1):
    def convolve(x, kernel):
        return banded_where_faster(
            x, kernel, (1, 1), ((0, 0), (0, 0)), feature_group_count=groups, dimension_numbers=DIMENSIONS
        )

    shapes = (jax.ShapeDtypeStruct(shape, jnp.float32) for shape in (image, kernel))
    return "conv_general_dilated" in str(jax.make_jaxpr(convolve)(*shapes))


@pytest.mark.parametrize(
    ("image", "kernel", "groups", "xlas"),
    [
        ((1, 28, 28, 1), (5, 5, 1, 6), 1, False),
        ((1, 14, 14, 6), (5, 5, 6, 16), 1, False),
        ((1, 28, 28, 3), (5, 5, 3, 6), 1, False),
        ((1, 32, 32, 3), (5, 5, 3, 6), 1, True),
        ((1, 28, 28, 1), (3, 3, 1, 32), 1, True),
        ((1, 9, 9, 4), (5, 5, 2, 4), 2, True),
        ((1, 9, 9, 1), (5, 5, 1, 33), 1, True),
    ],
)
def test_narrow_images_of_few_channels_are_convolved_by_a_band(image, kernel, groups, xlas):
    assert uses_xla(image, kernel, groups) == xlas


def test_only_cpus_use_the_band():
    assert convolution_for("cpu") is banded_where_faster
    assert convolution_for("gpu") is convolution_for("tpu") is lax.conv_general_dilated


def c3():
    """LeNet5's third layer as published."""
    start = INITIALIZERS["lecun-1998"]
    how = ((5, 5), (1, 1), ((0, 0), (0, 0)), 6, lax.conv_general_dilated, start.weight, start.bias)
    return PartialConv(C3_TABLE, *how, dtype=jnp.float32, rngs=nnx.Rngs(0))


def dense_kernel(conv):
    """The kernel (height, width, channel, map) with a zero for every link that is not in the table."""
    full = np.zeros((5, 5, 6, 16), np.float32)
    link = iter(range(60))
    for target, sources in enumerate(C3_TABLE):
        for source in sources:
            full[:, :, source, target] = conv.kernel[:, :, next(link)]
    return full


def test_a_partial_convolution_is_a_dense_one_with_the_other_links_at_zero():
    conv, x = c3(), normal(0, (2, 14, 14, 6))
    expected = xla(x, dense_kernel(conv), "VALID") + conv.bias[...]
    assert np.allclose(conv(x), expected, atol=1e-5)


def test_a_partial_convolution_has_gradients_on_its_links_alone():
    conv, x = c3(), normal(0, (1, 6, 6, 6))
    ours = nnx.grad(lambda conv: jnp.sum(jnp.sin(conv(x))))(conv)["kernel"][...]
    bias, kernel = conv.bias[...], dense_kernel(conv)
    theirs = jax.grad(lambda kernel: jnp.sum(jnp.sin(xla(x, kernel, "VALID") + bias)))(kernel)
    on_links = [theirs[:, :, source, target] for target, sources in enumerate(C3_TABLE) for source in sources]
    assert ours.shape == (5, 5, 60)
    assert np.allclose(ours, np.stack(on_links, axis=-1), atol=1e-4)
