import subprocess
import sys

import numpy as np
import pytest

from cnncli.data import dataset
from cnncli.data.digits_split import TEST
from cnncli.data.facts import DATASETS, find
from cnncli.errors import UsageError


def test_the_catalogue_agrees_with_itself():
    assert sorted(DATASETS) == ["cifar10", "cifar100", "digits", "fashion_mnist", "mnist"]
    for name, facts in DATASETS.items():
        assert facts.name == name
        assert len(facts.mean) == len(facts.deviation) == facts.shape[2]
        assert len(set(facts.classes)) == len(facts.classes)
        assert all(len(file.sha256) == 64 and file.urls for file in facts.files)
    assert {name: len(facts.classes) for name, facts in DATASETS.items() if len(facts.classes) != 10} == {
        "cifar100": 100
    }
    assert list(DATASETS["cifar100"].classes) == sorted(DATASETS["cifar100"].classes)
    assert [name for name, facts in DATASETS.items() if facts.fit == "resize"] == ["digits", "cifar10", "cifar100"]


def test_an_unknown_name_says_the_nearest():
    with pytest.raises(UsageError, match=r"no dataset named 'cifar11'; did you mean 'cifar10'"):
        find("cifar11")


def test_an_unknown_split_says_the_known_ones():
    with pytest.raises(UsageError, match="no split named 'val': expected 'train' or 'test'"):
        find("mnist").count("val")


@pytest.mark.parametrize("name", ["digits", "mnist", "cifar10"])
def test_mean_and_deviation_are_those_of_the_training_images(name, request):
    folder = None if name == "digits" else request.getfixturevalue("real_data")
    images = dataset.load(name, "train", data_dir=folder).split.images
    for channel in range(images.shape[-1]):
        weights = np.bincount(images[..., channel].ravel(), minlength=256) / images[..., channel].size
        mean = weights @ np.arange(256) / 255
        deviation = np.sqrt(weights @ (np.arange(256) / 255 - mean) ** 2)
        assert find(name).mean[channel] == pytest.approx(mean, abs=1e-6)
        assert find(name).deviation[channel] == pytest.approx(deviation, abs=1e-6)


def test_the_split_of_digits_is_stratified_and_disjoint():
    train, test = (dataset.load("digits", split).split for split in ("train", "test"))
    assert train.images.shape == (1437, 8, 8, 1) and test.images.shape == (360, 8, 8, 1)
    assert len(set(TEST)) == 360 and min(TEST) >= 0 and max(TEST) < 1797
    whole = np.bincount(train.labels) + np.bincount(test.labels)
    assert np.abs(np.bincount(test.labels) - whole * 360 / 1797).max() < 1
    assert train.images.max() == 255 and set(np.unique(test.images)) <= {round(v * 255 / 16) for v in range(17)}


def test_facts_import_nothing_heavy():
    names = "('jax', 'numpy', 'PIL', 'sklearn', 'pooch')"
    code = f"import sys, cnncli.data.facts; print([m for m in {names} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_no_room_of_data_imports_what_it_may_not_need():
    rooms = "dataset, check, download, locate, tfds, prepare, originals"
    names = "('jax', 'tensorflow', 'tensorflow_datasets', 'sklearn', 'pooch', 'PIL')"
    code = f"import sys; from cnncli.data import {rooms}; print([m for m in {names} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
