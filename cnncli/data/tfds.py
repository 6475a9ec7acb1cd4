"""Reading prepared TensorFlow Datasets without TensorFlow, and having new ones prepared in a process of their own."""

import importlib.util
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cnncli.data import download, memory
from cnncli.data.facts import DATASETS, Facts
from cnncli.data.progress import Report, silent
from cnncli.errors import DataError, UsageError, nearest

_BATCH = 256
_SAMPLE = 10_000
_NAME = re.compile(r"\w+(/[\w.\-]+)?(:[\d.]+)?")


@dataclass(frozen=True)
class Prepared:
    """A prepared dataset: its TFDS name, the folder of its files, and TFDS's builder for them."""

    name: str
    folder: Path
    builder: Any

    def split(self, split: str) -> str:
        """Return TFDS's name of the "train" or "test" split: some datasets publish only "validation" for the latter.

        Raises UsageError for other names, DataError naming the splits that exist.
        """
        if split not in ("train", "test"):
            raise UsageError(f"no split named '{split}': expected 'train' or 'test'")
        known = list(self.builder.info.splits)
        chosen = "validation" if split == "test" and "test" not in known else split
        if chosen not in known:
            raise DataError(f"tfds:{self.name}: expected a split '{split}', found {', '.join(known)}")
        return chosen

    def where(self, split: str) -> str:
        """Return where the split is read from, in words."""
        chosen = self.split(split)
        return str(self.folder) if chosen == split else f"{self.folder} ({chosen})"


def open_prepared(
    name: str, *, data_dir: Path | None = None, offline: bool = False, report: Report = silent
) -> Prepared:
    """Open the dataset NAME[/CONFIG], preparing it first where it is not, with TensorFlow in a process of its own.

    Prepared datasets are in `data_dir`, else $TFDS_DATA_DIR, else TFDS's own folder. A `data_dir` that holds original
    files serves the preparation in place of downloads. Raises UsageError for a name that TFDS does not know, DataError
    where the dataset is not prepared and cannot be.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"expected tfds:NAME or tfds:NAME/CONFIG, found 'tfds:{name}'")
    folder, manual = _folders(name, data_dir)
    prepared = _open(name, folder)
    if prepared is None:
        _known(name)
        _prepare(name, folder, manual, offline, report)
        prepared = _open(name, folder)
    if prepared is None:
        raise DataError(f"tfds:{name} was prepared but is not found in {folder}")
    return prepared


def _base(name: str) -> str:
    return re.split("[/:]", name)[0]


def _folders(name: str, data_dir: Path | None) -> tuple[Path, Path | None]:
    """Return the folder of prepared datasets, and the folder of original files if `data_dir` is one."""
    usual = Path(os.environ.get("TFDS_DATA_DIR") or Path.home() / "tensorflow_datasets").expanduser()
    if data_dir is None:
        return usual, None
    data_dir = data_dir.expanduser()
    try:
        for folder in (data_dir, data_dir / _base(name)):
            # Folders of TFDS hold folders only, down to the version.
            if folder.is_dir() and any(file.is_file() and file.name[0] != "." for file in folder.iterdir()):
                return usual, folder
    except OSError as error:
        raise DataError(f"{data_dir}: cannot be read: {error.strerror}") from error
    return data_dir, None


def _open(name: str, folder: Path) -> Prepared | None:
    """Return the prepared dataset, found by its files alone: no code of the dataset's runs, nothing is asked online."""
    from tensorflow_datasets.core import read_only_builder, registered

    try:
        builder = read_only_builder.builder_from_files(name, data_dir=str(folder))
    except registered.DatasetNotFoundError:
        return None
    except Exception as error:  # TFDS parses files here, with as many exceptions as parsers
        raise DataError(f"{folder}: tfds:{name} cannot be opened: {_first_line(error)}") from error
    return Prepared(name, Path(builder.data_path), builder)


def _known(name: str) -> None:
    import tensorflow_datasets as tfds

    known = tfds.list_builders(with_community_datasets=False)
    if _base(name) not in known:
        raise UsageError(f"TFDS has no dataset named '{_base(name)}'{nearest(_base(name), known)}")


def _prepare(name: str, folder: Path, manual: Path | None, offline: bool, report: Report) -> None:
    command = f"cnncli data fetch tfds:{name} --data-dir {manual or folder}"
    if importlib.util.find_spec("tensorflow") is None:
        raise DataError(
            f"tfds:{name} is not in {folder}, and preparing it needs TensorFlow: "
            f"`pip install 'cnncli[tfds]'`, then `{command}`"
        )
    if offline:
        raise DataError(f"tfds:{name} is not in {folder} and the network is not to be used: run `{command}`")
    if manual is None and _base(name) in DATASETS and DATASETS[_base(name)].files:
        # Our own download has mirrors and progress, and fails at once: TFDS tries for minutes.
        manual = download.fetch(_base(name), report=report)
    report(f"prepare tfds:{name}", 0, 1)
    arguments = ["--data-dir", str(folder)] + (["--manual-dir", str(manual)] if manual else [])
    # The child finds this package where this process found it.
    paths = [str(Path(__file__).parents[2]), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    child = subprocess.run(
        [sys.executable, "-m", "cnncli.data.prepare", name, *arguments],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if child.returncode != 0:
        said = child.stderr.strip().splitlines()
        raise DataError(f"tfds:{name} could not be prepared: {said[-1] if said else f'exit {child.returncode}'}")
    report(f"prepare tfds:{name}", 1, 1)


def facts(prepared: Prepared, name: str, *, size: tuple[int, int] | None, train: np.ndarray | None = None) -> Facts:
    """Return the facts of a prepared dataset, under the name the user gave.

    Mean and deviation are those of the training images, or of 10,000 evenly spaced ones where there are more; `train`
    are these images if they are in memory already.
    """
    info = prepared.builder.info
    sample = _sample(prepared, size) if train is None else train[:: _stride(len(train))]
    mean, deviation = memory.statistics(sample)
    twin = DATASETS.get(_base(prepared.name))
    test = prepared.split("test") if {"test", "validation"} & set(info.splits) else None
    return Facts(
        name=name,
        title=f"{info.full_name}, from TensorFlow Datasets",
        shape=(sample.shape[1], sample.shape[2], sample.shape[3]),
        classes=tuple(info.features["label"].names),
        train=info.splits[prepared.split("train")].num_examples,
        test=info.splits[test].num_examples if test else 0,
        mean=mean,
        deviation=deviation,
        fit=twin.fit if twin else "resize",
        source=" ".join((info.citation or info.homepage or info.full_name).split()),
    )


def _stride(count: int) -> int:
    return max(1, -(-count // _SAMPLE))


def _sample(prepared: Prepared, size: tuple[int, int] | None) -> np.ndarray:
    count = prepared.builder.info.splits[prepared.split("train")].num_examples
    return read(prepared, "train", size=size, every=_stride(count))[0]


def read(
    prepared: Prepared, split: str, *, size: tuple[int, int] | None = None, every: int = 1, report: Report = silent
) -> tuple[np.ndarray, np.ndarray]:
    """Return images (count, height, width, channels) uint8 and labels (count,) int64 of "train" or "test".

    Images of a dataset that declares no fixed size are resized to `size` (height, width), bilinearly. `every` takes
    every n-th example. Raises DataError for features other than a uint8 image and a class label, for images that vary
    without a `size`, for damaged records, and for more than 8 GiB.
    """
    declared = _declared_shape(prepared)
    source = _source(prepared, split)
    chosen = range(0, len(source), every)
    if not chosen:
        raise DataError(f"tfds:{prepared.name} {split}: expected images, found none")
    resize = size if None in declared else None
    first = _shaped(_records(prepared, source, [0])[0]["image"], resize)
    images = memory.empty(f"tfds:{prepared.name} {split}", len(chosen), first.shape)
    labels = np.empty(len(chosen), np.int64)
    for start in range(0, len(chosen), _BATCH):
        records = _records(prepared, source, list(chosen[start : start + _BATCH]))
        for row, record in enumerate(records, start):
            image = _shaped(record["image"], resize)
            if image.shape != first.shape:
                raise DataError(
                    f"tfds:{prepared.name} {split}: images vary, {_words(first.shape)} and {_words(image.shape)}: "
                    "give the size to bring them to with --input"
                )
            images[row], labels[row] = image, record["label"]
        report(f"read tfds:{prepared.name} {split}", start + len(records), len(chosen))
    return images, labels


def _declared_shape(prepared: Prepared) -> tuple[int | None, ...]:
    import tensorflow_datasets as tfds

    features = prepared.builder.info.features
    known = dict(features) if isinstance(features, tfds.features.FeaturesDict) else {}
    image, label = known.get("image"), known.get("label")
    if not isinstance(image, tfds.features.Image) or not isinstance(label, tfds.features.ClassLabel):
        found = ", ".join(f"{key} ({type(feature).__name__})" for key, feature in sorted(known.items())) or str(
            features
        )
        raise DataError(f"tfds:{prepared.name}: expected features image (Image) and label (ClassLabel), found {found}")
    if image.np_dtype != np.uint8:
        raise DataError(f"tfds:{prepared.name}: expected images of uint8, found {np.dtype(image.np_dtype).name}")
    return tuple(image.shape)


def _source(prepared: Prepared, split: str) -> Any:
    chosen = prepared.split(split)
    try:
        return prepared.builder.as_data_source(chosen)
    except NotImplementedError as error:
        written = prepared.builder.info.file_format.value
        raise DataError(
            f"{prepared.folder}: expected a dataset prepared as array_record, found {written}: prepare it in another "
            f"folder with `cnncli data fetch tfds:{prepared.name} --data-dir DIR`"
        ) from error
    except Exception as error:
        raise DataError(f"{prepared.folder}: cannot be read: {_first_line(error)}") from error


def _records(prepared: Prepared, source: Any, keys: list[int]) -> list[dict[str, Any]]:
    try:
        with _quiet():
            records: list[dict[str, Any]] = source.__getitems__(keys)
    except Exception as error:  # ArrayRecord, protobuf and Pillow each have their own for damaged bytes
        raise DataError(f"{prepared.folder}: records {keys[0]} to {keys[-1]}: {_first_line(error)}") from error
    return records


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep TFDS from writing to standard error that OpenCV would be faster."""
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _shaped(image: np.ndarray, size: tuple[int, int] | None) -> np.ndarray:
    if size is None or image.shape[:2] == size:
        return image
    from PIL import Image

    flat = image[..., 0] if image.shape[-1] == 1 else image
    resized = Image.fromarray(flat).resize((size[1], size[0]), Image.Resampling.BILINEAR)
    return np.asarray(resized).reshape(*size, image.shape[-1])


def _words(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {(str(error).strip() or 'no words').splitlines()[0]}"
