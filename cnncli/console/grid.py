"""A table as values: columns that know their unit, written for people, spreadsheets, Markdown and LaTeX."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeVar

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cnncli.console import terminal

Thing = TypeVar("Thing")
Value = str | int | float | None

# Between two columns.
GAP = "  "
# What sentences get at least.
SENTENCE = 24
FORMATS = ("table", "json", "csv", "md", "latex")


@dataclass(frozen=True)
class Column(Generic[Thing]):
    """A column of things: its key, its header, the value of each thing, that value's unit, and the total.

    `unit` is text, count, number (without separators), tenths, share, error (a share in percent as published), bytes or
    seconds; on a narrow terminal the columns of rank 1 leave first, then those of rank 2; those of rank 0 stay. One
    that `wraps` holds sentences, and can be narrower than they are.
    """

    key: str
    header: str
    value: Callable[[Thing], Value]
    unit: str = "text"
    total: Value = None
    rank: int = 0
    wraps: bool = False

    @property
    def right(self) -> bool:
        """Whether it is aligned to the right."""
        return self.unit != "text"


@dataclass(frozen=True)
class Grid(Generic[Thing]):
    """Things under columns, and whether the columns' totals stand below."""

    columns: tuple[Column[Thing], ...]
    things: tuple[Thing, ...]
    totals: bool = False

    def lines(self) -> list[list[Value]]:
        """The values, the totals last."""
        values: list[list[Value]] = [[column.value(thing) for column in self.columns] for thing in self.things]
        return [*values, self.last()] if self.totals else values

    def last(self) -> list[Value]:
        """The totals; the first column calls them so where it has none of its own."""
        first, *others = (column.total for column in self.columns)
        return ["total" if first is None else first, *others]

    @cached_property
    def texts(self) -> list[list[str]]:
        """The values as people read them."""
        units = [column.unit for column in self.columns]
        return [[said(value, unit) for value, unit in zip(line, units, strict=True)] for line in self.lines()]

    @cached_property
    def widths(self) -> list[int]:
        """The letters of the widest cell of each column."""
        cells = [[column.header for column in self.columns], *self.texts]
        return [max(map(cell_len, column)) for column in zip(*cells, strict=True)]


def said(value: Value, unit: str) -> str:
    """A value with its unit, on one line; nothing for None, and for a count of 0."""
    if value is None or (value == 0 and unit not in ("text", "number")):
        return ""
    if isinstance(value, str):
        return " ".join(value.split())
    match unit:
        case "count":
            return f"{value:,}"
        case "tenths":
            return f"{value:,.1f}"
        case "share":
            return f"{value:.1%}"
        case "error":
            return f"{100 * value:.4g}%"
        case "bytes":
            return memory(value)
        case "seconds":
            return time(value)
        case _:
            return f"{value:g}" if isinstance(value, float) else str(value)


def memory(value: float) -> str:
    """Bytes in the largest unit that keeps them above 1: `58.13 MiB`."""
    if value < 1024:
        return f"{value:.0f} bytes"
    for unit in ("KiB", "MiB", "GiB"):
        value /= 1024
        if value < 1024:
            return f"{value:,.2f} {unit}"
    return f"{value / 1024:,.2f} TiB"


def time(seconds: float) -> str:
    """Seconds in the unit that suits them: `12.3 us`."""
    for unit, scale in (("s", 1.0), ("ms", 1e3), ("us", 1e6)):
        if seconds * scale >= 1:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def chosen(columns: dict[str, Column[Thing]], keys: Sequence[str]) -> tuple[Column[Thing], ...]:
    """The columns of these keys, in their order."""
    return tuple(columns[key] for key in keys)


def table(grid: Grid[Thing], adapt: bool = True) -> RenderableType:
    """For people, as wide as the terminal: where it is too narrow, without the columns that can be missed."""
    room, columns = terminal.width(), grid.columns
    for rank in sorted({column.rank for column in columns if column.rank and adapt}):
        if _widest(grid, SENTENCE) > room:
            grid = Grid(tuple(one for one in grid.columns if one.rank != rank), grid.things, grid.totals)
    hidden = [column.key for column in columns if column not in grid.columns]
    notes = [Text(f"left out for want of room: {', '.join(hidden)}", style="dim")] if hidden else []
    if _widest(grid) > room:
        return Group(_folding(grid), *notes)
    header, *lines = _aligned(grid)
    return Text("\n").join([Text(header, style="bold"), *map(Text, lines), *notes])


def _widest(grid: Grid[Thing], sentence: int | None = None) -> int:
    """The width of it all, with sentences wrapped to so many letters."""
    widths = [
        min(width, sentence) if column.wraps and sentence else width
        for column, width in zip(grid.columns, grid.widths, strict=True)
    ]
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _aligned(grid: Grid[Thing]) -> list[str]:
    """A line of text a row; a table of Rich's takes a second for a thousand rows."""
    lines = [[column.header for column in grid.columns], *grid.texts]
    return [
        GAP.join(
            " " * (width - cell_len(cell)) + cell if column.right else cell + " " * (width - cell_len(cell))
            for cell, width, column in zip(line, grid.widths, grid.columns, strict=True)
        ).rstrip()
        for line in lines
    ]


def _folding(grid: Grid[Thing]) -> Table:
    """A table whose cells fold."""
    body = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for column in grid.columns:
        body.add_column(column.header, justify="right" if column.right else "left", overflow="fold")
    for line in grid.texts:
        body.add_row(*map(Text, line))
    return body


def written(grid: Grid[Thing], format: str) -> str:
    """As csv (plain numbers: counts, bytes, seconds, fractions), md or latex."""
    return {"csv": _csv, "md": _markdown, "latex": _latex}[format](grid)


def _csv(grid: Grid[Thing]) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([column.key for column in grid.columns])
    writer.writerows(grid.lines())
    return file.getvalue().rstrip("\n")


def _markdown(grid: Grid[Thing]) -> str:
    headers = [column.header for column in grid.columns]
    rule = ["---:" if column.right else "---" for column in grid.columns]
    cells = [[marked(cell) for cell in line] for line in (headers, *grid.texts)]
    return "\n".join("| " + " | ".join(line) + " |" for line in (cells[0], rule, *cells[1:]))


# An underscore inside a word is nothing but itself.
_MARKUP = re.compile(r"[\\|`*<\[~&$]|(?<![^\W_])_|_(?![^\W_])")


def marked(text: str) -> str:
    """Text for Markdown, on one line, with what would be markup escaped."""
    return _MARKUP.sub(r"\\\g<0>", " ".join(text.split()))


_LATEX = str.maketrans(
    {
        **{letter: f"\\{letter}" for letter in "&%$#_{}"},
        "\\": "\\textbackslash{}",
        "~": "\\textasciitilde{}",
        "^": "\\textasciicircum{}",
        "|": "\\textbar{}",
        "<": "\\textless{}",
        ">": "\\textgreater{}",
        # Behind the end of a line these two would belong to it.
        "[": "{[}",
        "*": "{*}",
    }
)


def _latex(grid: Grid[Thing]) -> str:
    lines = grid.texts
    body = [_tex(line) for line in lines]
    if grid.totals:
        body.insert(-1, "\\hline")
    alignment = "".join("r" if column.right else "l" for column in grid.columns)
    headers = _tex(column.header for column in grid.columns)
    return "\n".join([f"\\begin{{tabular}}{{{alignment}}}", headers, "\\hline", *body, "\\end{tabular}"])


def _tex(cells: Iterable[str]) -> str:
    return " & ".join(cell.translate(_LATEX) for cell in cells) + " \\\\"
