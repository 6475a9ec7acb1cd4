"""The columns that sizes are shown in: of a network's layers, and of networks beside each other."""

from collections.abc import Mapping
from math import prod
from typing import Any

from cnncli.console.grid import Column, Thing, Value
from cnncli.errors import UsageError, nearest
from cnncli.sizing.geometry import Field
from cnncli.sizing.report import Report, Row
from cnncli.sizing.roofline import Floor, Peak, Roofline, floor, roofline
from cnncli.sizing.size import show
from cnncli.sizing.workload import Workload, cost

# What is shown unless columns are asked for; the second have a place only where there is something in them.
USUAL = (
    *("layer", "kind", "head", "window", "stride", "pad", "groups", "output", "params", "share", "stats", "macs"),
    *("macs-share", "field", "jump", "memory", "intensity", "floor", "bound"),
)
OCCASIONAL = ("head", "groups", "stats", "intensity", "floor", "bound")
# What there is only where a device's limits are given.
TIMED = ("intensity", "floor", "bound", "images-per-second")


def of_layers(report: Report, load: Workload, peak: Peak | None = None) -> dict[str, Column[Row]]:
    """Every column of a network's rows, by key; memory and time are those of one device."""
    totals = report.totals

    def least(row: Row) -> Floor | None:
        return floor(row, load, peak) if peak else None

    total = roofline(report, load, peak).seconds if peak else None
    columns: list[Column[Row]] = [
        Column("layer", "layer", lambda row: row.path),
        Column("kind", "kind", kind),
        Column("head", "head", lambda row: "head" if row.head else ""),
        Column("window", "window", lambda row: show(row.windows.window) if row.windows else "", rank=9),
        Column("stride", "stride", lambda row: short(row.windows.stride) if row.windows else "", rank=8),
        Column("pad", "pad", lambda row: short(row.windows.padding) if row.windows else "", rank=7),
        Column("groups", "groups", lambda row: row.groups if row.groups > 1 else None, "number", rank=6),
        Column("input", "input", lambda row: show(row.input)),
        Column("output", "output", lambda row: show(row.output), total=show(report.output)),
        Column("params", "params", lambda row: row.params, "count", totals.params),
        Column("share", "share", lambda row: _share(row, row.params, totals.params), "share", rank=3),
        Column("stats", "stats", lambda row: row.stats, "count", totals.stats, rank=4),
        Column("macs", "MACs", lambda row: row.macs, "count", totals.macs),
        Column("macs-share", "share", lambda row: _share(row, row.macs, totals.macs), "share", rank=2),
        Column("field", "RF", lambda row: _seen(row.field, "size"), "number", _seen(report.field, "size")),
        Column("jump", "jump", lambda row: _seen(row.field, "jump"), "number", _seen(report.field, "jump"), rank=5),
        Column("memory", "memory", lambda row: _bytes(row, load), "bytes", _memory(report, load), rank=1),
        Column("connections", "connections", lambda row: row.connections, "count", totals.connections),
        Column("intensity", "FLOP/byte", lambda row: one.intensity if (one := least(row)) else None, "tenths"),
        Column("floor", "floor", lambda row: one.seconds if (one := least(row)) else None, "seconds", total),
        Column("bound", "bound", lambda row: one.bound if (one := least(row)) else None),
    ]
    return _able(columns, peak)


def usual(columns: dict[str, Column[Row]], rows: tuple[Row, ...]) -> tuple[str, ...]:
    """The keys of the columns to show of these rows."""
    able = [key for key in USUAL if key in columns]
    return tuple(key for key in able if key not in OCCASIONAL or any(columns[key].value(row) for row in rows))


def _able(columns: list[Column[Thing]], peak: Peak | None) -> dict[str, Column[Thing]]:
    """Columns by their keys, without times where no device is given."""
    return {column.key: column for column in columns if peak or column.key not in TIMED}


def asked(text: str, columns: Mapping[str, Column[Any]]) -> tuple[str, ...]:
    """The keys of `--columns`: a comma list, or `all`. Raises UsageError with the nearest for an unknown one."""
    if text == "all":
        return tuple(columns)
    # A header will do, the first of equal ones.
    headers = {column.header.lower(): key for key, column in reversed(list(columns.items()))}
    words = [word.strip().lower() for word in text.split(",")]
    keys = tuple(dict.fromkeys(word if word in columns else headers.get(word, word) for word in words))
    for key in keys:
        if key not in columns and key in TIMED:
            raise UsageError(f"--columns: '{key}' needs a device; add --roofline")
        if key not in columns:
            hint = nearest(key, columns) or f"; known: {', '.join(columns)}"
            raise UsageError(f"--columns: no column '{key}'{hint}")
    return keys


def of_networks(load: Workload, peak: Peak | None = None) -> dict[str, Column[Report]]:
    """Every column of networks beside each other, by key; memory is that of one device's images."""

    def least(report: Report) -> Roofline | None:
        return roofline(report, load, peak) if peak else None

    columns: list[Column[Report]] = [
        Column("network", "network", lambda report: report.network.name),
        Column("year", "year", lambda report: report.network.year or None, "number", rank=4),
        Column("layers", "layers", lambda report: report.weight_layers, "number", rank=7),
        Column("input", "input", lambda report: show(report.network.input)),
        Column("output", "output", lambda report: show(report.output), rank=1),
        Column("params", "params", lambda report: report.totals.params, "count"),
        Column("stats", "stats", lambda report: report.totals.stats, "count", rank=3),
        Column("macs", "MACs", lambda report: report.totals.macs, "count"),
        Column("field", "RF", lambda report: _seen(report.field, "size"), "number"),
        Column("jump", "jump", lambda report: _seen(report.field, "jump"), "number", rank=2),
        Column("memory", "memory", lambda report: _memory(report, load), "bytes", rank=6),
        Column("training", "training", lambda report: cost(report, load).training, "bytes"),
        Column("inference", "inference", lambda report: cost(report, load).inference, "bytes"),
        Column("top5-error", "top-5 error", lambda report: round(report.network.top5_error / 100, 6), "error", rank=5),
        Column("unfit", "do not fit", lambda report: len(report.unfit), "count", rank=1),
        Column("floor", "floor", lambda report: one.seconds if (one := least(report)) else None, "seconds"),
        Column("images-per-second", "images/s", lambda report: _rate(least(report)), "count"),
        Column("variant", "what it is", lambda report: report.network.variant, wraps=True),
    ]
    return _able(columns, peak)


def kind(row: Row) -> str:
    """What a row is, in the field's words."""
    word = "LRN" if row.word == "local-response-norm" else row.word
    return f"{row.kind} {word}" if word == "pool" else row.kind or word


def short(values: tuple[int, ...]) -> str:
    """One number where all are equal."""
    return str(values[0]) if len(set(values)) == 1 else ",".join(map(str, values))


def _share(row: Row, part: int, whole: int) -> float | None:
    """A row's part of the main path's total; heads have none in it."""
    return part / whole if whole and not row.head else None


def _seen(field: tuple[Field, Field] | None, what: str) -> Value:
    if field is None:
        return None
    rows, columns = getattr(field[0], what), getattr(field[1], what)
    return rows if rows == columns else f"{rows},{columns}"


def _rate(found: Roofline | None) -> int | None:
    return round(found.rate(found.seconds)) if found else None


def _bytes(row: Row, load: Workload) -> int:
    return row.activations * load.images * load.bytes


def _memory(report: Report, load: Workload) -> int:
    """Activations of the main path, the input among them."""
    values = prod(report.network.input) + sum(row.activations for row in report.main)
    return values * load.images * load.bytes
