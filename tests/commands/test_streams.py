"""What a process does with its streams, whatever stands at their other ends, and what it imports to answer."""

import os
import subprocess
import sys

import pytest

from tests.commands.conftest import at_terminal, command, process

NO_SPACE = "No space left on device"


def shell(script, *words):
    """Run a command line inside a line of the shell, as `"$@"`."""
    return subprocess.run(["bash", "-c", script, "bash", *command(*words)], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("words", ["size lenet5", "size lenet5 --json", "--help"])
def test_a_full_disk_is_one_line(words):
    done = shell('"$@" > /dev/full', *words.split())
    assert (done.returncode, done.stderr.count("\n")) == (3, 1)
    assert NO_SPACE in done.stderr


@pytest.mark.parametrize("words", ["size lenet5", "list networks --json", "--help"])
def test_a_reader_that_has_gone_is_no_error(words):
    done = shell('"$@" | (exec <&-; sleep 0.7); exit ${PIPESTATUS[0]}', *words.split())
    assert (done.returncode, done.stderr) == (0, "")


def test_a_reader_that_has_gone_does_not_change_the_answer():
    done = shell('"$@" | (exec <&-; sleep 0.7); exit ${PIPESTATUS[0]}', "size", "lenet5", "--input", 29, "--strict")
    assert done.returncode == 1


@pytest.mark.parametrize(("closed", "err"), [(">&-", True), ("2>&-", False), ("<&- >&- 2>&-", False)])
def test_closed_streams_change_no_exit_code(closed, err):
    assert shell(f'"$@" {closed}', "size", "lenet5").returncode == 0
    mistaken = shell(f'"$@" {closed}', "size", "lenet6")
    assert (mistaken.returncode, bool(mistaken.stderr)) == (2, err)


def test_a_full_disk_for_messages_changes_no_exit_code():
    assert shell('"$@" 2> /dev/full', "size", "lenet6").returncode == 2


def test_ascii_alone_is_enough():
    answer = process("list", "datasets", "--json", env={**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii"})
    assert (answer.code, answer.err) == (0, "")
    assert answer.json["datasets"]


@pytest.mark.parametrize("words", ["size lenet5", "list networks", "size --input 9 --filter 2 --stride 2", "--help"])
def test_without_a_terminal_there_is_no_escape(words):
    assert "\x1b" not in process(*words.split()).out


def test_a_terminal_gets_colours_unless_it_wants_none():
    assert "\x1b[1m" in at_terminal(80, "size", "lenet5").out
    assert "\x1b" not in at_terminal(80, "size", "lenet5", TERM="dumb").out
    coloured = at_terminal(80, "size", "lenet6", NO_COLOR="1").out
    assert "\x1b[31" not in coloured


def test_a_training_at_a_terminal_has_a_bar_that_goes(tmp_path):
    answer = at_terminal(80, "train", "mlp", "--dataset", "digits", "--epochs", 1, "--out", tmp_path / "run")
    assert answer.code == 0
    assert "epoch 1/1  loss" in answer.out
    assert f"{tmp_path / 'run'}\n" in answer.out


def test_checking_at_a_terminal_has_a_bar_that_goes(tmp_path):
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(b"")
    answer = at_terminal(80, "data", "check", tmp_path)
    assert answer.code == 3
    assert "check train-images-idx3-ubyte" in answer.out
    assert "of 4 files are not as published" in " ".join(answer.out.split())


def test_tables_fit_80_columns():
    for words in (("size", "lenet5"), ("list", "networks"), ("list", "datasets")):
        shown = at_terminal(80, *words, TERM="dumb").out
        assert max(map(len, shown.splitlines())) <= 80


def test_nothing_is_lost_at_40_columns():
    wide, narrow = (at_terminal(columns, "size", "lenet5", TERM="dumb").out for columns in (200, 40))
    assert narrow.split() == wide.split()
    assert "…" not in narrow


def test_an_error_is_one_line_at_40_columns():
    answer = at_terminal(40, "size", "lenet6", TERM="dumb")
    assert (answer.code, answer.out.count("\n")) == (2, 1)


@pytest.mark.parametrize("words", ["--help", "train --help", "size lenet5", "list networks", "list datasets", "eval"])
def test_what_computes_nothing_imports_no_jax(words):
    code = "import sys; from cnncli.commands.app import run; run(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code, *words.split()], capture_output=True, text=True, timeout=60)
    assert not {"jax", "flax", "optax", "matplotlib", "sklearn"} & set(done.stderr.split())


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("cnncli train len", ["lenet5", "lenet5-1998", "lenet5-keras", "lenet5-modern"]),
        ("cnncli train lenet5 --dataset mn", ["mnist"]),
        ("cnncli summ", ["summary"]),
    ],
)
def test_the_shell_completes_names(line, words):
    variables = {"_CNNCLI_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    answer = process(env={**os.environ, **variables})
    assert (answer.code, answer.out.split()) == (0, words)
