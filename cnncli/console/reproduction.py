"""A claim and what came of it, as lines and as a document."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.text import Text

if TYPE_CHECKING:
    from cnncli.training.claims import Reproduction


def lines(name: str, found: "Reproduction", runs: list[str], changes: Mapping[str, Any]) -> list[RenderableType]:
    """Each run's accuracy, their mean and spread, what was changed in the recipe, and the verdict.

    Where seeds are left, mean and verdict are those so far, and say so.
    """
    claim = found.claim
    spread = "" if found.deviation is None else f", standard deviation {found.deviation:.2%}"
    published = claim.source if claim.published is None else f"published {claim.published:.2%} ({claim.source})"
    verdict = {True: ("met", "green"), False: ("not met", "red"), None: ("nothing to meet", "")}[found.met]
    of, so_far = (f" of {len(runs) + found.left}", " so far") if found.left else ("", "")
    return [
        *(Text(f"{run}  {accuracy:.2%}") for run, accuracy in zip(runs, found.accuracies, strict=True)),
        Text(f"{name}: mean{so_far} {found.mean:.2%}{spread}, n = {len(runs)}{of}; {published}"),
        *([Text("changed: " + ", ".join(f"{key} = {value}" for key, value in changes.items()))] if changes else []),
        Text.assemble(f"{claim.wanted}: ", verdict, so_far),
    ]


def document(name: str, found: "Reproduction", runs: list[str], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`cnncli.reproduction/1`."""
    claim = found.claim
    return {
        "schema": "cnncli.reproduction/1",
        "claim": name,
        "network": claim.network,
        "dataset": claim.dataset,
        "recipe": claim.recipe or None,
        "changes": dict(changes),
        "published": claim.published,
        "wanted": claim.wanted,
        "source": claim.source,
        "left": found.left,
        "runs": [{"run": run, "accuracy": one} for run, one in zip(runs, found.accuracies, strict=True)],
        "mean": found.mean,
        "standard_deviation": found.deviation,
        "met": found.met,
    }
