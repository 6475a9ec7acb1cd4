"""What a refusal of a file must be like, and tensors in files that say anything of themselves."""

import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from cnncli.errors import DataError
from cnncli.weights import pickled
from cnncli.weights.files import read
from tests.weights import made
from tests.weights.made import Pickle

MB = 2**20
ARRAY = np.arange(24, dtype=np.float32)


def refused(path, *words, most=16 * MB, seconds=10.0):
    """Refused in one line with these words and the path, running and importing nothing, soon and in little memory."""
    before, known, began = set(sys.modules), dict(pickled.KNOWN), time.monotonic()
    tracemalloc.start()
    try:
        with pytest.raises(DataError) as caught:
            read(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    message = str(caught.value)
    assert caught.value.exit == 3 and str(path) in message and message.isprintable() and len(message) < 500, message
    for word in words:
        assert word in message
    assert not {"ran", "imported"} & {file.name for file in Path.cwd().iterdir()}
    assert not (set(sys.modules) - before) & {"sentinel", "torch", "antigravity", "code"}
    assert known == pickled.KNOWN and known["torch", "FloatStorage"].dtype is np.float32
    assert peak < most + 2 * path.stat().st_size
    assert time.monotonic() - began < seconds


def written(content, name="weights"):
    Path(name).write_bytes(content)
    return Path(name).absolute()


def torch_file(content):
    """A file of the zip format with one storage, of ARRAY, and this content."""
    return made.torch_zip(Path("a.pth").absolute(), Pickle(content, {"0": ARRAY}))


def tensor(offset=0, shape=(4, 6), strides=(6, 1), count=None, key="0"):
    return {"w": Pickle().view(key, ARRAY, offset, shape, strides, count)}
