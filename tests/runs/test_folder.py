import json
import os
import resource
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnncli.errors import DataError, UsageError
from cnncli.runs.folder import RunFolder, to_json

ROOT = Path(__file__).parents[2]


def python(code, *arguments, **options):
    """Start a Python of its own on `code`."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


@pytest.fixture
def run(tmp_path):
    return RunFolder.create("lenet5", "mnist", root=tmp_path / "runs")


def complete(run):
    run.write_recipe({"epochs": 1})
    run.write_network("name = 'lenet5'\n")
    run.write_facts({"seed": 0})
    return run


def test_numbers_are_the_first_free_ones(tmp_path):
    names = [RunFolder.create("lenet5", "mnist", root=tmp_path).path.name for _ in range(3)]
    assert names == ["lenet5-mnist-1", "lenet5-mnist-2", "lenet5-mnist-3"]
    (tmp_path / "lenet5-mnist-2").rmdir()
    assert RunFolder.create("lenet5", "mnist", root=tmp_path).path.name == "lenet5-mnist-2"


@pytest.mark.parametrize(
    ("dataset", "name"),
    [("tfds:mnist", "net-tfds-mnist-1"), ("../my images/", "net-my-images-1"), ("..", "net-unnamed-1")],
)
def test_names_are_made_safe_for_files(tmp_path, dataset, name):
    assert RunFolder.create("net", dataset, root=tmp_path).path == tmp_path / name


def test_many_processes_never_get_the_same_folder(tmp_path):
    code = """
        import sys
        from pathlib import Path
        from cnncli.runs.folder import RunFolder
        for _ in range(20):
            print(RunFolder.create("net", "data", root=Path(sys.argv[1])).path.name)
    """
    started = [python(code, tmp_path / "runs") for _ in range(4)]
    names = [name for process in started for name in process.communicate()[0].split()]
    assert sorted(names) == sorted(f"net-data-{number}" for number in range(1, 81))


def test_out_is_taken_exactly_when_absent_or_empty(tmp_path):
    assert RunFolder.create("net", "data", out=tmp_path / "a" / "b").path == tmp_path / "a" / "b"
    assert RunFolder.create("net", "data", out=tmp_path / "a" / "b").path == tmp_path / "a" / "b"


def test_out_that_holds_something_is_refused(run, tmp_path):
    complete(run)
    (tmp_path / "file").write_text("mine")
    said = {
        run.path: f"run folder exists: {run.path}; give another --out or resume it with --resume",
        tmp_path: f"{tmp_path} is a folder that is not empty and holds no run; give another --out",
        tmp_path / "file": f"{tmp_path / 'file'} is a file; give another --out",
    }
    for out, expected in said.items():
        with pytest.raises(UsageError) as error:
            RunFolder.create("net", "data", out=out)
        assert str(error.value) == expected
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("error", [DataError("full"), KeyboardInterrupt()])
@pytest.mark.parametrize(("there", "out"), [("mine", "mine/r/run"), ("mine/run", "mine/run"), ("mine", None)])
def test_a_start_that_fails_leaves_what_was_there(tmp_path, error, there, out):
    (tmp_path / there).mkdir(parents=True)
    (tmp_path / "mine" / "file").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    where = {"root": tmp_path / "mine" / "runs"} if out is None else {"out": tmp_path / out}
    with pytest.raises(type(error)), RunFolder.begun("net", "data", **where) as run:
        complete(run)
        (run.slot("last") / "1").mkdir(parents=True)
        raise error
    assert sorted(tmp_path.rglob("*")) == before
    with RunFolder.begun("net", "data", **where) as run:
        complete(run)
    assert RunFolder.open_run(run.path) == run


def test_a_start_that_fails_leaves_other_runs(run, tmp_path):
    complete(run)
    with pytest.raises(DataError), RunFolder.begun("lenet5", "mnist", root=tmp_path / "runs") as other:
        raise DataError("full")
    assert other.path.name == "lenet5-mnist-2"
    assert list((tmp_path / "runs").iterdir()) == [run.path]


def test_a_place_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"Not a directory|File exists"):
        RunFolder.create("net", "data", root=tmp_path / "file" / "runs")
    if os.geteuid() != 0:
        tmp_path.chmod(0o500)
        with pytest.raises(DataError, match="Permission denied"):
            RunFolder.create("net", "data", root=tmp_path / "runs")


def test_opening_says_what_is_lacking(run):
    run.write_recipe({})
    with pytest.raises(DataError) as error:
        RunFolder.open_run(run.path)
    assert str(error.value) == f"{run.path} is not a run folder: it lacks run.json, network.toml"
    complete(run)
    assert RunFolder.open_run(run.path) == run


def test_opening_a_missing_run_suggests_its_neighbours(run, tmp_path, monkeypatch):
    complete(run)
    with pytest.raises(DataError) as error:
        RunFolder.open_run(run.path.with_name("lenet-mnist-1"))
    assert str(error.value) == f"no run folder lenet-mnist-1 in {run.path.parent}; did you mean 'lenet5-mnist-1'?"
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"no run folder lenet-mnist-1 in \. or runs; did you mean 'lenet5-mnist-1'\?"):
        RunFolder.open_run(Path("lenet-mnist-1"))
    with pytest.raises(DataError, match=r"it holds the runs lenet5-mnist-1$"):
        RunFolder.open_run(Path("runs"))
    monkeypatch.chdir("/")
    with pytest.raises(DataError, match=r"^no run folder nowhere/x$"):
        RunFolder.open_run(Path("nowhere/x"))


def test_a_file_is_not_a_run(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="is a file, not a run folder"):
        RunFolder.open_run(tmp_path / "file")


def test_recipe_network_and_facts_come_back(run):
    recipe = {"epochs": 3, "lr": 1e-3, "until": None, "augment": {"flip": True, "crop": None}, "means": (0.5, 0.25)}
    run.write_recipe(recipe)
    assert run.read_recipe() == {"epochs": 3, "lr": 1e-3, "augment": {"flip": True}, "means": [0.5, 0.25]}
    run.write_network("name = 'é'\n")
    assert run.read_network() == "name = 'é'\n"
    run.write_facts({"best": np.float32("nan"), "seed": np.int64(7), "data": Path("/d"), "x": [float("inf"), 1.5]})
    assert run.read_facts() == {"best": None, "seed": 7, "data": "/d", "x": [None, 1.5]}
    assert sorted(file.name for file in run.path.iterdir()) == ["network.toml", "recipe.toml", "run.json"]


@pytest.mark.parametrize("text", [b"", b"{", b"[1]", b"\xff"])
def test_damaged_text_names_its_file(run, text):
    for name, read in (("run.json", run.read_facts), ("recipe.toml", run.read_recipe)):
        (run.path / name).write_bytes(b"=" + text)
        with pytest.raises(DataError) as error:
            read()
        assert str(run.path / name) in str(error.value)
        assert "\n" not in str(error.value)
    (run.path / "run.json").write_bytes(text)
    with pytest.raises(DataError, match=r"run\.json is damaged"):
        run.read_facts()


def test_a_missing_file_is_named(run):
    with pytest.raises(DataError) as error:
        run.read_facts()
    assert str(error.value) == f"{run.path / 'run.json'}: No such file or directory"


def test_metrics_come_back_in_order_and_as_json(run):
    assert run.metrics() == []
    run.append_metrics({"epoch": 1, "step": 10, "train_loss": float("nan")})
    run.append_metrics({"epoch": 2, "step": 20, "train_loss": np.float32(0.5)})
    assert run.metrics() == [
        {"epoch": 1, "step": 10, "train_loss": None},
        {"epoch": 2, "step": 20, "train_loss": 0.5},
    ]


def test_a_line_torn_at_any_place_is_dropped_and_written_over(run):
    first, second = {"epoch": 1, "step": 10, "name": "é"}, {"epoch": 2, "step": 20, "name": "é"}
    run.append_metrics(first)
    run.append_metrics(second)
    file = run.path / "metrics.jsonl"
    whole = file.read_bytes()
    for end in range(whole.index(b"\n") + 1, len(whole) - 1):
        file.write_bytes(whole[:end])
        assert run.metrics() == [first]
        run.append_metrics(second)
        assert file.read_bytes() == whole
    # Only the newline is missing: the line is whole, and the next one must not be glued to it.
    file.write_bytes(whole[:-1])
    run.append_metrics(second)
    assert run.metrics() == [first, second, second]


@pytest.mark.parametrize("bad", ["{", "3", "\x00"])
def test_any_other_bad_line_is_named(run, bad):
    (run.path / "metrics.jsonl").write_text(f'{{"step": 1}}\n{bad}\n{{"step": 3}}\n')
    with pytest.raises(DataError, match=r"metrics\.jsonl, line 2 is damaged"):
        run.metrics()


def test_resuming_keeps_the_metrics_until_a_step(run):
    for step in (10, 20, 30):
        run.append_metrics({"step": step})
    run.keep_metrics(20)
    assert run.metrics() == [{"step": 10}, {"step": 20}]
    run.keep_metrics(0)
    assert run.metrics() == []


def test_one_process_writes(run):
    code = """
        import sys
        from pathlib import Path
        from cnncli.runs.folder import RunFolder
        with RunFolder(Path(sys.argv[1])).writing():
            print("held", flush=True)
            sys.stdin.read()
    """
    holder = python(code, run.path, stdin=subprocess.PIPE)
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(UsageError) as error, run.writing():
        pass
    assert str(error.value) == f"another process is writing this run (pid {holder.pid}): {run.path}"
    os.kill(holder.pid, signal.SIGKILL)
    holder.communicate()
    with run.writing(), pytest.raises(UsageError, match=f"pid {os.getpid()}"), run.writing():
        pass
    with run.writing():
        assert (run.path / ".lock").read_text() == f"{os.getpid()}\n"


def test_a_full_disk_is_one_line_and_leaves_the_old_file(run):
    code = """
        import resource, signal, sys
        from pathlib import Path
        from cnncli.errors import DataError
        from cnncli.runs.folder import RunFolder
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        run = RunFolder(Path(sys.argv[1]))
        for write in (run.write_facts, run.append_metrics, run.write_recipe):
            try:
                write({"text": "x" * 5000})
            except DataError as error:
                print(error)
    """
    run.write_facts({"seed": 1})
    out, err = python(code, run.path).communicate()
    assert err == ""
    assert out.splitlines() == [
        f"{run.path / name}: File too large" for name in ("run.json", "metrics.jsonl", "recipe.toml")
    ]
    assert run.read_facts() == {"seed": 1}
    assert run.metrics() == []
    assert sorted(file.name for file in run.path.iterdir()) == ["metrics.jsonl", "run.json"]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_the_checkpoints_of_a_slot_have_their_place(run):
    assert run.slot("best") == run.path / "checkpoints" / "best"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(values)
def test_json_is_always_strict(value):
    def refuse(constant):
        raise AssertionError(constant)

    text = to_json(value)
    assert to_json(json.loads(text, parse_constant=refuse)) == text


def test_folder_does_not_import_jax():
    process = python("import sys, cnncli.runs.folder; print({'jax', 'numpy', 'orbax'} & set(sys.modules))")
    assert process.communicate()[0] == "set()\n"
