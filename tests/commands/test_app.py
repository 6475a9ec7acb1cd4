import pytest

from cnncli.commands import app


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("siz lenet5", "no such command 'siz'. Did you mean 'size'? (cnncli --help shows more)"),
        ("eval a --confusio", "no option '--confusio'; did you mean '--confusion'? (cnncli eval --help shows more)"),
        ("size lenet5 --classes", "option '--classes' requires an argument"),
        ("eval runs/a mlp", "got unexpected extra argument(s) (mlp) (cnncli eval --help shows more)"),
        ("list network", "no such command 'network'. Did you mean 'networks'? (cnncli list --help shows more)"),
        ("list networks --json=3", "option '--json' does not take a value"),
        ("eval", "missing argument 'RUN' (cnncli eval --help shows more)"),
        ("--foo", "no option '--foo' (cnncli --help shows more)"),
    ],
)
def test_what_cannot_be_read_costs_one_line(cli, words, said):
    answer = cli(*words.split())
    assert (answer.code, answer.out, answer.err) == (2, "", f"error: {said}\n")


@pytest.mark.parametrize("words", ["", "list", "data", "visualize"])
def test_a_command_without_words_shows_its_help(cli, words):
    answer = cli(*words.split())
    assert (answer.code, answer.err) == (2, "")
    assert "Usage: cnncli" in answer.out


@pytest.mark.parametrize("flag", ["-h", "--help"])
@pytest.mark.parametrize("words", ["", "train", "eval", "summary", "size", "list networks", "data check"])
def test_help_is_a_result(cli, words, flag):
    answer = cli(*words.split(), flag)
    assert (answer.code, answer.err) == (0, "")
    assert f"Usage: cnncli {words}".strip() in answer.out


def test_version_names_the_device(cli):
    answer = cli("--version")
    assert answer.code == 0
    assert [line.split()[0] for line in answer.out.splitlines()] == ["cnncli", "jax", "1"]


@pytest.mark.parametrize("words", ["--debug size lenet6", "size --debug lenet6", "size lenet6 --debug"])
def test_debug_shows_the_traceback_wherever_it_stands(cli, words):
    answer = cli(*words.split())
    assert answer.code == 2
    assert answer.err.startswith("Traceback")
    assert answer.err.splitlines()[-1].startswith("error: unknown network 'lenet6'")


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (KeyboardInterrupt(), 130, ""),
        (MemoryError(), 3, "error: out of memory: choose a smaller --batch-size\n"),
        (OSError(28, "", "x"), 3, "error: x: No space left on device; free some space or choose another folder\n"),
        (RuntimeError("RESOURCE_EXHAUSTED: 9 GB"), 3, "error: out of memory on the device"),
        (ZeroDivisionError("a\nb"), 70, "error: ZeroDivisionError: a b (this is our bug; --debug shows more)\n"),
    ],
)
def test_what_goes_wrong_has_its_exit_code(cli, monkeypatch, raised, code, said):
    def fail(*given, **named):
        raise raised

    monkeypatch.setattr("cnncli.console.sizing.table", fail)
    answer = cli("size", "lenet5")
    assert (answer.code, answer.out) == (code, "")
    assert answer.err.startswith(said)


def test_every_command_is_in_the_help(cli):
    words = cli().out
    assert all(one.name in words for one in app.app.registered_commands if one.name)
