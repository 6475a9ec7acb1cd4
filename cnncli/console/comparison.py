"""Networks beside each other: a row each, or two of them row against row."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from cnncli.console import columns, terminal
from cnncli.console.grid import Column, Grid, Value, chosen, table, written
from cnncli.console.size_document import document
from cnncli.console.sizing import Sheet, device, what
from cnncli.sizing.difference import Pair, align
from cnncli.sizing.report import CONVENTION, Report, Row
from cnncli.sizing.roofline import FLOORS
from cnncli.sizing.size import show
from cnncli.sizing.workload import COSTS

USUAL = (
    *("network", "year", "layers", "input", "params", "stats", "macs", "field", "jump", "memory", "top5-error"),
    "unfit",
)
LOADED, TIMED = ("training", "inference"), ("floor", "images-per-second")


def grid(reports: Sequence[Report], how: Sheet) -> Grid[Report]:
    """A row a network or input; columns with nothing in them are left out."""
    known = columns.of_networks(how.load, how.peak)
    if how.columns is None:
        wanted = (*USUAL, *(LOADED if how.loaded else ()), *(TIMED if how.peak else ()))
        keys = tuple(key for key in wanted if any(known[key].value(report) for report in reports))
    else:
        keys = columns.asked(how.columns, known)
    return Grid(chosen(known, keys), tuple(reports))


def beside(reports: Sequence[Report], how: Sheet) -> list[RenderableType]:
    """The networks' totals, and what was counted."""
    said = [CONVENTION, *([COSTS] if how.loaded else []), *([FLOORS] if how.peak else [])]
    body = [table(grid(reports, how), adapt=how.columns is None), *([device(how.peak)] if how.peak else [])]
    return [*body, *(terminal.sentence(Text(text, style="dim")) for text in said)]


def text(reports: Sequence[Report], how: Sheet, format: str) -> str:
    """The networks' totals as csv, md or latex."""
    return written(grid(reports, how), format)


def documents(reports: Sequence[Report], how: Sheet) -> dict[str, Any]:
    """`cnncli.sizes/1`: each network's own document."""
    return {"schema": "cnncli.sizes/1", "networks": [document(report, how) for report in reports]}


def difference(left: Report, right: Report, how: Sheet) -> Grid[Pair]:
    """Row against row; a mark where they differ."""
    pairs = align(how.rows(left), how.rows(right))
    names = [report.network.name for report in (left, right)]
    if names[0] == names[1]:
        names = [show(report.network.input) for report in (left, right)]
    place: Column[Pair] = Column(
        "layer", "layer", lambda pair: next(row.path for row in (pair.left, pair.right) if row)
    )
    mark: Column[Pair] = Column("differs", "", lambda pair: "" if pair.same else "*")
    sides = [_side(name, report, of) for name, report, of in zip(names, (left, right), ("left", "right"), strict=True)]
    columns = (place, *sides[0], mark, *sides[1])
    return Grid(tuple(_ranked(column, columns, pairs) for column in columns), pairs, totals=True)


def _ranked(column: Column[Pair], columns: Sequence[Column[Pair]], pairs: tuple[Pair, ...]) -> Column[Pair]:
    """A column that is the same on both sides leaves a narrow terminal first, then outputs and parameters."""
    of, _, figure = column.key.partition("-")
    if figure in ("", "layer"):
        return column
    other = next(one for one in columns if one.key == f"{'right' if of == 'left' else 'left'}-{figure}")
    same = all(column.value(pair) == other.value(pair) for pair in pairs)
    return replace(column, rank=1 if same else {"output": 2, "params": 3, "macs": 4}[figure])


def _side(name: str, report: Report, of: str) -> tuple[Column[Pair], ...]:
    """One network's columns: what each layer is, its output, parameters and multiply-adds."""

    def of_row(value: Callable[[Row], Value]) -> Callable[[Pair], Value]:
        return lambda pair: value(row) if (row := getattr(pair, of)) else None

    return (
        Column(f"{of}-layer", name, of_row(what)),
        Column(f"{of}-output", "output", of_row(lambda row: show(row.output)), total=show(report.output)),
        Column(f"{of}-params", "params", of_row(lambda row: row.params), "count", report.totals.params),
        Column(f"{of}-macs", "MACs", of_row(lambda row: row.macs), "count", report.totals.macs),
    )


def against(left: Report, right: Report, how: Sheet) -> list[RenderableType]:
    """Two networks row against row, and how their totals differ."""
    body = difference(left, right, how)
    differing = sum(not pair.same for pair in body.things)
    totals = [report.totals for report in (left, right)]
    params, macs = totals[1].params - totals[0].params, totals[1].macs - totals[0].macs
    return [
        table(body),
        Text(f"{differing} of {len(body.things)} rows differ (*); parameters {params:+,}, MACs {macs:+,}"),
        terminal.sentence(Text(CONVENTION, style="dim")),
    ]


def difference_document(left: Report, right: Report, how: Sheet) -> dict[str, Any]:
    """`cnncli.diff/1`: both networks' documents, and the paths of each pair of rows."""
    pairs = align(how.rows(left), how.rows(right))
    return {
        "schema": "cnncli.diff/1",
        "networks": [document(report, how) for report in (left, right)],
        "rows": [
            {
                "left": pair.left.path if pair.left else None,
                "right": pair.right.path if pair.right else None,
                "same": pair.same,
            }
            for pair in pairs
        ],
    }
