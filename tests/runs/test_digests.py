import hashlib
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnncli.errors import Bug, DataError
from cnncli.runs.digests import digest, digests, leaves, verify


def test_a_digest_is_sha256_of_dtype_shape_and_bytes():
    array = np.array([[1, 2], [3, 4]], np.int32)
    assert digest(array) == hashlib.sha256(b"int32[2, 2]" + array.tobytes()).hexdigest()
    assert digest(jnp.asarray(array)) == digest(array)


def test_dtype_shape_order_and_the_sign_of_zero_are_part_of_a_digest():
    zeros = [np.zeros(4, np.float32), np.zeros((2, 2), np.float32), np.zeros(4, np.int32), -np.zeros(4, np.float32)]
    assert len({digest(array) for array in zeros}) == 4
    square = np.arange(4).reshape(2, 2)
    assert digest(square.T) == digest(np.ascontiguousarray(square.T)) != digest(square)


def test_bfloat16_scalars_and_empty_arrays_have_digests():
    assert digest(jnp.ones(3, jnp.bfloat16)) != digest(jnp.ones(3, jnp.float16))
    assert digest(np.float32(1)) == digest(jnp.float32(1))
    assert digest(np.zeros((0, 3))) != digest(np.zeros((3, 0)))


@given(st.binary(min_size=1, max_size=64), st.data())
def test_every_bit_counts(data, draw):
    array = np.frombuffer(data, np.uint8)
    flipped = array.copy()
    flipped[draw.draw(st.integers(0, len(data) - 1))] ^= 1 << draw.draw(st.integers(0, 7))
    assert digest(array) != digest(flipped)


class Pair(NamedTuple):
    left: object
    right: object


def test_leaves_are_named_by_their_path():
    tree = {"inception4a": {"3x3": {"kernel": 1.0}}, "opt": (Pair(2.0, [3.0]), optax.EmptyState(), None)}
    assert leaves(tree) == {"inception4a/3x3/kernel": 1.0, "opt/0/left": 2.0, "opt/0/right/0": 3.0}
    assert leaves(5.0) == {"array": 5.0}
    with pytest.raises(Bug, match="'a/b'"):
        leaves({"a/b": 1, "a": {"b": 2}})


def test_the_state_of_an_optimizer_has_readable_names():
    state = optax.adamw(1e-3).init({"conv1": {"kernel": np.zeros(2, np.float32)}})
    assert set(digests(state)) == {"0/count", "0/mu/conv1/kernel", "0/nu/conv1/kernel"}


def test_verify_names_what_is_damaged_missing_and_extra():
    tree = {"a": np.zeros(2), "b": np.ones(2), "c": np.ones(3)}
    expected = digests({"a": np.zeros(2), "b": np.zeros(2), "d": np.zeros(1)})
    verify(tree, digests(tree), "here")
    with pytest.raises(DataError) as error:
        verify(tree, expected, "here")
    assert str(error.value) == "here: damaged b; missing d; extra c"


def test_a_message_about_many_arrays_stays_short():
    tree = {f"w{number}": np.zeros(1) for number in range(9)}
    with pytest.raises(DataError) as error:
        verify({}, digests(tree), "here")
    assert str(error.value) == "here: missing w0, w1, w2, w3, w4 and 4 more"
