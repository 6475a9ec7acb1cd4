"""Metrics in other places, read back as their readers do."""

import csv
import os
import struct
import subprocess
import sys
from collections import defaultdict
from math import nan

import pytest

from cnncli.errors import DataError, UsageError
from cnncli.runs.folder import RunFolder
from cnncli.training import logs


def line(epoch, shift=0.0):
    """A line of metrics.jsonl; every second epoch is not validated, the third has no finite gradient."""
    validated = epoch % 2
    return {
        "epoch": epoch,
        "step": 10 * epoch,
        "train_loss": 1 / epoch + shift,
        "train_accuracy": 1 - 0.5 / epoch,
        "val_loss": 1.5 / epoch if validated else None,
        "val_accuracy": 1 - 0.75 / epoch if validated else None,
        "gradient_norm": nan if epoch == 3 else 2.0,
    }


@pytest.fixture
def folder(tmp_path):
    made = RunFolder.create("mlp", "digits", root=tmp_path)
    made.write_facts({"started": "2026-01-01T00:00:00+00:00"})
    return made


def train(folder, names, epochs, shift=0.0, resume_at=0):
    """Log epochs as training does: each line stands in metrics.jsonl before it is logged."""
    with logs.opened(names, folder, {"epochs": 5, "optimizer": {"name": "sgd"}}) as log:
        folder.keep_metrics(10 * resume_at)
        for epoch in epochs:
            folder.append_metrics(line(epoch, shift))
            log(line(epoch, shift))


def rows(folder):
    with (folder.path / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def losses(folder):
    return [(int(row["epoch"]), float(row["train_loss"])) for row in rows(folder)]


def test_a_table_has_a_row_an_epoch(folder):
    train(folder, ["csv"], [1, 2, 3])
    assert list(rows(folder)[0]) == list(line(1))
    assert rows(folder)[0] == {key: str(value) for key, value in line(1).items()}


def test_what_is_no_number_is_an_empty_cell(folder):
    train(folder, ["csv"], [1, 2, 3])
    assert (rows(folder)[1]["val_loss"], rows(folder)[1]["val_accuracy"]) == ("", "")
    assert [row["gradient_norm"] for row in rows(folder)] == ["2.0", "2.0", ""]


def test_a_resumed_run_repeats_no_epoch(folder):
    train(folder, ["csv"], [1, 2, 3, 4])
    train(folder, ["csv"], [3, 4, 5], shift=10, resume_at=2)
    assert losses(folder) == [(1, 1), (2, 0.5), (3, pytest.approx(10 + 1 / 3)), (4, 10.25), (5, 10.2)]
    assert [file.name for file in folder.path.iterdir() if file.suffix == ".part"] == []


@pytest.mark.parametrize("left", [0, 1, 40, -1, -5])
def test_a_torn_table_is_made_whole(folder, left):
    train(folder, ["csv"], [1, 2, 3])
    table = folder.path / "metrics.csv"
    table.write_bytes(table.read_bytes()[:left])
    train(folder, ["csv"], [4], resume_at=3)
    assert [epoch for epoch, _ in losses(folder)] == [1, 2, 3, 4]


def test_a_table_asked_for_later_has_the_epochs_before(folder):
    train(folder, [], [1, 2])
    train(folder, ["csv"], [3], resume_at=2)
    assert [epoch for epoch, _ in losses(folder)] == [1, 2, 3]


def test_columns_that_came_later_are_there_from_the_beginning(folder):
    old = {key: value for key, value in line(1).items() if key != "gradient_norm"}
    folder.append_metrics(old)
    train(folder, ["csv"], [2], resume_at=1)
    assert [row["gradient_norm"] for row in rows(folder)] == ["", "2.0"]


def test_a_row_is_there_as_soon_as_it_is_logged(folder):
    with logs.opened(["csv"], folder, {}) as log:
        for epoch in (1, 2):
            folder.append_metrics(line(epoch))
            log(line(epoch))
            assert len(rows(folder)) == epoch


def test_a_place_named_twice_is_written_once(folder):
    train(folder, ["csv", "csv"], [1, 2])
    assert len(rows(folder)) == 2


def test_a_table_that_cannot_be_written_is_a_data_error(folder):
    (folder.path / "metrics.csv").mkdir()
    with pytest.raises(DataError, match=r"metrics\.csv cannot be written: Is a directory"):
        train(folder, ["csv"], [1])
    assert sorted(file.name for file in folder.path.iterdir()) == ["metrics.csv", "metrics.jsonl", "run.json"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")  # noqa: PTH110
def test_a_full_disk_is_a_data_error(folder):
    train(folder, ["csv"], [1])
    with logs.opened(["csv"], folder, {}) as log:
        log(line(2))
        (folder.path / "metrics.csv").unlink()
        (folder.path / "metrics.csv").symlink_to("/dev/full")
        with pytest.raises(DataError, match="No space left"):
            log(line(3))


def test_nothing_asked_for_writes_nothing(folder):
    train(folder, [], [1, 2])
    assert sorted(file.name for file in folder.path.iterdir()) == ["metrics.jsonl", "run.json"]


def test_an_unknown_place_is_a_mistake_with_the_nearest():
    with pytest.raises(UsageError, match=r"--log: no 'tensorbord'; did you mean 'tensorboard'\?"):
        logs.check(["csv", "tensorbord"])


@pytest.mark.parametrize("name", ["tensorboard", "wandb"])
def test_a_library_that_is_not_installed_is_named_with_what_to_install(name, monkeypatch, folder):
    monkeypatch.setattr(logs, "find_spec", lambda library: None)
    package = logs.LOGS[name].package
    said = rf"--log {name} needs {package}, which is not installed: pip install 'cnncli\[{name}\]'"
    with pytest.raises(UsageError, match=said), logs.opened([name], folder, {}):
        pass
    assert sorted(file.name for file in folder.path.iterdir()) == ["run.json"]


def test_a_folder_called_like_a_library_is_none(monkeypatch, tmp_path):
    """W&B leaves a folder `wandb` where it runs, which Python takes for a package of no files."""
    (tmp_path / "a_folder_of_logs").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(logs.WandB, "package", "a_folder_of_logs")
    with pytest.raises(UsageError, match="not installed"):
        logs.check(["wandb"])


def test_libraries_are_not_imported_unless_asked_for():
    code = "import cnncli.training.logs, sys; assert not {'wandb', 'tensorboardX', 'jax'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def scalars(folder):
    """What TensorBoard shows: files in the order of their names, a restart hides what is not before it."""
    event_pb2 = pytest.importorskip("tensorboardX.proto.event_pb2")
    shown = defaultdict(list)
    for file in sorted((folder.path / "tensorboard").iterdir()):
        data, at = file.read_bytes(), 0
        while at < len(data):
            (length,) = struct.unpack_from("<Q", data, at)
            event = event_pb2.Event.FromString(data[at + 12 : at + 12 + length])
            at += 16 + length
            if event.HasField("session_log"):
                for tag in shown:
                    shown[tag] = [point for point in shown[tag] if point[0] < event.step]
            for value in event.summary.value:
                shown[value.tag].append((event.step, round(value.simple_value, 3)))
    return dict(shown)


def test_tensorboard_shows_the_finite_figures(folder):
    pytest.importorskip("tensorboardX")
    train(folder, ["tensorboard"], [1, 2, 3])
    shown = scalars(folder)
    assert shown["loss/training"] == [(10, 1.0), (20, 0.5), (30, 0.333)]
    assert shown["loss/validation"] == [(10, 1.5), (30, 0.5)]
    assert shown["gradient_norm"] == [(10, 2.0), (20, 2.0)]
    both = {f"{kind}/{which}" for kind in ("loss", "accuracy") for which in ("training", "validation")}
    assert set(shown) == both | {"gradient_norm"}


def test_tensorboard_shows_each_epoch_of_a_resumed_run_once(folder):
    pytest.importorskip("tensorboardX")
    train(folder, ["tensorboard"], [1, 2, 3, 4])
    train(folder, ["tensorboard"], [3, 4, 5], shift=10, resume_at=2)
    assert len(list((folder.path / "tensorboard").iterdir())) == 2
    assert scalars(folder)["loss/training"] == [(10, 1.0), (20, 0.5), (30, 10.333), (40, 10.25), (50, 10.2)]


def test_tensorboard_asked_for_later_shows_the_epochs_before(folder):
    pytest.importorskip("tensorboardX")
    train(folder, [], [1, 2])
    train(folder, ["tensorboard"], [3], resume_at=2)
    assert scalars(folder)["loss/training"] == [(10, 1.0), (20, 0.5), (30, 0.333)]


def test_weights_and_biases_keeps_a_run_here(folder, monkeypatch, capfd):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    train(folder, ["wandb"], [1, 2, 3])
    train(folder, ["wandb"], [3, 4], resume_at=2)
    kept = sorted(file.name for file in folder.path.glob("wandb/offline-run-*/run-*.wandb"))
    assert len(kept) == 2
    assert len(set(kept)) == 1, "a resumed run is the same run"
    assert capfd.readouterr().out == ""
