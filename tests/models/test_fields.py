"""Receptive fields by sizing's arithmetic, against where the gradients of built networks are."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnncli.models.model import model
from cnncli.networks.layers import Branches, Conv, PadShortcut, Pool, Residual, Subsample
from cnncli.networks.network import Network
from cnncli.sizing.size import size
from tests.strategies import networks


def support(network, path, place):
    """The rows and the columns of the input on which the sum of a layer's units at a place depends."""
    built = model(network)
    shapes = built.shapes()
    # Positive weights and images, and statistics that shift nothing: nothing cancels, and every ReLU is open.
    params = jax.tree.map(lambda one: np.full(one.shape, 0.1, np.float32), shapes[0])
    stats = jax.tree.map(lambda one: np.full(one.shape, 0.1, np.float32), shapes[1])
    x = jnp.linspace(0.5, 1.5, int(np.prod(network.input))).reshape(1, *network.input)

    def answer(x):
        found = {}
        built.logits(params, stats, x, lambda here, y: found.setdefault(here, y))
        return jnp.sum(found[path][0, place[0], place[1]])

    slope = jax.jit(jax.grad(answer))(x)
    seen = np.asarray(slope[0] != 0).any(axis=-1)
    return np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))


def middle(row):
    return row.output[0] // 2, row.output[1] // 2


@settings(max_examples=15)
@given(networks(2), st.data())
def test_a_unit_depends_on_nothing_outside_its_field(network, data):
    rows = [row for row in size(network).main if row.field]
    if not rows:
        return
    row = data.draw(st.sampled_from(rows))
    place = tuple(data.draw(st.integers(0, side - 1)) for side in row.output[:2])
    for seen, field, unit in zip(support(network, row.path, place), row.field, place, strict=True):
        assert set(seen.tolist()) <= set(field.of(unit))


windows = st.tuples(st.integers(1, 4), st.integers(1, 2), st.integers(0, 1), st.integers(0, 1))


def link(kind, window, stride, before, after):
    """A layer whose windows are another along the width, with padding on one side or none."""
    if kind == "subsample":
        return Subsample((window, 2), (stride, 1))
    padding = (min(before, window - 1), min(after, window - 1), 0, min(before, 1))
    if kind == "conv":
        return Conv(2, (window, 2), (stride, 1), padding)
    return Pool("average", (window, 2), (stride, 1), padding)


@settings(max_examples=15)
@given(
    st.lists(st.tuples(st.sampled_from(["conv", "average", "subsample"]), windows), min_size=1, max_size=3), st.data()
)
def test_a_chain_depends_on_both_ends_of_its_field(chain, data):
    network = Network("chain", (24, 13, 1), tuple(link(kind, *of) for kind, of in chain))
    row = size(network).rows[-1]
    place = tuple(data.draw(st.integers(0, side - 1)) for side in row.output[:2])
    for seen, field, unit, side in zip(
        support(network, row.path, place), row.field, place, network.input, strict=False
    ):
        inside = [pixel for pixel in field.of(unit) if 0 <= pixel < side]
        assert seen[0] == inside[0]
        # A field that begins or ends in padding has an end in the image, unless strides have left that out.
        if field.of(unit)[-1] < side:
            assert seen[-1] == inside[-1]


WIDE = Residual((Conv(1, 5, 1, 2), Conv(1, 3, 2, 1)), (Conv(1, 1, 2),))
PADDED = Residual((Conv(2, 3, 2, 1),), (PadShortcut(2, 2),))
# Both see 3 rows, the second from two rows further up.
UNEVEN = Branches(((Conv(1, 3, 1, (0, 2, 1, 1)),), (Conv(1, 3, 1, (2, 0, 1, 1)),)))
DILUTED = Branches(((Pool("max", 3, 1, 1),), (Conv(1, 1), Conv(1, 5, 1, 2)), ()))


@pytest.mark.parametrize(("layer", "rows"), [(WIDE, (5, 11)), (PADDED, (7, 9)), (UNEVEN, (6, 10)), (DILUTED, (6, 10))])
def test_where_ways_meet_the_widest_counts(layer, rows):
    network = Network("ways", (16, 16, 1), (layer,))
    row = size(network).rows[-1]
    seen = support(network, row.path, middle(row))[0]
    assert set(seen.tolist()) == set(row.field[0].of(middle(row)[0]))
    assert (int(seen[0]), int(seen[-1])) == rows
