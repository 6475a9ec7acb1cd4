"""Checkpoints of one slot (`checkpoints/last`, `checkpoints/best`): saved beside training, verified when read.

On disk a step is an Orbax checkpoint of up to three items of arrays, each flat `{path: array}`, and a JSON item:

    params    what is trained             stats    statistics of BatchNorm
    rest      optimizer state, counters   record   {"meta", "arrays", "digests", "sha256"}

An item without arrays has no folder: Orbax refuses empty items, and arrays of size zero, so those exist only in the
record. Orbax restores a flipped bit or another dtype silently; the record is how we notice.
"""

import errno
import hashlib
import json
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp

from cnncli.errors import Bug, DataError
from cnncli.runs import digests
from cnncli.runs.folder import to_json

Arrays = dict[str, np.ndarray[Any, Any]]


@dataclass(frozen=True)
class Restored:
    """A verified checkpoint: trees like those asked for, at training step `step`; `rest` is None if not asked."""

    step: int
    params: Any
    stats: Any
    rest: Any
    meta: dict[str, Any]


def _quiet_orbax() -> None:
    """Keep Orbax's account of a failure, pages of it, off the terminal: ours is the one line a user needs.

    Only its own words are dropped: Grain and TFDS log through absl too, and other unraisable errors are real ones.
    """
    logging.getLogger("absl").addFilter(lambda record: "orbax" not in record.pathname)
    show = sys.unraisablehook

    def unless_late(unraisable: "sys.UnraisableHookArgs") -> None:
        # When one array cannot be read Orbax closes its event loop, and TensorStore's threads still bring the others.
        if not (unraisable.exc_type is RuntimeError and str(unraisable.exc_value) == "Event loop is closed"):
            show(unraisable)

    sys.unraisablehook = unless_late


_quiet_orbax()


class Checkpoints:
    """The newest checkpoint in one slot's folder; leaving the `with` block waits until it is on disk.

    Saving runs in a thread of its own, since digests and files take ten times as long as copying to the host. Only
    the first process of several writes (parameters are replicated); every process can read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="checkpoint")
        self._saving: Future[None] | None = None

    def save(self, step: int, params: Any, stats: Any, rest: Any, meta: dict[str, Any]) -> None:
        """Start saving; the arrays may be donated as soon as this returns.

        A step that is not newer than the slot's newest is not saved: a resumed run repeats the same bits.
        Raises DataError if the save before this one failed.
        """
        self.wait()
        newest = self.latest()
        if jax.process_index() != 0 or (newest is not None and step <= newest):
            return
        items = {"params": _on_host(params), "stats": _on_host(stats), "rest": _on_host(rest)}
        said = json.loads(to_json(meta))
        self._saving = self._thread.submit(self._write, step, items, said)

    def wait(self) -> None:
        """Wait for the save in flight; DataError if it failed, as on a full disk."""
        if self._saving is not None:
            # An interrupt in here leaves the save in flight, for close() to wait for.
            failure = self._saving.exception()
            self._saving = None
            if failure is not None:
                raise failure

    def close(self) -> None:
        """Wait for the save in flight and let go of the thread; DataError if it failed."""
        try:
            self.wait()
        finally:
            self._thread.shutdown()

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def latest(self) -> int | None:
        """The step of the newest complete checkpoint, if there is one."""
        with self._one_line(f"reading {self.folder}"):
            return max((int(entry.name) for entry in self.folder.glob("[0-9]*") if _complete(entry)), default=None)

    def meta(self) -> dict[str, Any]:
        """What was saved beside the newest checkpoint's arrays; DataError when there is none or it is damaged."""
        return self._newest({}).meta

    def restore(self, params_like: Any, stats_like: Any, rest_like: Any) -> Restored:
        """Read the newest checkpoint whole.

        The arguments are trees of arrays or of `jax.ShapeDtypeStruct` with sharding, and so come the results back:
        on their devices; NumPy arrays as NumPy arrays, Python numbers as Python numbers. Raises DataError when
        there is no checkpoint, when a name, shape or dtype differs, and when an array is not what was saved.
        """
        return self._newest({"params": params_like, "stats": stats_like, "rest": rest_like})

    def restore_params(self, params_like: Any, stats_like: Any) -> Restored:
        """Read the newest checkpoint without what only training needs; as `restore` otherwise."""
        return self._newest({"params": params_like, "stats": stats_like})

    def _write(self, step: int, items: dict[str, Arrays], meta: dict[str, Any]) -> None:
        record: dict[str, Any] = {
            "meta": meta,
            "arrays": {item: _kinds(arrays) for item, arrays in items.items()},
            "digests": {item: digests.digests(arrays) for item, arrays in items.items()},
        }
        record["sha256"] = _sha256(record)
        stored = {item: {name: array for name, array in arrays.items() if array.size} for item, arrays in items.items()}
        parts = {item: ocp.args.StandardSave(arrays) for item, arrays in stored.items() if arrays}
        options = ocp.CheckpointManagerOptions(
            max_to_keep=1,
            cleanup_tmp_directories=True,
            create=False,
            enable_async_checkpointing=False,
            multiprocessing_options=_alone(),
        )
        with self._one_line(f"saving checkpoint {self.folder / str(step)}"):
            self.folder.mkdir(parents=True, exist_ok=True)
            with ocp.CheckpointManager(self.folder, options=options) as manager:
                manager.save(step, args=ocp.args.Composite(record=ocp.args.JsonSave(record), **parts))

    def _newest(self, likes: Mapping[str, Any]) -> Restored:
        """Read the newest step; again if training, in another process, has replaced it under our hands."""
        self.wait()
        step = self.latest()
        while step is not None:
            try:
                return self._read(step, likes)
            except DataError:
                newer = self.latest()
                if newer is None or newer <= step:
                    raise
                step = newer
        raise DataError(f"no complete checkpoint in {self.folder}")

    def _read(self, step: int, likes: Mapping[str, Any]) -> Restored:
        record = self._load(step, "record", ocp.JsonCheckpointHandler(), ocp.args.JsonRestore())
        if not isinstance(record, dict) or record.pop("sha256", None) != _sha256(record):
            raise DataError(f"{self._title(step, 'record')}: damaged")
        found = {}
        for item, like in likes.items():
            wanted = digests.leaves(like)
            _match(record["arrays"][item], _kinds(wanted), self._title(step, item))
            arrays = {name: _placeholder(leaf) for name, leaf in wanted.items()}
            if stored := {name: array for name, array in arrays.items() if array.size}:
                arrays |= self._load(step, item, ocp.StandardCheckpointHandler(), ocp.args.StandardRestore(stored))
            digests.verify(arrays, record["digests"][item], self._title(step, item))
            placed = [_placed(arrays[name], leaf) for name, leaf in wanted.items()]
            found[item] = jax.tree.unflatten(jax.tree.structure(like), placed)
        return Restored(step, found.get("params"), found.get("stats"), found.get("rest"), record["meta"])

    def _load(self, step: int, item: str, handler: ocp.CheckpointHandler, how: ocp.args.CheckpointArgs) -> Any:
        # Not by a CheckpointManager: it looks at every step of the slot, and fails on one that training is deleting.
        with (
            self._one_line(self._title(step, item)),
            ocp.Checkpointer(handler, multiprocessing_options=_alone()) as reader,
        ):
            return reader.restore(self.folder / str(step) / item, args=how)

    def _title(self, step: int, item: str) -> str:
        return f"{item} of checkpoint '{self.folder.name}' in {self.folder / str(step)}"

    @contextmanager
    def _one_line(self, doing: str) -> Iterator[None]:
        """Translate whatever goes wrong in Orbax: a damaged file can raise nearly anything there."""
        try:
            yield
        except Exception as error:
            raise DataError(f"{doing}: {_reason(error)}") from error


def _alone() -> ocp.options.MultiprocessingOptions:
    """Each process for itself: one writes, all read, and nobody waits for another at a barrier."""
    me = jax.process_index()
    return ocp.options.MultiprocessingOptions(
        primary_host=me, active_processes={me}, barrier_sync_key_prefix=f"process{me}"
    )


def _complete(step: Path) -> bool:
    try:
        return step.name.isdigit() and bool(ocp.path.step.is_path_finalized(step))
    except OSError:
        # Training in another process has just deleted it.
        return False


def _on_host(tree: Any) -> Arrays:
    """Copies of the arrays that nobody else holds.

    On CPU `device_get` returns views of the device's buffers. JAX 0.10.2 keeps a donated step from writing over one
    that is viewed, but nothing promises it, and NumPy arrays in the tree have no such guard: hence the second copy.
    """
    found = digests.leaves(tree)
    for name, leaf in found.items():
        if hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            raise Bug(f"'{name}' is a typed key: save its jax.random.key_data")
    return {name: np.array(leaf) for name, leaf in jax.device_get(found).items()}


def _kinds(arrays: Mapping[str, Any]) -> dict[str, str]:
    """What each array is, as in `float32[5, 5, 1, 6]`."""
    shaped = {name: leaf if hasattr(leaf, "dtype") else np.asarray(leaf) for name, leaf in arrays.items()}
    return {name: f"{leaf.dtype}{list(leaf.shape)}" for name, leaf in shaped.items()}


def _placeholder(leaf: Any) -> np.ndarray[Any, Any]:
    """Stand in for an array to be read: its shape and dtype, and the memory of one number."""
    shaped = leaf if hasattr(leaf, "dtype") else np.asarray(leaf)
    return np.broadcast_to(np.zeros((), shaped.dtype), shaped.shape)


def _placed(array: np.ndarray[Any, Any], like: Any) -> Any:
    """Put an array where its like is; every process of several puts its own shards."""
    if isinstance(like, np.ndarray | np.generic):
        return array
    if not hasattr(like, "dtype"):
        return array.item()
    if like.sharding is None:
        return jax.device_put(array)
    return jax.make_array_from_callback(array.shape, like.sharding, array.__getitem__)


def _match(saved: Mapping[str, str], wanted: Mapping[str, str], title: str) -> None:
    """Raise DataError that says which arrays the checkpoint lacks, has besides, or has in another shape or dtype."""
    wrong = [f"{name} is not in it" for name in wanted if name not in saved]
    wrong += [f"{name} is not expected" for name in saved if name not in wanted]
    wrong += [
        f"{name} is {saved[name]}, expected {kind}"
        for name, kind in wanted.items()
        if name in saved and saved[name] != kind
    ]
    if wrong:
        raise DataError(f"{title} does not match: {digests.listed(wrong, '; ')}")


def _sha256(record: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def _reason(error: BaseException) -> str:
    """The one line in an exception and its causes that says the most: what the operating system said, if it did."""
    chain: list[BaseException] = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None and cause not in chain:
        chain.append(cause)
    for link in chain:
        for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EROFS, errno.EIO):
            if getattr(link, "errno", None) == number or os.strerror(number) in str(link):
                return os.strerror(number)
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:200]
