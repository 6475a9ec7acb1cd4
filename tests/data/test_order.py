"""The order of examples and what is held out: permutations and partitions that depend on seed and epoch alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnncli.data.order import hold_out, shuffled
from cnncli.errors import UsageError

seeds = st.integers(0, 2**31 - 1)


@given(st.integers(0, 300), seeds, seeds)
def test_an_epoch_sees_every_example_once(count, seed, epoch):
    assert sorted(shuffled(count, seed, epoch)) == list(range(count))


@given(seeds, seeds)
def test_an_order_is_a_function_of_seed_and_epoch(seed, epoch):
    assert shuffled(50, seed, epoch).tolist() == shuffled(50, seed, epoch).tolist()


@given(st.lists(st.tuples(seeds, seeds), min_size=2, max_size=2, unique=True))
def test_another_seed_or_epoch_has_another_order(two):
    assert shuffled(50, *two[0]).tolist() != shuffled(50, *two[1]).tolist()


def test_orders_are_what_they_always_were():
    """A run of last year resumes in its own order: a change here, or in NumPy, breaks what users have saved."""
    assert shuffled(10, 0, 0).tolist() == [0, 7, 8, 6, 9, 5, 1, 3, 2, 4]
    assert shuffled(10, 0, 1).tolist() == [9, 4, 2, 1, 0, 7, 8, 5, 3, 6]
    assert shuffled(10, 1, 0).tolist() == [6, 0, 7, 9, 4, 1, 8, 5, 2, 3]
    assert shuffled(60_000, 42, 3)[:6].tolist() == [39454, 44903, 51444, 45760, 995, 11593]


LABELS = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [10, 20, 35])).astype(np.int32)


@given(st.lists(st.integers(4, 40), min_size=1, max_size=5), st.floats(0.15, 0.85), seeds)
def test_training_and_validation_share_no_example_and_lack_none(members, share, seed):
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(members)), members)).astype(np.int32)
    train, validation = hold_out(labels, share, seed)
    assert sorted([*train, *validation]) == list(range(len(labels)))
    assert train.tolist() == sorted(train)
    assert validation.tolist() == sorted(validation)


def test_each_class_gives_its_share():
    _, validation = hold_out(LABELS, 0.2, seed=0)
    assert np.bincount(LABELS[validation]).tolist() == [2, 4, 7]


def test_what_is_held_out_depends_on_the_seed_alone():
    assert hold_out(LABELS, 0.2, 1)[1].tolist() == hold_out(LABELS, 0.2, 1)[1].tolist()
    assert hold_out(LABELS, 0.2, 1)[1].tolist() != hold_out(LABELS, 0.2, 2)[1].tolist()


def test_what_is_held_out_is_what_it_always_was():
    _, validation = hold_out(np.repeat([0, 1, 2], [10, 20, 30]).astype(np.int32), 0.1, 0)
    assert validation.tolist() == [9, 18, 25, 37, 53, 57]


def test_a_share_of_zero_holds_out_nothing():
    train, validation = hold_out(LABELS, 0, seed=0)
    assert train.tolist() == list(range(65))
    assert validation.tolist() == []


@pytest.mark.parametrize(("share", "count"), [(0.01, 0), (0.99, 10)])
def test_a_class_is_left_on_both_sides(share, count):
    with pytest.raises(UsageError, match=f"validation = {share} of the 10 training images of class 0 is {count};"):
        hold_out(LABELS, share, seed=0)
