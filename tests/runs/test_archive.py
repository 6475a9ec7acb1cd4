"""Arrays that grow on the disk: NumPy reads them back, and a file is there whole or not at all."""

import numpy as np
import pytest

from cnncli.errors import DataError
from cnncli.runs.archive import Archive


def names(folder):
    return [path.name for path in folder.iterdir()]


def test_numpy_reads_what_was_added_and_the_rest(tmp_path):
    rows = np.random.default_rng(0).normal(size=(7, 2, 3)).astype(np.float32)
    with Archive(tmp_path / "a.npz") as archive:
        for start in range(0, 7, 3):
            archive.add(features=rows[start : start + 3], logits=rows[start : start + 3, 0].T.copy().T)
        archive.write(images=["a", "ä b", "\udce4"], path="fc7")
    with np.load(tmp_path / "a.npz", allow_pickle=False) as found:
        assert sorted(found) == ["features", "images", "logits", "path"]
        assert (found["features"].dtype, found["features"].tobytes()) == (np.dtype("<f4"), rows.tobytes())
        assert found["features"].shape == rows.shape
        assert found["logits"].tolist() == rows[:, 0].tolist()
        assert (found["images"].tolist(), str(found["path"])) == (["a", "ä b", "\udce4"], "fc7")
    assert names(tmp_path) == ["a.npz"]


def test_without_a_last_word_there_is_no_file(tmp_path):
    (tmp_path / "a.npz").write_text("before")
    with pytest.raises(KeyError), Archive(tmp_path / "a.npz") as archive:
        archive.add(features=np.zeros((1, 2), np.float32))
        raise KeyError
    assert names(tmp_path) == ["a.npz"]
    assert (tmp_path / "a.npz").read_text() == "before"


def test_a_full_disk_is_one_line(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    with Archive(tmp_path / "a.npz") as archive:
        archive.add(features=np.zeros((1, 2), np.float32))
        monkeypatch.setattr("cnncli.runs.archive.shutil.copyfileobj", full)
        with pytest.raises(DataError, match=r"a\.npz cannot be written: No space left on device"):
            archive.write()
    assert names(tmp_path) == []


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(DataError, match=r"absent/a\.npz cannot be written: No such file or directory"):
        Archive(tmp_path / "absent" / "a.npz")
