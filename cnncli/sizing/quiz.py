"""A quiz on a network's sizes: which figures are asked and hidden, what is right, and how an answer is read."""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import zip_longest
from math import prod
from operator import attrgetter

from cnncli.errors import UsageError
from cnncli.sizing.explain import explain
from cnncli.sizing.report import Report, Row
from cnncli.sizing.workload import Workload

# A shape, a count, or a receptive field along height and width where they differ.
Figure = tuple[int, ...]

# The columns that can be asked, and what explain calls their figures.
ASKED = {"output": "output", "params": "parameters", "macs": "MACs", "field": "receptive field", "jump": "jump"}
# Columns with the same kind of figure: what is asked in one of them could be read off in the others.
KINDS = {
    "output": "shape",
    "input": "shape",
    "params": "count",
    "stats": "count",
    "macs": "count",
    "connections": "count",
    "field": "field",
    "jump": "jump",
}
# Columns whose cells are worked out from those of others in their row, and columns whose totals are sums.
TELLING = {"share": ("params",), "macs-share": ("macs",), "memory": ("output",), "connections": ("params", "macs")}
SUMS = ("params", "stats", "macs", "connections", "memory")
TOTAL = "total"
# A sum of more terms is written with its first two and its last.
TERMS = 8
_COUNT = re.compile(r"\d{1,30}|\d{1,3}([,_' \u00a0\u202f]\d{3}){1,9}")


@dataclass(frozen=True)
class Question:
    """One hidden figure: where it stands, what is right, where that comes from, and what the table does not say of it.

    `path` is the row's, or `total`; `formulas` are explain's, with what is to be said about them.
    """

    path: str
    column: str
    answer: Figure
    formulas: tuple[str, ...]
    given: str = ""
    number: int = 0

    @property
    def what(self) -> str:
        """`output of conv1`, `total parameters`."""
        name = ASKED[self.column]
        return f"{TOTAL} {name}" if self.path == TOTAL else f"{name} of {self.path}"


@dataclass(frozen=True)
class Quiz:
    """Questions on the rows of a report, in their order and numbered from 1, and the seed that drew them."""

    report: Report
    rows: tuple[Row, ...]
    seed: int
    questions: tuple[Question, ...]

    @cached_property
    def _numbers(self) -> dict[tuple[str | None, Figure | None], int]:
        return {(KINDS[question.column], question.answer): question.number for question in self.questions}

    def label(self, row: Row, column: str) -> str:
        """What stands in place of a row's cell: `?1`, `?` where it would tell another, nothing where it is shown.

        A figure that is asked is hidden wherever it stands, so that it is not to be read off in the next row.
        """
        if number := self._numbers.get((KINDS.get(column), figure(row, column))):
            return f"?{number}"
        return "?" if any(self.label(row, told) for told in TELLING.get(column, ())) else ""

    def total_label(self, column: str) -> str:
        """The same for a column's total, which would tell by subtraction what is hidden above it."""
        hidden = self.label(total(self.report), column)
        if hidden or column not in SUMS:
            return hidden
        return "?" if any(self.label(row, column) for row in self.rows) else ""


def draw(report: Report, rows: tuple[Row, ...], columns: Sequence[str], count: int, seed: int) -> Quiz:
    """Up to `count` questions on rows of a report, from each of the columns in turn; the same for the same seed.

    Raises UsageError where there is nothing to ask.
    """
    found = _askable(report, rows, [column for column in ASKED if column in columns])
    able = [replace(question, number=number) for number, question in enumerate(found)]
    if not able:
        among = f" in the columns {', '.join(columns)}" if set(columns).isdisjoint(ASKED) else ""
        raise UsageError(f"--quiz has nothing to ask of {report.network.name}{among}; it asks {', '.join(ASKED)}")
    chance = random.Random(seed)
    pools = [[question for question in able if question.column == column] for column in ASKED]
    for pool in pools:
        chance.shuffle(pool)
    # So that few questions are not always of the same columns.
    chance.shuffle(pools)
    taken = [question for turn in zip_longest(*pools) for question in turn if question][:count]
    ordered = sorted(taken, key=attrgetter("number"))
    return Quiz(report, rows, seed, tuple(replace(each, number=number) for number, each in enumerate(ordered, 1)))


def figure(row: Row, column: str) -> Figure | None:
    """What a row says in a column, as numbers; None where it says nothing."""
    match column:
        case "input" | "output":
            return row.input if column == "input" else row.output
        case "field" | "jump" if row.field:
            both = tuple(axis.size if column == "field" else axis.jump for axis in row.field)
            return both[:1] if both[0] == both[1] else both
        case "params" | "stats" | "macs" | "connections":
            value: int = getattr(row, column)
            return (value,) if value else None
        case _:
            return None


def total(report: Report) -> Row:
    """The totals as a row."""
    totals = report.totals
    return Row(
        TOTAL,
        TOTAL,
        "",
        report.network.input,
        report.output,
        params=totals.params,
        stats=totals.stats,
        macs=totals.macs,
        connections=totals.connections,
        field=report.field,
    )


def _askable(report: Report, rows: tuple[Row, ...], columns: Sequence[str]) -> Iterator[Question]:
    """A question for each figure that has a formula, where it stands first: there it follows from what is above it."""
    seen: set[tuple[str, Figure]] = {("shape", report.network.input)}
    for row in (*rows, total(report)):
        for column in columns:
            found = figure(row, column)
            if found is None or (KINDS[column], found) in seen:
                continue
            seen.add((KINDS[column], found))
            formulas = _sum(row, rows, column) if row.word == TOTAL else _formulas(row, column)
            if formulas:
                yield Question(row.path, column, found, formulas, _given(report, row, column))


def _formulas(row: Row, column: str) -> tuple[str, ...]:
    steps = [step for step in explain(row, Workload()) if step.what.startswith(ASKED[column])]
    return tuple(step.formula + f" ({step.note})" * bool(step.note) for step in steps)


def _sum(whole: Row, rows: tuple[Row, ...], column: str) -> tuple[str, ...]:
    """A total as the sum of the rows of the main path."""
    if column not in SUMS:
        return ()
    terms = [f"{part:,}" for row in rows if not row.head and (part := getattr(row, column))]
    if len(terms) > TERMS:
        terms = [*terms[:2], "...", terms[-1]]
    return (f"{' + '.join(terms)} = {getattr(whole, column):,}",)


def _given(report: Report, row: Row, column: str) -> str:
    """What the answer needs and the table may not say."""
    if row.word == TOTAL:
        return "without auxiliary heads" * report.has_heads
    said: list[str] = []
    if column == "output" and row.windows:
        said += [f"{row.output[-1]} filters"] if row.word in ("conv", "partial-conv") else []
        said += ["rounded up"] if row.windows.rows.added or row.windows.columns.added else []
    if column in ("params", "macs") and row.word in ("conv", "partial-conv", "dense"):
        if row.word == "partial-conv" and row.windows:
            said.append(f"{(row.params - row.biases) // prod(row.windows.window)} links")
        said += [f"{row.groups} groups"] if row.groups > 1 else []
        said += [f"{'with' if row.biases else 'without'} biases"] if column == "params" else []
    return ", ".join(said)


def read(text: str, parts: int) -> Figure | None:
    """What someone wrote for a figure of so many numbers, None where it is no such thing.

    Numbers may have their thousands apart (34944, 34,944, 34_944) and stand beside each other as people write shapes
    (55x55x96, 55 x 55 x 96, 55*55*96, (55, 55, 96)).
    """
    text = text.strip().strip("()[]").strip().lower().replace("\u00d7", "x").replace("*", "x")
    words = [text] if parts == 1 else text.split("x") if "x" in text else re.split(r"[\s,;]+", text)
    numbers = [word.strip() for word in words]
    if len(numbers) != parts or not all(map(_COUNT.fullmatch, numbers)):
        return None
    return tuple(int("".join(filter(str.isdecimal, number))) for number in numbers)
