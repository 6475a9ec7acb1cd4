"""What there is by name, as tables and documents."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cnncli.console.columns import of_networks
from cnncli.console.grid import Grid, chosen, table
from cnncli.data.facts import Facts
from cnncli.sizing.report import Report
from cnncli.sizing.size import show
from cnncli.sizing.workload import Workload

if TYPE_CHECKING:
    from cnncli.data.check import Finding


def _table(*headers: str, right: tuple[str, ...] = ()) -> Table:
    body = Table(box=None, pad_edge=False, show_edge=False, header_style="bold")
    for header in headers:
        body.add_column(header, justify="right" if header in right else "left", overflow="fold")
    return body


NETWORKS = ("network", "year", "layers", "input", "params", "macs", "top5-error", "variant")


def networks(reports: Iterable[Report]) -> RenderableType:
    """A row a network; its paper is in the document, and in what `cnncli size` says."""
    return table(Grid(chosen(of_networks(Workload()), NETWORKS), tuple(reports)))


def networks_document(reports: Iterable[Report]) -> dict[str, Any]:
    """`cnncli.networks/1`."""
    return {
        "schema": "cnncli.networks/1",
        "networks": [
            {
                "name": report.network.name,
                "year": report.network.year or None,
                "weight_layers": report.weight_layers,
                "top5_error": round(report.network.top5_error / 100, 6) or None,
                "input": list(report.network.input),
                "params": report.totals.params,
                "stats": report.totals.stats,
                "macs": report.totals.macs,
                "variant": report.network.variant,
                "paper": report.network.paper,
                "table": report.network.table,
            }
            for report in reports
        ],
    }


def datasets(facts: Iterable[Facts]) -> Table:
    """A row a dataset."""
    body = _table("dataset", "images", "classes", "train", "test", "what it is", right=("classes", "train", "test"))
    for one in facts:
        counts = (str(len(one.classes)), f"{one.train:,}", f"{one.test:,}")
        body.add_row(one.name, show(one.shape), *counts, one.title)
    return body


def datasets_document(facts: Iterable[Facts]) -> dict[str, Any]:
    """`cnncli.datasets/1`."""
    return {
        "schema": "cnncli.datasets/1",
        "datasets": [
            {
                "name": one.name,
                "title": one.title,
                "shape": list(one.shape),
                "classes": list(one.classes),
                "train": one.train,
                "test": one.test,
                "mean": list(one.mean),
                "deviation": list(one.deviation),
                "source": one.source,
            }
            for one in facts
        ],
    }


def recipes(known: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Table:
    """A row a recipe."""
    body = _table("recipe", "network", "epochs", "source", right=("epochs",))
    for network, named in known.items():
        for name, recipe in named.items():
            body.add_row(name, network, str(recipe["epochs"]), str(recipe["source"]))
    return body


def recipes_document(known: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """`cnncli.recipes/1`."""
    return {
        "schema": "cnncli.recipes/1",
        "recipes": [
            {"name": name, "network": network, **table}
            for network, named in known.items()
            for name, table in named.items()
        ],
    }


def methods(known: Mapping[str, str]) -> Table:
    """A row a method of `cnncli visualize`."""
    body = _table("method", "what it shows")
    for name, shows in known.items():
        body.add_row(name, shows)
    return body


def methods_document(known: Mapping[str, str]) -> dict[str, Any]:
    """`cnncli.methods/1`."""
    return {
        "schema": "cnncli.methods/1",
        "methods": [{"name": name, "shows": shows} for name, shows in known.items()],
    }


def findings(found: Iterable["Finding"]) -> Table:
    """A row a file."""
    body = _table("dataset", "file", "state")
    for one in found:
        body.add_row(one.dataset, one.file, Text("ok", "green") if one.ok else Text(one.problem, "red"))
    return body


def findings_document(found: Iterable["Finding"]) -> dict[str, Any]:
    """`cnncli.check/1`."""
    return {
        "schema": "cnncli.check/1",
        "files": [{"dataset": one.dataset, "file": one.file, "ok": one.ok, "problem": one.problem} for one in found],
    }
