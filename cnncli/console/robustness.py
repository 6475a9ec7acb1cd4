"""Accuracies at rising strengths as documents."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cnncli.visualize.accuracies import Accuracy
    from cnncli.visualize.robustness import Sweep


def document(sweeps: Sequence["Sweep"]) -> dict[str, Any]:
    """What `cnncli.robustness/1` holds of each kind of change: the accuracy at each strength."""
    every = [{"change": sweep.change, "points": points(sweep.points)} for sweep in sweeps]
    return {"count": sweeps[0].clean.count, "accuracy": sweeps[0].clean.share, "changes": every}


def points(found: Sequence["Accuracy"], name: str = "strength") -> list[dict[str, float]]:
    """Accuracies with their 95 % intervals, fractions all."""
    return [
        {name: one.strength, "accuracy": one.share, "low": one.interval[0], "high": one.interval[1]} for one in found
    ]
