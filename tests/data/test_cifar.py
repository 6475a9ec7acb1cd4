import os
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnncli.data import cifar, files, locate, originals
from cnncli.data.progress import silent
from cnncli.errors import DataError

from . import made


class Trap:
    """Unpickled by the standard library, this would run a command."""

    def __init__(self, witness):
        self.witness = witness

    def __reduce__(self):
        return os.mkdir, (str(self.witness),)


def records(count, labels, seed=0):
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, 256, (count, labels + 3072), dtype=np.uint8)
    rows[:, :labels] %= 10
    return rows


def pickled(rows, labels, protocol=2):
    key = "labels" if labels == 1 else "fine_labels"
    return pickle.dumps({key: rows[:, labels - 1].tolist(), "data": rows[:, labels:].copy()}, protocol=protocol)


def expected(rows, labels):
    return rows[:, labels:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), rows[:, labels - 1]


@pytest.mark.parametrize("kind", ["python", "binary"])
@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
@pytest.mark.parametrize("archived", [False, True])
def test_every_form_gives_the_same_images(tmp_path, name, kind, archived):
    labels = 2 if name == "cifar100" else 1
    facts = made.small(name, train=20, test=4)
    layout = next(it for it in locate.LAYOUTS[name] if it.kind == kind and bool(it.archive) == archived)
    contents, truth = {}, {}
    for split in ("train", "test"):
        rows = records(facts.count(split), labels)
        truth[split] = expected(rows, labels)
        for batch, file in zip(np.split(rows, len(layout.names(split))), layout.names(split), strict=True):
            contents[file] = batch.tobytes() if kind == "binary" else pickled(batch, labels)
    folder = tmp_path / layout.folders[0]
    folder.mkdir(exist_ok=True)
    if archived:
        made.archive(tmp_path / layout.archive, {f"some-folder/{file}": data for file, data in contents.items()})
    else:
        for file, data in contents.items():
            (folder / file).write_bytes(data)
    for split in ("train", "test"):
        for root in (tmp_path, folder):
            place = locate.locate(facts, split, root)
            assert place is not None and place.layout == layout
            images, found = originals.read(facts, split, place, silent)
            assert np.array_equal(images, truth[split][0]) and np.array_equal(found, truth[split][1])


@pytest.mark.parametrize("protocol", [0, 2, 3, 4, 5])
def test_every_pickle_protocol_without_out_of_band_arrays_is_read(protocol):
    rows = records(4, 1)
    form = cifar.Form(4, "python", fine=False)
    if protocol == 5:  # NumPy writes other globals there, which are refused rather than learned
        with pytest.raises(DataError, match="refused to load 'numpy"):
            form.parse(pickled(rows, 1, protocol), "batch")
    else:
        images, _ = form.parse(pickled(rows, 1, protocol), "batch")
        assert np.array_equal(images, expected(rows, 1)[0])


def test_nothing_a_pickle_names_is_executed(tmp_path):
    witness = tmp_path / "executed"
    with pytest.raises(DataError, match=r"some-file: refused to load '\w+\.mkdir': only NumPy arrays are expected"):
        cifar.unpickle(pickle.dumps({"data": Trap(witness)}), "some-file")
    assert not witness.exists()


@pytest.mark.parametrize(
    "attribute", [("builtins", "eval"), ("os", "system"), ("numpy", "load"), ("cnncli.data.cifar", "_Array")]
)
def test_other_globals_are_refused_by_name(attribute):
    module, name = attribute
    with pytest.raises(DataError, match=f"refused to load '{module}.{name}'"):
        cifar.unpickle(f"c{module}\n{name}\n.".encode(), "batch")


@given(st.binary(max_size=300))
def test_random_bytes_are_a_data_error(data):
    with pytest.raises(DataError, match="batch"):
        cifar.Form(4, "python", fine=False).parse(data, "batch")


@given(st.data())
def test_a_flipped_byte_or_a_cut_never_raises_anything_else(data):
    whole = bytearray(pickled(records(1, 1), 1))
    position = data.draw(st.integers(0, len(whole) - 1))
    cut = data.draw(st.booleans())
    whole[position] ^= data.draw(st.integers(1, 255))
    form = cifar.Form(1, "python", fine=False)
    try:
        images, labels = form.parse(bytes(whole[:position] if cut else whole), "batch")
        assert images.shape == (1, 32, 32, 3) and labels.shape == (1,) and not cut
    except DataError as error:
        assert str(error).startswith("batch")


@pytest.mark.parametrize(
    ("batch", "words"),
    [
        ([1, 2], "expected a pickled dictionary, found list"),
        ({"labels": [1]}, "expected 'data' and 'labels', found labels"),
        ({"labels": [1, 2], "data": np.zeros((1, 3072), np.uint8)}, "expected 1 labels, found 2"),
        ({"labels": [1], "data": np.zeros((1, 3071), np.uint8)}, "expected data of 1x3072 bytes"),
        ({"labels": [1], "data": np.zeros((1, 3072), np.float64)}, "expected data of 1x3072 bytes"),
        ({"labels": ["x"], "data": np.zeros((1, 3072), np.uint8)}, "no small integers"),
    ],
)
def test_another_batch_says_what_was_expected(batch, words):
    with pytest.raises(DataError, match=words):
        cifar.Form(1, "python", fine=False).parse(pickle.dumps(batch, protocol=2), "batch")


def test_a_binary_batch_of_another_length_says_both():
    with pytest.raises(DataError, match=r"expected 6,146 bytes \(2 images\), found 6,145"):
        cifar.Form(2, "binary", fine=False).parse(bytes(6145), "batch")


def test_a_damaged_archive_is_a_data_error(tmp_path):
    path = tmp_path / "some.tar.gz"
    made.archive(path, {"a/one": bytes(range(256)) * 40, "a/two": b"2"})
    assert files.members(path, ("two",), 100_000) == [b"2"]
    with pytest.raises(DataError, match="missing: three"):
        files.members(path, ("two", "three"), 100_000)
    with pytest.raises(DataError, match="one: expected at most 9,000 bytes, found 10,240"):
        files.members(path, ("one",), 9000)
    whole = path.read_bytes()
    for kept in (0, 5, 40, len(whole) // 2):
        path.write_bytes(whole[:kept])
        with pytest.raises(DataError, match=r"some\.tar\.gz"):
            files.members(path, ("one", "two"), 100_000)


def test_an_archive_that_unpacks_without_end_is_refused(tmp_path):
    path = tmp_path / "bomb.tar.gz"
    made.archive(path, {"zeros": bytes(30_000_000), "wanted": b"1"})
    assert path.stat().st_size < 100_000
    with pytest.raises(DataError, match="unpacks to far more"):
        files.members(path, ("wanted",), 1000)
