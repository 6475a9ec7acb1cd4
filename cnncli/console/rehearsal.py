"""A training that has not happened: what it would take, as text and as a document."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tomli_w
from rich.console import RenderableType
from rich.text import Text

from cnncli.console.grid import memory, time
from cnncli.console.source import Source
from cnncli.sizing.report import Report
from cnncli.sizing.workload import Workload, cost

if TYPE_CHECKING:
    from cnncli.training.probe import Timing


@dataclass(frozen=True)
class Plan:
    """A resolved recipe, the network's sizes, the steps, and what a few of them took.

    `state` is the memory in bytes of all that changes in training, on each of `devices`. `learning` are the epochs in
    which layers begin to train, with how many parameters. Where features are computed once, `cut` is the last layer
    below, and the sizes of what is trained on them.
    """

    recipe: Mapping[str, Any]
    report: Report
    steps: int
    per_epoch: int
    state: int
    devices: int
    timing: "Timing"
    learning: tuple[tuple[int, int], ...]
    cut: tuple[str, Report] | None = None

    @property
    def bytes(self) -> int:
        """Memory of a training step on each device: the state, gradients, and what the backward pass needs."""
        part = self.recipe["batch_size"] // self.recipe["accumulate"]
        load = Workload(part, self.recipe["precision"] or "float32", devices=self.devices)
        needed = cost(self.cut[1] if self.cut else self.report, load)
        return self.state + needed.gradients + needed.activations


def lines(plan: Plan) -> list[RenderableType]:
    """The recipe as TOML, then what it would take, as comments: all of it is a recipe file."""
    timing, recipe = plan.timing, plan.recipe
    most = "at most " if recipe["stop"]["name"] != "none" else ""
    once = f", {time(timing.features)} for features up to {plan.cut[0]}" if plan.cut else ""
    return [
        Source(tomli_w.dumps({key: value for key, value in recipe.items() if value != ""})),
        Text(),
        Text(f"# {_network(plan)}: {plan.report.totals.params_with_heads:,} parameters{_learning(plan)}"),
        Text(f"# {most}{plan.steps:,} steps, {plan.per_epoch:,} an epoch, of {recipe['batch_size']} images"),
        Text(f"# memory of a step: about {memory(plan.bytes)}" + " on each device" * (plan.devices > 1)),
        Text(f"# time: {most}about {_long(timing.total)}, of which {time(timing.compile)} to compile{once}"),
        Text(f"# measured: {time(timing.step)} a step; validation and checkpoints come on top"),
    ]


def _network(plan: Plan) -> str:
    """The network as it is trained: its input and classes may be the dataset's instead of its own."""
    network, classes = plan.report.network, plan.report.output[-1]
    return f"{network.name} at {'x'.join(map(str, network.input))}, {classes} classes"


def _learning(plan: Plan) -> str:
    """How many parameters train, and from when on more do; nothing where all of them do."""
    (_, first), *later = plan.learning
    if not later and first == plan.report.totals.params_with_heads:
        return ""
    return f", of which {first:,} train" + "".join(f", from epoch {epoch} on {more:,} more" for epoch, more in later)


def _long(seconds: float) -> str:
    """A duration in the unit that people would say it in."""
    for unit, size in (("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} second{'s' * (round(seconds) != 1)}"


def document(plan: Plan) -> dict[str, Any]:
    """`cnncli.plan/1`."""
    return {
        "schema": "cnncli.plan/1",
        "network": plan.report.network.name,
        "recipe": dict(plan.recipe),
        "params": plan.report.totals.params_with_heads,
        "phases": [{"epoch": epoch, "params": more} for epoch, more in plan.learning],
        "features": plan.cut[0] if plan.cut else None,
        "steps": plan.steps,
        "steps_per_epoch": plan.per_epoch,
        "memory_bytes": plan.bytes,
        "devices": plan.devices,
        "step_seconds": plan.timing.step,
        "compile_seconds": plan.timing.compile,
        "total_seconds": plan.timing.total,
    }
