import hashlib
import shutil

import pytest

from cnncli.data.check import Finding, check
from cnncli.data.inventory import Inventory
from cnncli.errors import DataError

from . import made
from .folders import write

LABELS = "t10k-labels-idx1-ubyte"


def problems(folder):
    return {finding.file: finding.problem for finding in check(folder) if not finding.ok}


def test_the_original_files_are_whole(real_data):
    findings = check(real_data)
    assert all(finding.ok and not finding.problem for finding in findings)
    assert [finding.dataset for finding in findings] == ["mnist"] * 4 + ["cifar10"] * 6
    assert findings[4] == Finding("cifar10", "cifar-10-batches-py/data_batch_1", True)


def test_damaged_files_say_what_was_expected_and_found(tmp_path, real_data):
    for source in (real_data / "mnist").iterdir():
        shutil.copyfile(source, tmp_path / source.name)
    (tmp_path / "train-labels-idx1-ubyte.gz").unlink()
    images = tmp_path / "train-images-idx3-ubyte.gz"
    images.write_bytes(images.read_bytes()[:1000])
    labels = tmp_path / f"{LABELS}.gz"
    flipped = bytearray(labels.read_bytes())
    flipped[2000] ^= 1
    labels.write_bytes(flipped)
    right = "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"
    found = hashlib.sha256(flipped).hexdigest()
    assert problems(tmp_path) == {
        "train-images-idx3-ubyte.gz": "truncated: expected 9,912,422 bytes, found 1,000",
        "train-labels-idx1-ubyte": "missing",
        f"{LABELS}.gz": f"wrong checksum: expected SHA-256 {right}, found {found}",
    }


def test_raw_files_are_read_and_counted(tmp_path):
    made.write_mnist(tmp_path / "FashionMNIST" / "raw", train=10)
    findings = check(tmp_path)
    assert {finding.dataset for finding in findings} == {"fashion_mnist"}
    assert problems(tmp_path) == {
        "FashionMNIST/raw/train-images-idx3-ubyte": "expected 60,000 images of 28x28, found 10 images of 28x28",
        "FashionMNIST/raw/train-labels-idx1-ubyte": "expected 60,000 labels, found 10 labels",
    }
    assert {finding.dataset for finding in check(tmp_path / "FashionMNIST" / "raw")} == {"fashion_mnist"}


def test_batches_and_archives_are_checked(tmp_path, real_data):
    shutil.copyfile(real_data / "cifar-10-batches-py" / "test_batch", tmp_path / "test_batch")
    (tmp_path / "data_batch_1").write_bytes(b"\x80\x02garbage")
    made.archive(tmp_path / "cifar-100-python.tar.gz", {"cifar-100-python/train": b"1"})
    (tmp_path / "cifar-10-binary.tar.gz").write_bytes(b"1")
    found = problems(tmp_path)
    assert "test_batch" not in found and found["data_batch_2"] == "missing"
    assert found["data_batch_1"].startswith("data_batch_1: expected a pickled batch, found damaged bytes")
    assert found["cifar-100-python.tar.gz"].startswith("train: expected a pickled")
    assert found["cifar-10-binary.tar.gz"] == "truncated: expected 170,052,171 bytes, found 1"


def test_a_folder_with_nothing_known_says_what_is_looked_for(tmp_path):
    with pytest.raises(DataError, match=r"no dataset recognized; looked for train-images-idx3-ubyte, data_batch_1"):
        check(tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        check(tmp_path / "nowhere")


def test_a_folder_of_images_is_one_where_no_original_files_are(tmp_path, real_data):
    write(tmp_path, {"a": 3, "b": 3})
    found = check(tmp_path)
    assert isinstance(found, Inventory)
    assert (found.root, found.counts, found.issues) == (tmp_path, {"images": {"a": 3, "b": 3}}, ())
    shutil.copyfile(real_data / "mnist" / f"{LABELS}.gz", tmp_path / f"{LABELS}.gz")
    assert {finding.dataset for finding in check(tmp_path)} == {"mnist"}
