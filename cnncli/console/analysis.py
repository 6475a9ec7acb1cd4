"""What XLA counts, beside what sizing counts, as a table and a document."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cnncli.console import terminal

if TYPE_CHECKING:
    from cnncli.training.analysis import Analysis, Work

COUNTED = (
    "FLOPs, of the whole batch, are XLA's count before it optimizes. Memory, on each device, is that of the program it "
    "compiles, with copies and what normalization and activation keep for the backward pass; sizing counts neither."
)
# Why the FLOPs differ: a label, its value, and what it means.
_REASONS: tuple[tuple[str, Callable[["Work"], int], str], ...] = (
    ("padding", lambda work: work.apart.padding, "XLA counts no multiplication with padding."),
    (
        "zeros",
        lambda work: work.apart.zeros,
        "Zeros are multiplied where a banded matrix is faster than a small convolution, and where a partial "
        "convolution has no connection.",
    ),
    ("first layers", lambda work: work.apart.inputs, "First layers need no gradient of their input."),
    (
        "all else",
        lambda work: work.rest,
        "All else: bias, normalization, activation, pooling; in training also loss, augmentation and optimizer.",
    ),
)
# A figure a row: its label, its value, and how it is written.
_FIGURES: tuple[tuple[str, Callable[["Work"], float | None], str], ...] = (
    ("FLOPs, sizing", lambda work: work.sized_flops, ","),
    *((label, value, "+,") for label, value, _ in _REASONS),
    ("FLOPs, XLA", lambda work: work.flops, ","),
    ("XLA/sizing", lambda work: work.flops_ratio, ".3f"),
    ("bytes, sizing", lambda work: work.sized_bytes, ","),
    ("arguments", lambda work: work.arguments, ","),
    ("results", lambda work: work.results, ","),
    ("temporaries", lambda work: work.temporaries, ","),
    ("bytes, XLA", lambda work: work.bytes, ","),
    ("XLA/sizing", lambda work: work.bytes_ratio, ".3f"),
    ("bytes moved", lambda work: work.moved, ","),
)


def tables(found: "Analysis") -> list[RenderableType]:
    """A row a figure, the forward pass beside the training step; what is nothing in both is left out."""
    load = found.load
    devices = f"{load.devices} x {found.platform}" if load.devices > 1 else found.platform
    title = Text(f"XLA on {devices}, batch {load.batch}, {load.dtype}, {load.optimizer}", style="bold")
    body = Table(box=None, pad_edge=False, show_edge=False, header_style="bold")
    body.add_column("")
    for header in ("forward\npass", "training\nstep"):
        body.add_column(header, justify="right", no_wrap=True)
    both = found.forward, found.step
    for label, figure, form in _FIGURES:
        values = [figure(work) for work in both]
        if any(values):
            body.add_row(label, *(format(value, form) if value else "" for value in values))
    reasons = [meaning for _, value, meaning in _REASONS if any(value(work) for work in both)]
    return [title, body, terminal.sentence(Text(" ".join([COUNTED, *reasons]), style="dim"))]


def document(found: "Analysis") -> dict[str, Any]:
    """The part `xla` of `cnncli.summary/1`."""
    load = found.load
    return {
        "platform": found.platform,
        "devices": load.devices,
        "batch": load.batch,
        "dtype": load.dtype,
        "optimizer": load.optimizer,
        "forward": _work(found.forward),
        "training_step": _work(found.step),
    }


def _work(work: "Work") -> dict[str, Any]:
    return {
        "flops": work.flops,
        "sizing_flops": work.sized_flops,
        "flops_ratio": work.flops_ratio,
        "apart": {
            "padding": work.apart.padding,
            "zeros": work.apart.zeros,
            "first_layers": work.apart.inputs,
            "all_else": work.rest,
        },
        "bytes": work.bytes,
        "sizing_bytes": work.sized_bytes,
        "bytes_ratio": work.bytes_ratio,
        "argument_bytes": work.arguments,
        "result_bytes": work.results,
        "temporary_bytes": work.temporaries,
        "moved_bytes": work.moved,
    }
