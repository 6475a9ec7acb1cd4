"""Sizes as tables for people and documents for programs."""

from typing import Any

from rich.console import Group, RenderableType
from rich.constrain import Constrain
from rich.table import Table
from rich.text import Text

from cnncli.networks.network import Network
from cnncli.sizing.report import CONVENTION, Report, Row, Windows
from cnncli.sizing.size import show

# Columns that sentences are wrapped to, however wide the terminal is.
SENTENCE = 80


def table(report: Report) -> RenderableType:
    """A row a layer, the totals, what does not fit, and what was counted."""
    network, totals = report.network, report.totals
    heading = Text(f"{network.name}  {show(network.input)}", style="bold")
    if network.variant:
        heading.append(f"\n{network.variant}", style="not bold")
    if network.paper:
        heading.append(f"\n{source(network)}", style="not bold dim")
    body = _columns("layer", "kind", "window", "stride", "pad", "output", "params", "MACs", "RF", "jump")
    for row in report.rows:
        body.add_row(row.path, _kind(row), *_window(row), show(row.output), *_counts(row), *_field(row))
    body.add_section()
    body.add_row("total", "", "", "", "", show(report.output), f"{totals.params:,}", f"{totals.macs:,}", *_seen(report))
    notes = [f"{row.path}: {note}" for row in report.rows if row.windows for note in unfit(row.windows)]
    lines = [Text(note, style="yellow") for note in notes]
    if totals.stats:
        lines.append(Text(f"BatchNorm statistics: {totals.stats:,}"))
    if report.has_heads:
        lines.append(Text(f"with auxiliary heads: {totals.params_with_heads:,} parameters"))
    return Group(Constrain(heading, SENTENCE), body, *lines, Constrain(Text(CONVENTION, style="dim"), SENTENCE))


def source(network: Network) -> str:
    """Where a network was published: paper, year and table."""
    return network.paper + f" ({network.year})" * (network.year > 0) + f", {network.table}" * bool(network.table)


def _columns(*names: str) -> Table:
    body = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for name in names:
        right = name in ("params", "MACs", "RF", "jump")
        body.add_column(name, justify="right" if right else "left", overflow="fold")
    return body


def _kind(row: Row) -> str:
    head = " (head)" if row.head else ""
    groups = f", {row.groups} groups" if row.groups > 1 else ""
    return (f"{row.kind} {row.word}" if row.word == "pool" else row.kind or row.word) + groups + head


def _window(row: Row) -> tuple[str, str, str]:
    if row.windows is None:
        return "", "", ""
    return show(row.windows.window), _short(row.windows.stride), _short(row.windows.padding)


def _short(values: tuple[int, ...]) -> str:
    return str(values[0]) if len(set(values)) == 1 else ",".join(map(str, values))


def _counts(row: Row) -> tuple[str, str]:
    return (f"{row.params:,}" if row.params else "", f"{row.macs:,}" if row.macs else "")


def _field(row: Row) -> tuple[str, str]:
    if row.field is None:
        return "", ""
    return _short((row.field[0].size, row.field[1].size)), _short((row.field[0].jump, row.field[1].jump))


def _seen(report: Report) -> tuple[str, str]:
    field = report.field
    if field is None:
        return "", ""
    return _short((field[0].size, field[1].size)), _short((field[0].jump, field[1].jump))


def unfit(windows: Windows) -> list[str]:
    """What does not fit, in words, for each axis that differs."""
    said: dict[str, None] = {}
    for fit in (windows.rows, windows.columns):
        exact = f"{float(fit.exact):g}"
        if fit.dropped:
            said[f"{exact} rounded down to {fit.out}: {pixels(fit.dropped)} dropped"] = None
        if fit.added:
            said[f"{exact} rounded up to {fit.out}: {pixels(fit.added)} added"] = None
    return list(said)


def pixels(count: int) -> str:
    """`1 pixel`, `2 pixels`."""
    return f"{count} pixel" if count == 1 else f"{count} pixels"


def document(report: Report) -> dict[str, Any]:
    """`cnncli.size/1`."""
    totals: dict[str, Any] = {
        "params": report.totals.params,
        "stats": report.totals.stats,
        "macs": report.totals.macs,
        "connections": report.totals.connections,
    }
    if report.has_heads:
        totals |= {"params_with_heads": report.totals.params_with_heads}
        totals |= {"stats_with_heads": report.totals.stats_with_heads}
    network = report.network
    return {
        "schema": "cnncli.size/1",
        "network": network.name,
        "input": list(network.input),
        "output": list(report.output),
        "paper": network.paper,
        "year": network.year or None,
        "table": network.table,
        "variant": network.variant,
        "rows": [_row(row) for row in report.rows],
        "totals": totals,
        "receptive_field": [axis.size for axis in report.field] if report.field else None,
        "jump": [axis.jump for axis in report.field] if report.field else None,
        "convention": CONVENTION,
    }


def _row(row: Row) -> dict[str, Any]:
    windows = row.windows
    return {
        "path": row.path,
        "layer": row.word,
        "kind": row.kind or None,
        "window": list(windows.window) if windows else None,
        "stride": list(windows.stride) if windows else None,
        "padding": list(windows.padding) if windows else None,
        "groups": row.groups,
        "output": list(row.output),
        "params": row.params,
        "stats": row.stats,
        "macs": row.macs,
        "connections": row.connections,
        "receptive_field": [axis.size for axis in row.field] if row.field else None,
        "jump": [axis.jump for axis in row.field] if row.field else None,
        "dropped": [windows.rows.dropped, windows.columns.dropped] if windows else None,
        "added": [windows.rows.added, windows.columns.added] if windows else None,
        "head": row.head,
    }
