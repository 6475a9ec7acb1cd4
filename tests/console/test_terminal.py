import io
import json
import sys

import pytest
from rich.table import Table
from rich.text import Text

from cnncli.console import terminal
from cnncli.errors import DataError


def table(*cells):
    body = Table(box=None, pad_edge=False, show_edge=False)
    for place in range(len(cells)):
        body.add_column(f"column{place}", overflow="fold")
    body.add_row(*cells)
    return body


def test_lines_of_a_table_have_no_blanks_at_their_ends(capsys):
    terminal.result(table("a", "b"))
    assert capsys.readouterr().out == "column0  column1\na        b\n"


def test_nothing_is_wrapped_or_cut_without_a_terminal(capsys):
    terminal.result(table("x" * 300, "y " * 100), "z" * 500)
    assert [len(line) for line in capsys.readouterr().out.splitlines()] == [309, 501, 500]


def test_brackets_are_shown_as_they_are(capsys):
    terminal.result("[red]a[/]", table("[/b]"), Text("[c]"))
    terminal.say("[bold]d[/]")
    shown = capsys.readouterr()
    assert shown.out.split() == ["[red]a[/]", "column0", "[/b]", "[c]"]
    assert shown.err == "[bold]d[/]\n"


def test_a_path_keeps_its_bytes(capfdbinary):
    terminal.line("a\udcffb")
    assert capfdbinary.readouterr().out == b"a\xffb\n"


def test_a_document_has_null_for_what_is_not_finite(capsys):
    terminal.document({"loss": float("nan"), "count": 3})
    assert json.loads(capsys.readouterr().out) == {"loss": None, "count": 3}


def test_a_document_is_escaped_where_its_encoding_has_no_word(capfdbinary, monkeypatch):
    with open(1, "w", encoding="ascii", closefd=False) as ascii_only:
        monkeypatch.setattr(sys, "stdout", ascii_only)
        terminal.document({"name": "Krähe"})
        monkeypatch.undo()
    assert json.loads(capfdbinary.readouterr().out.decode("ascii")) == {"name": "Krähe"}


def test_an_error_is_one_line(capsys):
    terminal.complain("a\n  b\n")
    assert capsys.readouterr().err == "error: a b\n"


def test_results_that_cannot_be_written_are_a_data_error(monkeypatch):
    with open("/dev/full", "w") as full:  # noqa: PTH123
        monkeypatch.setattr(sys, "stdout", full)
        with pytest.raises(DataError, match="standard output cannot be written: No space left on device"):
            terminal.line("a")
        monkeypatch.undo()


def test_messages_that_cannot_be_written_are_lost(monkeypatch, capsys):
    class Full(io.StringIO):
        def write(self, text):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(sys, "stderr", Full())
    terminal.say("a")
    terminal.complain("b")
    terminal.line("the result")
    assert capsys.readouterr().out == "the result\n"
