"""Keras's HDF5 files, read by h5py in a process of its own: a few false bytes make HDF5 take all memory there is.

`python -m cnncli.weights.hdf5 FILE` writes the arrays to standard output as an npz: their names, then they.
"""

import importlib.util
import io
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from cnncli.errors import UsageError
from cnncli.weights.pickled import NotTensors, Tensors

# Groups in groups: a Keras model has three, one inside another a few more.
DEEPEST = 16
# What the other process may have: bytes of memory for itself, times the file's size besides, and seconds.
MEMORY, COPIES, SECONDS = 2**29, 4, 60
# The exit codes by which it says that its last line is why, in words of ours or of HDF5's.
REFUSED, DAMAGED = 3, 4


def read_hdf5(path: Path) -> Tensors:
    """The arrays of numbers in a file, by their paths.

    Raises NotTensors for what would be read from elsewhere or claims more than the file has, ValueError for a damaged
    file; UsageError without h5py.
    """
    if importlib.util.find_spec("h5py") is None:
        raise UsageError(f"{path} is of Keras; to read it: pip install 'cnncli[keras]'")
    # The child finds this package where this process found it, and nothing in the folder that it runs in.
    paths = [str(Path(__file__).parents[2]), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    variables = {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "OPENBLAS_NUM_THREADS": "1"}
    try:
        child = subprocess.run(
            [sys.executable, "-P", "-m", "cnncli.weights.hdf5", str(path)],
            env=os.environ | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ValueError(f"HDF5 does not come to an end with it in {SECONDS} seconds") from None
    if child.returncode:
        said = child.stderr.decode(errors="replace").strip().splitlines()
        words = said[-1] if said and child.returncode in (REFUSED, DAMAGED) else "HDF5 breaks down over it"
        raise NotTensors(words) if child.returncode == REFUSED else ValueError(words)
    with np.load(io.BytesIO(child.stdout), allow_pickle=False) as arrays:
        names, *others = arrays.files
        return dict(zip(arrays[names].tolist(), (arrays[other] for other in others), strict=True))


def main(path: Path) -> None:
    """Read a file in this process, within bounds; exits with one line on standard error where that fails."""
    import h5py

    size = path.stat().st_size
    # Not every system knows this limit.
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY + COPIES * size, resource.RLIM_INFINITY))
    try:
        found = _arrays(h5py, path, size)
    except Exception as error:
        sys.stderr.write(f"{' '.join(str(error).split()) or type(error).__name__}\n")
        sys.exit(REFUSED if isinstance(error, NotTensors) else DAMAGED)
    np.savez(sys.stdout.buffer, np.array(list(found), str), *found.values())


def _arrays(h5py: Any, path: Path, left: int) -> Tensors:
    found: Tensors = {}
    with h5py.File(path, "r", locking=False) as file:
        for name, dataset in _datasets(h5py, file, "", set()):
            if dataset.shape is None or dataset.dtype.kind not in "fiu":
                continue
            _check(dataset, name)
            left -= dataset.nbytes
            if left < 0:
                raise NotTensors("datasets that together claim more bytes than the file has")
            found[name] = dataset[()].astype(dataset.dtype.newbyteorder("="), copy=False)
    return found


def _datasets(h5py: Any, group: Any, above: str, seen: set[int]) -> Iterator[tuple[str, Any]]:
    """The datasets of a group and of those in it, each group once."""
    if above.count("/") > DEEPEST:
        raise NotTensors(f"groups in groups, more than {DEEPEST} deep")
    for name in group:
        path = f"{above}{name}"
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise NotTensors(f"{path}, a link to elsewhere, which was not followed")
        item = group[name]
        if isinstance(item, h5py.Dataset):
            yield path, item
        elif isinstance(item, h5py.Group) and (address := h5py.h5o.get_info(item.id).addr) not in seen:
            seen.add(address)
            yield from _datasets(h5py, item, f"{path}/", seen)


def _check(dataset: Any, name: str) -> None:
    """Raise NotTensors unless the values are in this file, as many as claimed."""
    if dataset.is_virtual or dataset.external:
        raise NotTensors(f"{name}, whose values are in another file, which was not opened")
    # HDF5 unpacks whatever a compressed piece claims, and loads libraries for filters that it does not know.
    if dataset.id.get_create_plist().get_nfilters():
        raise NotTensors(f"{name} compressed, which Keras never does (h5repack -f NONE undoes it)")
    if (stored := dataset.id.get_storage_size()) < dataset.nbytes:
        raise NotTensors(f"{name}, which claims {dataset.nbytes:,} bytes and has {stored:,}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
