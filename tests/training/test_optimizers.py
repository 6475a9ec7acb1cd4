"""Optimizers do what their papers say, and schedules give a rate at every step."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnncli.training.optimizers import OPTIMIZERS, SCHEDULES, Adadelta, Constant, Cosine, OneCycle, Sgd


def updates(optimizer, gradients, start=1.0):
    """The values of one parameter under a sequence of gradients, at a constant rate."""
    transformation = optimizer.transformation(Constant().rate(optimizer.lr, len(gradients)))
    value = jnp.array(start)
    state, values = transformation.init(value), []
    for gradient in gradients:
        update, state = transformation.update(jnp.array(gradient), state, value)
        value = value + update
        values.append(float(value))
    return values


def test_adadelta_is_kerass():
    value, squares, moves, expected = 1.0, 0.0, 0.0, []
    for gradient in (0.5, -0.2, 0.9):
        squares = 0.95 * squares + 0.05 * gradient**2
        move = -np.sqrt(moves + 1e-7) / np.sqrt(squares + 1e-7) * gradient
        moves = 0.95 * moves + 0.05 * move**2
        value += 1.0 * move
        expected.append(value)
    assert updates(Adadelta(), (0.5, -0.2, 0.9)) == pytest.approx(expected, rel=1e-6)


def test_momentum_adds_up_and_weight_decay_is_part_of_the_gradient():
    assert updates(Sgd(lr=0.1, momentum=0.5), (1.0, 1.0)) == pytest.approx([0.9, 0.9 - 0.15])
    assert updates(Sgd(lr=0.1, momentum=0.0, weight_decay=0.5), (1.0,)) == pytest.approx([1 - 0.1 * (1 + 0.5)])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_goes_downhill(name):
    assert updates(OPTIMIZERS[name](), (1.0,))[0] < 1.0


def test_cosine_warms_up_along_a_line_and_ends_at_zero():
    rate = Cosine(warmup=0.1).rate(2.0, 100)
    assert [float(rate(step)) for step in (0, 5, 10, 55, 100)] == pytest.approx([0, 1, 2, 1, 0], abs=1e-6)


def test_one_cycle_rises_from_its_start_to_its_peak_and_falls_to_nearly_nothing():
    rate = OneCycle(rise=0.25, start=0.04).rate(1.0, 400)
    assert [float(rate(step)) for step in (0, 50, 100, 250, 400)] == pytest.approx(
        [0.04, 0.52, 1.0, 0.5, 1e-4], abs=1e-3
    )


@given(st.sampled_from(sorted(SCHEDULES)), st.integers(1, 50), st.floats(0, 0.99), st.integers(0, 60))
def test_a_rate_is_finite_and_within_its_bounds_at_every_step(name, steps, share, step):
    kind = SCHEDULES[name]
    schedule = {"constant": lambda: kind(), "cosine": lambda: kind(share), "one-cycle": lambda: kind(share)}[name]()
    assert 0 <= float(schedule.rate(0.5, steps)(step)) <= 0.5 + 1e-6
