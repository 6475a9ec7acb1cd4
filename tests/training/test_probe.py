"""A few measured steps: how long a training would take, and which rate it could bear."""

import time

import numpy as np
import pytest

from cnncli.training import probe
from cnncli.training.probe import RATES, RangeTest, Rising, range_test, rising, timed
from cnncli.training.recipe import changed
from cnncli.training.session import Session


def test_rates_rise_by_the_same_factor_from_a_ten_thousandth_to_a_hundredfold():
    rate = Rising().rate(0.05, 17)
    rates = [float(rate(step)) for step in range(RATES + 1)]
    assert rates[0] == pytest.approx(0.05e-4, rel=1e-4)
    assert rates[-1] == pytest.approx(5, rel=1e-4)
    assert np.allclose(np.diff(np.log(rates)), 6 * np.log(10) / RATES, atol=1e-4)


@pytest.mark.parametrize(("optimizer", "last_batch"), [("sgd", "train"), ("adamw", "leave")])
def test_a_range_test_suggests_a_rate_where_the_loss_falls(recipe, mlp, digits, optimizer, last_batch):
    asked = changed(recipe, {"optimizer": optimizer, "last_batch": last_batch, "stop": "early"})
    test = range_test(Session(rising(asked), mlp, digits, {}))
    assert len(test.rates) == len(test.losses) == len(test.smoothed) > 100
    assert list(test.rates) == sorted(test.rates)
    assert test.rates[0] == pytest.approx(asked.optimizer.lr * 1e-4, rel=1e-4)
    # At first nothing moves; that of the last batch of an epoch, which has 15 images, is a mean, too.
    assert np.allclose(test.losses[:30], test.losses[0], atol=0.8)
    assert test.smoothed[-1] > 1.5 * min(test.smoothed)
    assert test.suggested is not None
    there = test.smoothed[np.searchsorted(test.rates, test.suggested)]
    assert min(test.smoothed) + 0.1 < there < 0.7 * test.smoothed[0]


def test_a_range_test_ends_where_the_loss_is_no_number(recipe, mlp, digits):
    asked = changed(recipe, {"optimizer": "sgd", "optimizer.lr": 1e34})
    assert len(range_test(Session(rising(asked), mlp, digits, {})).rates) == 1


def test_what_is_suggested_is_a_tenth_of_the_rate_of_the_lowest_loss():
    assert RangeTest((0.1, 1.0, 10.0), (2.0, 1.0, 3.0), (2.0, 1.5, 2.5)).suggested == 0.1
    assert RangeTest((0.1, 1.0, 10.0), (2.0, 2.0, 3.0), (2.0, 2.0, 2.5)).suggested is None
    assert RangeTest((0.1,), (2.0,), (2.0,)).suggested is None


def test_a_time_is_measured_without_the_first_calls(recipe, mlp, digits, monkeypatch):
    session = Session(changed(recipe, {"epochs": 1000}), mlp, digits, {})
    train, calls = Session.train, []

    def slow_at_first(session, state, chunk, step):
        calls.append(len(chunk))
        time.sleep(0.3 if len(calls) <= probe.WARM_UP else 0.002)
        return train(session, state, chunk, step)

    monkeypatch.setattr(Session, "train", slow_at_first)
    session.steps_per_call = 4
    timing = timed(session, seconds=0.1)
    # Batches wrap around the epoch, and a call of several steps counts as so many.
    assert max(calls) == 4
    assert 0.0005 < timing.step < 0.05
    assert timing.total == pytest.approx(timing.compile + timing.step * 20_000)
    assert timing.compile > 0


def test_a_step_that_takes_long_is_measured_once(recipe, mlp, digits, monkeypatch):
    session, calls = Session(recipe, mlp, digits, {}), []
    train = Session.train
    monkeypatch.setattr(Session, "train", lambda *what: calls.append(time.sleep(0.05)) or train(*what))
    assert timed(session, seconds=0.01).step == pytest.approx(0.05, abs=0.04)
    assert len(calls) == probe.WARM_UP + 1
