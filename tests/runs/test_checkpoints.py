import json
import os
import random
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from cnncli.errors import Bug, DataError
from cnncli.runs.checkpoints import Checkpoints

ROOT = Path(__file__).parents[2]


def python(code, *arguments, **environment):
    """Start a Python of its own on `code`."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(process):
    out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    return out


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Progress:
    key: jax.Array
    images: jax.Array
    epoch: int


PARAMS = {
    "inception4a": {"3x3": {"kernel": jnp.arange(54, dtype=jnp.float32).reshape(3, 3, 1, 6) / 7}},
    "fc": {"kernel": jnp.linspace(-1, 1, 12, dtype=jnp.bfloat16).reshape(4, 3), "scale": jnp.float32(3)},
}
STATS = {"norm": {"mean": jnp.array([0.5, -0.0, jnp.inf]), "count": jnp.int32(9)}}
REST = {
    "optimizer": optax.chain(optax.clip(1.0), optax.adamw(1e-3)).init(PARAMS),
    "progress": Progress(jnp.array([1, 2**32 - 1], jnp.uint32), jnp.int32(640), 5),
    "nothing": {},
    "none": None,
    "no rows": jnp.zeros((0, 3), jnp.int32),
    "seen": np.arange(5, dtype=np.float64),
}
META = {"epoch": 2, "best": 0.1 + 0.2, "network": "lenet5 é", "sizes": [1, 2]}


def like(tree):
    def struct(leaf):
        return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=leaf.sharding) if is_jax(leaf) else leaf

    return jax.tree.map(struct, tree)


def is_jax(leaf):
    return isinstance(leaf, jax.Array)


def bits(tree):
    return [(np.asarray(leaf).dtype, np.shape(leaf), np.asarray(leaf).tobytes()) for leaf in jax.tree.leaves(tree)]


def same(found, tree):
    return jax.tree.structure(found) == jax.tree.structure(tree) and bits(found) == bits(tree)


@pytest.fixture
def slot(tmp_path):
    with Checkpoints(tmp_path / "last") as slot:
        slot.save(10, PARAMS, STATS, REST, META)
    return slot


def test_everything_comes_back_to_the_bit(slot):
    found = slot.restore(like(PARAMS), like(STATS), like(REST))
    assert (found.step, found.meta) == (10, META)
    assert same(found.params, PARAMS)
    assert same(found.stats, STATS)
    assert same(found.rest, REST)
    assert [type(leaf) for leaf in jax.tree.leaves(found.rest)] == [type(leaf) for leaf in jax.tree.leaves(REST)]
    assert found.rest["progress"].epoch == 5


def test_parameters_and_meta_come_back_alone(slot):
    shutil.rmtree(slot.folder / "10" / "rest")
    found = slot.restore_params(like(PARAMS), like(STATS))
    assert (found.step, found.rest, found.meta) == (10, None, META)
    assert same(found.params, PARAMS)
    assert same(found.stats, STATS)
    shutil.rmtree(slot.folder / "10" / "params")
    assert slot.meta() == META


def test_arrays_themselves_say_what_is_expected(slot):
    assert same(slot.restore(PARAMS, STATS, REST).rest, REST)


def test_empty_statistics_and_numbers_that_are_not_finite(tmp_path):
    with Checkpoints(tmp_path / "best") as slot:
        slot.save(1, PARAMS, {}, (optax.EmptyState(),), {"loss": float("nan"), "best": np.float32("-inf")})
        found = slot.restore(PARAMS, {}, (optax.EmptyState(),))
    assert (found.stats, found.rest) == ({}, (optax.EmptyState(),))
    assert found.meta == {"loss": None, "best": None}


def test_the_newest_step_stays_and_older_or_equal_ones_are_not_saved(slot):
    other = jax.tree.map(lambda leaf: leaf + 1, PARAMS)
    with slot.__class__(slot.folder) as again:
        assert again.latest() == 10
        for step in (9, 10):
            again.save(step, other, STATS, REST, {})
        again.wait()
        assert same(again.restore_params(PARAMS, STATS).params, PARAMS)
        again.save(11, other, STATS, REST, {})
        again.wait()
        assert same(again.restore_params(PARAMS, STATS).params, other)
    assert [entry.name for entry in slot.folder.iterdir()] == ["11"]


def test_a_slot_that_was_never_saved_is_empty_and_is_not_made(tmp_path):
    with Checkpoints(tmp_path / "last") as slot:
        assert slot.latest() is None
    assert not (tmp_path / "last").exists()


def test_what_is_saved_are_the_values_at_the_call(tmp_path):
    """A donated step writes over its argument's memory while the save is in flight."""
    step = jax.jit(lambda tree: jax.tree.map(lambda leaf: leaf * 2 + 1, tree), donate_argnums=0)
    tree = {"w": jnp.arange(1_000_000, dtype=jnp.float32)}
    host = {"h": np.zeros(1000)}
    meta = {"list": [1]}
    expected = np.array(tree["w"])
    with Checkpoints(tmp_path / "last") as slot:
        slot.save(1, tree, {}, host, meta)
        for _ in range(20):
            tree = step(tree)
        host["h"][:] = 7
        meta["list"].append(2)
        jax.block_until_ready(tree)
        slot.wait()
        found = slot.restore({"w": jax.ShapeDtypeStruct((1_000_000,), jnp.float32)}, {}, host)
    assert np.array_equal(found.params["w"], expected)
    assert not found.rest["h"].any()
    assert found.meta == {"list": [1]}


def test_a_mismatch_says_what_differs(slot):
    wanted = like(PARAMS)
    wanted["fc"]["kernel"] = jax.ShapeDtypeStruct((4, 3), jnp.float32)
    wanted["fc"]["scale"] = jax.ShapeDtypeStruct((1,), jnp.float32)
    with pytest.raises(DataError) as error:
        slot.restore_params(wanted, STATS)
    assert str(error.value) == (
        f"params of checkpoint 'last' in {slot.folder / '10'} does not match: "
        "fc/kernel is bfloat16[4, 3], expected float32[4, 3]; fc/scale is float32[], expected float32[1]"
    )
    with pytest.raises(DataError, match=r"stats of .*: bias is not in it; norm/count is not expected; norm/mean is"):
        slot.restore_params(PARAMS, {"bias": jnp.zeros(1)})


def test_typed_keys_are_refused_by_name(tmp_path):
    with pytest.raises(Bug, match="'rng' is a typed key"), Checkpoints(tmp_path / "last") as slot:
        slot.save(1, PARAMS, {}, {"rng": jax.random.key(0)}, {})


def test_leaving_under_an_exception_has_saved(tmp_path):
    with pytest.raises(ZeroDivisionError), Checkpoints(tmp_path / "last") as slot:
        slot.save(1, PARAMS, STATS, REST, META)
        raise ZeroDivisionError
    assert Checkpoints(tmp_path / "last").restore(PARAMS, STATS, REST).meta == META


def files(slot):
    return sorted(file for file in slot.folder.rglob("*") if file.is_file())


def restored_or_refused(slot):
    """Whether restoring gives the same arrays (True) or one line of refusal (False); anything else fails the test."""
    try:
        found = slot.restore(PARAMS, STATS, REST)
    except DataError as error:
        assert str(slot.folder) in str(error)
        assert "\n" not in str(error)
        assert len(str(error)) < 700
        return False
    assert (found.step, found.meta) == (10, META)
    assert same((found.params, found.stats, found.rest), (PARAMS, STATS, REST))
    return True


def flip_bits(slot, count):
    rng = random.Random(0)
    refused = 0
    for _ in range(count):
        file = rng.choice(files(slot))
        whole = file.read_bytes()
        damaged = bytearray(whole)
        damaged[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        file.write_bytes(damaged)
        refused += not restored_or_refused(slot)
        file.write_bytes(whole)
    assert restored_or_refused(slot)
    return refused


def test_a_flipped_bit_is_refused_or_harmless(slot, capfd):
    assert flip_bits(slot, 250) > 30
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_many_flipped_bits_are_refused_or_harmless(slot):
    assert flip_bits(slot, 5000) > 1000


def test_a_damaged_array_is_named(tmp_path):
    noise = np.random.default_rng(0).random(5000)
    with Checkpoints(tmp_path / "last") as slot:
        slot.save(1, {"conv1": {"kernel": noise}}, {}, {}, {})
        slot.wait()
        largest = max(files(slot), key=lambda file: file.stat().st_size)
        damaged = bytearray(largest.read_bytes())
        # In zstd's raw literals: what it does not notice, the digest does.
        damaged[len(damaged) // 2] ^= 1
        largest.write_bytes(damaged)
        with pytest.raises(DataError) as error:
            slot.restore_params({"conv1": {"kernel": noise}}, {})
    assert str(error.value) == f"params of checkpoint 'last' in {slot.folder / '1'}: damaged conv1/kernel"


def test_a_truncated_emptied_or_missing_file_is_refused_or_harmless(slot):
    refused = 0
    for file in files(slot):
        whole = file.read_bytes()
        for size in (len(whole) // 2, 0, None):
            file.unlink() if size is None else file.write_bytes(whole[:size])
            refused += not restored_or_refused(slot)
            file.write_bytes(whole)
    assert refused > 20
    assert restored_or_refused(slot)


def test_a_record_that_is_no_object_is_refused(slot):
    (slot.folder / "10" / "record" / "metadata").write_text("[1]")
    with pytest.raises(DataError, match=r"record of checkpoint 'last' in .*: damaged"):
        slot.meta()


SHARDED = """
    import sys
    from pathlib import Path
    import jax, jax.numpy as jnp, numpy as np
    from jax.sharding import NamedSharding, PartitionSpec
    from cnncli.runs.checkpoints import Checkpoints
    mesh = jax.make_mesh((8,), ("data",))
    everywhere, split = NamedSharding(mesh, PartitionSpec()), NamedSharding(mesh, PartitionSpec("data"))
    tree = {"a": jax.ShapeDtypeStruct((3, 5), jnp.float32, sharding=everywhere),
            "b": jax.ShapeDtypeStruct((16,), jnp.int32, sharding=split)}
    values = {"a": np.arange(15, dtype=np.float32).reshape(3, 5), "b": np.arange(16, dtype=np.int32)}
    with Checkpoints(Path(sys.argv[1])) as slot:
        if slot.latest() is None:
            slot.save(1, {k: jax.device_put(v, tree[k].sharding) for k, v in values.items()}, {}, {}, {})
        else:
            found = slot.restore_params(tree, {}).params
            assert all(found[k].sharding == tree[k].sharding for k in tree)
            print(*(np.array_equal(found[k], values[k] * 2) for k in tree), len(found["b"].addressable_shards))
"""


def test_eight_devices_to_one_and_back(tmp_path):
    eight = {"XLA_FLAGS": "--xla_force_host_platform_device_count=8", "JAX_PLATFORMS": "cpu"}
    finished(python(SHARDED, tmp_path / "last", **eight))
    one = {"a": jnp.arange(15, dtype=jnp.float32).reshape(3, 5), "b": jnp.arange(16, dtype=jnp.int32)}
    with Checkpoints(tmp_path / "last") as slot:
        found = slot.restore_params(like(one), {}).params
        assert same(found, one)
        assert all(len(leaf.devices()) == 1 for leaf in found.values())
        slot.save(2, jax.tree.map(lambda leaf: leaf * 2, found), {}, {}, {})
    assert finished(python(SHARDED, tmp_path / "last", **eight)) == "True True 8\n"


SAVING = """
    import sys
    from pathlib import Path
    import numpy as np
    from cnncli.runs.checkpoints import Checkpoints
    with Checkpoints(Path(sys.argv[1])) as slot:
        first = slot.latest() or 0
        for step in range(first + 1, first + 1000):
            w, s, o = (np.full(size, step) for size in (20_000, 3, 50))
            slot.save(step, {"w": w}, {"s": s}, {"o": o}, {"n": step})
            print(step, flush=True)
"""


def kill_while_saving(folder, seconds):
    """Kill a process some time after its second save began; the step restored must be whole and not go back."""
    before = Checkpoints(folder).latest() or 0
    process = python(SAVING, folder)
    process.stdout.readline(), process.stdout.readline()
    time.sleep(seconds)
    os.kill(process.pid, signal.SIGKILL)
    printed = [before + 2, *map(int, process.communicate()[0].split())]
    tree = [{name: np.zeros(size, np.int64)} for name, size in (("w", 20_000), ("s", 3), ("o", 50))]
    found = Checkpoints(folder).restore(*tree)
    # A save that began waited for the one before it, so only the last one printed and the next may be missing.
    assert printed[-1] - 1 <= found.step <= printed[-1] + 1
    for part in (found.params["w"], found.stats["s"], found.rest["o"]):
        assert (part == found.step).all()
    assert found.meta == {"n": found.step}


def test_a_kill_at_any_moment_leaves_a_whole_step(tmp_path):
    for moment in range(4):
        kill_while_saving(tmp_path / "last", random.Random(moment).uniform(0, 0.15))


@pytest.mark.slow
def test_kills_at_many_moments_leave_a_whole_step_and_no_litter(tmp_path):
    for moment in range(40):
        kill_while_saving(tmp_path / "last", random.Random(moment).uniform(0, 0.15))
    with Checkpoints(tmp_path / "last") as slot:
        slot.save(10**6, {"w": np.zeros(1)}, {}, {}, {})
    assert [entry.name for entry in slot.folder.iterdir()] == ["1000000"]


def test_a_full_disk_is_one_line_and_leaves_the_old_step(tmp_path):
    code = """
        import resource, signal, sys
        from pathlib import Path
        import numpy as np
        from cnncli.errors import DataError
        from cnncli.runs.checkpoints import Checkpoints
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        noise = np.random.default_rng(0).random(100_000)
        def attempt(slot, step):
            slot.save(step, {"w": noise}, {}, {}, {})
            slot.wait()
        with Checkpoints(Path(sys.argv[1])) as slot:
            attempt(slot, 1)
            limits = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
            try:
                attempt(slot, 2)
            except DataError as error:
                print(error)
            print(slot.latest())
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            attempt(slot, 3)
            print(slot.latest(), *sorted(entry.name for entry in slot.folder.iterdir()))
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
            try:
                with slot:
                    slot.save(4, {"w": noise}, {}, {}, {})
            except DataError as error:
                print(error)
    """
    folder = tmp_path / "last"
    assert finished(python(code, folder)).splitlines() == [
        f"saving checkpoint {folder / '2'}: File too large",
        "1",
        "3 3",
        f"saving checkpoint {folder / '4'}: File too large",
    ]


def test_a_reader_beside_a_writer_always_sees_a_whole_step(tmp_path):
    folder = tmp_path / "last"
    process = python(SAVING, folder)
    process.stdout.readline(), process.stdout.readline()
    seen = set()
    for _ in range(40):
        found = Checkpoints(folder).restore_params({"w": np.zeros(20_000, np.int64)}, {"s": np.zeros(3, np.int64)})
        assert (found.params["w"] == found.step).all()
        seen.add(found.step)
    process.kill()
    assert process.communicate()[1] == ""
    assert len(seen) > 1


def test_the_record_is_plain_json(slot):
    record = json.loads((slot.folder / "10" / "record" / "metadata").read_text())
    assert set(record) == {"meta", "arrays", "digests", "sha256"}
    assert record["arrays"]["params"]["inception4a/3x3/kernel"] == "float32[3, 3, 1, 6]"
