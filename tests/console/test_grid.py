"""A table as values, written for people, spreadsheets, Markdown and LaTeX."""

import csv
import io
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from cnncli.console import terminal
from cnncli.console.grid import Column, Grid, chosen, marked, memory, said, table, time, written

HOSTILE = r"a_b%$#&{}~^\|"


def grid(*rows, totals=False, **how):
    """A name and a count for each row."""
    names = Column("name", "layer", lambda row: row[0])
    counts = Column("count", "params", lambda row: row[1], "count", sum(row[1] for row in rows))
    return Grid((names, counts, *how.get("more", ())), rows, totals)


def cells(text):
    """What is in a CSV."""
    return list(csv.reader(io.StringIO(text)))


def shown(capsys, what):
    terminal.result(what)
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        ("conv", "text", "conv"),
        ("", "text", ""),
        ("two\nlines\tand  blanks", "text", "two lines and blanks"),
        (60_965_224, "count", "60,965,224"),
        (0, "count", ""),
        (None, "count", ""),
        (0, "number", "0"),
        (2012, "number", "2012"),
        ("5,3", "number", "5,3"),
        (1161.44, "tenths", "1,161.4"),
        (0.61923, "share", "61.9%"),
        (0.0000129, "share", "0.0%"),
        (0.153, "error", "15.3%"),
        (0.0357, "error", "3.57%"),
        (15_237_608 * 4, "bytes", "58.13 MiB"),
        (9.16e-6, "seconds", "9.16 us"),
    ],
)
def test_a_value_is_said_in_its_unit(value, unit, text):
    assert said(value, unit) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((1023, "1023 bytes"), (1024, "1.00 KiB"), (1024**2 - 1, "1,024.00 KiB"), (1024**2, "1.00 MiB")),
        *((5 * 1024**3, "5.00 GiB"), (1.5 * 1024**4, "1.50 TiB"), (2000 * 1024**4, "2,000.00 TiB")),
    ],
)
def test_memory_has_the_largest_unit_above_one(value, text):
    assert memory(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [*((2.5, "2.5 s"), (0.0943, "94.3 ms"), (19.5e-6, "19.5 us"), (94e-8, "940 ns"), (1e-12, "0.001 ns"))],
)
def test_time_has_the_unit_that_suits_it(seconds, text):
    assert time(seconds) == text


def test_a_table_is_aligned_and_has_its_totals_last(capsys):
    text = shown(capsys, table(grid(("conv1", 34_944), ("relu1", 0), ("fc6", 37_752_832), totals=True)))
    assert text.splitlines() == [
        "layer      params",
        "conv1      34,944",
        "relu1",
        "fc6    37,752,832",
        "total  37,787,776",
    ]


def test_totals_are_kept_whichever_column_is_first(capsys):
    turned = grid(("conv1", 12), ("fc", 30), totals=True)
    turned = Grid(turned.columns[::-1], turned.things, totals=True)
    assert shown(capsys, table(turned)).splitlines()[-1].split() == ["42"]
    assert cells(written(turned, "csv"))[-1] == ["42", ""]


def test_wide_letters_count_twice(capsys):
    lines = shown(capsys, table(grid(("層", 1), ("conv", 2)))).splitlines()
    assert {cell_len(line) for line in lines} == {len("layer  params")}


def narrow(monkeypatch, columns):
    """Let tables have so many columns."""
    monkeypatch.setattr(terminal, "width", lambda: columns)


MORE = (
    Column("first", "first", lambda row: "x" * 10, rank=2),
    Column("second", "second", lambda row: "y" * 10, rank=1),
)


@pytest.mark.parametrize(
    ("width", "hidden"),
    [(37, []), (36, ["second"]), (25, ["second"]), (24, ["first", "second"]), (13, ["first", "second"])],
)
def test_columns_leave_a_narrow_terminal_by_rank_and_are_named(capsys, monkeypatch, width, hidden):
    narrow(monkeypatch, width)
    lines = shown(capsys, table(grid(("conv1", 34_944), more=MORE))).splitlines()
    assert (lines[2:] == []) == (hidden == [])
    assert all(line == f"left out for want of room: {', '.join(hidden)}" for line in lines[2:])
    assert max(map(len, lines[:2])) <= width
    assert ("first" in lines[0], "second" in lines[0]) == ("first" not in hidden, "second" not in hidden)


def test_columns_that_were_asked_for_stay(capsys, monkeypatch):
    narrow(monkeypatch, 20)
    assert shown(capsys, table(grid(("conv1", 34_944), more=MORE), adapt=False)).split() == [
        *("layer", "params", "first", "second", "conv1", "34,944", "x" * 10, "y" * 10),
    ]


def test_a_table_that_cannot_be_narrower_is_followed_by_no_empty_line(capsys, monkeypatch):
    narrow(monkeypatch, 3)
    assert shown(capsys, table(grid(("conv1", 34_944)))).splitlines() == ["layer  params", "conv1  34,944"]


def test_sentences_wrap_before_columns_leave(capsys, monkeypatch):
    narrow(monkeypatch, 60)
    more = (Column("what", "what", lambda row: "word " * 20, wraps=True), Column("year", "year", lambda row: 1, rank=1))
    text = shown(capsys, table(grid(("conv1", 34_944), more=more)))
    assert "year" in text
    assert "left out" not in text


def test_csv_has_keys_and_plain_numbers():
    more = (Column("share", "share", lambda row: 0.25, "share"), Column("none", "none", lambda row: None, "count"))
    text = written(grid(('a "b", c\nd', 1_000_000), ("e", 0), totals=True, more=more), "csv")
    assert cells(text) == [
        ["name", "count", "share", "none"],
        ['a "b", c\nd', "1000000", "0.25", ""],
        ["e", "0", "0.25", ""],
        ["total", "1000000", "", ""],
    ]


def test_markdown_aligns_and_escapes():
    lines = written(grid((HOSTILE, 1_000), ("x\ny", 0), totals=True), "md").splitlines()
    assert lines[:2] == ["| layer | params |", "| --- | ---: |"]
    assert lines[2] == r"| a_b%\$#\&{}\~^\\\| | 1,000 |"
    assert lines[3:] == ["| x y |  |", "| total | 1,000 |"]


@example("___")
@given(st.text("ab_*`|\\<>[]~&$#%{}^", min_size=1, max_size=12))
def test_markdown_gives_every_name_back(name):
    said = marked(name)
    # A bar that is not escaped would end the cell, a bare mark change the letters.
    assert re.sub(r"\\(.)", r"\1", said) == name
    bare = re.sub(r"\\.", "", said)
    assert not set(bare) & set("|\\*`<[~&$")
    # An underscore between letters is one; at an end of a word it would be emphasis.
    assert not re.search(r"(?<![^\W_])_|_(?![^\W_])", re.sub(r"\\.", "x", said))


def test_underscores_inside_words_are_left_alone():
    assert marked("conv2_reduce a_ _b") == r"conv2_reduce a\_ \_b"


def test_latex_is_a_tabular_with_everything_escaped():
    lines = written(grid((HOSTILE, 1_000), ("[*<>", 0), totals=True), "latex").splitlines()
    assert lines == [
        r"\begin{tabular}{lr}",
        r"layer & params \\",
        r"\hline",
        r"a\_b\%\$\#\&\{\}\textasciitilde{}\textasciicircum{}\textbackslash{}\textbar{} & 1,000 \\",
        r"{[}{*}\textless{}\textgreater{} &  \\",
        r"\hline",
        r"total & 1,000 \\",
        r"\end{tabular}",
    ]


@given(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=12))
def test_latex_has_two_cells_whatever_the_name(name):
    line = written(grid((name, 7)), "latex").splitlines()[3]
    assert len(re.findall(r"(?<!\\)&", line)) == 1
    assert line.endswith(r" & 7 \\")
    # What is left without commands and escaped letters is no letter that LaTeX reads as more than itself.
    bare = re.sub(r"\\text[a-z]+\{\}|\\[&%$#_{}]|\{\[\}|\{\*\}", "", line.removesuffix(r" & 7 \\"))
    assert not set(bare) & set("&%$#_{}~^\\|<>[*")


def test_columns_are_chosen_in_the_order_of_their_keys():
    columns = {column.key: column for column in grid(("a", 1)).columns}
    assert [column.key for column in chosen(columns, ("count", "name"))] == ["count", "name"]
