"""Parts left out, and images mixed with their targets: places, shares and areas."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cnncli.data.mixing import CutMix, Cutout, Mixup, boxes

KEY = jax.random.key(7)
BATCH = 300


def images(height=6, width=5, channels=2):
    return jnp.asarray(np.random.default_rng(0).uniform(1, 255, (BATCH, height, width, channels)), jnp.float32)


def square(centre, size, shape):
    """A mask of a square around a pixel, cut at the edges."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    down, along = rows - centre[0] + size // 2, columns - centre[1] + size // 2
    return (down >= 0) & (down < size) & (along >= 0) & (along < size)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_cutout_blackens_a_square_around_any_pixel_and_nothing_else(size):
    x = np.asarray(images())
    after = np.asarray(Cutout(size).images(KEY, x))
    places = {square(centre, size, (6, 5)).tobytes(): centre for centre in np.ndindex(6, 5)}
    black = after == 0
    assert np.array_equal(black[..., 0], black[..., 1])
    assert np.array_equal(after, np.where(black, 0, x))
    assert {places[one.tobytes()] for one in black[..., 0]} == set(places.values())


def test_cutout_is_centred_uniformly():
    black = np.asarray(Cutout(1).images(KEY, jnp.ones((10_000, 3, 2, 1)))) == 0
    assert np.allclose(black.mean(axis=0).ravel(), 1 / 6, atol=0.02)


def test_a_cutout_of_more_than_the_image_leaves_nothing():
    assert not np.asarray(Cutout(100).images(KEY, images())).any()


def test_boxes_are_cut_at_the_edges():
    found = np.asarray(boxes(KEY, jnp.full((BATCH, 2), jnp.array([3, 100])), (6, 5)))
    assert found.shape == (BATCH, 6, 5, 1)
    heights = found.any(axis=(2, 3)).sum(axis=1)
    assert set(heights) == {2, 3}
    assert found.any(axis=(1, 3)).all()


def mixed(augment, x):
    """Images after mixing, and by how much each takes of every image: its own on the diagonal."""
    # A program that is run once is not worth XLA's efforts.
    call = jax.jit(augment, compiler_options={"xla_backend_optimization_level": 0})
    after, shares = call(KEY, x, jnp.eye(BATCH))
    after, shares = np.asarray(after), np.asarray(shares, np.float64)
    assert np.allclose(shares.sum(axis=1), 1, atol=1e-6)
    assert (shares >= 0).all()
    assert ((shares > 0).sum(axis=1) <= 2).all()
    return after, shares


@pytest.mark.parametrize("alpha", [0.2, 1.0])
def test_mixup_blends_images_and_targets_by_the_same_share(alpha):
    x = images()
    after, shares = mixed(Mixup(alpha), x)
    assert np.allclose(after, np.tensordot(shares, x, axes=1), atol=0.01)
    own = np.diag(shares)[np.diag(shares) < 1]
    assert own.mean() == pytest.approx(0.5, abs=0.08)
    # The Beta distribution's variance.
    assert own.var() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.2)


@pytest.mark.parametrize("augment", [Mixup(1.0), CutMix(1.0)])
def test_partners_are_a_permutation(augment):
    _, shares = mixed(augment, images())
    others = shares - np.diag(np.diag(shares))
    assert ((others > 0).sum(axis=0) <= 1).all()
    assert (others > 0).any(axis=1).mean() > 0.9


def test_cutmix_pastes_a_box_and_weighs_targets_by_exactly_its_area():
    x = jnp.broadcast_to(jnp.arange(BATCH, dtype=jnp.float32)[:, None, None, None], (BATCH, 12, 10, 2))
    after, shares = mixed(CutMix(), x)
    pasted = after[..., 0] != np.arange(BATCH)[:, None, None]
    for place, mask in enumerate(pasted):
        others = np.unique(after[place][mask])
        assert len(others) <= 1
        if len(others):
            assert shares[place, int(others[0])] == pytest.approx(mask.mean(), abs=1e-6)
            box = np.ix_(mask.any(axis=1), mask.any(axis=0))
            assert mask[box].all()
        assert shares[place, place] == pytest.approx(1 - mask.mean(), abs=1e-6)


def test_a_box_of_cutmix_has_the_image_s_ratio_and_the_drawn_area():
    x = jnp.broadcast_to(jnp.arange(BATCH, dtype=jnp.float32)[:, None, None, None], (BATCH, 40, 80, 1))
    after, _ = mixed(CutMix(1.0), x)
    pasted = after[..., 0] != np.arange(BATCH)[:, None, None]
    heights, widths = pasted.any(axis=2).sum(axis=1), pasted.any(axis=1).sum(axis=1)
    inside = [not (mask[[0, -1]].any() or mask[:, [0, -1]].any()) and mask.any() for mask in pasted]
    assert sum(inside) > 20
    assert np.allclose(widths[inside], 2 * heights[inside], atol=1)
