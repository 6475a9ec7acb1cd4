"""Laying arrays on one device and, in a process of its own, on eight."""

import json
import os
import subprocess
import sys

import jax
import numpy as np
import pytest

from cnncli.data.placement import placement

ON_EIGHT = """
import json, jax
import numpy as np
from cnncli.data.placement import placement
where = placement()
rows = np.arange(32).reshape(16, 2)
split, columns = jax.device_put(rows, where.split()), jax.device_put(rows.T, where.split(1))
whole = where.everywhere({"rows": rows})["rows"]
try:
    where.check_batch(16)
    where.check_batch(20)
except Exception as error:
    refused = f"{type(error).__name__}: {error}"
shapes = [[list(shard.data.shape) for shard in array.addressable_shards] for array in (split, columns, whole)]
print(json.dumps([where.devices, where.platform, shapes, refused]))
"""


@pytest.fixture(scope="module")
def eight():
    environment = os.environ | {"XLA_FLAGS": "--xla_force_host_platform_device_count=8", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", ON_EIGHT], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_all_devices_are_in_the_mesh(eight):
    assert eight[:2] == [8, "cpu"]


def test_a_split_array_has_an_equal_part_on_each_device(eight):
    rows, columns, _ = eight[2]
    assert rows == [[2, 2]] * 8
    assert columns == [[2, 2]] * 8


def test_everywhere_means_whole_on_each_device(eight):
    assert eight[2][2] == [[16, 2]] * 8


def test_a_batch_that_cannot_be_cut_is_refused_with_one_that_can(eight):
    assert eight[3] == "UsageError: batch_size is 20; expected a multiple of the 8 devices, such as 24"


def test_this_process_has_its_own_devices():
    where = placement()
    assert where.devices == jax.device_count()
    assert where.platform == jax.default_backend()
    assert where.mesh.axis_names == ("data",)


def test_a_tree_of_arrays_is_placed_whole():
    placed = placement().everywhere({"a": np.arange(3), "b": {"c": np.ones(2)}})
    assert placed["a"].tolist() == [0, 1, 2]
    assert placed["a"].sharding.is_fully_replicated
    assert placed["b"]["c"].tolist() == [1, 1]


def test_devices_of_this_process_take_batches_of_their_multiples():
    where = placement()
    where.check_batch(where.devices)
    where.check_batch(7 * where.devices)
