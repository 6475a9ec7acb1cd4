"""Published weights as a table and a document, and the command that imports them."""

import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType

from cnncli.console.grid import Column, Grid, table

if TYPE_CHECKING:
    from cnncli.weights.published import Published


def listed(known: Iterable["Published"]) -> RenderableType:
    """A row for each of the weights; their addresses and preprocessing are in the document."""
    columns: tuple[Column[Published], ...] = (
        Column("weights", "weights", lambda one: one.name),
        Column("network", "network", lambda one: one.network, rank=3),
        Column("top1", "top-1", lambda one: one.top1 or None, "error"),
        Column("top5", "top-5", lambda one: one.top5 or None, "error", rank=2),
        Column("size", "size", lambda one: round(one.mebibytes * 2**20) or None, "bytes", rank=6),
        Column("sha256", "SHA-256", lambda one: f"{one.sha256}..." if one.sha256 else "", rank=5),
        Column("licence", "licence", lambda one: one.licence, rank=4),
        Column("address", "address", lambda one: one.address, rank=1),
    )
    return table(Grid(columns, tuple(known)))


def listed_document(known: Iterable["Published"]) -> dict[str, Any]:
    """`cnncli.weights/1`: sizes in MiB, accuracies as fractions; what is not known is null."""
    return {
        "schema": "cnncli.weights/1",
        "weights": [
            {
                "name": one.name,
                "network": one.network,
                "address": one.address,
                "mebibytes": one.mebibytes or None,
                "sha256_prefix": one.sha256 or None,
                "licence": one.licence,
                "top1": one.top1 or None,
                "top5": one.top5 or None,
                "preprocessing": one.preprocessing.to_table(),
                "transform_input": one.transform_input,
                "labels": one.labels,
            }
            for one in known
        ],
    }


def import_command(file: Path, weights: "Published") -> str:
    """The command line that makes a run of a file that was fetched."""
    how = weights.preprocessing
    words = ["cnncli", "weights", "import", str(file), "--network", weights.network]
    words += ["--source", weights.address, "--licence", weights.licence]
    # What importing takes for granted need not be said.
    words += ["--resize", str(how.resize)] if how.resize != 256 else []
    words += ["--interpolation", how.interpolation] if how.interpolation != "bilinear" else []
    words += ["--transform-input"] if weights.transform_input else []
    return shlex.join(words)
