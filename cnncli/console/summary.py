"""What was built, and what was trained, as tables and documents."""

from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cnncli.sizing.size import show

if TYPE_CHECKING:
    from cnncli.models.summary import Summary


def tables(
    built: "Summary", facts: dict[str, Any] | None = None, recipe: dict[str, Any] | None = None
) -> list[RenderableType]:
    """The run, where there is one, then its arrays and their totals."""
    network = built.report.network
    body = Table(box=None, pad_edge=False, show_edge=False, header_style="bold")
    for header in ("array", "shape", "type", "values", "bytes"):
        body.add_column(header, justify="right" if header in ("values", "bytes") else "left", overflow="fold")
    for leaf in built.leaves:
        kind = leaf.dtype if leaf.trained else f"{leaf.dtype}, statistic"
        body.add_row(leaf.path, show(leaf.shape), kind, f"{leaf.count:,}", f"{leaf.bytes:,}")
    body.add_section()
    body.add_row("total", "", "", f"{built.params + built.stats:,}", f"{built.bytes:,}")
    apart = f"trained {built.params:,}, BatchNorm statistics {built.stats:,}; initialization {network.init}"
    head: list[RenderableType] = [] if facts is None or recipe is None else [_run(facts, recipe), Text()]
    title = Text(f"{network.name}  {show(network.input)} -> {show(built.report.output)}", style="bold")
    return [*head, title, body, Text(apart), Text("sizing and the built model agree", style="dim")]


def _run(facts: dict[str, Any], recipe: dict[str, Any]) -> Table:
    body = Table(box=None, pad_edge=False, show_edge=False, show_header=False)
    body.add_column()
    body.add_column(overflow="fold")
    for key, value in _said(facts, recipe).items():
        body.add_row(key, value)
    return body


def _said(facts: dict[str, Any], recipe: dict[str, Any]) -> dict[str, str]:
    """A run in words: what was trained, on what, how far, where."""
    device, optimizer = facts.get("device", {}), recipe.get("optimizer", {})
    said = {
        "status": facts.get("status", "unknown"),
        "trained on": f"{facts.get('dataset')}, read from {facts.get('data', {}).get('read_from')}",
        "recipe": f"epochs {recipe.get('epochs')}, batch {recipe.get('batch_size')}, {optimizer.get('name')} at "
        f"{optimizer.get('lr')}, {recipe.get('schedule', {}).get('name')}, augment "
        f"{recipe.get('augment', {}).get('name')}, seed {recipe.get('seed')}",
        "device": f"{device.get('count')} x {device.get('platform')} ({device.get('kind')})",
        "started": str(facts.get("started")),
    }
    if "train_seconds" in facts:
        said["time"] = (
            f"{facts['train_seconds']:.1f} s of training, {facts.get('compile_seconds', 0):.1f} s of compilation"
        )
    if best := facts.get("best"):
        said["best"] = f"epoch {best['epoch']}: validation accuracy {best['val_accuracy']:.2%}"
    if last := facts.get("last"):
        said["last"] = f"epoch {last['epoch']}: training accuracy {last['train_accuracy']:.2%}"
    return said


def document(
    built: "Summary", facts: dict[str, Any] | None = None, recipe: dict[str, Any] | None = None
) -> dict[str, Any]:
    """`cnncli.summary/1`."""
    network = built.report.network
    return {
        "schema": "cnncli.summary/1",
        "network": network.name,
        "input": list(network.input),
        "output": list(built.report.output),
        "init": network.init,
        "arrays": [
            {
                "path": leaf.path,
                "shape": list(leaf.shape),
                "dtype": leaf.dtype,
                "trained": leaf.trained,
                "values": leaf.count,
                "bytes": leaf.bytes,
            }
            for leaf in built.leaves
        ],
        "totals": {"params": built.params, "stats": built.stats, "bytes": built.bytes},
        "run": facts,
        "recipe": recipe,
    }
