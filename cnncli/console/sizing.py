"""A network's sizes as a sheet for people, and as a table for spreadsheets and texts."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

from rich.console import RenderableType
from rich.text import Text

from cnncli.console import columns, terminal
from cnncli.console.calculator import remedies
from cnncli.console.grid import Column, Grid, chosen, marked, table, time, written
from cnncli.networks.network import Network
from cnncli.sizing.axis import axes
from cnncli.sizing.explain import explain
from cnncli.sizing.inputs import nearest_fit
from cnncli.sizing.report import CONVENTION, Report, Row, fold
from cnncli.sizing.roofline import FLOORS, Peak, Roofline, roofline
from cnncli.sizing.size import show
from cnncli.sizing.workload import COSTS, Cost, Workload, cost


@dataclass(frozen=True)
class Sheet:
    """How a report is to be shown: its workload, a device's limits, the columns asked for, and how deep."""

    load: Workload
    loaded: bool = False
    peak: Peak | None = None
    columns: str | None = None
    depth: int | None = None
    explain: bool = False

    def rows(self, report: Report) -> tuple[Row, ...]:
        """The rows, folded."""
        return fold(report.rows, self.depth) if self.depth else report.rows

    def keys(self, report: Report) -> tuple[str, ...]:
        """The columns to show."""
        known = columns.of_layers(report, self.load, self.peak)
        return columns.usual(known, self.rows(report)) if self.columns is None else columns.asked(self.columns, known)

    def grid(self, report: Report) -> Grid[Row]:
        """The input, a row a layer, and the totals, under the columns."""
        known = columns.of_layers(report, self.load, self.peak)
        shape = report.network.input
        image = Row("input", "input", "", shape, shape, activations=prod(shape))
        return Grid(chosen(known, self.keys(report)), (image, *self.rows(report)), totals=True)


def sheet(report: Report, how: Sheet) -> list[RenderableType]:
    """Heading, table or explanations, what does not fit, memory, floors, and what was counted."""
    body: list[RenderableType] = [heading(report.network)]
    if how.explain:
        body += _explained(report, how)
    else:
        body.append(table(how.grid(report), adapt=how.columns is None))
    body += [Text(note, style="yellow") for note in notes(report)]
    if report.has_heads:
        totals = report.totals
        stats = f", {totals.stats_with_heads:,} statistics" if totals.stats else ""
        body.append(
            Text(f"auxiliary heads are not in the totals; with them {totals.params_with_heads:,} parameters{stats}")
        )
    said = [CONVENTION]
    if how.loaded:
        body += ["", *_costs(cost(report, how.load), how.load)]
        said.append(COSTS)
    if how.peak:
        body += ["", *_limits(roofline(report, how.load, how.peak))]
        said.append(FLOORS)
    return [*body, *(terminal.sentence(Text(text, style="dim")) for text in said)]


def heading(network: Network) -> RenderableType:
    """Name and input, what it is, and where it was published."""
    text = Text(f"{network.name}  {show(network.input)}", style="bold")
    if network.variant:
        text.append(f"\n{network.variant}", style="not bold")
    if network.paper:
        text.append(f"\n{source(network)}", style="not bold dim")
    return terminal.sentence(text)


def source(network: Network) -> str:
    """Where a network was published: paper, year and table."""
    return network.paper + f" ({network.year})" * (network.year > 0) + f", {network.table}" * bool(network.table)


def notes(report: Report) -> list[str]:
    """What does not fit, a line for layers with the same windows at the same size, and the nearest input that fits."""
    said: dict[str, list[str]] = {}
    for row in report.unfit:
        assert row.windows
        rows, columns = axes(row.input, row.windows)
        square = rows.formula == columns.formula
        for axis in (rows,) if square else (rows, columns):
            if not axis.fits:
                name = "" if square else f"{axis.name} "
                note = f"{name}{axis.verdict}; {remedies(axis)}"
                said.setdefault(note, []).append(row.path)
    lines = [f"{', '.join(paths)}: {note}" for note, paths in said.items()]
    if lines and (found := nearest_fit(report.network)):
        lines.append(f"every window fits at input {show(found)}")
    return lines


def _explained(report: Report, how: Sheet) -> Iterable[RenderableType]:
    """Each row with its formulas."""
    for row in how.rows(report):
        head = " (auxiliary head)" if row.head else ""
        yield Text.assemble((row.path, "bold"), f"  {what(row)}  {show(row.input)} -> {show(row.output)}{head}")
        steps = explain(row, how.load)
        width = max((len(step.what) for step in steps), default=0)
        for step in steps:
            yield Text(f"  {step.what:{width}}  {step.formula}" + f"  ({step.note})" * bool(step.note))
    totals = report.totals
    yield Text(f"total  {totals.params:,} parameters, {totals.stats:,} statistics, {totals.macs:,} MACs", style="bold")


def what(row: Row) -> str:
    """A layer in a few words: `conv 11x11/4 pad 2, 2 groups`."""
    words = columns.kind(row)
    if row.windows:
        windows = row.windows
        words += f" {show(windows.window)}"
        words += f"/{columns.short(windows.stride)}" * (windows.stride != (1, 1))
        words += f" pad {columns.short(windows.padding)}" * any(windows.padding)
    return words + f", {row.groups} groups" * (row.groups > 1)


def _costs(one: Cost, load: Workload) -> list[RenderableType]:
    """Memory of a training step and of a forward pass on each device, and the operations of a batch."""
    most = "at most " * (load.batch % load.devices > 0)
    split = f", {most}{load.images} images on each of {load.devices} devices" if load.devices > 1 else ""
    heading = Text(f"batch {load.batch} in {load.dtype}, {load.optimizer}{split}", style="bold")
    lines = (
        ("parameters", one.params, one.inference_params),
        ("statistics", one.stats, one.inference_stats),
        ("gradients", one.gradients, 0),
        (f"{load.optimizer} state", one.optimizer, 0),
        ("activations", one.activations, one.working),
    )
    grid = Grid(
        (
            Column("memory", "memory", lambda line: line[0]),
            Column("training", "training", lambda line: line[1], "bytes", one.training),
            Column("inference", "inference", lambda line: line[2], "bytes", one.inference),
        ),
        lines,
        totals=True,
    )
    flops = f"forward {one.forward_flops:,} FLOPs, training {one.training_flops:,} FLOPs a batch"
    return [heading, table(grid), Text(flops)]


def _limits(found: Roofline) -> list[RenderableType]:
    layers = f"layer by layer {time(found.seconds)} a batch: at most {found.rate(found.seconds):,.0f} images a second"
    fused = f"all layers fused {time(found.fused)}: no implementation passes {found.rate(found.fused):,.0f}"
    return [device(found.peak), Text(f"forward, {layers}"), Text(fused)]


def device(peak: Peak) -> Text:
    """A device's limits, and where they are from."""
    name = Text(peak.name, style="bold")
    return name.append(f"  ({peak.source})", style="not bold dim") if peak.source else name


def text(report: Report, how: Sheet, format: str) -> str:
    """The table alone as csv, md or latex; Markdown has heading, notes and convention around it."""
    grid = written(how.grid(report), format)
    if format != "md":
        return grid
    network = report.network
    title = f"**{marked(network.name)}** {show(network.input)}" + f": {marked(network.variant)}" * bool(network.variant)
    remarks = [f"- {marked(note)}" for note in notes(report)]
    parts = [title, marked(source(network)), grid, *remarks, f"_{CONVENTION}_"]
    return "\n\n".join(part for part in parts if part)
