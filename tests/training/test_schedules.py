"""The rate at every step, and what validation changes: recorded decisions of PyTorch and Keras."""

from functools import reduce
from itertools import accumulate

import jax
import jax.numpy as jnp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnncli.errors import UsageError
from cnncli.training.schedules import (
    SCHEDULES,
    STOPS,
    Constant,
    Cosine,
    EarlyStopping,
    NoStop,
    OneCycle,
    Plateau,
    Stepwise,
    Watch,
)


def at(schedule, steps, *where, lr=1.0):
    rate = schedule.rate(lr, steps)
    return [float(rate(step)) for step in where]


def test_constant_is_constant_after_its_warm_up():
    assert at(Constant(), 100, 0, 50, 100, lr=0.3) == pytest.approx([0.3] * 3)
    assert at(Constant(warmup=0.1), 100, 0, 5, 10, 11, 100, lr=0.3) == pytest.approx([0, 0.15, 0.3, 0.3, 0.3])


def test_a_step_comes_at_its_share_of_the_training():
    # The CIFAR ResNets' own: 0.1, divided by 10 at 32,000 and 48,000 of 64,000 steps.
    rates = at(Stepwise(at=(0.5, 0.75), factor=0.1), 64_000, 0, 31_999, 32_000, 47_999, 48_000, 64_000, lr=0.1)
    assert rates == pytest.approx([0.1, 0.1, 0.01, 0.01, 0.001, 0.001])


def test_steps_are_shares_of_the_whole_with_a_warm_up_too_and_may_come_together_or_never():
    rates = at(Stepwise(warmup=0.1, at=(0.5,), factor=0.5), 100, 0, 5, 10, 49, 50)
    assert rates == pytest.approx([0, 0.5, 1, 1, 0.5])
    assert at(Stepwise(at=(0.5, 0.5), factor=0.1), 10, 4, 5) == pytest.approx([1, 0.01])
    assert at(Stepwise(at=()), 10, 0, 9) == [1, 1]


@pytest.mark.parametrize("shares", [[0.75, 0.5], [1.0], [-0.1], 0.5, ["a"], [True]])
def test_shares_that_cannot_be_are_named(shares):
    with pytest.raises(UsageError, match=r"^at is .*; expected shares of the training in ascending order"):
        Stepwise(at=shares)


def test_cosine_warms_up_along_a_line_and_ends_at_its_end():
    assert at(Cosine(warmup=0.1), 100, 0, 5, 10, 55, 100, lr=2.0) == pytest.approx([0, 1, 2, 1, 0], abs=1e-6)
    assert at(Cosine(end=0.2), 100, 0, 50, 100, lr=2.0) == pytest.approx([2, 1.2, 0.4])


def test_one_cycle_rises_from_its_start_to_its_peak_and_falls_to_nearly_nothing():
    rates = at(OneCycle(rise=0.25, start=0.04), 400, 0, 50, 100, 250, 400)
    assert rates == pytest.approx([0.04, 0.52, 1.0, 0.5, 1e-4], abs=1e-3)


def test_a_plateaus_own_rate_is_constant_after_its_warm_up():
    assert at(Plateau(warmup=0.5), 10, 0, 5, 9) == pytest.approx([0, 1, 1])


def test_a_rate_is_a_function_of_the_step_inside_a_compiled_step_too():
    rate = Stepwise(warmup=0.2, at=(0.5,)).rate(0.5, 10)
    assert [float(jax.jit(rate)(jnp.int32(step))) for step in range(10)] == [float(rate(step)) for step in range(10)]


@given(st.sampled_from(sorted(SCHEDULES)), st.integers(1, 50), st.floats(0, 0.99), st.integers(0, 60))
def test_a_rate_is_finite_and_within_its_bounds_at_every_step(name, steps, share, step):
    kind = SCHEDULES[name]
    schedule = kind(rise=share) if name == "one-cycle" else kind(warmup=share)
    assert 0 <= at(schedule, steps, step, lr=0.5)[0] <= 0.5 + 1e-6


# Recorded of torch.optim.lr_scheduler.ReduceLROnPlateau (PyTorch 2.13): losses or accuracies, and the rates after.
NAN = float("nan")
PLATEAUS = {
    "the third article's: the fourth epoch without an improvement halves the rate": (
        *(Plateau(factor=0.5, patience=3, minimum=1e-6), 0.01),
        [1.1, 1.0, 0.85, 0.84, 0.83, 0.82, 0.85, 0.87, 0.86, 0.90, 0.93, 0.91, 0.95, 0.95, 0.96],
        [0.01] * 9 + [0.005] * 4 + [0.0025] * 2,
    ),
    "a change below the threshold is none; after a cooldown of two epochs they count again": (
        *(Plateau(factor=0.1, patience=1, cooldown=2), 1.0),
        [1.0, 0.99995, 0.9999, 0.99989, 0.9, 0.91, 0.92, 0.93, 0.5, 0.6, 0.6, 0.6, NAN, 0.6, 0.4999, 0.7, 0.7, 0.7],
        [1.0] * 2 + [0.1] * 4 + [0.01] * 4 + [0.001] * 6 + [0.0001] * 2,
    ),
    "accuracies, down to the minimum": (
        *(Plateau(factor=0.5, patience=1, minimum=0.2, by="val_accuracy"), 1.0),
        [0.5, 0.5, 0.5, 0.6, 0.60005, 0.6, 0.6, 0.61, 0.6, 0.6, 0.6, 0.6],
        [1.0] * 2 + [0.5] * 3 + [0.25] * 4 + [0.2] * 3,
    ),
    "a change of less than 1e-8 is not made": (
        *(Plateau(factor=0.5, patience=0), 1e-7),
        [1.0] * 6,
        [1e-7, 5e-8, 2.5e-8, 1.25e-8, 1.25e-8, 1.25e-8],
    ),
    "a minimum above the rate leaves it alone": (Plateau(patience=0, minimum=0.5), 0.1, [1.0] * 4, [0.1] * 4),
}


@pytest.mark.parametrize("case", PLATEAUS)
def test_a_plateau_lowers_the_rate_when_pytorch_does(case):
    plateau, lr, values, rates = PLATEAUS[case]
    watches = accumulate(values, lambda watch, value: plateau.after(watch, value, lr), initial=Watch())
    assert [lr * watch.scale for watch in watches][1:] == pytest.approx(rates)


def test_a_rate_of_zero_is_left_alone():
    assert Plateau(patience=0).after(Watch(0.5), 0.5, 0.0).scale == 1.0


# Recorded of keras.callbacks.EarlyStopping (Keras 3.15): the epoch that was the last, 0 for none.
# Fourteen epochs that each are the best so far, and six that are not.
LOSSES = [1.9 - 0.08 * epoch for epoch in range(14)] + [0.87, 0.9, 0.93, 0.91, 0.95, 0.95]


@pytest.mark.parametrize(
    ("rule", "values", "last"),
    [
        # As the third article tells it: its best epoch was the 14th, it stopped after the 21st.
        (EarlyStopping(patience=7), [*LOSSES, 0.96, 0.8], 21),
        (EarlyStopping(patience=7), LOSSES, 0),
        (EarlyStopping(patience=1), [1.0, 0.9, 0.9, 0.8], 3),
        (EarlyStopping(patience=2, minimum_change=0.1), [1.0, 0.95, 0.85, 0.8, 0.76, 0.1], 5),
        (EarlyStopping(patience=2, by="val_accuracy"), [0.5, 0.6, 0.6, 0.7, 0.65, 0.7, 0.8], 6),
        (EarlyStopping(patience=2, minimum_change=0.02, by="val_accuracy"), [0.5, 0.51, 0.53, 0.54, 0.54], 5),
    ],
)
def test_training_stops_early_when_keras_does(rule, values, last):
    watches = list(accumulate(values, rule.after, initial=Watch()))[1:]
    assert next((epoch for epoch, watch in enumerate(watches, 1) if rule.done(watch)), 0) == last


def test_what_is_remembered_of_an_accuracy_is_its_best():
    assert reduce(EarlyStopping(by="val_accuracy").after, [0.5, 0.7, 0.6], Watch()) == Watch(best=-0.7, bad=1)


def test_what_ends_a_training_has_its_names():
    assert {"none": NoStop, "early": EarlyStopping} == STOPS
    with pytest.raises(UsageError, match="patience is 0; expected a whole number of at least 1"):
        EarlyStopping(patience=0)
