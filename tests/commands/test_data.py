import pytest

NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


@pytest.fixture
def truncated(tmp_path):
    """A folder of MNIST's files, all cut short."""
    folder = tmp_path / "data" / "mnist"
    folder.mkdir(parents=True)
    for name in NAMES:
        (folder / f"{name}.gz").write_bytes(b"\x1f\x8b\x08\x00")
    return folder


def test_whole_files_are_ok_and_said_without_noise(cli, real_data):
    answer = cli("data", "check", real_data / "mnist", "--json")
    assert (answer.code, answer.err) == (0, "")
    assert answer.json["schema"] == "cnncli.check/1"
    assert [one["ok"] for one in answer.json["files"]] == [True] * 4


def test_truncated_files_are_named(cli, truncated):
    answer = cli("data", "check", truncated)
    assert answer.code == 3
    assert "truncated: expected 9,912,422 bytes, found 4" in answer.out
    assert answer.err.startswith("error: 4 of 4 files are not as published, first train-images-idx3-ubyte.gz")


def test_a_name_in_brackets_is_shown_as_it_is(cli, truncated):
    folder = truncated.rename(truncated.parent / "[red]")
    assert cli("data", "check", folder).code == 3
    assert "[red]/train-images" in cli("train", "lenet5", "--dataset", "mnist", "--data-dir", folder).err


def test_training_on_truncated_files_makes_no_run(cli, truncated, tmp_path):
    answer = cli("train", "lenet5", "--dataset", "mnist", "--data-dir", truncated.parent)
    assert (answer.code, answer.out) == (3, "")
    assert "train-images-idx3-ubyte.gz" in answer.err
    assert answer.err.count("\n") == 1
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("words", [("check", "absent"), ("check", "."), ("fetch", "mnist", "--offline")])
def test_missing_data_is_exit_3(cli, words, tmp_path, monkeypatch):
    monkeypatch.setenv("CNNCLI_DATA", str(tmp_path / "none"))
    answer = cli("data", *words)
    assert (answer.code, answer.out) == (3, "")
    assert answer.err.count("\n") == 1


def test_an_unknown_dataset_is_a_mistake_with_the_nearest(cli):
    answer = cli("data", "fetch", "minst")
    assert answer.code == 2
    assert "did you mean 'mnist'" in answer.err
