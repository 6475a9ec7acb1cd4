"""What was built, and what was trained, as tables and documents."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cnncli.console import analysis, terminal
from cnncli.console.importing import preprocessing
from cnncli.console.runs import device
from cnncli.sizing.size import show

if TYPE_CHECKING:
    from cnncli.models.summary import Summary
    from cnncli.training.analysis import Analysis


# Flax's own table is what people know; it counts otherwise.
CONVENTION = (
    "Parameters are trained and frozen values; nnx.tabulate adds statistics and random state to its Total Parameters. "
    "Random state is what dropout would keep to draw by; here every step is given a key."
)


@dataclass(frozen=True)
class Run:
    """What run.json and recipe.toml say of a run."""

    facts: dict[str, Any]
    recipe: dict[str, Any]


def tables(built: "Summary", run: Run | None = None, xla: "Analysis | None" = None) -> list[RenderableType]:
    """The run, where there is one, then its arrays and their totals, then what XLA says, where it was asked."""
    network = built.report.network
    body = Table(box=None, pad_edge=False, show_edge=False, header_style="bold")
    for header in ("array", "shape", "type", "starts as", "values", "bytes"):
        right, whole = header in ("values", "bytes"), header in ("shape", "values", "bytes")
        body.add_column(header, justify="right" if right else "left", overflow="fold", no_wrap=whole)
    for leaf in built.leaves:
        kind = leaf.dtype if leaf.kind == "trained" else f"{leaf.dtype}, {leaf.kind}"
        body.add_row(leaf.path, show(leaf.shape), kind, leaf.init, f"{leaf.count:,}", f"{leaf.bytes:,}")
    body.add_section()
    body.add_row("total", "", "", "", f"{sum(leaf.count for leaf in built.leaves):,}", f"{built.bytes:,}")
    apart = (
        f"trained {built.count('trained'):,}, BatchNorm statistics {built.count('statistic'):,}, "
        f"frozen {built.count('frozen'):,}, random state {built.count('random'):,}; initialization {network.init}"
    )
    totals = built.report.totals
    if built.report.has_heads:
        apart += f"\nauxiliary heads, for training only, among them: without, {totals.params:,} parameters"
    head = [_run(run), Text()] if run else []
    tail = [Text(), *analysis.tables(xla)] if xla else []
    title = Text(f"{network.name}  {show(network.input)} -> {show(built.report.output)}", style="bold")
    said = terminal.sentence(Text(CONVENTION, style="dim"))
    return [*head, title, body, Text(apart), said, Text("sizing and the built model agree", style="dim"), *tail]


def _run(run: Run) -> RenderableType:
    body = Table(box=None, pad_edge=False, show_edge=False, show_header=False)
    body.add_column()
    body.add_column(overflow="fold")
    for key, value in in_words(run.facts, run.recipe).items():
        body.add_row(key, value)
    return body


def in_words(facts: dict[str, Any], recipe: dict[str, Any]) -> dict[str, str]:
    """A run in words: what was trained, on what, how far, where; or where its weights are from."""
    if facts.get("status") == "imported" and "weights" in facts:
        return _imported(facts, facts["weights"])
    optimizer = recipe.get("optimizer", {})
    said = {
        "status": facts.get("status", "unknown"),
        "trained on": f"{facts.get('dataset')}, read from {facts.get('data', {}).get('read_from')}",
        "recipe": f"epochs {recipe.get('epochs')}, batch {recipe.get('batch_size')}, {optimizer.get('name')} at "
        f"{optimizer.get('lr')}, {recipe.get('schedule', {}).get('name')}, augment "
        f"{_changes(recipe.get('augment'))}, seed {recipe.get('seed')}",
        "device": device(facts),
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


def _imported(facts: dict[str, Any], weights: dict[str, Any]) -> dict[str, str]:
    """Weights from a file: which, whose, and what they take."""
    return {
        "status": facts["status"],
        "weights": f"{weights['file']}, SHA-256 {weights['sha256']}",
        "source": weights["source"] or "not said",
        "licence": weights["licence"] or "not said",
        "imported": facts["started"],
        "images": preprocessing(weights["preprocessing"]),
    }


def document(built: "Summary", run: Run | None = None, xla: "Analysis | None" = None) -> dict[str, Any]:
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
                "kind": leaf.kind,
                "trained": leaf.kind == "trained",
                "init": leaf.init or None,
                "values": leaf.count,
                "bytes": leaf.bytes,
            }
            for leaf in built.leaves
        ],
        "totals": {
            "params": built.params,
            "trained": built.count("trained"),
            "frozen": built.count("frozen"),
            "stats": built.count("statistic"),
            "random": built.count("random"),
            "bytes": built.bytes,
        },
        "run": run.facts if run else None,
        "recipe": run.recipe if run else None,
        "xla": analysis.document(xla) if xla else None,
    }


def _changes(augment: Any) -> str:
    """The names of a recipe's augmentations."""
    return ", ".join(str(step["name"]) for step in augment or []) or "none"
