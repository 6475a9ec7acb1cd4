import gzip
import os
import shutil
import socket

import numpy as np
import pytest

from cnncli.data import dataset, locate
from cnncli.data.facts import DATASETS
from cnncli.errors import DataError, UsageError

from . import made


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    """No test reads or writes the user's own folders."""
    monkeypatch.setenv("CNNCLI_DATA", str(tmp_path / "home"))
    monkeypatch.delenv("CNNCLI_OFFLINE", raising=False)


def test_mnist_is_what_was_published(real_data):
    loaded = dataset.load("mnist", "test", data_dir=real_data)
    images, labels = loaded.split.images, loaded.split.labels
    assert images.shape == (10_000, 28, 28, 1) and images.dtype == np.uint8
    assert labels.dtype == np.int32 and labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert np.bincount(labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert loaded.facts is DATASETS["mnist"] and loaded.where == str((real_data / "mnist").resolve())
    assert not images.flags.writeable and not labels.flags.writeable


def test_cifar10_is_what_was_published(real_data):
    loaded = dataset.load("cifar10", "test", data_dir=real_data / "cifar-10-batches-py")
    images, labels = loaded.split.images, loaded.split.labels
    assert images.shape == (10_000, 32, 32, 3) and np.bincount(labels).tolist() == [1000] * 10
    # The first test image, a cat: the first pixels of its red plane, and one of each other plane.
    assert labels[0] == 3 and images[0, 0, :4, 0].tolist() == [158, 159, 165, 166]
    assert images[0, 0, 0].tolist() == [158, 112, 49]
    assert images.flags.c_contiguous


def test_where_digits_come_from_is_said():
    assert dataset.load("digits", "train", offline=True).where == "bundled with scikit-learn"


def test_progress_is_reported(real_data):
    seen = []
    dataset.load("cifar10", "train", data_dir=real_data, report=lambda *it: seen.append(it))
    assert seen == [("read cifar10 train", number, 5) for number in range(1, 6)]


@pytest.mark.parametrize("below", ["MNIST/raw", "mnist", "."])
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_layouts_of_idx_files_are_found_from_the_folder_or_the_one_above(tmp_path, below, ending):
    made.write_mnist(tmp_path / below, ending=ending)
    loaded = dataset.load("mnist", "test", data_dir=tmp_path)
    assert loaded.where == str((tmp_path / below).resolve())
    assert loaded.split.labels[:12].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    assert dataset.load("mnist", "test", data_dir=tmp_path / below).where == loaded.where


def test_fashion_files_are_not_taken_for_mnist(tmp_path, real_data):
    with pytest.raises(DataError, match="expected the labels of fashion_mnist, found those of mnist"):
        dataset.load("fashion_mnist", "test", data_dir=real_data / "mnist")
    made.write_mnist(tmp_path / "FashionMNIST" / "raw")
    made.write_mnist(tmp_path / "mnist")
    assert dataset.load("fashion_mnist", "test", data_dir=tmp_path).where.endswith("FashionMNIST/raw")


def test_a_wrong_count_says_both(tmp_path):
    made.write_mnist(tmp_path, train=100)
    with pytest.raises(DataError, match="expected 60,000 images of 28x28, found 100 images of 28x28"):
        dataset.load("mnist", "train", data_dir=tmp_path)


def test_a_label_outside_the_classes_is_named(tmp_path):
    made.write_mnist(tmp_path)
    labels = np.zeros(10_000)
    labels[77] = 10
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(made.idx(labels))
    with pytest.raises(DataError, match=r"mnist test: expected labels 0\.\.9, found 10"):
        dataset.load("mnist", "test", data_dir=tmp_path)


def test_missing_files_are_listed(tmp_path):
    with pytest.raises(
        DataError, match=r"no files of cifar10 \(train\): expected data_batch_1.*cifar-10-binary.tar.gz"
    ):
        dataset.load("cifar10", "train", data_dir=tmp_path)
    made.write_mnist(tmp_path / "mnist")
    (tmp_path / "mnist" / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match="mnist: missing for mnist: train-labels-idx1-ubyte"):
        dataset.load("mnist", "train", data_dir=tmp_path)
    with pytest.raises(DataError, match="nowhere: no such folder"):
        dataset.load("mnist", "train", data_dir=tmp_path / "nowhere")


def test_offline_opens_no_socket_and_says_the_command(tmp_path, monkeypatch):
    monkeypatch.setattr(socket, "socket", lambda *_: pytest.fail("a socket was opened"))
    with pytest.raises(DataError, match="run `cnncli data fetch mnist` where it may be, or give --data-dir"):
        dataset.load("mnist", "train", offline=True)
    monkeypatch.setenv("CNNCLI_OFFLINE", "1")
    with pytest.raises(DataError, match="`cnncli data fetch cifar100`"):
        dataset.load("cifar100", "train")


def test_a_file_damaged_in_our_own_folder_says_how_to_repair_it(tmp_path):
    made.write_mnist(tmp_path / "home" / "mnist", ending=".gz")
    path = tmp_path / "home" / "mnist" / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match=r"t10k-images.*; `cnncli data fetch mnist` downloads what is damaged again"):
        dataset.load("mnist", "test")
    assert dataset.load("mnist", "train").where == str((tmp_path / "home" / "mnist").resolve())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_a_data_error(tmp_path):
    made.write_mnist(tmp_path)
    (tmp_path / "t10k-images-idx3-ubyte").chmod(0)
    with pytest.raises(DataError, match="cannot be read: Permission denied"):
        dataset.load("mnist", "test", data_dir=tmp_path)


def test_a_folder_in_the_place_of_a_file_is_not_taken_for_it(tmp_path):
    made.write_mnist(tmp_path)
    (tmp_path / "t10k-images-idx3-ubyte").unlink()
    (tmp_path / "t10k-images-idx3-ubyte").mkdir()
    with pytest.raises(DataError, match="missing for mnist: t10k-images-idx3-ubyte"):
        dataset.load("mnist", "test", data_dir=tmp_path)


def test_gzipped_again_or_named_wrongly_is_still_read(tmp_path, real_data):
    for source in (real_data / "mnist").glob("t10k-*.gz"):
        (tmp_path / source.name).write_bytes(gzip.decompress(source.read_bytes()))
    again = dataset.load("mnist", "test", data_dir=tmp_path).split
    assert np.array_equal(again.images, dataset.load("mnist", "test", data_dir=real_data).split.images)


def test_unknown_names_and_splits():
    with pytest.raises(UsageError, match="no dataset named 'minst'; did you mean 'mnist'"):
        dataset.load("minst", "train")
    with pytest.raises(UsageError, match="no split named 'validation'"):
        dataset.load("digits", "validation")


def test_downloads_go_where_the_user_says_or_to_the_cache(tmp_path, monkeypatch):
    assert locate.home() == tmp_path / "home"
    monkeypatch.delenv("CNNCLI_DATA")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("sys.platform", "linux")
    assert locate.home() == tmp_path / "cache" / "cnncli" / "data"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "darwin")
    assert locate.home() == tmp_path / "Library" / "Caches" / "cnncli" / "data"


def test_the_users_folder_is_searched(tmp_path, real_data):
    shutil.copytree(real_data / "mnist", tmp_path / "home" / "MNIST" / "raw")
    assert dataset.load("mnist", "test", offline=True).where == str(tmp_path / "home" / "MNIST" / "raw")
