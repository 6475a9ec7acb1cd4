import importlib.util
import io
import socket
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnncli.data import dataset, memory, tfds
from cnncli.data.dataset import fetch
from cnncli.data.framing import Framing
from cnncli.errors import DataError, UsageError

CLASSES = ("red", "green", "blue")
TENSORFLOW = importlib.util.find_spec("tensorflow") is not None


def needs_tensorflow(test):
    """Mark a test that prepares a dataset with a real builder of TFDS."""
    return pytest.mark.tfds(pytest.mark.skipif(not TENSORFLOW, reason="TensorFlow is not installed")(test))


def pictures(count, shape, seed):
    """Return random images and labels; with no fixed shape, each image is a little larger than the one before."""
    rng = np.random.default_rng(seed)
    sizes = [shape or (6 + number, 9, 3) for number in range(count)]
    return [rng.integers(0, 256, size, dtype=np.uint8) for size in sizes], rng.integers(0, 3, count)


def write(folder, name="tiny", shape=(6, 9, 3), splits=("train", "test"), label="label", count=12):
    """Write a dataset as TFDS does, as ArrayRecord files, without TensorFlow; return what was written."""
    import tensorflow_datasets as library

    made = {split: pictures(count, shape, seed) for seed, split in enumerate(splits)}
    features = {
        "image": library.features.Image(shape=shape or (None, None, 3)),
        label: library.features.ClassLabel(names=CLASSES),
    }

    def info(self):
        return library.core.DatasetInfo(builder=self, features=library.features.FeaturesDict(features))

    def generate(self, split):
        for number, (image, value) in enumerate(zip(*made[split], strict=True)):
            encoded = io.BytesIO()
            Image.fromarray(image).save(encoded, "png")
            encoded.seek(0)
            yield number, {"image": encoded, label: int(value)}

    members = {
        "VERSION": library.core.Version("1.0.0"),
        "pkg_dir_path": Path(folder),
        "name": name,
        "_info": info,
        "_split_generators": lambda self, _: {split: self._generate_examples(split) for split in splits},
        "_generate_examples": generate,
    }
    with library.core.registered.skip_registration():
        builder = type(name.title(), (library.core.GeneratorBasedBuilder,), members)
        builder(data_dir=folder, file_format="array_record").download_and_prepare()
    return made


def in_any_order(images, labels):
    return sorted((image.tobytes(), int(label)) for image, label in zip(images, labels, strict=True))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfds")
    return folder, write(folder)


def test_a_prepared_dataset_is_read_without_tensorflow_or_network(tiny, monkeypatch, capfd):
    folder, made = tiny
    monkeypatch.setattr(socket, "socket", lambda *_: pytest.fail("a socket was opened"))
    started, seen = time.monotonic(), []
    for split in ("train", "test"):
        loaded = dataset.load("tfds:tiny", split, data_dir=folder, offline=True, report=lambda *it: seen.append(it))
        assert in_any_order(loaded.split.images, loaded.split.labels) == in_any_order(*made[split])
        assert loaded.where == str(folder / "tiny" / "1.0.0")
    assert time.monotonic() - started < 10
    assert "tensorflow" not in sys.modules
    assert seen == [("read tfds:tiny train", 12, 12), ("read tfds:tiny test", 12, 12)]
    assert capfd.readouterr().err == ""


def test_its_facts_come_from_its_info_and_its_training_images(tiny):
    folder, made = tiny
    facts = dataset.load("tfds:tiny", "test", data_dir=folder).facts
    assert (facts.name, facts.shape, facts.classes) == ("tfds:tiny", (6, 9, 3), CLASSES)
    assert (facts.train, facts.test, facts.fit, facts.files) == (12, 12, "resize", ())
    train = np.stack(made["train"][0]) / 255
    assert facts.mean == pytest.approx(train.mean((0, 1, 2)), abs=1e-12)
    assert facts.deviation == pytest.approx(train.std((0, 1, 2)), abs=1e-12)
    assert dataset.load("tfds:tiny", "train", data_dir=folder).facts == facts


def test_the_usual_folder_is_tfdss_own(tiny, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tiny[0]))
    assert dataset.load("tfds:tiny", "test", offline=True).where == str(tiny[0] / "tiny" / "1.0.0")
    assert fetch("tfds:tiny", offline=True) == tiny[0] / "tiny" / "1.0.0"


def test_images_that_vary_need_a_size(tmp_path):
    made = write(tmp_path, "varied", shape=None)
    with pytest.raises(DataError, match=r"images vary, \d+x9x3 and \d+x9x3: give the size"):
        dataset.load("tfds:varied", "train", data_dir=tmp_path)
    loaded = dataset.load("tfds:varied", "train", data_dir=tmp_path, framing=Framing((8, 5)))
    assert loaded.facts.shape == (8, 5, 3) and loaded.split.images.shape == (12, 8, 5, 3)
    resized = [
        np.asarray(Image.fromarray(image).resize((5, 8), Image.Resampling.BILINEAR)) for image in made["train"][0]
    ]
    assert in_any_order(loaded.split.images, loaded.split.labels) == in_any_order(resized, made["train"][1])


def test_validation_serves_as_test_and_says_so(tmp_path):
    made = write(tmp_path, "checked", splits=("train", "validation"))
    loaded = dataset.load("tfds:checked", "test", data_dir=tmp_path)
    assert loaded.where.endswith("checked/1.0.0 (validation)")
    assert in_any_order(loaded.split.images, loaded.split.labels) == in_any_order(*made["validation"])
    write(tmp_path, "alone", splits=("train",))
    with pytest.raises(DataError, match="expected a split 'test', found train"):
        dataset.load("tfds:alone", "test", data_dir=tmp_path)
    assert dataset.load("tfds:alone", "train", data_dir=tmp_path).facts.test == 0


def test_other_features_are_named(tmp_path):
    write(tmp_path, "other", label="colour")
    with pytest.raises(
        DataError, match=r"expected .*label \(ClassLabel\), found colour \(ClassLabel\), image \(Image\)"
    ):
        dataset.load("tfds:other", "train", data_dir=tmp_path)


def test_what_does_not_fit_in_memory_is_refused(tiny, monkeypatch):
    monkeypatch.setattr(memory, "LIMIT", 12 * 6 * 9 * 3 - 1)
    with pytest.raises(DataError, match="12 images of 6x9x3 take"):
        dataset.load("tfds:tiny", "train", data_dir=tiny[0])


def test_damaged_files_are_a_data_error(tmp_path):
    write(tmp_path, "hurt")
    (path,) = (tmp_path / "hurt" / "1.0.0").glob("*train*")
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(DataError, match=r"hurt/1\.0\.0"):
        dataset.load("tfds:hurt", "train", data_dir=tmp_path)
    path.unlink()
    with pytest.raises(DataError, match=r"hurt/1\.0\.0"):
        dataset.load("tfds:hurt", "train", data_dir=tmp_path)
    (tmp_path / "hurt" / "1.0.0" / "dataset_info.json").write_text("{")
    with pytest.raises(DataError, match="hurt"):
        dataset.load("tfds:hurt", "train", data_dir=tmp_path)


def test_a_dataset_in_another_format_says_what_to_do(tmp_path):
    write(tmp_path, "records")
    info = tmp_path / "records" / "1.0.0" / "dataset_info.json"
    info.write_text(info.read_text().replace('"array_record"', '"tfrecord"'))
    with pytest.raises(DataError, match=r"prepared as array_record, found tfrecord: prepare it in another folder"):
        dataset.load("tfds:records", "train", data_dir=tmp_path)


@pytest.mark.parametrize("name", ["tfds:", "tfds:../x", "tfds:a/b/c", "tfds:a b"])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(UsageError, match=r"expected tfds:NAME or tfds:NAME/CONFIG, found"):
        dataset.load(name, "train")


def test_an_unknown_name_says_the_nearest(tmp_path):
    with pytest.raises(UsageError, match=r"TFDS has no dataset named 'minst'; did you mean .*'mnist'"):
        dataset.load("tfds:minst", "train", data_dir=tmp_path)


def test_what_is_not_prepared_says_the_command(tmp_path):
    words = "not to be used: run" if TENSORFLOW else r"needs TensorFlow: `pip install 'cnncli\[tfds\]'`, then"
    with pytest.raises(DataError, match=rf"{words} `cnncli data fetch tfds:mnist --data-dir {tmp_path}`"):
        dataset.load("tfds:mnist", "train", data_dir=tmp_path, offline=True)


def test_original_files_serve_the_preparation(tmp_path, real_data, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    for given in (real_data, real_data / "mnist"):
        assert tfds._folders("mnist", given) == (tmp_path, real_data / "mnist")
    assert tfds._folders("mnist", None) == (tmp_path, None)
    assert tfds._folders("mnist", tmp_path / "new") == (tmp_path / "new", None)


@needs_tensorflow
def test_mnist_is_prepared_from_its_original_files(tmp_path, real_data, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    seen = []
    loaded = dataset.load("tfds:mnist", "test", data_dir=real_data, report=lambda *it: seen.append(it))
    assert seen[:2] == [("prepare tfds:mnist", 0, 1), ("prepare tfds:mnist", 1, 1)]
    assert "tensorflow" not in sys.modules
    assert loaded.where == str(tmp_path / "mnist" / "3.0.1")
    assert (loaded.facts.train, loaded.facts.test, loaded.facts.fit) == (60_000, 10_000, "pad")
    original = dataset.load("mnist", "test", data_dir=real_data).split
    assert in_any_order(loaded.split.images, loaded.split.labels) == in_any_order(original.images, original.labels)


@needs_tensorflow
def test_a_preparation_that_fails_says_why(tmp_path):
    (tmp_path / "folder").write_text("not a folder")
    with pytest.raises(DataError, match=r"tfds:mnist could not be prepared: .*Error"):
        tfds._prepare("mnist", tmp_path / "folder", tmp_path, False, lambda *_: None)
