"""Attacks and what came of them as a document: what `cnncli.adversarial/1` holds of a sheet, and of a curve."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cnncli.console.robustness import points

if TYPE_CHECKING:
    from cnncli.visualize.adversarial import Attempt, Plan, Seen
    from cnncli.visualize.epsilons import Curve
    from cnncli.visualize.picked import Picked


def images(picked: "Picked", before: "Seen", attempts: Sequence["Attempt"], classes: Sequence[str]) -> dict[str, Any]:
    """Each image with what the network says of it, before and after each attack."""
    found = []
    for at, (name, label) in enumerate(zip(picked.names, picked.labels, strict=True)):
        original = {"label": None if label is None else classes[label], **_said(before, at, classes)}
        results = [
            {
                "by": one.plan.by,
                **_said(one.after, at, classes),
                "fooled": bool(one.fooled[at]),
                "fooled_when_rounded": bool(one.whole[at]),
            }
            for one in attempts
        ]
        found.append({"image": name, **original, "attacks": results})
    return {"attacks": [_plan(one.plan, classes) for one in attempts], "images": found}


def curves(found: Sequence["Curve"], classes: Sequence[str]) -> dict[str, Any]:
    """Each attack with the accuracy at each radius."""
    every = [{**_plan(curve.plan, classes), "points": points(curve.points, "epsilon")} for curve in found]
    return {"count": found[0].points[0].count, "curves": every}


def _plan(plan: "Plan", classes: Sequence[str]) -> dict[str, Any]:
    free = plan.by == "ascent"
    return {
        "by": plan.by,
        "ball": None if free else plan.ball.norm,
        "epsilon": None if free else plan.ball.radius,
        "steps": plan.steps,
        "target": None if plan.target is None else classes[plan.target],
    }


def _said(found: "Seen", at: int, classes: Sequence[str]) -> dict[str, Any]:
    label = int(found.predicted[at])
    return {"predicted": classes[label], "confidence": float(found.probabilities[at, label])}
